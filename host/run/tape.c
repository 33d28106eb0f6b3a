#include "tape.h"

#include <string.h>

/* All pictures of a replay are in memory before it starts, so that no disk can make one late. */
#define MAX_BYTES (UINT64_C(1) << 30)

typedef struct Loading {
	Tape *tape;
	const char *camera;
	int64_t key_ns; /* the last key frame at or before from_ns, or the first one after it; -1: none */
	uint64_t bytes;
	bool full;
} Loading;

static void bytes_ref(void *bytes)
{
	g_bytes_ref(bytes);
}

static void bytes_unref(void *bytes)
{
	g_bytes_unref(bytes);
}

static void item_clear(void *pointer)
{
	TapeItem *item = pointer;
	if (item->frame.unref)
		item->frame.unref(item->frame.owner);
}

void tape_free(Tape *tape)
{
	if (!tape)
		return;
	g_array_unref(tape->items);
	g_ptr_array_unref(tape->signals);
	g_ptr_array_unref(tape->cameras);
	session_reader_free(tape->reader);
	g_free(tape);
}

/* ---- pictures ------------------------------------------------------------------------------------------------ */

static bool find_key(const Frame *frame, void *data)
{
	Loading *l = data;
	if (frame->key && (frame->capture_ns <= l->tape->from_ns || l->key_ns < 0))
		l->key_ns = frame->capture_ns;
	return frame->capture_ns <= l->tape->from_ns || l->key_ns < 0;
}

static bool take_frame(const Frame *frame, void *data)
{
	Loading *l = data;
	l->bytes += frame->size;
	l->full = l->bytes > MAX_BYTES;
	if (l->full)
		return false;
	GBytes *bytes = g_bytes_new(frame->data, frame->size);
	TapeItem item = {.kind = TAPE_FRAME,
			 .t_ns = frame->capture_ns,
			 .source = l->camera,
			 .frame = *frame};
	gsize size;
	item.frame.data = g_bytes_get_data(bytes, &size);
	item.frame.owner = bytes;
	item.frame.ref = bytes_ref;
	item.frame.unref = bytes_unref;
	item.frame.format = "h264";
	g_array_append_val(l->tape->items, item);
	l->tape->frames++;
	return true;
}

static const SessionCamera *camera_of(const Tape *tape, const char *role)
{
	for (size_t i = 0; i < session_reader_cameras(tape->reader); i++) {
		const SessionCamera *c = session_reader_camera(tape->reader, i);
		if (!strcmp(c->name, role))
			return c;
	}
	return NULL;
}

static gboolean load_camera(Tape *tape, const char *session, const char *role, GError **error)
{
	const SessionCamera *camera = camera_of(tape, role);
	Loading l = {.tape = tape, .key_ns = -1};
	if (!camera || strcmp(camera->format, "h264") != 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    camera ? "%s: %s is not recorded as H.264"
				   : "%s: holds no pictures of %s, which the product looks at",
			    session, role);
		return FALSE;
	}
	l.camera = camera->name;
	if (!session_reader_frames(tape->reader, role, 0, tape->to_ns, find_key, &l, error))
		return FALSE;
	if (l.key_ns < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: %s has no key frame in the part that is to be played", session,
			    role);
		return FALSE;
	}
	if (!session_reader_frames(tape->reader, role, l.key_ns, tape->to_ns, take_frame, &l,
				   error))
		return FALSE;
	if (l.full) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: more than 1 GiB of pictures: play a part of it with --from and "
			    "--to",
			    session);
		return FALSE;
	}
	tape->first_ns = MIN(tape->first_ns, l.key_ns);
	g_ptr_array_add(tape->cameras, camera->name);
	return TRUE;
}

/* ---- the rest -------------------------------------------------------------------------------------------------- */

static bool replayable(const SignalInfo *info)
{
	switch (info->origin) {
	case ORIGIN_STIMULUS:
	case ORIGIN_COMMAND:
	case ORIGIN_LABEL:
	case ORIGIN_DERIVED:
		return !g_str_has_prefix(info->name, "product.");
	case ORIGIN_RESPONSE:
	case ORIGIN_CLAIM:
	case ORIGIN_HEALTH:
		return false;
	}
	return false;
}

