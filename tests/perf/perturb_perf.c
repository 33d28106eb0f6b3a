/* What each perturbation of pictures costs: 640 x 360, colour as in real time and grey as in lock-step, best of several. And
 * what a live run does to a picture beside it: decode, compare, hash, encode. perf-perturb [KIND] */
#include <anzen/media.h>
#include <anzen/perturb.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define W 640
#define H 360
#define BEST_OF 5
#define UNITS 30

static uint8_t scene[W * H * 3];

/* Edges, a gradient and some noise: nothing that a branch could guess. */
static void draw(int channels)
{
	uint32_t state = 1;
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			for (int c = 0; c < channels; c++) {
				state = state * 1664525u + 1013904223u;
				int v = (x / 40 + y / 40) % 2 * 90 + x / 8 + c * 20;
				scene[(y * W + x) * channels + c] =
					(uint8_t)(v + state / (1u << 28));
			}
}

static double ms_since(int64_t begin)
{
	return (double)(clock_now(clock_monotonic()) - begin) * 1e-6;
}

static double cost(const char *name, unsigned severity, int channels)
{
	g_autofree char *text = g_strdup_printf("%s:%u", name, severity);
	g_autoptr(PerturbChain) chain = perturb_chain_new(7);
	g_autofree uint8_t *pixels = g_malloc(sizeof(scene));
	double best = INFINITY;
	if (!perturb_chain_add(chain, text, NULL))
		return (double)NAN;
	g_autoptr(PerturbImage) image =
		perturb_image_new(chain, "camera.main", W, H, channels, NULL);
	for (int i = 0; i < BEST_OF; i++) {
		memcpy(pixels, scene, sizeof(scene));
		int64_t begin = clock_now(clock_monotonic());
		perturb_image_apply(image, pixels, i * 33 * CLOCK_MS);
		best = fmin(best, ms_since(begin));
	}
	return best;
}

static void print_costs(const char *only)
{
	size_t n;
	const PerturbInfo *list = perturb_list(&n);
	printf("%-16s %38s   %s\n", "ms a picture", "colour, severity 1 to 5", "grey, the worst");
	for (size_t i = 0; i < n; i++) {
		double worst = 0;
		if (list[i].domain != PERTURB_IMAGE || (only && strcmp(only, list[i].name) != 0))
			continue;
		printf("%-16s", list[i].name);
		draw(3);
		for (unsigned s = 1; s <= PERTURB_SEVERITIES; s++)
			printf(" %7.2f", cost(list[i].name, s, 3));
		draw(1);
		for (unsigned s = 1; s <= PERTURB_SEVERITIES; s++)
			worst = fmax(worst, cost(list[i].name, s, 1));
		printf("   %7.2f\n", worst);
	}
}

static void print_rest(void)
{
	g_autoptr(MediaEncoder) encoder = media_encoder_new("rgb", W, H, 30, 0, NULL);
	g_autoptr(MediaDecoder) decoder = media_decoder_new("rgb", NULL);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	double encode = 0, decode = 0, coarse = 0, hash = 0;
	draw(3);
	for (int i = 0; i < UNITS; i++) {
		g_auto(Frame) unit = {0}, picture = {0};
		memmove(scene, scene + 3 * W, sizeof(scene) - 3 * W);
		Frame raw = {.data = scene,
			     .size = sizeof(scene),
			     .format = "rgb",
			     .width = W,
			     .height = H,
			     .capture_ns = i * 33 * CLOCK_MS};
		int64_t begin = clock_now(clock_monotonic());
		media_encoder_encode(encoder, &raw, false, &unit, NULL);
		encode += ms_since(begin);
		begin = clock_now(clock_monotonic());
		media_decoder_decode(decoder, &unit, &picture, NULL);
		decode += ms_since(begin);
		begin = clock_now(clock_monotonic());
		g_free(perturb_coarse(scene, W, H, 3));
		coarse += ms_since(begin);
		begin = clock_now(clock_monotonic());
		g_checksum_update(sum, scene, sizeof(scene));
		hash += ms_since(begin);
	}
	printf("beside it, colour: decode %.2f, make coarse %.2f (twice), SHA-256 %.2f, encode "
	       "%.2f\n",
	       decode / UNITS, coarse / UNITS, hash / UNITS, encode / UNITS);
}

int main(int argc, char **argv)
{
	print_costs(argc > 1 ? argv[1] : NULL);
	print_rest();
	return 0;
}
