/* Where in the file each message stands, which a loaded recording no longer says. Private to run. */
#ifndef ANZEN_RUN_FILE_ORDER_H
#define ANZEN_RUN_FILE_ORDER_H

#include <glib.h>
#include <stdint.h>

typedef struct FileOrder FileOrder;

/* Reads the file once more, its messages' heads only. ANZEN_ERROR_CORRUPT, _IO. A file that just ends is read as far as it
 * goes. */
FileOrder *file_order_new(const char *path, GError **error);
void file_order_free(FileOrder *order);

/* Goes along the messages of one topic. Plain; borrows the order. */
typedef struct FileCursor {
	const GArray *places;
	guint next;
} FileCursor;
FileCursor file_cursor(const FileOrder *order, const char *prefix, const char *name);
/* The place of the next message of time t_ns (as published); calls come in order of time. UINT64_MAX when there is none. */
uint64_t file_cursor_next(FileCursor *cursor, int64_t t_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileOrder, file_order_free)

#endif
