#include "node_bench.h"

#include <string.h>

#define STEP (100 * CLOCK_US)

static bool on_axis(NodeBench *b, const char *name, bool level, int64_t t_ns)
{
	bool step = g_str_has_prefix(name, "step."), dir = g_str_has_prefix(name, "dir.");
	if (!step && !dir)
		return false;
	BenchAxis *a = &b->axis[name[step ? 5 : 4] - '0'];
	if (dir) {
		a->up = level;
	} else if (level) {
		a->position += a->up ? 1 : -1;
		g_array_append_val(a->at, t_ns);
	}
	return true;
}

static void on_duty(void *user, const char *name, int permille, int64_t t_ns)
{
	NodeBench *b = user;
	int k = name[4] - '0';
	b->duty[k] = permille;
	b->duty_ns[k] = t_ns;
}

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	NodeBench *b = user;
	if (on_axis(b, name, level, t_ns) || b->edges == BENCH_EDGES)
		return;
	BenchEdge *e = &b->edge[b->edges++];
	g_strlcpy(e->name, name, sizeof e->name);
	e->level = level;
	e->t_ns = t_ns;
}

static int adc_read(void *user, const char *name, int64_t t_ns)
{
	NodeBench *b = user;
	int k = name[4] - '0';
	if (b->adc_read)
		return b->adc_read(b, k, t_ns);
	return b->adc_mv[k] + (k ? 0 : (int)(b->adc_slope * t_ns / CLOCK_S));
}

static bool feed(NodeBench *b, const uint8_t *bytes, size_t n)
{
	return b->sim ? node_sim_feed(b->sim, bytes, n) : node_native_feed(b->native, bytes, n);
}

static bool send_bytes(void *user, const uint8_t *wire, uint8_t n)
{
	NodeBench *b = user;
	uint8_t changed[8192];
	if (!b->to_node)
		return feed(b, wire, n);
	size_t k = b->to_node(b, wire, n, changed, sizeof changed);
	return feed(b, changed, k);
}

static void on_adc(NodeBench *b, const ProtoAdc *adc)
{
	b->batches++;
	b->adc = *adc;
	for (int i = 0; i < adc->channels * adc->scans; i++) {
		int k = i % adc->channels;
		uint64_t at =
			adc->at + (uint64_t)(i / adc->channels * adc->period) + adc->of[k].after;
		BenchValue v = {adc->of[k].channel, ((int64_t)at - b->offset_ticks) * 500,
				proto_get16(adc->values + 2 * i)};
		b->adc_codes[i % 32] = v.value;
		if (b->values)
			g_array_append_val(b->values, v);
	}
}

static void on_edges(NodeBench *b, const ProtoEdges *e)
{
	b->edges_said = *e;
	b->edges_messages++;
	for (int i = 0; i < e->edges; i++) {
		BenchCapture c = {e->edge[i].what, e->at - e->edge[i].before};
		g_array_append_val(b->captured, c);
	}
}

static bool on_message(void *user, const uint8_t *bytes, uint8_t n)
{
	NodeBench *b = user;
	ProtoAdc adc;
	ProtoEdges edges;
	if (proto_reply_get(bytes, n, &b->reply[b->replies % 64])) {
		b->replies++;
	} else if (proto_event_get(bytes, n, &b->event[b->events % 64])) {
		b->events++;
	} else if (proto_axes_get(bytes, n, &b->axes)) {
		b->snapshots++;
	} else if (proto_adc_get(bytes, n, &adc)) {
		on_adc(b, &adc);
	} else if (proto_edges_get(bytes, n, &edges)) {
		on_edges(b, &edges);
	} else {
		b->texts++;
	}
	return true;
}

static void on_datagram(void *user, const ProtoFrame *frame)
{
	NodeBench *b = user;
	if (frame->kind == PROTO_SYN_ACK && proto_hello_get(frame->payload, frame->n, &b->hello) &&
	    b->hello.nonce == 0x12345678 && !b->link.session)
		proto_link_open(&b->link, frame->session);
	else if (frame->kind == PROTO_PONG && proto_pong_get(frame->payload, frame->n, &b->pong))
		b->pongs++;
}

static const ProtoLinkOps ops = {send_bytes, on_message, on_datagram};

const char *node_bench_board(void)
{
	const char *board = g_getenv("ANZEN_NODE_BOARD");
	return board ? board : "atmega2560";
}

bool node_bench_has(const NodeBench *b, uint8_t reg)
{
	return proto_board_has(proto_board_by_name(b->sim ? node_sim_board(b->sim) : "native"),
			       reg);
}

uint8_t node_bench_outputs(const NodeBench *b)
{
	uint8_t n = 0;
	while (n < 8 && node_bench_has(b, (uint8_t)(PROTO_REG_OUT0 + n)))
		n++;
	return n;
}

