/* stove-guard: the reference stove watcher, a normal program that decides from its inputs only.
 *
 * It is a Modbus TCP client of the sensor and actuator unit it is told of (--sensors HOST:PORT): it reads pan
 * temperature, gas and room temperature, and writes the valve and the alarms. The register layout is this
 * product's own, documented in product.yaml; nothing of the bench is linked in.
 *
 * With --lock-step FD it decides the same way, but on a bench's simulated time and over shared memory (lockstep.h).
 *
 * --defect plants one known fault, so that the bench can be shown to find it (products/README.md).
 */
#include "../lockstep.h"

#include <errno.h>
#include <modbus.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_PAN, INPUT_GAS, INPUT_ROOM, INPUT_SEQUENCE, INPUT_COUNT };
enum { COIL_VALVE_CLOSED, COIL_OVERHEAT, COIL_GAS, COIL_COUNT };
enum { HOLDING_HEARTBEAT, HOLDING_CLAIM_MS_HIGH, HOLDING_CLAIM_MS_LOW };

enum defect {
	DEFECT_NONE,
	DEFECT_LATE,
	DEFECT_BLIND,
	DEFECT_STUCK_ALARM,
	DEFECT_BACKDATES,
	DEFECT_SILENT_CRASH,
	DEFECT_GARBAGE,
	DEFECT_FLOOD,
};

static const char *const defect_names[] = {"none",      "late",         "blind",   "stuck-alarm",
					   "backdates", "silent-crash", "garbage", "flood"};

struct guard {
	modbus_t *bus;              /* NULL in lock-step */
	struct lockstep_page *page; /* NULL with a real bus */
	enum defect defect;
	double limit_degC;    /* pan temperature above which the valve is closed */
	double gas_limit_ppm; /* gas concentration above which it is closed and the gas alarm given */
	double delay_s;       /* added between detection and action */
	double period_s;
	double detected_s; /* CLOCK_MONOTONIC time of the first detection, 0 = none */
	uint16_t heartbeat;
	uint16_t last_sequence;
	int stale_polls;
	bool closed, gas;
};

static volatile sig_atomic_t stop;

static void on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

