/* base (floor 0): what every module stands on. Uses nothing of ours. */
#ifndef ANZEN_BASE_H
#define ANZEN_BASE_H

#include <anzen/base/clock.h>
#include <anzen/base/error.h>
#include <anzen/base/ring.h>
#include <anzen/base/shape.h>
#include <anzen/base/text.h>
#include <anzen/base/thread.h>
#include <anzen/base/unit.h>
#include <anzen/base/yaml.h>

#endif
