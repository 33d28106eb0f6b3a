#include "packs.h"

#include <string.h>

static gint by_path(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void find_files(const char *folder, GPtrArray *paths, int depth)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_suffix(name, ".yaml"))
			g_ptr_array_add(paths, g_steal_pointer(&path));
		else if (depth > 0 && g_file_test(path, G_FILE_TEST_IS_DIR))
			find_files(path, paths, depth - 1);
	}
}

/* Crosswalks, risk tables and the register of hazards lie beside the packs; they are other kinds of files. */
static bool is_pack(const char *path)
{
	return !strstr(path, "/crosswalks/") && !strstr(path, "/risk/");
}

GPtrArray *cli_load_packs(const char *where, Diagnostics *diag)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *packs = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free);
	if (g_file_test(where, G_FILE_TEST_IS_DIR))
		find_files(where, paths, 4);
	else
		g_ptr_array_add(paths, g_strdup(where));
	g_ptr_array_sort(paths, by_path);
	for (guint i = 0; i < paths->len; i++) {
		Pack *pack = is_pack(g_ptr_array_index(paths, i))
				     ? criterion_pack_load(g_ptr_array_index(paths, i), diag)
				     : NULL;
		if (pack)
			g_ptr_array_add(packs, pack);
	}
	if (paths->len == 0)
		diagnostics_add(diag, false, where, 0, 0,
				"no criteria pack (*.yaml) in this folder");
	return packs;
}

void cli_check_partners(const GPtrArray *packs, Diagnostics *diag)
{
	for (guint p = 0; p < packs->len; p++) {
		const Pack *pack = g_ptr_array_index(packs, p);
		for (guint i = 0; i < pack->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(pack->criteria, i);
			if (c->partner &&
			    !criterion_find((Pack *const *)packs->pdata, packs->len, c->partner))
				diagnostics_add(diag, false, pack->path, c->line, c->column,
						"%s: `with: %s`: no such criterion", c->id,
						c->partner);
		}
	}
}

GPtrArray *cli_load_crosswalks(const char *where, Diagnostics *diag)
{
	g_autofree char *folder = g_build_filename(where, "crosswalks", NULL);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)crosswalk_free);
	find_files(folder, paths, 0);
	g_ptr_array_sort(paths, by_path);
	for (guint i = 0; i < paths->len; i++) {
		Crosswalk *c = crosswalk_load(g_ptr_array_index(paths, i), diag);
		if (c)
			g_ptr_array_add(all, c);
	}
	return all;
}

Hazards *cli_load_hazards(const char *where, Diagnostics *diag)
{
	g_autofree char *path = g_build_filename(where, "risk", "hazards.yaml", NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS) ? hazards_load(path, diag) : NULL;
}
