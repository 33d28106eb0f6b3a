/* What a live run does to its product's inputs: the same bytes for the same seed, what the pure functions say, and the bench's
 * fault when it is late. Real pictures, no real time. */
#include "disturb.h"
#include "labels.h"
#include "unit.h"

#include <anzen/media.h>

#define W 160
#define H 120
#define FPS 20
#define PICTURES 30
#define START (5 * CLOCK_S)
#define CAMERA "camera.main"
#define SENSOR "pan.temperature"
#define DEADLINE (100 * CLOCK_MS)

/* ---- what the product is given ---------------------------------------------------------------------------------- */

typedef struct Given {
	Stream stream;     /* first member */
	GPtrArray *frames; /* GBytes* */
	GArray *capture_ns;
	Signal *sensor, *lateness, *similarity;
	char *digest, *fault;
	int64_t fault_ns;
	GString *others; /* names that are nobody's business */
} Given;

static void on_sample(Stream *stream, const char *name, int64_t t_ns, double v, SampleStatus status)
{
	Given *g = (Given *)stream;
	Signal *into = !strcmp(name, "perturbed." SENSOR)            ? g->sensor
		       : g_str_has_prefix(name, "perturb.lateness.") ? g->lateness
		       : !strcmp(name, "perturb.similarity." CAMERA) ? g->similarity
								     : NULL;
	if (into)
		CU_ASSERT_TRUE(signal_append(into, t_ns, v, status))
	else
		g_string_append(g->others, name);
}

