/* map/1: registers of a Modbus unit, as a person writes them down from its manual. */
#include "map.h"

#include <math.h>
#include <string.h>

static const char *const kinds[] = {"coil", "discrete", "holding", "input", NULL};
static const char *const types[] = {"u16", "s16", "u32", "s32", "f32", "bit", NULL};

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape id = {.type = SHAPE_ID};
static const Shape boolean = {.type = SHAPE_BOOLEAN};
static const Shape number = {.type = SHAPE_NUMBER};
static const Shape kind = {.type = SHAPE_WORD, .words = kinds};
static const Shape type = {.type = SHAPE_WORD, .words = types};
static const Shape address = {.type = SHAPE_INTEGER, .lo = 0, .hi = 65535};
static const Shape retries = {.type = SHAPE_INTEGER, .lo = 0, .hi = 5};
static const Shape range = {.type = SHAPE_LIST, .item = &number, .lo = 2, .hi = 2};
static const Shape poll = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0.002, .hi = 60};
static const Shape response = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0.005, .hi = 2};
static const Shape age = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0, .hi = 60};

static const ShapeField identity_fields[] = {
	{"register", &kind, true, "table that holds the model number"},
	{"address", &address, true, "from 0, as on the wire"},
	{"equals", &address, true, "what this model answers"},
	{NULL, NULL, false, NULL},
};
static const Shape identity = {.type = SHAPE_RECORD, .fields = identity_fields};
static const ShapeField counter_fields[] = {
	{"register", &kind, true, "table that holds the counter"},
	{"address", &address, true, "from 0, as on the wire"},
	{NULL, NULL, false, NULL},
};
static const Shape counter = {.type = SHAPE_RECORD, .fields = counter_fields};
static const ShapeField channel_fields[] = {
	{"register", &kind, true, "coil, discrete, holding or input"},
	{"address", &address, true, "from 0, as on the wire"},
	{"type", &type, false, "how the register is read; 32 bits: high word first; default u16"},
	{"scale", &number, false, "value = scale × register + offset; default 1"},
	{"offset", &number, false, "default 0"},
	{"unit", &text, true, "of the value: count, mV, V, degC, % …"},
	{"range", &range, true,
	 "of the value; outside is saturated, and a command outside is refused"},
	{"rails", &boolean, false, "a value at either end of the range is no measurement"},
	{"poll", &poll, false, "time between two readings; default 100 ms"},
	{"write", &boolean, false, "the bench may write it"},
	{"safe", &number, false, "value when safe, for a channel that is written"},
	{NULL, NULL, false, NULL},
};
static const Shape channel = {.type = SHAPE_RECORD, .fields = channel_fields};
static const Shape channels = {
	.type = SHAPE_MAP, .item = &channel, .lo = 1, .hi = 64, .pattern = "[a-z][a-z0-9.-]{0,30}"};
static const ShapeField map_fields[] = {
	{"id", &id, true, "name of this map"},
	{"title", &title, false, "what the unit is"},
	{"model", &text, false, "maker and model, for the session"},
	{"identity", &identity, false, "the register that proves which model answers"},
	{"counter", &counter, false,
	 "a register that grows with each of the unit's own samples: standing still is stale"},
	{"response", &response, false, "time-out of one request; default 100 ms"},
	{"retries", &retries, false, "of a reading; a write is never repeated; default 2"},
	{"age", &age, false, "greatest age of a value when it is read; default 0 s"},
	{"channels", &channels, true, "by name"},
	{NULL, NULL, false, NULL},
};
static const Shape map_shape = {.type = SHAPE_RECORD, .fields = map_fields};

