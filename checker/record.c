/* Does the verdict on each criterion follow, and that of the whole? */
#include "record.h"

#include <json-glib/json-glib.h>

/* What the pack that the session carries says of a criterion, and what that names. */
typedef struct Rule {
	const YamlNode *node;
	GHashTable *parameters; /* name → Quantity* */
	Node *formula, *measure, *premise;
	GPtrArray *direct, *names; /* in its texts, and below their truths */
	Quantity limit;
	double accept, reject, limit_s, clock_s;
	bool simple, below, barred, understood;
	GHashTable *unknown; /* signal → Set*, with what the witness says */
} Rule;
typedef struct Proof {
	bool satisfied, violated, prohibition;
	bool never, promised;    /* the premise surely never came; a truth was to bring it about */
	double measured, lo, hi; /* s, of a delay */
	int64_t until;
} Proof;

static void add_numbers(Rule *r, const YamlNode *map)
{
	for (size_t i = 0; map && i < yaml_size(map); i++) {
		Quantity q;
		const char *said = yaml_text(yaml_value_at(map, i));
		if (said && quantity_parse(said, &q, NULL))
			g_hash_table_insert(r->parameters, g_strdup(yaml_text(yaml_key_at(map, i))),
					    g_memdup2(&q, sizeof(q)));
	}
}

static Node *add_text(Rule *r, const YamlNode *from, const char *key)
{
	const char *said = yaml_get_text(from, key);
	Node *n = said ? formula_parse(said, r->parameters) : NULL;
	r->understood &= n || !said;
	formula_names(n, r->direct);
	formula_names(n, r->names);
	return n;
}

static double share(const YamlNode *n, const char *key)
{
	double r = (double)NAN;
	const char *said = yaml_get_text(n, key);
	return said && quantity_parse_as(said, &unit_one, &r, NULL) ? r : (double)NAN;
}

static const YamlNode *find(const Check *k, const char *id, const YamlNode **ret_root)
{
	for (guint i = 0; i < k->packs->len; i++) {
		const YamlNode *root = yaml_root(k->packs->pdata[i]), *node;
		const char *pack = yaml_get_text(root, "id");
		size_t n = pack ? strlen(pack) : 0;
		*ret_root = root;
		if (n > 0 && !strncmp(id, pack, n) && id[n] == '/' &&
		    (node = yaml_get(yaml_get(root, "criteria"), id + n + 1)))
			return node;
	}
	return NULL;
}

static bool read_rule(const Check *k, const char *id, Rule *r)
{
	const YamlNode *root, *node = find(k, id, &root);
	*r = (Rule){.node = node,
		    .understood = true,
		    .parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		    .unknown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		    .direct = g_ptr_array_new(),
		    .names = g_ptr_array_new()};
	if (!node)
		return false;
	const YamlNode *own = yaml_get(node, "decision"),
		       *decision = own ? own : yaml_get(root, "decision"),
		       *measure = yaml_get(node, "measure");
	const char *level = yaml_get_text(node, "required"),
		   *limit = yaml_get_text(measure, "limit"),
		   *basis = yaml_get_text(yaml_get(node, "source"), "basis");
	add_numbers(r, yaml_get(node, "parameters"));
	if (k->adopted)
		add_numbers(r, yaml_get(node, "stand_in"));
	if (level)
		add_numbers(r, yaml_get(yaml_get(node, "levels"), level));
	const Quantity *q =
		limit && *limit == '$' ? g_hash_table_lookup(r->parameters, limit + 1) : NULL;
	if (q)
		r->limit = *q;
	else if (!limit || !quantity_parse(limit, &r->limit, NULL))
		r->limit = (Quantity){(double)NAN, unit_one};
	r->accept = share(decision, "max_false_accept");
	r->reject = share(decision, "max_false_reject");
	r->simple = !g_strcmp0(yaml_get_text(decision, "rule"), "simple");
	r->below = g_strcmp0(yaml_get_text(measure, "good"), "above") != 0;
	r->barred = !k->adopted &&
		    (yaml_get(node, "needs") || !g_strcmp0(basis, "project choice") ||
		     !g_strcmp0(basis, "none") ||
		     (yaml_get(node, "evidence") && k->rec->evidence != EVIDENCE_PHYSICAL));
	r->formula = add_text(r, node, "formula");
	r->measure = add_text(r, measure, "value");
	r->premise = add_text(r, node, "premise");
	for (guint i = 0; i < r->names->len; i++) {
		const TruthSpec *t = spec_truth(k->spec, r->names->pdata[i]);
		formula_names(t ? formula_parse(t->onset, k->spec->parameters) : NULL, r->names);
		formula_names(t && t->end ? formula_parse(t->end, k->spec->parameters) : NULL,
			      r->names);
	}
	if (r->measure && r->measure->kind != N_DELAY)
		r->measure = NULL; /* the formula's own margin */
	return true;
}

