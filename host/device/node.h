/* The node driver's own parts; nothing outside host/device includes this. All on the device's link thread. */
#ifndef ANZEN_DEVICE_NODE_H
#define ANZEN_DEVICE_NODE_H

#include <anzen/device.h>
#include <anzen/protocol.h>

extern const DeviceOps device_node_ops;

/* ---- clock: the node's ticks against the bench timebase ------------------------------------------------- */

/* node_clock.c says how. The uncertainty is that of the line (from the scatter of the exchanges), of a frequency that bends
 * with temperature, and of a delay that is not the same both ways. */
#define NODE_CLOCK_POINTS 480 /* exchanges: 9.6 s of keep-alives */
#define NODE_CLOCK_BLOCK 10
#define NODE_CLOCK_TOLERANCE 5000e-6 /* resonator; two standard deviations of the prior */

typedef struct {
	uint64_t received, sent; /* node ticks */
	int64_t from_ns,
		to_ns; /* bench: `received` is later than the one, `sent` earlier than the other */
} NodeClockPoint;

typedef struct {
	double nominal_ns;   /* per tick */
	double asymmetry_ns; /* most by which the two ways may differ; NAN: not known */
	NodeClockPoint point[NODE_CLOCK_POINTS];
	unsigned n, next;
	int64_t half_ns[NODE_CLOCK_POINTS / NODE_CLOCK_BLOCK],
		best_half_ns; /* narrowest of each block, newest first */
	unsigned halves, in_block;
	unsigned misfits; /* in a row */
	/* the line: t = ref_ns + offset + (ticks - ref_ticks) * (nominal + slope) */
	uint64_t ref_ticks;
	int64_t ref_ns;
	double offset_ns, slope_ns;
	double wire_ns; /* what the midpoint would move by, were there no wire that bytes take time on */
	double tau_ns;             /* mean delay above the least */
	double middle_ns, span_ns; /* of the window, from ref */
	double var_offset, var_slope, var_bias, bend;
	double slope_then; /* a window ago */
	int64_t slope_then_ns;
} NodeClock;

typedef struct {
	int64_t sent_ns, received_ns;      /* ping's first byte, pong's last */
	int64_t wire_out_ns, wire_in_ns;   /* that the bytes themselves take */
	uint64_t node_received, node_sent; /* ticks */
} NodeExchange;

/* A step of the node's clock that its channels' declared uncertainty covers: a board does not step, but an emulated one
 * whose host takes the processor away does, by a millisecond now and then. */
#define NODE_STEP_NS (2 * CLOCK_MS)

typedef enum { NODE_CLOCK_TAKEN, NODE_CLOCK_DOUBTED, NODE_CLOCK_BROKE } NodeClockResult;

void node_clock_init(NodeClock *clock, double tick_hz, double asymmetry_ns);
/* BROKE: this and the one before contradict the line; it starts anew from this exchange, and *ret_jump_ns tells by how
 * much the node's time moved against the bench's. */
NodeClockResult node_clock_add(NodeClock *clock, const NodeExchange *exchange,
			       int64_t *ret_jump_ns);
bool node_clock_ready(const NodeClock *clock);
int64_t node_clock_bench(const NodeClock *clock, uint64_t ticks);
uint64_t node_clock_ticks(const NodeClock *clock, int64_t t_ns);
double node_clock_drift_ppm(const NodeClock *clock); /* positive: the node runs fast */
/* Standard uncertainty of node_clock_bench() there, ns. */
double node_clock_u_ns(const NodeClock *clock, uint64_t ticks);

/* ---- the device ---------------------------------------------------------------------------------------------- */

#define NODE_PENDING 64

typedef struct {
	bool used;
	uint16_t tag;
	DeviceCommand command;
} NodePending;

/* Channels beside the registers: what the driver knows about the link itself. */
typedef enum {
	NODE_HEALTH_OFFSET,
	NODE_HEALTH_DRIFT,
	NODE_HEALTH_U,
	NODE_HEALTH_DAMAGED,
	NODE_HEALTH_MISSED,
	NODE_HEALTH_REPEATED,
	NODE_HEALTH_RESENT,
	NODE_HEALTH_ECHOED,
	NODE_HEALTH_BOOTS,
	NODE_HEALTH_COUNT,
} NodeHealth;

/* An axis as the driver knows it. Its channels: axis.N (position; a command moves there), axis.N.velocity and
 * axis.N.acceleration (of the moves to come; at first the firmware's ceilings), axis.N.home and axis.N.halt (1 does it). The
 * last four are registers of the driver's own beyond the protocol's 8 bits. */
enum {
	NODE_AXIS_V0 = 0x100,
	NODE_AXIS_A0 = 0x108,
	NODE_AXIS_HOME0 = 0x110,
	NODE_AXIS_HALT0 = 0x118
};
#define NODE_REGISTERS 0x120
typedef struct {
	double velocity, acceleration; /* step/s, step/s² */
	int64_t last_ns;               /* of its last sample */
} NodeAxis;

