/* The two safety lines in cycles of the release ELF, at full load: frames arriving back to back at 500 kBd, samples streaming with
 * seven conversions in a ms, edges captured, the schedule and the tick running, three axes stepping and a duty out. An opening loop takes the enable line within 3 µs (48 cycles) and every output within
 * 20 µs (320); interrupts are never off for longer than 20 µs, and outside the safety lines' own routines for 36 cycles.
 *
 * The press comes at a random cycle of a copy of the process, which ends with it: the node itself goes on at full load, a press
 * every quarter of a ms, and is armed anew only now and then. Interrupt-off spans are counted from the emulated core's own flag. */
#include "node_bench.h"
#include "node_sim_internal.h"
#include "unit.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PRESSES
#define PRESSES 1000 /* the night's build says 100,000 */
#endif
#define SEED 20261124u

/* Of the second board fewer by day. */
static unsigned presses(void)
{
	return PRESSES > 10000 || !strcmp(node_bench_board(), "atmega2560") ? PRESSES : PRESSES / 4;
}

#define OUT(i) ((uint8_t)(PROTO_REG_OUT0 + (i)))

typedef struct {
	NodeBench *b;
	GRand *rand;
	int64_t enable_cycles, out_cycles, duty_cycles,
		step_cycles; /* of this press; -1: has not come */
	uint64_t pressed;
	unsigned outs;
	unsigned k, turns;
	bool watching, axes; /* axes: this board has them, and duties */
} Rig;

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	(void)t_ns;
	Rig *r = user;
	if (!r->watching)
		return;
	int64_t took = (int64_t)(node_sim_cycle(r->b->sim) - r->pressed);
	if (level && !strncmp(name, "step.", 5))
		r->step_cycles = took;
	if (level)
		return;
	if (!strcmp(name, "enable"))
		r->enable_cycles = took;
	if (!strncmp(name, "out.", 4)) {
		r->out_cycles = MAX(r->out_cycles, took);
		r->outs++;
	}
}

static void on_duty(void *user, const char *name, int permille, int64_t t_ns)
{
	(void)t_ns;
	Rig *r = user;
	r->b->duty[name[4] - '0'] = permille;
	if (r->watching && !permille)
		r->duty_cycles = (int64_t)(node_sim_cycle(r->b->sim) - r->pressed);
}

static const char *const inputs[] = {"in.0", "in.1", "in.2", "in.3"};

static void an_edge(Rig *r)
{
	node_bench_input(r->b, inputs[g_rand_int_range(r->rand, 0, 4)], g_rand_boolean(r->rand));
}

/* Keep the window full, so that the node's receiver never rests: outputs at once, the lamp by the clock. */
static void load(Rig *r)
{
	NodeBench *b = r->b;
	an_edge(r);
	while (proto_link_room(&b->link) > 0) {
		if (++r->k & 1)
			node_bench_soonest(b, OUT(r->k / 2 % 3), 1);
		else
			node_bench_write(
				b, PROTO_REG_LED, r->k >> 1 & 1,
				node_bench_ticks(b, node_bench_now(b)) + 5000 + r->k % 64 * 40, 0);
	}
}

static void all_taken(NodeBench *b)
{
	for (int i = 0; i < 400 && b->link.base != b->link.next; i++)
		node_bench_run(b, CLOCK_MS / 2);
}

