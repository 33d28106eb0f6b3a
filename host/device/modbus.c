/* Modbus units through libmodbus: RTU by path, TCP by address.
 *
 * libmodbus 3.1.6 keeps no track of late replies on RTU: one that comes after its time-out would answer the next
 * request. So after every failure the line is drained until it has been silent for three response times, and again after
 * a repeated request was answered: then a second answer is on its way.
 */
#include "internal.h"
#include "map.h"

#include <errno.h>
#include <math.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

#define BLOCK_MAX 100           /* registers in one request; the protocol allows 125 */
#define GAP_MAX 8               /* registers that are read for nothing rather than asking twice */
#define SILENT_NS (1 * CLOCK_S) /* without a good reading for so long: a fault */
#define QUIET 3                 /* response times */
#define DRAINS 20

/* Channels that one request reads. */
typedef struct {
	RegisterRef first;
	int count;
	int64_t period_ns, due_ns, last_good_ns;
	bool missing; /* told the stream that nothing is known */
	bool faulted; /* told the stream why */
	bool counted; /* last_count is valid */
	uint16_t last_count;
	GArray *members; /* int: channel indices */
} Block;

typedef struct {
	DeviceHost *host;
	Clock *clock;
	Map *map;
	modbus_t *bus;
	char *link;
	bool tcp;
	GPtrArray *blocks; /* Block*, while started */
	int failures;
} Modbus;

static MapChannel *channel_at(Modbus *self, int i)
{
	return &g_array_index(self->map->channels, MapChannel, i);
}

/* ---- the line ---- */

static bool link_died(int code)
{
	return code == EIO || code == EBADF || code == ENODEV || code == ENXIO ||
	       code == ECONNRESET || code == EPIPE || code == ECONNREFUSED || code == ENOTCONN;
}

/* Read and forget until the line is quiet: bounded, DRAINS times. TCP too: its transaction numbers keep
 * a late answer from being taken, but libmodbus does not skip it, so that every later answer would be one behind. */
static void drain(Modbus *self)
{
	int fd = modbus_get_socket(self->bus);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int quiet_ms = (int)(QUIET * self->map->response_ns / CLOCK_MS);
	for (int i = 0; i < DRAINS && poll(&p, 1, quiet_ms) > 0 && !(p.revents & POLLHUP); i++)
		modbus_flush(self->bus);
	modbus_flush(self->bus);
}

static int read_words(Modbus *self, RegisterRef at, int count, uint16_t *words)
{
	uint8_t bits[BLOCK_MAX];
	int n = -1;
	switch (at.kind) {
	case REGISTER_COIL:
		n = modbus_read_bits(self->bus, at.address, count, bits);
		break;
	case REGISTER_DISCRETE:
		n = modbus_read_input_bits(self->bus, at.address, count, bits);
		break;
	case REGISTER_HOLDING:
		return modbus_read_registers(self->bus, at.address, count, words);
	case REGISTER_INPUT:
		return modbus_read_input_registers(self->bus, at.address, count, words);
	}
	for (int i = 0; i < n; i++)
		words[i] = bits[i];
	return n;
}

static void note_failure(Modbus *self, int code)
{
	DeviceStats *stats = device_host_stats(self->host);
	if (code == ETIMEDOUT)
		stats->timeouts++;
	else
		stats->bad_replies++;
}

/* With bounded retries; reading is harmless. 0 or errno. Times bracket the exchange that succeeded. */
static int read_block(Modbus *self, RegisterRef at, int count, uint16_t *words, int64_t *ret_before,
		      int64_t *ret_after)
{
	int code = 0;
	for (int attempt = 0; attempt <= self->map->retries; attempt++) {
		if (attempt)
			device_host_stats(self->host)->retries++;
		*ret_before = clock_now(self->clock);
		errno = 0;
		int n = read_words(self, at, count, words);
		*ret_after = clock_now(self->clock);
		if (n == count && attempt)
			drain(self);
		if (n == count)
			return 0;
		code = errno ? errno : EPROTO;
		if (link_died(code))
			return code;
		note_failure(self, code);
		drain(self);
	}
	return code;
}

