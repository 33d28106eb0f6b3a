#include "camera.h"

#include <anzen/media.h>
#include <string.h>

#include "render.h"

#define FAULTS 5
#define LATE_NS (400 * CLOCK_MS)
#define LATE_FRAMES 64 /* held back at most: 400 ms at 160 frames a second */

typedef struct Span {
	int64_t from_ns, until_ns;
} Span;

struct WorldCamera {
	SceneCamera camera;
	CameraLook look;
	void *user;
	Renderer *renderer;
	MediaEncoder *encoder;
	MediaServer *server;
	char *uri;
	GThread *thread;

	/* the thread's own */
	GQueue held;     /* Frame*, waiting in CAMERA_LATE */
	GBytes *picture; /* of the last frame */

	GMutex lock; /* of what follows */
	Span fault[FAULTS];
	WorldCameraStats stats;
	bool stop;
};

static const char *const fault_names[FAULTS] = {
	[CAMERA_FREEZE] = "freeze", [CAMERA_BLACK] = "black", [CAMERA_DROP] = "drop",
	[CAMERA_LATE] = "late",     [CAMERA_DEAD] = "dead",
};

const char *camera_fault_name(CameraFault fault)
{
	return fault_names[fault];
}

gboolean camera_fault_parse(const char *name, CameraFault *ret)
{
	for (int i = 0; i < FAULTS; i++) {
		if (g_str_equal(name, fault_names[i])) {
			*ret = (CameraFault)i;
			return TRUE;
		}
	}
	return FALSE;
}

static bool is_faulty(WorldCamera *cam, CameraFault fault, int64_t t_ns)
{
	g_mutex_lock(&cam->lock);
	Span span = cam->fault[fault];
	g_mutex_unlock(&cam->lock);
	return t_ns >= span.from_ns && t_ns < span.until_ns;
}

/* ---- one picture ---- */

static void film_scene(WorldCamera *cam, int64_t t_ns, uint64_t n)
{
	size_t size = 3 * (size_t)cam->camera.width * (size_t)cam->camera.height;
	Scene scene;
	double led = -1;

	cam->look(cam->user, t_ns, &scene, &led);
	renderer_draw(cam->renderer, &scene, n, led);
	g_clear_pointer(&cam->picture, g_bytes_unref);
	cam->picture = g_bytes_new(renderer_rgb(cam->renderer), size);
}

static void film_black(WorldCamera *cam)
{
	size_t size = 3 * (size_t)cam->camera.width * (size_t)cam->camera.height;

	g_clear_pointer(&cam->picture, g_bytes_unref);
	cam->picture = g_bytes_new_take(g_malloc0(size), size);
}

static void hand_over(WorldCamera *cam, const Frame *unit)
{
	media_server_push(cam->server, unit);
	g_mutex_lock(&cam->lock);
	cam->stats.frames++;
	g_mutex_unlock(&cam->lock);
}

static void frame_free(gpointer data)
{
	media_frame_clear(data);
	g_free(data);
}

static void hand_over_held(WorldCamera *cam, int64_t until_ns)
{
	Frame *first;

	while ((first = g_queue_peek_head(&cam->held)) && first->capture_ns <= until_ns) {
		hand_over(cam, first);
		frame_free(g_queue_pop_head(&cam->held));
	}
}

static void film(WorldCamera *cam, int64_t t_ns, uint64_t n)
{
	g_autoptr(GError) error = NULL;
	g_auto(Frame) picture = {0};
	Frame *unit = g_new0(Frame, 1);
	bool late = is_faulty(cam, CAMERA_LATE, t_ns);

	if (is_faulty(cam, CAMERA_BLACK, t_ns))
		film_black(cam);
	else if (!is_faulty(cam, CAMERA_FREEZE, t_ns) || !cam->picture)
		film_scene(cam, t_ns, n);
	media_frame_from_bytes(&picture, cam->picture, "rgb");
	picture.width = cam->camera.width;
	picture.height = cam->camera.height;
	picture.capture_ns = t_ns;
	picture.sequence = n;
	if (!media_encoder_encode(cam->encoder, &picture, media_server_wants_key(cam->server), unit,
				  &error)) {
		g_warning("%s: %s", cam->camera.name, error->message);
		g_free(unit);
		return;
	}
	g_queue_push_tail(&cam->held, unit);
	bool full = g_queue_get_length(&cam->held) >= LATE_FRAMES;
	hand_over_held(cam, late && !full ? t_ns - LATE_NS : CLOCK_NEVER);
}

