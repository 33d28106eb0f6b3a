#include "unit.h"

#include "executor.h"

/* A bench made of lists: what the executor asked for, and samples to give it. */
typedef struct Fake {
	GString *log;    /* one line a call */
	GArray *samples; /* ExecutorSample, given in order when their time has come */
	guint given;
	int64_t now_ns;
	int safe, after_safe, quiet;
	int cleaned; /* commands of the cleanup */
	bool refuse;
} Fake;

static bool fake_command(void *user, unsigned role, double value, int64_t at_ns)
{
	Fake *f = user;
	f->after_safe += f->safe;
	if (at_ns == EXECUTOR_SOONEST)
		g_string_append_printf(f->log, "command %u %g soonest;", role, value);
	else
		g_string_append_printf(f->log, "command %u %g @%" G_GINT64_FORMAT ";", role, value,
				       at_ns / CLOCK_MS);
	return !f->refuse;
}

static bool fake_trigger(void *user, unsigned role, int64_t at_ns)
{
	Fake *f = user;
	f->after_safe += f->safe;
	g_string_append_printf(f->log, "trigger %u @%" G_GINT64_FORMAT " at %" G_GINT64_FORMAT ";",
			       role, at_ns / CLOCK_MS, f->now_ns / CLOCK_MS);
	return !f->refuse;
}

static bool fake_cleanup(void *user, unsigned role, double value)
{
	Fake *f = user;
	f->after_safe += f->safe;
	f->cleaned++;
	g_string_append_printf(f->log, "cleanup %u %g at %" G_GINT64_FORMAT ";", role, value,
			       f->now_ns / CLOCK_MS);
	return !f->refuse;
}

static void fake_quiet(void *user)
{
	((Fake *)user)->quiet++;
}

static void fake_event(void *user, const char *name, int64_t t_ns, const char *detail)
{
	bool of_product = detail && !strcmp(detail, EXECUTOR_OF_PRODUCT);
	if (!g_str_has_prefix(name, "state."))
		g_string_append_printf(((Fake *)user)->log, "%s @%" G_GINT64_FORMAT "%s;", name,
				       t_ns / CLOCK_MS, of_product ? " of the product" : "");
}

static void fake_fault(void *user, int64_t t_ns, const char *source, const char *cause, Blame blame)
{
	(void)t_ns;
	(void)cause;
	g_string_append_printf(((Fake *)user)->log, "fault %s %s;", source, blame_name(blame));
}

static bool fake_sample(void *user, ExecutorSample *ret)
{
	Fake *f = user;
	if (f->given >= f->samples->len)
		return false;
	ExecutorSample *s = &g_array_index(f->samples, ExecutorSample, f->given);
	if (s->t_ns > f->now_ns)
		return false;
	*ret = *s;
	f->given++;
	return true;
}

static void fake_make_safe(void *user)
{
	Fake *f = user;
	f->safe++;
	g_string_append_printf(f->log, "safe at %" G_GINT64_FORMAT ";", f->now_ns / CLOCK_MS);
}

typedef struct Bench {
	Fake fake;
	ExecutorOps ops;
	ExecutorPlan *plan;
	Executor *executor;
} Bench;

static Bench *bench_new(void)
{
	Bench *b = g_new0(Bench, 1);
	b->fake.log = g_string_new(NULL);
	b->fake.samples = g_array_new(FALSE, TRUE, sizeof(ExecutorSample));
	b->ops = (ExecutorOps){.command = fake_command,
			       .trigger = fake_trigger,
			       .cleanup = fake_cleanup,
			       .event = fake_event,
			       .fault = fake_fault,
			       .sample = fake_sample,
			       .quiet = fake_quiet,
			       .make_safe = fake_make_safe,
			       .user = &b->fake};
	b->plan = executor_plan_new();
	return b;
}

static void bench_free(Bench *b)
{
	executor_free(b->executor);
	executor_plan_free(b->plan);
	g_string_free(b->fake.log, TRUE);
	g_array_unref(b->fake.samples);
	g_free(b);
}

static PlanStep *add_step(Bench *b, int64_t at_ms)
{
	PlanStep *step = g_new0(PlanStep, 1);
	step->at_ns = at_ms * CLOCK_MS;
	step->actions = g_array_new(FALSE, TRUE, sizeof(PlanAction));
	g_ptr_array_add(b->plan->steps, step);
	return step;
}

