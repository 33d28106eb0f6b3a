/* Step/dir axes: a move is a trapezoid of whole slices (PROTO_SLICE_US), planned when it is accepted, cut into steps by the
 * tick some slices ahead and put out by the step interrupt.
 *
 * The plan: K slices of ramp up, N of cruise, K of ramp down over D steps; the peak is V = D / (K + N) steps a slice, so that
 * the way is D to the last unit. K = ceil(v / a) and N = ceil(D / v) - K with v and a a slice's; when that leaves no cruise, N = 1
 * and K is the least with K (K + 1) >= D / a. So velocity <= v and acceleration <= a whatever the rounding.
 * Velocities are in 2^-24 step a slice. They change once a slice by V / K, the remainder spread as Bresenham does; the ramp
 * down takes off the same in the same order, and both together are K V exactly. Within a slice steps are evenly spaced: the way
 * at the slice's borders is that of the analytic trapezoid, in between it differs by at most a / 8 (a in step/slice^2).
 * A step falls where the way crosses a half, so the count is never more than half a step off the way.
 *
 * Any trip, lost lease or make-safe stops the pulses at once, since the drive loses its power with the enable line: where a
 * moving axis comes to rest is then not known. An axis at rest must hold by itself (it does when power is off), so
 * it keeps its position.
 */
#include "core.h"

#if ROWS_AXES

#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc)            \
	_Static_assert((max_v) > 0 && (max_v) <= 60000, name ": MAX_V must be 1 ... 60000");       \
	_Static_assert((max_a) > 0 && (max_a) <= 10000000, name ": MAX_A must be 1 ... 10^7");     \
	_Static_assert((lo) < (hi) && (int64_t)(hi) - (lo) <= 2000000,                             \
		       name ": travel must be 1 ... 2000000 steps");                               \
	_Static_assert((home_v) > 0 && (home_v) <= 1000 && (home_v) <= (max_v),                    \
		       name ": HOME_V must be 1 ... 1000: one step between two looks at most");    \
	_Static_assert((towards) == 1 || (towards) == -1, name ": TOWARDS must be 1 or -1");       \
	_Static_assert((towards) > 0 ? (at) > (hi) : (at) < (lo), name ": AT lies in the travel"); \
	_Static_assert((at) - (lo) < 100000 && (lo) - (at) < 2100000, name ": AT is too far");     \
	_Static_assert((limit) < 4 && (index) < PROTO_AXES, name ": no such input or axis");
#include "../protocol/registers.def"

#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) \
	[index] = {lo, hi, at, max_v, max_a, home_v, PROTO_INPUT_IN0 << (limit), towards},
static const struct axis_fact {
	int32_t lo, hi, at;
	uint32_t max_v, max_a;
	uint16_t home_v;
	uint8_t limit;
	int8_t towards;
} facts[] = {
#include "../protocol/registers.def"
};

#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) \
	| PROTO_INPUT_IN0 << (limit)
enum {
	LIMITS = 0
#include "../protocol/registers.def"
};

#define SLICE ((uint32_t)TICKS_US(PROTO_SLICE_US))
#define SLICES_S ((uint32_t)(1000000ul / PROTO_SLICE_US))
_Static_assert(TICKS_US(PROTO_SLICE_US) <= 2047, "SLICE << 20 has room in 32 bits");
_Static_assert(PROTO_AXES <= 1000 / PROTO_TICK_US, "each axis has its tick in a slice");
#define LEAD (2 * SLICE)  /* steps are prepared this long ahead */
#define LATE TICKS_US(60) /* and must be at least this long */
#define HOME_MARGIN 256   /* steps beyond the travel in search of the switch */
#define WAY 25            /* binary places of the way: twice the velocity's */
#define WAY_STEP (1ul << WAY)

void axes_init(void)
{
	for (uint8_t i = 0; i < PROTO_AXES; i++) {
		struct axis *a = &node.axis[i];
		a->lo = facts[i].lo;
		a->hi = facts[i].hi;
		a->max_v = facts[i].max_v;
		a->max_a = facts[i].max_a;
	}
}

