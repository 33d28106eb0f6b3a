/* Replay: a run whose devices are recorded. Open loop: the recording does not follow what the new product does. */
#include "finish.h"
#include "live.h"
#include "tape.h"

#include <anzen/adapter.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>

/* A picture that comes later than this is not the recorded stimulus any more: three pictures of a 30/s camera, and
 * half of the 0.2 s to which a person reads an edge off a video. */
#define DEADLINE_NS (100 * CLOCK_MS)
/* Before t = 0 the product sees the first picture standing still: until it is ready, and this long after. */
#define HOLD_PERIOD_NS (33 * CLOCK_MS)
#define HOLD_AFTER_READY_NS (2 * CLOCK_S)
#define START_AHEAD_NS (300 * CLOCK_MS)
#define TAIL_NS (400 * CLOCK_MS)
#define WATCH_NS (100 * CLOCK_MS)

#define LATENESS_SIGNAL "replay.lateness"

typedef struct Replay {
	const ReplayConfig *config;
	Clock *clock;
	Product *product;
	GPtrArray *packs; /* Pack*; NULL: those of the recording */
	Tape *tape;
	char *folder, *session;
	SessionWriter *writer;
	TeeFeed feed;
	Tee *tee;
	ProductLink *link;
	pthread_t thread;
	bool thread_running;
	_Atomic int64_t origin_ns; /* bench time of tape->first_ns; 0: not yet, hold */
	_Atomic bool stop, ended;
	GArray *lateness; /* int64, per picture; the player's until it has ended */
	uint64_t held;
	bool blamed;
	const char *incomplete;
} Replay;

static int64_t bench_time(const Replay *r, int64_t recorded_ns)
{
	double ahead = (double)(recorded_ns - r->tape->first_ns) / r->config->rate;
	return atomic_load(&r->origin_ns) + (int64_t)llround(ahead);
}

/* ---- the player's thread ----------------------------------------------------------------------------------------- */

static void hold_pictures(Replay *r, int64_t now)
{
	const ProductFeed *feed = product_link_feed(r->link);
	for (guint i = 0; i < r->tape->cameras->len; i++) {
		const char *role = g_ptr_array_index(r->tape->cameras, i);
		const TapeItem *item = tape_first_picture(r->tape, role);
		Frame frame = item->frame;
		frame.capture_ns = frame.receipt_ns = now;
		feed->frame(feed->user, role, &frame);
	}
	r->held++;
}

static void hold(Replay *r)
{
	for (int64_t next = clock_now(r->clock); !atomic_load(&r->stop); next += HOLD_PERIOD_NS) {
		int64_t origin = atomic_load(&r->origin_ns);
		if (origin && next + HOLD_PERIOD_NS > origin)
			return;
		clock_wait_until(r->clock, next);
		hold_pictures(r, clock_now(r->clock));
	}
}

static void note_lateness(Replay *r, const TapeItem *item, int64_t due, int64_t late)
{
	Stream *bench = tee_bench(r->tee);
	bench->sample(bench, LATENESS_SIGNAL, due, (double)late * 1e-9, SAMPLE_OK);
	g_array_append_val(r->lateness, late);
	if (late <= DEADLINE_NS || r->blamed)
		return;
	r->blamed = true;
	char source[] = "replay", why[160];
	g_snprintf(why, sizeof(why),
		   "the replay was late: the picture of %.3f s came %.0f ms after its time "
		   "(budget %d ms)",
		   (double)(item->t_ns - r->tape->from_ns) * 1e-9, (double)late * 1e-6,
		   (int)(DEADLINE_NS / CLOCK_MS));
	Fault fault = {.t_ns = due,
		       .until_ns = CLOCK_NEVER,
		       .source = source,
		       .cause = why,
		       .blame = BLAME_BENCH,
		       .proven = true};
	bench->fault(bench, &fault);
}

