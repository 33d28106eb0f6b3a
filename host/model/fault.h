/* Inside model only: how an owned Fault is released. */
#ifndef ANZEN_MODEL_FAULT_H
#define ANZEN_MODEL_FAULT_H

#include <glib.h>

void fault_free(gpointer fault);

#endif