int32_t axes_position(uint8_t i)
{
	const struct stepper *s = &node.stepper[i];
	CORE_READY(s);
	board_irq irq = board_irq_off();
	int32_t end = s->end;
	uint8_t left = s->left;
	board_irq_restore(irq);
	return s->direction < 0 ? end + left : end - left;
}

uint8_t axes_state(uint8_t i)
{
	const struct axis *a = &node.axis[i];
	uint8_t state = a->known ? PROTO_AXIS_KNOWN : 0;
	if (a->stage > AXIS_WAITS && a->stage < AXIS_OVER)
		state = (uint8_t)(state | PROTO_AXIS_MOVING | (a->homing ? PROTO_AXIS_HOMING : 0));
	return state;
}

/* ---- the step interrupt ----------------------------------------------------------------------------------------- */

/* The run of evenly spaced steps is out: begin the next one, or rest. Nothing of the axis can come until board_axis_at(), and
 * no tick puts anything into the ring meanwhile. */
void core_on_run_end(uint8_t i)
{
	struct stepper *s = &node.stepper[i];
	s->left = 0;
	if (s->take == s->put) {
		board_axis_rest(i);
		s->running = 0;
	} else {
		axes_load(i);
		board_axis_low(
			i); /* before the next can come, which may be at once: two pulses must not be one */
		board_axis_at(i, s->next);
		return;
	}
	board_axis_low(i);
}

void core_on_step(uint8_t i)
{
	struct stepper *s = &node.stepper[i];
	board_axis_high(i);
	if (s->left == 1) {
		core_on_run_end(i);
		return;
	}
	s->left--;
	uint16_t fraction = (uint16_t)(s->fraction + s->interval_fraction);
	s->fraction = (uint8_t)fraction;
	s->next = (uint16_t)(s->next + s->interval + (fraction >> 8));
	board_axis_at(i, s->next);
	board_axis_low(i);
}

/* Whoever calls is alone with the stepper: its interrupt, or the tick while it rests. */
void axes_load(uint8_t i)
{
	struct stepper *s = &node.stepper[i];
	const struct steps *r = &s->ring[s->take % AXIS_RING];
	uint8_t count = r->count;
	s->next = r->first;
	s->interval = r->interval;
	s->interval_fraction = r->fraction;
	s->fraction = 0;
	int32_t end = s->direction < 0 ? s->end - count : s->end + count;
	board_barrier();
	s->take++;
	CORE_READY(end);
	CORE_READY(s);
	board_irq irq = board_irq_off();
	s->end = end;
	s->left = count;
	board_irq_restore(irq);
}

/* ---- the tick: slices -------------------------------------------------------------------------------------------- */

static const uint8_t lease_of[] = {
#define AXIS(index, name, lo, hi, max_v, max_a, limit, towards, at, home_v, group, doc) \
	[index] = 1u << PROTO_GROUP_##group,
#include "../protocol/registers.def"
};

static uint8_t permitted(uint8_t i)
{
	if (node.state != PROTO_STATE_READY)
		return PROTO_REFUSED_INTERLOCK;
	return node.leases & lease_of[i] ? 0 : PROTO_REFUSED_LEASE;
}

/* Nothing of the axis goes on; what it has put out is its position. The step interrupt is off or cannot come. */
static void settle(uint8_t i)
{
	struct stepper *s = &node.stepper[i];
	board_axis_rest(i);
	int32_t position = axes_position(i);
	s->take = s->put;
	s->running = 0;
	s->left = 0;
	s->end = position;
}

static void over(struct axis *a, uint8_t why)
{
	a->why = why;
	board_barrier();
	a->stage = AXIS_OVER;
	node.axes_changed = 1;
}

/* Tick: no pulse after the one that may just be under way; the interrupted step interrupt still has to count it, so main,
 * which runs when no interrupt does, settles the rest. */
static void drop(uint8_t i, uint8_t why)
{
	struct axis *a = &node.axis[i];
	board_axis_rest(i);
	a->why = why;
	board_barrier();
	a->stage = AXIS_DROPS;
}

