/* The tape of a replay: what is played, in which order, and what a perturbation makes of it. Nothing is played here. */
#include "tape.h"

#include "executor.h"
#include "made.h"
#include "unit.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define START CLOCK_S
#define SECONDS 4
#define STEP_NS (50 * CLOCK_MS)

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
				   "  gas:  {adapter: modbus, from: gas.concentration, register: "
				   "1, scale: 1 ppm, max_age: 500 ms}\n"
				   "outputs:\n"
				   "  shut: {adapter: modbus, kind: state, coil: 0}\n"
				   "limits: {response: 60 s, message: 260 B, rate: 300 Hz}\n";

static int add_signal(SessionWriter *w, const char *name, SignalOrigin origin, double hi)
{
	SignalInfo info;
	signal_info_init(&info, name);
	info.origin = origin;
	info.exogenous = true;
	info.interp = origin == ORIGIN_LABEL ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
	info.boolean = origin == ORIGIN_LABEL;
	info.u_clock_s = 0.01;
	info.max_slew = origin == ORIGIN_LABEL ? INFINITY : 1;
	if (origin != ORIGIN_LABEL) {
		info.range_lo = 0;
		info.range_hi = hi;
	}
	int id = session_writer_add_signal(w, &info, 1000);
	signal_info_clear(&info);
	return id;
}

/* pan.temperature: 100 + `rise` × t, sampled with gas.concentration (always 50) at equal times, gas written first at even
 * samples; truth.hot: 0, and 1 from 2 s on when `hot`. */
