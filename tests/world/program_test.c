#include "unit.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* anzen-world as the bench starts it: one line when ready, the back door, and nothing left behind. */
#define PROGRAM ANZEN_BINARY_DIR "/bin/anzen-world"
#define LIVING_ROOM ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml"

typedef struct Run {
	char *tmp;
	GSubprocess *process;
	GOutputStream *in;
	GDataInputStream *out;
} Run;

static void start(Run *run)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
	run->tmp = g_dir_make_tmp("world-test-XXXXXX", NULL);
	g_subprocess_launcher_setenv(launcher, "TMPDIR", run->tmp, TRUE);
	run->process = g_subprocess_launcher_spawn(launcher, &error, PROGRAM, "--file", LIVING_ROOM,
						   "--seed", "3", NULL);
	UNIT_OK(run->process, error);
	run->in = g_subprocess_get_stdin_pipe(run->process);
	run->out = g_data_input_stream_new(g_subprocess_get_stdout_pipe(run->process));
}

static char *read_line(Run *run)
{
	return g_data_input_stream_read_line(run->out, NULL, NULL, NULL);
}

static char *ask(Run *run, const char *line)
{
	g_autofree char *whole = g_strconcat(line, "\n", NULL);
	CU_ASSERT_TRUE(g_output_stream_write_all(run->in, whole, strlen(whole), NULL, NULL, NULL));
	return read_line(run);
}

static double value_of(const char *line)
{
	const char *at = line ? strstr(line, "\"value\":") : NULL;
	return at ? g_ascii_strtod(at + 8, NULL) : (double)NAN;
}

/* The path of a pty or the port of a listener in the ready line; caller frees. */
static char *uri_of(const char *ready, const char *name)
{
	g_autofree char *key = g_strdup_printf("\"%s\":\"", name);
	const char *at = strstr(ready, key);
	return at ? g_strndup(at + strlen(key), strcspn(at + strlen(key), "\"")) : g_strdup("");
}

