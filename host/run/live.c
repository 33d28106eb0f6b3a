#include "live.h"

#include <anzen/media.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

volatile int live_stop_requested;

/* From arming to t = 0: the first commands leave EXECUTOR_LEAD_NS ahead of it. */
#define START_AHEAD_NS (300 * CLOCK_MS)
/* Recording goes on a little after the end, so that the last interval has a sample on its far side. */
#define TAIL_NS (400 * CLOCK_MS)
#define WATCH_NS (100 * CLOCK_MS)
/* Lock-step: the executor's tick, the product's decision period (a camera's frame at 30/s), the recorder's. */
#define LOCKSTEP_TICK_NS CLOCK_MS
#define LOCKSTEP_DECISION_NS (33 * CLOCK_MS)
#define LOCKSTEP_PUMP_NS (50 * CLOCK_MS)
#define LOCKSTEP_EPOCH_NS CLOCK_S
/* A session of a few minutes with video stays far below this. */
#define DISK_RESERVE (512u * 1024 * 1024)
#define FAST_GAP_NS (20 * CLOCK_MS) /* signals with a shorter max_gap are stored as cdr */

/* ---- what the executor asks for (its own thread) ---------------------------------------------------------- */

static bool op_command(void *user, unsigned role, double value, int64_t at_ns)
{
	Live *live = user;
	return rig_command(live->rig, g_array_index(live->roles, int, role), value, at_ns,
			   ++live->next_id);
}

static bool op_trigger(void *user, unsigned role, int64_t at_ns)
{
	Live *live = user;
	char name[96];
	g_snprintf(name, sizeof(name), "trigger.%s",
		   (const char *)g_ptr_array_index(live->plan->roles, role));
	Stream *bench = tee_bench(live->tee);
	bench->event(bench, name, at_ns == EXECUTOR_SOONEST ? clock_now(live->clock) : at_ns, NULL);
	return rig_trigger(live->rig, g_array_index(live->roles, int, role), at_ns,
			   ++live->next_id);
}

/* The first id of the cleanup tells its replies from those to the timeline. */
static bool op_cleanup(void *user, unsigned role, double value)
{
	Live *live = user;
	if (!live->cleanup_id)
		live->cleanup_id = live->next_id + 1;
	return rig_command(live->rig, g_array_index(live->roles, int, role), value, DEVICE_SOONEST,
			   ++live->next_id);
}

/* `detail` as the only member of an object; quotes and controls become blanks, so that it stays JSON without a heap. */
static void op_event(void *user, const char *name, int64_t t_ns, const char *detail)
{
	Live *live = user;
	char json[SESSION_EVENT_JSON] = "";
	if (detail) {
		size_t n = (size_t)g_snprintf(json, sizeof(json) - 4, "{\"detail\":\"");
		for (const char *c = detail; *c && n < sizeof(json) - 8; c++)
			json[n++] = *c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? ' ' : *c;
		json[n++] = '"';
		json[n++] = '}';
		json[n] = 0;
	}
	Stream *bench = tee_bench(live->tee);
	bench->event(bench, name, t_ns, detail ? json : NULL);
}

static void op_fault(void *user, int64_t t_ns, const char *source, const char *cause, Blame blame)
{
	Live *live = user;
	char src[64], why[256];
	g_strlcpy(src, source, sizeof(src));
	g_strlcpy(why, cause, sizeof(why));
	Fault fault = {.t_ns = t_ns,
		       .until_ns = CLOCK_NEVER,
		       .source = src,
		       .cause = why,
		       .blame = blame,
		       .proven = blame == BLAME_BENCH};
	Stream *bench = tee_bench(live->tee);
	bench->fault(bench, &fault);
}

static bool op_sample(void *user, ExecutorSample *ret)
{
	return tee_pop(((Live *)user)->tee, ret);
}

static void op_quiet(void *user)
{
	rig_request_safe_timed(((Live *)user)->rig);
}

static void op_make_safe(void *user)
{
	rig_request_safe(((Live *)user)->rig);
}

