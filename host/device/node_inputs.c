/* The node driver's inputs: analog scans with oversampling, captured edges. */
#include "node.h"

#include <math.h>

#define ALIVE_NS (50 * CLOCK_MS) /* a captured input's level is told so often, edges or not */
#define WRITE_NS CLOCK_S

/* ---- what the rig wants ------------------------------------------------------------------------------------------- */

static bool is_adc(int reg)
{
	return reg >= PROTO_REG_ADC0 && reg <= PROTO_REG_ADC3;
}

static bool is_input(int reg)
{
	return reg >= PROTO_REG_IN0 && reg <= PROTO_REG_IN3;
}

static bool any_oversampled(const NodeDevice *self)
{
	for (int i = 0; i < PROTO_ADC_CHANNELS; i++)
		if (self->scan.conversions[i] > 1)
			return true;
	return false;
}

/* Without oversampling all are converted, wanted or not, as ever: nothing is won by leaving one out. */
static int conversions(const NodeDevice *self, int i)
{
	return self->scan.conversions[i] || any_oversampled(self) ? self->scan.conversions[i] : 1;
}

static gboolean fits(NodeDevice *self, GError **error)
{
	int sum = 0, ms = (int)(self->scan.period_ns / CLOCK_MS);
	g_autoptr(GString) who = g_string_new(NULL);
	for (int i = 0; i < PROTO_ADC_CHANNELS; i++) {
		sum += conversions(self, i);
		if (conversions(self, i))
			g_string_append_printf(who, "%sadc.%d %d", who->len ? ", " : "", i,
					       conversions(self, i));
	}
	if (sum <= PROTO_ADC_PER_MS * ms)
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s: its converter makes %d conversions in %d ms, the roles want %d (%s): "
		    "oversample "
		    "less, or let all its analog roles have `sample: %d ms`",
		    self->name, PROTO_ADC_PER_MS * ms, ms, sum, who->str,
		    (sum + PROTO_ADC_PER_MS - 1) / PROTO_ADC_PER_MS);
	return FALSE;
}

static gboolean setup_adc(NodeDevice *self, int i, const DeviceSetup *setup, GError **error)
{
	int64_t period = setup->period_ns ? setup->period_ns : PROTO_ADC_PERIOD_MS * CLOCK_MS;
	int64_t ms = CLAMP(period / CLOCK_MS, 1, 32);
	int n = setup->oversample ? setup->oversample : 1;
	if (n != 1 && n != 4 && n != 16) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: adc.%d: oversample is 1, 4 or 16", self->name, i);
		return FALSE;
	}
	self->scan.conversions[i] = (uint8_t)n;
	if (!self->scan.period_ns || ms * CLOCK_MS < self->scan.period_ns)
		self->scan.period_ns = ms * CLOCK_MS;
	return fits(self, error);
}

gboolean node_inputs_setup(NodeDevice *self, int reg, const DeviceSetup *setup, GError **error)
{
	if ((setup->oversample && !is_adc(reg)) || (setup->edges && !is_input(reg))) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    setup->edges ? "%s: `edges` is for in.0 to in.3"
					 : "%s: `oversample` is for adc.0 to adc.3",
			    self->name);
		return FALSE;
	}
	if (is_adc(reg) && setup->sampled)
		return setup_adc(self, reg - PROTO_REG_ADC0, setup, error);
	if (setup->edges && setup->sampled)
		self->captured |= (uint8_t)(1u << (reg - PROTO_REG_IN0));
	return TRUE;
}

/* ---- having the node do it ------------------------------------------------------------------------------------------ */

static gboolean write_register(NodeDevice *self, int reg, int value, bool wait, GError **error)
{
	uint8_t bytes[PROTO_PAYLOAD];
	if (wait)
		return node_session_write(self, (uint8_t)reg, value,
					  clock_now(clock_monotonic()) + WRITE_NS, error);
	ProtoWrite w = {.reg = (uint8_t)reg, .flags = PROTO_WRITE_SOONEST, .value = value};
	return proto_link_post(&self->link, bytes, proto_write_put(&w, bytes));
}

/* Off first, then the time, then the sums: no step on the way is more than the converter can do. */
static gboolean start_scans(NodeDevice *self, bool wait, GError **error)
{
	bool plain =
		!any_oversampled(self) && self->scan.period_ns == PROTO_ADC_PERIOD_MS * CLOCK_MS;
	self->batch_known = false;
	self->scan.plan = 0;
	self->scan.period_ms = (uint8_t)(self->scan.period_ns / CLOCK_MS);
	for (int i = 0; i < PROTO_ADC_CHANNELS; i++) {
		int n = conversions(self, i);
		self->scan.plan |= (uint8_t)((n == 16 ? 3 : n == 4 ? 2 : n) << 2 * i);
		if (!plain && !n &&
		    !write_register(self, PROTO_REG_ADC0_OVERSAMPLE + i, 0, wait, error))
			return FALSE;
	}
	if (!plain &&
	    !write_register(self, PROTO_REG_ADC_PERIOD, self->scan.period_ms, wait, error))
		return FALSE;
	for (int i = 0; i < PROTO_ADC_CHANNELS; i++)
		if (conversions(self, i) > 1 && !write_register(self, PROTO_REG_ADC0_OVERSAMPLE + i,
								conversions(self, i), wait, error))
			return FALSE;
	return write_register(self, PROTO_REG_STREAM, 1, wait, error);
}