static void act(PlanStep *step, PlanAction action)
{
	g_array_append_val(step->actions, action);
}

static bool any_boolean(void *user, const char *name, Unit *ret_unit, bool *ret_boolean)
{
	(void)user;
	*ret_unit = unit_one;
	*ret_boolean = g_str_has_prefix(name, "product.");
	return true;
}

static PlanWatch *add_watch(GPtrArray *to, Bench *b, const char *text, StlMonitorMode mode)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StlFormula) f = stl_parse(text, NULL, &error);
	StlScope scope = {.signal = any_boolean};
	CU_ASSERT_TRUE(f && stl_check(f, &scope, NULL, &error));
	PlanWatch *w = g_new0(PlanWatch, 1);
	w->text = g_strdup(text);
	w->sources = g_array_new(FALSE, TRUE, sizeof(unsigned));
	for (size_t i = 0; i < stl_formula_n_signals(f); i++) {
		unsigned source = executor_plan_intern(b->plan->sources, stl_formula_signal(f, i));
		g_array_append_val(w->sources, source);
	}
	w->monitor = stl_monitor_new(f, mode, NULL, &error);
	if (error)
		fprintf(stderr, "%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL(w->monitor);
	g_ptr_array_add(to, w);
	return w;
}

static void give(Bench *b, const char *name, int64_t t_ms, double v)
{
	ExecutorSample s = {.source = executor_plan_intern(b->plan->sources, name),
			    .t_ns = t_ms * CLOCK_MS,
			    .v = v};
	g_array_append_val(b->fake.samples, s);
}

/* t = 0 s of the timeline is 1000 ms of the clock. */
static void play(Bench *b, int64_t end_ms, int64_t until_ms, int64_t every_ms)
{
	if (!b->executor) {
		b->plan->end_ns = end_ms * CLOCK_MS;
		b->executor = executor_new(b->plan, &b->ops);
		executor_start(b->executor, CLOCK_S);
	}
	int64_t next = 0;
	for (; b->fake.now_ns <= until_ms * CLOCK_MS && next != CLOCK_NEVER;
	     b->fake.now_ns += every_ms * CLOCK_MS)
		next = executor_step(b->executor, b->fake.now_ns);
}

static bool logged(Bench *b, const char *text)
{
	bool found = strstr(b->fake.log->str, text) != NULL;
	if (!found)
		fprintf(stderr, "not in the log: %s\nlog: %s\n", text, b->fake.log->str);
	return found;
}

static void a_trigger_leaves_ahead_and_carries_its_exact_time(void)
{
	Bench *b = bench_new();
	act(add_step(b, 500), (PlanAction){.kind = PLAN_PULSE, .role = 3});
	play(b, 1000, 3000, 1);
	/* due at 1000 + 500 ms; sent 150 ms ahead */
	CU_ASSERT_TRUE(logged(b, "trigger 3 @1500 at 1350;"));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_DONE);
	CU_ASSERT_EQUAL(b->fake.safe, 1);
	bench_free(b);
}

static void a_mark_is_stamped_with_the_timelines_time_not_the_hosts(void)
{
	Bench *b = bench_new();
	act(add_step(b, 503), (PlanAction){.kind = PLAN_MARK, .name = "mark.observe"});
	play(b, 1000, 3000, 10); /* the host looks only every 10 ms */
	CU_ASSERT_TRUE(logged(b, "mark.observe @1503;"));
	bench_free(b);
}

static void a_pulse_with_a_length_is_switched_off_by_a_second_command(void)
{
	Bench *b = bench_new();
	act(add_step(b, 500),
	    (PlanAction){.kind = PLAN_PULSE, .role = 1, .pulse_ns = 40 * CLOCK_MS});
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "command 1 1 @1500;command 1 0 @1540;"));
	bench_free(b);
}

static PlanStep *add_when(Bench *b, const char *text, int64_t timeout_ms, bool product)
{
	PlanStep *step = add_step(b, -1);
	step->when = true;
	step->product = product;
	step->timeout_ns = timeout_ms * CLOCK_MS;
	step->condition = b->plan->conditions->len;
	add_watch(b->plan->conditions, b, text, STL_MONITOR_REACHED);
	return step;
}

