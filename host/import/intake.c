/* Messages become samples, texts and pictures. A message counts only as a whole: its values wait in `pending` until the walk
 * has come to its end. */
#include "intake.h"

#include <math.h>
#include <stdarg.h>

typedef struct {
	FieldNode *node;
	FieldKind kind;
	double v;
	char *text; /* not NULL: a text that changed */
} Pending;

/* ---- life --------------------------------------------------------------------------------------------------- */

static void reason_free(void *pointer)
{
	IntakeReason *reason = pointer;
	g_free(reason->what);
	g_free(reason->first);
	g_free(reason);
}

static void topic_free(void *pointer)
{
	IntakeTopic *topic = pointer;
	g_free(topic->name);
	g_free(topic->type);
	g_free(topic->encoding);
	g_free(topic->base);
	g_free(topic->refusal);
	field_node_free(topic->root);
	for (unsigned i = 0; i < G_N_ELEMENTS(topic->lag); i++)
		field_node_free(topic->lag[i]);
	g_ptr_array_unref(topic->reasons);
	g_ptr_array_unref(topic->losses);
	g_free(topic);
}

static void signal_free_(void *pointer)
{
	IntakeSignal *signal = pointer;
	signal_info_clear(&signal->info);
	g_free(signal->field);
	g_free(signal);
}

static void camera_free(void *pointer)
{
	IntakeCamera *camera = pointer;
	g_free(camera->name);
	g_free(camera);
}

static void text_clear(void *pointer)
{
	IntakeText *text = pointer;
	g_free(text->name);
	g_free(text->json);
}

static void set_free(void *pointer)
{
	type_set_free(pointer);
}

void intake_init(Intake *in, const ImportOptions *options, const ImportMap *map)
{
	*in = (Intake){.options = options, .map = map};
	in->topics = g_ptr_array_new_with_free_func(topic_free);
	in->topic_by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	in->signals = g_ptr_array_new_with_free_func(signal_free_);
	in->cameras = g_ptr_array_new_with_free_func(camera_free);
	in->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	in->texts = g_array_new(FALSE, FALSE, sizeof(IntakeText));
	g_array_set_clear_func(in->texts, text_clear);
	in->sets = g_ptr_array_new_with_free_func(set_free);
	in->notes = g_ptr_array_new_with_free_func(g_free);
	in->files = g_ptr_array_new_with_free_func(g_free);
	in->pending = g_array_new(FALSE, FALSE, sizeof(Pending));
	in->picture = g_new0(IntakePicture, 1);
	in->picture->data = g_byte_array_new();
	in->picture->format = g_string_new(NULL);
}

void intake_clear(Intake *in)
{
	if (!in->topics)
		return;
	g_hash_table_unref(in->topic_by_key);
	g_ptr_array_unref(in->topics);
	g_ptr_array_unref(in->signals);
	g_ptr_array_unref(in->cameras);
	g_hash_table_unref(in->names);
	g_array_unref(in->texts);
	g_ptr_array_unref(in->sets);
	g_ptr_array_unref(in->notes);
	g_ptr_array_unref(in->files);
	g_array_unref(in->pending);
	g_byte_array_unref(in->picture->data);
	g_string_free(in->picture->format, TRUE);
	g_free(in->picture);
	g_free(in->samples);
	g_free(in->incomplete);
	g_clear_error(&in->frame_error);
	*in = (Intake){0};
}

/* ---- names -------------------------------------------------------------------------------------------------- */

/* What the lexer of formulas takes as one name: letters, digits and _, joined by dots. */
char *intake_name(const char *text)
{
	GString *name = g_string_new(NULL);
	for (const char *c = text; *c; c++) {
		bool last_dot = name->len == 0 || name->str[name->len - 1] == '.';
		if (g_ascii_isalnum(*c) || *c == '_')
			g_string_append_c(name, *c);
		else if (*c == '/' || *c == '.' || *c == '[') {
			if (!last_dot)
				g_string_append_c(name, '.');
		} else if (*c != ']' && *c != '~') {
			g_string_append_c(name, '_');
		}
	}
	while (name->len && name->str[name->len - 1] == '.')
		g_string_truncate(name, name->len - 1);
	if (name->len == 0 || g_ascii_isdigit(name->str[0]))
		g_string_prepend_c(name, '_');
	return g_string_free(name, FALSE);
}

