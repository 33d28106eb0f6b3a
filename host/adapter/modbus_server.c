#include "modbus_server.h"

#include "responses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <modbus.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between two entries of the age signal; the product may poll faster. */
#define AGE_PERIOD_NS (50 * CLOCK_MS)

typedef struct Input {
	int reg;
	char *from;
	double scale;
	int64_t t_ns; /* of the sample shown; 0: none yet */
} Input;

typedef struct Output {
	int address;
	char *signal;
	bool pulse;
} Output;

struct ModbusServer {
	Clock *clock;
	Stream *sink;
	unsigned max_rate;
	modbus_t *bus;
	modbus_mapping_t *map;
	int listener, wake;
	char address[32];
	GArray *inputs, *coils, *heartbeats, *claims;
	int sequence_reg;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* map's input registers and inputs[].t_ns */
	uint64_t reads;       /* atomic */
	/* server thread only */
	int64_t window_ns, age_ns;
	unsigned in_window;
	bool blamed_rate, blamed_garbage;
	bool declared_coil[MODBUS_SERVER_REGISTERS], declared_holding[MODBUS_SERVER_REGISTERS];
	uint64_t undeclared; /* atomic: changes of others */
	int first_undeclared;
};

static void output_clear(void *p)
{
	g_free(((Output *)p)->signal);
}

static void input_clear(void *p)
{
	g_free(((Input *)p)->from);
}

static int listen_on_loopback(char *address, size_t size, GError **error)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in where = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(where);
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, length) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&where, &length)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "no loopback port for the product's sensors: %s", g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	g_snprintf(address, (gulong)size, "127.0.0.1:%d", ntohs(where.sin_port));
	return fd;
}

ModbusServer *modbus_server_new(Clock *clock, Stream *sink, unsigned max_rate, GError **error)
{
	ModbusServer *s = g_new0(ModbusServer, 1);
	s->clock = clock;
	s->sink = sink;
	s->max_rate = max_rate;
	s->sequence_reg = -1;
	s->inputs = g_array_new(FALSE, TRUE, sizeof(Input));
	g_array_set_clear_func(s->inputs, input_clear);
	s->coils = g_array_new(FALSE, TRUE, sizeof(Output));
	s->heartbeats = g_array_new(FALSE, TRUE, sizeof(Output));
	s->claims = g_array_new(FALSE, TRUE, sizeof(Output));
	g_array_set_clear_func(s->coils, output_clear);
	g_array_set_clear_func(s->heartbeats, output_clear);
	g_array_set_clear_func(s->claims, output_clear);
	thread_lock_init(&s->lock);
	s->wake = eventfd(0, EFD_CLOEXEC);
	s->listener = listen_on_loopback(s->address, sizeof(s->address), error);
	s->bus = modbus_new_tcp("127.0.0.1", 0);
	s->map = modbus_mapping_new(MODBUS_SERVER_REGISTERS, 0, MODBUS_SERVER_REGISTERS,
				    MODBUS_SERVER_REGISTERS);
	if (s->listener < 0 || s->wake < 0 || !s->bus || !s->map) {
		if (error && !*error)
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "no Modbus server: %s",
				    g_strerror(errno));
		modbus_server_free(s);
		return NULL;
	}
	return s;
}

const char *modbus_server_address(const ModbusServer *s)
{
	return s->address;
}

void modbus_server_add_input(ModbusServer *s, int reg, const char *from, double scale)
{
	Input in = {.reg = reg, .from = g_strdup(from), .scale = scale};
	g_array_append_val(s->inputs, in);
}

void modbus_server_set_sequence(ModbusServer *s, int reg)
{
	s->sequence_reg = reg;
}

static void add_output(GArray *to, int address, const char *signal, bool pulse)
{
	Output out = {.address = address, .signal = g_strdup(signal), .pulse = pulse};
	g_array_append_val(to, out);
}

void modbus_server_add_coil(ModbusServer *s, int coil, const char *signal, bool pulse)
{
	add_output(s->coils, coil, signal, pulse);
	s->declared_coil[coil] = true;
}

void modbus_server_add_heartbeat(ModbusServer *s, int reg, const char *signal)
{
	add_output(s->heartbeats, reg, signal, true);
	s->declared_holding[reg] = true;
}

void modbus_server_add_claim(ModbusServer *s, int reg, const char *signal)
{
	add_output(s->claims, reg, signal, false);
	for (int i = reg; i <= reg + 1 && i < MODBUS_SERVER_REGISTERS; i++) /* two words */
		s->declared_holding[i] = true;
}

