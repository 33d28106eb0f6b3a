/* The emulated board. Traps of simavr 1.6 that shape this file: a sleeping core jumps past the end of a slice unless a
 * cycle timer stands there; a reset clears all cycle timers and reports no pin edges; an input must be driven both as
 * external level and as IRQ or the internal pull-up wins; a held-low interrupt pin is polled every cycle unless told
 * otherwise, after each reset again. */
#include "node_sim_internal.h"

#include <avr_adc.h>
#include <avr_eeprom.h>
#include <avr_extint.h>
#include <avr_ioport.h>
#include <avr_uart.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <sim_elf.h>
#include <stdarg.h>
#include <termios.h>
#include <unistd.h>

#define SAMPLE_CYCLES 192 /* 1.5 ADC clocks at 125 kHz: datasheet 26.4 */
#define BYTE_CYCLES 320   /* 10 bits at 500 kBd */
#define EXT_INTERRUPTS 8

typedef struct {
	const char *name;
	char port; /* 0: this board has no such terminal */
	int bit;
} Terminal;

struct NodeSimBoard {
	const char *mcu;
	unsigned
		machine; /* EF_AVR_MACH of its ELF: the instruction set, which is another one on each */
	bool duties;     /* timer 5 makes them */
	Terminal outputs[NODE_SIM_OUTPUTS], inputs[NODE_SIM_INPUTS];
};

static const NodeSimBoard boards[] = {
	{"atmega2560",
	 6,
	 true,
	 {{"out.0", 'A', 0},
	  {"out.1", 'A', 1},
	  {"out.2", 'A', 2},
	  {"out.3", 'A', 3},
	  {"out.4", 'A', 4},
	  {"out.5", 'A', 5},
	  {"out.6", 'A', 6},
	  {"out.7", 'A', 7},
	  {"led", 'B', 7},
	  {"enable", 'C', 0},
	  {"step.0", 'C', 1},
	  {"dir.0", 'C', 2},
	  {"step.1", 'C', 3},
	  {"dir.1", 'C', 4},
	  {"step.2", 'C', 5},
	  {"dir.2", 'C', 6}},
	 {{"estop", 'D', 0},
	  {"trip", 'D', 1},
	  {"in.0", 'L', 0},
	  {"in.1", 'B', 4},
	  {"in.2", 'B', 5},
	  {"in.3", 'B', 6}}},
	{"atmega328p",
	 5,
	 false,
	 {{"out.0", 'D', 4},
	  {"out.1", 'D', 5},
	  {"out.2", 'D', 6},
	  {"out.3", 'D', 7},
	  [8] = {"led", 'B', 5},
	  {"enable", 'B', 1}},
	 {{"estop", 'D', 2},
	  {"trip", 'D', 3},
	  {"in.0", 'B', 0},
	  {"in.1", 'B', 2},
	  {"in.2", 'B', 3},
	  {"in.3", 'B', 4}}},
};

static const char *const adc_names[4] = {"adc.0", "adc.1", "adc.2", "adc.3"};

/* ---- time ---------------------------------------------------------------------------------------------------- */

static int64_t time_of(const NodeSim *sim, avr_cycle_count_t cycle)
{
	return sim->base_ns +
	       (int64_t)llround((double)(int64_t)(cycle - sim->base_cycle) * sim->cycle_ns);
}

avr_cycle_count_t node_sim_cycle_at(const NodeSim *sim, int64_t t_ns)
{
	double cycles = (double)(t_ns - sim->base_ns) / sim->cycle_ns;
	return cycles <= 0 ? sim->base_cycle : sim->base_cycle + (avr_cycle_count_t)llround(cycles);
}

uint64_t node_sim_cycle(const NodeSim *sim)
{
	return sim->avr->cycle;
}

int64_t node_sim_now(const NodeSim *sim)
{
	return time_of(sim, sim->avr->cycle);
}

/* ---- pins ---------------------------------------------------------------------------------------------------- */

static void set_level(NodeSim *sim, int index, bool level)
{
	if (sim->level[index] == level)
		return;
	sim->level[index] = level;
	if (sim->plant.pin_changed)
		sim->plant.pin_changed(sim->plant.user, sim->board->outputs[index].name, level,
				       node_sim_now(sim));
}

