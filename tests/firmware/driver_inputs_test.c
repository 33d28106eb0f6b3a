/* Oversampling and captured edges through the node's driver, against the natively compiled core on a manual clock: what a
 * session gets, and what a rig is refused. */
#include <anzen/device.h>
#include <anzen/protocol.h>
#include <node_native.h>

#include "unit.h"

#include <math.h>

typedef struct {
	int64_t t_ns;
	double value;
	SampleStatus status;
} Seen;
typedef struct {
	Stream stream;
	Clock *clock;
	NodeNative *node;
	Device *device;
	GArray *seen; /* of `watched` */
	const char *watched;
	unsigned conversions, faults;
	int64_t fault_ns, fault_until_ns;
	char fault[200], fault_signal[32];
} Rig;

/* Codes 511, 511, 511, 512 in turn on adc.0: 511.25 of sixteen. 2500 mV make 512, 2499 mV 511 (x 1024 / 5000, rounded down). */
static int dithered(void *user, const char *name, int64_t t_ns)
{
	(void)t_ns;
	Rig *rig = user;
	if (strcmp(name, "adc.0"))
		return 1000;
	return ++rig->conversions % 4 ? 2499 : 2500;
}

static void on_sample(Stream *self, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	Rig *rig = (Rig *)self;
	Seen s = {t_ns, value, status};
	if (!g_strcmp0(source, rig->watched))
		g_array_append_val(rig->seen, s);
}

static void on_fault(Stream *self, const Fault *fault)
{
	Rig *rig = (Rig *)self;
	rig->faults++;
	rig->fault_ns = fault->t_ns;
	rig->fault_until_ns = fault->until_ns;
	g_strlcpy(rig->fault, fault->cause, sizeof rig->fault);
	g_strlcpy(rig->fault_signal, fault->signal ? fault->signal : "", sizeof rig->fault_signal);
}

static Rig *rig_new(const char *watched)
{
	Rig *rig = g_new0(Rig, 1);
	NodeNativePlant plant = {rig, NULL, dithered, NULL};
	NodeNativeConfig config = {0};
	g_autoptr(GError) error = NULL;
	rig->stream = (Stream){.sample = on_sample, .fault = on_fault};
	rig->watched = watched;
	rig->seen = g_array_new(FALSE, FALSE, sizeof(Seen));
	rig->clock = clock_manual_new(0);
	rig->node = node_native_new(&config, &plant);
	DeviceConfig device = {.name = "node-a",
			       .driver = "node",
			       .clock = rig->clock,
			       .threadless = true,
			       .byte_link = node_native_link(rig->node)};
	rig->device = device_open(&device, &error);
	UNIT_OK(rig->device, error);
	return rig;
}

