/* run.json: the run record as JSON, and back. Keys are those of docs (commands.md): run, verdict, criteria, evidence. */
#include "json.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

#define RUN_FORMAT "run/1"

/* ---- writing --------------------------------------------------------------------------------- */

static void key(GString *out, const char *name)
{
	char last = out->str[out->len - 1];
	if (last != '{' && last != '[')
		g_string_append_c(out, ',');
	g_string_append_printf(out, "\"%s\":", name);
}

static void put_text(GString *out, const char *name, const char *text)
{
	key(out, name);
	text_append_json(out, text);
}

static void put_number(GString *out, const char *name, double v)
{
	key(out, name);
	json_put_double(out, v);
}

static void put_int(GString *out, const char *name, int64_t v)
{
	key(out, name);
	g_string_append_printf(out, "%" G_GINT64_FORMAT, v);
}

static void put_list(GString *out, const char *name, const GPtrArray *texts)
{
	key(out, name);
	g_string_append_c(out, '[');
	for (guint i = 0; i < texts->len; i++) {
		if (i)
			g_string_append_c(out, ',');
		text_append_json(out, texts->pdata[i]);
	}
	g_string_append_c(out, ']');
}

static void put_table(GString *out, const char *name, GHashTable *table)
{
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(table), (GCompareFunc)strcmp);
	key(out, name);
	g_string_append_c(out, '{');
	for (GList *k = keys; k; k = k->next) {
		if (k != keys)
			g_string_append_c(out, ',');
		text_append_json(out, k->data);
		g_string_append_c(out, ':');
		text_append_json(out, g_hash_table_lookup(table, k->data));
	}
	g_string_append_c(out, '}');
}

/* [[t_ns, value, status], …] */
static void put_trace(GString *out, const char *name, const Signal *trace)
{
	if (!trace)
		return;
	key(out, name);
	g_string_append(out, "{\"name\":");
	text_append_json(out, trace->info.name);
	put_text(out, "unit", trace->info.unit.symbol);
	key(out, "points");
	g_string_append_c(out, '[');
	for (size_t i = 0; i < trace->n; i++) {
		g_string_append_printf(out,
				       i ? ",[%" G_GINT64_FORMAT "," : "[%" G_GINT64_FORMAT ",",
				       trace->t_ns[i]);
		json_put_double(out, trace->v[i]);
		g_string_append_printf(out, ",%u]", (unsigned)trace->status[i]);
	}
	g_string_append(out, "]}");
}

