#include "sensor.h"

#include <math.h>
#include <string.h>

static const char *const fault_names[] = {
	[SENSOR_FAULT_NONE] = "none",       [SENSOR_FAULT_STUCK] = "stuck",
	[SENSOR_FAULT_OPEN] = "open",       [SENSOR_FAULT_SATURATED] = "saturated",
	[SENSOR_FAULT_SWAPPED] = "swapped", [SENSOR_FAULT_OFFSET] = "offset",
};

const char *sensor_fault_name(SensorFaultKind kind)
{
	return fault_names[kind];
}

gboolean sensor_fault_parse(const char *name, SensorFaultKind *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fault_names); i++)
		if (!strcmp(name, fault_names[i])) {
			*ret = (SensorFaultKind)i;
			return TRUE;
		}
	return FALSE;
}

/* SplitMix64 (Steele, Lea, Flood 2014): a counter becomes independent-looking bits, so noise needs no state. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static double uniform(uint64_t bits)
{
	return ((double)(bits >> 11) + 0.5) * 0x1p-53; /* never 0 or 1 */
}

double sensor_gauss(uint64_t seed, uint64_t slot)
{
	uint64_t a = mix(seed ^ mix(slot)), b = mix(a);
	return sqrt(-2 * log(uniform(a))) * cos(2 * G_PI * uniform(b));
}

double sensor_volts(const SensorParams *p, double x, double drift_V, uint64_t slot)
{
	double v = p->offset + p->gain * x + drift_V;
	if (p->noise_V > 0)
		v += p->noise_V * sensor_gauss(p->seed, slot);
	return CLAMP(v, p->lo_V, p->hi_V);
}

double sensor_quantise(const SensorParams *p, double volts)
{
	if (p->counts_per_volt <= 0)
		return volts;
	return CLAMP(floor(volts * p->counts_per_volt + 0.5), 0, p->counts_max);
}
