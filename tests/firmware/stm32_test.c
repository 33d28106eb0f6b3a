/* The STM32F405's ELF in QEMU (netduinoplus2): protocol, schema, schedule, lease, e-stop, and a line that damages frames. QEMU
 * has no GPIO and no comparing timer for this chip, so SysTick drives the schedule and USART2 stands in for the pins (see
 * firmware/boards/stm32f405/main.c). Times are the node's own: QEMU counts instructions, 2 ns each, which is many times
 * slower than real time, and the host asks again only when it was answered; so no load of this machine matters. */
#include <anzen/protocol.h>
#include <poll.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define QEMU "/usr/bin/qemu-system-arm"
#define ELF ANZEN_BINARY_DIR "/firmware/node-stm32f405.elf"
#define PATIENCE_S 40 /* of the machine's time, for the very thing waited for */
#define TICKS_MS 2000
#define OUT(i) ((uint8_t)(PROTO_REG_OUT0 + (i)))
#define EDGES 1024
#define LINE 1024 /* bytes on their way, with what the kernel counts besides */
#define SLOWER 4  /* the link's timers by our clock: the emulated node is slow */

typedef struct {
	uint8_t port;
	bool enable, led;
	uint32_t at;
} Edge;

typedef struct {
	pid_t qemu;
	char folder[64];
	int link_fd, pins_fd;
	ProtoLink link;
	ProtoHello hello;
	ProtoPong pong;
	unsigned pongs;
	bool silent; /* say nothing more */
	uint8_t groups;
	uint64_t spoken; /* by the last ping */
	gint64 asked_us; /* when */
	bool waiting;
	uint16_t tag;
	ProtoReply reply[256];
	unsigned replies;
	ProtoEventMsg event[64];
	unsigned events;
	ProtoAdc adc; /* the last */
	unsigned batches;
	struct {
		uint8_t what;
		uint64_t at;
	} captured[64];
	unsigned captures;
	uint16_t edges_lost;
	GString *text;
	uint8_t pins[8], pins_n;
	Edge edge[EDGES];
	unsigned edges;
	GRand *damage; /* NULL: none */
	unsigned damaged;
} Board;

/* ---- the far end ---------------------------------------------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1))
		g_error("cannot listen at %s", path);
	return fd;
}

static int accept_from(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	int got = poll(&p, 1, PATIENCE_S * 1000) == 1 ? accept(fd, NULL, NULL) : -1;
	close(fd);
	if (got < 0)
		g_error("QEMU did not connect");
	return got;
}

static bool send_bytes(void *user, const uint8_t *wire, uint8_t n)
{
	Board *b = user;
	uint8_t bytes[PROTO_WIRE];
	int queued = 0;
	if (ioctl(b->link_fd, SIOCOUTQ, &queued) || queued > LINE)
		return false; /* the emulated receiver is slow: what is not sent need not be resent */
	memcpy(bytes, wire, n);
	if (b->damage && g_rand_int_range(b->damage, 0, 5) == 0) {
		bytes[g_rand_int_range(b->damage, 0, n)] ^=
			(uint8_t)(1 << g_rand_int_range(b->damage, 0, 8));
		b->damaged++;
	}
	return write(b->link_fd, bytes, n) == n;
}

static bool on_message(void *user, const uint8_t *bytes, uint8_t n)
{
	Board *b = user;
	ProtoReply reply;
	ProtoEventMsg event;
	ProtoEdges edges;
	if (proto_edges_get(bytes, n, &edges)) {
		b->edges_lost = edges.lost;
		for (int i = 0; i < edges.edges && b->captures < G_N_ELEMENTS(b->captured); i++) {
			b->captured[b->captures].what = edges.edge[i].what;
			b->captured[b->captures++].at = edges.at - edges.edge[i].before;
		}
	} else if (proto_adc_get(bytes, n, &b->adc))
		b->batches++;
	else if (proto_reply_get(bytes, n, &reply))
		b->reply[b->replies++ % G_N_ELEMENTS(b->reply)] = reply;
	else if (proto_event_get(bytes, n, &event))
		b->event[b->events++ % G_N_ELEMENTS(b->event)] = event;
	else if (n > 7 && bytes[0] == PROTO_MSG_TEXT)
		g_string_append_len(b->text, (const char *)bytes + 7, n - 7);
	return true;
}

static void on_datagram(void *user, const ProtoFrame *frame)
{
	Board *b = user;
	if (frame->kind == PROTO_SYN_ACK && !b->link.session &&
	    proto_hello_get(frame->payload, frame->n, &b->hello))
		proto_link_open(&b->link, frame->session);
	else if (frame->kind == PROTO_PONG && proto_pong_get(frame->payload, frame->n, &b->pong)) {
		b->pongs++;
		b->waiting = false;
	}
}

