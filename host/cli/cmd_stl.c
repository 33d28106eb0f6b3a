/* anzen stl eval: the calculator for formulas. Numbers and bounds may be bare; scoring never uses it. */
#include "cli.h"
#include "stl_file.h"

#include <anzen/stl.h>
#include <math.h>
#include <string.h>

int cmd_stl_eval(int argc, char **argv, CliContext *cli);

typedef struct Question {
	StlFormula *formula;
	GHashTable *signals;
	StlInput input;
	StlOptions options;
} Question;

static void question_clear(Question *q)
{
	g_clear_pointer(&q->formula, stl_formula_free);
	g_clear_pointer(&q->signals, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, question_clear)

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* stl's messages begin with "column N: "; a formula of several lines has its own line numbers. */
static void formula_error(Diagnostics *diag, const char *text, unsigned column, const char *message)
{
	const char *after = g_str_has_prefix(message, "column ") ? strstr(message, ": ") : NULL;
	unsigned line = 1, left = MAX(column, 1) - 1;
	for (const char *s = text; *s && left > 0; s = g_utf8_next_char(s), left--)
		if (*s == '\n') {
			line++;
			column = left;
		}
	diagnostics_add(diag, false, "formula", line, column, "%s", after ? after + 2 : message);
}

static bool read_formula(Question *q, const char *text, Diagnostics *diag)
{
	g_autoptr(GError) error = NULL;
	unsigned column = 1;
	GHashTable *const tables[2] = {q->signals, NULL};
	StlScope scope = stl_scope_from_tables(tables);
	scope.bare = true;
	scope.discrete = q->options.discrete;
	q->formula = stl_parse(text, &column, &error);
	if (q->formula && stl_check(q->formula, &scope, &column, &error))
		return true;
	formula_error(diag, text, column, error->message);
	return false;
}

/* The formula's time: from the last of its signals' first samples to the first of the last samples of those that run straight
 * between samples. A held value lasts, so held signals end nothing; with these alone it is the last sample of any. A formula
 * without signals has the time of all. */
static void find_span(Question *q)
{
	GHashTableIter it;
	gpointer name, s;
	int64_t start = INT64_MIN, end = INT64_MAX, held_end = INT64_MIN;
	size_t used = stl_formula_n_signals(q->formula);
	g_hash_table_iter_init(&it, q->signals);
	while (g_hash_table_iter_next(&it, &name, &s)) {
		const Signal *signal = s;
		bool counts = used == 0;
		for (size_t i = 0; i < used; i++)
			counts = counts || !strcmp(stl_formula_signal(q->formula, i), name);
		if (!counts)
			continue;
		int64_t last = signal->t_ns[signal->n - 1];
		start = MAX(start, signal->t_ns[0]);
		if (signal->info.interp == SIGNAL_PREVIOUS)
			held_end = MAX(held_end, last);
		else
			end = MIN(end, last);
	}
	if (end == INT64_MAX)
		end = held_end;
	q->input = (StlInput){.start_ns = start, .end_ns = end, .signals = q->signals};
}

static bool choose(const char *text, const char *first, const char *second, bool *ret_second)
{
	if (text && strcmp(text, first) != 0 && strcmp(text, second) != 0)
		return false;
	*ret_second = text && !strcmp(text, second);
	return true;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------- */

/* The shortest decimal that reads back as v. */
static const char *shortest(double v, char digits[G_ASCII_DTOSTR_BUF_SIZE])
{
	static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (g_ascii_strtod(g_ascii_formatd(digits, G_ASCII_DTOSTR_BUF_SIZE, formats[i], v),
				   NULL) == v)
			break;
	return digits;
}

/* Written by hand: a trace has millions of entries. NaN: null. */
static void put_number(GString *out, double v)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	if (isnan(v))
		g_string_append(out, "null");
	else if (isinf(v))
		g_string_append(out, v > 0 ? "\"inf\"" : "\"-inf\"");
	else
		g_string_append(out, shortest(v == 0 ? 0 : v, digits));
}

static void put_text(GString *out, const char *text)
{
	g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
	g_autofree char *quoted = json_to_string(node, FALSE);
	g_string_append(out, quoted);
}

static void put_truth(GString *out, StlTruth t)
{
	g_string_append(out, t == STL_TRUE ? "true" : t == STL_FALSE ? "false" : "null");
}

/* Shortest decimal of whole nanoseconds. */
static void put_seconds(GString *out, int64_t ns)
{
	char text[40];
	g_snprintf(text, sizeof text, "%s%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT,
		   ns < 0 ? "-" : "", ABS(ns) / CLOCK_S, ABS(ns) % CLOCK_S);
	char *end = text + strlen(text);
	while (end[-1] == '0')
		*--end = 0;
	if (end[-1] == '.')
		*--end = 0;
	g_string_append(out, text);
}

/* A formula of Booleans alone is worth ±infinity. */
static bool has_value(const StlResult *r)
{
	return r->margin || !r->mixed;
}

static double single(const StlResult *r, double lo, double hi)
{
	return has_value(r) && lo == hi ? lo : (double)NAN;
}

/* [[t, r], …]; where r is an interval it is null, and "trace_interval" has [[t, lo, hi], …]. */
static void put_trace(GString *out, const StlResult *r)
{
	bool open = false;
	g_string_append(out, ",\n  \"trace\": [");
	for (size_t i = 0; i < r->trace_n; i++) {
		g_string_append(out, i ? ", [" : "[");
		put_seconds(out, r->trace_t_ns[i]);
		g_string_append(out, ", ");
		put_number(out, single(r, r->trace_lo[i], r->trace_hi[i]));
		g_string_append_c(out, ']');
		open = open || r->trace_lo[i] != r->trace_hi[i];
	}
	g_string_append(out, "]");
	if (!open)
		return;
	g_string_append(out, ",\n  \"trace_interval\": [");
	for (size_t i = 0; i < r->trace_n; i++) {
		g_string_append(out, i ? ", [" : "[");
		put_seconds(out, r->trace_t_ns[i]);
		g_string_append(out, ", ");
		put_number(out, r->trace_lo[i]);
		g_string_append(out, ", ");
		put_number(out, r->trace_hi[i]);
		g_string_append_c(out, ']');
	}
	g_string_append(out, "]");
}

static void print_json(const Question *q, const StlResult *r)
{
	g_autoptr(GString) out = g_string_new("{\n  \"robustness\": ");
	put_number(out, single(r, r->lo, r->hi));
	g_string_append(out, ",\n  \"satisfied\": ");
	put_truth(out, r->satisfied);
	g_string_append(out, ",\n  \"vacuous\": ");
	put_truth(out, r->vacuous);
	g_string_append_printf(out, ",\n  \"complete\": %s", r->complete ? "true" : "false");
	g_string_append(out, ",\n  \"explanation\": ");
	put_text(out, r->explanation);
	g_string_append(out, ",\n  \"interval\": [");
	put_number(out, has_value(r) ? r->lo : (double)NAN);
	g_string_append(out, ", ");
	put_number(out, has_value(r) ? r->hi : (double)NAN);
	g_string_append(out, "],\n  \"unit\": ");
	put_text(out, r->unit.symbol);
	g_string_append(out, ",\n  \"from\": ");
	put_seconds(out, q->input.start_ns);
	g_string_append(out, ",\n  \"to\": ");
	put_seconds(out, q->input.end_ns);
	if (q->options.trace)
		put_trace(out, r);
	g_string_append(out, "\n}\n");
	fwrite(out->str, 1, out->len, stdout);
	fflush(stdout);
}

/* ---- for people -------------------------------------------------------------------------------------------------------- */

static void put_value(GString *out, const StlResult *r, double lo, double hi)
{
	char a[G_ASCII_DTOSTR_BUF_SIZE], b[G_ASCII_DTOSTR_BUF_SIZE];
	const char *unit = strcmp(r->unit.symbol, "1") ? r->unit.symbol : "";
	g_ascii_formatd(a, sizeof a, "%.9g", lo == 0 ? 0 : lo);
	g_ascii_formatd(b, sizeof b, "%.9g", hi == 0 ? 0 : hi);
	if (!r->margin)
		g_string_append(out, _("none: satisfaction alone"));
	else if (lo == hi)
		g_string_append_printf(out, "%s%s%s", a, *unit ? " " : "", unit);
	else
		g_string_append_printf(out, _("between %s and %s%s%s"), a, b, *unit ? " " : "",
				       unit);
}

static const char *truth_text(StlTruth t)
{
	return t == STL_TRUE ? _("yes") : t == STL_FALSE ? _("no") : _("unknown");
}

static void print_trace(const StlResult *r)
{
	for (size_t i = 0; i < r->trace_n; i++) {
		g_autoptr(GString) line = g_string_new(NULL);
		put_seconds(line, r->trace_t_ns[i]);
		g_string_append(line, " s\t");
		put_value(line, r, r->trace_lo[i], r->trace_hi[i]);
		puts(line->str);
	}
}

static void print_text(const Question *q, const StlResult *r)
{
	g_autoptr(GString) value = g_string_new(NULL), from = g_string_new(NULL);
	put_value(value, r, r->lo, r->hi);
	put_seconds(from, q->input.start_ns);
	printf(_("robustness  %s at %s s\n"), value->str, from->str);
	printf(_("satisfied   %s\n"), truth_text(r->satisfied));
	if (r->vacuous != STL_FALSE)
		printf(_("vacuous     %s: the premise %s never comes true\n"),
		       truth_text(r->vacuous), r->premise);
	if (!r->complete)
		printf(_("incomplete  what lies beyond the signals' ends could change this\n"));
	printf(_("because     %s\n"), r->explanation);
	if (q->options.trace)
		print_trace(r);
}

/* ---- the command ------------------------------------------------------------------------------------------------------- */

/* "-x >= -4" begins like an option. A blank before it makes it an operand; the caller takes it away again, and frees what
 * stands in argv then. */
static char *protect_formula(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *s = argv[i];
		bool option = s[1] == '-' || !s[1] || (strchr("sh", s[1]) && !strpbrk(s, "<>=()"));
		if (s[0] == '-' && !option)
			return argv[i] = g_strconcat(" ", s, NULL);
	}
	return NULL;
}

