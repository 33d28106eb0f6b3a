/* Every board's rows and canonical text, for the host, which meets them all. */
#include <anzen/protocol.h>
#include <string.h>

#undef PROTO_BOARD
#define PROTO_BOARD PROTO_BOARD_ATMEGA2560
#define BOARD_SYMBOL atmega2560
#include "board_rows.h"
#undef PROTO_BOARD
#undef BOARD_SYMBOL
#define PROTO_BOARD PROTO_BOARD_ATMEGA328P
#define BOARD_SYMBOL atmega328p
#include "board_rows.h"
#undef PROTO_BOARD
#undef BOARD_SYMBOL
#define PROTO_BOARD PROTO_BOARD_STM32F405
#define BOARD_SYMBOL stm32f405
#include "board_rows.h"
#undef PROTO_BOARD
#undef BOARD_SYMBOL
#define PROTO_BOARD PROTO_BOARD_NATIVE
#define BOARD_SYMBOL native
#include "board_rows.h"

#define BOARD(symbol)                                                       \
	{                                                                   \
#symbol, symbol##_text, symbol##_rows, sizeof symbol##_rows \
	}
const ProtoBoard proto_boards[] = {BOARD(atmega2560), BOARD(atmega328p), BOARD(stm32f405),
				   BOARD(native)};
const size_t proto_board_count = sizeof proto_boards / sizeof proto_boards[0];

const ProtoBoard *proto_board_by_name(const char *name)
{
	for (size_t i = 0; i < proto_board_count; i++)
		if (!strcmp(proto_boards[i].name, name))
			return &proto_boards[i];
	return NULL;
}

bool proto_board_has(const ProtoBoard *board, uint8_t reg)
{
	return memchr(board->rows, reg, board->row_count) != NULL;
}

uint32_t proto_board_hash(const ProtoBoard *board)
{
	return proto_crc32(0, (const uint8_t *)board->schema, strlen(board->schema));
}
