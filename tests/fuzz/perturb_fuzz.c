/* Chains of perturbations as people type them, one a line, on a small picture, a signal and a sound. */
#include <anzen/perturb.h>
#include <math.h>
#include <string.h>

#define W 16
#define H 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const PerturbChain *chain)
{
	uint8_t pixels[W * H * 3];
	int16_t sound[64];
	g_autoptr(GError) error = NULL;
	g_autoptr(PerturbImage) image = perturb_image_new(chain, "c", W, H, 3, &error);
	g_autoptr(PerturbSignal) signal = perturb_signal_new(chain, "s", false, 0, 1);
	memset(pixels, 99, sizeof(pixels));
	memset(sound, 9, sizeof(sound));
	perturb_image_apply(image, pixels, CLOCK_S);
	perturb_audio_apply(chain, "m", sound, 32, 2, 100);
	int64_t last = INT64_MIN;
	for (int i = 0; i < 20; i++) {
		PerturbSample out =
			perturb_signal_apply(signal, i * 100 * CLOCK_MS, 0.5, SAMPLE_OK);
		g_assert(!out.given || (isfinite(out.v) && out.t_ns > last));
		last = out.given ? out.t_ns : last;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 512)
		return 0;
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 9);
	g_autoptr(PerturbChain) chain = perturb_chain_new(size);
	for (size_t i = 0; lines[i] && i < 8; i++) {
		g_autoptr(GError) error = NULL;
		gboolean ok = perturb_chain_add(chain, lines[i], &error);
		g_assert(ok == !error);
	}
	g_autofree char *again = perturb_chain_text(chain);
	g_assert((perturb_chain_length(chain) == 0) == (*again == '\0'));
	/* what a session says reads back as it was */
	g_autoptr(PerturbChain) second = perturb_chain_new(size);
	bool read = !*again || perturb_chain_add_text(second, again, NULL);
	g_autofree char *same = perturb_chain_text(second);
	g_assert(read && !strcmp(again, same));
	use(chain);
	return 0;
}
