#include "confine.h"

#include "process.h"

gboolean confine_check(const Product *p, bool lock_step, const char *program_dir, GError **error)
{
	if (p->network == CONFINE_NONE)
		return TRUE;
	if (!p->argv && !lock_step) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: confine.network needs start.process: a product that runs already "
			    "cannot be confined",
			    p->path);
		return FALSE;
	}
	if (p->network == CONFINE_OFFLINE && !lock_step) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: confine.network: offline leaves it no way to its own inputs; take "
			    "bench-only",
			    p->path);
		return FALSE;
	}
	return product_process_can_isolate(program_dir, error);
}
