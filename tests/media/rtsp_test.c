/* Server to client over the loopback: exact capture times, frame age, the end of a stream. */
#include "picture.h"

#include "../unit.h"

#include <inttypes.h>

#define WIDTH 320
#define HEIGHT 180
#define FRAMES_MAX 512

/* A sink that remembers what came; locked, for GStreamer's thread writes it. */
typedef struct {
	Stream stream;
	GMutex lock;
	GCond changed;
	unsigned int n;
	int64_t capture_ns[FRAMES_MAX], age_ns[FRAMES_MAX];
	int64_t capture_u_ns[FRAMES_MAX];
	bool key[FRAMES_MAX];
	uint64_t digest[FRAMES_MAX];
	unsigned int faults;
	char cause[256];
} Kept;

/* Of the slices (NAL types 1 and 5) alone: delimiters and repeated parameter sets may be added on
 * the way. */
static uint64_t digest(const Frame *unit)
{
	uint64_t sum = 0;
	bool slice = false;

	for (size_t i = 0; i < unit->size; i++) {
		const uint8_t *p = unit->data + i;
		if (i + 3 < unit->size && !p[0] && !p[1] && p[2] == 1)
			slice = (p[3] & 31) == 1 || (p[3] & 31) == 5;
		/* Zeros may belong to the next start code, of 3 or 4 bytes (B.1.2). */
		if (slice && *p)
			sum = sum * UINT64_C(6364136223846793005) + *p;
	}
	return sum;
}

static void keep_frame(Stream *stream, const char *source, const Frame *frame)
{
	Kept *kept = (Kept *)stream;

	(void)source;
	g_mutex_lock(&kept->lock);
	if (kept->n < FRAMES_MAX) {
		kept->capture_ns[kept->n] = frame->capture_ns;
		kept->capture_u_ns[kept->n] = frame->capture_u_ns;
		kept->age_ns[kept->n] = frame->receipt_ns - frame->capture_ns;
		kept->key[kept->n] = frame->key;
		kept->digest[kept->n] = digest(frame);
		kept->n++;
	}
	g_cond_broadcast(&kept->changed);
	g_mutex_unlock(&kept->lock);
}

static void keep_fault(Stream *stream, const Fault *fault)
{
	Kept *kept = (Kept *)stream;

	g_mutex_lock(&kept->lock);
	kept->faults++;
	g_strlcpy(kept->cause, fault->cause, sizeof kept->cause);
	g_cond_broadcast(&kept->changed);
	g_mutex_unlock(&kept->lock);
}

/* Encodes and pushes at 30 a second until told to stop; keeps what it sent. */
typedef struct {
	MediaServer *server;
	gint stop;
	unsigned int n;
	int64_t capture_ns[FRAMES_MAX];
	uint64_t digest[FRAMES_MAX];
	GThread *thread;
} Camera;

static gpointer film(gpointer data)
{
	Camera *camera = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaEncoder) encoder = media_encoder_new("gray8", WIDTH, HEIGHT, 30, 15, &error);
	Clock *clock = clock_monotonic();
	int64_t next = clock_now(clock);

	while (!g_atomic_int_get(&camera->stop) && camera->n < FRAMES_MAX) {
		g_auto(Frame) picture = {0};
		g_auto(Frame) unit = {0};
		/* An odd number of ns, so that rounding anywhere on the way shows. */
		next += 33333333 + (int64_t)(camera->n % 7);
		clock_wait_until(clock, next);
		picture_make(&picture, WIDTH, HEIGHT, camera->n, 4);
		picture.capture_ns = next;
		if (!media_encoder_encode(encoder, &picture, media_server_wants_key(camera->server),
					  &unit, &error))
			break;
		camera->capture_ns[camera->n] = unit.capture_ns;
		camera->digest[camera->n] = digest(&unit);
		camera->n++;
		media_server_push(camera->server, &unit);
	}
	return NULL;
}

static void camera_start(Camera *camera)
{
	g_autoptr(GError) error = NULL;

	camera->server = media_server_new("/cam", 0, &error);
	UNIT_OK(camera->server, error);
	camera->thread = g_thread_new("film", film, camera);
}

static void camera_stop(Camera *camera)
{
	g_atomic_int_set(&camera->stop, 1);
	g_thread_join(camera->thread);
	g_clear_pointer(&camera->server, media_server_free);
}

static Kept *kept_new(void)
{
	Kept *kept = g_new0(Kept, 1);

	kept->stream.frame = keep_frame;
	kept->stream.fault = keep_fault;
	return kept;
}

