/* A recording → a session: find the format, read, write. */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* ---- formats ------------------------------------------------------------------------------------------------ */

typedef struct {
	const char *name;
	gboolean (*read)(Intake *in, const char *path, GError **error);
} Format;

typedef enum { F_MCAP, F_BAG, F_ROSBAG2, F_SQLITE, F_ULOG, F_WAV, F_MATROSKA, F_MP4 } FormatId;

static const Format formats[] = {
	[F_MCAP] = {"MCAP", read_mcap},          [F_BAG] = {"ROS 1 bag v2.0", read_bag},
	[F_ROSBAG2] = {"rosbag2", read_rosbag2}, [F_SQLITE] = {"rosbag2 sqlite3", read_sqlite3},
	[F_ULOG] = {"ULog", read_ulog},          [F_WAV] = {"WAV", read_wav},
	[F_MATROSKA] = {"Matroska", read_media}, [F_MP4] = {"MP4", read_media},
};

/* By the first bytes; NULL: none of ours. */
static const Format *format_of_bytes(const uint8_t *head, size_t n)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t size;
		FormatId format;
	} known[] = {
		{0, MCAP_MAGIC, MCAP_MAGIC_SIZE, F_MCAP},
		{0, "#ROSBAG V", 9, F_BAG},
		{0, "SQLite format 3", 16, F_SQLITE},
		{0, "ULog\x01\x12\x35", 7, F_ULOG},
		{8, "WAVE", 4, F_WAV},
		{0, "\x1a\x45\xdf\xa3", 4, F_MATROSKA},
		{4, "ftyp", 4, F_MP4},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (n >= known[i].at + known[i].size &&
		    !memcmp(head + known[i].at, known[i].bytes, known[i].size))
			return &formats[known[i].format];
	return NULL;
}

static const Format *format_of(const char *path)
{
	uint8_t head[32];
	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		return &formats[F_ROSBAG2];
	g_autofree char *base = g_path_get_basename(path);
	if (!strcmp(base, "metadata.yaml") || g_str_has_suffix(base, ".zstd"))
		return &formats[F_ROSBAG2];
	FILE *file = fopen(path, "rbe");
	size_t n = file ? fread(head, 1, sizeof(head), file) : 0;
	if (file)
		fclose(file);
	return format_of_bytes(head, n);
}

const char *import_format(const char *path)
{
	const Format *format = format_of(path);
	return format ? format->name : NULL;
}

static gboolean unknown_format(const char *path, GError **error)
{
	GStatBuf st;
	if (g_stat(path, &st) != 0)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", path,
			    g_strerror(errno));
	else if (st.st_size == 0)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: the file is empty (0 bytes): copy it again from its source", path);
	else
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: byte 0: no format that is known here begins like this; known are "
			    "MCAP, rosbag2 (folder or .db3), ROS 1 bag 2.0, ULog, WAV, MKV, MP4; a "
			    "table (CSV, TSV) needs --map",
			    path);
	return FALSE;
}

/* ---- which files, and their hashes -------------------------------------------------------------------------- */

void import_add_file(Intake *in, const char *path)
{
	for (guint i = 0; i < in->files->len; i++)
		if (!strcmp(in->files->pdata[i], path))
			return;
	g_ptr_array_add(in->files, g_strdup(path));
}

/* Of one file its SHA-256; of several that of what sha256sum prints for them. */
static char *hash_files(const Intake *in, uint64_t *ret_size, GError **error)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autofree char *hash = NULL;
	*ret_size = 0;
	for (guint i = 0; i < in->files->len; i++) {
		GStatBuf st;
		g_autofree char *base = g_path_get_basename(in->files->pdata[i]);
		g_free(hash);
		hash = session_sha256_file(in->files->pdata[i], error);
		if (!hash || g_stat(in->files->pdata[i], &st) != 0)
			return NULL;
		*ret_size += (uint64_t)st.st_size;
		g_string_append_printf(lines, "%s  %s\n", hash, base);
	}
	return in->files->len == 1 ? g_steal_pointer(&hash)
				   : session_sha256(lines->str, lines->len);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

typedef struct {
	Intake *in;
	const ImportReport *report;
	McapSink file;
	SessionWriter *writer;
	SessionProducer *producer;
} Output;

static void meta_number(SessionWriter *w, const char *key, uint64_t n)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, n);
	session_writer_meta(w, key, text);
}

