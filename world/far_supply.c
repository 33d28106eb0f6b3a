/* The bench supply: SCPI in USBTMC messages, served over a socket that carries USB transfers (link.h, usbsock). */
#include "far_end.h"
#include "scpi.h"
#include "usbtmc.h"

#include <anzen/link.h>
#include <errno.h>
#include <stdatomic.h>

typedef struct Supply {
	FarEnd *end;
	Scpi scpi;
	Usbtmc tmc;
	UsbServer *server;
	int voltage, output, sense_voltage, sense_current; /* terminals; -1: not wired */
	GThread *thread;
	atomic_bool quit, power_cut;
} Supply;

/* ---- supply ↔ plant ------------------------------------------------------------------------------------------------ */

static void set_voltage(void *user, double volts)
{
	Supply *s = user;
	if (s->voltage >= 0)
		world_drive(s->end->shared, s->voltage, volts);
}

static void set_output(void *user, bool on)
{
	Supply *s = user;
	if (s->output >= 0)
		world_drive(s->end->shared, s->output, on);
}

static double measure_voltage(void *user)
{
	Supply *s = user;
	return s->sense_voltage < 0 ? 0 : world_sense(s->end->shared, s->sense_voltage);
}

static double measure_current(void *user)
{
	Supply *s = user;
	return s->sense_current < 0 ? 0 : world_sense(s->end->shared, s->sense_current);
}

/* ---- USBTMC ↔ SCPI --------------------------------------------------------------------------------------------------- */

static LinkFaultKind fault_now(Supply *s)
{
	return link_fault_at(&s->end->fault, clock_now(s->end->shared->clock), NULL);
}

static void on_message(void *user, const char *text, GString *reply)
{
	Supply *s = user;
	if (fault_now(s) == LINK_FAULT_SILENT)
		return; /* its firmware hangs: USB still takes bytes, nothing happens */
	scpi_execute(&s->scpi, text, reply);
	if (fault_now(s) == LINK_FAULT_GARBAGE && reply->len)
		g_string_assign(reply, "\x7f#?,,1e\n");
}

static void on_misuse(void *user, int error)
{
	Supply *s = user;
	if (fault_now(s) != LINK_FAULT_SILENT)
		scpi_error(&s->scpi, error);
}

static uint8_t on_status_byte(void *user)
{
	return scpi_status_byte(&((Supply *)user)->scpi);
}

/* ---- USB ----------------------------------------------------------------------------------------------------------------- */

static int on_control(void *user, const uint8_t setup[8], uint8_t *data)
{
	return usbtmc_control(&((Supply *)user)->tmc, setup, data);
}

static int on_bulk_out(void *user, uint8_t endpoint, const uint8_t *data, size_t size)
{
	return endpoint == USBTMC_BULK_OUT ? usbtmc_bulk_out(&((Supply *)user)->tmc, data, size)
					   : -EPIPE;
}

static int on_bulk_in(void *user, uint8_t endpoint, uint8_t *data, size_t size)
{
	return endpoint == USBTMC_BULK_IN ? usbtmc_bulk_in(&((Supply *)user)->tmc, data, size)
					  : -EPIPE;
}

static void on_reset(void *user)
{
	usbtmc_reset(&((Supply *)user)->tmc);
}

static void on_clear_halt(void *user, uint8_t endpoint)
{
	(void)endpoint;
	usbtmc_unhalt(&((Supply *)user)->tmc);
}

static const UsbDeviceOps usb_ops = {on_control, on_bulk_out, on_bulk_in, on_reset, on_clear_halt};

static gpointer run(gpointer user)
{
	Supply *s = user;
	while (!atomic_load(&s->quit)) {
		usb_server_run(s->server, CLOCK_NEVER);
		if (!atomic_exchange(&s->power_cut, false))
			continue;
		scpi_power_on(&s->scpi);
		usbtmc_reset(&s->tmc);
	}
	return NULL;
}

/* ---- open and close --------------------------------------------------------------------------------------------------------- */

static gboolean supply_open(FarEnd *end, const FarEndOptions *options, GError **error)
{
	Supply *s = end->self = g_new0(Supply, 1);
	const WorldDevice *d = end->device;
	s->end = end;
	s->voltage = world_terminal(end->shared, d, "voltage", true);
	s->output = world_terminal(end->shared, d, "output", true);
	s->sense_voltage = world_terminal(end->shared, d, "voltage", false);
	s->sense_current = world_terminal(end->shared, d, "current", false);
	const ScpiIo io = {s, set_voltage, set_output, measure_voltage, measure_current};
	scpi_init(&s->scpi, &io, (const char *const[]){d->maker, d->model, d->serial, d->version},
		  d->volts_max, d->amperes_max);
	const UsbtmcHandler handler = {s, on_message, on_misuse, NULL, on_status_byte};
	usbtmc_init(&s->tmc, &handler, d->vendor, d->product, d->maker, d->model, d->serial);
	g_autofree char *path = g_strdup_printf("%s/%s.sock", options->folder, d->name);
	s->server = usb_server_new(path, &usb_ops, s, error);
	if (!s->server)
		return FALSE;
	end->uri = g_strdup_printf("usbsock:%s", path);
	s->thread = g_thread_new(d->name, run, s);
	return TRUE;
}

static void supply_close(FarEnd *end)
{
	Supply *s = end->self;
	atomic_store(&s->quit, true);
	if (s->thread) {
		usb_server_wake(s->server);
		g_thread_join(s->thread);
	}
	usb_server_free(s->server);
	usbtmc_clear(&s->tmc);
	g_clear_pointer(&end->self, g_free);
}

/* Mains off: its output dies and it leaves the bus; it comes back as after power-on. */
static void supply_set_fault(FarEnd *end, LinkFaultKind kind, bool on)
{
	Supply *s = end->self;
	if (kind != LINK_FAULT_OFF)
		return;
	atomic_store(&s->power_cut, true);
	usb_server_plug(s->server, !on);
	if (s->output >= 0)
		world_drive(end->shared, s->output, 0);
}

const FarEndOps far_supply = {
	.kind = WORLD_USBTMC,
	.open = supply_open,
	.close = supply_close,
	.set_fault = supply_set_fault,
	.faults = {LINK_FAULT_OFF, LINK_FAULT_SILENT, LINK_FAULT_GARBAGE},
};
