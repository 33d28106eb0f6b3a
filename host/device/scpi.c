/* SCPI instruments over USBTMC. Every setting is read back before it counts; nothing is sent twice by itself, except
 * what makes it safe. */
#include "internal.h"
#include "map.h"
#include "usbtmc.h"

#include <math.h>
#include <string.h>

#define REPLY_MAX 1024
#define SILENT_NS (2 * CLOCK_S)
/* SCPI-99 volume 1, 7.2.1.4 and .5: infinity and not-a-number as numbers. */
#define SCPI_INFINITY 9.9e37
#define SCPI_NAN 9.91e37

typedef struct {
	int64_t due_ns, last_good_ns;
	bool sampled, missing, faulted;
} Poll;

typedef struct {
	DeviceHost *host;
	Clock *clock;
	Instrument *spec;
	Usbtmc *tmc;
	Poll *polls; /* one a channel */
} Scpi;

static InstrumentChannel *channel_at(Scpi *self, int i)
{
	return g_ptr_array_index(self->spec->channels, i);
}

static unsigned timeout_ms(Scpi *self)
{
	return (unsigned)(self->spec->response_ns / CLOCK_MS);
}

/* Unplugged, or failed and not to be cleared: what it says from now on could be the answer to anything. */
static bool link_gone(Scpi *self, const GError *error)
{
	return g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED) || usbtmc_dead(self->tmc);
}

/* ---- talking ---- */

static gboolean say(Scpi *self, const char *command, GError **error)
{
	g_autofree char *line = g_strdup_printf("%s\n", command);
	if (usbtmc_write(self->tmc, line, timeout_ms(self), error))
		return TRUE;
	g_prefix_error(error, "%s: cannot send %s: ", device_host_name(self->host), command);
	return FALSE;
}

static char *ask(Scpi *self, const char *query, GError **error)
{
	g_autofree char *line = g_strdup_printf("%s\n", query);
	char *reply = usbtmc_write(self->tmc, line, timeout_ms(self), error)
			      ? usbtmc_read(self->tmc, REPLY_MAX, timeout_ms(self), error)
			      : NULL;
	if (reply)
		return g_strstrip(reply);
	g_prefix_error(error, "%s: no good reply to %s in %u ms: ", device_host_name(self->host),
		       query, timeout_ms(self));
	DeviceStats *stats = device_host_stats(self->host);
	if (error && g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT))
		stats->timeouts++;
	else
		stats->bad_replies++;
	return NULL;
}

/* The whole text must be one finite number, or ON / OFF where that is expected. */
static gboolean parse_number(const char *text, bool boolean, double *ret)
{
	char *end = NULL;
	if (boolean && (!g_ascii_strcasecmp(text, "ON") || !g_ascii_strcasecmp(text, "OFF"))) {
		*ret = !g_ascii_strcasecmp(text, "ON");
		return TRUE;
	}
	/* strtod would take "inf", "nan" and hexadecimal, which no instrument means. */
	if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
		return FALSE;
	double value = g_ascii_strtod(text, &end);
	if (*end || !isfinite(value))
		return FALSE;
	*ret = value;
	return TRUE;
}

static gboolean ask_number(Scpi *self, const InstrumentChannel *c, double *ret, GError **error)
{
	g_autofree char *reply = ask(self, c->query, error);
	if (!reply)
		return FALSE;
	if (parse_number(reply, c->channel.boolean, ret))
		return TRUE;
	device_host_stats(self->host)->bad_replies++;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "%s: \"%.40s\" in reply to %s is no number", device_host_name(self->host),
		    reply, c->query);
	return FALSE;
}

/* ---- opening ---- */

static void scpi_close(void *user)
{
	Scpi *self = user;
	usbtmc_free(self->tmc);
	instrument_free(self->spec);
	g_free(self->polls);
	g_free(self);
}

static gboolean identify(Scpi *self, GError **error)
{
	g_autofree char *reply = ask(self, "*IDN?", error);
	if (!reply)
		return FALSE;
	if (!g_pattern_match_simple(self->spec->identity, reply)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: \"%s\" is another instrument; %s expects \"%s\"",
			    device_host_name(self->host), reply, self->spec->id,
			    self->spec->identity);
		return FALSE;
	}
	device_host_identify(self->host, "%s, %s", reply, usbtmc_name(self->tmc));
	return TRUE;
}

