#include "project.h"

#include "unit.h"

#include <glib/gstdio.h>
#include <string.h>

static const char plan_text[] = "anzen: campaign/1\n"
				"id: small\n"
				"product: products/product.yaml\n"
				"rig: rigs/living-room-virtual.yaml\n"
				"scenarios: {files: [scenarios/fall.yaml]}\n"
				"population:\n"
				"  light: {uniform: [100, 200 lx]}\n"
				"  person: {weights: {adult: 3, child: 1}}\n"
				"sample: {method: random, n: 4, seed: 7}\n"
				"retries: {max_invalid: 50 %}\n"
				"time: lock-step\n";

static const char scenario_text[] =
	"anzen: scenario/1\n"
	"id: fall\n"
	"title: {en: \"A fall\", ja: \"転落\"}\n"
	"product: fall-watch\n"
	"hazard: H-FALL-01\n"
	"class: abnormal\n"
	"parameters:\n"
	"  light: {unit: lx, range: [50, 400], default: 300}\n"
	"  person: {values: [adult, child], default: adult}\n"
	"needs: {actuators: [room.lamp], sensors: [mannequin.height], cameras: [camera.main]}\n"
	"setup:\n"
	"  - prompt: {en: \"Seat the $person\", ja: \"$person を座らせる\"}\n"
	"  - set: {room.lamp: $light}\n"
	"timeline:\n"
	"  - at: 1 s\n"
	"    mark: seen\n"
	"  - at: 2 s\n"
	"    end: true\n"
	"truth:\n"
	"  fall: {onset: \"mannequin.height < 0.7 * initial(mannequin.height)\"}\n"
	"criteria: [small/alarm]\n";

static const char product_text[] =
	"anzen: product/1\n"
	"id: small-product\n"
	"kind: fall-watch\n"
	"identity: {program: fall-watch, version: {text: \"1\"}, serial: ask}\n"
	"start: {process: [fall-watch, --port, $port], ready: {http: /health, timeout: 10 s}}\n"
	"inputs:\n"
	"  camera: {adapter: rtsp, from: camera.main, max_age: 200 ms}\n"
	"outputs:\n"
	"  alarm: {adapter: http, path: /events, when: {path: $.type, equals: fall}}\n";

static const char pack_text[] =
	"anzen: criteria/1\n"
	"id: small\n"
	"version: 1.0.0\n"
	"title: {en: \"Small\", ja: \"小\"}\n"
	"decision: {rule: guarded, max_false_accept: 2.5 %%, max_false_reject: 2.5 %%}\n"
	"claim: %s\n"
	"criteria:\n"
	"  alarm:\n"
	"    title: {en: \"Alarm\", ja: \"警報\"}\n"
	"    hazard: H-FALL-01\n"
	"    perspectives: [LIV-body]\n"
	"    formula: always (rise(truth.fall) -> eventually[0 s, 1 s] rise(product.alarm))\n"
	"    source: {basis: \"lab decision\", by: \"a test\", note: {en: \"a test\", ja: "
	"\"試験\"}}\n";

void project_write(const char *path, const char *text)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_mkdir_with_parents(folder, 0755);
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
}

static void put(const Project *p, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(p->folder, name, NULL);
	project_write(path, text);
}

Project project_new(const char *claim)
{
	g_autofree char *template = g_build_filename(g_get_tmp_dir(), "campaign-XXXXXX", NULL);
	g_autofree char *pack = g_strdup_printf(pack_text, claim);
	Project p = {.folder = g_strdup(g_mkdtemp(template))};
	g_autofree char *rigs = g_build_filename(p.folder, "rigs", NULL);
	CU_ASSERT_EQUAL(symlink(ANZEN_SOURCE_DIR "/rigs", rigs), 0);
	p.plan = g_build_filename(p.folder, "plans", "plan.yaml", NULL);
	p.scenario = g_build_filename(p.folder, "scenarios", "fall.yaml", NULL);
	put(&p, "criteria/small.yaml", pack);
	put(&p, "products/product.yaml", product_text);
	project_write(p.scenario, scenario_text);
	project_plan(&p, NULL, NULL);
	return p;
}

void project_plan(const Project *p, const char *from, const char *to)
{
	GString *text = g_string_new(plan_text);
	if (from)
		CU_ASSERT_EQUAL(g_string_replace(text, from, to, 1), 1);
	project_write(p->plan, text->str);
	g_string_free(text, TRUE);
}

static void remove_tree(const char *path)
{
	if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
		g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
		const char *name;
		while (dir && (name = g_dir_read_name(dir)) != NULL) {
			g_autofree char *child = g_build_filename(path, name, NULL);
			remove_tree(child);
		}
	}
	g_remove(path);
}

void project_clear(Project *p)
{
	remove_tree(p->folder);
	g_free(p->folder);
	g_free(p->plan);
	g_free(p->scenario);
}