char *intake_free_name(Intake *in, const char *wanted)
{
	char *name = g_strdup(wanted);
	for (unsigned i = 2; !g_hash_table_add(in->names, g_strdup(name)); i++) {
		g_free(name);
		name = g_strdup_printf("%s_%u", wanted, i);
	}
	return name;
}

/* ---- topics ------------------------------------------------------------------------------------------------- */

static bool wanted_topic(const Intake *in, const char *name)
{
	return !in->options->topics || g_strv_contains(in->options->topics, name);
}

IntakeTopic *intake_topic(Intake *in, const char *name, const char *type, const char *variant,
			  const char *encoding, IntakeWire wire, const MessageType *message)
{
	g_autofree char *valid = g_utf8_make_valid(name, -1);
	g_autofree char *key = g_strdup_printf("%s\n%s\n%s\n%s", valid, type ? type : "",
					       variant ? variant : "", encoding);
	IntakeTopic *topic = g_hash_table_lookup(in->topic_by_key, key);
	if (topic)
		return topic;
	topic = g_new0(IntakeTopic, 1);
	topic->name = g_steal_pointer(&valid);
	topic->type = g_utf8_make_valid(type ? type : "", -1);
	topic->encoding = g_utf8_make_valid(encoding, -1);
	topic->base = intake_name(topic->name);
	topic->wire = wire;
	topic->message = message;
	topic->root = field_node_new();
	topic->reasons = g_ptr_array_new_with_free_func(reason_free);
	topic->losses = g_ptr_array_new_with_free_func(reason_free);
	topic->pictures = picture_type(topic->type);
	for (unsigned i = 0; i < G_N_ELEMENTS(topic->lag); i++)
		topic->lag[i] = field_node_new();
	if (!wanted_topic(in, topic->name))
		intake_refuse_topic(topic, "not among the topics that were asked for");
	g_ptr_array_add(in->topics, topic);
	g_hash_table_insert(in->topic_by_key, g_steal_pointer(&key), topic);
	return topic;
}

void intake_keep_types(Intake *in, TypeSet *set)
{
	g_ptr_array_add(in->sets, set);
}

void intake_refuse_topic(IntakeTopic *topic, const char *format, ...)
{
	va_list args;
	if (topic->refusal)
		return;
	va_start(args, format);
	topic->refusal = g_strdup_vprintf(format, args);
	va_end(args);
}

void intake_note(Intake *in, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *raw = g_strdup_vprintf(format, args), *text = g_utf8_make_valid(raw, -1);
	va_end(args);
	for (guint i = 0; i < in->notes->len; i++)
		if (!strcmp(in->notes->pdata[i], text))
			return;
	if (in->notes->len < 100)
		g_ptr_array_add(in->notes, g_steal_pointer(&text));
}

void intake_incomplete(Intake *in, const char *format, ...)
{
	va_list args;
	if (in->incomplete)
		return;
	va_start(args, format);
	g_autofree char *raw = g_strdup_vprintf(format, args);
	va_end(args);
	in->incomplete = g_utf8_make_valid(raw, -1);
}

void intake_count(GPtrArray *reasons, const char *said, uint64_t n, const IntakePlace *place)
{
	g_autofree char *what = g_utf8_make_valid(said, -1); /* it may cite the file's bytes */
	for (guint i = 0; i < reasons->len; i++) {
		IntakeReason *reason = reasons->pdata[i];
		if (!strcmp(reason->what, what)) {
			reason->n += n;
			return;
		}
	}
	if (reasons->len >= 50) { /* damaged messages may all have another reason */
		((IntakeReason *)reasons->pdata[49])->n += n;
		return;
	}
	IntakeReason *reason = g_new0(IntakeReason, 1);
	reason->what = g_steal_pointer(&what);
	reason->n = n;
	if (place)
		reason->first =
			g_strdup_printf("%s%s%s %" G_GUINT64_FORMAT, place->file ? place->file : "",
					place->file ? ": " : "", place->unit, place->at);
	g_ptr_array_add(reasons, reason);
}

