/* The world's camera over RTSP: exact times of the moments it looked at, and its faults as the bench sees them. */
#include "camera.h"

#include <anzen/media.h>

#include "../unit.h"

#define FRAMES_MAX 1024

typedef struct Seen {
	Stream stream;
	MediaDecoder *decoder;
	MediaWatch watch;
	GMutex lock;
	GCond changed;
	unsigned int frames, frozen, black, faults, untimely;
	int64_t last_capture_ns, oldest_ns;
	/* moments at which the camera looked, from the callback */
	int64_t looked[FRAMES_MAX];
	unsigned int looks;
} Seen;

static void look(void *user, int64_t t_ns, Scene *ret_scene, double *ret_led)
{
	Seen *seen = user;

	memset(ret_scene, 0, sizeof *ret_scene);
	ret_scene->illuminance_lx = ret_scene->lamp_lx = 200;
	ret_scene->lamp_pos[2] = 2.4;
	ret_scene->n = 1;
	ret_scene->bodies[0] = (SceneBody){.form = SCENE_FLOOR,
					   .material = SCENE_GROUND,
					   .part = SCENE_PART_ROOM,
					   .fixed = true,
					   .size = {6, 6, 0},
					   .rot = {1, 0, 0, 0, 1, 0, 0, 0, 1}};
	*ret_led = 0;
	g_mutex_lock(&seen->lock);
	if (seen->looks < FRAMES_MAX)
		seen->looked[seen->looks++] = t_ns;
	g_mutex_unlock(&seen->lock);
}

static bool was_looked_at(const Seen *seen, int64_t t_ns)
{
	for (unsigned int i = 0; i < seen->looks; i++)
		if (seen->looked[i] == t_ns)
			return true;
	return false;
}

static void take_frame(Stream *stream, const char *source, const Frame *frame)
{
	Seen *seen = (Seen *)stream;
	g_autoptr(GError) error = NULL;
	g_auto(Frame) picture = {0};

	(void)source;
	bool decoded = media_decoder_decode(seen->decoder, frame, &picture, &error);
	g_mutex_lock(&seen->lock);
	if (decoded)
		media_watch_feed(&seen->watch, &picture);
	seen->frames++;
	seen->frozen += decoded && seen->watch.frozen;
	seen->black += decoded && seen->watch.black;
	seen->untimely += !was_looked_at(seen, frame->capture_ns);
	seen->last_capture_ns = frame->capture_ns;
	seen->oldest_ns = MAX(seen->oldest_ns, frame->receipt_ns - frame->capture_ns);
	g_cond_broadcast(&seen->changed);
	g_mutex_unlock(&seen->lock);
}

static void take_fault(Stream *stream, const Fault *fault)
{
	Seen *seen = (Seen *)stream;

	(void)fault;
	g_mutex_lock(&seen->lock);
	seen->faults++;
	g_cond_broadcast(&seen->changed);
	g_mutex_unlock(&seen->lock);
}

typedef struct Setup {
	Seen *seen;
	WorldCamera *camera;
	MediaClient *client;
} Setup;

static void setup(Setup *s)
{
	static const SceneCamera camera = {.name = "cam",
					   .pos = {3, 0, 1.7},
					   .target = {0, 0, 0.5},
					   .fov_deg = 52,
					   .width = 320,
					   .height = 180,
					   .fps = 30,
					   .noise = 1.5,
					   .seed = 3};
	g_autoptr(GError) error = NULL;
	MediaClientOptions options = {.source = "camera.main"};

	s->seen = g_new0(Seen, 1);
	s->seen->stream.frame = take_frame;
	s->seen->stream.fault = take_fault;
	s->seen->decoder = media_decoder_new("gray8", &error);
	s->camera = world_camera_new(&camera, look, s->seen, &error);
	UNIT_OK(s->camera, error);
	s->client = media_client_open(world_camera_uri(s->camera), &options, &s->seen->stream,
				      clock_monotonic(), &error);
	UNIT_OK(s->client, error);
}

static void teardown(Setup *s)
{
	media_client_close(s->client);
	world_camera_free(s->camera);
	media_decoder_free(s->seen->decoder);
	g_free(s->seen);
}