/* Is one of the names a truth, or (truth false) what the product did? */
static bool names_some(const World *w, const Node *n, bool truth)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	formula_names(n, names);
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = recording_signal(w->rec, names->pdata[i]);
		bool outcome =
			(s && is_outcome(&s->info)) || g_str_has_suffix(names->pdata[i], ".age");
		if (truth ? spec_truth(w->spec, names->pdata[i]) != NULL : outcome)
			return true;
	}
	return false;
}

/* ---- delays ---- */

typedef struct Delay {
	Edge cause;
	double lo, hi; /* s; hi INF: no answer for sure */
	int64_t answer;
} Delay;

static GArray *delays(World *w, Node *n)
{
	GArray *all = pooled(sizeof(Delay));
	Tri a = eval(w, n->a), b = n->b ? eval(w, n->b)
					: (Tri){{set_mix(w->all, a.s[MAYBE], ONLY_LEFT),
						 set_mix(w->all, a.s[SURE], ONLY_LEFT)},
						false};
	GArray *causes = rises(w, &a), *answers = rises(w, &b);
	for (guint i = 0; i < causes->len; i++) {
		Delay d = {g_array_index(causes, Edge, i), 0, INF, CLOCK_NEVER};
		bool maybe = false;
		d.lo = (double)(w->to - d.cause.to) / 1e9;
		for (guint k = 0; k < answers->len && isinf(d.hi); k++) {
			const Edge *e = &g_array_index(answers, Edge, k);
			if (e->to <= d.cause.from)
				continue;
			d.lo = maybe ? d.lo : fmax((double)(e->from - d.cause.to) / 1e9, 0);
			maybe = true;
			if (e->certain && e->from > d.cause.to) {
				d.hi = (double)(e->to - d.cause.from) / 1e9;
				d.answer = e->to;
			}
		}
		g_array_append_val(all, d);
	}
	return all;
}

static void prove_delays(World *w, const Rule *c, Proof *p)
{
	World as_measured = *w;
	as_measured.point = true;
	const GArray *wide = delays(w, c->measure), *point = delays(&as_measured, c->measure);
	const Delay *worst = NULL;
	bool all = true, certain = false;
	for (guint i = 0; i < wide->len; i++) {
		const Delay *d = &g_array_index(wide, Delay, i);
		bool under = d->hi + c->clock_s<c->limit_s, over = d->lo - c->clock_s> c->limit_s;
		certain |= d->cause.certain;
		all &= c->below ? under : over;
		p->violated |= (c->below ? over : under) && d->cause.certain;
		p->until = MAX(p->until, d->answer == CLOCK_NEVER ? w->to : d->answer);
	}
	/* Doing nothing is never too long. */
	p->prohibition = !c->measure->b && names_some(w, c->measure, false);
	p->satisfied = all && (certain || p->prohibition);
	p->never = wide->len == 0 && !p->prohibition;
	p->promised = names_some(w, c->measure, true);
	for (guint i = 0; i < point->len; i++) {
		const Delay *d = &g_array_index(point, Delay, i);
		worst = !worst || (c->below ? d->lo > worst->lo : d->lo < worst->lo) ? d : worst;
	}
	int64_t distance = CLOCK_NEVER;
	for (guint i = 0; worst && i < wide->len; i++) {
		const Delay *d = &g_array_index(wide, Delay, i);
		if (ABS(d->cause.to - worst->cause.to) >= distance)
			continue;
		distance = ABS(d->cause.to - worst->cause.to);
		p->lo = d->lo - c->clock_s;
		p->hi = isinf(worst->hi) ? INF : d->hi + c->clock_s;
	}
	if (worst)
		p->measured = isinf(worst->hi) ? worst->lo : (worst->lo + worst->hi) / 2;
}

