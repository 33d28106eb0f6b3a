/* A run record against its recording: criterion by criterion, and as a whole. */
#include "record.h"

static void say(Check *k, bool wrong, const char *id, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void say(Check *k, bool wrong, const char *id, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(k->out, "%s: %s: %s\n", id, wrong ? "WRONG" : "not checked", text);
	*(wrong ? &k->wrong : &k->open) += 1;
}

static double number(JsonObject *o, const char *key)
{
	JsonNode *n = o ? json_object_get_member(o, key) : NULL;
	if (!n || !JSON_NODE_HOLDS_VALUE(n))
		return (double)NAN;
	const char *text = json_node_get_string(n);
	return !text                  ? json_node_get_double(n)
	       : !strcmp(text, "inf") ? (double)INFINITY
				      : -(double)INFINITY;
}

static const char *text(JsonObject *o, const char *key)
{
	JsonNode *n = o ? json_object_get_member(o, key) : NULL;
	return n && JSON_NODE_HOLDS_VALUE(n) ? json_node_get_string(n) : NULL;
}

static JsonObject *object(JsonObject *o, const char *key)
{
	JsonNode *n = o ? json_object_get_member(o, key) : NULL;
	return n && JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
}

static JsonArray *list(JsonObject *o, const char *key)
{
	JsonNode *n = o ? json_object_get_member(o, key) : NULL;
	return n && JSON_NODE_HOLDS_ARRAY(n) ? json_node_get_array(n) : NULL;
}

static bool near(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 2e-6 * fmax(1, fabs(b));
}

/* ---- what the pack that the session carries says of a criterion ---- */

typedef struct Rule {
	const YamlNode *node;
	GHashTable *parameters;
	Quantity limit;
	double accept, reject;
	bool simple;
} Rule;

static double share(const YamlNode *n, const char *key)
{
	double r = (double)NAN;
	const char *said = yaml_get_text(n, key);
	return said && quantity_parse_as(said, &unit_one, &r, NULL) ? r : (double)NAN;
}

static void add_numbers(GHashTable *to, const YamlNode *map)
{
	for (size_t i = 0; map && i < yaml_size(map); i++) {
		Quantity q;
		const char *said = yaml_text(yaml_value_at(map, i));
		if (said && quantity_parse(said, &q, NULL))
			g_hash_table_insert(to, g_strdup(yaml_text(yaml_key_at(map, i))),
					    g_memdup2(&q, sizeof(q)));
	}
}

static bool find_rule(const Check *k, const char *id, Rule *ret)
{
	for (guint i = 0; i < k->packs->len; i++) {
		const YamlNode *root = yaml_root(k->packs->pdata[i]);
		const char *pack = yaml_get_text(root, "id");
		size_t n = pack ? strlen(pack) : 0;
		if (!pack || strncmp(id, pack, n) != 0 || id[n] != '/')
			continue;
		const YamlNode *node = yaml_get(yaml_get(root, "criteria"), id + n + 1);
		if (!node)
			continue;
		const YamlNode *own = yaml_get(node, "decision"),
			       *decision = own ? own : yaml_get(root, "decision");
		*ret = (Rule){.node = node,
			      .parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
								  g_free),
			      .accept = share(decision, "max_false_accept"),
			      .reject = share(decision, "max_false_reject"),
			      .simple = !g_strcmp0(yaml_get_text(decision, "rule"), "simple")};
		const char *level = yaml_get_text(node, "required");
		add_numbers(ret->parameters, yaml_get(node, "parameters"));
		if (k->adopted)
			add_numbers(ret->parameters, yaml_get(node, "stand_in"));
		if (level)
			add_numbers(ret->parameters, yaml_get(yaml_get(node, "levels"), level));
		const char *limit = yaml_get_text(yaml_get(node, "measure"), "limit");
		const Quantity *q = limit && *limit == '$'
					    ? g_hash_table_lookup(ret->parameters, limit + 1)
					    : NULL;
		if (q)
			ret->limit = *q;
		else if (!limit || !quantity_parse(limit, &ret->limit, NULL))
			ret->limit = (Quantity){(double)NAN, unit_one};
		return true;
	}
	return false;
}

