#include "disturb.h"

#include "disturb_film.h"

#include <anzen/media.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#define LONG_BEFORE_NS (1000000 * CLOCK_S) /* where times are before t = 0 is known */
#define MOST_WAITING 90 /* pictures of one camera: 3 s; what is more is a fault, and dropped */
#define DELAYED_TICK_NS (2 * CLOCK_MS)

typedef struct Source {
	struct Disturb *disturb;
	char *role, *given, *lateness; /* "perturbed.ROLE", "perturb.lateness.ROLE" */
	_Atomic bool blamed;
	int64_t last_due_ns, last_noted_ns;
} Source;

typedef struct Delayed {
	int64_t t_ns, due_ns;
	double v;
	SampleStatus status;
} Delayed;

typedef struct SignalSource {
	Source source; /* first member */
	PerturbSignal *perturb;
	char *scale;
	bool delays, gone;
	pthread_mutex_t lock;
	GQueue waiting; /* Delayed*, under lock */
} SignalSource;

typedef struct CameraSource {
	Source source; /* first member */
	char *similarity;
	DisturbFilm *film;
	GAsyncQueue *jobs; /* Frame*: units; a Frame without data ends the thread */
	GQueue waiting;    /* Delayed shots as Frame*, receipt_ns being when they are due */
	GThread *thread;
} CameraSource;

struct Disturb {
	const PerturbChain *chain;
	Clock *clock;
	bool lock_step;
	int64_t deadline_ns, open_ns;
	_Atomic int64_t start_ns; /* 0: not known yet */
	_Atomic bool ended;
	Stream *sink;
	GHashTable *sources;        /* role → Source*, borrowed */
	GPtrArray *signals, *films; /* SignalSource*, CameraSource* */
	GPtrArray *infos, *roles;
	GThread *thread; /* of delayed samples */
};

/* ---- what comes from all of them -------------------------------------------------------------------------------- */

static int64_t since_start(const Disturb *d, int64_t t_ns)
{
	int64_t start = atomic_load(&d->start_ns);
	return start ? t_ns - start : MIN(t_ns - d->open_ns - LONG_BEFORE_NS, -1);
}

static void disturb_blame(Source *s, int64_t t_ns, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void disturb_blame(Source *s, int64_t t_ns, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char who[] = "perturb";
	g_autofree char *why = g_strdup_vprintf(format, args);
	va_end(args);
	Stream *sink = s->disturb->sink;
	Fault fault = {.t_ns = t_ns,
		       .until_ns = CLOCK_NEVER,
		       .source = who,
		       .cause = why,
		       .blame = BLAME_BENCH,
		       .proven = true};
	if (!atomic_exchange(&s->blamed, true))
		sink->fault(sink, &fault);
}

/* Only from t = 0 on: before it the product is not judged. */
static void note_lateness(Source *s, int64_t due_ns, int64_t now)
{
	Disturb *d = s->disturb;
	int64_t late = MAX(now - due_ns, 0), stamp = MAX(now, s->last_noted_ns + 1);
	s->last_noted_ns = stamp;
	d->sink->sample(d->sink, s->lateness, stamp, (double)late * 1e-9, SAMPLE_OK);
	if (late <= d->deadline_ns || since_start(d, due_ns) < 0)
		return;
	disturb_blame(
		s, due_ns,
		"the perturbed %s of %.3f s was given %.0f ms after its time (deadline %.0f ms)",
		s->role, (double)since_start(d, due_ns) * 1e-9, (double)late * 1e-6,
		(double)d->deadline_ns * 1e-6);
}

static void info_free(void *info)
{
	signal_info_clear(info);
	g_free(info);
}

static void add_info(Disturb *d, const char *name, const SignalInfo *like, const Unit *unit)
{
	SignalInfo *info = g_new0(SignalInfo, 1);
	if (like)
		signal_info_copy(info, like);
	else
		signal_info_init(info, name);
	g_free(info->name);
	info->name = g_strdup(name);
	if (unit)
		info->unit = *unit;
	info->origin = like ? ORIGIN_COMMAND : ORIGIN_HEALTH; /* given by the bench: never truth */
	if (!like)
		info->interp = SIGNAL_PREVIOUS;
	g_ptr_array_add(d->infos, info);
}

static void source_init(Source *s, Disturb *d, const char *role)
{
	s->disturb = d;
	s->role = g_strdup(role);
	s->given = g_strconcat(DISTURB_PREFIX, role, NULL);
	s->lateness = g_strconcat(DISTURB_LATENESS, role, NULL);
	g_hash_table_insert(d->sources, s->role, s);
}

static void source_clear(Source *s)
{
	g_free(s->role);
	g_free(s->given);
	g_free(s->lateness);
}

/* ---- signals ------------------------------------------------------------------------------------------------------ */

static void signal_source_free(void *pointer)
{
	SignalSource *s = pointer;
	perturb_signal_free(s->perturb);
	g_queue_clear_full(&s->waiting, g_free);
	pthread_mutex_destroy(&s->lock);
	g_free(s->scale);
	source_clear(&s->source);
	g_free(s);
}

static bool delays(const PerturbChain *chain, const char *role)
{
	for (size_t i = 0; i < perturb_chain_length(chain); i++) {
		const PerturbInfo *info = perturb_chain_info(chain, i);
		const char *target = perturb_chain_target(chain, i);
		if (info->domain == PERTURB_SIGNAL && info->truth == PERTURB_TRUTH_MOVED &&
		    (!target || !strcmp(target, role)))
			return true;
	}
	return false;
}

gboolean disturb_add_signal(Disturb *d, const SignalInfo *info, GError **error)
{
	if (!perturb_chain_touches(d->chain, PERTURB_SIGNAL, info->name))
		return TRUE;
	double lo = info->boolean ? 0 : info->range_lo, hi = info->boolean ? 1 : info->range_hi;
	if (!isfinite(lo) || !isfinite(hi) || !(lo < hi)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s declares no range: a perturbation has no full scale to go by; "
			    "perturb a replay instead, which takes what was recorded",
			    info->name);
		return FALSE;
	}
	g_autoptr(PerturbSignal) perturb =
		perturb_signal_new(d->chain, info->name, info->boolean, lo, hi);
	if (perturb_signal_idle(perturb)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s is true or false: the perturbation would change nothing of it",
			    info->name);
		return FALSE;
	}
	SignalSource *s = g_new0(SignalSource, 1);
	source_init(&s->source, d, info->name);
	s->perturb = g_steal_pointer(&perturb);
	s->scale = g_strdup_printf("%g to %g %s (declared range)", lo, hi, info->unit.symbol);
	s->delays = delays(d->chain, info->name);
	thread_lock_init(&s->lock);
	g_ptr_array_add(d->signals, s);
	add_info(d, s->source.given, info, NULL);
	if (s->delays)
		add_info(d, s->source.lateness, NULL, &unit_second);
	return TRUE;
}

