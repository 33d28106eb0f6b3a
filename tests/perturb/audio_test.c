#include "unit.h"

#include <anzen/perturb.h>

#define RATE 16000
#define N RATE

static PerturbChain *chain_of(const char *text)
{
	PerturbChain *chain = perturb_chain_new(7);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_TRUE(perturb_chain_add(chain, text, &error));
	return chain;
}

/* 440 Hz, peak 6000: whole periods in a second, so its power is 6000 * 6000 / 2 = 1.8e7. */
static int16_t *tone(void)
{
	int16_t *s = g_new(int16_t, N);
	for (int i = 0; i < N; i++)
		s[i] = (int16_t)lround(6000 * sin(2 * G_PI * 440 * i / RATE));
	return s;
}

static void noise_has_the_declared_ratio(void)
{
	/* ratio in dB of 1.8e7 to the mean square of what was added; its standard error is 10/ln(10) sqrt(2/n) = 0.05 dB */
	static const double want[] = {20, 15, 10, 5, 0};
	for (int k = 0; k < 5; k++) {
		g_autofree char *text = g_strdup_printf("audio-noise:%d", k + 1);
		g_autoptr(PerturbChain) chain = chain_of(text);
		g_autofree int16_t *clean = tone();
		g_autofree int16_t *s = tone();
		double power = 0;
		perturb_audio_apply(chain, "mic", s, N, 1, RATE);
		for (int i = 0; i < N; i++)
			power += ((double)s[i] - clean[i]) * ((double)s[i] - clean[i]) / N;
		CU_ASSERT_DOUBLE_EQUAL(10 * log10(1.8e7 / power), want[k], 0.2);
	}
}

static void clipping_is_at_the_declared_part_of_the_peak(void)
{
	g_autoptr(PerturbChain) chain = chain_of("audio-clipping:3"); /* 0.4 */
	int16_t s[] = {0, 1000, -1000, 390, -410, 400};
	perturb_audio_apply(chain, "mic", s, G_N_ELEMENTS(s), 1, RATE);
	static const int16_t want[] = {0, 400, -400, 390, -400, 400};
	CU_ASSERT_EQUAL(memcmp(s, want, sizeof(s)), 0);
}

static void one_echo_comes_late_and_weaker_on_its_own_channel(void)
{
	/* severity 1: 50 ms at 100 Hz = 5 frames, gain 0.3; two channels */
	g_autoptr(PerturbChain) chain = chain_of("audio-echo:1");
	int16_t s[24] = {[0] = 1000, [1] = -2000};
	perturb_audio_apply(chain, "mic", s, 12, 2, 100);
	for (int i = 0; i < 24; i++)
		CU_ASSERT_EQUAL(s[i], i == 0    ? 1000
				      : i == 1  ? -2000
				      : i == 10 ? 300
				      : i == 11 ? -600
						: 0);
}

static void loud_sound_does_not_wrap(void)
{
	g_autoptr(PerturbChain) chain = chain_of("audio-echo:5");
	int16_t s[200];
	for (int i = 0; i < 200; i++)
		s[i] = 32000;
	perturb_audio_apply(chain, "mic", s, 200, 1, 100);
	for (int i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(s[i], i < 30 ? 32000 : 32767);
}

static void nothing_and_silence_are_no_trouble(void)
{
	g_autoptr(PerturbChain) chain = chain_of("audio-noise:5");
	int16_t s[4] = {0};
	perturb_audio_apply(chain, "mic", s, 0, 1, RATE);
	perturb_audio_apply(chain, "mic", s, 4, 1, RATE);
	CU_ASSERT_EQUAL(s[0] | s[1] | s[2] | s[3], 0);
}

UNIT_MAIN("perturb.audio", UNIT(noise_has_the_declared_ratio),
	  UNIT(clipping_is_at_the_declared_part_of_the_peak),
	  UNIT(one_echo_comes_late_and_weaker_on_its_own_channel), UNIT(loud_sound_does_not_wrap),
	  UNIT(nothing_and_silence_are_no_trouble))
