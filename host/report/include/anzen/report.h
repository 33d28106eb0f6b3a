/* report (floor 5): a run's result as people read it.
 *
 * One self-contained HTML file (no network, no script): the verdict first and large, then per criterion what was measured, its
 * uncertainty, the limit, the decision rule and its risks, a time line with stimulus, response and margin on one axis,
 * still frames, and the hashes of everything that went in. Virtual evidence says so on every printed page.
 * Plain functions; any thread; nothing is kept.
 */
#ifndef ANZEN_REPORT_H
#define ANZEN_REPORT_H

#include <anzen/criterion.h>
#include <anzen/model.h>

G_BEGIN_DECLS

/* A picture for the report: the bytes of a JPEG or PNG file and when it was taken. */
typedef struct ReportStill {
	char *caption; /* in the report's language */
	int64_t t_ns;
	GBytes *bytes;
	const char *media_type; /* "image/jpeg" */
	bool given;             /* what the product was shown in its place: perturbed */
} ReportStill;

ReportStill *report_still_new(const char *caption, int64_t t_ns, GBytes *bytes);
void report_still_free(ReportStill *still);

typedef struct ReportInput {
	const RunRecord *record;
	const Recording *recording; /* NULL: no time line */
	const JudgeSpec *spec;      /* NULL: plots every stimulus signal */
	const GPtrArray *stills;    /* ReportStill*, or NULL */
	const char *lang;           /* "en" or "ja" */
} ReportInput;

/* The document. Caller frees. */
char *report_html(const ReportInput *input);
/* Written to a temporary name, synced, renamed. */
gboolean report_write_html(const ReportInput *input, const char *path, GError **error);

/* Many runs and what they show together. */
typedef struct ReportCampaign {
	const char *id, *title_en, *title_ja; /* titles may be NULL */
	const char *plan_sha256;
	Verdict verdict;
	bool complete;  /* false: some draws are still to be played, and the page says so first */
	unsigned drawn; /* runs that the plan draws */
	const GPtrArray *runs;   /* RunRecord*; each links to runs/ID/report.html */
	const GPtrArray *claims; /* ClaimResult* */
	const char *lang;
} ReportCampaign;

/* One self-contained page: verdict, claims with their bounds against what is required, every run's measured value over each
 * parameter that was drawn, the runs. Caller frees. */
char *report_campaign_html(const ReportCampaign *campaign);

/* JUnit XML as CI systems read it: a test case a criterion; FAIL is a failure, INVALID an error, INCONCLUSIVE skipped.
 * Schema: the de-facto one of Jenkins. Caller frees. */
char *report_junit(const RunRecord *record);

/* The one-screen table of `anzen run` and `anzen demo`: verdict, measured ± uncertainty with unit, limit, why. `screen`: columns
 * of the terminal that shows it, a longer why then goes below its row; 0: as wide as it gets. Caller frees. */
char *report_table(const RunRecord *const *records, size_t n, const char *lang, int screen);

/* "2.31 s ± 0.04 s (k = 2)" or "–"; caller frees. */
char *report_measured(const CriterionResult *result);

/* "answers stamped 2.8 s earlier (476 u) → INCONCLUSIVE; …": one line, empty without tipping points. Caller frees. */
char *report_tipping(const CriterionResult *result, const char *lang);
/* "L1 PASS · L2 FAIL": the levels in the order in which they were tested. Caller frees. */
char *report_levels(const CriterionResult *result, const char *lang);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportStill, report_still_free)

G_END_DECLS

#endif
