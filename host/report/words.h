/* Text in the report's own language, whatever the program speaks. Private to report. */
#ifndef ANZEN_REPORT_WORDS_H
#define ANZEN_REPORT_WORDS_H

#include <glib.h>

/* Marks a message for the catalogue. */
#define N_(text) text

/* The message in `lang`, from the catalogue of the domain "anzenbench"; the message itself when there is none. */
const char *report_word(const char *lang, const char *message) G_GNUC_FORMAT(2);

#endif
