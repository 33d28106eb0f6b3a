#include "unit.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <unistd.h>

#include "far_end.h"

/* The far ends of the living room, met by libmodbus as the bench's side would. */
typedef struct Room {
	WorldFile *file;
	WorldShared shared;
	FarEnd *end;
	modbus_t *ctx;
} Room;

static bool open_room(Room *room, const char *device)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	memset(room, 0, sizeof *room);
	room->file = world_file_load(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", 0, diag);
	if (!room->file)
		return false;
	world_shared_init(&room->shared, room->file, clock_monotonic());
	const FarEndOptions options = {0};
	room->end =
		far_end_new(&room->shared, world_file_device(room->file, device), &options, &error);
	UNIT_OK(room->end, error);
	if (!room->end)
		return false;
	const char *uri = room->end->uri;
	if (g_str_has_prefix(uri, "rtu:")) {
		g_autofree char *path = g_strndup(uri + 4, strcspn(uri + 4, "?"));
		room->ctx = modbus_new_rtu(path, 115200, 'E', 8, 1);
	} else {
		room->ctx = modbus_new_tcp("127.0.0.1", atoi(strrchr(uri, ':') + 1));
	}
	modbus_set_slave(room->ctx, 1);
	modbus_set_response_timeout(room->ctx, 0, 150000);
	return modbus_connect(room->ctx) == 0;
}

static void close_room(Room *room)
{
	if (room->ctx) {
		modbus_close(room->ctx);
		modbus_free(room->ctx);
	}
	far_end_free(room->end);
	world_shared_clear(&room->shared);
	world_file_free(room->file);
}

static void set_fault(Room *room, LinkFaultKind kind, int argument)
{
	link_fault_set(&room->end->fault, kind, 0, CLOCK_NEVER, argument);
}

static void unit_says_who_it_is_and_what_it_measures(void)
{
	Room room;
	CU_ASSERT_TRUE(open_room(&room, "io"));
	uint16_t identity[4], in[7];
	CU_ASSERT_EQUAL(modbus_read_input_registers(room.ctx, 100, 4, identity), 4);
	CU_ASSERT_EQUAL(identity[0], 4117);
	CU_ASSERT_EQUAL(identity[2], 12);
	CU_ASSERT_EQUAL(modbus_read_input_registers(room.ctx, 0, 7, in), 7);
	/* 22 degC on the pan: (0.02003 * 22 + 0.498) V * 6553.5 = 6151; 431.49 N under the chair:
	 * (0.003001 * 431.49 + 0.1992) * 6553.5 = 9791.7; noise is 3 mV = 20 counts, 2 mV = 13 counts. */
	CU_ASSERT_DOUBLE_EQUAL(in[0], 6151, 100);
	CU_ASSERT_DOUBLE_EQUAL(in[6], 9792, 70);
	CU_ASSERT_DOUBLE_EQUAL(in[2], 0.2015 * 6553.5, 70);
	close_room(&room);
}

static void samples_are_counted(void)
{
	Room room;
	CU_ASSERT_TRUE(open_room(&room, "io"));
	uint16_t first = 0, now = 0;
	int64_t until = clock_now(clock_monotonic()) + 2 * CLOCK_S;
	CU_ASSERT_EQUAL(modbus_read_input_registers(room.ctx, 103, 1, &first), 1);
	do {
		CU_ASSERT_EQUAL(modbus_read_input_registers(room.ctx, 103, 1, &now), 1);
	} while (now == first && clock_now(clock_monotonic()) < until);
	/* The machine may take the processor away between two reads, so more than one may have passed. */
	CU_ASSERT_TRUE((uint16_t)(now - first) >= 1 && (uint16_t)(now - first) < 100);
	close_room(&room);
}

static void coil_shuts_the_stove(void)
{
	Room room;
	double closed = -1;
	uint8_t bit = 0;
	CU_ASSERT_TRUE(open_room(&room, "io"));
	CU_ASSERT_EQUAL(modbus_write_bit(room.ctx, 0, 1), 1);
	pthread_mutex_lock(&room.shared.lock);
	plant_read(room.shared.plant, "stove.valve-closed", 0, &closed);
	pthread_mutex_unlock(&room.shared.lock);
	CU_ASSERT_EQUAL(closed, 1);
	CU_ASSERT_EQUAL(modbus_read_bits(room.ctx, 0, 1, &bit), 1);
	CU_ASSERT_EQUAL(bit, 1);
	close_room(&room);
}

