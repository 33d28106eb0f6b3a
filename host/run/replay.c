/* Replay: a run whose devices are recorded. Open loop: the recording does not follow what the new product does. */
#include "replay.h"

#include <anzen/media.h>
#include <math.h>
#include <string.h>
#include <sys/prctl.h>

#define SLOWEST 0.1
#define FASTEST 20.0
#define MOST_LOOPS 1000
#define LOCKSTEP_EPOCH_NS CLOCK_S /* where simulated time begins */

int64_t replay_bench_time(const Replay *r, int64_t recorded_ns)
{
	double ahead = (double)(recorded_ns - r->tape->first_ns);
	if (r->config->pace == REPLAY_RATE && fabs(r->config->rate - 1) > 0)
		return atomic_load(&r->origin_ns) + (int64_t)llround(ahead / r->config->rate);
	return atomic_load(&r->origin_ns) + (recorded_ns - r->tape->first_ns);
}

/* ---- giving ---------------------------------------------------------------------------------------------------------- */

void replay_hold(Replay *r, int64_t now)
{
	for (guint i = 0; i < r->tape->cameras->len; i++) {
		const char *role = g_ptr_array_index(r->tape->cameras, i);
		Frame frame = tape_first_picture(r->tape, role)->frame;
		frame.capture_ns = frame.receipt_ns = now;
		r->feed.frame(r, role, &frame);
	}
	for (guint i = 0; i < r->tape->firsts->len; i++) {
		const TapeItem *item = &g_array_index(r->tape->items, TapeItem,
						      g_array_index(r->tape->firsts, guint, i));
		r->feed.sample(r, item->source, now, item->v, item->status);
	}
	r->held++;
}

static void note_lateness(Replay *r, const TapeItem *item, int64_t now, int64_t late)
{
	Stream *bench = tee_bench(r->tee);
	bench->sample(bench, LATENESS_SIGNAL, now, (double)late * 1e-9, SAMPLE_OK);
	g_array_append_val(r->lateness, late);
	if (late <= r->deadline_ns || r->blamed)
		return;
	r->blamed = true;
	g_autofree char *why = g_strdup_printf("the replay was late: the %s of %.3f s came %.0f ms "
					       "after its time (budget %.0f ms)",
					       item->kind == TAPE_FRAME ? "picture" : item->source,
					       (double)(item->t_ns - r->tape->from_ns) * 1e-9,
					       (double)late * 1e-6, (double)r->deadline_ns * 1e-6);
	replay_blame(r, now - late, why, BLAME_BENCH);
}

static void give_fault(Replay *r, const TapeItem *item, int64_t due)
{
	Stream *bench = tee_bench(r->tee);
	Fault fault = *item->fault;
	g_autofree char *cause =
		g_strdup_printf("%s%s", item->ours ? "" : "in the recording: ", item->fault->cause);
	fault.cause = cause;
	fault.t_ns = due;
	fault.until_ns = item->fault->until_ns == CLOCK_NEVER
				 ? CLOCK_NEVER
				 : replay_bench_time(r, item->fault->until_ns + item->shift_ns);
	bench->fault(bench, &fault);
}