static void play_frame(Replay *r, const TapeItem *item, int64_t due)
{
	Stream *bench = tee_bench(r->tee);
	Frame frame = item->frame;
	frame.capture_ns = due;
	frame.receipt_ns = clock_now(r->clock);
	int64_t late = MAX(frame.receipt_ns - due, 0);
	bench->frame(bench, item->source, &frame);
	note_lateness(r, item, due, late);
}

static void play_fault(Replay *r, const Fault *recorded, int64_t due)
{
	Stream *bench = tee_bench(r->tee);
	Fault fault = *recorded;
	g_autofree char *cause = g_strdup_printf("in the recording: %s", recorded->cause);
	fault.cause = cause;
	fault.t_ns = due;
	fault.until_ns =
		recorded->until_ns == CLOCK_NEVER ? CLOCK_NEVER : bench_time(r, recorded->until_ns);
	bench->fault(bench, &fault);
}

static void play_item(Replay *r, const TapeItem *item)
{
	Stream *bench = tee_bench(r->tee);
	int64_t due = bench_time(r, item->t_ns);
	for (int64_t now; !atomic_load(&r->stop) && (now = clock_now(r->clock)) < due;)
		clock_wait_until(r->clock, MIN(due, now + WATCH_NS));
	if (atomic_load(&r->stop))
		return;
	switch (item->kind) {
	case TAPE_FRAME:
		play_frame(r, item, due);
		return;
	case TAPE_SAMPLE:
		bench->sample(bench, item->source, due, item->v, item->status);
		return;
	case TAPE_EVENT:
		bench->event(bench, item->source, due, NULL);
		return;
	case TAPE_FAULT:
		play_fault(r, item->fault, due);
		return;
	}
}