/* ---- one criterion ---- */

static GHashTable *set_table(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
				     (GDestroyNotify)g_array_unref);
}

static void read_unknown(GHashTable *to, JsonObject *unknown)
{
	g_autoptr(GList) names = unknown ? json_object_get_members(unknown) : NULL;
	for (GList *name = names; name; name = name->next) {
		JsonArray *all = list(unknown, name->data);
		Set *set = set_new();
		for (guint i = 0; all && i < json_array_get_length(all); i++) {
			JsonArray *span = json_array_get_array_element(all, i);
			if (!span || json_array_get_length(span) != 2)
				continue;
			bool open = JSON_NODE_HOLDS_NULL(json_array_get_element(span, 1));
			set_add(set, json_array_get_int_element(span, 0),
				open ? INT64_MAX : json_array_get_int_element(span, 1));
		}
		g_hash_table_insert(to, g_strdup(name->data), set_tidy(set));
	}
}

static unsigned comparisons(const Node *n)
{
	return !n ? 0
		  : (n->kind == N_LESS || n->kind == N_MORE) +
			       2 * (n->kind == N_RISE || n->kind == N_IFF) + comparisons(n->a) +
			       comparisons(n->b);
}

/* The risks of all bands, on both sides, and of the clock stay within what is declared; each band is as wide as its risk asks. */
static const char *read_bands(World *w, JsonObject *witness, const Claim *c, double risk)
{
	JsonArray *bands = list(witness, "bands");
	guint n = bands ? json_array_get_length(bands) : 0;
	bool alone = n == 1 && c->names->len == 1 && comparisons(c->formula) == 1;
	double spent = n > 0 && alone ? 0 : number(witness, "clock_risk");
	g_autoptr(GHashTable) spent_on =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; i < n; i++) {
		JsonObject *band = json_array_get_object_element(bands, i);
		const char *name = text(band, "signal"), *truth = text(band, "truth");
		const Signal *s = name ? recording_signal(w->rec, name) : NULL;
		double r = number(band, "risk");
		if (!s || !(r > 0))
			return "a band of the witness fits no signal";
		if (!near(number(band, "width"), band_width(&s->info, usable_samples(w, s), r)))
			return "a band of the witness has another width";
		/* Bands of one signal lie within each other, so together they miss no more often than the narrowest.
		 * What is noted beside a truth's own band, and not looked at by itself, costs nothing. */
		const double *most = g_hash_table_lookup(spent_on, name);
		bool counts = truth ||
			      g_ptr_array_find_with_equal_func(c->direct, name, g_str_equal, NULL);
		if (counts && (!most || r > *most))
			g_hash_table_replace(spent_on, g_strdup(name), g_memdup2(&r, sizeof(r)));
		g_hash_table_insert(w->risks, g_strdup_printf("%s/%s", truth ? truth : "", name),
				    g_memdup2(&r, sizeof(r)));
	}
	GHashTableIter iter;
	gpointer most;
	g_hash_table_iter_init(&iter, spent_on);
	while (g_hash_table_iter_next(&iter, NULL, &most))
		spent += (alone ? 1 : 2) * *(const double *)most;
	return spent <= risk * (1 + 1e-9) ? NULL : "the bands spend more than the declared risk";
}

static double clock_of(const World *w, const GPtrArray *names)
{
	double of[2] = {0, 0};
	for (guint i = 0; i < names->len; i++) {
		const Signal *s = recording_signal(w->rec, names->pdata[i]);
		if (s && s->info.u_clock_s > of[is_outcome(&s->info)])
			of[is_outcome(&s->info)] = s->info.u_clock_s;
	}
	return hypot(of[0], of[1]);
}

static void all_names(const World *w, const Node *n, GPtrArray *names, GPtrArray *owned)
{
	formula_names(n, names);
	for (guint i = 0; i < names->len; i++) {
		const TruthSpec *t = world_truth(w, names->pdata[i]);
		const char *texts[] = {t ? t->onset : NULL, t ? t->end : NULL};
		for (int k = 0; k < 2; k++) {
			Node *below =
				texts[k] ? formula_parse(texts[k], w->spec->parameters) : NULL;
			g_ptr_array_add(owned, below);
			formula_names(below, names);
		}
	}
}