void replay_give(Replay *r, const TapeItem *item, int64_t due, int64_t now)
{
	Stream *bench = tee_bench(r->tee);
	Frame frame = item->frame;
	now = MAX(now,
		  r->last_now_ns + 1); /* what is noted of two items at once keeps their order */
	r->last_now_ns = now;
	open_loop_gives(r->loop, item, due);
	switch (item->kind) {
	case TAPE_FRAME:
		frame.capture_ns = due;
		frame.receipt_ns = now;
		r->frames++;
		bench->frame(bench, item->source, &frame);
		note_lateness(r, item, now, MAX(now - due, 0));
		return;
	case TAPE_SAMPLE:
		bench->sample(bench, item->source, due, item->v, item->status);
		/* what led up to the beginning is shown at once, and was not to be shown before */
		note_lateness(r, item, now, item->t_ns < r->tape->first_ns ? 0 : MAX(now - due, 0));
		return;
	case TAPE_EVENT:
		bench->event(bench, item->source, due, item->json);
		return;
	case TAPE_FAULT:
		give_fault(r, item, due);
		return;
	}
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static void feed_frame(void *user, const char *role, const Frame *frame)
{
	Replay *r = user;
	if (r->decoders) {
		replay_feed_grey(r, role, frame);
		return;
	}
	const ProductFeed *feed = product_link_feed(r->link);
	feed->frame(feed->user, role, frame);
}

/* A perturbed signal stands beside the true one: the product is given the perturbed one in its place. */
static void feed_sample(void *user, const char *role, int64_t t_ns, double v, SampleStatus status)
{
	Replay *r = user;
	const ProductFeed *feed = product_link_feed(r->link);
	const char *as = tape_given_as(r->tape, role);
	if (as)
		feed->sample(feed->user, as, t_ns, v, status);
}

static void declare(Replay *r, const SignalInfo *info)
{
	bool fast = info->max_gap_ns > 0 && info->max_gap_ns <= 20 * CLOCK_MS;
	int id = session_writer_add_signal(r->writer, info, fast ? 1000.0 : 10.0);
	if (id >= 0)
		tee_declare_signal(r->tee, info->name, id);
}

static void declare_all(Replay *r)
{
	SignalInfo late;
	g_autoptr(GPtrArray) product = product_signals(r->product);
	for (guint i = 0; i < r->tape->signals->len; i++)
		declare(r, g_ptr_array_index(r->tape->signals, i));
	for (guint i = 0; i < product->len; i++)
		declare(r, g_ptr_array_index(product, i));
	signal_info_init(&late, LATENESS_SIGNAL);
	late.unit = unit_second;
	late.origin = ORIGIN_HEALTH;
	late.interp = SIGNAL_PREVIOUS;
	declare(r, &late);
	signal_info_clear(&late);
	for (guint i = 0; i < r->tape->cameras->len; i++) {
		const char *role = g_ptr_array_index(r->tape->cameras, i);
		int id = session_writer_add_camera(r->writer, role, "h264");
		if (id >= 0)
			tee_declare_camera(r->tee, role, id);
	}
}

/* Attachments of the recording that stay true of its replay. */
static bool attachment_stays(const Replay *r, const char *name)
{
	return strcmp(name, "judge.json") != 0 && strcmp(name, "product.yaml") != 0 &&
	       !(r->packs && g_str_has_prefix(name, "criteria/"));
}

static gboolean attach_files(Replay *r, GError **error)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(r->tape->reader);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		gsize size;
		if (!attachment_stays(r, name))
			continue;
		g_autoptr(GBytes) bytes = session_reader_attachment(r->tape->reader, name, error);
		const void *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
		if (!bytes || !session_writer_attach(r->writer, name, NULL, data, size, error))
			return FALSE;
	}
	for (guint i = 0; r->packs && i < r->packs->len; i++) {
		const Pack *pack = g_ptr_array_index(r->packs, i);
		g_autofree char *name = g_strdup_printf("criteria/%s.yaml", pack->id);
		if (!session_writer_attach_file(r->writer, name, pack->path, error))
			return FALSE;
	}
	return session_writer_attach(r->writer, "product.yaml", NULL, r->product->bytes,
				     r->product->n_bytes, error);
}

static gboolean attach_judge(Replay *r, GError **error)
{
	g_autoptr(GError) none = NULL;
	g_autoptr(JudgeSpec) spec = session_reader_judge(r->tape->reader, &none);
	if (none) {
		g_propagate_error(error, g_steal_pointer(&none));
		return FALSE;
	}
	if (!spec)
		spec = judge_spec_new();
	judge_spec_use_product(spec, r->product);
	return session_writer_attach_judge(r->writer, spec, error);
}

static const char *old_meta(const Replay *r, const char *key)
{
	return g_hash_table_lookup(r->tape->recording->meta, key);
}

static void copy_meta(Replay *r)
{
	static const char *const kept[] = {"scenario.title.en", "scenario.title.ja", "rig",
					   "deadline", "perturb.spared"};
	GHashTableIter iter;
	gpointer key, value;
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		if (old_meta(r, kept[i]))
			session_writer_meta(r->writer, kept[i], old_meta(r, kept[i]));
	if (r->criteria)
		session_writer_meta(r->writer, "criteria", r->criteria);
	if (r->left_out)
		session_writer_meta(r->writer, "criteria.left-out", r->left_out);
	g_hash_table_iter_init(&iter, r->tape->recording->meta);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (g_str_has_prefix(key, "import.") || g_str_has_prefix(key, "crop.") ||
		    g_str_has_prefix(key, "parameter."))
			session_writer_meta(r->writer, key, value);
}

static char *name_of_recording(const Replay *r)
{
	const char *scenario = old_meta(r, "scenario"), *clip = old_meta(r, "import.source");
	return scenario ? g_strdup(scenario)
			: g_path_get_basename(clip ? clip : r->config->session);
}

