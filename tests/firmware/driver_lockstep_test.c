/* The node's driver against the natively compiled core, in one thread on a manual clock. */
#include <anzen/device.h>
#include <anzen/protocol.h>
#include <node_native.h>
#include <node_sim.h>

#include "unit.h"

typedef struct {
	Stream stream;
	Clock *clock;
	NodeNative *node;
	Device *device;
	unsigned edges, faults, samples, missing;
	int64_t edge_ns, fault_ns, last_sample_ns;
	double last_value, out3;
	int64_t out3_ns;
	unsigned out3_samples;
	/* the carriage of axis 0 in the plant: each rising edge is a step; its switch is closed below -100 */
	int32_t carriage;
	bool up;
	unsigned positions, lost; /* samples of axis.0, and those that say that nothing is known */
	int64_t position_ns;
	double position;
	bool level, slow; /* slow: what the node says arrives a poll later */
	char fault[200], pin[16];
} Rig;

static void on_carriage(Rig *rig, const char *name, bool level)
{
	if (!strcmp(name, "dir.0"))
		rig->up = level;
	if (strcmp(name, "step.0") || !level)
		return;
	bool was = rig->carriage <= -100;
	rig->carriage += rig->up ? 1 : -1;
	if (was != (rig->carriage <= -100))
		node_native_set_input(rig->node, "in.1", !was);
}

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	Rig *rig = user;
	on_carriage(rig, name, level);
	if (strncmp(name, "out.", 4))
		return;
	rig->edges++;
	rig->edge_ns = t_ns;
	rig->level = level;
	g_strlcpy(rig->pin, name, sizeof rig->pin);
}

/* 1 V at t = 0, rising by 1 V/s: a sample's value tells when it was taken. */
static int ramp(void *user, const char *name, int64_t t_ns)
{
	(void)user;
	(void)name;
	return 1000 + (int)(t_ns / CLOCK_MS);
}

static void on_out3(Rig *rig, int64_t t_ns, double value)
{
	rig->out3 = value;
	rig->out3_ns = t_ns;
	rig->out3_samples++;
}

static void on_sample(Stream *self, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Rig *rig = (Rig *)self;
	if (!strcmp(source, "out.3"))
		on_out3(rig, t_ns, value);
	if (!strcmp(source, "axis.0")) {
		CU_ASSERT_TRUE(t_ns > rig->position_ns);
		rig->position_ns = t_ns;
		rig->positions++;
		rig->lost += status == SAMPLE_MISSING;
		rig->position = value;
	}
	if (strcmp(source, "adc.0"))
		return;
	if (status == SAMPLE_MISSING)
		rig->missing++;
	CU_ASSERT_TRUE(t_ns > rig->last_sample_ns);
	rig->samples++;
	rig->last_sample_ns = t_ns;
	rig->last_value = value;
}

static void on_fault(Stream *self, const Fault *fault)
{
	Rig *rig = (Rig *)self;
	rig->faults++;
	rig->fault_ns = fault->t_ns;
	g_strlcpy(rig->fault, fault->cause, sizeof rig->fault);
}

/* A link whose way back takes until the next poll: 1 ms that the way there does not. */
typedef struct {
	ByteLink *inner;
	Rig *rig;
	uint8_t held[4096];
	gssize n;
	int64_t since_ns;
} SlowLink;

static void slow_close(void *self)
{
	byte_link_close(((SlowLink *)self)->inner);
	g_free(self);
}

static gssize slow_read(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	SlowLink *s = self;
	int64_t now = clock_now(s->rig->clock);
	gssize ready = 0;
	if (!s->rig->slow && !s->n)
		return byte_link_read(s->inner, data, size, deadline_ns, error);
	if (s->n && now > s->since_ns) {
		ready = MIN(s->n, (gssize)size);
		memcpy(data, s->held, (size_t)ready);
		s->n -= ready;
		memmove(s->held, s->held + ready, (size_t)s->n);
	}
	if (!s->n) {
		s->n = byte_link_read(s->inner, s->held, sizeof s->held, 0, error);
		s->since_ns = now;
	}
	return s->n < 0 ? -1 : ready;
}

