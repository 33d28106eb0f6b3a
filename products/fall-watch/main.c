/* fall-watch: the reference camera watcher, a normal program that decides from pixels only.
 *
 * It takes pictures over RTSP and tells what it sees as Server-Sent Events on its own HTTP port. Nothing of the bench is
 * linked in. With --lock-step FD the same judgement works on a bench's simulated time over shared memory (lockstep.h).
 * --defect plants one known fault, so that the bench can be shown to find it.
 */
#include "eyes.h"
#include "server.h"
#include "watch.h"

#include "../lockstep.h"

#include <gst/gst.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum {
	DEFECT_NONE,
	DEFECT_LATE,
	DEFECT_BLIND,
	DEFECT_STUCK_ALARM,
	DEFECT_BACKDATES,
	DEFECT_SILENT_CRASH,
	DEFECT_GARBAGE,
	DEFECT_FLOOD,
} Defect;

static const char *const defect_names[] = {"none",      "late",         "blind",   "stuck-alarm",
					   "backdates", "silent-crash", "garbage", "flood"};

typedef struct FallWatch {
	Watch watch;
	Defect defect;
	double extra_delay_s;
	Server *server;             /* NULL in lock-step */
	struct lockstep_page *page; /* NULL otherwise */
	GMainLoop *loop;
	bool ready, pending;
	double detected_s, due_s; /* of the alarm that waits */
	double heartbeat_s, seen_s;
	double stuck_said_s; /* last time; 0: never */
} FallWatch;

static double now_s(const FallWatch *f)
{
	return f->page ? 1e-9 * (double)f->page->now_ns : 1e-6 * (double)g_get_monotonic_time();
}

/* ---- speaking ---- */

static void say(FallWatch *f, const char *json)
{
	if (!f->page) {
		server_send(f->server, json);
		return;
	}
	uint32_t n = f->page->messages++;
	if (n < LOCKSTEP_MESSAGES)
		g_strlcpy(f->page->text[n], json, LOCKSTEP_TEXT);
}

static void say_garbage(FallWatch *f)
{
	static const char noise[] = "data: {\"type\":\"fa\xff\xfe\n\ndata: [[[[\n\n";
	if (f->page)
		say(f, "{\"type\":\"fa\xff\xfe");
	else
		server_send_raw(f->server, noise, sizeof(noise) - 1);
}

static void say_fall(FallWatch *f)
{
	double claimed = f->defect == DEFECT_BACKDATES ? f->detected_s - 10 : f->detected_s;
	char detected[G_ASCII_DTOSTR_BUF_SIZE], score[G_ASCII_DTOSTR_BUF_SIZE];
	g_ascii_formatd(detected, sizeof(detected), "%.6f", claimed);
	g_ascii_formatd(score, sizeof(score), "%.3f", f->watch.score);
	g_autofree char *json = g_strdup_printf(
		"{\"type\":\"fall\",\"detected_at\":%s,\"score\":%s}", detected, score);
	say(f, json);
}

static double delay_of(const FallWatch *f)
{
	bool slow = f->defect == DEFECT_LATE || f->defect == DEFECT_BACKDATES;
	return f->extra_delay_s + (slow ? 10.0 : 0);
}

static void misbehave(FallWatch *f)
{
	if (f->defect == DEFECT_SILENT_CRASH)
		_exit(0);
	if (f->defect == DEFECT_GARBAGE)
		say_garbage(f);
	if (f->defect == DEFECT_FLOOD)
		for (int i = 0; i < 5000; i++)
			say(f, "{\"type\":\"thinking\"}");
}

static void notice(FallWatch *f, WatchEvent event)
{
	bool mute = f->defect == DEFECT_BLIND || f->defect == DEFECT_STUCK_ALARM ||
		    f->defect == DEFECT_GARBAGE;
	if (event == WATCH_FALL) {
		misbehave(f);
		f->pending = !mute;
		f->detected_s = now_s(f);
		f->due_s = f->detected_s + delay_of(f);
	} else if (event == WATCH_CARD && f->defect != DEFECT_BLIND) {
		say(f, "{\"type\":\"card\"}");
	} else if (event == WATCH_CLEARED && !mute) {
		say(f, "{\"type\":\"cleared\"}");
	}
}

/* What time alone brings: an alarm that was due, a heartbeat while pictures come. */
static void tick(FallWatch *f)
{
	double now = now_s(f);
	/* Said again and again, so that also who connects late sees that the alarm is on. */
	if (f->defect == DEFECT_STUCK_ALARM && now - f->stuck_said_s >= 1) {
		f->detected_s = f->stuck_said_s > 0 ? f->detected_s : now;
		f->stuck_said_s = now;
		say_fall(f);
	}
	if (f->pending && now >= f->due_s) {
		f->pending = false;
		say_fall(f);
	}
	if (now - f->heartbeat_s >= 1 && now - f->seen_s < 2) {
		f->heartbeat_s = now;
		say(f, "{\"type\":\"heartbeat\"}");
	}
}

