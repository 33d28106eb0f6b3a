/* What people read: every number of registers.def has its word, and a number that is none says so. */
#include <anzen/protocol.h>

#include "unit.h"

static void every_refusal_has_its_words(void)
{
	for (uint8_t i = PROTO_REFUSED_MALFORMED; i <= PROTO_REFUSED_NO_EDGE; i++) {
		CU_ASSERT_STRING_NOT_EQUAL(proto_refusal_text(i), "unknown refusal");
		for (uint8_t k = PROTO_REFUSED_MALFORMED; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(proto_refusal_text(i), proto_refusal_text(k));
	}
	CU_ASSERT_STRING_EQUAL(proto_refusal_text(PROTO_REFUSED_LEASE),
			       "the output's group has no lease");
	CU_ASSERT_STRING_EQUAL(proto_refusal_text(0), "unknown refusal");
	CU_ASSERT_STRING_EQUAL(proto_refusal_text(255), "unknown refusal");
}

static void every_reason_has_its_name_and_words(void)
{
	static const char *const names[] = {"NONE", "BOOT",  "WATCHDOG", "ESTOP",
					    "TRIP", "LEASE", "SESSION"};
	for (uint8_t i = 0; i < G_N_ELEMENTS(names); i++) {
		CU_ASSERT_STRING_EQUAL(proto_reason_name(i), names[i]);
		CU_ASSERT_STRING_NOT_EQUAL(proto_reason_text(i), "unknown reason");
	}
	CU_ASSERT_STRING_EQUAL(proto_reason_text(PROTO_REASON_ESTOP), "the e-stop loop opened");
	CU_ASSERT_STRING_EQUAL(proto_reason_name(200), "?");
	CU_ASSERT_STRING_EQUAL(proto_reason_text(200), "unknown reason");
}

static void every_event_has_its_name(void)
{
	static const char *const names[] = {"TRIPPED",     "CLEARED",    "LATE",
					    "EXPIRED",     "INPUT",      "ADC_LOST",
					    "EVENTS_LOST", "STALE_WORD", "LEASE_BEGAN"};
	for (uint8_t i = 0; i < G_N_ELEMENTS(names); i++)
		CU_ASSERT_STRING_EQUAL(proto_event_name((uint8_t)(i + 1)), names[i]);
	CU_ASSERT_STRING_EQUAL(proto_event_name(0), "?");
}

static void registers_are_found_by_name_and_number(void)
{
	for (size_t i = 0; i < proto_register_count; i++) {
		const ProtoRegister *r = &proto_registers[i];
		CU_ASSERT_PTR_EQUAL(proto_register_by_name(r->name), r);
		CU_ASSERT_PTR_EQUAL(proto_register_by_id(r->reg), r);
	}
	CU_ASSERT_PTR_NULL(proto_register_by_name("out.99"));
	CU_ASSERT_PTR_NULL(proto_register_by_id(0));
}

/* The small board lacks rows and changes none; every board's text is its own. */
static void a_board_has_a_part_of_the_same_rows(void)
{
	const ProtoBoard *all = proto_board_by_name("native");
	const ProtoBoard *small = proto_board_by_name("atmega328p");
	CU_ASSERT_PTR_NULL(proto_board_by_name("atmega32"));
	CU_ASSERT_TRUE(all && small);
	CU_ASSERT_EQUAL(all->row_count, proto_register_count);
	CU_ASSERT_EQUAL(proto_board_hash(all), proto_schema_hash());
	g_auto(GStrv) lines = g_strsplit(small->schema, "\n", -1);
	for (int i = 0; lines[i]; i++)
		CU_ASSERT_TRUE(!*lines[i] || g_str_has_prefix(lines[i], "board ") ||
			       strstr(all->schema, lines[i]));
	for (size_t i = 0; i < small->row_count; i++)
		CU_ASSERT_TRUE(proto_board_has(all, small->rows[i]));
	CU_ASSERT_TRUE(proto_board_has(small, PROTO_REG_OUT0 + 3));
	CU_ASSERT_FALSE(proto_board_has(small, PROTO_REG_OUT0 + 4));
	for (size_t i = 0; i < proto_board_count; i++)
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_NOT_EQUAL(proto_board_hash(&proto_boards[i]),
					    proto_board_hash(&proto_boards[k]));
}

UNIT_MAIN("protocol.names", UNIT(every_refusal_has_its_words),
	  UNIT(every_reason_has_its_name_and_words), UNIT(every_event_has_its_name),
	  UNIT(registers_are_found_by_name_and_number), UNIT(a_board_has_a_part_of_the_same_rows))
