#include "claims_view.h"

#include <anzen/criterion.h>

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

void claims_json(JsonBuilder *b, const GPtrArray *claims)
{
	json_builder_set_member_name(b, "claims");
	json_builder_begin_array(b);
	for (guint i = 0; i < claims->len; i++)
		claim_json(b, g_ptr_array_index(claims, i));
	json_builder_end_array(b);
}

void claims_print(const CliContext *cli, const GPtrArray *claims, Verdict verdict)
{
	for (guint i = 0; i < claims->len; i++)
		print_claim(cli, g_ptr_array_index(claims, i));
	printf("\n%s\n", cli_choose(cli, verdict_name(verdict), verdict_name_ja(verdict)));
}
