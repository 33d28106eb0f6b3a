/* world/1: the file that says how the room is and what is wired to what (rigs/worlds/living-room.yaml). */
#ifndef ANZEN_WORLD_WORLD_FILE_H
#define ANZEN_WORLD_WORLD_FILE_H

#include "plant.h"

G_BEGIN_DECLS

typedef enum {
	WORLD_NODE,
	WORLD_MODBUS_RTU,
	WORLD_MODBUS_TCP,
	WORLD_USBTMC,
	WORLD_CAMERA
} WorldKind;

typedef enum {
	WORLD_TABLE_NONE,
	WORLD_TABLE_INPUT,
	WORLD_TABLE_COIL,
	WORLD_TABLE_HOLDING
} WorldTable;

/* One terminal of a device, bound to a sensor or a drive of the plant. */
typedef struct WorldTerminal {
	char *name;    /* "ain.2" */
	char *channel; /* "io.ain.2", as the plant knows it */
	bool drives;
	WorldTable table; /* Modbus only */
	int address;      /* Modbus: 0-based register or coil */
	int limit;        /* Modbus holding: largest value that is accepted, 0: none */
} WorldTerminal;

typedef struct WorldDevice {
	char *name;
	WorldKind kind;
	GArray *terminals; /* WorldTerminal */
	int unit;          /* Modbus */
	int identity_at,
		identity[3]; /* Modbus: input registers at..at+2, at+3 counts samples; -1: none */
	int64_t period_ns;   /* Modbus: of its converter */
	char *firmware;      /* node */
	double drift_ppm;    /* node */
	int vendor, product; /* USB ids */
	char *maker, *model, *serial, *version;
	double volts_max, amperes_max; /* supply */
	SceneCamera camera;
} WorldDevice;

typedef struct WorldFile {
	char *id;
	PlantParams plant;
	GPtrArray *devices; /* WorldDevice* */
} WorldFile;

/* NULL when the file is wrong; `diag` then says where. seed 0: the file's own. */
WorldFile *world_file_load(const char *path, uint64_t seed, Diagnostics *diag);
WorldFile *world_file_parse(const char *text, const char *name, uint64_t seed, Diagnostics *diag);
void world_file_free(WorldFile *file);
const WorldDevice *world_file_device(const WorldFile *file, const char *name); /* NULL: none */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorldFile, world_file_free)

G_END_DECLS

#endif
