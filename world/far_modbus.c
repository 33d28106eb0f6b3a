/* The Modbus far ends: an input/output unit on a pseudo-terminal (RTU) and a dimmer on loopback TCP. libmodbus is the
 * slave; what a slave of libmodbus cannot do wrong (bad CRC, half an answer) is done to its answer on the way out. */
#include "far_end.h"
#include "pty.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 4
#define REGISTERS 128
#define BYTE_TIMEOUT_US 50000 /* a request that stops in its middle */

typedef struct Modbus {
	FarEnd *end;
	modbus_t *ctx;
	modbus_mapping_t *map;
	bool tcp;
	int fd; /* pty master or listening socket */
	int tty; /* the pty's other side: held open, so that the master does not hang up between two clients */
	int client[CLIENTS_MAX];
	int wake_fd, pipe[2]; /* pipe: where an answer is caught before it goes out */
	GThread *thread;
	atomic_bool quit;
} Modbus;

static const WorldTerminal *terminal_at(const Modbus *m, guint i)
{
	return &g_array_index(m->end->device->terminals, WorldTerminal, i);
}

/* ---- registers ------------------------------------------------------------------------------------------------- */

static void refresh_inputs(Modbus *m)
{
	const WorldDevice *device = m->end->device;
	WorldShared *shared = m->end->shared;
	int64_t now = clock_now(shared->clock);
	g_auto(ThreadLocker) locker = thread_locker(&shared->lock);
	for (guint i = 0; i < device->terminals->len; i++) {
		const WorldTerminal *t = terminal_at(m, i);
		if (t->table != WORLD_TABLE_INPUT)
			continue;
		int sensor = plant_find_sensor(shared->plant, t->channel);
		m->map->tab_input_registers[t->address] =
			(uint16_t)plant_sense(shared->plant, sensor, now);
	}
	if (device->identity_at < 0)
		return;
	for (int i = 0; i < 3; i++)
		m->map->tab_input_registers[device->identity_at + i] =
			(uint16_t)device->identity[i];
	m->map->tab_input_registers[device->identity_at + 3] = (uint16_t)(now / device->period_ns);
}

static void apply_outputs(Modbus *m)
{
	const WorldDevice *device = m->end->device;
	WorldShared *shared = m->end->shared;
	int64_t now = clock_now(shared->clock);
	g_auto(ThreadLocker) locker = thread_locker(&shared->lock);
	for (guint i = 0; i < device->terminals->len; i++) {
		const WorldTerminal *t = terminal_at(m, i);
		if (!t->drives)
			continue;
		double value = t->table == WORLD_TABLE_COIL ? m->map->tab_bits[t->address]
							    : m->map->tab_registers[t->address];
		plant_drive(shared->plant, plant_find_drive(shared->plant, t->channel), value, now);
	}
}