static void meta_format(Replay *r, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void meta_format(Replay *r, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	session_writer_meta(r->writer, key, text);
}

/* How it is played, and what is done to it. */
static void note_manner(Replay *r)
{
	static const char *const paces[] = {
		[REPLAY_RATE] = NULL, [REPLAY_ANSWER] = "answer", [REPLAY_MAX] = "max"};
	const ReplayConfig *c = r->config;
	char rate[G_ASCII_DTOSTR_BUF_SIZE];
	session_writer_meta(r->writer, "replay.rate",
			    paces[c->pace] ? paces[c->pace]
					   : g_ascii_dtostr(rate, sizeof(rate), c->rate));
	meta_format(r, "replay.deadline", "%.3f ms", (double)r->deadline_ns * 1e-6);
	meta_format(r, "replay.part", "%.9f s to %.9f s",
		    (double)(r->tape->from_ns - r->tape->recording->start_ns) * 1e-9,
		    (double)(r->tape->part_end_ns - r->tape->recording->start_ns) * 1e-9);
	if (c->loops > 1)
		meta_format(r, "replay.loops", "%u", c->loops);
	for (guint i = 0; i < r->tape->notes->len; i += 2)
		session_writer_meta(r->writer, g_ptr_array_index(r->tape->notes, i),
				    g_ptr_array_index(r->tape->notes, i + 1));
}

static gboolean note_facts(Replay *r, const char *id, GError **error)
{
	int64_t mono, u;
	g_autoptr(GDateTime) when =
		g_date_time_new_from_unix_utc(clock_utc(r->clock, &mono, &u) / CLOCK_S);
	g_autofree char *started = g_date_time_format_iso8601(when);
	g_autofree char *hash = session_sha256_file(r->config->session, error);
	g_autofree char *file = g_path_get_basename(r->config->session);
	g_autofree char *name = name_of_recording(r);
	if (!hash)
		return FALSE;
	copy_meta(r);
	session_writer_meta(r->writer, "run", id);
	session_writer_meta(r->writer, "started", started);
	session_writer_meta(r->writer, "tool", "anzen " ANZEN_VERSION);
	session_writer_meta(r->writer, "scenario", name);
	session_writer_meta(r->writer, "product", r->product->id);
	session_writer_meta(r->writer, "network", run_inputs_network(r->product));
	session_writer_meta(r->writer, "replay.source", file);
	session_writer_meta(r->writer, "replay.sha256", hash);
	session_writer_meta(r->writer, "replay.evidence",
			    evidence_name(r->tape->recording->evidence));
	note_manner(r);
	return TRUE;
}

const char *replay_crop(const Replay *r)
{
	if (!r->tape->cameras->len)
		return NULL;
	g_autofree char *key =
		g_strdup_printf("crop.%s", (char *)g_ptr_array_index(r->tape->cameras, 0));
	return old_meta(r, key);
}

static int64_t bench_time(void *user, int64_t recorded_ns)
{
	return replay_bench_time(user, recorded_ns);
}

static gboolean open_all(Replay *r, const char *id, GError **error)
{
	static const GPtrArray no_sources;
	SessionOptions options = {.path = r->session,
				  .clock = r->clock,
				  .evidence = EVIDENCE_REPLAY,
				  .inline_writer = r->config->pace == REPLAY_ANSWER};
	g_autofree char *log = g_build_filename(r->folder, "product.log", NULL);
	r->writer = session_writer_new(&options, error);
	if (!r->writer || !attach_files(r, error) || !attach_judge(r, error) ||
	    !note_facts(r, id, error))
		return FALSE;
	r->feed = (TeeFeed){.sample = feed_sample, .frame = feed_frame, .user = r};
	r->tee = tee_new(r->writer, &no_sources, &r->feed);
	open_loop_start(r->loop, tee_product(r->tee), tee_bench(r->tee), bench_time, r);
	declare_all(r);
	ProductLinkOptions link = {.product = r->product,
				   .clock = r->clock,
				   .sink = &r->loop->stream,
				   .program_dir = r->config->program_dir,
				   .log_path = log,
				   .crop = replay_crop(r),
				   .lock_step = r->config->pace == REPLAY_ANSWER,
				   .cancelled = &live_stop_requested};
	r->link = product_link_new(&link, error);
	r->recording = r->link && session_writer_start(r->writer, error);
	return r->recording;
}

/* ---- what both ways of playing say ------------------------------------------------------------------------------------ */

bool replay_tell(const Replay *r, const char *state, const char *doing, double t_s)
{
	if (!r->config->progress)
		return !live_stop_requested;
	RunStatus status = {.state = state,
			    .doing = doing,
			    .t_s = t_s,
			    .end_s = (double)(r->tape->to_ns - r->tape->from_ns) * 1e-9};
	RunAnswer answer = {0};
	r->config->progress(r->config->progress_user, &status, &answer);
	if (answer.note) {
		Stream *bench = tee_bench(r->tee);
		g_autoptr(GString) json = g_string_new("{\"detail\":");
		text_append_json(json, answer.note);
		g_string_append_c(json, '}');
		bench->event(bench, "operator.note", clock_now(r->clock), json->str);
		g_free(answer.note);
	}
	return !answer.stop && !live_stop_requested;
}

void replay_say(Replay *r, const char *name, int64_t t_ns, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_autoptr(GString) json = g_string_new("{\"detail\":");
	Stream *bench = tee_bench(r->tee);
	text_append_json(json, text);
	g_string_append_c(json, '}');
	bench->event(bench, name, t_ns, json->str);
}

void replay_blame(Replay *r, int64_t t_ns, const char *cause, Blame who)
{
	char source[] = "replay";
	g_autofree char *why = g_strdup(cause);
	Stream *bench = tee_bench(r->tee);
	Fault fault = {.t_ns = t_ns,
		       .until_ns = CLOCK_NEVER,
		       .source = source,
		       .cause = why,
		       .blame = who,
		       .proven = who == BLAME_BENCH};
	bench->fault(bench, &fault);
}

void replay_end(Replay *r, int64_t end_ns)
{
	tee_bench(r->tee)->event(tee_bench(r->tee), "run.end", end_ns, NULL);
	g_autofree char *undeclared = product_link_undeclared(r->link);
	if (undeclared)
		replay_say(r, "product.undeclared", end_ns, "%s",
			   g_strdelimit(undeclared, "\"\\", ' '));
}

static gint by_value(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* Nearest rank. */
static int64_t percentile(const GArray *sorted, double q)
{
	return sorted->len ? g_array_index(sorted, int64_t, (guint)(q * (sorted->len - 1) + 0.5))
			   : 0;
}

static void sum_up(Replay *r, RunOutcome *ret)
{
	g_array_sort(r->lateness, by_value);
	ret->lateness_p50_ns = percentile(r->lateness, 0.5);
	ret->lateness_p99_ns = percentile(r->lateness, 0.99);
	ret->worst_lateness_ns = percentile(r->lateness, 1);
	ret->lateness_p999_ns = percentile(r->lateness, 0.999);
	ret->frames = r->frames;
	ret->items = r->lateness->len;
	ret->took_ns = r->config->pace == REPLAY_MAX ? r->took_ns : 0;
	replay_say(
		r, "replay.summary", clock_now(r->clock),
		"%" G_GUINT64_FORMAT " pictures and %" G_GUINT64_FORMAT
		" samples; lateness p50 %.3f ms, p99 %.3f ms, worst %.3f ms; the first picture was "
		"shown %" G_GUINT64_FORMAT " times before",
		r->frames, r->lateness->len - r->frames, (double)ret->lateness_p50_ns * 1e-6,
		(double)ret->lateness_p99_ns * 1e-6, (double)ret->worst_lateness_ns * 1e-6,
		r->held);
}

static gboolean play(Replay *r, RunOutcome *ret, GError **error)
{
	bool answer = r->config->pace == REPLAY_ANSWER;
	if (!(answer ? replay_lockstep(r, error) : replay_real(r, error)))
		return FALSE;
	sum_up(r, ret);
	return TRUE;
}

static gboolean seal(Replay *r, GError **error)
{
	g_clear_pointer(&r->link, product_link_free);
	const char *failed = session_writer_failed(r->writer);
	if (failed) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "the session is lost: %s", failed);
		return FALSE;
	}
	const char *why = r->incomplete ? r->incomplete : r->tape->recording->incomplete_why;
	return session_writer_finish(r->writer, why, NULL, error);
}

