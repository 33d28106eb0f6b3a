/* Any bytes: a world file is refused with a diagnostic, or a plant can be built on it. */
#include "world_file.h"

#include <math.h>

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
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(WorldFile) file = world_file_parse(text, "fuzz", 0, diag);
	g_assert((file == NULL) == (diagnostics_errors(diag) > 0));
	if (!file)
		return 0;
	g_assert(file->plant.step_ns > 0 && file->plant.pull_s > 0 && file->plant.pan.loss_W_K > 0);
	for (guint i = 0; i < file->plant.sensors->len; i++)
		g_assert(isfinite(g_array_index(file->plant.sensors, PlantSensor, i).params.gain));
	for (guint i = 0; i < file->plant.drives->len; i++)
		g_assert(g_array_index(file->plant.drives, PlantDrive, i).scale != 0);
	return 0;
}
