/* rig (floor 5): the stand as a technician describes it (rig/1), opened, identified, calibrated and interlocked.
 *
 * A RigSpec is a checked file: devices, roles, interlock. A Rig is that stand, live: its virtual world started (if it has
 * one), its devices open, and a SignalInfo for each role with the calibrated unit, range and uncertainty. Scenarios and the
 * executor know only roles and physical units.
 *
 *	g_autoptr(RigSpec) spec = rig_spec_load("rigs/living-room-virtual.yaml", diag);
 *	g_autoptr(Rig) rig = rig_open(spec, &options, &error);
 *	g_autoptr(GPtrArray) items = rig_preflight(rig, &needs);
 *	rig_start(rig, &stream, &error);  rig_arm(rig, &error);
 *	rig_command(rig, role, 1.0, at_ns, id);  rig_reply(rig, &reply);
 *	rig_make_safe(rig, CLOCK_S, &error);
 *	rig_close(rig);		// nothing is left: no thread, no child, no file
 *
 * Opening, preflight, arming, make_safe, stop and close block and belong on the main thread. rig_command, rig_trigger,
 * rig_reply and rig_request_safe are for the executor's thread: no lock, no allocation, no waiting. The Stream is called on
 * the devices' link threads.
 */
#ifndef ANZEN_RIG_H
#define ANZEN_RIG_H

#include <anzen/device.h>
#include <anzen/model.h>

G_BEGIN_DECLS

/* ---- the file ------------------------------------------------------------------------------------------ */

typedef struct RigDeviceSpec {
	char *name, *driver, *link;
	char *map;            /* path of the map or instrument file, NULL: none */
	char *map_name;       /* the same as the rig file writes it */
	char *format;         /* camera */
	int64_t asymmetry_ns; /* node: of its link's two ways, at most; 0: not known */
	int unit;             /* modbus */
} RigDeviceSpec;

typedef enum { RIG_SENSOR, RIG_ACTUATOR, RIG_CAMERA } RigRoleKind;

/* A carriage on a node's step/dir axis. Positions are in `unit`, velocities in per_second, accelerations in per_second2. */
typedef struct RigAxis {
	Unit unit, per_second, per_second2;
	double steps; /* of the drive in one unit; negative: the position shrinks as the steps grow */
	double origin; /* position at the node's step 0 */
	double lo, hi, max_velocity, max_acceleration;
	double park;              /* where it waits after homing */
	int32_t step_lo, step_hi; /* lo … hi as the node has them */
	char *home;               /* its limit switch: "in.1" */
} RigAxis;

typedef struct RigRole {
	char *name, *device, *channel;
	RigRoleKind kind;   /* by its channel: pictures, driven, measured */
	char *sensor;       /* serial number of the certificate; NULL: an uncalibrated channel */
	char *safe;         /* word for people: "held" */
	char *latency_from; /* camera: "node-a.led" */
	bool affected_by_product, exogenous;
	int64_t max_on_ns, max_gap_ns, pulse_ns, sample_ns;
	int oversample; /* of a node's analog input; 0: not said */
	bool edges;     /* of a node's digital input: captured */
	double bandwidth_hz;
	double max_slew; /* in slew_unit, the quantity's unit per second; 0: not declared */
	Unit slew_unit;
	double u_sample; /* standard deviation of one sample in noise_unit; NaN: not declared */
	Unit noise_unit;
	double initial; /* when the rig starts, in initial_unit; NaN: left as it is */
	Unit initial_unit;
	/* An actuator driven in a physical unit: channel value = gain × value + offset. gain 1, unit of the channel else. */
	double drive_gain, drive_offset;
	Unit drive_unit;
	bool driven;   /* drive was given */
	RigAxis *axis; /* an actuator that is moved; NULL: any other */
} RigRole;

typedef struct RigSpec RigSpec;