/* Main, with the tick kept out or nothing left for it to do. */
static void dropped(uint8_t i, uint8_t why)
{
	struct axis *a = &node.axis[i];
	settle(i);
	if (axes_position(i) != a->from || a->homing) {
		a->known = 0;
		core_event(PROTO_EVENT_AXIS_LOST, (uint8_t)(PROTO_REG_AXIS0 + i), why, board_now());
	}
	a->last_at = board_now();
	over(a, why);
}

static void ramp_down(struct axis *a)
{
	a->stage = a->ramped ? AXIS_DOWN : AXIS_ENDS;
	a->error = 0;
}

/* V / K of this slice. */
static uint32_t change(struct axis *a)
{
	uint32_t dv = a->dv;
	a->error += a->dv_rest;
	if (a->error >= a->ramp) {
		a->error -= a->ramp;
		dv++;
	}
	return dv;
}

/* The way of one slice, in 2^-WAY step. */
static uint32_t slice_way(struct axis *a)
{
	uint32_t was = a->v;
	if (a->stage == AXIS_UP) {
		a->v += change(a);
		if (++a->ramped == a->ramp)
			a->stage = AXIS_CRUISE;
	} else if (a->stage == AXIS_CRUISE) {
		if (!--a->cruise)
			ramp_down(a);
	} else {
		a->v -= change(a);
		if (!--a->ramped)
			a->stage = AXIS_ENDS;
	}
	uint32_t way = was + a->v;
	if (a->rest) { /* what D has more than V (K + N) */
		a->rest--;
		way += 2;
	}
	return way;
}

/* A chip that shifts by one place at a time takes long for many: whole bytes first. */
static inline uint32_t by_2_13(uint32_t x)
{
	return (uint32_t)(uint16_t)(x >> 16) << 3 | (uint8_t)((uint8_t)((uint16_t)x >> 8) >> 5);
}

static inline uint16_t by_2_20(uint32_t x)
{
	return (uint16_t)((uint16_t)(x >> 16) >> 4);
}

/* Cut a slice's way into steps; false when none falls into it. */
static bool cut(struct axis *a, uint32_t way, struct steps *ret)
{
	uint32_t to_go = WAY_STEP - a->phase, sum = a->phase + way;
	uint8_t count = (uint8_t)((uint8_t)(sum >> 24) >> (WAY - 24));
	a->phase = sum & (WAY_STEP - 1);
	if (!count)
		return false;
	uint32_t first;
	if (way < WAY_STEP) { /* slower than a step a slice */
		first = way >> 21 ? (to_go >> 5) * SLICE / (way >> 5) : to_go * SLICE / way;
	} else { /* dividing takes longest: in the cruise the interval is the last one's */
		if (way != a->every_way)
			a->every = (SLICE << 20) / by_2_13(way);
		a->every_way = way;
		first = by_2_20(by_2_13(to_go) * a->every);
	}
	uint32_t every = count > 1 ? a->every : 0; /* in 1/256 tick */
	a->last_at = a->slice_at + first + (uint32_t)(count - 1) * every / 256;
	ret->first = (uint16_t)(a->slice_at + first);
	ret->interval = (uint16_t)(every >> 8);
	ret->fraction = (uint8_t)every;
	ret->count = count;
	a->next_at = a->slice_at + first;
	return true;
}

static void wake(uint8_t i)
{
	struct stepper *s = &node.stepper[i];
	if (s->running || s->take == s->put || node.axis[i].stage > AXIS_ENDS)
		return;
	axes_load(i);
	s->running = 1;
	board_axis_set(i, s->next);
	uint8_t lease = lease_of[i], mask = board_axis_irq(i);
	CORE_READY(lease);
	CORE_READY(mask);
	board_irq irq = board_irq_off();
	if (node.state == PROTO_STATE_READY && (node.leases & lease))
		board_axis_run(mask);
	board_irq_restore(irq);
}

