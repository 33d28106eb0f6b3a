/* Pictures of a tape under perturbation: decoded, disturbed and encoded again, and what that leaves of their labels. */
#include "tape.h"

#include "made.h"
#include "unit.h"

#include <anzen/media.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define W 160
#define H 120
#define FPS 20
#define PICTURES (3 * FPS)
#define START CLOCK_S
#define FALL 1.5 /* s: the block is dropped, and the label says so */

static const char product_text[] =
	"anzen: product/1\n"
	"id: looker\n"
	"kind: fall-watch\n"
	"title: {en: \"Looker\", ja: \"見る\"}\n"
	"identity: {program: fall-watch}\n"
	"start: {process: [fall-watch, --camera, \"$camera\"], ready: {http: /health, timeout: 10 "
	"s}}\n"
	"inputs:\n"
	"  camera: {adapter: rtsp, from: camera.main, max_age: 500 ms}\n"
	"outputs:\n"
	"  alarm: {adapter: http, path: /events, kind: event, when: {path: $.type, equals: fall}}\n"
	"limits: {response: 60 s, message: 64 KiB, rate: 100 Hz}\n";

static int64_t time_of(int picture)
{
	return START + picture * CLOCK_S / FPS;
}

/* A light block before a plain grey wall: high up until FALL, then down within half a second. */
static void draw(uint8_t *pixels, int picture)
{
	double t = (double)picture / FPS - FALL;
	int top = t < 0 ? 10 : MIN(10 + (int)(140 * t), 80);
	memset(pixels, 90, W * H);
	for (int y = top; y < top + 30; y++)
		memset(pixels + y * W + 60, 180, 30);
}

static void write_film(SessionWriter *w, SessionProducer *p, int camera)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", W, H, FPS, 10, &error);
	g_autofree uint8_t *pixels = g_malloc(W * H);
	for (int i = 0; i < PICTURES; i++) {
		draw(pixels, i);
		Frame picture = {.data = pixels,
				 .size = W * H,
				 .format = "gray8",
				 .width = W,
				 .height = H,
				 .capture_ns = time_of(i),
				 .receipt_ns = time_of(i),
				 .sequence = (uint64_t)i};
		g_auto(Frame) unit = {0};
		UNIT_OK(media_encoder_encode(encoder, &picture, false, &unit, &error), error);
		session_frame(p, camera, &unit);
		session_writer_pump(w, NULL);
	}
}

static Made film_made(void)
{
	Made m = {.dir = g_dir_make_tmp("anzen-film-XXXXXX", NULL)};
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(START);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	m.path = g_build_filename(m.dir, "session.mcap", NULL);
	m.product = product_load_text(product_text, -1, "looker.yaml", diag);
	CU_ASSERT_PTR_NOT_NULL(m.product);
	diagnostics_print(diag, stderr);
	SessionOptions options = {
		.path = m.path, .clock = clock, .evidence = EVIDENCE_REPLAY, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	SignalInfo info;
	signal_info_init(&info, "truth.fall");
	info.origin = ORIGIN_LABEL;
	info.boolean = true;
	info.interp = SIGNAL_PREVIOUS;
	int truth = session_writer_add_signal(w, &info, 10);
	signal_info_clear(&info);
	int camera = session_writer_add_camera(w, "camera.main", "h264");
	SessionProducer *p = session_writer_add_producer(w, "test", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, START, "run.start", NULL);
	session_sample(p, truth, START, 0, SAMPLE_OK);
	session_sample(p, truth, START + (int64_t)(FALL * 1e9), 1, SAMPLE_OK);
	write_film(w, p, camera);
	session_event(p, time_of(PICTURES), "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
	return m;
}

static Tape *perturbed(const Made *m, const char *what)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(PerturbChain) chain = perturb_chain_new(7);
	Tape *tape = tape_load(m->path, m->product, 0, CLOCK_NEVER, &error);
	UNIT_OK(tape && (!*what || perturb_chain_add(chain, what, &error)) &&
			(!*what || tape_perturb(tape, m->product, chain, &error)),
		error);
	tape_ready(tape, 1);
	return tape;
}

typedef struct Seen {
	unsigned n, repeated;
	double luma; /* of the first picture */
	int64_t first_ns, last_ns;
} Seen;

/* Everything that a product would see, decoded. */
static Seen seen(const Tape *tape)
{
	Seen s = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaDecoder) decoder = media_decoder_new("gray8", &error);
	g_auto(Frame) last = {0};
	for (guint i = 0; i < tape->items->len; i++) {
		const TapeItem *item = &g_array_index(tape->items, TapeItem, i);
		Frame picture = {0};
		if (item->kind != TAPE_FRAME)
			continue;
		CU_ASSERT_TRUE(s.n > 0 || item->frame.key);
		UNIT_OK(media_decoder_decode(decoder, &item->frame, &picture, &error), error);
		if (s.n == 0) {
			s.first_ns = item->t_ns;
			s.luma = media_picture_mean_luma(&picture);
		}
		/* encoded twice, the same picture differs by a rounding here and there at most */
		double apart = 0;
		for (size_t k = 0; last.data && k < picture.size; k++)
			apart += abs(picture.data[k] - last.data[k]);
		s.repeated += last.data && apart < 0.05 * W * H;
		s.last_ns = item->t_ns;
		s.n++;
		media_frame_clear(&last);
		last = picture;
	}
	return s;
}

