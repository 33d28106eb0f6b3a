#include <anzen/protocol.h>

#include "unit.h"

static char *text(void)
{
	GString *s = g_string_new(NULL);
	for (uint16_t i = 0; i < proto_schema_length(); i++)
		g_string_append_c(s, proto_schema_char(i));
	return g_string_free(s, FALSE);
}

static void hash_is_the_crc_of_the_canonical_text(void)
{
	g_autofree char *s = text();
	CU_ASSERT_EQUAL(proto_schema_hash(), proto_crc32(0, (const uint8_t *)s, strlen(s)));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "output 3 out.3 0 1 0 500 ONCE ENERGY\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "constant LEASE_US 95000\n"));
	CU_ASSERT_PTR_NULL(strstr(s, "heater")); /* descriptions are not part of it */
}

static void identifiers_are_unique(void)
{
	for (size_t i = 0; i < proto_register_count; i++)
		for (size_t k = 0; k < i; k++) {
			CU_ASSERT_NOT_EQUAL(proto_registers[i].reg, proto_registers[k].reg);
			CU_ASSERT_STRING_NOT_EQUAL(proto_registers[i].name,
						   proto_registers[k].name);
		}
}

static void every_output_is_bounded(void)
{
	int outputs = 0;
	for (size_t i = 0; i < proto_register_count; i++) {
		const ProtoRegister *r = &proto_registers[i];
		if (strncmp(r->name, "out.", 4) && strncmp(r->name, "pwm.", 4))
			continue;
		outputs++;
		CU_ASSERT_TRUE(r->max_on_ms > 0 && r->max_on_ms <= 600000);
		CU_ASSERT_TRUE(r->lo <= r->safe && r->safe <= r->hi);
	}
	CU_ASSERT_EQUAL(outputs, PROTO_OUTPUTS);
	CU_ASSERT_EQUAL(proto_register_by_name("out.3")->max_on_ms, 500);
}

static void the_document_is_what_the_program_prints(void)
{
	g_autofree char *printed = NULL, *document = NULL;
	g_autoptr(GError) error = NULL;
	UNIT_OK(g_spawn_command_line_sync(ANZEN_BINARY_DIR "/bin/node-protocol", &printed, NULL,
					  NULL, &error),
		error);
	UNIT_OK(g_file_get_contents(ANZEN_SOURCE_DIR "/docs/node-protocol.md", &document, NULL,
				    &error),
		error);
	CU_ASSERT_STRING_EQUAL(printed, document);
}

UNIT_MAIN("protocol.schema", UNIT(hash_is_the_crc_of_the_canonical_text),
	  UNIT(identifiers_are_unique), UNIT(every_output_is_bounded),
	  UNIT(the_document_is_what_the_program_prints))
