#include "unit.h"

#include <anzen/link.h>
#include <errno.h>
#include <glib/gstdio.h>

#include "far_end.h"
#include "scpi.h"
#include "usbtmc.h"

/* ---- SCPI ---- */

static void header_patterns_know_long_and_short_forms(void)
{
	const char *volt = "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]";
	CU_ASSERT_TRUE(scpi_header_matches(volt, "VOLT"));
	CU_ASSERT_TRUE(scpi_header_matches(volt, "voltage"));
	CU_ASSERT_TRUE(scpi_header_matches(volt, ":SOUR:VOLT:LEV:IMM:AMPL"));
	CU_ASSERT_TRUE(scpi_header_matches(volt, "VOLT:IMMEDIATE"));
	CU_ASSERT_FALSE(scpi_header_matches(volt, "VOLTA"));
	CU_ASSERT_FALSE(scpi_header_matches(volt, "VOL"));
	CU_ASSERT_FALSE(scpi_header_matches(volt, "VOLT:DC"));
	CU_ASSERT_FALSE(scpi_header_matches(volt, ""));
	CU_ASSERT_TRUE(scpi_header_matches("SYSTem:ERRor[:NEXT]", "SYST:ERR"));
	CU_ASSERT_TRUE(scpi_header_matches("*IDN", "*idn"));
}

typedef struct Bench {
	double volts;
	bool on;
	Scpi scpi;
	Usbtmc tmc;
} Bench;

static void set_voltage(void *user, double volts)
{
	((Bench *)user)->volts = volts;
}

static void set_output(void *user, bool on)
{
	((Bench *)user)->on = on;
}

static double measure_voltage(void *user)
{
	Bench *b = user;
	return b->on ? b->volts : 0;
}

static double measure_current(void *user)
{
	(void)user;
	return 1.25;
}

static void on_message(void *user, const char *text, GString *reply)
{
	scpi_execute(&((Bench *)user)->scpi, text, reply);
}

static void on_misuse(void *user, int error)
{
	scpi_error(&((Bench *)user)->scpi, error);
}

static void bench_init(Bench *b)
{
	*b = (Bench){0};
	const ScpiIo io = {b, set_voltage, set_output, measure_voltage, measure_current};
	scpi_init(&b->scpi, &io, (const char *const[]){"Maker", "Model", "SN1", "1.0"}, 32, 5);
	const UsbtmcHandler handler = {b, on_message, on_misuse, NULL, NULL};
	usbtmc_init(&b->tmc, &handler, 0x1ab1, 0x0e11, "Maker", "Model", "SN1");
}

static void says(Bench *b, const char *command, const char *expected)
{
	g_autoptr(GString) reply = g_string_new(NULL);
	scpi_execute(&b->scpi, command, reply);
	CU_ASSERT_STRING_EQUAL(reply->str, expected);
	if (strcmp(reply->str, expected))
		fprintf(stderr, "%s → %s", command, reply->str);
}

static void supply_obeys_and_reports_errors(void)
{
	Bench b;
	bench_init(&b);
	says(&b, "*IDN?", "Maker,Model,SN1,1.0\n");
	says(&b, "VOLT 24", "");
	CU_ASSERT_EQUAL(b.volts, 24);
	says(&b, "VOLT?", "24.0000\n");
	says(&b, "MEAS:VOLT?", "0.0000\n");
	says(&b, "OUTP ON", "");
	says(&b, "outp?;meas:volt?;MEAS:CURR?", "1;24.0000;1.2500\n");
	says(&b, "SYST:ERR?", "0,\"No error\"\n");
	says(&b, "VOLT 33", "");
	says(&b, "VOLT abc", "");
	says(&b, "VOLT", "");
	says(&b, "NONSENSE", "");
	says(&b, "OUTP MAYBE", "");
	says(&b, "VOLT nan", "");
	CU_ASSERT_EQUAL(b.volts, 24); /* none of them changed it */
	says(&b, "SYST:ERR?", "-222,\"Data out of range\"\n");
	says(&b, "SYST:ERR?", "-104,\"Data type error\"\n");
	says(&b, "SYST:ERR?", "-109,\"Missing parameter\"\n");
	says(&b, "SYST:ERR?", "-113,\"Undefined header\"\n");
	says(&b, "SYST:ERR?", "-224,\"Illegal parameter value\"\n");
	says(&b, "SYST:ERR?", "-222,\"Data out of range\"\n");
	says(&b, "SYST:ERR?", "0,\"No error\"\n");
	says(&b, "*RST", "");
	CU_ASSERT_FALSE(b.on);
	usbtmc_clear(&b.tmc);
}