static void on_pin(avr_irq_t *irq, uint32_t value, void *param)
{
	(void)irq;
	NodeSimPin *pin = param;
	set_level(pin->sim, pin->index, value & 1);
}

void node_sim_drive(NodeSim *sim, int input, bool level)
{
	const Terminal *terminal = &sim->board->inputs[input];
	char port = terminal->port;
	uint8_t bit = (uint8_t)(1u << terminal->bit);
	uint8_t *mask = &sim->ext_mask[(int)port], *value = &sim->ext_value[(int)port];
	*mask |= bit;
	*value = level ? *value | bit : *value & (uint8_t)~bit;
	avr_ioport_external_t external = {
		.name = (unsigned long)port & 0x7f, .mask = *mask, .value = *value};
	avr_ioctl(sim->avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &external);
	avr_raise_irq(avr_io_getirq(sim->avr, AVR_IOCTL_IOPORT_GETIRQ(port), terminal->bit), level);
}

/* Timer 5 as the datasheet places it (2549Q, 33); the emulation does not move the pins of a fast PWM, so the duty is read. */
#define TCCR5A 0x120
#define ICR5 0x126
#define OCR5B 0x12a
#define OCR5C 0x12c
static const struct {
	const char *name;
	uint16_t compare;
	uint8_t connected;
} duties[NODE_SIM_DUTIES] = {{"pwm.0", OCR5B, 0x20}, {"pwm.1", OCR5C, 0x08}};

static int word_at(const NodeSim *sim, uint16_t address)
{
	return sim->avr->data[address] | sim->avr->data[address + 1] << 8;
}

static void tell_duties(NodeSim *sim)
{
	for (int i = 0; i < NODE_SIM_DUTIES && sim->board->duties; i++) {
		int duty = 0;
		if (sim->avr->data[TCCR5A] & duties[i].connected)
			duty = (word_at(sim, duties[i].compare) + 1) * 1000 /
			       (word_at(sim, ICR5) + 1);
		if (duty == sim->duty[i])
			continue;
		sim->duty[i] = duty;
		if (sim->plant.duty_changed)
			sim->plant.duty_changed(sim->plant.user, duties[i].name, duty,
						node_sim_now(sim));
	}
}

static void on_timer(avr_t *avr, avr_io_addr_t address, uint8_t value, void *param)
{
	(void)avr;
	(void)address;
	(void)value;
	tell_duties(param);
}

static int input_index(const NodeSim *sim, const char *name)
{
	for (int i = 0; i < NODE_SIM_INPUTS; i++)
		if (!strcmp(sim->board->inputs[i].name, name))
			return i;
	return -1;
}

bool node_sim_set_input(NodeSim *sim, const char *name, bool level)
{
	int i = input_index(sim, name);
	if (i < 0)
		return false;
	if (!sim->running || pthread_equal(pthread_self(), sim->thread)) {
		node_sim_drive(sim, i, level);
		return true;
	}
	pthread_mutex_lock(&sim->lock);
	sim->pending[i] = level;
	pthread_mutex_unlock(&sim->lock);
	return true;
}

/* ---- ADC ------------------------------------------------------------------------------------------------------- */

static avr_cycle_count_t sample(avr_t *avr, avr_cycle_count_t when, void *param)
{
	(void)avr;
	NodeSimPin *adc = param;
	NodeSim *sim = adc->sim;
	int mv = 0;
	if (sim->plant.adc_read)
		mv = sim->plant.adc_read(sim->plant.user, adc_names[adc->index],
					 time_of(sim, when));
	/* The chip gives Vin * 1024 / Vref (datasheet 26.7), simavr mV * 1023 / Vref: hand it the millivolts that make the chip's
	 * code. */
	int code = MIN(CLAMP(mv, 0, 5000) * 1024 / 5000, 1023);
	avr_raise_irq(sim->adc_in[adc->index], (uint32_t)((code * 5000 + 1022) / 1023));
	return 0;
}

