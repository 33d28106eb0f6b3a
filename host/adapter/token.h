/* The token in a product's environment, by which its descendants are found whatever session they made. Plain C, shared by the
 * bench and anzen-launch. Private to adapter. */
#ifndef ANZEN_ADAPTER_TOKEN_H
#define ANZEN_ADAPTER_TOKEN_H

#include <sys/types.h>

#define TOKEN_NAME "ANZEN_PRODUCT"

/* Kill every process but `except` that carries TOKEN_NAME=value, and reap those that are ours. */
void token_kill(const char *value, pid_t except);

#endif