typedef struct NodeDevice {
	DeviceHost *host;
	const char *name;
	ByteLink *bytes;
	bool threadless, lost, started, armed, streaming, axes_streaming;
	ProtoLink link;
	ProtoHello hello;
	bool have_hello;
	const ProtoBoard *board; /* whose rows the node has */
	uint16_t offered;
	uint32_t nonce;

	NodeClock clock;
	double asymmetry_ns; /* of the link's two ways, at most; NAN: not known */
	ProtoPong pong;
	uint32_t pongs, pongs_wanted;
	uint32_t token;
	int64_t sent_ns[16]; /* when the ping with token % 16 was written */
	int64_t last_pong_ns, last_ping_ns, last_syn_ns, last_health_ns;
	bool silent; /* no pong for long: told, and looking for a restart */

	int channel_of[NODE_REGISTERS]; /* register → channel, -1 none */
	int16_t register_of[128];       /* channel → register, -1 health */
	int health[NODE_HEALTH_COUNT];  /* → channel */

	NodePending pending[NODE_PENDING];
	uint16_t tag;
	ProtoReply answer; /* of node_exchange() */
	bool answered;
	uint16_t wanted_tag;

	bool energised[PROTO_OUTPUTS]; /* as told last */
	bool batch_known;
	uint16_t batch;
	int64_t last_sample_ns[PROTO_ADC_CHANNELS];
	struct {
		uint8_t conversions[PROTO_ADC_CHANNELS]; /* wanted; 0: not set up */
		int64_t period_ns;       /* the shortest that is wanted; 0: none is */
		uint8_t plan, period_ms; /* as asked for */
	} scan;
	uint8_t captured; /* bit per input */
	bool edges_known; /* edges_lost is */
	uint16_t edges_lost;
	int64_t edges_until_ns,
		last_edge_ns[4]; /* up to which all are told; of the sample told last */
	double edge_level[4];
	uint64_t tripped_at; /* node time of the trip told last */
	NodeAxis axis[PROTO_AXES];
} NodeDevice;

/* node_session.c */
gboolean node_session_open(NodeDevice *self, int64_t deadline_ns, GError **error);
/* A block of pings one after the other: the clock as it is now. */
gboolean node_session_clock(NodeDevice *self, int64_t deadline_ns, GError **error);
void node_session_ping(NodeDevice *self, uint8_t groups);
/* Take in what has arrived, waiting at most until deadline_ns for the first byte; send what is due. False: link lost. */
bool node_session_pump(NodeDevice *self, int64_t deadline_ns);
/* Post one request and wait for its VALUE, DONE or REFUSED. */
gboolean node_session_ask(NodeDevice *self, const uint8_t *bytes, uint8_t n, uint16_t tag,
			  int64_t deadline_ns, GError **error);
gboolean node_session_read(NodeDevice *self, uint8_t reg, int64_t deadline_ns, int32_t *ret_value,
			   GError **error);
gboolean node_session_write(NodeDevice *self, uint8_t reg, int32_t value, int64_t deadline_ns,
			    GError **error);
/* Watch over silence and restarts; called from poll. */
void node_session_watch(NodeDevice *self, int64_t now_ns);
int64_t node_session_now(NodeDevice *self);

/* node.c, called by the session */
void node_on_reply(NodeDevice *self, const ProtoReply *reply);
void node_on_event(NodeDevice *self, const ProtoEventMsg *event);
void node_on_adc(NodeDevice *self, const ProtoAdc *adc);
void node_on_axes(NodeDevice *self, const ProtoAxes *axes);
void node_on_pong(NodeDevice *self, int64_t now_ns);

/* node_inputs.c: analog inputs and captured edges */
gboolean node_inputs_setup(NodeDevice *self, int reg, const DeviceSetup *setup, GError **error);
/* Have the node do what was set up. wait: for its answers; else only ask, as after a restart. */
gboolean node_inputs_start(NodeDevice *self, bool wait, GError **error);
void node_inputs_restarted(NodeDevice *self);
void node_on_edges(NodeDevice *self, const ProtoEdges *edges);

/* node.c, for node_inputs.c */
void node_tell(NodeDevice *self, int channel, int64_t t_ns, double value, SampleStatus status);

/* node_axis.c */
void node_axis_add(NodeDevice *self);
/* Is it a channel of an axis? Then the command is given, or answered. */
bool node_axis_command(NodeDevice *self, const DeviceCommand *command, int reg);
void node_axis_lost(NodeDevice *self, uint8_t reg, int64_t t_ns, uint8_t why);
bool node_axis_wanted(NodeDevice *self);
void node_axis_stream(NodeDevice *self);
/* Is it a channel of an axis? Then its limits are lowered and read back. FALSE in *ret_ok with `error` set. */
bool node_axis_setup(NodeDevice *self, int channel, const DeviceSetup *setup, gboolean *ret_ok,
		     GError **error);
void node_axis_preflight(NodeDevice *self, GPtrArray *items, int64_t deadline_ns);

/* node.c, for node_axis.c */
NodePending *node_pending_new(NodeDevice *self, const DeviceCommand *command);
void node_refuse(NodeDevice *self, const DeviceCommand *command, DeviceStatus status,
		 const char *why);
uint64_t
node_reaction_ticks(NodeDevice *self); /* a reaction that reaches the node later is refused */
void node_on_restart(NodeDevice *self, const ProtoHello *before);
void node_on_lost(NodeDevice *self, const char *why);

#endif
