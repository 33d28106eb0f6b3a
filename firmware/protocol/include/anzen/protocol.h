/* protocol (floor 2): the link between the host and a node, in plain C for both ends (AVR gnu11 and host gnu17).
 *
 * registers.def defines what a node can do; here are its enums, the frame codec and the link end point. No
 * allocation, no clock, no I/O: bytes go in by proto_link_byte() and out through ops->send; time is a millisecond
 * count given by the caller. One end point belongs to one thread.
 *
 * Frame on the wire: COBS(body) 0x00, where the body is (little-endian)
 *
 *	length:u8  of the whole body      kind:u8      session:u16
 *	seq:u16    own number             ack:u16      next DATA number expected from the far end
 *	payload    0 ... PROTO_PAYLOAD    crc:u32      CRC-32 (IEEE 802.3) of all that precedes
 *
 * DATA frames are numbered, kept until acknowledged, resent (go back n) and accepted only in order, so a message
 * acts exactly once or never. All others are datagrams: acting twice on one is harmless by construction.
 *
 * Sessions: the host sends SYN(nonce); the node answers SYN_ACK(nonce, hello) and offers a session number that it
 * has not used since its last 256 offers; the session begins at the node with the first frame that carries it. A
 * repeated or late SYN or DATA of an older session therefore never acts.
 */
#ifndef ANZEN_PROTOCOL_H
#define ANZEN_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_VERSION 4

#define PROTO_HEADER 8
#define PROTO_CRC 4
#define PROTO_PAYLOAD 64
#define PROTO_BODY (PROTO_HEADER + PROTO_PAYLOAD + PROTO_CRC)
#define PROTO_WIRE (PROTO_BODY + 2) /* COBS adds one byte below 255, and the delimiter */

#ifndef PROTO_WINDOW
#define PROTO_WINDOW 8 /* unacknowledged DATA frames an end point keeps */
#endif

/* ---- boards ----------------------------------------------------------------------------------------------- */

/* Whose rows of registers.def this program sees (rows.h); the native board has them all, and so the host sees them all. */
#define PROTO_BOARD_NATIVE 0
#define PROTO_BOARD_ATMEGA2560 1
#define PROTO_BOARD_ATMEGA328P 2
#define PROTO_BOARD_STM32F405 3
#ifndef PROTO_BOARD
#define PROTO_BOARD PROTO_BOARD_NATIVE
#endif

#define PROTO_STR_(x) #x
#define PROTO_STR(x) PROTO_STR_(x)
#define PROTO_JOIN_(a, b) a##b
#define PROTO_JOIN(a, b) PROTO_JOIN_(a, b)

/* ---- registers.def as enums --------------------------------------------------------------------------- */

#define CONSTANT(symbol, value, doc) PROTO_##symbol = value,
enum {
#include "../../registers.def"
};
#define GROUP(id, name, doc) PROTO_GROUP_##name = id,
enum {
#include "../../registers.def"
};
#define GROUP(id, name, doc) +1
enum {
	PROTO_GROUPS = 0
#include "../../registers.def"
};
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) +1
enum {
	PROTO_OUTPUTS = 0
#include "../../registers.def"
};
#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) +1
enum {
	PROTO_AXES = 0
#include "../../registers.def"
};
#define REGISTER(id, symbol, name, type, access, unit, lo, hi, doc) PROTO_REG_##symbol = id,
enum {
	PROTO_REG_OUT0 = 0x10,
	PROTO_REG_LIMIT0 = 0x40,
	PROTO_REG_AXIS0 = 0x60,
	PROTO_REG_AXIS_STATE0 = 0x68,
	PROTO_REG_AXIS_V0 = 0x70,
	PROTO_REG_AXIS_A0 = 0x78,
	PROTO_REG_AXIS_LO0 = 0x80,
	PROTO_REG_AXIS_HI0 = 0x88,
	PROTO_REG_AXIS_HALT0 = 0x90,
#include "../../registers.def"
};
#define MESSAGE(id, symbol, layout, doc) PROTO_MSG_##symbol = id,
typedef enum {
#include "../../registers.def"
} ProtoMsg;
#define EVENT(id, symbol, doc) PROTO_EVENT_##symbol = id,
typedef enum {
#include "../../registers.def"
} ProtoEvent;
#define FAULT_REASON(id, symbol, doc) PROTO_REASON_##symbol = id,
typedef enum {
#include "../../registers.def"
} ProtoReason;
#define REFUSAL(id, symbol, doc) PROTO_REFUSED_##symbol = id,
typedef enum {
#include "../../registers.def"
} ProtoRefusal;

