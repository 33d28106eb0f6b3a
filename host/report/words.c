#include "words.h"

#include <libintl.h>
#include <locale.h>
#include <stdlib.h>

/* GNU gettext re-reads LANGUAGE when this counter moves (gettext manual, 11.5 "Being a gettext grok"). */
extern int _nl_msg_cat_cntr;

const char *report_word(const char *lang, const char *message)
{
	static char current[8]; /* reports are written on one thread at a time */
	if (!lang || g_strcmp0(lang, "en") == 0)
		return message;
	if (g_strcmp0(current, lang) != 0) {
		g_setenv("LANGUAGE", lang, TRUE);
		_nl_msg_cat_cntr++;
		g_strlcpy(current, lang, sizeof(current));
	}
	return dgettext("anzenbench", message);
}
