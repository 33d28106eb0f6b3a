/* Any bytes as a rig, map or instrument file and as a link: refused with a place, or read. Nothing is opened. */
#include <anzen/device.h>
#include <anzen/rig.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* See yaml_fuzz.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml\n";
}

static void as_file(const char *text, size_t size)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(YamlDoc) doc = yaml_load_text(text, (gssize)size, "rigs/fuzz.yaml", diag);
	if (!doc)
		return;
	bool ok = rig_check(doc, diag) || device_map_check(doc, diag) ||
		  device_instrument_check(doc, diag);
	g_assert(ok || diagnostics_errors(diag) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(LinkUri) uri = link_uri_parse(text, &error);
	g_assert((uri == NULL) == (error != NULL));
	as_file(text, strlen(text));
	return 0;
}