/* ---- formulas ---- */

/* 1: for sure; -1: for sure not; 0: nobody knows. */
static int comes_about(World *w, Node *n)
{
	guint mark = pool_mark();
	Tri t = eval(w, n);
	int r = t.s[SURE]->len > 0 ? 1 : t.s[MAYBE]->len > 0 ? 0 : -1;
	pool_release(mark);
	return r;
}

/* Every premise that is not the product's own doing came about for sure. */
static void exercised(World *w, const Node *n, Proof *p)
{
	if (!n)
		return;
	if (n->kind == N_IMPLIES && !names_some(w, n->a, false)) {
		int comes = comes_about(w, n->a);
		p->satisfied &= comes > 0;
		p->promised |= comes < 0 && names_some(w, n->a, true);
		p->never |= comes < 0;
	}
	exercised(w, n->a, p);
	exercised(w, n->b, p);
}

static void prove(World *w, const Rule *c, Proof *p)
{
	World dead = *w, strict = *w;
	Unit unit;
	*p = (Proof){.measured = NAN, .lo = NAN, .hi = NAN, .until = w->from};
	dead.silent = true;
	if (c->measure) {
		prove_delays(w, c, p);
	} else {
		strict.shift = has_margin(&strict, c->formula, &unit) ? NOTHING * unit.scale : 0;
		p->satisfied = holds(&strict, c->formula, true);
		p->violated = holds(&strict, c->formula, false);
		exercised(w, c->formula, p);
		p->prohibition =
			!names_some(w, c->formula, false) || !holds(&dead, c->formula, false);
		p->until = w->to;
	}
	if (c->premise) {
		int comes = comes_about(w, c->premise);
		p->never = comes < 0;
		p->promised = names_some(w, c->premise, true);
		p->satisfied &= comes > 0;
		p->violated &= comes >= 0;
	}
}

/* The verdict that follows. w: with the holes that decide; own: with those of the recording alone. */
static Verdict follows(World *w, World *own, const Rule *c, int scripted, Proof *p)
{
	bool outcome = false, hole = false, bench = scripted <= 0, broken = bench,
	     everything = bench, complete = w->rec->complete;
	for (guint i = 0; i < c->names->len; i++) {
		const Signal *s = recording_signal(w->rec, c->names->pdata[i]);
		hole = hole || world_hole(w, c->names->pdata[i], true);
		broken = broken || world_hole(own, c->names->pdata[i], true);
		bench = bench || world_hole(own, c->names->pdata[i], false);
		outcome |= s ? is_outcome(&s->info) : g_str_has_suffix(c->names->pdata[i], ".age");
	}
	for (guint i = 0; i < w->rec->faults->len; i++) {
		const Fault *f = g_ptr_array_index(w->rec->faults, i);
		everything |= f->blame != BLAME_PRODUCT && !f->signal;
	}
	prove(w, c, p);
	/* Not as scripted from when on? The witness says; while it was as scripted the check cannot have been violated, and when
	 * nobody saw it nothing is known from the beginning. */
	if (scripted == 0 || (scripted < 0 && as_scripted(w) < 0))
		p->satisfied = p->violated = false;
	/* Only a product that is shown alive keeps a prohibition, whatever that names. */
	bool doubt = p->prohibition && doubtful_from(w) <= w->to;
	int64_t failed = product_failed_at(w);
	Verdict life = alive(w);
	hole |= doubt;
	bool product = outcome || p->prohibition,
	     failed_first = failed <= (p->prohibition ? w->to : p->until);
	if (p->violated)
		return VERDICT_FAIL;
	if (p->satisfied && scripted > 0 && complete && !(failed_first && product) &&
	    (!p->prohibition || (!hole && life == VERDICT_PASS)))
		return VERDICT_PASS;
	/* Its own failure, or no answer to its control: only where the bench did not fail as well. */
	if (product && !hole && (p->satisfied || !bench) && scripted > 0 &&
	    (complete || !p->satisfied) &&
	    (failed != CLOCK_NEVER || (p->prohibition && p->satisfied && life == VERDICT_FAIL)))
		return VERDICT_FAIL;
	if (p->never)
		return everything || p->promised ? VERDICT_INVALID : VERDICT_INCONCLUSIVE;
	if (!complete || (bench && !p->satisfied) || (doubt && p->satisfied) ||
	    (broken && (p->prohibition || (outcome && failed != CLOCK_NEVER))))
		return VERDICT_INVALID;
	return p->satisfied && p->prohibition && life == VERDICT_INVALID ? VERDICT_INVALID
									 : VERDICT_INCONCLUSIVE;
}