void intake_leave(Intake *in, IntakeTopic *topic, const char *why, const IntakePlace *place)
{
	if (in->frames_pass)
		return;
	in->messages++;
	topic->messages++;
	intake_count(topic->reasons, why, 1, place);
}

/* ---- samples ------------------------------------------------------------------------------------------------ */

void intake_sample(Intake *in, int32_t number, int64_t t_ns, double v)
{
	if (number < 0 || in->frames_pass)
		return;
	IntakeSignal *signal = in->signals->pdata[number];
	if (in->n_samples == in->room) {
		in->room = in->room ? in->room + in->room / 2 : 4096;
		in->samples = g_renew(IntakeSample, in->samples, in->room);
	}
	SampleStatus status = isnan(v) ? SAMPLE_MISSING : isinf(v) ? SAMPLE_SATURATED : SAMPLE_OK;
	in->samples[in->n_samples++] = (IntakeSample){t_ns, v, (uint32_t)number, status};
	signal->all_zero &= v == 0;
	if (signal->n++ == 0)
		signal->first_ns = t_ns;
	else
		signal->disordered += t_ns < signal->last_ns;
	signal->last_ns = t_ns;
}

/* Nobody said what it means: it proves nothing until a mapping declares it. */
static void undeclared(SignalInfo *info, const Intake *in, bool boolean, bool whole)
{
	Unit unknown;
	info->boolean = boolean;
	info->interp = boolean || whole ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
	info->origin = ORIGIN_CLAIM;
	info->affected_by_product = true;
	if (boolean)
		info->max_slew = INFINITY;
	else if (unit_parse("unknown", &unknown, NULL))
		info->unit = unknown;
	info->certificate_fault = g_strdup_printf(
		"imported from %s: nobody declared its unit, sensor or calibration", in->source);
}

static int32_t add_signal(Intake *in, IntakeTopic *topic, const SignalInfo *info, const char *key,
			  bool lag)
{
	IntakeSignal *signal = g_new0(IntakeSignal, 1);
	signal_info_copy(&signal->info, info);
	signal->field = g_strdup(key);
	signal->lag = lag;
	signal->all_zero = true;
	signal->writer_id = -1;
	g_ptr_array_add(in->signals, signal);
	topic->signals += !lag;
	return (int32_t)in->signals->len - 1;
}

static char *key_of(const IntakeTopic *topic, const char *path)
{
	return g_strconcat(topic->name, *path && *path != '[' ? "." : "", path, NULL);
}

static int32_t new_signal(Intake *in, IntakeTopic *topic, const char *path, FieldKind kind,
			  const Unit *unit)
{
	g_autofree char *key = key_of(topic, path);
	const SignalInfo *mapped = in->map ? import_map_find(in->map, key) : NULL;
	if (mapped)
		return g_hash_table_add(in->names, g_strdup(mapped->name))
			       ? add_signal(in, topic, mapped, key, false)
			       : -1;
	if (in->signals->len >= INTAKE_MOST_SIGNALS ||
	    (in->map && !import_map_keeps_others(in->map)))
		return -1;
	SignalInfo info;
	g_autofree char *plain = intake_name(key), *name = intake_free_name(in, plain);
	signal_info_init(&info, name);
	undeclared(&info, in, kind == FIELD_BOOL, kind != FIELD_F32 && kind != FIELD_F64);
	if (unit)
		info.unit = *unit;
	int32_t number = add_signal(in, topic, &info, key, false);
	signal_info_clear(&info);
	return number;
}

int32_t intake_add_signal(Intake *in, IntakeTopic *topic, const char *field, const Unit *unit,
			  bool boolean)
{
	return new_signal(in, topic, field, boolean ? FIELD_BOOL : FIELD_F64, unit);
}

