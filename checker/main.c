/* anzen-verdict-check RUN: does every verdict in RUN/run.json follow from RUN/session.mcap? */
#include "record.h"

static bool load_packs(SessionReader *reader, GPtrArray *packs, GError **error)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	for (guint i = 0; i < names->len; i++) {
		g_autoptr(Diagnostics) diag = diagnostics_new();
		if (!g_str_has_prefix(names->pdata[i], "criteria/"))
			continue;
		g_autoptr(GBytes) bytes = session_reader_attachment(reader, names->pdata[i], error);
		gsize size = 0;
		const char *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
		YamlDoc *doc =
			data ? yaml_load_text(data, (gssize)size, names->pdata[i], diag) : NULL;
		if (!doc)
			return false;
		g_ptr_array_add(packs, doc);
	}
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr,
			"usage: anzen-verdict-check RUN\n"
			"0: every verdict follows from the recording; 4: one does not; 3: one "
			"could not be checked\n");
		return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
	}
	g_autoptr(GError) error = NULL;
	g_autofree char *json = g_build_filename(argv[1], "run.json", NULL),
			*session = g_build_filename(argv[1], "session.mcap", NULL), *hash = NULL;
	g_autoptr(SessionReader) reader = session_reader_open(session, &error);
	g_autoptr(RunRecord) run = reader ? run_record_read(json, &error) : NULL;
	Check k = {.out = stdout,
		   .packs = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_doc_free)};
	if (run && load_packs(reader, k.packs, &error))
		hash = session_sha256_file(session, &error);
	g_autoptr(JudgeSpec) said = hash ? session_reader_judge(reader, &error) : NULL;
	int code = ANZEN_EXIT_INPUT;
	if (hash && !error) {
		k.rec = session_reader_recording(reader);
		k.spec = said ? said : (said = judge_spec_new());
		check_record(&k, run, hash);
		code = k.wrong  ? ANZEN_EXIT_INVALID
		       : k.open ? ANZEN_EXIT_INCONCLUSIVE
				: ANZEN_EXIT_PASS;
		printf("%s\n", k.wrong  ? "not verified"
			       : k.open ? "not wholly checked"
					: "verified");
	} else {
		fprintf(stderr, "anzen-verdict-check: %s\n",
			error ? error->message : "not a run folder");
	}
	g_ptr_array_unref(k.packs);
	return code;
}
