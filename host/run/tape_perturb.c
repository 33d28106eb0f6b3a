/* What is done to the stimulus before it is played, and what is still true of its labels then. */
#include "disturb.h"
#include "labels.h"
#include "live.h"
#include "tape.h"

#include <anzen/media.h>
#include <math.h>
#include <string.h>

#define PREFIX DISTURB_PREFIX
#define STEP_BACK DISTURB_STEP_BACK
#define BATCH 4 /* pictures that are perturbed at the same time */
#define FPS_MAX 1000
#define STILL_NS (33 * CLOCK_MS)

typedef struct Perturbing {
	Tape *tape;
	const Product *product;
	const PerturbChain *chain;
	GArray *moments; /* int64: where labels rise, in the recording's time */
	LabelsSeen seen;
	unsigned touched;
} Perturbing;

static int64_t since_start(const Perturbing *p, int64_t t_ns)
{
	return t_ns - p->tape->recording->start_ns;
}

static bool near_moment(const Perturbing *p, int64_t t_ns)
{
	return labels_near(p->moments, t_ns);
}

static void note_similarity(Perturbing *p, int64_t t_ns, double r)
{
	labels_note(&p->seen, r, (double)since_start(p, t_ns) * 1e-9);
}

/* ---- signals -------------------------------------------------------------------------------------------------------- */

static bool reads(const Product *product, const char *role)
{
	for (size_t i = 0; i < product->n_inputs; i++)
		if (!strcmp(product->inputs[i].from, role))
			return true;
	return false;
}

/* Full scale: the declared range, else what the recording spans. */
static void scale_of(Perturbing *p, const Signal *s, double *ret_lo, double *ret_hi)
{
	double lo = s->info.range_lo, hi = s->info.range_hi;
	bool declared = isfinite(lo) && isfinite(hi) && lo < hi;
	if (!declared) {
		lo = INFINITY;
		hi = -INFINITY;
		for (size_t i = 0; i < s->n; i++)
			if (s->status[i] == SAMPLE_OK && isfinite(s->v[i])) {
				lo = fmin(lo, s->v[i]);
				hi = fmax(hi, s->v[i]);
			}
		if (!(lo < hi)) { /* it never moved */
			lo = isfinite(lo) ? lo - 0.5 : 0;
			hi = lo + 1;
		}
	}
	g_autofree char *key = g_strdup_printf("perturb.scale.%s", s->info.name);
	tape_note(p->tape, key, "%g to %g %s (%s)", lo, hi, s->info.unit.symbol,
		  declared ? "declared range" : "span of the recording");
	*ret_lo = lo;
	*ret_hi = hi;
}

static SignalInfo *made_info(Tape *tape, const SignalInfo *like)
{
	SignalInfo *info = g_new0(SignalInfo, 1);
	signal_info_copy(info, like);
	g_ptr_array_add(tape->made, info);
	return info;
}

/* A late stream says something before its first sample arrives, too: that sample's value, again and again. */
typedef struct Held {
	int64_t until_ns;
	double v;
} Held;

static void hold_first(Tape *tape, const Held *held, const TapeItem *item, const char *as)
{
	TapeItem still = *item;
	still.source = as;
	still.v = held->v;
	if (item->t_ns < held->until_ns && item->status == SAMPLE_OK)
		g_array_append_val(tape->items, still);
}

/* Append what the product is given in place of `s`. */
static void give_samples(Perturbing *p, const Signal *s, const char *as, double span,
			 PerturbSignal *perturb)
{
	Tape *tape = p->tape;
	LabelPairs pairs = {0};
	Held held = {0};
	bool gone = false, first = true;
	guint n = tape->items->len;
	for (guint i = 0; i < n; i++) {
		TapeItem item = g_array_index(tape->items, TapeItem, i);
		if (item.kind != TAPE_SAMPLE || strcmp(item.source, s->info.name) != 0)
			continue;
		PerturbSample out = perturb_signal_apply(perturb, since_start(p, item.t_ns), item.v,
							 item.status);
		if (first)
			held = (Held){tape->recording->start_ns + out.t_ns, item.v};
		first = false;
		hold_first(tape, &held, &item, as);
		bool was_gone = gone;
		gone = !out.given;
		if (near_moment(p, item.t_ns) && out.given && item.status == SAMPLE_OK)
			label_pairs_add(&pairs, item.v, out.v);
		item.source = as;
		item.v = out.given ? out.v : (double)NAN;
		item.status = out.given ? out.status : SAMPLE_MISSING;
		item.t_ns = tape->recording->start_ns + out.t_ns;
		if (item.t_ns <= tape->part_end_ns && !(gone && was_gone))
			g_array_append_val(tape->items, item);
	}
	if (p->moments->len)
		note_similarity(p, g_array_index(p->moments, int64_t, 0),
				label_pairs_correlation(&pairs, span));
}

