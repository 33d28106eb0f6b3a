/* The node: its release firmware in simavr, pins and converter coupled to the plant in the node's own cycle time. */
#include "far_end.h"

#include <math.h>
#include <node_sim.h>
#include <string.h>

static const char *const inputs[] = {"in.0", "in.1", "in.2", "in.3"};

typedef struct Node {
	FarEnd *end;
	NodeSim *sim;
	GHashTable *
		terminals; /* "out.3" → index + 1 of the drive; "adc.0" → index + 1 of the sensor */
	int input[G_N_ELEMENTS(inputs)]; /* sensor of each, -1: nothing is wired to it */
	bool level[G_N_ELEMENTS(inputs)];
} Node;

static int terminal_of(const Node *n, const char *name)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(n->terminals, name)) - 1;
}

/* Switches that the world opens and closes: what is wired to a digital input is above or below half of 5 V. */
static void look_at_switches(Node *n, int64_t t_ns)
{
	for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
		if (n->input[i] < 0)
			continue;
		bool level = world_sense_at(n->end->shared, n->input[i], t_ns) > 2.5;
		if (level != n->level[i])
			node_sim_set_input(n->sim, inputs[i], level);
		n->level[i] = level;
	}
}

static void on_pin(void *user, const char *name, bool level, int64_t t_ns)
{
	Node *n = user;
	int drive = terminal_of(n, name);
	if (drive < 0)
		return;
	world_drive_at(n->end->shared, drive, level, t_ns);
	if (level && n->sim)
		look_at_switches(n, t_ns);
}

/* Millivolts; what is not wired is pulled to ground. */
static int on_adc(void *user, const char *name, int64_t t_ns)
{
	Node *n = user;
	int sensor = terminal_of(n, name);
	if (n->sim)
		look_at_switches(n, t_ns);
	if (sensor < 0)
		return 0;
	double volts = world_sense_at(n->end->shared, sensor, t_ns);
	return (int)lrint(CLAMP(volts, 0, 5) * 1000);
}

static gboolean node_open(FarEnd *end, const FarEndOptions *options, GError **error)
{
	Node *n = end->self = g_new0(Node, 1);
	n->end = end;
	n->terminals = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < end->device->terminals->len; i++) {
		const WorldTerminal *t = &g_array_index(end->device->terminals, WorldTerminal, i);
		int index = world_terminal(end->shared, end->device, t->name, t->drives);
		g_hash_table_insert(n->terminals, t->name, GINT_TO_POINTER(index + 1));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++)
		n->input[i] = terminal_of(n, inputs[i]);
	g_autofree char *elf = g_build_filename(options->firmware, end->device->firmware, NULL);
	const NodeSimConfig config = {
		.elf = elf, .name = end->device->name, .frequency_ppm = end->device->drift_ppm};
	const NodeSimPlant plant = {.user = n, .pin_changed = on_pin, .adc_read = on_adc};
	n->sim = node_sim_new(&config, &plant, end->shared->clock, error);
	if (!n->sim || !node_sim_start(n->sim, error))
		return FALSE;
	end->uri = g_strdup(node_sim_uri(n->sim));
	return TRUE;
}

static void node_close(FarEnd *end)
{
	Node *n = end->self;
	node_sim_free(n->sim);
	g_hash_table_unref(n->terminals);
	g_clear_pointer(&end->self, g_free);
}

static void node_set_fault(FarEnd *end, LinkFaultKind kind, bool on)
{
	Node *n = end->self;
	if (kind == LINK_FAULT_HANG)
		node_sim_pause(n->sim, on);
	if (kind == LINK_FAULT_ESTOP || kind == LINK_FAULT_TRIP)
		node_sim_set_input(n->sim, link_fault_name(kind), on);
	if (kind == LINK_FAULT_RESET && on)
		node_sim_power_cycle(n->sim);
}

static bool node_input(FarEnd *end, const char *name, bool level)
{
	return node_sim_set_input(((Node *)end->self)->sim, name, level);
}

const FarEndOps far_node = {
	.kind = WORLD_NODE,
	.open = node_open,
	.close = node_close,
	.set_fault = node_set_fault,
	.input = node_input,
	.faults = {LINK_FAULT_HANG, LINK_FAULT_RESET, LINK_FAULT_ESTOP, LINK_FAULT_TRIP},
};
