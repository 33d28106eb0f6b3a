/* From a true value to what stands on a wire: lag, gain, offset, seeded noise, clamp, steps, and what can break.
 *
 * The output is volts where an analogue input of the node samples it, counts where an I/O unit has its own converter
 * (counts_per_volt > 0), and the plain number for an instrument's own measurement. Noise is a function of seed,
 * sensor and time slot, never of how often somebody reads.
 */
#ifndef ANZEN_WORLD_SENSOR_H
#define ANZEN_WORLD_SENSOR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

G_BEGIN_DECLS

typedef struct SensorParams {
	double gain, offset;                /* V per unit of the quantity, V at zero */
	double noise_V;                     /* standard deviation */
	double lag_s;                       /* time constant of the sensor itself */
	double lo_V, hi_V;                  /* where its output saturates */
	double open_V;                      /* what the input reads with a broken wire */
	double counts_per_volt, counts_max; /* 0: the output stays in volts */
	int64_t period_ns;                  /* it samples this often and holds; 0: continuous */
	uint64_t seed;
} SensorParams;

typedef enum {
	SENSOR_FAULT_NONE,
	SENSOR_FAULT_STUCK,     /* repeats what it showed when the fault began */
	SENSOR_FAULT_OPEN,      /* broken wire */
	SENSOR_FAULT_SATURATED, /* at the upper end of its range */
	SENSOR_FAULT_SWAPPED,   /* wired to another sensor's input */
	SENSOR_FAULT_OFFSET,    /* a drift: volts added */
} SensorFaultKind;

const char *sensor_fault_name(SensorFaultKind kind);
gboolean sensor_fault_parse(const char *name, SensorFaultKind *ret);

/* Deterministic standard normal number of (seed, slot). */
double sensor_gauss(uint64_t seed, uint64_t slot);
/* Volts for a (lagged) quantity x in time slot `slot`, noise and clamp included; `drift_V` is added first. */
double sensor_volts(const SensorParams *params, double x, double drift_V, uint64_t slot);
/* Volts → what is read: counts, rounded to nearest and clamped to 0..counts_max, or the volts themselves. */
double sensor_quantise(const SensorParams *params, double volts);

G_END_DECLS

#endif