/* ---- USBTMC, byte by byte: USBTMC 1.0 tables 1, 3, 4, 8, 9 ---- */

static void query_and_answer_byte_by_byte(void)
{
	Bench b;
	uint8_t in[64];
	bench_init(&b);
	/* DEV_DEP_MSG_OUT, bTag 1, ~bTag, reserved; 5 bytes, EOM; "*IDN?", 3 alignment bytes */
	static const uint8_t query[] = {1, 1, 0xfe, 0,   5,   0,   0,   0, 1, 0,
					0, 0, '*',  'I', 'D', 'N', '?', 0, 0, 0};
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), -EAGAIN);
	CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, query, sizeof query), (int)sizeof query);
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), -EAGAIN); /* not asked for yet */
	/* REQUEST_DEV_DEP_MSG_IN, bTag 2, at most 200 bytes, no termination character */
	static const uint8_t request[] = {2, 2, 0xfd, 0, 200, 0, 0, 0, 0, 0, 0, 0};
	CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, request, sizeof request), (int)sizeof request);
	/* "Maker,Model,SN1,1.0\n" is 20 bytes: header 12 + 20 = 32, already a multiple of 4 */
	static const uint8_t answer[] = {2,   2,   0xfd, 0,   20,  0,   0,   0,   1,   0,   0,
					 0,   'M', 'a',  'k', 'e', 'r', ',', 'M', 'o', 'd', 'e',
					 'l', ',', 'S',  'N', '1', ',', '1', '.', '0', '\n'};
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), (int)sizeof answer);
	CU_ASSERT_EQUAL(memcmp(in, answer, sizeof answer), 0);
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), -EAGAIN);
	usbtmc_clear(&b.tmc);
}

static void long_answer_comes_in_parts_with_eom_on_the_last(void)
{
	Bench b;
	uint8_t in[64];
	bench_init(&b);
	static const uint8_t query[] = {1, 1, 0xfe, 0,   5,   0,   0,   0, 1, 0,
					0, 0, '*',  'I', 'D', 'N', '?', 0, 0, 0};
	usbtmc_bulk_out(&b.tmc, query, sizeof query);
	uint8_t request[] = {2, 2, 0xfd, 0, 15, 0, 0, 0, 0, 0, 0, 0};
	usbtmc_bulk_out(&b.tmc, request, sizeof request);
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), 28); /* 12 + 15 + 1 */
	CU_ASSERT_EQUAL(in[4], 15);
	CU_ASSERT_EQUAL(in[8], 0);
	CU_ASSERT_EQUAL(in[27], 0);
	request[1] = 3;
	request[2] = 0xfc;
	usbtmc_bulk_out(&b.tmc, request, sizeof request);
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), 20); /* 12 + 5 + 3 */
	CU_ASSERT_EQUAL(in[1], 3);
	CU_ASSERT_EQUAL(in[4], 5);
	CU_ASSERT_EQUAL(in[8], 1);
	usbtmc_clear(&b.tmc);
}

static void message_in_two_transfers_is_one_message(void)
{
	Bench b;
	bench_init(&b);
	static const uint8_t first[] = {1, 1, 0xfe, 0, 4, 0, 0, 0, 0, 0, 0, 0, 'V', 'O', 'L', 'T'};
	static const uint8_t second[] = {1, 2, 0xfd, 0, 3, 0, 0, 0, 1, 0, 0, 0, ' ', '1', '2', 0};
	CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, first, sizeof first), 16);
	CU_ASSERT_EQUAL(b.volts, 0);
	CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, second, sizeof second), 16);
	CU_ASSERT_EQUAL(b.volts, 12);
	usbtmc_clear(&b.tmc);
}

