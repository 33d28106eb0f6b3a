/* What an import found, took and left. */
#include "recording.h"

#include <json-glib/json-glib.h>

static const char *const time_names[] = {[IMPORT_TIME_LOG] = "log",
					 [IMPORT_TIME_PUBLISH] = "publish",
					 [IMPORT_TIME_STAMP] = "stamp"};

const char *import_time_name(ImportTime time)
{
	return time_names[time];
}

gboolean import_time_parse(const char *name, ImportTime *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(time_names); i++)
		if (!g_strcmp0(name, time_names[i])) {
			*ret = (ImportTime)i;
			return TRUE;
		}
	return FALSE;
}

static void reason_free(void *pointer)
{
	ImportReason *reason = pointer;
	g_free(reason->what);
	g_free(reason->where);
	g_free(reason);
}

static void topic_free(void *pointer)
{
	ImportTopic *topic = pointer;
	g_free(topic->name);
	g_free(topic->type);
	g_free(topic->encoding);
	g_ptr_array_unref(topic->left);
	g_ptr_array_unref(topic->lost);
	g_free(topic);
}

void import_report_free(ImportReport *r)
{
	if (!r)
		return;
	g_free(r->format);
	g_free(r->sha256);
	g_free(r->incomplete);
	g_ptr_array_unref(r->topics);
	g_ptr_array_unref(r->notes);
	g_free(r);
}

static GPtrArray *copy_reasons(const GPtrArray *from)
{
	GPtrArray *to = g_ptr_array_new_with_free_func(reason_free);
	for (guint i = 0; i < from->len; i++) {
		const IntakeReason *reason = from->pdata[i];
		ImportReason *copy = g_new0(ImportReason, 1);
		copy->what = g_strdup(reason->what);
		copy->where = g_strdup(reason->first);
		copy->n = reason->n;
		g_ptr_array_add(to, copy);
	}
	return to;
}

static ImportTopic *copy_topic(const IntakeTopic *from)
{
	ImportTopic *topic = g_new0(ImportTopic, 1);
	topic->name = g_strdup(from->name);
	topic->type = g_strdup(from->type);
	topic->encoding = g_strdup(from->encoding);
	topic->messages = from->messages;
	topic->taken = from->taken;
	topic->signals = from->signals;
	topic->frames = from->camera ? from->camera->frames : 0;
	topic->left = copy_reasons(from->reasons);
	topic->lost = copy_reasons(from->losses);
	return topic;
}

static void take_span(const Intake *in, ImportReport *r)
{
	int64_t first = INT64_MAX, last = 0;
	if (in->n_samples) {
		first = in->samples[0].t_ns;
		last = in->samples[in->n_samples - 1].t_ns;
	}
	for (guint i = 0; i < in->texts->len; i++) {
		int64_t t = g_array_index(in->texts, IntakeText, i).t_ns;
		first = MIN(first, t);
		last = MAX(last, t);
	}
	for (guint i = 0; i < in->cameras->len; i++) {
		const IntakeCamera *c = in->cameras->pdata[i];
		first = MIN(first, c->first_ns);
		last = MAX(last, c->last_ns);
		r->frames += c->frames;
	}
	r->start_ns = first == INT64_MAX ? 0 : first;
	r->end_ns = MAX(last, r->start_ns);
}

ImportReport *import_report_new(const Intake *in, const char *sha256, uint64_t size)
{
	ImportReport *r = g_new0(ImportReport, 1);
	r->format = g_strdup(in->format);
	r->sha256 = g_strdup(sha256);
	r->size = size;
	r->topics = g_ptr_array_new_with_free_func(topic_free);
	r->notes = g_ptr_array_new_with_free_func(g_free);
	r->incomplete = g_strdup(in->incomplete);
	r->messages = in->messages;
	r->taken = in->taken;
	r->texts = in->texts->len;
	r->time = in->options->time;
	for (guint i = 0; i < in->topics->len; i++)
		g_ptr_array_add(r->topics, copy_topic(in->topics->pdata[i]));
	for (guint i = 0; i < in->notes->len; i++)
		g_ptr_array_add(r->notes, g_strdup(in->notes->pdata[i]));
	for (guint i = 0; i < in->signals->len; i++) {
		const IntakeSignal *s = in->signals->pdata[i];
		if (s->lag && s->all_zero)
			continue;
		r->signals++;
		r->samples += s->n;
		r->equal_times += s->equal;
	}
	take_span(in, r);
	return r;
}

/* ---- as JSON ------------------------------------------------------------------------------------------------ */

static void text(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	if (value)
		json_builder_add_string_value(b, value);
	else
		json_builder_add_null_value(b);
}

static void number(JsonBuilder *b, const char *name, uint64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, (gint64)value);
}

static void add_reasons(JsonBuilder *b, const char *name, const GPtrArray *reasons)
{
	json_builder_set_member_name(b, name);
	json_builder_begin_array(b);
	for (guint i = 0; i < reasons->len; i++) {
		const ImportReason *reason = reasons->pdata[i];
		json_builder_begin_object(b);
		text(b, "what", reason->what);
		text(b, "first", reason->where);
		number(b, "n", reason->n);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void add_topics(JsonBuilder *b, const GPtrArray *topics)
{
	json_builder_set_member_name(b, "topics");
	json_builder_begin_array(b);
	for (guint i = 0; i < topics->len; i++) {
		const ImportTopic *topic = topics->pdata[i];
		json_builder_begin_object(b);
		text(b, "name", topic->name);
		text(b, "type", topic->type);
		text(b, "encoding", topic->encoding);
		number(b, "messages", topic->messages);
		number(b, "taken", topic->taken);
		number(b, "signals", topic->signals);
		number(b, "frames", topic->frames);
		add_reasons(b, "left", topic->left);
		add_reasons(b, "lost", topic->lost);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

char *import_report_json(const ImportReport *r)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	text(b, "format", r->format);
	text(b, "sha256", r->sha256);
	number(b, "size", r->size);
	text(b, "time", import_time_name(r->time));
	number(b, "messages", r->messages);
	number(b, "taken", r->taken);
	number(b, "signals", r->signals);
	number(b, "samples", r->samples);
	number(b, "frames", r->frames);
	number(b, "texts", r->texts);
	number(b, "equal_times", r->equal_times);
	number(b, "start_ns", (uint64_t)r->start_ns);
	number(b, "end_ns", (uint64_t)r->end_ns);
	text(b, "incomplete", r->incomplete);
	add_topics(b, r->topics);
	json_builder_set_member_name(b, "notes");
	json_builder_begin_array(b);
	for (guint i = 0; i < r->notes->len; i++)
		json_builder_add_string_value(b, r->notes->pdata[i]);
	json_builder_end_array(b);
	json_builder_end_object(b);
	g_autoptr(JsonNode) root = json_builder_get_root(b);
	return json_to_string(root, TRUE);
}