void modbus_server_feed(ModbusServer *s, const char *role, int64_t t_ns, double value,
			SampleStatus status)
{
	if (status != SAMPLE_OK || !isfinite(value))
		return; /* what the bench does not know the product is not told */
	for (guint i = 0; i < s->inputs->len; i++) {
		Input *in = &g_array_index(s->inputs, Input, i);
		if (strcmp(in->from, role) != 0)
			continue;
		double steps = round(value / in->scale);
		pthread_mutex_lock(&s->lock);
		s->map->tab_input_registers[in->reg] =
			(uint16_t)(int16_t)CLAMP(steps, -32768.0, 32767.0);
		in->t_ns = t_ns;
		if (i == 0 && s->sequence_reg >= 0)
			s->map->tab_input_registers[s->sequence_reg]++;
		pthread_mutex_unlock(&s->lock);
	}
}

uint64_t modbus_server_reads(ModbusServer *s)
{
	return __atomic_load_n(&s->reads, __ATOMIC_RELAXED);
}

/* ---- the server's thread ----------------------------------------------------------------------------- */

static void emit(ModbusServer *s, const char *signal, int64_t t_ns, double v)
{
	if (s->sink->sample)
		s->sink->sample(s->sink, signal, t_ns, v, SAMPLE_OK);
}

static bool within_rate(ModbusServer *s, int64_t t_ns)
{
	if (t_ns - s->window_ns >= CLOCK_S) {
		s->window_ns = t_ns;
		s->in_window = 0;
	}
	if (++s->in_window <= s->max_rate)
		return true;
	if (!s->blamed_rate)
		responses_blame(s->sink, t_ns,
				"the product floods: more than %u requests in a second",
				s->max_rate);
	s->blamed_rate = true;
	return false;
}

static void note_read(ModbusServer *s, int64_t t_ns)
{
	uint64_t reads = __atomic_add_fetch(&s->reads, 1, __ATOMIC_RELAXED);
	if (t_ns - s->age_ns < AGE_PERIOD_NS)
		return;
	s->age_ns = t_ns;
	int64_t oldest = t_ns;
	pthread_mutex_lock(&s->lock);
	for (guint i = 0; i < s->inputs->len; i++) {
		int64_t t = g_array_index(s->inputs, Input, i).t_ns;
		if (i == 0 &&
		    t > 0) /* the first declared input is the one the product's decision rests on */
			oldest = t;
	}
	pthread_mutex_unlock(&s->lock);
	emit(s, PRODUCT_CONSUMED_SIGNAL, t_ns, (double)reads);
	emit(s, PRODUCT_AGE_SIGNAL, t_ns, (double)(t_ns - oldest) * 1e-9);
}

static void note_writes(ModbusServer *s, const modbus_mapping_t *before, int64_t t_ns)
{
	for (guint i = 0; i < s->coils->len; i++) {
		const Output *o = &g_array_index(s->coils, Output, i);
		if (before->tab_bits[o->address] != s->map->tab_bits[o->address])
			emit(s, o->signal, t_ns, s->map->tab_bits[o->address] ? 1 : 0);
	}
	for (guint i = 0; i < s->heartbeats->len; i++) {
		const Output *o = &g_array_index(s->heartbeats, Output, i);
		if (before->tab_registers[o->address] == s->map->tab_registers[o->address])
			continue;
		emit(s, o->signal, t_ns, 1);
		emit(s, o->signal, t_ns + RESPONSE_PULSE_NS, 0);
	}
	for (guint i = 0; i < s->claims->len; i++) {
		const Output *o = &g_array_index(s->claims, Output, i);
		const uint16_t *w = s->map->tab_registers + o->address;
		if (memcmp(before->tab_registers + o->address, w, 2 * sizeof(*w)) != 0)
			emit(s, o->signal, t_ns, 1e-3 * (double)((uint32_t)w[0] << 16 | w[1]));
	}
}

static void note_undeclared(ModbusServer *s, const modbus_mapping_t *before)
{
	for (int i = 0; i < MODBUS_SERVER_REGISTERS; i++) {
		bool coil = before->tab_bits[i] != s->map->tab_bits[i] && !s->declared_coil[i];
		bool holding = before->tab_registers[i] != s->map->tab_registers[i] &&
			       !s->declared_holding[i];
		if ((coil || holding) && !__atomic_fetch_add(&s->undeclared, 1, __ATOMIC_RELAXED))
			s->first_undeclared = i;
	}
}