/* ---- real time ---- */

typedef struct Picture {
	FallWatch *f;
	double t_s;
	uint8_t grey[WATCH_W * WATCH_H];
} Picture;

static gboolean on_picture(gpointer user)
{
	Picture *p = user;
	FallWatch *f = p->f;
	f->seen_s = p->t_s;
	server_set_ready(f->server, true);
	notice(f, watch_see(&f->watch, p->grey, p->t_s));
	tick(f);
	g_free(p);
	return G_SOURCE_REMOVE;
}

/* On GStreamer's thread: hand the picture over to the main loop. */
static void see(const uint8_t *grey, void *user)
{
	Picture *p = g_new(Picture, 1);
	p->f = user;
	p->t_s = 1e-6 * (double)g_get_monotonic_time();
	memcpy(p->grey, grey, sizeof(p->grey));
	g_main_context_invoke_full(NULL, G_PRIORITY_HIGH, on_picture, p, NULL);
}

static void on_end(void *user)
{
	server_set_ready(((FallWatch *)user)->server, false);
}

static gboolean on_tick(gpointer user)
{
	tick(user);
	return G_SOURCE_CONTINUE;
}

static gboolean on_stop(gpointer user)
{
	g_main_loop_quit(((FallWatch *)user)->loop);
	return G_SOURCE_REMOVE;
}

static int run(FallWatch *f, int port, const char *camera, const char *crop)
{
	g_autoptr(GError) error = NULL;
	gst_init(NULL, NULL);
	f->server = server_new(port, &error);
	Eyes *eyes = f->server ? eyes_open(camera, crop, see, on_end, f, &error) : NULL;
	if (!eyes) {
		fprintf(stderr, "fall-watch: %s\n",
			error ? error->message : "cannot open the camera");
		server_free(f->server);
		return 1;
	}
	f->loop = g_main_loop_new(NULL, FALSE);
	g_timeout_add(20, on_tick, f);
	g_unix_signal_add(SIGTERM, on_stop, f);
	g_unix_signal_add(SIGINT, on_stop, f);
	g_main_loop_run(f->loop);
	eyes_close(eyes);
	server_free(f->server);
	g_main_loop_unref(f->loop);
	return 0;
}

/* ---- lock-step ---- */

static int run_lockstep(FallWatch *f, int fd)
{
	uint8_t grey[WATCH_W * WATCH_H];
	f->page = lockstep_map(fd);
	if (!f->page || f->page->magic != LOCKSTEP_MAGIC || f->page->version != LOCKSTEP_VERSION)
		return 1;
	while (lockstep_next(f->page)) {
		if (f->page->width > 0) {
			f->seen_s = now_s(f);
			watch_scale(f->page->pixels, f->page->width, f->page->height,
				    f->page->width, grey);
			notice(f, watch_see(&f->watch, grey, f->seen_s));
		}
		tick(f);
		lockstep_answer(f->page);
	}
	return 0;
}

/* ---- options ---- */

static int find_defect(const char *name)
{
	for (int i = 0; i <= DEFECT_FLOOD; i++)
		if (!strcmp(name, defect_names[i]))
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	static FallWatch f;
	int port = 0, fd = -1, defect = DEFECT_NONE;
	g_autofree char *camera = NULL, *crop = NULL, *defect_name = NULL;
	const GOptionEntry options[] = {
		{"port", 0, 0, G_OPTION_ARG_INT, &port, "HTTP port on the loopback", "P"},
		{"camera", 0, 0, G_OPTION_ARG_STRING, &camera, "where the pictures come from",
		 "rtsp://…"},
		{"crop", 0, 0, G_OPTION_ARG_STRING, &crop, "look at this part of the picture",
		 "WxH+X+Y|whole"},
		{"extra-delay", 0, 0, G_OPTION_ARG_DOUBLE, &f.extra_delay_s,
		 "wait before the alarm", "S"},
		{"lock-step", 0, 0, G_OPTION_ARG_INT, &fd, "decide in a bench's simulated time",
		 "FD"},
		{"defect", 0, 0, G_OPTION_ARG_STRING, &defect_name,
		 "late, blind, stuck-alarm, backdates, silent-crash, garbage or flood", "NAME"},
		{NULL}};
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context = g_option_context_new("- tell when a person has fallen");
	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) ||
	    (defect_name && (defect = find_defect(defect_name)) < 0) ||
	    (fd < 0 && (!camera || port <= 0))) {
		fprintf(stderr, "fall-watch: %s\n",
			error ? error->message : "--port and --camera are needed; see --help");
		return 2;
	}
	f.defect = (Defect)defect;
	watch_init(&f.watch);
	return fd >= 0 ? run_lockstep(&f, fd) : run(&f, port, camera, crop);
}
