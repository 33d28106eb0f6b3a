/* The record of an e-stop's proof test: written by `anzen rig proof-test`, read by preflight. */
#include "internal.h"

#include <string.h>

char *rig_proof_path(const RigSpec *spec)
{
	return g_strdup_printf("%s/%s.proof-test", spec->folder, spec->id);
}

int64_t rig_proof_interval_ns(const RigSpec *spec)
{
	return spec->estop ? spec->proof_ns : 0;
}

const char *rig_interlock_terminal(const RigSpec *spec, bool trip)
{
	return trip ? spec->trip : spec->estop;
}

static int day_of(const char *text)
{
	int year = 0, month = 0, day = 0;
	char rest = 0;
	if (sscanf(text, "%4d-%2d-%2d%c", &year, &month, &day, &rest) != 3 ||
	    !g_date_valid_dmy((GDateDay)CLAMP(day, 0, 99), (GDateMonth)CLAMP(month, 0, 99),
			      (GDateYear)CLAMP(year, 0, 9999)))
		return -1;
	GDate date;
	g_date_clear(&date, 1);
	g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
	return (int)g_date_get_julian(&date);
}

/* A record says that it passed and when; nothing but a day is one written by hand. */
int rig_proof_day(const char *text, const char *rig_id)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	int day = -1;
	bool passed = false, ours = false, physical = false;
	if (!lines[0] || strcmp(g_strchomp(lines[0]), "proof-test/1") != 0) {
		g_autofree char *all = g_strstrip(g_strdup(text));
		return day_of(all);
	}
	for (char **line = lines + 1; *line; line++) {
		if (g_str_has_prefix(*line, "date: "))
			day = day_of(g_strstrip(*line + 6));
		else if (g_str_has_prefix(*line, "result: "))
			passed = !strcmp(g_strstrip(*line + 8), "passed");
		else if (g_str_has_prefix(*line, "evidence: "))
			physical = !strcmp(g_strstrip(*line + 10), "physical");
		else if (g_str_has_prefix(*line, "rig: "))
			ours = !strcmp(g_strstrip(*line + 5), rig_id);
	}
	return passed && ours && physical ? day : -1;
}