enum { PROTO_HOLD_RENEWABLE, PROTO_HOLD_ONCE };
enum { PROTO_ACCESS_READ, PROTO_ACCESS_WRITE, PROTO_ACCESS_TIMED, PROTO_ACCESS_MOVE };
enum { PROTO_STATE_FAULTED, PROTO_STATE_READY };
enum { PROTO_WRITE_SOONEST = 1, PROTO_MOVE_HOME = 2 };
enum { PROTO_AXIS_KNOWN = 1, PROTO_AXIS_MOVING = 2, PROTO_AXIS_HOMING = 4 };
enum {
	PROTO_CAUSE_POWER_ON = 1,
	PROTO_CAUSE_EXTERNAL = 2,
	PROTO_CAUSE_BROWN_OUT = 4,
	PROTO_CAUSE_WATCHDOG = 8
};

/* ---- the schema ------------------------------------------------------------------------------------------- */

/* The canonical text of PROTO_BOARD's rows, in flash on a Harvard machine: read it with proto_schema_char(). */
uint16_t proto_schema_length(void);
char proto_schema_char(uint16_t i);
/* CRC-32 of that text: two programs with equal hashes agree on every register, message and constant. */
uint32_t proto_schema_hash(void);

/* ---- bytes -------------------------------------------------------------------------------------------------- */

/* CRC-32 as in IEEE 802.3 (reflected 0x04c11db7); start with 0: crc of "123456789" is 0xcbf43926. */
uint32_t proto_crc32(uint32_t crc, const uint8_t *data, size_t n);

static inline void proto_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}
static inline void proto_put32(uint8_t *p, uint32_t v)
{
	proto_put16(p, (uint16_t)v);
	proto_put16(p + 2, (uint16_t)(v >> 16));
}
static inline void proto_put64(uint8_t *p, uint64_t v)
{
	proto_put32(p, (uint32_t)v);
	proto_put32(p + 4, (uint32_t)(v >> 32));
}
static inline uint16_t proto_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (uint16_t)p[1] << 8);
}
static inline uint32_t proto_get32(const uint8_t *p)
{
	return proto_get16(p) | (uint32_t)proto_get16(p + 2) << 16;
}
static inline uint64_t proto_get64(const uint8_t *p)
{
	return proto_get32(p) | (uint64_t)proto_get32(p + 4) << 32;
}

/* ---- frames ------------------------------------------------------------------------------------------------- */

typedef enum {
	PROTO_SYN = 1, /* host: nonce:u32 */
	PROTO_SYN_ACK, /* node: ProtoHello */
	PROTO_DATA,    /* one message of registers.def */
	PROTO_PING,    /* host: ProtoPing */
	PROTO_PONG,    /* node: ProtoPong */
	PROTO_ACK,     /* either: nothing but `ack` */
	PROTO_NAK,     /* either: something after `ack` was lost, send from there */
} ProtoKind;
/* Set in the kind of a node's frames but SYN_ACK: a line that echoes must not make an end believe itself. */
#define PROTO_FROM_NODE 0x80

typedef struct {
	uint8_t kind;
	uint16_t session, seq, ack;
	const uint8_t *payload; /* into the decoder's buffer */
	uint8_t n;
} ProtoFrame;

/* Build a frame for the wire with its delimiter; returns its length, n + PROTO_WIRE - PROTO_PAYLOAD. n ≤ PROTO_PAYLOAD. */
uint8_t proto_frame_encode(const ProtoFrame *frame, uint8_t *ret_wire);

typedef enum { PROTO_NEED_MORE, PROTO_FRAME, PROTO_INVALID } ProtoParse;

