/* A Modbus unit from libmodbus's own slave, with bad manners on request. Registers: input 0 = 1000, input 50 = 2000, input 100 =
 * model 77; holding 0 = a level in 0.1 %. */
#include "far.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <pty.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct Far {
	bool tcp;
	modbus_t *bus;
	modbus_mapping_t *map;
	int master, slave, listen;
	char link[96], map_path[64];
	pthread_t thread;
	atomic_int mode, late_ms, every, writes, requests;
	atomic_bool quit, lose_write_replies, ignore_writes;
};

static const char map_text[] =
	"anzen: map/1\n"
	"id: test-unit\n"
	"identity: {register: input, address: 100, equals: 77}\n"
	"response: 40 ms\n"
	"retries: 1\n"
	"channels:\n"
	"  a: {register: input, address: 0, unit: count, range: [0, 65535], rails: true, poll: 10 "
	"ms}\n"
	"  b: {register: input, address: 50, unit: count, range: [0, 65535], poll: 15 ms}\n"
	"  level: {register: holding, address: 0, scale: 0.1, unit: \"%\", range: [0, 100], write: "
	"true, safe: 0}\n";

static void misbehave(Far *far, const uint8_t *request, int n)
{
	static const uint8_t junk[] = {0xA5, 0x00, 0xFF, 0x13, 0x11, 0x03,
				       0x7E, 0x7D, 0xC0, 0x01, 0x80};
	int fd = modbus_get_socket(far->bus);
	uint8_t wrong[8];
	ssize_t done = 0;
	switch ((FarMode)far->mode) {
	case FAR_WELL:
	case FAR_UNPLUGGED:
	case FAR_MUTE:
		break;
	case FAR_SHORT: /* the head of a right answer */
		done = write(fd, request, 2);
		break;
	case FAR_GARBAGE:
		done = write(fd, junk, sizeof junk);
		break;
	case FAR_WRONG: /* "illegal data address" */
		modbus_reply_exception(far->bus, request, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
		break;
	case FAR_LATE:
		usleep((useconds_t)far->late_ms * 1000);
		modbus_reply(far->bus, request, n, far->map);
		break;
	}
	(void)done;
	(void)wrong;
}

static bool is_write(const Far *far, const uint8_t *request)
{
	uint8_t function = request[far->tcp ? 7 : 1];
	return function == 5 || function == 6 || function == 15 || function == 16;
}

static void answer(Far *far, const uint8_t *request, int n)
{
	int count = ++far->requests, every = far->every;
	bool writing = is_write(far, request);
	far->writes += writing;
	if (far->mode != FAR_WELL && (every == 0 || count % every == 0)) {
		misbehave(far, request, n);
		return;
	}
	if (writing && far->ignore_writes) { /* says yes and does nothing */
		int fd = modbus_get_socket(far->bus);
		if (write(fd, request, (size_t)n) < 0)
			return;
	} else if (writing && far->lose_write_replies) { /* does it and says nothing */
		far->map->tab_registers[0] =
			(uint16_t)(request[far->tcp ? 10 : 4] << 8 | request[far->tcp ? 11 : 5]);
	} else {
		modbus_reply(far->bus, request, n, far->map);
	}
}

static void *serve(void *user)
{
	Far *far = user;
	bool connected = !far->tcp;
	while (!far->quit) {
		uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
		if (!connected)
			connected = modbus_tcp_pi_accept(far->bus, &far->listen) >= 0;
		if (!connected)
			break;
		int n = modbus_receive(far->bus, request);
		if (n > 0)
			answer(far, request, n);
		else if (n < 0 && far->tcp && errno != ETIMEDOUT) {
			if (far->mode == FAR_UNPLUGGED)
				break;
			modbus_close(far->bus);
			connected = false;
		}
	}
	return NULL;
}

/* Bytes must cross between two ptys: the slave side's own pair would talk to itself. */
static void *cross(void *user)
{
	int *fds = user;
	uint8_t bytes[256];
	for (;;) {
		ssize_t n = read(fds[0], bytes, sizeof bytes);
		if (n <= 0 || write(fds[1], bytes, (size_t)n) < 0)
			break;
	}
	g_free(fds);
	return NULL;
}

static void cross_start(int from, int to)
{
	int *fds = g_new(int, 2);
	pthread_t thread;
	fds[0] = from;
	fds[1] = to;
	pthread_create(&thread, NULL, cross, fds);
	pthread_detach(thread);
}

static void raw_pty(int *master, int *slave, char *name)
{
	struct termios tio;
	openpty(master, slave, name, NULL, NULL);
	tcgetattr(*slave, &tio);
	cfmakeraw(&tio);
	tcsetattr(*slave, TCSANOW, &tio);
}

static Far *start_common(bool tcp)
{
	Far *far = g_new0(Far, 1);
	far->tcp = tcp;
	far->master = far->slave = far->listen = -1;
	far->late_ms = 100;
	far->map = modbus_mapping_new(4, 4, 16, 128);
	far->map->tab_input_registers[0] = 1000;
	far->map->tab_input_registers[50] = 2000;
	far->map->tab_input_registers[100] = 77;
	g_snprintf(far->map_path, sizeof far->map_path, "/tmp/anzen-map-%d-%p.yaml", getpid(),
		   (void *)far);
	g_file_set_contents(far->map_path, map_text, -1, NULL);
	return far;
}

static void start_thread(Far *far)
{
	modbus_set_slave(far->bus, 1);
	modbus_set_indication_timeout(far->bus, 0, 50000);
	pthread_create(&far->thread, NULL, serve, far);
}

static Far *start_rtu(void)
{
	Far *far = start_common(false);
	char near[64], back[64];
	int far_master = -1, far_slave = -1;
	raw_pty(&far->master, &far->slave, near);
	raw_pty(&far_master, &far_slave, back);
	far->bus = modbus_new_rtu(back, 115200, 'N', 8, 1);
	modbus_connect(far->bus);
	close(far_slave);
	far->listen = far_master;
	cross_start(far->master, far_master);
	cross_start(far_master, far->master);
	g_snprintf(far->link, sizeof far->link, "rtu:%s?baud=115200&parity=N", near);
	start_thread(far);
	return far;
}

static Far *start_tcp(void)
{
	Far *far = start_common(true);
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	far->bus = modbus_new_tcp_pi("127.0.0.1", "0");
	far->listen = modbus_tcp_pi_listen(far->bus, 1);
	getsockname(far->listen, (struct sockaddr *)&address, &size);
	char port[16];
	memset(port, 0, sizeof port);
	g_snprintf(port, sizeof port, "%d", g_ntohs(*(uint16_t *)(void *)((char *)&address + 2)));
	g_snprintf(far->link, sizeof far->link, "tcp:127.0.0.1:%s", port);
	start_thread(far);
	return far;
}

static const char *get_link(Far *far)
{
	return far->link;
}

static const char *get_map(Far *far)
{
	return far->map_path;
}

static void set_mode(Far *far, FarMode mode)
{
	far->mode = (int)mode;
	if (mode != FAR_UNPLUGGED)
		return;
	if (far->tcp) {
		shutdown(modbus_get_socket(far->bus), SHUT_RDWR);
		shutdown(far->listen, SHUT_RDWR);
	} else {
		/* The last descriptor of a pty's master hangs up the other side; the crossing threads hold none of their own. */
		close(far->slave);
		close(far->master);
		far->master = far->slave = -1;
	}
}

static void stop_far(Far *far)
{
	far->quit = true;
	if (far->tcp) {
		shutdown(far->listen, SHUT_RDWR);
		if (modbus_get_socket(far->bus) >= 0)
			shutdown(modbus_get_socket(far->bus), SHUT_RDWR);
	}
	pthread_join(far->thread, NULL);
	modbus_close(far->bus);
	modbus_free(far->bus);
	modbus_mapping_free(far->map);
	if (far->master >= 0)
		close(far->master);
	if (far->slave >= 0)
		close(far->slave);
	close(far->listen);
	unlink(far->map_path);
	g_free(far);
}

void far_modbus_late_ms(Far *far, int ms)
{
	far->late_ms = ms;
}

void far_modbus_every(Far *far, int n)
{
	far->every = n;
}

int far_modbus_writes(Far *far)
{
	return far->writes;
}

int far_modbus_register(Far *far, int address)
{
	return far->map->tab_registers[address];
}

void far_modbus_lose_write_replies(Far *far, bool lose)
{
	far->lose_write_replies = lose;
}

void far_modbus_ignore_writes(Far *far, bool ignore)
{
	far->ignore_writes = ignore;
}

const FarKind far_modbus_rtu = {"modbus",  "a",      1000,    "level",  40,
				start_rtu, get_link, get_map, set_mode, stop_far};
const FarKind far_modbus_tcp = {"modbus",  "a",      1000,    "level",  40,
				start_tcp, get_link, get_map, set_mode, stop_far};