static void new_elf(NodeBench *b)
{
	g_autofree char *elf =
		g_strdup_printf("%s/firmware/node-%s.elf", ANZEN_BINARY_DIR, node_bench_board());
	NodeSimPlant plant = {b, on_pin, adc_read, on_duty};
	NodeSimConfig config = {.elf = elf, .name = "node"};
	g_autoptr(GError) error = NULL;
	b->sim = node_sim_new(&config, &plant, b->clock, &error);
	if (!b->sim)
		g_error("%s", error->message);
}

NodeBench *node_bench_new(BenchKind kind)
{
	NodeBench *b = g_new0(NodeBench, 1);
	NodeNativePlant plant = {b, on_pin, adc_read, on_duty};
	NodeNativeConfig config = {0};
	b->clock = clock_manual_new(0);
	b->captured = g_array_new(FALSE, FALSE, sizeof(BenchCapture));
	for (int i = 0; i < PROTO_AXES; i++)
		b->axis[i].at = g_array_new(FALSE, FALSE, sizeof(int64_t));
	if (kind == BENCH_ELF)
		new_elf(b);
	else
		b->native = node_native_new(&config, &plant);
	proto_link_init(&b->link, 0, &ops, b);
	return b;
}

void node_bench_free(NodeBench *b)
{
	if (!b)
		return;
	node_sim_free(b->sim);
	node_native_free(b->native);
	clock_free(b->clock);
	g_array_unref(b->captured);
	g_clear_pointer(&b->values, g_array_unref);
	for (int i = 0; i < PROTO_AXES; i++)
		g_array_unref(b->axis[i].at);
	g_free(b);
}

void node_bench_input(NodeBench *b, const char *name, bool level)
{
	if (b->sim)
		node_sim_set_input(b->sim, name, level);
	else
		node_native_set_input(b->native, name, level);
}

int64_t node_bench_now(const NodeBench *b)
{
	return b->sim ? node_sim_now(b->sim) : node_native_now(b->native);
}

static void run_to(NodeBench *b, int64_t t_ns)
{
	if (b->sim)
		node_sim_run_to(b->sim, t_ns);
	else
		node_native_run_to(b->native, t_ns);
}

uint64_t node_bench_ticks(const NodeBench *b, int64_t t_ns)
{
	return (uint64_t)(t_ns / 500 + b->offset_ticks);
}

static void receive(NodeBench *b)
{
	uint8_t bytes[2048], changed[4096];
	size_t n = b->sim ? node_sim_drain(b->sim, bytes, sizeof bytes)
			  : node_native_drain(b->native, bytes, sizeof bytes);
	const uint8_t *p = bytes;
	if (b->to_host) {
		n = b->to_host(b, bytes, n, changed, sizeof changed);
		p = changed;
	}
	for (size_t i = 0; i < n; i++)
		proto_link_byte(&b->link, p[i]);
}

static void ping(NodeBench *b)
{
	int64_t now = node_bench_now(b);
	ProtoPing ping = {b->groups, b->offset_ticks ? node_bench_ticks(b, now) : 0,
			  (uint32_t)(now / 1000)};
	uint8_t payload[PROTO_PING_SIZE];
	proto_ping_put(&ping, payload);
	if (proto_link_datagram(&b->link, PROTO_PING, payload, sizeof payload))
		b->last_word_ns = now;
}

void node_bench_run(NodeBench *b, int64_t ns)
{
	int64_t until = node_bench_now(b) + ns;
	while (node_bench_now(b) < until - 500) { /* less than a tick is not worth a step */
		int64_t now = node_bench_now(b);
		if (b->link.session && b->groups != 0xff && now >= b->next_ping_ns) {
			ping(b);
			b->next_ping_ns = now + 20 * CLOCK_MS;
		}
		proto_link_poll(&b->link, (uint32_t)(now / CLOCK_MS));
		run_to(b, MIN(until, now + STEP));
		receive(b);
	}
}

static void syn(NodeBench *b)
{
	uint8_t nonce[4], wire[PROTO_WIRE];
	proto_put32(nonce, 0x12345678);
	ProtoFrame frame = {PROTO_SYN, 0, 0, 0, nonce, sizeof nonce};
	send_bytes(b, wire, proto_frame_encode(&frame, wire));
}