/* Waits (at most 10 s) until *counter is at least n. */
static bool reaches(Seen *seen, const unsigned int *counter, unsigned int n)
{
	gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
	bool in_time = true;

	g_mutex_lock(&seen->lock);
	while (*counter < n && in_time)
		in_time = g_cond_wait_until(&seen->changed, &seen->lock, deadline);
	bool reached = *counter >= n;
	g_mutex_unlock(&seen->lock);
	return reached;
}

static void frames_carry_the_moment_of_the_look(void)
{
	Setup s;

	setup(&s);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 60));
	g_mutex_lock(&s.seen->lock);
	CU_ASSERT_EQUAL(s.seen->untimely, 0);
	CU_ASSERT_EQUAL(s.seen->frozen, 0); /* the sensor's noise survives the encoder */
	CU_ASSERT_EQUAL(s.seen->black, 0);
	CU_ASSERT_EQUAL(s.seen->faults, 0);
	g_mutex_unlock(&s.seen->lock);
	teardown(&s);
}

static void a_frozen_camera_is_seen_as_frozen(void)
{
	Setup s;

	setup(&s);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 10));
	world_camera_fault(s.camera, CAMERA_FREEZE, 0, CLOCK_NEVER);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frozen, 3));
	CU_ASSERT_EQUAL(s.seen->faults, 0); /* frames keep coming */
	teardown(&s);
}

static void a_covered_lens_is_seen_as_black(void)
{
	Setup s;

	setup(&s);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 10));
	world_camera_fault(s.camera, CAMERA_BLACK, 0, CLOCK_NEVER);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->black, 3));
	teardown(&s);
}

static void dropped_frames_leave_a_gap_in_capture_time(void)
{
	Setup s;

	setup(&s);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 10));
	int64_t now = clock_now(clock_monotonic()), until = now + 700 * CLOCK_MS;
	world_camera_fault(s.camera, CAMERA_DROP, now, until);
	g_mutex_lock(&s.seen->lock);
	int64_t before = s.seen->last_capture_ns, gap = 0;
	gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
	while (gap < 600 * CLOCK_MS &&
	       g_cond_wait_until(&s.seen->changed, &s.seen->lock, deadline)) {
		gap = MAX(gap, s.seen->last_capture_ns - before);
		before = s.seen->last_capture_ns;
	}
	g_mutex_unlock(&s.seen->lock);
	CU_ASSERT_TRUE(gap >= 600 * CLOCK_MS && gap < 1500 * CLOCK_MS);
	teardown(&s);
}

static void late_frames_show_their_age(void)
{
	Setup s;

	setup(&s);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 10));
	world_camera_fault(s.camera, CAMERA_LATE, 0, CLOCK_NEVER);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 30));
	g_mutex_lock(&s.seen->lock);
	CU_ASSERT_TRUE(s.seen->oldest_ns >= 400 * CLOCK_MS);
	CU_ASSERT_EQUAL(s.seen->untimely, 0); /* old, but with their true times */
	g_mutex_unlock(&s.seen->lock);
	teardown(&s);
}

static void a_dead_camera_is_a_link_fault(void)
{
	Setup s;

	setup(&s);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->frames, 10));
	world_camera_fault(s.camera, CAMERA_DEAD, 0, CLOCK_NEVER);
	CU_ASSERT_TRUE(reaches(s.seen, &s.seen->faults, 1));
	teardown(&s);
}

static void fault_names_are_read_back(void)
{
	for (int i = CAMERA_FREEZE; i <= CAMERA_DEAD; i++) {
		CameraFault fault;
		CU_ASSERT_TRUE(camera_fault_parse(camera_fault_name((CameraFault)i), &fault));
		CU_ASSERT_EQUAL((int)fault, i);
	}
	CameraFault untouched = CAMERA_DROP;
	CU_ASSERT_FALSE(camera_fault_parse("melt", &untouched));
	CU_ASSERT_EQUAL(untouched, CAMERA_DROP);
}

UNIT_MAIN("render.camera", UNIT(frames_carry_the_moment_of_the_look),
	  UNIT(a_frozen_camera_is_seen_as_frozen), UNIT(a_covered_lens_is_seen_as_black),
	  UNIT(dropped_frames_leave_a_gap_in_capture_time), UNIT(late_frames_show_their_age),
	  UNIT(a_dead_camera_is_a_link_fault), UNIT(fault_names_are_read_back))
