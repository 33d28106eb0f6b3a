#include "token.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* An environment is bounded by the kernel (a quarter of the stack's limit); the token stands among the first of it or not. */
#define ENVIRON_MAX (1024 * 1024)

static size_t read_environ(const char *pid, char *out, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	for (ssize_t got; fd >= 0 && n < size && (got = read(fd, out + n, size - n)) > 0;)
		n += (size_t)got;
	if (fd >= 0)
		close(fd);
	return n;
}

static bool has_token(const char *pid, const char *value, char *room)
{
	size_t n = read_environ(pid, room, ENVIRON_MAX - 1), name = strlen(TOKEN_NAME);
	room[n] = 0;
	for (const char *word = room; word < room + n; word += strlen(word) + 1)
		if (!strncmp(word, TOKEN_NAME "=", name + 1) && !strcmp(word + name + 1, value))
			return true;
	return false;
}

void token_kill(const char *value, pid_t except)
{
	char *room = malloc(ENVIRON_MAX);
	DIR *dir = opendir("/proc");
	for (struct dirent *d; room && dir && (d = readdir(dir));) {
		pid_t pid = (pid_t)atoi(d->d_name);
		if (!isdigit((unsigned char)d->d_name[0]) || pid == except || pid == getpid() ||
		    !has_token(d->d_name, value, room))
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL,
			0); /* ours once its parent is dead (subreaper); ECHILD otherwise */
	}
	if (dir)
		closedir(dir);
	free(room);
}
