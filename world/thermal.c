#include "thermal.h"

#include <math.h>

double first_order(double x, double target, double tau_s, double dt_s)
{
	if (tau_s <= 0)
		return target;
	return target + (x - target) * exp(-dt_s / tau_s);
}

static double capacity(const Pan *pan, const PanParams *params)
{
	return params->capacity_J_K + pan->water_kg * THERMAL_WATER_J_KG_K;
}

void pan_step(Pan *pan, const PanParams *params, double power_W, double room_C, double dt_s)
{
	double c = capacity(pan, params);
	double end_C = room_C + power_W / params->loss_W_K;
	pan->temperature_C = first_order(pan->temperature_C, end_C, c / params->loss_W_K, dt_s);
	if (pan->water_kg <= 0 || pan->temperature_C <= THERMAL_BOILING_C)
		return;
	double surplus_J = (pan->temperature_C - THERMAL_BOILING_C) * c;
	pan->temperature_C = THERMAL_BOILING_C;
	pan->water_kg = fmax(0, pan->water_kg - surplus_J / THERMAL_EVAPORATION_J_KG);
}
