#include <anzen/metrology.h>
#include "unit.h"

/* formats.md's example: the load cell. -1.82 + 0.7331 · 280.8 = 204.03 N, 0.03 N from its reference. The budget's root sum of
 * squares is sqrt(1.9² + 2.3² + 1.4²) = 3.295 N = 6.6 N / 2. */
#define BEFORE_POINTS                             \
	"anzen: calibration/1\n"                  \
	"serial: load-cell-0012\n"                \
	"kind: static\n"                          \
	"quantity: {unit: N, range: [0, 3000]}\n" \
	"model: {kind: polynomial, input: count, coefficients: [-1.82, 0.7331]}\n"
#define POINTS "points: [{reference: 0 N, reading: 2.5}, {reference: 204 N, reading: 280.8}]\n"
#define UNCERTAINTY                                                                              \
	"uncertainty: {expanded: 6.6 N, k: 2, dof: 12,\n"                                        \
	"  budget: [{source: reference, u: 1.9 N}, {source: repeatability, u: 2.3 N}, {source: " \
	"drift, u: 1.4 N}]}\n"
#define VALID "valid: {from: 2026-10-01, until: 2027-10-01}\n"
#define REST "by: tester\n"

static Certificate *load(const char *text, const char *name, const char *expect)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	Certificate *c = certificate_load_text(text, -1, name, diag);
	bool said = !expect;
	for (size_t i = 0; expect && i < diagnostics_count(diag); i++)
		said |= strstr(diagnostics_get(diag, i)->message, expect) != NULL &&
			diagnostics_get(diag, i)->line > 0;
	CU_ASSERT_TRUE(said);
	if (!said || (!expect && !c))
		diagnostics_print(diag, stderr);
	return c;
}

static int day(unsigned y, unsigned m, unsigned d)
{
	g_autoptr(GDate) date = g_date_new_dmy((GDateDay)d, (GDateMonth)m, (GDateYear)y);
	return (int)g_date_get_julian(date);
}

