/* Inside rig only. */
#ifndef ANZEN_RIG_INTERNAL_H
#define ANZEN_RIG_INTERNAL_H

#include <anzen/metrology.h>
#include <anzen/rig.h>

/* Ids of commands that rig gives itself; the executor's ids stay below. */
#define RIG_ID_OFF UINT32_C(0x80000000)

struct RigSpec {
	char *path, *folder, *id, *world, *estop, *trip;
	bool emulated;      /* `virtual: true` */
	int64_t proof_ns;   /* proof test interval, 0: none asked for */
	GPtrArray *devices; /* RigDeviceSpec* */
	GPtrArray *roles;   /* RigRole* */
	GHashTable *
		channels; /* device name → GArray of DevicePlantChannel: what its file says it has */
	GBytes *bytes;
};

const DevicePlantChannel *rig_spec_channel(const RigSpec *spec, const char *device,
					   const char *channel);

/* ---- the virtual world as a child ---- */

typedef struct RigWorld RigWorld;
/* Start it and wait for its one line of links. Everything is undone on failure. */
RigWorld *rig_world_start(const char *program, const char *file, uint64_t seed, GError **error);
void rig_world_stop(RigWorld *world); /* NULL allowed; asks, then kills */
const char *rig_world_link(const RigWorld *world, const char *name); /* NULL: no such far end */
gboolean rig_world_ask(RigWorld *world, const char *json, char **ret_line, GError **error);
bool rig_world_alive(RigWorld *world);

/* ---- the open rig ---- */

typedef struct RigDevice RigDevice;

/* A device channel that has a name in the session: a role, or one of the bench's own health signals. */
typedef struct RigBinding {
	RigDevice *device;
	const RigRole *role; /* NULL: a health signal */
	int channel;
	bool command;                     /* the role drives it */
	const Certificate *certificate;   /* NULL: values pass as they are */
	double gain, offset;              /* command: channel value = gain × value + offset */
	int velocity, acceleration, home; /* of an axis: its other channels */
	SignalInfo info;
} RigBinding;

struct RigDevice {
	Stream stream; /* first: the device's stream is the RigDevice */
	Rig *rig;
	const RigDeviceSpec *spec;
	Device *device; /* NULL: did not open (defer_missing) */
	char *why_missing;
	GHashTable *by_channel; /* name → RigBinding*, read only after opening */
	RigBinding **by_index;  /* channel → RigBinding*, NULL: nobody's */
};

struct Rig {
	const RigSpec *spec;
	Clock *clock;
	RigWorld *world;
	PlantPort *plant;
	CertificateStore *store;
	int julian_day;
	GPtrArray *devices; /* RigDevice* */
	GPtrArray *
		bindings; /* RigBinding*: those of roles first, in the spec's order (NULL where not open) */
	GPtrArray *signals; /* SignalInfo*, borrowed from the bindings */
	GPtrArray *files;
	GHashTable *identities;
	Stream *out;
	bool started, passive;
	size_t next_reply_device;
};

void rig_file_free(void *file);
void rig_binding_free(void *binding);

/* axis.c */
extern const Shape rig_axis_shape;
/* The role's `axis`, checked against its channel; NULL or half read after an error. */
RigAxis *rig_axis_read(RigSpec *spec, RigRole *role, const YamlDoc *doc, const YamlNode *node,
		       Diagnostics *diag);
void rig_axis_free(RigAxis *axis);
gboolean rig_axis_bind(RigBinding *binding, GError **error);

/* signals.c: what each role's signal is worth. FALSE: the file contradicts itself (INPUT). */
gboolean rig_bind_all(Rig *rig, GError **error);
void rig_collect_files(Rig *rig);
RigDevice *rig_find_device(const Rig *rig, const char *name);

#endif
