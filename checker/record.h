/* A run record against its recording. */
#ifndef ANZEN_CHECKER_RECORD_H
#define ANZEN_CHECKER_RECORD_H

#include "check.h"

typedef struct Check {
	const Recording *rec;
	JudgeSpec *spec;
	GPtrArray *packs; /* YamlDoc* */
	FILE *out;        /* a line a criterion, and a line for everything wrong */
	unsigned wrong, open;
	bool copy; /* redacted since it was judged */
	bool adopted; /* tests: as if a lab had supplied what a pack still needs, with its stand-in numbers */
} Check;
/* The record against the recording of the session with that hash (NULL: a record that names none). */
void check_record(Check *check, const RunRecord *run, const char *session_sha256);

/* What bench and product did wrong (trouble.c) */
void add_unknown(World *w,
		 int64_t since); /* what the recording leaves unknown, and everything since then */
int64_t doubtful_from(const World *w); /* from here on nobody can vouch for what the product does */
int64_t product_failed_at(const World *w);
Verdict
alive(const World *
	      w); /* PASS, FAIL (not answered), INVALID (the bench failed before), INCONCLUSIVE: not shown */
int as_scripted(World *w); /* 1: for sure; -1: for sure not; 0: nobody saw it */

#endif
