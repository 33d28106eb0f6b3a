/* The node's figures: what each board's firmware takes, how many commands it answers and how soon, how fast it is emulated;
 * and, from the tests that count them, the cycles of e-stop and lease and the clock's uncertainty. */
#include "node_bench.h"
#include "node_sim_internal.h"

#include <stdio.h>
#include <time.h>

/* Of this program's own processor time: what others do meanwhile does not count. */
static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A program of this build, of whose output the lines that begin with `head` are shown. */
static void show(const char *command, const char *head)
{
	g_autofree char *out = NULL, *err = NULL;
	g_autoptr(GError) error = NULL;
	if (!g_spawn_command_line_sync(command, &out, &err, NULL, &error)) {
		printf("%s\n", error->message);
		return;
	}
	g_autofree char *both = g_strconcat(out, err, NULL);
	g_auto(GStrv) lines = g_strsplit(both, "\n", -1);
	for (int i = 0; lines[i]; i++)
		if (strstr(lines[i], head))
			printf("  %s\n", lines[i]);
}

static void sizes(void)
{
	static const char *const budget[] = {
		"node-atmega2560.elf avr-objdump 253952 0x800200 8192 3",
		"node-atmega328p.elf avr-objdump 30720 0x800100 2048 2",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(budget); i++) {
		g_autofree char *command =
			g_strdup_printf("%s/bin/node-budget %s/firmware/%s", ANZEN_BINARY_DIR,
					ANZEN_BINARY_DIR, budget[i]);
		show(command, "flash");
	}
	show("arm-none-eabi-size " ANZEN_BINARY_DIR "/firmware/node-stm32f405.elf", "");
}

static void emulation(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	double t = seconds();
	node_sim_run_to(b->sim, 20 * CLOCK_S);
	printf("  emulated, no host, sampling 4 x 1 kHz: %.1f x real time\n", 20 / (seconds() - t));
}

/* A full window of writes to the lamp, always. */
static void throughput(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	if (!node_bench_arm(b))
		return;
	unsigned had = b->replies, k = 0;
	double t = seconds();
	for (int64_t end = node_bench_now(b) + 5 * CLOCK_S; node_bench_now(b) < end;) {
		while (proto_link_room(&b->link))
			node_bench_soonest(b, PROTO_REG_LED, ++k & 1);
		node_bench_run(b, 20 * CLOCK_US);
	}
	printf("  commands: %.0f a second answered, window full (emulated at %.1f x real time)\n",
	       (b->replies - had) / 5.0, 5 / (seconds() - t));
}

static void round_trip(void)
{
	enum { ASKED = 200 };
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	int64_t sum = 0, worst = 0;
	if (!node_bench_arm(b))
		return;
	for (int i = 0; i < ASKED; i++) {
		node_bench_run(b, 3 * CLOCK_MS + i * 7 * CLOCK_US);
		int64_t from = node_bench_now(b);
		uint16_t tag = node_bench_soonest(b, PROTO_REG_LED, i & 1);
		while (!node_bench_reply(b, PROTO_MSG_DONE, tag))
			node_bench_run(b, 10 * CLOCK_US);
		sum += node_bench_now(b) - from;
		worst = MAX(worst, node_bench_now(b) - from);
	}
	printf("  round trip of a command: %.2f ms in the mean, %.2f ms at worst (its 60 bytes "
	       "take 1.2 ms)\n",
	       (double)sum / ASKED / 1e6, (double)worst / 1e6);
}

/* Cycles from entering a step interrupt (vectors 32 to 34, datasheet 2549Q, 14) to its return, others within it included. */
static uint64_t in_steps(NodeBench *b, int64_t ns)
{
	avr_t *avr = b->sim->avr;
	uint64_t end = avr->cycle + (uint64_t)ns * 16 / 1000, sum = 0, since = 0;
	unsigned depth = 0; /* the stack's when it began; 0: in none */
	while (avr->cycle < end) {
		unsigned stack = avr->data[R_SPL] | avr->data[R_SPH] << 8;
		if (!depth && avr->pc >= 32 * 4 && avr->pc <= 34 * 4) {
			depth = stack;
			since = avr->cycle;
		} else if (depth && stack > depth) {
			sum += avr->cycle - since;
			depth = 0;
		}
		avr_run(avr);
	}
	return sum;
}

/* What a step takes with 1 and 3 axes in cruise at the firmware's ceiling, samples streaming. */
static void step_rate(void)
{
	for (int axes = 1; axes <= PROTO_AXES; axes += 2) {
		g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
		bool ok = node_bench_connect(b);
		for (uint8_t i = 0; i < axes; i++)
			ok = ok && node_bench_set(b, (uint8_t)(PROTO_REG_AXIS0 + i), 0) == 0;
		if (!ok || !node_bench_arm(b) || node_bench_set(b, PROTO_REG_STREAM, 1) < 0)
			return;
		for (uint8_t i = 0; i < axes; i++)
			node_bench_move(b, i, 100000, proto_axis_facts[i].max_v,
					proto_axis_facts[i].max_a, 0, false);
		node_bench_run(b, 400 * CLOCK_MS);
		unsigned steps = 0;
		for (int i = 0; i < axes; i++)
			g_array_set_size(b->axis[i].at, 0);
		double cycles = (double)in_steps(b, 50 * CLOCK_MS);
		for (int i = 0; i < axes; i++)
			steps += b->axis[i].at->len;
		double each = cycles / MAX(steps, 1);
		printf("  %d of 3 axes: %u step/s in all, %.0f cycles a step: its interrupts alone "
		       "could "
		       "do %.0fK\n",
		       axes, steps * 20, each, 16e3 / each);
	}
}

static void native(void)
{
	NodeNativeConfig config = {0};
	NodeNative *node = node_native_new(&config, NULL);
	double t = seconds();
	node_native_run_to(node, 600 * CLOCK_S);
	printf("native core, no host, sampling: %.0f x real time\n", 600 / (seconds() - t));
	node_native_free(node);
}

int main(void)
{
	static const char *const boards[] = {"atmega2560", "atmega328p"};
	printf("what the firmware takes\n");
	sizes();
	for (size_t i = 0; i < G_N_ELEMENTS(boards); i++) {
		g_setenv("ANZEN_NODE_BOARD", boards[i], TRUE);
		printf("%s\n", boards[i]);
		emulation();
		throughput();
		round_trip();
		if (!i) /* the small board has no axes */
			step_rate();
		show(ANZEN_BINARY_DIR "/tests/test-firmware-latency", "cycles");
		show(ANZEN_BINARY_DIR "/tests/test-firmware-lease", "cycles");
	}
	native();
	printf("the host's knowledge of the node's clock\n");
	show(ANZEN_BINARY_DIR "/tests/test-firmware-clock", "us");
	return 0;
}
