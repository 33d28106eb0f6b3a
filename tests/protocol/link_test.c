/* Two end points over a line that drops, flips, repeats and cuts: every message arrives once, whole and in order. */
#include <anzen/protocol.h>

#include "numbered.h"
#include "unit.h"

typedef struct {
	uint8_t bytes[1 << 16];
	unsigned head, tail;
} Line;

typedef struct End {
	ProtoLink link;
	Line *out;
	uint32_t posted, taken;
	unsigned wrong, busy, refusals;
	bool picky; /* refuses now and then, as a node without room does */
} End;

static GRand *rand_;
static double rate;
static unsigned faults;

static bool hit(void)
{
	if (g_rand_double(rand_) >= rate)
		return false;
	faults++;
	return true;
}

static void put(Line *l, uint8_t byte)
{
	l->bytes[l->head++ & 0xffff] = byte;
}

static bool send_bytes(void *user, const uint8_t *wire, uint8_t n)
{
	End *e = user;
	if (hit()) /* the whole frame twice */
		for (int i = 0; i < n; i++)
			put(e->out, wire[i]);
	for (int i = 0; i < n; i++) {
		if (hit())
			continue; /* dropped */
		put(e->out,
		    hit() ? wire[i] ^ (uint8_t)(1 << g_rand_int_range(rand_, 0, 8)) : wire[i]);
		if (hit())
			put(e->out, wire[i]); /* repeated */
	}
	return true;
}

static bool take(void *user, const uint8_t *bytes, uint8_t n)
{
	End *e = user;
	if (e->picky && g_rand_int_range(rand_, 0, 20) == 0) {
		e->refusals++;
		return false;
	}
	e->wrong += !numbered_right(e->taken++, bytes, n);
	return true;
}

static void datagram(void *user, const ProtoFrame *frame)
{
	(void)user;
	(void)frame;
}

static const ProtoLinkOps ops = {send_bytes, take, datagram};

static void post(End *e)
{
	e->posted += numbered_post(&e->link, e->posted);
}

static void deliver(Line *l, End *to)
{
	while (l->tail != l->head)
		proto_link_byte(&to->link, l->bytes[l->tail++ & 0xffff]);
}

static void run(double fault_rate, uint32_t seed, uint32_t messages, bool picky)
{
	static Line lines[2];
	static End a, b;
	memset(lines, 0, sizeof lines);
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	a.out = &lines[0];
	b.out = &lines[1];
	b.picky = picky;
	rand_ = g_rand_new_with_seed(seed);
	rate = fault_rate;
	faults = 0;
	proto_link_init(&a.link, 0, &ops, &a);
	proto_link_init(&b.link, PROTO_FROM_NODE, &ops, &b);
	proto_link_open(&a.link, 5);
	proto_link_open(&b.link, 5);
	uint32_t ms = 0xffffff00; /* the millisecond count wraps on the way */
	for (; (b.taken < messages || a.taken < messages) && ms - 0xffffff00 < 2000000; ms++) {
		if (a.posted < messages)
			post(&a);
		if (b.posted < messages)
			post(&b);
		proto_link_poll(&a.link, ms);
		proto_link_poll(&b.link, ms);
		deliver(&lines[0], &b);
		deliver(&lines[1], &a);
	}
	fprintf(stderr,
		"seed %u: %u faults, %u + %u messages in %u ms, resent %u, damaged %u, repeated "
		"%u, missed %u\n",
		seed, faults, a.taken, b.taken, ms - 0xffffff00,
		a.link.counts.resent + b.link.counts.resent,
		a.link.counts.damaged + b.link.counts.damaged,
		a.link.counts.repeated + b.link.counts.repeated,
		a.link.counts.missed + b.link.counts.missed);
	CU_ASSERT_EQUAL(a.taken, messages);
	CU_ASSERT_EQUAL(b.taken, messages);
	CU_ASSERT_EQUAL(a.wrong + b.wrong, 0);
	if (picky)
		CU_ASSERT_TRUE(b.refusals > 0);
	g_rand_free(rand_);
}

