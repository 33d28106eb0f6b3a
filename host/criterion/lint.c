/* What the shape of the file cannot say: findings that would make a verdict unsafe are errors. */
#include "pack.h"
#include <anzen/metrology.h>

typedef struct Lint {
	const Pack *pack;
	const Criterion *c;
	Diagnostics *diag;
} Lint;

static void G_GNUC_PRINTF(3, 4) say(const Lint *lint, bool warning, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	diagnostics_add(lint->diag, warning, lint->pack->path, lint->c->line, lint->c->column,
			"%s: %s", lint->c->id, message);
}

static void lint_text(const Lint *lint, const char *what, const char *text, bool measure)
{
	for (int level = lint->c->levels->len > 0 ? 0 : -1; level < (int)lint->c->levels->len;
	     level++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(StlFormula) f = criterion_parse(lint->c, text, level, &error);
		bool formula = f && stl_formula_kind(f) == STL_KIND_FORMULA;
		if (!f)
			diagnostics_add(lint->diag, false, lint->pack->path, lint->c->formula_line,
					lint->c->formula_column, "%s: %s: %s", lint->c->id, what,
					error->message);
		else if (formula == measure)
			say(lint, false,
			    measure ? "%s: expected delay(a, b), duration(p) or a term"
				    : "%s: expected a formula, not a measure",
			    what);
		if (!f)
			return;
	}
}

static bool is_kind(const Criterion *c, StlKind kind)
{
	g_autoptr(StlFormula) f = c->measure ? stl_parse(c->measure, NULL, NULL) : NULL;
	return f && stl_formula_kind(f) == kind;
}

static void lint_measure(const Lint *lint)
{
	const Criterion *c = lint->c;
	if (!c->measure)
		return;
	lint_text(lint, "measure", c->measure, true);
	bool delay = is_kind(c, STL_KIND_DELAY), time = delay || is_kind(c, STL_KIND_DURATION);
	if (time && !unit_compatible(&c->unit, &unit_second))
		say(lint, false, "a delay or duration is measured in a time unit, not in %s",
		    c->unit.symbol);
	if (delay && c->good == GOOD_BELOW && !c->partner)
		say(lint, false,
		    "a latency criterion needs `with`: its false-alarm criterion (a product that "
		    "always answers "
		    "has no latency)");
	for (int level = c->levels->len > 0 ? 0 : -1; level < (int)c->levels->len; level++) {
		Quantity limit;
		if (!criterion_limit(c, level, &limit))
			say(lint, false, "level L%d gives no %s", level + 1, c->limit);
		else if (!unit_compatible(&limit.unit, &c->unit))
			say(lint, false, "the limit %s is not in a unit of the measure, %s",
			    c->limit, c->unit.symbol);
	}
}

/* L1 is the easiest: limits get stricter, never looser. */
static void lint_levels(const Lint *lint)
{
	for (guint i = 1; i < lint->c->levels->len; i++) {
		Quantity easy, hard;
		if (!criterion_limit(lint->c, (int)i - 1, &easy) ||
		    !criterion_limit(lint->c, (int)i, &hard) ||
		    !unit_compatible(&easy.unit, &hard.unit))
			continue;
		double step = unit_convert(hard.value, &hard.unit, &easy.unit) - easy.value;
		if (lint->c->good == GOOD_BELOW ? step >= 0 : step <= 0)
			say(lint, false, "L%u is not stricter than L%u", i + 1, i);
	}
}

static void lint_decision(const Lint *lint)
{
	const Criterion *c = lint->c;
	if (c->rule == RULE_SIMPLE && c->injures)
		say(lint, false,
		    "rule `simple` passes with a margin of 0 half of what does not conform: not "
		    "for a hazard that can "
		    "injure (or say `injures: false`)");
	if (c->rule == RULE_GUARDED && (!(c->risk_accept > 0) || !(c->risk_reject > 0)))
		say(lint, false, "the guarded rule needs risks above 0");
}

/* A number of the pack's own: a parameter, a limit other than a plain zero, a figure in the formula. Digits of names do
 * not count. */
static bool has_number(const Criterion *c)
{
	if (c->levels->len > 0 || g_hash_table_size(c->parameters) > 0)
		return true;
	for (const char *p = c->formula; *p; p++)
		if (*p >= '1' && *p <= '9' &&
		    (p == c->formula || !(g_ascii_isalnum(p[-1]) || strchr("_-.", p[-1]))))
			return true;
	return false;
}

/* A slip in one of the four words would make a number that decides nothing into one from a standard. */
static void lint_basis(const Lint *lint, const char *basis)
{
	static const char *const words[] = {"lab decision", "project choice", "no number", "none",
					    NULL};
	g_autofree char *low = g_ascii_strdown(basis, -1);
	g_strstrip(low);
	g_strdelimit(low, "-_", ' ');
	for (int i = 0; words[i]; i++)
		if (!g_ascii_strcasecmp(basis, words[i]))
			return;
	const char *near = text_nearest(low, words);
	if (!*low || near)
		say(lint, false, "`basis: %s`: name a standard with its clause, or write '%s'",
		    basis, near ? near : "none");
}

