/* Do pictures and signals of a replay reach a product in step? Measured by a product: this program, started by the replay,
 * notes when it has decoded a picture that has become bright or dark, and when a register that it reads each millisecond has
 * changed. Both change at the same moments of the recording. Real time, so a nightly test. */
#include "unit.h"

#include <anzen/media.h>
#include <anzen/run.h>
#include <anzen/session.h>
#include <glib/gstdio.h>
#include <modbus.h>
#include <unistd.h>

#define W 320
#define H 240
#define FPS 25
#define PICTURES (8 * FPS)
#define TURN (FPS / 2) /* pictures of one brightness */
#define START CLOCK_S

/* ---- the product ---------------------------------------------------------------------------------------------- */

typedef struct Watcher {
	Stream stream;
	MediaDecoder *decoder;
	int bright; /* -1: nothing seen */
} Watcher;

static void say(const char *what, int bright)
{
	printf("%s %d %" G_GINT64_FORMAT "\n", what, bright, clock_now(clock_monotonic()));
	fflush(stdout);
}

static void on_frame(Stream *stream, const char *source, const Frame *unit)
{
	Watcher *w = (Watcher *)stream;
	g_auto(Frame) picture = {0};
	(void)source;
	if (!media_decoder_decode(w->decoder, unit, &picture, NULL))
		return;
	int bright = media_picture_mean_luma(&picture) > 128;
	if (bright != w->bright)
		say("picture", bright);
	w->bright = bright;
}

static int product_main(const char *camera, const char *sensors)
{
	g_auto(GStrv) at = g_strsplit(sensors, ":", 2);
	Watcher w = {.stream = {.frame = on_frame},
		     .decoder = media_decoder_new("gray8", NULL),
		     .bright = -1};
	modbus_t *bus = modbus_new_tcp(at[0], atoi(at[1]));
	g_autoptr(GError) error = NULL;
	MediaClientOptions options = {.source = "camera"};
	MediaClient *client =
		media_client_open(camera, &options, &w.stream, clock_monotonic(), &error);
	if (!client || modbus_connect(bus) < 0) {
		printf("%s\n", error ? error->message : "no sensors");
		return 1;
	}
	int last = -1;
	for (int64_t next = clock_now(clock_monotonic());; next += CLOCK_MS) {
		uint16_t reg = 0;
		if (modbus_read_input_registers(bus, 0, 1, &reg) < 1)
			return 0;
		int high = reg > 600;
		if (high != last)
			say("register", high);
		last = high;
		clock_wait_until(clock_monotonic(), next);
	}
}

/* ---- the recording -------------------------------------------------------------------------------------------- */

static int64_t time_of(int picture)
{
	return START + picture * CLOCK_S / FPS;
}

static void write_pictures(SessionWriter *w, SessionProducer *p, int camera, int signal)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", W, H, FPS, FPS, &error);
	g_autofree uint8_t *pixels = g_malloc(W * H);
	for (int i = 0; i < PICTURES; i++) {
		int bright = i / TURN % 2;
		for (int k = 0; k < W * H; k++)
			pixels[k] = (uint8_t)((bright ? 190 : 50) + (k * 7 + i) % 16);
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
		session_sample(p, signal, time_of(i), bright ? 100 : 20, SAMPLE_OK);
		session_writer_pump(w, NULL);
	}
}

static void write_session(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Clock) clock = clock_manual_new(START);
	SessionOptions options = {
		.path = path, .clock = clock, .evidence = EVIDENCE_VIRTUAL, .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
	SignalInfo info;
	signal_info_init(&info, "pan.temperature");
	info.exogenous = true;
	int signal = session_writer_add_signal(w, &info, FPS);
	signal_info_clear(&info);
	int camera = session_writer_add_camera(w, "camera.main", "h264");
	SessionProducer *p = session_writer_add_producer(w, "test", SESSION_BENCH);
	UNIT_OK(session_writer_start(w, &error), error);
	session_event(p, START, "run.start", NULL);
	write_pictures(w, p, camera, signal);
	session_event(p, time_of(PICTURES), "run.end", NULL);
	UNIT_OK(session_writer_finish(w, NULL, NULL, &error), error);
}

