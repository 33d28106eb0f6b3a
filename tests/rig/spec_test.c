#include "unit.h"

#include <anzen/rig.h>
#include <unistd.h>

#define RIGS ANZEN_SOURCE_DIR "/rigs/"

static RigSpec *load(const char *path)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	RigSpec *spec = rig_spec_load(path, diag);
	diagnostics_print(diag, stderr);
	return spec;
}

static void the_rigs_of_this_repository_are_right(void)
{
	g_autoptr(RigSpec) room = load(RIGS "living-room-virtual.yaml");
	g_autoptr(RigSpec) lab = load(RIGS "living-room-lab.yaml");
	g_autoptr(RigSpec) kitchen = load(RIGS "kitchen-virtual.yaml");
	CU_ASSERT_PTR_NOT_NULL(kitchen);
	CU_ASSERT_PTR_NOT_NULL(room);
	CU_ASSERT_PTR_NOT_NULL(lab);
	CU_ASSERT(room && rig_spec_world(room) && lab && !rig_spec_world(lab));
	/* A template is of use only with the same roles. */
	for (guint i = 0; room && lab && i < rig_spec_roles(room)->len; i++) {
		const RigRole *r = g_ptr_array_index(rig_spec_roles(room), i);
		CU_ASSERT_PTR_NOT_NULL(rig_spec_role(lab, r->name));
	}
}

static void roles_are_what_their_channels_make_them(void)
{
	g_autoptr(RigSpec) room = load(RIGS "living-room-virtual.yaml");
	static const struct {
		const char *name;
		RigRoleKind kind;
	} want[] = {{"mannequin.release", RIG_ACTUATOR}, {"mannequin.height", RIG_SENSOR},
		    {"floor.force", RIG_SENSOR},         {"room.lamp", RIG_ACTUATOR},
		    {"camera.main", RIG_CAMERA},         {"lamp.power", RIG_ACTUATOR}};
	for (size_t i = 0; room && i < G_N_ELEMENTS(want); i++) {
		const RigRole *r = rig_spec_role(room, want[i].name);
		CU_ASSERT(r && r->kind == want[i].kind);
	}
	const RigRole *height = room ? rig_spec_role(room, "mannequin.height") : NULL;
	CU_ASSERT(height && height->max_gap_ns == 5 * CLOCK_MS && height->max_slew == 12);
}

/* A file with one thing changed; the message must name line and cure. */
static void expect_error_in(const char *file, const char *from, const char *to, const char *message)
{
	g_autofree char *path = g_strconcat(RIGS, file, NULL);
	g_autofree char *text = NULL;
	gsize length;
	CU_ASSERT(g_file_get_contents(path, &text, &length, NULL));
	g_auto(GStrv) parts = g_strsplit(text, from, 2);
	CU_ASSERT_PTR_NOT_NULL(parts[1]);
	g_autofree char *changed = g_strconcat(parts[0], to, parts[1], NULL);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	/* Named as if it stood there, so that maps and world are found. */
	g_autoptr(YamlDoc) doc = yaml_load_text(changed, -1, RIGS "changed.yaml", diag);
	bool refused = doc && !rig_check(doc, diag) && diagnostics_errors(diag) > 0;
	bool said = false;
	for (size_t i = 0; i < diagnostics_count(diag); i++)
		if (strstr(diagnostics_get(diag, i)->message, message) &&
		    diagnostics_get(diag, i)->line > 0)
			said = true;
	CU_ASSERT(refused && said);
	if (!said) {
		fprintf(stderr, "wanted \"%s\" for %s → %s, got:\n", message, from, to);
		diagnostics_print(diag, stderr);
	}
}

static void expect_error(const char *from, const char *to, const char *message)
{
	expect_error_in("living-room-virtual.yaml", from, to, message);
}

static void expect_axis_error(const char *from, const char *to, const char *message)
{
	expect_error_in("kitchen-rail-virtual.yaml", from, to, message);
}