static gboolean describe(const Output *o, GError **error)
{
	const Intake *in = o->in;
	const ImportReport *r = o->report;
	g_autofree char *json = import_report_json(r);
	session_writer_meta(o->writer, "import.source", in->source);
	session_writer_meta(o->writer, "import.sha256", r->sha256);
	session_writer_meta(o->writer, "import.format", r->format);
	session_writer_meta(o->writer, "import.time", import_time_name(r->time));
	meta_number(o->writer, "import.size", r->size);
	meta_number(o->writer, "import.messages", r->messages);
	meta_number(o->writer, "import.taken", r->taken);
	if (r->equal_times)
		meta_number(o->writer, SESSION_META_BURSTS, r->equal_times);
	if (!session_writer_attach(o->writer, "import/report.json", NULL, json, strlen(json),
				   error))
		return FALSE;
	return !in->map || import_map_attach(in->map, o->writer, error);
}

static void declare(Output *o)
{
	const Intake *in = o->in;
	for (guint i = 0; i < in->signals->len; i++) {
		IntakeSignal *s = in->signals->pdata[i];
		double span = (double)(s->last_ns - s->first_ns) / 1e9;
		if (s->lag && s->all_zero)
			continue; /* both times are the same */
		s->writer_id = session_writer_add_signal(o->writer, &s->info,
							 span > 0 ? (double)(s->n - 1) / span : 0);
	}
	for (guint i = 0; i < in->cameras->len; i++) {
		IntakeCamera *c = in->cameras->pdata[i];
		if (c->format)
			c->writer_id = session_writer_add_camera(o->writer, c->name, c->format);
		c->frames = 0;
	}
	o->producer = session_writer_add_producer(o->writer, "import", SESSION_BENCH);
}

static gboolean write_texts(const Output *o, GError **error)
{
	const Intake *in = o->in;
	for (guint i = 0; i < in->texts->len; i++) {
		const IntakeText *text = &g_array_index(in->texts, IntakeText, i);
		session_event(o->producer, text->t_ns, text->name, text->json);
		if (i % 256 == 255 && !session_writer_pump(o->writer, error))
			return FALSE;
	}
	return session_writer_pump(o->writer, error);
}

static gboolean write_samples(const Output *o, GError **error)
{
	const Intake *in = o->in;
	for (size_t i = 0; i < in->n_samples; i++) {
		const IntakeSample *s = &in->samples[i];
		int id = ((const IntakeSignal *)in->signals->pdata[s->signal])->writer_id;
		if (id >= 0)
			session_sample(o->producer, id, s->t_ns, s->v, (SampleStatus)s->status);
		/* Well below the ring's room. */
		if (i % 4096 == 4095 && !session_writer_pump(o->writer, error))
			return FALSE;
	}
	return session_writer_pump(o->writer, error);
}

/* The file is read again, only for its pictures. */
static gboolean write_frames(const Output *o, const Format *format, const char *path,
			     GError **error)
{
	Intake *in = o->in;
	if (in->cameras->len == 0)
		return TRUE;
	in->frames_pass = true;
	in->writer = o->writer;
	in->producer = o->producer;
	if (!format->read(in, path, error))
		return FALSE;
	if (in->frame_error) {
		g_propagate_error(error, g_steal_pointer(&in->frame_error));
		return FALSE;
	}
	uint64_t n = 0;
	for (guint i = 0; i < in->cameras->len; i++)
		n += ((const IntakeCamera *)in->cameras->pdata[i])->frames;
	if (n != o->report->frames)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "%s: changed while it was read: %" G_GUINT64_FORMAT " pictures, then "
			    "%" G_GUINT64_FORMAT,
			    path, o->report->frames, n);
	return n == o->report->frames;
}

/* No sync after each chunk: an import that is interrupted is simply made again. Synced once at the end. */
static gboolean fill(Output *o, const Format *format, const char *path, GError **error)
{
	uint64_t lost;
	SessionStats stats;
	if (!describe(o, error))
		return FALSE;
	declare(o);
	if (!session_writer_start(o->writer, error))
		return FALSE;
	session_event(o->producer, o->report->start_ns, "run.start", NULL);
	if (!write_texts(o, error) || !write_samples(o, error) ||
	    !write_frames(o, format, path, error))
		return FALSE;
	session_event(o->producer, o->report->end_ns, "run.end", NULL);
	if (!session_writer_finish(o->writer, o->report->incomplete, NULL, error))
		return FALSE;
	session_writer_stats(o->writer, &stats);
	lost = stats.lost;
	if (lost)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "%" G_GUINT64_FORMAT " records were lost on the way", lost);
	return lost == 0;
}

