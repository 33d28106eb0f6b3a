#include <anzen/scenario.h>

#include <math.h>

#define ROLE "[a-z0-9]+(-[a-z0-9]+)*([.][a-z0-9]+(-[a-z0-9]+)*)*"

/* Adapters that exist; host/adapter has the code for each. */
static const char *const adapter_words[] = {"http", "modbus", "rtsp", NULL};
static const char *const kind_words[] = {"event", "state", "number", "counter", NULL};
static const char *const network_words[] = {"none", "bench-only", "offline", NULL};

static const Shape id = {.type = SHAPE_ID};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape text = {.type = SHAPE_TEXT};
static const Shape texts = {.type = SHAPE_LIST, .item = &text, .lo = 1, .hi = 200};
static const Shape yes = {.type = SHAPE_BOOLEAN};
static const Shape adapter = {.type = SHAPE_WORD, .words = adapter_words};
static const Shape role = {
	.type = SHAPE_TEXT, .pattern = ROLE, .expected = "a role such as camera.main"};
static const Shape url_path = {
	.type = SHAPE_TEXT, .pattern = "/[^ ]*", .expected = "a path such as /events"};
static const Shape json_path = {.type = SHAPE_TEXT,
				.pattern = "[$]([.][A-Za-z_][A-Za-z0-9_]*)*",
				.expected = "a JSON path such as $.type"};
static const Shape endpoint = {.type = SHAPE_TEXT,
			       .pattern = "[$]?[a-z][a-z0-9-]*",
			       .expected = "an endpoint such as $camera"};
static const Shape period = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 1e-3, .hi = 86400};
static const Shape bytes = {.type = SHAPE_QUANTITY, .unit = "B", .lo = 1, .hi = INFINITY};
static const Shape rate = {.type = SHAPE_QUANTITY, .unit = "Hz", .lo = 1e-3, .hi = 1e6};
static const Shape cpus = {.type = SHAPE_INTEGER, .lo = 1, .hi = 1024};
static const Shape fraction = {.type = SHAPE_QUANTITY, .unit = "1", .lo = 1e-6, .hi = 1};
static const Shape quantity = {.type = SHAPE_QUANTITY};
static const Shape unit = {.type = SHAPE_TEXT, .expected = "a unit such as m"};
static const Shape address = {.type = SHAPE_INTEGER, .lo = 0, .hi = 65535};

/* ---- identity and start ----------------------------------------------------------------------------- */

static const ShapeField version_fields[] = {
	{"http", &url_path, false, "GET this path; the answer is the version"},
	{"text", &text, false, "written here"},
	{NULL, NULL, false, NULL},
};
static const Shape version = {.type = SHAPE_RECORD, .fields = version_fields};
static const ShapeField identity_fields[] = {
	{"program", &text, true, "program or device name; its digest is taken when it is a file"},
	{"version", &version, false, "where the version comes from"},
	{"serial", &text, false, "serial number, or ask"},
	{NULL, NULL, false, NULL},
};
static const Shape identity = {.type = SHAPE_RECORD, .fields = identity_fields};
static const ShapeField ready_fields[] = {
	{"http", &url_path, false, "ready when GET answers 200"},
	{"consumed", &yes, false, "ready when it has taken its first input"},
	{"timeout", &period, true, "give up after"},
	{NULL, NULL, false, NULL},
};
static const Shape ready = {.type = SHAPE_RECORD, .fields = ready_fields};
static const ShapeField start_fields[] = {
	{"process", &texts, false,
	 "program and arguments; $port, $camera … are endpoints; $crop is WxH+X+Y or whole"},
	{"address", &text, false, "of a product that is already running"},
	{"ready", &ready, true, "how the bench knows that it can begin"},
	{NULL, NULL, false, NULL},
};
static const Shape start = {.type = SHAPE_RECORD, .fields = start_fields};
static const Shape network = {.type = SHAPE_WORD, .words = network_words};
static const ShapeField confine_fields[] = {
	{"network", &network, false, "what it may reach"},
	{"cpu", &cpus, false, "number of processors it may use"},
	{"memory", &bytes, false, "largest address space"},
	{"max_cpu_wait", &fraction, false,
	 "INVALID when it waits longer than this share for a CPU"},
	{NULL, NULL, false, NULL},
};
static const Shape confine = {.type = SHAPE_RECORD, .fields = confine_fields};

/* ---- inputs and outputs ----------------------------------------------------------------------------- */

static const ShapeField input_fields[] = {
	{"adapter", &adapter, true, "how the bench serves it"},
	{"from", &role, true, "role, or bench.sequence (counts updates)"},
	{"at", &endpoint, false, "endpoint; default: the input's name, for modbus $modbus"},
	{"max_age", &period, false, "INVALID when older at the product's input"},
	{"register", &address, false, "modbus: input register"},
	{"scale", &quantity, false, "modbus: one count is this much"},
	{NULL, NULL, false, NULL},
};
static const Shape input = {.type = SHAPE_RECORD, .fields = input_fields};
static const Shape inputs = {
	.type = SHAPE_MAP, .item = &input, .pattern = "[a-z][a-z0-9-]*", .lo = 1, .hi = 100};

