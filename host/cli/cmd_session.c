/* anzen session …: look into a recording, check it, save what is left of it. */
#include "cli.h"
#include "withheld.h"

#include <anzen/session.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int cmd_session_info(int argc, char **argv, CliContext *cli);
int cmd_session_verify(int argc, char **argv, CliContext *cli);
int cmd_session_recover(int argc, char **argv, CliContext *cli);
int cmd_session_cat(int argc, char **argv, CliContext *cli);
int cmd_session_export(int argc, char **argv, CliContext *cli);

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void add_double(JsonBuilder *b, const char *name, double v)
{
	json_builder_set_member_name(b, name);
	json_builder_add_double_value(b, v);
}

static void add_bool(JsonBuilder *b, const char *name, bool v)
{
	json_builder_set_member_name(b, name);
	json_builder_add_boolean_value(b, v);
}

/* A damaged session: what helps stands in the same line. */
static int fail_session(CliContext *cli, const char *path, const GError *error)
{
	if (!g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT))
		return cli_fail(cli, error);
	g_autofree char *cure =
		g_strdup_printf(_("; save what is whole with: anzen session recover %s"), path);
	return cli_fail_text(cli, ANZEN_EXIT_INVALID, "%s%s", error->message, cure);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const Signal *const *)a)->info.name,
		      (*(const Signal *const *)b)->info.name);
}

/* Signal*, borrowed, by name. */
static GPtrArray *signals_of(const Recording *recording)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iter;
	void *signal;
	g_hash_table_iter_init(&iter, recording->signals);
	while (g_hash_table_iter_next(&iter, NULL, &signal))
		g_ptr_array_add(list, signal);
	g_ptr_array_sort(list, by_name);
	return list;
}

/* ---- info ------------------------------------------------------------------------------------ */

static int64_t count_messages(const SessionReader *reader, const GPtrArray *signals)
{
	const Recording *rec = session_reader_recording(reader);
	int64_t n = rec->events->len + rec->faults->len;
	for (guint i = 0; i < signals->len; i++)
		n += (int64_t)((const Signal *)signals->pdata[i])->n;
	for (size_t i = 0; i < session_reader_cameras(reader); i++)
		n += (int64_t)session_reader_camera(reader, i)->frames;
	return n;
}

