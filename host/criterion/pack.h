/* Private to criterion: packs. */
#ifndef ANZEN_CRITERION_PACK_H
#define ANZEN_CRITERION_PACK_H

#include <anzen/criterion.h>
#include <anzen/stl.h>
#include <math.h>
#include <string.h>

#define CRITERION_MAX_LEVELS 4

Criterion *criterion_new(void);
void criterion_free(Criterion *criterion);
CriterionLevel *criterion_level_new(const char *name);
void criterion_level_free(CriterionLevel *level);

/* The limit at a level (-1: no levels). False when the criterion measures nothing. */
bool criterion_limit(const Criterion *criterion, int level, Quantity *ret);

/* Does `text` use the name NAME as a whole word beginning ("product.", "rise(")? */
bool criterion_text_has(const char *text, const char *word);

/* Everything that makes a verdict unsafe (errors) or odd (warnings). False when an error was added. */
bool criterion_pack_lint(const Pack *pack, Diagnostics *diag);

/* parsed, checked at a level against signals of any name and unit; NULL with an error. */
StlFormula *criterion_parse(const Criterion *criterion, const char *text, int level,
			    GError **error);

#endif
