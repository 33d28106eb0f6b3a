/* Fields of recordings and the mapping that names them. */
#include "recording.h"

ImportMap *import_map_load(const char *path, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	g_autoptr(ImportMap) map = g_new0(ImportMap, 1);
	map->by_field = g_hash_table_new(g_str_hash, g_str_equal);
	map->mapping = mapping_load(path, diag);
	if (!map->mapping)
		return NULL;
	const Mapping *m = map->mapping;
	if (m->time_column)
		yaml_error(m->doc, yaml_get(yaml_root(m->doc), "time"), diag,
			   "`time` is for tables; the time of a recording is chosen with --time");
	for (guint i = 0; i < m->signals->len; i++) {
		MappedSignal *s = m->signals->pdata[i];
		if (!s->field)
			diagnostics_add(diag, false, path, s->line, 1,
					"%s: expected `field`, as this is a recording",
					s->info.name);
		else if (!g_hash_table_insert(map->by_field, s->field, s))
			diagnostics_add(diag, false, path, s->line, 1,
					"%s: the field %s is there twice", s->info.name, s->field);
	}
	return diagnostics_errors(diag) == before ? g_steal_pointer(&map) : NULL;
}

void import_map_free(ImportMap *map)
{
	if (!map)
		return;
	g_hash_table_unref(map->by_field);
	mapping_free(map->mapping);
	g_free(map);
}

const SignalInfo *import_map_find(const ImportMap *map, const char *key)
{
	const MappedSignal *s = g_hash_table_lookup(map->by_field, key);
	return s ? &s->info : NULL;
}

bool import_map_keeps_others(const ImportMap *map)
{
	return map->mapping->keep_others;
}

/* The field that is spelt most like it, for the message. */
static char *nearest_field(const Intake *in, const char *field)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	for (guint i = 0; i < in->signals->len; i++)
		g_ptr_array_add(words, ((IntakeSignal *)in->signals->pdata[i])->field);
	g_ptr_array_add(words, NULL);
	return text_did_you_mean(field, (const char *const *)words->pdata);
}

bool import_map_check_found(const ImportMap *map, const Intake *in, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	g_autoptr(GHashTable) found = g_hash_table_new(g_str_hash, g_str_equal);
	const Mapping *m = map->mapping;
	for (guint i = 0; i < in->signals->len; i++)
		g_hash_table_add(found, ((IntakeSignal *)in->signals->pdata[i])->field);
	for (guint i = 0; i < m->signals->len; i++) {
		const MappedSignal *s = m->signals->pdata[i];
		if (g_hash_table_contains(found, s->field))
			continue;
		g_autofree char *near = nearest_field(in, s->field);
		diagnostics_add(diag, false, yaml_file(m->doc), s->line, 1,
				"%s: %s has no field %s with a number%s; without --map all names "
				"are listed",
				s->info.name, in->source, s->field, near);
	}
	return diagnostics_errors(diag) == before;
}

/* What a mapping for a recording may add: itself as an attachment, and what to judge. */
gboolean import_map_attach(const ImportMap *map, SessionWriter *writer, GError **error)
{
	size_t size;
	const Mapping *m = map->mapping;
	const char *bytes = yaml_bytes(m->doc, &size);
	g_autofree char *base = g_path_get_basename(yaml_file(m->doc));
	g_autofree char *name = g_strconcat("import/", base, NULL);
	g_autofree char *hash = session_sha256(bytes, size);
	session_writer_meta(writer, "import.mapping", m->id);
	session_writer_meta(writer, "import.mapping.sha256", hash);
	return session_writer_attach(writer, name, "application/yaml", bytes, size, error) &&
	       (!m->judge || session_writer_attach_judge(writer, m->judge, error));
}
