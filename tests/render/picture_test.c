/* The rasteriser against geometry by hand, and what a picture of the living room must show. */
#include <anzen/base.h>

#include "render.h"
#include "world_file.h"

#include "../unit.h"

#define WIDTH 320
#define HEIGHT 180

/* Looks along -x from 4 m away at height 1 m: one metre at x = 0 is 90 / tan(45 deg) / 4 = 22.5 pixels. */
static const SceneCamera camera = {.name = "cam",
				   .pos = {4, 0, 1},
				   .target = {0, 0, 1},
				   .fov_deg = 90,
				   .width = WIDTH,
				   .height = HEIGHT,
				   .fps = 30,
				   .noise = 0,
				   .seed = 5};

static void add(Scene *scene, SceneForm form, SceneMaterial material, ScenePart part, bool fixed,
		const double pos[3], const double size[3])
{
	SceneBody *body = &scene->bodies[scene->n++];

	*body = (SceneBody){.form = form,
			    .material = material,
			    .part = part,
			    .fixed = fixed,
			    .rot = {1, 0, 0, 0, 1, 0, 0, 0, 1}};
	memcpy(body->pos, pos, sizeof body->pos);
	memcpy(body->size, size, sizeof body->size);
}

static void scene_init(Scene *scene)
{
	memset(scene, 0, sizeof *scene);
	scene->illuminance_lx = 300;
	scene->lamp_lx = 300;
	scene->lamp_pos[0] = 2;
	scene->lamp_pos[2] = 3;
	add(scene, SCENE_FLOOR, SCENE_GROUND, SCENE_PART_ROOM, true, (double[]){0, 0, 0},
	    (double[]){20, 20, 0});
}

static unsigned int count(const Renderer *renderer, ScenePart part)
{
	const uint8_t *parts = renderer_parts(renderer);
	unsigned int n = 0;

	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
		n += parts[i] == (uint8_t)part;
	return n;
}

static ScenePart part_at(const Renderer *renderer, int x, int y)
{
	return (ScenePart)renderer_parts(renderer)[y * WIDTH + x];
}

/* A ball of 0.5 m at 4 m: its cone has sin a = 0.5 / 4, tan a = 0.12599, a disc of 90 * 0.12599 = 11.339 pixels
 * radius: 403.9 pixels. */
static void a_ball_has_the_size_of_its_cone(void)
{
	g_autoptr(Renderer) renderer = renderer_new(&camera);
	Scene scene;

	scene_init(&scene);
	add(&scene, SCENE_SPHERE, SCENE_SHIRT, SCENE_PART_HEAD, false, (double[]){0, 0, 1},
	    (double[]){0.5, 0, 0});
	renderer_draw(renderer, &scene, 0, -1);
	CU_ASSERT_DOUBLE_EQUAL(count(renderer, SCENE_PART_HEAD), 403.9, 8);
	CU_ASSERT_EQUAL(part_at(renderer, 160, 90), SCENE_PART_HEAD);
	CU_ASSERT_EQUAL(part_at(renderer, 160, 78), SCENE_PART_NONE);
}

/* A box of 0.4 x 2 x 1 m with its near face at x = 0.2: 90 / 3.8 = 23.68 pixels a metre: 47.4 x 23.7 pixels. */
static void a_box_covers_its_projection(void)
{
	g_autoptr(Renderer) renderer = renderer_new(&camera);
	Scene scene;

	scene_init(&scene);
	add(&scene, SCENE_BOX, SCENE_WOOD, SCENE_PART_CHAIR, false, (double[]){0, 0, 1},
	    (double[]){0.4, 2, 1});
	renderer_draw(renderer, &scene, 0, -1);
	CU_ASSERT_DOUBLE_EQUAL(count(renderer, SCENE_PART_CHAIR), 47.37 * 23.68, 80);
	CU_ASSERT_EQUAL(part_at(renderer, 160 - 23, 90), SCENE_PART_CHAIR);
	CU_ASSERT_EQUAL(part_at(renderer, 160 - 26, 90), SCENE_PART_NONE);
	CU_ASSERT_EQUAL(part_at(renderer, 160, 90 + 13), SCENE_PART_ROOM); /* the floor below it */
}

