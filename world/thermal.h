/* First-order models of the slow quantities: exact steps, so that the step size does not change the answer. */
#ifndef ANZEN_WORLD_THERMAL_H
#define ANZEN_WORLD_THERMAL_H

#include <stdbool.h>

/* x after dt of x' = (target - x) / tau. tau 0: at once. */
double first_order(double x, double target, double tau_s, double dt_s);

#define THERMAL_BOILING_C 100.0 /* water at 101.325 kPa */
#define THERMAL_WATER_J_KG_K \
	4186.0 /* specific heat of water at 15 degC (definition of the 15 degC calorie) */
#define THERMAL_EVAPORATION_J_KG 2.256e6 /* latent heat at 100 degC (CRC Handbook) */

typedef struct Pan {
	double temperature_C, water_kg;
} Pan;

typedef struct PanParams {
	double capacity_J_K; /* of the empty pan with its hot plate */
	double loss_W_K;     /* to the room */
	double power_W;      /* of the heater at full duty */
} PanParams;

/* Heat with `power_W` for dt. With water the temperature stops at boiling and the rest evaporates; dry, it goes on. */
void pan_step(Pan *pan, const PanParams *params, double power_W, double room_C, double dt_s);

#endif
