/* Scoring: a sealed session in, verdicts out. run and `anzen score` both come through here, so that they cannot differ. */
#include <anzen/run.h>
#include <anzen/session.h>

#include <string.h>

void run_score_clear(RunScore *score)
{
	run_record_free(score->record);
	recording_free(score->recording);
	judge_spec_free(score->spec);
	*score = (RunScore){0};
}

static const char *meta(const Recording *recording, const char *key)
{
	return g_hash_table_lookup(recording->meta, key);
}

/* Packs that the session carries itself. */
static GPtrArray *attached_packs(SessionReader *reader, Diagnostics *diag, GError **error)
{
	g_autoptr(GPtrArray) packs =
		g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free);
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		if (!g_str_has_prefix(name, "criteria/"))
			continue;
		g_autoptr(GBytes) bytes = session_reader_attachment(reader, name, error);
		if (!bytes)
			return NULL;
		gsize size;
		const char *text = g_bytes_get_data(bytes, &size);
		Pack *pack = criterion_pack_load_text(text, (gssize)size, name, diag);
		if (!pack) {
			diagnostics_to_error(diag, error);
			return NULL;
		}
		g_ptr_array_add(packs, pack);
	}
	return g_steal_pointer(&packs);
}

/* Every criterion of the given packs, for a session that names none (an import). */
static GStrv all_ids(Pack *const *packs, size_t n)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	for (size_t k = 0; k < n; k++)
		for (guint i = 0; i < packs[k]->criteria->len; i++)
			g_ptr_array_add(
				ids,
				g_strdup(((Criterion *)g_ptr_array_index(packs[k]->criteria, i))
						 ->full_id));
	g_ptr_array_add(ids, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

static void note_inputs(RunRecord *record, SessionReader *reader)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autoptr(GBytes) bytes = session_reader_attachment(reader, name, NULL);
		if (!bytes)
			continue;
		gsize size;
		const void *data = g_bytes_get_data(bytes, &size);
		g_hash_table_replace(record->inputs, g_strdup(name), session_sha256(data, size));
	}
}

static void set(char **field, const char *value)
{
	if (*field || !value || !*value)
		return;
	*field = g_strdup(value);
}

/* {"detail":"…"} as the executor writes it, without quotes inside. Caller frees. */
static char *detail_of(const Event *event)
{
	const char *key = event->json ? strstr(event->json, "\"detail\"") : NULL;
	const char *from = key ? strchr(key + strlen("\"detail\""), '"') : NULL;
	return from ? g_strndup(from + 1, strcspn(from + 1, "\"")) : g_strdup("?");
}

/* The first thing that went wrong with the scenario's cleanup, or "done"; nothing when there was none. */
static void note_cleanup(RunRecord *record, const Recording *recording)
{
	g_autofree char *state = NULL;
	for (guint i = 0; i < recording->events->len; i++) {
		const Event *event = g_ptr_array_index(recording->events, i);
		if (!strcmp(event->name, "cleanup.failed")) {
			g_free(state);
			state = detail_of(event);
			break;
		}
		if (!state && !strcmp(event->name, "cleanup.end"))
			state = g_strdup("done");
	}
	if (state)
		g_hash_table_replace(record->meta, g_strdup("cleanup"), g_steal_pointer(&state));
}

/* What the product said that its description does not declare. */
static void note_undeclared(RunRecord *record, const Recording *recording)
{
	for (guint i = 0; i < recording->events->len; i++) {
		const Event *event = g_ptr_array_index(recording->events, i);
		if (!strcmp(event->name, "product.undeclared"))
			g_hash_table_replace(record->meta, g_strdup("product.undeclared"),
					     detail_of(event));
	}
}

static void note_facts(RunRecord *record, const Recording *recording)
{
	set(&record->run_id, meta(recording, "run"));
	set(&record->scenario, meta(recording, "scenario"));
	set(&record->scenario_title_en, meta(recording, "scenario.title.en"));
	set(&record->scenario_title_ja, meta(recording, "scenario.title.ja"));
	set(&record->product, meta(recording, "product"));
	set(&record->rig, meta(recording, "rig"));
	set(&record->tool_version, meta(recording, "tool"));
	set(&record->started_utc, meta(recording, "started"));
	record->evidence = recording->evidence;
	note_cleanup(record, recording);
	note_undeclared(record, recording);
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, recording->meta);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (!g_hash_table_contains(record->meta, key))
			g_hash_table_insert(record->meta, g_strdup(key), g_strdup(value));
}

gboolean run_score(const char *session, Pack *const *packs, size_t n_packs, RunScore *ret,
		   Diagnostics *diag, GError **error)
{
	return run_score_drawn(session, packs, n_packs, 0, ret, diag, error);
}

gboolean run_score_drawn(const char *session, Pack *const *packs, size_t n_packs, unsigned draws,
			 RunScore *ret, Diagnostics *diag, GError **error)
{
	g_autoptr(SessionReader) reader = session_reader_open(session, error);
	if (!reader)
		return FALSE;
	g_auto(RunScore) score = {0};
	g_autoptr(GPtrArray) own = NULL;
	if (!packs) {
		own = attached_packs(reader, diag, error);
		if (!own)
			return FALSE;
		packs = (Pack *const *)own->pdata;
		n_packs = own->len;
	}
	/* Absent is fine: an imported table has none, and then nothing is promised. Unreadable is not: without its stimulus
	 * checks and its proof of life a run could pass that must not. */
	g_autoptr(GError) unreadable = NULL;
	score.spec = session_reader_judge(reader, &unreadable);
	if (unreadable) {
		g_propagate_error(error, g_steal_pointer(&unreadable));
		return FALSE;
	}
	if (!score.spec)
		score.spec = judge_spec_new();
	const char *named = meta(session_reader_recording(reader), "criteria");
	g_auto(GStrv) ids = named && own ? g_strsplit(named, ",", -1) : all_ids(packs, n_packs);
	score.record = criterion_judge(session_reader_recording(reader), packs, n_packs,
				       (const char *const *)ids, score.spec, error);
	if (!score.record)
		return FALSE;
	criterion_tipping(session_reader_recording(reader), packs, n_packs, score.spec,
			  score.record);
	if (draws > 0)
		criterion_monte_carlo(session_reader_recording(reader), packs, n_packs, score.spec,
				      draws, 1, score.record);
	note_inputs(score.record, reader);
	score.recording = session_reader_steal(reader);
	note_facts(score.record, score.recording);
	g_free(score.record->session_sha256);
	score.record->session_sha256 = session_sha256_file(session, error);
	if (!score.record->session_sha256)
		return FALSE;
	*ret = score;
	score = (RunScore){0};
	return TRUE;
}
