#include "tape.h"

#include "disturb.h"
#include "executor.h"

#include "file_order.h"

#include <math.h>
#include <string.h>

/* All pictures of a replay are in memory before it starts, so that no disk can make one late. */
#define MAX_BYTES (UINT64_C(1) << 30)

typedef struct Loading {
	Tape *tape;
	const char *camera;
	int64_t key_ns; /* the last key frame at or before from_ns, or the first one after it; -1: none */
	FileCursor *cursor;
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
	g_ptr_array_unref(tape->made);
	g_ptr_array_unref(tape->notes);
	g_array_unref(tape->firsts);
	g_hash_table_unref(tape->given);
	g_string_chunk_free(tape->texts);
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
			 .order = file_cursor_next(l->cursor, frame->capture_ns),
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

static gboolean load_camera(Tape *tape, const char *session, const FileOrder *order,
			    const char *role, GError **error)
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
	FileCursor cursor = file_cursor(order, "/frames/", role);
	l.cursor = &cursor;
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
	if (g_str_has_prefix(info->name, DISTURB_PREFIX))
		return false; /* what the old product was given */
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
static void load_signal(Tape *tape, const FileOrder *order, const Signal *s)
{
	FileCursor cursor = file_cursor(order, "/signals/", s->info.name);
	ptrdiff_t before = signal_index(s, tape->first_ns);
	for (size_t i = before < 0 ? 0 : (size_t)before; i < s->n && s->t_ns[i] <= tape->to_ns;
	     i++) {
		TapeItem item = {.kind = TAPE_SAMPLE,
				 .t_ns = s->t_ns[i],
				 .source = s->info.name,
				 .order = file_cursor_next(&cursor, s->t_ns[i]),
				 .v = s->v[i],
				 .status = (SampleStatus)s->status[i]};
		if (s->info.interp == SIGNAL_PREVIOUS)
			item.t_ns = MAX(item.t_ns, tape->first_ns);
		g_array_append_val(tape->items, item);
	}
	g_ptr_array_add(tape->signals, (void *)(uintptr_t)&s->info);
}

/* What the old product did has no place in a run of the new one. */
static bool event_plays(const Event *e)
{
	if (e->json && strstr(e->json, EXECUTOR_OF_PRODUCT))
		return false;
	static const char *const kept[] = {"mark.", "probe.", "trigger.", "effect."};
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		if (g_str_has_prefix(e->name, kept[i]))
			return true;
	return false;
}

static void load_events(Tape *tape, const FileOrder *order)
{
	FileCursor cursor = file_cursor(order, "/events", "");
	const Recording *rec = tape->recording;
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = g_ptr_array_index(rec->events, i);
		TapeItem item = {.kind = TAPE_EVENT,
				 .t_ns = e->t_ns,
				 .order = file_cursor_next(&cursor, e->t_ns),
				 .source = e->name};
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
		/* what an earlier replay's product would have done was never done */
		bool undone = !g_strcmp0(f->source, FAULT_SOURCE_OPEN_LOOP) && !f->proven;
		if (f->blame != BLAME_PRODUCT && !undone && f->until_ns >= tape->first_ns &&
		    f->t_ns <= tape->to_ns)
			g_array_append_val(tape->items, item);
	}
}

/* A product that is given a blurred scene, or none, is not given the stimulus: no verdict could rest on it. */
static gboolean nothing_withheld(const Tape *tape, const char *session, const char *from,
				 GError **error)
{
	const GPtrArray *withheld = session_reader_withheld(tape->reader);
	for (guint i = 0; i < withheld->len; i++) {
		const SessionWithheld *w = g_ptr_array_index(withheld, i);
		if (w->kind == WITHHELD_ATTACHMENT || strcmp(w->name, from) != 0)
			continue;
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: of %s, which the product is given, something was withheld by "
			    "redaction (%s): play the original",
			    session, from, w->reason);
		return FALSE;
	}
	return TRUE;
}

