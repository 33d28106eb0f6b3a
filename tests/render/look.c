/* render-look WORLD.yaml DIR [SEED [LIGHT [CARD [TIME_S…]]]]: a fall at 2 s, stills at the given times, and how long a
 * picture takes. For people: is that a person on a chair, and does it fall? */
#include <anzen/media.h>
#include <stdio.h>
#include <stdlib.h>

#include "render.h"
#include "world_file.h"

static void still(Renderer *renderer, const SceneCamera *camera, const char *path)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(
		renderer_rgb(renderer), 3 * (size_t)camera->width * (size_t)camera->height);
	g_autoptr(GError) error = NULL;
	g_auto(Frame) picture = {0};

	media_frame_from_bytes(&picture, bytes, "rgb");
	picture.width = camera->width;
	picture.height = camera->height;
	g_autoptr(GBytes) png = media_still(&picture, "png", &error);
	if (!png || !g_file_set_contents(path, g_bytes_get_data(png, NULL),
					 (gssize)g_bytes_get_size(png), &error))
		fprintf(stderr, "%s: %s\n", path, error->message);
}

int main(int argc, char **argv)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	double light = argc > 4 ? g_ascii_strtod(argv[4], NULL) : 0.7;
	double card = argc > 5 ? g_ascii_strtod(argv[5], NULL) : 0;

	if (argc < 3)
		return 2;
	g_autoptr(WorldFile) file = world_file_load(argv[1], seed, diag);
	if (!file)
		return 2;
	g_autoptr(Plant) plant = plant_new(&file->plant, 0);
	const SceneCamera *camera = &world_file_device(file, "cam")->camera;
	g_autoptr(Renderer) renderer = renderer_new(camera);
	plant_act(plant, ACTUATOR_PSU_VOLTAGE, 24, 0);
	plant_act(plant, ACTUATOR_PSU_OUTPUT, 1, 0);
	plant_act(plant, ACTUATOR_LIGHT, light, 0);
	plant_act(plant, ACTUATOR_CARD, card, 0);
	plant_act(plant, ACTUATOR_RELEASE, 1, 2 * CLOCK_S);
	for (int i = 6; i < argc; i++) {
		double t = g_ascii_strtod(argv[i], NULL);
		g_autofree char *path = g_strdup_printf("%s/look-%05.2f.png", argv[2], t);
		Scene scene;
		plant_step_to(plant, (int64_t)(t * 1e9));
		plant_scene(plant, &scene);
		renderer_draw(renderer, &scene, (uint64_t)(30 * t), i % 2);
		int64_t from = clock_now(clock_monotonic());
		for (int k = 0; k < 20; k++) {
			scene.lamp_pos[0] += 1e-9; /* something moved */
			renderer_draw(renderer, &scene, (uint64_t)(30 * t), i % 2);
		}
		printf("%s: %.2f ms a picture, %.0f lx\n", path,
		       (double)(clock_now(clock_monotonic()) - from) / 20e6, scene.illuminance_lx);
		still(renderer, camera, path);
	}
	return 0;
}
