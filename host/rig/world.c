/* The virtual world as a child process: it lives as long as its standard input is open, so that even a killed bench leaves
 * nothing behind. */
#include "internal.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_NS (20 * CLOCK_S)
#define ANSWER_NS (2 * CLOCK_S)
#define LINE_MAX_BYTES (256 * 1024)

extern char **environ;

struct RigWorld {
	pid_t pid;
	int pidfd;
	ByteLink *
		pipe; /* its standard input and output: one socket each way would do, one pair does both */
	GString *buffer;
	GHashTable *links; /* name → URI */
	char *file;
};

/* Its input and output are one socket pair: a write to a dead child is then an error and no SIGPIPE. */
static gboolean spawn(RigWorld *world, const char *program, uint64_t seed, GError **error)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "virtual world: no socket: %s",
			    g_strerror(errno));
		return FALSE;
	}
	g_autofree char *seed_text = g_strdup_printf("%" G_GUINT64_FORMAT, seed);
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(argv, g_strdup(program));
	g_ptr_array_add(argv, g_strdup("--file"));
	g_ptr_array_add(argv, g_strdup(world->file));
	if (seed) {
		g_ptr_array_add(argv, g_strdup("--seed"));
		g_ptr_array_add(argv, g_steal_pointer(&seed_text));
	}
	g_ptr_array_add(argv, NULL);
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
	/* Signals that this process blocks or ignores must reach the child. */
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr,
				  0); /* a ^C is for the bench, which then stops it in order */
	int code =
		posix_spawn(&world->pid, program, &actions, &attr, (char **)argv->pdata, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(pair[1]);
	if (code) {
		close(pair[0]);
		world->pid = 0;
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "cannot start the virtual world %s: %s", program, g_strerror(code));
		return FALSE;
	}
	world->pidfd = pidfd_open(world->pid, 0);
	world->pipe = byte_link_from_fd(pair[0], "virtual world");
	return TRUE;
}

/* One line, without its newline. */
static char *read_line(RigWorld *world, int64_t timeout_ns, GError **error)
{
	int64_t deadline = clock_now(clock_monotonic()) + timeout_ns;
	for (;;) {
		char *newline = memchr(world->buffer->str, '\n', world->buffer->len);
		if (newline) {
			size_t n = (size_t)(newline - world->buffer->str);
			char *line = g_strndup(world->buffer->str, n);
			g_string_erase(world->buffer, 0, (gssize)n + 1);
			return line;
		}
		char part[4096];
		gssize n = byte_link_read(world->pipe, part, sizeof part, deadline, error);
		if (n < 0) {
			g_prefix_error(error,
				       "the virtual world ended; its messages stand above: ");
			return NULL;
		}
		if (n == 0 || world->buffer->len + (size_t)n > LINE_MAX_BYTES) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
				    "the virtual world does not answer in %.0f s",
				    (double)timeout_ns / 1e9);
			return NULL;
		}
		g_string_append_len(world->buffer, part, n);
	}
}

static JsonObject *parse_object(const char *line, JsonParser *parser)
{
	if (!json_parser_load_from_data(parser, line, -1, NULL))
		return NULL;
	JsonNode *root = json_parser_get_root(parser);
	return root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
}

static gboolean read_links(RigWorld *world, GError **error)
{
	g_autofree char *line = read_line(world, READY_NS, error);
	if (!line)
		return FALSE;
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObject *object = parse_object(line, parser);
	g_autoptr(GList) names = object ? json_object_get_members(object) : NULL;
	if (!names) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "the virtual world says \"%.100s\" instead of its links", line);
		return FALSE;
	}
	for (GList *n = names; n; n = n->next) {
		JsonNode *value = json_object_get_member(object, n->data);
		if (JSON_NODE_HOLDS_VALUE(value) &&
		    json_node_get_value_type(value) == G_TYPE_STRING)
			g_hash_table_insert(world->links, g_strdup(n->data),
					    g_strdup(json_node_get_string(value)));
	}
	return TRUE;
}

RigWorld *rig_world_start(const char *program, const char *file, uint64_t seed, GError **error)
{
	RigWorld *world = g_new0(RigWorld, 1);
	world->pidfd = -1;
	world->file = g_strdup(file);
	world->buffer = g_string_new(NULL);
	world->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (spawn(world, program, seed, error) && read_links(world, error))
		return world;
	rig_world_stop(world);
	return NULL;
}

/* True when it ended within the time. */
static bool wait_end(RigWorld *world, int ms)
{
	struct pollfd p = {.fd = world->pidfd, .events = POLLIN};
	if (world->pidfd >= 0 && poll(&p, 1, ms) <= 0)
		return false;
	return waitpid(world->pid, NULL, world->pidfd >= 0 ? WNOHANG : 0) != 0;
}

/* A world that was killed leaves its sockets and the folder that holds nothing else. */
static void sweep(const RigWorld *world)
{
	GHashTableIter iter;
	gpointer uri;
	g_hash_table_iter_init(&iter, world->links);
	while (g_hash_table_iter_next(&iter, NULL, &uri)) {
		if (!g_str_has_prefix(uri, "usbsock:"))
			continue;
		const char *path = (const char *)uri + strlen("usbsock:");
		g_autofree char *folder = g_path_get_dirname(path);
		g_autofree char *name = g_path_get_basename(folder);
		if (!g_str_has_prefix(name, "anzen-world-"))
			continue;
		unlink(path);
		rmdir(folder);
	}
}

void rig_world_stop(RigWorld *world)
{
	if (!world)
		return;
	byte_link_close(world->pipe); /* end of its input: it goes by itself */
	if (world->pid > 0 && !wait_end(world, 3000)) {
		kill(world->pid, SIGTERM);
		if (!wait_end(world, 2000)) {
			kill(world->pid, SIGKILL);
			waitpid(world->pid, NULL, 0);
		}
	}
	sweep(world);
	if (world->pidfd >= 0)
		close(world->pidfd);
	g_string_free(world->buffer, TRUE);
	g_hash_table_unref(world->links);
	g_free(world->file);
	g_free(world);
}

const char *rig_world_link(const RigWorld *world, const char *name)
{
	return g_hash_table_lookup(world->links, name);
}

bool rig_world_alive(RigWorld *world)
{
	struct pollfd p = {.fd = world->pidfd, .events = POLLIN};
	return poll(&p, 1, 0) == 0;
}

/* Each line is answered with one line; {"error": …} is an error here. */
gboolean rig_world_ask(RigWorld *world, const char *json, char **ret_line, GError **error)
{
	g_autofree char *line = g_strdup_printf("%s\n", json);
	if (!byte_link_write(world->pipe, line, strlen(line),
			     clock_now(clock_monotonic()) + ANSWER_NS, error))
		return FALSE;
	g_autofree char *answer = read_line(world, ANSWER_NS, error);
	if (!answer)
		return FALSE;
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObject *object = parse_object(answer, parser);
	if (!object || json_object_has_member(object, "error")) {
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "the virtual world refuses %s: %s",
			json,
			object ? json_object_get_string_member_with_default(object, "error", "?")
			       : answer);
		return FALSE;
	}
	if (ret_line)
		*ret_line = g_steal_pointer(&answer);
	return TRUE;
}