static int word(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static bool over_limit(const Modbus *m, int address, int value)
{
	for (guint i = 0; i < m->end->device->terminals->len; i++) {
		const WorldTerminal *t = terminal_at(m, i);
		if (t->table == WORLD_TABLE_HOLDING && t->address == address && t->limit &&
		    value > t->limit)
			return true;
	}
	return false;
}

/* A value beyond its register's limit: exception 3 and nothing is written (Modbus application protocol 1.1b3, 7). */
static bool bad_value(const Modbus *m, const uint8_t *pdu, int n)
{
	if (pdu[0] == MODBUS_FC_WRITE_SINGLE_REGISTER && n >= 5)
		return over_limit(m, word(pdu + 1), word(pdu + 3));
	if (pdu[0] != MODBUS_FC_WRITE_MULTIPLE_REGISTERS || n < 6)
		return false;
	int count = MIN(word(pdu + 3), (n - 6) / 2);
	for (int i = 0; i < count; i++)
		if (over_limit(m, word(pdu + 1) + i, word(pdu + 6 + 2 * i)))
			return true;
	return false;
}

/* ---- answering -------------------------------------------------------------------------------------------------- */

static void spoil(Modbus *m, uint8_t *answer, ssize_t *n, LinkFaultKind kind)
{
	if (kind == LINK_FAULT_CRC)
		answer[*n - 1] ^= 0x10;
	if (kind == LINK_FAULT_SHORT)
		*n /= 2;
	if (kind == LINK_FAULT_TRANSACTION)
		answer[m->tcp ? 1 : *n - 1] ^= 0x5a;
	if (kind == LINK_FAULT_UNIT && m->tcp)
		answer[6] ^= 0x01;
	if (kind == LINK_FAULT_UNIT && !m->tcp) /* a true answer of the wrong unit has a true CRC */
		answer[0] ^= 0x01;
	if (kind == LINK_FAULT_GARBAGE) {
		memmove(answer + 5, answer, (size_t)*n);
		memcpy(answer, "\x55\xaa\x00\xff\x13", 5);
		*n += 5;
	}
}

/* CRC-16 of Modbus over serial line 1.02, 6.2.2: needed only to sign an answer that was changed on purpose. */
static void sign_rtu(uint8_t *frame, ssize_t n)
{
	uint16_t crc = 0xffff;
	for (ssize_t i = 0; i < n - 2; i++) {
		crc ^= frame[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
	}
	frame[n - 2] = (uint8_t)crc;
	frame[n - 1] = (uint8_t)(crc >> 8);
}

static void send_caught(Modbus *m, int to, LinkFaultKind kind)
{
	uint8_t answer[512];
	ssize_t n = recv(m->pipe[1], answer, sizeof answer - 8, MSG_DONTWAIT);
	if (n <= 4) /* none: a broadcast */
		return;
	spoil(m, answer, &n, kind);
	if (kind == LINK_FAULT_UNIT && !m->tcp)
		sign_rtu(answer, n);
	if (write(to, answer, (size_t)n) < 0)
		g_debug("%s: answer lost: %s", m->end->device->name, g_strerror(errno));
}

static bool is_write(int function)
{
	return function == MODBUS_FC_WRITE_SINGLE_COIL ||
	       function == MODBUS_FC_WRITE_SINGLE_REGISTER ||
	       function == MODBUS_FC_WRITE_MULTIPLE_COILS ||
	       function == MODBUS_FC_WRITE_MULTIPLE_REGISTERS ||
	       function == MODBUS_FC_MASK_WRITE_REGISTER ||
	       function == MODBUS_FC_WRITE_AND_READ_REGISTERS;
}

static void reply(Modbus *m, const uint8_t *request, int n, int exception)
{
	const uint8_t *pdu = request + modbus_get_header_length(m->ctx);
	int pdu_n = n - modbus_get_header_length(m->ctx) - (m->tcp ? 0 : 2);
	if (exception) {
		modbus_reply_exception(m->ctx, request, (unsigned)exception);
		return;
	}
	if (bad_value(m, pdu, pdu_n)) {
		modbus_reply_exception(m->ctx, request, MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE);
		return;
	}
	refresh_inputs(m);
	modbus_reply(m->ctx, request, n, m->map);
	if (is_write(pdu[0]))
		apply_outputs(m);
}

static void wait_late(Modbus *m, int late_ms)
{
	struct pollfd p = {.fd = m->wake_fd, .events = POLLIN};
	poll(&p, 1, late_ms);
}

static void answer(Modbus *m, int fd, const uint8_t *request, int n)
{
	int argument = 0;
	LinkFaultKind kind =
		link_fault_at(&m->end->fault, clock_now(m->end->shared->clock), &argument);
	if (kind == LINK_FAULT_SILENT || kind == LINK_FAULT_OFF)
		return;
	if (kind == LINK_FAULT_LATE)
		wait_late(m, argument);
	/* Caught first, sent last: a write has taken effect before it is acknowledged. */
	modbus_set_socket(m->ctx, m->pipe[0]);
	reply(m, request, n, kind == LINK_FAULT_EXCEPTION ? argument : 0);
	modbus_set_socket(m->ctx, fd);
	send_caught(m, fd, kind);
}

/* Line noise or half a request: drop what is there, as a unit does after 3.5 quiet characters. */
static void drain(int fd)
{
	uint8_t rest[256];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (poll(&p, 1, 2) == 1 && (p.revents & POLLIN) && read(fd, rest, sizeof rest) > 0)
		;
}

/* False when the connection has ended. */
static bool serve(Modbus *m, int fd)
{
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH > MODBUS_RTU_MAX_ADU_LENGTH
				? MODBUS_TCP_MAX_ADU_LENGTH
				: MODBUS_RTU_MAX_ADU_LENGTH];
	modbus_set_socket(m->ctx, fd);
	int n = modbus_receive(m->ctx, request);
	if (n > 0) {
		answer(m, fd, request, n);
		return true;
	}
	if (m->tcp)
		return n == 0;
	if (n < 0)
		drain(fd);
	return true;
}

/* ---- the threads ------------------------------------------------------------------------------------------------- */

static void run_rtu(Modbus *m)
{
	struct pollfd p[2] = {{.fd = m->wake_fd, .events = POLLIN},
			      {.fd = m->fd, .events = POLLIN}};
	while (!atomic_load(&m->quit))
		if (poll(p, 2, -1) > 0 && (p[1].revents & POLLIN) && !atomic_load(&m->quit))
			serve(m, m->fd);
}

static void accept_client(Modbus *m)
{
	int fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC), on = 1;
	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (m->client[i] < 0) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
			m->client[i] = fd;
			return;
		}
	close(fd); /* as a unit with all its connections taken does */
}

static void serve_clients(Modbus *m, const struct pollfd *p)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (m->client[i] >= 0 && p[i].fd == m->client[i] && p[i].revents &&
		    !serve(m, m->client[i])) {
			close(m->client[i]);
			m->client[i] = -1;
		}
}

