/* Labels say what was true of the world. What is still to be seen of it in the product's perturbed input: live and replayed
 * alike. Private to run. */
#ifndef ANZEN_RUN_LABELS_H
#define ANZEN_RUN_LABELS_H

#include <anzen/perturb.h>

/* What was found where labels begin. */
typedef struct LabelsSeen {
	bool any;          /* does any begin? */
	unsigned compared; /* comparisons that had something to compare */
	double least;      /* the worst of them, NaN: none */
	double least_s;    /* where, after t = 0 */
} LabelsSeen;

/* int64: where labels and truths rise. Caller unrefs. spec NULL: labels only. */
GArray *labels_moments(const Recording *recording, const JudgeSpec *spec);
bool labels_near(const GArray *moments, int64_t t_ns);
/* A comparison: r NaN counts for nothing. */
void labels_note(LabelsSeen *seen, double r, double t_s);
/* What is said of it. `late_ns`: by how much the product is shown things later than the bench has them. Caller frees. */
char *labels_text(const PerturbChain *chain, const LabelsSeen *seen, int64_t late_ns);
/* A clock's uncertainty in s, widened by `late_ns`. */
double label_clock_u(double u_s, int64_t late_ns);

/* Of a live session, from its own signals: NULL where nothing was perturbed live. Caller frees. */
char *labels_of_recording(const Recording *recording, const JudgeSpec *spec);

/* Pearson's correlation, sample by sample. NaN for what moved by less than a hundredth of `span`: its noise is nothing that a
 * label could be about. */
typedef struct LabelPairs {
	double n, sx, sy, sxx, syy, sxy, least, most;
} LabelPairs;
void label_pairs_add(LabelPairs *pairs, double x, double y);
double label_pairs_correlation(const LabelPairs *pairs, double span);

#endif