/* The numbers beside the verdict are those that decide. */
static const char *numbers_wrong(World *w, const Claim *c, const Proof *p, JsonObject *o,
				 const Rule *rule, const Unit *unit)
{
	double m = number(o, "margin"), limit = number(o, "limit"),
	       measured = number(o, "measured"), up = number(o, "guard_accept"),
	       down = number(o, "guard_reject");
	if (isfinite(rule->limit.value) &&
	    !near(limit, unit_convert(rule->limit.value, &rule->limit.unit, unit)))
		return "the limit is not the pack's";
	if (isfinite(limit) && isfinite(m) &&
	    !near(m, c->below ? limit - measured : measured - limit) && !near(m, measured))
		return "the margin is not the distance to the limit";
	if (rule->simple && (up > 0 || down > 0))
		return "a simple decision has no guard band";
	if (c->measure) {
		double to = unit_convert_difference(1, &unit_second, unit);
		double over = (p->hi - p->measured) * to, under = (p->measured - p->lo) * to;
		if (!near(measured, p->measured * to))
			return "the measured value is not the recording's";
		if (rule->simple)
			return NULL;
		if ((isfinite(over) && !near(c->below ? up : down, over)) ||
		    !near(c->below ? down : up, under))
			return "the guard band is not the recording's";
		return NULL;
	}
	if (!isfinite(m))
		return NULL;
	/* A margin is m when the formula holds with every atom m harder, and not with any more. */
	World asked = *w;
	double values[] = {m - up, m, m + down}, e = 1e-5 * fmax(1, fabs(m));
	asked.shift_unit = *unit;
	for (int i = 0; i < 3; i++) {
		bool yes = i < 2;
		asked.point = i == 1 || rule->simple;
		if (!isfinite(values[i]) || (p->holes && (i == 1 || rule->simple)))
			continue; /* with holes the margin as measured is an interval's middle */
		double v = yes ? values[i] : -values[i];
		asked.shift = v - e;
		bool easier = holds(&asked, c->formula, yes);
		asked.shift = v + e;
		if (!easier || holds(&asked, c->formula, yes))
			return asked.problem->len > 0 ? NULL : "the margin is not the recording's";
	}
	return NULL;
}

static Node *parsed(const YamlNode *n, const char *key, const Rule *rule)
{
	const char *said = yaml_get_text(n, key);
	return said ? formula_parse(said, rule->parameters) : NULL;
}

/* Commands are no truth; a replay does not follow the product, so it decides from truth, labels, answers and what is declared
 * exogenous only. */
static bool may_decide(const World *w, const Claim *c)
{
	for (guint i = 0; i < c->names->len; i++) {
		const char *name = c->names->pdata[i];
		const Signal *s = recording_signal(w->rec, name);
		bool direct = g_ptr_array_find_with_equal_func(c->direct, name, g_str_equal, NULL);
		if (!s || world_truth(w, name))
			continue;
		if (s->info.origin == ORIGIN_COMMAND)
			return false;
		bool given = is_answer(&s->info) || s->info.origin == ORIGIN_LABEL ||
			     (s->info.exogenous && !s->info.affected_by_product);
		if (w->rec->evidence == EVIDENCE_REPLAY &&
		    !(direct ? given : !is_outcome(&s->info)))
			return false;
	}
	return true;
}