static void the_nearer_body_hides_the_farther_one_in_any_order(void)
{
	Scene scene, other;

	scene_init(&scene);
	other = scene;
	static const double near[3] = {1, 0, 1}, far[3] = {-1, 0, 1}, size[3] = {0.3, 0.6, 0};
	add(&scene, SCENE_CAPSULE, SCENE_SHIRT, SCENE_PART_CHEST, false, near, size);
	add(&scene, SCENE_CAPSULE, SCENE_SKIN, SCENE_PART_HEAD, false, far, size);
	add(&other, SCENE_CAPSULE, SCENE_SKIN, SCENE_PART_HEAD, false, far, size);
	add(&other, SCENE_CAPSULE, SCENE_SHIRT, SCENE_PART_CHEST, false, near, size);
	g_autoptr(Renderer) one = renderer_new(&camera);
	g_autoptr(Renderer) two = renderer_new(&camera);
	renderer_draw(one, &scene, 0, -1);
	renderer_draw(two, &other, 0, -1);
	CU_ASSERT_EQUAL(part_at(one, 160, 90), SCENE_PART_CHEST);
	CU_ASSERT_EQUAL(memcmp(renderer_rgb(one), renderer_rgb(two), 3 * WIDTH * HEIGHT), 0);
}

/* The lamp is straight above the ball: the floor below it, seen beside the ball, is darker than the floor apart. */
static void a_body_throws_a_shadow_on_the_floor(void)
{
	g_autoptr(Renderer) renderer = renderer_new(&camera);
	Scene scene;

	scene_init(&scene);
	scene.lamp_pos[0] = 0;
	add(&scene, SCENE_SPHERE, SCENE_SHIRT, SCENE_PART_HEAD, false, (double[]){0, 0, 1.5},
	    (double[]){0.3, 0, 0});
	renderer_draw(renderer, &scene, 0, -1);
	const uint8_t *gray = renderer_gray(renderer);
	/* The floor at x = 0 is 1 m below the view axis at 4 m: row 90 + 22. y = 0.1 m and 1.7 m lie on tiles of the
	 * same colour: (x, y) tiles 0 + 0 and 0 + 4. */
	double shadow = gray[112 * WIDTH + 162], open = gray[112 * WIDTH + 160 + 38];
	CU_ASSERT_TRUE(shadow < 0.8 * open);
}

static double mean_gray(Renderer *renderer)
{
	const uint8_t *gray = renderer_gray(renderer);
	double sum = 0;

	for (int i = 0; i < WIDTH * HEIGHT; i++)
		sum += gray[i];
	return sum / (WIDTH * HEIGHT);
}

/* Same distribution of light, another level: by the display's gamma a 10th of the light is 10^(-1/2.2) = 0.351. */
static void light_changes_the_picture(void)
{
	g_autoptr(Renderer) renderer = renderer_new(&camera);
	Scene scene;

	scene_init(&scene);
	scene.illuminance_lx = scene.lamp_lx = 200;
	renderer_draw(renderer, &scene, 0, -1);
	double bright = mean_gray(renderer);
	scene.illuminance_lx = scene.lamp_lx = 20;
	renderer_draw(renderer, &scene, 0, -1);
	CU_ASSERT_DOUBLE_EQUAL(mean_gray(renderer) / bright, 0.351, 0.01);
	scene.illuminance_lx = scene.lamp_lx = 0;
	renderer_draw(renderer, &scene, 0, -1);
	CU_ASSERT_DOUBLE_EQUAL(mean_gray(renderer), 0, 0);
}

static void noise_differs_by_frame_and_repeats_by_number(void)
{
	SceneCamera noisy = camera;
	Scene scene;

	noisy.noise = 2;
	scene_init(&scene);
	g_autoptr(Renderer) one = renderer_new(&noisy);
	g_autoptr(Renderer) two = renderer_new(&noisy);
	g_autoptr(Renderer) clean = renderer_new(&camera);
	renderer_draw(one, &scene, 7, -1);
	renderer_draw(two, &scene, 8, -1);
	CU_ASSERT_NOT_EQUAL(memcmp(renderer_rgb(one), renderer_rgb(two), 3 * WIDTH * HEIGHT), 0);
	renderer_draw(two, &scene, 7, -1);
	CU_ASSERT_EQUAL(memcmp(renderer_rgb(one), renderer_rgb(two), 3 * WIDTH * HEIGHT), 0);
	/* The floor's lower half is well inside 0..255, so the noise is not cut off: 2 steps at 300 lx. */
	renderer_draw(clean, &scene, 7, -1);
	double squares = 0;
	size_t n = 0;
	for (size_t i = 3 * WIDTH * (HEIGHT - 40); i < 3 * WIDTH * HEIGHT; i += 3, n++) {
		double d = (double)renderer_rgb(one)[i] - (double)renderer_rgb(clean)[i];
		squares += d * d;
	}
	CU_ASSERT_DOUBLE_EQUAL(sqrt(squares / (double)n), 2, 0.1);
}

