#include "back_door.h"

#include <json-glib/json-glib.h>
#include <string.h>

typedef struct Action {
	int64_t at_ns;
	FarEnd *end;
	LinkFaultKind kind;
	bool on;
} Action;

struct BackDoor {
	WorldShared *shared;
	GPtrArray *ends;
	GArray *actions; /* Action, in no order: there are few */
};

BackDoor *back_door_new(WorldShared *shared, GPtrArray *ends)
{
	BackDoor *door = g_new0(BackDoor, 1);
	door->shared = shared;
	door->ends = ends;
	door->actions = g_array_new(FALSE, TRUE, sizeof(Action));
	return door;
}

void back_door_free(BackDoor *door)
{
	if (!door)
		return;
	g_array_unref(door->actions);
	g_free(door);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static const char *get_text(JsonObject *o, const char *key)
{
	JsonNode *node = json_object_get_member(o, key);
	return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
								       : NULL;
}

static bool get_number(JsonObject *o, const char *key, double *ret)
{
	JsonNode *node = json_object_get_member(o, key);
	GType type = node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node)
							 : G_TYPE_INVALID;
	if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
		return false;
	*ret = json_node_get_double(node);
	return true;
}

static int64_t get_time(JsonObject *o, const char *key, int64_t fallback)
{
	JsonNode *node = json_object_get_member(o, key);
	bool integer = node && JSON_NODE_HOLDS_VALUE(node) &&
		       json_node_get_value_type(node) == G_TYPE_INT64;
	return integer ? json_node_get_int(node) : fallback; /* a double would lose nanoseconds */
}

static char *to_line(JsonObject *o)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(node, o);
	return json_to_string(node, FALSE);
}

static char *say_error(const char *format, ...) G_GNUC_PRINTF(1, 2);
static char *say_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	JsonObject *o = json_object_new();
	json_object_set_string_member(o, "error", text);
	return to_line(o);
}

static char *say_ok(void)
{
	return g_strdup("{\"ok\":true}");
}

/* ---- verbs ------------------------------------------------------------------------------------------------------------ */

static char *do_read(BackDoor *door, JsonObject *o, const char *name)
{
	(void)o;
	double value;
	int64_t now = clock_now(door->shared->clock);
	pthread_mutex_lock(&door->shared->lock);
	gboolean known = plant_read(door->shared->plant, name, now, &value);
	pthread_mutex_unlock(&door->shared->lock);
	if (!known)
		return say_error("nothing is called '%s'", name);
	JsonObject *out = json_object_new();
	json_object_set_string_member(out, "read", name);
	json_object_set_double_member(out, "value", value);
	json_object_set_int_member(out, "t_ns", now);
	return to_line(out);
}

static char *do_set(BackDoor *door, JsonObject *o, const char *name)
{
	double value;
	if (!get_number(o, "value", &value))
		return say_error("expected a number as value");
	pthread_mutex_lock(&door->shared->lock);
	plant_step_to(door->shared->plant, clock_now(door->shared->clock));
	gboolean known = plant_set(door->shared->plant, name, value);
	pthread_mutex_unlock(&door->shared->lock);
	return known ? say_ok() : say_error("'%s' cannot be set to that", name);
}

static char *do_write(BackDoor *door, JsonObject *o, const char *name)
{
	double value;
	if (!get_number(o, "value", &value))
		return say_error("expected a number as value");
	pthread_mutex_lock(&door->shared->lock);
	gboolean known =
		plant_write(door->shared->plant, name, value, clock_now(door->shared->clock));
	pthread_mutex_unlock(&door->shared->lock);
	return known ? say_ok() : say_error("no actuator or terminal '%s'", name);
}

static FarEnd *find_end(BackDoor *door, const char *name, size_t n)
{
	for (guint i = 0; i < door->ends->len; i++) {
		FarEnd *end = g_ptr_array_index(door->ends, i);
		if (strlen(end->device->name) == n && !strncmp(end->device->name, name, n))
			return end;
	}
	return NULL;
}

static char *switch_input(BackDoor *door, const char *name, bool level)
{
	size_t n = strcspn(name, ".");
	FarEnd *end = find_end(door, name, n);
	if (!end || !name[n] || !end->ops->input || !end->ops->input(end, name + n + 1, level))
		return say_error("no switch '%s'", name);
	return say_ok();
}

