/* One fault in one byte of a busy line, timed on the wire: a byte that is dropped, flipped, repeated, held back or split in
 * two. Afterwards both ends have every message once, whole, in order, and what was posted before the fault is there
 * within one frame time plus the retry. Each trial is its own pair of end points and its own seed. */
#include <anzen/protocol.h>

#include "numbered.h"
#include "unit.h"

#ifndef TRIALS
#define TRIALS 4000 /* the night's build says 100,000 */
#endif
#define FIRST_SEED 1u

#define BYTE_US 20 /* 8N1 at 500 kBd */
#define FRAME_US (PROTO_WIRE * BYTE_US)
#define RETRY_US ((PROTO_RESEND_MS + 1) * 1000) /* as seen by a count of whole milliseconds */
#define LINE 8192u

typedef enum { DROP, FLIP, REPEAT, HOLD, SPLIT, KINDS } Kind;
static const char *const kind_names[KINDS] = {"drop", "flip", "repeat", "hold", "split"};

typedef struct {
	uint8_t bytes[LINE];
	unsigned head, tail;
	unsigned passed; /* bytes that left */
	unsigned strike; /* the fault is in this one */
	Kind kind;
	int hold_us; /* stands still for this long */
} Line;

typedef struct {
	ProtoLink link;
	Line *out;
	uint32_t posted, taken, wrong;
} End;

static GRand *dice;

static bool send_bytes(void *user, const uint8_t *wire, uint8_t n)
{
	End *e = user;
	if (e->out->head - e->out->tail + n > 255) /* the node's ring */
		return false;
	for (uint8_t i = 0; i < n; i++)
		e->out->bytes[e->out->head++ % LINE] = wire[i];
	return true;
}

static bool take(void *user, const uint8_t *bytes, uint8_t n)
{
	End *e = user;
	e->wrong += !numbered_right(e->taken++, bytes, n);
	return true;
}

static void ignore(void *user, const ProtoFrame *frame)
{
	(void)user;
	(void)frame;
}

static const ProtoLinkOps ops = {send_bytes, take, ignore};

static void post(End *e)
{
	e->posted += numbered_post(&e->link, e->posted);
}

static void arrive(End *to, uint8_t byte)
{
	proto_link_byte(&to->link, byte);
}

/* One byte time passes. True when the fault has just struck. */
static bool move(Line *l, End *to)
{
	if (l->hold_us > 0) {
		l->hold_us -= BYTE_US;
		return false;
	}
	if (l->head == l->tail)
		return false;
	uint8_t byte = l->bytes[l->tail++ % LINE];
	if (l->passed++ != l->strike) {
		arrive(to, byte);
		return false;
	}
	switch (l->kind) {
	case DROP:
		break;
	case FLIP:
		arrive(to, byte ^ (uint8_t)(1 << g_rand_int_range(dice, 0, 8)));
		break;
	case REPEAT:
		arrive(to, byte);
		arrive(to, byte);
		break;
	case HOLD:
		l->hold_us = g_rand_int_range(dice, 1, 20) * 1000;
		l->tail--; /* it comes afterwards */
		break;
	case SPLIT: { /* a receiver out of step takes its two halves for two bytes */
		int cut = g_rand_int_range(dice, 1, 8);
		arrive(to, (uint8_t)(byte << cut));
		arrive(to, (uint8_t)(byte >> (8 - cut)));
		break;
	}
	case KINDS:
		break;
	}
	return true;
}

typedef struct {
	int worst_us[KINDS];
	unsigned hit[KINDS], late, lost, wrong;
	uint32_t first_late_seed;
} Totals;

static void trial(uint32_t seed, Totals *totals)
{
	static Line line[2];
	static End end[2];
	memset(line, 0, sizeof line);
	memset(end, 0, sizeof end);
	g_rand_set_seed(dice, seed);
	int struck = g_rand_int_range(dice, 0, 2), gap_us[2];
	line[0].strike = line[1].strike = UINT32_MAX;
	line[struck].strike = (unsigned)g_rand_int_range(dice, 0, 500);
	line[struck].kind = (Kind)g_rand_int_range(dice, 0, KINDS);
	Kind kind = line[struck].kind;
	for (int i = 0; i < 2; i++) {
		end[i].out = &line[i];
		proto_link_init(&end[i].link, i ? PROTO_FROM_NODE : 0, &ops, &end[i]);
		proto_link_open(&end[i].link, 77);
		/* a line that is 20 ... 120 % busy, or one where nothing follows the damaged frame: then only the
		 * time-out can tell */
		gap_us[i] = BYTE_US * (g_rand_int_range(dice, 0, 3)
					       ? g_rand_int_range(dice, 60, 400)
					       : g_rand_int_range(dice, 2000, 5000));
	}
	uint32_t before[2] = {0, 0};
	int fault_us = -1, held_us = 0;
	for (int us = 0; us < 9000000; us += BYTE_US) {
		for (int i = 0; i < 2; i++) {
			if (us % gap_us[i] == 0)
				post(&end[i]);
			proto_link_poll(&end[i].link, (uint32_t)us / 1000 + 0xffffff80u);
			if (move(&line[i], &end[!i])) {
				fault_us = us;
				before[0] = end[0].posted;
				before[1] = end[1].posted;
				held_us = line[i].hold_us;
			}
		}
		if (fault_us >= 0 && end[1].taken >= before[0] && end[0].taken >= before[1]) {
			int took = us - fault_us - held_us;
			totals->worst_us[kind] = MAX(totals->worst_us[kind], took);
			if (took > FRAME_US + RETRY_US && !totals->late++)
				totals->first_late_seed = seed;
			break;
		}
	}
	totals->hit[kind]++;
	totals->lost += fault_us < 0 || end[1].taken < before[0] || end[0].taken < before[1];
	totals->wrong += end[0].wrong + end[1].wrong;
}

static void one_bad_byte_costs_a_frame_time_and_the_retry(void)
{
	Totals totals = {0};
	dice = g_rand_new();
	for (uint32_t i = 0; i < TRIALS; i++)
		trial(FIRST_SEED + i, &totals);
	g_rand_free(dice);
	fprintf(stderr, "seeds %u ... %u, bound %d us:\n", FIRST_SEED, FIRST_SEED + TRIALS - 1,
		FRAME_US + RETRY_US);
	for (int k = 0; k < KINDS; k++) {
		fprintf(stderr, "  %-6s %6u faults, recovered within %d us\n", kind_names[k],
			totals.hit[k], totals.worst_us[k]);
		CU_ASSERT_TRUE(totals.hit[k] > TRIALS / 10);
	}
	CU_ASSERT_EQUAL(totals.wrong, 0);
	CU_ASSERT_EQUAL(totals.lost, 0);
	if (totals.late)
		fprintf(stderr, "  %u too late, the first with seed %u\n", totals.late,
			totals.first_late_seed);
	CU_ASSERT_EQUAL(totals.late, 0);
}

UNIT_MAIN("protocol.recovery", UNIT(one_bad_byte_costs_a_frame_time_and_the_retry))