static int word_index(const char *const *words, const char *word, int fallback)
{
	for (int i = 0; word && words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return fallback;
}

static RegisterRef read_ref(const YamlNode *node)
{
	return (RegisterRef){
		.kind = (RegisterKind)word_index(kinds, yaml_get_text(node, "register"), 0),
		.address = (int)shape_number(yaml_get(node, "address"), 0)};
}

int map_words(RegisterType t)
{
	return t == REGISTER_U32 || t == REGISTER_S32 || t == REGISTER_F32 ? 2 : 1;
}

static void check_channel(const YamlDoc *doc, const YamlNode *node, const MapChannel *c,
			  Diagnostics *diag)
{
	bool bits = c->at.kind == REGISTER_COIL || c->at.kind == REGISTER_DISCRETE;
	if (bits != (c->type == REGISTER_BIT))
		yaml_error(doc, node, diag,
			   "coils and discrete inputs are of type bit, registers are not");
	if (c->channel.lo >= c->channel.hi)
		yaml_error(doc, yaml_get(node, "range"), diag, "expected the lower end first");
	if (c->scale == 0)
		yaml_error(doc, yaml_get(node, "scale"), diag, "a scale of 0 loses every value");
	if (c->at.address + map_words(c->type) > 65536)
		yaml_error(doc, yaml_get(node, "address"), diag, "two registers do not fit here");
	if (c->channel.writable &&
	    (c->at.kind == REGISTER_DISCRETE || c->at.kind == REGISTER_INPUT))
		yaml_error(doc, yaml_get(node, "write"), diag,
			   "only coils and holding registers can be written");
	if (!c->channel.writable && yaml_get(node, "safe"))
		yaml_error(doc, yaml_get(node, "safe"), diag,
			   "only a channel with `write: true` has a safe value");
	double safe = c->channel.safe;
	if (c->channel.writable && !isnan(safe) && (safe < c->channel.lo || safe > c->channel.hi))
		yaml_error(doc, yaml_get(node, "safe"), diag, "out of the channel's range");
	if (strlen(yaml_get_text(node, "unit")) >= sizeof c->channel.unit)
		yaml_error(doc, yaml_get(node, "unit"), diag, "at most 15 letters");
}

static MapChannel read_channel(const char *name, const YamlNode *node, int64_t age_ns)
{
	const YamlNode *limits = yaml_get(node, "range");
	MapChannel c = {.at = read_ref(node), .scale = 1};
	bool bits = c.at.kind == REGISTER_COIL || c.at.kind == REGISTER_DISCRETE;
	c.type = (RegisterType)word_index(types, yaml_get_text(node, "type"),
					  bits ? REGISTER_BIT : REGISTER_U16);
	c.scale = shape_number(yaml_get(node, "scale"), 1);
	c.offset = shape_number(yaml_get(node, "offset"), 0);
	c.rails = shape_boolean(yaml_get(node, "rails"), false);
	g_strlcpy(c.channel.name, name, sizeof c.channel.name);
	g_strlcpy(c.channel.unit, yaml_get_text(node, "unit"), sizeof c.channel.unit);
	c.channel.lo = shape_number(yaml_item(limits, 0), 0);
	c.channel.hi = shape_number(yaml_item(limits, 1), 0);
	c.channel.writable = c.channel.readback = shape_boolean(yaml_get(node, "write"), false);
	c.channel.safe = shape_number(yaml_get(node, "safe"), (double)NAN);
	c.channel.readable = true;
	c.channel.boolean = c.type == REGISTER_BIT;
	c.channel.period_ns = shape_ns(yaml_get(node, "poll"), 100 * CLOCK_MS);
	/* Taken anywhere in the last `age`: rectangular, so standard uncertainty age / sqrt(12) (GUM 4.3.7). */
	c.channel.u_clock_s = (double)age_ns / 1e9 / sqrt(12.0);
	return c;
}

static void read_channels(const YamlDoc *doc, const YamlNode *root, Map *map, Diagnostics *diag)
{
	const YamlNode *node = yaml_get(root, "channels");
	for (size_t i = 0; i < yaml_size(node); i++) {
		const YamlNode *value = yaml_value_at(node, i);
		MapChannel c = read_channel(yaml_text(yaml_key_at(node, i)), value, map->age_ns);
		check_channel(doc, value, &c, diag);
		g_array_append_val(map->channels, c);
	}
}

static Map *read_document(const YamlDoc *doc, Diagnostics *diag)
{
	if (!yaml_expect_kind(doc, "map/1", diag) ||
	    !shape_check(&map_shape, doc, yaml_root(doc), diag))
		return NULL;
	const YamlNode *root = yaml_root(doc);
	size_t before = diagnostics_errors(diag);
	g_autoptr(Map) map = g_new0(Map, 1);
	map->id = g_strdup(yaml_get_text(root, "id"));
	map->model = g_strdup(yaml_get_text(root, "model"));
	map->channels = g_array_new(FALSE, TRUE, sizeof(MapChannel));
	map->response_ns = shape_ns(yaml_get(root, "response"), 100 * CLOCK_MS);
	map->retries = (int)shape_number(yaml_get(root, "retries"), 2);
	map->age_ns = shape_ns(yaml_get(root, "age"), 0);
	map->has_identity = yaml_get(root, "identity") != NULL;
	map->has_counter = yaml_get(root, "counter") != NULL;
	map->identity = read_ref(yaml_get(root, "identity"));
	map->identity_equals = (int)shape_number(yaml_get(yaml_get(root, "identity"), "equals"), 0);
	map->counter = read_ref(yaml_get(root, "counter"));
	read_channels(doc, root, map, diag);
	return diagnostics_errors(diag) == before ? g_steal_pointer(&map) : NULL;
}

Map *map_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_document(doc, diag) : NULL;
}

