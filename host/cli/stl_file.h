/* Signals for the calculator `anzen stl eval`: CSV or JSON text becomes Signals. Private to host/cli.
 *
 * CSV: a heading with a column `t` and one a signal, "x" or "x [m]". An empty cell is no sample, `nan` a missing one.
 * JSON: {"x": {"t": [0, 0.5], "v": [1, 2]}, …}, with "interpolation": "linear" (the default) or "previous", "unit": "m",
 * "max_gap": seconds; null is a missing sample; true and false make a Boolean signal, which holds its values. Also
 * {"x": [[0, 1], [0.5, 2]]}, and with common times {"t": [0, 0.5], "x": [1, 2]}; in discrete time they may be left out and
 * are then 0, 1, 2 … s.
 *
 * Everything else is a file:line:col error. Any thread. */
#ifndef ANZEN_CLI_STL_FILE_H
#define ANZEN_CLI_STL_FILE_H

#include <anzen/base.h>
#include <anzen/model.h>

/* name → Signal*, each with at least one sample; NULL when diag got an error. Caller unrefs. */
GHashTable *stl_file_load(const char *path, bool discrete, Diagnostics *diag);
GHashTable *stl_file_parse(const char *text, gsize length, const char *name, bool discrete,
			   Diagnostics *diag);

#endif