static gboolean prepare(Scpi *self, GError **error)
{
	for (guint i = 0; i < self->spec->setup->len; i++)
		if (!say(self, g_ptr_array_index(self->spec->setup, i), error))
			return FALSE;
	return TRUE;
}

static gboolean open_link(Scpi *self, const DeviceConfig *config, GError **error)
{
	UsbLink *link = usb_link_open(config->link ? config->link : "", error);
	if (!link)
		return FALSE;
	self->tmc = usbtmc_new(link, error);
	return self->tmc != NULL;
}

static void *scpi_open(DeviceHost *host, const DeviceConfig *config, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	Scpi *self = g_new0(Scpi, 1);
	self->host = host;
	self->clock = device_host_clock(host);
	if (!config->map)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: a scpi device needs `instrument`", config->name);
	else if (!(self->spec = instrument_load(config->map, diag)))
		diagnostics_to_error(diag, error);
	if (!self->spec || !open_link(self, config, error) || !identify(self, error) ||
	    !prepare(self, error)) {
		scpi_close(self);
		return NULL;
	}
	for (guint i = 0; i < self->spec->channels->len; i++)
		device_host_add_channel(host, &channel_at(self, (int)i)->channel);
	self->polls = g_new0(Poll, self->spec->channels->len);
	return self;
}

/* ---- setting ---- */

static char *fill_in(const InstrumentChannel *c, double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	const char *percent = strchr(c->set, '%');
	if (c->channel.boolean)
		g_strlcpy(number, value != 0 ? "ON" : "OFF", sizeof number);
	else
		g_ascii_formatd(number, sizeof number, "%.9g", value);
	return g_strdup_printf("%.*s%s%s", (int)(percent - c->set), c->set, number, percent + 1);
}

static gboolean check_errors(Scpi *self, GError **error)
{
	if (!self->spec->errors)
		return TRUE;
	g_autofree char *reply = ask(self, self->spec->errors, error);
	if (!reply)
		return FALSE;
	/* SCPI-99 21.8.8: 0,"No error". */
	if (g_ascii_strtod(reply, NULL) == 0 && (reply[0] == '0' || reply[0] == '+'))
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s reports: %s",
		    device_host_name(self->host), reply);
	return FALSE;
}

/* The read-back decides, also when sending seemed to fail. */
static gboolean set_checked(Scpi *self, int index, double value, int64_t *ret_before,
			    int64_t *ret_after, GError **error)
{
	const InstrumentChannel *c = channel_at(self, index);
	g_autofree char *command = fill_in(c, value);
	double back = (double)NAN;
	*ret_before = clock_now(self->clock);
	gboolean said = say(self, command, error);
	if (!said && error && link_gone(self, *error))
		return FALSE;
	if (error)
		g_clear_error(error);
	if (!ask_number(self, c, &back, error))
		return FALSE;
	*ret_after = clock_now(self->clock);
	if (!(fabs(back - value) <= c->tolerance)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: %s reads back %g instead of %g", device_host_name(self->host),
			    c->channel.name, back, value);
		return FALSE;
	}
	return check_errors(self, error);
}

static void scpi_command(void *user, const DeviceCommand *command)
{
	Scpi *self = user;
	g_autoptr(GError) error = NULL;
	int64_t before = 0, after = 0;
	if (set_checked(self, command->channel, command->value, &before, &after, &error)) {
		int64_t half = (after - before) / 2;
		device_host_reply(self->host, command, DEVICE_DONE, before + half,
				  (int64_t)((double)half / sqrt(3.0)), NULL);
		return;
	}
	if (link_gone(self, error))
		device_host_lost(self->host, "%s", error->message);
	device_host_reply(self->host, command, DEVICE_FAILED, clock_now(self->clock), 0,
			  error->message);
}

static gboolean make_one_safe(Scpi *self, int index, GError **error)
{
	const DeviceChannel *c = &channel_at(self, index)->channel;
	int64_t before, after;
	if (!c->writable || isnan(c->safe))
		return TRUE;
	/* Setting a safe value twice is harmless. */
	g_autoptr(GError) first = NULL;
	if (!set_checked(self, index, c->safe, &before, &after, &first)) {
		if (link_gone(self, first) ||
		    !set_checked(self, index, c->safe, &before, &after, error)) {
			if (error && !*error)
				g_propagate_error(error, g_steal_pointer(&first));
			return FALSE;
		}
	}
	device_host_sample(self->host, index, after, c->safe, SAMPLE_OK);
	return TRUE;
}

