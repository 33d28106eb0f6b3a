/* anzen rig: is the stand ready, and what is plugged in? */
#include "cli.h"

#include <anzen/rig.h>
#include <stdio.h>
#include <string.h>

int cmd_rig_check(int argc, char **argv, CliContext *cli);
int cmd_rig_scan(int argc, char **argv, CliContext *cli);

/* ---- check ---- */

static void print_items_json(const GPtrArray *items)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "items");
	json_builder_begin_array(b);
	for (guint i = 0; i < items->len; i++) {
		const DeviceItem *item = g_ptr_array_index(items, i);
		json_builder_begin_object(b);
		cli_json_text(b, "name", item->name);
		json_builder_set_member_name(b, "ok");
		json_builder_add_boolean_value(b, item->ok);
		json_builder_set_member_name(b, "cure");
		if (item->ok)
			json_builder_add_null_value(b);
		else
			json_builder_add_string_value(b, item->cure);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void print_items(const GPtrArray *items, const Rig *rig)
{
	unsigned bad = 0;
	for (guint i = 0; i < items->len; i++) {
		const DeviceItem *item = g_ptr_array_index(items, i);
		printf("%s  %s\n", item->ok ? " ok " : "FAIL", item->name);
		if (!item->ok)
			printf("      → %s\n", item->cure);
		bad += !item->ok;
	}
	if (bad)
		printf(ngettext("%s: %u thing to do before it can run\n",
				"%s: %u things to do before it can run\n", bad),
		       rig_id(rig), bad);
	else
		printf(_("%s is ready\n"), rig_id(rig));
}

/* Sampling runs while it looks: a camera that repeats its picture shows only over time. Moves nothing. */
static GPtrArray *look(Rig *rig, GError **error)
{
	Stream nobody = {0};
	if (!rig_start(rig, &nobody, error))
		return NULL;
	clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + 700 * CLOCK_MS);
	GPtrArray *items = rig_preflight(rig, NULL);
	rig_stop(rig);
	return items;
}

int cmd_rig_check(int argc, char **argv, CliContext *cli)
{
	g_autofree char *calibration = NULL;
	const GOptionEntry options[] = {{"calibration", 0, 0, G_OPTION_ARG_FILENAME, &calibration,
					 N_("folder of the certificates"), "DIR"},
					{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(RigSpec) spec = rig_spec_load(argv[1], diag);
	if (!spec)
		return cli_diagnostics(cli, diag);
	g_autofree char *world = g_build_filename(cli->bin_dir, "anzen-world", NULL);
	RigOptions rig_options = {.world_program = world,
				  .calibration = calibration,
				  .seed = 1,
				  .defer_missing = true,
				  .passive = true};
	g_autoptr(Rig) rig = rig_open(spec, &rig_options, &error);
	g_autoptr(GPtrArray) items = rig ? look(rig, &error) : NULL;
	if (!items)
		return cli_fail(cli, error);
	if (cli->json)
		print_items_json(items);
	else
		print_items(items, rig);
	return rig_items_ok(items) ? ANZEN_EXIT_PASS : ANZEN_EXIT_INVALID;
}

/* ---- scan ---- */

static void print_ports_json(const GPtrArray *ports)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "ports");
	json_builder_begin_array(b);
	for (guint i = 0; i < ports->len; i++) {
		const LinkPort *port = g_ptr_array_index(ports, i);
		json_builder_begin_object(b);
		cli_json_text(b, "link", port->link);
		cli_json_text(b, "path", port->path);
		cli_json_text(b, "product", port->product ? port->product : "");
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

int cmd_rig_scan(int argc, char **argv, CliContext *cli)
{
	if (!cli_parse(cli, &argc, &argv, NULL, 0, 0))
		return cli->exit;
	g_autoptr(GPtrArray) ports = link_serial_ports();
	g_autoptr(GPtrArray) instruments = link_usb_instruments();
	while (instruments->len)
		g_ptr_array_add(ports, g_ptr_array_steal_index(instruments, 0));
	if (cli->json) {
		print_ports_json(ports);
		return ANZEN_EXIT_PASS;
	}
	for (guint i = 0; i < ports->len; i++) {
		const LinkPort *port = g_ptr_array_index(ports, i);
		printf("%-44s %-16s %s\n", port->link, port->path,
		       port->product ? port->product : "");
	}
	if (!ports->len)
		printf(_("no serial port and no USB instrument is plugged in\n"));
	return ANZEN_EXIT_PASS;
}