static gboolean read_failed(Modbus *self, const char *what, int code, GError **error)
{
	AnzenError kind = link_died(code)     ? ANZEN_ERROR_CLOSED
			  : code == ETIMEDOUT ? ANZEN_ERROR_TIMEOUT
					      : ANZEN_ERROR_BENCH;
	g_set_error(error, ANZEN_ERROR, (int)kind, "%s: %s on %s: %s", device_host_name(self->host),
		    what, self->link, modbus_strerror(code));
	return FALSE;
}

/* ---- opening ---- */

static modbus_t *new_bus(const LinkUri *uri, GError **error)
{
	modbus_t *bus = NULL;
	if (uri->scheme == LINK_TCP) {
		g_autofree char *service = g_strdup_printf("%d", uri->port);
		bus = modbus_new_tcp_pi(uri->host, service);
	} else if (uri->scheme == LINK_RTU || uri->scheme == LINK_PTY ||
		   (uri->scheme == LINK_SERIAL && !uri->by_usb)) {
		bus = modbus_new_rtu(uri->path, uri->baud ? uri->baud : 19200,
				     uri->parity ? uri->parity : 'E', 8,
				     uri->stop_bits ? uri->stop_bits : 1);
	} else {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "modbus needs a link rtu: or tcp:, not %s",
			    link_scheme_name(uri->scheme));
		return NULL;
	}
	if (!bus)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "libmodbus refuses the link: %s",
			    modbus_strerror(errno));
	return bus;
}

static void set_timeout(modbus_t *bus, int64_t ns)
{
	modbus_set_response_timeout(bus, (uint32_t)(ns / CLOCK_S),
				    (uint32_t)(ns % CLOCK_S / CLOCK_US));
}

static gboolean connect_bus(Modbus *self, const DeviceConfig *config, GError **error)
{
	g_autoptr(LinkUri) uri = link_uri_parse(config->link ? config->link : "", error);
	if (!uri)
		return FALSE;
	self->link = g_strdup(config->link);
	self->tcp = uri->scheme == LINK_TCP;
	self->bus = new_bus(uri, error);
	if (!self->bus)
		return FALSE;
	if (modbus_set_slave(self->bus, config->unit) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: unit %d is not 1..247",
			    config->name, config->unit);
		return FALSE;
	}
	set_timeout(self->bus, 2 * CLOCK_S); /* TCP: of the connection */
	if (modbus_connect(self->bus) < 0) {
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			"%s: cannot open %s: %s; is the unit on, the cable in, the address right?",
			config->name, self->link, modbus_strerror(errno));
		return FALSE;
	}
	if (modbus_get_socket(self->bus) >=
	    FD_SETSIZE) { /* libmodbus waits with select(), which aborts then */
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: too many files are open",
			    config->name);
		return FALSE;
	}
	set_timeout(self->bus, self->map->response_ns);
	modbus_set_byte_timeout(self->bus, 0, (uint32_t)(self->map->response_ns / 2 / CLOCK_US));
	return self->tcp || link_lock_terminal(modbus_get_socket(self->bus), config->link, error);
}

static gboolean identify(Modbus *self, const DeviceConfig *config, GError **error)
{
	Map *map = self->map;
	int64_t before, after;
	uint16_t word = 0;
	RegisterRef at = map->has_identity ? map->identity : channel_at(self, 0)->at;
	int code = read_block(self, at, 1, &word, &before, &after);
	if (code) {
		g_autofree char *what = g_strdup_printf("unit %d does not answer", config->unit);
		return read_failed(self, what, code, error);
	}
	if (map->has_identity && word != map->identity_equals) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: %s unit %d is another model: register %d holds %d, the map %s "
			    "expects %d",
			    config->name, self->link, config->unit, at.address, word, map->id,
			    map->identity_equals);
		return FALSE;
	}
	device_host_identify(self->host, "%s, map %s, model number %d, %s unit %d",
			     map->model ? map->model : "Modbus unit", map->id,
			     map->has_identity ? word : -1, self->link, config->unit);
	return TRUE;
}

