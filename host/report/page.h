/* What all pages share. Private to report. */
#ifndef ANZEN_REPORT_PAGE_H
#define ANZEN_REPORT_PAGE_H

/* The style sheet. */
extern const char page_style[];

#endif