static void wrong_headers_stall_until_cleared(void)
{
	static const uint8_t wrong[][16] = {
		{1, 1, 0xff, 0, 4, 0, 0, 0, 1, 0, 0, 0, '*', 'R', 'S', 'T'}, /* ~bTag is wrong */
		{1, 0, 0xff, 0, 4, 0, 0, 0, 1, 0, 0, 0, '*', 'R', 'S', 'T'}, /* bTag 0 */
		{1, 1, 0xfe, 0, 9, 0, 0, 0, 1, 0, 0, 0, '*', 'R', 'S',
		 'T'}, /* longer than the transfer */
		{1, 1, 0xfe, 0, 0, 0, 0, 0, 1, 0, 0, 0, '*', 'R', 'S', 'T'}, /* nothing */
		{9, 1, 0xfe, 0, 4, 0, 0, 0, 1, 0, 0, 0, '*', 'R', 'S', 'T'}, /* unknown MsgID */
		{1, 1, 0xfe, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0,
		 0}, /* a lie of 4 GiB */
	};
	static const uint8_t good[] = {1, 1, 0xfe, 0, 4, 0, 0, 0, 1, 0, 0, 0, '*', 'R', 'S', 'T'};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		Bench b;
		bench_init(&b);
		CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, wrong[i], 16), -EPIPE);
		CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, good, 16), -EPIPE); /* halted */
		usbtmc_unhalt(&b.tmc);
		CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, good, 16), 16);
		CU_ASSERT_EQUAL(usbtmc_bulk_out(&b.tmc, good, 15), -EPIPE); /* not aligned */
		usbtmc_clear(&b.tmc);
	}
}

static void unasked_and_unread_answers_are_errors(void)
{
	Bench b;
	uint8_t in[64];
	bench_init(&b);
	static const uint8_t query[] = {1, 1, 0xfe, 0,   5,   0,   0,   0, 1, 0,
					0, 0, 'V',  'O', 'L', 'T', '?', 0, 0, 0};
	static const uint8_t request[] = {2, 2, 0xfd, 0, 200, 0, 0, 0, 0, 0, 0, 0};
	usbtmc_bulk_out(&b.tmc, request, sizeof request);
	says(&b, "SYST:ERR?", "-420,\"Query UNTERMINATED\"\n");
	usbtmc_bulk_out(&b.tmc, query, sizeof query);
	usbtmc_bulk_out(&b.tmc, query, sizeof query);
	says(&b, "SYST:ERR?", "-410,\"Query INTERRUPTED\"\n");
	usbtmc_bulk_out(&b.tmc, request, sizeof request);
	CU_ASSERT_EQUAL(usbtmc_bulk_in(&b.tmc, in, sizeof in), 20);
	usbtmc_clear(&b.tmc);
}

static void capabilities_and_descriptors_are_those_of_usb488(void)
{
	Bench b;
	uint8_t d[256] = {0};
	bench_init(&b);
	static const uint8_t capabilities[8] = {0xA1, 7, 0, 0, 0, 0, 24, 0};
	CU_ASSERT_EQUAL(usbtmc_control(&b.tmc, capabilities, d), 24);
	CU_ASSERT_EQUAL(d[0], 1);                  /* STATUS_SUCCESS */
	CU_ASSERT_EQUAL(d[2] | d[3] << 8, 0x0100); /* bcdUSBTMC */
	CU_ASSERT_EQUAL(d[12] | d[13] << 8, 0x0100);
	CU_ASSERT_TRUE(d[14] & 0x04); /* 488.2 */
	static const uint8_t device[8] = {0x80, 6, 0, 1, 0, 0, 18, 0};
	CU_ASSERT_EQUAL(usbtmc_control(&b.tmc, device, d), 18);
	CU_ASSERT_EQUAL(d[8] | d[9] << 8, 0x1ab1);
	CU_ASSERT_EQUAL(d[10] | d[11] << 8, 0x0e11);
	static const uint8_t configuration[8] = {0x80, 6, 0, 2, 0, 0, 255, 0};
	int n = usbtmc_control(&b.tmc, configuration, d);
	CU_ASSERT_EQUAL(n, d[2] | d[3] << 8); /* wTotalLength is true */
	CU_ASSERT_EQUAL(d[9 + 5], 0xFE);
	CU_ASSERT_EQUAL(d[9 + 6], 3);
	CU_ASSERT_EQUAL(d[9 + 7], 1);
	static const uint8_t serial[8] = {0x80, 6, 3, 3, 9, 4, 255, 0};
	CU_ASSERT_EQUAL(usbtmc_control(&b.tmc, serial, d), 8);
	CU_ASSERT_EQUAL(memcmp(d,
			       "\x08\x03S\0N\0"
			       "1\0",
			       8),
			0);
	static const uint8_t nonsense[8] = {0xA1, 99, 0, 0, 0, 0, 8, 0};
	CU_ASSERT_EQUAL(usbtmc_control(&b.tmc, nonsense, d), -EPIPE);
	static const uint8_t clear[8] = {0xA1, 5, 0, 0, 0, 0, 1, 0};
	CU_ASSERT_EQUAL(usbtmc_control(&b.tmc, clear, d), 1);
	CU_ASSERT_EQUAL(d[0], 1);
	usbtmc_clear(&b.tmc);
}

