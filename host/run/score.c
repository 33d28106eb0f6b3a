/* Scoring: a sealed session in, verdicts out. run and `anzen score` both come through here, so that they cannot differ. */
#include "finish.h"
#include "labels.h"

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
GPtrArray *score_attached_packs(SessionReader *reader, Diagnostics *diag, GError **error)
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

/* ---- which criteria ---------------------------------------------------------------------------------------- */

/* Every criterion of the given packs, for a session that names none (an import); or those that it names. */
static GPtrArray *named_ids(Pack *const *packs, size_t n, const char *named)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) names = named ? g_strsplit(named, ",", -1) : NULL;
	for (size_t i = 0; names && names[i]; i++)
		g_ptr_array_add(ids, g_strdup(names[i]));
	for (size_t k = 0; !named && k < n; k++)
		for (guint i = 0; i < packs[k]->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(packs[k]->criteria, i);
			g_ptr_array_add(ids, g_strdup(c->full_id));
		}
	return ids;
}

/* -1 with an error: none has the id, or more than one ends so. */
static int find_id(const GPtrArray *ids, const char *wanted, GError **error)
{
	int found = -1;
	g_autofree char *end = g_strdup_printf("/%s", wanted);
	for (guint i = 0; i < ids->len; i++) {
		const char *id = g_ptr_array_index(ids, i);
		if (!strcmp(id, wanted))
			return (int)i;
		if (!g_str_has_suffix(id, end))
			continue;
		if (found >= 0) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "criterion %s: which one, %s or %s?", wanted,
				    (const char *)g_ptr_array_index(ids, found), id);
			return -1;
		}
		found = (int)i;
	}
	if (found < 0) {
		g_autoptr(GString) all = g_string_new(NULL);
		for (guint i = 0; i < ids->len; i++)
			g_string_append_printf(all, "%s%s", i ? ", " : "",
					       (const char *)g_ptr_array_index(ids, i));
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "there is no criterion %s here; there are: %s", wanted, all->str);
	}
	return found;
}

/* What a chosen one is judged with is judged, and not left out. */
static void add_partners(Pack *const *packs, size_t n, const GPtrArray *all, bool *wanted)
{
	for (guint round = 0; round < all->len; round++)
		for (guint i = 0; i < all->len; i++) {
			const Criterion *c = criterion_find(packs, n, g_ptr_array_index(all, i));
			guint at;
			if (wanted[i] && c && c->partner &&
			    g_ptr_array_find_with_equal_func((GPtrArray *)(uintptr_t)all,
							     c->partner, g_str_equal, &at))
				wanted[at] = true;
		}
}

/* Those to be judged, in the order of `named`; the others go to left_out. NULL with an error. */
static GPtrArray *chosen_ids(Pack *const *packs, size_t n, const char *named,
			     const char *const *chosen, GPtrArray *left_out, GError **error)
{
	g_autoptr(GPtrArray) all = named_ids(packs, n, named),
			     ids = g_ptr_array_new_with_free_func(g_free);
	g_autofree bool *wanted = g_new0(bool, MAX(all->len, 1));
	for (size_t i = 0; chosen && chosen[i]; i++) {
		int at = find_id(all, chosen[i], error);
		if (at < 0)
			return NULL;
		wanted[at] = true;
	}
	if (chosen)
		add_partners(packs, n, all, wanted);
	for (guint i = 0; i < all->len; i++)
		g_ptr_array_add(!chosen || wanted[i] ? ids : left_out,
				g_strdup(g_ptr_array_index(all, i)));
	return g_steal_pointer(&ids);
}

static char *comma_list(const GPtrArray *ids)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < ids->len; i++)
		g_string_append_printf(out, "%s%s", i ? "," : "",
				       (const char *)g_ptr_array_index(ids, i));
	return g_string_free(out, FALSE);
}

gboolean run_choose_criteria(Pack *const *packs, size_t n_packs, const char *named,
			     const char *const *chosen, char **ret_criteria, char **ret_left_out,
			     GError **error)
{
	g_autoptr(GPtrArray) left_out = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = chosen_ids(packs, n_packs, named, chosen, left_out, error);
	if (!ids)
		return FALSE;
	*ret_criteria = comma_list(ids);
	*ret_left_out = left_out->len > 0 ? comma_list(left_out) : NULL;
	return TRUE;
}

