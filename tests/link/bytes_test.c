#include "unit.h"

#include <anzen/link.h>
#include <arpa/inet.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t soon(int64_t ms)
{
	return clock_now(clock_monotonic()) + ms * CLOCK_MS;
}

/* A raw pty: its master, and the URI of the other side. */
static int make_pty(char uri[80])
{
	int master = -1, slave = -1;
	char name[64];
	CU_ASSERT_EQUAL(openpty(&master, &slave, name, NULL, NULL), 0);
	close(slave);
	g_snprintf(uri, 80, "pty:%s", name);
	return master;
}

static void a_pty_carries_every_byte_value_both_ways(void)
{
	g_autoptr(GError) error = NULL;
	char uri[80];
	int master = make_pty(uri);
	g_autoptr(ByteLink) near = byte_link_open(uri, 115200, &error);
	UNIT_OK(near, error);
	g_autoptr(ByteLink) far = byte_link_from_fd(master, "master");
	uint8_t all[256], got[256];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i; /* XON, XOFF, ^C, NUL, CR: nothing may be eaten */
	UNIT_OK(byte_link_write(near, all, sizeof all, soon(1000), &error), error);
	UNIT_OK(byte_link_drain(near, soon(1000), &error), error);
	size_t n = 0;
	while (n < sizeof got) {
		gssize k = byte_link_read(far, got + n, sizeof got - n, soon(1000), &error);
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	CU_ASSERT(n == 256 && !memcmp(all, got, 256));
	UNIT_OK(byte_link_write(far, "\x03\x11\x13\r\n", 5, soon(1000), &error), error);
	CU_ASSERT(byte_link_read(near, got, sizeof got, soon(1000), &error) == 5 &&
		  !memcmp(got, "\x03\x11\x13\r\n", 5));
}

static void a_read_without_bytes_ends_at_its_deadline_without_error(void)
{
	g_autoptr(GError) error = NULL;
	char uri[80], byte;
	int master = make_pty(uri);
	g_autoptr(ByteLink) near = byte_link_open(uri, 115200, &error);
	int64_t deadline = soon(20);
	CU_ASSERT_EQUAL(byte_link_read(near, &byte, 1, deadline, &error), 0);
	CU_ASSERT(clock_now(clock_monotonic()) >= deadline);
	CU_ASSERT_EQUAL(byte_link_read(near, &byte, 1, 0, &error), 0);
	CU_ASSERT_PTR_NULL(error);
	close(master);
}

static void a_pty_whose_far_end_closed_says_closed(void)
{
	g_autoptr(GError) error = NULL;
	char uri[80], byte;
	int master = make_pty(uri);
	g_autoptr(ByteLink) near = byte_link_open(uri, 115200, &error);
	close(master);
	CU_ASSERT_EQUAL(byte_link_read(near, &byte, 1, soon(1000), &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	g_clear_error(&error);
	CU_ASSERT_FALSE(byte_link_write(near, "x", 1, soon(1000), &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
}

static void a_second_open_of_a_terminal_fails(void)
{
	g_autoptr(GError) error = NULL;
	char uri[80];
	int master = make_pty(uri);
	g_autoptr(ByteLink) first = byte_link_open(uri, 115200, &error);
	UNIT_OK(first, error);
	CU_ASSERT_PTR_NULL(byte_link_open(uri, 115200, &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_BENCH));
	g_clear_error(&error);
	g_clear_pointer(&first, byte_link_close);
	first = byte_link_open(uri, 115200, &error);
	UNIT_OK(first, error);
	close(master);
}

static void a_missing_port_is_an_error_that_names_it(void)
{
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(byte_link_open("pty:/dev/pts/99999", 0, &error));
	CU_ASSERT(error && strstr(error->message, "/dev/pts/99999"));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(byte_link_open("serial:/dev/ttyNOT0", 0, &error));
	CU_ASSERT(error && strstr(error->message, "/dev/ttyNOT0"));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(byte_link_open("serial:usb:2341:0042/NONE", 0, &error));
	CU_ASSERT(error && strstr(error->message, "plugged"));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(byte_link_open("tcp:127.0.0.1:1", 0, &error));
	CU_ASSERT(error && strstr(error->message, "127.0.0.1:1"));
}

static void tcp_carries_bytes_and_tells_a_reset(void)
{
	g_autoptr(GError) error = NULL;
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	CU_ASSERT_EQUAL(bind(server, (struct sockaddr *)&address, sizeof address), 0);
	CU_ASSERT_EQUAL(listen(server, 1), 0);
	getsockname(server, (struct sockaddr *)&address, &size);
	g_autofree char *uri = g_strdup_printf("tcp:127.0.0.1:%d", ntohs(address.sin_port));
	g_autoptr(ByteLink) near = byte_link_open(uri, 0, &error);
	UNIT_OK(near, error);
	int far = accept(server, NULL, NULL);
	CU_ASSERT_EQUAL(send(far, "hello", 5, 0), 5);
	char got[8];
	CU_ASSERT_EQUAL(byte_link_read(near, got, sizeof got, soon(1000), &error), 5);
	close(far);
	CU_ASSERT_EQUAL(byte_link_read(near, got, sizeof got, soon(1000), &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	close(server);
}

static void the_pair_carries_bytes_and_tells_a_close(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ByteLink) a = NULL;
	g_autoptr(ByteLink) b = NULL;
	byte_link_pair(&a, &b);
	char got[8];
	CU_ASSERT_EQUAL(byte_link_read(b, got, sizeof got, 0, &error), 0);
	UNIT_OK(byte_link_write(a, "abc", 3, 0, &error), error);
	CU_ASSERT_EQUAL(byte_link_read(b, got, 2, 0, &error), 2);
	byte_link_shut(a);
	byte_link_shut(a);
	CU_ASSERT_EQUAL(byte_link_read(b, got, sizeof got, 0, &error),
			1); /* what was sent still arrives */
	CU_ASSERT_EQUAL(byte_link_read(b, got, sizeof got, 0, &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	g_clear_error(&error);
	CU_ASSERT_EQUAL(byte_link_read(a, got, sizeof got, 0, &error), -1);
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED));
	byte_link_close(NULL);
}

static void count_bytes(void *user, const char *link, bool out, int64_t t_ns, const uint8_t *data,
			size_t size)
{
	GString *text = user;
	g_autofree char *hex = link_hex(data, size);
	g_string_append_printf(text, "%s %s @%d; ", out ? ">" : "<", hex, (int)t_ns);
	(void)link;
}

static void a_trace_shows_both_directions_with_bench_time(void)
{
	g_autoptr(Clock) clock = clock_manual_new(7);
	g_autoptr(GString) text = g_string_new(NULL);
	ByteLink *a = NULL;
	g_autoptr(ByteLink) b = NULL;
	byte_link_pair(&a, &b);
	g_autoptr(ByteLink) traced = byte_link_trace(a, clock, count_bytes, text);
	byte_link_write(traced, "\x01\xff", 2, 0, NULL);
	byte_link_write(b, "\x7e", 1, 0, NULL);
	char got[4];
	clock_manual_set(clock, 9);
	byte_link_read(traced, got, sizeof got, 0, NULL);
	CU_ASSERT_STRING_EQUAL(text->str, "> 01 ff @7; < 7e @9; ");
}

/* What arrives through the fault wrapper of 4096 zero bytes. */
static GByteArray *through(const LinkFaults *faults)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	ByteLink *a = NULL;
	g_autoptr(ByteLink) b = NULL;
	byte_link_pair(&a, &b);
	g_autoptr(ByteLink) bad = byte_link_fault(a, clock, faults);
	GByteArray *got = g_byte_array_new();
	uint8_t zeros[4096] = {0}, part[512];
	byte_link_write(b, zeros, sizeof zeros, 0, NULL);
	for (int idle = 0; idle < 2;) {
		gssize n = byte_link_read(bad, part, sizeof part, 0, NULL);
		if (n > 0)
			g_byte_array_append(got, part, (guint)n);
		else
			idle++;
	}
	return got;
}

static void faults_damage_at_their_rate_and_repeat_with_the_seed(void)
{
	LinkFaults faults = {.seed = 5, .drop = 0.1, .flip = 0.1, .repeat = 0.1, .split = 0.5};
	g_autoptr(GByteArray) one = through(&faults);
	g_autoptr(GByteArray) two = through(&faults);
	CU_ASSERT(one->len == two->len && !memcmp(one->data, two->data, one->len));
	faults.seed = 6;
	g_autoptr(GByteArray) other = through(&faults);
	CU_ASSERT_FALSE(one->len == other->len && !memcmp(one->data, other->data, one->len));
	/* Dropped 10 % and repeated 10 % of the rest: 4096 × 0.9 × 1.1 = 4055 ± 5 σ (σ = 26). */
	CU_ASSERT(one->len > 3925 && one->len < 4185);
	size_t flipped = 0, bits = 0;
	for (guint i = 0; i < one->len; i++)
		if (one->data[i]) {
			flipped++;
			bits += (size_t)__builtin_popcount(one->data[i]);
		}
	CU_ASSERT(flipped > 300 && flipped < 510); /* 405 ± 5 σ (σ = 20) */
	CU_ASSERT_EQUAL(bits, flipped);            /* one bit each */
}

static void a_delay_holds_bytes_until_the_clock_reaches_it(void)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	ByteLink *a = NULL;
	g_autoptr(ByteLink) b = NULL;
	byte_link_pair(&a, &b);
	g_autoptr(ByteLink) late = byte_link_fault(a, clock, &(LinkFaults){.delay_ns = 100});
	char got[4];
	byte_link_write(b, "x", 1, 0, NULL);
	CU_ASSERT_EQUAL(byte_link_read(late, got, 4, 0, NULL), 0);
	clock_manual_set(clock, 99);
	CU_ASSERT_EQUAL(byte_link_read(late, got, 4, 0, NULL), 0);
	clock_manual_set(clock, 100);
	CU_ASSERT_EQUAL(byte_link_read(late, got, 4, 0, NULL), 1);
}

UNIT_MAIN("link.bytes", UNIT(a_pty_carries_every_byte_value_both_ways),
	  UNIT(a_read_without_bytes_ends_at_its_deadline_without_error),
	  UNIT(a_pty_whose_far_end_closed_says_closed), UNIT(a_second_open_of_a_terminal_fails),
	  UNIT(a_missing_port_is_an_error_that_names_it), UNIT(tcp_carries_bytes_and_tells_a_reset),
	  UNIT(the_pair_carries_bytes_and_tells_a_close),
	  UNIT(a_trace_shows_both_directions_with_bench_time),
	  UNIT(faults_damage_at_their_rate_and_repeat_with_the_seed),
	  UNIT(a_delay_holds_bytes_until_the_clock_reaches_it))
