/* BOARD_SYMBOL ## _text and ## _rows of the board that PROTO_BOARD names. No guard: included once a board. */
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) PROTO_REG_OUT0 + (index),
#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) \
	PROTO_REG_AXIS0 + (index),
#define REGISTER(id, symbol, name, type, access, unit, lo, hi, doc) id,
static const uint8_t PROTO_JOIN(BOARD_SYMBOL, _rows)[] = {
#include "registers.def"
};
static const char PROTO_JOIN(BOARD_SYMBOL, _text)[] =
#include "schema_text.h"
	;
