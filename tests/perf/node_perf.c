/* The node: speed of the emulation and of the native core, in simulated seconds per second. */
#include <anzen/base.h>
#include <node_native.h>
#include <node_sim.h>
#include <stdio.h>

static double seconds(void)
{
	return (double)clock_now(clock_monotonic()) * 1e-9;
}

static void emulated(void)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	g_autoptr(GError) error = NULL;
	NodeSimConfig config = {.elf = ANZEN_BINARY_DIR "/firmware/node-atmega2560.elf",
				.name = "node"};
	g_autoptr(NodeSim) sim = node_sim_new(&config, NULL, clock, &error);
	if (!sim) {
		fprintf(stderr, "%s\n", error->message);
		return;
	}
	double t = seconds();
	node_sim_run_to(sim, 20 * CLOCK_S);
	printf("release ELF in simavr, sampling 4 x 500 Hz, no host: %.1f x real time\n",
	       20 / (seconds() - t));
}

static void native(void)
{
	NodeNativeConfig config = {0};
	NodeNative *node = node_native_new(&config, NULL);
	double t = seconds();
	node_native_run_to(node, 600 * CLOCK_S);
	printf("native core, the same: %.0f x real time\n", 600 / (seconds() - t));
	node_native_free(node);
}

int main(void)
{
	emulated();
	native();
	return 0;
}