/* The difference of a message's other time to the one that was chosen. */
static void take_lag(Intake *in, IntakeTopic *topic, ImportTime which, int64_t other, int64_t t)
{
	FieldNode *node = topic->lag[which];
	if (other == INTAKE_NO_TIME || which == in->options->time)
		return;
	if (node->signal == 0) {
		SignalInfo info;
		g_autofree char *plain =
			g_strdup_printf("%s.time.%s", topic->base, import_time_name(which));
		g_autofree char *name = intake_free_name(in, plain);
		signal_info_init(&info, name);
		undeclared(&info, in, false, true);
		info.unit = unit_second;
		info.origin = ORIGIN_HEALTH;
		node->signal = add_signal(in, topic, &info, plain, true) + 1;
		signal_info_clear(&info);
	}
	intake_sample(in, node->signal - 1, t, (double)(other - t) / 1e9);
}

/* ---- the sink of a message ---------------------------------------------------------------------------------- */

static Pending *pend(Intake *in, FieldNode *node)
{
	if (node->message != in->number || node->pending >= in->pending->len) {
		Pending empty = {.node = node};
		node->message = in->number;
		node->pending = in->pending->len;
		g_array_append_val(in->pending, empty);
	}
	return &g_array_index(in->pending, Pending, node->pending);
}

/* A field of the message itself, by name. */
static bool is_top(const FieldNode *node, const char *label)
{
	return node->parent && !node->parent->parent && node->label && !strcmp(node->label, label);
}

static void sink_number(void *self, FieldNode *node, double v, FieldKind kind, bool exact)
{
	Intake *in = self;
	if (in->topic->pictures) {
		int64_t whole = isfinite(v) && fabs(v) < 1e9 ? (int64_t)v : 0;
		if (is_top(node, "width"))
			in->picture->width = whole;
		else if (is_top(node, "height"))
			in->picture->height = whole;
		else if (is_top(node, "step"))
			in->picture->step = whole;
		return;
	}
	Pending *p = pend(in, node);
	p->v = v;
	p->kind = kind;
	node->lost[LOST_EXACTNESS] += !exact;
}

/* header.stamp; and `timestamp` or `stamp` of messages without a header, as Foxglove's. */
static bool is_stamp(const FieldNode *node)
{
	return is_top(node, "stamp") || is_top(node, "timestamp") ||
	       (node->label && !strcmp(node->label, "stamp") && node->parent &&
		is_top(node->parent, "header"));
}

static void sink_time(void *self, FieldNode *node, int64_t ns, FieldKind kind)
{
	Intake *in = self;
	if (kind == FIELD_TIME && is_stamp(node)) {
		if (in->stamp_ns == INTAKE_NO_TIME)
			in->stamp_ns = ns;
	} else if (!in->topic->pictures) {
		Pending *p = pend(in, node);
		p->v = (double)ns / 1e9;
		p->kind = kind;
	}
}

static void sink_text(void *self, FieldNode *node, const char *text, size_t size)
{
	Intake *in = self;
	if (in->topic->pictures) {
		if (is_top(node, "format") || is_top(node, "encoding")) {
			g_string_truncate(in->picture->format, 0);
			g_string_append_len(in->picture->format, text, (gssize)MIN(size, 100));
		} else if (is_top(node, "data") && size > 1) { /* JSON: base64 */
			gsize n = 0;
			g_autofree char *base64 = g_strndup(text, size);
			g_autofree guchar *raw = g_base64_decode(base64, &n);
			g_byte_array_set_size(in->picture->data, 0);
			g_byte_array_append(in->picture->data, raw, (guint)n);
			in->picture->has_data = true;
		}
		return;
	}
	Pending *p = pend(in, node);
	p->kind = FIELD_TEXT;
	if (node->last_text && strlen(node->last_text) == size &&
	    !memcmp(node->last_text, text, size))
		return;
	g_free(p->text);
	p->text = g_strndup(text, size);
}

static void sink_bytes(void *self, FieldNode *node, const uint8_t *data, size_t size)
{
	Intake *in = self;
	if (in->topic->pictures && is_top(node, "data")) {
		g_byte_array_set_size(in->picture->data, 0);
		g_byte_array_append(in->picture->data, data, (guint)MIN(size, G_MAXUINT));
		in->picture->has_data = true;
	} else if (size > 0) {
		node->lost[LOST_OCTETS]++;
		node->longest = MAX(node->longest, size);
	}
}