static void give_sample(const SignalSource *s, const Delayed *x)
{
	Stream *sink = s->source.disturb->sink;
	sink->sample(sink, s->source.given, x->t_ns, x->v, x->status);
}

static void keep_sample(SignalSource *s, const Delayed *x)
{
	pthread_mutex_lock(&s->lock);
	g_queue_push_tail(&s->waiting, g_memdup2(x, sizeof(*x)));
	pthread_mutex_unlock(&s->lock);
}

void disturb_sample(Disturb *d, const char *role, int64_t t_ns, double value, SampleStatus status)
{
	SignalSource *s = g_hash_table_lookup(d->sources, role);
	if (atomic_load(&d->ended))
		return;
	int64_t t = since_start(d, t_ns);
	PerturbSample out = perturb_signal_apply(s->perturb, t, value, status);
	bool was_gone = s->gone;
	s->gone = !out.given;
	if (s->gone && was_gone)
		return;
	Delayed x = {.t_ns = t_ns + (out.t_ns - t),
		     .v = out.v,
		     .status = out.given ? out.status : SAMPLE_MISSING};
	x.due_ns = MAX(x.t_ns, clock_now(d->clock));
	if (s->delays)
		keep_sample(s, &x);
	else
		give_sample(s, &x);
}

static void give_delayed(SignalSource *s, int64_t now)
{
	for (;;) {
		pthread_mutex_lock(&s->lock);
		Delayed *x = g_queue_peek_head(&s->waiting);
		bool due = x && x->due_ns <= now;
		if (due)
			g_queue_pop_head(&s->waiting);
		pthread_mutex_unlock(&s->lock);
		if (!due)
			return;
		give_sample(s, x);
		note_lateness(&s->source, x->due_ns, now);
		g_free(x);
	}
}

static gpointer delayed_main(gpointer user)
{
	Disturb *d = user;
	while (!atomic_load(&d->ended)) {
		int64_t now = clock_now(d->clock);
		for (guint i = 0; i < d->signals->len; i++)
			give_delayed(g_ptr_array_index(d->signals, i), now);
		clock_wait_until(d->clock, now + DELAYED_TICK_NS);
	}
	return NULL;
}

/* ---- pictures ------------------------------------------------------------------------------------------------------- */

static void frame_free(void *pointer)
{
	media_frame_clear(pointer);
	g_free(pointer);
}

static void camera_source_free(void *pointer)
{
	CameraSource *c = pointer;
	disturb_film_free(c->film);
	g_async_queue_unref(c->jobs);
	g_queue_clear_full(&c->waiting, frame_free);
	g_free(c->similarity);
	source_clear(&c->source);
	g_free(c);
}