/* 'P' port state time, as main.c writes it; anything else is a broken board. */
static void take_pin_byte(Board *b, uint8_t byte)
{
	b->pins[b->pins_n++] = byte;
	if (b->pins_n < 7)
		return;
	b->pins_n = 0;
	CU_ASSERT_EQUAL(b->pins[0], 'P');
	Edge e = {b->pins[1], b->pins[2] & 1, b->pins[2] & 2, proto_get32(b->pins + 3)};
	if (b->edges < EDGES)
		b->edge[b->edges++] = e;
}

static const ProtoLinkOps ops = {send_bytes, on_message, on_datagram};

static Board *board_new(void)
{
	Board *b = g_new0(Board, 1);
	g_strlcpy(b->folder, "/tmp/anzen-stm32-XXXXXX", sizeof b->folder);
	if (!g_mkdtemp(b->folder))
		g_error("no temporary folder");
	g_autofree char *link = g_build_filename(b->folder, "link", NULL);
	g_autofree char *pins = g_build_filename(b->folder, "pins", NULL);
	g_autofree char *link_dev = g_strdup_printf("socket,id=link,path=%s", link);
	g_autofree char *pins_dev = g_strdup_printf("socket,id=pins,path=%s", pins);
	int link_at = listen_at(link), pins_at = listen_at(pins);
	b->qemu = fork();
	if (!b->qemu) {
		execl(QEMU, QEMU, "-M", "netduinoplus2", "-kernel", ELF, "-display", "none",
		      "-monitor", "none", "-icount", "shift=1", "-chardev", link_dev, "-chardev",
		      pins_dev, "-serial", "chardev:link", "-serial", "chardev:pins", NULL);
		_exit(127);
	}
	b->link_fd = accept_from(link_at);
	b->pins_fd = accept_from(pins_at);
	b->text = g_string_new(NULL);
	proto_link_init(&b->link, 0, &ops, b);
	unlink(link);
	unlink(pins);
	rmdir(b->folder);
	return b;
}

static void board_free(Board *b)
{
	kill(b->qemu, SIGKILL);
	waitpid(b->qemu, NULL, 0);
	close(b->link_fd);
	close(b->pins_fd);
	g_string_free(b->text, TRUE);
	if (b->damage)
		g_rand_free(b->damage);
	g_free(b);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Board, board_free)

/* ---- turns ------------------------------------------------------------------------------------------------------------ */

static void ask(Board *b, gint64 now_us)
{
	uint8_t payload[PROTO_PING_SIZE], wire[PROTO_WIRE];
	b->asked_us = now_us;
	b->waiting = true;
	if (!b->link.session) {
		uint8_t nonce[4] = {1, 2, 3, 4};
		ProtoFrame syn = {PROTO_SYN, 0, 0, 0, nonce, sizeof nonce};
		send_bytes(b, wire, proto_frame_encode(&syn, wire));
		b->waiting = b->pongs > 0;
		return;
	}
	ProtoPing ping = {b->groups, b->pong.sent, b->pongs};
	b->spoken = ping.spoken;
	proto_ping_put(&ping, payload);
	proto_link_datagram(&b->link, PROTO_PING, payload, sizeof payload);
}

static void turn(Board *b)
{
	uint8_t bytes[512];
	struct pollfd p[2] = {{b->link_fd, POLLIN, 0}, {b->pins_fd, POLLIN, 0}};
	gint64 now_us = g_get_monotonic_time();
	bool again = now_us - b->asked_us > (b->link.session ? 60000 : 100000);
	if (!b->silent && (again || (b->link.session && !b->waiting)))
		ask(b, now_us);
	if (!b->silent)
		proto_link_poll(&b->link, (uint32_t)(now_us / (1000 * SLOWER)));
	if (poll(p, 2, 10) <= 0)
		return;
	/* pins first: they were told before the answer */
	ssize_t n = p[1].revents ? read(b->pins_fd, bytes, sizeof bytes) : 0;
	for (ssize_t i = 0; i < n; i++)
		take_pin_byte(b, bytes[i]);
	n = p[0].revents ? read(b->link_fd, bytes, sizeof bytes) : 0;
	if (p[0].revents && n <= 0)
		g_error("QEMU is gone");
	for (ssize_t i = 0; i < n; i++) {
		if (b->damage && g_rand_int_range(b->damage, 0, 200) == 0) {
			bytes[i] ^= 0x10;
			b->damaged++;
		}
		proto_link_byte(&b->link, bytes[i]);
	}
}

