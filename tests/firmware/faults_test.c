/* The node behind a line that drops, flips, repeats, splits and holds back bytes: a command acts once, whole and at its time, or
 * not at all; and a node that hangs is reset by its watchdog and says so. */
#include "node_bench.h"
#include "node_sim_internal.h"
#include "unit.h"

#ifndef LONG
#define LONG 1 /* the night's build says 8: more than 100,000 faults */
#endif

typedef struct {
	uint8_t bytes[4096];
	size_t n;
	int64_t until_ns;
} Held;

typedef struct {
	GRand *rand;
	double rate;
	unsigned faults;
	uint8_t old[256]; /* what went by, to come again */
	size_t old_n;
	Held held[2]; /* to the node, to the host: what stands in some buffer */
} Damage;

static bool hit(Damage *d)
{
	if (g_rand_double(d->rand) >= d->rate)
		return false;
	d->faults++;
	return true;
}

/* A receiver out of step takes the two halves of a byte for two bytes. */
static size_t split(Damage *d, uint8_t byte, uint8_t *ret)
{
	int cut = g_rand_int_range(d->rand, 1, 8);
	ret[0] = (uint8_t)(byte << cut);
	ret[1] = (uint8_t)(byte >> (8 - cut));
	return 2;
}

static size_t strike(Damage *d, const uint8_t *bytes, size_t n, uint8_t *ret, size_t size)
{
	size_t k = 0;
	for (size_t i = 0; i < n && k + 4 < size; i++) {
		if (hit(d))
			continue;
		if (hit(d))
			k += split(d, bytes[i], ret + k);
		else
			ret[k++] =
				hit(d) ? bytes[i] ^ (uint8_t)(1 << g_rand_int_range(d->rand, 0, 8))
				       : bytes[i];
		if (hit(d))
			ret[k++] = bytes[i];
	}
	if (hit(d) && d->old_n &&
	    k + d->old_n < size) { /* a stretch of the past of either way once more */
		memcpy(ret + k, d->old, d->old_n);
		k += d->old_n;
	}
	if (n && n <= sizeof d->old && g_rand_int_range(d->rand, 0, 4) == 0) {
		memcpy(d->old, bytes, n);
		d->old_n = n;
	}
	return k;
}

/* Now and then everything from some byte on waits for up to 30 ms, in order. */
static size_t damage(NodeBench *b, int way, const uint8_t *bytes, size_t n, uint8_t *ret,
		     size_t size)
{
	Damage *d = b->user;
	Held *h = &d->held[way];
	uint8_t bad[4096];
	size_t k = strike(d, bytes, n, bad, sizeof bad), out = 0;
	int64_t now = node_bench_now(b);
	if (h->n && now >= h->until_ns) {
		out = MIN(h->n, size);
		memcpy(ret, h->bytes, out);
		h->n = 0;
	}
	size_t pass = k;
	if (h->n) {
		pass = 0;
	} else if (k && hit(d)) {
		pass = (size_t)g_rand_int_range(d->rand, 0, (gint32)k);
		h->until_ns = now + g_rand_int_range(d->rand, 1, 30) * CLOCK_MS;
	}
	pass = MIN(pass, size - out);
	memcpy(ret + out, bad, pass);
	size_t kept = MIN(k - pass, sizeof h->bytes - h->n);
	memcpy(h->bytes + h->n, bad + pass, kept);
	h->n += kept;
	return out + pass;
}

static size_t to_node(NodeBench *b, const uint8_t *bytes, size_t n, uint8_t *ret, size_t size)
{
	return damage(b, 0, bytes, n, ret, size);
}

static size_t to_host(NodeBench *b, const uint8_t *bytes, size_t n, uint8_t *ret, size_t size)
{
	return damage(b, 1, bytes, n, ret, size);
}

typedef struct {
	uint16_t tag;
	uint64_t at;
	bool level;
} Asked;

/* The lamp is commanded on and off at growing times; each edge must be one of those, each DONE one edge. */
static unsigned blink_through_faults(BenchKind kind, uint32_t seed, double rate, unsigned commands)
{
	g_autoptr(NodeBench) b = node_bench_new(kind);
	g_autofree Asked *asked = g_new0(Asked, commands);
	Damage d = {.rand = g_rand_new_with_seed(seed), .rate = rate};
	CU_ASSERT_TRUE(node_bench_connect(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_LED, 0), 0);
	node_bench_run(b, 5 * CLOCK_MS);
	b->user = &d;
	b->to_node = to_node;
	b->to_host = to_host;
	b->edges = 0;
	unsigned done = 0, refused = 0, edges = 0;
	uint64_t at = 0;
	int64_t worst = 0;
	for (unsigned i = 0; i < commands; i++) {
		uint64_t now = node_bench_ticks(b, node_bench_now(b));
		at = MAX(at + 9 * NODE_MS, now + 30 * NODE_MS);
		while (!proto_link_room(&b->link))
			node_bench_run(b, CLOCK_MS);
		asked[i] =
			(Asked){node_bench_write(b, PROTO_REG_LED, !(i & 1), at, 0), at, !(i & 1)};
		node_bench_run(b, 9 * CLOCK_MS);
		const ProtoReply *r; /* answers of a while ago */
		if (i >= 12 && (r = node_bench_reply(b, PROTO_MSG_DONE, asked[i - 12].tag))) {
			done++;
			worst = MAX(worst, llabs((int64_t)(r->at - asked[i - 12].at)));
		} else if (i >= 12 && node_bench_reply(b, PROTO_MSG_REFUSED, asked[i - 12].tag)) {
			refused++;
		}
	}
	d.rate = 0;
	node_bench_run(b, CLOCK_S);
	for (unsigned k = 0, i = 0; k < b->edges; k++) { /* in order, each asked for, none twice */
		if (strcmp(b->edge[k].name, "led"))
			continue;
		int64_t t = (int64_t)node_bench_ticks(b, b->edge[k].t_ns);
		while (i < commands && (int64_t)asked[i].at < t - 200)
			i++;
		CU_ASSERT_TRUE(i < commands && llabs((int64_t)asked[i].at - t) < 100 &&
			       asked[i].level == b->edge[k].level);
		i++;
		edges++;
	}
	fprintf(stderr,
		"%s, seed %u: %u faults, %u commands, %u done, %u refused, %u edges, %u resent, "
		"node saw %u damaged, worst %.1f us\n",
		kind == BENCH_ELF ? "ELF" : "native", seed, d.faults, commands, done, refused,
		edges, b->link.counts.resent, b->pong.damaged, (double)worst / 2);
	CU_ASSERT_TRUE(worst < 100); /* ticks of 0.5 µs */
	/* the small board's window is half as wide: after a fault more of what was sent comes too late for its time */
	CU_ASSERT_TRUE(done > commands / (kind == BENCH_ELF ? 10 : 4) && edges > 0);
	CU_ASSERT_TRUE(b->edges < BENCH_EDGES);
	g_rand_free(d.rand);
	return d.faults;
}