/* Replies say when a command really took effect. One that did not happen means a stimulus that was not as scripted. */
static void take_replies(Live *live)
{
	RigReply r;
	while (rig_reply(live->rig, &r)) {
		char name[96], text[192];
		if (live->cleanup_id && r.id >= live->cleanup_id) {
			g_snprintf(text, sizeof(text), "%s: %s%s%s", r.role,
				   device_status_name(r.status), *r.message ? ": " : "", r.message);
			executor_answered(live->executor, r.status == DEVICE_DONE, text);
		}
		if (r.status == DEVICE_DONE) {
			g_snprintf(name, sizeof(name), "effect.%s", r.role);
			g_snprintf(text, sizeof(text), "u_ns %" G_GINT64_FORMAT, r.u_ns);
			op_event(live, name, r.t_ns, text);
			continue;
		}
		RunState state = executor_state(live->executor);
		if (state != RUN_LIVE)
			continue; /* what make_safe refuses is no fault */
		g_snprintf(text, sizeof(text), "%s: the command was %s: %s", r.role,
			   device_status_name(r.status), r.message);
		op_fault(live, clock_now(live->clock), r.role, text, BLAME_BENCH);
		executor_stop(live->executor, "a command did not take effect", BLAME_BENCH);
	}
}

static void *executor_main(void *user)
{
	Live *live = user;
	bool realtime = thread_realtime(THREAD_EXECUTOR);
	op_event(live, "executor.priority", clock_now(live->clock),
		 realtime ? "SCHED_FIFO 40" : "normal: SCHED_FIFO was refused");
	int64_t next;
	do {
		take_replies(live);
		next = executor_step(live->executor, clock_now(live->clock));
		if (next != CLOCK_NEVER)
			clock_wait_until(live->clock, next);
	} while (next != CLOCK_NEVER);
	atomic_store(&live->thread_ended, true);
	return NULL;
}

/* ---- the data plane's third branch: product, and the newest values ---------------------------------------- */

static void feed_sample(void *user, const char *role, int64_t t_ns, double v, SampleStatus status)
{
	Live *live = user;
	pthread_mutex_lock(&live->lock);
	Latest *latest = g_hash_table_lookup(live->latest, role);
	if (latest)
		*latest = (Latest){t_ns, v, status == SAMPLE_OK};
	pthread_mutex_unlock(&live->lock);
	if (live->product) {
		const ProductFeed *feed = product_link_feed(live->product);
		feed->sample(feed->user, role, t_ns, v, status);
	}
}

static void feed_frame(void *user, const char *role, const Frame *frame)
{
	Live *live = user;
	if (live->product) {
		const ProductFeed *feed = product_link_feed(live->product);
		feed->frame(feed->user, role, frame);
	}
}

/* Lock-step: the camera's raw picture as the access unit that is recorded. One camera's encoder each. */
static bool feed_encode(void *user, const char *role, const Frame *picture, Frame *ret_unit)
{
	Live *live = user;
	MediaEncoder *encoder = g_hash_table_lookup(live->encoders, role);
	if (!encoder) {
		encoder = media_encoder_new(picture->format, picture->width, picture->height, 30, 0,
					    NULL);
		if (!encoder)
			return false;
		g_hash_table_insert(live->encoders, g_strdup(role), encoder);
	}
	return media_encoder_encode(encoder, picture, false, ret_unit, NULL);
}

/* ---- opening ----------------------------------------------------------------------------------------------- */

static void declare_signals(Live *live, const GPtrArray *infos)
{
	for (guint i = 0; i < infos->len; i++) {
		const SignalInfo *info = g_ptr_array_index(infos, i);
		bool fast = info->max_gap_ns > 0 && info->max_gap_ns <= FAST_GAP_NS;
		int id = session_writer_add_signal(live->writer, info, fast ? 1000.0 : 10.0);
		if (id < 0)
			continue;
		tee_declare_signal(live->tee, info->name, id);
		g_hash_table_insert(live->latest, g_strdup(info->name), g_new0(Latest, 1));
	}
}

static void know_signals(GHashTable *signals, const GPtrArray *infos)
{
	for (guint i = 0; i < infos->len; i++) {
		const SignalInfo *info = g_ptr_array_index(infos, i);
		Signal *signal = signal_new(info->name);
		signal_info_clear(&signal->info);
		signal_info_copy(&signal->info, info);
		g_hash_table_replace(signals, g_strdup(info->name), signal);
	}
}