static gboolean write_session(Intake *in, const ImportReport *report, const Format *format,
			      const char *path, const char *out, GError **error)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	Output o = {.in = in, .report = report};
	if (!mcap_file_sink(out, &o.file, error))
		return FALSE;
	McapSink quiet = o.file;
	quiet.sync = NULL;
	quiet.close = NULL;
	SessionOptions options = {
		.sink = &quiet, .clock = clock, .evidence = EVIDENCE_REPLAY, .inline_writer = true};
	o.writer = session_writer_new(&options, error);
	gboolean done =
		o.writer && fill(&o, format, path, error) && o.file.sync(o.file.self, error);
	session_writer_free(o.writer);
	mcap_sink_close(&o.file);
	return done;
}

/* ---- all together ------------------------------------------------------------------------------------------- */

static gboolean judge_intake(const Intake *in, const char *path, GError **error)
{
	if (in->options->camera && in->cameras->len > 1) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: holds pictures of %u cameras: choose one with --topic to name it "
			    "with --as",
			    path, in->cameras->len);
		return FALSE;
	}
	if (in->taken > 0)
		return TRUE;
	g_autoptr(GString) why = g_string_new(NULL);
	for (guint i = 0; i < in->topics->len && i < 20; i++) {
		const IntakeTopic *topic = in->topics->pdata[i];
		const IntakeReason *first = topic->reasons->len ? topic->reasons->pdata[0] : NULL;
		g_string_append_printf(why, "; %s (%s): %s%s%s%s", topic->name, topic->type,
				       topic->messages == 0 ? "no messages"
				       : first              ? first->what
							    : "",
				       first && first->first ? " (" : "",
				       first && first->first ? first->first : "",
				       first && first->first ? ")" : "");
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: nothing can be taken from this %s: %" G_GUINT64_FORMAT " messages%s%s%s",
		    path, in->format, in->messages, why->str, in->incomplete ? "; " : "",
		    in->incomplete ? in->incomplete : "");
	return FALSE;
}

static gboolean write_under_temporary_name(Intake *in, const ImportReport *report,
					   const Format *format, const char *path, const char *out,
					   GError **error)
{
	g_autofree char *temporary = g_strdup_printf("%s.part", out);
	g_unlink(temporary);
	if (write_session(in, report, format, path, temporary, error)) {
		if (g_rename(temporary, out) == 0)
			return TRUE;
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: %s", out, g_strerror(errno));
	}
	g_unlink(temporary);
	return FALSE;
}

static gboolean import_with(const char *path, const ImportOptions *options, const ImportMap *map,
			    const char *out, ImportReport **ret, Diagnostics *diag, GError **error)
{
	g_auto(Intake) in = {0};
	const Format *format = format_of(path);
	g_autofree char *source = g_path_get_basename(path);
	if (!format)
		return unknown_format(path, error);
	intake_init(&in, options, map);
	in.source = source;
	in.format = format->name;
	if (!g_file_test(path, G_FILE_TEST_IS_DIR))
		import_add_file(&in, path);
	if (!format->read(&in, path, error))
		return FALSE;
	intake_sort(&in);
	uint64_t size;
	g_autofree char *sha256 = hash_files(&in, &size, error);
	if (!sha256)
		return FALSE;
	*ret = import_report_new(&in, sha256, size);
	if (!judge_intake(&in, path, error))
		return FALSE;
	if (map && !import_map_check_found(map, &in, diag)) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	return write_under_temporary_name(&in, *ret, format, path, out, error);
}

gboolean import_recording(const char *path, const ImportOptions *options, const char *out,
			  ImportReport **ret, Diagnostics *diag, GError **error)
{
	g_autoptr(ImportMap) map = NULL;
	g_autoptr(GError) local = NULL;
	*ret = NULL;
	if (g_file_test(out, G_FILE_TEST_EXISTS)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: is there already", out);
		return FALSE;
	}
	if (options->mapping && !(map = import_map_load(options->mapping, diag))) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	if (import_with(path, options, map, out, ret, diag, &local))
		return TRUE;
	/* Whatever is wrong in a file that comes from outside is the file's, so exit 2. */
	if (local->code == ANZEN_ERROR_CORRUPT)
		local->code = ANZEN_ERROR_INPUT;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}