/* ---- what the record says beside it ---- */

static double number(JsonObject *o, const char *key)
{
	JsonNode *n = json_object_get_member(o, key);
	return n && JSON_NODE_HOLDS_VALUE(n) ? json_node_get_double(n) : (double)NAN;
}

static bool near(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 2e-6 * fmax(1, fabs(b));
}

/* Has it numbers that no straight lines describe? The judge encloses them to a millionth. And what is equal has no margin. */
static bool bent(const Node *n)
{
	return n && (n->kind == N_TIMES || n->kind == N_TOUCH || n->kind == N_OVER ||
		     n->kind == N_NORM || n->kind == N_MEAN || bent(n->a) || bent(n->b));
}

static unsigned comparisons(const Node *n)
{
	return !n ? 0
		  : (n->kind >= N_LESS && n->kind <= N_TOUCH) +
			       2 * (n->kind == N_RISE || n->kind == N_IMPLIES ||
				    n->kind == N_UNTIL || n->kind == N_SINCE) +
			       comparisons(n->a) + comparisons(n->b);
}

/* The risks of all bands, on both sides, and of the clock stay within what is declared, and each band is as wide as its risk asks. */
static const char *read_bands(World *w, JsonObject *witness, const Rule *c)
{
	JsonNode *node = json_object_get_member(witness, "bands");
	JsonArray *bands = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
	guint n = bands ? json_array_get_length(bands) : 0;
	bool alone = n == 1 && c->names->len == 1 && comparisons(c->formula) == 1;
	double spent = alone ? 0 : number(witness, "clock_risk");
	g_autoptr(GHashTable) most = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; i < n; i++) {
		JsonNode *item = json_array_get_element(bands, i);
		JsonObject *band =
			JSON_NODE_HOLDS_OBJECT(item) ? json_node_get_object(item) : witness;
		const char *name = json_object_get_string_member_with_default(band, "signal", ""),
			   *truth = json_object_get_string_member_with_default(band, "truth", "");
		const Signal *s = recording_signal(w->rec, name);
		double r = number(band, "risk");
		if (!s || !(r > 0))
			return "a band of the witness fits no signal";
		const Uncertainty common = {s->info.u_common, s->info.dof_common};
		if (!near(number(band, "width"),
			  metrology_envelope(&common, s->info.u_sample, usable_samples(w, s), r)))
			return "a band of the witness has another width";
		/* Bands of one signal lie within each other, so together they miss no more often than the narrowest. What is noted
		 * beside a truth's own band, and not looked at by itself, costs nothing. */
		const double *before = g_hash_table_lookup(most, name);
		double more = r - (before ? *before : 0);
		if (more > 0 && (*truth || g_ptr_array_find_with_equal_func(c->direct, name,
									    g_str_equal, NULL))) {
			spent += (alone ? 1 : 2) * more;
			g_hash_table_insert(most, g_strdup(name), g_memdup2(&r, sizeof(r)));
		}
		g_hash_table_insert(w->risks, g_strdup_printf("%s/%s", truth, name),
				    g_memdup2(&r, sizeof(r)));
	}
	return spent <= fmin(c->accept, c->reject) * (1 + 1e-9)
		       ? NULL
		       : "the bands spend more than the declared risk";
}