static bool rearm(Rig *r)
{
	NodeBench *b = r->b;
	node_bench_input(b, "estop", true);
	b->next_ping_ns = INT64_MAX;
	all_taken(b); /* what the trip refused */
	node_bench_input(b, "estop", false);
	node_bench_input(b, "trip", false);
	node_bench_run(b, CLOCK_MS / 2);
	for (uint8_t i = 0; i < PROTO_AXES && r->axes; i++)
		node_bench_soonest(b, (uint8_t)(PROTO_REG_AXIS0 + i), 0);
	node_bench_write(b, PROTO_REG_RESET, 0, 0, 0);
	node_bench_write(b, PROTO_REG_RESET, 1, 0, 0);
	all_taken(b);
	b->next_ping_ns = 0;
	node_bench_run(b, CLOCK_MS);
	for (uint8_t i = 0; i < 3; i++)
		node_bench_soonest(b, OUT(i), 1);
	if (r->axes)
		node_bench_soonest(b, OUT(8), 500);
	all_taken(b);
	for (uint8_t i = 0; i < PROTO_AXES && r->axes; i++) {
		node_bench_move(b, i, 100000, 20000, 100000, 0, false);
		g_array_set_size(b->axis[i].at, 0);
	}
	all_taken(b);
	/* from the first steps on; now and then to half of full speed */
	unsigned steps = r->k % 8 ? r->k % 32 : 300;
	for (int i = 0; i < (r->axes ? 400 : 1) && b->axis[2].at->len <= steps; i++) {
		load(r);
		node_bench_run(b, CLOCK_MS / 4);
	}
	load(r);
	node_bench_run(b, CLOCK_MS / 2);
	if (r->axes && (b->duty[0] != 500 || !b->axis[2].at->len))
		return false;
	return b->sim->level[9] && b->sim->level[0] && b->sim->level[1] && b->sim->level[2];
}

typedef struct {
	double sum_enable, sum_out;
	int64_t worst_enable, worst_out, worst_duty, worst_step;
	unsigned presses, unarmed, missed, steps;
} Totals;

/* What a press in a copy has found, in memory that both see. */
typedef struct {
	int64_t enable, out, duty, step;
	unsigned outs;
	bool done, unarmed;
} Press;

static bool is_armed(const Rig *r)
{
	const NodeSim *sim = r->b->sim;
	return sim->level[9] && sim->level[0] && sim->level[1] && sim->level[2] &&
	       (!r->axes || r->b->duty[0] == 500);
}

static void press(Rig *r, const char *line, Press *ret)
{
	NodeBench *b = r->b;
	uint64_t at = node_sim_cycle(b->sim) + (uint64_t)g_rand_int_range(r->rand, 0, 8000);
	uint64_t edge = (uint64_t)g_rand_int_range(r->rand, 0, 400);
	if (at - edge > node_sim_cycle(b->sim)) {
		node_sim_run_to_cycle(b->sim, at - edge);
		an_edge(r);
	}
	node_sim_run_to_cycle(b->sim, at);
	if (!is_armed(r)) { /* by itself in between: nothing to measure */
		ret->done = ret->unarmed = true;
		return;
	}
	r->enable_cycles = r->out_cycles = r->duty_cycles = r->step_cycles = -1;
	r->outs = 0;
	r->pressed = node_sim_cycle(b->sim);
	r->watching = true;
	b->sim->plant = (NodeSimPlant){r, on_pin, NULL, on_duty};
	node_bench_input(b, line, true);
	node_sim_run_to_cycle(b->sim, r->pressed + 1000);
	*ret = (Press){r->enable_cycles, r->out_cycles, r->duty_cycles, r->step_cycles,
		       r->outs,          true,          false};
}

static void count(const Rig *r, const Press *p, Totals *t)
{
	if (p->unarmed) {
		t->unarmed++;
		return;
	}
	t->presses++;
	t->worst_duty = MAX(t->worst_duty, p->duty);
	t->worst_step = MAX(t->worst_step, p->step);
	t->steps += p->step >= 0;
	if (!p->done || p->enable < 0 || p->outs != 3 || (r->axes && p->duty < 0)) {
		t->missed++;
		return;
	}
	t->sum_enable += (double)p->enable;
	t->sum_out += (double)p->out;
	t->worst_enable = MAX(t->worst_enable, p->enable);
	t->worst_out = MAX(t->worst_out, p->out);
}

/* A little further; from the first steps of the axes on, and before the last ones. */
static bool go_on(Rig *r)
{
	if (r->turns++ % 9000 == 0 || !is_armed(r))
		return rearm(r);
	r->b->edges = 0;
	load(r);
	node_bench_run(r->b, 150 * CLOCK_US + g_rand_int_range(r->rand, 0, 200) * CLOCK_US);
	return is_armed(r);
}

