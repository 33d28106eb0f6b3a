/* A chain's steps, as the functions of each domain see them. Private to perturb. */
#ifndef ANZEN_PERTURB_CHAIN_H
#define ANZEN_PERTURB_CHAIN_H

#include <anzen/perturb.h>

/* The order is that of the catalogue. */
typedef enum {
	ID_NOISE,
	ID_BIAS,
	ID_DRIFT,
	ID_GAIN,
	ID_SATURATION,
	ID_DROPOUT,
	ID_STUCK,
	ID_SPIKE,
	ID_TIME_SKEW,
	ID_JITTER,
	ID_QUANTISATION,
	ID_SPOOF,
	ID_GAUSSIAN_NOISE,
	ID_SHOT_NOISE,
	ID_IMPULSE_NOISE,
	ID_DEFOCUS_BLUR,
	ID_GLASS_BLUR,
	ID_MOTION_BLUR,
	ID_ZOOM_BLUR,
	ID_SNOW,
	ID_FROST,
	ID_FOG,
	ID_BRIGHTNESS,
	ID_CONTRAST,
	ID_ELASTIC,
	ID_PIXELATE,
	ID_JPEG,
	ID_OCCLUSION,
	ID_DARK,
	ID_FLICKER,
	ID_FREEZE,
	ID_DROP,
	ID_LATENCY,
	ID_PATCH,
	ID_AUDIO_NOISE,
	ID_AUDIO_CLIPPING,
	ID_AUDIO_ECHO,
	ID_COUNT,
} PerturbId;

extern const PerturbInfo perturb_catalogue[ID_COUNT];

typedef struct Step {
	PerturbId id;
	unsigned severity;
	char *target;              /* NULL: all */
	int64_t from_ns, until_ns; /* from on, and before until */
} Step;

size_t chain_length(const PerturbChain *chain);
const Step *chain_step(const PerturbChain *chain, size_t i);
bool step_applies(const Step *step, PerturbDomain domain, const char *target);
bool step_active(const Step *step, int64_t t_ns);
/* Parameter `i` at the step's severity. */
double step_value(const Step *step, int i);
uint64_t chain_key(const PerturbChain *chain, size_t i, const char *target);

/* Is t in this period's window? Each period of `period_ns` has one, `share` of it long, somewhere in it. */
bool window_holds(uint64_t key, int64_t t_ns, int64_t period_ns, double share, int64_t *ret_begin);

#endif
