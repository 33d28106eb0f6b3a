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
			*session = g_build_filename(argv[1], "session.mcap", NULL);
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(SessionReader) reader = NULL;
	Check k = {.out = stdout,
		   .packs = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_doc_free)};
	JsonNode *root = json_parser_load_from_file(parser, json, &error)
				 ? json_parser_get_root(parser)
				 : NULL;
	bool ready = root && JSON_NODE_HOLDS_OBJECT(root) &&
		     (reader = session_reader_open(session, &error)) &&
		     load_packs(reader, k.packs, &error);
	if (ready) {
		k.rec = session_reader_recording(reader);
		k.spec = session_reader_judge(reader, &error);
		if (!k.spec && !error)
			k.spec = judge_spec_new();
	}
	g_autofree char *hash = ready ? session_sha256_file(session, &error) : NULL;
	ready = ready && hash;
	if (ready && k.spec)
		check_record(&k, json_node_get_object(root), hash);
	else
		fprintf(stderr, "anzen-verdict-check: %s\n",
			error ? error->message : "not a run folder");
	int code = !ready || !k.spec ? ANZEN_EXIT_INPUT
		   : k.wrong         ? ANZEN_EXIT_INVALID
		   : k.open          ? ANZEN_EXIT_INCONCLUSIVE
				     : ANZEN_EXIT_PASS;
	if (code != ANZEN_EXIT_INPUT)
		printf("%s\n", k.wrong  ? "not verified"
			       : k.open ? "not wholly checked"
					: "verified");
	judge_spec_free(k.spec);

	g_ptr_array_unref(k.packs);
	return code;
}
