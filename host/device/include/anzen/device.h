/* device (floor 4): everything with a link, under one set of verbs.
 *
 * A Device has one thread of its own (its link thread) that does all I/O. The executor only pushes DeviceCommand and
 * pops DeviceReply: both are lock-free, allocate nothing and never block. Samples, events, frames and faults leave
 * through the Stream given to device_start(), called on the link thread (frames: on the camera's thread) with the
 * channel's name as `source`. Values are in the channel's own unit ("count", "mV", "1"): the rig converts.
 *
 *	Device *io = device_open(&config, &error);
 *	device_setup(io, device_channel(io, "ain.2"), &(DeviceSetup){.sampled = true}, &error);
 *	device_start(io, &stream, &error);
 *	device_arm(io, 2 * CLOCK_S, &error);
 *	device_command(io, &(DeviceCommand){.id = 1, .channel = out3, .value = 1, .at_ns = t});
 *	… device_reply(io, &reply) …
 *	device_make_safe(io, CLOCK_S, &error);
 *	device_close(io);
 *
 * Without threads (lock-step): config.threadless, then device_poll(io, now) pumps the same operations on the caller's
 * thread, and the clock is the manual one.
 *
 * Contract that every driver keeps and a shared test proves: a time-out, a short reply, garbage, an unplugged link and
 * a second close end as GError, a refused reply or a fault; never in a crash and never in a value.
 */
#ifndef ANZEN_DEVICE_H
#define ANZEN_DEVICE_H

#include <anzen/link.h>
#include <anzen/model.h>

G_BEGIN_DECLS

#define DEVICE_SOONEST INT64_MIN
#define DEVICE_KEEP_ALIVE_NS (20 * CLOCK_MS)

/* ---- what a device can do ------------------------------------------------------------------------------ */

/* One channel. Strings live as long as the device. */
typedef struct DeviceChannel {
	char name[32]; /* "out.3", "ain.2", "level" */
	char unit
		[16]; /* of values on this interface: "count", "mV", "degC", "1"; "frame" for pictures */
	double lo,
		hi; /* range of values; a command outside is refused, a sample outside is SATURATED */
	double safe; /* value after make_safe; NaN: not driven, or left as it is */
	bool writable, readable;
	bool timed; /* acts at at_ns by itself, in hardware; otherwise the link thread waits and then acts */
	bool readback; /* a write is read back before it is answered OK */
	bool boolean;
	bool frames;       /* delivers Stream.frame */
	int64_t period_ns; /* of samples as delivered, 0: none or irregular */
	int64_t max_on_ns; /* of an output that can hurt: longest time away from safe; 0: no limit */
	double u_clock_s;  /* standard uncertainty of time stamps on the bench timebase */
} DeviceChannel;

/* What the rig wants of a channel; before device_start(). */
typedef struct DeviceSetup {
	bool sampled;      /* deliver samples */
	int64_t period_ns; /* 0: the channel's own */
	int64_t max_on_ns; /* 0: the device's own ceiling; may only lower it, and is read back */
	double lo, hi;  /* both 0: the device's own; of an axis: narrower ones (of its velocity and
			    * acceleration only hi), held on the node and read back */
	int oversample; /* node, adc.N: conversions averaged for a sample: 1, 4, 16; 0: its own, 1 */
	bool edges;     /* node, in.N: edges are captured, with their own times */
} DeviceSetup;

typedef struct DeviceCommand {
	uint32_t id; /* comes back in the reply */
	int32_t channel;
	double value;
	int64_t at_ns; /* bench time, or DEVICE_SOONEST */
} DeviceCommand;

typedef enum {
	DEVICE_DONE, /* took effect at t_ns ± u_ns (standard) */
	DEVICE_LATE, /* refused: its time had passed (untimed channels: by more than 100 ms); nothing was done */
	DEVICE_REFUSED, /* out of range, not armed, made safe, interlock open: nothing was done */
	DEVICE_FAILED,  /* the link failed: what the output does is not known */
} DeviceStatus;
const char *device_status_name(DeviceStatus status);

typedef struct DeviceReply {
	uint32_t id;
	int32_t channel;
	DeviceStatus status;
	double value;
	int64_t t_ns, u_ns;
	char message[120]; /* empty when DONE */
} DeviceReply;

/* One line of a preflight. */
typedef struct DeviceItem {
	char *name; /* "node-a: interlock" */
	bool ok;
	char *cure; /* what to do; NULL when ok */
} DeviceItem;
void device_item_free(DeviceItem *item);
DeviceItem *device_item_new(bool ok, const char *name, const char *cure_format, ...)
	G_GNUC_PRINTF(3, 4);