/* ---- the thread ---- */

static bool stopped(WorldCamera *cam)
{
	g_mutex_lock(&cam->lock);
	bool stop = cam->stop;
	g_mutex_unlock(&cam->lock);
	return stop;
}

static void count_skipped(WorldCamera *cam, uint64_t n)
{
	g_mutex_lock(&cam->lock);
	cam->stats.skipped += n;
	g_mutex_unlock(&cam->lock);
}

static gpointer run(gpointer data)
{
	WorldCamera *cam = data;
	Clock *clock = clock_monotonic();
	int64_t start = clock_now(clock), fps = cam->camera.fps;

	for (uint64_t n = 0; !stopped(cam); n++) {
		/* From the count, so that the rate does not drift by the rounding of 1/30 s. */
		int64_t t_ns = start + (int64_t)n * CLOCK_S / fps;
		int64_t behind = (clock_now(clock) - t_ns) * fps / CLOCK_S;
		if (behind > 2) {
			count_skipped(cam, (uint64_t)behind);
			n += (uint64_t)behind;
			t_ns = start + (int64_t)n * CLOCK_S / fps;
		}
		clock_wait_until(clock, t_ns);
		if (is_faulty(cam, CAMERA_DEAD, t_ns))
			break;
		if (!is_faulty(cam, CAMERA_DROP, t_ns))
			film(cam, t_ns, n);
	}
	g_clear_pointer(&cam->server, media_server_free);
	return NULL;
}

WorldCamera *world_camera_new(const SceneCamera *camera, CameraLook look, void *user,
			      GError **error)
{
	g_autoptr(WorldCamera) cam = g_new0(WorldCamera, 1);
	g_autofree char *path = g_strdup_printf("/%s", camera->name[0] ? camera->name : "cam");

	cam->camera = *camera;
	cam->look = look;
	cam->user = user;
	g_queue_init(&cam->held);
	for (int i = 0; i < FAULTS; i++)
		cam->fault[i] = (Span){CLOCK_NEVER, CLOCK_NEVER};
	cam->renderer = camera->fps >= 1 && camera->fps <= 120 ? renderer_new(camera) : NULL;
	if (!cam->renderer) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "camera %s: cannot film %dx%d at %d/s: expected an even size of 16 to "
			    "4096, a rate of 1 to 120 and a view that is not straight up or down",
			    camera->name, camera->width, camera->height, camera->fps);
		return NULL;
	}
	cam->encoder = media_encoder_new("rgb", camera->width, camera->height, camera->fps,
					 camera->fps, error);
	if (!cam->encoder)
		return NULL;
	cam->server = media_server_new(path, 0, error);
	if (!cam->server)
		return NULL;
	cam->uri = g_strdup(media_server_uri(cam->server));
	cam->thread = g_thread_new("camera", run, cam);
	return g_steal_pointer(&cam);
}

const char *world_camera_uri(const WorldCamera *cam)
{
	return cam->uri;
}

void world_camera_fault(WorldCamera *cam, CameraFault fault, int64_t from_ns, int64_t until_ns)
{
	g_mutex_lock(&cam->lock);
	cam->fault[fault] = (Span){from_ns, until_ns};
	g_mutex_unlock(&cam->lock);
}

void world_camera_stats(WorldCamera *cam, WorldCameraStats *ret_stats)
{
	g_mutex_lock(&cam->lock);
	*ret_stats = cam->stats;
	g_mutex_unlock(&cam->lock);
}

void world_camera_free(WorldCamera *cam)
{
	if (!cam)
		return;
	g_mutex_lock(&cam->lock);
	cam->stop = true;
	g_mutex_unlock(&cam->lock);
	if (cam->thread)
		g_thread_join(cam->thread);
	media_server_free(cam->server);
	g_queue_clear_full(&cam->held, frame_free);
	g_clear_pointer(&cam->picture, g_bytes_unref);
	media_encoder_free(cam->encoder);
	renderer_free(cam->renderer);
	g_free(cam->uri);
	g_free(cam);
}
