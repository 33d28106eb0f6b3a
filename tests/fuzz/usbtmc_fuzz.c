/* Any transfers: first a byte that says what kind, then one with a length, then the bytes. The device never reads past a
 * transfer, never gives more than was asked for, and still answers *IDN? after a clear. */
#include "scpi.h"
#include "usbtmc.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_number(void *user, double volts)
{
	g_assert(volts >= 0 && volts <= 32);
	(void)user;
}

static void set_switch(void *user, bool on)
{
	(void)user;
	(void)on;
}

static double measure(void *user)
{
	(void)user;
	return 1;
}

static void on_message(void *user, const char *text, GString *reply)
{
	scpi_execute(user, text, reply);
}

static void on_misuse(void *user, int error)
{
	scpi_error(user, error);
}

static void transfer(Usbtmc *tmc, uint8_t kind, const uint8_t *bytes, size_t n)
{
	uint8_t in[256];
	if (kind % 4 == 0) {
		uint8_t setup[8] = {0};
		uint8_t stage[65536];
		if (n)
			memcpy(setup, bytes, MIN(n, sizeof setup));
		int got = usbtmc_control(tmc, setup, stage);
		g_assert(got <= (setup[6] | setup[7] << 8));
	} else if (kind % 4 == 1) {
		size_t room = n ? bytes[0] : 0;
		g_assert(usbtmc_bulk_in(tmc, in, room) <= (int)room);
	} else {
		usbtmc_bulk_out(tmc, bytes, n);
	}
}

static void still_answers(Usbtmc *tmc)
{
	static const uint8_t clear[8] = {0xA1, 5, 0, 0, 0, 0, 1, 0};
	static const uint8_t query[] = {1, 1, 0xfe, 0,   5,   0,   0,   0, 1, 0,
					0, 0, '*',  'I', 'D', 'N', '?', 0, 0, 0};
	static const uint8_t request[] = {2, 2, 0xfd, 0, 200, 0, 0, 0, 0, 0, 0, 0};
	uint8_t in[256], status[8];
	g_assert(usbtmc_control(tmc, clear, status) == 1);
	g_assert(usbtmc_bulk_out(tmc, query, sizeof query) == (int)sizeof query);
	g_assert(usbtmc_bulk_out(tmc, request, sizeof request) == (int)sizeof request);
	g_assert(usbtmc_bulk_in(tmc, in, sizeof in) == 20); /* "A,B,C,D\n" and the header */
	g_assert(!memcmp(in + 12, "A,B,C,D\n", 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Scpi scpi;
	Usbtmc tmc;
	const ScpiIo io = {&scpi, set_number, set_switch, measure, measure};
	const UsbtmcHandler handler = {&scpi, on_message, on_misuse, NULL, NULL};
	scpi_init(&scpi, &io, (const char *const[]){"A", "B", "C", "D"}, 32, 5);
	usbtmc_init(&tmc, &handler, 1, 2, "A", "B", "C");
	while (size >= 2) {
		size_t n = MIN((size_t)data[1], size - 2);
		g_autofree uint8_t *bytes = g_memdup2(data + 2, n);
		transfer(&tmc, data[0], bytes, n);
		data += 2 + n;
		size -= 2 + n;
	}
	still_answers(&tmc);
	usbtmc_clear(&tmc);
	return 0;
}
