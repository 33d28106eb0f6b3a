/* What a device would have, from its file alone: lock-step needs the same channels without the device. */
#include "internal.h"
#include "map.h"

#include <anzen/protocol.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static GArray *new_list(void)
{
	return g_array_new(FALSE, TRUE, sizeof(DevicePlantChannel));
}

static void append(GArray *list, const char *device, const DeviceChannel *channel, const char *port,
		   double scale, double offset)
{
	DevicePlantChannel p = {.channel = *channel, .scale = scale, .offset = offset};
	/* In lock-step time stamps are exact, and nothing acts by itself: the core keeps the time. */
	p.channel.u_clock_s = 0;
	p.channel.timed = false;
	g_snprintf(p.port, sizeof p.port, "%s.%s", device, port);
	g_array_append_val(list, p);
}

static GArray *describe_modbus(const DeviceConfig *config, Diagnostics *diag)
{
	g_autoptr(Map) map = map_load(config->map, diag);
	if (!map)
		return NULL;
	GArray *list = new_list();
	for (guint i = 0; i < map->channels->len; i++) {
		const MapChannel *c = &g_array_index(map->channels, MapChannel, i);
		append(list, config->name, &c->channel, c->channel.name, c->scale, c->offset);
	}
	return list;
}

static GArray *describe_scpi(const DeviceConfig *config, Diagnostics *diag)
{
	g_autoptr(Instrument) spec = instrument_load(config->map, diag);
	if (!spec)
		return NULL;
	GArray *list = new_list();
	for (guint i = 0; i < spec->channels->len; i++) {
		const InstrumentChannel *c = g_ptr_array_index(spec->channels, i);
		/* An instrument that sets and measures has a channel for each; the world knows one terminal. */
		const char *port = c->channel.name;
		if (g_str_has_prefix(port, "measured."))
			port += strlen("measured.");
		append(list, config->name, &c->channel, port, 1, 0);
	}
	return list;
}

static void describe_axis(GArray *list, const char *device, int i)
{
	const ProtoRegister *r = proto_register_by_id((uint8_t)(PROTO_REG_AXIS0 + i));
	const ProtoAxisFact *f = &proto_axis_facts[i];
	const struct {
		const char *part, *unit;
		double lo, hi;
		bool readable, boolean;
	} parts[] = {{"", "step", r->lo, r->hi, true, false},
		     {".velocity", "step/s", 1, f->max_v, false, false},
		     {".acceleration", "step/s^2", 1, f->max_a, false, false},
		     {".home", "1", 0, 1, false, true}};
	g_autofree char *at = g_strdup_printf("in.%d", f->limit); /* where its switch is wired to */
	for (size_t k = 0; k < G_N_ELEMENTS(parts); k++) {
		DeviceChannel c = {.lo = parts[k].lo,
				   .hi = parts[k].hi,
				   .safe = (double)NAN,
				   .writable = true,
				   .readable = parts[k].readable,
				   .boolean = parts[k].boolean};
		g_snprintf(c.name, sizeof c.name, "%s%s", r->name, parts[k].part);
		g_strlcpy(c.unit, parts[k].unit, sizeof c.unit);
		append(list, device, &c, parts[k].boolean ? at : c.name, 1, 0);
	}
}

/* The node's terminals as the protocol lists them; the world gives an ADC's input in volts, the converter has 1024 steps
 * over 5 V (ATmega2560 datasheet, 26.7: code = V × 1024 / Vref, rounded down). */
static GArray *describe_node(const DeviceConfig *config)
{
	GArray *list = new_list();
	for (size_t i = 0; i < proto_register_count; i++) {
		const ProtoRegister *r = &proto_registers[i];
		bool adc = r->reg >= PROTO_REG_ADC0 && r->reg <= PROTO_REG_ADC3;
		bool timed = r->access == PROTO_ACCESS_TIMED;
		if (!adc && !timed && !g_str_has_prefix(r->name, "in."))
			continue;
		DeviceChannel c = {.lo = r->lo, .hi = r->hi, .safe = timed ? r->safe : (double)NAN};
		g_strlcpy(c.name, r->name, sizeof c.name);
		g_strlcpy(c.unit, r->unit, sizeof c.unit);
		c.writable = timed;
		c.readable = true;
		c.boolean = r->lo == 0 && r->hi == 1;
		c.max_on_ns = (int64_t)r->max_on_ms * CLOCK_MS;
		if (!timed)
			c.period_ns = (int64_t)PROTO_ADC_PERIOD_MS * CLOCK_MS;
		append(list, config->name, &c, r->name, adc ? 1024 / 5.0 : 1, 0);
		g_array_index(list, DevicePlantChannel, list->len - 1).whole = adc;
	}
	for (int i = 0; i < PROTO_AXES; i++)
		describe_axis(list, config->name, i);
	return list;
}

static GArray *describe_camera(const DeviceConfig *config, GError **error)
{
	int width = 0, height = 0, fps = 0;
	if (config->format && (sscanf(config->format, "%dx%d@%d", &width, &height, &fps) != 3 ||
			       width < 16 || height < 16 || fps < 1 || fps > 240)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: format \"%s\": expected 640x360@30", config->name, config->format);
		return NULL;
	}
	GArray *list = new_list();
	DeviceChannel frame = {
		.name = "frame", .unit = "frame", .safe = (double)NAN, .frames = true};
	frame.period_ns = CLOCK_S / (fps ? fps : 30);
	append(list, config->name, &frame, "frame", 1, 0);
	return list;
}

GArray *device_describe(const DeviceConfig *config, GError **error)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	GArray *list = NULL;
	if (!g_strcmp0(config->driver, "camera"))
		return describe_camera(config, error);
	if (!g_strcmp0(config->driver, "node"))
		return describe_node(config);
	bool modbus = !g_strcmp0(config->driver, "modbus"),
	     scpi = !g_strcmp0(config->driver, "scpi");
	if ((modbus || scpi) && !config->map) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: `%s` is missing",
			    config->name, modbus ? "map" : "instrument");
		return NULL;
	}
	if (modbus)
		list = describe_modbus(config, diag);
	else if (scpi)
		list = describe_scpi(config, diag);
	else
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: driver \"%s\" cannot be described", config->name,
			    config->driver ? config->driver : "");
	if (!list && (modbus || scpi))
		diagnostics_to_error(diag, error);
	return list;
}
