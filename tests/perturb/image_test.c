/* Each perturbation of pictures against arithmetic by hand, on pictures of 224 x 224, where the paper's pixels are ours. */
#include "unit.h"

#include <anzen/perturb.h>

#define SIDE 224
#define PIXELS (SIDE * SIDE)

typedef struct Rig {
	PerturbChain *chain;
	PerturbImage *image;
	uint8_t *p;
	int channels;
} Rig;

static void rig_end(Rig *r)
{
	perturb_image_free(r->image);
	perturb_chain_free(r->chain);
	g_free(r->p);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rig, rig_end)

static Rig rig(const char *text, int channels, uint8_t level)
{
	g_autoptr(GError) error = NULL;
	Rig r = {.chain = perturb_chain_new(7), .channels = channels};
	CU_ASSERT_TRUE(perturb_chain_add(r.chain, text, &error));
	r.image = perturb_image_new(r.chain, "camera.main", SIDE, SIDE, channels, &error);
	CU_ASSERT_PTR_NOT_NULL(r.image);
	r.p = g_malloc((gsize)PIXELS * (gsize)channels);
	memset(r.p, level, (size_t)PIXELS * (size_t)channels);
	return r;
}

typedef struct Moments {
	double mean, sigma, least, most;
} Moments;

static Moments moments(const Rig *r)
{
	int n = PIXELS * r->channels;
	Moments m = {.least = 255};
	for (int i = 0; i < n; i++) {
		m.mean += r->p[i];
		m.least = MIN(m.least, r->p[i]);
		m.most = MAX(m.most, r->p[i]);
	}
	m.mean /= n;
	for (int i = 0; i < n; i++)
		m.sigma += (r->p[i] - m.mean) * (r->p[i] - m.mean);
	m.sigma = sqrt(m.sigma / n);
	return m;
}

static void gaussian_noise_has_the_papers_sigma(void)
{
	/* 0.08 * 255 = 20.4 (and sqrt(20.4^2 + 1/12) after rounding, the same to 0.01); n = 150528: standard error 0.037 */
	g_auto(Rig) r = rig("gaussian-noise:1", 3, 128);
	perturb_image_apply(r.image, r.p, 0);
	Moments m = moments(&r);
	CU_ASSERT_DOUBLE_EQUAL(m.mean, 128, 0.25);
	CU_ASSERT_DOUBLE_EQUAL(m.sigma, 20.4, 0.2);
}

static void shot_noise_has_the_variance_of_counting(void)
{
	/* 60 photons at white; level 102 = 0.4: mean count 24, sigma sqrt(24) counts of 255/60 = 20.82 */
	g_auto(Rig) r = rig("shot-noise:1", 1, 102);
	perturb_image_apply(r.image, r.p, 0);
	Moments m = moments(&r);
	CU_ASSERT_DOUBLE_EQUAL(m.mean, 102, 0.5);
	CU_ASSERT_DOUBLE_EQUAL(m.sigma, 20.82, 0.35);
	g_auto(Rig) black = rig("shot-noise:5", 1, 0);
	perturb_image_apply(black.image, black.p, 0);
	CU_ASSERT_DOUBLE_EQUAL(moments(&black).most, 0, 0);
}

static void impulses_are_as_many_as_the_paper_says(void)
{
	g_auto(Rig) r = rig("impulse-noise:3", 3, 100); /* 9 % of 150528 = 13548, sigma 111 */
	int black = 0, white = 0;
	perturb_image_apply(r.image, r.p, 0);
	for (int i = 0; i < 3 * PIXELS; i++) {
		black += r.p[i] == 0;
		white += r.p[i] == 255;
		CU_ASSERT_TRUE(r.p[i] == 0 || r.p[i] == 100 || r.p[i] == 255);
	}
	CU_ASSERT_TRUE(abs(black + white - 13548) < 450);
	CU_ASSERT_TRUE(abs(black - white) < 500);
}