static gboolean slow_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			   GError **error)
{
	return byte_link_write(((SlowLink *)self)->inner, data, size, deadline_ns, error);
}

static ByteLink *slow_link(Rig *rig)
{
	static const ByteLinkOps ops = {
		.kind = "slow", .close = slow_close, .read = slow_read, .write = slow_write};
	SlowLink *s = g_new0(SlowLink, 1);
	s->inner = node_native_link(rig->node);
	s->rig = rig;
	return byte_link_new(&ops, s, "slow link");
}

static Rig *rig_with(int64_t asymmetry_ns)
{
	Rig *rig = g_new0(Rig, 1);
	NodeNativePlant plant = {rig, on_pin, ramp, NULL};
	NodeNativeConfig config = {0};
	g_autoptr(GError) error = NULL;
	rig->stream = (Stream){.sample = on_sample, .fault = on_fault};
	rig->clock = clock_manual_new(0);
	rig->node = node_native_new(&config, &plant);
	DeviceConfig device = {.name = "node-a",
			       .driver = "node",
			       .asymmetry_ns = asymmetry_ns,
			       .clock = rig->clock,
			       .threadless = true,
			       .byte_link = slow_link(rig)};
	rig->device = device_open(&device, &error);
	UNIT_OK(rig->device, error);
	return rig;
}

static Rig *rig_new(void)
{
	return rig_with(0);
}

static void rig_free(Rig *rig)
{
	device_close(rig->device);
	node_native_free(rig->node);
	clock_free(rig->clock);
	g_free(rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

static void run(Rig *rig, int64_t ns)
{
	for (int64_t until = clock_now(rig->clock) + ns; clock_now(rig->clock) < until;) {
		int64_t t = clock_now(rig->clock) + CLOCK_MS;
		node_native_run_to(rig->node, t);
		clock_manual_set(rig->clock, t);
		device_poll(rig->device, t);
	}
}

static void start(Rig *rig)
{
	g_autoptr(GError) error = NULL;
	UNIT_OK(device_setup(rig->device, device_channel(rig->device, "adc.0"),
			     &(DeviceSetup){.sampled = true}, &error),
		error);
	UNIT_OK(device_setup(rig->device, device_channel(rig->device, "out.3"),
			     &(DeviceSetup){.sampled = true}, &error),
		error);
	UNIT_OK(device_setup(rig->device, device_channel(rig->device, "axis.0"),
			     &(DeviceSetup){.sampled = true}, &error),
		error);
	UNIT_OK(device_start(rig->device, &rig->stream, &error), error);
	run(rig, 50 * CLOCK_MS);
}

static DeviceStatus send_command(Rig *rig, const char *channel, double value, int64_t at_ns,
				 DeviceReply *ret)
{
	static uint32_t id;
	DeviceCommand command = {++id, device_channel(rig->device, channel), value, at_ns};
	CU_ASSERT_TRUE(device_command(rig->device, &command));
	for (int i = 0; i < 1000; i++) {
		run(rig, CLOCK_MS);
		if (device_reply(rig->device, ret) && ret->id == command.id)
			return ret->status;
	}
	CU_ASSERT_TRUE(false);
	return DEVICE_FAILED;
}

static void it_identifies_and_lists_its_terminals(void)
{
	g_autoptr(Rig) rig = rig_new();
	const DeviceChannel *latch =
		device_channel_at(rig->device, device_channel(rig->device, "out.3"));
	CU_ASSERT_PTR_NOT_NULL(strstr(device_identity(rig->device), "native firmware"));
	CU_ASSERT_STRING_EQUAL(latch->name, "out.3");
	CU_ASSERT_EQUAL(latch->max_on_ns, 500 * CLOCK_MS); /* registers.def */
	CU_ASSERT_TRUE(latch->timed && latch->writable && latch->safe == 0);
	CU_ASSERT_EQUAL(device_channel(rig->device, "interlock.reset"), -1);
}

static void nothing_moves_before_arming(void)
{
	g_autoptr(Rig) rig = rig_new();
	DeviceReply reply;
	start(rig);
	CU_ASSERT_EQUAL(send_command(rig, "out.3", 1, DEVICE_SOONEST, &reply), DEVICE_REFUSED);
	CU_ASSERT_EQUAL(rig->edges, 0);
}

static void a_command_acts_at_its_bench_time(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	int64_t at = clock_now(rig->clock) + 50 * CLOCK_MS;
	CU_ASSERT_EQUAL(send_command(rig, "out.3", 1, at, &reply), DEVICE_DONE);
	CU_ASSERT_STRING_EQUAL(rig->pin, "out.3");
	CU_ASSERT_TRUE(ABS(rig->edge_ns - at) <= 2 * CLOCK_US);
	CU_ASSERT_TRUE(ABS(reply.t_ns - rig->edge_ns) <= 2 * reply.u_ns);
	CU_ASSERT_TRUE(reply.u_ns > 0 && reply.u_ns < 10 * CLOCK_US);
	run(rig, 600 * CLOCK_MS); /* MAX_ON of the latch */
	CU_ASSERT_FALSE(rig->level);
	CU_ASSERT_TRUE(ABS(rig->edge_ns - at - 500 * CLOCK_MS) <= 100 * CLOCK_US);
	CU_ASSERT_EQUAL(rig->faults, 0);
}

static void a_late_command_says_late_and_does_nothing(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, "out.1", 1, clock_now(rig->clock) - CLOCK_MS, &reply),
			DEVICE_LATE);
	CU_ASSERT_EQUAL(rig->edges, 0);
}