static void declare_cameras(Live *live)
{
	const GPtrArray *roles = rig_spec_roles(live->in->rig);
	for (guint i = 0; i < roles->len; i++) {
		const RigRole *role = g_ptr_array_index(roles, i);
		if (role->kind != RIG_CAMERA)
			continue;
		int id = session_writer_add_camera(live->writer, role->name, "h264");
		if (id >= 0)
			tee_declare_camera(live->tee, role->name, id);
	}
}

static gboolean open_rig(Live *live, GError **error)
{
	g_autofree char *world =
		live->config->program_dir
			? g_build_filename(live->config->program_dir, "anzen-world", NULL)
			: NULL;
	RigOptions options = {.clock = live->clock,
			      .world_program = world,
			      .seed = live->config->seed,
			      .plant = live->config->plant,
			      .node_link = live->config->node_link,
			      .node_link_user = live->config->node_link_user};
	live->rig = rig_open(live->in->rig, &options, error);
	return live->rig != NULL;
}

static gboolean open_product(Live *live, GError **error)
{
	g_autofree char *log = g_build_filename(live->folder, "product.log", NULL);
	ProductLinkOptions options = {.product = live->in->product,
				      .clock = live->clock,
				      .sink = tee_product(live->tee),
				      .program_dir = live->config->program_dir,
				      .log_path = log,
				      .lock_step = live->config->lock_step,
				      .cancelled = &live_stop_requested};
	live->product = product_link_new(&options, error);
	return live->product != NULL;
}

/* Asked before the scenario's formulas meet the signals: a channel without its certificate has not even a unit. */
static gboolean check_calibrations(const Live *live, GError **error)
{
	for (size_t i = 0; i < live->in->scenario->n_needs; i++) {
		const char *role = live->in->scenario->needs[i].role;
		const SignalInfo *info = rig_signal(live->rig, role);
		if (!info || !info->certificate_fault)
			continue;
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			"preflight: %s: %s; put its certificate into calibration/%s/ beside the "
			"rig's folder, or fit another sensor",
			role, info->certificate_fault, info->serial);
		return FALSE;
	}
	return TRUE;
}

static gboolean open_session(Live *live, Diagnostics *diag, GError **error)
{
	g_autoptr(GPtrArray) product = product_signals(live->in->product);
	know_signals(live->signals, rig_signals(live->rig));
	know_signals(live->signals, product);
	live->plan = plan_build(live->in->scenario, live->in->product, live->in->rig, live->rig,
				live->signals, diag);
	if (!live->plan)
		return FALSE;
	SessionOptions options = {.path = live->session_path,
				  .clock = live->clock,
				  .evidence = rig_evidence(live->rig),
				  .inline_writer = live->config->lock_step};
	live->writer = session_writer_new(&options, error);
	if (!live->writer ||
	    !run_inputs_attach(live->in, live->config, live->rig, live->writer, error))
		return FALSE;
	live->feed = (TeeFeed){.sample = feed_sample,
			       .frame = feed_frame,
			       .encode = live->config->lock_step ? feed_encode : NULL,
			       .user = live};
	live->tee = tee_new(live->writer, live->plan->sources, &live->feed);
	declare_signals(live, rig_signals(live->rig));
	declare_signals(live, product);
	declare_cameras(live);
	return TRUE;
}

static void open_executor(Live *live)
{
	for (guint i = 0; i < live->plan->roles->len; i++) {
		int role = rig_role(live->rig, g_ptr_array_index(live->plan->roles, i));
		g_array_append_val(live->roles, role);
	}
	live->ops = (ExecutorOps){.command = op_command,
				  .trigger = op_trigger,
				  .cleanup = op_cleanup,
				  .event = op_event,
				  .fault = op_fault,
				  .sample = op_sample,
				  .quiet = op_quiet,
				  .make_safe = op_make_safe,
				  .user = live};
	live->executor = executor_new(live->plan, &live->ops);
}

static void note_start(Live *live, const char *id)
{
	int64_t mono, u;
	g_autoptr(GDateTime) when =
		g_date_time_new_from_unix_utc(clock_utc(live->clock, &mono, &u) / CLOCK_S);
	g_autofree char *started = g_date_time_format_iso8601(when);
	session_writer_meta(live->writer, "run", id);
	session_writer_meta(live->writer, "started", started);
	session_writer_meta(live->writer, "tool", "anzen " ANZEN_VERSION);
}