static Made session_made(double rise, bool hot)
{
	Made m = {.dir = g_dir_make_tmp("anzen-tape-XXXXXX", NULL)};
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(START);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	m.path = g_build_filename(m.dir, "session.mcap", NULL);
	m.product = product_load_text(product_text, -1, "reader.yaml", diag);
	CU_ASSERT_PTR_NOT_NULL(m.product);
	diagnostics_print(diag, stderr);
	SessionOptions options = {.path = m.path,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	int pan = add_signal(w, "pan.temperature", ORIGIN_STIMULUS, 200);
	int gas = add_signal(w, "gas.concentration", ORIGIN_STIMULUS, 1000);
	int truth = add_signal(w, "truth.hot", ORIGIN_LABEL, 1);
	SessionProducer *p = session_writer_add_producer(w, "test", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, START, "run.start", NULL);
	session_event(p, START + CLOCK_S, "mark.bench", NULL);
	session_event(p, START + 2 * CLOCK_S, "mark.product",
		      "{\"detail\":\"" EXECUTOR_OF_PRODUCT "\"}");
	session_sample(p, truth, START, 0, SAMPLE_OK);
	for (int i = 0; i * STEP_NS <= SECONDS * CLOCK_S; i++) {
		int64_t t = START + i * STEP_NS;
		int first = i % 2 ? pan : gas, second = i % 2 ? gas : pan;
		for (int k = 0; k < 2; k++) {
			int id = k ? second : first;
			double v = id == gas ? 50 : 100 + rise * i * STEP_NS * 1e-9;
			session_sample(p, id, t, v, SAMPLE_OK);
		}
		if (hot && t == START + 2 * CLOCK_S)
			session_sample(p, truth, t, 1, SAMPLE_OK);
		session_writer_pump(w, NULL);
	}
	session_event(p, START + SECONDS * CLOCK_S, "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return m;
}

static Tape *loaded(const Made *m, int64_t from, int64_t to)
{
	g_autoptr(GError) error = NULL;
	Tape *tape = tape_load(m->path, m->product, from, to, &error);
	UNIT_OK(tape != NULL, error);
	return tape;
}

static void perturbed(Tape *tape, const Made *m, const char *what, uint64_t seed)
{
	g_autoptr(PerturbChain) chain = perturb_chain_new(seed);
	g_autoptr(GError) error = NULL;
	UNIT_OK(perturb_chain_add(chain, what, &error), error);
	UNIT_OK(tape_perturb(tape, m->product, chain, &error), error);
}

static const TapeItem *item(const Tape *tape, guint i)
{
	return &g_array_index(tape->items, TapeItem, i);
}

static const char *note(const Tape *tape, const char *key)
{
	for (guint i = 0; i < tape->notes->len; i += 2)
		if (!strcmp(g_ptr_array_index(tape->notes, i), key))
			return g_ptr_array_index(tape->notes, i + 1);
	return "";
}

static const SignalInfo *info_of(const Tape *tape, const char *name)
{
	for (guint i = 0; i < tape->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(tape->signals, i);
		if (!strcmp(info->name, name))
			return info;
	}
	static const SignalInfo none;
	return &none;
}

static void equal_times_keep_the_order_of_the_file(void)
{
	g_auto(Made) m = session_made(1, false);
	g_autoptr(Tape) tape = loaded(&m, 0, CLOCK_NEVER);
	tape_ready(tape, 1);
	unsigned pairs = 0;
	for (guint i = 1; i < tape->items->len; i++) {
		const TapeItem *a = item(tape, i - 1), *b = item(tape, i);
		CU_ASSERT_TRUE(a->t_ns <= b->t_ns);
		if (a->kind != TAPE_SAMPLE || b->kind != TAPE_SAMPLE || a->t_ns != b->t_ns ||
		    !strcmp(a->source, "truth.hot") || !strcmp(b->source, "truth.hot"))
			continue;
		int sample = (int)((a->t_ns - START) / STEP_NS);
		CU_ASSERT_STRING_EQUAL(a->source,
				       sample % 2 ? "pan.temperature" : "gas.concentration");
		pairs++;
	}
	CU_ASSERT_EQUAL(pairs, SECONDS * CLOCK_S / STEP_NS + 1);
}

static void what_the_old_product_did_is_not_played(void)
{
	g_auto(Made) m = session_made(1, false);
	g_autoptr(Tape) tape = loaded(&m, 0, CLOCK_NEVER);
	unsigned bench = 0, product = 0;
	tape_ready(tape, 1);
	for (guint i = 0; i < tape->items->len; i++) {
		bench += !strcmp(item(tape, i)->source, "mark.bench");
		product += !strcmp(item(tape, i)->source, "mark.product");
	}
	CU_ASSERT_EQUAL(bench, 1);
	CU_ASSERT_EQUAL(product, 0);
}

static void a_part_begins_with_what_was_said_last(void)
{
	g_auto(Made) m = session_made(1, true);
	g_autoptr(Tape) tape = loaded(&m, 2500 * CLOCK_MS, 3 * CLOCK_S);
	tape_ready(tape, 1);
	const TapeItem *truth = NULL;
	for (guint i = 0; i < tape->items->len && !truth; i++)
		truth = !strcmp(item(tape, i)->source, "truth.hot") ? item(tape, i) : NULL;
	CU_ASSERT_TRUE(truth && truth->t_ns == START + 2500 * CLOCK_MS);
	CU_ASSERT_TRUE(truth && truth->v == 1); /* said at 2 s */
	for (guint i = 0; i < tape->items->len; i++)
		CU_ASSERT_TRUE(item(tape, i)->t_ns <= START + 3 * CLOCK_S);
}

static void check_times(const Tape *tape)
{
	g_autoptr(GHashTable) last = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *it = item(tape, i);
		if (it->kind != TAPE_SAMPLE)
			continue;
		const int64_t *before = g_hash_table_lookup(last, it->source);
		CU_ASSERT_TRUE(!before || *before < it->t_ns);
		g_hash_table_insert(last, (void *)(uintptr_t)it->source,
				    (void *)(uintptr_t)&it->t_ns);
	}
}

static unsigned count(const Tape *tape, TapeKind kind, const char *source)
{
	unsigned n = 0;
	for (guint i = 0; i < tape->items->len; i++)
		n += item(tape, i)->kind == kind && !strcmp(item(tape, i)->source, source);
	return n;
}

static void loops_go_on_in_time_and_join_where_they_can(void)
{
	g_auto(Made) still = session_made(0, false);
	g_autoptr(Tape) tape = loaded(&still, 0, CLOCK_NEVER);
	unsigned once = count(tape, TAPE_SAMPLE, "pan.temperature");
	tape_ready(tape, 3);
	check_times(tape);
	CU_ASSERT_EQUAL(count(tape, TAPE_SAMPLE, "pan.temperature"), 3 * once);
	CU_ASSERT_EQUAL(count(tape, TAPE_EVENT, "replay.epoch"), 2);
	CU_ASSERT_EQUAL(count(tape, TAPE_FAULT, "replay"), 0);
	/* three times 4 s, and 2 ns at each join */
	CU_ASSERT_EQUAL(tape->to_ns - tape->from_ns, 12 * CLOCK_S + 4);
}

static void a_jump_between_loops_is_the_benchs_fault(void)
{
	g_auto(Made) rises =
		session_made(5, false); /* ends 20 above its beginning; may move 1 a second */
	g_autoptr(Tape) tape = loaded(&rises, 0, CLOCK_NEVER);
	tape_ready(tape, 3);
	check_times(tape);
	CU_ASSERT_EQUAL(count(tape, TAPE_FAULT, "replay"), 1);
	CU_ASSERT_EQUAL(tape->join.blame, BLAME_BENCH);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(tape->join.cause, "pan.temperature does not begin as it ended"));
	g_auto(Made) label = session_made(0, true);
	g_autoptr(Tape) other = loaded(&label, 0, CLOCK_NEVER);
	tape_ready(other, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(other->join.cause, "truth.hot"));
}