static void rig_free(Rig *rig)
{
	device_close(rig->device);
	node_native_free(rig->node);
	clock_free(rig->clock);
	g_array_unref(rig->seen);
	g_free(rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

static gboolean setup(Rig *rig, const char *channel, const DeviceSetup *s, GError **error)
{
	return device_setup(rig->device, device_channel(rig->device, channel), s, error);
}

static void run(Rig *rig, int64_t ns)
{
	for (int64_t until = clock_now(rig->clock) + ns; clock_now(rig->clock) < until;) {
		int64_t t = clock_now(rig->clock) + CLOCK_MS;
		node_native_run_to(rig->node, t);
		clock_manual_set(rig->clock, t);
		device_poll(rig->device, t);
	}
}

static void start(Rig *rig)
{
	g_autoptr(GError) error = NULL;
	UNIT_OK(device_start(rig->device, &rig->stream, &error), error);
}

static const Seen *seen_at(const Rig *rig, unsigned i)
{
	return &g_array_index(rig->seen, Seen, i);
}

static void oversampled_values_are_counts_with_two_more_bits(void)
{
	g_autoptr(Rig) rig = rig_new("adc.0");
	g_autoptr(GError) error = NULL;
	DeviceSetup s = {.sampled = true, .oversample = 16, .period_ns = 3 * CLOCK_MS};
	UNIT_OK(setup(rig, "adc.0", &s, &error), error);
	start(rig);
	run(rig, 310 * CLOCK_MS);
	CU_ASSERT_TRUE(rig->seen->len >= 95 && rig->seen->len <= 104);
	for (unsigned i = 0; i < rig->seen->len; i++) {
		CU_ASSERT_EQUAL(seen_at(rig, i)->value, 511.25);
		CU_ASSERT_EQUAL(seen_at(rig, i)->status, SAMPLE_OK);
		if (i)
			CU_ASSERT_TRUE(ABS(seen_at(rig, i)->t_ns - seen_at(rig, i - 1)->t_ns -
					   3 * CLOCK_MS) < 20 * CLOCK_US);
	}
	CU_ASSERT_EQUAL(rig->faults, 0);
}

static void more_than_the_converter_can_do_is_refused_with_a_cure(void)
{
	g_autoptr(Rig) rig = rig_new("adc.0");
	g_autoptr(GError) error = NULL;
	UNIT_OK(setup(rig, "adc.1", &(DeviceSetup){.sampled = true}, &error), error);
	CU_ASSERT_FALSE(
		setup(rig, "adc.0", &(DeviceSetup){.sampled = true, .oversample = 16}, &error));
	CU_ASSERT_TRUE(g_error_matches(error, ANZEN_ERROR, ANZEN_ERROR_INPUT));
	CU_ASSERT_PTR_NOT_NULL(error ? strstr(error->message, "adc.0 16, adc.1 1") : NULL);
	CU_ASSERT_PTR_NOT_NULL(error ? strstr(error->message, "sample: 3 ms") : NULL);
	g_clear_error(&error);
	CU_ASSERT_FALSE(
		setup(rig, "adc.0", &(DeviceSetup){.sampled = true, .oversample = 2}, &error));
	g_clear_error(&error);
	CU_ASSERT_FALSE(setup(rig, "in.0", &(DeviceSetup){.oversample = 4}, &error));
	g_clear_error(&error);
	CU_ASSERT_FALSE(setup(rig, "adc.0", &(DeviceSetup){.edges = true}, &error));
}

static Rig *capturing(void)
{
	Rig *rig = rig_new("in.2");
	g_autoptr(GError) error = NULL;
	UNIT_OK(setup(rig, "in.2", &(DeviceSetup){.sampled = true, .edges = true}, &error), error);
	start(rig);
	run(rig, 300 * CLOCK_MS);
	return rig;
}

/* At t, between two turns of everything else. */
static void change_at(Rig *rig, int64_t t_ns, bool level)
{
	node_native_run_to(rig->node, t_ns);
	node_native_set_input(rig->node, "in.2", level);
}

/* To the microsecond, between samples that say that nothing else happened. */
static void an_edge_has_its_own_time_in_the_session(void)
{
	g_autoptr(Rig) rig = capturing();
	int64_t now = clock_now(rig->clock), rise = now + 345678, fall = now + 456789;
	unsigned found = 0;
	change_at(rig, rise, true);
	change_at(rig, fall, false);
	run(rig, 300 * CLOCK_MS);
	CU_ASSERT_TRUE(rig->seen->len >= 8); /* as it began; alive */
	double was = 0;
	for (unsigned i = 0; i < rig->seen->len; i++) {
		const Seen *s = seen_at(rig, i);
		CU_ASSERT_EQUAL(s->status, SAMPLE_OK);
		if (i) {
			CU_ASSERT_TRUE(s->t_ns > seen_at(rig, i - 1)->t_ns);
			CU_ASSERT_TRUE(s->t_ns - seen_at(rig, i - 1)->t_ns < 250 * CLOCK_MS);
		}
		if (s->value != was) {
			CU_ASSERT_TRUE(ABS(s->t_ns - (s->value > 0 ? rise : fall)) < 20 * CLOCK_US);
			found++;
		}
		was = s->value;
	}
	CU_ASSERT_EQUAL(found, 2);
	CU_ASSERT_EQUAL(rig->faults, 0);
}

/* Sixty in a microsecond: those that did not fit are a bench fault from the last that is known to the first that is again. */
static void lost_edges_are_a_fault_of_the_bench(void)
{
	g_autoptr(Rig) rig = capturing();
	int64_t now = clock_now(rig->clock);
	for (int i = 0; i < 61; i++)
		change_at(rig, now + 500000, !(i & 1));
	run(rig, 200 * CLOCK_MS);
	unsigned missing = 0;
	for (unsigned i = 0; i < rig->seen->len; i++)
		missing += seen_at(rig, i)->status == SAMPLE_MISSING;
	CU_ASSERT_EQUAL(missing, 1);
	CU_ASSERT_EQUAL(rig->faults, 1);
	CU_ASSERT_STRING_EQUAL(rig->fault_signal, "in.2");
	CU_ASSERT_PTR_NOT_NULL(strstr(rig->fault, "edges of in.2 lost"));
	CU_ASSERT_TRUE(rig->fault_ns >= now && rig->fault_until_ns >= rig->fault_ns &&
		       rig->fault_until_ns < now + 20 * CLOCK_MS);
	CU_ASSERT_EQUAL(seen_at(rig, rig->seen->len - 1)->value, 1); /* as it is */
}

static void a_restart_is_a_fault_and_capture_goes_on(void)
{
	g_autoptr(Rig) rig = capturing();
	node_native_reset(rig->node, PROTO_CAUSE_WATCHDOG);
	run(rig, 2 * CLOCK_S);
	CU_ASSERT_TRUE(rig->faults >= 1);
	g_array_set_size(rig->seen, 0);
	change_at(rig, clock_now(rig->clock) + 100000, true);
	run(rig, 100 * CLOCK_MS);
	CU_ASSERT_TRUE(rig->seen->len >= 1 && seen_at(rig, rig->seen->len - 1)->value == 1);
}

UNIT_MAIN("firmware.driver-inputs", UNIT(oversampled_values_are_counts_with_two_more_bits),
	  UNIT(more_than_the_converter_can_do_is_refused_with_a_cure),
	  UNIT(an_edge_has_its_own_time_in_the_session), UNIT(lost_edges_are_a_fault_of_the_bench),
	  UNIT(a_restart_is_a_fault_and_capture_goes_on))
