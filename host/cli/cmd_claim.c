/* anzen claim: what many runs show together. */
#include "cli.h"

#include <anzen/criterion.h>
#include <anzen/session.h>
#include <math.h>

int cmd_claim(int argc, char **argv, CliContext *cli);

static void claim_counts(JsonBuilder *b, const ClaimResult *c)
{
	cli_json_int(b, "planned", c->planned);
	cli_json_int(b, "n", c->n);
	cli_json_int(b, "passed", c->passed);
	cli_json_int(b, "failed", c->failed);
	cli_json_int(b, "inconclusive", c->inconclusive);
	cli_json_int(b, "invalid", c->invalid);
	cli_json_int(b, "unexplained", c->unexplained);
	cli_json_int(b, "repeated", c->repeated);
	cli_json_int(b, "needed", c->needed);
	cli_json_int(b, "withstands", c->withstands);
}

static void claim_json(JsonBuilder *b, const ClaimResult *c)
{
	json_builder_begin_object(b);
	cli_json_text(b, "criterion", c->criterion);
	cli_json_text(b, "product", c->product);
	cli_json_text(b, "evidence", evidence_name(c->evidence));
	cli_json_text(b, "over", c->over);
	cli_json_text(b, "verdict", verdict_name(c->verdict));
	claim_counts(b, c);
	cli_json_number(b, "required", c->rate);
	cli_json_number(b, "confidence", c->confidence);
	cli_json_number(b, "lower", c->lower);
	cli_json_number(b, "upper", c->upper);
	cli_json_number(b, "observed", c->observed);
	cli_json_text(b, "level", c->level);
	json_builder_set_member_name(b, "levels");
	json_builder_begin_array(b);
	for (guint i = 0; i < c->levels->len; i++) {
		const ClaimLevel *l = g_ptr_array_index(c->levels, i);
		json_builder_begin_object(b);
		cli_json_text(b, "level", l->name);
		cli_json_text(b, "verdict", verdict_name(l->verdict));
		cli_json_int(b, "passed", l->passed);
		cli_json_number(b, "lower", l->lower);
		cli_json_number(b, "upper", l->upper);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	cli_json_text(b, "why", c->why);
	json_builder_end_object(b);
}

static void print_claim(const CliContext *cli, const ClaimResult *c)
{
	const char *verdict =
		cli_choose(cli, verdict_name(c->verdict), verdict_name_ja(c->verdict));
	printf("%s  %s  %s (%s)\n  %s\n", verdict, c->criterion, c->product ? c->product : "",
	       evidence_name(c->evidence), cli_choose(cli, c->why, c->why_ja));
	if (c->invalid > 0 || c->repeated > 0)
		printf(_("  %u INVALID (%u unexplained), %u repeated the stimulus of another "
			 "run\n"),
		       c->invalid, c->unexplained, c->repeated);
	if (!c->over && c->levels->len > 0)
		printf(_("  highest level whose claim is PASS: %s\n"),
		       c->level ? c->level : _("none"));
	if (c->verdict == VERDICT_PASS && !c->over)
		printf(_("  tipping point: %u INVALID run(s) counted as failed\n"),
		       c->withstands + 1);
	if (c->needed > 0)
		printf(c->over ? _("  runs a group that would show it, came they out alike: %u\n")
			       : _("  more runs that would show it, if all pass: %u\n"),
		       c->needed);
}

static Verdict aggregate(const GPtrArray *claims)
{
	g_autofree Verdict *all = g_new0(Verdict, claims->len + 1);
	for (guint i = 0; i < claims->len; i++)
		all[i] = ((const ClaimResult *)g_ptr_array_index(claims, i))->verdict;
	return verdict_aggregate(all, claims->len);
}

static void print_json(const GPtrArray *claims, Verdict verdict)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	cli_json_text(b, "verdict", verdict_name(verdict));
	json_builder_set_member_name(b, "claims");
	json_builder_begin_array(b);
	for (guint i = 0; i < claims->len; i++)
		claim_json(b, g_ptr_array_index(claims, i));
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

int cmd_claim(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 1, -1))
		return cli->exit;
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_record_free);
	for (int i = 1; i < argc; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *path = g_build_filename(argv[i], "run.json", NULL);
		RunRecord *run = run_record_read(path, &error);
		if (!run)
			return cli_fail(cli, error);
		g_ptr_array_add(runs, run);
	}
	g_autoptr(GPtrArray) claims =
		criterion_claims((const RunRecord *const *)runs->pdata, runs->len);
	if (claims->len == 0)
		return cli_fail_text(cli, ANZEN_EXIT_INPUT,
				     _("no criterion of these runs declares a claim"));
	Verdict verdict = aggregate(claims);
	if (cli->json) {
		print_json(claims, verdict);
	} else {
		for (guint i = 0; i < claims->len; i++)
			print_claim(cli, g_ptr_array_index(claims, i));
		printf("\n%s\n", cli_choose(cli, verdict_name(verdict), verdict_name_ja(verdict)));
	}
	return (int)verdict_exit(verdict);
}