static void what_is_perturbed_stands_beside_what_is_true(void)
{
	g_auto(Made) m = session_made(5, true);
	g_autoptr(Tape) tape = loaded(&m, 0, CLOCK_NEVER);
	perturbed(tape, &m, "bias:5@pan.temperature", 7); /* 20 % of 0..200: 40 */
	tape_ready(tape, 1);
	unsigned n = 0;
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *it = item(tape, i);
		double t_s = (double)(it->t_ns - START) * 1e-9;
		if (!strcmp(it->source, "pan.temperature"))
			CU_ASSERT_DOUBLE_EQUAL(it->v, 100 + 5 * t_s, 1e-9);
		if (strcmp(it->source, "perturbed.pan.temperature") != 0)
			continue;
		CU_ASSERT_DOUBLE_EQUAL(fabs(it->v - (100 + 5 * t_s)), 40, 1e-9);
		n++;
	}
	CU_ASSERT_EQUAL(n, count(tape, TAPE_SAMPLE, "pan.temperature"));
	/* the product is given the perturbed one as if it were the true one */
	CU_ASSERT_PTR_NULL(tape_given_as(tape, "pan.temperature"));
	CU_ASSERT_STRING_EQUAL(tape_given_as(tape, "perturbed.pan.temperature"), "pan.temperature");
	CU_ASSERT_STRING_EQUAL(tape_given_as(tape, "gas.concentration"), "gas.concentration");
	CU_ASSERT_EQUAL(info_of(tape, "perturbed.pan.temperature")->origin, ORIGIN_COMMAND);
	CU_ASSERT_STRING_EQUAL(note(tape, "perturb"), "bias:5@pan.temperature");
	CU_ASSERT_STRING_EQUAL(note(tape, "perturb.seed"), "7");
	CU_ASSERT_TRUE(g_str_has_prefix(note(tape, "perturb.scale.pan.temperature"), "0 to 200"));
}

static void labels_are_checked_where_that_can_be_computed(void)
{
	static const struct {
		const char *what, *says;
	} cases[] = {{"bias:5", "checked: "},
		     {"noise:1", "checked: "},
		     {"noise:5", "unverified: "}, /* sigma 20 on a rise of 6: r near 0.1 */
		     {"spoof:5", "unverified: spoof may hide"},
		     {"dropout:1", "unverified: dropout may hide"},
		     {"time-skew:3", "moved: "}};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(Made) m = session_made(5, true);
		g_autoptr(Tape) tape = loaded(&m, 0, CLOCK_NEVER);
		perturbed(tape, &m, cases[i].what, 3);
		CU_ASSERT_TRUE(g_str_has_prefix(note(tape, "perturb.labels"), cases[i].says));
		if (!g_str_has_prefix(note(tape, "perturb.labels"), cases[i].says))
			fprintf(stderr, "%s: %s\n", cases[i].what, note(tape, "perturb.labels"));
	}
	g_auto(Made) none = session_made(5, false);
	g_autoptr(Tape) tape = loaded(&none, 0, CLOCK_NEVER);
	perturbed(tape, &none, "bias:1", 3);
	CU_ASSERT_TRUE(g_str_has_prefix(note(tape, "perturb.labels"), "unverified: nothing"));
}