#define UNTIL(b, condition)                                                           \
	({                                                                            \
		gint64 until_ = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC; \
		bool is_;                                                             \
		while (!(is_ = (condition)) && g_get_monotonic_time() < until_)       \
			turn(b);                                                      \
		is_;                                                                  \
	})

static const ProtoReply *reply_to(const Board *b, uint16_t tag, bool last)
{
	for (unsigned i = 0; i < MIN(b->replies, G_N_ELEMENTS(b->reply)); i++) {
		const ProtoReply *r = &b->reply[(b->replies - 1 - i) % G_N_ELEMENTS(b->reply)];
		if (r->tag == tag && (!last || r->msg != PROTO_MSG_QUEUED))
			return r;
	}
	return NULL;
}

static uint16_t post(Board *b, uint8_t reg, int32_t value, uint64_t at)
{
	uint8_t bytes[PROTO_PAYLOAD];
	ProtoWrite w = {++b->tag, reg, at ? 0 : PROTO_WRITE_SOONEST, at, value, 0};
	uint8_t n = proto_write_put(&w, bytes);
	return UNTIL(b, proto_link_post(&b->link, bytes, n)) ? w.tag : 0;
}

/* The value, or -1 - refusal. */
static int32_t set(Board *b, uint8_t reg, int32_t value)
{
	uint16_t tag = post(b, reg, value, 0);
	const ProtoReply *r =
		UNTIL(b, reply_to(b, tag, true) != NULL) ? reply_to(b, tag, true) : NULL;
	if (!r)
		return -1000;
	return r->msg == PROTO_MSG_DONE ? r->value : -1 - r->value;
}

static bool connected(Board *b)
{
	return UNTIL(b, b->link.session && b->pongs > 1);
}

static bool armed(Board *b)
{
	if (!connected(b) || set(b, PROTO_REG_RESET, 0) < 0 || set(b, PROTO_REG_RESET, 1) < 0)
		return false;
	b->groups = 3;
	return UNTIL(b, b->pong.leases == 3);
}

/* ---- promises --------------------------------------------------------------------------------------------------------- */

static void it_identifies_itself_and_its_rows(void)
{
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(connected(b));
	const ProtoBoard *board = proto_board_by_name("stm32f405");
	CU_ASSERT_STRING_EQUAL(b->hello.board, board->name);
	CU_ASSERT_EQUAL(b->hello.protocol, PROTO_VERSION);
	CU_ASSERT_EQUAL(b->hello.schema_hash, proto_board_hash(board));
	CU_ASSERT_EQUAL(b->hello.tick_hz, 2000000);
	CU_ASSERT_EQUAL(b->hello.boot_cause, PROTO_CAUSE_POWER_ON);
	CU_ASSERT_EQUAL(b->pong.state, PROTO_STATE_FAULTED);
	CU_ASSERT_EQUAL(b->pong.reason, PROTO_REASON_BOOT);
	size_t length = strlen(board->schema);
	while (b->text->len < length) {
		size_t had = b->text->len;
		uint8_t describe[5] = {PROTO_MSG_DESCRIBE, 0xee, 0xee};
		proto_put16(describe + 3, (uint16_t)had);
		proto_link_post(&b->link, describe, sizeof describe);
		if (!UNTIL(b, b->text->len > had))
			break;
	}
	CU_ASSERT_STRING_EQUAL(b->text->str, board->schema);
	for (unsigned i = 0; i < b->edges; i++)
		CU_ASSERT_TRUE(!b->edge[i].port && !b->edge[i].enable);
}

/* Posted in another order than their times; 2 µs at most after its time, never before. */
static void scheduled_writes_act_in_order_at_their_times(void)
{
	static const uint8_t order[8] = {5, 2, 7, 0, 6, 1, 4, 3};
	g_autoptr(Board) b = board_new();
	uint16_t tag[8];
	CU_ASSERT_TRUE(armed(b));
	unsigned before = b->edges;
	uint64_t start = b->pong.sent + 60 * TICKS_MS;
	for (int i = 0; i < 8; i++)
		tag[order[i]] = post(b, OUT(order[i]), 1, start + order[i] * (uint64_t)1357);
	for (int i = 0; i < 8; i++) {
		CU_ASSERT_TRUE(UNTIL(b, reply_to(b, tag[i], true) != NULL));
		const ProtoReply *r = reply_to(b, tag[i], true);
		CU_ASSERT_TRUE(r && r->msg == PROTO_MSG_DONE && r->reg == OUT(i));
	}
	uint8_t port = 0;
	unsigned k = before;
	for (uint32_t i = 0; i < 8; i++) {
		while (k < b->edges && b->edge[k].port == port)
			k++; /* the lamp */
		port |= (uint8_t)(1u << i);
		int32_t late = (int32_t)(b->edge[k].at - (uint32_t)(start + i * 1357));
		const ProtoReply *r = reply_to(b, tag[i], true);
		CU_ASSERT_TRUE(k < b->edges && b->edge[k].port == port);
		CU_ASSERT_TRUE(late >= 0 && late <= 4);
		CU_ASSERT_TRUE(r && llabs((int64_t)(r->at - start - i * 1357) - late) <= 2);
	}
}

