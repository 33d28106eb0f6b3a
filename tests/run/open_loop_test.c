/* Where a replay and the product part company. A recording of 4 s: a pan is measured each 100 ms, its product said "shut" at 2.00 s
 * and the bench closed the valve at 2.03 s. The first sample of the pan after that is the one of 2.10 s. */
#include "open_loop.h"

#include "made.h"
#include "unit.h"

#define START CLOCK_S
#define MS(t) (START + (t)*CLOCK_MS)
#define END_MS 4000

static const char product_text[] = "anzen: product/1\n"
				   "id: reader\n"
				   "kind: stove-guard\n"
				   "title: {en: \"Reader\", ja: \"読む\"}\n"
				   "identity: {program: stove-guard}\n"
				   "start: {process: [stove-guard, --sensors, \"$modbus\"], ready: "
				   "{consumed: true, timeout: 10 s}}\n"
				   "inputs:\n"
				   "  pan:  {adapter: modbus, from: pan.temperature, register: 0, "
				   "scale: 0.1 degC, max_age: 500 ms}\n"
				   "  room: {adapter: modbus, from: room.temperature, register: 1, "
				   "scale: 0.1 degC, max_age: 500 ms}\n"
				   "outputs:\n"
				   "  shut: {adapter: modbus, kind: state, coil: 0}\n"
				   "limits: {response: 60 s, message: 260 B, rate: 300 Hz}\n";

/* %s: what follows the product's answer */
static const char scenario_text[] =
	"anzen: scenario/1\n"
	"id: pan\n"
	"title: {en: \"Pan\", ja: \"鍋\"}\n"
	"product: stove-guard\n"
	"hazard: H-FIRE-01\n"
	"class: abnormal\n"
	"needs:\n"
	"  actuators: [stove.valve]\n"
	"  sensors: [pan.temperature]\n"
	"  clock_uncertainty: 5 ms\n"
	"timeline:\n"
	"  - when: rise(product.shut)\n"
	"    timeout: 3 s\n"
	"    %s\n"
	"  - at: 4 s\n"
	"    end: true\n"
	"truth:\n"
	"  hot: {onset: \"pan.temperature > 200 degC\", end: \"pan.temperature < 150 degC\"}\n"
	"criteria: [living/stove-guard/shut-off-delay]\n";

#define CLOSES "set: {stove.valve: 1}"
#define MARKS "mark: answered"

static int declare(SessionWriter *w, const char *name, SignalOrigin origin, bool exogenous,
		   bool affected)
{
	SignalInfo info;
	signal_info_init(&info, name);
	info.origin = origin;
	info.exogenous = exogenous;
	info.affected_by_product = affected;
	int id = session_writer_add_signal(w, &info, 100);
	signal_info_clear(&info);
	return id;
}

