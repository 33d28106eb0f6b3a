/* Any bytes: labels are refused with a diagnostic, or taken without one. */
#include <anzen/import.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n"; /* see yaml_fuzz.c */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 16)
		return 0;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = yaml_load_text((const char *)data, (gssize)size, "fuzz", diag);
	bool taken = doc && import_labels_check(doc, diag);
	g_assert(taken == (diagnostics_errors(diag) == 0));
	return 0;
}
