/* Names and descriptions for people; host only. */
#include <anzen/protocol.h>
#include <string.h>

#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	{PROTO_REG_OUT0 + (index),                                  \
	 name,                                                      \
	 "1",                                                       \
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
const ProtoRegister proto_registers[] = {
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
