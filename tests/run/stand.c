#include "stand.h"

#include "unit.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../device/umock.h"

static bool make_folder(const char *parent, const char *name, char **ret)
{
	*ret = g_build_filename(parent, name, NULL);
	return g_mkdir(*ret, 0700) == 0;
}

bool stand_open(Stand *stand, const char *world)
{
	g_autoptr(GError) error = NULL;
	*stand = (Stand){.work = g_dir_make_tmp("anzen-stand-XXXXXX", &error)};
	UNIT_OK(stand->work, error);
	if (!stand->work)
		return false;
	stand->runs = g_build_filename(stand->work, "runs", NULL);
	CU_ASSERT(make_folder(stand->work, "tmp", &stand->temporary));
	if (!world)
		return true;
	g_autofree char *file = g_strdup_printf(ANZEN_SOURCE_DIR "/rigs/worlds/%s.yaml", world);
	stand->world = umock_world(file, &stand->answers, &stand->line, &error);
	UNIT_OK(stand->world, error);
	return stand->world != NULL;
}

/* Symbolic links are removed, not followed. */
static void remove_tree(const char *path)
{
	g_autoptr(GDir) dir =
		g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		remove_tree(inner);
	}
	g_remove(path);
}

void stand_close(Stand *stand)
{
	if (stand->world) {
		g_subprocess_send_signal(stand->world, SIGTERM);
		g_subprocess_wait(stand->world, NULL, NULL);
	}
	g_clear_object(&stand->world);
	g_clear_object(&stand->answers);
	if (stand->work)
		remove_tree(stand->work);
	g_free(stand->work);
	g_free(stand->runs);
	g_free(stand->rig);
	g_free(stand->temporary);
	g_free(stand->line);
}

/* ---- the rig file ------------------------------------------------------------------------------------------------ */

static void replace_once(GString *text, const char *from, const char *to)
{
	CU_ASSERT_EQUAL(g_string_replace(text, from, to, 0), 1);
}

/* The links and the line of the world; everything else is the same. */
static void expect_only_links_differ(const char *before, const char *after, size_t n_links)
{
	g_auto(GStrv) a = g_strsplit(before, "\n", -1);
	g_auto(GStrv) b = g_strsplit(after, "\n", -1);
	CU_ASSERT_EQUAL(g_strv_length(a), g_strv_length(b));
	size_t differ = 0;
	for (size_t i = 0; a[i] && b[i]; i++)
		differ += !g_str_equal(a[i], b[i]);
	CU_ASSERT_EQUAL(differ, n_links + 1);
}

static void link_folder(const char *from, const char *folder, const char *name)
{
	g_autofree char *source = g_build_filename(ANZEN_SOURCE_DIR, from, name, NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	CU_ASSERT_EQUAL(symlink(source, path), 0);
}

void stand_write_rig(Stand *stand, const char *name, const char *world, const StandLink *links,
		     size_t n_links)
{
	g_autofree char *path = g_strdup_printf(ANZEN_SOURCE_DIR "/rigs/%s.yaml", name);
	g_autofree char *before = NULL, *rigs = NULL;
	CU_ASSERT(g_file_get_contents(path, &before, NULL, NULL));
	g_autoptr(GString) text = g_string_new(before ? before : "");
	g_autofree char *started = g_strdup_printf("world: {file: worlds/%s.yaml}", world);
	replace_once(text, started, "virtual: true");
	for (size_t i = 0; i < n_links; i++) {
		g_autofree char *from = g_strdup_printf("\"world:%s\"", links[i].device);
		g_autofree char *there = umock_link_of(stand->line, links[i].device);
		g_autofree char *to =
			g_strdup_printf("\"%s\"", links[i].uri ? links[i].uri : there);
		CU_ASSERT_PTR_NOT_NULL(there);
		replace_once(text, from, to);
	}
	expect_only_links_differ(before ? before : "", text->str, n_links);
	CU_ASSERT(make_folder(stand->work, "rigs", &rigs));
	stand->rig = g_build_filename(rigs, "emulated.yaml", NULL);
	CU_ASSERT(g_file_set_contents(stand->rig, text->str, -1, NULL));
	link_folder("rigs", rigs, "maps");
	link_folder("rigs", rigs, "instruments");
	link_folder("", stand->work, "calibration");
}

/* ---- what is so -------------------------------------------------------------------------------------------------- */

double stand_truth(Stand *stand, const char *what)
{
	g_autofree char *question = g_strdup_printf("{\"read\":\"%s\"}\n", what);
	GOutputStream *in = g_subprocess_get_stdin_pipe(stand->world);
	if (!g_output_stream_write_all(in, question, strlen(question), NULL, NULL, NULL))
		return (double)NAN;
	g_autofree char *line = g_data_input_stream_read_line(stand->answers, NULL, NULL, NULL);
	const char *value = line ? strstr(line, "\"value\":") : NULL;
	if (!value)
		fprintf(stderr, "the world on %s: %s\n", what, line ? line : "nothing");
	return value ? g_ascii_strtod(value + strlen("\"value\":"), NULL) : (double)NAN;
}

bool stand_await_truth(Stand *stand, const char *what, double above, int64_t for_ns)
{
	int64_t now = clock_now(clock_monotonic()), until = now + for_ns;
	for (; now < until; now = clock_now(clock_monotonic())) {
		double v = stand_truth(stand, what);
		if (above < 0 ? !(v > 0) && !isnan(v) : v > above)
			return true;
		clock_wait_until(clock_monotonic(), now + 10 * CLOCK_MS);
	}
	return false;
}

/* ---- what is left ------------------------------------------------------------------------------------------------ */

/* True for a child of this process that still runs; one that has ended is reaped. */
static bool is_running_child(const char *pid)
{
	g_autofree char *path = g_build_filename("/proc", pid, "stat", NULL);
	g_autofree char *stat = NULL;
	char state;
	int parent;
	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return false;
	const char *after = strrchr(stat, ')');
	return after && sscanf(after, ") %c %d", &state, &parent) == 2 && parent == getpid() &&
	       state != 'Z';
}

unsigned stand_left_running(const Stand *stand, pid_t *ret_pid)
{
	g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
	const char *world = stand->world ? g_subprocess_get_identifier(stand->world) : NULL;
	unsigned n = 0;
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		if (!g_ascii_isdigit(name[0]) || !g_strcmp0(name, world) || !is_running_child(name))
			continue;
		*ret_pid = (pid_t)atoi(name);
		n++;
	}
	return n;
}

