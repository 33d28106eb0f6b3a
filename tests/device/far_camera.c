/* A camera: a picture with noise that changes each time, served over RTSP. */
#include "far.h"

#include <anzen/media.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define WIDTH 64
#define HEIGHT 48

struct Far {
	MediaServer *server;
	MediaEncoder *encoder;
	pthread_t thread;
	atomic_bool quit;
	atomic_int mode;
};

static void draw(uint8_t *picture, uint64_t count, bool black)
{
	uint64_t noise = count * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (int i = 0; i < WIDTH * HEIGHT; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		picture[i] = black ? 16 : (uint8_t)(80 + (noise >> 40) % 60);
	}
}

static void *serve(void *user)
{
	Far *far = user;
	uint8_t picture[WIDTH * HEIGHT];
	uint64_t count = 0;
	Clock *clock = clock_monotonic();
	for (int64_t t = clock_now(clock); !far->quit; t += CLOCK_S / 30) {
		clock_wait_until(clock, t);
		FarMode mode = (FarMode)far->mode;
		if (mode == FAR_MUTE || mode == FAR_UNPLUGGED)
			continue;
		if (mode != FAR_WRONG) /* WRONG: the same picture again and again */
			draw(picture, ++count, false);
		g_auto(Frame) raw = {0}, unit = {0};
		g_autoptr(GBytes) bytes = g_bytes_new(picture, sizeof picture);
		media_frame_from_bytes(&raw, bytes, "gray8");
		raw.width = WIDTH;
		raw.height = HEIGHT;
		raw.capture_ns = t;
		raw.sequence = count;
		/* Equal pictures are equal again after decoding only when each is coded by itself. */
		if (!media_encoder_encode(far->encoder, &raw,
					  mode == FAR_WRONG || media_server_wants_key(far->server),
					  &unit, NULL))
			continue;
		if (mode == FAR_SHORT)
			unit.size = unit.size / 3;
		if (mode == FAR_GARBAGE) {
			static const uint8_t junk[64] = {0, 0, 0, 1, 0x65, 0xFF, 0xEE, 0xDD};
			g_auto(Frame) bad = {0};
			g_autoptr(GBytes) junk_bytes = g_bytes_new(junk, sizeof junk);
			media_frame_from_bytes(&bad, junk_bytes, "h264");
			bad.capture_ns = t;
			bad.key = unit.key;
			media_server_push(far->server, &bad);
			continue;
		}
		media_server_push(far->server, &unit);
	}
	return NULL;
}

static Far *start(void)
{
	Far *far = g_new0(Far, 1);
	far->server = media_server_new("/cam", 0, NULL);
	far->encoder = media_encoder_new("gray8", WIDTH, HEIGHT, 30, 10, NULL);
	pthread_create(&far->thread, NULL, serve, far);
	return far;
}

static const char *get_link(Far *far)
{
	return media_server_uri(far->server);
}

static const char *get_map(Far *far)
{
	(void)far;
	return NULL;
}

static void set_mode(Far *far, FarMode mode)
{
	far->mode = (int)mode;
	if (mode == FAR_UNPLUGGED) {
		far->quit = true;
		pthread_join(far->thread, NULL);
		g_clear_pointer(&far->server, media_server_free);
	}
}

static void stop(Far *far)
{
	if (far->server) {
		far->quit = true;
		pthread_join(far->thread, NULL);
		media_server_free(far->server);
	}
	media_encoder_free(far->encoder);
	g_free(far);
}

const FarKind far_camera = {"camera", "frozen", 0,       NULL,     0,
			    start,    get_link, get_map, set_mode, stop};
