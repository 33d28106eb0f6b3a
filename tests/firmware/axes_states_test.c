/* Every state that the interlock, a lease and one axis can reach with a move of two steps (45 ms long), searched exhaustively on the
 * native core: by every sequence of the events below, in steps of 15 and 50 ms. */
#include "../../firmware/core/core.h"
#include <glib.h>
#include <node_native.h>

#include "unit.h"

#define MS INT64_C(1000000)
#define MAX_STATES 200000

typedef enum {
	E_ESTOP_OPEN,
	E_ESTOP_CLOSE,
	E_RESET_0,
	E_RESET_1,
	E_WORD,
	E_DECLARE,
	E_MOVE,
	E_HALT,
	E_RELEASE,
	E_WAIT,
	E_WAIT_SHORT,
	E_COUNT,
} Event;

/* What tells two states apart; times relative to now. */
typedef struct {
	uint8_t state, reason, leases, reset_level, inputs, stage, known, halt, running, left, ring;
	int32_t lease, at, slice_at, next, position, from, direction;
	uint32_t v, error, rest, phase, ramped, cruise, ramp, dv;
} Key;

typedef struct {
	NodeNative *native;
	Key key;
} State;

static unsigned broken, without_permit, steps;

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	(void)user;
	(void)t_ns;
	if (strncmp(name, "step.", 5) || !level)
		return;
	steps++;
	without_permit += node.state != PROTO_STATE_READY || !(node.leases & 1) ||
			  (board_inputs() & PROTO_INPUT_ESTOP);
}

static void use(NodeNative *n)
{
	uint8_t i;
	node_native_run_to(n, node_native_now(n));
	while (axes_take(&i)) /* nobody is there to be told */
		axes_taken(i);
}

static Key key_of(NodeNative *n)
{
	use(n);
	uint32_t now = board_now();
	const struct axis *a = &node.axis[0];
	const struct stepper *s = &node.stepper[0];
	Key k = {.state = node.state,
		 .reason = node.reason,
		 .leases = node.leases,
		 .reset_level = node.reset_level,
		 .inputs = board_inputs(),
		 .stage = a->stage,
		 .known = a->known,
		 .position = axes_position(0)};
	if (node.leases & 1)
		k.lease = (int32_t)(node.lease_end[0] - now);
	if (a->stage == AXIS_REST)
		return k;
	k.halt = a->halt;
	k.running = s->running;
	k.left = s->left;
	k.ring = (uint8_t)(s->put - s->take);
	k.at = a->stage == AXIS_WAITS ? (int32_t)(a->at - now) : 0;
	k.slice_at = a->stage > AXIS_WAITS ? (int32_t)(a->slice_at - now) : 0;
	k.next = s->left ? (int16_t)(s->next - (uint16_t)now) : 0;
	k.from = a->stage > AXIS_WAITS ? a->from : 0;
	k.direction = a->direction;
	k.v = a->v;
	k.error = a->error;
	k.rest = a->rest;
	k.phase = a->phase;
	k.ramped = a->ramped;
	k.cruise = a->cruise;
	k.ramp = a->ramp;
	k.dv = a->dv;
	return k;
}

static void must(bool good, const char *what, Event event, const Key *was, const Key *is)
{
	if (good)
		return;
	if (broken++ < 10)
		fprintf(stderr,
			"%s: event %d, state %u->%u leases %u->%u stage %u->%u known %u->%u "
			"position "
			"%d->%d\n",
			what, event, was->state, is->state, was->leases, is->leases, was->stage,
			is->stage, was->known, is->known, was->position, is->position);
}