gboolean live_open(Live *live, const RunConfig *config, const RunInputs *in, const char *folder,
		   const char *id, Diagnostics *diag, GError **error)
{
	*live = (Live){.config = config, .in = in, .folder = g_strdup(folder)};
	live->clock = config->lock_step ? clock_manual_new(LOCKSTEP_EPOCH_NS) : clock_monotonic();
	live->session_path = g_build_filename(folder, "session.mcap", NULL);
	live->roles = g_array_new(FALSE, TRUE, sizeof(int));
	live->latest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	live->signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)signal_free);
	live->encoders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       (GDestroyNotify)media_encoder_free);
	thread_lock_init(&live->lock);
	if (!open_rig(live, error) || !check_calibrations(live, error) ||
	    !open_session(live, diag, error) || !open_product(live, error))
		return FALSE;
	open_executor(live);
	note_start(live, id);
	live->recording = session_writer_start(live->writer, error);
	return live->recording;
}

/* ---- operator ---------------------------------------------------------------------------------------------- */

static int tell(Live *live, const char *state, const char *doing, const Title *prompt,
		char **choices)
{
	static const char *const done[] = {"done", NULL};
	if (!live->config->progress)
		return live_stop_requested ? -1 : 0;
	bool playing = live->start_ns > 0;
	RunStatus status = {.state = state,
			    .doing = doing,
			    .t_s = playing ? (double)(clock_now(live->clock) - live->start_ns) *
						     1e-9
					   : (double)NAN,
			    .end_s = (double)live->in->scenario->end_ns * 1e-9};
	if (prompt && prompt->en) {
		status.prompt = !g_strcmp0(live->config->lang, "ja") && prompt->ja ? prompt->ja
										   : prompt->en;
		status.choices = choices ? (const char *const *)choices : done;
	}
	RunAnswer answer = {0};
	live->config->progress(live->config->progress_user, &status, &answer);
	if (answer.note)
		op_event(live, "operator.note", clock_now(live->clock), answer.note);
	g_free(answer.note);
	return answer.stop || live_stop_requested ? -1 : answer.choice;
}

static gboolean stopped(GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED,
		    "stopped by the operator before the run began");
	return FALSE;
}

/* ---- setup and cleanup -------------------------------------------------------------------------------------- */

static gboolean wake(gpointer user)
{
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

/* One millisecond of simulated time: world, devices, product, executor, recorder, in this order. */
static void tick(Live *live)
{
	int64_t now = clock_now(live->clock) + LOCKSTEP_TICK_NS;
	clock_manual_set(live->clock, now);
	live->config->plant->step_to(live->config->plant, now);
	rig_poll(live->rig, now);
	if (live->product_started && now >= live->next_exchange_ns) {
		live->next_exchange_ns = now + LOCKSTEP_DECISION_NS;
		product_link_exchange(live->product, now);
	}
	if (live->began) {
		take_replies(live);
		if (executor_step(live->executor, now) == CLOCK_NEVER)
			atomic_store(&live->thread_ended, true);
	}
	if (now >= live->next_pump_ns) {
		live->next_pump_ns = now + LOCKSTEP_PUMP_NS;
		session_writer_pump(live->writer,
				    NULL); /* a failure is sticky: session_writer_failed() */
	}
}

/* Let time pass: the main context works, or the simulated world does. */
static void pass(Live *live, int64_t ns)
{
	if (live->config->lock_step) {
		for (int64_t until = clock_now(live->clock) + ns; clock_now(live->clock) < until;)
			tick(live);
		return;
	}
	bool over = false;
	g_timeout_add((guint)(ns / CLOCK_MS), wake, &over);
	while (!over)
		g_main_context_iteration(NULL, TRUE);
}

static gboolean apply_sets(Live *live, const Step *step, GError **error)
{
	for (size_t i = 0; i < step->n_sets; i++) {
		double value;
		if (!plan_drive_value(live->in->rig, &step->sets[i], &value, error))
			return FALSE;
		int role = rig_role(live->rig, step->sets[i].role);
		if (role < 0 ||
		    !rig_command(live->rig, role, value, DEVICE_SOONEST, ++live->next_id)) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
				    "role '%s' does not take a command", step->sets[i].role);
			return FALSE;
		}
	}
	return TRUE;
}

