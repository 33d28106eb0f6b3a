/* Checks for kinds.def that put several modules together, or give a reader the form that the table wants. */
#ifndef ANZEN_CLI_KIND_CHECKS_H
#define ANZEN_CLI_KIND_CHECKS_H

#include <anzen/base.h>

/* scenario_check and, with the packs in criteria/ above the file: does each criterion exist, stand with its partner, and fit
 * the timeline? check_scenario.c. */
bool scenario_check_with_packs(const YamlDoc *doc, Diagnostics *diag);
bool crosswalk_check(const YamlDoc *doc, Diagnostics *diag);
bool hazards_check(const YamlDoc *doc, Diagnostics *diag);
bool risk_table_check(const YamlDoc *doc, Diagnostics *diag);
bool criteria_check(const YamlDoc *doc, Diagnostics *diag);
bool calibration_check(const YamlDoc *doc, Diagnostics *diag);

#endif