uint64_t modbus_server_undeclared(ModbusServer *s, int *ret_first)
{
	*ret_first = s->first_undeclared;
	return __atomic_load_n(&s->undeclared, __ATOMIC_RELAXED);
}

static void snapshot(modbus_mapping_t *to, const modbus_mapping_t *from)
{
	memcpy(to->tab_bits, from->tab_bits, MODBUS_SERVER_REGISTERS);
	memcpy(to->tab_registers, from->tab_registers, MODBUS_SERVER_REGISTERS * sizeof(uint16_t));
}

/* Function codes that a product of this kind has reason to use; anything else is garbage. */
static bool known_function(uint8_t code)
{
	return (code >= 0x01 && code <= 0x06) || code == 0x0f || code == 0x10 || code == 0x11 ||
	       code == 0x16 || code == 0x17;
}

static void blame_garbage(ModbusServer *s, int64_t t_ns, const char *what)
{
	if (!s->blamed_garbage)
		responses_blame(s->sink, t_ns,
				"the product sends garbage on its Modbus connection: %s", what);
	s->blamed_garbage = true;
}

/* One request. False when the connection is over. */
static bool serve(ModbusServer *s, modbus_mapping_t *before)
{
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
	int length = modbus_receive(s->bus, request);
	int64_t t_ns = clock_now(s->clock);
	if (length < 0) {
		if (errno != ECONNRESET && errno != EBADF)
			blame_garbage(s, t_ns, modbus_strerror(errno));
		return false;
	}
	if (length == 0)
		return true;
	int header = modbus_get_header_length(s->bus);
	uint8_t code = request[header];
	if (!within_rate(s, t_ns)) {
		modbus_reply_exception(s->bus, request, MODBUS_EXCEPTION_SLAVE_OR_SERVER_BUSY);
		return true;
	}
	if (!known_function(code))
		blame_garbage(s, t_ns, "an unknown function code");
	snapshot(before, s->map);
	pthread_mutex_lock(&s->lock);
	int replied = modbus_reply(s->bus, request, length, s->map);
	pthread_mutex_unlock(&s->lock);
	if (code == MODBUS_FC_READ_INPUT_REGISTERS)
		note_read(s, t_ns);
	note_writes(s, before, t_ns);
	note_undeclared(s, before);
	return replied >= 0;
}

static void *server_main(void *user)
{
	ModbusServer *s = user;
	modbus_mapping_t *before = modbus_mapping_new(
		MODBUS_SERVER_REGISTERS, 0, MODBUS_SERVER_REGISTERS, MODBUS_SERVER_REGISTERS);
	int client = -1;
	while (before) {
		struct pollfd fds[] = {{s->wake, POLLIN, 0},
				       {client < 0 ? s->listener : client, POLLIN, 0}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (!fds[1].revents)
			continue;
		if (client < 0) {
			client = modbus_tcp_accept(s->bus, &s->listener);
			int on = 1;
			if (client >= 0)
				setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		} else if (!serve(s, before)) {
			modbus_close(s->bus);
			client = -1;
			responses_blame(s->sink, clock_now(s->clock),
					"the product closed its Modbus connection");
		}
	}
	if (client >= 0)
		modbus_close(s->bus);
	if (before)
		modbus_mapping_free(before);
	return NULL;
}

gboolean modbus_server_start(ModbusServer *s, GError **error)
{
	int failed = pthread_create(&s->thread, NULL, server_main, s);
	if (failed) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "no thread for the Modbus server: %s", g_strerror(failed));
		return FALSE;
	}
	s->running = true;
	return TRUE;
}

void modbus_server_free(ModbusServer *s)
{
	if (!s)
		return;
	if (s->running) {
		uint64_t one = 1;
		if (write(s->wake, &one, sizeof(one)) == sizeof(one))
			pthread_join(s->thread, NULL);
	}
	if (s->listener >= 0)
		close(s->listener);
	if (s->wake >= 0)
		close(s->wake);
	if (s->map)
		modbus_mapping_free(s->map);
	if (s->bus)
		modbus_free(s->bus);
	g_array_unref(s->inputs);
	g_array_unref(s->coils);
	g_array_unref(s->heartbeats);
	g_array_unref(s->claims);
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}
