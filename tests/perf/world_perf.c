/* Prints what the plant costs: at rest, while the mannequin falls, and with pictures. Asserts nothing about time. */
#include <anzen/world.h>
#include <stdio.h>

static double cost(PlantPort *port, int64_t from_ns, int64_t to_ns, bool pictures)
{
	Frame frame;
	int64_t began = clock_now(clock_monotonic());
	for (int64_t t = from_ns; t < to_ns; t += 33 * CLOCK_MS) {
		port->step_to(port, t);
		if (pictures)
			port->render(port, "cam", &frame);
	}
	return (double)(to_ns - from_ns) / (double)(clock_now(clock_monotonic()) - began);
}

int main(void)
{
	g_autoptr(GError) error = NULL;
	int64_t began = clock_now(clock_monotonic());
	PlantPort *port =
		world_plant_port_new(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", 0, &error);
	if (!port) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	printf("settled in %.3f s\n", (double)(clock_now(clock_monotonic()) - began) * 1e-9);
	printf("at rest %.0f x real time\n", cost(port, 0, 20 * CLOCK_S, false));
	printf("at rest with pictures %.1f x real time\n",
	       cost(port, 20 * CLOCK_S, 22 * CLOCK_S, true));
	port->write(port, "node-a.out.3", 1);
	printf("falling %.1f x real time\n", cost(port, 22 * CLOCK_S, 23 * CLOCK_S, false));
	printf("coming to rest, with pictures %.1f x real time\n",
	       cost(port, 23 * CLOCK_S, 25 * CLOCK_S, true));
	port->free(port);
	return 0;
}