static void a_reaction_follows_its_condition_at_once(void)
{
	Bench *b = bench_new();
	add_step(b, 100);
	PlanStep *when = add_when(b, "rise(product.shut)", 500, true);
	act(when, (PlanAction){.kind = PLAN_MARK, .name = "mark.answered"});
	act(when, (PlanAction){.kind = PLAN_COMMAND, .role = 2, .value = 0});
	give(b, "product.shut", 900, 0);
	give(b, "product.shut", 1300, 1);
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "command 2 0 soonest;mark.answered @1300 of the product;"));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_DONE);
	bench_free(b);
}

static void a_silent_product_lets_the_timeline_go_on(void)
{
	Bench *b = bench_new();
	add_step(b, 100);
	act(add_when(b, "rise(product.shut)", 300, true),
	    (PlanAction){.kind = PLAN_MARK, .name = "mark.answered"});
	act(add_step(b, 800), (PlanAction){.kind = PLAN_MARK, .name = "mark.after"});
	give(b, "product.shut", 900, 0);
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "timeout @1400;"));
	CU_ASSERT_TRUE(logged(b, "mark.after @1800;"));
	CU_ASSERT_PTR_NULL(strstr(b->fake.log->str, "fault"));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_DONE);
	bench_free(b);
}

static void a_condition_of_the_bench_that_never_comes_is_the_benchs_fault(void)
{
	Bench *b = bench_new();
	add_step(b, 100);
	add_when(b, "pan > 200", 300, false);
	give(b, "pan", 900, 20);
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "fault condition bench;"));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_FAULTED);
	CU_ASSERT_EQUAL(b->fake.safe, 1);
	bench_free(b);
}

static void a_broken_guard_makes_safe_and_blames_whom_it_names(void)
{
	Bench *b = bench_new();
	add_step(b, 900);
	add_watch(b->plan->guards, b, "always (force < 2500)", STL_MONITOR_HOLDS)->blame =
		BLAME_UNKNOWN;
	give(b, "force", 900, 10);
	give(b, "force", 1200, 3000);
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "guard.broken @1200;fault guard unknown;run.stopped @1200;"));
	CU_ASSERT_EQUAL(b->fake.safe, 1);
	CU_ASSERT_EQUAL(executor_ended_ns(b->executor), 1200 * CLOCK_MS);
	bench_free(b);
}

static void a_host_that_stood_still_too_long_blames_itself(void)
{
	Bench *b = bench_new();
	act(add_step(b, 500), (PlanAction){.kind = PLAN_PULSE, .role = 0});
	play(b, 1000, 1340, 1);
	b->fake.now_ns = 1500 * CLOCK_MS; /* woke 150 ms after the command should have left */
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "fault executor bench;"));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_FAULTED);
	bench_free(b);
}

static void a_command_that_cannot_be_queued_ends_the_run(void)
{
	Bench *b = bench_new();
	executor_plan_intern(b->plan->roles, "mannequin.release");
	act(add_step(b, 500), (PlanAction){.kind = PLAN_PULSE, .role = 0});
	b->fake.refuse = true;
	play(b, 1000, 3000, 1);
	CU_ASSERT_TRUE(logged(b, "fault mannequin.release bench;"));
	CU_ASSERT_EQUAL(b->fake.safe, 1);
	bench_free(b);
}

/* Whatever stops a run and whenever: made safe exactly once, and not one command afterwards. */
static void every_run_ends_safe_whenever_it_is_stopped(void)
{
	for (int64_t stop_ms = 0; stop_ms < 2100; stop_ms += 7) {
		Bench *b = bench_new();
		for (int i = 0; i < 10; i++)
			act(add_step(b, 100 * i),
			    (PlanAction){.kind = PLAN_PULSE, .role = 1, .pulse_ns = 40 * CLOCK_MS});
		play(b, 1000, stop_ms, 1);
		executor_stop(b->executor, "test", BLAME_UNKNOWN);
		play(b, 1000, 4000, 1);
		CU_ASSERT_EQUAL(b->fake.safe, 1);
		CU_ASSERT_EQUAL(b->fake.after_safe, 0);
		bench_free(b);
	}
}

/* ---- cleanup ---- */