gboolean disturb_add_camera(Disturb *d, const char *role, GError **error)
{
	if (!perturb_chain_touches(d->chain, PERTURB_IMAGE, role))
		return TRUE;
	/* In lock-step products see grey pictures, raw. */
	DisturbFilm *film = disturb_film_new(d->chain, role, d->lock_step ? "gray8" : "rgb",
					     !d->lock_step, error);
	if (!film)
		return FALSE;
	CameraSource *c = g_new0(CameraSource, 1);
	source_init(&c->source, d, role);
	c->film = film;
	c->similarity = g_strconcat(DISTURB_SIMILARITY, role, NULL);
	c->jobs = g_async_queue_new_full(frame_free);
	g_ptr_array_add(d->films, c);
	g_ptr_array_add(d->roles, c->source.role);
	add_info(d, c->source.lateness, NULL, &unit_second);
	add_info(d, c->similarity, NULL, NULL);
	return TRUE;
}

static void give_pictures(CameraSource *c, int64_t now)
{
	Disturb *d = c->source.disturb;
	for (Frame *f; (f = g_queue_peek_head(&c->waiting)) && f->receipt_ns <= now;) {
		int64_t due = f->receipt_ns;
		g_queue_pop_head(&c->waiting);
		f->receipt_ns = now;
		d->sink->frame(d->sink, c->source.given, f);
		note_lateness(&c->source, due, now);
		frame_free(f);
		now = d->lock_step ? now : clock_now(d->clock);
	}
}

/* The next of its shots, into `waiting`. */
static void develop(CameraSource *c, const Frame *unit)
{
	Disturb *d = c->source.disturb;
	DisturbShot shot = {0};
	g_autoptr(GError) error = NULL;
	if (!disturb_film_next(c->film, unit, since_start(d, unit->capture_ns), &shot, &error)) {
		if (error)
			disturb_blame(&c->source, unit->capture_ns, "%s", error->message);
		return;
	}
	if (isfinite(shot.similarity))
		d->sink->sample(d->sink, c->similarity, unit->capture_ns, shot.similarity,
				SAMPLE_OK);
	Frame *frame = g_memdup2(&shot.frame, sizeof(Frame));
	int64_t due = MAX(unit->receipt_ns + shot.delay_ns, c->source.last_due_ns + 1);
	c->source.last_due_ns = due;
	frame->capture_ns += shot.delay_ns;
	frame->receipt_ns = due;
	g_queue_push_tail(&c->waiting, frame);
}

/* The next unit; NULL: none came before a shot is due. */
static Frame *next_job(CameraSource *c)
{
	const Frame *shot = g_queue_peek_head(&c->waiting);
	if (!shot)
		return g_async_queue_pop(c->jobs);
	int64_t wait = shot->receipt_ns - clock_now(c->source.disturb->clock);
	return wait > 0 ? g_async_queue_timeout_pop(c->jobs, (guint64)(wait / CLOCK_US + 1))
			: g_async_queue_try_pop(c->jobs);
}

static gpointer camera_main(gpointer user)
{
	CameraSource *c = user;
	for (bool go_on = true; go_on;) {
		Frame *unit = next_job(c);
		go_on = !unit || unit->data;
		if (unit && go_on)
			develop(c, unit);
		if (unit)
			frame_free(unit);
		if (go_on)
			give_pictures(c, clock_now(c->source.disturb->clock));
	}
	return NULL;
}

/* A reference of its own, or a copy. */
static Frame *keep_frame(const Frame *frame)
{
	Frame *kept = g_memdup2(frame, sizeof(Frame));
	if (frame->owner && frame->ref) {
		frame->ref(frame->owner);
		return kept;
	}
	g_autoptr(GBytes) bytes = g_bytes_new(frame->data, frame->size);
	Frame owner = {0};
	media_frame_from_bytes(&owner, bytes, frame->format);
	kept->data = owner.data;
	kept->owner = owner.owner;
	kept->ref = owner.ref;
	kept->unref = owner.unref;
	return kept;
}