static void a_certificate_gives_value_and_uncertainty(void)
{
	g_autoptr(Certificate) c =
		load(BEFORE_POINTS POINTS UNCERTAINTY VALID REST, "2026-10-01.yaml", NULL);
	CU_ASSERT_PTR_NOT_NULL(c);
	if (!c)
		return;
	CU_ASSERT_STRING_EQUAL(c->id, "load-cell-0012/2026-10-01");
	CU_ASSERT_DOUBLE_EQUAL(certificate_value(c, 280.8), 204.0345, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(certificate_uncertainty(c).u, 3.3, 1e-12);
	CU_ASSERT_EQUAL(certificate_uncertainty(c).dof, 12);
}

static void a_point_off_by_more_than_its_uncertainty_is_refused(void)
{
	/* 300 counts are 218.1 N: 14.1 N off. */
	g_autoptr(Certificate) c = load(
		BEFORE_POINTS "points: [{reference: 204 N, reading: 300}]\n" UNCERTAINTY VALID REST,
		"a.yaml", "away from the reference");
	g_autoptr(Certificate) d =
		load(BEFORE_POINTS
		     "points: [{reference: 5000 N, reading: 6822.8}]\n" UNCERTAINTY VALID REST,
		     "a.yaml", "outside the calibrated range");
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_PTR_NULL(d);
}

static void a_budget_that_does_not_add_up_is_refused(void)
{
	g_autoptr(Certificate) c =
		load(BEFORE_POINTS POINTS "uncertainty: {expanded: 6.6 N, k: 2, dof: 12, budget: "
					  "[{source: x, u: 1 N}]}\n" VALID REST,
		     "a.yaml", "the budget adds up to");
	CU_ASSERT_PTR_NULL(c);
}

static void units_and_dates_must_fit(void)
{
	g_autoptr(Certificate) a = load(
		BEFORE_POINTS "points: [{reference: 0 m, reading: 2.5}]\n" UNCERTAINTY VALID REST,
		"a.yaml", "expected a value in N");
	g_autoptr(Certificate) b = load(BEFORE_POINTS POINTS UNCERTAINTY
					"valid: {from: 2026-10-01, until: 2025-10-01}\n" REST,
					"a.yaml", "before it begins");
	g_autoptr(Certificate) c = load(BEFORE_POINTS POINTS UNCERTAINTY VALID REST "nonsense: 1\n",
					"a.yaml", "nonsense");
	g_autoptr(Certificate) d = load(BEFORE_POINTS POINTS UNCERTAINTY
					"valid: {from: 2026-02-30, until: 2027-10-01}\n" REST,
					"a.yaml", "date");
	CU_ASSERT_TRUE(!a && !b && !c && !d);
}

static void validity_ends_after_its_last_day(void)
{
	g_autoptr(Certificate) c =
		load(BEFORE_POINTS POINTS UNCERTAINTY VALID REST, "2026-10-01.yaml", NULL);
	if (!c)
		return;
	CU_ASSERT_EQUAL(certificate_state(c, day(2026, 9, 30), NULL), CERTIFICATE_NOT_YET);
	CU_ASSERT_EQUAL(certificate_state(c, day(2026, 10, 1), NULL), CERTIFICATE_GOOD);
	CU_ASSERT_EQUAL(certificate_state(c, day(2027, 10, 1), NULL), CERTIFICATE_GOOD);
	CU_ASSERT_EQUAL(certificate_state(c, day(2027, 10, 2), NULL), CERTIFICATE_EXPIRED);
}

static void a_later_certificate_can_revoke_an_earlier_one(void)
{
	g_autoptr(Certificate) old =
		load(BEFORE_POINTS POINTS UNCERTAINTY VALID REST, "2026-10-01.yaml", NULL);
	g_autoptr(Certificate) new = load(BEFORE_POINTS POINTS UNCERTAINTY
					  "valid: {from: 2026-12-01, until: 2027-12-01}\n"
					  "revokes: [load-cell-0012/2026-10-01]\n" REST,
					  "2026-12-01.yaml", NULL);
	g_autoptr(GPtrArray) others = g_ptr_array_new();
	g_ptr_array_add(others, new);
	if (old && new)
		CU_ASSERT_EQUAL(certificate_state(old, day(2026, 11, 1), others),
				CERTIFICATE_REVOKED);
}

static void a_channel_takes_its_numbers_from_the_certificate(void)
{
	g_autoptr(Certificate) c =
		load(BEFORE_POINTS POINTS UNCERTAINTY VALID REST, "2026-10-01.yaml", NULL);
	SignalInfo info;
	signal_info_init(&info, "floor.force");
	CU_ASSERT_TRUE(unit_parse("kN", &info.unit, NULL));
	certificate_apply(c, CERTIFICATE_GOOD, "load-cell-0012", &info);
	CU_ASSERT_DOUBLE_EQUAL(info.u_common, 0.0033, 1e-12); /* 3.3 N in kN */
	CU_ASSERT_DOUBLE_EQUAL(info.range_hi, 3, 1e-12);
	CU_ASSERT_PTR_NULL(info.certificate_fault);
	certificate_apply(c, CERTIFICATE_EXPIRED, "load-cell-0012", &info);
	CU_ASSERT_TRUE(info.certificate_fault && strstr(info.certificate_fault, "expired"));
	certificate_apply(NULL, CERTIFICATE_MISSING, "load-cell-0012", &info);
	CU_ASSERT_TRUE(info.certificate_fault && strstr(info.certificate_fault, "missing"));
	signal_info_clear(&info);
	signal_info_init(&info, "mannequin.height");
	CU_ASSERT_TRUE(unit_parse("m", &info.unit, NULL));
	certificate_apply(c, CERTIFICATE_GOOD, "load-cell-0012", &info);
	CU_ASSERT_TRUE(info.certificate_fault && strstr(info.certificate_fault, "is in N"));
	signal_info_clear(&info);
}

static void a_simulated_certificate_names_no_laboratory(void)
{
	g_autofree char *text =
		g_strdup(BEFORE_POINTS POINTS UNCERTAINTY VALID REST "laboratory: Metas\n");
	g_autoptr(Certificate) fine = load(text, "a.yaml", NULL);
	g_auto(GStrv) parts = g_strsplit(text, "kind: static", 2);
	g_autofree char *simulated = g_strconcat(parts[0], "kind: simulated", parts[1], NULL);
	g_autoptr(Certificate) refused = load(simulated, "a.yaml", "names no laboratory");
	CU_ASSERT_PTR_NOT_NULL(fine);
	CU_ASSERT_PTR_NULL(refused);
}

static void the_newest_valid_certificate_of_a_serial_is_found(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(CertificateStore) store =
		certificate_store_load(ANZEN_SOURCE_DIR "/calibration", diag);
	CertificateState state = CERTIFICATE_GOOD;
	CU_ASSERT_EQUAL(diagnostics_errors(diag), 0);
	diagnostics_print(diag, stderr);
	CU_ASSERT_TRUE(certificate_store_all(store)->len > 0);
	CU_ASSERT_PTR_NULL(
		certificate_store_find(store, "no-such-serial", day(2026, 11, 24), &state));
	CU_ASSERT_EQUAL(state, CERTIFICATE_MISSING);
	const Certificate *c =
		certificate_store_find(store, "string-pot-0007", day(2026, 11, 24), &state);
	CU_ASSERT_TRUE(c && !strcmp(c->serial, "string-pot-0007") && state == CERTIFICATE_GOOD);
	CU_ASSERT_PTR_NULL(
		certificate_store_find(store, "string-pot-0007", day(2019, 1, 1), &state));
	CU_ASSERT_EQUAL(state, CERTIFICATE_NOT_YET);
}

UNIT_MAIN("metrology.certificate", UNIT(a_certificate_gives_value_and_uncertainty),
	  UNIT(a_point_off_by_more_than_its_uncertainty_is_refused),
	  UNIT(a_budget_that_does_not_add_up_is_refused), UNIT(units_and_dates_must_fit),
	  UNIT(validity_ends_after_its_last_day),
	  UNIT(a_later_certificate_can_revoke_an_earlier_one),
	  UNIT(a_channel_takes_its_numbers_from_the_certificate),
	  UNIT(a_simulated_certificate_names_no_laboratory),
	  UNIT(the_newest_valid_certificate_of_a_serial_is_found))
