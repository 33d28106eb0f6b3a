/* anzen session cut | merge | redact: a new session from others; the originals stay as they are. */
#include "cli.h"
#include "redact_video.h"
#include "withheld.h"

#include <anzen/session.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int cmd_session_cut(int argc, char **argv, CliContext *cli);
int cmd_session_merge(int argc, char **argv, CliContext *cli);
int cmd_session_redact(int argc, char **argv, CliContext *cli);

static void edit_clear(SessionEdit *edit)
{
	g_clear_pointer(&edit->sha256, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SessionEdit, edit_clear)

/* Seconds of the timeline, "2.5" or "2.5 s"; false for anything else. */
static bool parse_seconds(const char *text, int64_t *ret_ns)
{
	char *end;
	double v = g_ascii_strtod(text, &end);
	while (*end == ' ')
		end++;
	if (end == text || (*end && strcmp(end, "s")) || !isfinite(v) || fabs(v) > 1e9)
		return false;
	*ret_ns = llround(v * 1e9);
	return true;
}

static int expected_seconds(CliContext *cli, const char *text)
{
	return cli_fail_text(cli, ANZEN_EXIT_INPUT,
			     _("'%s' is no time; expected seconds of the timeline, as 2.5"), text);
}

static void print_edit(const CliContext *cli, const char *out, const SessionEdit *edit)
{
	if (!cli->json) {
		printf(_("%s: %llu messages\n  sha256 %s\n"), out,
		       (unsigned long long)edit->messages, edit->sha256);
		return;
	}
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	cli_json_text(b, "path", out);
	cli_json_int(b, "messages", (int64_t)edit->messages);
	cli_json_text(b, "sha256", edit->sha256);
	json_builder_end_object(b);
	cli_print_json(b);
}

/* ---- cut ------------------------------------------------------------------------------------- */

int cmd_session_cut(int argc, char **argv, CliContext *cli)
{
	g_autofree char *out = NULL, *from = NULL, *to = NULL;
	const GOptionEntry options[] = {
		{"from", 0, 0, G_OPTION_ARG_STRING, &from,
		 N_("keep from this time on (default: the beginning)"), "T"},
		{"to", 0, 0, G_OPTION_ARG_STRING, &to,
		 N_("keep what comes before this time (default: the end)"), "T"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, N_("file to write"), "FILE.mcap"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GError) error = NULL;
	g_auto(SessionEdit) edit = {0};
	/* With what was recorded before and after the run, unless told otherwise. */
	int64_t from_ns = INT64_MIN, to_ns = CLOCK_NEVER;
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!out || (!from && !to))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("expected -o FILE.mcap and --from T, --to T or both"));
	if (from && !parse_seconds(from, &from_ns))
		return expected_seconds(cli, from);
	if (to && !parse_seconds(to, &to_ns))
		return expected_seconds(cli, to);
	if (!session_cut(argv[1], from_ns, to_ns, out, &edit, &error))
		return cli_fail(cli, error);
	print_edit(cli, out, &edit);
	return ANZEN_EXIT_PASS;
}

/* ---- merge ----------------------------------------------------------------------------------- */

int cmd_session_merge(int argc, char **argv, CliContext *cli)
{
	static const char *const names[] = {
		[MERGE_BENCH] = "bench", [MERGE_UTC] = "utc", [MERGE_START] = "start"};
	g_autofree char *out = NULL, *align = NULL, *uncertainty = NULL;
	const GOptionEntry options[] = {
		{"align", 0, 0, G_OPTION_ARG_STRING, &align,
		 N_("how their times belong together: the same bench clock, UTC, or one start"),
		 "bench|utc|start"},
		{"uncertainty", 0, 0, G_OPTION_ARG_STRING, &uncertainty,
		 N_("with --align start: standard uncertainty of the common start, in s"), "T"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, N_("file to write"), "FILE.mcap"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GError) error = NULL;
	g_auto(SessionEdit) edit = {0};
	int64_t u_ns = 0;
	size_t how = 0;
	if (!cli_parse(cli, &argc, &argv, options, 2, -1))
		return cli->exit;
	while (how < G_N_ELEMENTS(names) && g_strcmp0(align, names[how]))
		how++;
	if (!out || how == G_N_ELEMENTS(names))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("expected -o FILE.mcap and --align bench, utc or start"));
	if ((how == MERGE_START) != (uncertainty != NULL))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--align start needs --uncertainty T, the others do not "
				       "take it"));
	if (uncertainty && (!parse_seconds(uncertainty, &u_ns) || u_ns < 0))
		return expected_seconds(cli, uncertainty);
	if (!session_merge((const char *const *)argv + 1, (size_t)argc - 1, (SessionMergeAlign)how,
			   u_ns, out, &edit, &error))
		return cli_fail(cli, error);
	print_edit(cli, out, &edit);
	return ANZEN_EXIT_PASS;
}

/* ---- redact ---------------------------------------------------------------------------------- */

/* "@2-3.5" behind `name`, which is cut there; no "@": everything. */
static bool parse_span(char *name, SessionWithheld *part)
{
	char *at = strrchr(name, '@');
	if (!at)
		return true;
	*at = '\0';
	char *dash = strchr(at + 1, '-');
	if (!dash)
		return false;
	*dash = '\0';
	return parse_seconds(at + 1, &part->from_ns) && parse_seconds(dash + 1, &part->to_ns);
}

