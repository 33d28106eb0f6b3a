/* Private to metrology. */
#ifndef ANZEN_METROLOGY_CERTIFICATE_H
#define ANZEN_METROLOGY_CERTIFICATE_H

#include <anzen/metrology.h>
#include <string.h>

void budget_part_free(gpointer data);

#endif