static PlanCleanup *add_cleanup(Bench *b, unsigned role, double value)
{
	PlanCleanup *c = g_new0(PlanCleanup, 1);
	c->actions = g_array_new(FALSE, TRUE, sizeof(PlanAction));
	c->source = -1;
	PlanAction action = {.kind = PLAN_COMMAND, .role = role, .value = value};
	g_array_append_val(c->actions, action);
	g_ptr_array_add(b->plan->cleanup, c);
	return c;
}

static void settle(Bench *b, PlanCleanup *c, const char *signal, double lo, double hi,
		   int64_t for_ms, int64_t timeout_ms)
{
	c->signal = signal;
	c->source = (int)executor_plan_intern(b->plan->sources, signal);
	c->lo = lo;
	c->hi = hi;
	c->for_ns = for_ms * CLOCK_MS;
	c->timeout_ns = timeout_ms * CLOCK_MS;
}

/* The timeline ends at 2000 ms; 400 ms later nothing can reach its samples any more. */
static void the_cleanup_follows_the_verdicts_window_and_comes_before_the_safe_state(void)
{
	Bench *b = bench_new();
	add_cleanup(b, 4, 1);
	add_cleanup(b, 5, 2);
	play(b, 1000, 2399, 1);
	CU_ASSERT_EQUAL(b->fake.cleaned, 0);
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_FINISHING);
	play(b, 1000, 2409, 1);
	CU_ASSERT_EQUAL(b->fake.cleaned, 1); /* the second waits for the reply to the first */
	executor_answered(b->executor, true, "");
	play(b, 1000, 2419, 1);
	executor_answered(b->executor, true, "");
	play(b, 1000, 4000, 1);
	CU_ASSERT_TRUE(logged(b, "cleanup.begin @2400;cleanup 4 1 at 2400;cleanup 5 2 at 2410;"
				 "cleanup.end @2420;safe at 2420;"));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_DONE);
	CU_ASSERT_EQUAL(executor_ended_ns(b->executor), 2000 * CLOCK_MS);
	bench_free(b);
}

static void a_cleanup_waits_until_its_signal_has_come_to_rest(void)
{
	Bench *b = bench_new();
	settle(b, add_cleanup(b, 4, 300), "lux", 290, 310, 100, 1000);
	give(b, "lux", 2300, 300); /* before the command: says nothing */
	give(b, "lux", 2450, 300);
	give(b, "lux", 2500, 320);
	give(b, "lux", 2600, 305);
	play(b, 1000, 2400, 1);
	executor_answered(b->executor, true, "");
	play(b, 1000, 4000, 1);
	CU_ASSERT_TRUE(logged(b, "cleanup.end @2700;safe at 2700;"));
	CU_ASSERT_PTR_NULL(strstr(b->fake.log->str, "failed"));
	bench_free(b);
}

static void a_cleanup_that_does_not_settle_is_said_and_changes_no_verdict(void)
{
	Bench *b = bench_new();
	settle(b, add_cleanup(b, 4, 300), "lux", 290, 310, 100, 500);
	give(b, "lux", 2450, (double)NAN);
	play(b, 1000, 2400, 1);
	executor_answered(b->executor, true, "");
	play(b, 1000, 4000, 1);
	CU_ASSERT_TRUE(logged(b, "cleanup.failed @2900;cleanup.end @2900;safe at 2900;"));
	CU_ASSERT_PTR_NULL(strstr(b->fake.log->str, "fault"));
	CU_ASSERT_PTR_NULL(executor_stop_reason(b->executor));
	CU_ASSERT_EQUAL(executor_state(b->executor), RUN_DONE);
	bench_free(b);
}

static void a_device_that_never_answers_holds_the_safe_state_up_for_a_second_each(void)
{
	Bench *b = bench_new();
	add_cleanup(b, 4, 1);
	add_cleanup(b, 5, 1);
	play(b, 1000, 9000, 1);
	CU_ASSERT_TRUE(logged(b, "cleanup.failed @3400;cleanup 5 1 at 3400;cleanup.failed @4400;"));
	CU_ASSERT_TRUE(logged(b, "safe at 4400;"));
	bench_free(b);
}