static void modbus_device_close(void *user)
{
	Modbus *self = user;
	if (self->bus) {
		modbus_close(self->bus);
		modbus_free(self->bus);
	}
	if (self->blocks)
		g_ptr_array_unref(self->blocks);
	map_free(self->map);
	g_free(self->link);
	g_free(self);
}

static void *modbus_device_open(DeviceHost *host, const DeviceConfig *config, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	Modbus *self = g_new0(Modbus, 1);
	self->host = host;
	self->clock = device_host_clock(host);
	if (!config->map)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: a modbus device needs `map`", config->name);
	else if (!(self->map = map_load(config->map, diag)))
		diagnostics_to_error(diag, error);
	if (!self->map || !connect_bus(self, config, error) || !identify(self, config, error)) {
		modbus_device_close(self);
		return NULL;
	}
	for (guint i = 0; i < self->map->channels->len; i++)
		device_host_add_channel(host, &channel_at(self, (int)i)->channel);
	return self;
}

/* ---- sampling ---- */

static void block_free(void *data)
{
	Block *block = data;
	g_array_unref(block->members);
	g_free(block);
}

/* Extend `block` by channel c when that costs less than a request of its own. */
static bool block_takes(Block *block, const MapChannel *c, int64_t period_ns)
{
	int end = block->first.address + block->count, last = c->at.address + map_words(c->type);
	if (block->first.kind != c->at.kind || block->period_ns != period_ns ||
	    c->at.address < block->first.address || c->at.address > end + GAP_MAX ||
	    last - block->first.address > BLOCK_MAX)
		return false;
	block->count = MAX(block->count, last - block->first.address);
	return true;
}

static int by_address(const void *a, const void *b, void *user)
{
	const MapChannel *x = channel_at(user, *(const int *)a),
			 *y = channel_at(user, *(const int *)b);
	if (x->at.kind != y->at.kind)
		return (int)x->at.kind - (int)y->at.kind;
	return x->at.address - y->at.address;
}

static void place(Modbus *self, int index)
{
	MapChannel *c = channel_at(self, index);
	int64_t period = device_host_setup(self->host, index)->period_ns;
	for (guint i = 0; i < self->blocks->len; i++) {
		Block *block = g_ptr_array_index(self->blocks, i);
		if (block_takes(block, c, period)) {
			g_array_append_val(block->members, index);
			return;
		}
	}
	Block *block = g_new0(Block, 1);
	*block = (Block){.first = c->at,
			 .count = map_words(c->type),
			 .period_ns = period,
			 .members = g_array_new(FALSE, FALSE, sizeof(int))};
	g_array_append_val(block->members, index);
	g_ptr_array_add(self->blocks, block);
}

static gboolean modbus_start(void *user, GError **error)
{
	Modbus *self = user;
	(void)error;
	g_autoptr(GArray) wanted = g_array_new(FALSE, FALSE, sizeof(int));
	for (int i = 0; i < (int)self->map->channels->len; i++)
		if (device_host_setup(self->host, i)->sampled)
			g_array_append_val(wanted, i);
	g_array_sort_with_data(wanted, by_address, self);
	self->blocks = g_ptr_array_new_with_free_func(block_free);
	for (guint i = 0; i < wanted->len; i++)
		place(self, g_array_index(wanted, int, i));
	int64_t now = clock_now(self->clock);
	for (guint i = 0; i < self->blocks->len; i++) {
		Block *block = g_ptr_array_index(self->blocks, i);
		block->due_ns = block->last_good_ns = now;
	}
	return TRUE;
}

static void modbus_stop(void *user)
{
	Modbus *self = user;
	g_clear_pointer(&self->blocks, g_ptr_array_unref);
}

static SampleStatus status_of(const MapChannel *c, double value, bool stale)
{
	if (stale)
		return SAMPLE_STALE;
	/* Binary floating point: a value within a millionth of the range's end is at the end. */
	double eps = (c->channel.hi - c->channel.lo) * 1e-6;
	if (c->rails && (value <= c->channel.lo + eps || value >= c->channel.hi - eps))
		return SAMPLE_SATURATED;
	return SAMPLE_OK;
}