/* Samples of the part, and the one before it: what a label or a slow sensor said last still holds at its beginning. */
static void load_signal(Tape *tape, const Signal *s)
{
	ptrdiff_t before = signal_index(s, tape->first_ns);
	for (size_t i = before < 0 ? 0 : (size_t)before; i < s->n && s->t_ns[i] <= tape->to_ns;
	     i++) {
		TapeItem item = {.kind = TAPE_SAMPLE,
				 .t_ns = s->t_ns[i],
				 .source = s->info.name,
				 .v = s->v[i],
				 .status = (SampleStatus)s->status[i]};
		if (s->info.interp == SIGNAL_PREVIOUS)
			item.t_ns = MAX(item.t_ns, tape->first_ns);
		g_array_append_val(tape->items, item);
	}
	g_ptr_array_add(tape->signals, (void *)(uintptr_t)&s->info);
}

static bool event_plays(const Event *e)
{
	static const char *const kept[] = {"mark.", "probe.", "trigger.", "effect."};
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		if (g_str_has_prefix(e->name, kept[i]))
			return true;
	return false;
}

static void load_events(Tape *tape)
{
	const Recording *rec = tape->recording;
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = g_ptr_array_index(rec->events, i);
		TapeItem item = {.kind = TAPE_EVENT, .t_ns = e->t_ns, .source = e->name};
		if (event_plays(e) && e->t_ns >= tape->first_ns && e->t_ns <= tape->to_ns)
			g_array_append_val(tape->items, item);
	}
	/* What was wrong with the bench then is wrong with the stimulus now; the old product's faults are its own. */
	for (guint i = 0; i < rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(rec->faults, i);
		TapeItem item = {.kind = TAPE_FAULT,
				 .t_ns = MAX(f->t_ns, tape->first_ns),
				 .source = f->source,
				 .fault = f};
		if (f->blame != BLAME_PRODUCT && f->until_ns >= tape->first_ns &&
		    f->t_ns <= tape->to_ns)
			g_array_append_val(tape->items, item);
	}
}

static gboolean load_inputs(Tape *tape, const char *session, const Product *product, GError **error)
{
	for (size_t i = 0; i < product->n_inputs; i++) {
		const ProductInput *in = &product->inputs[i];
		if (!g_strcmp0(in->adapter, "rtsp")) {
			if (!load_camera(tape, session, in->from, error))
				return FALSE;
		} else if (strcmp(in->from, "bench.sequence") != 0 &&
			   !recording_signal(tape->recording, in->from)) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s: holds no signal %s, which the product reads", session,
				    in->from);
			return FALSE;
		}
	}
	return TRUE;
}

static gint by_time(gconstpointer a, gconstpointer b)
{
	const TapeItem *x = a, *y = b;
	return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

static gboolean set_part(Tape *tape, const char *session, int64_t from_ns, int64_t to_ns,
			 GError **error)
{
	const Recording *rec = tape->recording;
	tape->from_ns = tape->first_ns = rec->start_ns + from_ns;
	tape->to_ns = to_ns == CLOCK_NEVER ? rec->end_ns : MIN(rec->end_ns, rec->start_ns + to_ns);
	if (from_ns >= 0 && tape->from_ns < tape->to_ns)
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: nothing to play: the recording goes from 0 s to %.3f s", session,
		    (double)(rec->end_ns - rec->start_ns) * 1e-9);
	return FALSE;
}

Tape *tape_load(const char *session, const Product *product, int64_t from_ns, int64_t to_ns,
		GError **error)
{
	g_autoptr(Tape) tape = g_new0(Tape, 1);
	tape->items = g_array_new(FALSE, FALSE, sizeof(TapeItem));
	g_array_set_clear_func(tape->items, item_clear);
	tape->signals = g_ptr_array_new();
	tape->cameras = g_ptr_array_new();
	tape->reader = session_reader_open(session, error);
	if (!tape->reader)
		return NULL;
	tape->recording = session_reader_recording(tape->reader);
	if (!set_part(tape, session, from_ns, to_ns, error) ||
	    !load_inputs(tape, session, product, error))
		return NULL;
	GHashTableIter iter;
	gpointer signal;
	g_hash_table_iter_init(&iter, tape->recording->signals);
	while (g_hash_table_iter_next(&iter, NULL, &signal))
		if (replayable(&((const Signal *)signal)->info))
			load_signal(tape, signal);
	load_events(tape);
	g_array_sort(tape->items, by_time); /* stable: a merge sort since GLib 2.32 */
	return g_steal_pointer(&tape);
}

const TapeItem *tape_first_picture(const Tape *tape, const char *camera)
{
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		if (item->kind == TAPE_FRAME && !strcmp(item->source, camera))
			return item;
	}
	return NULL;
}