static void defocus_spreads_a_point_over_the_disk(void)
{
	/* whole points with x^2 + y^2 <= 9: 29; 255/29 = 8.8 */
	g_auto(Rig) r = rig("defocus-blur:1", 1, 0);
	r.p[100 * SIDE + 100] = 255;
	perturb_image_apply(r.image, r.p, 0);
	int lit = 0;
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			int d2 = (x - 100) * (x - 100) + (y - 100) * (y - 100);
			CU_ASSERT_EQUAL(r.p[y * SIDE + x], d2 <= 9 ? 9 : 0);
			lit += r.p[y * SIDE + x] > 0;
		}
	CU_ASSERT_EQUAL(lit, 29);
}

static void a_plain_picture_has_nothing_to_blur_or_move(void)
{
	static const char *const names[] = {"defocus-blur", "glass-blur", "motion-blur",
					    "zoom-blur",    "elastic",    "pixelate",
					    "jpeg",         "contrast"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = g_strdup_printf("%s:5", names[i]);
		/* 128: the level that JPEG's tables keep exactly */
		g_auto(Rig) r = rig(text, 3, 128);
		perturb_image_apply(r.image, r.p, 0);
		Moments m = moments(&r);
		CU_ASSERT_DOUBLE_EQUAL(m.least, 128, 0);
		CU_ASSERT_DOUBLE_EQUAL(m.most, 128, 0);
	}
}

static void blurs_keep_the_light_and_lose_the_edges(void)
{
	static const char *const names[] = {"defocus-blur:5", "glass-blur:3", "motion-blur:5"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_auto(Rig) r = rig(names[i], 1, 0);
		for (int y = 80; y < 144;
		     y++) /* 64 x 64 of 224 x 224: mean 255 * 4096/50176 = 20.8 */
			memset(r.p + y * SIDE + 80, 255, 64);
		double before = moments(&r).sigma;
		perturb_image_apply(r.image, r.p, 0);
		Moments m = moments(&r);
		CU_ASSERT_DOUBLE_EQUAL(m.mean, 20.82, 0.15);
		CU_ASSERT_TRUE(m.sigma < 0.97 * before);
	}
}

static void zoom_blur_is_the_mean_of_its_zooms(void)
{
	/* Severity 5: the picture itself, and 1 + 0.03 k for k = 0..10: 12 pictures. A border pixel of a white frame 2 px wide
	 * on black: zoomed by z, the corner shows what lay at 111.5 - 111.5/z from the corner, which is beyond the frame
	 * (> 2) from 1.03 on (3.2). So two of twelve are white: 255/6 = 42.5. */
	g_auto(Rig) r = rig("zoom-blur:5", 1, 0);
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			if (x < 2 || y < 2 || x >= SIDE - 2 || y >= SIDE - 2)
				r.p[y * SIDE + x] = 255;
	perturb_image_apply(r.image, r.p, 0);
	CU_ASSERT_TRUE(r.p[0] == 42 || r.p[0] == 43);
	CU_ASSERT_EQUAL(r.p[112 * SIDE + 112], 0);
}

static void brightness_raises_v_and_keeps_the_hue(void)
{
	g_auto(Rig) r = rig("brightness:1", 3, 100); /* 0.1 * 255 = 25.5: 100 becomes 125.5 */
	static const uint8_t colour[] = {100, 50, 0}, black[] = {0, 0, 0},
			     light[] = {250, 250, 125};
	memcpy(r.p, colour, 3);
	memcpy(r.p + 3, black, 3);
	memcpy(r.p + 6, light, 3);
	perturb_image_apply(r.image, r.p, 0);
	static const uint8_t want[] = {126, 63, 0, 26, 26, 26, 255, 255, 128, 126, 126, 126};
	CU_ASSERT_EQUAL(memcmp(r.p, want, sizeof(want)), 0);
	/* the mean of a grey picture moves by what its one level moves */
	g_auto(Rig) grey = rig("brightness:3", 1, 60); /* 76.5 */
	perturb_image_apply(grey.image, grey.p, 0);
	CU_ASSERT_DOUBLE_EQUAL(moments(&grey).mean, 137, 0);
}