/* registers.def: 0 … 100000 step, 20000 step/s, 100000 step/s^2, switch of axis.0 at in.1. */
static void an_axis_is_held_against_its_node(void)
{
	expect_axis_error("range: [0 mm, 600 mm]", "range: [0 mm, 5001 mm]",
			  "step 0 … 100020, but the node's travel is 0 … 100000: 0 … 5000 mm");
	expect_axis_error("range: [0 mm, 600 mm]", "range: [-1 mm, 600 mm]", "0 … 5000 mm");
	expect_axis_error("range: [0 mm, 600 mm]", "direction: backwards, range: [0 mm, 600 mm]",
			  "-5000 … 0 mm");
	expect_axis_error("range: [0 mm, 600 mm]", "range: [600 mm, 0 mm]",
			  "smaller position first");
	expect_axis_error("range: [0 mm, 600 mm]", "range: [0 mm, 600 N]", "N");
	expect_axis_error("max_velocity: 600 mm/s", "max_velocity: 1001 mm/s", "at most 1000 mm/s");
	expect_axis_error("max_velocity: 600 mm/s", "max_velocity: 600 mm", "mm");
	expect_axis_error("max_velocity: 600 mm/s", "max_velocity: 0 mm/s", "larger than 0");
	expect_axis_error("max_acceleration: 3 m/s^2", "max_acceleration: 5.1 m/s^2",
			  "at most 5000 mm/s^2");
	expect_axis_error("home: in.1", "home: in.2", "looks for the switch of axis.0 at in.1");
	expect_axis_error("park: 0 mm", "park: 601 mm", "outside the range");
	expect_axis_error("steps: 20", "steps: 0", "out of range");
	expect_axis_error("channel: axis.0,", "channel: axis.0.velocity,", "is a part of an axis");
	expect_axis_error("channel: axis.0,", "channel: out.1,", "node-a.out.1 is no axis");
	expect_axis_error("safe: stands, axis:", "safe: stands, pulse: 1 s, axis:",
			  "`pulse` is not for an axis");
	expect_axis_error("safe: off, max_on: 60 s}", "safe: off, max_on: 60 s, axis: {unit: mm}}",
			  "missing");
	expect_axis_error("{device: node-a, channel: out.0, safe: off, max_on: 60 s}",
			  "{device: node-a, channel: axis.1}", "is an axis: say `axis:");
}

static void what_only_a_nodes_inputs_do_is_asked_of_them_only(void)
{
	expect_error("channel: adc.0, sensor", "channel: adc.0, oversample: 2, sensor",
		     "expected 1, 4 or 16");
	expect_error("channel: adc.0, sensor", "channel: adc.0, oversample: 64, sensor",
		     "out of range");
	expect_error("channel: adc.0, sensor", "channel: adc.0, edges: true, sensor",
		     "`edges` is for a node's in.0 to in.3");
	expect_error("channel: ain.2, sensor", "channel: ain.2, oversample: 4, sensor",
		     "`oversample` is for a node's adc.0 to adc.3");
	expect_error("channel: out.3, safe", "channel: out.3, oversample: 4, safe",
		     "`oversample` is for a node's adc.0 to adc.3");
}

static void each_mistake_is_told_with_its_line(void)
{
	expect_error("{driver: camera,", "{driver: camera, asymmetry: 5 us,",
		     "`asymmetry` is for nodes");
	expect_error("{driver: node,", "{driver: node, asymmetry: 5 mm,", "time");
	expect_error("{driver: node,", "{driver: node, asymmetry: 1 s,", "out of range");
	expect_error("device: cam,", "device: cams,", "no device 'cams'");
	expect_error("channel: adc.0", "channel: adc.9", "no channel 'adc.9'");
	expect_error("channel: adc.1", "channel: adc.0", "already plays the role");
	expect_error("max_on: 500 ms, pulse", "max_on: 600 ms, pulse", "ceiling of 500 ms");
	expect_error("pulse: 200 ms", "pulse: 700 ms", "longer than max_on");
	expect_error("max_gap: 5 ms", "max_gap: 5 mm", "time");
	expect_error("bandwidth: 50 Hz", "bandwith: 50 Hz", "bandwidth");
	expect_error("driver: scpi", "driver: scpy", "scpi");
	expect_error("\"world:io\"", "\"wurld:io\"", "unknown kind");
	expect_error("maps/lamp.yaml", "maps/lump.yaml", "lump.yaml");
	expect_error("maps/lamp.yaml", "../../../etc/passwd", "relative path");
	expect_error("file: worlds/living-room.yaml", "file: worlds/none.yaml", "no such file");
	expect_error("world: {file: worlds/living-room.yaml}\n", "", "needs the rig's `world");
	expect_error("unit: 1, map: maps/io", "map: maps/io", "`map` and `unit`");
	expect_error("unit: 1, map: maps/io", "unit: 248, map: maps/io", "out of range");
	expect_error("interlock: {estop: node-a.estop, trip: node-a.trip, proof_test: 90 days}\n",
		     "", "'interlock' is missing");
	expect_error("estop: node-a.estop", "estop: io.estop", "no node");
	expect_error("sensor: string-pot-0007, max_gap",
		     "sensor: string-pot-0007, max_on: 1 s, max_gap", "is for outputs");
	expect_error("safe: held,", "safe: held, noise: 1 mm,", "is for sensors");
	expect_error("safe: held,", "safe: held, initial: \"1\",", "can hurt");
}