/* 1 s late: a rectangle of half-width 1 s, so 1/sqrt(3) = 0.57735, and 0.01 that was there before. */
static void what_comes_late_widens_every_clock(void)
{
	g_auto(Made) m = session_made(5, true);
	g_autoptr(Tape) tape = loaded(&m, 0, CLOCK_NEVER);
	perturbed(tape, &m, "time-skew:5", 3);
	tape_ready(tape, 1);
	check_times(tape);
	CU_ASSERT_DOUBLE_EQUAL(info_of(tape, "truth.hot")->u_clock_s, 0.577437, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(info_of(tape, "pan.temperature")->u_clock_s, 0.577437, 1e-6);
	/* the stream says something from the first moment on, and at 3 s what was true at 2 s */
	bool early = false;
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *it = item(tape, i);
		if (strcmp(it->source, "perturbed.pan.temperature") != 0)
			continue;
		early = early || it->t_ns == START;
		if (it->t_ns == START + 3 * CLOCK_S)
			CU_ASSERT_DOUBLE_EQUAL(it->v, 110, 1e-9);
		if (it->t_ns < START + CLOCK_S)
			CU_ASSERT_DOUBLE_EQUAL(it->v, 100, 1e-9);
	}
	CU_ASSERT_TRUE(early);
}

static double value_at(const Tape *tape, int64_t t_ns)
{
	for (guint i = 0; i < tape->items->len; i++)
		if (item(tape, i)->t_ns == t_ns &&
		    !strcmp(item(tape, i)->source, "perturbed.pan.temperature"))
			return item(tape, i)->v;
	return (double)NAN;
}

static void a_seed_gives_the_same_noise_in_whole_and_in_part(void)
{
	g_auto(Made) m = session_made(5, true);
	g_autoptr(Tape) whole = loaded(&m, 0, CLOCK_NEVER);
	g_autoptr(Tape) part = loaded(&m, CLOCK_S, 3 * CLOCK_S);
	g_autoptr(Tape) other = loaded(&m, 0, CLOCK_NEVER);
	perturbed(whole, &m, "noise:3", 7);
	perturbed(part, &m, "noise:3", 7);
	perturbed(other, &m, "noise:3", 8);
	for (int64_t t = START + 1050 * CLOCK_MS; t < START + 3 * CLOCK_S; t += STEP_NS) {
		CU_ASSERT_DOUBLE_EQUAL(value_at(whole, t), value_at(part, t), 0);
		CU_ASSERT_TRUE(value_at(whole, t) != value_at(other, t));
	}
}

static void what_touches_nothing_is_refused(void)
{
	static const char *const bad[] = {"fog:3", "bias:1@room.temperature", "audio-echo:1",
					  "bias:1@truth.hot"};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_auto(Made) m = session_made(5, true);
		g_autoptr(Tape) tape = loaded(&m, 0, CLOCK_NEVER);
		g_autoptr(PerturbChain) chain = perturb_chain_new(1);
		g_autoptr(GError) error = NULL;
		CU_ASSERT_TRUE(perturb_chain_add(chain, bad[i], NULL));
		CU_ASSERT_FALSE(tape_perturb(tape, m.product, chain, &error));
		CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	}
}

UNIT_MAIN("run.tape", UNIT(equal_times_keep_the_order_of_the_file),
	  UNIT(what_the_old_product_did_is_not_played), UNIT(a_part_begins_with_what_was_said_last),
	  UNIT(loops_go_on_in_time_and_join_where_they_can),
	  UNIT(a_jump_between_loops_is_the_benchs_fault),
	  UNIT(what_is_perturbed_stands_beside_what_is_true),
	  UNIT(labels_are_checked_where_that_can_be_computed),
	  UNIT(what_comes_late_widens_every_clock),
	  UNIT(a_seed_gives_the_same_noise_in_whole_and_in_part),
	  UNIT(what_touches_nothing_is_refused))
