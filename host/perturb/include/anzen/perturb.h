/* perturb (floor 2): what is done to the stimulus between sensor and product: noise, weather, faults, attacks.
 *
 * Pure functions: no clock, no files, no threads of their own. The same seed gives the same bytes, whatever the order
 * or the thread in which pictures are done: every random number is Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011) of a key (seed, name, place in the chain, target) and a counter (the time of
 * the sample or picture, the number of the pixel). Several perturbations apply one after the other, in the order given.
 *
 *	g_autoptr(PerturbChain) chain = perturb_chain_new(7);
 *	perturb_chain_add(chain, "fog:3", &error);
 *	perturb_chain_add(chain, "bias:2@pan.temperature", &error);
 *	g_autoptr(PerturbImage) image = perturb_image_new(chain, "camera.main", 640, 360, 3, &error);
 *	perturb_image_apply(image, pixels, t_ns);
 *
 * Parameters of the 15 image corruptions are those of ImageNet-C (Hendrycks and Dietterich, "Benchmarking neural network
 * robustness to common corruptions and perturbations", ICLR 2019, and its published generator); the code is ours.
 * Lengths there are pixels of a 224 x 224 picture: here they are multiplied by (shorter side)/224. What must not flicker
 * in a video (fog, frost, glass, elastic, angle of motion, occlusion, patch) is the same in every picture of a chain;
 * noise and snow are new in each. All severities of the other perturbations are our own choice (docs/perturb.md says
 * so for each); their kinds are those of Ni et al., "Sensor network data fault types", ACM TOSN 5(3), 2009.
 */
#ifndef ANZEN_PERTURB_H
#define ANZEN_PERTURB_H

#include <anzen/model.h>

G_BEGIN_DECLS

/* ---- what there is ---- */

typedef enum { PERTURB_SIGNAL, PERTURB_IMAGE, PERTURB_AUDIO } PerturbDomain;
const char *perturb_domain_name(PerturbDomain domain); /* "signal" "image" "audio" */

/* What it does to a label, which says what was true of the world at its time. */
typedef enum {
	PERTURB_TRUTH_KEPT, /* the input still shows it at its time, as far as a comparison can tell */
	PERTURB_TRUTH_MOVED, /* the input shows it later than it was: see perturb_chain_delay_ns() */
	PERTURB_TRUTH_HIDDEN, /* the input may not show it at all: nothing that is computed here can tell */
} PerturbTruth;

#define PERTURB_SEVERITIES 5
#define PERTURB_PARAMETERS 7

typedef struct PerturbParameter {
	const char *name; /* "sigma"; NULL: there are no more */
	const char *unit; /* "1", "ms", "px" (of a 224 px picture), "%FS" (of full scale) */
	double at[PERTURB_SEVERITIES]; /* severity 1 first */
} PerturbParameter;

typedef struct PerturbInfo {
	const char *name; /* "fog" */
	const char *also; /* another name by which it is known ("jpeg-compression"), or NULL */
	PerturbDomain domain;
	PerturbTruth truth;
	const char *what;   /* one line, English */
	const char *ja;     /* the same in Japanese */
	const char *source; /* of the parameters */
	PerturbParameter parameters[PERTURB_PARAMETERS];
} PerturbInfo;

/* All of them, in the order of docs/perturb.md. Static. */
const PerturbInfo *perturb_list(size_t *ret_n);
/* By name or other name, '_' as '-'; NULL: unknown. Audio's noise is "audio-noise". */
const PerturbInfo *perturb_find(const char *name);
/* The same; ANZEN_ERROR_INPUT says what there is. */
const PerturbInfo *perturb_look_up(const char *name, GError **error);

/* ---- a chain ---- */

typedef struct PerturbChain PerturbChain;

PerturbChain *perturb_chain_new(uint64_t seed);
void perturb_chain_free(PerturbChain *chain); /* takes NULL */
/* "NAME:SEVERITY[@TARGET][+FROM..UNTIL]", severity 1..5; TARGET is a role, and absent means each of its domain. FROM and
 * UNTIL are times after t = 0, as in "fog:3@camera.main+4s..10s": from FROM on and before UNTIL; either may be absent.
 * ANZEN_ERROR_INPUT says what was expected; the chain is untouched then. */
gboolean perturb_chain_add(PerturbChain *chain, const char *text, GError **error);
/* The same, read already. target NULL: all; from INT64_MIN: always, until CLOCK_NEVER: for ever. */
void perturb_chain_add_step(PerturbChain *chain, const PerturbInfo *info, unsigned severity,
			    const char *target, int64_t from_ns, int64_t until_ns);