static void lamp_takes_its_level_and_refuses_too_much(void)
{
	Room room;
	double level = -1;
	uint16_t back = 0;
	CU_ASSERT_TRUE(open_room(&room, "lamp"));
	CU_ASSERT_EQUAL(modbus_write_register(room.ctx, 0, 300), 1);
	pthread_mutex_lock(&room.shared.lock);
	plant_read(room.shared.plant, "light.level", 0, &level);
	pthread_mutex_unlock(&room.shared.lock);
	CU_ASSERT_DOUBLE_EQUAL(level, 0.3, 1e-12);
	CU_ASSERT_EQUAL(modbus_write_register(room.ctx, 0, 1001), -1);
	CU_ASSERT_EQUAL(errno, EMBXILVAL);
	uint16_t many[1] = {2000};
	CU_ASSERT_EQUAL(modbus_write_registers(room.ctx, 0, 1, many), -1);
	CU_ASSERT_EQUAL(modbus_read_registers(room.ctx, 0, 1, &back), 1);
	CU_ASSERT_EQUAL(back, 300);
	CU_ASSERT_EQUAL(modbus_read_registers(room.ctx, 500, 1, &back), -1);
	CU_ASSERT_EQUAL(errno, EMBXILADD);
	close_room(&room);
}

static int read_once(Room *room)
{
	uint16_t value;
	errno = 0;
	int n = modbus_read_input_registers(room->ctx, 0, 1, &value);
	int saved = errno;
	modbus_flush(room->ctx);
	errno = saved;
	return n;
}

static void each_fault_looks_like_itself(void)
{
	Room room;
	CU_ASSERT_TRUE(open_room(&room, "io"));
	CU_ASSERT_EQUAL(read_once(&room), 1);
	set_fault(&room, LINK_FAULT_SILENT, 0);
	CU_ASSERT_EQUAL(read_once(&room), -1);
	CU_ASSERT_EQUAL(errno, ETIMEDOUT);
	set_fault(&room, LINK_FAULT_CRC, 0);
	CU_ASSERT_EQUAL(read_once(&room), -1);
	CU_ASSERT_EQUAL(errno, EMBBADCRC);
	set_fault(&room, LINK_FAULT_EXCEPTION, 6);
	CU_ASSERT_EQUAL(read_once(&room), -1);
	CU_ASSERT_EQUAL(errno, EMBXSBUSY);
	set_fault(&room, LINK_FAULT_UNIT, 0);
	CU_ASSERT_EQUAL(read_once(&room), -1);
	CU_ASSERT_EQUAL(errno, EMBBADSLAVE);
	set_fault(&room, LINK_FAULT_SHORT, 0);
	CU_ASSERT_EQUAL(read_once(&room), -1);
	set_fault(&room, LINK_FAULT_GARBAGE, 0);
	CU_ASSERT_EQUAL(read_once(&room), -1);
	set_fault(&room, LINK_FAULT_NONE, 0);
	CU_ASSERT_EQUAL(read_once(&room), 1);
	close_room(&room);
}

static void late_answer_comes_late(void)
{
	Room room;
	CU_ASSERT_TRUE(open_room(&room, "lamp"));
	uint16_t value;
	modbus_set_response_timeout(room.ctx, 1, 0);
	set_fault(&room, LINK_FAULT_LATE, 120);
	int64_t start = clock_now(clock_monotonic());
	CU_ASSERT_EQUAL(modbus_read_registers(room.ctx, 0, 1, &value), 1);
	CU_ASSERT_TRUE(clock_now(clock_monotonic()) - start >= 119 * CLOCK_MS);
	set_fault(&room, LINK_FAULT_TRANSACTION, 0);
	CU_ASSERT_EQUAL(modbus_read_registers(room.ctx, 0, 1, &value), -1);
	CU_ASSERT_EQUAL(errno, EMBBADDATA);
	close_room(&room);
}