static void deliver(Modbus *self, Block *block, const uint16_t *words, bool stale, int64_t t_ns)
{
	for (guint i = 0; i < block->members->len; i++) {
		int index = g_array_index(block->members, int, i);
		MapChannel *c = channel_at(self, index);
		double value = map_decode(c, words + (c->at.address - block->first.address));
		device_host_sample(self->host, index, t_ns, value, status_of(c, value, stale));
	}
}

/* Nothing is known from the moment of the request that got no good answer. */
static void deliver_missing(Modbus *self, Block *block, int64_t t_ns, int code)
{
	const char *first = channel_at(self, g_array_index(block->members, int, 0))->channel.name;
	for (guint i = 0; i < block->members->len && !block->missing; i++)
		device_host_sample(self->host, g_array_index(block->members, int, i), t_ns,
				   (double)NAN, SAMPLE_MISSING);
	block->missing = true;
	if (block->faulted || t_ns - block->last_good_ns < SILENT_NS)
		return;
	block->faulted = true;
	for (guint i = 0; i < block->members->len; i++)
		device_host_fault(self->host, g_array_index(block->members, int, i),
				  block->last_good_ns, CLOCK_NEVER,
				  "%s: no good reading of %s … for %.1f s on %s: %s",
				  device_host_name(self->host), first,
				  (double)(t_ns - block->last_good_ns) / 1e9, self->link,
				  modbus_strerror(code));
}

/* The unit's own sample counter stands still: it repeats old values. */
static bool is_stale(Modbus *self, Block *block)
{
	int64_t before, after;
	uint16_t count;
	if (!self->map->has_counter)
		return false;
	if (read_block(self, self->map->counter, 1, &count, &before, &after))
		return true; /* not known to be fresh */
	bool stale = block->counted && count == block->last_count;
	block->counted = true;
	block->last_count = count;
	return stale;
}

static void poll_block(Modbus *self, Block *block)
{
	uint16_t words[BLOCK_MAX];
	int64_t before = 0, after = 0;
	bool stale = is_stale(self, block);
	int code = read_block(self, block->first, block->count, words, &before, &after);
	if (code && link_died(code)) {
		deliver_missing(self, block, before, code);
		device_host_lost(self->host, "%s: the link %s is gone: %s",
				 device_host_name(self->host), self->link, modbus_strerror(code));
		return;
	}
	if (code) {
		deliver_missing(self, block, before, code);
		return;
	}
	block->missing = false;
	block->last_good_ns = before;
	deliver(self, block, words, stale, before + (after - before) / 2);
}

static int64_t modbus_poll(void *user, int64_t now_ns)
{
	Modbus *self = user;
	int64_t next = CLOCK_NEVER;
	for (guint i = 0; self->blocks && i < self->blocks->len; i++) {
		Block *block = g_ptr_array_index(self->blocks, i);
		if (block->due_ns <= now_ns) {
			poll_block(self, block);
			/* Keep the grid; after a hold-up go on from now instead of catching up in a burst. */
			block->due_ns += block->period_ns;
			int64_t after = clock_now(self->clock);
			if (block->due_ns <= after)
				block->due_ns = after + block->period_ns -
						(after - block->due_ns) % block->period_ns;
		}
		next = MIN(next, block->due_ns);
	}
	return next;
}

/* ---- writing ---- */

static int write_once(Modbus *self, const MapChannel *c, const uint16_t words[2])
{
	errno = 0;
	int n;
	if (c->type == REGISTER_BIT)
		n = modbus_write_bit(self->bus, c->at.address, words[0]);
	else if (map_words(c->type) == 1)
		n = modbus_write_register(self->bus, c->at.address, words[0]);
	else
		n = modbus_write_registers(self->bus, c->at.address, 2, words);
	return n == map_words(c->type) ? 0 : errno ? errno : EPROTO;
}

/* Write, never again, and read back. The read-back decides, also when the write's own answer was lost: then nobody
 * knows otherwise whether it took effect. */