/* The numbers beside a verdict are those that decide. */
static const char *numbers_wrong(World *w, const Rule *c, const Proof *p, const CriterionResult *r)
{
	double m = r->margin, up = r->guard_accept, down = r->guard_reject,
	       s = unit_second.scale / r->unit.scale;
	if (isfinite(c->limit.value) && isfinite(r->limit) &&
	    !near(r->limit, unit_convert(c->limit.value, &c->limit.unit, &r->unit)))
		return "the limit is not the pack's";
	if (isfinite(r->limit) && isfinite(m) &&
	    !near(m, c->below ? r->limit - r->measured : r->measured - r->limit) &&
	    !near(m, r->measured))
		return "the margin is not the distance to the limit";
	if (c->simple && (up > 0 || down > 0))
		return "a simple decision has no guard band";
	if (c->measure) {
		double over = (p->hi - p->measured) * s, under = (p->measured - p->lo) * s;
		if (!near(r->measured, p->measured * s))
			return "the measured value is not the recording's";
		if (!c->simple && ((isfinite(over) && !near(c->below ? up : down, over)) ||
				   !near(c->below ? down : up, under)))
			return "the guard band is not the recording's";
		return NULL;
	}
	/* A margin is m when the formula holds with every atom m harder, and not with any more. */
	World asked = *w;
	Unit unit;
	bool margin = has_margin(&asked, c->formula, &unit), hole = false;
	for (guint i = 0; i < c->names->len; i++)
		hole = hole || world_hole(w, c->names->pdata[i], false);
	double values[] = {m - up, m, m + down},
	       e = (bent(c->formula) ? 1e-3 : 1e-5) * fmax(1, fabs(m)) * r->unit.scale;
	for (int i = 0; i < 3 && isfinite(m); i++) {
		double v = (i < 2 ? values[i] : -values[i]) * r->unit.scale;
		asked.point = i == 1 || c->simple;
		if (!isfinite(v) || (bent(c->formula) && fabs(v) <= e) || (hole && asked.point))
			continue; /* with holes the margin as measured is an interval's middle */
		asked.shift = v - e;
		bool easier = holds(&asked, c->formula, i < 2);
		asked.shift = v + e;
		if (!margin || !easier || holds(&asked, c->formula, i < 2))
			return "the margin is not the recording's";
	}
	return NULL;
}

/* Commands are no truth; a replay does not follow the product, so it decides from truths, labels, answers and what is declared
 * exogenous only. */
static bool may_decide(const World *w, const Rule *c)
{
	for (guint i = 0; i < c->names->len; i++) {
		const char *name = c->names->pdata[i];
		const Signal *s = recording_signal(w->rec, name);
		if (!s || spec_truth(w->spec, name))
			continue;
		bool given = is_answer(&s->info) || s->info.origin == ORIGIN_LABEL ||
			     (s->info.exogenous && !s->info.affected_by_product);
		if (s->info.origin == ORIGIN_COMMAND ||
		    (w->rec->evidence == EVIDENCE_REPLAY &&
		     !(g_ptr_array_find(c->direct, name, NULL) ? given : !is_outcome(&s->info))))
			return false;
	}
	return true;
}

static double clock_band(double u, double risk)
{
	const Uncertainty clock = {u, INF};
	return u > 0 ? metrology_envelope(&clock, 0, 1, risk) : 0;
}