/* ---- the whole way: socket, USB messages, USBTMC, SCPI, plant, light ---- */

static char *ask(UsbLink *link, const char *command, bool answer)
{
	static uint8_t tag;
	uint8_t out[128] = {0}, in[512];
	size_t n = strlen(command);
	g_autoptr(GError) error = NULL;
	tag = (uint8_t)(tag % 255 + 1);
	out[0] = 1;
	out[1] = tag;
	out[2] = (uint8_t)~tag;
	out[4] = (uint8_t)n;
	out[8] = 1;
	memcpy(out + 12, command, n);
	UNIT_OK(usb_link_bulk_out(link, out, (12 + n + 3) & ~(size_t)3, 1000, &error), error);
	if (!answer)
		return NULL;
	const uint8_t request[12] = {2, tag, (uint8_t)~tag, 0, 200};
	UNIT_OK(usb_link_bulk_out(link, request, 12, 1000, &error), error);
	gssize got = usb_link_bulk_in(link, in, sizeof in, 1000, &error);
	CU_ASSERT_TRUE(got >= 12);
	return got < 12 ? g_strdup("") : g_strndup((char *)in + 12, in[4]);
}

static double wait_for_light(WorldShared *shared, double seconds)
{
	double lux = 0;
	pthread_mutex_lock(&shared->lock); /* the plant's own time may run ahead of the clock */
	plant_read(shared->plant, "room.illuminance",
		   plant_now(shared->plant) + (int64_t)(seconds * 1e9), &lux);
	pthread_mutex_unlock(&shared->lock);
	return lux;
}

static void supply_off_makes_the_room_dark(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(WorldFile) file =
		world_file_load(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", 0, diag);
	g_autofree char *folder = g_dir_make_tmp("anzen-supply-XXXXXX", NULL);
	WorldShared shared;
	world_shared_init(&shared, file, clock_monotonic());
	const FarEndOptions options = {.folder = folder};
	FarEnd *end = far_end_new(&shared, world_file_device(file, "supply"), &options, &error);
	UNIT_OK(end, error);
	UsbLink *link = usb_link_open(end->uri, &error);
	UNIT_OK(link, error);
	g_autofree char *idn = ask(link, "*IDN?", true);
	CU_ASSERT_STRING_EQUAL(idn, "Anzen Virtual Instruments,VPS-3205,VPS0001,1.04\n");
	pthread_mutex_lock(&shared.lock);
	plant_write(shared.plant, "light.level", 1, 0);
	pthread_mutex_unlock(&shared.lock);
	ask(link, "VOLT 24", false);
	ask(link, "OUTP ON", false);
	g_autofree char *set = ask(link, "VOLT?", true);
	CU_ASSERT_STRING_EQUAL(set, "24.0000\n");
	CU_ASSERT_TRUE(wait_for_light(&shared, 1) > 400);
	g_autofree char *volts = ask(link, "MEAS:VOLT?", true);
	CU_ASSERT_DOUBLE_EQUAL(g_ascii_strtod(volts, NULL), 24.012 * 0.9998 + 0.002, 0.01);
	ask(link, "OUTP OFF", false);
	g_autofree char *sync = ask(link, "*OPC?", true);
	CU_ASSERT_DOUBLE_EQUAL(wait_for_light(&shared, 1), 2, 0.01);
	end->ops->set_fault(end, LINK_FAULT_OFF, true); /* unplugged */
	uint8_t rest[64];
	CU_ASSERT_EQUAL(usb_link_bulk_in(link, rest, sizeof rest, 500, &error), -1);
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	usb_link_close(link);
	far_end_free(end);
	world_shared_clear(&shared);
	CU_ASSERT_EQUAL(g_rmdir(folder), 0); /* and nothing is left in it */
}

UNIT_MAIN("world.supply", UNIT(header_patterns_know_long_and_short_forms),
	  UNIT(supply_obeys_and_reports_errors), UNIT(query_and_answer_byte_by_byte),
	  UNIT(long_answer_comes_in_parts_with_eom_on_the_last),
	  UNIT(message_in_two_transfers_is_one_message), UNIT(wrong_headers_stall_until_cleared),
	  UNIT(unasked_and_unread_answers_are_errors),
	  UNIT(capabilities_and_descriptors_are_those_of_usb488),
	  UNIT(supply_off_makes_the_room_dark))
