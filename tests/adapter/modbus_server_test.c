#include "unit.h"

#include "modbus_server.h"
#include "sink.h"

#include <modbus.h>
#include <sys/socket.h>

/* Someone else's client (libmodbus) talks to the server over a real socket. */
static modbus_t *client_of(ModbusServer *server)
{
	const char *colon = strrchr(modbus_server_address(server), ':');
	modbus_t *bus = modbus_new_tcp("127.0.0.1", atoi(colon + 1));
	CU_ASSERT_EQUAL(modbus_connect(bus), 0);
	return bus;
}

static ModbusServer *server_with(Clock *clock, Sink *sink, unsigned rate)
{
	g_autoptr(GError) error = NULL;
	ModbusServer *s = modbus_server_new(clock, &sink->stream, rate, &error);
	CU_ASSERT_PTR_NOT_NULL(s);
	modbus_server_add_input(s, 0, "pan.temperature", 0.1);
	modbus_server_set_sequence(s, 3);
	modbus_server_add_coil(s, 0, "product.shut", false);
	modbus_server_add_heartbeat(s, 0, "product.heartbeat");
	modbus_server_add_claim(s, 1, "product.shut.time");
	CU_ASSERT_TRUE(modbus_server_start(s, &error));
	return s;
}

static ModbusServer *server_for(Sink *sink, unsigned rate)
{
	return server_with(clock_monotonic(), sink, rate);
}

static void sensor_value_reaches_the_product_in_steps_and_counts_updates(void)
{
	Sink *sink = sink_new();
	Clock *clock = clock_manual_new(10 * CLOCK_S);
	ModbusServer *s = server_with(clock, sink, 1000);
	modbus_server_feed(s, "pan.temperature", 9 * CLOCK_S, 231.44, SAMPLE_OK);
	modbus_server_feed(s, "pan.temperature", 9750 * CLOCK_MS, -3.26, SAMPLE_OK);
	modbus_server_feed(s, "pan.temperature", 10 * CLOCK_S, 999, SAMPLE_MISSING); /* not told */
	modbus_t *bus = client_of(s);
	uint16_t in[4] = {0};
	CU_ASSERT_EQUAL(modbus_read_input_registers(bus, 0, 4, in), 4);
	CU_ASSERT_EQUAL((int16_t)in[0], -33);
	CU_ASSERT_EQUAL(in[3], 2);
	CU_ASSERT_TRUE(sink_wait(sink, PRODUCT_CONSUMED_SIGNAL, 1));
	CU_ASSERT_TRUE(sink_wait(sink, PRODUCT_AGE_SIGNAL, 0.25)); /* s: 10 - 9.75 */
	modbus_close(bus);
	modbus_free(bus);
	modbus_server_free(s);
	clock_free(clock);
	sink_free(sink);
}

static void coil_is_a_response_only_when_it_changes(void)
{
	Sink *sink = sink_new();
	ModbusServer *s = server_for(sink, 1000);
	modbus_t *bus = client_of(s);
	CU_ASSERT_EQUAL(modbus_write_bit(bus, 0, 1), 1);
	CU_ASSERT_EQUAL(modbus_write_bit(bus, 0, 1), 1);
	CU_ASSERT_EQUAL(modbus_write_bit(bus, 0, 0), 1);
	CU_ASSERT_TRUE(sink_wait(sink, "product.shut", 0));
	CU_ASSERT_EQUAL(sink->samples->len, 2);
	CU_ASSERT_EQUAL(g_array_index(sink->samples, SinkSample, 0).v, 1.0);
	uint16_t claim[2] = {0x0001, 0x86a0}; /* 0x186a0 = 100000 ms */
	CU_ASSERT_EQUAL(modbus_write_registers(bus, 1, 2, claim), 2);
	CU_ASSERT_TRUE(sink_wait(sink, "product.shut.time", 100.0));
	modbus_close(bus);
	modbus_free(bus);
	modbus_server_free(s);
	sink_free(sink);
}

static void writes_that_no_output_declares_are_counted(void)
{
	Sink *sink = sink_new();
	ModbusServer *s = server_for(sink, 1000);
	modbus_t *bus = client_of(s);
	int first = -1;
	CU_ASSERT_EQUAL(modbus_write_bit(bus, 7, 1), 1);
	CU_ASSERT_EQUAL(modbus_write_register(bus, 9, 3), 1);
	CU_ASSERT_EQUAL(modbus_write_bit(bus, 0, 1), 1);
	CU_ASSERT_TRUE(sink_wait(sink, "product.shut", 1)); /* so what came before is counted */
	CU_ASSERT_EQUAL(modbus_server_undeclared(s, &first), 2);
	CU_ASSERT_EQUAL(first, 7);
	modbus_close(bus);
	modbus_free(bus);
	modbus_server_free(s);
	sink_free(sink);
}

static void flood_of_requests_is_blamed_on_the_product(void)
{
	Sink *sink = sink_new();
	ModbusServer *s = server_for(sink, 50);
	modbus_t *bus = client_of(s);
	for (int i = 0; i < 200; i++)
		modbus_write_bit(bus, 0, i & 1);
	CU_ASSERT_TRUE(sink_wait_fault(sink, "floods"));
	CU_ASSERT_EQUAL(sink->last_blame, BLAME_PRODUCT);
	CU_ASSERT_TRUE(sink->samples->len <= 100); /* two windows at most */
	modbus_close(bus);
	modbus_free(bus);
	modbus_server_free(s);
	sink_free(sink);
}

static void garbage_on_the_wire_is_blamed_and_the_next_client_is_served(void)
{
	Sink *sink = sink_new();
	ModbusServer *s = server_for(sink, 1000);
	modbus_t *bus = client_of(s);
	uint8_t noise[260];
	memset(noise, 0x5a, sizeof(noise));
	for (int i = 0; i < 4; i++)
		CU_ASSERT_TRUE(send(modbus_get_socket(bus), noise, sizeof(noise), MSG_NOSIGNAL) >
			       0);
	CU_ASSERT_TRUE(sink_wait_fault(sink, "garbage"));
	modbus_close(bus);
	CU_ASSERT_TRUE(sink_wait_fault(sink, "closed its Modbus connection"));
	CU_ASSERT_EQUAL(modbus_connect(bus), 0);
	CU_ASSERT_EQUAL(modbus_write_bit(bus, 0, 1), 1);
	CU_ASSERT_TRUE(sink_wait(sink, "product.shut", 1));
	modbus_close(bus);
	modbus_free(bus);
	modbus_server_free(s);
	sink_free(sink);
}

UNIT_MAIN("adapter.modbus", UNIT(sensor_value_reaches_the_product_in_steps_and_counts_updates),
	  UNIT(coil_is_a_response_only_when_it_changes),
	  UNIT(writes_that_no_output_declares_are_counted),
	  UNIT(flood_of_requests_is_blamed_on_the_product),
	  UNIT(garbage_on_the_wire_is_blamed_and_the_next_client_is_served))