static void on_conversion(avr_irq_t *irq, uint32_t value, void *param)
{
	(void)irq;
	NodeSim *sim = param;
	union {
		avr_adc_mux_t mux;
		uint32_t value;
	} u = {.value = value};
	if (u.mux.kind == ADC_MUX_SINGLE && u.mux.src < 4)
		avr_cycle_timer_register(sim->avr, SAMPLE_CYCLES, sample, &sim->adc[u.mux.src]);
}

/* ---- UART ------------------------------------------------------------------------------------------------------ */

static avr_cycle_count_t next_byte(avr_t *avr, avr_cycle_count_t when, void *param)
{
	(void)avr;
	NodeSim *sim = param;
	if (sim->in.head == sim->in.tail || sim->xoff) {
		sim->byte_timer = false;
		return 0;
	}
	avr_raise_irq(sim->uart_in, sim->in.data[sim->in.tail++ % NODE_SIM_QUEUE]);
	sim->stats.rx_bytes++;
	return when + BYTE_CYCLES;
}

void node_sim_feed_more(NodeSim *sim)
{
	if (sim->byte_timer || sim->xoff || sim->in.head == sim->in.tail)
		return;
	sim->byte_timer = true;
	avr_cycle_timer_register(sim->avr, 1, next_byte, sim);
}

static void on_xon(avr_irq_t *irq, uint32_t value, void *param)
{
	(void)irq;
	(void)value;
	NodeSim *sim = param;
	sim->xoff = false;
	node_sim_feed_more(sim);
}

static void on_xoff(avr_irq_t *irq, uint32_t value, void *param)
{
	(void)irq;
	NodeSim *sim = param;
	if (value)
		sim->xoff = true;
}

static void on_byte(avr_irq_t *irq, uint32_t value, void *param)
{
	(void)irq;
	NodeSim *sim = param;
	sim->stats.tx_bytes++;
	if (sim->out.head - sim->out.tail < NODE_SIM_QUEUE) /* nobody reads: a UART loses bytes */
		sim->out.data[sim->out.head++ % NODE_SIM_QUEUE] = (uint8_t)value;
}

bool node_sim_feed(NodeSim *sim, const uint8_t *data, size_t n)
{
	if (n > NODE_SIM_QUEUE - (sim->in.head - sim->in.tail))
		return false;
	for (size_t i = 0; i < n; i++)
		sim->in.data[sim->in.head++ % NODE_SIM_QUEUE] = data[i];
	node_sim_feed_more(sim);
	return true;
}

size_t node_sim_drain(NodeSim *sim, uint8_t *ret_data, size_t size)
{
	size_t n = 0;
	while (n < size && sim->out.tail != sim->out.head)
		ret_data[n++] = sim->out.data[sim->out.tail++ % NODE_SIM_QUEUE];
	return n;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static avr_cycle_count_t slice_over(avr_t *avr, avr_cycle_count_t when, void *param)
{
	(void)avr;
	(void)when;
	(void)param;
	return 0;
}

static void no_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
	(void)avr;
	(void)cycles;
}

static void on_reset(avr_t *avr)
{
	NodeSim *sim = avr->custom.data;
	sim->was_reset = true;
	if (sim->core_reset)
		sim->core_reset(avr);
}

/* After a reset: outputs float (the wiring pulls them down), timers are gone, interrupt pins need telling again. */
static void after_reset(NodeSim *sim)
{
	sim->was_reset = false;
	sim->xoff = sim->byte_timer = false;
	for (int i = 0; i < NODE_SIM_OUTPUTS; i++)
		set_level(sim, i, false);
	tell_duties(sim);
	for (uint8_t i = 0; i < EXT_INTERRUPTS; i++)
		avr_extint_set_strict_lvl_trig(sim->avr, i, 0);
	for (int i = 0; i < NODE_SIM_INPUTS; i++)
		node_sim_drive(sim, i,
			       sim->ext_value[(int)sim->board->inputs[i].port] >>
					       sim->board->inputs[i].bit &
				       1);
	if (sim->slice_end > sim->avr->cycle)
		avr_cycle_timer_register(sim->avr, sim->slice_end - sim->avr->cycle, slice_over,
					 sim);
	node_sim_feed_more(sim);
}