static const char *const instead[] = {
	[VERDICT_PASS] = "the recording shows a PASS",
	[VERDICT_FAIL] = "the recording shows a FAIL",
	[VERDICT_INVALID] = "the bench failed there",
	[VERDICT_INCONCLUSIVE] = "neither PASS nor FAIL is shown, and the bench did not fail"};

/* NULL: it follows, unless there is a problem. */
static const char *check_claim(World *own, Rule *c, JsonObject *witness, const CriterionResult *r)
{
	bool decided = r->verdict == VERDICT_PASS || r->verdict == VERDICT_FAIL;
	double u[2] = {0, 0}, clock_risk = witness ? number(witness, "clock_risk") : 0;
	World decides = *own, *w = &decides;
	Proof p;
	if (!witness) {
		if (!decided)
			world_problem(own, "no witness");
		return decided ? "the witness is missing" : NULL;
	}
	if (!formula_same(r->formula ? formula_parse(r->formula, NULL) : NULL, c->formula))
		return "the formula is not the pack's";
	if (!near(r->risk_accept, c->accept) || !near(r->risk_reject, c->reject))
		return "the declared risks are not the pack's";
	if (!(clock_risk > 0 && clock_risk <= fmin(c->accept, c->reject)))
		return "the clock has no risk";
	own->given = true;
	add_unknown(own, FAR);
	int scripted = as_scripted(own);
	own->given = false;
	add_unknown(own, FAR);
	if (scripted <= 0) { /* then everything is unknown from when on? Only the witness says. */
		JsonNode *since = json_object_get_member(witness, "scripted_until_ns");
		w->unknown = c->unknown;
		add_unknown(w,
			    since && JSON_NODE_HOLDS_VALUE(since) ? json_node_get_int(since) : FAR);
	}
	const char *wrong = read_bands(w, witness, c);
	if (wrong)
		return wrong;
	for (guint i = 0; i < c->names->len; i++) {
		const Signal *s = recording_signal(w->rec, c->names->pdata[i]);
		double *of = s ? &u[is_outcome(&s->info)] : NULL;
		if (s)
			*of = fmax(*of, s->info.u_clock_s);
	}
	c->clock_s = c->simple ? 0 : clock_band(hypot(u[0], u[1]), clock_risk);
	c->limit_s = c->measure ? unit_convert(c->limit.value, &c->limit.unit, &unit_second)
				: (double)NAN;
	own->clock_s = w->clock_s = c->measure ? 0 : clock_band(hypot(u[0], u[1]), clock_risk / 2);
	own->point = w->point = c->simple;
	Verdict v = follows(w, own, c, scripted, &p);
	bool barred = c->barred || !may_decide(w, c);
	/* Near a pole the judge encloses a quotient less tightly than it is looked at here, and may leave it open. */
	if (*w->poles > 0 && r->verdict == VERDICT_INCONCLUSIVE && v != r->verdict)
		world_problem(w, "a divisor that may be 0");
	if (w->problem->len == 0 && r->verdict != (barred ? VERDICT_INVALID : v))
		return barred ? "nothing may be decided by this pack, or by such evidence"
			      : instead[v];
	wrong = decided && w->problem->len == 0 ? numbers_wrong(w, c, &p, r) : NULL;
	return w->problem->len == 0 ? wrong : NULL;
}

static GHashTable *table(GDestroyNotify of_value)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, of_value);
}

static void say(Check *k, unsigned *count, const char *id, const char *what, const char *why)
{
	fprintf(k->out, "%s: %s%s%s\n", id, what, why ? ": " : "", why ? why : "");
	*count += 1;
}

