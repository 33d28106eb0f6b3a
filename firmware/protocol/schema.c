/* The canonical text: one line a row of registers.def, words and numbers only, so that correcting a description does
 * not part a host from its nodes. */
#include <anzen/protocol.h>
#include "flash.h"

#define STR_(x) #x
#define STR(x) STR_(x)

static const char schema[] PROTO_FLASH = "anzen-node " STR(PROTO_VERSION) "\n"
#define CONSTANT(symbol, value, doc) "constant " #symbol " " #value "\n"
#define GROUP(id, name, doc) "group " #id " " #name "\n"
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	"output " #index " " name " " #lo " " #hi " " #safe " " #max_on " " #hold " " #group "\n"
#define REGISTER(id, symbol, name, type, access, unit, lo, hi, doc) \
	"register " #id " " name " " #type " " #access " " unit " " #lo " " #hi "\n"
#define MESSAGE(id, symbol, layout, doc) "message " #id " " #symbol " " layout "\n"
#define EVENT(id, symbol, doc) "event " #id " " #symbol "\n"
#define FAULT_REASON(id, symbol, doc) "reason " #id " " #symbol "\n"
#define REFUSAL(id, symbol, doc) "refusal " #id " " #symbol "\n"
#include "registers.def"
	;

uint16_t proto_schema_length(void)
{
	return (uint16_t)(sizeof schema - 1);
}

char proto_schema_char(uint16_t i)
{
	return i < sizeof schema - 1 ? (char)proto_flash8(&schema[i]) : '\0';
}

uint32_t proto_schema_hash(void)
{
	uint32_t crc = 0;
	for (uint16_t i = 0; i < sizeof schema - 1; i++) {
		uint8_t byte = (uint8_t)proto_flash8(&schema[i]);
		crc = proto_crc32(crc, &byte, 1);
	}
	return crc;
}
