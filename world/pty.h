/* A pseudo-terminal for a far end. */
#ifndef ANZEN_WORLD_PTY_H
#define ANZEN_WORLD_PTY_H

#include <glib.h>

G_BEGIN_DECLS

/* Raw from the start (an echo would answer the bench's first request). The other side is held open too, so that the
 * master does not hang up between two clients. Caller frees the name and closes both. */
gboolean world_pty_open(int *ret_master, int *ret_tty, char **ret_name, GError **error);

G_END_DECLS

#endif