gboolean node_inputs_start(NodeDevice *self, bool wait, GError **error)
{
	self->streaming = self->scan.period_ns != 0;
	self->edges_known = false;
	if (self->captured && !write_register(self, PROTO_REG_EDGES, self->captured, wait, error))
		return FALSE;
	return !self->streaming || start_scans(self, wait, error);
}

/* Edges of input i were lost after the last that was told, and before until_ns. */
static void lost_edges(NodeDevice *self, int i, int64_t until_ns, const char *why)
{
	int channel = self->channel_of[PROTO_REG_IN0 + i];
	int64_t from = self->last_edge_ns[i] + 1;
	if (!(self->captured >> i & 1) || from == 1)
		return;
	self->last_edge_ns[i] = from;
	node_tell(self, channel, from, NAN, SAMPLE_MISSING);
	device_host_fault(self->host, channel, from, MAX(until_ns, from),
			  "%s: edges of in.%d lost: %s", self->name, i, why);
}

void node_inputs_restarted(NodeDevice *self)
{
	for (int i = 0; i < 4 && self->started; i++)
		lost_edges(self, i, node_session_now(self), "the node or its link began anew");
	if (self->streaming || self->captured)
		node_inputs_start(self, false, NULL);
}

/* ---- what the node tells ---------------------------------------------------------------------------------------------- */

static void tell_edge(NodeDevice *self, int i, int64_t t_ns, double level)
{
	int64_t t = MAX(t_ns, self->last_edge_ns[i] + 1);
	self->last_edge_ns[i] = t;
	self->edge_level[i] = level;
	node_tell(self, self->channel_of[PROTO_REG_IN0 + i], t, level, SAMPLE_OK);
}

/* Capture begins (again) at t: what was lost before lies after what was told last. */
static void edges_begin(NodeDevice *self, int i, int64_t t, uint16_t lost)
{
	char why[80];
	g_snprintf(why, sizeof why,
		   "%u at least of its inputs': they change faster than it can tell",
		   (uint16_t)(lost - self->edges_lost));
	if (self->edges_known)
		lost_edges(self, i, t, why);
}

void node_on_edges(NodeDevice *self, const ProtoEdges *edges)
{
	int64_t until = node_clock_bench(&self->clock, edges->at);
	bool begins = false;
	for (unsigned k = 0; k < edges->edges; k++) {
		int i = edges->edge[k].what & PROTO_EDGE_INPUT;
		int64_t t = node_clock_bench(&self->clock, edges->at - edges->edge[k].before);
		if (!(self->captured >> i & 1))
			continue;
		if (edges->edge[k].what & PROTO_EDGE_LEVEL) {
			begins = true;
			edges_begin(self, i, t, edges->lost);
		}
		tell_edge(self, i, t, edges->edge[k].what & PROTO_EDGE_HIGH ? 1 : 0);
	}
	if (begins) {
		self->edges_known = true;
		self->edges_lost = edges->lost;
	}
	for (int i = 0; i < 4; i++)
		if ((self->captured >> i & 1) && self->last_edge_ns[i] &&
		    until - self->last_edge_ns[i] >= ALIVE_NS)
			tell_edge(self, i, until, self->edge_level[i]);
}

/* Batches lost on the way or dropped by a busy node: nothing is known from the last sample to the next. */
static void on_gap(NodeDevice *self, uint16_t lost, int64_t until_ns)
{
	for (int k = 0; k < PROTO_ADC_CHANNELS; k++) {
		int channel = self->channel_of[PROTO_REG_ADC0 + k];
		if (!device_host_setup(self->host, channel)->sampled || !self->last_sample_ns[k])
			continue;
		int64_t from = self->last_sample_ns[k] + 1;
		node_tell(self, channel, from, NAN, SAMPLE_MISSING);
		device_host_fault(self->host, channel, from, until_ns,
				  "%s: %u batches of samples lost", self->name, lost);
	}
}

static void tell_sample(NodeDevice *self, int k, int64_t t, uint16_t raw, int n)
{
	/* a new regression may move the line by a little */
	t = MAX(t, self->last_sample_ns[k] + 1);
	self->last_sample_ns[k] = t;
	node_tell(self, self->channel_of[PROTO_REG_ADC0 + k], t,
		  (double)(raw & ~PROTO_ADC_CLIPPED) / n,
		  raw & PROTO_ADC_CLIPPED ? SAMPLE_SATURATED : SAMPLE_OK);
	device_host_stats(self->host)->samples++;
}

/* A sum becomes counts of one conversion again, with a fraction: a certificate holds whatever the oversampling. */
void node_on_adc(NodeDevice *self, const ProtoAdc *adc)
{
	uint16_t lost = (uint16_t)(adc->batch - self->batch - 1);
	if (adc->plan != self->scan.plan)
		return; /* from before what was asked for */
	if (self->batch_known && lost)
		on_gap(self, lost, node_clock_bench(&self->clock, adc->at));
	self->batch = adc->batch;
	self->batch_known = true;
	for (unsigned s = 0; s < adc->scans; s++)
		for (unsigned i = 0; i < adc->channels; i++)
			tell_sample(self, adc->of[i].channel,
				    node_clock_bench(&self->clock,
						     adc->at + s * adc->period + adc->of[i].after),
				    proto_get16(adc->values + 2 * (s * adc->channels + i)),
				    adc->of[i].conversions);
}