/* What was scheduled ahead goes at once; the rest is over within half a second, answers or none. */
static void after_a_stop_the_cleanup_is_short_and_waits_for_nothing_to_settle(void)
{
	for (int answers = 0; answers <= 1; answers++) {
		Bench *b = bench_new();
		settle(b, add_cleanup(b, 4, 300), "lux", 290, 310, 100, 1000);
		add_cleanup(b, 5, 1);
		play(b, 1000, 1500, 1);
		executor_stop(b->executor, "a guard was broken", BLAME_UNKNOWN);
		play(b, 1000, 1510, 1);
		CU_ASSERT_EQUAL(b->fake.quiet, 1);
		CU_ASSERT_EQUAL(b->fake.safe, 0);
		CU_ASSERT_EQUAL(b->fake.cleaned, 1);
		if (answers) {
			executor_answered(b->executor, false, "room.lamp: failed");
			play(b, 1000, 1520, 1);
			executor_answered(b->executor, true, "");
		}
		play(b, 1000, 4000, 1);
		CU_ASSERT_TRUE(logged(b, answers ? "safe at 1521;" : "safe at 2001;"));
		CU_ASSERT_TRUE(logged(b, "cleanup.failed"));
		CU_ASSERT_EQUAL(executor_state(b->executor), RUN_FAULTED);
		CU_ASSERT_EQUAL(b->fake.safe, 1);
		bench_free(b);
	}
}

/* The timeline was over: a Stop now ends the cleanup, and the run stays whole. */
static void a_stop_during_the_cleanup_makes_safe_at_once_and_leaves_the_run_whole(void)
{
	for (int64_t stop_ms = 2001; stop_ms < 3400; stop_ms += 13) {
		Bench *b = bench_new();
		add_cleanup(b, 4, 1);
		play(b, 1000, stop_ms - 1, 1);
		executor_stop(b->executor, "test", BLAME_UNKNOWN);
		play(b, 1000, 9000, 1);
		g_autofree char *safe = g_strdup_printf("safe at %" G_GINT64_FORMAT ";", stop_ms);
		CU_ASSERT_TRUE(logged(b, safe));
		CU_ASSERT_TRUE(logged(b, "cleanup.failed"));
		CU_ASSERT_EQUAL(b->fake.safe, 1);
		CU_ASSERT_EQUAL(b->fake.after_safe, 0);
		CU_ASSERT_EQUAL(executor_state(b->executor), RUN_DONE);
		bench_free(b);
	}
}

static void a_guard_is_watched_during_the_cleanup_too(void)
{
	Bench *b = bench_new();
	add_cleanup(b, 4, 1);
	add_watch(b->plan->guards, b, "always (force < 2500)", STL_MONITOR_HOLDS);
	give(b, "force", 900, 10);
	give(b, "force", 2450, 3000);
	play(b, 1000, 4000, 1);
	CU_ASSERT_TRUE(logged(b, "guard.broken @2450;"));
	CU_ASSERT_TRUE(logged(b, "safe at 2450;"));
	bench_free(b);
}

UNIT_MAIN("run.executor", UNIT(a_trigger_leaves_ahead_and_carries_its_exact_time),
	  UNIT(a_mark_is_stamped_with_the_timelines_time_not_the_hosts),
	  UNIT(a_pulse_with_a_length_is_switched_off_by_a_second_command),
	  UNIT(a_reaction_follows_its_condition_at_once),
	  UNIT(a_silent_product_lets_the_timeline_go_on),
	  UNIT(a_condition_of_the_bench_that_never_comes_is_the_benchs_fault),
	  UNIT(a_broken_guard_makes_safe_and_blames_whom_it_names),
	  UNIT(a_host_that_stood_still_too_long_blames_itself),
	  UNIT(a_command_that_cannot_be_queued_ends_the_run),
	  UNIT(every_run_ends_safe_whenever_it_is_stopped),
	  UNIT(the_cleanup_follows_the_verdicts_window_and_comes_before_the_safe_state),
	  UNIT(a_cleanup_waits_until_its_signal_has_come_to_rest),
	  UNIT(a_cleanup_that_does_not_settle_is_said_and_changes_no_verdict),
	  UNIT(a_device_that_never_answers_holds_the_safe_state_up_for_a_second_each),
	  UNIT(after_a_stop_the_cleanup_is_short_and_waits_for_nothing_to_settle),
	  UNIT(a_stop_during_the_cleanup_makes_safe_at_once_and_leaves_the_run_whole),
	  UNIT(a_guard_is_watched_during_the_cleanup_too))
