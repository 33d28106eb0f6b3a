/* JudgeSpec as JSON: the attachment "judge.json". */
#include "json.h"

static void put_optional(GString *out, const char *key, const char *text)
{
	if (!text)
		return;
	g_string_append_printf(out, ",\"%s\":", key);
	text_append_json(out, text);
}

static void put_truths(GString *out, const GPtrArray *truths)
{
	g_string_append(out, "\"truths\":[");
	for (guint i = 0; i < truths->len; i++) {
		const TruthSpec *t = truths->pdata[i];
		g_string_append(out, i ? ",{\"name\":" : "{\"name\":");
		text_append_json(out, t->name);
		put_optional(out, "onset", t->onset);
		put_optional(out, "end", t->end);
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

static void put_parameters(GString *out, GHashTable *parameters)
{
	g_autoptr(GList) names =
		g_list_sort(g_hash_table_get_keys(parameters), (GCompareFunc)strcmp);
	g_string_append(out, ",\"parameters\":{");
	for (GList *name = names; name; name = name->next) {
		const Quantity *q = g_hash_table_lookup(parameters, name->data);
		if (name != names)
			g_string_append_c(out, ',');
		text_append_json(out, name->data);
		g_string_append(out, ":{\"value\":");
		json_put_double(out, q->value);
		g_string_append(out, ",\"unit\":");
		text_append_json(out, q->unit.symbol);
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, '}');
}

char *judge_spec_to_json(const JudgeSpec *spec)
{
	GString *out = g_string_new("{");
	put_truths(out, spec->truths);
	g_string_append(out, ",\"stimulus\":[");
	for (guint i = 0; i < spec->stimulus->len; i++) {
		if (i)
			g_string_append_c(out, ',');
		text_append_json(out, spec->stimulus->pdata[i]);
	}
	g_string_append_c(out, ']');
	put_parameters(out, spec->parameters);
	put_optional(out, "heartbeat", spec->heartbeat);
	put_optional(out, "positive_control", spec->positive_control);
	put_optional(out, "consumed", spec->consumed);
	put_optional(out, "age", spec->age);
	put_optional(out, "cpu_wait", spec->cpu_wait);
	g_string_append_printf(out,
			       ",\"heartbeat_ns\":%" G_GINT64_FORMAT
			       ",\"positive_control_ns\":%" G_GINT64_FORMAT
			       ",\"max_age_ns\":%" G_GINT64_FORMAT ",\"max_cpu_wait\":",
			       spec->heartbeat_ns, spec->positive_control_ns, spec->max_age_ns);
	json_put_double(out, spec->max_cpu_wait);
	g_string_append_c(out, '}');
	return g_string_free(out, FALSE);
}

static void read_truths(JsonReaderState *s, JsonArray *list, JudgeSpec *spec)
{
	for (guint i = 0; list && i < json_array_get_length(list); i++) {
		JsonObject *o = json_state_object(s, json_array_get_element(list, i), "truths[]");
		TruthSpec *t = g_new0(TruthSpec, 1);
		t->name = json_state_text(s, o, "name", true);
		t->onset = json_state_text(s, o, "onset", true);
		t->end = json_state_text(s, o, "end", false);
		g_ptr_array_add(spec->truths, t);
	}
}

static void read_parameters(JsonReaderState *s, JsonObject *object, JudgeSpec *spec)
{
	g_autoptr(GList) names = object ? json_object_get_members(object) : NULL;
	for (GList *name = names; name; name = name->next) {
		JsonObject *o = json_state_object(s, json_object_get_member(object, name->data),
						  name->data);
		g_autofree char *unit = json_state_text(s, o, "unit", true);
		Quantity q = {json_state_double(s, o, "value"), unit_one};
		if (unit && !unit_parse(unit, &q.unit, NULL))
			json_state_fail(s, unit, "no known unit");
		g_hash_table_insert(spec->parameters, g_strdup(name->data),
				    g_memdup2(&q, sizeof(q)));
	}
}

JudgeSpec *judge_spec_from_json(const char *json, gssize size, GError **error)
{
	g_autoptr(JudgeSpec) spec = judge_spec_new();
	g_auto(JsonReaderState) s = {0};
	JsonObject *root = json_state_open(&s, json, size, "judge.json");
	JsonArray *stimulus = json_state_array(&s, root, "stimulus");

	read_truths(&s, json_state_array(&s, root, "truths"), spec);
	for (guint i = 0; stimulus && i < json_array_get_length(stimulus); i++) {
		const char *text = json_array_get_string_element(stimulus, i);
		if (text)
			g_ptr_array_add(spec->stimulus, g_strdup(text));
		else
			json_state_fail(&s, "stimulus", "no text");
	}
	read_parameters(&s, json_state_member(&s, root, "parameters"), spec);
	spec->heartbeat = json_state_text(&s, root, "heartbeat", false);
	spec->positive_control = json_state_text(&s, root, "positive_control", false);
	spec->consumed = json_state_text(&s, root, "consumed", false);
	spec->age = json_state_text(&s, root, "age", false);
	spec->cpu_wait = json_state_text(&s, root, "cpu_wait", false);
	spec->heartbeat_ns = json_state_int(&s, root, "heartbeat_ns", 0);
	spec->positive_control_ns = json_state_int(&s, root, "positive_control_ns", 0);
	spec->max_age_ns = json_state_int(&s, root, "max_age_ns", 0);
	spec->max_cpu_wait = json_state_double(&s, root, "max_cpu_wait");
	return json_state_close(&s, error) ? g_steal_pointer(&spec) : NULL;
}