static void a_late_write_is_refused_and_does_nothing(void)
{
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(armed(b));
	uint16_t tag = post(b, OUT(1), 1, b->pong.sent);
	CU_ASSERT_TRUE(UNTIL(b, reply_to(b, tag, false) != NULL));
	const ProtoReply *r = reply_to(b, tag, false);
	CU_ASSERT_TRUE(r && r->msg == PROTO_MSG_REFUSED && r->value == PROTO_REFUSED_LATE);
	for (unsigned i = 0; i < b->edges; i++)
		CU_ASSERT_EQUAL(b->edge[i].port, 0);
}

/* Contract: 95 ms ± 1 ms after the host's last word, outputs and enable line together. */
static void a_silent_host_makes_safe(void)
{
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(armed(b));
	CU_ASSERT_EQUAL(set(b, OUT(0), 1), 1);
	CU_ASSERT_EQUAL(set(b, OUT(6), 1), 1);
	CU_ASSERT_TRUE(UNTIL(b, !b->waiting));
	CU_ASSERT_TRUE(b->edges && b->edge[b->edges - 1].port == 0x41 &&
		       b->edge[b->edges - 1].enable);
	b->silent = true;
	CU_ASSERT_TRUE(UNTIL(b, b->edges && !b->edge[b->edges - 1].enable));
	Edge e = b->edge[b->edges - 1];
	double ms = (double)(int32_t)(e.at - (uint32_t)b->spoken) / TICKS_MS;
	fprintf(stderr, "safe %.3f ms after the last word\n", ms);
	CU_ASSERT_DOUBLE_EQUAL(ms, 95, 1);
	CU_ASSERT_EQUAL(e.port, 0);
	b->silent = false;
	CU_ASSERT_TRUE(UNTIL(b, b->pong.state == PROTO_STATE_FAULTED));
	CU_ASSERT_EQUAL(b->pong.reason, PROTO_REASON_LEASE);
	CU_ASSERT_EQUAL(set(b, OUT(0), 1), -1 - PROTO_REFUSED_INTERLOCK);
}

static void press(Board *b, uint8_t levels)
{
	CU_ASSERT_EQUAL(write(b->pins_fd, &levels, 1), 1);
}

static void an_opening_loop_latches_and_nothing_comes_back_by_itself(void)
{
	static const struct {
		uint8_t level, reason;
	} loop[2] = {{PROTO_INPUT_ESTOP, PROTO_REASON_ESTOP},
		     {PROTO_INPUT_TRIP, PROTO_REASON_TRIP}};
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(armed(b));
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(set(b, OUT(2), 1), 1);
		press(b, loop[i].level);
		CU_ASSERT_TRUE(UNTIL(b, b->pong.state == PROTO_STATE_FAULTED));
		CU_ASSERT_EQUAL(b->pong.reason, loop[i].reason);
		CU_ASSERT_TRUE(!b->edge[b->edges - 1].enable && !b->edge[b->edges - 1].port);
		CU_ASSERT_EQUAL(set(b, PROTO_REG_RESET, 0), 0);
		CU_ASSERT_EQUAL(set(b, PROTO_REG_RESET, 1), -1 - PROTO_REFUSED_UNHEALTHY);
		press(b, 0);
		CU_ASSERT_TRUE(UNTIL(b, !(b->pong.inputs & 3)));
		CU_ASSERT_EQUAL(set(b, OUT(2), 1), -1 - PROTO_REFUSED_INTERLOCK);
		CU_ASSERT_EQUAL(set(b, PROTO_REG_RESET, 0), 0);
		CU_ASSERT_EQUAL(set(b, PROTO_REG_RESET, 1), 1);
		CU_ASSERT_TRUE(UNTIL(b, b->pong.leases == 3));
		CU_ASSERT_EQUAL(b->edge[b->edges - 1].port, 0);
	}
}

