#include <anzen/scenario.h>

#include "unit.h"

static const char fall_watch[] =
	"anzen: product/1\n"
	"id: fall-watch-reference\n"
	"title: {en: Fall watch, ja: 転倒見守り}\n"
	"identity: {program: fall-watch, version: {http: /version}, serial: ask}\n"
	"start: {process: [fall-watch, --port, $port, --camera, $camera], ready: {http: /health, "
	"timeout: 10 s}}\n"
	"confine: {network: bench-only, cpu: 1, memory: 1 GiB, max_cpu_wait: 10 %}\n"
	"inputs:\n"
	"  camera: {adapter: rtsp, from: camera.main, max_age: 200 ms}\n"
	"outputs:\n"
	"  alarm: {adapter: http, path: /events, kind: event, when: {path: $.type, equals: fall},\n"
	"          clears: {path: $.type, equals: cleared}, claims: {time: $.detected_at, score: "
	"$.score}}\n"
	"  card: {adapter: http, path: /events, when: {path: $.type, equals: card}}\n"
	"alive:\n"
	"  heartbeat: {adapter: http, path: /events, when: {path: $.type, equals: heartbeat}, "
	"every: 1 s}\n"
	"  positive-control: {output: card, role: probe.card, within: 3 s, for: 500 ms}\n"
	"limits: {response: 60 s, message: 64 KiB, rate: 100/s}\n";

static const char stove_guard[] =
	"anzen: product/1\n"
	"id: stove-guard-reference\n"
	"identity: {program: stove-guard}\n"
	"start: {process: [stove-guard, --sensors, $modbus], ready: {consumed: true, timeout: 10 "
	"s}}\n"
	"inputs:\n"
	"  pan:  {adapter: modbus, from: pan.temperature, register: 0, scale: 0.1 degC, max_age: "
	"500 ms}\n"
	"  room: {adapter: modbus, from: room.temperature, register: 2, scale: 0.1 degC, max_age: "
	"2 s}\n"
	"outputs:\n"
	"  shut:  {adapter: modbus, kind: event, coil: 0, claims: {time: 1}}\n"
	"  gas-alarm: {adapter: modbus, kind: event, coil: 2}\n"
	"alive: {heartbeat: {adapter: modbus, holding: 0, every: 1 s}, positive-control: {output: "
	"gas-alarm, within: 3 s}}\n";

static void http_product_is_read_whole(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Product) p = product_load_text(fall_watch, -1, "/x/product.yaml", diag);
	diagnostics_print(diag, stderr);
	CU_ASSERT_PTR_NOT_NULL(p);
	if (!p)
		return;
	CU_ASSERT_STRING_EQUAL(p->kind, "fall-watch");
	CU_ASSERT_STRING_EQUAL(p->dir, "/x");
	CU_ASSERT_STRING_EQUAL(p->argv[2], "$port");
	CU_ASSERT_STRING_EQUAL(p->ready_http, "/health");
	CU_ASSERT_EQUAL(p->network, CONFINE_BENCH_ONLY);
	CU_ASSERT_EQUAL(p->memory_bytes, 1073741824.0);
	CU_ASSERT_DOUBLE_EQUAL(p->max_cpu_wait, 0.1, 1e-15);
	CU_ASSERT_STRING_EQUAL(p->inputs[0].at, "camera");
	CU_ASSERT_EQUAL(p->inputs[0].max_age_ns, 200 * CLOCK_MS);
	CU_ASSERT_EQUAL(p->n_outputs, 3); /* the heartbeat is one of its own */
	CU_ASSERT_EQUAL(p->outputs[0].kind, OUTPUT_EVENT);
	CU_ASSERT_STRING_EQUAL(p->outputs[0].at, "port");
	CU_ASSERT_STRING_EQUAL(p->outputs[0].when.equals, "fall");
	CU_ASSERT_STRING_EQUAL(p->outputs[0].clears.equals, "cleared");
	CU_ASSERT_STRING_EQUAL(p->outputs[0].claim_time, "$.detected_at");
	CU_ASSERT_EQUAL(p->outputs[0].claim_holding, -1);
	CU_ASSERT_STRING_EQUAL(p->outputs[2].name, "heartbeat");
	CU_ASSERT_STRING_EQUAL(p->heartbeat, "heartbeat");
	CU_ASSERT_EQUAL(p->heartbeat_ns, 3 * CLOCK_S);
	CU_ASSERT_STRING_EQUAL(p->control_role, "probe.card");
	CU_ASSERT_EQUAL(p->control_duration_ns, 500 * CLOCK_MS);
	CU_ASSERT_EQUAL(p->limit_message_bytes, 65536);
	CU_ASSERT_EQUAL(p->limit_rate_hz, 100);
}