static void on_frame(Stream *stream, const char *name, const Frame *frame)
{
	Given *g = (Given *)stream;
	if (strcmp(name, "perturbed." CAMERA) != 0)
		g_string_append(g->others, name);
	g_ptr_array_add(g->frames, g_bytes_new(frame->data, frame->size));
	g_array_append_val(g->capture_ns, frame->capture_ns);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Given *g = (Given *)stream;
	(void)t_ns;
	CU_ASSERT_STRING_EQUAL(name, "perturb.digest");
	const char *hash = strstr(json, "\"sha256\":\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(hash);
	g->digest = g_strndup(hash + strlen("\"sha256\":\""), 64);
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Given *g = (Given *)stream;
	CU_ASSERT_TRUE(fault->blame == BLAME_BENCH && fault->proven);
	CU_ASSERT_PTR_NULL(g->fault);
	g->fault = g_strdup(fault->cause);
	g->fault_ns = fault->t_ns;
}

static Given *given_new(void)
{
	Given *g = g_new0(Given, 1);
	g->stream = (Stream){
		.sample = on_sample, .event = on_event, .frame = on_frame, .fault = on_fault};
	g->frames = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g->capture_ns = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g->sensor = signal_new("perturbed." SENSOR);
	g->lateness = signal_new("lateness");
	g->similarity = signal_new("similarity");
	g->others = g_string_new(NULL);
	return g;
}

static void given_free(Given *g)
{
	CU_ASSERT_STRING_EQUAL(g->others->str, "");
	g_ptr_array_unref(g->frames);
	g_array_unref(g->capture_ns);
	signal_free(g->sensor);
	signal_free(g->lateness);
	signal_free(g->similarity);
	g_string_free(g->others, TRUE);
	g_free(g->digest);
	g_free(g->fault);
	g_free(g);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Given, given_free)

/* ---- what the bench has ------------------------------------------------------------------------------------------ */

/* The first ten pictures come before t = 0. */
static int64_t time_of(int i)
{
	return START + (i - 10) * CLOCK_S / FPS;
}

/* A light block that falls. */
static void draw(uint8_t *pixels, int i)
{
	memset(pixels, 90, W * H);
	for (int y = 3 * i; y < 3 * i + 30; y++)
		memset(pixels + y * W + 60, 180, 30);
}

/* Access units, as a camera or the recorder has them. Frame; free with units_free(). */
static GArray *units_new(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", W, H, FPS, 10, &error);
	GArray *units = g_array_new(FALSE, TRUE, sizeof(Frame));
	g_array_set_clear_func(units, (GDestroyNotify)media_frame_clear);
	for (int i = 0; i < PICTURES; i++) {
		uint8_t pixels[W * H];
		draw(pixels, i);
		Frame picture = {.data = pixels,
				 .size = sizeof(pixels),
				 .format = "gray8",
				 .width = W,
				 .height = H,
				 .capture_ns = time_of(i),
				 .receipt_ns = time_of(i) + CLOCK_MS,
				 .sequence = (uint64_t)i};
		Frame unit = {0};
		UNIT_OK(media_encoder_encode(encoder, &picture, false, &unit, &error), error);
		g_array_append_val(units, unit);
	}
	return units;
}

typedef struct Bench {
	PerturbChain *chain;
	Clock *clock;
	Disturb *disturb;
} Bench;

static void bench_open(Bench *b, const char *what, uint64_t seed, bool lock_step, Given *given)
{
	g_autoptr(GError) error = NULL;
	SignalInfo sensor;
	signal_info_init(&sensor, SENSOR);
	sensor.range_lo = 0;
	sensor.range_hi = 200;
	b->chain = perturb_chain_new(seed);
	b->clock = clock_manual_new(CLOCK_S);
	UNIT_OK(perturb_chain_add_text(b->chain, what, &error), error);
	b->disturb = disturb_new(b->chain, b->clock, lock_step, DEADLINE);
	UNIT_OK(disturb_add_camera(b->disturb, CAMERA, &error), error);
	UNIT_OK(disturb_add_signal(b->disturb, &sensor, &error), error);
	UNIT_OK(disturb_start(b->disturb, &given->stream, &error), error);
	signal_info_clear(&sensor);
}

static void bench_close(Bench *b)
{
	disturb_free(b->disturb);
	perturb_chain_free(b->chain);
	clock_free(b->clock);
}

/* t = 0 is told two pictures ahead, as a run tells it. */
static Given *lock_step(const char *what, uint64_t seed, const GArray *units)
{
	Given *given = given_new();
	Bench b;
	bench_open(&b, what, seed, true, given);
	for (guint i = 0; i < units->len; i++) {
		const Frame *unit = &g_array_index(units, Frame, i);
		clock_manual_set(b.clock, unit->receipt_ns);
		if (i == 8)
			disturb_begin(b.disturb, START);
		disturb_picture(b.disturb, CAMERA, unit);
		disturb_pump(b.disturb, unit->receipt_ns);
	}
	disturb_end(b.disturb);
	bench_close(&b);
	return given;
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static void the_same_seed_gives_the_same_bytes(void)
{
	g_autoptr(GArray) units = units_new();
	g_autoptr(Given) first = lock_step("gaussian-noise:2,drop:3", 7, units);
	g_autoptr(Given) second = lock_step("gaussian-noise:2,drop:3", 7, units);
	g_autoptr(Given) other = lock_step("gaussian-noise:2,drop:3", 8, units);
	CU_ASSERT_TRUE(first->frames->len > 10 && first->frames->len < PICTURES);
	CU_ASSERT_EQUAL_FATAL(first->frames->len, second->frames->len);
	for (guint i = 0; i < first->frames->len; i++)
		CU_ASSERT_TRUE(g_bytes_equal(g_ptr_array_index(first->frames, i),
					     g_ptr_array_index(second->frames, i)));
	CU_ASSERT_STRING_EQUAL(first->digest, second->digest);
	CU_ASSERT_STRING_NOT_EQUAL(first->digest, other->digest);
	CU_ASSERT_PTR_NULL(first->fault);
}

/* What anybody does who has the session alone: decode what was recorded, apply the pure functions, hash. */
static void the_digest_is_that_of_the_pure_functions_on_what_was_recorded(void)
{
	g_autoptr(GArray) units = units_new();
	g_autoptr(Given) given = lock_step("fog:3,drop:2", 7, units);
	g_autoptr(GError) error = NULL;
	g_autoptr(PerturbChain) chain = perturb_chain_new(7);
	UNIT_OK(perturb_chain_add_text(chain, "fog:3,drop:2", &error), error);
	g_autoptr(PerturbImage) image = perturb_image_new(chain, CAMERA, W, H, 1, &error);
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	GBytes *pure[PICTURES];
	guint n = 0;
	for (guint i = 0; i < units->len; i++) {
		g_auto(Frame) picture = {0};
		UNIT_OK(media_decoder_decode(decoder, &g_array_index(units, Frame, i), &picture,
					     &error),
			error);
		int64_t t = picture.capture_ns - START;
		if (t < 0 || perturb_image_fate(image, t).dropped)
			continue;
		g_autofree uint8_t *pixels = g_memdup2(picture.data, W * H);
		perturb_image_apply(image, pixels, t);
		int64_t little = GINT64_TO_LE(t);
		g_checksum_update(sum, (const guchar *)&little, 8);
		g_checksum_update(sum, pixels, W * H);
		pure[n++] = g_bytes_new(pixels, W * H);
	}
	/* and these are the very bytes that the product got: those of t >= 0 are the last ones */
	for (guint i = 0; i < n; i++) {
		CU_ASSERT_TRUE(g_bytes_equal(
			pure[i], g_ptr_array_index(given->frames, given->frames->len - n + i)));
		g_bytes_unref(pure[i]);
	}
	CU_ASSERT_STRING_EQUAL(given->digest, g_checksum_get_string(sum));
	CU_ASSERT_TRUE(n > 10 && n < 20);
}

static void late_pictures_come_in_their_order_at_their_time(void)
{
	g_autoptr(GArray) units = units_new();
	/* severity 1: 100 ms, two pictures; from 0.5 s on as they come, after those that are still on their way */
	g_autoptr(Given) given = lock_step("latency:1+..500ms", 7, units);
	int64_t before = INT64_MIN;
	for (guint i = 0; i < given->capture_ns->len; i++) {
		int64_t at = g_array_index(given->capture_ns, int64_t, i);
		CU_ASSERT_TRUE(i < 10 ? at == time_of((int)i) + 100 * CLOCK_MS : at >= before);
		before = MIN(at, before == INT64_MIN ? at : before);
	}
	CU_ASSERT_EQUAL(given->capture_ns->len, PICTURES);
	CU_ASSERT_PTR_NULL(given->fault);
	for (size_t i = 0; i < given->lateness->n; i++) /* no simulated time passes in here */
		CU_ASSERT_TRUE(given->lateness->v[i] < 0.051);
}

static void a_frozen_picture_stands_still(void)
{
	g_autoptr(GArray) units = units_new();
	g_autoptr(Given) given = lock_step("freeze:5", 7, units);
	guint still = 0;
	for (guint i = 1; i < given->frames->len; i++)
		still += g_bytes_equal(g_ptr_array_index(given->frames, i - 1),
				       g_ptr_array_index(given->frames, i));
	CU_ASSERT_EQUAL(given->frames->len, PICTURES);
	CU_ASSERT_TRUE(still >= 10); /* 80 % of each 5 s */
}

static void what_moves_is_compared_with_the_undisturbed_picture(void)
{
	g_autoptr(GArray) units = units_new();
	g_autoptr(Given) dark = lock_step("dark:2", 7, units);
	g_autoptr(Given) frozen = lock_step("freeze:5+0s..", 7, units);
	double least = 1;
	CU_ASSERT_TRUE(dark->similarity->n >= 15 && frozen->similarity->n >= 15);
	for (size_t i = 0; i < dark->similarity->n; i++) /* a factor keeps every shape */
		CU_ASSERT_TRUE(dark->similarity->v[i] > 0.99);
	for (size_t i = 0; i < frozen->similarity->n; i++)
		least = fmin(least, frozen->similarity->v[i]);
	CU_ASSERT_TRUE(least < 0);
}

static void samples_are_what_the_pure_function_says(void)
{
	g_autoptr(Given) given = given_new();
	g_autoptr(GError) error = NULL;
	Bench b;
	bench_open(&b, "noise:3@" SENSOR ",dropout:3", 7, true, given);
	g_autoptr(PerturbSignal) pure = perturb_signal_new(b.chain, SENSOR, false, 0, 200);
	disturb_begin(b.disturb, START);
	size_t n = 0;
	bool gone = false;
	for (int i = 0; i < 200; i++) {
		int64_t t = i * 50 * CLOCK_MS;
		clock_manual_set(b.clock, START + t);
		disturb_sample(b.disturb, SENSOR, START + t, 100 + i, SAMPLE_OK);
		PerturbSample want = perturb_signal_apply(pure, t, 100 + i, SAMPLE_OK);
		n += want.given || !gone; /* its absence is said once */
		gone = !want.given;
		CU_ASSERT_EQUAL_FATAL(given->sensor->n, n);
		CU_ASSERT_EQUAL(given->sensor->status[n - 1],
				want.given ? SAMPLE_OK : SAMPLE_MISSING);
		if (want.given)
			CU_ASSERT_EQUAL(given->sensor->v[n - 1], want.v);
	}
	CU_ASSERT_TRUE(n < 200 && !given->fault);
	bench_close(&b);
}

static void a_late_sample_waits_for_its_time(void)
{
	g_autoptr(Given) given = given_new();
	Bench b;
	bench_open(&b, "time-skew:5", 7, true, given); /* 1 s */
	disturb_begin(b.disturb, START);
	clock_manual_set(b.clock, START);
	disturb_sample(b.disturb, SENSOR, START, 42, SAMPLE_OK);
	disturb_pump(b.disturb, START + CLOCK_S - 1);
	CU_ASSERT_EQUAL(given->sensor->n, 0);
	disturb_pump(b.disturb, START + CLOCK_S);
	CU_ASSERT_EQUAL_FATAL(given->sensor->n, 1);
	CU_ASSERT_EQUAL(given->sensor->t_ns[0], START + CLOCK_S);
	CU_ASSERT_EQUAL(given->sensor->v[0], 42);
	bench_close(&b);
}

/* Due at 1 s, and the run ends at 1.7 s without it: the bench kept it back. One that is due later is nobody's fault. */
static void a_sample_that_never_came_is_late(void)
{
	for (int due = 0; due < 2; due++) {
		g_autoptr(Given) given = given_new();
		Bench b;
		bench_open(&b, "time-skew:5", 7, true, given); /* 1 s */
		disturb_begin(b.disturb, START);
		clock_manual_set(b.clock, START);
		disturb_sample(b.disturb, SENSOR, START, 42, SAMPLE_OK);
		clock_manual_set(b.clock, START + (due ? 1700 : 900) * CLOCK_MS);
		disturb_end(b.disturb);
		CU_ASSERT_EQUAL(given->sensor->n, 0);
		CU_ASSERT_EQUAL(given->fault != NULL, due);
		if (due)
			CU_ASSERT_STRING_EQUAL(given->fault,
					       "the perturbed pan.temperature of 1.000 s was given "
					       "700 ms after its time (deadline 100 ms)");
		bench_close(&b);
	}
}

/* Real time, by a clock that stands: the thread gives each picture when the clock says so. Times are those of the units, so
 * that a clock ahead of them means that the bench is late. */
static Given *real_time(int64_t behind_ns, bool begun)
{
	g_autoptr(GArray) units = units_new();
	Given *given = given_new();
	Bench b;
	bench_open(&b, "dark:1", 7, false, given);
	if (begun)
		disturb_begin(b.disturb, START);
	clock_manual_set(b.clock, time_of(20) + CLOCK_MS + behind_ns);
	for (int i = 0; i <= 20; i += 10) /* each a key frame */
		disturb_picture(b.disturb, CAMERA, &g_array_index(units, Frame, (guint)i));
	disturb_end(b.disturb); /* what it had not come to is late by the same measure */
	bench_close(&b);
	return given;
}

static void who_is_late_is_the_bench(void)
{
	/* Pictures of -0.5 s, 0 s and 0.5 s, given 0.7 s (and more) after the last one came. */
	g_autoptr(Given) late = real_time(700 * CLOCK_MS, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(late->fault);
	CU_ASSERT_TRUE(late->fault_ns >= START);
	/* the picture of 0 s came at 1 ms, and is given at 0.5 + 0.001 + 0.7 s */
	CU_ASSERT_STRING_EQUAL(late->fault, "the perturbed camera.main of 0.001 s was given 1200 "
					    "ms after its time (deadline 100 ms)");
	/* Before t = 0 is known nothing is judged. */
	g_autoptr(Given) before = real_time(700 * CLOCK_MS, false);
	CU_ASSERT_PTR_NULL(before->fault);
	CU_ASSERT_PTR_NULL(before->digest);
}

static void a_signal_without_a_range_has_no_full_scale(void)
{
	g_autoptr(PerturbChain) chain = perturb_chain_new(7);
	g_autoptr(GError) error = NULL;
	SignalInfo info;
	UNIT_OK(perturb_chain_add(chain, "noise:1", &error), error);
	g_autoptr(Disturb) d = disturb_new(chain, clock_monotonic(), false, DEADLINE);
	signal_info_init(&info, SENSOR);
	CU_ASSERT_FALSE(disturb_add_signal(d, &info, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	info.boolean = true; /* noise is nothing that could be done to true and false */
	g_clear_error(&error);
	CU_ASSERT_FALSE(disturb_add_signal(d, &info, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "is true or false"));
	CU_ASSERT_FALSE(disturb_takes(d, SENSOR));
	signal_info_clear(&info);
}

/* Half-width 0.1 s is 0.0577 s; together with 0.03 s: sqrt(0.03^2 + 0.1^2/3) = 0.06506 s. */
static void a_clock_is_as_uncertain_as_the_bench_may_be_late(void)
{
	CU_ASSERT_DOUBLE_EQUAL(label_clock_u(0.03, 100 * CLOCK_MS), 0.065064, 1e-6);
	CU_ASSERT_EQUAL(label_clock_u(0.03, 0), 0.03);
}

UNIT_MAIN("run.disturb", UNIT(the_same_seed_gives_the_same_bytes),
	  UNIT(the_digest_is_that_of_the_pure_functions_on_what_was_recorded),
	  UNIT(late_pictures_come_in_their_order_at_their_time),
	  UNIT(a_frozen_picture_stands_still), UNIT(a_sample_that_never_came_is_late),
	  UNIT(what_moves_is_compared_with_the_undisturbed_picture),
	  UNIT(samples_are_what_the_pure_function_says), UNIT(a_late_sample_waits_for_its_time),
	  UNIT(who_is_late_is_the_bench), UNIT(a_signal_without_a_range_has_no_full_scale),
	  UNIT(a_clock_is_as_uncertain_as_the_bench_may_be_late))
