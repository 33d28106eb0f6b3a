/* map/1 and instrument/1: what the bench believes a device's registers and commands to be. */
#ifndef ANZEN_DEVICE_MAP_H
#define ANZEN_DEVICE_MAP_H

#include <anzen/device.h>

typedef enum { REGISTER_COIL, REGISTER_DISCRETE, REGISTER_HOLDING, REGISTER_INPUT } RegisterKind;
typedef enum {
	REGISTER_U16,
	REGISTER_S16,
	REGISTER_U32,
	REGISTER_S32,
	REGISTER_F32,
	REGISTER_BIT
} RegisterType;

typedef struct RegisterRef {
	RegisterKind kind;
	int address; /* from 0, as on the wire */
} RegisterRef;

typedef struct MapChannel {
	DeviceChannel channel;
	RegisterRef at;
	RegisterType type;
	double scale, offset; /* channel value = scale × register + offset */
	bool rails;           /* a value at either end of the range is no measurement */
} MapChannel;

typedef struct Map {
	char *id, *model;
	GArray *channels; /* MapChannel */
	bool has_identity, has_counter;
	RegisterRef identity, counter; /* counter: grows with each of the unit's own samples */
	int identity_equals;
	int64_t response_ns, age_ns; /* age: a value's greatest age when it is read */
	int retries;
} Map;

/* NULL: see diag. */
Map *map_load(const char *path, Diagnostics *diag);
void map_free(Map *map);
int map_words(RegisterType type); /* registers it takes */
/* Raw register words (high word first, as most units have it) to the channel's value and back. The second is FALSE when
 * the value does not fit. */
double map_decode(const MapChannel *channel, const uint16_t *words);
gboolean map_encode(const MapChannel *channel, double value, uint16_t ret_words[2]);

typedef struct InstrumentChannel {
	DeviceChannel channel;
	char *set;        /* "SOUR:VOLT %": % is replaced by the number, or by ON / OFF */
	char *query;      /* reads back or measures */
	double tolerance; /* of a read-back */
} InstrumentChannel;

typedef struct Instrument {
	char *id, *identity; /* glob on the reply to *IDN? */
	GPtrArray *channels; /* InstrumentChannel* */
	GPtrArray *setup;    /* char*: sent after opening */
	GPtrArray *safe;     /* char*: sent to make it safe */
	char *errors;        /* query of the error queue, NULL: none */
	int64_t response_ns;
} Instrument;

Instrument *instrument_load(const char *path, Diagnostics *diag);
void instrument_free(Instrument *instrument);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Map, map_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Instrument, instrument_free)

#endif
