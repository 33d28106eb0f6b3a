/* anzen stl eval, as a user calls it. Expected numbers by hand, in the comments. */
#include <anzen/base.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <unistd.h>

#include "run.h"
#include "unit.h"

static char *folder;

/* Writes `text` as a file and evaluates `formula` on it; `options` are shell words. */
static CliResult eval(const char *formula, const char *file, const char *text, const char *options)
{
	g_autofree char *path = g_build_filename(folder, file, NULL);
	g_autofree char *quoted = g_shell_quote(formula);
	g_file_set_contents(path, text, -1, NULL);
	g_autofree char *line =
		g_strdup_printf("stl eval %s --signals %s %s", quoted, path, options);
	CliResult r = cli_run(line);
	g_unlink(path);
	return r;
}

static bool has(const char *text, const char *part)
{
	bool found = text && strstr(text, part);
	if (!found)
		fprintf(stderr, "'%s' is not in\n%s\n", part, text ? text : "(nothing)");
	return found;
}

/* The answer must contain `want`, standard error must be empty. */
static void answers(const char *formula, const char *file, const char *text, const char *options,
		    const char *want)
{
	g_auto(CliResult) r = eval(formula, file, text, options);
	if (r.code != 0 || *r.err)
		fprintf(stderr, "%s: code %d %s\n", formula, r.code, r.err);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_STRING_EQUAL(r.err, "");
	CU_ASSERT_TRUE(has(r.out, want));
}

static void refuses(const char *formula, const char *file, const char *text, const char *options,
		    const char *want)
{
	g_auto(CliResult) r = eval(formula, file, text, options);
	CU_ASSERT_EQUAL(r.code, 2);
	CU_ASSERT_STRING_EQUAL(r.out, "");
	CU_ASSERT_TRUE(has(r.err, want));
}

#define RAMP "{\"x\": {\"t\": [0, 10], \"v\": [0, 10]}}" /* x(t) = t */

static void a_ramp_has_the_margin_at_the_windows_end(void)
{
	answers("always[0,4] (x < 5)", "a.json", RAMP, "--json", "\"robustness\": 1,"); /* 5 - 4 */
	answers("always[0,4] (x < 5)", "a.csv", "t,x\n0,0\n10,10\n", "--json",
		"\"robustness\": 1,");
	answers("eventually[0,2000 ms] (x > 3)", "a.json", RAMP, "--json",
		"\"robustness\": -1,"); /* x(2 s) - 3 */
	answers("-x >= -4", "a.json", RAMP, "--json", "\"robustness\": 4,");
	answers("always[0,4] (x < 5)", "a.json", RAMP, "", "robustness  1 at 0 s");
	answers("always[0,6] (x < 5)", "a.json", RAMP, "",
		"because     false: x < 5 does not hold in [5 s,");
}

/* x(t) = t; the least of 5 - x over [t, t+2]: 3 - t, until the window is cut at 10. */
static void the_trace_bends_where_the_window_is_cut(void)
{
	answers("always[0,2] (x < 5)", "a.json", RAMP, "--trace --json",
		"\"trace\": [[0, 3], [8, -5], [10, -5]]");
	answers("always[0,2] (x < 5)", "a.json", RAMP, "--trace --json --ends open",
		"\"trace_interval\": [[0, 3, 3]");
}

static void previous_interpolation_holds_the_value(void)
{
	static const char *const held =
		"{\"x\": {\"t\": [0, 1, 4], \"v\": [1, 3, 0], \"interpolation\": \"previous\"}}";
	answers("eventually[0,0.5] (x > 2)", "a.json", held, "--json", "\"robustness\": -1,");
	answers("always[1,3.9] (x > 2)", "a.json", held, "--json", "\"robustness\": 1,");
	/* a held signal lasts as long as the others do */
	answers("eventually (x > 7 and p)", "a.json",
		"{\"x\": {\"t\": [0, 10], \"v\": [0, 10]}, \"p\": {\"t\": [0, 1], \"v\": [false, "
		"true]}}",
		"--json", "\"robustness\": 3,");
}