static bool judged(const RunRecord *record, const char *id)
{
	for (guint i = 0; i < record->criteria->len; i++)
		if (!strcmp(((CriterionResult *)g_ptr_array_index(record->criteria, i))->id, id))
			return true;
	return false;
}

/* ---- what stands beside the verdicts --------------------------------------------------------------------------- */

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

/* A replay says so itself; of a live run it can be told only once the truth is known. */
static void note_labels(RunRecord *record, const Recording *recording, const JudgeSpec *spec)
{
	char *labels =
		meta(recording, "perturb.labels") ? NULL : labels_of_recording(recording, spec);
	if (labels)
		g_hash_table_replace(record->meta, g_strdup("perturb.labels"), labels);
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

/* What the session says shall be judged, by which packs. */
static GPtrArray *ids_of(const ScoreConfig *config, const Recording *recording, Pack *const *packs,
			 size_t n_packs, GPtrArray *left_out, GError **error)
{
	const char *named = config->packs ? NULL : meta(recording, "criteria");
	const char *spared = config->packs ? NULL : meta(recording, "criteria.left-out");
	g_auto(GStrv) before = spared ? g_strsplit(spared, ",", -1) : NULL;
	for (size_t i = 0; before && before[i]; i++)
		g_ptr_array_add(left_out, g_strdup(before[i]));
	return chosen_ids(packs, n_packs, named, config->criteria, left_out, error);
}

static void note_left_out(RunRecord *record, const GPtrArray *left_out)
{
	for (guint i = 0; i < left_out->len; i++) {
		const char *id = g_ptr_array_index(left_out, i);
		if (!judged(record, id)) /* a partner is judged all the same */
			g_ptr_array_add(record->left_out, g_strdup(id));
	}
}

static bool judge_reader(const ScoreConfig *config, SessionReader *reader, Pack *const *packs,
			 size_t n_packs, RunScore *score, GError **error)
{
	const Recording *recording = session_reader_recording(reader);
	g_autoptr(GPtrArray) left_out = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = ids_of(config, recording, packs, n_packs, left_out, error);
	if (!ids)
		return false;
	/* Absent is fine: an imported table has none, and then nothing is promised. Unreadable is not: without its stimulus
	 * checks and its proof of life a run could pass that must not. */
	g_autoptr(GError) unreadable = NULL;
	score->spec = session_reader_judge(reader, &unreadable);
	if (unreadable)
		g_propagate_error(error, g_steal_pointer(&unreadable));
	else if (!score->spec)
		score->spec = judge_spec_new();
	if (!score->spec)
		return false;
	g_ptr_array_add(ids, NULL);
	score->record = criterion_judge(recording, packs, n_packs, (const char *const *)ids->pdata,
					score->spec, error);
	if (!score->record)
		return false;
	note_left_out(score->record, left_out);
	criterion_tipping(recording, packs, n_packs, score->spec, score->record);
	if (config->draws > 0)
		criterion_monte_carlo(recording, packs, n_packs, score->spec, config->draws, 1,
				      score->record);
	return true;
}

gboolean run_score(const char *session, const ScoreConfig *config, RunScore *ret, Diagnostics *diag,
		   GError **error)
{
	static const ScoreConfig plain = {0};
	config = config ? config : &plain;
	g_autoptr(SessionReader) reader = session_reader_open(session, error);
	g_autoptr(GPtrArray) own =
		reader && !config->packs ? score_attached_packs(reader, diag, error) : NULL;
	if (!reader || (!config->packs && !own))
		return FALSE;
	g_auto(RunScore) score = {0};
	if (!judge_reader(config, reader, own ? (Pack *const *)own->pdata : config->packs,
			  own ? own->len : config->n_packs, &score, error))
		return FALSE;
	note_inputs(score.record, reader);
	score.recording = session_reader_steal(reader);
	note_facts(score.record, score.recording);
	if (!score.record->run_id) /* an import is of no run of ours */
		score.record->run_id = g_path_get_basename(session);
	note_labels(score.record, score.recording, score.spec);
	g_free(score.record->session_sha256);
	score.record->session_sha256 = session_sha256_file(session, error);
	if (!score.record->session_sha256)
		return FALSE;
	*ret = score;
	score = (RunScore){0};
	return TRUE;
}