/* Takes the stream apart byte by byte; after any damage it is back in step at the next delimiter. */
typedef struct {
	uint8_t body[PROTO_BODY];
	uint8_t n;    /* bytes in body */
	uint8_t left; /* until the next COBS code byte */
	bool zero;    /* a zero belongs before that code byte */
	bool damaged; /* skip to the delimiter */
	bool any;     /* something since the last delimiter */
} ProtoDecoder;

void proto_decoder_init(ProtoDecoder *decoder);
/* PROTO_FRAME: *ret_frame is filled and valid until the next call. An empty frame (delimiter only) is NEED_MORE. */
ProtoParse proto_decoder_byte(ProtoDecoder *decoder, uint8_t byte, ProtoFrame *ret_frame);

/* ---- datagrams ------------------------------------------------------------------------------------------------ */

typedef struct {
	uint32_t nonce;      /* the SYN's */
	uint8_t protocol;    /* PROTO_VERSION */
	uint8_t firmware[3]; /* major, minor, patch */
	uint32_t schema_hash;
	uint32_t tick_hz;
	uint32_t boot_count;
	uint8_t boot_cause;
	char board[12]; /* "atmega2560", zero padded */
} ProtoHello;
#define PROTO_HELLO_SIZE 33
void proto_hello_put(const ProtoHello *hello, uint8_t ret_bytes[PROTO_HELLO_SIZE]);
bool proto_hello_get(const uint8_t *bytes, uint8_t n, ProtoHello *ret_hello);

/* The host's word. `spoken` is the node's time at which the host says it, by the host's estimate; 0: it has none yet,
 * and then no lease can be asked for. Leases run from min(spoken, arrival), so a frame that lay in a buffer while
 * the host died extends nothing. */
typedef struct {
	uint8_t groups; /* bit per group whose lease is wanted */
	uint64_t spoken;
	uint32_t token; /* echoed */
} ProtoPing;
#define PROTO_PING_SIZE 13
void proto_ping_put(const ProtoPing *ping, uint8_t ret_bytes[PROTO_PING_SIZE]);
bool proto_ping_get(const uint8_t *bytes, uint8_t n, ProtoPing *ret_ping);

enum { PROTO_PONG_STAMPED = 1 };
enum { PROTO_INPUT_ESTOP = 1, PROTO_INPUT_TRIP = 2, PROTO_INPUT_IN0 = 16 };
typedef struct {
	uint32_t token;
	uint8_t flags;
	uint64_t received; /* node time when the ping's delimiter arrived (if STAMPED) */
	uint64_t sent;     /* node time just before the pong's first byte was handed to the UART */
	uint8_t state, reason, leases, inputs;
	uint64_t tripped_at;                /* of `reason`, 0 when none */
	uint16_t damaged, repeated, missed; /* frames, since boot, wrapping */
} ProtoPong;
#define PROTO_PONG_SIZE 39
void proto_pong_put(const ProtoPong *pong, uint8_t ret_bytes[PROTO_PONG_SIZE]);
bool proto_pong_get(const uint8_t *bytes, uint8_t n, ProtoPong *ret_pong);

/* ---- messages (payload of DATA) --------------------------------------------------------------------------------- */

typedef struct {
	uint16_t tag;
	uint8_t reg, flags;
	uint64_t at;
	int32_t value;
	uint32_t duration_us;
} ProtoWrite;
#define PROTO_WRITE_SIZE 21
uint8_t proto_write_put(const ProtoWrite *write, uint8_t *ret_bytes);
bool proto_write_get(const uint8_t *bytes, uint8_t n, ProtoWrite *ret_write);

typedef struct {
	uint16_t tag;
	uint8_t axis, flags;
	uint64_t at;
	int32_t target;                  /* step */
	uint32_t velocity, acceleration; /* step/s, step/s^2 */
} ProtoMove;
#define PROTO_MOVE_SIZE 25
uint8_t proto_move_put(const ProtoMove *move, uint8_t *ret_bytes);
bool proto_move_get(const uint8_t *bytes, uint8_t n, ProtoMove *ret_move);