static bool port_answers(const char *uri)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	at.sin_port = htons((uint16_t)atoi(strrchr(uri, ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	close(fd);
	return ok;
}

/* The process ends well, its temporary folder is empty again. */
static void finish(Run *run)
{
	g_autoptr(GError) error = NULL;
	UNIT_OK(g_subprocess_wait(run->process, NULL, &error), error);
	CU_ASSERT_TRUE(g_subprocess_get_if_exited(run->process) &&
		       g_subprocess_get_exit_status(run->process) == 0);
	CU_ASSERT_EQUAL(g_rmdir(run->tmp), 0);
	g_object_unref(run->out);
	g_object_unref(run->process);
	g_free(run->tmp);
}

static void starts_and_leaves_nothing_five_times(void)
{
	for (int i = 0; i < 5; i++) {
		Run run;
		start(&run);
		g_autofree char *ready = read_line(&run);
		CU_ASSERT_PTR_NOT_NULL(ready);
		if (!ready)
			return;
		g_autofree char *node = uri_of(ready, "node-a"), *io = uri_of(ready, "io");
		g_autofree char *lamp = uri_of(ready, "lamp"), *supply = uri_of(ready, "supply");
		CU_ASSERT_TRUE(g_str_has_prefix(node, "pty:/dev/pts/"));
		CU_ASSERT_TRUE(g_str_has_prefix(io, "rtu:/dev/pts/") &&
			       strstr(io, "?baud=115200&parity=E"));
		CU_ASSERT_TRUE(g_str_has_prefix(lamp, "tcp:127.0.0.1:"));
		CU_ASSERT_TRUE(g_str_has_prefix(supply, "usbsock:"));
		g_autofree char *cam = uri_of(ready, "cam");
		CU_ASSERT_TRUE(g_str_has_prefix(cam, "rtsp://127.0.0.1:"));
		CU_ASSERT_EQUAL(access(node + 4, F_OK), 0);
		CU_ASSERT_EQUAL(access(supply + 8, F_OK), 0);
		CU_ASSERT_TRUE(port_answers(lamp));
		g_output_stream_close(run.in, NULL, NULL);
		finish(&run);
		CU_ASSERT_FALSE(port_answers(lamp));
		CU_ASSERT_NOT_EQUAL(access(supply + 8, F_OK), 0);
	}
}

static void ends_on_each_signal(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
		Run run;
		start(&run);
		g_autofree char *ready = read_line(&run);
		CU_ASSERT_PTR_NOT_NULL(ready);
		g_subprocess_send_signal(run.process, signals[i]);
		finish(&run);
	}
}

static void back_door_reads_sets_and_breaks(void)
{
	Run run;
	start(&run);
	g_autofree char *ready = read_line(&run);
	g_autofree char *height = ask(&run, "{\"read\":\"mannequin.height\"}");
	CU_ASSERT_DOUBLE_EQUAL(value_of(height), 0.92, 0.05);
	g_autofree char *set = ask(&run, "{\"set\":\"stove.pan\",\"value\":180}");
	CU_ASSERT_STRING_EQUAL(set, "{\"ok\":true}");
	g_autofree char *pan = ask(&run, "{\"read\":\"stove.pan\"}");
	CU_ASSERT_DOUBLE_EQUAL(value_of(pan), 180, 5);
	g_autofree char *press = ask(&run, "{\"press\":\"node-a.estop\"}");
	CU_ASSERT_STRING_EQUAL(press, "{\"ok\":true}");
	g_autofree char *silent = ask(&run, "{\"fault\":\"io\",\"kind\":\"silent\"}");
	CU_ASSERT_STRING_EQUAL(silent, "{\"ok\":true}");
	g_autofree char *stuck =
		ask(&run, "{\"fault\":\"node-a.adc.0\",\"kind\":\"stuck\",\"at_ns\":1}");
	CU_ASSERT_STRING_EQUAL(stuck, "{\"ok\":true}");
	g_autofree char *frozen = ask(&run, "{\"fault\":\"cam\",\"kind\":\"freeze\"}");
	CU_ASSERT_STRING_EQUAL(frozen, "{\"ok\":true}");
	g_autofree char *hang = ask(&run, "{\"fault\":\"node-a\",\"kind\":\"hang\"}");
	CU_ASSERT_STRING_EQUAL(hang, "{\"ok\":true}");
	static const char *const wrong[] = {
		"{\"read\":\"nothing\"}",
		"{\"fault\":\"io\",\"kind\":\"hang\"}",
		"{\"fault\":\"nobody\",\"kind\":\"stuck\"}",
		"{\"press\":\"io.estop\"}",
		"{\"press\":\"node-a.bell\"}",
		"{\"set\":\"stove.pan\"}",
		"{\"set\":\"mannequin.height\",\"value\":1}",
		"not json",
		"[1]",
		"{\"hello\":\"you\"}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *said = ask(&run, wrong[i]);
		CU_ASSERT_TRUE(said && g_str_has_prefix(said, "{\"error\":"));
	}
	g_output_stream_close(run.in, NULL, NULL);
	finish(&run);
}

/* A release pulse by the back door: the mannequin falls in real time. */
static void pulse_makes_it_fall_in_real_time(void)
{
	Run run;
	start(&run);
	g_autofree char *ready = read_line(&run);
	g_autofree char *on = ask(&run, "{\"write\":\"node-a.out.3\",\"value\":1}");
	gint64 began = g_get_monotonic_time(), took = 0;
	double height = 1;
	while (height > 0.3 && took < 3000000) {
		g_autofree char *line = ask(&run, "{\"read\":\"mannequin.height\"}");
		height = value_of(line);
		took = g_get_monotonic_time() - began;
	}
	CU_ASSERT_TRUE(took > 500000 && took < 2000000); /* 0.7 s on a quiet machine */
	g_output_stream_close(run.in, NULL, NULL);
	finish(&run);
}

static void wrong_call_says_so_and_ends_with_2(void)
{
	static const char *const calls[][4] = {
		{PROGRAM, NULL},
		{PROGRAM, "--file", "/nonexistent.yaml", NULL},
		{PROGRAM, "--nonsense", NULL},
		{PROGRAM, "--file=" LIVING_ROOM, "--proxy=nobody", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GSubprocess) p = g_subprocess_newv(
			calls[i], G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
			&error);
		g_autofree char *said = NULL;
		UNIT_OK(g_subprocess_communicate_utf8(p, NULL, NULL, NULL, &said, &error), error);
		CU_ASSERT_EQUAL(g_subprocess_get_exit_status(p), 2);
		CU_ASSERT_TRUE(said && *said);
	}
}

UNIT_MAIN("world.program", UNIT(starts_and_leaves_nothing_five_times), UNIT(ends_on_each_signal),
	  UNIT(back_door_reads_sets_and_breaks), UNIT(pulse_makes_it_fall_in_real_time),
	  UNIT(wrong_call_says_so_and_ends_with_2))
