/* Any bytes as the calculator's signals: refused with a diagnostic, or samples in order. The first byte chooses the time. */
#include "../../host/cli/stl_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(gpointer name, gpointer value, gpointer user)
{
	const Signal *s = value;
	(void)user;
	g_assert_cmpstr(name, ==, s->info.name);
	g_assert(s->n > 0);
	for (size_t i = 1; i < s->n; i++)
		g_assert(s->t_ns[i] > s->t_ns[i - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 1 << 16)
		return 0;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
	g_autoptr(GHashTable) signals =
		stl_file_parse(text, strlen(text), "fuzz", data[0] == 'd', diag);
	g_assert((signals != NULL) == (diagnostics_errors(diag) == 0));
	if (signals)
		g_hash_table_foreach(signals, check, NULL);
	return 0;
}
