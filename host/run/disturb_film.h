/* One camera's pictures under perturbation, one after the other. Private to run. */
#ifndef ANZEN_RUN_DISTURB_FILM_H
#define ANZEN_RUN_DISTURB_FILM_H

#include <anzen/perturb.h>

typedef struct DisturbFilm DisturbFilm;

/* What is shown in place of one picture. */
typedef struct DisturbShot {
	Frame frame;      /* raw, or a unit; holds a reference; times and sequence of the picture */
	int64_t delay_ns; /* shown so much later than it came */
	double similarity; /* with the undisturbed one, where it moves; NaN: nothing moves */
} DisturbShot;

/* Decoded as `format`, "rgb" or "gray8", and given so; or, encode, as H.264 again. Borrows the chain. */
DisturbFilm *disturb_film_new(const PerturbChain *chain, const char *role, const char *format,
			      bool encode, GError **error);
void disturb_film_free(DisturbFilm *film); /* takes NULL */
/* FALSE: nothing is shown; with an error, because something is wrong. t_ns counts from t = 0. */
gboolean disturb_film_next(DisturbFilm *film, const Frame *unit, int64_t t_ns, DisturbShot *ret,
			   GError **error);
/* SHA-256, in hex, of everything that was shown with t_ns >= 0: each picture's time after t = 0 when it is shown, as 8 bytes,
 * lowest first, and its pixels. Once. Caller frees. */
char *disturb_film_digest(DisturbFilm *film, uint64_t *ret_pictures);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DisturbFilm, disturb_film_free)

#endif
