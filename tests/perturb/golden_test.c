/* Identical bytes for an identical seed: each perturbation at each severity against golden.txt, in one thread and in four,
 * forwards and backwards; and docs/perturb.md against the catalogue.
 *
 * A digest that changes on purpose is a new perturbation for everybody who kept a seed: say so in CHANGELOG.md. */
#include "unit.h"

#include <anzen/perturb.h>

#define W 64
#define H 48
#define PICTURES 4
#define SAMPLES 400

static const char golden_file[] = ANZEN_SOURCE_DIR "/tests/perturb/golden.txt";
static const char docs_file[] = ANZEN_SOURCE_DIR "/docs/perturb.md";

static PerturbChain *chain_of(const PerturbInfo *info, int severity)
{
	g_autofree char *text = g_strdup_printf("%s:%d", info->name, severity);
	PerturbChain *chain = perturb_chain_new(7);
	g_autoptr(GError) error = NULL;
	if (!perturb_chain_add(chain, text, &error))
		fprintf(stderr, "%s\n", error->message);
	return chain;
}

typedef struct Job {
	const PerturbImage *image;
	uint8_t *pictures;
	int first, step;
} Job;

static gpointer work(gpointer data)
{
	const Job *job = data;
	for (int i = job->first; i >= 0 && i < PICTURES; i += job->step)
		perturb_image_apply(job->image, job->pictures + i * W * H * 3, i * 33 * CLOCK_MS);
	return NULL;
}

static uint8_t *pictures_new(void)
{
	uint8_t *p = g_malloc(PICTURES * W * H * 3);
	for (int i = 0; i < PICTURES * W * H; i++)
		for (int c = 0; c < 3; c++)
			p[3 * i + c] = (uint8_t)(i % W * (c + 1) + i / W % H * 2 + i / (W * H) * 9);
	return p;
}

/* threads: 1 forwards, -1 backwards, more. */
static char *image_digest(const PerturbChain *chain, int threads)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(PerturbImage) image = perturb_image_new(chain, "camera.main", W, H, 3, &error);
	g_autofree uint8_t *pictures = pictures_new();
	int n = MAX(threads, 1);
	GThread *running[PICTURES];
	Job jobs[PICTURES];
	for (int i = 0; i < n; i++) {
		jobs[i] = (Job){image, pictures, threads < 0 ? PICTURES - 1 : i,
				threads < 0 ? -1 : n};
		running[i] = n > 1 ? g_thread_new("perturb", work, &jobs[i]) : NULL;
		if (n == 1)
			work(&jobs[i]);
	}
	for (int i = 0; i < n; i++)
		if (running[i])
			g_thread_join(running[i]);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, pictures, PICTURES * W * H * 3);
	for (int i = 0; i < 100; i++) {
		PerturbFate fate = perturb_image_fate(image, i * 100 * CLOCK_MS);
		g_autofree char *text = g_strdup_printf("%d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
							fate.dropped, fate.shows_ns, fate.delay_ns);
		g_checksum_update(sum, (const guchar *)text, -1);
	}
	return g_strdup(g_checksum_get_string(sum));
}

static char *signal_digest(const PerturbChain *chain)
{
	g_autoptr(PerturbSignal) s = perturb_signal_new(chain, "pan.temperature", false, 0, 200);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	for (int i = 0; i < SAMPLES; i++) {
		PerturbSample p = perturb_signal_apply(s, i * 50 * CLOCK_MS, i % 190, SAMPLE_OK);
		g_autofree char *text =
			g_strdup_printf("%d %" G_GINT64_FORMAT " %.17g", p.given, p.t_ns, p.v);
		g_checksum_update(sum, (const guchar *)text, -1);
	}
	return g_strdup(g_checksum_get_string(sum));
}

static char *audio_digest(const PerturbChain *chain)
{
	int16_t s[4000];
	for (int i = 0; i < 4000; i++)
		s[i] = (int16_t)(i * 37 % 8001 - 4000);
	perturb_audio_apply(chain, "mic", s, 2000, 2, 8000);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, (const guchar *)s, sizeof(s)); /* little-endian machines */
	return g_strdup(g_checksum_get_string(sum));
}

static char *digest(const PerturbInfo *info, int severity, int threads)
{
	g_autoptr(PerturbChain) chain = chain_of(info, severity);
	switch (info->domain) {
	case PERTURB_SIGNAL:
		return signal_digest(chain);
	case PERTURB_IMAGE:
		return image_digest(chain, threads);
	case PERTURB_AUDIO:
		return audio_digest(chain);
	}
	return NULL;
}

