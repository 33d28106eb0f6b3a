/* Faults of sensors and of the way from them, sample by sample. */
#include "chain.h"
#include "random.h"

#include <math.h>

#define DROPOUT_PERIOD_NS (2 * CLOCK_S)
#define STUCK_PERIOD_NS (5 * CLOCK_S)
#define SPOOF_PERIOD_NS (10 * CLOCK_S)
#define SPIKE_FS 0.5
#define SPOOF_RIPPLE_FS 0.001 /* an attacker who knows that a stuck value is looked for */

typedef struct Stage {
	Step step;
	uint64_t key;
	double value; /* parameter 0, as a fraction or in ms */
	double sign;  /* of a bias, drift or gain error */
	double held;  /* the last true value outside the window; of a spoof the first one */
	bool holds;
} Stage;

struct PerturbSignal {
	double lo, span;
	bool boolean;
	int64_t last_ns;
	size_t n;
	Stage stages[];
};

typedef struct Moment {
	const PerturbSignal *signal;
	int64_t t_ns; /* the sample's own time */
	double delay_ns;
	double v;
	bool given;
} Moment;

static void noise(Stage *s, Moment *m)
{
	m->v += s->value * m->signal->span * random_normal(s->key, m->t_ns, 0);
}

static void bias(Stage *s, Moment *m)
{
	m->v += s->sign * s->value * m->signal->span;
}

static void drift(Stage *s, Moment *m)
{
	double minutes = fmax((double)m->t_ns, 0) / (60.0 * CLOCK_S);
	m->v += s->sign * s->value * m->signal->span * minutes;
}

static void gain(Stage *s, Moment *m)
{
	m->v *= 1 + s->sign * s->value;
}

static void saturation(Stage *s, Moment *m)
{
	m->v = fmin(m->v, m->signal->lo + s->value * m->signal->span);
}

static void dropout(Stage *s, Moment *m)
{
	int64_t begin;
	if (window_holds(s->key, m->t_ns, DROPOUT_PERIOD_NS, s->value, &begin))
		m->given = false;
}

static void stuck(Stage *s, Moment *m)
{
	int64_t begin;
	bool in = window_holds(s->key, m->t_ns, STUCK_PERIOD_NS, s->value, &begin);
	if (!in || !s->holds)
		s->held = m->v;
	s->holds = true;
	m->v = s->held;
}

static void spike(Stage *s, Moment *m)
{
	uint32_t word[4];
	random_block(s->key, m->t_ns, 0, word);
	if (random_unit(word[0]) < s->value)
		m->v += (word[1] & 1 ? SPIKE_FS : -SPIKE_FS) * m->signal->span;
}

static void time_skew(Stage *s, Moment *m)
{
	m->delay_ns += s->value * 1e6;
}

static void jitter(Stage *s, Moment *m)
{
	m->delay_ns += s->value * 1e6 * random_uniform(s->key, m->t_ns, 0);
}

static void quantisation(Stage *s, Moment *m)
{
	double step = m->signal->span / s->value;
	m->v = m->signal->lo + step * round((m->v - m->signal->lo) / step);
}

static void spoof(Stage *s, Moment *m)
{
	int64_t begin;
	if (!s->holds)
		s->held = m->v;
	s->holds = true;
	if (!window_holds(s->key, m->t_ns, SPOOF_PERIOD_NS, s->value, &begin))
		return;
	double ripple = m->signal->boolean ? 0 : SPOOF_RIPPLE_FS * m->signal->span;
	m->v = s->held + ripple * random_normal(s->key, m->t_ns, 1);
}

/* `percent`: the parameter is in per cent. `boolean`: it keeps 0 and 1 what they are. */
static const struct {
	void (*apply)(Stage *stage, Moment *moment);
	bool percent, boolean;
} functions[ID_COUNT] = {
	[ID_NOISE] = {noise, true, false},
	[ID_BIAS] = {bias, true, false},
	[ID_DRIFT] = {drift, true, false},
	[ID_GAIN] = {gain, true, false},
	[ID_SATURATION] = {saturation, true, false},
	[ID_DROPOUT] = {dropout, true, true},
	[ID_STUCK] = {stuck, true, true},
	[ID_SPIKE] = {spike, true, false},
	[ID_TIME_SKEW] = {time_skew, false, true},
	[ID_JITTER] = {jitter, false, true},
	[ID_QUANTISATION] = {quantisation, false, false},
	[ID_SPOOF] = {spoof, true, true},
};

static Stage stage_of(const PerturbChain *chain, size_t i, const char *name)
{
	const Step *step = chain_step(chain, i);
	Stage stage = {.step = *step, .key = chain_key(chain, i, name)};
	stage.step.target = NULL;
	stage.value = step_value(step, 0) * (functions[step->id].percent ? 0.01 : 1);
	stage.sign = random_uniform(stage.key, INT64_MIN, 0) < 0.5 ? -1 : 1;
	return stage;
}

PerturbSignal *perturb_signal_new(const PerturbChain *chain, const char *name, bool boolean,
				  double lo, double hi)
{
	g_assert(isfinite(lo) && isfinite(hi) && lo < hi);
	size_t n = chain_length(chain);
	PerturbSignal *signal = g_malloc0(sizeof(PerturbSignal) + n * sizeof(Stage));
	signal->lo = lo;
	signal->span = hi - lo;
	signal->boolean = boolean;
	signal->last_ns = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		const Step *step = chain_step(chain, i);
		if (step_applies(step, PERTURB_SIGNAL, name) &&
		    (!boolean || functions[step->id].boolean))
			signal->stages[signal->n++] = stage_of(chain, i, name);
	}
	return signal;
}

void perturb_signal_free(PerturbSignal *signal)
{
	g_free(signal);
}

bool perturb_signal_idle(const PerturbSignal *signal)
{
	return signal->n == 0;
}

PerturbSample perturb_signal_apply(PerturbSignal *signal, int64_t t_ns, double v,
				   SampleStatus status)
{
	Moment m = {.signal = signal, .t_ns = t_ns, .v = v, .given = true};
	bool measured = status == SAMPLE_OK || status == SAMPLE_SATURATED;
	for (size_t i = 0; i < signal->n; i++) {
		Stage *s = &signal->stages[i];
		bool shifts = s->step.id == ID_TIME_SKEW || s->step.id == ID_JITTER;
		if (step_active(&s->step, t_ns) &&
		    (measured || shifts)) /* a missing value has nothing to disturb */
			functions[s->step.id].apply(s, &m);
	}
	PerturbSample out = {.t_ns = t_ns + (int64_t)llround(m.delay_ns),
			     .v = m.v,
			     .status = status,
			     .given = m.given};
	if (signal->last_ns != INT64_MIN)
		out.t_ns = MAX(out.t_ns, signal->last_ns + 1);
	if (out.given)
		signal->last_ns = out.t_ns;
	return out;
}