static void run_tcp(Modbus *m)
{
	while (!atomic_load(&m->quit)) {
		struct pollfd p[2 + CLIENTS_MAX] = {{.fd = m->wake_fd, .events = POLLIN},
						    {.fd = m->fd, .events = POLLIN}};
		for (int i = 0; i < CLIENTS_MAX; i++)
			p[2 + i] = (struct pollfd){.fd = m->client[i], .events = POLLIN};
		if (poll(p, G_N_ELEMENTS(p), -1) <= 0 || atomic_load(&m->quit))
			continue;
		serve_clients(m, p + 2);
		if (p[1].revents & POLLIN)
			accept_client(m);
	}
}

static gpointer run(gpointer user)
{
	Modbus *m = user;
	if (m->tcp)
		run_tcp(m);
	else
		run_rtu(m);
	return NULL;
}

/* ---- open and close ------------------------------------------------------------------------------------------------ */

static gboolean refuse(GError **error, const char *what)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: %s", what, g_strerror(errno));
	return FALSE;
}

static gboolean open_pty(Modbus *m, char **ret_uri, GError **error)
{
	g_autofree char *name = NULL;
	if (!world_pty_open(&m->fd, &m->tty, &name, error))
		return FALSE;
	*ret_uri = g_strdup_printf("rtu:%s?baud=115200&parity=E", name);
	return TRUE;
}

static gboolean open_port(Modbus *m, char **ret_uri, GError **error)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&at, sizeof at) ||
	    listen(m->fd, CLIENTS_MAX) || getsockname(m->fd, (struct sockaddr *)&at, &n))
		return refuse(error, "cannot listen on loopback");
	*ret_uri = g_strdup_printf("tcp:127.0.0.1:%d", ntohs(at.sin_port));
	return TRUE;
}

static gboolean addresses_fit(const Modbus *m, GError **error)
{
	for (guint i = 0; i < m->end->device->terminals->len; i++)
		if (terminal_at(m, i)->address >= REGISTERS ||
		    m->end->device->identity_at + 4 > REGISTERS) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "registers end at %d",
				    REGISTERS - 1);
			return FALSE;
		}
	return TRUE;
}

static gboolean modbus_open(FarEnd *end, bool tcp, GError **error)
{
	Modbus *m = end->self = g_new0(Modbus, 1);
	*m = (Modbus){.end = end, .tcp = tcp, .fd = -1, .tty = -1, .wake_fd = -1, .pipe = {-1, -1}};
	memset(m->client, 0xff, sizeof m->client); /* -1: no client */
	m->ctx = tcp ? modbus_new_tcp("127.0.0.1", 0) : modbus_new_rtu("pty", 115200, 'E', 8, 1);
	m->map = modbus_mapping_new(REGISTERS, REGISTERS, REGISTERS, REGISTERS);
	m->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (!m->ctx || !m->map || m->wake_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, m->pipe))
		return refuse(error, "cannot make a Modbus unit");
	modbus_set_slave(m->ctx, end->device->unit);
	modbus_set_byte_timeout(m->ctx, 0, BYTE_TIMEOUT_US);
	if (!addresses_fit(m, error))
		return FALSE;
	if (!(tcp ? open_port(m, &end->uri, error) : open_pty(m, &end->uri, error)))
		return FALSE;
	m->thread = g_thread_new(end->device->name, run, m);
	return TRUE;
}

static gboolean open_rtu(FarEnd *end, const FarEndOptions *options, GError **error)
{
	(void)options;
	return modbus_open(end, false, error);
}

static gboolean open_tcp(FarEnd *end, const FarEndOptions *options, GError **error)
{
	(void)options;
	return modbus_open(end, true, error);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void modbus_far_close(FarEnd *end)
{
	Modbus *m = end->self;
	uint64_t one = 1;
	atomic_store(&m->quit, true);
	if (m->thread && write(m->wake_fd, &one, sizeof one) == sizeof one)
		g_thread_join(m->thread);
	for (int i = 0; i < CLIENTS_MAX; i++)
		close_fd(m->client[i]);
	close_fd(m->tty);
	close_fd(m->fd);
	close_fd(m->wake_fd);
	close_fd(m->pipe[0]);
	close_fd(m->pipe[1]);
	if (m->map)
		modbus_mapping_free(m->map);
	if (m->ctx)
		modbus_free(m->ctx);
	g_clear_pointer(&end->self, g_free);
}

const FarEndOps far_modbus_rtu = {
	.kind = WORLD_MODBUS_RTU,
	.open = open_rtu,
	.close = modbus_far_close,
	.faults = {LINK_FAULT_SILENT, LINK_FAULT_EXCEPTION, LINK_FAULT_CRC, LINK_FAULT_LATE,
		   LINK_FAULT_SHORT, LINK_FAULT_GARBAGE, LINK_FAULT_UNIT, LINK_FAULT_OFF},
};

const FarEndOps far_modbus_tcp = {
	.kind = WORLD_MODBUS_TCP,
	.open = open_tcp,
	.close = modbus_far_close,
	.faults = {LINK_FAULT_SILENT, LINK_FAULT_EXCEPTION, LINK_FAULT_LATE, LINK_FAULT_SHORT,
		   LINK_FAULT_GARBAGE, LINK_FAULT_TRANSACTION, LINK_FAULT_UNIT, LINK_FAULT_OFF},
};