static void contrast_shrinks_about_the_mean(void)
{
	g_auto(Rig) r = rig("contrast:1", 1, 100); /* factor 0.4 */
	memset(r.p, 200, PIXELS / 2);              /* mean 150: 150 +- 20 */
	perturb_image_apply(r.image, r.p, 0);
	CU_ASSERT_EQUAL(r.p[0], 170);
	CU_ASSERT_EQUAL(r.p[PIXELS - 1], 130);
}

static void fog_lies_between_its_bounds(void)
{
	/* White picture, density 1.5: (1 + 1.5 f)/(1 + 1.5) of white with f in 0..1: 102..255 */
	g_auto(Rig) r = rig("fog:1", 3, 255);
	perturb_image_apply(r.image, r.p, 0);
	Moments m = moments(&r);
	CU_ASSERT_TRUE(m.least >= 102 && m.most <= 255 && m.sigma > 5);
	g_auto(Rig) dark = rig("fog:5", 3, 0); /* nothing lights the fog */
	perturb_image_apply(dark.image, dark.p, 0);
	CU_ASSERT_DOUBLE_EQUAL(moments(&dark).most, 0, 0);
}

static void fog_and_frost_stand_still_and_snow_falls(void)
{
	static const struct {
		const char *text;
		bool still;
	} kinds[] = {{"fog:3", true},        {"frost:3", true},    {"snow:3", false},
		     {"glass-blur:2", true}, {"elastic:3", true},  {"gaussian-noise:1", false},
		     {"patch:2", true},      {"occlusion:2", true}};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_auto(Rig) a = rig(kinds[i].text, 3, 90);
		g_auto(Rig) b = rig(kinds[i].text, 3, 90);
		perturb_image_apply(a.image, a.p, 0);
		perturb_image_apply(b.image, b.p, 33 * CLOCK_MS);
		CU_ASSERT_EQUAL(memcmp(a.p, b.p, 3 * PIXELS) == 0, kinds[i].still);
	}
}

static void frost_and_snow_only_brighten_where_the_paper_says_so(void)
{
	g_auto(Rig) frost =
		rig("frost:1", 3, 50); /* picture factor 1, frost 0.4: 50..50 + 0.4 * 255 */
	perturb_image_apply(frost.image, frost.p, 0);
	Moments m = moments(&frost);
	CU_ASSERT_TRUE(m.least >= 50 && m.most <= 152 && m.mean > 65);
	/* Snow on black, severity 1: 0.2 * 127.5 = 25.5 everywhere, flakes on top */
	g_auto(Rig) snow = rig("snow:1", 1, 0);
	perturb_image_apply(snow.image, snow.p, 0);
	m = moments(&snow);
	CU_ASSERT_TRUE(m.least >= 25 && m.least < 50);
	CU_ASSERT_TRUE(m.most > 60 && m.mean < 90);
}

static void pixels_become_blocks_of_their_mean(void)
{
	g_auto(Rig) r = rig("pixelate:5", 1, 0); /* 0.25: blocks of 4 x 4 */
	for (int i = 0; i < PIXELS; i++)
		r.p[i] = (uint8_t)((i % SIDE * 7 + i / SIDE * 13) % 251);
	g_autofree uint8_t *before = g_memdup2(r.p, PIXELS);
	perturb_image_apply(r.image, r.p, 0);
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			int sum = 0;
			for (int k = 0; k < 16; k++)
				sum += before[(y / 4 * 4 + k / 4) * SIDE + x / 4 * 4 + k % 4];
			CU_ASSERT_EQUAL(r.p[y * SIDE + x], (sum + 8) / 16);
		}
}

static void elastic_moves_no_further_than_it_may(void)
{
	/* Severity 3: three points moved by at most 4.88 each way, and a smooth step of at most 12.2 (in truth far less):
	 * a ramp of 1 a pixel changes by less than their sum anywhere inside. */
	g_auto(Rig) r = rig("elastic:3", 1, 0);
	for (int i = 0; i < PIXELS; i++)
		r.p[i] = (uint8_t)(i % SIDE);
	perturb_image_apply(r.image, r.p, 0);
	int most = 0;
	for (int y = 75; y < 150;
	     y++) /* between the three points the affine part is a mean of their moves */
		for (int x = 75; x < 150; x++)
			most = MAX(most, abs(r.p[y * SIDE + x] - x));
	CU_ASSERT_TRUE(most > 0 && most < 2 * 4.88 + 12.2);
}