/* In order, with their levels, at times that do not run back; the emulator's pins are bytes, so no more can be said of when. */
static void edges_of_inputs_are_captured_in_order(void)
{
	static const uint8_t levels[] = {0x10, 0x30, 0x20, 0xa0, 0x80, 0x00};
	static const uint8_t what[] = {0x80, 0x81, 0x00, 0x83, 0x01, 0x03};
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(connected(b));
	CU_ASSERT_EQUAL(set(b, PROTO_REG_EDGES, 15), 15);
	CU_ASSERT_TRUE(UNTIL(b, b->captures == 4));
	for (unsigned i = 0; i < G_N_ELEMENTS(levels); i++) {
		press(b, levels[i]);
		CU_ASSERT_TRUE(UNTIL(b, b->captures == 5 + i));
		CU_ASSERT_EQUAL(b->captured[4 + i].what, what[i]);
		CU_ASSERT_TRUE(b->captured[4 + i].at > b->captured[3 + i].at);
	}
	CU_ASSERT_EQUAL(b->edges_lost, 0);
	CU_ASSERT_EQUAL(b->pong.state, PROTO_STATE_FAULTED); /* as it began: none is a loop's */
}

/* Scans in their shape and at their pace. What QEMU's converter gives is no voltage, so nothing is said of values. */
static void oversampled_scans_come_in_their_shape(void)
{
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(connected(b));
	CU_ASSERT_EQUAL(set(b, PROTO_REG_ADC_PERIOD, 3), 3);
	CU_ASSERT_EQUAL(set(b, PROTO_REG_ADC3_OVERSAMPLE, 0), 0);
	CU_ASSERT_EQUAL(set(b, PROTO_REG_ADC0_OVERSAMPLE, 16), 16);
	CU_ASSERT_EQUAL(set(b, PROTO_REG_STREAM, 1), 1);
	CU_ASSERT_TRUE(UNTIL(b, b->batches > 3));
	CU_ASSERT_EQUAL(b->adc.plan, 3 | 1 << 2 | 1 << 4);
	CU_ASSERT_EQUAL(b->adc.period, 3 * TICKS_MS);
	CU_ASSERT_EQUAL(b->adc.channels, 3);
	CU_ASSERT_TRUE(b->adc.of[1].after <= b->adc.of[2].after);
}

/* One frame in five is damaged on its way there and one byte in 200 on its way back: each command acts once, in order. */
static void damaged_frames_are_recovered_and_act_once(void)
{
	enum { COMMANDS = 30 };
	g_autoptr(Board) b = board_new();
	CU_ASSERT_TRUE(connected(b));
	b->damage = g_rand_new_with_seed(20261124);
	unsigned done = 0;
	uint16_t tag[COMMANDS];
	for (int i = 0; i < COMMANDS; i++)
		tag[i] = post(b, PROTO_REG_LED, i & 1, 0);
	for (int i = 0; i < COMMANDS; i++) {
		CU_ASSERT_TRUE(UNTIL(b, reply_to(b, tag[i], true) != NULL));
		const ProtoReply *r = reply_to(b, tag[i], true);
		done += r && r->msg == PROTO_MSG_DONE && r->value == (i & 1);
	}
	CU_ASSERT_EQUAL(done, COMMANDS);
	CU_ASSERT_EQUAL(b->replies, COMMANDS); /* none was answered twice */
	unsigned changes =
		0; /* the lamp's, after the first command, which may have found it dark */
	for (unsigned i = b->edges; i > 0 && changes < COMMANDS - 1; i--)
		changes += b->edge[i - 1].led != (i > 1 && b->edge[i - 2].led);
	CU_ASSERT_TRUE(changes == COMMANDS - 1 && b->edge[b->edges - 1].led);
	CU_ASSERT_TRUE(b->damaged > 10 && b->link.counts.resent + b->pong.damaged > 5);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(it_identifies_itself_and_its_rows),
		UNIT(scheduled_writes_act_in_order_at_their_times),
		UNIT(a_late_write_is_refused_and_does_nothing),
		UNIT(a_silent_host_makes_safe),
		UNIT(an_opening_loop_latches_and_nothing_comes_back_by_itself),
		UNIT(edges_of_inputs_are_captured_in_order),
		UNIT(oversampled_scans_come_in_their_shape),
		UNIT(damaged_frames_are_recovered_and_act_once),
	};
	unit_require("arm", QEMU);
	unit_require("arm", ELF);
	signal(SIGPIPE, SIG_IGN);
	return unit_run("firmware.stm32f405", tests, G_N_ELEMENTS(tests), argc, argv);
}