/* shut_ms < 0: the recording's product said nothing */
static Made made(const char *does, int shut_ms, int effect_ms, bool affected)
{
	Made m = {.dir = g_dir_make_tmp("anzen-open-XXXXXX", NULL)};
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(START);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_auto(GStrv) parts = g_strsplit(scenario_text, "%s", 2);
	g_autofree char *scenario = g_strjoinv(does, parts);
	m.path = g_build_filename(m.dir, "session.mcap", NULL);
	m.product = product_load_text(product_text, -1, "reader.yaml", diag);
	diagnostics_print(diag, stderr);
	SessionOptions options = {.path = m.path,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	UNIT_OK(session_writer_attach(w, "scenario.yaml", NULL, scenario, strlen(scenario), &error),
		error);
	int pan = declare(w, "pan.temperature", ORIGIN_STIMULUS, false, affected);
	int room = declare(w, "room.temperature", ORIGIN_STIMULUS, true, false);
	int shut = declare(w, "product.shut", ORIGIN_RESPONSE, false, true);
	SessionProducer *p = session_writer_add_producer(w, "test", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, START, "run.start", NULL);
	session_event(p, MS(10), "effect.stove.valve", NULL); /* set up, before any answer */
	session_sample(p, shut, START, 0, SAMPLE_OK);
	for (int t = 0; t <= END_MS; t += 10) {
		if (t % 100 == 0)
			session_sample(p, pan, MS(t), 20 + t / 10.0, SAMPLE_OK);
		session_sample(p, room, MS(t), 20, SAMPLE_OK);
		if (t == shut_ms)
			session_sample(p, shut, MS(t), 1, SAMPLE_OK);
		if (t == effect_ms)
			session_event(p, MS(t), "effect.stove.valve", NULL);
		session_writer_pump(w, NULL);
	}
	session_event(p, MS(END_MS), "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return m;
}

/* ---- playing --------------------------------------------------------------------------------------------------- */

typedef struct Heard {
	Stream stream;
	unsigned n;
	Fault fault[8];
	char text[8][256];
	int samples;
} Heard;

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double v,
		      SampleStatus status)
{
	(void)source, (void)t_ns, (void)v, (void)status;
	((Heard *)stream)->samples++;
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Heard *h = (Heard *)stream;
	CU_ASSERT_TRUE_FATAL(h->n < G_N_ELEMENTS(h->fault));
	h->fault[h->n] = *fault;
	h->fault[h->n].signal =
		NULL; /* Heard is copied: its texts go with it, a pointer would not */
	g_strlcpy(h->text[h->n] + 200, fault->signal ? fault->signal : "", 50);
	g_strlcpy(h->text[h->n], fault->cause, 200);
	CU_ASSERT_STRING_EQUAL(fault->source, FAULT_SOURCE_OPEN_LOOP);
	h->n++;
}

static int64_t same_time(void *user, int64_t t_ns)
{
	(void)user;
	return t_ns;
}

/* The new product says "shut" at shut_ms; -1: never. */
static Heard played(const Made *m, int shut_ms)
{
	Heard h = {.stream = {.sample = on_sample, .fault = on_fault}};
	g_autoptr(GError) error = NULL;
	g_autoptr(Tape) tape = tape_load(m->path, m->product, 0, CLOCK_NEVER, &error);
	UNIT_OK(tape != NULL, error);
	g_autoptr(OpenLoop) loop = open_loop_new(tape, m->product, &error);
	UNIT_OK(loop != NULL, error);
	tape_ready(tape, 1);
	open_loop_start(loop, &h.stream, &h.stream, same_time, NULL);
	Stream *said = &loop->stream;
	said->sample(said, "product.shut", START - CLOCK_S, 0, SAMPLE_OK);
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		if (shut_ms >= 0 && item->t_ns > MS(shut_ms)) {
			said->sample(said, "product.shut", MS(shut_ms), 1, SAMPLE_OK);
			shut_ms = -1;
		}
		open_loop_gives(loop, item, item->t_ns);
	}
	return h;
}

static bool is(const Heard *h, unsigned i, int64_t t_ns, const char *signal, bool proven,
	       const char *why)
{
	const Fault *f = &h->fault[i];
	const char *of = h->text[i] + 200;
	bool good = i < h->n && f->t_ns == t_ns && f->until_ns == CLOCK_NEVER &&
		    !strcmp(of, signal ? signal : "") && f->proven == proven &&
		    strstr(h->text[i], why);
	if (!good)
		fprintf(stderr, "fault %u of %u: %.3f s %s %d: %s\n", i, h->n,
			(double)(f->t_ns - START) * 1e-9, *of ? of : "-", f->proven, h->text[i]);
	return good;
}

#define PAN "pan.temperature"
#define OLD                                                                              \
	"pan.temperature follows the recording's product, whose product.shut had moved " \
	"stove.valve"
#define NEW                                                                                 \
	"pan.temperature does not follow the product, whose product.shut would have moved " \
	"stove.valve"

static void only_the_old_one(const Heard *h)
{
	CU_ASSERT_EQUAL(h->n, 2);
	CU_ASSERT_TRUE(is(h, 0, MS(2030), PAN, true, OLD));
	CU_ASSERT_TRUE(is(h, 1, MS(2100), NULL, true, OLD));
}

static void a_product_that_never_answers_meets_the_old_ones_doing(void)
{
	g_auto(Made) m = made(CLOSES, 2000, 2030, false);
	Heard h = played(&m, -1);
	only_the_old_one(&h);
}

static void a_later_answer_changes_nothing_of_that(void)
{
	g_auto(Made) m = made(CLOSES, 2000, 2030, false);
	Heard h = played(&m, 2500);
	only_the_old_one(&h);
}

/* At 2.05 s it has been given nothing that the valve can have changed. */
static void an_answer_to_what_nobody_has_shaped_yet_counts(void)
{
	g_auto(Made) m = made(CLOSES, 2000, 2030, false);
	Heard h = played(&m, 2050);
	only_the_old_one(&h);
}