static void a_table_may_hold_true_and_false_and_other_separators(void)
{
	answers("always[0,1] p", "a.csv", "t,p\n0,true\n1,true\n2,False\n", "--json",
		"\"robustness\": \"inf\",");
	answers("eventually (x > 2 and p)", "a.csv", "t;x;p\n0;1;false\n1;3;nan\n2;5;true\n",
		"--json", "\"robustness\": 3,");
	answers("x < 2", "a.csv", "t\tx\n0\t1\n1\t3\n", "--json", "\"robustness\": 1,");
	g_auto(CliResult) both = eval("always p", "a.csv", "t,p\n0,true\n1,3\n", "");
	CU_ASSERT_EQUAL(both.code, 2);
	CU_ASSERT_TRUE(has(both.err, "a.csv:3:3"));
}

static void an_empty_window_is_infinite_and_says_that_it_is_incomplete(void)
{
	g_auto(CliResult) r =
		eval("always[20,30] (x < 5)", "a.json", RAMP, "--json"); /* wholly beyond */
	CU_ASSERT_TRUE(has(r.out, "\"robustness\": \"inf\""));
	CU_ASSERT_TRUE(has(r.out, "\"complete\": false"));
	g_auto(CliResult) f = eval("eventually[20,30] (x < 5)", "a.json", RAMP, "--json");
	CU_ASSERT_TRUE(has(f.out, "\"robustness\": \"-inf\""));
	g_auto(CliResult) open =
		eval("always[20,30] (x < 5)", "a.json", RAMP, "--json --ends open");
	CU_ASSERT_TRUE(has(open.out, "\"robustness\": null"));
	CU_ASSERT_TRUE(has(open.out, "\"satisfied\": null"));
	CU_ASSERT_TRUE(has(open.out, "\"interval\": [\"-inf\", \"inf\"]"));
}

static void a_missing_sample_leaves_an_interval(void)
{
	static const char *const holes[] = {
		"{\"x\": {\"t\": [0, 1, 2, 3], \"v\": [1, null, 1, 1]}}",
		"{\"x\": {\"t\": [0, 2, 3], \"v\": [1, 1, 1], \"max_gap\": 1.5}}"};
	for (size_t i = 0; i < G_N_ELEMENTS(holes); i++) {
		answers("always (x < 5)", "a.json", holes[i], "--json", "\"satisfied\": null");
		answers("always (x < 5)", "a.json", holes[i], "--json", "no usable sample of x");
		answers("always[2,3] (x < 5)", "a.json", holes[i], "--json", "\"robustness\": 4,");
	}
	answers("always (x < 5)", "a.csv", "t,x\n0,1\n1,nan\n2,1\n", "--json",
		"\"satisfied\": null");
	answers("always (x < 5)", "a.csv", "t,x,y\n0,1,1\n1,,1\n2,1,1\n", "--json",
		"\"robustness\": 4,"); /* no sample is not a missing one */
}

static void a_premise_that_never_comes_is_vacuous(void)
{
	answers("always (x > 20 -> x < 5)", "a.json", RAMP, "--json", "\"vacuous\": true");
	answers("always (x > 20 -> x < 5)", "a.json", RAMP, "", "the premise x > 20 never comes");
	answers("always (x > 9 -> x < 50)", "a.json", RAMP, "--json", "\"vacuous\": false");
}

/* x = 1 2 3 4, y = 0 0 1 0. until needs x only before the witness (sample 2): min(1, 2, 1 - 0.5) = 0.5 → y >= 0.5. */
static void discrete_time_counts_samples(void)
{
	static const char *const xy = "{\"x\": [1, 2, 3, 4], \"y\": [0, 0, 1, 0]}";
	answers("always[1,2] (x < 5)", "a.json", xy, "--time discrete --json --trace",
		"\"trace\": [[0, 2], [1, 1], [2, 1], [3, \"inf\"]]");
	answers("(x > 0) until (y >= 0.5)", "a.json", xy, "--time discrete --json",
		"\"robustness\": 0.5,");
	answers("historically[0,1] (x < 5)", "a.csv", "x\n1\n2\n3\n",
		"--time discrete --json --trace", "\"trace\": [[0, 4], [1, 3], [2, 2]]");
	answers("eventually (x > 3)", "a.json", xy, "--time discrete", "x > 3 holds at sample 3");
	refuses("always[0,1.5] (x < 5)", "a.json", xy, "--time discrete",
		"formula:1:1: error: in discrete time a bound is a number of samples");
	refuses("always[0,2 s] (x < 5)", "a.json", xy, "--time discrete", "a number of samples");
}

