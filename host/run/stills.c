/* Still frames for the report: at the start, at each truth onset, and at each response. */
#include "stills.h"

#include "disturb.h"

#include <anzen/media.h>
#include <anzen/report.h>
#include <string.h>

enum { MAX_STILLS = 6 };

typedef struct Moment {
	int64_t t_ns;
	char *caption;
} Moment;

static void moment_free(void *p)
{
	Moment *m = p;
	g_free(m->caption);
	g_free(m);
}

static void add_moment(GPtrArray *moments, const Recording *rec, int64_t t_ns, const char *what)
{
	if (t_ns < rec->start_ns || t_ns > rec->end_ns || moments->len >= MAX_STILLS)
		return;
	Moment *m = g_new0(Moment, 1);
	m->t_ns = t_ns;
	m->caption = g_strdup_printf("%.2f s · %s", (double)(t_ns - rec->start_ns) * 1e-9, what);
	g_ptr_array_add(moments, m);
}

static int by_time(gconstpointer a, gconstpointer b)
{
	int64_t ta = (*(Moment *const *)a)->t_ns, tb = (*(Moment *const *)b)->t_ns;
	return ta < tb ? -1 : ta > tb;
}

static void add_rises(GPtrArray *moments, const Recording *rec, const Signal *s)
{
	for (size_t i = 1; i < s->n; i++)
		if (s->v[i] > 0.5 && s->v[i - 1] <= 0.5) {
			add_moment(moments, rec, s->t_ns[i], s->info.name);
			return; /* the first one of each signal */
		}
}

static GPtrArray *moments_of(const Recording *rec)
{
	GPtrArray *moments = g_ptr_array_new_with_free_func(moment_free);
	add_moment(moments, rec, rec->start_ns + CLOCK_S / 2, "start");
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = g_ptr_array_index(rec->events, i);
		if (g_str_has_prefix(e->name, "effect."))
			add_moment(moments, rec, e->t_ns + CLOCK_S / 2,
				   e->name + strlen("effect."));
	}
	GHashTableIter iter;
	gpointer signal;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &signal)) {
		const Signal *s = signal;
		if (s->info.boolean && s->info.origin == ORIGIN_RESPONSE &&
		    !strstr(s->info.name, "heartbeat"))
			add_rises(moments, rec, s);
	}
	g_ptr_array_sort(moments, by_time);
	return moments;
}

/* Decode on, from the beginning, and keep the picture that is on screen at each moment. */
typedef struct Walk {
	MediaDecoder *decoder;
	GPtrArray *moments, *stills;
	bool given; /* the perturbed pictures, beside those of the bench */
	guint next;
	Frame picture;
} Walk;

static void keep(Walk *w, const Moment *m)
{
	if (!w->picture.data)
		return;
	g_autoptr(GBytes) jpeg = media_still(&w->picture, "jpeg", NULL);
	if (!jpeg)
		return;
	ReportStill *still = report_still_new(m->caption, m->t_ns, jpeg);
	still->given = w->given;
	g_ptr_array_add(w->stills, still);
}

static bool on_frame(const Frame *frame, void *data)
{
	Walk *w = data;
	while (w->next < w->moments->len) {
		const Moment *m = g_ptr_array_index(w->moments, w->next);
		if (frame->capture_ns <= m->t_ns)
			break;
		keep(w, m);
		w->next++;
	}
	Frame picture = {0};
	if (media_decoder_decode(w->decoder, frame, &picture, NULL)) {
		media_frame_clear(&w->picture);
		w->picture = picture;
	}
	return w->next < w->moments->len;
}

static void add_stills(SessionReader *reader, const char *camera, bool given, GPtrArray *moments,
		       GPtrArray *stills)
{
	Walk w = {.decoder = media_decoder_new("i420", NULL),
		  .moments = moments,
		  .stills = stills,
		  .given = given};
	if (!w.decoder)
		return;
	session_reader_frames(reader, camera, 0, 0, on_frame, &w, NULL);
	for (; w.next < moments->len; w.next++)
		keep(&w, g_ptr_array_index(moments, w.next));
	media_frame_clear(&w.picture);
	media_decoder_free(w.decoder);
}

static const SessionCamera *camera_named(const SessionReader *reader, const char *name)
{
	for (size_t i = 0; i < session_reader_cameras(reader); i++) {
		const SessionCamera *camera = session_reader_camera(reader, i);
		if (!strcmp(camera->format, "h264") &&
		    (name ? !strcmp(camera->name, name)
			  : !g_str_has_prefix(camera->name, DISTURB_PREFIX)))
			return camera;
	}
	return NULL;
}

/* Of the first camera; and at the same moments, of what the product was shown in its place. */
GPtrArray *stills_of_session(SessionReader *reader, const Recording *rec)
{
	GPtrArray *stills = g_ptr_array_new_with_free_func((GDestroyNotify)report_still_free);
	const SessionCamera *camera = camera_named(reader, NULL);
	if (!camera)
		return stills;
	g_autoptr(GPtrArray) moments = moments_of(rec);
	g_autofree char *given = g_strconcat(DISTURB_PREFIX, camera->name, NULL);
	/* a perturbed replay holds nothing but what its product was shown */
	bool replayed = g_hash_table_contains(rec->meta, "perturb") &&
			g_hash_table_contains(rec->meta, "replay.source");
	add_stills(reader, camera->name, replayed, moments, stills);
	if (camera_named(reader, given))
		add_stills(reader, given, true, moments, stills);
	return stills;
}