static void *player_main(void *user)
{
	Replay *r = user;
	bool realtime = thread_realtime(THREAD_PLAYER);
	tee_bench(r->tee)->event(tee_bench(r->tee), "replay.priority", clock_now(r->clock),
				 realtime ? "{\"detail\":\"SCHED_FIFO 30\"}"
					  : "{\"detail\":\"normal: SCHED_FIFO was refused\"}");
	hold(r);
	for (guint i = 0; i < r->tape->items->len && !atomic_load(&r->stop); i++)
		play_item(r, &g_array_index(r->tape->items, TapeItem, i));
	for (int64_t end = bench_time(r, r->tape->to_ns), now;
	     !atomic_load(&r->stop) && (now = clock_now(r->clock)) < end;)
		clock_wait_until(r->clock, MIN(end, now + WATCH_NS));
	atomic_store(&r->ended, true);
	return NULL;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static void feed_frame(void *user, const char *role, const Frame *frame)
{
	const ProductFeed *feed = product_link_feed(((Replay *)user)->link);
	feed->frame(feed->user, role, frame);
}

static void feed_sample(void *user, const char *role, int64_t t_ns, double v, SampleStatus status)
{
	const ProductFeed *feed = product_link_feed(((Replay *)user)->link);
	feed->sample(feed->user, role, t_ns, v, status);
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
	static const char *const kept[] = {"scenario.title.en", "scenario.title.ja", "rig"};
	GHashTableIter iter;
	gpointer key, value;
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		if (old_meta(r, kept[i]))
			session_writer_meta(r->writer, kept[i], old_meta(r, kept[i]));
	if (!r->packs && old_meta(r, "criteria"))
		session_writer_meta(r->writer, "criteria", old_meta(r, "criteria"));
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

static gboolean note_facts(Replay *r, const char *id, GError **error)
{
	int64_t mono, u;
	g_autoptr(GDateTime) when =
		g_date_time_new_from_unix_utc(clock_utc(r->clock, &mono, &u) / CLOCK_S);
	g_autofree char *started = g_date_time_format_iso8601(when);
	g_autofree char *hash = session_sha256_file(r->config->session, error);
	g_autofree char *file = g_path_get_basename(r->config->session);
	g_autofree char *name = name_of_recording(r);
	char rate[G_ASCII_DTOSTR_BUF_SIZE];
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
	session_writer_meta(r->writer, "replay.rate",
			    g_ascii_dtostr(rate, sizeof(rate), r->config->rate));
	return TRUE;
}

static const char *crop_of(const Replay *r)
{
	if (!r->tape->cameras->len)
		return NULL;
	g_autofree char *key =
		g_strdup_printf("crop.%s", (char *)g_ptr_array_index(r->tape->cameras, 0));
	return old_meta(r, key);
}

static gboolean open_all(Replay *r, const char *id, GError **error)
{
	static const GPtrArray no_sources;
	SessionOptions options = {
		.path = r->session, .clock = r->clock, .evidence = EVIDENCE_REPLAY};
	g_autofree char *log = g_build_filename(r->folder, "product.log", NULL);
	r->writer = session_writer_new(&options, error);
	if (!r->writer || !attach_files(r, error) || !attach_judge(r, error) ||
	    !note_facts(r, id, error))
		return FALSE;
	r->feed = (TeeFeed){.sample = feed_sample, .frame = feed_frame, .user = r};
	r->tee = tee_new(r->writer, &no_sources, &r->feed);
	declare_all(r);
	ProductLinkOptions link = {.product = r->product,
				   .clock = r->clock,
				   .sink = tee_product(r->tee),
				   .program_dir = r->config->program_dir,
				   .log_path = log,
				   .crop = crop_of(r),
				   .cancelled = &live_stop_requested};
	r->link = product_link_new(&link, error);
	return r->link && session_writer_start(r->writer, error);
}

/* ---- playing --------------------------------------------------------------------------------------------------------- */

static gboolean wake(gpointer user)
{
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

static void pass(int64_t ns)
{
	bool over = false;
	g_timeout_add((guint)(ns / CLOCK_MS), wake, &over);
	while (!over)
		g_main_context_iteration(NULL, TRUE);
}

/* False: stop. */
static bool tell(const Replay *r, const char *state, const char *doing, double t_s)
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

static void say(Replay *r, const char *name, int64_t t_ns, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
static void say(Replay *r, const char *name, int64_t t_ns, const char *format, ...)
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

static void blame(Replay *r, int64_t t_ns, const char *cause, Blame who)
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

static gboolean start_player(Replay *r, GError **error)
{
	int failed = pthread_create(&r->thread, NULL, player_main, r);
	if (failed)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "no thread for the replay: %s",
			    g_strerror(failed));
	r->thread_running = !failed;
	return !failed;
}

static void stop_player(Replay *r)
{
	atomic_store(&r->stop, true);
	if (r->thread_running)
		pthread_join(r->thread, NULL);
	r->thread_running = false;
}

static void begin(Replay *r)
{
	int64_t now = clock_now(r->clock), origin = now + START_AHEAD_NS;
	product_link_begin(r->link, now);
	atomic_store(&r->origin_ns, origin);
	int64_t start = bench_time(r, r->tape->from_ns);
	say(r, "replay.hold", now,
	    "until the first picture the product was shown the recording's picture of %.3f s, "
	    "standing still, each %d ms; these are not recorded",
	    (double)(r->tape->first_ns - r->tape->recording->start_ns) * 1e-9,
	    (int)(HOLD_PERIOD_NS / CLOCK_MS));
	if (fabs(r->config->rate - 1) > 0)
		blame(r, now,
		      "not played at recorded speed: no time in it means what it meant in the "
		      "recording",
		      BLAME_BENCH);
	tee_bench(r->tee)->event(tee_bench(r->tee), "run.start", start, NULL);
}

static void watch(Replay *r)
{
	int64_t start = bench_time(r, r->tape->from_ns);
	while (!atomic_load(&r->ended)) {
		product_link_watch(r->link);
		double t_s = (double)(clock_now(r->clock) - start) * 1e-9;
		if (!tell(r, "Live", "replay", t_s)) {
			r->incomplete = "stopped by the operator";
			blame(r, clock_now(r->clock), r->incomplete, BLAME_UNKNOWN);
			break;
		}
		pass(WATCH_NS);
	}
	int64_t stopped_ns = clock_now(r->clock);
	stop_player(r);
	int64_t end = r->incomplete ? stopped_ns : bench_time(r, r->tape->to_ns);
	pass(TAIL_NS);
	tee_bench(r->tee)->event(tee_bench(r->tee), "run.end", end, NULL);
	g_autofree char *undeclared = product_link_undeclared(r->link);
	if (undeclared)
		say(r, "product.undeclared", end, "%s", g_strdelimit(undeclared, "\"\\", ' '));
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
	ret->frames = r->lateness->len;
	say(r, "replay.summary", clock_now(r->clock),
	    "%u pictures; lateness p50 %.3f ms, p99 %.3f ms, worst %.3f ms; the first picture was "
	    "shown %" G_GUINT64_FORMAT " times before",
	    r->lateness->len, (double)ret->lateness_p50_ns * 1e-6,
	    (double)ret->lateness_p99_ns * 1e-6, (double)ret->worst_lateness_ns * 1e-6, r->held);
}

static gboolean play(Replay *r, RunOutcome *ret, GError **error)
{
	tell(r, "Armed", "waiting for the product", (double)NAN);
	if (!start_player(r, error) || !product_link_start(r->link, error))
		return FALSE;
	pass(HOLD_AFTER_READY_NS);
	if (!tell(r, "Armed", "waiting for the product", (double)NAN)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED,
			    "stopped by the operator before the replay began");
		return FALSE;
	}
	begin(r);
	watch(r);
	product_link_end(r->link);
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
	stop_player(r);
	product_link_free(r->link);
	session_writer_free(r->writer);
	tee_free(r->tee);
	tape_free(r->tape);
	product_free(r->product);
	if (r->packs)
		g_ptr_array_unref(r->packs);
	g_array_unref(r->lateness);
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

static gboolean load(Replay *r, Diagnostics *diag, GError **error)
{
	const ReplayConfig *c = r->config;
	if (!(c->rate >= 0.1 && c->rate <= 10)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "expected a rate from 0.1 to 10, found %g", c->rate);
		return FALSE;
	}
	r->product = product_load(c->product, diag);
	if (c->criteria) {
		Pack *pack = criterion_pack_load(c->criteria, diag);
		r->packs = g_ptr_array_new_with_free_func((GDestroyNotify)criterion_pack_free);
		if (pack)
			g_ptr_array_add(r->packs, pack);
	}
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
	return r->tape != NULL;
}

gboolean run_replay(const ReplayConfig *config, RunOutcome *ret, Diagnostics *diag, GError **error)
{
	Replay r = {.config = config, .clock = clock_monotonic()};
	g_autofree char *id = NULL, *name = NULL;
	gboolean done = FALSE;
	*ret = (RunOutcome){0};
	prctl(PR_SET_CHILD_SUBREAPER, 1UL); /* as in run_scenario() */
	r.lateness = g_array_new(FALSE, FALSE, sizeof(int64_t));
	if (load(&r, diag, error)) {
		name = name_of_recording(&r);
		r.folder = run_folder_new(config->out_dir ? config->out_dir : "runs", name, r.clock,
					  &id, error);
		r.session = r.folder ? g_build_filename(r.folder, "session.mcap", NULL) : NULL;
		done = r.folder && open_all(&r, id, error) && play(&r, ret, error) &&
		       seal(&r, error) &&
		       finish_folder(r.folder, r.session, config->lang, ret, diag, error);
		if (r.folder && !done)
			g_info("the unfinished replay stays in %s", r.folder);
	}
	replay_clear(&r);
	live_stop_requested = 0; /* not at the start: a Stop that came early must not be lost */
	return done;
}