static void check_criterion(Check *k, const CriterionResult *r)
{
	Rule c;
	guint mark = pool_mark();
	unsigned poles = 0;
	World w = {.problem = g_string_new(NULL),
		   .poles = &poles,
		   .rec = k->rec,
		   .spec = k->spec,
		   .from = k->rec->start_ns,
		   .to = k->rec->end_ns,
		   .risks = table(g_free),
		   .unknown = table(NULL)};
	g_autoptr(JsonNode) witness = r->witness ? json_from_string(r->witness, NULL) : NULL;
	const char *wrong = NULL;
	w.all = set_span(w.from, w.to);
	if (!read_rule(k, r->id, &c))
		wrong = "no pack in the session has it";
	else if (!c.understood)
		world_problem(&w, "its formula is beyond this checker");
	else
		wrong = check_claim(&w, &c,
				    witness && JSON_NODE_HOLDS_OBJECT(witness)
					    ? json_node_get_object(witness)
					    : NULL,
				    r);
	/* What was withheld since can leave open what was decided, and changes numbers; but it turns no PASS into a FAIL. */
	if (wrong && k->copy && wrong != instead[VERDICT_PASS] && wrong != instead[VERDICT_FAIL])
		say(k, &k->open, r->id, "not checked",
		    "what it rests on was withheld since it was judged");
	else if (wrong)
		say(k, &k->wrong, r->id, "WRONG", wrong);
	else if (w.problem->len > 0)
		say(k, &k->open, r->id, "not checked", w.problem->str);
	else
		fprintf(k->out, "%s: %s verified\n", r->id, verdict_name(r->verdict));
	GHashTable *tables[] = {w.risks, w.unknown, c.unknown, c.parameters};
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		g_hash_table_unref(tables[i]);
	g_ptr_array_unref(c.direct);
	g_ptr_array_unref(c.names);
	g_string_free(w.problem, TRUE);
	pool_release(mark);
}

void check_record(Check *k, const RunRecord *run, const char *session_sha256)
{
	unsigned count[4] = {0};
	const char *named = g_hash_table_lookup(k->rec->meta, "criteria"),
		   *left_out = g_hash_table_lookup(k->rec->meta, "criteria.left-out");
	g_autoptr(GHashTable) seen = table(NULL);
	const char *original = g_hash_table_lookup(k->rec->meta, "edited.redact");
	k->copy = run->session_sha256 && !g_strcmp0(original, run->session_sha256);
	if (k->copy)
		say(k, &k->open, "run.json", "not checked",
		    "it was judged from the original of this redacted copy");
	else if (g_strcmp0(session_sha256, run->session_sha256))
		say(k, &k->wrong, "run.json", "WRONG", "it belongs to another session.mcap");
	if (run->evidence != k->rec->evidence)
		say(k, &k->wrong, "run.json", "WRONG", "the evidence class is not the session's");
	for (guint i = 0; i < run->criteria->len; i++) {
		const CriterionResult *r = run->criteria->pdata[i];
		count[r->verdict]++;
		g_hash_table_add(seen, g_strdup(r->id));
		check_criterion(k, r);
	}
	Verdict whole = count[VERDICT_FAIL]                                   ? VERDICT_FAIL
			: count[VERDICT_INVALID]                              ? VERDICT_INVALID
			: count[VERDICT_INCONCLUSIVE] || !count[VERDICT_PASS] ? VERDICT_INCONCLUSIVE
									      : VERDICT_PASS;
	if (run->verdict != whole)
		say(k, &k->wrong, "run.json", "WRONG",
		    "the run's verdict is not that of its criteria");
	/* Only what the session itself leaves out may be missing. */
	g_autoptr(GString) joined = g_string_new(NULL);
	for (guint i = 0; i < run->left_out->len; i++)
		g_string_append_printf(joined, "%s%s", i ? "," : "",
				       (char *)run->left_out->pdata[i]);
	if (strcmp(joined->str, left_out ? left_out : ""))
		say(k, &k->wrong, "run.json", "WRONG",
		    "other criteria were left out of the session");
	g_auto(GStrv) ids = g_strsplit(named ? named : "", ",", -1);
	for (char **id = ids; *id; id++)
		if (**id && !g_hash_table_contains(seen, *id))
			say(k, &k->wrong, *id, "WRONG",
			    "the run was judged by it, and run.json does not have it");
}
