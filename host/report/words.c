#include "words.h"

#include <libintl.h>
#include <locale.h>
#include <stdlib.h>

/* GNU gettext re-reads LANGUAGE when this counter moves (gettext manual, 11.5 "Being a gettext grok"). */
extern int _nl_msg_cat_cntr;

static void speak(const char *language)
{
	if (language)
		g_setenv("LANGUAGE", language, TRUE);
	else
		g_unsetenv("LANGUAGE");
	_nl_msg_cat_cntr++;
}

/* The program's own language is put back, since its messages must not change with the reports that it writes. What
 * dgettext returns stays valid: it lies in the loaded catalogue. */
const char *report_word(const char *lang, const char *message)
{
	if (!lang || g_strcmp0(lang, "en") == 0)
		return message;
	g_autofree char *own = g_strdup(g_getenv("LANGUAGE"));
	speak(lang);
	const char *word = dgettext("anzenbench", message);
	speak(own);
	return word;
}