static void put_levels(GString *out, const GPtrArray *levels)
{
	key(out, "levels");
	g_string_append_c(out, '[');
	for (guint i = 0; i < levels->len; i++) {
		const LevelResult *l = levels->pdata[i];
		g_string_append(out, i ? ",{" : "{");
		put_text(out, "level", l->name);
		put_text(out, "verdict", verdict_name(l->verdict));
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

static void put_tippings(GString *out, const GPtrArray *tippings)
{
	key(out, "tipping");
	g_string_append_c(out, '[');
	for (guint i = 0; i < tippings->len; i++) {
		const Tipping *t = tippings->pdata[i];
		g_string_append(out, i ? ",{" : "{");
		put_text(out, "kind", t->kind);
		put_text(out, "signal", t->signal);
		put_number(out, "amount", t->amount);
		put_text(out, "unit", t->unit.symbol);
		put_number(out, "in_u", t->in_u);
		put_number(out, "searched", t->searched);
		put_text(out, "becomes", isnan(t->amount) ? NULL : verdict_name(t->becomes));
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

static void put_monte_carlo(GString *out, const MonteCarlo *m)
{
	if (m->draws == 0)
		return;
	key(out, "monte_carlo");
	g_string_append_c(out, '{');
	put_int(out, "draws", m->draws);
	put_int(out, "held", m->held);
	put_int(out, "violated", m->violated);
	put_int(out, "open", m->open);
	g_string_append_c(out, '}');
}

static void put_criterion(GString *out, const CriterionResult *c)
{
	g_string_append_c(out, '{');
	put_text(out, "id", c->id);
	put_text(out, "verdict", verdict_name(c->verdict));
	put_number(out, "measured", c->measured);
	put_text(out, "unit", c->unit.symbol);
	put_number(out, "uncertainty", c->uncertainty);
	put_number(out, "limit", c->limit);
	put_text(out, "why", c->why);
	put_text(out, "why_ja", c->why_ja);
	put_text(out, "title_en", c->title_en);
	put_text(out, "title_ja", c->title_ja);
	put_number(out, "coverage", c->coverage);
	put_number(out, "margin", c->margin);
	put_number(out, "guard_accept", c->guard_accept);
	put_number(out, "guard_reject", c->guard_reject);
	put_number(out, "risk_accept", c->risk_accept);
	put_number(out, "risk_reject", c->risk_reject);
	put_number(out, "dof", c->dof);
	put_text(out, "rule", c->rule);
	put_text(out, "level", c->level);
	put_text(out, "formula", c->formula);
	put_int(out, "from_ns", c->from_ns);
	put_int(out, "to_ns", c->to_ns);
	put_text(out, "required_evidence", c->required_evidence);
	put_number(out, "claim_rate", c->claim_rate);
	put_number(out, "claim_confidence", c->claim_confidence);
	put_int(out, "claim_n", c->claim_n);
	put_int(out, "claim_permitted", c->claim_permitted);
	put_number(out, "claim_max_invalid", c->claim_max_invalid);
	put_number(out, "claim_sequential", c->claim_good);
	put_text(out, "claim_over", c->claim_over);
	put_number(out, "claim_gap", c->claim_gap);
	put_list(out, "perspectives", c->perspectives);
	put_list(out, "crosswalk", c->crosswalk);
	put_levels(out, c->levels);
	put_tippings(out, c->tippings);
	put_monte_carlo(out, &c->monte_carlo);
	put_trace(out, "margin_trace", c->margin_trace);
	if (c->witness) {
		key(out, "witness");
		g_string_append(out, c->witness);
	}
	g_string_append_c(out, '}');
}

static void put_fault(GString *out, const Fault *f)
{
	g_string_append_c(out, '{');
	put_int(out, "t_ns", f->t_ns);
	key(out, "until_ns");
	if (f->until_ns == CLOCK_NEVER)
		g_string_append(out, "null");
	else
		g_string_append_printf(out, "%" G_GINT64_FORMAT, f->until_ns);
	put_text(out, "source", f->source);
	put_text(out, "cause", f->cause);
	put_text(out, "signal", f->signal);
	put_text(out, "blame", blame_name(f->blame));
	key(out, "proven");
	g_string_append(out, f->proven ? "true}" : "false}");
}

char *run_record_to_json(const RunRecord *r)
{
	GString *out = g_string_new("{");
	put_text(out, "format", RUN_FORMAT);
	put_text(out, "run", r->run_id);
	put_text(out, "verdict", verdict_name(r->verdict));
	put_text(out, "evidence", evidence_name(r->evidence));
	key(out, "criteria");
	g_string_append_c(out, '[');
	for (guint i = 0; i < r->criteria->len; i++) {
		g_string_append(out, i ? ",\n" : "\n");
		put_criterion(out, r->criteria->pdata[i]);
	}
	g_string_append_c(out, ']');
	put_list(out, "left_out", r->left_out);
	put_text(out, "scenario", r->scenario);
	put_text(out, "scenario_title_en", r->scenario_title_en);
	put_text(out, "scenario_title_ja", r->scenario_title_ja);
	put_text(out, "product", r->product);
	put_text(out, "rig", r->rig);
	put_text(out, "tool_version", r->tool_version);
	put_text(out, "session_sha256", r->session_sha256);
	put_text(out, "started_utc", r->started_utc);
	put_table(out, "inputs", r->inputs);
	key(out, "faults");
	g_string_append_c(out, '[');
	for (guint i = 0; i < r->faults->len; i++) {
		g_string_append(out, i ? ",\n" : "\n");
		put_fault(out, r->faults->pdata[i]);
	}
	g_string_append_c(out, ']');
	put_table(out, "meta", r->meta);
	g_string_append(out, "}\n");
	return g_string_free(out, FALSE);
}

gboolean run_record_write(const RunRecord *record, const char *path, GError **error)
{
	g_autofree char *json = run_record_to_json(record);
	return session_write_file(path, json, strlen(json), error);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_verdict(JsonReaderState *s, JsonObject *o, Verdict *ret)
{
	g_autofree char *text = json_state_text(s, o, "verdict", true);
	if (text && !verdict_parse(text, ret))
		json_state_fail(s, "verdict", "no known verdict");
}

static void read_unit(JsonReaderState *s, JsonObject *o, Unit *ret)
{
	g_autofree char *text = json_state_text(s, o, "unit", true);
	if (text && !unit_parse(text, ret, NULL))
		json_state_fail(s, "unit", "no known unit");
}

static void read_list(JsonReaderState *s, JsonObject *o, const char *name, GPtrArray *to)
{
	JsonArray *list = json_state_array(s, o, name);
	for (guint i = 0; list && i < json_array_get_length(list); i++) {
		JsonNode *node = json_array_get_element(list, i);
		if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_string(node))
			g_ptr_array_add(to, g_strdup(json_node_get_string(node)));
		else
			json_state_fail(s, name, "texts were expected");
	}
}

static void read_table(JsonReaderState *s, JsonObject *root, const char *name, GHashTable *to)
{
	JsonObject *o = json_state_member(s, root, name);
	g_autoptr(GList) keys = o ? json_object_get_members(o) : NULL;
	for (GList *k = keys; k; k = k->next) {
		char *text = json_state_text(s, o, k->data, false);
		g_hash_table_insert(to, g_strdup(k->data), text ? text : g_strdup(""));
	}
}

static bool is_point(JsonNode *node)
{
	JsonArray *p = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
	for (guint i = 0; p && i < json_array_get_length(p); i++)
		if (JSON_NODE_HOLDS_ARRAY(json_array_get_element(p, i)) ||
		    JSON_NODE_HOLDS_OBJECT(json_array_get_element(p, i)))
			return false;
	return p && json_array_get_length(p) == 3;
}

static double point_value(JsonNode *node)
{
	const char *text = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
	if (JSON_NODE_HOLDS_NULL(node))
		return NAN;
	return text ? g_ascii_strtod(text, NULL) : json_node_get_double(node);
}

static Signal *read_trace(JsonReaderState *s, JsonObject *criterion)
{
	JsonObject *o = json_state_member(s, criterion, "margin_trace");
	if (!o)
		return NULL;
	g_autofree char *name = json_state_text(s, o, "name", true);
	JsonArray *points = json_state_array(s, o, "points");
	Signal *trace = signal_new(name ? name : "");
	read_unit(s, o, &trace->info.unit);
	for (guint i = 0; points && i < json_array_get_length(points); i++) {
		JsonNode *node = json_array_get_element(points, i);
		JsonArray *p = is_point(node) ? json_node_get_array(node) : NULL;
		int64_t status = p ? json_array_get_int_element(p, 2) : -1;
		if (status < SAMPLE_OK || status > SAMPLE_STALE ||
		    !signal_append(trace, json_array_get_int_element(p, 0),
				   point_value(json_array_get_element(p, 1)), (SampleStatus)status))
			json_state_fail(
				s, "margin_trace",
				"points [t, value, status] in the order of time were expected");
	}
	return trace;
}

static void read_levels(JsonReaderState *s, JsonObject *criterion, GPtrArray *to)
{
	JsonArray *list = json_state_array(s, criterion, "levels");
	for (guint i = 0; list && i < json_array_get_length(list); i++) {
		JsonObject *o = json_state_object(s, json_array_get_element(list, i), "levels[]");
		g_autofree char *name = json_state_text(s, o, "level", true);
		Verdict verdict = VERDICT_INVALID;
		read_verdict(s, o, &verdict);
		g_ptr_array_add(to, level_result_new(name ? name : "", verdict));
	}
}

static Tipping *read_tipping(JsonReaderState *s, JsonNode *node)
{
	JsonObject *o = json_state_object(s, node, "tipping[]");
	g_autofree char *kind = json_state_text(s, o, "kind", true),
			*signal = json_state_text(s, o, "signal", false),
			*becomes = json_state_text(s, o, "becomes", false);
	Tipping *t = tipping_new(kind ? kind : "", signal, &unit_one);
	read_unit(s, o, &t->unit);
	t->amount = json_state_double(s, o, "amount");
	t->in_u = json_state_double(s, o, "in_u");
	t->searched = json_state_double(s, o, "searched");
	if (becomes && !verdict_parse(becomes, &t->becomes))
		json_state_fail(s, "becomes", "no known verdict");
	return t;
}

static void read_tippings(JsonReaderState *s, JsonObject *criterion, GPtrArray *to)
{
	JsonArray *list = json_state_array(s, criterion, "tipping");
	for (guint i = 0; list && i < json_array_get_length(list); i++)
		g_ptr_array_add(to, read_tipping(s, json_array_get_element(list, i)));
}

static void read_monte_carlo(JsonReaderState *s, JsonObject *criterion, MonteCarlo *ret)
{
	JsonObject *o = json_state_member(s, criterion, "monte_carlo");
	if (!o)
		return;
	ret->draws = (unsigned)json_state_int(s, o, "draws", 0);
	ret->held = (unsigned)json_state_int(s, o, "held", 0);
	ret->violated = (unsigned)json_state_int(s, o, "violated", 0);
	ret->open = (unsigned)json_state_int(s, o, "open", 0);
}

static CriterionResult *read_criterion(JsonReaderState *s, JsonNode *node)
{
	JsonObject *o = json_state_object(s, node, "criteria[]");
	g_autofree char *id = json_state_text(s, o, "id", true);
	CriterionResult *c = criterion_result_new(id ? id : "");
	read_verdict(s, o, &c->verdict);
	read_unit(s, o, &c->unit);
	c->measured = json_state_double(s, o, "measured");
	c->uncertainty = json_state_double(s, o, "uncertainty");
	c->limit = json_state_double(s, o, "limit");
	c->why = json_state_text(s, o, "why", false);
	c->why_ja = json_state_text(s, o, "why_ja", false);
	c->title_en = json_state_text(s, o, "title_en", false);
	c->title_ja = json_state_text(s, o, "title_ja", false);
	c->coverage = json_state_double(s, o, "coverage");
	c->margin = json_state_double(s, o, "margin");
	c->guard_accept = json_state_double(s, o, "guard_accept");
	c->guard_reject = json_state_double(s, o, "guard_reject");
	c->risk_accept = json_state_double(s, o, "risk_accept");
	c->risk_reject = json_state_double(s, o, "risk_reject");
	c->dof = json_state_double(s, o, "dof");
	c->rule = json_state_text(s, o, "rule", false);
	c->level = json_state_text(s, o, "level", false);
	c->formula = json_state_text(s, o, "formula", false);
	c->from_ns = json_state_int(s, o, "from_ns", -1);
	c->to_ns = json_state_int(s, o, "to_ns", -1);
	c->required_evidence = json_state_text(s, o, "required_evidence", false);
	c->claim_rate = json_state_double(s, o, "claim_rate");
	c->claim_confidence = json_state_double(s, o, "claim_confidence");
	c->claim_n = (int)json_state_int(s, o, "claim_n", 0);
	c->claim_permitted = (int)json_state_int(s, o, "claim_permitted", 0);
	c->claim_max_invalid = json_state_double(s, o, "claim_max_invalid");
	c->claim_good = json_state_double(s, o, "claim_sequential");
	c->claim_over = json_state_text(s, o, "claim_over", false);
	c->claim_gap = json_state_double(s, o, "claim_gap");
	read_list(s, o, "perspectives", c->perspectives);
	read_list(s, o, "crosswalk", c->crosswalk);
	read_levels(s, o, c->levels);
	read_tippings(s, o, c->tippings);
	read_monte_carlo(s, o, &c->monte_carlo);
	c->margin_trace = read_trace(s, o);
	if (json_state_member(s, o, "witness"))
		c->witness = json_to_string(json_object_get_member(o, "witness"), FALSE);
	return c;
}

static Fault *read_fault(JsonReaderState *s, JsonNode *node)
{
	JsonObject *o = json_state_object(s, node, "faults[]");
	Fault *f = g_new0(Fault, 1);
	g_autofree char *blame = json_state_text(s, o, "blame", true);
	f->t_ns = json_state_int(s, o, "t_ns", 0);
	f->until_ns = json_state_int(s, o, "until_ns", CLOCK_NEVER);
	f->source = json_state_text(s, o, "source", false);
	f->cause = json_state_text(s, o, "cause", false);
	f->signal = json_state_text(s, o, "signal", false);
	f->proven = json_state_bool(s, o, "proven");
	if (blame && !blame_parse(blame, &f->blame))
		json_state_fail(s, "blame", "bench, product or unknown was expected");
	return f;
}

static void read_head(JsonReaderState *s, JsonObject *root, RunRecord *r)
{
	g_autofree char *format = json_state_text(s, root, "format", true);
	g_autofree char *evidence = json_state_text(s, root, "evidence", true);
	if (format && strcmp(format, RUN_FORMAT))
		json_state_fail(s, "format", "'" RUN_FORMAT "' was expected");
	if (evidence && !evidence_parse(evidence, &r->evidence))
		json_state_fail(s, "evidence", "no known evidence class");
	r->run_id = json_state_text(s, root, "run", false);
	read_verdict(s, root, &r->verdict);
	r->scenario = json_state_text(s, root, "scenario", false);
	r->scenario_title_en = json_state_text(s, root, "scenario_title_en", false);
	r->scenario_title_ja = json_state_text(s, root, "scenario_title_ja", false);
	r->product = json_state_text(s, root, "product", false);
	r->rig = json_state_text(s, root, "rig", false);
	r->tool_version = json_state_text(s, root, "tool_version", false);
	r->session_sha256 = json_state_text(s, root, "session_sha256", false);
	r->started_utc = json_state_text(s, root, "started_utc", false);
}

RunRecord *run_record_from_json(const char *json, gssize length, const char *name, GError **error)
{
	g_autoptr(RunRecord) r = run_record_new();
	g_auto(JsonReaderState) s = {0};
	JsonObject *root = json_state_open(&s, json, length, name);
	JsonArray *criteria = json_state_array(&s, root, "criteria"),
		  *faults = json_state_array(&s, root, "faults");

	read_head(&s, root, r);
	for (guint i = 0; criteria && i < json_array_get_length(criteria); i++)
		g_ptr_array_add(r->criteria,
				read_criterion(&s, json_array_get_element(criteria, i)));
	for (guint i = 0; faults && i < json_array_get_length(faults); i++)
		g_ptr_array_add(r->faults, read_fault(&s, json_array_get_element(faults, i)));
	read_list(&s, root, "left_out", r->left_out);
	read_table(&s, root, "inputs", r->inputs);
	read_table(&s, root, "meta", r->meta);
	return json_state_close(&s, error) ? g_steal_pointer(&r) : NULL;
}

RunRecord *run_record_read(const char *path, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *json = NULL;
	gsize size = 0;
	if (!g_file_get_contents(path, &json, &size, &local)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s", local->message);
		return NULL;
	}
	return run_record_from_json(json, (gssize)size, path, error);
}

/* ---- the run folder -------------------------------------------------------------------------- */

char *run_folder_new(const char *dir, const char *scenario_id, Clock *clock, char **ret_id,
		     GError **error)
{
	int64_t mono, uncertainty, utc = clock_utc(clock, &mono, &uncertainty);
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(utc / CLOCK_S);
	g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ"),
			*name = g_path_get_basename(scenario_id);

	if (g_mkdir_with_parents(dir, 0755) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", dir,
			    g_strerror(errno));
		return NULL;
	}
	for (unsigned n = 1; n < 10000; n++) {
		g_autofree char *id = n == 1 ? g_strdup_printf("%s-%s", stamp, name)
					     : g_strdup_printf("%s-%s-%u", stamp, name, n);
		g_autofree char *path = g_build_filename(dir, id, NULL);
		if (g_mkdir(path, 0755) == 0) {
			if (ret_id)
				*ret_id = g_steal_pointer(&id);
			return g_steal_pointer(&path);
		}
		if (errno != EEXIST) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", path,
				    g_strerror(errno));
			return NULL;
		}
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: holds ten thousand runs of this second", dir);
	return NULL;
}
