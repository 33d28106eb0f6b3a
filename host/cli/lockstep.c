#include "lockstep.h"

#include <anzen/rig.h>
#include <anzen/world.h>
#include <math.h>
#include <node_native.h>
#include <string.h>

/* The manual clock of a run begins here (run/live.c), and so do the nodes. */
#define EPOCH_NS CLOCK_S

typedef struct LockstepNode {
	char *device;
	NodeNative *native;
	LockstepWorld *world;
	bool level[4]; /* of in.0 … in.3, as the world's switches have them */
} LockstepNode;

/* Something that goes wrong at a time. */
typedef enum {
	FAULT_FREEZE,
	FAULT_BLACK,
	FAULT_DROP,
	FAULT_SILENT,
	FAULT_ESTOP, /* of a node: somebody presses the button */
	FAULT_TRIP,
	FAULT_JAM, /* of the rail: its carriage does not move any more */
} LockstepFaultKind;
static const char *const fault_names[] = {
	[FAULT_FREEZE] = "freeze", [FAULT_BLACK] = "black", [FAULT_DROP] = "drop",
	[FAULT_SILENT] = "silent", [FAULT_ESTOP] = "estop", [FAULT_TRIP] = "trip",
	[FAULT_JAM] = "jam"};

typedef struct LockstepFault {
	char *device;
	LockstepFaultKind kind;
	int64_t at_ns;
} LockstepFault;

/* The port that the run sees: it steps nodes and plant together, each edge at its exact time. */
struct LockstepWorld {
	PlantPort port; /* first member */
	PlantPort *plant;
	GPtrArray *nodes; /* LockstepNode* */
	GArray *faults;   /* LockstepFault */
	int64_t now_ns;
	GHashTable *frozen; /* camera → GBytes*: the picture that a frozen one repeats */
};

/* What the world has wired to a digital input is above or below half of 5 V. */
static void look_at_switches(LockstepNode *node)
{
	PlantPort *plant = node->world->plant;
	for (unsigned i = 0; i < G_N_ELEMENTS(node->level); i++) {
		char channel[64];
		double volts;
		g_snprintf(channel, sizeof channel, "%s.in.%u", node->device, i);
		if (!plant->read(plant, channel, &volts) || (volts > 2.5) == node->level[i])
			continue;
		node->level[i] = volts > 2.5;
		node_native_set_input(node->native, strrchr(channel, '.') - 2, node->level[i]);
	}
}

static void on_pin(void *user, const char *pin, bool level, int64_t t_ns)
{
	LockstepNode *node = user;
	PlantPort *plant = node->world->plant;
	g_autofree char *channel = g_strdup_printf("%s.%s", node->device, pin);
	plant->step_to(plant, t_ns);
	plant->write(plant, channel,
		     level ? 1 : 0); /* a pin that nothing is wired to is no error */
	if (level && node->native && g_str_has_prefix(pin, "step."))
		look_at_switches(node);
}

static int on_adc(void *user, const char *pin, int64_t t_ns)
{
	LockstepNode *node = user;
	PlantPort *plant = node->world->plant;
	g_autofree char *channel = g_strdup_printf("%s.%s", node->device, pin);
	double volts = 0;
	plant->step_to(plant, t_ns);
	plant->read(plant, channel, &volts);
	return (int)lround(volts * 1000.0);
}

static bool failing(const LockstepWorld *world, const char *name, LockstepFaultKind kind)
{
	for (guint i = 0; i < world->faults->len; i++) {
		const LockstepFault *f = &g_array_index(world->faults, LockstepFault, i);
		size_t n = strlen(f->device);
		if (f->kind == kind && world->now_ns >= f->at_ns && !strncmp(name, f->device, n) &&
		    (name[n] == 0 || name[n] == '.'))
			return true;
	}
	return false;
}

static void go_wrong(const LockstepWorld *world)
{
	static const LockstepFaultKind loops[] = {FAULT_ESTOP, FAULT_TRIP};
	for (guint i = 0; i < world->nodes->len; i++)
		for (size_t k = 0; k < G_N_ELEMENTS(loops); k++) {
			LockstepNode *node = g_ptr_array_index(world->nodes, i);
			if (failing(world, node->device, loops[k]))
				node_native_set_input(node->native, fault_names[loops[k]], true);
		}
	if (failing(world, "rail", FAULT_JAM))
		g_free(world_plant_port_back_door(world->plant,
						  "{\"set\":\"rail.jammed\",\"value\":1}"));
}