/* ---- opening ------------------------------------------------------------------------------------------- */

/* Lock-step: how a plant device shows a terminal of the world as the real device would. */
typedef struct DevicePlantChannel {
	DeviceChannel channel;
	char port[64]; /* the world's name: "io.ain.2" */
	double scale,
		offset; /* value = scale × wire + offset, wire as the world says it: volts, register units */
	bool whole; /* rounded down to whole steps, as a converter does */
} DevicePlantChannel;

typedef struct DeviceConfig {
	const char *name;   /* in the rig: "node-a" */
	const char *driver; /* of the registry */
	const char *link; /* URI, world: already replaced; NULL when byte_link or plant is given */
	int unit;         /* modbus: 1..247 */
	const char *map;  /* path of a map/1 (modbus) or instrument/1 (scpi) file */
	const char *format;   /* camera: "640x360@30" */
	int64_t asymmetry_ns; /* node: most by which its link's two ways differ; 0: not known, so the
			       * round trip is doubted instead. Enters the clock's uncertainty. */
	Clock *clock;         /* bench clock */
	bool threadless;      /* pumped by device_poll() */
	ByteLink *byte_link;  /* node over an inproc pair; taken, also on failure */
	PlantPort *plant;     /* driver plant; borrowed until close */
	const DevicePlantChannel *plant_channels; /* driver plant: what it has; copied */
	size_t n_plant_channels;
} DeviceConfig;

/* What the device that `config` describes would have, without touching it: GArray of DevicePlantChannel, caller frees.
 * ANZEN_ERROR_INPUT when its map, instrument or format is wrong. */
GArray *device_describe(const DeviceConfig *config, GError **error);

typedef struct Device Device;

/* Open, identify, learn the channels; moves nothing. ANZEN_ERROR_INPUT for a wrong configuration or file, else BENCH,
 * TIMEOUT or CLOSED with the device's name, the link and what to do. */
Device *device_open(const DeviceConfig *config, GError **error);
/* Stop, make safe as far as the link allows, join the thread, free. NULL allowed. */
void device_close(Device *device);

const char *device_name(const Device *device);
const char *
device_identity(const Device *device); /* maker, model, serial, versions: for the session */
int device_channel_count(const Device *device);
const DeviceChannel *device_channel_at(const Device *device, int channel);
int device_channel(const Device *device, const char *name); /* -1: no such channel */

gboolean device_setup(Device *device, int channel, const DeviceSetup *setup, GError **error);
/* GPtrArray of DeviceItem*, owned by the caller: can it work now, and what to do if not. Runs on the link thread when
 * started; bounded by timeout_ns (then one item says so). */
GPtrArray *device_preflight(Device *device, int64_t timeout_ns);

/* ---- running ------------------------------------------------------------------------------------------- */

/* Begin to deliver. `stream` must live until device_stop(). */
gboolean device_start(Device *device, Stream *stream, GError **error);
/* Stop delivering and join the thread; outputs as make_safe left them, or made safe now. Idempotent. */
void device_stop(Device *device);

/* Let it act: clears a latched fault when its causes are gone, lifts an earlier make_safe. Moves nothing. */
gboolean device_arm(Device *device, int64_t timeout_ns, GError **error);
/* All outputs to their safe value; commands that wait are refused, later ones too until armed again. Idempotent; returns
 * within timeout_ns. FALSE: not confirmed (the device's own lease makes it safe). */
gboolean device_make_safe(Device *device, int64_t timeout_ns, GError **error);
/* The same, only asked for: never blocks; for the executor's thread. */
void device_request_safe(Device *device);

/* One producer thread. FALSE: the ring is full (counts as a refused command). */
bool device_command(Device *device, const DeviceCommand *command);
/* One consumer thread. FALSE: nothing there. */
bool device_reply(Device *device, DeviceReply *ret_reply);
/* The link died; only close helps. Any thread. */
bool device_lost(const Device *device);

typedef struct DeviceStats {
	uint64_t commands, replies_lost, retries, timeouts, bad_replies, samples;
	int64_t worst_poll_lateness_ns;  /* of the link thread against its schedule */
	int64_t worst_keep_alive_gap_ns; /* between two keep-alives */
	int64_t clock_u_ns;              /* node: standard uncertainty of its clock regression */
} DeviceStats;
void device_stats(const Device *device,
		  DeviceStats *ret_stats); /* any thread; each figure is whole */

