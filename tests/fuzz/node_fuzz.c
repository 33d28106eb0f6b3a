/* The node's frame parser and command dispatcher: bytes off the wire into the native core, and the same bytes wrapped into
 * valid frames of a running session, so that the dispatcher is reached too. Whatever comes, no output may be away from SAFE
 * without a lease, no axis steps without one, and none leaves a window as wide as its travel. First byte: 0 = raw bytes; otherwise each chunk (length byte, then bytes) is one message. */
#include <anzen/protocol.h>
#include <node_native.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
	NodeNative *node;
	ProtoLink link;
	bool enabled, up[PROTO_AXES];
	int32_t count[PROTO_AXES];
} Host;

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	(void)t_ns;
	Host *h = user;
	if (name[0] == 'e') /* enable follows the leases */
		h->enabled = level;
	else if ((name[0] == 'o' || name[0] == 's') && level && !h->enabled)
		abort();
	if (name[0] == 'd' && name[1] == 'i') /* dir.N */
		h->up[name[4] - '0'] = level;
	if (name[0] == 's' && level) {
		int i = name[5] - '0';
		h->count[i] += h->up[i] ? 1 : -1;
	}
}

static void on_duty(void *user, const char *name, int permille, int64_t t_ns)
{
	(void)name;
	(void)t_ns;
	const Host *h = user;
	if (permille && !h->enabled)
		abort();
}

static bool send_bytes(void *user, const uint8_t *wire, uint8_t n)
{
	Host *h = user;
	return node_native_feed(h->node, wire, n);
}

static bool on_message(void *user, const uint8_t *bytes, uint8_t n)
{
	(void)user;
	ProtoReply reply;
	ProtoEventMsg event;
	ProtoAdc adc;
	ProtoAxes axes;
	ProtoEdges edges;
	proto_axes_get(bytes, n, &axes);
	proto_edges_get(bytes, n, &edges);
	proto_reply_get(bytes, n, &reply);
	proto_event_get(bytes, n, &event);
	proto_adc_get(bytes, n, &adc);
	return true;
}

static void on_datagram(void *user, const ProtoFrame *frame)
{
	Host *h = user;
	if (frame->kind == PROTO_SYN_ACK && !h->link.session)
		proto_link_open(&h->link, frame->session);
}

static const ProtoLinkOps ops = {send_bytes, on_message, on_datagram};

static void turn(Host *h, int64_t ns)
{
	uint8_t bytes[4096];
	node_native_run_to(h->node, node_native_now(h->node) + ns);
	size_t n = node_native_drain(h->node, bytes, sizeof bytes);
	for (size_t i = 0; i < n; i++)
		proto_link_byte(&h->link, bytes[i]);
	proto_link_poll(&h->link, (uint32_t)(node_native_now(h->node) / 1000000));
}

static void begin(Host *h)
{
	uint8_t wire[PROTO_WIRE], nonce[4] = {1, 2, 3, 4};
	ProtoFrame syn = {PROTO_SYN, 0, 0, 0, nonce, 4};
	send_bytes(h, wire, proto_frame_encode(&syn, wire));
	turn(h, 1000000);
}

static void ping(Host *h, uint8_t groups, uint64_t spoken)
{
	ProtoPing p = {groups, spoken, 9};
	uint8_t payload[PROTO_PING_SIZE];
	proto_ping_put(&p, payload);
	proto_link_datagram(&h->link, PROTO_PING, payload, sizeof payload);
}

/* Captured inputs change, too. */
static void flutter(Host *h, uint8_t byte)
{
	static const char *const names[] = {"in.0", "in.1", "in.2", "in.3"};
	for (int i = 0; i < (byte & 0x0f); i++)
		node_native_set_input(h->node, names[byte >> 4 & 3], i & 1);
}

static void messages(Host *h, const uint8_t *data, size_t size)
{
	static const uint8_t edge[2][PROTO_WRITE_SIZE] = {
		{PROTO_MSG_WRITE, 1, 0, PROTO_REG_RESET, 1},
		{PROTO_MSG_WRITE, 2, 0, PROTO_REG_RESET, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
	begin(h);
	for (uint8_t i = 0; i < PROTO_AXES; i++) {
		const uint8_t declare[PROTO_WRITE_SIZE] = {PROTO_MSG_WRITE, 3, 0,
							   (uint8_t)(PROTO_REG_AXIS0 + i), 1};
		proto_link_post(&h->link, declare, PROTO_WRITE_SIZE);
	}
	proto_link_post(&h->link, edge[0], PROTO_WRITE_SIZE);
	proto_link_post(&h->link, edge[1], PROTO_WRITE_SIZE);
	turn(h, 1000000);
	while (size) {
		uint8_t n = (uint8_t)(data[0] % (PROTO_PAYLOAD + 1));
		if (n > size - 1)
			n = (uint8_t)(size - 1);
		ping(h, data[0] >> 6, (uint64_t)node_native_now(h->node) / 500 + 1);
		proto_link_post(&h->link, data + 1, n);
		flutter(h, n ? data[n] : 0);
		turn(h, 200000 + data[0] * 100000);
		data += 1 + n;
		size -= 1u + n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	Host h = {0};
	NodeNativePlant plant = {.user = &h, .pin_changed = on_pin, .duty_changed = on_duty};
	NodeNativeConfig config = {0};
	h.node = node_native_new(&config, &plant);
	proto_link_init(&h.link, 0, &ops, &h);
	if (data[0])
		messages(&h, data + 1, size - 1);
	else
		node_native_feed(h.node, data + 1, size - 1 < 4096 ? size - 1 : 4096);
	turn(&h, 120000000);
	for (int i = 0; i < PROTO_AXES;
	     i++) /* a homing may search the travel and a little more, once each way */
		if (h.count[i] > 400000 || h.count[i] < -400000)
			abort();
	if (h.enabled) /* 120 ms after the last word */
		abort();
	node_native_free(h.node);
	return 0;
}