#define PROTO_AXES_MOST 8
typedef struct {
	uint64_t at;
	uint8_t axes;
	struct {
		uint8_t state; /* PROTO_AXIS_… */
		int32_t position;
	} axis[PROTO_AXES_MOST];
} ProtoAxes;
uint8_t proto_axes_put(const ProtoAxes *axes, uint8_t *ret_bytes);
bool proto_axes_get(const uint8_t *bytes, uint8_t n, ProtoAxes *ret_axes);

/* VALUE, QUEUED, DONE, REFUSED: one shape for the receiver. value is the refusal in REFUSED, 0 in QUEUED. */
typedef struct {
	uint8_t msg;
	uint16_t tag;
	uint8_t reg;
	int32_t value;
	uint64_t at;
} ProtoReply;
#define PROTO_REPLY_SIZE 16 /* at most */
uint8_t proto_reply_put(const ProtoReply *reply, uint8_t *ret_bytes);
bool proto_reply_get(const uint8_t *bytes, uint8_t n, ProtoReply *ret_reply);

typedef struct {
	uint8_t event, source;
	uint32_t detail;
	uint64_t at;
} ProtoEventMsg;
#define PROTO_EVENT_SIZE 15
uint8_t proto_event_put(const ProtoEventMsg *event, uint8_t *ret_bytes);
bool proto_event_get(const uint8_t *bytes, uint8_t n, ProtoEventMsg *ret_event);

#define PROTO_ADC_MOST 4
#define PROTO_ADC_CLIPPED 0x8000 /* in a value */
typedef struct {
	uint16_t batch, period;
	uint64_t at;
	uint8_t plan, channels, scans; /* channels: those that are not off */
	struct {
		uint8_t channel, conversions;
		uint16_t after;
	} of[PROTO_ADC_MOST];
	const uint8_t *
		values; /* u16 little-endian, channels * scans of them; proto_get16(values + 2 * i) */
} ProtoAdc;
#define PROTO_ADC_HEADER 15
/* Conversions that one value of the channel is the sum of; 0: off. */
static inline uint8_t proto_adc_conversions(uint8_t plan, uint8_t channel)
{
	uint8_t code = (uint8_t)(plan >> 2 * channel) & 3;
	return code == 3 ? 16 : code == 2 ? 4 : code;
}
bool proto_adc_get(const uint8_t *bytes, uint8_t n, ProtoAdc *ret_adc);

#define PROTO_EDGES_HEADER 12
#define PROTO_EDGES_EACH 5
#define PROTO_EDGE_INPUT 0x03
#define PROTO_EDGE_LEVEL 0x40 /* no edge: what the input is as capture begins */
#define PROTO_EDGE_HIGH 0x80
typedef struct {
	uint64_t at;
	uint16_t lost;
	uint8_t edges;
	struct {
		uint8_t what;    /* PROTO_EDGE_… */
		uint32_t before; /* ticks */
	} edge[PROTO_EDGES_MOST];
} ProtoEdges;
uint8_t proto_edges_put(const ProtoEdges *edges, uint8_t *ret_bytes);
bool proto_edges_get(const uint8_t *bytes, uint8_t n, ProtoEdges *ret_edges);

/* ---- the link end point ------------------------------------------------------------------------------------------- */

typedef struct ProtoLink ProtoLink;

typedef struct {
	/* Take all n bytes or none; false when there is no room now. */
	bool (*send)(void *user, const uint8_t *wire, uint8_t n);
	/* The next message in order. False: cannot take it now; it will come again. */
	bool (*message)(void *user, const uint8_t *bytes, uint8_t n);
	/* SYN, SYN_ACK, PING, PONG; a SYN_ACK or SYN of any session, the others of this one only. */
	void (*datagram)(void *user, const ProtoFrame *frame);
} ProtoLinkOps;