static void a_command_acts_once_and_whole_or_not_at_all(void)
{
	unsigned total = 0;
	if (g_getenv("ANZEN_NODE_BOARD"))
		return; /* another board's ELF; the native core is the same */
	for (uint32_t seed = 1; seed <= 8 * LONG; seed++)
		total += blink_through_faults(BENCH_NATIVE, seed, 0.0005 + 0.0003 * (seed % 8),
					      1200);
	fprintf(stderr, "%u faults on the native core\n", total);
	CU_ASSERT_TRUE(total >= (LONG > 1 ? 100000 : 10000));
}

static void the_same_on_the_release_elf(void)
{
	unsigned total = 0;
	for (uint32_t seed = 21; seed <= 24; seed++)
		total += blink_through_faults(BENCH_ELF, seed, 0.0015, 500);
	CU_ASSERT_TRUE(total >= 1000);
}

/* Whatever arrives, a leased output is safe 96 ms after the last keep-alive that could have arrived. */
static void garbage_extends_no_lease(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(3);
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_arm(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_OUT0 + 0, 1), 1);
	int64_t last = b->last_word_ns;
	b->groups = 0xff;
	for (int i = 0; i < 120; i++) {
		uint8_t noise[40];
		for (size_t k = 0; k < sizeof noise; k++)
			noise[k] = (uint8_t)g_rand_int(rand);
		node_sim_feed(b->sim, noise, sizeof noise);
		node_bench_run(b, CLOCK_MS);
	}
	const BenchEdge *e = node_bench_edge(b, "out.0");
	CU_ASSERT_TRUE(e && !e->level && e->t_ns - last <= 96 * CLOCK_MS);
	CU_ASSERT_TRUE(b->link.session && node_bench_get(b, PROTO_REG_STATE) ==
						  PROTO_STATE_FAULTED); /* and it still talks */
}

/* The main loop is stopped by a jump to itself in flash; interrupts go on, so the lease works, and the watchdog bites. */
static void a_hung_node_is_safe_and_reset_by_its_watchdog(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	CU_ASSERT_TRUE(node_bench_arm(b));
	CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_OUT0 + 0, 1), 1);
	avr_t *avr = b->sim->avr;
	while (!avr->sreg[S_I] ||
	       avr->state != cpu_Sleeping) /* in main, asleep: not within an interrupt */
		node_sim_run_to_cycle(b->sim, node_sim_cycle(b->sim) + 7);
	uint8_t saved[2] = {avr->flash[avr->pc], avr->flash[avr->pc + 1]};
	uint32_t pc = avr->pc;
	avr->flash[pc] = 0xff; /* rjmp .-2 */
	avr->flash[pc + 1] = 0xcf;
	int64_t hung = node_bench_now(b);
	b->groups = 0xff;
	NodeSimStats stats = {0};
	for (int i = 0; i < 2000 && !stats.resets; i++) {
		node_bench_run(b, 100 * CLOCK_US);
		node_sim_stats(b->sim, &stats);
	}
	avr->flash[pc] = saved[0];
	avr->flash[pc + 1] = saved[1];
	const BenchEdge *e = node_bench_edge(b, "out.0");
	CU_ASSERT_EQUAL(stats.resets, 1);
	CU_ASSERT_TRUE(e && !e->level && e->t_ns - hung <= 100 * CLOCK_MS);
	fprintf(stderr, "hung main loop: outputs safe after %.1f ms\n",
		e ? (double)(e->t_ns - hung) / 1e6 : -1.0);
	b->link.session = 0;
	b->groups = 0;
	CU_ASSERT_TRUE(node_bench_connect(b));
	CU_ASSERT_EQUAL(b->hello.boot_count, 2);
	CU_ASSERT_TRUE(b->hello.boot_cause & PROTO_CAUSE_WATCHDOG);
	CU_ASSERT_EQUAL(b->pong.reason, PROTO_REASON_WATCHDOG);
	CU_ASSERT_EQUAL(b->pong.state, PROTO_STATE_FAULTED);
}

UNIT_MAIN("firmware.faults", UNIT(a_command_acts_once_and_whole_or_not_at_all),
	  UNIT(the_same_on_the_release_elf), UNIT(garbage_extends_no_lease),
	  UNIT(a_hung_node_is_safe_and_reset_by_its_watchdog))
