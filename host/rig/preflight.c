/* Can it run now, and if not, what has a technician to do? */
#include "internal.h"

#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

#define DEVICE_NS (3 * CLOCK_S)

static void add(GPtrArray *items, bool ok, char *name, const char *cure)
{
	g_ptr_array_add(items, device_item_new(ok, name, "%s", cure ? cure : ""));
	g_free(name);
}

static void check_world(Rig *rig, GPtrArray *items)
{
	if (rig->world)
		add(items, rig_world_alive(rig->world), g_strdup("world: running"),
		    "the virtual world ended; its messages stand above: start again");
}

static void check_devices(Rig *rig, GPtrArray *items)
{
	for (guint i = 0; i < rig->devices->len; i++) {
		RigDevice *d = g_ptr_array_index(rig->devices, i);
		if (!d->device) {
			add(items, false, g_strdup_printf("%s: opens", d->spec->name),
			    d->why_missing);
			continue;
		}
		g_autoptr(GPtrArray) own = device_preflight(d->device, DEVICE_NS);
		for (guint k = 0; k < own->len; k++)
			g_ptr_array_add(items, g_steal_pointer(&own->pdata[k]));
	}
}

/* ---- roles: known, open, calibrated ---- */

static bool needed(const RigNeeds *needs, const char *role)
{
	return !needs || !needs->roles || g_strv_contains(needs->roles, role);
}

static void check_unknown(Rig *rig, const RigNeeds *needs, GPtrArray *items)
{
	for (const char *const *r = needs ? needs->roles : NULL; r && *r; r++)
		if (!rig_spec_role(rig->spec, *r)) {
			g_autofree char *cure = g_strdup_printf(
				"add the role to %s, or choose another rig", rig->spec->path);
			add(items, false, g_strdup_printf("%s: role of the rig", *r), cure);
		}
}

static void check_calibration(const RigBinding *b, GPtrArray *items)
{
	const SignalInfo *info = &b->info;
	g_autofree char *cure = NULL;
	if (info->certificate_fault)
		cure = g_strdup_printf("%s; calibrate it (calibration/%s/), or fit another sensor",
				       info->certificate_fault, b->role->sensor);
	add(items, !info->certificate_fault, g_strdup_printf("%s: calibration", info->name), cure);
}

static void check_roles(Rig *rig, const RigNeeds *needs, GPtrArray *items)
{
	for (guint i = 0; i < rig->spec->roles->len; i++) {
		const RigBinding *b = g_ptr_array_index(rig->bindings, i);
		const RigRole *role = g_ptr_array_index(rig->spec->roles, i);
		if (!needed(needs, role->name))
			continue;
		if (!b && needs && needs->roles) /* else the device's own line says it all */
			add(items, false, g_strdup_printf("%s: its device is open", role->name),
			    "see the device's own line");
		else if (b && role->sensor)
			check_calibration(b, items);
		if (b && role->axis) {
			g_autofree char *text = rig_axis_text(role->axis);
			add(items, true, g_strdup_printf("%s: %s", role->name, text), NULL);
		}
	}
}

/* ---- clock, disk, proof test ---- */

static double clock_u(Rig *rig, const RigBinding *b)
{
	DeviceStats stats = {0};
	(void)rig;
	if (b->role->kind == RIG_CAMERA)
		return 0; /* each picture brings the uncertainty of its own time; its age is judged at the product's input */
	device_stats(b->device->device, &stats);
	return hypot(b->info.u_clock_s, (double)stats.clock_u_ns / 1e9);
}

static void check_clock(Rig *rig, const RigNeeds *needs, GPtrArray *items)
{
	const char *worst = NULL;
	double u = 0;
	if (!needs || !needs->clock_u_ns)
		return;
	for (guint i = 0; i < rig->spec->roles->len; i++) {
		const RigBinding *b = g_ptr_array_index(rig->bindings, i);
		if (!b || !needed(needs, b->role->name) || clock_u(rig, b) <= u)
			continue;
		u = clock_u(rig, b);
		worst = b->info.name;
	}
	g_autofree char *cure =
		g_strdup_printf("times of %s are known to %.1f ms only, the scenario needs %.1f "
				"ms: use another channel, or ease the need",
				worst ? worst : "", u * 1e3, (double)needs->clock_u_ns / 1e6);
	add(items, u * 1e9 <= (double)needs->clock_u_ns,
	    g_strdup("clock: as certain as the scenario needs"), cure);
}

static void check_disk(const RigNeeds *needs, GPtrArray *items)
{
	struct statvfs fs;
	if (!needs || !needs->disk_folder)
		return;
	bool known = statvfs(needs->disk_folder, &fs) == 0;
	double free_bytes = known ? (double)fs.f_bavail * (double)fs.f_frsize : 0;
	g_autofree char *cure =
		known ? g_strdup_printf("%s has %.1f GiB left, %.1f GiB are needed: make room",
					needs->disk_folder, free_bytes / 0x1p30,
					(double)needs->disk_bytes / 0x1p30)
		      : g_strdup_printf("%s cannot be written: choose another folder",
					needs->disk_folder);
	add(items, known && free_bytes >= (double)needs->disk_bytes, g_strdup("disk: reserve"),
	    cure);
}

/* A real bench's e-stop is proven by a person with `anzen rig proof-test`; the record stands beside the rig file. */
static void check_proof(Rig *rig, GPtrArray *items)
{
	const RigSpec *spec = rig->spec;
	if (!spec->estop || rig_spec_virtual(spec) || rig->plant)
		return; /* a virtual button is pressed by the tests */
	g_autofree char *file = rig_proof_path(spec), *text = NULL;
	int day = g_file_get_contents(file, &text, NULL, NULL) ? rig_proof_day(text, spec->id) : -1;
	int age = day < 0 ? -1 : rig->julian_day - day;
	g_autofree char *cure = g_strdup_printf("%s (%s); run: anzen rig proof-test %s",
						age < 0 ? "no valid proof test of the e-stop"
							: "the e-stop's proof test is too old",
						file, spec->path);
	add(items, age >= 0 && (int64_t)age * 86400 * CLOCK_S <= spec->proof_ns,
	    g_strdup("interlock: proof test"), cure);
}

GPtrArray *rig_preflight(Rig *rig, const RigNeeds *needs)
{
	GPtrArray *items = g_ptr_array_new_with_free_func((GDestroyNotify)device_item_free);
	check_world(rig, items);
	check_devices(rig, items);
	check_proof(rig, items);
	check_unknown(rig, needs, items);
	check_roles(rig, needs, items);
	check_clock(rig, needs, items);
	check_disk(needs, items);
	return items;
}

bool rig_items_ok(const GPtrArray *items)
{
	for (guint i = 0; i < items->len; i++)
		if (!((const DeviceItem *)g_ptr_array_index(items, i))->ok)
			return false;
	return true;
}
