/* Checks for kinds.def that put several modules together, or give a reader the form that the table wants. */
#ifndef ANZEN_CLI_KIND_CHECKS_H
#define ANZEN_CLI_KIND_CHECKS_H

#include <anzen/base.h>

bool criteria_check(const YamlDoc *doc, Diagnostics *diag);
bool calibration_check(const YamlDoc *doc, Diagnostics *diag);

#endif