static const ShapeField match_fields[] = {
	{"path", &json_path, true, "member of the message"},
	{"equals", &text, false, "its value; absent: any"},
	{NULL, NULL, false, NULL},
};
static const Shape match = {.type = SHAPE_RECORD, .fields = match_fields};
static const Shape *const claim_time_either[] = {&json_path, &address, NULL};
static const Shape claim_time = {.type = SHAPE_ONE_OF, .either = claim_time_either};
static const ShapeField claims_fields[] = {
	{"time", &claim_time, false,
	 "when it says it noticed: JSON path, or first of two holding registers (ms)"},
	{"score", &json_path, false, "how sure it says it is"},
	{NULL, NULL, false, NULL},
};
static const Shape claims = {.type = SHAPE_RECORD, .fields = claims_fields};
static const Shape kind = {.type = SHAPE_WORD, .words = kind_words};

#define OUTPUT_FIELDS                                                                        \
	{"adapter", &adapter, true, "how the bench hears it"},                               \
		{"at", &endpoint, false, "endpoint; default $port, for modbus $modbus"},     \
		{"path", &url_path, false, "http: stream of events"},                        \
		{"kind", &kind, false, "event, state, number or counter"},                   \
		{"when", &match, false, "message that raises it"},                           \
		{"clears", &match, false, "message that lowers it"},                         \
		{"value", &json_path, false, "number: member of the message"},               \
		{"unit", &unit, false, "of the number"},                                     \
		{"claims", &claims, false, "what it says of itself: scored, never trusted"}, \
		{"coil", &address, false, "modbus: coil that it writes"},                    \
	{                                                                                    \
		"holding", &address, false, "modbus: holding register that it writes"        \
	}

static const ShapeField output_fields[] = {OUTPUT_FIELDS, {NULL, NULL, false, NULL}};
static const Shape output = {.type = SHAPE_RECORD, .fields = output_fields};
static const Shape outputs = {
	.type = SHAPE_MAP, .item = &output, .pattern = "[a-z][a-z0-9-]*", .lo = 1, .hi = 100};

/* ---- proof of life and limits ----------------------------------------------------------------------- */

static const ShapeField named_heartbeat_fields[] = {
	{"output", &id, true, "output that beats"},
	{"every", &period, true, "promised period"},
	{"within", &period, false, "dead after; default three periods"},
	{NULL, NULL, false, NULL},
};
static const Shape named_heartbeat = {.type = SHAPE_RECORD, .fields = named_heartbeat_fields};
static const ShapeField own_heartbeat_fields[] = {
	OUTPUT_FIELDS,
	{"every", &period, true, "promised period"},
	{"within", &period, false, "dead after; default three periods"},
	{NULL, NULL, false, NULL},
};
static const Shape own_heartbeat = {.type = SHAPE_RECORD, .fields = own_heartbeat_fields};
static const Shape *const heartbeat_either[] = {&named_heartbeat, &own_heartbeat, NULL};
static const Shape heartbeat = {
	.type = SHAPE_ONE_OF,
	.either = heartbeat_either,
	.expected = "{output: NAME, every: 1 s} or an output of its own with `every`",
};
static const ShapeField control_fields[] = {
	{"output", &id, true, "output that must rise"},
	{"within", &period, true, "after the probe"},
	{"role", &role, false, "role that the probe triggers"},
	{"for", &period, false, "how long it is energised"},
	{NULL, NULL, false, NULL},
};
static const Shape control = {.type = SHAPE_RECORD, .fields = control_fields};
static const ShapeField alive_fields[] = {
	{"heartbeat", &heartbeat, false, "a sign of life without being asked"},
	{"positive-control", &control, false,
	 "a sign of life when asked: needed for every prohibition"},
	{NULL, NULL, false, NULL},
};
static const Shape alive = {.type = SHAPE_RECORD, .fields = alive_fields};
static const ShapeField limits_fields[] = {
	{"response", &period, false, "longest wait for an answer"},
	{"message", &bytes, false, "largest message"},
	{"rate", &rate, false, "most messages in a second"},
	{NULL, NULL, false, NULL},
};
static const Shape limits = {.type = SHAPE_RECORD, .fields = limits_fields};

static const Shape fact = {.type = SHAPE_BOOLEAN};
static const Shape facts = {.type = SHAPE_MAP, .item = &fact, .pattern = "[a-z][a-z0-9-]*"};

static const ShapeField product_fields[] = {
	{"id", &id, true, "name of this product"},
	{"kind", &id, false, "kind that scenarios name; default: identity.program"},
	{"title", &title, false, "for people"},
	{"identity", &identity, true, "what exactly is tested"},
	{"start", &start, true, "how it comes to run"},
	{"confine", &confine, false, "what it may use"},
	{"inputs", &inputs, true, "what the bench feeds it"},
	{"outputs", &outputs, true, "what the bench hears"},
	{"alive", &alive, false, "proof of life"},
	{"limits", &limits, false, "beyond them the product is at fault"},
	{"facts", &facts, false, "what its maker declares of it, for `anzen classify`"},
	{NULL, NULL, false, NULL},
};
static const Shape product = {.type = SHAPE_RECORD, .fields = product_fields};

const Shape *product_shape(void)
{
	return &product;
}
