/* One CUnit binary a module. CUnit's own runner returns 0 with failed tests, so UNIT_MAIN's main returns
 * non-zero when an assertion failed or when none ran. Do not use the _FATAL asserts: they jump past
 * g_autoptr clean-up. A test binary whose material is absent calls unit_skip() from main's `need` hook and
 * ends with 77, which CTest shows as skipped; with the material named in ANZEN_NEED (a comma list: data,
 * vm, browser) it fails instead.
 *
 *	static void sum_of_nothing_is_zero(void) { CU_ASSERT_EQUAL(sum(NULL, 0), 0); }
 *	UNIT_MAIN("base.sum", UNIT(sum_of_nothing_is_zero))
 */
#ifndef ANZEN_TESTS_UNIT_H
#define ANZEN_TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *name;
	CU_TestFunc run;
} UnitTest;

#define UNIT(fn)        \
	{               \
#fn, fn \
	}

/* True when CI said that `material` must be there, so that its absence is a failure, not a skip. */
static inline int unit_needs(const char *material)
{
	const char *need = getenv("ANZEN_NEED");
	if (!need)
		return 0;
	g_auto(GStrv) words = g_strsplit(need, ",", -1);
	return g_strv_contains((const char *const *)words, material);
}

/* To be called first in main() of a test that needs `path` (material: data, vm, browser). */
static inline void unit_require(const char *material, const char *path)
{
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return;
	fprintf(stderr, "%s: %s is not there\n", unit_needs(material) ? "FAILED" : "SKIPPED", path);
	exit(unit_needs(material) ? 1 : 77);
}

static inline void unit_print_failures(void)
{
	for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
		fprintf(stderr, "%s:%u: %s: failed: %s\n", f->strFileName ? f->strFileName : "?",
			f->uiLineNumber, f->pTest && f->pTest->pName ? f->pTest->pName : "?",
			f->strCondition ? f->strCondition : "?");
}

static inline int unit_run(const char *suite, const UnitTest *tests, size_t n, int argc,
			   char **argv)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	CU_pSuite s = CU_add_suite(suite, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		if (argc < 2 || !strcmp(argv[1], tests[i].name))
			CU_add_test(s, tests[i].name, tests[i].run);
	CU_run_all_tests();
	unit_print_failures();
	unsigned int asserts = CU_get_number_of_asserts(), failed = CU_get_number_of_failures();
	fprintf(stderr, "%s: %u tests, %u asserts, %u failed\n", suite,
		CU_get_number_of_tests_run(), asserts, failed);
	CU_cleanup_registry();
	return failed > 0 || asserts == 0;
}

#define UNIT_MAIN(suite, ...)                                                   \
	int main(int argc, char **argv)                                         \
	{                                                                       \
		static const UnitTest tests[] = {__VA_ARGS__};                  \
		return unit_run(suite, tests, G_N_ELEMENTS(tests), argc, argv); \
	}

/* Assert that a call which takes a GError succeeded, and say the error when it did not. */
#define UNIT_OK(call, error)                                                  \
	do {                                                                  \
		gboolean unit_ok_ = !!(call);                                 \
		if (!unit_ok_ || (error))                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,    \
				(error) ? (error)->message : "no error set"); \
		CU_ASSERT_TRUE(unit_ok_ && !(error));                         \
	} while (0)

#endif
