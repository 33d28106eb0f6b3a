/* What the release ELF does to its pins on the way from reset to its main loop, one instruction after the other: no instruction
 * drives an output away from SAFE or the enable line high, and none makes a pin an output before its value is SAFE. simavr shows
 * no edges of a reset itself: there the pins float, and the wiring's resistors hold them (docs/node.md). */
#include "node_bench.h"
#include "node_sim_internal.h"
#include "unit.h"

#define OUTPUT(index, name, lo, hi, safe, max_on, hold, group, doc) | ((safe) << (index))
enum {
	PROTO_SAFE_PORT = 0
#include "../../firmware/protocol/registers.def"
};

/* Addresses of data memory: ATmega640/1280/2560 datasheet, chapter 34; ATmega328P datasheet, chapter 30. */
typedef struct {
	const char *board;
	uint16_t out_ddr, out_port, enable_ddr, enable_port;
	uint8_t mask, shift, enable; /* of the outputs in their port; the enable line's bit */
	uint16_t duty_control;       /* connects duties to their pins: 0 */
	uint16_t low_port[2];        /* duties; steps and directions: low */
	uint8_t low_mask[2];
} Pins;
static const Pins all_pins[] = {
	{"atmega2560", 0x21, 0x22, 0x27, 0x28, 0xff, 0, 0x01, 0x120, {0x10b, 0x28}, {0x30, 0x7e}},
	{"atmega328p", 0x2a, 0x2b, 0x24, 0x25, 0xf0, 4, 0x02, 0, {0}, {0}},
};

typedef struct {
	unsigned away, enabled, early; /* instructions after which it was so */
	unsigned writes;               /* that changed what the pins do */
	bool reached;                  /* all of them outputs, at SAFE, and the link open */
} Seen;

static const Pins *pins_of_board(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(all_pins); i++)
		if (!strcmp(all_pins[i].board, node_bench_board()))
			return &all_pins[i];
	g_error("no pins of %s", node_bench_board());
}

static void look(const avr_t *avr, const Pins *p, Seen *seen, uint32_t *last)
{
	const uint8_t *d = avr->data;
	uint8_t ddr = d[p->out_ddr] & p->mask, port = d[p->out_port] & p->mask;
	uint8_t safe = (uint8_t)(PROTO_SAFE_PORT << p->shift) & p->mask;
	uint8_t enable_ddr = d[p->enable_ddr] & p->enable;
	uint8_t enable_port = d[p->enable_port] & p->enable;
	uint32_t now = ddr | (uint32_t)port << 8 | (uint32_t)enable_ddr << 16 |
		       (uint32_t)enable_port << 24;
	for (int i = 0; i < 2; i++)
		seen->away += (d[p->low_port[i]] & p->low_mask[i]) != 0;
	seen->away += p->duty_control && (d[p->duty_control] & 0xfc);
	if (now == *last)
		return;
	seen->writes++;
	seen->away += (ddr & (port ^ safe)) != 0;
	seen->enabled += enable_port != 0; /* a pull-up would be enough to lift it */
	seen->early += (ddr & ~(uint8_t)(*last)) && ((*last >> 8 ^ safe) & ddr);
	*last = now;
}

/* From reset until the receiver is on and interrupts are too. `poke`: the control, spoil one store half-way. */
static Seen boot(NodeBench *b, bool poke)
{
	const Pins *p = pins_of_board();
	avr_t *avr = b->sim->avr;
	Seen seen = {0};
	uint32_t last = 0;
	for (long i = 0; i < 3000000 && !seen.reached; i++) {
		avr_run(avr);
		if (poke && i == 20000)
			avr->data[p->out_port] |= p->mask;
		look(avr, p, &seen, &last);
		seen.reached = (avr->data[p->out_ddr] & p->mask) == p->mask &&
			       (avr->data[p->enable_ddr] & p->enable) && (avr->data[0xc1] & 0x10) &&
			       avr->sreg[S_I];
	}
	return seen;
}

/* Nothing in memory may matter: it is whatever it was. */
static void spoil_memory(avr_t *avr, GRand *rand)
{
	for (uint32_t a = avr->ramend > 0x8ff ? 0x200 : 0x100; a <= avr->ramend; a++)
		avr->data[a] = (uint8_t)g_rand_int(rand);
}

static void check(const Seen *seen)
{
	CU_ASSERT_TRUE(seen->reached);
	CU_ASSERT_TRUE(seen->writes >= 2);
	CU_ASSERT_EQUAL(seen->away, 0);
	CU_ASSERT_EQUAL(seen->enabled, 0);
	CU_ASSERT_EQUAL(seen->early, 0);
}

static void no_write_from_power_on_leaves_safe(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	for (int i = 0; i < 3; i++) {
		g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
		spoil_memory(b->sim->avr, rand);
		Seen seen = boot(b, false);
		check(&seen);
	}
}

/* With outputs on, by the watchdog and by losing power: what the memory holds then says that they are on. */
static void no_write_after_a_reset_under_way_leaves_safe(void)
{
	for (int by_watchdog = 0; by_watchdog < 2; by_watchdog++) {
		g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
		CU_ASSERT_TRUE(node_bench_arm(b));
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_OUT0 + 0, 1), 1);
		CU_ASSERT_EQUAL(node_bench_set(b, PROTO_REG_OUT0 + 1, 1), 1);
		node_sim_reset(b->sim, by_watchdog);
		Seen seen = boot(b, false);
		check(&seen);
	}
}

static void the_check_sees_a_store_that_drives_an_output(void)
{
	g_autoptr(NodeBench) b = node_bench_new(BENCH_ELF);
	Seen seen = boot(b, true);
	CU_ASSERT_TRUE(seen.away > 0);
}

UNIT_MAIN("firmware.reset", UNIT(no_write_from_power_on_leaves_safe),
	  UNIT(no_write_after_a_reset_under_way_leaves_safe),
	  UNIT(the_check_sees_a_store_that_drives_an_output))