static char *do_press(BackDoor *door, JsonObject *o, const char *name)
{
	(void)o;
	return switch_input(door, name, true);
}

static char *do_release(BackDoor *door, JsonObject *o, const char *name)
{
	(void)o;
	return switch_input(door, name, false);
}

/* ---- faults ------------------------------------------------------------------------------------------------------------- */

static void drop_actions(BackDoor *door, const FarEnd *end)
{
	for (guint i = door->actions->len; i-- > 0;)
		if (g_array_index(door->actions, Action, i).end == end)
			g_array_remove_index_fast(door->actions, i);
}

static char *break_end(BackDoor *door, JsonObject *o, FarEnd *end, const char *kind_name)
{
	LinkFaultKind kind;
	double argument = 0;
	int64_t now = clock_now(door->shared->clock);
	int64_t from = get_time(o, "at_ns", now), until = get_time(o, "until_ns", CLOCK_NEVER);
	get_number(o, "argument", &argument);
	if (!link_fault_parse(kind_name, &kind) || !far_end_can_fault(end, kind))
		return say_error("%s cannot be '%s'", end->device->name, kind_name);
	LinkFaultKind before = end->fault.kind;
	link_fault_set(&end->fault, kind, from, until, (int)CLAMP(argument, 0, 1000000));
	drop_actions(door, end);
	if (end->ops->plan_fault)
		end->ops->plan_fault(end);
	if (before != LINK_FAULT_NONE)
		far_end_set_fault(end, before, false);
	if (kind == LINK_FAULT_NONE)
		return say_ok();
	Action begin = {from, end, kind, true}, finish = {until, end, kind, false};
	g_array_append_val(door->actions, begin);
	g_array_append_val(door->actions, finish);
	back_door_due(door, now);
	return say_ok();
}

static char *break_sensor(BackDoor *door, JsonObject *o, const char *name, const char *kind_name)
{
	SensorFaultKind kind;
	double volts = 0;
	g_autoptr(GError) error = NULL;
	get_number(o, "volts", &volts);
	if (!sensor_fault_parse(kind_name, &kind))
		return say_error("a sensor cannot be '%s'", kind_name);
	int64_t now = clock_now(door->shared->clock);
	pthread_mutex_lock(&door->shared->lock);
	plant_step_to(door->shared->plant, now);
	gboolean done = plant_fault(door->shared->plant, name, kind, get_time(o, "at_ns", now),
				    get_time(o, "until_ns", CLOCK_NEVER), get_text(o, "with"),
				    volts, &error);
	pthread_mutex_unlock(&door->shared->lock);
	return done ? say_ok() : say_error("%s", error->message);
}

static char *do_fault(BackDoor *door, JsonObject *o, const char *name)
{
	const char *kind = get_text(o, "kind");
	FarEnd *end = find_end(door, name, strlen(name));
	if (!kind)
		return say_error("expected a kind of fault");
	return end ? break_end(door, o, end, kind) : break_sensor(door, o, name, kind);
}

int64_t back_door_due(BackDoor *door, int64_t now_ns)
{
	int64_t next = CLOCK_NEVER;
	for (guint i = 0; i < door->actions->len;) {
		Action a = g_array_index(door->actions, Action, i);
		if (a.at_ns > now_ns) {
			next = MIN(next, a.at_ns);
			i++;
			continue;
		}
		g_array_remove_index(door->actions, i);
		far_end_set_fault(a.end, a.kind, a.on);
	}
	return next;
}

/* ---- lines ----------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *verb;
	char *(*run)(BackDoor *door, JsonObject *o, const char *name);
} verbs[] = {
	{"read", do_read},   {"set", do_set},         {"write", do_write},
	{"press", do_press}, {"release", do_release}, {"fault", do_fault},
};

char *back_door_line(BackDoor *door, const char *line)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) error = NULL;
	if (!json_parser_load_from_data(parser, line, -1, &error))
		return say_error("not JSON: %s", error->message);
	JsonNode *root = json_parser_get_root(parser);
	if (!root || !JSON_NODE_HOLDS_OBJECT(root))
		return say_error("expected a JSON object");
	JsonObject *o = json_node_get_object(root);
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
		const char *name = get_text(o, verbs[i].verb);
		if (name)
			return verbs[i].run(door, o, name);
	}
	return say_error("expected read, set, write, press, release or fault");
}