static void slice(uint8_t i)
{
	struct axis *a = &node.axis[i];
	struct stepper *s = &node.stepper[i];
	if (a->halt && (a->stage == AXIS_UP || a->stage == AXIS_CRUISE)) {
		a->rest = 0;
		ramp_down(a);
		if (a->stage == AXIS_ENDS)
			return;
	}
	if (cut(a, slice_way(a), &s->ring[s->put % AXIS_RING])) {
		if ((int32_t)(a->next_at - board_now()) < (int32_t)LATE) {
			drop(i, PROTO_REFUSED_OVERLOAD);
			return;
		}
		board_barrier();
		s->put++;
	}
	a->slice_at += SLICE;
}

static void begin(uint8_t i)
{
	struct axis *a = &node.axis[i];
	uint8_t why = permitted(i), there = node.inputs & facts[i].limit;
	a->from = axes_position(i);
	a->slice_at = a->last_at = a->at;
	if (why || !a->ramp) {
		over(a, why);
		return;
	}
	int8_t direction = a->direction;
	if (a->homing && there) /* already on the switch: leave it, its edge is the same */
		direction = (int8_t)-direction;
	a->there = there != 0;
	node.stepper[i].direction = direction;
	board_axis_direction(i, direction > 0);
	a->phase = WAY_STEP / 2;
	a->v = a->error = a->ramped = a->every_way = 0;
	a->seen = 0;
	if (a->homing)
		a->known = 0;
	a->stage = AXIS_UP;
}

/* Every step is out. */
static void end(uint8_t i)
{
	struct axis *a = &node.axis[i];
	if (a->homing) {
		if (a->seen)
			node.stepper[i].end += facts[i].at - a->seen_at;
		a->known = a->seen;
		over(a, a->seen ? 0 : a->halt ? PROTO_REFUSED_STOPPED : PROTO_REFUSED_LIMIT);
		return;
	}
	over(a, a->halt ? PROTO_REFUSED_STOPPED : 0);
}

static bool prepares(const struct axis *a)
{
	return a->stage >= AXIS_UP && a->stage <= AXIS_DOWN;
}

static void turn(uint8_t i)
{
	struct axis *a = &node.axis[i];
	struct stepper *s = &node.stepper[i];
	if (a->stage == AXIS_WAITS && (int32_t)(a->at - board_now()) <= (int32_t)LEAD)
		begin(i);
	for (uint8_t n = 0; n < 2 && prepares(a); n++) {
		if ((int32_t)(a->slice_at - board_now()) > (int32_t)LEAD ||
		    (uint8_t)(s->put - s->take) == AXIS_RING)
			break;
		slice(i);
	}
	wake(i);
	if (a->stage == AXIS_ENDS && !s->running && (int32_t)(board_now() - a->last_at) >= 0)
		end(i);
}

/* The limit switch: sought in homing, met by mischance otherwise. */
static void look(uint8_t i)
{
	struct axis *a = &node.axis[i];
	uint8_t there = node.inputs & facts[i].limit ? 1 : 0;
	if (a->stage <= AXIS_WAITS || a->stage > AXIS_ENDS)
		return;
	if (!a->homing) {
		if (there && node.stepper[i].direction == facts[i].towards)
			drop(i, PROTO_REFUSED_LIMIT);
	} else if (!a->seen && there != a->there) {
		a->seen_at = axes_position(i);
		a->seen = 1;
		a->halt = 1;
	}
}

/* Two pulses were one: which axis is a step short of its count is not known, so none that moves can go on. */
static void drop_all(void)
{
	for (uint8_t i = 0; i < PROTO_AXES; i++)
		if (node.axis[i].stage > AXIS_WAITS && node.axis[i].stage <= AXIS_ENDS)
			drop(i, PROTO_REFUSED_OVERLOAD);
}

static void snapshot(void)
{
	uint8_t moving = 0;
	for (uint8_t i = 0; i < PROTO_AXES; i++) /* DONE, which is due, comes first */
		if (node.axis[i].stage == AXIS_ENDS && !node.stepper[i].running)
			return;
	for (uint8_t i = 0; i < PROTO_AXES; i++)
		moving = (uint8_t)(moving | (axes_state(i) & PROTO_AXIS_MOVING));
	if ((!moving && !node.axes_changed) || node.axes_full)
		return;
	node.axes_changed = 0;
	node.axes_at = board_now();
	for (uint8_t i = 0; i < PROTO_AXES; i++) {
		node.axes_position[i] = axes_position(i);
		node.axes_state[i] = axes_state(i);
	}
	board_barrier();
	node.axes_full = 1;
}

