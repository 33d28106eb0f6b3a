/* The canonical text: one line a row of registers.def, words and numbers only, so that correcting a description does
 * not part a host from its nodes. */
#include <anzen/protocol.h>
#include "flash.h"

static const char schema[] PROTO_FLASH =
#include "schema_text.h"
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
