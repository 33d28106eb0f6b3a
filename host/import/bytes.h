/* Private to import: readers that look at a whole file as bytes; the fuzz targets call them so, too. */
#ifndef IMPORT_BYTES_H
#define IMPORT_BYTES_H

#include "intake.h"

gboolean read_bag_bytes(Intake *in, const char *path, const uint8_t *data, size_t size,
			GError **error);
gboolean read_ulog_bytes(Intake *in, const char *path, const uint8_t *data, size_t size,
			 GError **error);
gboolean read_wav_bytes(Intake *in, const char *path, const uint8_t *data, size_t size,
			GError **error);

/* ANZEN_ERROR_INPUT when it cannot be read. */
static inline GMappedFile *map_file(const char *path, GError **error)
{
	g_autoptr(GError) local = NULL;
	GMappedFile *file = g_mapped_file_new(path, FALSE, &local);
	if (!file)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s", local->message);
	return file;
}

#endif
