/* What can go wrong with the run of bench.h, as small changes to its recording; and what each does to the room. */
#ifndef ANZEN_TESTS_CRITERION_MUTATIONS_H
#define ANZEN_TESTS_CRITERION_MUTATIONS_H

#include "bench.h"

#define LIMIT_S 10.0
/* Edges are known to some hundredths of a second (lag 3 ms, 20 ms between samples, noise): nearer to the limit any verdict
 * but the wrong one is right. */
#define EDGE_S 0.15

typedef struct Truth {
	double alarm_s;   /* NaN: never */
	double bench_s;   /* the first fault of the bench; INFINITY: none */
	bool bench_all;   /* it leaves nothing to rely on, at any time */
	bool product_bad; /* the product failed by itself */
	bool dead;        /* and is not shown alive */
	bool incomplete;
	bool removed; /* what the product would have said after the bench's fault is not there */
} Truth;

typedef struct Draw {
	GRand *rand;
	Bench *b;
	Truth *t;
} Draw;

typedef void (*Mutation)(Draw *d);

static void bench_broke(Draw *d, double at_s, bool all)
{
	d->t->bench_s = fmin(d->t->bench_s, at_s);
	d->t->bench_all |= all;
}

static double draw(Draw *d, double lo, double hi)
{
	return g_rand_double_range(d->rand, lo, hi);
}

/* ---- the bench's ---- */

/* Readings of the height are no measurement from before the fall until after its end. */
static void hide_height(Draw *d)
{
	const SampleStatus kinds[] = {SAMPLE_MISSING, SAMPLE_SATURATED, SAMPLE_STALE};
	SampleStatus kind = kinds[g_rand_int_range(d->rand, 0, 3)];
	double from = draw(d, 0, 4.05), to = draw(d, 4.5, 20);
	bool nan = g_rand_boolean(d->rand);
	Signal *h = d->b->height;
	for (size_t i = 0; i < h->n; i++)
		if (h->t_ns[i] >= at(from) && h->t_ns[i] <= at(to)) {
			h->status[i] = (uint8_t)(nan ? SAMPLE_OK : kind);
			h->v[i] = nan ? (double)NAN : h->v[i];
		}
	bench_broke(d, from, true);
}

/* The samples are not there at all. */
static void drop_height(Draw *d)
{
	double from = draw(d, 0, 4.05), to = draw(d, 4.5, 20);
	Signal *h = d->b->height;
	size_t n = 0;
	for (size_t i = 0; i < h->n; i++) {
		if (h->t_ns[i] >= at(from) && h->t_ns[i] <= at(to))
			continue;
		h->t_ns[n] = h->t_ns[i];
		h->v[n] = h->v[i];
		h->status[n++] = h->status[i];
	}
	h->n = n;
	bench_broke(d, from, true);
}

/* The wire sticks before the fall: what the product saw, nobody knows. */
static void stick_height(Draw *d)
{
	double from = draw(d, 0, 4);
	Signal *h = d->b->height;
	for (size_t i = 0; i < h->n; i++)
		if (h->t_ns[i] >= at(from))
			h->v[i] = 1.2;
	bench_broke(d, from, true);
}

/* The mannequin fell long before the script, or after it. */
static void shift_fall(Draw *d)
{
	double by = g_rand_boolean(d->rand) ? draw(d, -3, -0.5) : draw(d, 1.5, 8);
	Signal *h = d->b->height;
	for (size_t i = 0; i < h->n; i++)
		h->v[i] = fall_height((double)(h->t_ns[i] - T0) / 1e9 - by);
	bench_broke(d, 0, true);
}

static void spoil_declaration(Draw *d)
{
	SignalInfo *i = &d->b->height->info;
	switch (g_rand_int_range(d->rand, 0, 7)) {
	case 0:
		i->max_gap_ns = 0;
		break;
	case 1:
		i->bandwidth_hz = 0;
		break;
	case 2:
		i->max_slew = 0;
		break;
	case 3:
		i->u_common = (double)NAN;
		break;
	case 4:
		i->dof_common = 0;
		break;
	case 5:
		i->u_sample = (double)NAN;
		break;
	default:
		g_free(i->certificate_fault);
		i->certificate_fault = g_strdup("certificate expired");
		break;
	}
	bench_broke(d, 0, true);
}