static void each_has_the_bytes_that_it_always_had(void)
{
	g_autofree char *text = NULL;
	size_t n, lines = 0;
	const PerturbInfo *all = perturb_list(&n);
	CU_ASSERT_TRUE(g_file_get_contents(golden_file, &text, NULL, NULL));
	for (size_t i = 0; text && i < n; i++)
		for (int severity = 1; severity <= 5; severity++, lines++) {
			g_autofree char *got = digest(&all[i], severity, 1);
			g_autofree char *line =
				g_strdup_printf("%s:%d %s\n", all[i].name, severity, got);
			bool same = strstr(text, line) != NULL;
			CU_ASSERT_TRUE(same);
			if (!same)
				fprintf(stderr, "not in golden.txt: %s", line);
		}
	size_t have = 0;
	for (const char *p = text; p && *p; p++)
		have += *p == '\n';
	CU_ASSERT_EQUAL(have, lines);
}

static void threads_and_order_change_nothing(void)
{
	size_t n;
	const PerturbInfo *all = perturb_list(&n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].domain != PERTURB_IMAGE)
			continue;
		g_autofree char *one = digest(&all[i], 3, 1), *two = digest(&all[i], 3, 2),
				*four = digest(&all[i], 3, 4), *back = digest(&all[i], 3, -1);
		CU_ASSERT_STRING_EQUAL(one, two);
		CU_ASSERT_STRING_EQUAL(one, four);
		CU_ASSERT_STRING_EQUAL(one, back);
	}
}

static void another_seed_gives_other_bytes(void)
{
	g_autoptr(PerturbChain) a = perturb_chain_new(7), b = perturb_chain_new(8);
	g_autoptr(GError) error = NULL;
	CU_ASSERT_TRUE(perturb_chain_add(a, "fog:3", &error) &&
		       perturb_chain_add(b, "fog:3", &error));
	g_autofree char *x = image_digest(a, 1), *y = image_digest(b, 1);
	CU_ASSERT_STRING_NOT_EQUAL(x, y);
}

static char *row_of(const PerturbInfo *p)
{
	static const char *const truth[] = {"checked", "moved", "unverified"};
	g_autoptr(GString) row = g_string_new(NULL);
	g_string_append_printf(row, "| `%s` | %s |", p->name, p->what);
	for (int i = 0; i < PERTURB_PARAMETERS && p->parameters[i].name; i++) {
		const PerturbParameter *q = &p->parameters[i];
		g_string_append_printf(row, "%s %s%s%s%s:", i ? ";" : "", q->name,
				       strcmp(q->unit, "1") ? " (" : "",
				       strcmp(q->unit, "1") ? q->unit : "",
				       strcmp(q->unit, "1") ? ")" : "");
		for (int k = 0; k < PERTURB_SEVERITIES; k++)
			g_string_append_printf(row, " %g", q->at[k]);
	}
	g_string_append_printf(row, " | %s | %s |", truth[p->truth], p->source);
	return g_string_free(g_steal_pointer(&row), FALSE);
}

static void the_page_says_what_the_code_does(void)
{
	g_autofree char *text = NULL;
	size_t n;
	const PerturbInfo *all = perturb_list(&n);
	CU_ASSERT_TRUE(g_file_get_contents(docs_file, &text, NULL, NULL));
	for (size_t i = 0; text && i < n; i++) {
		g_autofree char *row = row_of(&all[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, row));
		if (!strstr(text, row))
			fprintf(stderr, "not in docs/perturb.md: %s\n", row);
	}
}

static const UnitTest tests[] = {
	UNIT(each_has_the_bytes_that_it_always_had), UNIT(threads_and_order_change_nothing),
	UNIT(another_seed_gives_other_bytes), UNIT(the_page_says_what_the_code_does)};

int main(int argc, char **argv)
{
	size_t n;
	const PerturbInfo *all = perturb_list(&n);
	if (argc == 2 && !strcmp(argv[1], "print"))
		for (size_t i = 0; i < n; i++)
			for (int severity = 1; severity <= 5; severity++) {
				g_autofree char *got = digest(&all[i], severity, 1);
				printf("%s:%d %s\n", all[i].name, severity, got);
			}
	else if (argc == 2 && !strcmp(argv[1], "docs"))
		for (size_t i = 0; i < n; i++) {
			g_autofree char *row = row_of(&all[i]);
			printf("%s\n", row);
		}
	else
		return unit_run("perturb.golden", tests, G_N_ELEMENTS(tests), argc, argv);
	return 0;
}
