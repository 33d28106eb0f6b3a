#include "unit.h"

#include <anzen/device.h>

static const char map[] =
	"anzen: map/1\n"
	"id: unit\n"
	"channels:\n"
	"  a: {register: input, address: 0, unit: count, range: [0, 10]}\n"
	"  b: {register: coil, address: 0, unit: \"1\", range: [0, 1], write: true, safe: 0}\n";
static const char instrument[] =
	"anzen: instrument/1\n"
	"id: psu\n"
	"identity: \"A,B,*\"\n"
	"channels:\n"
	"  v: {set: \"VOLT %\", query: \"VOLT?\", unit: V, range: [0, 30], safe: 0}\n";

static char *replace(const char *text, const char *from, const char *to)
{
	if (!*from)
		return g_strdup(text);
	g_auto(GStrv) parts = g_strsplit(text, from, 2);
	return g_strjoinv(to, parts);
}

typedef bool (*Check)(const YamlDoc *doc, Diagnostics *diag);

static void expect(Check check, const char *base, const char *from, const char *to,
		   const char *message)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *text = replace(base, from, to);
	CU_ASSERT(!*from || strcmp(text, base) != 0);
	g_autoptr(YamlDoc) doc = yaml_load_text(text, -1, "t.yaml", diag);
	bool ok = doc && check(doc, diag);
	bool said = message ? diagnostics_count(diag) > 0 &&
				      strstr(diagnostics_get(diag, 0)->message, message) &&
				      diagnostics_get(diag, 0)->line > 0
			    : true;
	CU_ASSERT(ok == !message && said);
	if (ok != !message || !said) {
		fprintf(stderr, "%s → %s: wanted %s\n", from, to, message ? message : "no error");
		diagnostics_print(diag, stderr);
	}
}

static void a_wrong_map_is_told_with_its_line(void)
{
	Check c = device_map_check;
	expect(c, map, "", "", NULL);
	expect(c, map, "register: input", "register: inputs", "input");
	expect(c, map, "address: 0, unit: count", "address: 65536, unit: count", "range");
	expect(c, map, "[0, 10]", "[10, 0]", "lower end first");
	expect(c, map, "[0, 10]", "[0, 10], write: true", "holding registers");
	expect(c, map, "[0, 10]", "[0, 10], scale: 0", "scale of 0");
	expect(c, map, "[0, 10]", "[0, 10], type: bit", "type bit");
	expect(c, map, "[0, 10]", "[0, 10], safe: 1", "safe value");
	expect(c, map, "unit: count, range", "unit: count, poll: 1 ms, range", "range");
	expect(c, map, "safe: 0", "safe: 2", "channel's range");
	expect(c, map, "id: unit", "id: unit\nretries: 9", "range");
}

static void a_wrong_instrument_is_told_with_its_line(void)
{
	Check c = device_instrument_check;
	expect(c, instrument, "", "", NULL);
	expect(c, instrument, "VOLT %", "VOLT", "where the value goes");
	expect(c, instrument, "VOLT %", "VOLT % %", "where the value goes");
	expect(c, instrument, "VOLT?", "VOLT", "question mark");
	expect(c, instrument, "VOLT?", "VOLT?;OUTP ON", "expected");
	expect(c, instrument, "safe: 0", "safe: 31", "channel's range");
	expect(c, instrument, "safe: 0", "safe: 0, tolerance: -1", "0 or more");
}

static void files_tell_the_channels_without_the_device(void)
{
	g_autoptr(GError) error = NULL;
	DeviceConfig node = {.name = "n", .driver = "node"};
	g_autoptr(GArray) list = device_describe(&node, &error);
	UNIT_OK(list, error);
	bool found = false;
	for (guint i = 0; list && i < list->len; i++) {
		DevicePlantChannel *p = &g_array_index(list, DevicePlantChannel, i);
		if (!strcmp(p->channel.name, "out.3")) {
			found = true;
			CU_ASSERT(p->channel.writable && p->channel.safe == 0 &&
				  p->channel.max_on_ns == 500 * CLOCK_MS);
			CU_ASSERT_STRING_EQUAL(p->port, "n.out.3");
		}
	}
	CU_ASSERT(found);
	DeviceConfig camera = {.name = "c", .driver = "camera", .format = "640x360@25"};
	g_autoptr(GArray) frames = device_describe(&camera, &error);
	CU_ASSERT(frames &&
		  g_array_index(frames, DevicePlantChannel, 0).channel.period_ns == 40 * CLOCK_MS);
	camera.format = "big";
	CU_ASSERT_PTR_NULL(device_describe(&camera, &error));
	CU_ASSERT(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
}

UNIT_MAIN("device.files", UNIT(a_wrong_map_is_told_with_its_line),
	  UNIT(a_wrong_instrument_is_told_with_its_line),
	  UNIT(files_tell_the_channels_without_the_device))