static void sink_long_array(void *self, FieldNode *node, size_t n)
{
	Intake *in = self;
	if (in->topic->pictures)
		return;
	node->lost[LOST_ARRAY]++;
	node->longest = MAX(node->longest, n);
}

/* ---- taking a message --------------------------------------------------------------------------------------- */

static void take_text(Intake *in, const IntakeTopic *topic, Pending *p, int64_t t)
{
	g_autofree char *path = field_node_path(p->node), *key = key_of(topic, path),
			*plain = intake_name(key);
	intake_text(in, plain, t, p->text, strlen(p->text));
	g_free(p->node->last_text);
	p->node->last_text = g_steal_pointer(&p->text);
}

void intake_text(Intake *in, const char *name, int64_t t_ns, const char *text, size_t size)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)MIN(size, INTAKE_TEXT));
	GString *json = g_string_new("{\"text\":");
	if (in->frames_pass) {
		g_string_free(json, TRUE);
		return;
	}
	text_append_json(json, valid);
	if (size > INTAKE_TEXT)
		g_string_append_printf(json, ",\"cut_from\":%zu", size);
	g_string_append_c(json, '}');
	IntakeText entry = {t_ns, g_strconcat("text.", name, NULL), g_string_free(json, FALSE)};
	g_array_append_val(in->texts, entry);
}

static void take_number(Intake *in, IntakeTopic *topic, const Pending *p, int64_t t)
{
	FieldNode *node = p->node;
	if (node->signal == 0) {
		g_autofree char *path = field_node_path(node);
		bool seconds = p->kind == FIELD_TIME || p->kind == FIELD_DURATION;
		int32_t number =
			new_signal(in, topic, path, p->kind, seconds ? &unit_second : NULL);
		node->signal = number < 0 ? -1 : number + 1;
	}
	if (node->signal < 0) {
		node->lost[LOST_SIGNALS]++;
		return;
	}
	const IntakeSignal *signal = in->signals->pdata[node->signal - 1];
	double v = p->v;
	if (signal->info.boolean && v != 0 && v != 1) {
		node->lost[LOST_NOT_BOOLEAN]++;
		v = NAN;
	}
	intake_sample(in, node->signal - 1, t, v);
}

static int64_t chosen_time(const Intake *in, const IntakeTimes *times)
{
	switch (in->options->time) {
	case IMPORT_TIME_LOG:
		return times->log_ns;
	case IMPORT_TIME_PUBLISH:
		return times->publish_ns == INTAKE_NO_TIME ? times->log_ns : times->publish_ns;
	case IMPORT_TIME_STAMP:
		return in->stamp_ns;
	}
	return times->log_ns;
}

/* NULL, or why this message has no place on the time line. */
static const char *wrong_time(int64_t t)
{
	if (t == INTAKE_NO_TIME)
		return "it has no header stamp, which was asked for as its time: choose --time log";
	if (t < 0)
		return "its time is before 1970 or negative";
	if (t / CLOCK_S > INT32_MAX)
		return "its time is after 2038-01-19, which a session cannot hold";
	return NULL;
}

static gboolean walk(Intake *in, const IntakeTopic *topic, const uint8_t *data, size_t size,
		     GError **error)
{
	const FieldSink sink = {in,
				sink_number,
				sink_time,
				sink_text,
				sink_bytes,
				sink_long_array,
				in->options->max_array ? in->options->max_array : 128};
	switch (topic->wire) {
	case WIRE_OF_ROS1:
		return walk_sequential(topic->message, WIRE_ROS1, data, size, topic->root, &sink,
				       error);
	case WIRE_OF_CDR:
		return walk_sequential(topic->message, WIRE_CDR, data, size, topic->root, &sink,
				       error);
	case WIRE_OF_ULOG:
		return walk_sequential(topic->message, WIRE_ULOG, data, size, topic->root, &sink,
				       error);
	case WIRE_OF_PROTOBUF:
		return walk_protobuf(topic->message, data, size, topic->root, &sink, error);
	case WIRE_OF_JSON:
		return walk_json(data, size, topic->root, &sink, error);
	case WIRE_OF_NOTHING:
		break;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s",
		    topic->refusal ? topic->refusal : "of an unknown encoding");
	return FALSE;
}