/* One axis a tick, in turn, after the tick's other work. */
void axes_tick(void)
{
	uint8_t i = (uint8_t)node.ticks % (1000 / PROTO_TICK_US);
	if (!node.axes_busy && !node.axes_changed)
		return;
	if (board_axis_merged())
		drop_all();
	uint8_t homing = 0;
	for (uint8_t k = 0; k < PROTO_AXES; k++)
		homing |= node.axis[k].homing;
	if (homing || (node.inputs & LIMITS)) /* else nobody looks for a switch, and none is met */
		for (uint8_t k = 0; k < PROTO_AXES; k++)
			look(k);
	if (i < PROTO_AXES)
		turn(i);
	else if (++node.axes_slices >= PROTO_AXES_EVERY_MS) {
		node.axes_slices = 0;
		snapshot();
	}
}

/* ---- main: commands ----------------------------------------------------------------------------------------------- */

static uint32_t root(uint64_t x)
{
	uint32_t r = 0;
	for (uint32_t bit = 1ul << 31; bit; bit >>= 1)
		if ((uint64_t)(r | bit) * (r | bit) <= x)
			r |= bit;
	return r;
}

/* v > 0 and a > 0 in steps and seconds. */
static void plan(struct axis *p, uint32_t way, uint32_t v, uint32_t a)
{
	if (!way) {
		p->ramp = 0;
		return;
	}
	uint32_t ramp = (v * SLICES_S + a - 1) / a, all = (way * SLICES_S + v - 1) / v;
	if (all > ramp) {
		p->cruise = all - ramp;
	} else { /* never so fast: ramp (ramp + 1) >= way / a */
		uint64_t least = ((uint64_t)way * (SLICES_S * SLICES_S) + a - 1) / a;
		ramp = root(least);
		if ((uint64_t)ramp * (ramp + 1) < least)
			ramp++;
		if (ramp + 1 < all)
			ramp = all - 1;
		if (!ramp)
			ramp = 1;
		p->cruise = 1;
	}
	all = ramp + p->cruise;
	uint64_t units = (uint64_t)way << (WAY - 1);
	uint32_t peak = (uint32_t)(units / all);
	p->rest = (uint32_t)(units - (uint64_t)peak * all);
	p->ramp = ramp;
	p->dv = peak / ramp;
	p->dv_rest = peak % ramp;
}

static uint8_t when(const ProtoMove *m, uint64_t now, uint64_t *ret_at)
{
	uint8_t reg = (uint8_t)(PROTO_REG_AXIS0 + m->axis);
	if (m->flags & PROTO_WRITE_SOONEST) {
		if (m->at && (int64_t)(now - m->at) > 0)
			return core_too_late(reg, (int64_t)(now - m->at));
		*ret_at = now + TICKS_US(PROTO_MIN_LEAD_US);
		return 0;
	}
	int64_t lead = (int64_t)(m->at - now);
	if (lead < (int64_t)TICKS_US(PROTO_MIN_LEAD_US))
		return core_too_late(reg, -lead);
	if (lead > (int64_t)TICKS_MS(PROTO_MAX_LEAD_S * 1000ul))
		return PROTO_REFUSED_TOO_FAR;
	*ret_at = m->at;
	return 0;
}

static uint8_t asked_for(const ProtoMove *m)
{
	const struct axis *a = &node.axis[m->axis];
	uint32_t ceiling = a->max_v;
	if (a->stage != AXIS_REST)
		return PROTO_REFUSED_BUSY;
	if ((m->flags & PROTO_MOVE_HOME) && ceiling > facts[m->axis].home_v)
		ceiling = facts[m->axis].home_v;
	if (!m->velocity || m->velocity > ceiling || !m->acceleration || m->acceleration > a->max_a)
		return PROTO_REFUSED_SPEED;
	if (m->flags & PROTO_MOVE_HOME)
		return 0;
	if (!a->known)
		return PROTO_REFUSED_UNKNOWN;
	return m->target < a->lo || m->target > a->hi ? PROTO_REFUSED_RANGE : 0;
}

