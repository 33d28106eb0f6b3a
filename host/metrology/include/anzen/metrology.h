/* metrology (floor 2): what a measured number is worth. Pure functions on doubles, and the
 *certificate reader.
 *
 * Sources: JCGM 100:2008 (GUM) for combination and effective degrees of freedom (G.4.1), JCGM
 *106:2012 for guarded decisions (8.3) and conformance probability (7), Clopper and Pearson,
 *Biometrika 26 (1934) for proportions. Quantiles come from GSL. Every function may be called on any
 *thread.
 *
 *	Uncertainty u = metrology_combine(parts, 3);
 *	Guard g = metrology_guard(&u, 0.025, 0.025);
 *	Verdict v = metrology_decide(limit - measured, &g);
 */
#ifndef ANZEN_METROLOGY_H
#define ANZEN_METROLOGY_H

#include <anzen/model.h>

G_BEGIN_DECLS

/* ---- Student t
 * ------------------------------------------------------------------------------------- */

/* The value that a Student t variable stays below with probability p (0 < p < 1). dof INFINITY:
 * normal. dof need not be whole. NaN for p outside (0, 1), dof <= 0 or NaN: an undeclared
 * uncertainty must not become a small one. */
double metrology_t_quantile(double p, double dof);
double metrology_t_probability(double t, double dof); /* P(T <= t) */

/* ---- combination
 * ----------------------------------------------------------------------------------- */

/* A standard uncertainty with its degrees of freedom (INFINITY: taken as known). */
typedef struct Uncertainty {
	double u, dof;
} Uncertainty;

/* Root of the sum of squares, and Welch-Satterthwaite degrees of freedom (GUM G.2b). Parts of u = 0
 * count nothing; of nothing, or of zeros alone: u 0, dof INFINITY. A part that is NaN, negative or
 * has dof <= 0 makes both NaN. */
Uncertainty metrology_combine(const Uncertainty *parts, size_t n);

/* ---- guarded decision
 * ------------------------------------------------------------------------------ */

typedef struct Guard {
	double accept, reject; /* w_A and w_R, in the measurand's unit; 0 under the rule `simple` */
} Guard;

/* w = t(1 - risk, dof) u, one-sided (JCGM 106, 8.3.2, with t in place of the normal). Risks in (0,
 * 0.5]. */
Guard metrology_guard(const Uncertainty *u, double risk_accept, double risk_reject);

/* PASS when margin > accept, FAIL when margin < -reject, else INCONCLUSIVE. NaN anywhere:
 * INCONCLUSIVE. A margin of exactly 0 without uncertainty is INCONCLUSIVE too: equality with the
 * limit proves neither. */
Verdict metrology_decide(double margin, const Guard *guard);

/* Probability that the true value lies in [lo, hi] (±INFINITY for one-sided tolerances), given the
 * estimate y and its uncertainty (JCGM 106, 7.2 to 7.4). */
double metrology_conformance(double y, const Uncertainty *u, double lo, double hi);

/* ---- many samples at once
 * -------------------------------------------------------------------------- */

/* Half-width, on one side, of a band that holds for all n samples together with probability 1 -
 * risk: common is shared by all samples (calibration), u_sample is independent from sample to
 * sample (noise). The smallest of the Bonferroni-valid splits of `risk` between the two, chosen
 * from n, u and dof alone, never from the data: so a true margin of 0 passes wrongly with at most
 * `risk`, for any n. n = 0 counts as 1. NaN when something is undeclared. */
double metrology_envelope(const Uncertainty *common, double u_sample, size_t n, double risk);

/* Risk left for each of n independent looks so that all together keep `risk` (Šidák). */
double metrology_each_risk(double risk, size_t n);

/* What can hide between two samples v0 at 0 and v1 at dt of a quantity that changes by at most
 * `slew` per second: the extreme value on each side and the moment of both, in seconds after the
 * first. FALSE when no such quantity passes through both: |v1 - v0| > slew dt. The moment is where
 * the steepest way down from v0 meets the steepest way up to v1 (for the low side; mirrored for the
 * high side). */
bool metrology_between(double v0, double v1, double dt_s, double slew, double *ret_lo,
		       double *ret_lo_s, double *ret_hi, double *ret_hi_s);

/* ---- proportions
 * ----------------------------------------------------------------------------------- */

/* Exact one-sided bounds for a proportion, each with `confidence` of its own. passed of n; n = 0: 0
 * and 1. */
