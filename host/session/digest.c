/* SHA-256 of bytes and files, and files that appear whole or not at all. */
#include <anzen/session.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static char *hex_of(const unsigned char hash[crypto_hash_sha256_BYTES])
{
	char *hex = g_malloc(2 * crypto_hash_sha256_BYTES + 1);
	sodium_bin2hex(hex, 2 * crypto_hash_sha256_BYTES + 1, hash, crypto_hash_sha256_BYTES);
	return hex;
}

char *session_sha256(const void *data, size_t size)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(hash, data, size);
	return hex_of(hash);
}

char *session_sha256_file(const char *path, GError **error)
{
	FILE *file = fopen(path, "rbe");
	if (!file) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: %s", path,
			    g_strerror(errno));
		return NULL;
	}
	crypto_hash_sha256_state state;
	unsigned char buffer[65536], hash[crypto_hash_sha256_BYTES];
	size_t n;
	crypto_hash_sha256_init(&state);
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		crypto_hash_sha256_update(&state, buffer, n);
	bool bad = ferror(file);
	fclose(file);
	if (bad) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: cannot be read", path);
		return NULL;
	}
	crypto_hash_sha256_final(&state, hash);
	return hex_of(hash);
}

static gboolean write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FALSE;
		data += n;
		size -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static void sync_folder_of(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

gboolean session_write_file(const char *path, const void *data, size_t size, GError **error)
{
	g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
	int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0) {
		bool wrong = errno == ENOENT || errno == ENOTDIR || errno == EACCES ||
			     errno == EROFS || errno == ENAMETOOLONG;
		g_set_error(error, ANZEN_ERROR, wrong ? ANZEN_ERROR_INPUT : ANZEN_ERROR_IO,
			    "%s: %s", path, g_strerror(errno));
		return FALSE;
	}
	gboolean good = write_all(fd, data, size);
	int why = errno;
	good = close(fd) == 0 && good;
	if (good && rename(temporary, path) == 0) {
		sync_folder_of(path);
		return TRUE;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: %s", path,
		    g_strerror(good ? errno : why));
	g_unlink(temporary);
	return FALSE;
}
