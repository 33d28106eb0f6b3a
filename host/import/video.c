/* MP4 + labels → session. The file is read twice: once to know its length (a label outside it is an error before anything
 * is written), once to copy its access units. */
#include "labels.h"

#include <anzen/media.h>
#include <anzen/session.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

typedef struct Clip {
	const char *path, *camera;
	char *name, *sha256;
	const char *turn; /* what a player would do with its pictures; NULL: nothing */
	ImportFacts facts;
} Clip;

static void clip_clear(Clip *clip)
{
	g_free(clip->name);
	g_free(clip->sha256);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Clip, clip_clear)

/* ---- first reading ------------------------------------------------------------------------------------------- */

/* What a replay could not play: it serves the units in the order of their capture, each when it is due. */
static bool playable(const Clip *clip, const Frame *unit, int64_t last_ns, GError **error)
{
	if (clip->facts.frames == 0 && !unit->key)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: does not begin with a key frame", clip->path);
	else if (unit->capture_ns <= last_ns)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: picture %" G_GUINT64_FORMAT
			    " is not later than the one before it (B-frames?): encode the clip "
			    "without them",
			    clip->path, clip->facts.frames);
	else
		return true;
	return false;
}

static gboolean measure(Clip *clip, GError **error)
{
	g_autoptr(GError) end = NULL;
	g_autoptr(MediaReader) reader = media_reader_open(clip->path, error);
	int64_t first = 0, last = -1;
	clip->turn = reader ? media_reader_orientation(reader) : NULL;
	while (reader) {
		g_auto(Frame) unit = {0};
		if (!media_reader_next(reader, &unit, &end))
			break;
		if (!playable(clip, &unit, last, error))
			return FALSE;
		if (clip->facts.frames++ == 0)
			first = unit.capture_ns;
		last = unit.capture_ns;
	}
	if (!reader)
		return FALSE;
	if (end) {
		g_propagate_error(error, g_steal_pointer(&end));
		return FALSE;
	}
	if (clip->facts.frames < 2) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: holds %" G_GUINT64_FORMAT " pictures, expected a video",
			    clip->path, clip->facts.frames);
		return FALSE;
	}
	clip->facts.duration_ns = last + (last - first) / (int64_t)(clip->facts.frames - 1);
	return TRUE;
}

/* ---- do the labels belong to the clip? ------------------------------------------------------------------------ */

static void check_spans(const Labels *labels, const Clip *clip, Diagnostics *diag)
{
	for (guint i = 0; i < labels->truths->len; i++) {
		const LabelTruth *truth = g_ptr_array_index(labels->truths, i);
		for (guint k = 0; k < truth->spans->len; k++) {
			const LabelSpan *s = &g_array_index(truth->spans, LabelSpan, k);
			if (s->to_ns > clip->facts.duration_ns)
				yaml_error(labels->doc, yaml_get(s->node, "to"), diag,
					   "the clip is over at %.3f s",
					   (double)clip->facts.duration_ns * 1e-9);
		}
	}
}