double metrology_proportion_lower(unsigned passed, unsigned n, double confidence);
double metrology_proportion_upper(unsigned passed, unsigned n, double confidence);

/* Fewest trials with at most `permitted` failures that show at least `rate` at `confidence`; 0 when
 * none below 1,000,000 does. */
unsigned metrology_trials(double rate, double confidence, unsigned permitted);

/* Most failures among n trials that still show at least `rate`; *ret_any false: not even none does. */
unsigned metrology_permitted(unsigned n, double rate, double confidence, bool *ret_any);

/* Probability that a plan of n trials with `permitted` failures passes at a true success rate. */
double metrology_pass_probability(unsigned n, unsigned permitted, double true_rate);

/* Two-sided intervals at `confidence`. NaN on both sides for an impossible argument. */
typedef struct Interval {
	double lo, hi;
} Interval;

/* Exact: never below its confidence. What claims are decided by (one side each, above). */
Interval metrology_clopper_pearson(unsigned passed, unsigned n, double confidence);
/* Score interval (Wilson, JASA 22, 1927): right on average, for showing, never for deciding a claim. */
Interval metrology_wilson(unsigned passed, unsigned n, double confidence);
/* Difference of two independent rates, a - b (Newcombe, Statistics in Medicine 17:873, 1998, method 10). */
Interval metrology_newcombe(unsigned passed_a, unsigned n_a, unsigned passed_b, unsigned n_b,
			    double confidence);
/* Paired trials (the same stimulus given to two products): `only_a` pairs passed with a alone, `only_b` with b
 * alone. Probability of at least so many for a when both are equally good (McNemar's test, exact: binomial with
 * 1/2); one-sided. `two_sided`: of a split at least so uneven. No such pair: 1. */
double metrology_mcnemar(unsigned only_a, unsigned only_b, bool two_sided);
/* Events per unit of exposure (days, hours) from a count (Garwood, Biometrika 28, 1936: exact). */
Interval metrology_poisson_rate(unsigned events, double exposure, double confidence);

/* Groups that should be treated alike: the largest difference between two of their rates, and bounds of it that hold with
 * `confidence` for all groups together (exact bounds for each rate on both sides, Bonferroni). lo: surely at least so
 * different. NaN for fewer than two groups or an empty one. */
typedef struct Group {
	unsigned passed, n;
} Group;
Interval metrology_largest_gap(const Group *groups, size_t n_groups, double confidence,
			       double *ret_observed);
/* Runs a group that would bring the upper bound below `gap` if the rates came out as they did; 0: none up to 100,000. */
unsigned metrology_gap_trials(const Group *groups, size_t n_groups, double confidence, double gap);

/* ---- looking while the runs come in: valid however often one looks ---------------------------- */

/* A test of "at least `rate`", planned for a product of true rate `good` > rate. The likelihood ratio of good to rate is
 * a non-negative supermartingale when the true rate is at most `rate`, so it ever reaches 1/risk_accept with at most
 * risk_accept (Ville, 1939); likewise its inverse for risk_reject. Wald's SPRT with these bounds: exact, where Wald's own
 * (1 - beta)/alpha is an approximation. */
typedef struct Sprt {
	double rate, good;
	double risk_accept, risk_reject;
} Sprt;
bool metrology_sprt_valid(const Sprt *plan);
/* log likelihood ratio after so many; NaN for an invalid plan. */
double metrology_sprt_log_ratio(const Sprt *plan, unsigned passed, unsigned n);
/* PASS, FAIL, or INCONCLUSIVE: go on. The first decision stands: a caller that goes on after it must not decide anew.
 * */
Verdict metrology_sprt_decide(const Sprt *plan, unsigned passed, unsigned n);
/* Fewest runs that can end in PASS: all passed. 0 for an invalid plan. */
unsigned metrology_sprt_fewest(const Sprt *plan);
/* Chance to have ended in PASS (FAIL) within n runs, looked at after every one, at a true rate: exact, by recursion over
 * the number of passes. n up to 100,000. */
void metrology_sprt_chances(const Sprt *plan, unsigned n, double true_rate, double *ret_pass,
			    double *ret_fail);

/* Confidence sequence for a rate: with probability `confidence` the true rate lies in the interval at *every* n. From the
 * beta-binomial mixture with a uniform prior (Robbins, Ann. Math. Stat. 41, 1970): the rates p with
 * B(1+x, 1+n-x) / (p^x (1-p)^(n-x)) < 1/(1-confidence). */
Interval metrology_confidence_sequence(unsigned passed, unsigned n, double confidence);

