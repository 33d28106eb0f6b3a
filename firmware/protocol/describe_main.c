/* Prints docs/node-protocol.md from registers.def; with --schema BOARD the canonical text that the schema hash is taken of. */
#include <anzen/protocol.h>
#include <stdio.h>
#include <string.h>

static const char *const access_names[] = {"read", "write", "timed", "move"};
static const char *const hold_names[] = {"renewable", "once"};
static const char *const group_names[] = {
#define GROUP(id, name, doc) [id] = #name,
#include "registers.def"
};

/* What a board lacks of everything that there is. */
static void boards(void)
{
	printf("## Boards\n\n| board | schema hash | lacks |\n|---|---|---|\n");
	for (size_t b = 0; b < proto_board_count; b++) {
		const ProtoBoard *board = &proto_boards[b];
		const char *separator = "";
		printf("| %s | `%08x` | ", board->name, proto_board_hash(board));
		for (size_t i = 0; i < proto_register_count; i++) {
			if (proto_board_has(board, proto_registers[i].reg))
				continue;
			printf("%s%s", separator, proto_registers[i].name);
			separator = ", ";
		}
		printf("%s |\n", *separator ? "" : "nothing");
	}
	printf("\n");
}

static void outputs(void)
{
	printf("## Outputs\n\n"
	       "SAFE is the value at reset, on a trip and without a lease. MAX_ON is the longest "
	       "time away from it; *renewable*: a "
	       "new command restarts it, *once*: it does not.\n\n"
	       "| register | name | range | SAFE | MAX_ON | hold | lease group | use "
	       "|\n|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < proto_register_count; i++) {
		const ProtoRegister *r = &proto_registers[i];
		if (r->max_on_ms)
			printf("| 0x%02x | %s | %d … %d | %d | %u ms | %s | %s | %s |\n", r->reg,
			       r->name, r->lo, r->hi, r->safe, r->max_on_ms, hold_names[r->hold],
			       group_names[r->group], r->doc);
	}
}

static void axes(void)
{
	printf("\n## Axes\n\n"
	       "A host may lower the velocity and the acceleration and narrow the travel for its "
	       "session, "
	       "never widen them. Homing runs towards the limit switch, whose edge is at the step "
	       "given.\n\n"
	       "| register | name | travel | velocity | acceleration | limit switch | homing | "
	       "lease "
	       "group | use |\n|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < proto_register_count; i++) {
		const ProtoRegister *r = &proto_registers[i];
		if (r->access != PROTO_ACCESS_MOVE)
			continue;
		const ProtoAxisFact *f = &proto_axis_facts[r->reg - PROTO_REG_AXIS0];
		printf("| 0x%02x | %s | %d … %d step | %u step/s | %u step/s² | in.%u at step %d | "
		       "%s, "
		       "%u step/s | %s | %s |\n",
		       r->reg, r->name, f->lo, f->hi, f->max_v, f->max_a, f->limit, f->at,
		       f->towards < 0 ? "downwards" : "upwards", f->home_v, group_names[r->group],
		       r->doc);
	}
}

static void registers(void)
{
	printf("\n## Registers\n\n| register | name | access | unit | range | meaning "
	       "|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < proto_register_count; i++) {
		const ProtoRegister *r = &proto_registers[i];
		if (!r->max_on_ms && r->access != PROTO_ACCESS_MOVE)
			printf("| 0x%02x | %s | %s | %s | %d … %d | %s |\n", r->reg, r->name,
			       access_names[r->access], r->unit, r->lo, r->hi, r->doc);
	}
	printf("| 0x40 + n | limit of out.n | read, write | ms | 1 … MAX_ON | MAX_ON for this "
	       "session; may only be lowered |\n"
	       "| 0x60 + n | position of axis.n | read, write | step | lo … hi | a write declares "
	       "it, "
	       "with the energy off and the axis at rest |\n"
	       "| 0x68 + n | state of axis.n | read | 1 | 0 … 7 | bit 0 position known, 1 moving, "
	       "2 "
	       "homing |\n"
	       "| 0x70 + n | velocity limit of axis.n | read, write | step/s | 1 … MAX_V | for "
	       "this "
	       "session; may only be lowered |\n"
	       "| 0x78 + n | acceleration limit of axis.n | read, write | step/s² | 1 … MAX_A | "
	       "for this "
	       "session; may only be lowered |\n"
	       "| 0x80 + n, 0x88 + n | lowest, highest position of axis.n | read, write | step | "
	       "lo … hi "
	       "| for this session; may only be narrowed |\n"
	       "| 0x90 + n | halt axis.n | write | 1 | 1 | stop by the acceleration of the move; "
	       "the "
	       "position stays known |\n");
}

static void rows(void)
{
	printf("\n## Messages (payload of a DATA frame, little-endian)\n\n| id | message | fields "
	       "after the id | meaning |\n"
	       "|---|---|---|---|\n");
#define MESSAGE(id, symbol, layout, doc) \
	printf("| %d | %s | `%s` | %s |\n", id, #symbol, layout, doc);
#include "registers.def"
	printf("\n## Events\n\n| id | event | meaning |\n|---|---|---|\n");
#define EVENT(id, symbol, doc) printf("| %d | %s | %s |\n", id, #symbol, doc);
#include "registers.def"
	printf("\n## Fault reasons of the interlock\n\n| id | reason | meaning |\n|---|---|---|\n");
#define FAULT_REASON(id, symbol, doc) \
	printf("| %d | %s | %s |\n", id, #symbol, *(doc) ? (doc) : "not faulted");
#include "registers.def"
	printf("\n## Refusals\n\n| id | refusal | meaning |\n|---|---|---|\n");
#define REFUSAL(id, symbol, doc) printf("| %d | %s | %s |\n", id, #symbol, doc);
#include "registers.def"
	printf("\n## Constants\n\n| name | value | meaning |\n|---|---|---|\n");
#define CONSTANT(symbol, value, doc) printf("| %s | %d | %s |\n", #symbol, value, doc);
#include "registers.def"
}

static void document(void)
{
	printf("# The node's protocol\n\n"
	       "Printed by `build/bin/node-protocol` from firmware/protocol/registers.def; do not "
	       "edit. Frames and sessions are "
	       "described in firmware/protocol/include/anzen/protocol.h.\n\n"
	       "Protocol %d; the schema hash is that of the board's rows. Host and node refuse to "
	       "work together when either differs.\n\n",
	       PROTO_VERSION);
	boards();
	outputs();
	axes();
	registers();
	rows();
}

int main(int argc, char **argv)
{
	const ProtoBoard *board =
		argc == 3 && !strcmp(argv[1], "--schema") ? proto_board_by_name(argv[2]) : NULL;
	if (board) {
		fputs(board->schema, stdout);
		return 0;
	}
	if (argc != 1) {
		fprintf(stderr, "usage: node-protocol [--schema BOARD]\n");
		return 2;
	}
	document();
	return 0;
}