static void port_step_to(PlantPort *self, int64_t t_ns)
{
	LockstepWorld *world = (LockstepWorld *)self;
	for (guint i = 0; i < world->nodes->len; i++)
		node_native_run_to(((LockstepNode *)g_ptr_array_index(world->nodes, i))->native,
				   t_ns);
	world->plant->step_to(world->plant, t_ns);
	world->now_ns = t_ns;
	for (guint i = 0; i < world->nodes->len; i++)
		look_at_switches(g_ptr_array_index(world->nodes, i));
	go_wrong(world);
}

static gboolean port_read(PlantPort *self, const char *channel, double *ret)
{
	LockstepWorld *world = (LockstepWorld *)self;
	return !failing(world, channel, FAULT_SILENT) &&
	       world->plant->read(world->plant, channel, ret);
}

static gboolean port_write(PlantPort *self, const char *channel, double value)
{
	PlantPort *plant = ((LockstepWorld *)self)->plant;
	return plant->write(plant, channel, value);
}

static gboolean port_render(PlantPort *self, const char *camera, Frame *ret)
{
	LockstepWorld *world = (LockstepWorld *)self;
	PlantPort *plant = world->plant;
	if (failing(world, camera, FAULT_DROP) || !plant->render ||
	    !plant->render(plant, camera, ret))
		return FALSE;
	if (failing(world, camera, FAULT_BLACK)) {
		GBytes *black = g_bytes_new_take(g_malloc0(ret->size), ret->size);
		g_hash_table_replace(world->frozen, g_strdup(camera), black);
		ret->data = g_bytes_get_data(black, NULL);
	} else if (failing(world, camera, FAULT_FREEZE)) {
		GBytes *still = g_hash_table_lookup(world->frozen, camera);
		if (still)
			ret->data = g_bytes_get_data(still, NULL);
	} else if (world->faults->len > 0) {
		g_hash_table_replace(world->frozen, g_strdup(camera),
				     g_bytes_new(ret->data, ret->size));
	}
	return TRUE;
}

static gboolean fail_at(void *user, const char *device, const char *kind, int64_t at_ns,
			GError **error)
{
	LockstepWorld *world = user;
	for (size_t i = 0; i < G_N_ELEMENTS(fault_names); i++)
		if (!strcmp(kind, fault_names[i])) {
			LockstepFault fault = {g_strdup(device), (LockstepFaultKind)i, at_ns};
			g_array_append_val(world->faults, fault);
			return TRUE;
		}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "--fault: in lock-step a device can freeze, be black, drop or be silent, a "
		    "node's estop or "
		    "trip can open, the "
		    "rail can jam, not '%s'",
		    kind);
	return FALSE;
}

static void fault_clear(void *p)
{
	g_free(((LockstepFault *)p)->device);
}

static void node_free(void *p)
{
	LockstepNode *node = p;
	node_native_free(node->native);
	g_free(node->device);
	g_free(node);
}

static ByteLink *link_to_node(void *user, const char *device)
{
	LockstepWorld *world = user;
	LockstepNode *node = g_new0(LockstepNode, 1);
	node->device = g_strdup(device);
	node->world = world;
	NodeNativePlant plant = {.user = node, .pin_changed = on_pin, .adc_read = on_adc};
	node->native = node_native_new(&(NodeNativeConfig){.start_ns = EPOCH_NS}, &plant);
	g_ptr_array_add(world->nodes, node);
	return node_native_link(node->native);
}

LockstepWorld *lockstep_world_new(const char *rig_path, uint64_t seed, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(RigSpec) spec = rig_spec_load(rig_path, diag);
	if (!spec) {
		diagnostics_to_error(diag, error);
		return NULL;
	}
	if (!rig_spec_world(spec)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s is a real bench: --lock-step needs a rig with a world", rig_path);
		return NULL;
	}
	PlantPort *plant = world_plant_port_new(rig_spec_world(spec), seed, error);
	if (!plant)
		return NULL;
	LockstepWorld *world = g_new0(LockstepWorld, 1);
	world->plant = plant;
	world->nodes = g_ptr_array_new_with_free_func(node_free);
	world->faults = g_array_new(FALSE, TRUE, sizeof(LockstepFault));
	g_array_set_clear_func(world->faults, fault_clear);
	world->frozen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)g_bytes_unref);
	world->port = (PlantPort){.step_to = port_step_to,
				  .read = port_read,
				  .write = port_write,
				  .render = port_render};
	return world;
}

void lockstep_world_use(LockstepWorld *world, RunConfig *config)
{
	if (!world)
		return;
	config->lock_step = true;
	config->plant = &world->port;
	config->node_link = link_to_node;
	config->node_link_user = world;
	config->world_fault = fail_at;
}

void lockstep_world_free(LockstepWorld *world)
{
	if (!world)
		return;
	g_ptr_array_unref(world->nodes);
	g_array_unref(world->faults);
	g_hash_table_unref(world->frozen);
	world->plant->free(world->plant);
	g_free(world);
}