void node_sim_run_to_cycle(NodeSim *sim, uint64_t cycle)
{
	avr_t *avr = sim->avr;
	sim->slice_end = cycle;
	sim->uart->cycles_per_byte =
		BYTE_CYCLES; /* simavr counts a parity bit that 8N1 has not: 352 */
	if (!sim->dead && cycle > avr->cycle)
		avr_cycle_timer_register(avr, cycle - avr->cycle, slice_over, sim);
	while (!sim->dead && avr->cycle < cycle) {
		int state = avr_run(avr);
		if (sim->was_reset) {
			sim->stats.resets++;
			after_reset(sim);
		}
		if (state == cpu_Done || state == cpu_Crashed) {
			g_warning("%s: the emulated core stopped (state %d) at cycle "
				  "%" G_GUINT64_FORMAT,
				  sim->name, state, (guint64)avr->cycle);
			sim->dead = true;
		}
	}
	sim->stats.cycles = avr->cycle;
}

void node_sim_run_to(NodeSim *sim, int64_t t_ns)
{
	node_sim_run_to_cycle(sim, node_sim_cycle_at(sim, t_ns));
}

void node_sim_reset(NodeSim *sim, bool by_watchdog)
{
	avr_reset(sim->avr);
	avr_regbit_set(sim->avr,
		       by_watchdog ? sim->avr->reset_flags.wdrf : sim->avr->reset_flags.porf);
	sim->stats.resets++;
	after_reset(sim);
}

#ifdef __SANITIZE_ADDRESS__
/* simavr keeps an ELF's symbols and its interrupt lists for the life of the process: not ours to free. */
const char *__lsan_default_suppressions(void);
__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
	return "leak:libsimavr.so\n";
}
#endif

/* ---- making ------------------------------------------------------------------------------------------------------- */

static void quiet(avr_t *avr, const int level, const char *format, va_list args)
{
	(void)avr;
	if (level == LOG_ERROR) {
		g_autofree char *text = g_strdup_vprintf(format, args);
		g_warning("simavr: %s", g_strchomp(text));
	}
}

static void connect_pins(NodeSim *sim)
{
	avr_t *avr = sim->avr;
	for (int i = 0; i < NODE_SIM_OUTPUTS; i++) {
		const Terminal *terminal = &sim->board->outputs[i];
		sim->pin[i] = (NodeSimPin){sim, i};
		if (terminal->port)
			avr_irq_register_notify(
				avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(terminal->port),
					      terminal->bit),
				on_pin, &sim->pin[i]);
	}
	if (sim->board->duties)
		avr_register_io_write(avr, TCCR5A, on_timer, sim);
	for (int i = 0; i < NODE_SIM_DUTIES && sim->board->duties; i++)
		avr_register_io_write(avr, duties[i].compare, on_timer, sim);
	for (int i = 0; i < 4; i++) {
		sim->adc[i] = (NodeSimPin){sim, i};
		sim->adc_in[i] = avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + i);
	}
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER),
				on_conversion, sim);
}

static avr_uart_t *find_uart(avr_t *avr)
{
	for (avr_io_t *io = avr->io_port; io; io = io->next)
		if (io->kind && !strcmp(io->kind, "uart") && ((avr_uart_t *)io)->name == '0')
			return (avr_uart_t *)io; /* io is its first member */
	g_assert_not_reached();
}

static void connect_uart(NodeSim *sim)
{
	avr_t *avr = sim->avr;
	sim->uart = find_uart(avr);
	uint32_t flags = 0;
	avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
	flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
	avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
	sim->uart_in = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT),
				on_byte, sim);
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON),
				on_xon, sim);
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF),
				on_xoff, sim);
}

/* The ELF header's flags: byte 36 of a 32-bit file. */
static const NodeSimBoard *board_of(const char *elf)
{
	unsigned char header[52] = {0};
	g_autofree char *bytes = NULL;
	gsize n = 0;
	if (!g_file_get_contents(elf, &bytes, &n, NULL) || n < sizeof header)
		return NULL;
	memcpy(header, bytes, sizeof header);
	for (size_t i = 0; i < G_N_ELEMENTS(boards); i++)
		if (!memcmp(header, "\177ELF\1", 5) && (header[36] & 0x7f) == boards[i].machine)
			return &boards[i];
	return NULL;
}

