/* The canonical text of the board that PROTO_BOARD names, as one string literal. No guard: included once a board. */
#include "rows.h"
"anzen-node " PROTO_STR(PROTO_VERSION) "\n"
				       "board " PROTO_BOARD_NAME "\n"
#define CONSTANT(symbol, value, doc) "constant " #symbol " " #value "\n"
#define GROUP(id, name, doc) "group " #id " " #name "\n"
#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) \
	"output " #index " " name " " #lo " " #hi " " #safe " " #max_on " " #hold " " #group "\n"
#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc)       \
	"axis " #index " " name " " #lo " " #hi " " #max_v " " #max_a " " #limit " " #towards \
	" " #at " " #home_v " " #group "\n"
#define REGISTER(id, symbol, name, type, access, unit, lo, hi, doc) \
	"register " #id " " name " " #type " " #access " " unit " " #lo " " #hi "\n"
#define MESSAGE(id, symbol, layout, doc) "message " #id " " #symbol " " layout "\n"
#define EVENT(id, symbol, doc) "event " #id " " #symbol "\n"
#define FAULT_REASON(id, symbol, doc) "reason " #id " " #symbol "\n"
#define REFUSAL(id, symbol, doc) "refusal " #id " " #symbol "\n"
#include "registers.def"