static gboolean load_inputs(Tape *tape, const char *session, const FileOrder *order,
			    const Product *product, GError **error)
{
	for (size_t i = 0; i < product->n_inputs; i++) {
		const ProductInput *in = &product->inputs[i];
		if (!nothing_withheld(tape, session, in->from, error))
			return FALSE;
		if (!g_strcmp0(in->adapter, "rtsp")) {
			if (!load_camera(tape, session, order, in->from, error))
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
	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static gboolean set_part(Tape *tape, const char *session, int64_t from_ns, int64_t to_ns,
			 GError **error)
{
	const Recording *rec = tape->recording;
	tape->from_ns = tape->first_ns = rec->start_ns + from_ns;
	tape->to_ns = to_ns == CLOCK_NEVER ? rec->end_ns : MIN(rec->end_ns, rec->start_ns + to_ns);
	tape->part_end_ns = tape->to_ns;
	if (from_ns >= 0 && tape->from_ns < tape->to_ns)
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: nothing to play: the recording goes from 0 s to %.3f s", session,
		    (double)(rec->end_ns - rec->start_ns) * 1e-9);
	return FALSE;
}

static void info_free(void *p)
{
	signal_info_clear(p);
	g_free(p);
}

Tape *tape_load(const char *session, const Product *product, int64_t from_ns, int64_t to_ns,
		GError **error)
{
	g_autoptr(Tape) tape = g_new0(Tape, 1);
	tape->items = g_array_new(FALSE, FALSE, sizeof(TapeItem));
	g_array_set_clear_func(tape->items, item_clear);
	tape->signals = g_ptr_array_new();
	tape->cameras = g_ptr_array_new();
	tape->made = g_ptr_array_new_with_free_func(info_free);
	tape->notes = g_ptr_array_new_with_free_func(g_free);
	tape->firsts = g_array_new(FALSE, FALSE, sizeof(guint));
	tape->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	tape->texts = g_string_chunk_new(1024);
	tape->reader = session_reader_open(session, error);
	if (!tape->reader)
		return NULL;
	tape->recording = session_reader_recording(tape->reader);
	g_autoptr(FileOrder) order = file_order_new(session, error);
	if (!order || !set_part(tape, session, from_ns, to_ns, error) ||
	    !load_inputs(tape, session, order, product, error))
		return NULL;
	GHashTableIter iter;
	gpointer signal;
	g_hash_table_iter_init(&iter, tape->recording->signals);
	while (g_hash_table_iter_next(&iter, NULL, &signal))
		if (replayable(&((const Signal *)signal)->info))
			load_signal(tape, order, signal);
	load_events(tape, order);
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

/* ---- ready to play --------------------------------------------------------------------------------------------- */

static void find_firsts(Tape *tape)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		if (item->kind == TAPE_SAMPLE &&
		    g_hash_table_add(seen, (void *)(uintptr_t)item->source))
			g_array_append_val(tape->firsts, i);
	}
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

/* The first and the last sample of a signal in the part. */
typedef struct Ends {
	const TapeItem *first, *last;
} Ends;

static Ends ends_of(const Tape *tape, const char *name)
{
	Ends ends = {0};
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		if (item->kind != TAPE_SAMPLE || strcmp(item->source, name) != 0)
			continue;
		if (!ends.first && item->t_ns >= tape->first_ns)
			ends.first = item;
		ends.last = item;
	}
	return ends;
}

/* Can the signal have gone from its last value to its first in the time between? */
static bool joins(const Tape *tape, const SignalInfo *info)
{
	Ends e = ends_of(tape, info->name);
	if (!e.first || !e.last)
		return true;
	if (e.first->status != SAMPLE_OK || e.last->status != SAMPLE_OK)
		return false;
	double noise = isfinite(info->u_sample) ? info->u_sample : 0;
	double gap_s =
		(double)(tape->part_end_ns - e.last->t_ns + e.first->t_ns - tape->first_ns) * 1e-9;
	double slew =
		info->interp == SIGNAL_LINEAR && isfinite(info->max_slew) ? info->max_slew : 0;
	/* two samples' noise, each three sigma */
	return fabs(e.last->v - e.first->v) <= slew * gap_s + 6 * noise;
}

static void check_join(Tape *tape)
{
	g_autofree char *cause = NULL;
	if (tape->cameras->len)
		cause = g_strdup_printf("the recording begins again: what %s sees jumps",
					(char *)g_ptr_array_index(tape->cameras, 0));
	for (guint i = 0; !cause && i < tape->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(tape->signals, i);
		if (!joins(tape, info))
			cause = g_strdup_printf("the recording begins again: %s does not begin as "
						"it ended",
						info->name);
	}
	if (!cause)
		return;
	tape->join = (Fault){.until_ns = CLOCK_NEVER,
			     .source = g_string_chunk_insert(tape->texts, "replay"),
			     .cause = g_string_chunk_insert(tape->texts, cause),
			     .blame = BLAME_BENCH,
			     .proven = true};
}

/* Where the world jumps nothing was measured between: a line from one end to the other would be a movement that never
 * happened. */
static void break_lines(Tape *tape, int64_t at_ns)
{
	for (guint i = 0; i < tape->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(tape->signals, i);
		TapeItem item = {.kind = TAPE_SAMPLE,
				 .t_ns = at_ns,
				 .source = info->name,
				 .v = (double)NAN,
				 .status = SAMPLE_MISSING};
		if (info->interp == SIGNAL_LINEAR)
			g_array_append_val(tape->items, item);
	}
}

static void join_loop(Tape *tape, int64_t at_ns, unsigned loop)
{
	TapeItem epoch = {.kind = TAPE_EVENT, .t_ns = at_ns, .source = "replay.epoch"};
	g_autofree char *json = g_strdup_printf("{\"detail\":\"loop %u begins\"}", loop + 1);
	epoch.json = g_string_chunk_insert(tape->texts, json);
	g_array_append_val(tape->items, epoch);
	if (!tape->join.cause)
		return;
	break_lines(tape, at_ns);
	TapeItem fault = {.kind = TAPE_FAULT,
			  .t_ns = at_ns,
			  .source = "replay",
			  .fault = &tape->join,
			  .ours = true};
	if (loop == 1)
		g_array_append_val(tape->items, fault);
}

static void add_loop(Tape *tape, guint n, unsigned loop, int64_t shift, uint64_t pictures)
{
	for (guint i = 0; i < n; i++) {
		TapeItem item = g_array_index(tape->items, TapeItem, i);
		if (item.t_ns < tape->first_ns)
			continue; /* what led up to the first loop */
		item.t_ns += shift;
		item.shift_ns = shift;
		item.frame.sequence += loop * pictures;
		if (item.frame.ref)
			item.frame.ref(item.frame.owner);
		g_array_append_val(tape->items, item);
	}
}

void tape_ready(Tape *tape, unsigned loops)
{
	guint n = tape->items->len;
	uint64_t pictures = 0;
	if (loops > 1)
		check_join(tape);
	for (guint i = 0; i < n; i++)
		pictures =
			MAX(pictures, g_array_index(tape->items, TapeItem, i).frame.sequence + 1);
	/* The last moment of a loop and the first of the next are 2 ns apart, the break between them: times increase. */
	int64_t length = tape->part_end_ns - tape->first_ns;
	for (unsigned loop = 1; loop < loops; loop++) {
		int64_t shift = (int64_t)loop * (length + 2);
		join_loop(tape, tape->first_ns + shift - 1, loop);
		add_loop(tape, n, loop, shift, pictures);
	}
	tape->to_ns = tape->part_end_ns + (int64_t)(loops - 1) * (length + 2);
	g_array_sort(tape->items, by_time);
	find_firsts(tape);
}

const char *tape_given_as(const Tape *tape, const char *signal)
{
	const char *as = g_hash_table_lookup(tape->given, signal);
	if (!as)
		return signal;
	return *as ? as : NULL;
}

void tape_note(Tape *tape, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_ptr_array_add(tape->notes, g_strdup(key));
	g_ptr_array_add(tape->notes, g_strdup_vprintf(format, args));
	va_end(args);
}
