/* Every state that the interlock, the leases and two outputs can reach, searched exhaustively on the native core: from
 * power-on, by every sequence of the events below, in steps of 15 and 50 ms. */
#include "../../firmware/core/core.h"
#include <glib.h>
#include <node_native.h>

#include "unit.h"

#define MS INT64_C(1000000)
#define MAX_STATES 400000

typedef enum {
	E_ESTOP_OPEN,
	E_ESTOP_CLOSE,
	E_TRIP_OPEN,
	E_TRIP_CLOSE,
	E_RESET_0,
	E_RESET_1,
	E_WORD_ENERGY,
	E_WORD_BOTH,
	E_WORD_STALE,
	E_OUT1_ON,
	E_OUT1_OFF,
	E_OUT1_LATER,
	E_OUT5_ON,
	E_RELEASE,
	E_WAIT,
	E_WAIT_SHORT,
	E_COUNT,
} Event;

/* What tells two states apart; times relative to now. */
typedef struct {
	uint8_t state, reason, leases, reset_level, inputs, port, expiring1, expiring5, queued,
		pad[3];
	int32_t lease[2], off1, off5, at1;
} Key;

typedef struct {
	NodeNative *node_;
	Key key;
} State;

static unsigned broken;

static void use(NodeNative *n)
{
	node_native_run_to(n, node_native_now(n)); /* makes it the current node */
}

static Key key_of(NodeNative *n)
{
	use(n);
	uint32_t now = board_now();
	Key k = {.state = node.state,
		 .reason = node.reason,
		 .leases = node.leases,
		 .reset_level = node.reset_level,
		 .inputs = board_inputs(),
		 .port = node.port};
	for (int g = 0; g < 2; g++)
		if (node.leases & (1 << g))
			k.lease[g] = (int32_t)(node.lease_end[g] - now);
	const struct output *o1 = &node.out[1], *o5 = &node.out[5];
	k.expiring1 = o1->expiring;
	k.expiring5 = o5->expiring;
	k.off1 = o1->expiring ? (int32_t)(o1->off_at - now) : 0;
	k.off5 = o5->expiring ? (int32_t)(o5->off_at - now) : 0;
	k.queued = (uint8_t)(o1->put - o1->exec);
	k.at1 = k.queued ? (int32_t)(o1->queue[o1->exec % PROTO_QUEUE_DEPTH].at - now) : 0;
	return k;
}

static void must(bool good, const char *what, Event event, const Key *was, const Key *is)
{
	if (good)
		return;
	if (broken++ < 10)
		fprintf(stderr,
			"%s: event %d, state %u->%u reason %u->%u leases %u->%u inputs %u->%u port "
			"%02x->%02x\n",
			what, event, was->state, is->state, was->reason, is->reason, was->leases,
			is->leases, was->inputs, is->inputs, was->port, is->port);
}

static void write_out(uint8_t out, uint8_t value, uint32_t ahead_ms)
{
	uint64_t at;
	ProtoWrite w = {
		.reg = (uint8_t)(PROTO_REG_OUT0 + out), .value = value, .duration_us = 60000};
	if (ahead_ms)
		w.at = core_now64() + TICKS_MS(ahead_ms);
	else
		w.flags = PROTO_WRITE_SOONEST;
	outputs_write(&w, &at);
}

static void word(uint8_t groups, uint32_t age_ms)
{
	interlock_word(groups, core_now64() - TICKS_MS(age_ms), board_now());
}

static void apply(NodeNative *n, Event event)
{
	switch (event) {
	case E_ESTOP_OPEN:
	case E_ESTOP_CLOSE:
		node_native_set_input(n, "estop", event == E_ESTOP_OPEN);
		break;
	case E_TRIP_OPEN:
	case E_TRIP_CLOSE:
		node_native_set_input(n, "trip", event == E_TRIP_OPEN);
		break;
	case E_RESET_0:
	case E_RESET_1:
		interlock_reset(event == E_RESET_1);
		break;
	case E_WORD_ENERGY:
		word(1, 0);
		break;
	case E_WORD_BOTH:
		word(3, 0);
		break;
	case E_WORD_STALE:
		word(3, 200);
		break;
	case E_OUT1_ON:
	case E_OUT1_OFF:
		write_out(1, event == E_OUT1_ON, 0);
		break;
	case E_OUT1_LATER:
		write_out(1, 1, 40);
		break;
	case E_OUT5_ON:
		write_out(5, 1, 0);
		break;
	case E_RELEASE:
		interlock_release();
		break;
	case E_WAIT:
		node_native_run_to(n, node_native_now(n) + 50 * MS);
		break;
	case E_WAIT_SHORT:
		node_native_run_to(n, node_native_now(n) + 15 * MS);
		break;
	case E_COUNT:
		break;
	}
}