static void apply(NodeNative *n, Event event)
{
	ProtoMove move = {.flags = PROTO_WRITE_SOONEST, .velocity = 50, .acceleration = 10000};
	uint64_t at;
	switch (event) {
	case E_ESTOP_OPEN:
	case E_ESTOP_CLOSE:
		node_native_set_input(n, "estop", event == E_ESTOP_OPEN);
		break;
	case E_RESET_0:
	case E_RESET_1:
		interlock_reset(event == E_RESET_1);
		break;
	case E_WORD:
		interlock_word(1, core_now64(), board_now());
		break;
	case E_DECLARE:
		axes_declare(0, 0);
		break;
	case E_MOVE:
		move.target = axes_position(0) ? 0 : 2;
		axes_move(&move, &at);
		break;
	case E_HALT:
		axes_halt(0);
		break;
	case E_RELEASE:
		interlock_release();
		break;
	case E_WAIT:
	case E_WAIT_SHORT:
		node_native_run_to(n, node_native_now(n) + (event == E_WAIT ? 50 : 15) * MS);
		break;
	case E_COUNT:
		break;
	}
}

static bool moves(const Key *k)
{
	return k->stage > AXIS_WAITS && k->stage < AXIS_OVER;
}

static void check(Event event, const Key *was, const Key *is)
{
	bool permit = is->state == PROTO_STATE_READY && (is->leases & 1) && !(is->inputs & 3);
	must(!moves(is) || permit, "it moves without permit", event, was, is);
	must(is->stage != AXIS_WAITS || permit, "a move waits without permit", event, was, is);
	must(moves(is) || !is->running, "it steps at rest", event, was, is);
	must(is->position >= 0 && is->position <= 2, "outside the move", event, was, is);
	if (event == E_RESET_1 || event == E_RESET_0 || event == E_ESTOP_CLOSE || event == E_WORD)
		must(is->position == was->position && moves(is) == moves(was),
		     "something moved that was not asked", event, was, is);
	if (!was->known && is->known)
		must(event == E_DECLARE && !was->leases, "known of itself", event, was, is);
	if (moves(was) && !was->halt && !permit && is->stage == AXIS_REST &&
	    is->position != was->from)
		must(!is->known || is->position == (was->from ? 0 : 2),
		     "stopped on the way and still known", event, was, is);
}

static void check_silence(NodeNative *n, Event event, const Key *was)
{
	NodeNative *alone = node_native_clone(n);
	node_native_run_to(alone, node_native_now(alone) + 100 * MS);
	Key is = key_of(alone);
	must(is.stage == AXIS_REST && !is.leases, "it moves 100 ms after the last word", event, was,
	     &is);
	node_native_free(alone);
}

static void every_reachable_state_keeps_the_rules(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
							   (GDestroyNotify)g_bytes_unref, NULL);
	g_autoptr(GQueue) todo = g_queue_new();
	NodeNativeConfig config = {0};
	NodeNativePlant plant = {.pin_changed = on_pin};
	State *first = g_new0(State, 1);
	first->native = node_native_new(&config, &plant);
	node_native_run_to(first->native, 50 * MS);
	first->key = key_of(first->native);
	g_queue_push_tail(todo, first);
	unsigned states = 0, moving = 0, known = 0, transitions = 0;
	while (!g_queue_is_empty(todo)) {
		State *s = g_queue_pop_head(todo);
		for (Event e = 0; e < E_COUNT; e++) {
			NodeNative *n = node_native_clone(s->native);
			use(n);
			apply(n, e);
			Key is = key_of(n);
			check(e, &s->key, &is);
			transitions++;
			if (states >= MAX_STATES ||
			    !g_hash_table_add(seen, g_bytes_new(&is, sizeof is))) {
				node_native_free(n);
				continue;
			}
			check_silence(n, e, &s->key);
			states++;
			moving += moves(&is);
			known += is.known;
			State *next = g_new0(State, 1);
			*next = (State){n, is};
			g_queue_push_tail(todo, next);
		}
		node_native_free(s->native);
		g_free(s);
	}
	fprintf(stderr, "%u states (%u moving, %u known), %u transitions, %u steps\n", states,
		moving, known, transitions, steps);
	CU_ASSERT_EQUAL(broken, 0);
	CU_ASSERT_EQUAL(without_permit, 0);
	CU_ASSERT_TRUE(states < MAX_STATES); /* it was exhaustive */
	CU_ASSERT_TRUE(moving > 10 && known > moving && known < states && steps > 100);
}

UNIT_MAIN("firmware.axes-states", UNIT(every_reachable_state_keeps_the_rules))