static double now_s(const struct guard *g)
{
	if (g && g->page)
		return 1e-9 * (double)g->page->now_ns;
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void sleep_until(double t_s)
{
	struct timespec ts = {.tv_sec = (time_t)t_s,
			      .tv_nsec = (long)((t_s - (double)(time_t)t_s) * 1e9)};
	while (!stop && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* ---- the bus, real or shared memory ------------------------------------------------------------------------ */

static bool read_inputs(struct guard *g, uint16_t in[INPUT_COUNT])
{
	if (!g->page)
		return modbus_read_input_registers(g->bus, 0, INPUT_COUNT, in) == INPUT_COUNT;
	memcpy(in, g->page->input_registers, INPUT_COUNT * sizeof(*in));
	return true;
}

static bool write_coil(struct guard *g, int coil, bool on)
{
	if (!g->page)
		return modbus_write_bit(g->bus, coil, on) == 1;
	g->page->coils[coil] = on;
	return true;
}

static bool write_holding(struct guard *g, int first, int n, const uint16_t *words)
{
	if (!g->page)
		return modbus_write_registers(g->bus, first, n, words) == n;
	memcpy(g->page->holding + first, words, (size_t)n * sizeof(*words));
	return true;
}

/* ---- decisions ----------------------------------------------------------------------------------------------- */

/* The time at which the product says it detected the danger, in milliseconds of its own monotonic clock. */
static void claim_detection(struct guard *g)
{
	double claimed = g->defect == DEFECT_BACKDATES ? g->detected_s - 5.0 : g->detected_s;
	uint32_t ms = (uint32_t)(uint64_t)(claimed * 1000.0);
	uint16_t words[2] = {(uint16_t)(ms >> 16), (uint16_t)ms};
	write_holding(g, HOLDING_CLAIM_MS_HIGH, 2, words);
}

static void act(struct guard *g)
{
	if (g->closed)
		return;
	claim_detection(g);
	g->closed = write_coil(g, COIL_VALVE_CLOSED, true) && write_coil(g, COIL_OVERHEAT, true);
}

static double action_delay(const struct guard *g)
{
	switch (g->defect) {
	case DEFECT_LATE:
		return g->delay_s + 8.0;
	case DEFECT_BACKDATES: /* late as well, but its own report says otherwise */
		return g->delay_s + 8.0;
	case DEFECT_NONE:
	case DEFECT_BLIND:
	case DEFECT_STUCK_ALARM:
	case DEFECT_SILENT_CRASH:
	case DEFECT_GARBAGE:
	case DEFECT_FLOOD:
		return g->delay_s;
	}
	return g->delay_s;
}

static void misbehave(struct guard *g)
{
	static const uint8_t noise[64] = {0xde, 0xad, 0xbe, 0xef, 0x00, 0x00, 0xff, 0xff};
	if (g->page) { /* the page has no wire to put noise on: messages are its only free text */
		if (g->detected_s > 0 &&
		    (g->defect == DEFECT_FLOOD || g->defect == DEFECT_GARBAGE)) {
			memcpy(g->page->text[0], noise, sizeof(noise));
			g->page->messages = g->defect == DEFECT_FLOOD ? 100000 : 1;
		}
		return;
	}
	int fd = modbus_get_socket(g->bus);
	if (g->defect == DEFECT_GARBAGE && g->detected_s > 0)
		for (int i = 0; i < 16 && send(fd, noise, sizeof(noise), MSG_NOSIGNAL) > 0; i++)
			;
	if (g->defect == DEFECT_FLOOD && g->detected_s > 0)
		for (int i = 0; i < 2000; i++)
			write_coil(g, COIL_GAS, i & 1);
}

/* One look at the sensors. False when the far end cannot be read. */
static bool look(struct guard *g)
{
	uint16_t in[INPUT_COUNT];
	if (!read_inputs(g, in))
		return false;
	double pan_degC = 0.1 * (double)(int16_t)in[INPUT_PAN];
	double gas_ppm = (double)(int16_t)in[INPUT_GAS]; /* noise may take an empty room below 0 */
	g->stale_polls = in[INPUT_SEQUENCE] == g->last_sequence ? g->stale_polls + 1 : 0;
	g->last_sequence = in[INPUT_SEQUENCE];

	bool danger = pan_degC > g->limit_degC;
	bool gas = gas_ppm > g->gas_limit_ppm;
	if (g->defect == DEFECT_BLIND)
		danger = gas = false;
	if (danger && g->detected_s <= 0) {
		g->detected_s = now_s(g);
		if (g->defect == DEFECT_SILENT_CRASH)
			_exit(0);
	}
	if (g->detected_s > 0 && now_s(g) >= g->detected_s + action_delay(g))
		act(g);
	if (gas != g->gas && g->defect != DEFECT_STUCK_ALARM) {
		g->gas = gas;
		write_coil(g, COIL_GAS, gas);
	}
	misbehave(g);
	g->heartbeat++;
	return write_holding(g, HOLDING_HEARTBEAT, 1, &g->heartbeat);
}

static modbus_t *connect_to(const char *where)
{
	char host[256];
	const char *colon = strrchr(where, ':');
	if (!colon || colon == where || (size_t)(colon - where) >= sizeof(host))
		return NULL;
	memcpy(host, where, (size_t)(colon - where));
	host[colon - where] = 0;
	modbus_t *bus = modbus_new_tcp(host, atoi(colon + 1));
	if (bus && modbus_connect(bus) != 0) {
		modbus_free(bus);
		bus = NULL;
	}
	return bus;
}

static int usage(FILE *out, int code)
{
	fputs("usage: stove-guard --sensors HOST:PORT [--limit DEGC] [--gas-limit PPM] "
	      "[--extra-delay S]\n"
	      "                   [--defect "
	      "late|blind|stuck-alarm|backdates|silent-crash|garbage|flood]\n"
	      "Reads pan temperature and gas over Modbus TCP and closes the valve when either is "
	      "dangerous.\n",
	      out);
	return code;
}

static bool parse(int argc, char **argv, struct guard *g, const char **sensors, int *lockstep_fd)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *key = argv[i], *value = argv[i + 1];
		if (!strcmp(key, "--sensors"))
			*sensors = value;
		else if (!strcmp(key, "--lock-step"))
			*lockstep_fd = atoi(value);
		else if (!strcmp(key, "--limit"))
			g->limit_degC = atof(value);
		else if (!strcmp(key, "--gas-limit"))
			g->gas_limit_ppm = atof(value);
		else if (!strcmp(key, "--extra-delay"))
			g->delay_s = atof(value);
		else if (!strcmp(key, "--defect")) {
			int found = -1;
			for (int d = 0; d <= DEFECT_FLOOD; d++)
				if (!strcmp(value, defect_names[d]))
					found = d;
			if (found < 0)
				return false;
			g->defect = (enum defect)found;
		} else
			return false;
	}
	return argc % 2 == 1 && *sensors;
}

static void alarm_from_the_start(struct guard *g)
{
	write_coil(g, COIL_VALVE_CLOSED, true);
	write_coil(g, COIL_OVERHEAT, true);
	write_coil(g, COIL_GAS, true);
	g->closed = g->gas = true;
}

static int run_lockstep(struct guard *g, int fd)
{
	g->page = lockstep_map(fd);
	if (!g->page || g->page->magic != LOCKSTEP_MAGIC || g->page->version != LOCKSTEP_VERSION)
		return 1;
	if (g->defect == DEFECT_STUCK_ALARM)
		alarm_from_the_start(g);
	while (!stop && lockstep_next(g->page)) {
		look(g);
		lockstep_answer(g->page);
	}
	return 0;
}

static int run_bus(struct guard *g, const char *sensors)
{
	g->bus = connect_to(sensors);
	if (!g->bus) {
		fprintf(stderr, "stove-guard: cannot reach the sensors at %s: %s\n", sensors,
			modbus_strerror(errno));
		return 1;
	}
	if (g->defect == DEFECT_STUCK_ALARM)
		alarm_from_the_start(g);
	double next = now_s(g);
	while (!stop) {
		next += g->period_s;
		sleep_until(next);
		/* Keep trying: a sensor unit that does not answer for a moment is no reason to leave the stove alone. */
		if (!look(g) && errno == ECONNRESET)
			break;
	}
	modbus_close(g->bus);
	modbus_free(g->bus);
	return 0;
}

int main(int argc, char **argv)
{
	struct guard g = {.limit_degC = 230, .gas_limit_ppm = 500, .period_s = 0.05};
	const char *sensors = NULL;
	int lockstep_fd = -1;
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout, 0);
	if (!parse(argc, argv, &g, &sensors, &lockstep_fd))
		return usage(stderr, 2);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	return lockstep_fd >= 0 ? run_lockstep(&g, lockstep_fd) : run_bus(&g, sensors);
}