static bool is_near(Live *live, const Settle *settle, const Unit *unit)
{
	double target, within;
	plan_settle_band(settle, unit, &target, &within);
	pthread_mutex_lock(&live->lock);
	const Latest *latest = g_hash_table_lookup(live->latest, settle->signal);
	bool near = latest && latest->ok && fabs(latest->v - target) <= within;
	pthread_mutex_unlock(&live->lock);
	return near;
}

static gboolean wait_settled(Live *live, const Settle *settle, GError **error)
{
	const SignalInfo *info = rig_signal(live->rig, settle->signal);
	if (!info) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s:%u: the rig measures no '%s' to settle on",
			    live->in->scenario->path, settle->place.line, settle->signal);
		return FALSE;
	}
	int64_t begin = clock_now(live->clock), near_since = -1;
	for (int64_t now = begin; now < begin + settle->timeout_ns; now = clock_now(live->clock)) {
		if (!is_near(live, settle, &info->unit))
			near_since = -1;
		else if (near_since < 0)
			near_since = now;
		if (near_since >= 0 && now - near_since >= settle->for_ns)
			return TRUE;
		if (tell(live, "Preflight", settle->signal, NULL, NULL) < 0)
			return stopped(error);
		pass(live, 20 * CLOCK_MS);
	}
	pthread_mutex_lock(&live->lock);
	const Latest *latest = g_hash_table_lookup(live->latest, settle->signal);
	double v = latest ? latest->v : (double)NAN;
	pthread_mutex_unlock(&live->lock);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "%s did not settle at %g %s within %.0f s (now %.4g %s)", settle->signal,
		    settle->target.value, settle->target.unit.symbol,
		    (double)settle->timeout_ns * 1e-9, v, info->unit.symbol);
	return FALSE;
}

static gboolean prompts(Live *live, const char *state, const char *doing, const Step *steps,
			size_t n, GError **error)
{
	for (size_t i = 0; i < n; i++) {
		if (!steps[i].prompt.en)
			continue;
		int answer = tell(live, state, doing, &steps[i].prompt, steps[i].choices);
		const char *word =
			answer >= 0 && steps[i].choices ? steps[i].choices[answer] : "done";
		op_event(live, "operator.prompt", clock_now(live->clock), steps[i].prompt.en);
		op_event(live, "operator.answer", clock_now(live->clock),
			 answer < 0 ? "stop" : word);
		if (answer != 0) /* the first choice means "done" */
			return stopped(error);
	}
	return TRUE;
}

static gboolean settle_all(Live *live, GError **error)
{
	for (size_t i = 0; i < live->in->scenario->n_setup; i++) {
		const Step *step = &live->in->scenario->setup[i];
		if (!apply_sets(live, step, error) ||
		    (step->settle && !wait_settled(live, step->settle, error)))
			return FALSE;
	}
	return TRUE;
}

static gboolean preflight(Live *live, GError **error)
{
	g_autoptr(GPtrArray) roles = g_ptr_array_new();
	for (size_t i = 0; i < live->in->scenario->n_needs; i++)
		g_ptr_array_add(roles, live->in->scenario->needs[i].role);
	g_ptr_array_add(roles, NULL);
	RigNeeds needs = {.roles = (const char *const *)roles->pdata,
			  .clock_u_ns = live->in->scenario->clock_uncertainty_ns,
			  .disk_folder = live->folder,
			  .disk_bytes = DISK_RESERVE};
	g_autoptr(GPtrArray) items = rig_preflight(live->rig, &needs);
	for (guint i = 0; i < items->len; i++) {
		const DeviceItem *item = g_ptr_array_index(items, i);
		if (!item->ok) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "preflight: %s: %s",
				    item->name, item->cure ? item->cure : "not ok");
			return FALSE;
		}
	}
	return TRUE;
}

/* ---- the run ------------------------------------------------------------------------------------------------- */