static void perturb_signal_of(Perturbing *p, const Signal *s)
{
	double lo, hi;
	scale_of(p, s, &lo, &hi);
	g_autoptr(PerturbSignal) perturb =
		perturb_signal_new(p->chain, s->info.name, s->info.boolean, lo, hi);
	g_autofree char *name = g_strconcat(PREFIX, s->info.name, NULL);
	SignalInfo *info = made_info(p->tape, &s->info);
	g_free(info->name);
	info->name = g_strdup(name);
	info->origin = ORIGIN_COMMAND; /* what the bench gave, and never truth */
	g_ptr_array_add(p->tape->signals, info);
	g_hash_table_replace(p->tape->given, g_strdup(s->info.name), g_strdup(""));
	g_hash_table_replace(p->tape->given, g_strdup(name), g_strdup(s->info.name));
	give_samples(p, s, info->name, hi - lo, perturb);
	p->touched++;
}

static void perturb_signals(Perturbing *p)
{
	guint n = p->tape->signals->len;
	for (guint i = 0; i < n; i++) {
		const SignalInfo *info = g_ptr_array_index(p->tape->signals, i);
		if (reads(p->product, info->name) &&
		    perturb_chain_touches(p->chain, PERTURB_SIGNAL, info->name))
			perturb_signal_of(p, recording_signal(p->tape->recording, info->name));
	}
}

/* ---- pictures ------------------------------------------------------------------------------------------------------- */

typedef struct Picture {
	TapeItem item; /* its unit, until it is done */
	const PerturbImage *image;
	uint8_t *clean, *pixels;
	int64_t t_ns;
	PerturbFate fate;
} Picture;

typedef struct Film {
	Perturbing *p;
	PerturbImage *image;
	MediaDecoder *decoder;
	MediaEncoder *encoder;
	int width, height, fps;
	uint8_t *back[STEP_BACK]; /* clean pictures before, oldest at `next` */
	unsigned next;
	uint8_t *shown; /* the last one that was not frozen */
	uint64_t done;
	int64_t last_ns; /* when the last one is shown */
	GArray *items;   /* TapeItem: the new pictures */
} Film;

static size_t film_bytes(const Film *f)
{
	return (size_t)f->width * (size_t)f->height * 3;
}

static void film_clear(Film *f)
{
	perturb_image_free(f->image);
	media_decoder_free(f->decoder);
	media_encoder_free(f->encoder);
	for (int i = 0; i < STEP_BACK; i++)
		g_free(f->back[i]);
	g_free(f->shown);
	if (f->items)
		g_array_unref(f->items);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Film, film_clear)

static gboolean open_film(Film *f, const char *camera, const Frame *picture, GError **error)
{
	f->width = picture->width;
	f->height = picture->height;
	f->image = perturb_image_new(f->p->chain, camera, f->width, f->height, 3, error);
	f->encoder =
		f->image ? media_encoder_new("rgb", f->width, f->height, f->fps, 0, error) : NULL;
	return f->encoder != NULL;
}

/* The next picture of the tape; FALSE without error: it shows nothing yet. */
static gboolean decode(Film *f, const TapeItem *item, Picture *ret, GError **error)
{
	g_auto(Frame) picture = {0};
	g_autoptr(GError) trouble = NULL;
	if (!media_decoder_decode(f->decoder, &item->frame, &picture, &trouble)) {
		if (trouble)
			g_propagate_error(error, g_steal_pointer(&trouble));
		return FALSE;
	}
	if (!f->image && !open_film(f, item->source, &picture, error))
		return FALSE;
	if (picture.width != f->width || picture.height != f->height) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s changes its size in the recording: it cannot be perturbed",
			    item->source);
		return FALSE;
	}
	*ret = (Picture){.item = *item, .image = f->image, .t_ns = since_start(f->p, item->t_ns)};
	ret->clean = g_memdup2(picture.data, film_bytes(f));
	ret->pixels = g_memdup2(picture.data, film_bytes(f));
	ret->fate = perturb_image_fate(f->image, ret->t_ns);
	return TRUE;
}