bool node_bench_connect(NodeBench *b)
{
	for (int i = 0; i < 20 && !b->link.session; i++) {
		syn(b);
		node_bench_run(b, 20 * CLOCK_MS);
	}
	unsigned had = b->pongs;
	for (int i = 0; i < 20 && b->pongs == had; i++)
		node_bench_run(b, 20 * CLOCK_MS);
	if (b->pongs == had)
		return false;
	/* token: µs when the ping was fed; on the emulated board its 27 bytes take 20 µs each */
	int64_t wire = b->sim ? 27 * 40 : 0;
	b->offset_ticks = (int64_t)b->pong.received - ((int64_t)b->pong.token * 2 + wire);
	if (!b->offset_ticks)
		b->offset_ticks = 1; /* 0 means unknown */
	return true;
}

uint16_t node_bench_write(NodeBench *b, uint8_t reg, int32_t value, uint64_t at,
			  uint32_t duration_us)
{
	uint8_t bytes[PROTO_PAYLOAD];
	ProtoWrite w = {++b->tag, reg, at ? 0 : PROTO_WRITE_SOONEST, at, value, duration_us};
	proto_link_post(&b->link, bytes, proto_write_put(&w, bytes));
	return w.tag;
}

uint16_t node_bench_move(NodeBench *b, uint8_t axis, int32_t target, uint32_t velocity,
			 uint32_t acceleration, uint64_t at, bool home)
{
	uint8_t bytes[PROTO_PAYLOAD];
	ProtoMove m = {++b->tag,
		       axis,
		       (uint8_t)((at ? 0 : PROTO_WRITE_SOONEST) | (home ? PROTO_MOVE_HOME : 0)),
		       at,
		       target,
		       velocity,
		       acceleration};
	proto_link_post(&b->link, bytes, proto_move_put(&m, bytes));
	return m.tag;
}

int32_t node_bench_answer(NodeBench *b, uint16_t tag, int64_t most_ns)
{
	for (int64_t ms = 0; ms <= most_ns / CLOCK_MS; ms++) {
		const ProtoReply *ok = node_bench_reply(b, PROTO_MSG_DONE, tag),
				 *no = node_bench_reply(b, PROTO_MSG_REFUSED, tag);
		if (ok)
			return ok->value;
		if (no)
			return -1 - no->value;
		node_bench_run(b, CLOCK_MS);
	}
	return INT32_MIN;
}

uint16_t node_bench_soonest(NodeBench *b, uint8_t reg, int32_t value)
{
	return node_bench_write(b, reg, value, 0, 0);
}

const ProtoReply *node_bench_reply(const NodeBench *b, uint8_t msg, uint16_t tag)
{
	for (unsigned i = 0; i < MIN(b->replies, 64u); i++) {
		const ProtoReply *r = &b->reply[(b->replies - 1 - i) % 64];
		if (r->msg == msg && r->tag == tag)
			return r;
	}
	return NULL;
}

const ProtoEventMsg *node_bench_event(const NodeBench *b, uint8_t event)
{
	for (unsigned i = 0; i < MIN(b->events, 64u); i++)
		if (b->event[(b->events - 1 - i) % 64].event == event)
			return &b->event[(b->events - 1 - i) % 64];
	return NULL;
}

const BenchEdge *node_bench_edge(const NodeBench *b, const char *pin)
{
	for (unsigned i = b->edges; i > 0; i--)
		if (!strcmp(b->edge[i - 1].name, pin))
			return &b->edge[i - 1];
	return NULL;
}

unsigned node_bench_rises(const NodeBench *b, const char *pin)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->edges; i++)
		n += b->edge[i].level && !strcmp(b->edge[i].name, pin);
	return n;
}

static int32_t wait_for(NodeBench *b, uint8_t msg, uint16_t tag)
{
	for (int i = 0; i < 400; i++) {
		const ProtoReply *ok = node_bench_reply(b, msg, tag),
				 *no = node_bench_reply(b, PROTO_MSG_REFUSED, tag);
		if (ok)
			return ok->value;
		if (no)
			return -1 - no->value;
		node_bench_run(b, CLOCK_MS);
	}
	return -1000;
}

int32_t node_bench_set(NodeBench *b, uint8_t reg, int32_t value)
{
	return wait_for(b, PROTO_MSG_DONE, node_bench_soonest(b, reg, value));
}

int32_t node_bench_get(NodeBench *b, uint8_t reg)
{
	uint8_t bytes[4] = {PROTO_MSG_READ};
	proto_put16(bytes + 1, ++b->tag);
	bytes[3] = reg;
	proto_link_post(&b->link, bytes, 4);
	return wait_for(b, PROTO_MSG_VALUE, b->tag);
}

bool node_bench_arm(NodeBench *b)
{
	if (!node_bench_connect(b) || node_bench_set(b, PROTO_REG_RESET, 0) < 0 ||
	    node_bench_set(b, PROTO_REG_RESET, 1) < 0)
		return false;
	b->groups = 3;
	b->next_ping_ns = 0;
	node_bench_run(b, 25 * CLOCK_MS);
	return b->pong.leases == 3;
}
