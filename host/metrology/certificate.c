/* What a certificate says about a channel. Reading the file is certificate_file.c's work. */
#include "certificate.h"
#include <math.h>

static const char *const kind_names[] = {"static", "dynamic", "simulated"};
static const char *const state_names[] = {"good", "expired", "not yet valid", "revoked", "missing"};

const char *certificate_kind_name(CertificateKind kind)
{
	return kind_names[kind];
}

const char *certificate_state_name(CertificateState state)
{
	return state_names[state];
}

void budget_part_free(gpointer data)
{
	BudgetPart *part = data;
	g_free(part->source);
	g_free(part);
}

void certificate_free(Certificate *certificate)
{
	if (!certificate)
		return;
	g_free(certificate->path);
	g_free(certificate->id);
	g_free(certificate->serial);
	g_free(certificate->input);
	g_free(certificate->coefficients);
	g_clear_pointer(&certificate->points, g_array_unref);
	g_clear_pointer(&certificate->budget, g_ptr_array_unref);
	g_clear_pointer(&certificate->revokes, g_ptr_array_unref);
	g_free(certificate->valid_text);
	g_free(certificate->by);
	g_free(certificate);
}

double certificate_value(const Certificate *certificate, double reading)
{
	double value = 0;
	for (size_t i = certificate->n_coefficients; i-- > 0;)
		value = value * reading + certificate->coefficients[i];
	return value;
}

Uncertainty certificate_uncertainty(const Certificate *certificate)
{
	return (Uncertainty){certificate->expanded / certificate->k, certificate->dof};
}

static bool certificate_revoked(const Certificate *certificate, const GPtrArray *others)
{
	for (guint i = 0; others && i < others->len; i++) {
		const Certificate *other = g_ptr_array_index(others, i);
		for (guint j = 0; j < other->revokes->len; j++)
			if (!strcmp(g_ptr_array_index(other->revokes, j), certificate->id))
				return true;
	}
	return false;
}

CertificateState certificate_state(const Certificate *certificate, int julian_day,
				   const GPtrArray *others)
{
	if (certificate_revoked(certificate, others))
		return CERTIFICATE_REVOKED;
	if (julian_day < certificate->valid_from)
		return CERTIFICATE_NOT_YET;
	if (julian_day > certificate->valid_until)
		return CERTIFICATE_EXPIRED;
	return CERTIFICATE_GOOD;
}

static char *fault_text(const Certificate *certificate, CertificateState state, const char *serial)
{
	if (!certificate)
		return g_strdup_printf("no valid calibration certificate for %s (%s)",
				       serial ? serial : "this channel",
				       certificate_state_name(state));
	if (state == CERTIFICATE_GOOD)
		return NULL;
	return g_strdup_printf("calibration certificate %s is %s (valid %s)", certificate->id,
			       certificate_state_name(state), certificate->valid_text);
}

static void replace(char **text, char *with)
{
	g_free(*text);
	*text = with;
}

void certificate_apply(const Certificate *certificate, CertificateState state, const char *serial,
		       SignalInfo *info)
{
	replace(&info->certificate_fault, fault_text(certificate, state, serial));
	if (serial)
		replace(&info->serial, g_strdup(serial));
	if (!certificate)
		return;

	if (unit_is_dimensionless(&info->unit) && !strcmp(info->unit.symbol, unit_one.symbol))
		info->unit = certificate->unit;
	if (!unit_compatible(&info->unit, &certificate->unit)) {
		replace(&info->certificate_fault,
			g_strdup_printf("calibration certificate %s is in %s, the channel in %s",
					certificate->id, certificate->unit.symbol,
					info->unit.symbol));
		return;
	}
	Uncertainty u = certificate_uncertainty(certificate);
	info->u_common = unit_convert_difference(u.u, &certificate->unit, &info->unit);
	info->dof_common = u.dof;
	info->range_lo = unit_convert(certificate->range_lo, &certificate->unit, &info->unit);
	info->range_hi = unit_convert(certificate->range_hi, &certificate->unit, &info->unit);
	replace(&info->certificate,
		g_strdup_printf("%s, valid %s", certificate->id, certificate->valid_text));
}

/* ---- a folder of them
 * ------------------------------------------------------------------------------- */

struct CertificateStore {
	GPtrArray *all;
};

static int by_id(gconstpointer a, gconstpointer b)
{
	const Certificate *const *x = a, *const *y = b;
	return strcmp((*x)->id, (*y)->id);
}

static void load_folder(GPtrArray *all, const char *folder, int depth, Diagnostics *diag)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (depth > 0 && g_file_test(path, G_FILE_TEST_IS_DIR))
			load_folder(all, path, depth - 1, diag);
		if (depth > 0 || !g_str_has_suffix(name, ".yaml"))
			continue;
		Certificate *certificate = certificate_load(path, diag);
		if (certificate)
			g_ptr_array_add(all, certificate);
	}
}

CertificateStore *certificate_store_load(const char *folder, Diagnostics *diag)
{
	CertificateStore *store = g_new0(CertificateStore, 1);
	store->all = g_ptr_array_new_with_free_func((GDestroyNotify)certificate_free);
	load_folder(store->all, folder, 1, diag);
	g_ptr_array_sort(store->all, by_id);
	return store;
}

void certificate_store_free(CertificateStore *store)
{
	if (!store)
		return;
	g_ptr_array_unref(store->all);
	g_free(store);
}

const GPtrArray *certificate_store_all(const CertificateStore *store)
{
	return store->all;
}

const Certificate *certificate_store_find(const CertificateStore *store, const char *serial,
					  int julian_day, CertificateState *ret_state)
{
	const Certificate *best = NULL, *newest = NULL;
	for (guint i = 0; i < store->all->len; i++) {
		const Certificate *c = g_ptr_array_index(store->all, i);
		if (strcmp(c->serial, serial))
			continue;
		if (!newest || c->valid_from > newest->valid_from)
			newest = c;
		if (certificate_state(c, julian_day, store->all) == CERTIFICATE_GOOD &&
		    (!best || c->valid_from > best->valid_from))
			best = c;
	}
	if (best)
		*ret_state = CERTIFICATE_GOOD;
	else
		*ret_state = newest ? certificate_state(newest, julian_day, store->all)
				    : CERTIFICATE_MISSING;
	return best;
}