static int write_checked(Modbus *self, const MapChannel *c, double value, int64_t *ret_before,
			 int64_t *ret_after, GError **error)
{
	uint16_t words[2], back[2];
	int64_t before, after;
	if (!map_encode(c, value, words)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s does not fit its register",
			    c->channel.name);
		return EINVAL;
	}
	*ret_before = clock_now(self->clock);
	int code = write_once(self, c, words);
	*ret_after = clock_now(self->clock);
	if (code && !link_died(code)) {
		note_failure(self, code);
		drain(self);
	}
	int read = code && link_died(code)
			   ? code
			   : read_block(self, c->at, map_words(c->type), back, &before, &after);
	if (read) {
		read_failed(self, "no read-back", read, error);
		return read;
	}
	if (memcmp(words, back, sizeof words[0] * (size_t)map_words(c->type)) != 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: %s reads back %g instead of %g", device_host_name(self->host),
			    c->channel.name, map_decode(c, back), value);
		return code ? code : EPROTO;
	}
	if (code) /* it took effect, some time before the read-back */
		*ret_after = after;
	return 0;
}

static void modbus_command(void *user, const DeviceCommand *command)
{
	Modbus *self = user;
	g_autoptr(GError) error = NULL;
	int64_t before = 0, after = 0;
	int code = write_checked(self, channel_at(self, command->channel), command->value, &before,
				 &after, &error);
	if (code && link_died(code))
		device_host_lost(self->host, "%s", error->message);
	if (code) {
		device_host_reply(self->host, command,
				  code == EINVAL ? DEVICE_REFUSED : DEVICE_FAILED,
				  clock_now(self->clock), 0, error->message);
		return;
	}
	/* Anywhere between asking and the answer: rectangular, half-width / sqrt(3). */
	int64_t half = (after - before) / 2;
	device_host_reply(self->host, command, DEVICE_DONE, before + half,
			  (int64_t)((double)half / sqrt(3.0)), NULL);
}

/* Writing a safe value twice is harmless, so here a second try is right. */
static gboolean modbus_make_safe(void *user, int64_t deadline_ns, GError **error)
{
	Modbus *self = user;
	gboolean ok = TRUE;
	for (int i = 0; i < (int)self->map->channels->len; i++) {
		MapChannel *c = channel_at(self, i);
		int64_t before, after;
		int code = 0;
		if (!c->channel.writable || isnan(c->channel.safe))
			continue;
		for (int attempt = 0; attempt < 2; attempt++) {
			g_autoptr(GError) why = NULL;
			if (attempt && clock_now(self->clock) >= deadline_ns)
				break;
			code = write_checked(self, c, c->channel.safe, &before, &after, &why);
			if (!code)
				break;
			if (error && !*error)
				g_propagate_error(error, g_steal_pointer(&why));
			if (link_died(code))
				return FALSE;
		}
		if (code)
			ok = FALSE;
		else
			device_host_sample(self->host, i, after, c->channel.safe, SAMPLE_OK);
	}
	if (ok && error)
		g_clear_error(error);
	return ok;
}

static void modbus_preflight(void *user, GPtrArray *items, int64_t deadline_ns)
{
	Modbus *self = user;
	int64_t before, after;
	uint16_t word;
	(void)deadline_ns;
	RegisterRef at = self->map->has_identity ? self->map->identity : channel_at(self, 0)->at;
	int code = read_block(self, at, 1, &word, &before, &after);
	bool same = !code && (!self->map->has_identity || word == self->map->identity_equals);
	g_autofree char *name = g_strdup_printf("%s: answers", device_host_name(self->host));
	g_ptr_array_add(items,
			device_item_new(same, name,
					"%s on %s: %s; check power, cable, unit number, parity",
					device_host_name(self->host), self->link,
					code ? modbus_strerror(code) : "another model answers"));
}

const DeviceOps modbus_device_ops = {.open = modbus_device_open,
				     .close = modbus_device_close,
				     .make_safe = modbus_make_safe,
				     .command = modbus_command,
				     .start = modbus_start,
				     .stop = modbus_stop,
				     .poll = modbus_poll,
				     .preflight = modbus_preflight};
