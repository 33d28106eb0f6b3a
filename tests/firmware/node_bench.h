/* A node under test (the release ELF in simavr, or the same core compiled natively) and the host's end of its link, in
 * lock-step and deterministic. */
#ifndef ANZEN_TESTS_NODE_BENCH_H
#define ANZEN_TESTS_NODE_BENCH_H

#include <anzen/protocol.h>
#include <glib.h>
#include <node_native.h>
#include <node_sim.h>

#define NODE_MS 2000 /* node ticks */
#define BENCH_EDGES 4096

typedef struct {
	char name[8];
	bool level;
	int64_t t_ns;
} BenchEdge;

/* What the plant has seen of an axis: each rising edge of its step line is a step. */
typedef struct {
	int32_t position;
	bool up;
	GArray *at; /* int64_t ns of each step since the array was emptied */
} BenchAxis;

typedef struct {
	int channel;
	int64_t t_ns; /* bench time */
	uint16_t value;
} BenchValue;
typedef struct {
	uint8_t what;
	uint64_t at; /* node ticks */
} BenchCapture;

typedef enum { BENCH_ELF, BENCH_NATIVE } BenchKind;

typedef struct NodeBench {
	Clock *clock;
	NodeSim *sim; /* one of the two */
	NodeNative *native;
	ProtoLink link;
	ProtoHello hello;
	ProtoPong pong;
	unsigned pongs, replies, events, batches, texts;
	ProtoReply reply[64]; /* the last 64 */
	ProtoEventMsg event[64];
	ProtoAxes axes; /* the last */
	unsigned snapshots;
	ProtoAdc adc; /* the last; values are copied to adc_codes */
	uint16_t adc_codes[32];
	GArray *values;        /* BenchValue of all, when not NULL */
	GArray *captured;      /* BenchCapture of all */
	ProtoEdges edges_said; /* the last */
	unsigned edges_messages;
	int64_t offset_ticks; /* node ticks at bench time 0: measured by ping */
	uint8_t groups; /* of the pings that node_bench_run() sends every 20 ms; 0xff: send none */
	int64_t next_ping_ns;
	int64_t last_word_ns; /* when the last ping's first byte was fed */
	BenchEdge edge[BENCH_EDGES];
	unsigned edges;
	BenchAxis axis[PROTO_AXES];
	int duty[2]; /* per mille */
	int64_t duty_ns[2];
	int adc_mv[4];
	int (*adc_read)(struct NodeBench *b, int channel,
			int64_t t_ns); /* NULL: adc_mv and adc_slope */
	int64_t adc_slope;             /* mV per second added to channel 0 */
	uint16_t tag;
	/* What happens to bytes on their way; NULL: nothing. Returns how many of ret are delivered. */
	size_t (*to_node)(struct NodeBench *b, const uint8_t *bytes, size_t n, uint8_t *ret,
			  size_t size);
	size_t (*to_host)(struct NodeBench *b, const uint8_t *bytes, size_t n, uint8_t *ret,
			  size_t size);
	void *user;
} NodeBench;

/* Whose ELF the tests run: ANZEN_NODE_BOARD, or the ATmega2560's. */
const char *node_bench_board(void);
NodeBench *node_bench_new(BenchKind kind);
/* How many of out.0, out.1, … this node has. */
uint8_t node_bench_outputs(const NodeBench *b);
void node_bench_input(NodeBench *b, const char *name, bool level);
void node_bench_free(NodeBench *b);
int64_t node_bench_now(const NodeBench *b);
/* Run in steps of 100 µs, pinging every 20 ms. */
void node_bench_run(NodeBench *b, int64_t ns);
/* SYN, hello, first ping; false when no session came within 200 ms. */
bool node_bench_connect(NodeBench *b);
/* connect, reset edge, leases of both groups. */
bool node_bench_arm(NodeBench *b);
/* Node time now, by exact knowledge of the emulation and the measured offset. */
uint64_t node_bench_ticks(const NodeBench *b, int64_t t_ns);
uint16_t node_bench_write(NodeBench *b, uint8_t reg, int32_t value, uint64_t at,
			  uint32_t duration_us);
uint16_t node_bench_soonest(NodeBench *b, uint8_t reg, int32_t value);
/* Does this board have the register? */
bool node_bench_has(const NodeBench *b, uint8_t reg);
/* at 0: soonest; home: target is not looked at. */
uint16_t node_bench_move(NodeBench *b, uint8_t axis, int32_t target, uint32_t velocity,
			 uint32_t acceleration, uint64_t at, bool home);
/* Run until a command is answered by something else than QUEUED: DONE's value, or -1 - refusal. */
int32_t node_bench_answer(NodeBench *b, uint16_t tag, int64_t most_ns);
/* The last reply with this tag and message, or NULL. */
const ProtoReply *node_bench_reply(const NodeBench *b, uint8_t msg, uint16_t tag);
const ProtoEventMsg *node_bench_event(const NodeBench *b, uint8_t event);
/* Last edge of a pin, or NULL. */
const BenchEdge *node_bench_edge(const NodeBench *b, const char *pin);
unsigned node_bench_rises(const NodeBench *b, const char *pin);
/* soonest-write and run until its answer: the value read or DONE's; -1 - refusal when refused. */
int32_t node_bench_set(NodeBench *b, uint8_t reg, int32_t value);
int32_t node_bench_get(NodeBench *b, uint8_t reg);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodeBench, node_bench_free)

#endif