const Shape *device_map_shape(void)
{
	return &map_shape;
}

bool device_map_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(Map) map = read_document(doc, diag);
	return map != NULL;
}

void map_free(Map *map)
{
	if (!map)
		return;
	g_free(map->id);
	g_free(map->model);
	g_array_unref(map->channels);
	g_free(map);
}

double map_decode(const MapChannel *c, const uint16_t *w)
{
	uint32_t wide = (uint32_t)w[0] << 16 | (map_words(c->type) > 1 ? w[1] : 0u);
	float f;
	double raw = 0;
	switch (c->type) {
	case REGISTER_U16:
		raw = w[0];
		break;
	case REGISTER_S16:
		raw = (int16_t)w[0];
		break;
	case REGISTER_U32:
		raw = wide;
		break;
	case REGISTER_S32:
		raw = (int32_t)wide;
		break;
	case REGISTER_F32:
		memcpy(&f, &wide, sizeof f);
		raw = (double)f;
		break;
	case REGISTER_BIT:
		raw = w[0] != 0;
		break;
	}
	return raw * c->scale + c->offset;
}

static gboolean fits(double raw, double lo, double hi)
{
	return raw >= lo && raw <= hi;
}

gboolean map_encode(const MapChannel *c, double value, uint16_t ret[2])
{
	double raw = c->type == REGISTER_F32 ? (value - c->offset) / c->scale
					     : round((value - c->offset) / c->scale);
	uint32_t wide = 0;
	float f = (float)raw;
	gboolean ok = FALSE;
	switch (c->type) {
	case REGISTER_U16:
		ok = fits(raw, 0, UINT16_MAX);
		wide = ok ? (uint32_t)raw << 16 : 0;
		break;
	case REGISTER_S16:
		ok = fits(raw, INT16_MIN, INT16_MAX);
		wide = ok ? (uint32_t)(uint16_t)(int16_t)raw << 16 : 0;
		break;
	case REGISTER_U32:
		ok = fits(raw, 0, UINT32_MAX);
		wide = ok ? (uint32_t)raw : 0;
		break;
	case REGISTER_S32:
		ok = fits(raw, INT32_MIN, INT32_MAX);
		wide = ok ? (uint32_t)(int32_t)raw : 0;
		break;
	case REGISTER_F32:
		ok = isfinite(f);
		memcpy(&wide, &f, sizeof wide);
		break;
	case REGISTER_BIT:
		ok = raw == 0 || raw == 1;
		wide = raw == 1 ? 1u << 16 : 0;
		break;
	}
	if (!ok)
		return FALSE;
	ret[0] = (uint16_t)(wide >> 16);
	ret[1] = (uint16_t)wide;
	return TRUE;
}