/* 1 kHz a channel; codes of a 1 V/s ramp, Vin * 1024 / 5 V, tell the instant to 5 ms, their mean to much less. */
static void samples_carry_the_time_they_were_taken(void)
{
	g_autoptr(Rig) rig = rig_new();
	start(rig);
	rig->samples = 0;
	run(rig, CLOCK_S);
	CU_ASSERT_TRUE(ABS((int)rig->samples - 1000) <= 10);
	double v = rig->last_value * 5000 / 1024,
	       expected = 1000 + (double)rig->last_sample_ns / 1e6;
	CU_ASSERT_DOUBLE_EQUAL(v, expected, 5);
	CU_ASSERT_EQUAL(rig->missing, 0);
}

static void estop_makes_safe_and_is_a_fault_with_its_time(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, "out.0", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	int64_t pressed = clock_now(rig->clock);
	node_native_set_input(rig->node, "estop", true);
	CU_ASSERT_FALSE(rig->level);
	CU_ASSERT_EQUAL(rig->edge_ns, pressed);
	run(rig, 30 * CLOCK_MS);
	CU_ASSERT_EQUAL(rig->faults, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->fault, "e-stop"));
	CU_ASSERT_TRUE(ABS(rig->fault_ns - pressed) <= 5 * CLOCK_US);
	CU_ASSERT_FALSE(device_arm(rig->device, CLOCK_S, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	node_native_set_input(rig->node, "estop", false);
	CU_ASSERT_EQUAL(send_command(rig, "out.0", 1, DEVICE_SOONEST, &reply), DEVICE_REFUSED);
}

static void a_restart_is_a_fault_and_never_rearmed(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	node_native_reset(rig->node, 8 /* watchdog */);
	run(rig, CLOCK_S);
	CU_ASSERT_TRUE(rig->faults >= 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->fault, "watchdog"));
	DeviceReply reply = {0};
	CU_ASSERT_EQUAL(send_command(rig, "out.0", 1, DEVICE_SOONEST, &reply), DEVICE_REFUSED);
}