static void units_in_the_file_are_checked(void)
{
	static const char *const metres =
		"{\"h\": {\"t\": [0, 1], \"v\": [0.75, 0.75], \"unit\": \"m\"}}";
	answers("always (h > 250 mm)", "a.json", metres, "--json", "\"unit\": \"m\"");
	answers("always (h > 250 mm)", "a.json", metres, "--json", "\"robustness\": 0.5,");
	answers("always (h > 250 mm)", "a.csv", "t,h [m]\n0,0.75\n1,0.75\n", "--json",
		"\"robustness\": 0.5,");
	refuses("always (h > 3 N)", "a.json", metres, "", "formula:1:11: error: cannot compare");
}

static void mistakes_are_shown_where_they_are(void)
{
	refuses("always (x < )", "a.json", RAMP, "", "formula:1:13: error: ");
	refuses("always\n (z < 1)", "a.json", RAMP, "", "formula:2:3: error: there is no signal");
	refuses("x < 1", "a.csv", "t,x\n0,1\n1,abc\n", "", "a.csv:3:3: error: 'abc' is no number");
	refuses("x < 1", "a.csv", "t,x\n0,1\n0,2\n", "", "a.csv:3:3: error: the times of 'x'");
	refuses("x < 1", "a.csv", "t,x\n0,1,5\n", "",
		"a.csv:2:1: error: expected 2 cells, found 3");
	refuses("x < 1", "a.csv", "t,x,x\n0,1,5\n", "",
		"a.csv:1:5: error: the column 'x' is there");
	refuses("x < 1", "a.csv", "s,x\n0,1\n", "", "a.csv:1:1: error: expected a column 't'");
	refuses("x < 1", "a.csv", "t,x\n", "", "'x' has no samples");
	refuses("x < 1", "a.json", "{\"x\": {\"t\": [0, 1],\n \"v\": [1]}}", "",
		"a.json:2:7: error: 'x' has 2 times and 1 values");
	refuses("x < 1", "a.json", "{\"x\": {\"t\": [0, 1],\n \"v\": [1, 1e999]}}", "",
		"a.json:2:11: error: this number is too large");
	refuses("x < 1", "a.json", "{\"x\": [1, 2]}", "",
		"a.json:1:7: error: values without times");
	refuses("x < 1", "a.json", "{\"x\": {\"t\": [0], \"v\": [1], \"color\": 1}}", "",
		"'color' is no property");
	refuses("x < 1", "a.json", "{", "", "a.json:1:2: error: ");
	refuses("x < 1", "a.json", RAMP, "--time ticks", "--time is dense or discrete");
	refuses("x < 1", "a.json", RAMP, "--ends maybe", "--ends is finite or open");
	refuses("a + b < 1", "a.json",
		"{\"a\": {\"t\": [0, 1], \"v\": [1, 2]}, \"b\": {\"t\": [2, 3], \"v\": [1, 2]}}",
		"", "no time in common");
}

static void booleans_need_no_comparison(void)
{
	static const char *const b =
		"{\"p\": {\"t\": [0, 2, 4], \"v\": [false, true, true]}, \"x\": [[0, 0], [4, 4]]}";
	answers("always (rise(p) -> x >= 2)", "a.json", b, "--json", "\"satisfied\": true");
	answers("eventually[0,1.9] p", "a.json", b, "--json", "\"satisfied\": false");
}

static void the_answer_is_there_in_japanese(void)
{
	answers("x < 5", "a.json", RAMP, "--lang ja", "ロバストネス");
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(a_ramp_has_the_margin_at_the_windows_end),
		UNIT(the_trace_bends_where_the_window_is_cut),
		UNIT(previous_interpolation_holds_the_value),
		UNIT(a_table_may_hold_true_and_false_and_other_separators),
		UNIT(an_empty_window_is_infinite_and_says_that_it_is_incomplete),
		UNIT(a_missing_sample_leaves_an_interval),
		UNIT(a_premise_that_never_comes_is_vacuous),
		UNIT(discrete_time_counts_samples),
		UNIT(units_in_the_file_are_checked),
		UNIT(mistakes_are_shown_where_they_are),
		UNIT(booleans_need_no_comparison),
		UNIT(the_answer_is_there_in_japanese),
	};
	folder = g_dir_make_tmp("anzen-stl-XXXXXX", NULL);
	int code = unit_run("cli.stl", tests, G_N_ELEMENTS(tests), argc, argv);
	g_rmdir(folder);
	g_free(folder);
	return code;
}
