/* Errors and exit codes.
 *
 * Four things never mix: a bug asserts; a bench fault is a GError and ends as INVALID; a product's failure is
 * the value VERDICT_FAIL; too little evidence is VERDICT_INCONCLUSIVE. Messages say what a technician can do:
 * "psu2: no reply to MEAS:VOLT? in 50 ms on usbtmc 1ab1:0588/VT0001".
 */
#ifndef ANZEN_BASE_ERROR_H
#define ANZEN_BASE_ERROR_H

#include <glib.h>

G_BEGIN_DECLS

#define ANZEN_ERROR (anzen_error_quark())
GQuark anzen_error_quark(void);

typedef enum {
	ANZEN_ERROR_INPUT,     /* a file or an argument is wrong: exit 2 */
	ANZEN_ERROR_BENCH,     /* device, link, rig, calibration: exit 4 */
	ANZEN_ERROR_IO,        /* the operating system refused: exit 4 */
	ANZEN_ERROR_TIMEOUT,   /* no answer in time: exit 4 */
	ANZEN_ERROR_CLOSED,    /* the far end is gone: exit 4 */
	ANZEN_ERROR_CORRUPT,   /* a recording or frame does not verify: exit 4 */
	ANZEN_ERROR_PRODUCT,   /* the product under test misbehaved before the run began: exit 4 */
	ANZEN_ERROR_CANCELLED, /* an operator's stop: exit 4 */
} AnzenError;

/* Set ANZEN_ERROR_INPUT with this text; FALSE, for `return error_input(error, …)`. */
gboolean error_input(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Exit codes of every command (commands.md). */
typedef enum {
	ANZEN_EXIT_PASS = 0, /* or done */
	ANZEN_EXIT_FAIL = 1,
	ANZEN_EXIT_INPUT = 2,
	ANZEN_EXIT_INCONCLUSIVE = 3,
	ANZEN_EXIT_INVALID = 4,
} AnzenExit;

/* The exit code that fits `error`: INPUT → 2, everything else → 4. */
AnzenExit anzen_error_exit(const GError *error);

G_END_DECLS

#endif