static void replay_clear(Replay *r)
{
	replay_stop_player(r);
	product_link_free(r->link);
	session_writer_free(r->writer);
	tee_free(r->tee);
	open_loop_free(r->loop);
	tape_free(r->tape);
	product_free(r->product);
	if (r->packs)
		g_ptr_array_unref(r->packs);
	if (r->decoders)
		g_hash_table_unref(r->decoders);
	if (r->clock != clock_monotonic())
		clock_free(r->clock);
	perturb_chain_free(r->chain);
	g_array_unref(r->lateness);
	g_free(r->criteria);
	g_free(r->left_out);
	g_free(r->folder);
	g_free(r->session);
}

/* ---- one replay -------------------------------------------------------------------------------------------------------- */

static bool has_packs(SessionReader *reader)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	for (guint i = 0; i < names->len; i++)
		if (g_str_has_prefix(g_ptr_array_index(names, i), "criteria/"))
			return true;
	return false;
}

static gboolean ask_perturb(Replay *r, GError **error)
{
	const ReplayConfig *c = r->config;
	if (!*c->perturb || (!strcmp(c->perturb[0], "none") && !c->perturb[1]))
		return TRUE;
	r->chain = perturb_chain_new(c->seed);
	for (const char *const *p = c->perturb; *p; p++)
		if (!perturb_chain_add(r->chain, *p, error))
			return FALSE;
	return TRUE;
}

