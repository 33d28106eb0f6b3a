/* anzen plan repeats: how many runs a claim needs, what they can show, and the chance to pass. */
#include "cli.h"

#include <anzen/metrology.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

int cmd_plan_repeats(int argc, char **argv, CliContext *cli);

#define MAX_RATES 8

typedef struct Plan {
	double at_least, confidence;
	unsigned n, permitted;
	Sprt sprt;      /* good 0: a fixed number of runs */
	unsigned limit; /* runs up to which a sequential plan's chances are given */
	double rates[MAX_RATES];
	size_t n_rates;
} Plan;

/* `--at-least 99 % --confidence 95 %`: the shell makes two words of 99 and %. What is made here goes to `owned`. */
static void join_percents(int *argc, char **argv, GPtrArray *owned)
{
	int kept = 1;
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "%") != 0 || !g_ascii_isdigit(argv[kept - 1][0])) {
			argv[kept++] = argv[i];
			continue;
		}
		argv[kept - 1] = g_strdup_printf("%s %%", argv[kept - 1]);
		g_ptr_array_add(owned, argv[kept - 1]);
	}
	argv[kept] = NULL;
	*argc = kept;
}

/* "99 %" or 0.99, between 0 and 1 without its ends. */
static bool read_rate(CliContext *cli, const char *option, const char *text, double *ret)
{
	Quantity q;
	if (quantity_parse(text, &q, NULL) && unit_is_dimensionless(&q.unit)) {
		double rate = unit_convert(q.value, &q.unit, &unit_one);
		if (rate > 0 && rate < 1) {
			*ret = rate;
			return true;
		}
	}
	cli->exit = cli_fail_text(cli, ANZEN_EXIT_INPUT,
				  _("%s is a share between 0 and 1, such as \"99 %%\", not '%s'"),
				  option, text);
	return false;
}

/* Rates that a lab meets, unless it names its own. */
static bool read_rates(CliContext *cli, char **texts, Plan *plan)
{
	static const double usual[] = {0.95, 0.98, 0.99, 0.995, 0.999};
	for (char **text = texts; text && *text; text++) {
		if (plan->n_rates == MAX_RATES) {
			cli->exit = cli_fail_text(cli, ANZEN_EXIT_INPUT,
						  _("at most %d times --true-rate"), MAX_RATES);
			return false;
		}
		if (!read_rate(cli, "--true-rate", *text, &plan->rates[plan->n_rates]))
			return false;
		plan->n_rates++;
	}
	for (size_t i = 0; !texts && i < G_N_ELEMENTS(usual); i++)
		plan->rates[plan->n_rates++] = usual[i];
	return true;
}

/* ---- a fixed number of runs ---- */

/* The smallest plan that a product of the first true rate passes with at least `power`. */
static bool plan_for_power(Plan *plan, double power)
{
	for (unsigned k = 0; k <= 1000; k++) {
		unsigned n = metrology_trials(plan->at_least, plan->confidence, k);
		if (n == 0)
			return false;
		if (metrology_pass_probability(n, k, plan->rates[0]) >= power) {
			plan->n = n;
			plan->permitted = k;
			return true;
		}
	}
	return false;
}

static bool make_fixed(CliContext *cli, Plan *plan, int runs, int failures, double power)
{
	bool any = false;
	if (power > 0 && plan->rates[0] <= plan->at_least) {
		cli->exit = cli_fail_text(
			cli, ANZEN_EXIT_INPUT,
			_("--power needs a --true-rate above --at-least: no plan passes a product "
			  "often that is no better than what it must show"));
		return false;
	}
	if (power > 0) {
		any = plan_for_power(plan, power);
	} else if (runs > 0) {
		plan->n = (unsigned)runs;
		plan->permitted =
			metrology_permitted(plan->n, plan->at_least, plan->confidence, &any);
	} else {
		plan->permitted = (unsigned)failures;
		plan->n = metrology_trials(plan->at_least, plan->confidence, plan->permitted);
		any = plan->n > 0;
	}
	if (!any)
		cli->exit = cli_fail_text(
			cli, ANZEN_EXIT_INPUT,
			runs > 0 ? _("so few runs cannot show it, not even without a failure")
				 : _("no plan of at most 1,000,000 runs shows it"));
	return any;
}

static void print_fixed(const Plan *plan)
{
	printf(_("%u runs with at most %u failures show at least %.6g %% at %.6g %% confidence "
		 "(one-sided lower bound, exact)\n"),
	       plan->n, plan->permitted, 100 * plan->at_least, 100 * plan->confidence);
	printf(_("the runs must be drawn independently from the declared distribution; the number "
		 "is fixed before the first one\n"));
	for (size_t i = 0; i < plan->n_rates; i++)
		printf(_("  a product whose true rate is %.6g %% passes with %.1f %%\n"),
		       100 * plan->rates[i],
		       100 * metrology_pass_probability(plan->n, plan->permitted, plan->rates[i]));
}

/* ---- sequential ---- */

static void print_sequential(const Plan *plan)
{
	unsigned fewest = metrology_sprt_fewest(&plan->sprt);
	printf(_("sequential: after each run PASS, FAIL or go on; wrong PASS at most %.6g %% below "
		 "%.6g %%, however often one looks\n"),
	       100 * plan->sprt.risk_accept, 100 * plan->sprt.rate);
	printf(_("PASS at the earliest after %u runs without a failure; each failure costs %.1f "
		 "more\n"),
	       fewest,
	       -log((1 - plan->sprt.good) / (1 - plan->sprt.rate)) /
		       log(plan->sprt.good / plan->sprt.rate));
	for (size_t i = 0; i < plan->n_rates; i++) {
		double pass, fail;
		metrology_sprt_chances(&plan->sprt, plan->limit, plan->rates[i], &pass, &fail);
		printf(_("  true rate %.6g %%, within %u runs: PASS %.1f %%, FAIL %.1f %%, still "
			 "open %.1f %%\n"),
		       100 * plan->rates[i], plan->limit, 100 * pass, 100 * fail,
		       100 * (1 - pass - fail));
	}
}