static gpointer work(gpointer data)
{
	const Picture *picture = data;
	perturb_image_apply(picture->image, picture->pixels, picture->t_ns);
	return NULL;
}

/* Each in a thread of its own but the first, which is done here. */
static void perturb_batch(Picture *pictures, int n)
{
	GThread *threads[BATCH] = {0};
	for (int i = 1; i < n; i++)
		threads[i] = g_thread_new("perturb", work, &pictures[i]);
	work(&pictures[0]);
	for (int i = 1; i < n; i++)
		g_thread_join(threads[i]);
}

/* What a label is about is what moves: there the two pictures are compared. */
static void compare(Film *f, const Picture *picture, const uint8_t *shown)
{
	const uint8_t *before = f->back[f->next];
	if (before && near_moment(f->p, picture->item.t_ns))
		note_similarity(
			f->p, picture->item.t_ns,
			perturb_similarity(picture->clean, shown, before, f->width, f->height, 3));
}

static gboolean finish_picture(Film *f, Picture *picture, GError **error)
{
	bool frozen = picture->fate.shows_ns < picture->t_ns && f->shown;
	if (!frozen) {
		g_free(f->shown);
		f->shown = g_memdup2(picture->pixels, film_bytes(f));
	}
	compare(f, picture, f->shown);
	g_free(f->back[f->next]);
	f->back[f->next] = g_steal_pointer(&picture->clean);
	f->next = (f->next + 1) % STEP_BACK;
	TapeItem item = picture->item;
	item.t_ns = MAX(item.t_ns + picture->fate.delay_ns, f->last_ns + 1);
	if (picture->fate.dropped || item.t_ns > f->p->tape->part_end_ns)
		return TRUE;
	Frame raw = picture->item.frame;
	raw.data = f->shown;
	raw.size = film_bytes(f);
	raw.format = "rgb";
	raw.width = f->width;
	raw.height = f->height;
	Frame unit = {0};
	if (!media_encoder_encode(f->encoder, &raw, f->done == 0, &unit, error))
		return FALSE;
	item.frame = unit;
	item.frame.format = "h264";
	item.frame.key = unit.key;
	g_array_append_val(f->items, item);
	f->last_ns =
		item.t_ns; /* after a delay has ended, the next ones come in a burst, in their order */
	f->done++;
	return TRUE;
}

static gboolean run_batch(Film *f, Picture *pictures, int n, GError **error)
{
	gboolean ok = TRUE;
	if (n > 0)
		perturb_batch(pictures, n);
	for (int i = 0; i < n; i++) {
		ok = ok && finish_picture(f, &pictures[i], error);
		g_free(pictures[i].clean);
		g_free(pictures[i].pixels);
	}
	return ok;
}

static int rate_of(const Tape *tape, const char *camera)
{
	int64_t first = 0, last = 0, n = 0;
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		if (item->kind != TAPE_FRAME || strcmp(item->source, camera) != 0)
			continue;
		first = n++ ? first : item->t_ns;
		last = item->t_ns;
	}
	double fps = last > first ? (double)(n - 1) * 1e9 / (double)(last - first) : 30;
	return CLAMP((int)lround(fps), 1, FPS_MAX);
}

/* A late stream shows something before its first picture, too: that picture, standing still. */
static void fill_beginning(const Film *f)
{
	if (!f->items->len)
		return;
	const TapeItem first = g_array_index(f->items, TapeItem, 0);
	int64_t begin = f->p->tape->first_ns;
	for (int64_t t = first.t_ns - STILL_NS; t >= begin; t -= STILL_NS) {
		TapeItem item = first;
		item.t_ns = t;
		item.frame.ref(item.frame.owner);
		g_array_append_val(f->items, item);
	}
}

