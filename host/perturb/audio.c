/* Sound: interleaved 16-bit samples. */
#include "chain.h"
#include "random.h"

#include <math.h>

typedef struct Sound {
	int16_t *samples;
	size_t frames, n; /* n = frames * channels */
	unsigned channels, rate;
} Sound;

static int16_t clip16(double v)
{
	return (int16_t)lround(CLAMP(v, -32768.0, 32767.0));
}

/* Signal-to-noise ratio in dB = 10 log10(P signal / P noise), P the mean of squares. */
static void noise(const Step *step, uint64_t key, const Sound *s)
{
	double power = 0;
	for (size_t i = 0; i < s->n; i++)
		power += (double)s->samples[i] * s->samples[i];
	power /= (double)s->n;
	double sigma = sqrt(power / pow(10, step_value(step, 0) / 10));
	for (size_t i = 0; i < s->n; i++)
		s->samples[i] = clip16(s->samples[i] + sigma * random_normal(key, 0, i));
}

static void clipping(const Step *step, uint64_t key, const Sound *s)
{
	(void)key;
	int peak = 0;
	for (size_t i = 0; i < s->n; i++)
		peak = MAX(peak, abs(s->samples[i]));
	double limit = peak * step_value(step, 0);
	for (size_t i = 0; i < s->n; i++)
		s->samples[i] = clip16(CLAMP((double)s->samples[i], -limit, limit));
}

/* From the end, so that what is read is still the sound before the echo. */
static void echo(const Step *step, uint64_t key, const Sound *s)
{
	(void)key;
	size_t late = (size_t)llround(step_value(step, 0) * 1e-3 * s->rate) * s->channels;
	for (size_t i = s->n; i-- > late;)
		s->samples[i] = clip16(s->samples[i] + step_value(step, 1) * s->samples[i - late]);
}

static void (*const functions[ID_COUNT])(const Step *, uint64_t, const Sound *) = {
	[ID_AUDIO_NOISE] = noise,
	[ID_AUDIO_CLIPPING] = clipping,
	[ID_AUDIO_ECHO] = echo,
};

void perturb_audio_apply(const PerturbChain *chain, const char *target, int16_t *samples,
			 size_t frames, unsigned channels, unsigned rate)
{
	Sound sound = {samples, frames, frames * channels, channels, rate};
	for (size_t i = 0; sound.n > 0 && i < chain_length(chain); i++) {
		const Step *step = chain_step(chain, i);
		if (step_applies(step, PERTURB_AUDIO, target))
			functions[step->id](step, chain_key(chain, i, target), &sound);
	}
}