static void occlusion_and_patch_take_their_share(void)
{
	g_auto(Rig) r =
		rig("occlusion:4", 1, 10); /* 35 % of 50176 = 17562; sides 132.5 -> 133: 17689 */
	int grey = 0, loud = 0;
	perturb_image_apply(r.image, r.p, 0);
	for (int i = 0; i < PIXELS; i++)
		grey += r.p[i] == 128;
	CU_ASSERT_TRUE(grey == 132 * 132 || grey == 133 * 133);
	g_auto(Rig) patch = rig("patch:3", 1, 10); /* 5 %: 50.09 -> 50 */
	perturb_image_apply(patch.image, patch.p, 0);
	for (int i = 0; i < PIXELS; i++)
		loud += patch.p[i] != 10;
	CU_ASSERT_EQUAL(loud, 2500);
}

static void dark_and_flicker_multiply(void)
{
	g_auto(Rig) dark = rig("dark:2", 1, 200); /* 0.3 */
	perturb_image_apply(dark.image, dark.p, 0);
	CU_ASSERT_EQUAL(dark.p[0], 60);
	/* 3 Hz: a quarter of a turn at 1/12 s, three quarters at 3/12 s; amplitude 0.2 */
	g_auto(Rig) up = rig("flicker:2", 1, 100);
	g_auto(Rig) down = rig("flicker:2", 1, 100);
	perturb_image_apply(up.image, up.p, CLOCK_S / 12);
	perturb_image_apply(down.image, down.p, CLOCK_S / 4);
	CU_ASSERT_EQUAL(up.p[0], 120);
	CU_ASSERT_EQUAL(down.p[0], 80);
}

static void fates_are_as_declared(void)
{
	g_auto(Rig) freeze = rig("freeze:3", 1, 0);
	g_auto(Rig) drop = rig("drop:3", 1, 0);
	g_auto(Rig) late = rig("latency:4", 1, 0);
	int frozen = 0, dropped = 0, n = 20000; /* 1000 s at 20 pictures a second: 200 periods */
	for (int i = 0; i < n; i++) {
		int64_t t = i * 50 * CLOCK_MS;
		PerturbFate f = perturb_image_fate(freeze.image, t);
		CU_ASSERT_TRUE(f.shows_ns <= t && f.shows_ns > t - 2 * CLOCK_S);
		frozen += f.shows_ns < t;
		dropped += perturb_image_fate(drop.image, t).dropped;
		CU_ASSERT_EQUAL(perturb_image_fate(late.image, t).delay_ns, CLOCK_S);
	}
	CU_ASSERT_DOUBLE_EQUAL((double)frozen / n, 0.4, 0.006);
	CU_ASSERT_DOUBLE_EQUAL((double)dropped / n, 0.2, 0.0115); /* four standard errors */
}

static void worse_is_worse(void)
{
	/* Distance from the picture grows with the severity, for what has one number to grow. */
	static const char *const names[] = {"gaussian-noise", "shot-noise",  "impulse-noise",
					    "defocus-blur",   "motion-blur", "contrast",
					    "brightness",     "pixelate",    "jpeg",
					    "dark",           "occlusion",   "patch"};
	for (size_t k = 0; k < G_N_ELEMENTS(names); k++) {
		double last = 0;
		for (int severity = 1; severity <= 5; severity += 2) {
			g_autofree char *text = g_strdup_printf("%s:%d", names[k], severity);
			g_auto(Rig) r = rig(text, 1, 0);
			for (int i = 0; i < PIXELS; i++)
				r.p[i] = (uint8_t)(80 + 60 * sin(i % SIDE * 0.35) *
								cos(i / SIDE * 0.21));
			g_autofree uint8_t *before = g_memdup2(r.p, PIXELS);
			double d = 0;
			perturb_image_apply(r.image, r.p, 0);
			for (int i = 0; i < PIXELS; i++)
				d += fabs((double)r.p[i] - before[i]);
			CU_ASSERT_TRUE(d > last);
			last = d;
		}
	}
}

