/* Sources and sinks: regular files and memory. */
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	int fd;
	char *name;
} File;

static void file_close(void *self)
{
	File *file = self;
	if (file->fd >= 0)
		close(file->fd);
	g_free(file->name);
	g_free(file);
}

static gboolean refuse(GError **error, AnzenError code, const char *name, const char *what,
		       int number)
{
	g_set_error(error, ANZEN_ERROR, code, "%s: %s: %s", name, what, g_strerror(number));
	return FALSE;
}

static gboolean file_read(void *self, uint64_t offset, void *buffer, size_t n, GError **error)
{
	File *file = self;
	uint8_t *to = buffer;
	while (n > 0) {
		ssize_t got = pread(file->fd, to, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
				    "%s: byte %" G_GUINT64_FORMAT ": %s", file->name, offset,
				    got < 0 ? g_strerror(errno)
					    : "the file became shorter while it was read");
			return FALSE;
		}
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return TRUE;
}

gboolean mcap_file_source(const char *path, McapSource *ret, GError **error)
{
	struct stat st;
	/* A pipe without a writer would not open. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse(error, ANZEN_ERROR_INPUT, path, "cannot be opened", errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_input(error, "%s: is no regular file", path);
	}
	File *file = g_new0(File, 1);
	*file = (File){fd, g_strdup(path)};
	*ret = (McapSource){file, (uint64_t)st.st_size, file->name, file_read, file_close, NULL};
	return TRUE;
}

static gboolean file_write(void *self, const void *data, size_t n, GError **error)
{
	File *file = self;
	const uint8_t *from = data;
	while (n > 0) {
		ssize_t done = write(file->fd, from, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return refuse(error, ANZEN_ERROR_IO, file->name, "write failed",
				      done < 0 ? errno : EIO);
		from += done;
		n -= (size_t)done;
	}
	return TRUE;
}

/* Never tried again after a failure: the kernel may have dropped the dirty pages and report success. */
static gboolean file_sync(void *self, GError **error)
{
	File *file = self;
	return fdatasync(file->fd) == 0 ||
	       refuse(error, ANZEN_ERROR_IO, file->name, "sync failed", errno);
}

static gboolean sync_folder_of(const char *path, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(error, ANZEN_ERROR_IO, folder, "cannot be opened", errno);
	/* Some file systems cannot sync a folder (EINVAL); then there is nothing to wait for. */
	gboolean good = fsync(fd) == 0 || errno == EINVAL ||
			refuse(error, ANZEN_ERROR_IO, folder, "sync failed", errno);
	close(fd);
	return good;
}

/* The path is wrong; the medium may be well. */
static bool is_bad_path(int number)
{
	return number == EEXIST || number == ENOENT || number == EACCES || number == EPERM ||
	       number == EROFS || number == ENOTDIR || number == EISDIR || number == ELOOP ||
	       number == ENAMETOOLONG || number == EINVAL;
}

gboolean mcap_file_sink(const char *path, McapSink *ret, GError **error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return refuse(error, is_bad_path(errno) ? ANZEN_ERROR_INPUT : ANZEN_ERROR_IO, path,
			      "cannot be created", errno);
	if (!sync_folder_of(path, error)) {
		close(fd);
		return FALSE;
	}
	File *file = g_new0(File, 1);
	*file = (File){fd, g_strdup(path)};
	*ret = (McapSink){file, file->name, file_write, file_sync, file_close};
	return TRUE;
}

typedef struct {
	const uint8_t *data;
	size_t size;
} Memory;

static gboolean memory_read(void *self, uint64_t offset, void *buffer, size_t n, GError **error)
{
	Memory *memory = self;
	if (offset > memory->size || n > memory->size - offset) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "byte %" G_GUINT64_FORMAT ": past the end", offset);
		return FALSE;
	}
	memcpy(buffer, memory->data + offset, n);
	return TRUE;
}

void mcap_memory_source(const void *data, size_t size, McapSource *ret)
{
	Memory *memory = g_new0(Memory, 1);
	*memory = (Memory){data, size};
	*ret = (McapSource){memory, size, "memory", memory_read, g_free, data};
}

static gboolean memory_write(void *self, const void *data, size_t n, GError **error)
{
	(void)error;
	g_byte_array_append(self, data, (guint)n);
	return TRUE;
}

void mcap_memory_sink(GByteArray *array, McapSink *ret)
{
	*ret = (McapSink){array, "memory", memory_write, NULL, NULL};
}

void mcap_source_close(McapSource *source)
{
	if (source && source->close)
		source->close(source->self);
	if (source)
		*source = (McapSource){0};
}

void mcap_sink_close(McapSink *sink)
{
	if (sink && sink->close)
		sink->close(sink->self);
	if (sink)
		*sink = (McapSink){0};
}
