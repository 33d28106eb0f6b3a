/* A rig file against the node that is really there: what its board lacks, or its converter cannot do, is refused as `anzen rig
 * check` opens it, with role, board and cure. */
#include <anzen/rig.h>
#include <glib/gstdio.h>
#include <node_sim.h>

#include "unit.h"

#define INTERLOCK "interlock: {estop: node-a.estop, trip: node-a.trip, proof_test: 90 days}\n"

static char *opened_once(const char *board, const char *roles, bool interlock)
{
	g_autofree char *elf = g_strdup_printf(ANZEN_BINARY_DIR "/firmware/node-%s.elf", board);
	g_autofree char *dir = g_dir_make_tmp("anzen-terminals-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "small.yaml", NULL);
	NodeSimConfig config = {.elf = elf, .name = "node-a"};
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(NodeSim) sim = node_sim_new(&config, NULL, clock_monotonic(), &error);
	UNIT_OK(sim && node_sim_start(sim, &error), error);
	g_autofree char *text =
		g_strdup_printf("anzen: rig/1\nid: small\nvirtual: true\n"
				"devices:\n  node-a: {driver: node, link: \"%s\"}\n"
				"roles:\n%s%s",
				sim ? node_sim_uri(sim) : "", roles, interlock ? INTERLOCK : "");
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	g_autoptr(RigSpec) spec = rig_spec_load(path, diag);
	diagnostics_print(diag, stderr);
	CU_ASSERT_PTR_NOT_NULL(spec);
	RigOptions options = {.passive = true, .calibration = dir};
	Rig *rig = spec ? rig_open(spec, &options, &error) : NULL;
	rig_close(rig);
	g_unlink(path);
	g_rmdir(dir);
	return error ? g_strdup(error->message) : NULL;
}

/* What opening a rig with these roles says; NULL: it opens. A machine that takes the processor away from the emulated board for
 * seconds is no matter of this test. */
static char *opened(const char *board, const char *roles, bool interlock)
{
	char *said = opened_once(board, roles, interlock);
	for (int i = 0; i < 5 && said && strstr(said, "no answer from a node"); i++) {
		g_free(said);
		said = opened_once(board, roles, interlock);
	}
	return said;
}

static void a_terminal_that_the_board_lacks_is_refused_with_its_name(void)
{
	const char *roles =
		"  probe.card: {device: node-a, channel: out.5, safe: away, max_on: 60 s}\n";
	g_autofree char *small = opened("atmega328p", roles, true),
			*whole = opened("atmega2560", roles, true);
	CU_ASSERT_PTR_NULL(whole);
	CU_ASSERT_PTR_NOT_NULL(small);
	CU_ASSERT_TRUE(small && strstr(small, "role probe.card") && strstr(small, "out.5") &&
		       strstr(small, "atmega328p"));
}

static void more_than_its_converter_can_do_is_refused_with_a_cure(void)
{
	const char *fits = "  a: {device: node-a, channel: adc.0, oversample: 16, sample: 3 ms}\n"
			   "  b: {device: node-a, channel: adc.1, oversample: 4, sample: 3 ms}\n"
			   "  c: {device: node-a, channel: in.0, edges: true, max_gap: 250 ms}\n";
	const char *not = "  a: {device: node-a, channel: adc.0, oversample: 16, sample: 3 ms}\n"
			  "  b: {device: node-a, channel: adc.1, max_gap: 5 ms}\n";
	g_autofree char *no = opened("atmega328p", not, false),
			*yes = opened("atmega328p", fits, false);
	CU_ASSERT_PTR_NULL(yes);
	CU_ASSERT_TRUE(no && strstr(no, "makes 7 conversions in 1 ms") && strstr(no, "want 17") &&
		       strstr(no, "sample: 3 ms"));
	if (yes)
		fprintf(stderr, "%s\n", yes);
	if (no)
		fprintf(stderr, "%s\n", no);
}

UNIT_MAIN("firmware.rig-terminals", UNIT(a_terminal_that_the_board_lacks_is_refused_with_its_name),
	  UNIT(more_than_its_converter_can_do_is_refused_with_a_cure))
