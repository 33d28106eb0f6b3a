/* anzen-world: the far ends of a virtual rig around one plant, met by the bench only through links.
 *
 *	anzen-world --file rigs/worlds/living-room.yaml [--seed N] [--firmware FOLDER] [--proxy NAME]…
 *
 * Prints one line of JSON when everything is ready, {"node-a":"pty:/dev/pts/7", …}, then answers the back door
 * (back_door.h) on stdin and stdout until stdin closes or SIGTERM or SIGINT comes. Leaves nothing behind.
 */
#include "back_door.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_NS \
	(100 *  \
	 CLOCK_MS) /* the plant goes on although nobody asks: so that no question costs much */
#define LINE_MAX_BYTES 65536

typedef struct World {
	WorldShared shared;
	GPtrArray *ends; /* FarEnd* */
	char *folder;    /* temporary, for sockets */
} World;

/* Threads inherit the mask, so this comes first; signalfd then has them for itself. */
static int block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* build/bin/anzen-world → build/firmware */
static char *default_firmware(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *bin = g_path_get_dirname(self ? self : ".");
	return g_build_filename(bin, "..", "firmware", NULL);
}

static gboolean open_ends(World *world, const WorldFile *file, FarEndOptions options,
			  GError **error)
{
	options.folder = world->folder;
	for (guint i = 0; i < file->devices->len; i++) {
		const WorldDevice *device = g_ptr_array_index(file->devices, i);
		if (!far_end_ops(device->kind)) {
			fprintf(stderr, "anzen-world: %s: this kind of device is not built in\n",
				device->name);
			continue;
		}
		FarEnd *end = far_end_new(&world->shared, device, &options, error);
		if (!end)
			return FALSE;
		g_ptr_array_add(world->ends, end);
	}
	return TRUE;
}

static void free_end(gpointer end)
{
	far_end_free(end);
}

static gboolean world_open(World *world, const WorldFile *file, const FarEndOptions *options,
			   GError **error)
{
	world->folder = g_dir_make_tmp("anzen-world-XXXXXX", error);
	if (!world->folder)
		return FALSE;
	world->ends = g_ptr_array_new_with_free_func(free_end);
	world_shared_init(&world->shared, file, clock_monotonic());
	return open_ends(world, file, *options, error);
}

static void world_close(World *world)
{
	if (world->ends)
		g_ptr_array_unref(world->ends);
	if (world->shared.plant)
		world_shared_clear(&world->shared);
	if (world->folder)
		g_rmdir(world->folder);
	g_free(world->folder);
}

static void print_ready(const World *world)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
	JsonObject *uris = json_object_new();
	for (guint i = 0; i < world->ends->len; i++) {
		const FarEnd *end = g_ptr_array_index(world->ends, i);
		json_object_set_string_member(uris, end->device->name, end->uri);
	}
	json_node_take_object(node, uris);
	g_autofree char *line = json_to_string(node, FALSE);
	puts(line);
	fflush(stdout);
}

/* Answers every whole line of `input` and keeps the rest. */
static void answer_lines(BackDoor *door, GString *input)
{
	char *newline;
	while ((newline = memchr(input->str, '\n', input->len))) {
		*newline = 0;
		if (*input->str) {
			g_autofree char *reply = back_door_line(door, input->str);
			puts(reply);
			fflush(stdout);
		}
		g_string_erase(input, 0, newline + 1 - input->str);
	}
}

/* False when stdin has ended. */
static bool read_stdin(BackDoor *door, GString *input)
{
	char bytes[4096];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0 || input->len + (size_t)n > LINE_MAX_BYTES)
		return false;
	g_string_append_len(input, bytes, n);
	answer_lines(door, input);
	return true;
}

static void run(World *world, int signals)
{
	BackDoor *door = back_door_new(&world->shared, world->ends);
	g_autoptr(GString) input = g_string_new(NULL);
	struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
			      {.fd = signals, .events = POLLIN}};
	for (bool go_on = true; go_on;) {
		int64_t now = clock_now(world->shared.clock);
		int64_t wait_ns = MIN(TICK_NS, back_door_due(door, now) - now);
		struct timespec timeout = {.tv_nsec = MAX(0, wait_ns)};
		if (ppoll(p, 2, &timeout, NULL) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			go_on = read_stdin(door, input);
		if (p[1].revents & POLLIN)
			go_on = false;
		world_tick(&world->shared);
	}
	back_door_free(door);
}

static int serve(const char *path, uint64_t seed, const FarEndOptions *options)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(WorldFile) file = world_file_load(path, seed, diag);
	g_autoptr(GError) error = NULL;
	diagnostics_print(diag, stderr);
	if (!file)
		return ANZEN_EXIT_INPUT;
	for (const char *const *name = options->proxies; name && *name; name++)
		if (!world_file_device(file, *name)) {
			fprintf(stderr, "anzen-world: --proxy %s: no such device in %s\n", *name,
				path);
			return ANZEN_EXIT_INPUT;
		}
	int signals = block_signals();
	World world = {0};
	if (world_open(&world, file, options, &error)) {
		print_ready(&world);
		run(&world, signals);
	}
	world_close(&world);
	close(signals);
	if (!error)
		return ANZEN_EXIT_PASS;
	fprintf(stderr, "anzen-world: %s\n", error->message);
	return (int)anzen_error_exit(error);
}

int main(int argc, char **argv)
{
	g_autofree char *path = NULL, *firmware = NULL;
	g_auto(GStrv) proxies = NULL;
	g_autoptr(GError) error = NULL;
	gint64 seed = 0;
	const GOptionEntry entries[] = {
		{"file", 0, 0, G_OPTION_ARG_FILENAME, &path, "the world/1 file", "FILE"},
		{"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of all noise, instead of the file's",
		 "N"},
		{"proxy", 0, 0, G_OPTION_ARG_STRING_ARRAY, &proxies,
		 "put a proxy before device NAME, for noise, loss, delay, stall, cut", "NAME"},
		{"firmware", 0, 0, G_OPTION_ARG_FILENAME, &firmware, "folder of the node's ELFs",
		 "FOLDER"},
		{NULL, 0, 0, 0, NULL, NULL, NULL},
	};
	g_autoptr(GOptionContext) options = g_option_context_new("- the virtual world of a rig");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error) || argc > 1 || !path ||
	    seed < 0) {
		fprintf(stderr, "anzen-world: %s\n",
			error ? error->message : "usage: anzen-world --file FILE [--seed N]");
		return ANZEN_EXIT_INPUT;
	}
	/* The bench starts and ends us; if it dies without a word, so do we. stdin's end says the same. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!firmware)
		firmware = default_firmware();
	const FarEndOptions ends = {.firmware = firmware, .proxies = (const char *const *)proxies};
	return serve(path, (uint64_t)seed, &ends);
}
