/* anzen session import: a session from a recording of others, a table, or a clip. */
#include "cli.h"

#include <anzen/import.h>
#include <stdio.h>
#include <string.h>

int cmd_session_import(int argc, char **argv, CliContext *cli);

typedef struct {
	char *out, *map, *camera, *labels, *time;
	char **topics;
	int max_array;
	gboolean salvage;
} Arguments;

static void arguments_clear(Arguments *a)
{
	g_free(a->out);
	g_free(a->map);
	g_free(a->camera);
	g_free(a->labels);
	g_free(a->time);
	g_strfreev(a->topics);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static int refuse(CliContext *cli, const Diagnostics *diag, const GError *error)
{
	return diagnostics_errors(diag) > 0 ? cli_diagnostics(cli, diag) : cli_fail(cli, error);
}

/* ---- a clip and what a person saw in it --------------------------------------------------------------------- */

static int import_clip(CliContext *cli, const char *mp4, const Arguments *a)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	ImportFacts facts;
	if (!import_video(mp4, a->camera, a->labels, a->out, &facts, diag, &error))
		return refuse(cli, diag, error);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_text(b, "path", a->out);
		cli_json_int(b, "frames", (int64_t)facts.frames);
		cli_json_number(b, "duration", seconds(facts.duration_ns));
		json_builder_end_object(b);
		cli_print_json(b);
	} else {
		printf("%s: %" G_GUINT64_FORMAT " frames, %.3f s\n", a->out, facts.frames,
		       seconds(facts.duration_ns));
	}
	return ANZEN_EXIT_PASS;
}

/* ---- a table ------------------------------------------------------------------------------------------------ */

static int import_rows(CliContext *cli, const char *csv, const Arguments *a)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	if (!import_table(csv, a->map, a->out, diag, &error))
		return refuse(cli, diag, error);
	if (cli->json) {
		g_autoptr(JsonBuilder) b = json_builder_new();
		json_builder_begin_object(b);
		cli_json_text(b, "path", a->out);
		json_builder_end_object(b);
		cli_print_json(b);
	} else {
		printf("%s\n", a->out);
	}
	return ANZEN_EXIT_PASS;
}

/* ---- a recording -------------------------------------------------------------------------------------------- */

/* The report as it stands in the session, with the session's path. */
static void print_report_json(const char *path, const ImportReport *r)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *json = import_report_json(r);
	if (!json_parser_load_from_data(parser, json, -1, NULL))
		return;
	JsonNode *root = json_parser_get_root(parser);
	json_object_set_string_member(json_node_get_object(root), "path", path);
	g_autofree char *text = json_to_string(root, FALSE);
	puts(text);
}

typedef unsigned long long Count; /* xgettext reads no PRIu64 */

static void print_reasons(const GPtrArray *reasons)
{
	for (guint i = 0; i < reasons->len; i++) {
		const ImportReason *reason = reasons->pdata[i];
		printf("    %" G_GUINT64_FORMAT " × %s%s%s%s\n", reason->n, reason->what,
		       reason->where ? " (" : "", reason->where ? reason->where : "",
		       reason->where ? ")" : "");
	}
}

static void print_topics(const ImportReport *r)
{
	for (guint i = 0; i < r->topics->len; i++) {
		const ImportTopic *t = r->topics->pdata[i];
		printf("  %s (%s): ", t->name, *t->type ? t->type : t->encoding);
		printf(_("%llu of %llu messages taken, %llu signals, %llu frames\n"),
		       (Count)t->taken, (Count)t->messages, (Count)t->signals, (Count)t->frames);
		print_reasons(t->left);
		print_reasons(t->lost);
	}
}

