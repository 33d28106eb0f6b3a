#include "live_parts.h"

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
#define LOCKSTEP_EPOCH_NS CLOCK_S
#define FAST_GAP_NS (20 * CLOCK_MS) /* signals with a shorter max_gap are stored as cdr */

/* ---- the data plane's third branch: product, and the newest values ---------------------------------------- */

/* What is perturbed stands beside the true thing: the product is given it in its place. */
static const char *as_product_knows(const char *role)
{
	return g_str_has_prefix(role, DISTURB_PREFIX) ? role + strlen(DISTURB_PREFIX) : role;
}

static void feed_sample(void *user, const char *role, int64_t t_ns, double v, SampleStatus status)
{
	Live *live = user;
	pthread_mutex_lock(&live->lock);
	Latest *latest = g_hash_table_lookup(live->latest, role);
	if (latest)
		*latest = (Latest){t_ns, v, status == SAMPLE_OK};
	pthread_mutex_unlock(&live->lock);
	if (live->disturb && disturb_takes(live->disturb, role)) {
		disturb_sample(live->disturb, role, t_ns, v, status);
	} else if (live->product) {
		const ProductFeed *feed = product_link_feed(live->product);
		feed->sample(feed->user, as_product_knows(role), t_ns, v, status);
	}
}

static void feed_frame(void *user, const char *role, const Frame *frame)
{
	Live *live = user;
	if (live->disturb && disturb_takes(live->disturb, role)) {
		if (!live->config->lock_step) /* else feed_encode() has had its unit */
			disturb_picture(live->disturb, role, frame);
	} else if (live->product) {
		const ProductFeed *feed = product_link_feed(live->product);
		feed->frame(feed->user, as_product_knows(role), frame);
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
	if (!media_encoder_encode(encoder, picture, false, ret_unit, NULL))
		return false;
	if (live->disturb && disturb_takes(live->disturb, role))
		disturb_picture(live->disturb, role, ret_unit);
	return true;
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

static void info_free(void *info)
{
	signal_info_clear(info);
	g_free(info);
}

/* What a perturbation delays, and how late the bench may be with it, is how uncertain every time of the bench's is of what the
 * product sees. */
static void declare_rig_signals(Live *live)
{
	const GPtrArray *infos = rig_signals(live->rig);
	int64_t late_ns = live_late_ns(live);
	if (late_ns == 0) {
		declare_signals(live, infos);
		return;
	}
	g_autoptr(GPtrArray) widened = g_ptr_array_new_with_free_func(info_free);
	for (guint i = 0; i < infos->len; i++) {
		SignalInfo *info = g_new0(SignalInfo, 1);
		signal_info_copy(info, g_ptr_array_index(infos, i));
		if (info->origin != ORIGIN_COMMAND)
			info->u_clock_s = label_clock_u(info->u_clock_s, late_ns);
		g_ptr_array_add(widened, info);
	}
	declare_signals(live, widened);
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

static void declare_camera(Live *live, const char *name)
{
	int id = session_writer_add_camera(live->writer, name, "h264");
	if (id >= 0)
		tee_declare_camera(live->tee, name, id);
}

static void declare_cameras(Live *live)
{
	const GPtrArray *roles = rig_spec_roles(live->in->rig);
	for (guint i = 0; i < roles->len; i++) {
		const RigRole *role = g_ptr_array_index(roles, i);
		if (role->kind == RIG_CAMERA)
			declare_camera(live, role->name);
	}
}

static void declare_disturbed(Live *live)
{
	const GPtrArray *roles = disturb_cameras(live->disturb);
	declare_signals(live, disturb_signals(live->disturb));
	for (guint i = 0; i < roles->len; i++) {
		g_autofree char *name =
			g_strconcat(DISTURB_PREFIX, (char *)g_ptr_array_index(roles, i), NULL);
		declare_camera(live, name);
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
	    !run_inputs_attach(live->in, live->config, live->rig, live->writer, error) ||
	    !live_open_disturb(live, error))
		return FALSE;
	live->feed = (TeeFeed){.sample = feed_sample,
			       .frame = feed_frame,
			       .encode = live->config->lock_step ? feed_encode : NULL,
			       .user = live};
	live->tee = tee_new(live->writer, live->plan->sources, &live->feed);
	declare_rig_signals(live);
	declare_signals(live, product);
	declare_cameras(live);
	if (live->disturb)
		declare_disturbed(live);
	return TRUE;
}

static void open_executor(Live *live)
{
	for (guint i = 0; i < live->plan->roles->len; i++) {
		int role = rig_role(live->rig, g_ptr_array_index(live->plan->roles, i));
		g_array_append_val(live->roles, role);
	}
	live_ops_fill(live);
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
	return live->recording &&
	       (!live->disturb || disturb_start(live->disturb, tee_bench(live->tee), error));
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
		if (live_tell(live, run_state_name(executor_state(live->executor)), doing, NULL,
			      NULL) < 0)
			executor_stop(live->executor, "stopped by the operator", BLAME_UNKNOWN);
		live_pass(live, WATCH_NS);
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
		live_fault(live, executor_ended_ns(live->executor), "operator",
			   "stopped by the operator", BLAME_UNKNOWN);
	if (tee_threads_refused(live->tee))
		live_fault(live, live->start_ns, "executor",
			   "more threads delivered data than the recorder has places for",
			   BLAME_BENCH);
	if (tee_executor_lost(live->tee))
		live_fault(live, live->start_ns, "executor",
			   "guards missed samples: the executor's rings were full", BLAME_BENCH);
}

static gboolean start_thread(Live *live, GError **error)
{
	int failed = pthread_create(&live->thread, NULL, live_executor_main, live);
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
	if (live->disturb)
		disturb_begin(live->disturb, live->start_ns);
	for (const char *const *f = live->config->faults; f && *f; f++)
		if (!plan_world_fault(live, *f, error))
			return FALSE;
	product_link_begin(live->product, live->start_ns - START_AHEAD_NS);
	if (live->config->note)
		live_event(live, "operator.note", live->start_ns, live->config->note);
	live_event(live, "run.start", live->start_ns, NULL);
	executor_start(live->executor, live->start_ns);
	live->began = true;
	if (!live->config->lock_step && !start_thread(live, error))
		return FALSE;
	watch_live(live);
	stop_thread(live);
	live_replies(live);
	note_reason(live);
	int64_t end = live->incomplete ? executor_ended_ns(live->executor)
				       : live->start_ns + live->in->scenario->end_ns;
	live_pass(live, TAIL_NS);
	live_event(live, "run.end", end, live->incomplete);
	if (live->disturb)
		disturb_end(live->disturb);
	product_link_end(live->product);
	g_autofree char *undeclared = product_link_undeclared(live->product);
	if (undeclared)
		live_event(live, "product.undeclared", end, undeclared);
	return TRUE;
}

/* What the operator has to do comes with everything safe. What could not be carried out changes no verdict, but is said. */
static void finish_cleanup(Live *live)
{
	const Scenario *s = live->in->scenario;
	g_autoptr(GError) error = NULL;
	if (live_stop_requested)
		return;
	if (!live_prompts(live, "Finishing", "cleanup", s->cleanup, s->n_cleanup, &error))
		live_event(live, "cleanup.failed", clock_now(live->clock),
			   "the operator could not");
}

gboolean live_play(Live *live, GError **error)
{
	if (live_tell(live, "Preflight", "rig", NULL, NULL) < 0)
		return live_stopped(error);
	if (!rig_start(live->rig, tee_bench(live->tee), error) || !live_preflight(live, error) ||
	    !live_prompts(live, "Preflight", "setup", live->in->scenario->setup,
			  live->in->scenario->n_setup, error))
		return FALSE;
	if (live->config
		    ->lock_step) /* a node's clock has to be known before it takes leases; here only we make time pass */
		live_pass(live, CLOCK_S);
	if (!rig_arm(live->rig, error))
		return FALSE;
	live->armed = true;
	if (!live_home(live, error))
		return FALSE;
	if (live_tell(live, "Armed", "settling", NULL, NULL) < 0)
		return live_stopped(error);
	if (!live_settle(live, error))
		return FALSE;
	if (live_tell(live, "Armed", "waiting for the product", NULL, NULL) < 0)
		return live_stopped(error);
	if (!product_link_start(live->product, error)) {
		if (!g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_CANCELLED))
			return FALSE;
		g_clear_error(error);
		return live_stopped(error);
	}
	live->product_started = true;
	if (!go_live(live, error))
		return FALSE;
	live->product_started = false;
	live_tell(live, "Finishing", "making safe", NULL, NULL);
	g_autoptr(GError) unsafe = NULL;
	if (!rig_make_safe(live->rig, CLOCK_S, &unsafe) && !live->incomplete)
		live_fault(live, clock_now(live->clock), "rig",
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
	live_event(live, "run.abandoned", now, why->message);
	live_fault(live, now, "run", why->message, bench ? BLAME_BENCH : BLAME_UNKNOWN);
	if (!live->began) { /* a timeline of no length: nothing before it can be judged */
		live_event(live, "run.start", now, NULL);
		live_event(live, "run.end", now, why->message);
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
	if (live->disturb)   /* and so do these */
		disturb_end(live->disturb);
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
	g_clear_pointer(&live->disturb, disturb_free);
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
