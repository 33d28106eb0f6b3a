/* instrument/1: the few SCPI commands of an instrument that the bench uses, and how each is checked. */
#include "map.h"

#include <math.h>
#include <string.h>

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape id = {.type = SHAPE_ID};
static const Shape boolean = {.type = SHAPE_BOOLEAN};
static const Shape number = {.type = SHAPE_NUMBER};
static const Shape range = {.type = SHAPE_LIST, .item = &number, .lo = 2, .hi = 2};
static const Shape poll = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0.01, .hi = 60};
static const Shape response = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0.01, .hi = 5};
/* One line of printable ASCII: no separator that would smuggle in a second message. */
static const Shape line = {.type = SHAPE_TEXT, .pattern = "[ -:<-~]{1,100}"};
static const Shape lines = {.type = SHAPE_LIST, .item = &line, .lo = 0, .hi = 20};

static const ShapeField channel_fields[] = {
	{"set", &line, false, "command; % stands for the number, or for ON / OFF"},
	{"query", &line, true, "reads the setting back, or measures"},
	{"unit", &text, true, "of the number; 1 for on and off"},
	{"range", &range, true, "of the number; a command outside is refused"},
	{"boolean", &boolean, false, "on or off"},
	{"tolerance", &number, false, "of the read-back against the setting; default 0"},
	{"safe", &number, false, "value when safe"},
	{"poll", &poll, false, "time between two readings; default 200 ms"},
	{NULL, NULL, false, NULL},
};
static const Shape channel = {.type = SHAPE_RECORD, .fields = channel_fields};
static const Shape channels = {
	.type = SHAPE_MAP, .item = &channel, .lo = 1, .hi = 32, .pattern = "[a-z][a-z0-9.-]{0,30}"};
static const ShapeField fields[] = {
	{"id", &id, true, "name of this file"},
	{"title", &title, false, "what the instrument is"},
	{"identity", &text, true, "pattern (* and ?) of its answer to *IDN?"},
	{"setup", &lines, false, "sent after opening"},
	{"safe", &lines, false, "sent first to make it safe"},
	{"errors", &line, false, "query of its error queue, answered 0,… when empty"},
	{"response", &response, false, "time-out of one answer; default 500 ms"},
	{"channels", &channels, true, "by name"},
	{NULL, NULL, false, NULL},
};
static const Shape instrument_shape = {.type = SHAPE_RECORD, .fields = fields};

static void channel_free(void *data)
{
	InstrumentChannel *c = data;
	g_free(c->set);
	g_free(c->query);
	g_free(c);
}

static void check_channel(const YamlDoc *doc, const YamlNode *node, const InstrumentChannel *c,
			  Diagnostics *diag)
{
	const char *percent = c->set ? strchr(c->set, '%') : NULL;
	if (c->set && (!percent || strchr(percent + 1, '%')))
		yaml_error(doc, yaml_get(node, "set"), diag,
			   "expected one %% where the value goes");
	if (!strchr(c->query, '?'))
		yaml_error(doc, yaml_get(node, "query"), diag,
			   "expected a query, with a question mark");
	if (c->channel.lo >= c->channel.hi)
		yaml_error(doc, yaml_get(node, "range"), diag, "expected the lower end first");
	if (!c->set && yaml_get(node, "safe"))
		yaml_error(doc, yaml_get(node, "safe"), diag,
			   "only a channel with `set` has a safe value");
	if (!isnan(c->channel.safe) &&
	    (c->channel.safe < c->channel.lo || c->channel.safe > c->channel.hi))
		yaml_error(doc, yaml_get(node, "safe"), diag, "out of the channel's range");
	if (c->tolerance < 0)
		yaml_error(doc, yaml_get(node, "tolerance"), diag, "expected 0 or more");
	if (strlen(yaml_get_text(node, "unit")) >= sizeof c->channel.unit)
		yaml_error(doc, yaml_get(node, "unit"), diag, "at most 15 letters");
}

static InstrumentChannel *read_channel(const char *name, const YamlNode *node)
{
	InstrumentChannel *c = g_new0(InstrumentChannel, 1);
	const YamlNode *limits = yaml_get(node, "range");
	c->set = g_strdup(yaml_get_text(node, "set"));
	c->query = g_strdup(yaml_get_text(node, "query"));
	c->tolerance = shape_number(yaml_get(node, "tolerance"), 0);
	g_strlcpy(c->channel.name, name, sizeof c->channel.name);
	g_strlcpy(c->channel.unit, yaml_get_text(node, "unit"), sizeof c->channel.unit);
	c->channel.lo = shape_number(yaml_item(limits, 0), 0);
	c->channel.hi = shape_number(yaml_item(limits, 1), 0);
	c->channel.safe = shape_number(yaml_get(node, "safe"), (double)NAN);
	c->channel.boolean = shape_boolean(yaml_get(node, "boolean"), false);
	c->channel.writable = c->channel.readback = c->set != NULL;
	c->channel.readable = true;
	c->channel.period_ns = shape_ns(yaml_get(node, "poll"), 200 * CLOCK_MS);
	return c;
}

static GPtrArray *read_lines(const YamlNode *node)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; node && i < yaml_size(node); i++)
		g_ptr_array_add(out, g_strdup(yaml_text(yaml_item(node, i))));
	return out;
}

static Instrument *read_document(const YamlDoc *doc, Diagnostics *diag)
{
	if (!yaml_expect_kind(doc, "instrument/1", diag) ||
	    !shape_check(&instrument_shape, doc, yaml_root(doc), diag))
		return NULL;
	const YamlNode *root = yaml_root(doc), *list = yaml_get(root, "channels");
	size_t before = diagnostics_errors(diag);
	g_autoptr(Instrument) instrument = g_new0(Instrument, 1);
	instrument->id = g_strdup(yaml_get_text(root, "id"));
	instrument->identity = g_strdup(yaml_get_text(root, "identity"));
	instrument->errors = g_strdup(yaml_get_text(root, "errors"));
	instrument->response_ns = shape_ns(yaml_get(root, "response"), 500 * CLOCK_MS);
	instrument->setup = read_lines(yaml_get(root, "setup"));
	instrument->safe = read_lines(yaml_get(root, "safe"));
	instrument->channels = g_ptr_array_new_with_free_func(channel_free);
	for (size_t i = 0; i < yaml_size(list); i++) {
		InstrumentChannel *c =
			read_channel(yaml_text(yaml_key_at(list, i)), yaml_value_at(list, i));
		check_channel(doc, yaml_value_at(list, i), c, diag);
		g_ptr_array_add(instrument->channels, c);
	}
	return diagnostics_errors(diag) == before ? g_steal_pointer(&instrument) : NULL;
}

Instrument *instrument_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_document(doc, diag) : NULL;
}

const Shape *device_instrument_shape(void)
{
	return &instrument_shape;
}

bool device_instrument_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(Instrument) instrument = read_document(doc, diag);
	return instrument != NULL;
}

void instrument_free(Instrument *instrument)
{
	if (!instrument)
		return;
	g_free(instrument->id);
	g_free(instrument->identity);
	g_free(instrument->errors);
	g_ptr_array_unref(instrument->channels);
	g_ptr_array_unref(instrument->setup);
	g_ptr_array_unref(instrument->safe);
	g_free(instrument);
}