static Rig rig_new(void)
{
	Rig r = {.b = node_bench_new(BENCH_ELF), .rand = g_rand_new_with_seed(SEED)};
	CU_ASSERT_TRUE(node_bench_connect(r.b));
	r.axes = node_bench_has(r.b, PROTO_REG_AXIS0);
	for (uint8_t i = 0; i < PROTO_AXES && r.axes; i++)
		CU_ASSERT_EQUAL(node_bench_set(r.b, (uint8_t)(PROTO_REG_AXIS0 + i), 0), 0);
	CU_ASSERT_TRUE(node_bench_arm(r.b));
	CU_ASSERT_EQUAL(node_bench_set(r.b, PROTO_REG_ADC0_OVERSAMPLE, 4), 4);
	CU_ASSERT_EQUAL(node_bench_set(r.b, PROTO_REG_EDGES, 15), 15);
	CU_ASSERT_EQUAL(node_bench_set(r.b, PROTO_REG_STREAM, 1), 1);
	return r;
}

static void an_opening_loop_cuts_the_enable_line_within_3_us(void)
{
	Rig r = rig_new();
	Totals t[2] = {0};
	Press *found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	for (unsigned i = 0; i < presses(); i++) {
		if (!go_on(&r)) {
			t[i & 1].unarmed++;
			continue;
		}
		*found = (Press){0};
		pid_t copy = fork();
		if (!copy) {
			g_rand_set_seed(r.rand, SEED + i);
			press(&r, i & 1 ? "trip" : "estop", found);
			_exit(0);
		}
		CU_ASSERT_EQUAL(waitpid(copy, NULL, 0), copy);
		count(&r, found, &t[i & 1]);
	}
	munmap(found, sizeof *found);
	for (int i = 0; i < 2; i++) {
		unsigned n = t[i].presses - t[i].missed;
		fprintf(stderr,
			"%s, seed %u: %u presses at random cycles; enable off after %.1f cycles in "
			"the mean, %d at worst; every output after %.1f, %d at worst; the duty %d, "
			"a step's pulse began %d times, after %d\n",
			i ? "trip" : "e-stop", SEED, n, t[i].sum_enable / MAX(n, 1),
			(int)t[i].worst_enable, t[i].sum_out / MAX(n, 1), (int)t[i].worst_out,
			(int)t[i].worst_duty, t[i].steps, (int)t[i].worst_step);
		CU_ASSERT_EQUAL(t[i].missed, 0);
		CU_ASSERT_TRUE(t[i].unarmed < MAX(presses() / 100, 3) && n > presses() / 3);
		CU_ASSERT_TRUE(t[i].worst_enable <= 48);
		CU_ASSERT_TRUE(t[i].worst_out <= 320);
		CU_ASSERT_TRUE(t[i].worst_duty <= 320);
		CU_ASSERT_TRUE(t[i].worst_step <= 320);
	}
	g_rand_free(r.rand);
	node_bench_free(r.b);
}

/* One instruction after the other, with the flag in view. */
static void interrupts_are_off_for_36_cycles_at_most(void)
{
	Rig r = rig_new();
	avr_t *avr = r.b->sim->avr;
	CU_ASSERT_TRUE(rearm(&r)); /* axes and duty */
	uint64_t off_at = 0, worst = 0, spans = 0, end;
	bool on = true;
	for (int ms = 0; ms < (PRESSES > 10000 ? 5000 : 400); ms++) {
		load(&r);
		if (ms % 10 == 0)
			r.b->next_ping_ns = 0;
		node_bench_run(r.b, CLOCK_MS / 2);
		for (end = avr->cycle + 8000; avr->cycle < end;) {
			avr_run(avr);
			bool is = avr->sreg[S_I];
			if (on && !is)
				off_at = avr->cycle;
			if (!on && is) {
				worst = MAX(worst, avr->cycle - off_at);
				spans++;
			}
			on = is;
		}
		while (!avr->sreg[S_I])
			avr_run(avr);
		on = true;
	}
	fprintf(stderr, "interrupts off %u times, %u cycles at most\n", (unsigned)spans,
		(unsigned)worst);
	CU_ASSERT_TRUE(spans > 10000);
	CU_ASSERT_TRUE(worst <= 36);
	g_rand_free(r.rand);
	node_bench_free(r.b);
}

UNIT_MAIN("firmware.latency", UNIT(an_opening_loop_cuts_the_enable_line_within_3_us),
	  UNIT(interrupts_are_off_for_36_cycles_at_most))
