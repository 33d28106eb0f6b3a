/* anzen rig check as a technician or a script calls it. */
#include "unit.h"

#include <anzen/base.h>
#include <json-glib/json-glib.h>
#include <sys/wait.h>

static int run(char **ret_out, char **ret_err, const char *rig)
{
	const char *const argv[] = {
		ANZEN_BINARY_DIR "/bin/anzen", "rig", "check", rig, "--json", NULL};
	g_autoptr(GError) error = NULL;
	int status = 0;
	UNIT_OK(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
			     ret_out, ret_err, &status, &error),
		error);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* Every item has its three keys, and a cure exactly when it is not ok. Counts those that are not. */
static int bad_items(const char *json)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	int bad = 0;
	CU_ASSERT(json_parser_load_from_data(parser, json, -1, NULL));
	JsonNode *root = json_parser_get_root(parser);
	JsonArray *items =
		root ? json_object_get_array_member(json_node_get_object(root), "items") : NULL;
	CU_ASSERT(items && json_array_get_length(items) > 3);
	for (guint i = 0; items && i < json_array_get_length(items); i++) {
		JsonObject *item = json_array_get_object_element(items, i);
		bool ok = json_object_get_boolean_member(item, "ok");
		CU_ASSERT(strlen(json_object_get_string_member(item, "name")) > 3);
		CU_ASSERT(ok == json_object_get_null_member(item, "cure"));
		bad += !ok;
	}
	return bad;
}

static void a_healthy_virtual_rig_is_ready(void)
{
	g_autofree char *out = NULL, *err = NULL;
	CU_ASSERT_EQUAL(run(&out, &err, ANZEN_SOURCE_DIR "/rigs/kitchen-virtual.yaml"),
			ANZEN_EXIT_PASS);
	CU_ASSERT_EQUAL(bad_items(out), 0);
}

/* Nothing of the lab's hardware is here: each device is an item with a cure, and the exit code is the bench's. */
static void a_rig_without_its_devices_says_what_to_do(void)
{
	g_autofree char *out = NULL, *err = NULL;
	CU_ASSERT_EQUAL(run(&out, &err, ANZEN_SOURCE_DIR "/rigs/living-room-lab.yaml"),
			ANZEN_EXIT_INVALID);
	CU_ASSERT(bad_items(out) >= 5);
	CU_ASSERT(strstr(out, "plugged in") != NULL);
}

static void a_wrong_rig_is_bad_input(void)
{
	g_autofree char *out = NULL, *err = NULL;
	CU_ASSERT_EQUAL(run(&out, &err, ANZEN_SOURCE_DIR "/rigs/none.yaml"), ANZEN_EXIT_INPUT);
	CU_ASSERT(strstr(err, "none.yaml") != NULL);
}

UNIT_MAIN("rig.check", UNIT(a_healthy_virtual_rig_is_ready),
	  UNIT(a_rig_without_its_devices_says_what_to_do), UNIT(a_wrong_rig_is_bad_input))