uint8_t axes_move(const ProtoMove *m, uint64_t *ret_at)
{
	if (m->axis >= PROTO_AXES)
		return PROTO_REFUSED_NO_REGISTER;
	struct axis *a = &node.axis[m->axis];
	const struct axis_fact *f = &facts[m->axis];
	uint8_t why = asked_for(m);
	if (!why)
		why = permitted(m->axis);
	if (!why)
		why = when(m, core_now64(), ret_at);
	if (why)
		return why;
	int32_t way = m->target - axes_position(m->axis);
	a->homing = (m->flags & PROTO_MOVE_HOME) != 0;
	if (a->homing) {
		way = f->towards * (f->towards > 0 ? f->at - f->lo : f->hi - f->at);
		way += f->towards * HOME_MARGIN;
	}
	a->direction = way < 0 ? -1 : 1;
	plan(a, (uint32_t)(way < 0 ? -way : way), m->velocity, m->acceleration);
	a->tag = m->tag;
	a->at = (uint32_t)*ret_at;
	a->halt = 0;
	node.axes_busy = (uint8_t)(node.axes_busy | 1u << m->axis);
	board_barrier();
	a->stage = AXIS_WAITS;
	return 0;
}

uint8_t axes_declare(uint8_t i, int32_t position)
{
	struct axis *a = &node.axis[i];
	if (node.leases & lease_of[i] || a->stage != AXIS_REST)
		return PROTO_REFUSED_ENERGISED;
	if (position < facts[i].lo || position > facts[i].hi)
		return PROTO_REFUSED_RANGE;
	node.stepper[i].end = position;
	a->known = 1;
	node.axes_changed = 1;
	return 0;
}

void axes_halt(uint8_t i)
{
	node.axis[i].halt = 1; /* a move that waits ends as it begins */
}

uint8_t axes_limit(uint8_t i, uint8_t kind, int32_t value)
{
	struct axis *a = &node.axis[i];
	if (kind == PROTO_REG_AXIS_V0 || kind == PROTO_REG_AXIS_A0) {
		uint32_t *limit = kind == PROTO_REG_AXIS_V0 ? &a->max_v : &a->max_a;
		if (value < 1 || (uint32_t)value > *limit)
			return PROTO_REFUSED_RANGE;
		*limit = (uint32_t)value;
		return 0;
	}
	if (value < a->lo || value > a->hi)
		return PROTO_REFUSED_RANGE;
	*(kind == PROTO_REG_AXIS_LO0 ? &a->lo : &a->hi) = value;
	return 0;
}

void axes_purge(uint8_t forget)
{
	for (uint8_t i = 0; i < PROTO_AXES; i++) {
		struct axis *a = &node.axis[i];
		const struct stepper *s = &node.stepper[i];
		if (a->stage == AXIS_WAITS)
			over(a, PROTO_REFUSED_CANCELLED);
		else if (a->stage == AXIS_ENDS && !s->left && s->take == s->put)
			end(i);
		else if (a->stage != AXIS_REST && a->stage != AXIS_OVER)
			dropped(i, a->stage == AXIS_DROPS ? a->why : PROTO_REFUSED_STOPPED);
		if (forget)
			axes_taken(i);
	}
}

bool axes_take(uint8_t *ret_axis)
{
	for (uint8_t i = 0; i < PROTO_AXES; i++) {
		struct axis *a = &node.axis[i];
		if (a->stage == AXIS_DROPS)
			dropped(i, a->why);
		if (a->stage == AXIS_OVER) {
			*ret_axis = i;
			return true;
		}
	}
	return false;
}

void axes_taken(uint8_t i)
{
	node.axis[i].stage = AXIS_REST;
	node.axes_busy = (uint8_t)(node.axes_busy & ~(1u << i));
}

#endif