static gboolean scpi_make_safe(void *user, int64_t deadline_ns, GError **error)
{
	Scpi *self = user;
	gboolean ok = TRUE;
	for (guint i = 0; ok && i < self->spec->safe->len; i++)
		ok = say(self, g_ptr_array_index(self->spec->safe, i), error);
	for (guint i = 0; ok && i < self->spec->channels->len; i++) {
		ok = clock_now(self->clock) < deadline_ns;
		if (ok)
			ok = make_one_safe(self, (int)i, error);
		else
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
				    "%s: no time left to make it safe",
				    device_host_name(self->host));
	}
	return ok;
}

/* ---- sampling ---- */

static gboolean scpi_start(void *user, GError **error)
{
	Scpi *self = user;
	(void)error;
	int64_t now = clock_now(self->clock);
	for (int i = 0; i < (int)self->spec->channels->len; i++)
		self->polls[i] = (Poll){.due_ns = now,
					.last_good_ns = now,
					.sampled = device_host_setup(self->host, i)->sampled};
	return TRUE;
}

static void scpi_stop(void *user)
{
	Scpi *self = user;
	for (guint i = 0; i < self->spec->channels->len; i++)
		self->polls[i].sampled = false;
}

static void tell_missing(Scpi *self, int index, int64_t t_ns, const GError *error)
{
	Poll *poll = &self->polls[index];
	if (!poll->missing)
		device_host_sample(self->host, index, t_ns, (double)NAN, SAMPLE_MISSING);
	poll->missing = true;
	if (link_gone(self, error)) {
		device_host_lost(self->host, "%s", error->message);
	} else if (!poll->faulted && t_ns - poll->last_good_ns >= SILENT_NS) {
		poll->faulted = true;
		device_host_fault(self->host, index, poll->last_good_ns, CLOCK_NEVER, "%s",
				  error->message);
	}
}

static void sample(Scpi *self, int index)
{
	Poll *poll = &self->polls[index];
	g_autoptr(GError) error = NULL;
	double value;
	int64_t before = clock_now(self->clock);
	if (!ask_number(self, channel_at(self, index), &value, &error)) {
		tell_missing(self, index, before, error);
		return;
	}
	int64_t t = before + (clock_now(self->clock) - before) / 2;
	poll->missing = false;
	poll->last_good_ns = before;
	if (fabs(value) >= SCPI_NAN)
		device_host_sample(self->host, index, t, (double)NAN, SAMPLE_MISSING);
	else
		device_host_sample(self->host, index, t, value,
				   fabs(value) >= SCPI_INFINITY ? SAMPLE_SATURATED : SAMPLE_OK);
}

static int64_t scpi_poll(void *user, int64_t now_ns)
{
	Scpi *self = user;
	int64_t next = CLOCK_NEVER;
	for (int i = 0; i < (int)self->spec->channels->len; i++) {
		Poll *poll = &self->polls[i];
		if (!poll->sampled)
			continue;
		if (poll->due_ns <= now_ns) {
			sample(self, i);
			int64_t period = device_host_setup(self->host, i)->period_ns,
				after = clock_now(self->clock);
			poll->due_ns += period;
			if (poll->due_ns <= after)
				poll->due_ns = after + period - (after - poll->due_ns) % period;
		}
		next = MIN(next, poll->due_ns);
	}
	return next;
}

static void scpi_preflight(void *user, GPtrArray *items, int64_t deadline_ns)
{
	Scpi *self = user;
	g_autoptr(GError) error = NULL;
	(void)deadline_ns;
	g_autofree char *reply = ask(self, "*IDN?", &error);
	g_autofree char *name = g_strdup_printf("%s: answers", device_host_name(self->host));
	bool ok = reply && g_pattern_match_simple(self->spec->identity, reply);
	g_ptr_array_add(items,
			device_item_new(ok, name, "%s; check power and USB cable",
					error ? error->message : "another instrument answers"));
}

const DeviceOps scpi_device_ops = {.open = scpi_open,
				   .close = scpi_close,
				   .make_safe = scpi_make_safe,
				   .command = scpi_command,
				   .start = scpi_start,
				   .stop = scpi_stop,
				   .poll = scpi_poll,
				   .preflight = scpi_preflight};