static int answer(Question *q, CliContext *cli)
{
	g_autoptr(GError) error = NULL;
	find_span(q);
	if (q->input.end_ns < q->input.start_ns)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("the signals of the formula have no time in common"));
	g_autoptr(StlResult) r = stl_eval(q->formula, &q->input, &q->options, &error);
	if (!r)
		return cli_fail(cli, error);
	if (cli->json)
		print_json(q, r);
	else
		print_text(q, r);
	return ANZEN_EXIT_PASS;
}

int cmd_stl_eval(int argc, char **argv, CliContext *cli)
{
	g_autofree char *signals = NULL, *time = NULL, *ends = NULL;
	gboolean trace = FALSE;
	bool open;
	const GOptionEntry options[] = {
		{"signals", 's', 0, G_OPTION_ARG_FILENAME, &signals,
		 N_("the signals: a table with a column t, or JSON"), "FILE"},
		{"time", 0, 0, G_OPTION_ARG_STRING, &time,
		 N_("dense: straight lines between samples (default); discrete: bounds count "
		    "samples"),
		 "dense|discrete"},
		{"ends", 0, 0, G_OPTION_ARG_STRING, &ends,
		 N_("finite: windows are cut at the signals' ends (default); open: what lies "
		    "beyond is "
		    "unknown"),
		 "finite|open"},
		{"trace", 0, 0, G_OPTION_ARG_NONE, &trace, N_("the robustness over time, too"),
		 NULL},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autofree char *protected_formula = protect_formula(argc, argv);
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	const char *formula = argv[1] + (g_str_has_prefix(argv[1], " -") ? 1 : 0);
	g_auto(Question) q = {.options = {.trace = trace, .absolute = true}};
	if (!choose(time, "dense", "discrete", &q.options.discrete))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("--time is dense or discrete"));
	if (!choose(ends, "finite", "open", &open))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("--ends is finite or open"));
	if (!signals)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("give the signals: --signals FILE"));
	q.options.ends = open ? STL_ENDS_OPEN : STL_ENDS_FINITE;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	q.signals = stl_file_load(signals, q.options.discrete, diag);
	if (!q.signals || !read_formula(&q, formula, diag))
		return cli_diagnostics(cli, diag);
	return answer(&q, cli);
}