static void similarity_is_a_correlation(void)
{
	g_autofree uint8_t *a = g_malloc(PIXELS), *b = g_malloc(PIXELS), *c = g_malloc0(PIXELS);
	for (int i = 0; i < PIXELS; i++) {
		a[i] = (uint8_t)(i % SIDE);
		b[i] = (uint8_t)(255 - a[i]);
	}
	CU_ASSERT_DOUBLE_EQUAL(perturb_similarity(a, a, NULL, SIDE, SIDE, 1), 1, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(perturb_similarity(a, b, NULL, SIDE, SIDE, 1), -1, 1e-12);
	CU_ASSERT_TRUE(isnan(perturb_similarity(a, c, NULL, SIDE, SIDE, 1)));
	CU_ASSERT_TRUE(isnan(perturb_similarity(a, a, a, SIDE, SIDE, 1))); /* nothing moved */
}

static void odd_shapes_are_done_and_wrong_ones_refused(void)
{
	static const int sizes[][2] = {{8, 8}, {9, 31}, {33, 17}, {64, 8}};
	size_t n;
	const PerturbInfo *all = perturb_list(&n);
	for (size_t k = 0; k < n; k++)
		for (size_t s = 0; all[k].domain == PERTURB_IMAGE && s < G_N_ELEMENTS(sizes); s++)
			for (int ch = 1; ch <= 3; ch += 2) {
				int w = sizes[s][0], h = sizes[s][1];
				g_autofree char *text = g_strdup_printf("%s:5", all[k].name);
				g_autoptr(PerturbChain) chain = perturb_chain_new(1);
				g_autoptr(GError) error = NULL;
				CU_ASSERT_TRUE(perturb_chain_add(chain, text, &error));
				g_autoptr(PerturbImage) image =
					perturb_image_new(chain, "c", w, h, ch, &error);
				g_autofree uint8_t *p = g_malloc((gsize)(w * h * ch));
				for (int i = 0; i < w * h * ch; i++)
					p[i] = (uint8_t)(i * 37);
				perturb_image_apply(image, p, 5 * CLOCK_S);
			}
	g_autoptr(PerturbChain) none = perturb_chain_new(1);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_PTR_NULL(perturb_image_new(none, "c", 7, 100, 3, &error));
	g_clear_error(&error);
	CU_ASSERT_PTR_NULL(perturb_image_new(none, "c", 100, 100, 2, &error));
}

UNIT_MAIN("perturb.image", UNIT(gaussian_noise_has_the_papers_sigma),
	  UNIT(shot_noise_has_the_variance_of_counting),
	  UNIT(impulses_are_as_many_as_the_paper_says), UNIT(defocus_spreads_a_point_over_the_disk),
	  UNIT(a_plain_picture_has_nothing_to_blur_or_move),
	  UNIT(blurs_keep_the_light_and_lose_the_edges), UNIT(zoom_blur_is_the_mean_of_its_zooms),
	  UNIT(brightness_raises_v_and_keeps_the_hue), UNIT(contrast_shrinks_about_the_mean),
	  UNIT(fog_lies_between_its_bounds), UNIT(fog_and_frost_stand_still_and_snow_falls),
	  UNIT(frost_and_snow_only_brighten_where_the_paper_says_so),
	  UNIT(pixels_become_blocks_of_their_mean), UNIT(elastic_moves_no_further_than_it_may),
	  UNIT(occlusion_and_patch_take_their_share), UNIT(dark_and_flicker_multiply),
	  UNIT(fates_are_as_declared), UNIT(worse_is_worse), UNIT(similarity_is_a_correlation),
	  UNIT(odd_shapes_are_done_and_wrong_ones_refused))
