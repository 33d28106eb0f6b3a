/* Private to scenario. */
#ifndef ANZEN_SCENARIO_SHAPES_H
#define ANZEN_SCENARIO_SHAPES_H

#include <anzen/scenario.h>

extern const char
	*const scenario_class_words[]; /* in the order of ScenarioClass, NULL-terminated */

#endif
