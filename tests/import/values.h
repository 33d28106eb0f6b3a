/* A session compared with what another reader printed: NAME <tab> ns <tab> value, one number a line, in the order of time. */
#ifndef ANZEN_TESTS_IMPORT_VALUES_H
#define ANZEN_TESTS_IMPORT_VALUES_H

#include "unit.h"

#include <anzen/import.h>
#include <anzen/session.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

/* Standard output of a program; NULL when it failed. */
static inline char *values_print(const char *const *argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *out = NULL, *err = NULL;
	int status = 0;
	if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
			  &out, &err, &status, &error) ||
	    !g_spawn_check_wait_status(status, NULL)) {
		fprintf(stderr, "%s %s: %s\n", argv[0], argv[1], error ? error->message : err);
		return NULL;
	}
	return g_steal_pointer(&out);
}

typedef struct {
	size_t values, messages, missing;
} ValuesFound;

static inline bool values_agree(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* Each line against the next sample of its signal; then no sample may be left. A burst's samples may stand some ns later. */
static inline ValuesFound values_compare(const char *session, const char *lines)
{
	ValuesFound found = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(Recording) rec = session_load(session, &error);
	g_autoptr(GHashTable) next = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) rows = g_strsplit(lines, "\n", -1);
	size_t wrong = 0, samples = 0;
	UNIT_OK(rec != NULL, error);
	for (char **row = rows; rec && *row && **row; row++) {
		g_auto(GStrv) cells = g_strsplit(*row, "\t", 3);
		int64_t t = g_ascii_strtoll(cells[1], NULL, 10);
		if (!strcmp(cells[0], "messages")) {
			found.messages = (size_t)t;
			continue;
		}
		const Signal *s = recording_signal(rec, cells[0]);
		size_t k = GPOINTER_TO_SIZE(g_hash_table_lookup(next, cells[0]));
		double v = g_ascii_strtod(cells[2], NULL);
		found.values++;
		found.missing += !s;
		if (!s || k >= s->n || s->t_ns[k] < t || s->t_ns[k] > t + 2000 ||
		    !values_agree(s->v[k], v)) {
			if (wrong++ < 5)
				fprintf(stderr, "%s: row %zu is '%s', the session has %s %.17g\n",
					session, found.values, *row,
					s ? "another value" : "no signal",
					s && k < s->n ? s->v[k] : 0.0);
		}
		g_hash_table_replace(next, g_strdup(cells[0]), GSIZE_TO_POINTER(k + 1));
	}
	CU_ASSERT_EQUAL(wrong, 0);
	GHashTableIter iter;
	void *value;
	for (g_hash_table_iter_init(&iter, rec->signals);
	     g_hash_table_iter_next(&iter, NULL, &value);) {
		const Signal *s = value;
		if (!strstr(s->info.name, ".time."))
			samples += s->n;
	}
	CU_ASSERT_EQUAL(samples, found.values);
	return found;
}

/* Import with the default options; the report, or NULL with `ret_why`. */
static inline ImportReport *values_import(const char *path, const char *out, char **ret_why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	ImportReport *report = NULL;
	const ImportOptions options = {0};
	g_unlink(out);
	if (import_recording(path, &options, out, &report, diag, &error))
		return report;
	if (ret_why)
		*ret_why = g_strdup(error->message);
	import_report_free(report);
	return NULL;
}

#endif