static void other_units_requests_are_not_answered(void)
{
	Room room;
	uint16_t value;
	CU_ASSERT_TRUE(open_room(&room, "io"));
	modbus_set_slave(room.ctx, 9);
	CU_ASSERT_EQUAL(modbus_read_input_registers(room.ctx, 0, 1, &value), -1);
	CU_ASSERT_EQUAL(errno, ETIMEDOUT);
	close_room(&room);
}

/* Noise on the line, half a request, then a good one. */
static void noise_does_not_stop_it(void)
{
	Room room;
	CU_ASSERT_TRUE(open_room(&room, "io"));
	static const uint8_t noise[] = {0x01, 0x04, 0x00, 0xff, 0xff, 0x33, 0x01};
	CU_ASSERT_EQUAL(write(modbus_get_socket(room.ctx), noise, sizeof noise),
			(ssize_t)sizeof noise);
	modbus_set_response_timeout(room.ctx, 1, 0);
	int answered = 0;
	for (int i = 0; i < 3; i++)
		answered += read_once(&room) == 1;
	CU_ASSERT_TRUE(answered >= 1);
	CU_ASSERT_EQUAL(read_once(&room), 1);
	close_room(&room);
}

/* A second client of the dimmer, and clients that come back after going. */
static void clients_come_and_go(void)
{
	Room room;
	CU_ASSERT_TRUE(open_room(&room, "lamp"));
	int port = atoi(strrchr(room.end->uri, ':') + 1);
	for (int i = 0; i < 12; i++) {
		modbus_t *other = modbus_new_tcp("127.0.0.1", port);
		uint16_t value;
		CU_ASSERT_EQUAL(modbus_connect(other), 0);
		modbus_set_response_timeout(other, 1, 0);
		CU_ASSERT_EQUAL(modbus_read_registers(other, 0, 1, &value), 1);
		modbus_close(other);
		modbus_free(other);
	}
	uint16_t value;
	modbus_set_response_timeout(room.ctx, 1, 0);
	CU_ASSERT_EQUAL(modbus_read_registers(room.ctx, 0, 1, &value), 1);
	close_room(&room);
}

/* The dimmer behind a proxy: delay both ways, then the wire is cut and mended. */
static void proxy_before_the_dimmer_delays_and_cuts(void)
{
	Room room;
	g_autoptr(GError) error = NULL;
	uint16_t value;
	CU_ASSERT_TRUE(open_room(&room, "lamp"));
	g_autoptr(FaultProxy) proxy = fault_proxy_new(room.end->uri, &error);
	UNIT_OK(proxy, error);
	modbus_t *ctx = modbus_new_tcp("127.0.0.1", atoi(strrchr(fault_proxy_uri(proxy), ':') + 1));
	modbus_set_response_timeout(ctx, 1, 0);
	CU_ASSERT_EQUAL(modbus_connect(ctx), 0);
	fault_proxy_set(proxy, &(ProxyFaults){.delay_ns = 40 * CLOCK_MS});
	int64_t start = clock_now(clock_monotonic());
	CU_ASSERT_EQUAL(modbus_read_registers(ctx, 0, 1, &value), 1);
	CU_ASSERT_TRUE(clock_now(clock_monotonic()) - start >= 79 * CLOCK_MS);
	fault_proxy_set(proxy, &(ProxyFaults){.cut = true});
	CU_ASSERT_EQUAL(modbus_read_registers(ctx, 0, 1, &value), -1);
	modbus_close(ctx);
	fault_proxy_set(proxy, NULL);
	CU_ASSERT_EQUAL(modbus_connect(ctx), 0);
	CU_ASSERT_EQUAL(modbus_read_registers(ctx, 0, 1, &value), 1);
	modbus_close(ctx);
	modbus_free(ctx);
	close_room(&room);
}

UNIT_MAIN("world.modbus", UNIT(unit_says_who_it_is_and_what_it_measures), UNIT(samples_are_counted),
	  UNIT(coil_shuts_the_stove), UNIT(lamp_takes_its_level_and_refuses_too_much),
	  UNIT(each_fault_looks_like_itself), UNIT(late_answer_comes_late),
	  UNIT(other_units_requests_are_not_answered), UNIT(noise_does_not_stop_it),
	  UNIT(clients_come_and_go), UNIT(proxy_before_the_dimmer_delays_and_cuts))