static void lint_source(const Lint *lint)
{
	const CriterionSource *s = &lint->c->source;
	lint_basis(lint, s->basis);
	if (!g_ascii_strcasecmp(s->basis, "lab decision") && (!s->by || !*s->by))
		say(lint, false, "a lab decision says who decided (`by`)");
	if (g_hash_table_size(lint->c->stand_in) > 0 && (!lint->c->needs || lint->c->adoptable))
		say(lint, false,
		    "`stand_in` numbers are for what `needs` says; a verdict may not rest on them");
	if (!g_ascii_strcasecmp(s->basis, "no number") && has_number(lint->c))
		say(lint, false, "`basis: no number`, but it has one");
}

static void lint_partner(const Lint *lint)
{
	const Criterion *c = lint->c;
	g_autofree char *prefix = g_strdup_printf("%s/", lint->pack->id);
	if (c->partner && g_str_has_prefix(c->partner, prefix) &&
	    !criterion_find(&(Pack *){(Pack *)(uintptr_t)lint->pack}, 1, c->partner))
		say(lint, false, "`with: %s`: no such criterion", c->partner);
	if (c->partner && !strcmp(c->partner, c->full_id))
		say(lint, false, "`with` names the criterion itself");
}

static void lint_claim(const Lint *lint)
{
	const Criterion *c = lint->c;
	if (c->claim_n <= 0)
		return;
	unsigned need =
		metrology_trials(c->claim_rate, c->claim_confidence, (unsigned)c->claim_permitted);
	if (need == 0 || (unsigned)c->claim_n < need)
		say(lint, false,
		    "%d runs with %d failures cannot show %g %% at %g %% confidence: that needs %u",
		    c->claim_n, c->claim_permitted, 100 * c->claim_rate, 100 * c->claim_confidence,
		    need);
}

static bool premise_is_the_products(const char *formula)
{
	const char *arrow = strstr(formula, "->");
	if (!arrow)
		arrow = strstr(formula, "implies");
	g_autofree char *left = arrow ? g_strndup(formula, (gsize)(arrow - formula)) : NULL;
	return left && criterion_text_has(left, "product.");
}

static void lint_formula(const Lint *lint)
{
	const Criterion *c = lint->c;
	lint_text(lint, "formula", c->formula, false);
	/* As it is evaluated; a lone Boolean's name would pass for a term by itself. */
	g_autofree char *premise =
		c->premise ? g_strdup_printf("eventually (%s)", c->premise) : NULL;
	if (premise)
		lint_text(lint, "premise", premise, false);
	/* Vacuity is about what the bench must bring; a premise of the product's would hide it. */
	if (premise_is_the_products(c->formula))
		say(lint, false,
		    "write `not (a and not b)` in place of `a -> b` where `a` is the product's "
		    "doing: its "
		    "absence is no missing premise");
	/* The onset of a truth is known to lie in an interval, so at no single instant is the rise certain. */
	if (!c->measure && criterion_text_has(c->formula, "rise(truth."))
		say(lint, true,
		    "without `measure: delay(…)` a formula on rise(truth.…) can never be violated "
		    "for sure");
}

bool criterion_pack_lint(const Pack *pack, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	for (guint i = 0; i < pack->criteria->len; i++) {
		const Lint lint = {pack, g_ptr_array_index(pack->criteria, i), diag};
		lint_formula(&lint);
		lint_measure(&lint);
		lint_levels(&lint);
		lint_decision(&lint);
		lint_source(&lint);
		lint_partner(&lint);
		lint_claim(&lint);
	}
	return diagnostics_errors(diag) == before;
}

/* ---- what a kept pack must have ---- */

static void lint_trials(const Lint *lint)
{
	g_autoptr(GString) missing = g_string_new(NULL);
	for (int kind = 0; kind < TRIAL_KINDS; kind++)
		if (!lint->c->trials[kind])
			g_string_append_printf(missing, "%s%s", missing->len ? ", " : "",
					       trial_name((TrialKind)kind));
	if (missing->len > 0)
		say(lint, false, "has no trial: %s (docs/criteria.md)", missing->str);
}

/* A Japanese guideline with English reasons is half a guideline. */
static void lint_languages(const Lint *lint)
{
	const Criterion *c = lint->c;
	const char *const said[][3] = {{"note", c->source.note, c->source.note_ja},
				       {"needs", c->needs, c->needs_ja}};
	for (size_t i = 0; i < G_N_ELEMENTS(said); i++)
		if (said[i][1] && !g_strcmp0(said[i][1], said[i][2]))
			say(lint, true, "says its %s in one language: {en: \"…\", ja: \"…\"}",
			    said[i][0]);
}

bool criterion_pack_lint_kept(const Pack *pack, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	for (guint i = 0; i < pack->criteria->len; i++) {
		const Lint lint = {pack, g_ptr_array_index(pack->criteria, i), diag};
		lint_trials(&lint);
		lint_languages(&lint);
		if (!lint.c->hazard)
			say(&lint, false, "names no hazard");
		if (lint.c->claim_n <= 0)
			say(&lint, false,
			    "says nothing of repeats (`claim`, here or for the pack)");
	}
	return diagnostics_errors(diag) == before;
}