static void lose_signal(Draw *d)
{
	const char *const names[] = {"mannequin.height", "health.input.consumed",
				     "health.input.age", "health.cpu.wait"};
	const char *name = names[g_rand_int_range(d->rand, 0, G_N_ELEMENTS(names))];
	Signal *s = recording_signal(d->b->rec, name);
	if (!s)
		return;
	s->n = 0;
	bench_broke(d, 0, true);
}

/* A camera or device fails at some time; the product, blind, may say nothing any more. */
static void fault_bench(Draw *d)
{
	double from = draw(d, 0, 19.5),
	       until = g_rand_boolean(d->rand) ? (double)NAN : from + draw(d, 0.1, 5);
	bool whole = g_rand_boolean(d->rand);
	bench_fault(d->b, from, until, whole ? NULL : "camera.main",
		    g_rand_boolean(d->rand) ? BLAME_BENCH : BLAME_UNKNOWN, g_rand_boolean(d->rand),
		    "cam: something broke");
	bench_broke(d, from, false);
	d->t->bench_all |=
		whole; /* no later fall can be excluded, nor the recorded one's end known */
	d->t->removed |= g_rand_boolean(d->rand);
}

static void starve(Draw *d)
{
	size_t i = (size_t)g_rand_int_range(d->rand, 1, 195);
	if (d->b->wait->n > i)
		d->b->wait->v[i] = 0.5;
	bench_broke(d, (double)(i - 1) / 10, false);
	d->t->removed |= g_rand_boolean(d->rand);
}

static void age_input(Draw *d)
{
	size_t i = (size_t)g_rand_int_range(d->rand, 0, 195);
	if (d->b->age->n > i)
		d->b->age->v[i] = draw(d, 0.25, 3);
	bench_broke(d, (double)i / 10, false);
	d->t->removed |= g_rand_boolean(d->rand);
}

static void cut_recording(Draw *d)
{
	double end = draw(d, 5, 20);
	d->b->rec->end_ns = MIN(d->b->rec->end_ns, at(end));
	d->b->rec->complete = false;
	d->t->incomplete = true;
}

/* ---- the product's ---- */

static void alarm_at(Draw *d, double s)
{
	d->b->alarm->n = 1;
	d->b->claim->n = 0;
	d->t->alarm_s = s;
	if (isnan(s))
		return;
	signal_append(d->b->alarm, at(s), 1, SAMPLE_OK);
	signal_append(d->b->claim, at(s), 1000 + s, SAMPLE_OK);
}

static void alarm_late(Draw *d)
{
	alarm_at(d, draw(d, 14.2, 19.9));
}

static void alarm_never(Draw *d)
{
	alarm_at(d, (double)NAN);
}

static void alarm_before(Draw *d)
{
	alarm_at(d, draw(d, 0.1, 4));
}

static void alarm_stuck(Draw *d)
{
	alarm_at(d, (double)NAN);
	d->b->alarm->v[0] = 1;
}

static void product_fault(Draw *d)
{
	bench_fault(d->b, draw(d, 0, 6), (double)NAN, NULL, BLAME_PRODUCT, g_rand_boolean(d->rand),
		    "garbage");
	d->t->product_bad = true;
}

static void die(Draw *d)
{
	double when = draw(d, 0.5, 15);
	Signal *all[] = {d->b->beat, d->b->consumed, d->b->card};
	for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
		while (all[k]->n > 1 && all[k]->t_ns[all[k]->n - 1] > at(when))
			all[k]->n--;
	d->t->dead = true;
	if (!isnan(d->t->alarm_s) && d->t->alarm_s > when)
		alarm_at(d, (double)NAN);
}

static void no_control(Draw *d)
{
	d->b->card->n = 1;
	d->t->dead = true;
}

static const Mutation bench_mutations[] = {
	hide_height, drop_height, stick_height, shift_fall, spoil_declaration,
	lose_signal, fault_bench, starve,       age_input,  cut_recording};
static const Mutation product_mutations[] = {alarm_late,    alarm_never, alarm_before, alarm_stuck,
					     product_fault, die,         no_control};

static inline void silence_after(Bench *b, double s)
{
	Signal *all[] = {b->alarm, b->card, b->claim};
	for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
		while (all[k]->n > 0 && all[k]->t_ns[all[k]->n - 1] > at(s))
			all[k]->n--;
}

static inline void mutate(Draw *d, const Mutation *from, size_t n, int times)
{
	for (int i = 0; i < times; i++)
		from[g_rand_int_range(d->rand, 0, (gint32)n)](d);
}

#endif