/* "cam:freeze@6s" → the world's back door, in bench time. */
static gboolean plan_world_fault(Live *live, const char *text, GError **error)
{
	g_auto(GStrv) at = g_strsplit(text, "@", 2);
	g_auto(GStrv) what = at[0] ? g_strsplit(at[0], ":", 2) : NULL;
	int64_t t_ns = 0;
	if (!what || !what[0] || !what[1] || !at[1] || !quantity_parse_ns(at[1], &t_ns, NULL)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "--fault '%s': expected DEVICE:KIND@TIME, as in cam:freeze@6s", text);
		return FALSE;
	}
	if (live->config->world_fault)
		return live->config->world_fault(live->config->node_link_user, what[0], what[1],
						 live->start_ns + t_ns, error);
	g_autofree char *json =
		g_strdup_printf("{\"fault\":\"%s\",\"kind\":\"%s\",\"at_ns\":%" G_GINT64_FORMAT "}",
				what[0], what[1], live->start_ns + t_ns);
	return rig_world_command(live->rig, json, NULL, error);
}

static void blame_lost_devices(Live *live)
{
	g_autofree char *lost = rig_lost(live->rig);
	if (lost)
		executor_stop(live->executor, "a device was lost", BLAME_BENCH);
}

static void watch_live(Live *live)
{
	while (!atomic_load(&live->thread_ended)) {
		product_link_watch(live->product);
		blame_lost_devices(live);
		char doing[64];
		g_snprintf(doing, sizeof(doing), "step %u of %u",
			   MIN(executor_position(live->executor) + 1, live->plan->steps->len),
			   live->plan->steps->len);
		if (tell(live, run_state_name(executor_state(live->executor)), doing, NULL, NULL) <
		    0)
			executor_stop(live->executor, "stopped by the operator", BLAME_UNKNOWN);
		pass(live, WATCH_NS);
	}
}

static void note_reason(Live *live)
{
	const char *reason = executor_stop_reason(live->executor);
	if (executor_state(live->executor) == RUN_DONE)
		reason = NULL; /* it came when the timeline was over */
	g_autofree char *lost = rig_lost(live->rig);
	if (reason && !live->incomplete)
		live->incomplete =
			lost ? g_strdup_printf("%s (lost: %s)", reason, lost) : g_strdup(reason);
	if (reason && !strcmp(reason, "stopped by the operator"))
		op_fault(live, executor_ended_ns(live->executor), "operator",
			 "stopped by the operator", BLAME_UNKNOWN);
	if (tee_threads_refused(live->tee))
		op_fault(live, live->start_ns, "executor",
			 "more threads delivered data than the recorder has places for",
			 BLAME_BENCH);
	if (tee_executor_lost(live->tee))
		op_fault(live, live->start_ns, "executor",
			 "guards missed samples: the executor's rings were full", BLAME_BENCH);
}

static gboolean start_thread(Live *live, GError **error)
{
	int failed = pthread_create(&live->thread, NULL, executor_main, live);
	if (failed)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "no thread for the executor: %s",
			    g_strerror(failed));
	live->thread_running = !failed;
	return live->thread_running;
}

static void stop_thread(Live *live)
{
	if (live->thread_running)
		pthread_join(live->thread, NULL);
	live->thread_running = false;
}

static gboolean go_live(Live *live, GError **error)
{
	live->start_ns = clock_now(live->clock) + START_AHEAD_NS;
	for (const char *const *f = live->config->faults; f && *f; f++)
		if (!plan_world_fault(live, *f, error))
			return FALSE;
	product_link_begin(live->product, live->start_ns - START_AHEAD_NS);
	if (live->config->note)
		op_event(live, "operator.note", live->start_ns, live->config->note);
	op_event(live, "run.start", live->start_ns, NULL);
	executor_start(live->executor, live->start_ns);
	live->began = true;
	if (!live->config->lock_step && !start_thread(live, error))
		return FALSE;
	watch_live(live);
	stop_thread(live);
	take_replies(live);
	note_reason(live);
	int64_t end = live->incomplete ? executor_ended_ns(live->executor)
				       : live->start_ns + live->in->scenario->end_ns;
	pass(live, TAIL_NS);
	op_event(live, "run.end", end, live->incomplete);
	product_link_end(live->product);
	g_autofree char *undeclared = product_link_undeclared(live->product);
	if (undeclared)
		op_event(live, "product.undeclared", end, undeclared);
	return TRUE;
}

/* What the operator has to do comes with everything safe. What could not be carried out changes no verdict, but is said. */
static void finish_cleanup(Live *live)
{
	const Scenario *s = live->in->scenario;
	g_autoptr(GError) error = NULL;
	if (live_stop_requested)
		return;
	if (!prompts(live, "Finishing", "cleanup", s->cleanup, s->n_cleanup, &error))
		op_event(live, "cleanup.failed", clock_now(live->clock), "the operator could not");
}

