#include "unit.h"

#include <anzen/link.h>
#include <poll.h>
#include <unistd.h>

#include "fault_proxy.h"
#include "pty.h"

/* A far end's pseudo-terminal with a proxy before it, and the bench's link to the proxy. */
typedef struct Wire {
	int master, tty;
	FaultProxy *proxy;
	ByteLink *bench;
} Wire;

static void wire_open(Wire *w)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL;
	UNIT_OK(world_pty_open(&w->master, &w->tty, &name, &error), error);
	g_autofree char *uri = g_strconcat("pty:", name, NULL);
	w->proxy = fault_proxy_new(uri, &error);
	UNIT_OK(w->proxy, error);
	w->bench = byte_link_open(fault_proxy_uri(w->proxy), 0, &error);
	UNIT_OK(w->bench, error);
}

static void wire_close(Wire *w)
{
	byte_link_close(w->bench);
	fault_proxy_free(w->proxy);
	close(w->tty);
	close(w->master);
}

static void send(Wire *w, const void *bytes, size_t n)
{
	g_autoptr(GError) error = NULL;
	UNIT_OK(byte_link_write(w->bench, bytes, n, clock_now(clock_monotonic()) + CLOCK_S, &error),
		error);
}

/* What comes at the far end within wait_ms of quiet. */
static size_t arrive(Wire *w, uint8_t *bytes, size_t size, int wait_ms)
{
	size_t got = 0;
	struct pollfd p = {.fd = w->master, .events = POLLIN};
	while (got < size && poll(&p, 1, wait_ms) == 1) {
		ssize_t n = read(w->master, bytes + got, size - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

static void honest_proxy_changes_nothing(void)
{
	Wire w;
	uint8_t out[256], in[256];
	wire_open(&w);
	for (int i = 0; i < 256; i++)
		out[i] = (uint8_t)i; /* also the bytes that a cooked terminal would eat */
	send(&w, out, sizeof out);
	CU_ASSERT_EQUAL(arrive(&w, in, sizeof in, 1000), 256);
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof out), 0);
	CU_ASSERT_EQUAL(write(w.master, out, sizeof out), 256);
	size_t got = 0;
	while (got < 256) {
		gssize n = byte_link_read(w.bench, in + got, 256 - got,
					  clock_now(clock_monotonic()) + CLOCK_S, NULL);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	CU_ASSERT_EQUAL(got, 256);
	CU_ASSERT_EQUAL(memcmp(in, out, sizeof out), 0);
	wire_close(&w);
}

static void flip_turns_one_bit_of_each_byte(void)
{
	Wire w;
	uint8_t out[64] = {0}, in[64];
	wire_open(&w);
	fault_proxy_set(w.proxy, &(ProxyFaults){.seed = 3, .flip = 1});
	send(&w, out, sizeof out);
	CU_ASSERT_EQUAL(arrive(&w, in, sizeof in, 1000), 64);
	for (int i = 0; i < 64; i++)
		CU_ASSERT_EQUAL(__builtin_popcount(in[i]), 1);
	wire_close(&w);
}

static void loss_is_as_often_as_it_says_and_repeats(void)
{
	uint8_t out[2000], in[2][2000];
	size_t got[2];
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = (uint8_t)(i * 7);
	for (int run = 0; run < 2; run++) {
		Wire w;
		wire_open(&w);
		fault_proxy_set(w.proxy, &(ProxyFaults){.seed = 9, .drop = 0.1});
		send(&w, out, sizeof out);
		got[run] = arrive(&w, in[run], sizeof in[run], 200);
		wire_close(&w);
	}
	/* binomial, n 2000, p 0.9: mean 1800, sigma 13.4; five sigma */
	CU_ASSERT_TRUE(got[0] > 1733 && got[0] < 1867);
	CU_ASSERT_EQUAL(got[0], got[1]);
	CU_ASSERT_EQUAL(memcmp(in[0], in[1], MIN(got[0], got[1])), 0);
}

static void delay_holds_bytes_back(void)
{
	Wire w;
	uint8_t in[4];
	wire_open(&w);
	fault_proxy_set(w.proxy, &(ProxyFaults){.delay_ns = 80 * CLOCK_MS});
	int64_t start = clock_now(clock_monotonic());
	send(&w, "abcd", 4);
	CU_ASSERT_EQUAL(arrive(&w, in, 4, 1000), 4);
	CU_ASSERT_TRUE(clock_now(clock_monotonic()) - start >= 79 * CLOCK_MS);
	wire_close(&w);
}

static void stalled_bytes_come_when_it_ends_and_cut_ones_never(void)
{
	Wire w;
	uint8_t in[8];
	wire_open(&w);
	fault_proxy_set(w.proxy, &(ProxyFaults){.stall = true});
	send(&w, "wait", 4);
	CU_ASSERT_EQUAL(arrive(&w, in, 4, 50), 0);
	fault_proxy_set(w.proxy, NULL);
	CU_ASSERT_EQUAL(arrive(&w, in, 4, 1000), 4);
	fault_proxy_set(w.proxy, &(ProxyFaults){.cut = true});
	send(&w, "gone", 4);
	CU_ASSERT_EQUAL(arrive(&w, in, 4, 50), 0);
	fault_proxy_set(w.proxy, NULL);
	send(&w, "back", 4);
	CU_ASSERT_EQUAL(arrive(&w, in, 4, 1000), 4);
	CU_ASSERT_EQUAL(memcmp(in, "back", 4), 0);
	wire_close(&w);
}

static void nobody_else_gets_a_proxy(void)
{
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(fault_proxy_new("usbsock:/tmp/x", &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(fault_proxy_new("pty:/nonexistent", &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_IO));
}

UNIT_MAIN("world.proxy", UNIT(honest_proxy_changes_nothing), UNIT(flip_turns_one_bit_of_each_byte),
	  UNIT(loss_is_as_often_as_it_says_and_repeats), UNIT(delay_holds_bytes_back),
	  UNIT(stalled_bytes_come_when_it_ends_and_cut_ones_never), UNIT(nobody_else_gets_a_proxy))