static void make_safe_drops_what_waits(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	DeviceCommand command = {77, device_channel(rig->device, "out.3"), 1,
				 clock_now(rig->clock) + 80 * CLOCK_MS};
	CU_ASSERT_TRUE(device_command(rig->device, &command));
	run(rig, 10 * CLOCK_MS);
	UNIT_OK(device_make_safe(rig->device, CLOCK_S, &error), error);
	UNIT_OK(device_make_safe(rig->device, CLOCK_S, &error), error);
	run(rig, 200 * CLOCK_MS);
	CU_ASSERT_EQUAL(rig->edges, 0);
	CU_ASSERT_TRUE(device_reply(rig->device, &reply) && reply.id == 77 &&
		       reply.status == DEVICE_REFUSED);
	CU_ASSERT_EQUAL(rig->faults, 0); /* an orderly end latches nothing */
}

static void a_rig_may_lower_max_on_only(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	int latch = device_channel(rig->device, "out.3");
	UNIT_OK(device_setup(rig->device, latch, &(DeviceSetup){.max_on_ns = 200 * CLOCK_MS},
			     &error),
		error);
	CU_ASSERT_FALSE(device_setup(rig->device, latch,
				     &(DeviceSetup){.max_on_ns = 501 * CLOCK_MS}, &error));
	g_clear_error(&error);
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	DeviceReply reply = {0};
	CU_ASSERT_EQUAL(send_command(rig, "out.3", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	int64_t on = rig->edge_ns;
	run(rig, 300 * CLOCK_MS);
	CU_ASSERT_TRUE(!rig->level && ABS(rig->edge_ns - on - 200 * CLOCK_MS) <= 100 * CLOCK_US);
}

/* The signal of an output changes when the pin does: commanded, at its end, made safe, tripped. */
static void an_output_s_signal_follows_its_pin(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, "out.3", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	CU_ASSERT_TRUE(rig->out3 == 1 && ABS(rig->out3_ns - rig->edge_ns) < 5 * CLOCK_US);
	run(rig, 600 * CLOCK_MS);
	CU_ASSERT_TRUE(rig->out3 == 0 && ABS(rig->out3_ns - rig->edge_ns) < 5 * CLOCK_US);
	CU_ASSERT_EQUAL(send_command(rig, "out.3", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	UNIT_OK(device_make_safe(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_TRUE(rig->out3 == 0 && ABS(rig->out3_ns - rig->edge_ns) < 5 * CLOCK_US);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, "out.3", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	node_native_set_input(rig->node, "trip", true);
	run(rig, 20 * CLOCK_MS);
	CU_ASSERT_TRUE(rig->out3 == 0 && ABS(rig->out3_ns - rig->edge_ns) < 5 * CLOCK_US);
	CU_ASSERT_EQUAL(rig->out3_samples, 6);
}

/* 2^32 ticks of 0.5 µs are 2147 s: commands and samples go on across. */
static void the_tick_count_may_wrap(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	while (clock_now(rig->clock) < 2147 * CLOCK_S) {
		int64_t t = clock_now(rig->clock) + 20 * CLOCK_MS;
		node_native_run_to(rig->node, t);
		clock_manual_set(rig->clock, t);
		device_poll(rig->device, t);
	}
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	for (int i = 0; i < 20; i++) {
		int64_t at = clock_now(rig->clock) + 60 * CLOCK_MS;
		CU_ASSERT_EQUAL(send_command(rig, "out.1", !(i & 1), at, &reply), DEVICE_DONE);
		CU_ASSERT_TRUE(ABS(rig->edge_ns - at) <= 2 * CLOCK_US &&
			       ABS(reply.t_ns - at) <= 10 * CLOCK_US);
	}
	CU_ASSERT_TRUE(clock_now(rig->clock) > 2148 * CLOCK_S); /* 2147.484 s lies behind */
	CU_ASSERT_EQUAL(rig->faults + rig->missing, 0);
}

/* ---- far ends that are no node of ours ---- */

typedef struct {
	uint32_t hash; /* of the schema it claims; 0: it says nothing */
	const char *board;
	bool garbage;
	uint8_t out[4096];
	size_t n;
} Fake;

static gssize fake_read(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	(void)deadline_ns;
	(void)error;
	Fake *f = self;
	size_t n = MIN(size, f->n);
	memcpy(data, f->out, n);
	f->n = 0;
	return (gssize)n;
}

static gboolean fake_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			   GError **error)
{
	(void)deadline_ns;
	(void)error;
	Fake *f = self;
	if (f->garbage)
		memset(f->out, 0x55, f->n = sizeof f->out);
	ProtoDecoder d;
	ProtoFrame syn;
	proto_decoder_init(&d);
	for (size_t i = 0; f->hash && i < size; i++) {
		if (proto_decoder_byte(&d, ((const uint8_t *)data)[i], &syn) != PROTO_FRAME ||
		    syn.kind != PROTO_SYN)
			continue;
		ProtoHello hello = {proto_get32(syn.payload),
				    PROTO_VERSION,
				    {9, 8, 7},
				    f->hash,
				    2000000,
				    1,
				    1,
				    ""};
		g_strlcpy(hello.board, f->board, sizeof hello.board);
		uint8_t payload[PROTO_HELLO_SIZE];
		proto_hello_put(&hello, payload);
		ProtoFrame answer = {PROTO_SYN_ACK, 77, 0, 0, payload, sizeof payload};
		f->n = proto_frame_encode(&answer, f->out);
	}
	return TRUE;
}

static void fake_close(void *self)
{
	(void)self;
}

static void refused_with(Fake *fake, const char *word, const char *word2)
{
	static const ByteLinkOps fake_ops = {
		.kind = "fake", .close = fake_close, .read = fake_read, .write = fake_write};
	g_autoptr(Clock) clock = clock_manual_new(0);
	g_autoptr(GError) error = NULL;
	DeviceConfig config = {.name = "node-a",
			       .driver = "node",
			       .clock = clock,
			       .threadless = true,
			       .byte_link = byte_link_new(&fake_ops, fake, "fake link")};
	CU_ASSERT_PTR_NULL(device_open(&config, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
	if (!error)
		return;
	if (!strstr(error->message, word) || !strstr(error->message, word2))
		fprintf(stderr, "%s\n", error->message);
	CU_ASSERT_TRUE(strstr(error->message, word) && strstr(error->message, word2));
}

static void another_schema_is_refused_and_both_are_named(void)
{
	for (size_t i = 0; i < proto_board_count; i++) {
		const ProtoBoard *board = &proto_boards[i];
		Fake fake = {.hash = 0x12345678, .board = board->name};
		g_autofree char *ours = g_strdup_printf("%08x", proto_board_hash(board));
		g_autofree char *flash = g_strdup_printf("./bench flash %s", board->name);
		refused_with(&fake, "12345678", ours);
		refused_with(&fake, "9.8.7", flash);
	}
}

/* A board with fewer rows has another hash: one board's firmware on another, or a stranger, is no node of ours. */
static void another_board_s_schema_and_a_strange_board_are_refused(void)
{
	const ProtoBoard *large = proto_board_by_name("atmega2560");
	const ProtoBoard *small = proto_board_by_name("atmega328p");
	g_autofree char *theirs = g_strdup_printf("%08x", proto_board_hash(large));
	g_autofree char *ours = g_strdup_printf("%08x", proto_board_hash(small));
	Fake mixed = {.hash = proto_board_hash(large), .board = "atmega328p"};
	refused_with(&mixed, theirs, ours);
	Fake strange = {.hash = proto_board_hash(large), .board = "samd21"};
	refused_with(&strange, "samd21", "atmega2560, atmega328p, stm32f405");
}

/* A release ELF whose time passes as it is read from. */
typedef struct {
	NodeSim *sim;
	Clock *clock;
} Emulated;

static gssize emulated_read(void *self, void *data, size_t size, int64_t deadline_ns,
			    GError **error)
{
	(void)deadline_ns;
	(void)error;
	Emulated *e = self;
	node_sim_run_to(e->sim, node_sim_now(e->sim) + 200 * CLOCK_US);
	clock_manual_set(e->clock, node_sim_now(e->sim));
	return (gssize)node_sim_drain(e->sim, data, size);
}

static gboolean emulated_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			       GError **error)
{
	(void)deadline_ns;
	(void)error;
	return node_sim_feed(((Emulated *)self)->sim, data, size);
}

static void the_channels_are_those_of_the_board_that_answers(void)
{
	static const ByteLinkOps ops = {.kind = "emulated",
					.close = fake_close,
					.read = emulated_read,
					.write = emulated_write};
	g_autoptr(Clock) clock = clock_manual_new(0);
	g_autoptr(GError) error = NULL;
	NodeSimConfig config = {.elf = ANZEN_BINARY_DIR "/firmware/node-atmega328p.elf",
				.name = "node-a"};
	g_autoptr(NodeSim) sim = node_sim_new(&config, NULL, clock, &error);
	UNIT_OK(sim != NULL, error);
	Emulated e = {sim, clock};
	DeviceConfig device = {.name = "node-a",
			       .driver = "node",
			       .clock = clock,
			       .threadless = true,
			       .byte_link = byte_link_new(&ops, &e, "emulated node")};
	Device *node = device_open(&device, &error);
	UNIT_OK(node != NULL, error);
	CU_ASSERT_TRUE(device_channel(node, "out.3") >= 0 && device_channel(node, "adc.3") >= 0);
	CU_ASSERT_EQUAL(device_channel(node, "out.4"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(device_identity(node), "atmega328p"));
	device_close(node);
}

static int64_t clock_u_ns(int64_t asymmetry_ns)
{
	g_autoptr(Rig) rig = rig_with(asymmetry_ns);
	DeviceStats stats;
	start(rig);
	rig->slow = true;
	run(rig, 20 * CLOCK_S);
	device_stats(rig->device, &stats);
	CU_ASSERT_EQUAL(rig->faults, 0);
	return stats.clock_u_ns;
}

/* Half of a round trip of 1 ms may be a bias, 0.5 ms / sqrt 3 = 289 us; of a link known to 5 us it is 2.5 us / sqrt 3. One
 * known to 10 ms is no better than unknown. */
static void a_measured_asymmetry_takes_the_doubt_from_the_clock(void)
{
	int64_t unknown = clock_u_ns(0), known = clock_u_ns(5 * CLOCK_US);
	CU_ASSERT_TRUE(unknown >= 288 * CLOCK_US);
	CU_ASSERT_TRUE(known < 20 * CLOCK_US && known >= 1443);
	CU_ASSERT_EQUAL(clock_u_ns(10 * CLOCK_MS), unknown);
}

static void silence_and_garbage_are_no_node(void)
{
	Fake silent = {0}, noisy = {.garbage = true};
	refused_with(&silent, "no answer", "fake link");
	refused_with(&noisy, "no answer", "fake link");
}

/* Where the bench says the carriage is, it stands: to the step, from homing on. */
static void an_axis_stands_where_the_driver_says(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	rig->carriage = 40;
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, "axis.0", 500, DEVICE_SOONEST, &reply), DEVICE_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply.message, "home it"));
	CU_ASSERT_EQUAL(send_command(rig, "axis.0.velocity", 900, DEVICE_SOONEST, &reply),
			DEVICE_DONE);
	CU_ASSERT_EQUAL(send_command(rig, "axis.0.acceleration", 90000, DEVICE_SOONEST, &reply),
			DEVICE_DONE);
	CU_ASSERT_EQUAL(send_command(rig, "axis.0.home", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	run(rig, 20 * CLOCK_MS);
	int32_t apart = rig->carriage - (int32_t)rig->position;
	CU_ASSERT_TRUE(abs(apart) <= 1); /* the switch is found to a step */
	CU_ASSERT_EQUAL(send_command(rig, "axis.0.velocity", 20000, DEVICE_SOONEST, &reply),
			DEVICE_DONE);
	int64_t at = clock_now(rig->clock) + 50 * CLOCK_MS;
	CU_ASSERT_EQUAL(send_command(rig, "axis.0", 600, at, &reply), DEVICE_DONE);
	CU_ASSERT_EQUAL(rig->carriage, 600 + apart);
	/* 600 - (what homing left), never at 20,000 step/s: some 2 sqrt(D / a) = 180 ms */
	CU_ASSERT_TRUE(reply.t_ns - at > 150 * CLOCK_MS && reply.t_ns - at < 200 * CLOCK_MS);
	run(rig, 20 * CLOCK_MS);
	CU_ASSERT_TRUE(rig->positions >= 15); /* one in 10 ms */
	CU_ASSERT_EQUAL(rig->position, 600);
	CU_ASSERT_EQUAL(send_command(rig, "axis.0", 100001, DEVICE_SOONEST, &reply),
			DEVICE_REFUSED);
	CU_ASSERT_EQUAL(rig->faults, 0);
}

static void a_trip_in_motion_makes_the_position_unknown(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	CU_ASSERT_EQUAL(send_command(rig, "axis.0.velocity", 900, DEVICE_SOONEST, &reply),
			DEVICE_DONE);
	CU_ASSERT_EQUAL(send_command(rig, "axis.0.home", 1, DEVICE_SOONEST, &reply), DEVICE_DONE);
	CU_ASSERT_TRUE(device_command(rig->device,
				      &(DeviceCommand){77, device_channel(rig->device, "axis.0"),
						       50000, DEVICE_SOONEST}));
	run(rig, 300 * CLOCK_MS);
	unsigned lost = rig->lost;
	node_native_set_input(rig->node, "estop", true);
	int32_t stood = rig->carriage;
	run(rig, 100 * CLOCK_MS);
	CU_ASSERT_EQUAL(rig->carriage, stood);
	CU_ASSERT_TRUE(rig->lost > lost);
	CU_ASSERT_EQUAL(rig->faults, 2); /* the trip, and this */
	while (device_reply(rig->device, &reply))
		CU_ASSERT_EQUAL(reply.status, DEVICE_REFUSED);
	CU_ASSERT_EQUAL(reply.id, 77);
}

static void a_duty_is_a_channel_like_a_level(void)
{
	g_autoptr(Rig) rig = rig_new();
	g_autoptr(GError) error = NULL;
	DeviceReply reply = {0};
	start(rig);
	UNIT_OK(device_arm(rig->device, CLOCK_S, &error), error);
	const DeviceChannel *c =
		device_channel_at(rig->device, device_channel(rig->device, "pwm.1"));
	CU_ASSERT_TRUE(c->hi == 1000 && c->safe == 0 && c->max_on_ns == 10 * CLOCK_S && c->timed);
	CU_ASSERT_EQUAL(send_command(rig, "pwm.1", 250, DEVICE_SOONEST, &reply), DEVICE_DONE);
	CU_ASSERT_EQUAL(send_command(rig, "pwm.1", 1001, DEVICE_SOONEST, &reply), DEVICE_REFUSED);
}

UNIT_MAIN("firmware.driver-lockstep", UNIT(it_identifies_and_lists_its_terminals),
	  UNIT(nothing_moves_before_arming), UNIT(a_command_acts_at_its_bench_time),
	  UNIT(a_late_command_says_late_and_does_nothing),
	  UNIT(samples_carry_the_time_they_were_taken),
	  UNIT(estop_makes_safe_and_is_a_fault_with_its_time),
	  UNIT(a_restart_is_a_fault_and_never_rearmed), UNIT(make_safe_drops_what_waits),
	  UNIT(a_rig_may_lower_max_on_only), UNIT(an_output_s_signal_follows_its_pin),
	  UNIT(the_tick_count_may_wrap), UNIT(another_schema_is_refused_and_both_are_named),
	  UNIT(a_measured_asymmetry_takes_the_doubt_from_the_clock),
	  UNIT(another_board_s_schema_and_a_strange_board_are_refused),
	  UNIT(the_channels_are_those_of_the_board_that_answers),
	  UNIT(silence_and_garbage_are_no_node), UNIT(an_axis_stands_where_the_driver_says),
	  UNIT(a_trip_in_motion_makes_the_position_unknown), UNIT(a_duty_is_a_channel_like_a_level))
