/* stove-guard: the reference stove watcher, a normal program that decides from its inputs only.
 *
 * It is a Modbus TCP client of the sensor and actuator unit it is told of (--sensors HOST:PORT): it reads pan
 * temperature, gas and room temperature, and writes the valve and the alarms. The register layout is this
 * product's own, documented in product.yaml; nothing of the bench is linked in.
 *
 * --defect plants one known fault, so that the bench can be shown to find it (products/README.md).
 */
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
	modbus_t *bus;
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

static double now_s(void)
{
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

/* The time at which the product says it detected the danger, in milliseconds of its own monotonic clock. */
static void claim_detection(struct guard *g)
{
	double claimed = g->defect == DEFECT_BACKDATES ? g->detected_s - 5.0 : g->detected_s;
	uint32_t ms = (uint32_t)(uint64_t)(claimed * 1000.0);
	uint16_t words[2] = {(uint16_t)(ms >> 16), (uint16_t)ms};
	modbus_write_registers(g->bus, HOLDING_CLAIM_MS_HIGH, 2, words);
}

static void act(struct guard *g)
{
	if (g->closed)
		return;
	claim_detection(g);
	g->closed = modbus_write_bit(g->bus, COIL_VALVE_CLOSED, 1) == 1 &&
		    modbus_write_bit(g->bus, COIL_OVERHEAT, 1) == 1;
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
	int fd = modbus_get_socket(g->bus);
	if (g->defect == DEFECT_GARBAGE && g->detected_s > 0)
		for (int i = 0; i < 16 && send(fd, noise, sizeof(noise), MSG_NOSIGNAL) > 0; i++)
			;
	if (g->defect == DEFECT_FLOOD && g->detected_s > 0)
		for (int i = 0; i < 2000; i++)
			modbus_write_bit(g->bus, COIL_GAS, i & 1);
}

/* One look at the sensors. False when the far end cannot be read. */
static bool look(struct guard *g)
{
	uint16_t in[INPUT_COUNT];
	if (modbus_read_input_registers(g->bus, 0, INPUT_COUNT, in) != INPUT_COUNT)
		return false;
	double pan_degC = 0.1 * (double)(int16_t)in[INPUT_PAN];
	double gas_ppm = (double)in[INPUT_GAS];
	g->stale_polls = in[INPUT_SEQUENCE] == g->last_sequence ? g->stale_polls + 1 : 0;
	g->last_sequence = in[INPUT_SEQUENCE];

	bool danger = pan_degC > g->limit_degC;
	bool gas = gas_ppm > g->gas_limit_ppm;
	if (g->defect == DEFECT_BLIND)
		danger = gas = false;
	if (danger && g->detected_s <= 0) {
		g->detected_s = now_s();
		if (g->defect == DEFECT_SILENT_CRASH)
			_exit(0);
	}
	if (g->detected_s > 0 && now_s() >= g->detected_s + action_delay(g))
		act(g);
	if (gas != g->gas && g->defect != DEFECT_STUCK_ALARM) {
		g->gas = gas;
		modbus_write_bit(g->bus, COIL_GAS, gas);
	}
	misbehave(g);
	return modbus_write_register(g->bus, HOLDING_HEARTBEAT, ++g->heartbeat) == 1;
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

static bool parse(int argc, char **argv, struct guard *g, const char **sensors)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *key = argv[i], *value = argv[i + 1];
		if (!strcmp(key, "--sensors"))
			*sensors = value;
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

int main(int argc, char **argv)
{
	struct guard g = {.limit_degC = 230, .gas_limit_ppm = 1000, .period_s = 0.05};
	const char *sensors = NULL;
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout, 0);
	if (!parse(argc, argv, &g, &sensors))
		return usage(stderr, 2);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	g.bus = connect_to(sensors);
	if (!g.bus) {
		fprintf(stderr, "stove-guard: cannot reach the sensors at %s: %s\n", sensors,
			modbus_strerror(errno));
		return 1;
	}
	if (g.defect == DEFECT_STUCK_ALARM) {
		modbus_write_bit(g.bus, COIL_VALVE_CLOSED, 1);
		modbus_write_bit(g.bus, COIL_OVERHEAT, 1);
		modbus_write_bit(g.bus, COIL_GAS, 1);
		g.closed = g.gas = true;
	}
	double next = now_s();
	while (!stop) {
		next += g.period_s;
		sleep_until(next);
		/* Keep trying: a sensor unit that does not answer for a moment is no reason to leave the stove alone. */
		if (!look(&g) && errno == ECONNRESET)
			break;
	}
	modbus_close(g.bus);
	modbus_free(g.bus);
	return 0;
}