static gboolean load(NodeSim *sim, uint32_t boot_count, GError **error)
{
	elf_firmware_t firmware = {0};
	sim->board = board_of(sim->elf);
	if (!sim->board || elf_read_firmware(sim->elf, &firmware)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: cannot read the firmware %s: build it with ./bench build",
			    sim->name, sim->elf);
		return FALSE;
	}
	sim->avr = avr_make_mcu_by_name(sim->board->mcu);
	g_assert(sim->avr);
	avr_t *avr = sim->avr;
	avr_init(avr);
	firmware.frequency = (uint32_t)NODE_SIM_HZ;
	avr_load_firmware(avr, &firmware);
	avr->frequency = (uint32_t)NODE_SIM_HZ;
	avr->vcc = avr->avcc = avr->aref = 5000;
	avr->log = LOG_ERROR;
	avr->sleep = no_sleep;
	avr->custom.data = sim;
	sim->core_reset = avr->reset;
	avr->reset = on_reset;
	if (boot_count) {
		uint8_t bytes[4];
		for (int i = 0; i < 4; i++)
			bytes[i] = (uint8_t)(boot_count >> 8 * i);
		avr_eeprom_desc_t eeprom = {.ee = bytes, .offset = 0, .size = 4};
		avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &eeprom);
	}
	g_free(firmware.flash);
	g_free(firmware.eeprom);
	return TRUE;
}

static gboolean open_pty(NodeSim *sim, GError **error)
{
	char path[64];
	struct termios raw;
	if (openpty(&sim->master, &sim->slave, path, NULL, NULL) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: no pty: %s", sim->name,
			    g_strerror(errno));
		return FALSE;
	}
	tcgetattr(sim->slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(sim->slave, TCSANOW, &raw);
	fcntl(sim->master, F_SETFL, O_NONBLOCK);
	fcntl(sim->master, F_SETFD, FD_CLOEXEC);
	fcntl(sim->slave, F_SETFD, FD_CLOEXEC);
	sim->uri = g_strdup_printf("pty:%s", path);
	return TRUE;
}

NodeSim *node_sim_new(const NodeSimConfig *config, const NodeSimPlant *plant, Clock *clock,
		      GError **error)
{
	avr_global_logger_set(quiet);
	NodeSim *sim = g_new0(NodeSim, 1);
	sim->name = g_strdup(config->name);
	sim->elf = g_strdup(config->elf);
	if (plant)
		sim->plant = *plant;
	sim->clock = clock;
	sim->cycle_ns = 1e9 / (NODE_SIM_HZ * (1 + config->frequency_ppm * 1e-6));
	sim->slice_ns = config->slice_ns ? config->slice_ns : 250 * CLOCK_US;
	sim->master = sim->slave = -1;
	thread_lock_init(&sim->lock);
	memset(sim->pending, -1, sizeof sim->pending);
	if (!load(sim, config->boot_count, error) || !open_pty(sim, error)) {
		node_sim_free(sim);
		return NULL;
	}
	connect_pins(sim);
	connect_uart(sim);
	sim->base_ns = clock_now(clock);
	sim->base_cycle = sim->avr->cycle;
	node_sim_reset(sim, false);
	sim->stats.resets = 0;
	return sim;
}

void node_sim_free(NodeSim *sim)
{
	if (!sim)
		return;
	node_sim_stop(sim);
	if (sim->avr) {
		if (!sim->dead)
			avr_terminate(sim->avr);
		free(sim->avr);
	}
	if (sim->master >= 0)
		close(sim->master);
	if (sim->slave >= 0)
		close(sim->slave);
	pthread_mutex_destroy(&sim->lock);
	g_free(sim->name);
	g_free(sim->elf);
	g_free(sim->uri);
	g_free(sim);
}

const char *node_sim_board(const NodeSim *sim)
{
	return sim->board->mcu;
}

const char *node_sim_uri(const NodeSim *sim)
{
	return sim->uri;
}