static gboolean check_config(Replay *r, GError **error)
{
	const ReplayConfig *c = r->config;
	if (c->pace == REPLAY_RATE && !(c->rate >= SLOWEST && c->rate <= FASTEST)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "expected a rate from %g to %g, 'max' or 'answer', found %g", SLOWEST,
			    FASTEST, c->rate);
		return FALSE;
	}
	if (c->loops > MOST_LOOPS) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "expected 1 to %d loops, found %u", MOST_LOOPS, c->loops);
		return FALSE;
	}
	if (c->deadline_ns < 0 || (c->step && c->pace != REPLAY_ANSWER)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s",
			    c->step ? "a step needs --rate answer: only lock-step can wait"
				    : "expected a deadline above 0");
		return FALSE;
	}
	return c->perturb == NULL || ask_perturb(r, error);
}

static gboolean load_packs(Replay *r, Diagnostics *diag)
{
	Pack *pack = criterion_pack_load(r->config->criteria, diag);
	r->packs = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free);
	if (pack)
		g_ptr_array_add(r->packs, pack);
	return pack != NULL;
}

/* Its pictures and its answers are those of a disturbed input, and its own recording is there to be played instead. A live run
 * has recorded the undisturbed input. */
static gboolean is_plain(const Replay *r, GError **error)
{
	const char *perturb = old_meta(r, "perturb"), *source = old_meta(r, "replay.source");
	if (perturb && source)
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			"%s: a replay with perturbed input (%s): play what it was made from, %s",
			r->config->session, perturb, source);
	return !perturb || !source;
}

/* A run that was meant for fog is replayed in fog: without it the product would pass what it was never shown. */
static gboolean take_recorded_perturb(Replay *r, GError **error)
{
	const char *perturb = old_meta(r, "perturb"), *seed = old_meta(r, "perturb.seed");
	if (r->config->perturb && perturb)
		tape_note(r->tape, "perturb.spared", "%s", perturb);
	if (r->config->perturb || !perturb)
		return TRUE;
	r->chain = perturb_chain_new(r->config->own_seed ? r->config->seed
				     : seed              ? g_ascii_strtoull(seed, NULL, 10)
							 : 1);
	return perturb_chain_add_text(r->chain, perturb, error);
}

/* The plan's budget may be cut, and not stretched. */
static gboolean take_deadline(Replay *r, GError **error)
{
	const char *plan = old_meta(r, "deadline");
	int64_t asked = r->config->deadline_ns, planned = 0;
	if (plan && (!quantity_parse_ns(plan, &planned, NULL) || planned <= 0)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: its deadline '%s' is no time", r->config->session, plan);
		return FALSE;
	}
	r->deadline_ns = asked ? asked : planned ? planned : RUN_DEADLINE_NS;
	if (planned && asked > planned)
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			"a deadline of %g ms is more than the scenario of the recording allows: "
			"%g ms",
			(double)asked * 1e-6, (double)planned * 1e-6);
	return !planned || asked <= planned;
}