/* Everything of perturb_chain_text(), in its order. */
gboolean perturb_chain_add_text(PerturbChain *chain, const char *text, GError **error);
size_t perturb_chain_length(const PerturbChain *chain);
uint64_t perturb_chain_seed(const PerturbChain *chain);
const PerturbInfo *perturb_chain_info(const PerturbChain *chain, size_t i);
unsigned perturb_chain_severity(const PerturbChain *chain, size_t i);
const char *perturb_chain_target(const PerturbChain *chain, size_t i); /* NULL: all */
/* "fog:3,bias:2@pan.temperature+4s..10s": what a session says. Caller frees. */
char *perturb_chain_text(const PerturbChain *chain);
/* Does anything in it apply to this signal or camera? */
bool perturb_chain_touches(const PerturbChain *chain, PerturbDomain domain, const char *target);
/* The worst thing that it does to labels. */
PerturbTruth perturb_chain_truth(const PerturbChain *chain);
/* By how much at most anything is shown later than it was. */
int64_t perturb_chain_delay_ns(const PerturbChain *chain);

/* ---- signals ---- */

typedef struct PerturbSignal PerturbSignal;

/* What the product is given in place of one sample. */
typedef struct PerturbSample {
	int64_t t_ns; /* when: at or after the sample's own time, and after the one before */
	double v;
	SampleStatus status;
	bool given; /* false: nothing arrives */
} PerturbSample;

/* For one signal whose full scale goes from lo to hi (lo < hi, finite); a Boolean one is touched only by what keeps it 0
 * or 1 (dropout, stuck, time-skew, jitter, spoof). Not thread-safe; borrows nothing. */
PerturbSignal *perturb_signal_new(const PerturbChain *chain, const char *name, bool boolean,
				  double lo, double hi);
void perturb_signal_free(PerturbSignal *signal); /* takes NULL */
/* Nothing of the chain changes this signal: noise does nothing to a Boolean one. */
bool perturb_signal_idle(const PerturbSignal *signal);
/* Samples in order of time; t_ns counts from the recording's t = 0 (it may be negative). */
PerturbSample perturb_signal_apply(PerturbSignal *signal, int64_t t_ns, double v,
				   SampleStatus status);

/* ---- pictures ---- */

typedef struct PerturbImage PerturbImage;

/* For one camera, pictures of width x height (8..8192) with 1 (grey) or 3 (RGB) bytes a pixel, rows packed. Makes the
 * static fields once. ANZEN_ERROR_INPUT for another shape. */
PerturbImage *perturb_image_new(const PerturbChain *chain, const char *camera, int width,
				int height, int channels, GError **error);
void perturb_image_free(PerturbImage *image); /* takes NULL */
/* Change the pixels in place. Any number of threads at once on different pictures. */
void perturb_image_apply(const PerturbImage *image, uint8_t *pixels, int64_t t_ns);

/* What happens to the picture of time t_ns as a whole. A pure function: order does not matter. */
typedef struct PerturbFate {
	bool dropped; /* it never arrives */
	int64_t shows_ns; /* the picture shown is the last one at or before this time; t_ns when not frozen */
	int64_t delay_ns; /* it arrives this much later; whoever gives pictures keeps their order */
} PerturbFate;
PerturbFate perturb_image_fate(const PerturbImage *image, int64_t t_ns);

/* A picture's coarse structure: the means of 40 x 40 blocks. Free with g_free(). */
typedef struct PerturbCoarse PerturbCoarse;
PerturbCoarse *perturb_coarse(const uint8_t *pixels, int width, int height, int channels);
/* perturb_similarity() of pictures of one size that have been made coarse. */
double perturb_coarse_similarity(const PerturbCoarse *original, const PerturbCoarse *perturbed,
				 const PerturbCoarse *moved);

/* How much of a picture's coarse structure is left: the correlation (-1..1) of the means of 40 x 40 blocks, over the
 * blocks where `moved` (a picture some time before; NULL: everywhere) differs from the original by more than 4 of 255.
 * NaN where nothing moved or a side has no structure. */
double perturb_similarity(const uint8_t *original, const uint8_t *perturbed, const uint8_t *moved,
			  int width, int height, int channels);

/* ---- sound ---- */

/* Change interleaved 16-bit sound in place; `frames` samples of each channel, at `rate` per second. Noise is relative to
 * the mean power of the whole buffer, clipping to its peak. */
void perturb_audio_apply(const PerturbChain *chain, const char *target, int16_t *samples,
			 size_t frames, unsigned channels, unsigned rate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PerturbChain, perturb_chain_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PerturbSignal, perturb_signal_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PerturbImage, perturb_image_free)

G_END_DECLS

#endif