/* Put the new pictures of `camera` in place of the old ones. */
static void replace(Tape *tape, const char *camera, GArray *items)
{
	guint kept = 0;
	for (guint i = 0; i < tape->items->len; i++) {
		TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		if (item->kind == TAPE_FRAME && !strcmp(item->source, camera)) {
			item->frame.unref(item->frame.owner);
			*item = (TapeItem){0};
			continue;
		}
		TapeItem moved = *item;
		*item = (TapeItem){0};
		g_array_index(tape->items, TapeItem, kept++) = moved;
	}
	g_array_set_size(tape->items, kept);
	g_array_append_vals(tape->items, items->data, items->len);
}

static gboolean perturb_camera(Perturbing *p, const char *camera, GError **error)
{
	Tape *tape = p->tape;
	g_auto(Film) film = {.p = p, .fps = rate_of(tape, camera)};
	film.decoder = media_decoder_new("rgb", error);
	film.items = g_array_new(FALSE, FALSE, sizeof(TapeItem));
	Picture batch[BATCH];
	int n = 0;
	for (guint i = 0; film.decoder && i < tape->items->len; i++) {
		if (live_stop_requested) {
			run_batch(&film, batch, n, NULL);
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED,
				    "stopped by the operator before the replay began");
			return FALSE;
		}
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		g_autoptr(GError) trouble = NULL;
		if (item->kind != TAPE_FRAME || strcmp(item->source, camera) != 0)
			continue;
		if (decode(&film, item, &batch[n], &trouble))
			n++;
		else if (trouble) {
			run_batch(&film, batch, n, NULL);
			g_propagate_error(error, g_steal_pointer(&trouble));
			return FALSE;
		}
		if (n == BATCH && !run_batch(&film, batch, n, error))
			return FALSE;
		n = n == BATCH ? 0 : n;
	}
	if (!film.decoder || !run_batch(&film, batch, n, error))
		return FALSE;
	fill_beginning(&film);
	replace(tape, camera, film.items);
	g_array_set_size(film.items, 0); /* the tape holds their bytes now */
	p->touched++;
	return TRUE;
}

/* ---- labels -------------------------------------------------------------------------------------------------------- */

/* By how much anything is shown later than it was is how uncertain every recorded time is of what the product sees. */
static void widen_clocks(Tape *tape, int64_t delay_ns)
{
	for (guint i = 0; i < tape->signals->len; i++) {
		const SignalInfo *old = g_ptr_array_index(tape->signals, i);
		if (old->origin == ORIGIN_COMMAND)
			continue;
		SignalInfo *info = made_info(tape, old);
		info->u_clock_s = label_clock_u(old->u_clock_s, delay_ns);
		g_ptr_array_index(tape->signals, i) = info;
	}
}

gboolean tape_perturb(Tape *tape, const Product *product, const PerturbChain *chain, GError **error)
{
	Perturbing p = {.tape = tape, .product = product, .chain = chain};
	gboolean ok = TRUE;
	g_autoptr(JudgeSpec) spec = session_reader_judge(tape->reader, NULL);
	p.moments = labels_moments(tape->recording, spec);
	p.seen = (LabelsSeen){.any = p.moments->len > 0, .least = (double)NAN};
	perturb_signals(&p);
	for (guint i = 0; ok && i < tape->cameras->len; i++) {
		const char *camera = g_ptr_array_index(tape->cameras, i);
		if (perturb_chain_touches(chain, PERTURB_IMAGE, camera))
			ok = perturb_camera(&p, camera, error);
	}
	g_autofree char *what = perturb_chain_text(chain);
	if (ok && !p.touched) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: the product %s reads nothing that this could be done to", what,
			    product->id);
		ok = FALSE;
	}
	if (ok) {
		if (perturb_chain_delay_ns(chain) > 0)
			widen_clocks(tape, perturb_chain_delay_ns(chain));
		tape_note(tape, "perturb", "%s", what);
		tape_note(tape, "perturb.seed", "%" G_GUINT64_FORMAT, perturb_chain_seed(chain));
		g_autofree char *labels =
			labels_text(chain, &p.seen, perturb_chain_delay_ns(chain));
		tape_note(tape, "perturb.labels", "%s", labels);
	}
	g_array_unref(p.moments);
	return ok;
}
