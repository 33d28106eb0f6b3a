/* The proof test of the interlock as a technician calls it, and arming that refuses without a fresh one. */
#include "unit.h"

#include <anzen/base.h>
#include <anzen/rig.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char **ret_out, const char *const *argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *err = NULL;
	int status = 0;
	UNIT_OK(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
			     ret_out, &err, &status, &error),
		error);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

#define ANZEN ANZEN_BINARY_DIR "/bin/anzen"

/* The world presses the button and opens the door; the node's own times are judged. */
static void a_virtual_bench_is_proven_by_its_world(void)
{
	g_autofree char *file = g_strdup_printf("%s/proof.%d", g_get_tmp_dir(), (int)getpid());
	g_autofree char *out = NULL, *record = NULL;
	const char *const argv[] = {
		ANZEN, "rig", "proof-test", ANZEN_SOURCE_DIR "/rigs/living-room-virtual.yaml",
		"-o",  file,  NULL};
	CU_ASSERT_EQUAL(run(&out, argv), ANZEN_EXIT_PASS);
	CU_ASSERT(g_file_get_contents(file, &record, NULL, NULL));
	CU_ASSERT(record && strstr(record, "result: passed\n") &&
		  strstr(record, "node atmega2560"));
	CU_ASSERT(record && strstr(record, "ok: e-stop: the node latched") &&
		  strstr(record, "ok: trip line: the node latched") &&
		  strstr(record, "ok: lease: safe by itself"));
	/* an emulated button proves nothing about a real one */
	CU_ASSERT(record && rig_proof_day(record, "living-room-virtual") == -1);
	unlink(file);
}

static void a_record_counts_when_it_passed_here_and_for_real(void)
{
	static const char good[] =
		"proof-test/1\nrig: lab\nevidence: physical\ndate: 2026-10-01\nresult: passed\n";
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_dmy(&date, 1, G_DATE_OCTOBER, 2026);
	int day = (int)g_date_get_julian(&date);
	CU_ASSERT_EQUAL(rig_proof_day(good, "lab"), day);
	CU_ASSERT_EQUAL(rig_proof_day("2026-10-01\n", "lab"), day); /* by hand */
	CU_ASSERT_EQUAL(rig_proof_day(good, "another"), -1);
	CU_ASSERT_EQUAL(rig_proof_day("", "lab"), -1);
	CU_ASSERT_EQUAL(rig_proof_day("2026-13-01", "lab"), -1);
	CU_ASSERT_EQUAL(rig_proof_day("2026-10-01 or so", "lab"), -1);
	CU_ASSERT_EQUAL(
		rig_proof_day("proof-test/1\nrig: lab\nevidence: physical\ndate: 2026-10-01\n"
			      "result: failed\n",
			      "lab"),
		-1);
	CU_ASSERT_EQUAL(
		rig_proof_day("proof-test/1\nrig: lab\nevidence: virtual\ndate: 2026-10-01\n"
			      "result: passed\n",
			      "lab"),
		-1);
}

/* Whether preflight of a copy of the lab's rig, whose record is of `days` ago, has no complaint about the proof test. */
static bool accepted(int days)
{
	g_autofree char *dir = g_dir_make_tmp("anzen-proof-XXXXXX", NULL), *out = NULL,
			*none = NULL;
	const char *const copy[] = {
		"cp", "-r", ANZEN_SOURCE_DIR "/rigs", ANZEN_SOURCE_DIR "/calibration", dir, NULL};
	g_autofree char *argv0 = g_find_program_in_path("cp");
	const char *argv[G_N_ELEMENTS(copy)];
	memcpy(argv, copy, sizeof copy);
	argv[0] = argv0;
	CU_ASSERT_EQUAL(run(&none, argv), 0);
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autoptr(GDateTime) then = g_date_time_add_days(now, -days);
	g_autofree char *day = g_date_time_format(then, "%Y-%m-%d");
	g_autofree char *record =
		g_strdup_printf("proof-test/1\nrig: living-room-lab\nevidence: physical\n"
				"date: %s\nresult: passed\n",
				day);
	g_autofree char *file = g_strdup_printf("%s/rigs/living-room-lab.proof-test", dir);
	g_autofree char *rig = g_strdup_printf("%s/rigs/living-room-lab.yaml", dir);
	CU_ASSERT(g_file_set_contents(file, record, -1, NULL));
	const char *const check[] = {ANZEN, "rig", "check", rig, NULL};
	CU_ASSERT_EQUAL(run(&out, check), ANZEN_EXIT_INVALID); /* its devices are not here */
	bool good = strstr(out, " ok   interlock: proof test") != NULL;
	CU_ASSERT_EQUAL(good, !strstr(out, "FAIL  interlock: proof test"));
	const char *const remove[] = {"/bin/rm", "-r", dir, NULL};
	g_autofree char *nothing = NULL;
	run(&nothing, remove);
	return good;
}

/* The lab's rig says 90 days. A day in the future is no record of anything. */
static void a_stale_record_is_refused(void)
{
	CU_ASSERT_TRUE(accepted(0));
	CU_ASSERT_TRUE(accepted(89));
	CU_ASSERT_FALSE(accepted(91));
	CU_ASSERT_FALSE(accepted(-2));
}

UNIT_MAIN("rig.proof", UNIT(a_record_counts_when_it_passed_here_and_for_real),
	  UNIT(a_stale_record_is_refused), UNIT(a_virtual_bench_is_proven_by_its_world))