#ifdef PROTO_FIRMWARE
typedef uint16_t ProtoCount; /* wraps, as what a pong tells of it */
#else
typedef uint32_t ProtoCount;
#endif
typedef struct {
	ProtoCount frames, damaged, repeated,
		missed; /* received; missed counts gaps in the far end's numbers */
	ProtoCount sent, resent, refused; /* refused: ops->message had no room */
	ProtoCount echoed;                /* our own frames that came back */
} ProtoLinkCounts;

struct ProtoLink {
	const ProtoLinkOps *ops;
	void *user;
	ProtoDecoder decoder;
	uint8_t mark;       /* PROTO_FROM_NODE at the node, else 0 */
	uint16_t session;   /* 0: none */
	uint16_t base;      /* oldest unacknowledged */
	uint16_t next_send; /* next to put on the wire */
	uint16_t next;      /* next number to give */
	uint16_t expected;  /* from the far end */
	uint16_t datagram;  /* own datagrams' counter */
	uint16_t far_datagram;
	bool far_datagram_known, ack_due, nak_due, nak_sent;
	bool clear_due;       /* a delimiter goes before the next DATA frame */
	uint16_t progress_ms; /* when base moved or the first unacknowledged frame was sent */
	uint16_t now_ms;
	struct {
		uint8_t n;
		uint8_t bytes[PROTO_PAYLOAD];
	} slot[PROTO_WINDOW];
	ProtoLinkCounts counts;
};

#define PROTO_RESEND_MS 25

/* `mark`: PROTO_FROM_NODE for the node's end, 0 for the host's. */
void proto_link_init(ProtoLink *link, uint8_t mark, const ProtoLinkOps *ops, void *user);
/* Begin session number `session` (≠ 0) with both counts at 0; what was unacknowledged is forgotten. */
void proto_link_open(ProtoLink *link, uint16_t session);
/* How many messages can be posted now. */
uint8_t proto_link_room(const ProtoLink *link);
/* Queue one message; false when the window is full or there is no session. */
bool proto_link_post(ProtoLink *link, const uint8_t *bytes, uint8_t n);
bool proto_link_datagram(ProtoLink *link, uint8_t kind, const uint8_t *bytes, uint8_t n);
/* PROTO_FRAME when the byte completed a valid frame (of whatever session). */
ProtoParse proto_link_byte(ProtoLink *link, uint8_t byte);
/* Send what is due: new messages, resends, acknowledgements. Call often; now_ms may wrap. */
void proto_link_poll(ProtoLink *link, uint32_t now_ms);

/* ---- boards and names, for people (host only) ------------------------------------------------------------------------ */

#ifndef PROTO_FIRMWARE
typedef struct {
	const char *name;    /* as in ProtoHello */
	const char *schema;  /* its canonical text */
	const uint8_t *rows; /* registers that it has */
	size_t row_count;
} ProtoBoard;
extern const ProtoBoard proto_boards[];
extern const size_t proto_board_count;
const ProtoBoard *proto_board_by_name(const char *name); /* NULL when there is none */
bool proto_board_has(const ProtoBoard *board, uint8_t reg);
uint32_t
proto_board_hash(const ProtoBoard *board); /* what its firmware of this source says in its hello */

typedef struct {
	uint8_t reg;
	const char *name, *unit;
	int32_t lo, hi, safe;
	uint32_t max_on_ms; /* 0: cannot hurt */
	uint8_t access, hold, group;
	const char *doc;
} ProtoRegister;
/* The compiled-in ceilings of an axis: its row in registers.def. */
typedef struct {
	int32_t lo, hi, at;
	uint32_t max_v, max_a, home_v;
	uint8_t limit;
	int8_t towards;
} ProtoAxisFact;
extern const ProtoAxisFact proto_axis_facts[];
extern const ProtoRegister proto_registers[];
extern const size_t proto_register_count;
const ProtoRegister *proto_register_by_name(const char *name); /* NULL when absent */
const ProtoRegister *proto_register_by_id(uint8_t reg);
const char *proto_refusal_text(uint8_t refusal); /* "the interlock is faulted" */
const char *proto_reason_name(uint8_t reason);   /* "estop" */
const char *proto_reason_text(uint8_t reason);
const char *proto_event_name(uint8_t event); /* "tripped" */
#endif

#endif