static void modbus_product_shares_one_endpoint(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Product) p = product_load_text(stove_guard, -1, "p", diag);
	diagnostics_print(diag, stderr);
	CU_ASSERT_PTR_NOT_NULL(p);
	if (!p)
		return;
	CU_ASSERT_STRING_EQUAL(p->inputs[0].at, "modbus");
	CU_ASSERT_STRING_EQUAL(p->outputs[0].at, "modbus");
	CU_ASSERT_EQUAL(p->inputs[1].reg, 2);
	CU_ASSERT_EQUAL(p->inputs[0].per_count.value, 0.1);
	CU_ASSERT_STRING_EQUAL(p->inputs[0].per_count.unit.symbol, "degC");
	CU_ASSERT_EQUAL(p->outputs[0].claim_holding, 1);
	CU_ASSERT_EQUAL(p->outputs[2].kind, OUTPUT_COUNTER);
	CU_ASSERT_EQUAL(p->outputs[2].holding, 0);
}

static void judge_spec_takes_the_strictest_age_and_proof_of_life(void)
{
	static const char scenario[] = "anzen: scenario/1\nid: s\ntitle: {en: a, ja: あ}\nproduct: "
				       "stove-guard\nhazard: H-1\nclass: normal\n"
				       "needs: {sensors: [pan.temperature]}\ntimeline: [{at: 1 s, "
				       "end: true}]\ncriteria: [a/b]\n";
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Product) p = product_load_text(stove_guard, -1, "p", diag);
	g_autoptr(Scenario) s = scenario_load_text(scenario, -1, "s", NULL, diag);
	diagnostics_print(diag, stderr);
	CU_ASSERT(p && s);
	if (!p || !s)
		return;
	g_autoptr(JudgeSpec) spec = scenario_judge_spec(s, p);
	CU_ASSERT_EQUAL(spec->max_age_ns, 500 * CLOCK_MS);
	CU_ASSERT_STRING_EQUAL(spec->age, PRODUCT_AGE_SIGNAL);
	CU_ASSERT_STRING_EQUAL(spec->heartbeat, "product.heartbeat");
	CU_ASSERT_STRING_EQUAL(spec->positive_control, "product.gas-alarm");
	CU_ASSERT_EQUAL(spec->positive_control_ns, 3 * CLOCK_S);
	CU_ASSERT_PTR_NULL(spec->cpu_wait);
}

static void mutant(const char *whole, const char *from, const char *to, const char *words)
{
	g_autofree char *copy = g_strdup(whole);
	char *at = strstr(copy, from);
	CU_ASSERT_PTR_NOT_NULL(at);
	if (!at)
		return;
	g_autofree char *text =
		g_strdup_printf("%.*s%s%s", (int)(at - copy), copy, to, at + strlen(from));
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(Product) p = product_load_text(text, -1, "p.yaml", diag);
	bool found = false;
	for (size_t i = 0; i < diagnostics_count(diag); i++)
		found |= diagnostics_get(diag, i)->line > 0 &&
			 strstr(diagnostics_get(diag, i)->message, words);
	if (!found) {
		fprintf(stderr, "%s -> %s: wanted '%s', got\n", from, to, words);
		diagnostics_print(diag, stderr);
	}
	CU_ASSERT(found && !p);
}

static void contradictions_are_refused(void)
{
	mutant(fall_watch, "process: [fall-watch, --port, $port, --camera, $camera], ", "",
	       "either a process to start");
	mutant(fall_watch, "http: /health, ", "", "ready means either");
	mutant(fall_watch, "$camera]", "$camra]", "no input or output has the endpoint '$camra'");
	mutant(fall_watch, "adapter: rtsp", "adapter: http", "http does not serve inputs");
	mutant(fall_watch, "adapter: rtsp", "adapter: rstp", "did you mean 'rtsp'?");
	mutant(fall_watch, "output: card", "output: crad", "there is no output 'crad'");
	mutant(fall_watch, "max_age: 200 ms", "max_age: 200", "expected a time");
	mutant(fall_watch, "max_age: 200 ms", "max_age: 0 s", "out of range");
	mutant(fall_watch, "path: /events, kind: event, ", "kind: event, ", "needs its `path`");
	mutant(fall_watch, "when: {path: $.type, equals: card}", "coil: 3", "belong to modbus");
	mutant(fall_watch, "kind: event", "kind: level", "expected one of event, state");
	mutant(fall_watch, "network: bench-only", "network: open", "expected one of none");
	mutant(stove_guard, "register: 2", "register: 0", "register 0 is already input 'pan'");
	mutant(stove_guard, "register: 2, ", "", "needs its `register`");
	mutant(stove_guard, "coil: 2", "path: /x", "needs either `coil` or `holding`");
	mutant(stove_guard, "scale: 0.1 degC", "scale: 0 degC", "worth more than 0");
	mutant(stove_guard, "every: 1 s", "every: 1 s, within: 1 s", "longer than `every`");
}

UNIT_MAIN("scenario.product", UNIT(http_product_is_read_whole),
	  UNIT(modbus_product_shares_one_endpoint),
	  UNIT(judge_spec_takes_the_strictest_age_and_proof_of_life),
	  UNIT(contradictions_are_refused))