/* The card's cells in the picture, read back by hand from a card 1.4 m wide that faces the camera. */
static void the_card_shows_its_pattern_upright(void)
{
	static const double face_x[9] = {0, 0, 1, 1, 0, 0, 0, 1, 0}; /* +z to room +x */
	g_autoptr(Renderer) renderer = renderer_new(&camera);
	Scene scene;
	unsigned int wrong = 0;

	scene_init(&scene);
	scene.lamp_pos[0] = 4;
	add(&scene, SCENE_CARD, SCENE_MARKER, SCENE_PART_CARD, false, (double[]){0, 0, 1},
	    (double[]){1.4, 1.4, 0});
	memcpy(scene.bodies[1].rot, face_x, sizeof face_x);
	renderer_draw(renderer, &scene, 0, -1);
	const uint8_t *gray = renderer_gray(renderer);
	/* 1.4 m are 31.5 pixels, a cell 4.5. The camera looks along -x: its right is room +y. */
	for (int row = 0; row < RENDER_CARD_CELLS; row++) {
		for (int column = 0; column < RENDER_CARD_CELLS; column++) {
			int x = (int)(160 + (column - 2) * 4.5), y = (int)(90 + (row - 2) * 4.5);
			wrong += (gray[y * WIDTH + x] > 100) != (render_card[row][column] == 1);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void the_card_has_no_symmetry(void)
{
	int n = RENDER_CARD_CELLS - 1;

	unsigned int quarter = 0, half = 0, mirror = 0;
	for (int r = 0; r <= n; r++) {
		for (int c = 0; c <= n; c++) {
			quarter += render_card[r][c] != render_card[c][n - r];
			half += render_card[r][c] != render_card[n - r][n - c];
			mirror += render_card[r][c] != render_card[r][n - c];
		}
	}
	CU_ASSERT_TRUE(quarter >= 6 && half >= 6 && mirror >= 6);
}

static void the_lamp_of_the_node_is_seen(void)
{
	g_autoptr(Renderer) renderer = renderer_new(&camera);
	Scene scene;
	int x, y, radius;

	scene_init(&scene);
	renderer_led_place(&camera, &x, &y, &radius);
	renderer_draw(renderer, &scene, 0, 1);
	uint8_t on = renderer_gray(renderer)[y * WIDTH + x];
	renderer_draw(renderer, &scene, 0, 0);
	uint8_t off = renderer_gray(renderer)[y * WIDTH + x];
	CU_ASSERT_TRUE(on > 180 && off < 60);
}

static void impossible_cameras_are_refused(void)
{
	SceneCamera bad = camera;

	bad.width = 15;
	CU_ASSERT_PTR_NULL(renderer_new(&bad));
	bad = camera;
	memcpy(bad.target, (double[]){4, 0, 0}, sizeof bad.target); /* straight down */
	CU_ASSERT_PTR_NULL(renderer_new(&bad));
	bad = camera;
	bad.fov_deg = (double)NAN;
	CU_ASSERT_PTR_NULL(renderer_new(&bad));
}

/* The living room's own camera: seated, the head is high; after the fall it is near the floor, and the chair is still
 * seen in both. */
static void the_fall_is_seen_in_the_living_room(void)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(WorldFile) file =
		world_file_load(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", 0, diag);

	CU_ASSERT_PTR_NOT_NULL(file);
	if (!file)
		return;
	const SceneCamera *cam = &world_file_device(file, "cam")->camera;
	g_autoptr(Plant) plant = plant_new(&file->plant, 0);
	g_autoptr(Renderer) renderer = renderer_new(cam);
	double head[2] = {0, 0};
	for (int after = 0; after < 2; after++) {
		Scene scene;
		unsigned int pixels = 0, chair = 0;
		plant_step_to(plant, after ? 4 * CLOCK_S : CLOCK_S);
		plant_scene(plant, &scene);
		renderer_draw(renderer, &scene, 0, -1);
		const uint8_t *parts = renderer_parts(renderer);
		for (int i = 0; i < cam->width * cam->height; i++) {
			chair += parts[i] == SCENE_PART_CHAIR;
			if (parts[i] == SCENE_PART_HEAD) {
				head[after] += i / cam->width;
				pixels++;
			}
		}
		CU_ASSERT_TRUE(pixels > 50 && chair > 300);
		head[after] /= pixels ? pixels : 1;
		plant_act(plant, ACTUATOR_RELEASE, 1, CLOCK_S);
	}
	CU_ASSERT_TRUE(head[1] > head[0] + cam->height / 5.0);
}

UNIT_MAIN("render.picture", UNIT(a_ball_has_the_size_of_its_cone),
	  UNIT(a_box_covers_its_projection),
	  UNIT(the_nearer_body_hides_the_farther_one_in_any_order),
	  UNIT(a_body_throws_a_shadow_on_the_floor), UNIT(light_changes_the_picture),
	  UNIT(noise_differs_by_frame_and_repeats_by_number),
	  UNIT(the_card_shows_its_pattern_upright), UNIT(the_card_has_no_symmetry),
	  UNIT(the_lamp_of_the_node_is_seen), UNIT(impossible_cameras_are_refused),
	  UNIT(the_fall_is_seen_in_the_living_room))