static void json_channels(JsonBuilder *b, const SessionReader *reader, const GPtrArray *signals)
{
	json_builder_set_member_name(b, "channels");
	json_builder_begin_array(b);
	for (guint i = 0; i < signals->len; i++) {
		const Signal *s = signals->pdata[i];
		json_builder_begin_object(b);
		cli_json_text(b, "name", s->info.name);
		cli_json_text(b, "kind", "signal");
		cli_json_text(b, "unit", s->info.unit.symbol);
		cli_json_text(b, "origin", origin_name(s->info.origin));
		cli_json_int(b, "messages", (int64_t)s->n);
		json_builder_end_object(b);
	}
	for (size_t i = 0; i < session_reader_cameras(reader); i++) {
		const SessionCamera *c = session_reader_camera(reader, i);
		json_builder_begin_object(b);
		cli_json_text(b, "name", c->name);
		cli_json_text(b, "kind", "camera");
		cli_json_text(b, "format", c->format);
		cli_json_int(b, "messages", (int64_t)c->frames);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void json_attachments(JsonBuilder *b, const SessionReader *reader)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	json_builder_set_member_name(b, "attachments");
	json_builder_begin_array(b);
	for (guint i = 0; i < names->len; i++)
		json_builder_add_string_value(b, names->pdata[i]);
	json_builder_end_array(b);
}

static void info_json(const SessionReader *reader, const GPtrArray *signals,
		      const SessionCheck *check)
{
	const Recording *rec = session_reader_recording(reader);
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_channels(b, reader, signals);
	cli_json_int(b, "messages", count_messages(reader, signals));
	add_double(b, "duration", seconds(rec->end_ns - rec->start_ns));
	cli_json_text(b, "missing", rec->incomplete_why);
	cli_json_text(b, "chain", check->chain);
	add_bool(b, "complete", rec->complete);
	cli_json_text(b, "evidence", evidence_name(rec->evidence));
	cli_json_int(b, "events", rec->events->len);
	cli_json_int(b, "faults", rec->faults->len);
	cli_json_text(b, "sha256", check->sha256);
	json_attachments(b, reader);
	withheld_json(b, session_reader_withheld(reader), rec->start_ns);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void info_text(const char *path, const SessionReader *reader, const GPtrArray *signals,
		      const SessionCheck *check)
{
	const Recording *rec = session_reader_recording(reader);
	printf("%s: %.3f s, %s, %" G_GINT64_FORMAT " messages, %.1f MB\n", path,
	       seconds(rec->end_ns - rec->start_ns), evidence_name(rec->evidence),
	       count_messages(reader, signals), (double)check->size / 1e6);
	if (rec->incomplete_why)
		printf("  incomplete: %s\n", rec->incomplete_why);
	for (guint i = 0; i < signals->len; i++) {
		const Signal *s = signals->pdata[i];
		printf("  %-28s %-8s %-9s %zu samples\n", s->info.name, s->info.unit.symbol,
		       origin_name(s->info.origin), s->n);
	}
	for (size_t i = 0; i < session_reader_cameras(reader); i++) {
		const SessionCamera *c = session_reader_camera(reader, i);
		printf("  %-28s %-8s %-9s %zu frames\n", c->name, c->format, "camera", c->frames);
	}
	printf("  %u events, %u faults\n", rec->events->len, rec->faults->len);
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	for (guint i = 0; i < names->len; i++)
		printf("  attached: %s\n", (char *)names->pdata[i]);
	if (session_reader_withheld(reader)->len > 0)
		printf("  %s\n", _("withheld:"));
	withheld_text(session_reader_withheld(reader), rec->start_ns);
	printf("  chain %s\n  file  %s\n", check->chain, check->sha256);
}

int cmd_session_info(int argc, char **argv, CliContext *cli)
{
	g_autoptr(GError) error = NULL;
	if (!cli_parse(cli, &argc, &argv, NULL, 1, 1))
		return cli->exit;
	g_autoptr(SessionReader) reader = session_reader_open(argv[1], &error);
	if (!reader)
		return fail_session(cli, argv[1], error);
	g_autoptr(SessionCheck) check = session_verify(argv[1], &error);
	if (!check)
		return cli_fail(cli, error);
	g_autoptr(GPtrArray) signals = signals_of(session_reader_recording(reader));
	if (cli->json)
		info_json(reader, signals, check);
	else
		info_text(argv[1], reader, signals, check);
	return session_reader_recording(reader)->complete ? ANZEN_EXIT_PASS : ANZEN_EXIT_INVALID;
}

/* ---- verify ---------------------------------------------------------------------------------- */

static void verify_json(const SessionCheck *c, const char *original, const char *differs)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	add_bool(b, "ok", c->ok && !differs);
	add_bool(b, "sealed", c->sealed);
	add_bool(b, "truncated", c->truncated);
	cli_json_text(b, "problem", c->problem ? c->problem : differs);
	if (c->problem)
		cli_json_int(b, "offset", (int64_t)c->offset);
	cli_json_int(b, "records", (int64_t)c->records);
	cli_json_int(b, "chunks", (int64_t)c->chunks);
	cli_json_int(b, "links", (int64_t)c->links);
	cli_json_int(b, "unchained", (int64_t)c->unchained);
	cli_json_int(b, "lost_bytes", (int64_t)c->lost_bytes);
	cli_json_text(b, "chain", c->chain);
	cli_json_text(b, "sha256", c->sha256);
	add_bool(b, "redacted", c->redacted);
	if (c->redacted) {
		cli_json_text(b, "original_chain", c->original_chain);
		cli_json_text(b, "original_sha256", c->original_sha256);
		cli_json_int(b, "original_records", (int64_t)c->original_records);
		cli_json_int(b, "original_kept", (int64_t)c->original_kept);
		cli_json_text(b, "original", original);
	}
	json_builder_end_object(b);
	cli_print_json(b);
}

/* %llu: gettext cannot look into G_GUINT64_FORMAT. */
static void verify_text(const char *path, const SessionCheck *c, const char *original)
{
	printf(_("%s: whole: %llu records, %llu links of the hash chain agree\n  sha256 %s\n"),
	       path, (unsigned long long)c->records, (unsigned long long)c->links, c->sha256);
	if (!c->redacted)
		return;
	printf(_("  redacted: %llu of the original's %llu records are here to the byte\n  original "
		 "%s\n"),
	       (unsigned long long)c->original_kept, (unsigned long long)c->original_records,
	       c->original_sha256);
	if (original)
		printf(_("  the rest agrees with %s, but for what is said to be withheld\n"),
		       original);
}

int cmd_session_verify(int argc, char **argv, CliContext *cli)
{
	g_autofree char *original = NULL, *differs = NULL;
	const GOptionEntry options[] = {
		{"original", 0, 0, G_OPTION_ARG_FILENAME, &original,
		 N_("of a redacted session: is it this one but for what is withheld"), "SESSION"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GError) error = NULL;
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autoptr(SessionCheck) c = session_verify(argv[1], &error);
	if (!c)
		return cli_fail(cli, error);
	if (c->ok && original && !session_redaction_check(argv[1], original, &differs, &error) &&
	    error)
		return cli_fail(cli, error);
	bool good = c->ok && !differs;
	if (cli->json)
		verify_json(c, original, differs);
	else if (good)
		verify_text(argv[1], c, original);
	g_autofree char *cure =
		c->lost_bytes > 0
			? g_strdup_printf(_("; save what is whole with: anzen session recover %s"),
					  argv[1])
			: NULL;
	if (!good)
		fprintf(stderr, "anzen: %s: %s%s\n", _("does not verify"),
			c->problem ? c->problem : differs, cure ? cure : "");
	return good ? ANZEN_EXIT_PASS : ANZEN_EXIT_INVALID;
}

/* ---- recover --------------------------------------------------------------------------------- */

static char *recovered_name(const char *path)
{
	size_t n = strlen(path);
	return g_str_has_suffix(path, ".mcap")
		       ? g_strdup_printf("%.*s.recovered.mcap", (int)(n - 5), path)
		       : g_strconcat(path, ".recovered.mcap", NULL);
}

static void recover_print(const CliContext *cli, const SessionRecovery *r, const char *path)
{
	if (!cli->json) {
		printf("%s: %" G_GUINT64_FORMAT " messages in %" G_GUINT64_FORMAT
		       " chunks\n  %s: %s\n",
		       path, r->messages, r->chunks, _("missing from it"),
		       r->missing ? r->missing : _("nothing"));
		return;
	}
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	cli_json_text(b, "path", path);
	cli_json_int(b, "messages", (int64_t)r->messages);
	cli_json_int(b, "chunks", (int64_t)r->chunks);
	cli_json_int(b, "skipped", (int64_t)r->skipped_chunks);
	cli_json_int(b, "lost_bytes", (int64_t)r->lost_bytes);
	cli_json_int(b, "lost_messages", (int64_t)r->lost_messages);
	cli_json_text(b, "missing", r->missing);
	json_builder_end_object(b);
	cli_print_json(b);
}

int cmd_session_recover(int argc, char **argv, CliContext *cli)
{
	g_autofree char *out = NULL;
	const GOptionEntry options[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, N_("file to write"), "FILE"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GError) error = NULL;
	SessionRecovery r = {0};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!out)
		out = recovered_name(argv[1]);
	if (!session_recover_file(argv[1], out, &r, &error))
		return cli_fail(cli, error);
	recover_print(cli, &r, out);
	session_recovery_clear(&r);
	return ANZEN_EXIT_PASS;
}

/* ---- cat ------------------------------------------------------------------------------------- */

static int cat_attachment(CliContext *cli, SessionReader *reader, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = session_reader_attachment(reader, name, &error);
	if (!bytes)
		return cli_fail(cli, error);
	gsize size;
	const void *data = g_bytes_get_data(bytes, &size);
	if (fwrite(data, 1, size, stdout) != size || fflush(stdout))
		return cli_fail_text(cli, ANZEN_EXIT_INVALID, "%s: %s", name, g_strerror(errno));
	return ANZEN_EXIT_PASS;
}

static void cat_event(const Recording *rec, const Event *event)
{
	g_autoptr(GString) line = g_string_new("{\"t\":");
	text_append_number(line, seconds(event->t_ns - rec->start_ns));
	g_string_append(line, ",\"event\":");
	text_append_json(line, event->name);
	if (event->json)
		g_string_append_printf(line, ",\"details\":%s", event->json);
	printf("%s}\n", line->str);
}

static void cat_fault(const Recording *rec, const Fault *fault)
{
	g_autoptr(GString) line = g_string_new("{\"t\":");
	text_append_number(line, seconds(fault->t_ns - rec->start_ns));
	g_string_append(line, ",\"fault\":");
	text_append_json(line, fault->cause);
	g_string_append(line, ",\"source\":");
	text_append_json(line, fault->source);
	printf("%s,\"blame\":\"%s\",\"proven\":%s}\n", line->str, blame_name(fault->blame),
	       fault->proven ? "true" : "false");
}

/* Events and faults by time, one JSON object a line; t = 0 at the timeline's start. */
static void cat_events(const Recording *rec)
{
	guint f = 0;
	for (guint e = 0; e <= rec->events->len; e++) {
		const Event *event = e < rec->events->len ? rec->events->pdata[e] : NULL;
		for (; f < rec->faults->len &&
		       (!event || ((Fault *)rec->faults->pdata[f])->t_ns <= event->t_ns);
		     f++)
			cat_fault(rec, rec->faults->pdata[f]);
		if (event)
			cat_event(rec, event);
	}
}

static void print_row(FILE *to, const Recording *rec, const Signal *s, size_t i)
{
	static const char *const status[] = {"ok", "missing", "saturated", "stale"};
	char v[G_ASCII_DTOSTR_BUF_SIZE];
	int64_t t = s->t_ns[i] - rec->start_ns;
	fprintf(to, "%s%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT ",%s,%s,%s,%s\n", t < 0 ? "-" : "",
		ABS(t) / CLOCK_S, ABS(t) % CLOCK_S, s->info.name,
		s->v[i] == s->v[i] ? g_ascii_dtostr(v, sizeof(v), s->v[i]) : "nan",
		s->info.unit.symbol, status[s->status[i]]);
}

/* Long form: one row a sample, so that signals of different rates keep their own times. */
static int print_signals(CliContext *cli, const Recording *rec, char **names, FILE *to)
{
	g_autoptr(GPtrArray) signals = signals_of(rec);
	for (char **name = names; name && *name; name++)
		if (!recording_signal(rec, *name))
			return cli_fail_text(cli, ANZEN_EXIT_INPUT,
					     _("the session has no signal '%s'"), *name);
	fputs("time_s,signal,value,unit,status\n", to);
	for (guint i = 0; i < signals->len; i++) {
		const Signal *s = signals->pdata[i];
		if (names && !g_strv_contains((const char *const *)names, s->info.name))
			continue;
		for (size_t k = 0; k < s->n; k++)
			print_row(to, rec, s, k);
	}
	return ANZEN_EXIT_PASS;
}

int cmd_session_cat(int argc, char **argv, CliContext *cli)
{
	g_autofree char *attachment = NULL;
	g_auto(GStrv) signals = NULL;
	const GOptionEntry options[] = {
		{"attachment", 'a', 0, G_OPTION_ARG_STRING, &attachment,
		 N_("print this attached file"), "NAME"},
		{"signal", 's', 0, G_OPTION_ARG_STRING_ARRAY, &signals,
		 N_("print this signal's samples (may be repeated)"), "NAME"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GError) error = NULL;
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autoptr(SessionReader) reader = session_reader_open(argv[1], &error);
	if (!reader)
		return fail_session(cli, argv[1], error);
	if (attachment)
		return cat_attachment(cli, reader, attachment);
	if (signals)
		return print_signals(cli, session_reader_recording(reader), signals, stdout);
	cat_events(session_reader_recording(reader));
	return ANZEN_EXIT_PASS;
}

/* ---- export ---------------------------------------------------------------------------------- */

static int export_csv(CliContext *cli, const Recording *rec, char **signals, const char *path)
{
	g_autoptr(GError) error = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int code = print_signals(cli, rec, signals, memory);
	fclose(memory);
	if (code == ANZEN_EXIT_PASS && !session_write_file(path, text, size, &error))
		code = cli_fail(cli, error);
	free(text);
	return code;
}

/* The named camera, or the only one. */
static int export_mp4(CliContext *cli, SessionReader *reader, const char *camera, const char *path)
{
	g_autoptr(GError) error = NULL;
	SessionVideo video = {0};
	size_t n = session_reader_cameras(reader);
	if (!camera && n != 1)
		return cli_fail_text(
			cli, ANZEN_EXIT_INPUT,
			n == 0 ? _("the session has no camera")
			       : _("the session has several cameras; expected --camera NAME"));
	if (!session_export_mp4(reader, camera ? camera : session_reader_camera(reader, 0)->name,
				path, &video, &error))
		return cli_fail(cli, error);
	if (!cli->json)
		printf(_("%s: %llu pictures\n"), path, (unsigned long long)video.frames);
	if (!cli->json && video.before_key > 0)
		printf(_("  %llu before the camera's first key frame cannot be shown and are left "
			 "out\n"),
		       (unsigned long long)video.before_key);
	return ANZEN_EXIT_PASS;
}

static int export_wav(CliContext *cli, const Recording *rec, char **signals, const char *path)
{
	g_autoptr(GError) error = NULL;
	return session_export_wav(rec, (const char *const *)signals, path, NULL, &error)
		       ? ANZEN_EXIT_PASS
		       : cli_fail(cli, error);
}

static int export_as(CliContext *cli, SessionReader *reader, char **signals, const char *camera,
		     const char *out)
{
	if (g_str_has_suffix(out, ".mp4"))
		return export_mp4(cli, reader, camera, out);
	if (g_str_has_suffix(out, ".wav"))
		return export_wav(cli, session_reader_recording(reader), signals, out);
	return export_csv(cli, session_reader_recording(reader), signals, out);
}

int cmd_session_export(int argc, char **argv, CliContext *cli)
{
	g_autofree char *out = NULL, *camera = NULL;
	g_auto(GStrv) signals = NULL;
	const GOptionEntry options[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, N_("file to write"),
		 "FILE.csv|FILE.mp4|FILE.wav"},
		{"signal", 's', 0, G_OPTION_ARG_STRING_ARRAY, &signals,
		 N_("only this signal (may be repeated)"), "NAME"},
		{"camera", 'c', 0, G_OPTION_ARG_STRING, &camera,
		 N_("whose video, when there are several"), "NAME"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GError) error = NULL;
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!out || !(g_str_has_suffix(out, ".csv") || g_str_has_suffix(out, ".mp4") ||
		      g_str_has_suffix(out, ".wav")))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("expected -o FILE.csv, FILE.mp4 or FILE.wav"));
	if ((camera && !g_str_has_suffix(out, ".mp4")) ||
	    (signals && g_str_has_suffix(out, ".mp4")))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--camera goes with FILE.mp4, --signal with FILE.csv or "
				       "FILE.wav"));
	if (g_file_test(out, G_FILE_TEST_EXISTS))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("%s: is there already"), out);
	g_autoptr(SessionReader) reader = session_reader_open(argv[1], &error);
	if (!reader)
		return fail_session(cli, argv[1], error);
	int code = export_as(cli, reader, signals, camera, out);
	return code == ANZEN_EXIT_PASS && cli->json ? cli_written(cli, out) : code;
}
