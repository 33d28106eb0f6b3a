/* Wrappers that stack on any ByteLink: trace shows the bytes, fault damages them repeatably. */
#include "internal.h"

#include <string.h>

/* ---- trace ---- */

typedef struct {
	ByteLink *inner;
	Clock *clock;
	LinkTraceFunc func;
	void *user;
} Trace;

static void trace_close(void *self)
{
	Trace *trace = self;
	byte_link_close(trace->inner);
	g_free(trace);
}

static gssize trace_read(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	Trace *trace = self;
	gssize n = byte_link_read(trace->inner, data, size, deadline_ns, error);
	if (n > 0)
		trace->func(trace->user, byte_link_name(trace->inner), false,
			    clock_now(trace->clock), data, (size_t)n);
	return n;
}

static gboolean trace_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			    GError **error)
{
	Trace *trace = self;
	trace->func(trace->user, byte_link_name(trace->inner), true, clock_now(trace->clock), data,
		    size);
	return byte_link_write(trace->inner, data, size, deadline_ns, error);
}

static gboolean trace_drain(void *self, int64_t deadline_ns, GError **error)
{
	Trace *trace = self;
	return byte_link_drain(trace->inner, deadline_ns, error);
}

static int trace_fd(void *self)
{
	Trace *trace = self;
	return byte_link_fd(trace->inner);
}

static const ByteLinkOps trace_ops = {.kind = "trace",
				      .close = trace_close,
				      .read = trace_read,
				      .write = trace_write,
				      .drain = trace_drain,
				      .fd = trace_fd};

ByteLink *byte_link_trace(ByteLink *inner, Clock *clock, LinkTraceFunc func, void *user)
{
	Trace *trace = g_new0(Trace, 1);
	*trace = (Trace){inner, clock, func, user};
	return byte_link_new(&trace_ops, trace, byte_link_name(inner));
}

/* ---- fault ---- */

typedef struct {
	ByteLink *inner;
	Clock *clock;
	LinkFaults faults;
	uint64_t random_in,
		random_out; /* one stream each way: the same bytes get the same damage */
	GByteArray *held;   /* damaged, not yet read */
	GArray *due;        /* int64 per byte of `held` */
} FaultLink;

/* SplitMix64 (Steele, Lea, Flood 2014): small and good enough to pick victims. */
static double draw(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static uint8_t flip_bit(uint8_t byte, uint64_t *state)
{
	return byte ^ (uint8_t)(1u << (unsigned)(draw(state) * 8));
}

static void fault_close(void *self)
{
	FaultLink *link = self;
	byte_link_close(link->inner);
	g_byte_array_unref(link->held);
	g_array_unref(link->due);
	g_free(link);
}

static void hold(FaultLink *link, uint8_t byte, int64_t due_ns)
{
	g_byte_array_append(link->held, &byte, 1);
	g_array_append_val(link->due, due_ns);
}

static void damage(FaultLink *link, const uint8_t *data, size_t n)
{
	int64_t due = clock_now(link->clock) + link->faults.delay_ns;
	for (size_t i = 0; i < n; i++) {
		if (draw(&link->random_in) < link->faults.drop)
			continue;
		uint8_t byte = data[i];
		if (draw(&link->random_in) < link->faults.flip)
			byte = flip_bit(byte, &link->random_in);
		hold(link, byte, due);
		if (draw(&link->random_in) < link->faults.repeat)
			hold(link, byte, due);
	}
}

static size_t due_now(FaultLink *link, size_t size)
{
	int64_t now = clock_now(link->clock);
	size_t n = 0;
	while (n < size && n < link->held->len && g_array_index(link->due, int64_t, n) <= now)
		n++;
	if (n > 1 && draw(&link->random_in) < link->faults.split)
		n = 1;
	return n;
}

static size_t take(FaultLink *link, void *data, size_t n)
{
	memcpy(data, link->held->data, n);
	g_byte_array_remove_range(link->held, 0, (guint)n);
	g_array_remove_range(link->due, 0, (guint)n);
	return n;
}

static gssize fault_read(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	FaultLink *link = self;
	for (;;) {
		size_t n = due_now(link, size);
		if (n > 0)
			return (gssize)take(link, data, n);
		/* Held bytes shorten the wait: they come due before the deadline. */
		int64_t until = deadline_ns;
		if (link->held->len > 0)
			until = MIN(until, g_array_index(link->due, int64_t, 0));
		uint8_t raw[512];
		gssize got = byte_link_read(link->inner, raw, sizeof raw, until, error);
		if (got < 0)
			return -1;
		if (got > 0)
			damage(link, raw, (size_t)got);
		else if (until >= deadline_ns)
			return 0;
	}
}

static gboolean fault_write(void *self, const void *data, size_t size, int64_t deadline_ns,
			    GError **error)
{
	FaultLink *link = self;
	g_autoptr(GByteArray) out = g_byte_array_sized_new((guint)size);
	const uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++) {
		if (draw(&link->random_out) < link->faults.drop_out)
			continue;
		uint8_t byte = bytes[i];
		if (draw(&link->random_out) < link->faults.flip_out)
			byte = flip_bit(byte, &link->random_out);
		g_byte_array_append(out, &byte, 1);
	}
	return byte_link_write(link->inner, out->data, out->len, deadline_ns, error);
}

static gboolean fault_drain(void *self, int64_t deadline_ns, GError **error)
{
	FaultLink *link = self;
	return byte_link_drain(link->inner, deadline_ns, error);
}

static const ByteLinkOps fault_ops = {.kind = "fault",
				      .close = fault_close,
				      .read = fault_read,
				      .write = fault_write,
				      .drain = fault_drain};

ByteLink *byte_link_fault(ByteLink *inner, Clock *clock, const LinkFaults *faults)
{
	FaultLink *link = g_new0(FaultLink, 1);
	*link = (FaultLink){.inner = inner,
			    .clock = clock,
			    .faults = *faults,
			    .random_in = faults->seed,
			    .random_out = ~faults->seed,
			    .held = g_byte_array_new(),
			    .due = g_array_new(FALSE, FALSE, sizeof(int64_t))};
	return byte_link_new(&fault_ops, link, byte_link_name(inner));
}
