/* Names and descriptions for people; host only. */
#include <anzen/protocol.h>
#include <string.h>

#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	{PROTO_REG_OUT0 + (index),                                  \
	 name,                                                      \
	 (hi) == 1 ? "1" : "permille",                              \
	 lo,                                                        \
	 hi,                                                        \
	 safe,                                                      \
	 max_on,                                                    \
	 PROTO_ACCESS_TIMED,                                        \
	 PROTO_HOLD_##hold,                                         \
	 PROTO_GROUP_##group,                                       \
	 doc},
#define REGISTER(id, symbol, name, type, access, unit, lo, hi, doc) \
	{id, name, unit, lo, hi, 0, 0, PROTO_ACCESS_##access, 0, 0, doc},
#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) \
	{PROTO_REG_AXIS0 + (index), name, "step", lo, hi, 0, 0, PROTO_ACCESS_MOVE, 0,   \
	 PROTO_GROUP_##group,       doc},
const ProtoRegister proto_registers[] = {
#include "registers.def"
};

#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) \
	[index] = {lo, hi, at, max_v, max_a, home_v, limit, towards},
const ProtoAxisFact proto_axis_facts[] = {
#include "registers.def"
};
const size_t proto_register_count = sizeof proto_registers / sizeof proto_registers[0];

const ProtoRegister *proto_register_by_name(const char *name)
{
	for (size_t i = 0; i < proto_register_count; i++)
		if (!strcmp(proto_registers[i].name, name))
			return &proto_registers[i];
	return NULL;
}

const ProtoRegister *proto_register_by_id(uint8_t reg)
{
	for (size_t i = 0; i < proto_register_count; i++)
		if (proto_registers[i].reg == reg)
			return &proto_registers[i];
	return NULL;
}

const char *proto_refusal_text(uint8_t refusal)
{
	switch (refusal) {
#define REFUSAL(id, symbol, doc) \
	case id:                 \
		return doc;
#include "registers.def"
	}
	return "unknown refusal";
}

const char *proto_reason_text(uint8_t reason)
{
	switch (reason) {
#define FAULT_REASON(id, symbol, doc) \
	case id:                      \
		return doc;
#include "registers.def"
	}
	return "unknown reason";
}

const char *proto_reason_name(uint8_t reason)
{
	switch (reason) {
#define FAULT_REASON(id, symbol, doc) \
	case id:                      \
		return #symbol;
#include "registers.def"
	}
	return "?";
}

const char *proto_event_name(uint8_t event)
{
	switch (event) {
#define EVENT(id, symbol, doc) \
	case id:               \
		return #symbol;
#include "registers.def"
	}
	return "?";
}