static const char *check_claim(Check *k, World *own, Claim *c, JsonObject *o, const Rule *rule,
			       Verdict verdict, bool *ret_open)
{
	JsonObject *witness = object(o, "witness");
	Unit unit = unit_one;
	const char *wrong, *symbol = text(o, "unit"), *said = text(o, "formula");
	bool decided = verdict == VERDICT_PASS || verdict == VERDICT_FAIL;
	if (!witness)
		return decided ? "the witness is missing" : (*ret_open = true, "no witness");
	Node *filled = said ? formula_parse(said, NULL) : NULL;
	bool same = formula_same(filled, c->formula);
	formula_free(filled);
	if (!same)
		return "the formula is not the pack's";
	if (!near(number(o, "risk_accept"), rule->accept) ||
	    !near(number(o, "risk_reject"), rule->reject))
		return "the declared risks are not the pack's";
	if (symbol && !unit_parse(symbol, &unit, NULL))
		return "no such unit";
	add_unknown(own);
	World decides = *own, *w = &decides;
	g_autoptr(GHashTable) more = set_table();
	int as_scripted = stimulus(own);
	if (as_scripted <= 0) { /* then more is unknown, and only the witness says since when */
		w->unknown = more;
		read_unknown(more, object(witness, "unknown"));
		add_unknown(w);
	}
	double risk = fmin(rule->accept, rule->reject), clock_risk = number(witness, "clock_risk"),
	       u = clock_of(w, c->names);
	if (!(clock_risk > 0 && clock_risk <= risk))
		return "the clock has no risk";
	if ((wrong = read_bands(w, witness, c, risk)))
		return wrong;
	c->clock = u > 0 && !rule->simple
			   ? band_width(&(SignalInfo){.u_common = u, .dof_common = INFINITY}, 1,
					clock_risk)
			   : 0;
	if (!c->measure && u > 0)
		w->clock_s = band_width(&(SignalInfo){.u_common = u, .dof_common = INFINITY}, 1,
					clock_risk / 2);
	c->limit = c->measure ? unit_convert(rule->limit.value, &rule->limit.unit, &unit_second)
			      : (double)NAN;
	w->point = rule->simple;
	own->clock_s = w->clock_s;
	own->point = w->point;
	Proof p;
	prove(w, own, as_scripted, c, &p);
	if (w->problem->len > 0) {
		*ret_open = true;
		return w->problem->str;
	}
	const char *basis = yaml_get_text(yaml_get(rule->node, "source"), "basis");
	bool barred = yaml_get(rule->node, "needs") || !g_strcmp0(basis, "project choice") ||
		      !g_strcmp0(basis, "none") ||
		      (yaml_get(rule->node, "evidence") && k->rec->evidence != EVIDENCE_PHYSICAL);
	barred &= !k->adopted;
	if (decided && barred)
		return "the pack lets nothing be decided yet, or not by such evidence";
	barred |= !may_decide(w, c);
	if (decided && barred)
		return "it rests on commands, or on what a replay does not follow";
	if (verdict == VERDICT_PASS && !p.pass)
		return "the recording does not show a PASS";
	if (verdict == VERDICT_FAIL && !p.fail)
		return "the recording does not show a FAIL";
	if (!decided && !barred && (p.pass || p.fail))
		return p.pass ? "the recording shows a PASS" : "the recording shows a FAIL";
	if (!decided && verdict != (barred ? VERDICT_INVALID : p.neither))
		return verdict == VERDICT_INVALID ? "the bench did not fail there"
						  : "the bench failed there";
	wrong = decided ? numbers_wrong(w, c, &p, o, rule, &unit) : NULL;
	if (wrong || w->problem->len == 0)
		return wrong;
	*ret_open = true;
	return w->problem->str;
}