static void write_product(const char *path)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *text = g_strdup_printf(
		"anzen: product/1\n"
		"id: two-eyes\n"
		"kind: stove-guard\n"
		"title: {en: \"Two eyes\", ja: \"二つの目\"}\n"
		"identity: {program: two-eyes}\n"
		"start: {process: [%s, product, \"$camera\", \"$modbus\"], ready: {consumed: true, "
		"timeout: 15 s}}\n"
		"inputs:\n"
		"  camera: {adapter: rtsp, from: camera.main, max_age: 500 ms}\n"
		"  pan: {adapter: modbus, from: pan.temperature, register: 0, scale: 0.1 degC, "
		"max_age: 500 ms}\n"
		"outputs:\n"
		"  shut: {adapter: modbus, kind: state, coil: 0}\n"
		"limits: {response: 60 s, message: 260 B, rate: 2000 Hz}\n",
		self);
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
}

/* ---- the measurement ------------------------------------------------------------------------------------------ */

/* Times of the changes that `what` noted, in ns, with their direction in the lowest bit. */
static GArray *changes(const char *log, const char *what)
{
	GArray *times = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
	for (char **l = lines; *l; l++) {
		char name[16];
		int bright;
		gint64 at;
		if (sscanf(*l, "%15s %d %" G_GINT64_FORMAT, name, &bright, &at) != 3 ||
		    strcmp(name, what) != 0)
			continue;
		at = at / 2 * 2 + bright;
		g_array_append_val(times, at);
	}
	return times;
}

static gint by_value(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void measure(const char *log)
{
	g_autoptr(GArray) pictures = changes(log, "picture"), registers = changes(log, "register");
	g_autoptr(GArray) apart = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (guint i = 0; i < pictures->len; i++)
		for (guint k = 0; k < registers->len; k++) {
			int64_t p = g_array_index(pictures, int64_t, i);
			int64_t r = g_array_index(registers, int64_t, k);
			int64_t d = p > r ? p - r : r - p;
			if ((p & 1) == (r & 1) && d < 250 * CLOCK_MS)
				g_array_append_val(apart, d);
		}
	g_array_sort(apart, by_value);
	CU_ASSERT_TRUE(apart->len >= PICTURES / TURN - 3);
	if (!apart->len)
		return;
	int64_t middle = g_array_index(apart, int64_t, apart->len / 2);
	fprintf(stderr,
		"picture and register apart at the product: median %.2f ms, worst %.2f ms of %u\n",
		(double)middle * 1e-6, (double)g_array_index(apart, int64_t, apart->len - 1) * 1e-6,
		apart->len);
	CU_ASSERT_TRUE(middle <= 10 * CLOCK_MS);
}

static void pictures_and_signals_reach_a_product_in_step(void)
{
	g_autofree char *dir = g_dir_make_tmp("anzen-step-XXXXXX", NULL);
	g_autofree char *session = g_build_filename(dir, "session.mcap", NULL);
	g_autofree char *product = g_build_filename(dir, "product.yaml", NULL);
	g_autofree char *log = NULL;
	g_auto(RunOutcome) outcome = {0};
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	write_session(session);
	write_product(product);
	ReplayConfig config = {.session = session,
			       .product = product,
			       .criteria = ANZEN_SOURCE_DIR "/criteria/living/stove-guard.yaml",
			       .out_dir = dir,
			       .program_dir = ANZEN_BINARY_DIR "/bin",
			       .lang = "en",
			       .rate = 1,
			       .to_ns = CLOCK_NEVER};
	gboolean done = run_replay(&config, &outcome, diag, &error);
	diagnostics_print(diag, stderr);
	UNIT_OK(done, error);
	if (!done)
		return;
	g_autofree char *path = g_build_filename(outcome.folder, "product.log", NULL);
	CU_ASSERT_TRUE(g_file_get_contents(path, &log, NULL, NULL));
	measure(log ? log : "");
	g_autofree char *remove = g_strdup_printf("rm -rf '%s'", dir);
	CU_ASSERT_EQUAL(system(remove), 0);
}

static const UnitTest tests[] = {UNIT(pictures_and_signals_reach_a_product_in_step)};

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "product"))
		return product_main(argv[2], argv[3]);
	return unit_run("run.step", tests, G_N_ELEMENTS(tests), argc, argv);
}
