/* SignalInfo as channel metadata: one readable text a field, so that a viewer shows them and nothing is lost. */
#include "wire.h"
#include <stdlib.h>

static void add(GPtrArray *pairs, const char *key, char *value)
{
	if (!value)
		return;
	g_ptr_array_add(pairs, g_strdup(key));
	g_ptr_array_add(pairs, value);
}

/* 17 digits give the same double back. */
static char *number(double v)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	if (v != v)
		return g_strdup("nan");
	if (v > G_MAXDOUBLE || v < -G_MAXDOUBLE)
		return g_strdup(v > 0 ? "inf" : "-inf");
	return g_strdup(g_ascii_dtostr(digits, sizeof(digits), v));
}

static char *yes_no(bool v)
{
	return g_strdup(v ? "true" : "false");
}

char **signal_info_to_pairs(const SignalInfo *info)
{
	GPtrArray *p = g_ptr_array_new();
	add(p, "anzen.kind", g_strdup(topic_kind_name(TOPIC_SIGNAL)));
	add(p, "name", g_strdup(info->name));
	add(p, "unit", g_strdup(info->unit.symbol));
	add(p, "boolean", yes_no(info->boolean));
	add(p, "interp", g_strdup(info->interp == SIGNAL_LINEAR ? "linear" : "previous"));
	add(p, "origin", g_strdup(origin_name(info->origin)));
	add(p, "affected_by_product", yes_no(info->affected_by_product));
	add(p, "exogenous", yes_no(info->exogenous));
	add(p, "max_gap_ns", g_strdup_printf("%" G_GINT64_FORMAT, info->max_gap_ns));
	add(p, "bandwidth_hz", number(info->bandwidth_hz));
	add(p, "max_slew", number(info->max_slew));
	add(p, "range_lo", number(info->range_lo));
	add(p, "range_hi", number(info->range_hi));
	add(p, "u_common", number(info->u_common));
	add(p, "dof_common", number(info->dof_common));
	add(p, "u_sample", number(info->u_sample));
	add(p, "u_clock_s", number(info->u_clock_s));
	add(p, "serial", g_strdup(info->serial));
	add(p, "certificate", g_strdup(info->certificate));
	add(p, "certificate_fault", g_strdup(info->certificate_fault));
	g_ptr_array_add(p, NULL);
	return (char **)g_ptr_array_free(p, FALSE);
}

char *map_get(McapMap map, const char *key)
{
	McapText k, v;
	while (mcap_map_next_text(&map, &k, &v))
		if (mcap_text_equal(k, key))
			return mcap_text_dup(v);
	return NULL;
}

static bool read_number(McapMap map, const char *key, double *ret)
{
	g_autofree char *text = map_get(map, key);
	char *end;
	if (!text || !*text)
		return false;
	double v = g_ascii_strtod(text, &end);
	if (*end)
		return false;
	*ret = v;
	return true;
}

static bool read_yes_no(McapMap map, const char *key, bool *ret)
{
	g_autofree char *text = map_get(map, key);
	if (!text || (strcmp(text, "true") && strcmp(text, "false")))
		return false;
	*ret = text[0] == 't';
	return true;
}

static bool read_words(McapMap map, SignalInfo *info)
{
	g_autofree char *unit = map_get(map, "unit"), *interp = map_get(map, "interp"),
			*origin = map_get(map, "origin");
	if (!unit || !interp || !origin || !unit_parse(unit, &info->unit, NULL) ||
	    !origin_parse(origin, &info->origin))
		return false;
	info->interp = strcmp(interp, "linear") ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
	return !strcmp(interp, "linear") || !strcmp(interp, "previous");
}

static bool read_max_gap(McapMap map, int64_t *ret)
{
	g_autofree char *text = map_get(map, "max_gap_ns");
	char *end;
	if (!text || !*text)
		return false;
	*ret = g_ascii_strtoll(text, &end, 10);
	return *end == '\0' && *ret >= 0;
}

gboolean signal_info_from_map(McapMap map, SignalInfo *ret, GError **error)
{
	g_autofree char *name = map_get(map, "name");
	SignalInfo info;
	if (!name || !*name) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "a signal channel without a name");
		return FALSE;
	}
	signal_info_init(&info, name);
	bool good = read_words(map, &info) && read_yes_no(map, "boolean", &info.boolean) &&
		    read_yes_no(map, "affected_by_product", &info.affected_by_product) &&
		    read_yes_no(map, "exogenous", &info.exogenous) &&
		    read_max_gap(map, &info.max_gap_ns) &&
		    read_number(map, "bandwidth_hz", &info.bandwidth_hz) &&
		    read_number(map, "max_slew", &info.max_slew) &&
		    read_number(map, "range_lo", &info.range_lo) &&
		    read_number(map, "range_hi", &info.range_hi) &&
		    read_number(map, "u_common", &info.u_common) &&
		    read_number(map, "dof_common", &info.dof_common) &&
		    read_number(map, "u_sample", &info.u_sample) &&
		    read_number(map, "u_clock_s", &info.u_clock_s);
	if (!good) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "signal %s: its channel metadata are incomplete or unreadable", name);
		signal_info_clear(&info);
		return FALSE;
	}
	info.serial = map_get(map, "serial");
	info.certificate = map_get(map, "certificate");
	info.certificate_fault = map_get(map, "certificate_fault");
	*ret = info;
	return TRUE;
}