static void check_criterion(Check *k, JsonObject *o, GHashTable *seen)
{
	const char *id = text(o, "id");
	Verdict verdict = VERDICT_INVALID;
	Rule rule = {0};
	id = id ? id : "?";
	g_hash_table_add(seen, g_strdup(id));
	if (!text(o, "verdict") || !verdict_parse(text(o, "verdict"), &verdict)) {
		say(k, true, id, "no known verdict");
		return;
	}
	if (!find_rule(k, id, &rule)) {
		say(k, true, id, "no pack in the session has it");
		return;
	}
	const YamlNode *measure = yaml_get(rule.node, "measure");
	g_autoptr(GPtrArray) names = g_ptr_array_new(), direct = g_ptr_array_new(),
			     below = g_ptr_array_new_with_free_func((GDestroyNotify)formula_free);
	World w = {.problem = g_string_new(NULL),
		   .rec = k->rec,
		   .spec = k->spec,
		   .in = {k->rec->start_ns, k->rec->end_ns},
		   .risks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		   .unknown = set_table()};
	Claim c = {.formula = parsed(rule.node, "formula", &rule),
		   .measure = parsed(measure, "value", &rule),
		   .premise = parsed(rule.node, "premise", &rule),
		   .direct = direct,
		   .names = names,
		   .below = g_strcmp0(yaml_get_text(measure, "good"), "above") != 0};
	bool open = !c.formula || (measure && !c.measure) ||
		    (yaml_get(rule.node, "premise") && !c.premise);
	const char *wrong = open ? "its formula is beyond this checker" : NULL;
	if (!open) {
		formula_names(c.formula, direct);
		formula_names(c.measure, direct);
		formula_names(c.premise, direct);
		all_names(&w, c.formula, names, below);
		all_names(&w, c.measure, names, below);
		all_names(&w, c.premise, names, below);
		if (c.measure && c.measure->kind != N_DELAY)
			g_clear_pointer(&c.measure, formula_free); /* the formula's own margin */
		wrong = check_claim(k, &w, &c, o, &rule, verdict, &open);
	}
	if (wrong)
		say(k, !open, id, "%s %s", verdict_name(verdict), wrong);
	else
		fprintf(k->out, "%s: %s verified\n", id, verdict_name(verdict));
	formula_free(c.formula);
	formula_free(c.measure);
	formula_free(c.premise);
	g_hash_table_unref(w.risks);
	g_hash_table_unref(w.unknown);
	g_hash_table_unref(rule.parameters);
	g_string_free(w.problem, TRUE);
}

static char *joined(JsonArray *texts)
{
	guint n = texts ? json_array_get_length(texts) : 0;
	GString *all = g_string_new(NULL);
	for (guint i = 0; i < n; i++)
		g_string_append_printf(all, "%s%s", i ? "," : "",
				       json_array_get_string_element(texts, i));
	return g_string_free(all, n == 0);
}

void check_record(Check *k, JsonObject *root, const char *session_sha256)
{
	JsonArray *all = list(root, "criteria");
	unsigned count[4] = {0};
	const char *named = g_hash_table_lookup(k->rec->meta, "criteria"),
		   *said = text(root, "verdict");
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (g_strcmp0(session_sha256, text(root, "session_sha256")))
		say(k, true, "run.json", "it belongs to another session.mcap");
	if (g_strcmp0(text(root, "evidence"), evidence_name(k->rec->evidence)))
		say(k, true, "run.json", "the evidence class is not the session's");
	for (guint i = 0; all && i < json_array_get_length(all); i++) {
		JsonNode *n = json_array_get_element(all, i);
		JsonObject *o = JSON_NODE_HOLDS_OBJECT(n) ? json_node_get_object(n) : NULL;
		Verdict v = VERDICT_INVALID;
		if (text(o, "verdict"))
			verdict_parse(text(o, "verdict"), &v);
		count[v]++;
		check_criterion(k, o, seen);
	}
	Verdict whole = count[VERDICT_FAIL]           ? VERDICT_FAIL
			: count[VERDICT_INVALID]      ? VERDICT_INVALID
			: count[VERDICT_INCONCLUSIVE] ? VERDICT_INCONCLUSIVE
			: count[VERDICT_PASS]         ? VERDICT_PASS
						      : VERDICT_INCONCLUSIVE;
	if (g_strcmp0(said, verdict_name(whole)))
		say(k, true, "run.json", "the run's verdict is not that of its criteria");
	/* Only what the session itself leaves out may be missing. */
	JsonArray *left_out = list(root, "left_out");
	g_autofree char *spared = joined(left_out);
	if (g_strcmp0(spared, g_hash_table_lookup(k->rec->meta, "criteria.left-out")))
		say(k, true, "run.json", "other criteria were left out of the session");
	g_auto(GStrv) ids = g_strsplit(named ? named : "", ",", -1);
	for (char **id = ids; *id; id++)
		if (**id && !g_hash_table_contains(seen, *id))
			say(k, true, *id,
			    "the run was judged by it, and run.json does not have it");
}