/* The laboratory's file, as text put before `devices:` and with another link to the node. */
static bool lab_is_virtual(const char *before, const char *node_link, bool *ret_refused)
{
	g_autofree char *text = NULL;
	CU_ASSERT(g_file_get_contents(RIGS "living-room-lab.yaml", &text, NULL, NULL));
	g_autoptr(GString) changed = g_string_new(text);
	CU_ASSERT_EQUAL(g_string_replace(changed, "serial:usb:2341:0042/NODE42", node_link, 0), 1);
	g_autofree char *devices = g_strconcat(before, "\ndevices:\n", NULL);
	CU_ASSERT_EQUAL(g_string_replace(changed, "\ndevices:\n", devices, 0), 1);
	g_autofree char *folder = g_dir_make_tmp("anzen-rig-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "lab.yaml", NULL);
	static const char *const beside[] = {"maps", "instruments"};
	for (size_t i = 0; i < G_N_ELEMENTS(beside); i++) {
		g_autofree char *from = g_strconcat(RIGS, beside[i], NULL);
		g_autofree char *to = g_build_filename(folder, beside[i], NULL);
		CU_ASSERT_EQUAL(symlink(from, to), 0);
	}
	CU_ASSERT(g_file_set_contents(path, changed->str, -1, NULL));
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(RigSpec) spec = rig_spec_load(path, diag);
	*ret_refused = !spec;
	for (size_t i = 0; i < G_N_ELEMENTS(beside); i++) {
		g_autofree char *to = g_build_filename(folder, beside[i], NULL);
		unlink(to);
	}
	unlink(path);
	rmdir(folder);
	return spec && rig_spec_virtual(spec);
}

static void emulated_devices_are_never_a_physical_rig(void)
{
	bool refused;
	CU_ASSERT_FALSE(lab_is_virtual("", "serial:usb:2341:0042/NODE42", &refused));
	CU_ASSERT_FALSE(refused);
	CU_ASSERT_TRUE(lab_is_virtual("\nvirtual: true", "serial:usb:2341:0042/NODE42", &refused));
	CU_ASSERT_FALSE(
		lab_is_virtual("\nvirtual: false", "serial:usb:2341:0042/NODE42", &refused));
	CU_ASSERT_FALSE(refused);
	CU_ASSERT_TRUE(lab_is_virtual("\nvirtual: true", "pty:/dev/pts/7", &refused));
	/* What can only be emulated must be said to be. */
	lab_is_virtual("", "pty:/dev/pts/7", &refused);
	CU_ASSERT_TRUE(refused);
	lab_is_virtual("\nvirtual: false", "serial:/dev/pts/7", &refused);
	CU_ASSERT_TRUE(refused);
	lab_is_virtual("", "plant:node-a", &refused);
	CU_ASSERT_TRUE(refused);
	expect_error("devices:\n", "virtual: false\ndevices:\n", "a rig with a world is virtual");
}

UNIT_MAIN("rig.spec", UNIT(the_rigs_of_this_repository_are_right),
	  UNIT(emulated_devices_are_never_a_physical_rig),
	  UNIT(roles_are_what_their_channels_make_them), UNIT(an_axis_is_held_against_its_node),
	  UNIT(what_only_a_nodes_inputs_do_is_asked_of_them_only),
	  UNIT(each_mistake_is_told_with_its_line))