static const char *labels(const Tape *tape)
{
	for (guint i = 0; i < tape->notes->len; i += 2)
		if (!strcmp(g_ptr_array_index(tape->notes, i), "perturb.labels"))
			return g_ptr_array_index(tape->notes, i + 1);
	return "";
}

static bool label_says(const Tape *tape, const char *what)
{
	bool says = strstr(labels(tape), what) != NULL;
	if (!says)
		fprintf(stderr, "'%s' is not in: %s\n", what, labels(tape));
	return says;
}

/* Raised by 0.3 of white. White is 219 levels of video luma above black: 65.7 on the wall, and the block (180) cannot get
 * beyond 235, so 55 on its 900 of 19200 pixels: 65.2 on the whole. */
static void brighter_pictures_are_brighter_by_what_the_paper_says(void)
{
	g_auto(Made) m = film_made();
	g_autoptr(Tape) plain = perturbed(&m, ""), bright = perturbed(&m, "brightness:3");
	Seen a = seen(plain), b = seen(bright);
	CU_ASSERT_EQUAL(a.n, PICTURES);
	CU_ASSERT_EQUAL(b.n, PICTURES);
	/* to within a colour conversion both ways, and H.264 */
	CU_ASSERT_DOUBLE_EQUAL(b.luma - a.luma, 65.2, 3);
	CU_ASSERT_TRUE(label_says(bright, "checked: "));
}

static void dropped_pictures_do_not_come_and_the_rest_decodes(void)
{
	g_auto(Made) m = film_made();
	g_autoptr(Tape) tape = perturbed(&m, "drop:5"); /* 60 % of 60: 36, sigma 3.8 */
	Seen s = seen(tape);
	CU_ASSERT_TRUE(s.n > 8 && s.n < 40);
}

static void a_frozen_stream_repeats_a_picture(void)
{
	g_auto(Made) m = film_made();
	g_autoptr(Tape) plain = perturbed(&m, ""), frozen = perturbed(&m, "freeze:5");
	Seen a = seen(plain), b = seen(frozen);
	CU_ASSERT_EQUAL(b.n, PICTURES);
	CU_ASSERT_TRUE(b.repeated > a.repeated);
	CU_ASSERT_TRUE(label_says(frozen, "unverified: freeze may hide"));
}

/* 500 ms late: the film's last half second is cut, and its first picture stands still as long. */
static void a_late_stream_shows_its_first_picture_until_it_comes(void)
{
	g_auto(Made) m = film_made();
	g_autoptr(Tape) tape = perturbed(&m, "latency:3");
	Seen s = seen(tape);
	CU_ASSERT_TRUE(s.first_ns - START < 33 * CLOCK_MS);
	CU_ASSERT_TRUE(s.last_ns <= time_of(PICTURES));
	CU_ASSERT_EQUAL(s.n, PICTURES - FPS / 2 + 1 + 15); /* one at the very end; 500/33 before */
	CU_ASSERT_TRUE(label_says(tape, "moved: the product is shown things up to 0.500 s late"));
}

static void what_hides_the_fall_is_not_said_to_show_it(void)
{
	g_auto(Made) m = film_made();
	g_autoptr(Tape) patch = perturbed(&m, "patch:1"), noise = perturbed(&m, "gaussian-noise:1"),
			grey = perturbed(&m, "gaussian-noise:2");
	CU_ASSERT_TRUE(label_says(patch, "unverified: patch may hide"));
	CU_ASSERT_TRUE(label_says(noise, "checked: "));
	CU_ASSERT_TRUE(g_str_has_prefix(labels(grey), "checked: "));
}

UNIT_MAIN("run.film", UNIT(brighter_pictures_are_brighter_by_what_the_paper_says),
	  UNIT(dropped_pictures_do_not_come_and_the_rest_decodes),
	  UNIT(a_frozen_stream_repeats_a_picture),
	  UNIT(a_late_stream_shows_its_first_picture_until_it_comes),
	  UNIT(what_hides_the_fall_is_not_said_to_show_it))