/* NULL when the file is no rig: unknown keys, roles on unknown devices, two roles on one channel, missing map file … each
 * a diagnostic. Relative paths are relative to the rig file's folder. */
RigSpec *rig_spec_load(const char *path, Diagnostics *diag);
void rig_spec_free(RigSpec *spec);
const char *rig_spec_id(const RigSpec *spec);
const char *rig_spec_path(const RigSpec *spec);
const char *
rig_spec_world(const RigSpec *spec); /* path of the world/1 file, NULL: none is to be started */
/* A world, or `virtual: true` (emulated devices that somebody else runs, behind the links of real ones): no run on it may
 * count as physical evidence. */
bool rig_spec_virtual(const RigSpec *spec);
const GPtrArray *rig_spec_devices(const RigSpec *spec); /* RigDeviceSpec*, in file order */
const GPtrArray *rig_spec_roles(const RigSpec *spec);   /* RigRole*, in file order */
const RigRole *rig_spec_role(const RigSpec *spec, const char *name); /* NULL: no such role */
const Shape *rig_shape(void);
bool rig_check(const YamlDoc *doc, Diagnostics *diag); /* for `anzen check` */
char *rig_json_schema(void);                           /* caller frees */

/* ---- opening ------------------------------------------------------------------------------------------- */

typedef struct RigOptions {
	Clock *clock; /* NULL: clock_monotonic() */
	const char *
		calibration; /* folder of certificates; NULL: calibration/ beside the rig file's folder */
	const char *world_program; /* NULL: anzen-world beside the running program */
	uint64_t seed;             /* of the virtual world */
	int julian_day;            /* today, for certificates; 0: from the wall clock */
	bool defer_missing; /* `rig check`: a device that does not open becomes a preflight item, not an error */
	bool passive; /* `rig check`: initial values are not set; nothing is driven at all */
	/* Lock-step: the world in this process; every driver but node becomes a plant device, nothing has a thread. node_link
	 * gives the near end of an inproc pair for a node; NULL, or returning NULL: the node is a plant device too. */
	PlantPort *plant;
	ByteLink *(*node_link)(void *user, const char *device);
	void *node_link_user;
} RigOptions;

typedef struct Rig Rig;

/* ANZEN_ERROR_INPUT for what the file gets wrong against the devices (no such channel), else the device's error. On
 * failure everything that was started is stopped. */
Rig *rig_open(const RigSpec *spec, const RigOptions *options, GError **error);
void rig_close(Rig *rig); /* NULL allowed */

EvidenceClass rig_evidence(const Rig *rig); /* physical, virtual or lock-step */
const char *rig_id(const Rig *rig);
/* SignalInfo*, one for each role that gives samples, for each command signal, and the health signals (interlock.estop,
 * interlock.trip, ROLE.age …). Owned by the rig; complete after rig_open. */
const GPtrArray *rig_signals(const Rig *rig);
const SignalInfo *rig_signal(const Rig *rig, const char *name);

/* Every file the rig rests on, to be attached to the session: rig, maps, certificates, world. */
typedef struct RigFile {
	char *name; /* "rig/living-room-virtual.yaml", "calibration/load-cell-0012/2026-10-01.yaml" */
	GBytes *bytes;
} RigFile;
const GPtrArray *rig_files(const Rig *rig); /* RigFile*, owned by the rig */
/* "node-a" → "anzen node 1.0 …": what was found. Owned by the rig. */
const GHashTable *rig_identities(const Rig *rig);
const char *rig_identity(const Rig *rig, const char *device); /* NULL: it said nothing */

/* ---- preflight ------------------------------------------------------------------------------------------ */

typedef struct RigNeeds {
	const char *const *roles; /* NULL-terminated; NULL: all */
	int64_t clock_u_ns;       /* largest standard uncertainty a time stamp may have; 0: any */
	const char *disk_folder;  /* where the session goes; NULL: not checked */
	uint64_t disk_bytes;      /* reserve */
} RigNeeds;

