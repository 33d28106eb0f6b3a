/* What a product's description says under `confine.network`, and whether it can be kept. Private to adapter. */
#ifndef ANZEN_ADAPTER_CONFINE_H
#define ANZEN_ADAPTER_CONFINE_H

#include <anzen/scenario.h>

/* Asked before anything moves. ANZEN_ERROR_INPUT: the description promises what no bench could keep; BENCH: this machine cannot. */
gboolean confine_check(const Product *product, bool lock_step, const char *program_dir,
		       GError **error);

#endif
