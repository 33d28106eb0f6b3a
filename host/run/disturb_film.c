#include "disturb_film.h"

#include "disturb.h"

#include <anzen/media.h>
#include <math.h>
#include <string.h>

#define FPS 30 /* sets the level of rate and the distance of key frames only */

struct DisturbFilm {
	const PerturbChain *chain;
	char *role;
	const char *format;
	bool encode;
	PerturbImage *image; /* from the first picture on */
	MediaDecoder *decoder;
	MediaEncoder *encoder;
	int width, height, channels;
	uint8_t *shown; /* the last one that was not frozen */
	PerturbCoarse *coarse;
	PerturbCoarse *back[DISTURB_STEP_BACK]; /* undisturbed pictures before, oldest at `next` */
	unsigned next;
	GChecksum *digest;
	uint64_t pictures;
};

DisturbFilm *disturb_film_new(const PerturbChain *chain, const char *role, const char *format,
			      bool encode, GError **error)
{
	g_autoptr(DisturbFilm) film = g_new0(DisturbFilm, 1);
	film->chain = chain;
	film->role = g_strdup(role);
	film->format = format;
	film->encode = encode;
	film->channels = strcmp(format, "rgb") ? 1 : 3;
	film->digest = g_checksum_new(G_CHECKSUM_SHA256);
	film->decoder = media_decoder_new(format, error);
	return film->decoder ? g_steal_pointer(&film) : NULL;
}

void disturb_film_free(DisturbFilm *film)
{
	if (!film)
		return;
	perturb_image_free(film->image);
	media_decoder_free(film->decoder);
	media_encoder_free(film->encoder);
	for (int i = 0; i < DISTURB_STEP_BACK; i++)
		g_free(film->back[i]);
	g_free(film->coarse);
	g_free(film->shown);
	g_checksum_free(film->digest);
	g_free(film->role);
	g_free(film);
}

static size_t bytes_of(const DisturbFilm *film)
{
	return (size_t)film->width * (size_t)film->height * (size_t)film->channels;
}

static gboolean fit(DisturbFilm *film, const Frame *picture, GError **error)
{
	if (film->image && picture->width == film->width && picture->height == film->height)
		return TRUE;
	if (film->image) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s changes its size: it cannot be perturbed", film->role);
		return FALSE;
	}
	film->width = picture->width;
	film->height = picture->height;
	film->image = perturb_image_new(film->chain, film->role, film->width, film->height,
					film->channels, error);
	if (film->image && film->encode)
		film->encoder =
			media_encoder_new(film->format, film->width, film->height, FPS, 0, error);
	return film->image && (!film->encode || film->encoder);
}

/* The picture before is kept as coarse as it is compared. */
static double compare(DisturbFilm *film, PerturbCoarse *clean)
{
	PerturbCoarse **before = &film->back[film->next];
	double r = *before ? perturb_coarse_similarity(clean, film->coarse, *before) : (double)NAN;
	g_free(*before);
	*before = clean;
	film->next = (film->next + 1) % DISTURB_STEP_BACK;
	return r;
}

static void disturb(DisturbFilm *film, const Frame *picture, int64_t t_ns, const PerturbFate *fate)
{
	if (fate->shows_ns < t_ns && film->shown)
		return;
	g_free(film->shown);
	g_free(film->coarse);
	film->shown = g_memdup2(picture->data, bytes_of(film));
	perturb_image_apply(film->image, film->shown, t_ns);
	film->coarse = perturb_coarse(film->shown, film->width, film->height, film->channels);
}

static void count(DisturbFilm *film, int64_t t_ns, int64_t shown_ns)
{
	uint8_t time[8];
	if (t_ns < 0)
		return;
	for (int i = 0; i < 8; i++)
		time[i] = (uint8_t)((uint64_t)shown_ns >> (8 * i));
	g_checksum_update(film->digest, time, sizeof(time));
	g_checksum_update(film->digest, film->shown, (gssize)bytes_of(film));
	film->pictures++;
}

/* What was shown, as the frame that is given. */
static gboolean give(DisturbFilm *film, const Frame *unit, Frame *ret, GError **error)
{
	g_auto(Frame) raw = {0};
	g_autoptr(GBytes) bytes = g_bytes_new(film->shown, bytes_of(film));
	media_frame_from_bytes(&raw, bytes, film->format);
	raw.width = film->width;
	raw.height = film->height;
	raw.capture_ns = unit->capture_ns;
	raw.capture_u_ns = unit->capture_u_ns;
	raw.receipt_ns = unit->receipt_ns;
	raw.sequence = unit->sequence;
	raw.key = true;
	if (film->encoder)
		return media_encoder_encode(film->encoder, &raw, false, ret, error);
	*ret = raw;
	raw = (Frame){0};
	return TRUE;
}

static gboolean decode(DisturbFilm *film, const Frame *unit, Frame *ret, GError **error)
{
	g_autoptr(GError) why = NULL;
	if (media_decoder_decode(film->decoder, unit, ret, &why))
		return TRUE;
	if (why)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s sends what cannot be decoded: %s", film->role, why->message);
	return FALSE;
}

gboolean disturb_film_next(DisturbFilm *film, const Frame *unit, int64_t t_ns, DisturbShot *ret,
			   GError **error)
{
	g_auto(Frame) picture = {0};
	if (!decode(film, unit, &picture, error) || !fit(film, &picture, error))
		return FALSE;
	PerturbFate fate = perturb_image_fate(film->image, t_ns);
	PerturbCoarse *clean =
		perturb_coarse(picture.data, film->width, film->height, film->channels);
	disturb(film, &picture, t_ns, &fate);
	DisturbShot shot = {.delay_ns = fate.delay_ns, .similarity = compare(film, clean)};
	if (fate.dropped)
		return FALSE;
	if (!give(film, unit, &shot.frame, error))
		return FALSE;
	count(film, t_ns, t_ns + fate.delay_ns);
	*ret = shot;
	return TRUE;
}

char *disturb_film_digest(DisturbFilm *film, uint64_t *ret_pictures)
{
	*ret_pictures = film->pictures;
	return g_strdup(g_checksum_get_string(film->digest));
}