static void print_report(const char *path, const ImportReport *r)
{
	printf(_("%s: from a recording in the format %s, %.3f s\n"), path, r->format,
	       seconds(r->end_ns - r->start_ns));
	printf(_("  %llu of %llu messages taken: %llu signals, %llu samples, %llu texts, %llu "
		 "frames\n"),
	       (Count)r->taken, (Count)r->messages, (Count)r->signals, (Count)r->samples,
	       (Count)r->texts, (Count)r->frames);
	printf(_("  time of the samples: %s\n"), import_time_name(r->time));
	if (r->equal_times)
		printf(_("  %llu samples at the time of the one before them, in file order\n"),
		       (Count)r->equal_times);
	print_topics(r);
	for (guint i = 0; i < r->notes->len; i++)
		printf("  %s\n", (const char *)r->notes->pdata[i]);
	if (r->incomplete)
		printf(_("  incomplete: %s\n"), r->incomplete);
}

static int import_file(CliContext *cli, const char *path, const Arguments *a)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(ImportReport) report = NULL;
	ImportOptions options = {
		.mapping = a->map,
		.camera = a->camera,
		.topics = (const char *const *)a->topics,
		.max_array = a->max_array > 0 ? (unsigned)a->max_array : 0,
		.salvage = a->salvage,
	};
	if (a->time && !import_time_parse(a->time, &options.time))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("expected --time log, publish or stamp, found '%s'"),
				     a->time);
	if (!import_recording(path, &options, a->out, &report, diag, &error))
		return refuse(cli, diag, error);
	if (cli->json)
		print_report_json(a->out, report);
	else
		print_report(a->out, report);
	return ANZEN_EXIT_PASS;
}

int cmd_session_import(int argc, char **argv, CliContext *cli)
{
	g_auto(Arguments) a = {0};
	const GOptionEntry options[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &a.out,
		 N_("session to write; must not exist yet"), "OUT.mcap"},
		{"map", 'm', 0, G_OPTION_ARG_FILENAME, &a.map,
		 N_("which column or field is which signal, with its unit; required for tables"),
		 "MAP.yaml"},
		{"time", 0, 0, G_OPTION_ARG_STRING, &a.time,
		 N_("time of the samples: when it was recorded (default), sent, or stamped"),
		 "log|publish|stamp"},
		{"topic", 't', 0, G_OPTION_ARG_STRING_ARRAY, &a.topics,
		 N_("take only this topic (may be repeated)"), "NAME"},
		{"as", 0, 0, G_OPTION_ARG_STRING, &a.camera,
		 N_("the camera that the recording's only video plays"), "ROLE"},
		{"labels", 0, 0, G_OPTION_ARG_FILENAME, &a.labels,
		 N_("what is true when in the clip; needs --as"), "LABELS.yaml"},
		{"max-array", 0, 0, G_OPTION_ARG_INT, &a.max_array,
		 N_("leave out arrays that are longer (default 128)"), "N"},
		{"salvage", 0, 0, G_OPTION_ARG_NONE, &a.salvage,
		 N_("take what is whole in a damaged file"), NULL},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	cli->examples =
		_("FILE is MCAP, a rosbag2 folder or .db3, a ROS 1 bag, ULog, WAV, MP4 or "
		  "Matroska; a table\n"
		  "(CSV, TSV) needs --map. What is taken, and what is not and why, is printed.\n\n"
		  "  anzen session import flight.ulg -o flight.mcap\n"
		  "  anzen session import rosbag2_folder --time stamp -o trial.mcap\n"
		  "  anzen session import log.csv --map map.yaml -o log.mcap\n\n"
		  "Numbers without a mapping have no unit and no calibration: a verdict that needs "
		  "them is\n"
		  "INVALID. The pages docs/import.md and 'anzen schema mapping' say what a mapping "
		  "declares.");
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	if (!a.out)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("expected -o OUT.mcap"));
	if (a.max_array < 0 || a.max_array > 10000)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("expected --max-array from 1 to 10000"));
	if (a.labels && (!a.camera || a.map))
		return cli_fail_text(
			cli, ANZEN_EXIT_INPUT,
			_("--labels are for a clip: expected --as ROLE with them, and no --map"));
	if (a.labels)
		return import_clip(cli, argv[1], &a);
	if (a.map && !import_format(argv[1]))
		return import_rows(cli, argv[1], &a);
	return import_file(cli, argv[1], &a);
}
