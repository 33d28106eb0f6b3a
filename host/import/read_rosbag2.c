/* rosbag2: a folder with metadata.yaml that names its files, in either storage, each perhaps compressed as a whole; or one such
 * compressed file. */
#include "recording.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>
#include <zstd.h>

static gboolean read_one(Intake *in, const char *path, GError **error)
{
	char magic[16] = {0};
	FILE *file = fopen(path, "rbe");
	if (!file) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", path,
			    g_strerror(errno));
		return FALSE;
	}
	size_t n = fread(magic, 1, sizeof(magic), file);
	fclose(file);
	if (n >= 8 && !memcmp(magic, MCAP_MAGIC, 8))
		return read_mcap(in, path, error);
	if (n == 16 && !memcmp(magic, "SQLite format 3", 16))
		return read_sqlite3(in, path, error);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: byte 0: neither MCAP nor sqlite3, the storages of rosbag2", path);
	return FALSE;
}

/* ---- compression mode FILE ---------------------------------------------------------------------------------- */

static gboolean unpack(FILE *from, FILE *to, const char *path, GError **error)
{
	size_t in_size = ZSTD_DStreamInSize(), out_size = ZSTD_DStreamOutSize(), n, left = 1;
	g_autofree char *in = g_malloc(in_size), *out = g_malloc(out_size);
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	bool good = true;
	while (good && (n = fread(in, 1, in_size, from)) > 0) {
		ZSTD_inBuffer source = {in, n, 0};
		while (good && source.pos < source.size) {
			ZSTD_outBuffer sink = {out, out_size, 0};
			left = ZSTD_decompressStream(zstd, &sink, &source);
			good = !ZSTD_isError(left) && fwrite(out, 1, sink.pos, to) == sink.pos;
		}
	}
	ZSTD_freeDCtx(zstd);
	good = good && left == 0 && fflush(to) == 0;
	if (!good)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: does not unpack as zstd: damaged or cut, or no room in %s", path,
			    g_get_tmp_dir());
	return good;
}

static gboolean read_packed(Intake *in, const char *path, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *plain = NULL;
	FILE *from = fopen(path, "rbe");
	if (!from) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", path,
			    g_strerror(errno));
		return FALSE;
	}
	int fd = g_file_open_tmp("anzen-import-XXXXXX", &plain, &local);
	FILE *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
	gboolean good = FALSE;
	if (!to)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s",
			    local ? local->message : path);
	else
		good = unpack(from, to, path, error);
	fclose(from);
	if (to)
		fclose(to);
	good = good && read_one(in, plain, error);
	if (plain)
		g_unlink(plain);
	return good;
}

static gboolean read_any(Intake *in, const char *path, GError **error)
{
	return g_str_has_suffix(path, ".zstd") || g_str_has_suffix(path, ".zst")
		       ? read_packed(in, path, error)
		       : read_one(in, path, error);
}

/* ---- the folder --------------------------------------------------------------------------------------------- */

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Without metadata.yaml: every file of a storage, by name, as `ros2 bag reindex` would find them. */
static GPtrArray *files_in(const char *folder)
{
	static const char *const endings[] = {".db3", ".mcap", ".db3.zstd", ".mcap.zstd"};
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));)
		for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
			if (g_str_has_suffix(name, endings[i]))
				g_ptr_array_add(files, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(files, by_name);
	return files;
}

/* A path in metadata.yaml may be absolute, of the machine that recorded: then its last part counts. */
static char *beside(const char *folder, const char *said)
{
	g_autofree char *base = g_path_get_basename(said);
	return g_build_filename(folder, base, NULL);
}

static GPtrArray *files_of(const YamlNode *info, const char *folder)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
	const YamlNode *list = yaml_get(info, "relative_file_paths");
	for (size_t i = 0; list && i < yaml_size(list); i++) {
		const char *said = yaml_text(yaml_item(list, i));
		if (said)
			g_ptr_array_add(files, beside(folder, said));
	}
	return files;
}

static void compare_count(Intake *in, const YamlNode *info)
{
	const char *said = yaml_get_text(info, "message_count");
	guint64 n = said ? g_ascii_strtoull(said, NULL, 10) : 0;
	if (said && !in->frames_pass && n != in->messages)
		intake_note(in,
			    "metadata.yaml speaks of %" G_GUINT64_FORMAT
			    " messages, the files hold %" G_GUINT64_FORMAT,
			    n, in->messages);
}

static gboolean read_files(Intake *in, const GPtrArray *files, GError **error)
{
	for (guint i = 0; i < files->len; i++)
		import_add_file(in, files->pdata[i]);
	for (guint i = 0; i < files->len; i++)
		if (!read_any(in, files->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean read_folder(Intake *in, const char *folder, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *path = g_build_filename(folder, "metadata.yaml", NULL);
	bool there = g_file_test(path, G_FILE_TEST_EXISTS);
	g_autoptr(YamlDoc) doc = there ? yaml_load_file(path, diag) : NULL;
	const YamlNode *info = doc ? yaml_get(yaml_root(doc), "rosbag2_bagfile_information") : NULL;
	g_autoptr(GPtrArray) files = info ? files_of(info, folder) : files_in(folder);
	if (!info)
		intake_note(in, "%s: its files are taken by name",
			    there ? "metadata.yaml cannot be used" : "no metadata.yaml");
	if (files->len == 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: a folder without a rosbag2 in it (metadata.yaml, .db3, .mcap)",
			    folder);
		return FALSE;
	}
	if (there)
		import_add_file(in, path);
	if (!read_files(in, files, error))
		return FALSE;
	if (info)
		compare_count(in, info);
	return TRUE;
}

gboolean read_rosbag2(Intake *in, const char *path, GError **error)
{
	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		return read_folder(in, path, error);
	if (!g_str_has_suffix(path, "metadata.yaml"))
		return read_any(in, path, error);
	g_autofree char *folder = g_path_get_dirname(path);
	return read_folder(in, folder, error);
}