static bool check_labels(const Labels *labels, const Clip *clip, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(labels->doc);
	size_t before = diagnostics_errors(diag);
	if (strcmp(labels->clip, clip->name) != 0)
		yaml_error(labels->doc, yaml_get(root, "clip"), diag,
			   "these labels are for the clip %s, not for %s", labels->clip,
			   clip->name);
	if (labels->sha256 && strcmp(labels->sha256, clip->sha256) != 0)
		yaml_error(labels->doc, yaml_get(root, "sha256"), diag,
			   "the clip's SHA-256 is %s: it is another version than the labelled one",
			   clip->sha256);
	if (labels->camera && strcmp(labels->camera, clip->camera) != 0)
		yaml_error(labels->doc, yaml_get(root, "camera"), diag,
			   "these labels are for camera %s, not for %s", labels->camera,
			   clip->camera);
	check_spans(labels, clip, diag);
	return diagnostics_errors(diag) == before;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

typedef struct Output {
	Clock *clock;
	SessionWriter *writer;
	SessionProducer *producer;
	GArray *ids; /* int: session signal of truth i */
	int camera;
} Output;

static gboolean attach(const Output *o, const Labels *labels, const Clip *clip, GError **error)
{
	size_t size;
	const char *bytes = yaml_bytes(labels->doc, &size);
	g_autofree char *base = g_path_get_basename(yaml_file(labels->doc));
	g_autofree char *name = g_strconcat("labels/", base, NULL);
	g_autofree char *hash = session_sha256(bytes, size);
	g_autoptr(JudgeSpec) spec =
		judge_spec_new(); /* the truths are signals; a replay adds the product */
	session_writer_meta(o->writer, "import.source", clip->name);
	session_writer_meta(o->writer, "import.sha256", clip->sha256);
	session_writer_meta(o->writer, "import.labels", base);
	session_writer_meta(o->writer, "import.labels.sha256", hash);
	session_writer_meta(o->writer, "import.labels.by", labels->by);
	if (clip->turn)
		session_writer_meta(o->writer, "import.orientation", clip->turn);
	if (labels->note)
		session_writer_meta(o->writer, "import.labels.note", labels->note);
	if (labels->crop) {
		g_autofree char *key = g_strdup_printf("crop.%s", clip->camera);
		session_writer_meta(o->writer, key, labels->crop);
	}
	return session_writer_attach(o->writer, name, "application/yaml", bytes, size, error) &&
	       session_writer_attach_judge(o->writer, spec, error);
}

static void declare(Output *o, const Labels *labels, const char *camera)
{
	o->ids = g_array_new(FALSE, FALSE, sizeof(int));
	for (guint i = 0; i < labels->truths->len; i++) {
		SignalInfo info;
		const LabelTruth *truth = g_ptr_array_index(labels->truths, i);
		signal_info_init(&info, truth->name);
		info.boolean = true;
		info.interp = SIGNAL_PREVIOUS;
		info.origin = ORIGIN_LABEL;
		info.exogenous = true;
		info.max_slew = INFINITY;
		info.u_clock_s = labels->u_s;
		int id = session_writer_add_signal(o->writer, &info, 1);
		g_array_append_val(o->ids, id);
		signal_info_clear(&info);
	}
	o->camera = session_writer_add_camera(o->writer, camera, "h264");
	o->producer = session_writer_add_producer(o->writer, "import", SESSION_BENCH);
}

static gboolean write_truths(const Output *o, const Labels *labels, GError **error)
{
	for (guint i = 0; i < labels->truths->len; i++) {
		const LabelTruth *truth = g_ptr_array_index(labels->truths, i);
		int id = g_array_index(o->ids, int, i);
		const LabelSpan *spans = (const LabelSpan *)(void *)truth->spans->data;
		if (!truth->spans->len || spans[0].from_ns > 0)
			session_sample(o->producer, id, 0, 0, SAMPLE_OK);
		for (guint k = 0; k < truth->spans->len; k++) {
			session_sample(o->producer, id, spans[k].from_ns, 1, SAMPLE_OK);
			session_sample(o->producer, id, spans[k].to_ns, 0, SAMPLE_OK);
			if (!session_writer_pump(o->writer, error))
				return FALSE;
		}
	}
	return session_writer_pump(o->writer, error);
}

static gboolean write_units(const Output *o, const Clip *clip, GError **error)
{
	g_autoptr(GError) end = NULL;
	g_autoptr(MediaReader) reader = media_reader_open(clip->path, error);
	uint64_t n = 0;
	while (reader) {
		g_auto(Frame) unit = {0};
		if (!media_reader_next(reader, &unit, &end))
			break;
		n++;
		unit.receipt_ns = unit.capture_ns;
		clock_manual_set(o->clock, unit.capture_ns);
		if (!session_frame(o->producer, o->camera, &unit) ||
		    !session_writer_pump(o->writer, error))
			return FALSE;
	}
	if (end)
		g_propagate_error(error, g_steal_pointer(&end));
	else if (reader && n != clip->facts.frames)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: changed while it was read",
			    clip->path);
	return reader && n == clip->facts.frames;
}

static gboolean fill(Output *o, const Labels *labels, const Clip *clip, GError **error)
{
	if (!attach(o, labels, clip, error))
		return FALSE;
	declare(o, labels, clip->camera);
	if (!session_writer_start(o->writer, error))
		return FALSE;
	session_event(o->producer, 0, "run.start", NULL);
	if (!write_truths(o, labels, error) || !write_units(o, clip, error))
		return FALSE;
	session_event(o->producer, clip->facts.duration_ns, "run.end", NULL);
	return session_writer_finish(o->writer, NULL, NULL, error);
}

static gboolean write_session(const Labels *labels, const Clip *clip, const char *out,
			      GError **error)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	SessionOptions options = {
		.path = out, .clock = clock, .evidence = EVIDENCE_REPLAY, .inline_writer = true};
	g_autoptr(SessionWriter) writer = session_writer_new(&options, error);
	Output o = {.clock = clock, .writer = writer};
	gboolean done = writer && fill(&o, labels, clip, error);
	if (o.ids)
		g_array_unref(o.ids);
	return done;
}

gboolean import_video(const char *mp4, const char *camera, const char *labels, const char *out,
		      ImportFacts *ret, Diagnostics *diag, GError **error)
{
	g_auto(Clip) clip = {.path = mp4, .camera = camera, .name = g_path_get_basename(mp4)};
	g_autoptr(Labels) read = labels_load(labels, diag);
	if (!read) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	if (g_file_test(out, G_FILE_TEST_EXISTS)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: is there already", out);
		return FALSE;
	}
	if (!measure(&clip, error))
		return FALSE;
	clip.sha256 = session_sha256_file(mp4, error);
	if (!clip.sha256)
		return FALSE;
	if (!check_labels(read, &clip, diag)) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	/* Under a temporary name: a half import is no session. */
	g_autofree char *temporary = g_strdup_printf("%s.part", out);
	g_unlink(temporary);
	if (write_session(read, &clip, temporary, error) && g_rename(temporary, out) == 0) {
		*ret = clip.facts;
		return TRUE;
	}
	if (error && !*error)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: cannot be written: %s", out,
			    g_strerror(errno));
	g_unlink(temporary);
	return FALSE;
}
