/* The time line and the margin gauge as SVG. Private to report. */
#ifndef ANZEN_REPORT_PLOT_H
#define ANZEN_REPORT_PLOT_H

#include <anzen/report.h>

/* Lanes above each other on one time axis: stimulus signals as curves, truth and responses as bars, margins as curves
 * with their zero line, faults as hatched spans. Appends to `out`. */
void plot_timeline(GString *out, const ReportInput *input);

/* One criterion on a number line: limit, guard band, measured with its expanded uncertainty. */
void plot_gauge(GString *out, const CriterionResult *result, const char *lang);

/* Append text with &, <, >, " escaped. */
void html_text(GString *out, const char *text);

#endif