/* The pan goes on as if nothing had been said; the next that it is given is the one of 1.60 s. */
static void an_earlier_answer_ends_what_is_known_of_the_pan(void)
{
	g_auto(Made) m = made(CLOSES, 2000, 2030, false);
	Heard h = played(&m, 1550);
	CU_ASSERT_TRUE(h.n >= 2);
	CU_ASSERT_TRUE(is(&h, 0, MS(1550) + 1, PAN, false, NEW));
	CU_ASSERT_TRUE(is(&h, 1, MS(1600), NULL, false, NEW));
	/* and the recording's own effect stands beside it, for the signal */
	CU_ASSERT_EQUAL(h.n, 3);
	CU_ASSERT_TRUE(is(&h, 2, MS(2030), PAN, true, OLD));
}

static void nobody_answered_nothing_is_shaped(void)
{
	g_auto(Made) m = made(CLOSES, -1, -1, false);
	Heard h = played(&m, -1);
	CU_ASSERT_EQUAL(h.n, 0);
	h = played(&m, 3000);
	CU_ASSERT_EQUAL(h.n, 2);
	CU_ASSERT_TRUE(is(&h, 0, MS(3000) + 1, PAN, false, NEW));
	CU_ASSERT_TRUE(is(&h, 1, MS(3100), NULL, false, NEW));
}

static void an_answer_that_moves_nothing_shapes_nothing(void)
{
	g_auto(Made) m = made(MARKS, 2000, 2030, false);
	Heard h = played(&m, 1550);
	CU_ASSERT_EQUAL(h.n, 0);
}

/* Nothing says when the valve closed: it can have been at once. */
static void an_effect_that_was_not_recorded_is_taken_as_early_as_it_can_be(void)
{
	g_auto(Made) m = made(CLOSES, 2000, -1, false);
	Heard h = played(&m, -1);
	CU_ASSERT_EQUAL(h.n, 2);
	CU_ASSERT_TRUE(is(&h, 0, MS(2000), PAN, true, OLD));
}

/* A probe's end is recorded, at 2.03 s; it began with the answer at the earliest. */
static void what_begins_unseen_is_taken_to_begin_at_once(void)
{
	g_auto(Made) m = made("probe: positive-control", 2000, 2030, false);
	Heard h = played(&m, -1);
	CU_ASSERT_EQUAL(h.n, 2);
	CU_ASSERT_EQUAL(h.fault[0].t_ns, MS(2000));
	CU_ASSERT_EQUAL(h.fault[1].t_ns, MS(2100));
}

static void what_follows_the_product_may_be_judged_until_then(void)
{
	for (int wired = 0; wired < 2; wired++) {
		g_auto(Made) m = made(wired ? CLOSES : MARKS, 2000, 2030, true);
		g_autoptr(GError) error = NULL;
		g_autoptr(Tape) tape = tape_load(m.path, m.product, 0, CLOCK_NEVER, &error);
		UNIT_OK(tape != NULL, error);
		g_autoptr(OpenLoop) loop = open_loop_new(tape, m.product, &error);
		UNIT_OK(loop != NULL, error);
		for (guint i = 0; i < tape->signals->len; i++) {
			const SignalInfo *info = g_ptr_array_index(tape->signals, i);
			if (strcmp(info->name, PAN) != 0)
				continue;
			/* else it acts by itself, and nobody knows when */
			CU_ASSERT_EQUAL(info->affected_by_product, !wired);
			CU_ASSERT_EQUAL(info->exogenous, wired);
		}
	}
}

UNIT_MAIN("run.open-loop", UNIT(a_product_that_never_answers_meets_the_old_ones_doing),
	  UNIT(a_later_answer_changes_nothing_of_that),
	  UNIT(an_answer_to_what_nobody_has_shaped_yet_counts),
	  UNIT(an_earlier_answer_ends_what_is_known_of_the_pan),
	  UNIT(nobody_answered_nothing_is_shaped),
	  UNIT(an_answer_that_moves_nothing_shapes_nothing),
	  UNIT(an_effect_that_was_not_recorded_is_taken_as_early_as_it_can_be),
	  UNIT(what_begins_unseen_is_taken_to_begin_at_once),
	  UNIT(what_follows_the_product_may_be_judged_until_then))