/* What is judged: what the recording named, or all of another pack; and of that, what was chosen. */
static gboolean choose(Replay *r, Diagnostics *diag, GError **error)
{
	const char *named = r->packs ? NULL : old_meta(r, "criteria");
	const char *spared = r->packs ? NULL : old_meta(r, "criteria.left-out");
	if (!r->config->chosen) {
		r->criteria = g_strdup(named);
		r->left_out = g_strdup(spared);
		return TRUE;
	}
	g_autoptr(GPtrArray) packs = r->packs ? g_ptr_array_ref(r->packs)
					      : score_attached_packs(r->tape->reader, diag, error);
	g_autofree char *left_out = NULL;
	if (!packs || !run_choose_criteria((Pack *const *)packs->pdata, packs->len, named,
					   r->config->chosen, &r->criteria, &left_out, error))
		return FALSE;
	if (left_out && spared)
		r->left_out = g_strdup_printf("%s,%s", spared, left_out);
	else
		r->left_out = left_out ? g_steal_pointer(&left_out) : g_strdup(spared);
	return TRUE;
}

static gboolean load(Replay *r, Diagnostics *diag, GError **error)
{
	const ReplayConfig *c = r->config;
	if (!check_config(r, error))
		return FALSE;
	r->product = product_load(c->product, diag);
	if (c->criteria)
		load_packs(r, diag);
	if (!r->product || diagnostics_errors(diag) > 0) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	r->tape = tape_load(c->session, r->product, c->from_ns, c->to_ns, error);
	if (r->tape && !r->packs && !has_packs(r->tape->reader)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: names no criteria of its own: say which with --criteria PACK",
			    c->session);
		return FALSE;
	}
	if (!r->tape || !is_plain(r, error) || !take_recorded_perturb(r, error) ||
	    !take_deadline(r, error) || !choose(r, diag, error))
		return FALSE;
	if (r->chain) {
		replay_tell(r, "Preflight", "perturbing", (double)NAN);
		if (!tape_perturb(r->tape, r->product, r->chain, error))
			return FALSE;
	}
	r->loop = open_loop_new(r->tape, r->product, error);
	if (!r->loop)
		return FALSE;
	tape_ready(r->tape, MAX(c->loops, 1));
	return TRUE;
}

/* It never began: what was recorded is sealed and scored all the same, INVALID, with the reason in it. TRUE when that is what the
 * operator wanted. */
static gboolean abandon(Replay *r, RunOutcome *ret, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	bool stopped = g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED);
	bool product = g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_PRODUCT);
	int64_t now = clock_now(r->clock);
	if (!r->recording || (!stopped && !product))
		return FALSE;
	g_autofree char *why = g_strdup((*error)->message);
	replay_stop_player(r);
	replay_say(r, "run.abandoned", now, "%s", why);
	replay_blame(r, now, why, BLAME_UNKNOWN);
	/* a timeline of no length: nothing before it can be judged */
	replay_say(r, "run.start", now, "%s", why);
	replay_end(r, now);
	r->incomplete = why;
	gboolean done = seal(r, NULL) &&
			finish_folder(r->folder, r->session, r->config->lang, ret, diag, NULL);
	r->incomplete = NULL;
	if (done && stopped)
		g_clear_error(error);
	return done && stopped;
}

gboolean run_replay(const ReplayConfig *config, RunOutcome *ret, Diagnostics *diag, GError **error)
{
	bool answer = config->pace == REPLAY_ANSWER;
	Replay r = {.config = config,
		    .clock = answer ? clock_manual_new(LOCKSTEP_EPOCH_NS) : clock_monotonic()};
	g_autofree char *id = NULL, *name = NULL;
	gboolean done = FALSE;
	*ret = (RunOutcome){0};
	prctl(PR_SET_CHILD_SUBREAPER, 1UL); /* as in run_scenario() */
	if (answer)
		r.decoders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						   (GDestroyNotify)media_decoder_free);
	r.lateness = g_array_new(FALSE, FALSE, sizeof(int64_t));
	if (load(&r, diag, error)) {
		name = name_of_recording(&r);
		r.folder = run_folder_new(config->out_dir ? config->out_dir : "runs", name,
					  clock_monotonic(), &id, error);
		r.session = r.folder ? g_build_filename(r.folder, "session.mcap", NULL) : NULL;
		if (r.folder && open_all(&r, id, error))
			done = play(&r, ret, error)
				       ? seal(&r, error) &&
						 finish_folder(r.folder, r.session, config->lang,
							       ret, diag, error)
				       : abandon(&r, ret, error);
		if (r.folder && !done)
			g_info("the unfinished replay stays in %s", r.folder);
	}
	replay_clear(&r);
	live_stop_requested = 0; /* not at the start: a Stop that came early must not be lost */
	return done;
}