void stand_expect_an_orphan_to_be_seen(const Stand *stand)
{
	pid_t pid = 0;
	CU_ASSERT_EQUAL(stand_left_running(stand, &pid), 0);
	g_autoptr(GSubprocess) shell = g_subprocess_new(G_SUBPROCESS_FLAGS_NONE, NULL, "sh", "-c",
							"sleep 60 & exit 0", NULL);
	CU_ASSERT(shell && g_subprocess_wait(shell, NULL, NULL));
	CU_ASSERT_EQUAL(stand_left_running(stand, &pid), 1);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

void stand_expect_nothing_left(const Stand *stand)
{
	pid_t pid = 0;
	CU_ASSERT_EQUAL(stand_left_running(stand, &pid), 0);
	g_autoptr(GDir) dir = g_dir_open(stand->temporary, 0, NULL);
	const char *name = dir ? g_dir_read_name(dir) : "?";
	CU_ASSERT_PTR_NULL(name);
	if (name)
		fprintf(stderr, "left in the temporary folder: %s\n", name);
}

/* ---- the bench --------------------------------------------------------------------------------------------------- */

GSubprocess *stand_start(const Stand *stand, const char *const *argv, const char *const *env,
			 bool error_pipe)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		error_pipe ? G_SUBPROCESS_FLAGS_STDERR_PIPE : G_SUBPROCESS_FLAGS_NONE);
	g_autofree char *log = g_build_filename(stand->work, "log", NULL);
	g_subprocess_launcher_setenv(launcher, "TMPDIR", stand->temporary, TRUE);
	g_subprocess_launcher_setenv(launcher, "LC_ALL", "C", TRUE);
	for (; env && env[0] && env[1]; env += 2)
		g_subprocess_launcher_setenv(launcher, env[0], env[1], TRUE);
	g_subprocess_launcher_set_stdout_file_path(launcher, log);
	GSubprocess *bench = g_subprocess_launcher_spawnv(launcher, argv, &error);
	UNIT_OK(bench, error);
	return bench;
}

char *stand_run_folder(const Stand *stand)
{
	g_autoptr(GDir) dir = g_dir_open(stand->runs, 0, NULL);
	const char *name = dir ? g_dir_read_name(dir) : NULL;
	return name ? g_build_filename(stand->runs, name, NULL) : NULL;
}

void stand_read_run(const Stand *stand, StandResult *r)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *folder = stand_run_folder(stand);
	CU_ASSERT_PTR_NOT_NULL(folder);
	if (!folder)
		return;
	g_autofree char *record = g_build_filename(folder, "run.json", NULL);
	g_autofree char *session = g_build_filename(folder, "session.mcap", NULL);
	r->record = run_record_read(record, &error);
	UNIT_OK(r->record, error);
	g_clear_error(&error);
	r->recording = session_load(session, &error);
	UNIT_OK(r->recording, error);
}

void stand_result_clear(StandResult *r)
{
	g_clear_pointer(&r->record, run_record_free);
	g_clear_pointer(&r->recording, recording_free);
}