/* GPtrArray of DeviceItem* (device.h), caller frees: world, each device, interlock, calibration of each channel used,
 * cameras alive, disk, clock, proof test. A role that does not exist is an item that is not ok. */
GPtrArray *rig_preflight(Rig *rig, const RigNeeds *needs);
bool rig_items_ok(const GPtrArray *items);

/* The proof test of the e-stop (`anzen rig proof-test`): where its record stands (caller frees), how old it may be (0: no
 * interlock), which terminals it is about ("node-a.estop"), and the Julian day of the record in `text`, -1 when it is none,
 * did not pass, is of a virtual bench, or is another rig's. */
char *rig_proof_path(const RigSpec *spec);
int64_t rig_proof_interval_ns(const RigSpec *spec);
const char *rig_interlock_terminal(const RigSpec *spec, bool trip);
int rig_proof_day(const char *text, const char *rig_id);

/* ---- running -------------------------------------------------------------------------------------------- */

/* Samples arrive in the unit of the role's SignalInfo under the role's name, pictures under the camera role's name. */
gboolean rig_start(Rig *rig, Stream *stream, GError **error);
/* Clears latched faults whose causes are gone and lets outputs act. Moves nothing. */
gboolean rig_arm(Rig *rig, GError **error);

typedef struct RigReply {
	uint32_t id;
	const char *role; /* of the spec */
	DeviceStatus status;
	int64_t t_ns, u_ns;
	char message[120];
} RigReply;

int rig_role(const Rig *rig,
	     const char *name); /* index for the calls below; -1: no such role, or not open */
/* Value in the role's drive unit (else the channel's); at_ns bench time or DEVICE_SOONEST. False: refused at once (ring
 * full, not an actuator, NaN). */
bool rig_command(Rig *rig, int role, double value, int64_t at_ns, uint32_t id);
/* On at at_ns, off again after the role's pulse (half of max_on when not given). The reply is that of "on"; one for "off"
 * follows only when it was not DONE. */
bool rig_trigger(Rig *rig, int role, int64_t at_ns, uint32_t id);
bool rig_reply(Rig *rig, RigReply *ret_reply);
/* Axes. A move is a trapezoid from where the axis stands; its reply comes when it stands at `to`, with the time of that. The
 * node takes one move at a time. Homing runs to the limit switch; before it the node refuses to move, and so it does after a
 * move that anything but its own ramp ended. False: not an axis, ring full. */
bool rig_move(Rig *rig, int role, double to, double velocity, double acceleration, int64_t at_ns,
	      uint32_t id);
bool rig_home(Rig *rig, int role, uint32_t id);
/* From its begin to its last step, as the node plans it. */
int64_t rig_axis_move_ns(const RigAxis *axis, double from, double to, double velocity,
			 double acceleration);
/* The node's step there, and back. */
double rig_axis_step(const RigAxis *axis, double position);
double rig_axis_position(const RigAxis *axis, double step);
char *rig_axis_text(const RigAxis *axis); /* for people; caller frees */

void rig_request_safe(Rig *rig);
/* Only the devices that schedule commands ahead (nodes): what was scheduled does not happen. */
void rig_request_safe_timed(Rig *rig);
gboolean rig_make_safe(Rig *rig, int64_t timeout_ns, GError **error);
/* Devices whose link died, comma-separated, or NULL. Caller frees. */
char *rig_lost(const Rig *rig);
void rig_stop(Rig *rig);

/* Lock-step: do what is due until now_ns; returns when to be called next. */
int64_t rig_poll(Rig *rig, int64_t now_ns);

/* The virtual world's back door: one JSON object, answered by one JSON line for {"read": …} (caller frees *ret_line; may
 * be NULL when no answer is wanted). ANZEN_ERROR_INPUT on a real bench. */
gboolean rig_world_command(Rig *rig, const char *json, char **ret_line, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RigSpec, rig_spec_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_close)

G_END_DECLS

#endif