/* A copy left alone for 100 ms: whatever was energised is not any more. */
static void check_silence(NodeNative *n, Event event, const Key *was)
{
	NodeNative *alone = node_native_clone(n);
	node_native_run_to(alone, node_native_now(alone) + 100 * MS);
	Key is = key_of(alone);
	must(is.port == CORE_SAFE_PORT, "energised 100 ms after the last word", event, was, &is);
	must(is.queued == 0, "an action still waits 100 ms after the last word", event, was, &is);
	node_native_free(alone);
}

static void check(Event event, const Key *was, const Key *is)
{
	uint8_t out1 = is->port >> 1 & 1, out5 = is->port >> 5 & 1, loops = is->inputs & 3;
	must(!(is->port & ~0x22), "an output moved that nobody drove", event, was, is);
	must(!out1 || (is->state == PROTO_STATE_READY && (is->leases & 1) && !loops),
	     "out.1 energised without permit", event, was, is);
	must(!out5 || (is->state == PROTO_STATE_READY && (is->leases & 2) && !loops),
	     "out.5 energised without permit", event, was, is);
	must(!loops || is->state == PROTO_STATE_FAULTED, "ready with an open loop", event, was, is);
	must(!is->leases || is->state == PROTO_STATE_READY, "a lease while faulted", event, was,
	     is);
	must((out1 || out5) == ((is->expiring1 && out1) || (is->expiring5 && out5)),
	     "energised without an end", event, was, is);
	if (was->state == PROTO_STATE_FAULTED && is->state == PROTO_STATE_READY) {
		must(event == E_RESET_1 && !was->reset_level && !(was->inputs & 3),
		     "cleared without a healthy rising edge", event, was, is);
		must(is->port == CORE_SAFE_PORT && !is->leases && !is->queued,
		     "clearing moved or left something", event, was, is);
	}
	if (was->state == PROTO_STATE_FAULTED && is->state == PROTO_STATE_FAULTED)
		must(was->reason == is->reason, "the first reason was overwritten", event, was, is);
}

static void every_reachable_state_keeps_the_rules(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
							   (GDestroyNotify)g_bytes_unref, NULL);
	g_autoptr(GQueue) todo = g_queue_new();
	NodeNativeConfig config = {0};
	State *first = g_new0(State, 1);
	first->node_ = node_native_new(&config, NULL);
	node_native_run_to(first->node_, 50 * MS);
	first->key = key_of(first->node_);
	g_queue_push_tail(todo, first);
	unsigned states = 0, ready = 0, energised = 0, steps = 0;
	while (!g_queue_is_empty(todo)) {
		State *s = g_queue_pop_head(todo);
		for (Event e = 0; e < E_COUNT; e++) {
			NodeNative *n = node_native_clone(s->node_);
			use(n);
			apply(n, e);
			Key is = key_of(n);
			check(e, &s->key, &is);
			steps++;
			GBytes *bytes = g_bytes_new(&is, sizeof is);
			if (states < MAX_STATES && g_hash_table_add(seen, bytes)) {
				check_silence(n, e, &s->key);
				states++;
				ready += is.state;
				energised += is.port != 0;
				State *next = g_new0(State, 1);
				*next = (State){n, is};
				g_queue_push_tail(todo, next);
			} else {
				if (states >= MAX_STATES)
					g_bytes_unref(bytes);
				node_native_free(n);
			}
		}
		node_native_free(s->node_);
		g_free(s);
	}
	fprintf(stderr, "%u states (%u ready, %u energised), %u transitions\n", states, ready,
		energised, steps);
	CU_ASSERT_EQUAL(broken, 0);
	CU_ASSERT_TRUE(states < MAX_STATES); /* it was exhaustive */
	CU_ASSERT_TRUE(ready > 10 && energised > 10 && ready < states);
}

UNIT_MAIN("firmware.interlock", UNIT(every_reachable_state_keeps_the_rules))