gboolean live_play(Live *live, GError **error)
{
	if (tell(live, "Preflight", "rig", NULL, NULL) < 0)
		return stopped(error);
	if (!rig_start(live->rig, tee_bench(live->tee), error) || !preflight(live, error) ||
	    !prompts(live, "Preflight", "setup", live->in->scenario->setup,
		     live->in->scenario->n_setup, error))
		return FALSE;
	if (tell(live, "Armed", "settling", NULL, NULL) < 0)
		return stopped(error);
	if (live->config
		    ->lock_step) /* a node's clock has to be known before it takes leases; here only we make time pass */
		pass(live, CLOCK_S);
	if (!rig_arm(live->rig, error))
		return FALSE;
	live->armed = true;
	if (!settle_all(live, error))
		return FALSE;
	if (tell(live, "Armed", "waiting for the product", NULL, NULL) < 0)
		return stopped(error);
	if (!product_link_start(live->product, error)) {
		if (!g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED))
			return FALSE;
		g_clear_error(error);
		return stopped(error);
	}
	live->product_started = true;
	if (!go_live(live, error))
		return FALSE;
	live->product_started = false;
	tell(live, "Finishing", "making safe", NULL, NULL);
	g_autoptr(GError) unsafe = NULL;
	if (!rig_make_safe(live->rig, CLOCK_S, &unsafe) && !live->incomplete)
		op_fault(live, clock_now(live->clock), "rig",
			 unsafe ? unsafe->message : "the safe state was not confirmed",
			 BLAME_BENCH);
	live->armed = false;
	finish_cleanup(live);
	return TRUE;
}

void live_abandon(Live *live, const GError *why)
{
	if (!live->recording)
		return;
	int64_t now = clock_now(live->clock);
	bool bench = !g_error_matches(why, ANZEN_ERROR, ANZEN_ERROR_CANCELLED) &&
		     !g_error_matches(why, ANZEN_ERROR, ANZEN_ERROR_PRODUCT);
	op_event(live, "run.abandoned", now, why->message);
	op_fault(live, now, "run", why->message, bench ? BLAME_BENCH : BLAME_UNKNOWN);
	if (!live->began) { /* a timeline of no length: nothing before it can be judged */
		op_event(live, "run.start", now, NULL);
		op_event(live, "run.end", now, why->message);
	}
	if (live->armed)
		rig_make_safe(live->rig, CLOCK_S, NULL);
	live->armed = false;
	if (!live->incomplete)
		live->incomplete = g_strdup(why->message);
}

gboolean live_seal(Live *live, GError **error)
{
	rig_stop(live->rig); /* first: until then its threads feed the product's link */
	g_clear_pointer(&live->product, product_link_free);
	const char *failed = session_writer_failed(live->writer);
	if (failed) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "the session is lost: %s", failed);
		return FALSE;
	}
	return session_writer_finish(live->writer, live->incomplete, &live->sha256, error);
}

void live_close(Live *live)
{
	if (live->thread_running)
		executor_stop(live->executor, "the run was abandoned", BLAME_BENCH);
	stop_thread(live);
	if (live->armed)
		rig_make_safe(live->rig, CLOCK_S, NULL);
	if (live->rig)
		rig_stop(live->rig);
	g_clear_pointer(&live->product, product_link_free);
	g_clear_pointer(&live->rig, rig_close);
	g_clear_pointer(&live->writer, session_writer_free);
	g_clear_pointer(&live->tee, tee_free);
	g_clear_pointer(&live->executor, executor_free);
	g_clear_pointer(&live->plan, executor_plan_free);
	g_clear_pointer(&live->roles, g_array_unref);
	g_clear_pointer(&live->latest, g_hash_table_unref);
	g_clear_pointer(&live->signals, g_hash_table_unref);
	g_clear_pointer(&live->encoders, g_hash_table_unref);
	g_clear_pointer(&live->folder, g_free);
	g_clear_pointer(&live->session_path, g_free);
	g_clear_pointer(&live->incomplete, g_free);
	g_clear_pointer(&live->sha256, g_free);
	g_clear_pointer(&live->clock, clock_free);
}