/* ":X,Y,W,H" behind the camera's name. */
static bool parse_region(char *name, SessionWithheld *part)
{
	char *colon = strrchr(name, ':'), rest;
	if (!colon || sscanf(colon + 1, "%d,%d,%d,%d%c", &part->x, &part->y, &part->width,
			     &part->height, &rest) != 4)
		return false;
	*colon = '\0';
	return true;
}

static bool take_part(GPtrArray *parts, SessionWithheldKind kind, const char *text)
{
	g_autofree char *name = g_strdup(text);
	g_autoptr(SessionWithheld) part = session_withheld_new(kind, NULL);
	if (kind != WITHHELD_ATTACHMENT && !parse_span(name, part))
		return false;
	if (kind == WITHHELD_REGION && !parse_region(name, part))
		return false;
	part->name = g_steal_pointer(&name);
	g_ptr_array_add(parts, g_steal_pointer(&part));
	return true;
}

static int take_parts(CliContext *cli, GPtrArray *parts, SessionWithheldKind kind, char **texts)
{
	static const char *const shapes[] = {[WITHHELD_SIGNAL] = "NAME[@FROM-TO]",
					     [WITHHELD_CAMERA] = "NAME[@FROM-TO]",
					     [WITHHELD_REGION] = "NAME:X,Y,WIDTH,HEIGHT[@FROM-TO]",
					     [WITHHELD_ATTACHMENT] = "NAME"};
	for (char **text = texts; text && *text; text++)
		if (!take_part(parts, kind, *text))
			return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("'%s': expected %s"), *text,
					     shapes[kind]);
	return ANZEN_EXIT_PASS;
}

/* What was done is read back from the new file. */
static int print_redaction(CliContext *cli, const char *out, const SessionEdit *edit)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SessionReader) reader = session_reader_open(out, &error);
	if (!reader)
		return cli_fail(cli, error);
	const GPtrArray *list = session_reader_withheld(reader);
	int64_t start = session_reader_recording(reader)->start_ns;
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_text(b, "path", out);
		cli_json_int(b, "messages", (int64_t)edit->messages);
		cli_json_text(b, "sha256", edit->sha256);
		withheld_json(b, list, start);
		json_builder_end_object(b);
		cli_print_json(b);
	} else {
		print_edit(cli, out, edit);
		printf("%s\n", _("withheld:"));
		withheld_text(list, start);
	}
	return ANZEN_EXIT_PASS;
}

static int redact(CliContext *cli, const char *path, const GPtrArray *parts, const char *reason,
		  const char *by, bool black, const char *out)
{
	g_autoptr(GError) error = NULL;
	g_auto(SessionEdit) edit = {0};
	g_autoptr(RedactVideo) video = redact_video_new(black);
	SessionRedaction redaction = {.parts = (const SessionWithheld *const *)parts->pdata,
				      .n_parts = parts->len,
				      .reason = reason,
				      .by = by,
				      .hide = redact_video_hide,
				      .hide_data = video};
	return session_redact(path, &redaction, out, &edit, &error)
		       ? print_redaction(cli, out, &edit)
		       : cli_fail(cli, error);
}

int cmd_session_redact(int argc, char **argv, CliContext *cli)
{
	g_autofree char *out = NULL, *reason = NULL, *by = NULL;
	g_auto(GStrv) signals = NULL, cameras = NULL, regions = NULL, attachments = NULL,
		      events = NULL;
	gboolean black = FALSE;
	const GOptionEntry options[] = {
		{"signal", 's', 0, G_OPTION_ARG_STRING_ARRAY, &signals,
		 N_("withhold this signal's samples"), "NAME[@FROM-TO]"},
		{"camera", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &cameras,
		 N_("withhold this camera's pictures"), "NAME[@FROM-TO]"},
		{"blur", 0, 0, G_OPTION_ARG_STRING_ARRAY, &regions,
		 N_("hide this part of a camera's pictures"), "NAME:X,Y,W,H[@FROM-TO]"},
		{"black", 0, 0, G_OPTION_ARG_NONE, &black,
		 N_("hide with black instead of a coarse mosaic"), NULL},
		{"attachment", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &attachments,
		 N_("withhold this attached file"), "NAME"},
		{"event", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &events,
		 N_("withhold operators' notes or texts of this name"), "NAME[@FROM-TO]"},
		{"reason", 0, 0, G_OPTION_ARG_STRING, &reason,
		 N_("why, for whoever reads it later (required)"), "TEXT"},
		{"by", 0, 0, G_OPTION_ARG_STRING, &by, N_("who decided it"), "WHO"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, N_("file to write"), "FILE.mcap"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GPtrArray) parts =
		g_ptr_array_new_with_free_func((GDestroyNotify)session_withheld_free);
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!out || !reason || !*reason)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("expected -o FILE.mcap and --reason TEXT"));
	int code = take_parts(cli, parts, WITHHELD_SIGNAL, signals);
	if (code == ANZEN_EXIT_PASS)
		code = take_parts(cli, parts, WITHHELD_CAMERA, cameras);
	if (code == ANZEN_EXIT_PASS)
		code = take_parts(cli, parts, WITHHELD_REGION, regions);
	if (code == ANZEN_EXIT_PASS)
		code = take_parts(cli, parts, WITHHELD_ATTACHMENT, attachments);
	if (code == ANZEN_EXIT_PASS)
		code = take_parts(cli, parts, WITHHELD_EVENT, events);
	return code == ANZEN_EXIT_PASS ? redact(cli, argv[1], parts, reason, by, black, out) : code;
}