static void take_picture(Intake *in, IntakeTopic *topic, int64_t t, const IntakeTimes *times,
			 const IntakePlace *place)
{
	const char *why = NULL;
	Frame frame = {.capture_ns = t, .receipt_ns = times->log_ns, .capture_u_ns = -1};
	frame.data = in->picture->data->data;
	frame.size = in->picture->data->len;
	frame.format = picture_format(topic->type, in->picture, &frame, &why);
	if (!frame.format) {
		if (!in->frames_pass)
			intake_count(topic->reasons, why, 1, place);
		return;
	}
	intake_frame(in, topic, &frame, place);
}

/* A message without numbers leaves a trace only by its texts: then also those that did not change are kept. */
static bool has_number(const Intake *in)
{
	for (guint i = 0; i < in->pending->len; i++)
		if (g_array_index(in->pending, Pending, i).kind != FIELD_TEXT)
			return true;
	return false;
}

static void take_values(Intake *in, IntakeTopic *topic, int64_t t, const IntakePlace *place)
{
	bool empty_type = topic->message && topic->message->fields->len == 0;
	if (in->pending->len == 0 && !empty_type) {
		intake_count(topic->reasons,
			     "nothing in it that a session can keep (no number, no text)", 1,
			     place);
		return;
	}
	bool all_texts = !has_number(in);
	if (empty_type) /* a message that only says that it came */
		intake_text(in, topic->base, t, "", 0);
	for (guint i = 0; i < in->pending->len; i++) {
		Pending *p = &g_array_index(in->pending, Pending, i);
		if (p->kind == FIELD_TEXT && !p->text && all_texts)
			p->text = g_strdup(p->node->last_text);
		if (p->kind != FIELD_TEXT)
			take_number(in, topic, p, t);
		else if (p->text)
			take_text(in, topic, p, t);
	}
	topic->taken++;
	in->taken++;
}

static void begin(Intake *in, IntakeTopic *topic)
{
	in->number++;
	in->topic = topic;
	in->stamp_ns = INTAKE_NO_TIME;
	in->picture->has_data = false;
	in->picture->width = in->picture->height = in->picture->step = 0;
	g_string_truncate(in->picture->format, 0);
}

static void end(Intake *in)
{
	for (guint i = 0; i < in->pending->len; i++)
		g_free(g_array_index(in->pending, Pending, i).text);
	g_array_set_size(in->pending, 0);
}

void intake_message(Intake *in, IntakeTopic *topic, const IntakeTimes *times, const uint8_t *data,
		    size_t size, const IntakePlace *place)
{
	g_autoptr(GError) error = NULL;
	if (size == 0)
		data = (const uint8_t *)""; /* what is counted from must have an address */
	if (in->frames_pass && (!topic->pictures || topic->refusal))
		return;
	if (!in->frames_pass) {
		in->messages++;
		topic->messages++;
	}
	if (topic->refusal) {
		intake_count(topic->reasons, topic->refusal, 1, place);
		return;
	}
	begin(in, topic);
	gboolean whole = walk(in, topic, data, size, &error);
	int64_t t = whole ? chosen_time(in, times) : 0;
	const char *why = whole ? wrong_time(t) : error->message;
	if (!why && topic->pictures && !in->picture->has_data)
		why = "a picture without data";
	if (why && !in->frames_pass)
		intake_count(topic->reasons, why, 1, place);
	if (!why && topic->pictures)
		take_picture(in, topic, t, times, place);
	else if (!why)
		take_values(in, topic, t, place);
	if (!why && !in->frames_pass) {
		take_lag(in, topic, IMPORT_TIME_LOG, times->log_ns, t);
		take_lag(in, topic, IMPORT_TIME_PUBLISH, times->publish_ns, t);
		take_lag(in, topic, IMPORT_TIME_STAMP, in->stamp_ns, t);
	}
	end(in);
}