/* ---- seeded draws, for Monte-Carlo checks (JCGM 101) ------------------------------------------ */

/* One thread. The same seed gives the same draws with the same GSL. */
typedef struct Draws Draws;
Draws *metrology_draws_new(unsigned long seed);
void metrology_draws_free(Draws *draws);
double metrology_draw_normal(Draws *draws, double u);
/* u times a Student t variable (JCGM 101, 6.4.9); u 0: 0, whatever its degrees of freedom. NaN when undeclared. */
double metrology_draw(Draws *draws, const Uncertainty *u);

/* ---- calibration certificates (calibration/1)
 * ------------------------------------------------------- */

typedef enum { CERTIFICATE_STATIC, CERTIFICATE_DYNAMIC, CERTIFICATE_SIMULATED } CertificateKind;
const char *certificate_kind_name(CertificateKind kind);

typedef struct CertificatePoint {
	double reference; /* in the certificate's unit */
	double reading;   /* of the model's input */
} CertificatePoint;

typedef struct BudgetPart {
	char *source;
	double u; /* standard, in the certificate's unit */
} BudgetPart;

/* Everything below is owned by the certificate. Immutable after loading. */
typedef struct Certificate {
	char *path, *id; /* id: SERIAL/FILE-STEM */
	char *serial;
	CertificateKind kind;
	Unit unit;
	double range_lo, range_hi;
	char *input; /* what the polynomial takes: "count", "V", "mA" … */
	size_t n_coefficients;
	double *coefficients; /* ascending powers */
	GArray *points;       /* CertificatePoint */
	double expanded, k, dof;
	GPtrArray *budget; /* BudgetPart*; their root sum of squares agrees with expanded / k */
	int valid_from, valid_until; /* Julian day numbers (g_date_get_julian); until is the last
					valid day */
	char *valid_text;            /* "2026-10-01 to 2027-10-01" */
	GPtrArray *revokes;          /* char*: certificate ids */
	char *by;
	double bandwidth_hz; /* kind dynamic: where the response is down to 0.707; 0: none */
} Certificate;

/* NULL when the file is no certificate; every fault is one diagnostic: a point whose residual is
 * greater than the expanded uncertainty, a point out of the range, a budget that does not give
 * expanded / k, until before from. */
Certificate *certificate_load(const char *path, Diagnostics *diag);
Certificate *certificate_load_text(const char *text, gssize length, const char *name,
				   Diagnostics *diag);
void certificate_free(Certificate *certificate);

/* The polynomial; the result is in the certificate's unit. */
double certificate_value(const Certificate *certificate, double reading);
/* Standard uncertainty of the common part: expanded / k, with the certificate's degrees of freedom.
 */
Uncertainty certificate_uncertainty(const Certificate *certificate);

typedef enum {
	CERTIFICATE_GOOD,
	CERTIFICATE_EXPIRED,
	CERTIFICATE_NOT_YET,
	CERTIFICATE_REVOKED,
	CERTIFICATE_MISSING,
} CertificateState;
const char *certificate_state_name(CertificateState state);

/* State on a day (Julian). `others` (may be NULL): Certificate* that may revoke this one. */
CertificateState certificate_state(const Certificate *certificate, int julian_day,
				   const GPtrArray *others);

/* A folder of certificates (calibration/SERIAL/DATE.yaml), append-only. Broken files are
 * diagnostics. */
typedef struct CertificateStore CertificateStore;
CertificateStore *certificate_store_load(const char *folder, Diagnostics *diag);
void certificate_store_free(CertificateStore *store);
const GPtrArray *certificate_store_all(const CertificateStore *store); /* Certificate*, by id */
/* The newest good one for `serial` on that day, else NULL and *ret_state says why (MISSING when
 * there is none). */
const Certificate *certificate_store_find(const CertificateStore *store, const char *serial,
					  int julian_day, CertificateState *ret_state);

/* Fill u_common, dof_common, range, unit (when it was "1"), serial, certificate and
 * certificate_fault of a channel's signal. certificate NULL: certificate_fault says "no
 * certificate", "expired", … by `state`. */
void certificate_apply(const Certificate *certificate, CertificateState state, const char *serial,
		       SignalInfo *info);

/* JSON Schema of calibration/1. Caller frees. */
char *certificate_schema(void);
/* The kind's table, for docs/schema and `anzen check`. */
const Shape *certificate_shape(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Draws, metrology_draws_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Certificate, certificate_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CertificateStore, certificate_store_free)

G_END_DECLS

#endif
