/* A small project in a folder of its own: one scenario, a pack with one claim, the virtual rig of this repository. */
#ifndef ANZEN_TESTS_CAMPAIGN_PROJECT_H
#define ANZEN_TESTS_CAMPAIGN_PROJECT_H

#include <anzen/campaign.h>

typedef struct Project {
	char *folder, *plan, *scenario; /* paths */
} Project;

/* claim: the pack's, "{n: 4, permitted_failures: 0, at_least: 50 %, confidence: 90 %, side: lower, max_invalid: 50 %}". */
Project project_new(const char *claim);
void project_clear(Project *project);
void project_write(const char *path, const char *text);
/* The plan with `from` replaced by `to`; NULL: as it is. */
void project_plan(const Project *project, const char *from, const char *to);

#endif