static bool make_sequential(CliContext *cli, Plan *plan, int runs)
{
	plan->sprt.rate = plan->at_least;
	plan->sprt.risk_accept = plan->sprt.risk_reject = 1 - plan->confidence;
	if (!metrology_sprt_valid(&plan->sprt)) {
		cli->exit = cli_fail_text(cli, ANZEN_EXIT_INPUT,
					  _("--sequential is a true rate above --at-least, and "
					    "--confidence above 50 %%"));
		return false;
	}
	unsigned fewest = metrology_sprt_fewest(&plan->sprt);
	plan->limit = runs > 0 ? (unsigned)runs : MIN(4 * fewest, 20000);
	return true;
}

/* ---- JSON ---- */

static void put(JsonBuilder *b, const char *key, double value)
{
	cli_json_number(b, key, value);
}

static void put_chance(JsonBuilder *b, const Plan *plan, double rate)
{
	double pass, fail;
	json_builder_begin_object(b);
	put(b, "true_rate", rate);
	if (plan->sprt.good > 0) {
		metrology_sprt_chances(&plan->sprt, plan->limit, rate, &pass, &fail);
		put(b, "pass", pass);
		put(b, "fail", fail);
	} else {
		put(b, "pass", metrology_pass_probability(plan->n, plan->permitted, rate));
	}
	json_builder_end_object(b);
}

static void print_json(const Plan *plan)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	if (plan->sprt.good > 0) {
		cli_json_int(b, "fewest", metrology_sprt_fewest(&plan->sprt));
		cli_json_int(b, "within", plan->limit);
		put(b, "good", plan->sprt.good);
		put(b, "risk_accept", plan->sprt.risk_accept);
		put(b, "risk_reject", plan->sprt.risk_reject);
	} else {
		cli_json_int(b, "n", plan->n);
		cli_json_int(b, "permitted_failures", plan->permitted);
	}
	put(b, "at_least", plan->at_least);
	put(b, "confidence", plan->confidence);
	cli_json_text(b, "side", "lower");
	json_builder_set_member_name(b, "sequential");
	json_builder_add_boolean_value(b, plan->sprt.good > 0);
	json_builder_set_member_name(b, "chances");
	json_builder_begin_array(b);
	for (size_t i = 0; i < plan->n_rates; i++)
		put_chance(b, plan, plan->rates[i]);
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

int cmd_plan_repeats(int argc, char **argv, CliContext *cli)
{
	g_autofree char *at_least = NULL, *confidence = NULL, *power = NULL, *sequential = NULL;
	g_auto(GStrv) true_rates = NULL;
	int failures = 0, runs = 0;
	const GOptionEntry options[] = {
		{"at-least", 0, 0, G_OPTION_ARG_STRING, &at_least,
		 N_("rate that the runs must show"), "RATE"},
		{"confidence", 0, 0, G_OPTION_ARG_STRING, &confidence,
		 N_("of the one-sided lower bound (95 %)"), "SHARE"},
		{"failures", 0, 0, G_OPTION_ARG_INT, &failures, N_("permitted failures (0)"), "K"},
		{"runs", 0, 0, G_OPTION_ARG_INT, &runs,
		 N_("runs at hand: how many failures do they permit?"), "N"},
		{"true-rate", 0, 0, G_OPTION_ARG_STRING_ARRAY, &true_rates,
		 N_("give the chance to pass at this true rate (may be repeated)"), "RATE"},
		{"power", 0, 0, G_OPTION_ARG_STRING, &power,
		 N_("smallest plan that the first --true-rate passes at least so often"), "SHARE"},
		{"sequential", 0, 0, G_OPTION_ARG_STRING, &sequential,
		 N_("look after every run; planned for a product of this true rate"), "RATE"},
		{NULL}};
	Plan plan = {.confidence = 0.95};
	double share = 0;
	g_autoptr(GPtrArray) joined = g_ptr_array_new_with_free_func(g_free);
	join_percents(&argc, argv, joined);
	if (!cli_parse(cli, &argc, &argv, options, 0, 0))
		return cli->exit;
	if (!at_least)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--at-least is needed: see anzen plan repeats --help"));
	if (failures < 0 || runs < 0 || runs > 100000)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--failures is 0 or more, --runs 1 to 100000"));
	if ((runs > 0) + (failures > 0) + (power != NULL) > 1 ||
	    (sequential && (failures > 0 || power)))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("--runs, --failures and --power exclude each other, and "
				       "--sequential goes with --runs only"));
	if (!read_rate(cli, "--at-least", at_least, &plan.at_least) ||
	    (confidence && !read_rate(cli, "--confidence", confidence, &plan.confidence)) ||
	    (power && !read_rate(cli, "--power", power, &share)) ||
	    (sequential && !read_rate(cli, "--sequential", sequential, &plan.sprt.good)) ||
	    !read_rates(cli, true_rates, &plan))
		return cli->exit;
	if (!(sequential ? make_sequential(cli, &plan, runs)
			 : make_fixed(cli, &plan, runs, failures, share)))
		return cli->exit;
	if (cli->json)
		print_json(&plan);
	else if (sequential)
		print_sequential(&plan);
	else
		print_fixed(&plan);
	return ANZEN_EXIT_PASS;
}