/* Threadless: do what is due until now (not later). Returns when it wants to be called next. */
int64_t device_poll(Device *device, int64_t now_ns);

/* ---- for drivers --------------------------------------------------------------------------------------- */

typedef struct DeviceHost DeviceHost;

/* Same verbs, same order everywhere. All but open are called on the link thread (before start and threadless: on the
 * caller's). Members marked (optional) may be NULL. No call may take longer than the budget in brackets. */
typedef struct DeviceOps {
	/* Open and identify; must call device_host_add_channel() for each channel and device_host_identify(). [10 s] */
	void *(*open)(DeviceHost *host, const DeviceConfig *config, GError **error);
	/* Called exactly once for each successful open. [1 s] */
	void (*close)(void *self);
	/* All outputs safe, confirmed. Idempotent, at most until deadline_ns. */
	gboolean (*make_safe)(void *self, int64_t deadline_ns, GError **error);
	/* Act. Called when due, or at once for channels that are `timed`. Must lead to exactly one device_host_reply(), now or
	 * from a later poll. Never repeats a write whose fate it does not know. [100 ms] */
	void (*command)(void *self, const DeviceCommand *command);
	/* Begin and end sampling of the channels that were set up (optional). */
	gboolean (*start)(void *self, GError **error);
	void (*stop)(void *self);
	/* Read what is there, sample what is due; returns when it wants to be called again, CLOCK_NEVER: on fd only. May be
	 * called earlier than asked for. [50 ms, the node 5 ms] */
	int64_t (*poll)(void *self, int64_t now_ns);
	/* For poll(2): readable means "call poll" (optional; -1: none). */
	int (*fd)(void *self);
	/* Every 20 ms while started (optional). [2 ms] */
	void (*keep_alive)(void *self, int64_t now_ns);
	gboolean (*setup)(void *self, int channel, const DeviceSetup *setup,
			  GError **error);                                /* (optional) */
	gboolean (*arm)(void *self, int64_t deadline_ns, GError **error); /* (optional) */
	bool urgent; /* leases hang on it: its link thread is SCHED_FIFO where allowed */
	/* Append DeviceItem* (optional: "the link answers" is added by the core). [2 s] */
	void (*preflight)(void *self, GPtrArray *items, int64_t deadline_ns);
} DeviceOps;

typedef struct DeviceDriver {
	const char *name;
	const DeviceOps *ops;
} DeviceDriver;
/* node, modbus, scpi, camera, plant; name NULL ends. */
extern const DeviceDriver device_drivers[];

/* What a driver may tell. All may be called from any of the device's own operations; frame, event and fault also from
 * a thread of the driver (camera). */
Clock *device_host_clock(DeviceHost *host);
const char *device_host_name(DeviceHost *host);
int device_host_add_channel(DeviceHost *host, const DeviceChannel *channel); /* index; copies */
const DeviceChannel *device_host_channel(DeviceHost *host, int channel);
const DeviceSetup *device_host_setup(DeviceHost *host, int channel);
void device_host_identify(DeviceHost *host, const char *format, ...) G_GNUC_PRINTF(2, 3);
void device_host_sample(DeviceHost *host, int channel, int64_t t_ns, double value,
			SampleStatus status);
/* json: an object or NULL. The name is sent as DEVICE.NAME. */
void device_host_event(DeviceHost *host, const char *name, int64_t t_ns, const char *json);
void device_host_frame(DeviceHost *host, int channel, const Frame *frame);
/* channel -1: the whole device. until_ns CLOCK_NEVER: from now to the end. Blame is the bench's. */
void device_host_fault(DeviceHost *host, int channel, int64_t t_ns, int64_t until_ns,
		       const char *format, ...) G_GNUC_PRINTF(5, 6);
void device_host_reply(DeviceHost *host, const DeviceCommand *command, DeviceStatus status,
		       int64_t t_ns, int64_t u_ns, const char *message);
/* The link is gone: one fault, every waiting and later command FAILED, no more calls but close. */
void device_host_lost(DeviceHost *host, const char *format, ...) G_GNUC_PRINTF(2, 3);
DeviceStats *device_host_stats(DeviceHost *host); /* the driver's own counters; link thread only */

/* Shapes of map/1 and instrument/1 files, and their whole check, for `anzen check`. */
const Shape *device_map_shape(void);
const Shape *device_instrument_shape(void);
bool device_map_check(const YamlDoc *doc, Diagnostics *diag);
bool device_instrument_check(const YamlDoc *doc, Diagnostics *diag);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Device, device_close)

G_END_DECLS

#endif