static void a_clean_line_resends_nothing(void)
{
	static Line lines[2];
	static End a, b;
	a.out = &lines[0];
	b.out = &lines[1];
	rate = 0;
	rand_ = g_rand_new_with_seed(1);
	proto_link_init(&a.link, 0, &ops, &a);
	proto_link_init(&b.link, PROTO_FROM_NODE, &ops, &b);
	proto_link_open(&a.link, 5);
	proto_link_open(&b.link, 5);
	for (uint32_t ms = 0; ms < 500; ms++) {
		post(&a);
		proto_link_poll(&a.link, ms);
		deliver(&lines[0], &b);
		proto_link_poll(&b.link, ms);
		deliver(&lines[1], &a);
	}
	CU_ASSERT_EQUAL(b.taken, 500);
	CU_ASSERT_EQUAL(a.link.counts.resent + b.link.counts.missed + b.link.counts.repeated, 0);
	g_rand_free(rand_);
}

/* Well above 10,000 faults, at rates from rare to one in thirty bytes. */
static void every_message_arrives_once_whole_and_in_order(void)
{
	unsigned total = 0;
	for (uint32_t seed = 1; seed <= 6; seed++) {
		run(seed * 0.0005, seed, 20000, seed % 2);
		total += faults;
	}
	fprintf(stderr, "%u faults in all\n", total);
	CU_ASSERT_TRUE(total >= 10000);
}

static void another_session_s_frames_do_nothing(void)
{
	static Line lines[2];
	static End a, b;
	rate = 0;
	rand_ = g_rand_new_with_seed(1);
	a.out = &lines[0];
	b.out = &lines[1];
	proto_link_init(&a.link, 0, &ops, &a);
	proto_link_init(&b.link, PROTO_FROM_NODE, &ops, &b);
	proto_link_open(&a.link, 5);
	proto_link_open(&b.link, 6);
	post(&a);
	proto_link_poll(&a.link, 1);
	deliver(&lines[0], &b);
	CU_ASSERT_EQUAL(b.taken, 0);
	CU_ASSERT_EQUAL(b.link.expected, 0);
	g_rand_free(rand_);
}

static void an_echo_does_nothing(void)
{
	static Line line;
	static End a;
	rate = 0;
	rand_ = g_rand_new_with_seed(1);
	a.out = &line;
	proto_link_init(&a.link, 0, &ops, &a);
	proto_link_open(&a.link, 5);
	a.taken = 0;
	post(&a);
	proto_link_poll(&a.link, 1);
	deliver(&line, &a); /* the line's ends are joined: what it sent comes back */
	CU_ASSERT_EQUAL(a.taken, 0);
	CU_ASSERT_EQUAL(a.link.expected, 0);
	CU_ASSERT_EQUAL(a.link.counts.echoed, 1);
	g_rand_free(rand_);
}

static void a_full_window_says_so(void)
{
	static Line line;
	static End a;
	rate = 0;
	rand_ = g_rand_new_with_seed(1);
	a.out = &line;
	proto_link_init(&a.link, 0, &ops, &a);
	CU_ASSERT_EQUAL(proto_link_room(&a.link), 0); /* no session */
	proto_link_open(&a.link, 5);
	for (int i = 0; i < 2 * PROTO_WINDOW; i++)
		post(&a);
	CU_ASSERT_EQUAL(a.posted, PROTO_WINDOW);
	CU_ASSERT_EQUAL(proto_link_room(&a.link), 0);
	g_rand_free(rand_);
}

UNIT_MAIN("protocol.link", UNIT(a_clean_line_resends_nothing),
	  UNIT(every_message_arrives_once_whole_and_in_order),
	  UNIT(another_session_s_frames_do_nothing), UNIT(an_echo_does_nothing),
	  UNIT(a_full_window_says_so))