void disturb_picture(Disturb *d, const char *role, const Frame *unit)
{
	CameraSource *c = g_hash_table_lookup(d->sources, role);
	if (atomic_load(&d->ended))
		return;
	if (d->lock_step) {
		develop(c, unit);
		give_pictures(c, clock_now(d->clock));
		return;
	}
	if (g_async_queue_length(c->jobs) < MOST_WAITING) {
		g_async_queue_push(c->jobs, keep_frame(unit));
		return;
	}
	disturb_blame(&c->source, unit->receipt_ns,
		      "%s comes faster than its pictures can be perturbed: %d were waiting", role,
		      MOST_WAITING);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

Disturb *disturb_new(const PerturbChain *chain, Clock *clock, bool lock_step, int64_t deadline_ns)
{
	Disturb *d = g_new0(Disturb, 1);
	d->chain = chain;
	d->clock = clock;
	d->lock_step = lock_step;
	d->deadline_ns = deadline_ns;
	d->open_ns = clock_now(clock);
	d->sources = g_hash_table_new(g_str_hash, g_str_equal);
	d->signals = g_ptr_array_new_with_free_func(signal_source_free);
	d->films = g_ptr_array_new_with_free_func(camera_source_free);
	d->infos = g_ptr_array_new_with_free_func(info_free);
	d->roles = g_ptr_array_new();
	return d;
}

const GPtrArray *disturb_signals(const Disturb *d)
{
	return d->infos;
}

const GPtrArray *disturb_cameras(const Disturb *d)
{
	return d->roles;
}

char *disturb_scale(const Disturb *d, const char *signal)
{
	const SignalSource *s = g_hash_table_lookup(d->sources, signal);
	return g_strdup(s->scale);
}

bool disturb_takes(const Disturb *d, const char *role)
{
	return g_hash_table_contains(d->sources, role);
}

gboolean disturb_start(Disturb *d, Stream *sink, GError **error)
{
	bool delayed = false;
	d->sink = sink;
	if (d->lock_step)
		return TRUE;
	for (guint i = 0; i < d->signals->len; i++)
		delayed |= ((SignalSource *)g_ptr_array_index(d->signals, i))->delays;
	if (delayed && !(d->thread = g_thread_try_new("delayed", delayed_main, d, error)))
		return FALSE;
	for (guint i = 0; i < d->films->len; i++) {
		CameraSource *c = g_ptr_array_index(d->films, i);
		if (!(c->thread = g_thread_try_new("perturb", camera_main, c, error)))
			return FALSE;
	}
	return TRUE;
}

void disturb_begin(Disturb *d, int64_t start_ns)
{
	atomic_store(&d->start_ns, start_ns);
}

void disturb_pump(Disturb *d, int64_t now_ns)
{
	for (guint i = 0; i < d->signals->len; i++)
		give_delayed(g_ptr_array_index(d->signals, i), now_ns);
	for (guint i = 0; i < d->films->len; i++)
		give_pictures(g_ptr_array_index(d->films, i), now_ns);
}

/* What still waits should have been given long ago? Then the product has not seen it. */
static void blame_leftover(CameraSource *c, int64_t now)
{
	for (Frame *unit; (unit = g_async_queue_try_pop(c->jobs)); frame_free(unit))
		if (unit->data && atomic_load(&c->source.disturb->start_ns))
			note_lateness(&c->source, unit->receipt_ns, now);
}

static void end_camera(CameraSource *c, int64_t now)
{
	Disturb *d = c->source.disturb;
	uint64_t n = 0;
	if (c->thread) {
		g_async_queue_push_front(c->jobs, g_new0(Frame, 1));
		g_thread_join(g_steal_pointer(&c->thread));
		blame_leftover(c, now);
	}
	g_autofree char *hash = disturb_film_digest(c->film, &n);
	g_autofree char *json = g_strdup_printf("{\"role\":\"%s\",\"pictures\":%" G_GUINT64_FORMAT
						",\"sha256\":\"%s\"}",
						c->source.role, n, hash);
	if (d->sink && atomic_load(&d->start_ns))
		d->sink->event(d->sink, DISTURB_DIGEST, now, json);
}

/* A sample that was due and still waits was withheld by the bench. */
static void end_signal(SignalSource *s, int64_t now)
{
	for (Delayed *x; (x = g_queue_pop_head(&s->waiting)); g_free(x))
		if (x->due_ns <= now && s->source.disturb->sink &&
		    atomic_load(&s->source.disturb->start_ns))
			note_lateness(&s->source, x->due_ns, now);
}

void disturb_end(Disturb *d)
{
	if (atomic_exchange(&d->ended, true))
		return;
	int64_t now = clock_now(d->clock);
	if (d->thread)
		g_thread_join(g_steal_pointer(&d->thread));
	for (guint i = 0; i < d->signals->len; i++)
		end_signal(g_ptr_array_index(d->signals, i), now);
	for (guint i = 0; i < d->films->len; i++)
		end_camera(g_ptr_array_index(d->films, i), now);
}

void disturb_free(Disturb *d)
{
	if (!d)
		return;
	disturb_end(d);
	g_hash_table_unref(d->sources);
	g_ptr_array_unref(d->signals);
	g_ptr_array_unref(d->films);
	g_ptr_array_unref(d->infos);
	g_ptr_array_unref(d->roles);
	g_free(d);
}