/* True when `frames` and `faults` have come within 10 s. */
static bool kept_wait(Kept *kept, unsigned int frames, unsigned int faults)
{
	gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
	bool in_time = true;

	g_mutex_lock(&kept->lock);
	while ((kept->n < frames || kept->faults < faults) && in_time)
		in_time = g_cond_wait_until(&kept->changed, &kept->lock, deadline);
	bool came = kept->n >= frames && kept->faults >= faults;
	g_mutex_unlock(&kept->lock);
	return came;
}

static MediaClient *connect_to(const char *uri, Kept *kept, GError **error)
{
	MediaClientOptions options = {.source = "camera.main"};

	return media_client_open(uri, &options, &kept->stream, clock_monotonic(), error);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Each received frame is one that was sent, with its bytes and its time to the ns. */
static void check_times(const Camera *camera, const Kept *kept)
{
	unsigned int j = 0, lost = 0, wrong = 0;

	for (unsigned int i = 0; i < kept->n; i++) {
		unsigned int before = j;
		while (j < camera->n && camera->digest[j] != kept->digest[i])
			j++;
		if (j == camera->n) {
			if (wrong++ == 0)
				fprintf(stderr, "frame %u (key %d) was never sent\n", i,
					kept->key[i]);
			j = before;
			continue;
		}
		lost += i > 0 ? j - before : 0;
		if (kept->capture_ns[i] != camera->capture_ns[j] && wrong++ == 0)
			fprintf(stderr, "frame %u: sent %" PRId64 ", came %" PRId64 "\n", i,
				camera->capture_ns[j], kept->capture_ns[i]);
		j++;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(lost, 0);
}

static void capture_times_arrive_exactly(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree Kept *kept = kept_new();
	g_autofree Camera *camera = g_new0(Camera, 1);

	camera_start(camera);
	MediaClient *client = connect_to(media_server_uri(camera->server), kept, &error);
	UNIT_OK(client, error);
	CU_ASSERT_TRUE(kept_wait(kept, 90, 0));
	MediaClientStats stats = {0};
	if (client)
		media_client_stats(client, &stats);
	media_client_close(client);
	camera_stop(camera);
	CU_ASSERT_TRUE(stats.frames >= 90);
	CU_ASSERT_EQUAL(stats.without_time, 0);
	CU_ASSERT_EQUAL(kept->faults, 0); /* closing is no fault */
	CU_ASSERT_TRUE(kept->key[0]);
	CU_ASSERT_EQUAL(kept->capture_u_ns[0], 0);
	check_times(camera, kept);
	g_autofree int64_t *ages = g_memdup2(kept->age_ns, sizeof kept->age_ns);
	qsort(ages, kept->n, sizeof *ages, compare);
	printf("frame age over %u frames: p50 %.2f ms, p99 %.2f ms, first %.2f ms\n", kept->n,
	       (double)ages[kept->n / 2] / 1e6, (double)ages[kept->n * 99 / 100] / 1e6,
	       (double)kept->age_ns[0] / 1e6);
	/* A queue or a latency left on anywhere costs at least a frame (33 ms). */
	CU_ASSERT_TRUE(ages[kept->n / 2] < 30 * CLOCK_MS);
}

static void the_end_of_a_live_stream_is_a_fault(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree Kept *kept = kept_new();
	g_autofree Camera *camera = g_new0(Camera, 1);

	camera_start(camera);
	MediaClient *client = connect_to(media_server_uri(camera->server), kept, &error);
	UNIT_OK(client, error);
	CU_ASSERT_TRUE(kept_wait(kept, 5, 0));
	camera_stop(camera);
	CU_ASSERT_TRUE(kept_wait(kept, 5, 1));
	media_client_close(client);
	CU_ASSERT_EQUAL(kept->faults, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(kept->cause, "camera.main"));
}

static void two_clients_get_the_same_frames(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree Kept *one = kept_new(), *two = kept_new();
	g_autofree Camera *camera = g_new0(Camera, 1);

	camera_start(camera);
	MediaClient *a = connect_to(media_server_uri(camera->server), one, &error);
	UNIT_OK(a, error);
	MediaClient *b = connect_to(media_server_uri(camera->server), two, &error);
	UNIT_OK(b, error);
	CU_ASSERT_EQUAL(media_server_clients(camera->server), 2);
	CU_ASSERT_TRUE(kept_wait(one, 40, 0) && kept_wait(two, 40, 0));
	media_client_close(a);
	media_client_close(b);
	camera_stop(camera);
	CU_ASSERT_TRUE(two->key[0]);
	check_times(camera, one);
	check_times(camera, two);
}

static void a_refused_connection_is_a_bench_error(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree Kept *kept = kept_new();
	g_autoptr(MediaServer) server = media_server_new("/cam", 0, &error);
	g_autofree char *uri = g_strdup(media_server_uri(server));

	g_clear_pointer(&server, media_server_free); /* the port is free now */
	CU_ASSERT_PTR_NULL(connect_to(uri, kept, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_BENCH));
	CU_ASSERT_EQUAL(kept->faults, 0);
	if (error)
		printf("%s\n", error->message);
}

static void a_silent_camera_times_out(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree Kept *kept = kept_new();
	g_autoptr(MediaServer) server = media_server_new("/cam", 0, &error);
	MediaClientOptions options = {.source = "camera.main", .connect_ns = 300 * CLOCK_MS};

	CU_ASSERT_PTR_NULL(media_client_open(media_server_uri(server), &options, &kept->stream,
					     clock_monotonic(), &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT));
}

static void unknown_addresses_are_input_errors(void)
{
	static const char *const bad[] = {"http://x/", "cam", "v4l2:video0", "v4l2:/dev/../x",
					  "v4l2:/dev/video0 ! fakesink"};
	g_autofree Kept *kept = kept_new();

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		CU_ASSERT_PTR_NULL(connect_to(bad[i], kept, &error));
		CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	}
}

static void a_taken_port_is_a_bench_error(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(MediaServer) server = media_server_new("/cam", 0, &error);
	int port = 0;

	UNIT_OK(server, error);
	CU_ASSERT_EQUAL(sscanf(media_server_uri(server), "rtsp://127.0.0.1:%d/cam", &port), 1);
	CU_ASSERT_PTR_NULL(media_server_new("/cam", port, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_BENCH));
}

/* Servers come and go while clients open and give up when they like. A sanitizer sees what GStreamer's threads touch when
 * a server is gone: within 3 s it saw each time that a feed did not outlive its server. */
typedef struct {
	GMutex lock;
	char *uri;
	gint stop;
} Place;

static gpointer open_and_close(gpointer data)
{
	Place *place = data;
	g_autofree Kept *kept = kept_new();

	for (unsigned int i = 0; !g_atomic_int_get(&place->stop); i++) {
		MediaClientOptions options = {.source = "camera.main",
					      .connect_ns = (1 + i * 37 % 150) * CLOCK_MS};
		g_mutex_lock(&place->lock);
		g_autofree char *uri = g_strdup(place->uri);
		g_mutex_unlock(&place->lock);
		media_client_close(
			media_client_open(uri, &options, &kept->stream, clock_monotonic(), NULL));
	}
	return NULL;
}

static void servers_end_while_clients_open(void)
{
	Place place = {0};
	GThread *clients[3];
	MediaServer *server = media_server_new("/cam", 0, NULL);

	place.uri = g_strdup(media_server_uri(server));
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		clients[i] = g_thread_new("open", open_and_close, &place);
	for (unsigned int i = 0; i < 40; i++) {
		MediaServer *before = server;
		clock_wait_until(clock_monotonic(),
				 clock_now(clock_monotonic()) + (5 + i * 17 % 50) * CLOCK_MS);
		server = media_server_new("/cam", 0, NULL);
		g_mutex_lock(&place.lock);
		g_free(place.uri);
		place.uri = g_strdup(media_server_uri(server));
		g_mutex_unlock(&place.lock);
		media_server_free(before);
	}
	g_atomic_int_set(&place.stop, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		g_thread_join(clients[i]);
	CU_ASSERT(media_server_clients(server) <= G_N_ELEMENTS(clients));
	media_server_free(server);
	g_free(place.uri);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(capture_times_arrive_exactly),    UNIT(the_end_of_a_live_stream_is_a_fault),
		UNIT(two_clients_get_the_same_frames), UNIT(a_refused_connection_is_a_bench_error),
		UNIT(a_silent_camera_times_out),       UNIT(unknown_addresses_are_input_errors),
		UNIT(a_taken_port_is_a_bench_error)};
	static const UnitTest ends[] = {UNIT(servers_end_while_clients_open)};
	/* Keeps no time, so that the sanitizers can have it. */
	if (argc > 1 && !strcmp(argv[1], "ends"))
		return unit_run("media.ends", ends, G_N_ELEMENTS(ends), 1, argv);
	return unit_run("media.rtsp", tests, G_N_ELEMENTS(tests), argc, argv);
}
