#include "unit.h"

#include "far.h"
#include "sink.h"

static Device *open_supply(Far *far, Sink *sink, GError **error)
{
	DeviceConfig config = {.name = "psu",
			       .driver = "scpi",
			       .link = far_scpi.link(far),
			       .map = far_scpi.map(far)};
	Device *device = device_open(&config, error);
	if (device &&
	    device_setup(device, device_channel(device, "measured"),
			 &(DeviceSetup){.sampled = true}, error) &&
	    device_start(device, &sink->stream, error))
		return device;
	device_close(device);
	return NULL;
}

/* What instruments say when they measure nothing (SCPI-99 7.2.1.4, .5), and what is no number at all. */
static void overload_and_nonsense_are_no_values(void)
{
	static const struct {
		const char *text;
		SampleStatus want;
	} cases[] = {{"9.9E37", SAMPLE_SATURATED},
		     {"-9.9E37", SAMPLE_SATURATED},
		     {"9.91E37", SAMPLE_MISSING},
		     {"inf", SAMPLE_MISSING},
		     {"nan", SAMPLE_MISSING},
		     {"0x10", SAMPLE_MISSING},
		     {"12.5 V", SAMPLE_MISSING},
		     {"", SAMPLE_MISSING},
		     {"1,2", SAMPLE_MISSING},
		     {"99", SAMPLE_SATURATED} /* above the channel's range */};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		Sink sink;
		sink_init(&sink);
		Far *far = far_scpi.start();
		far_scpi_reply(far, cases[i].text);
		Device *device = open_supply(far, &sink, &error);
		UNIT_OK(device, error);
		CU_ASSERT(sink_reaches(
			&sink, cases[i].want == SAMPLE_SATURATED ? &sink.saturated : &sink.missing,
			1, 2000));
		CU_ASSERT_EQUAL(sink_count_good(&sink, "measured"), 0);
		device_close(device);
		far_scpi.stop(far);
		sink_clear(&sink);
	}
}

/* A reply to another question: the device is cleared, and the next answers are right again. */
static void after_a_failure_it_is_cleared_and_in_step(void)
{
	g_autoptr(GError) error = NULL;
	Sink sink;
	sink_init(&sink);
	Far *far = far_scpi.start();
	Device *device = open_supply(far, &sink, &error);
	UNIT_OK(device, error);
	int clears = far_scpi_clears(far);
	CU_ASSERT_EQUAL(clears, 1); /* at open */
	far_scpi.mode(far, FAR_WRONG);
	CU_ASSERT(sink_reaches(&sink, &sink.missing, 1, 2000));
	far_scpi.mode(far, FAR_WELL);
	unsigned had = sink_count_good(&sink, "measured");
	CU_ASSERT(sink_good(&sink, "measured", had + 5, 2000));
	CU_ASSERT(sink_only(&sink, "measured", 12.5));
	CU_ASSERT(far_scpi_clears(far) > clears);
	CU_ASSERT_FALSE(device && device_lost(device));
	device_close(device);
	far_scpi.stop(far);
	sink_clear(&sink);
}

static void another_instrument_is_refused(void)
{
	g_autoptr(GError) error = NULL;
	Sink sink;
	sink_init(&sink);
	Far *far = far_scpi.start();
	g_autofree char *text = NULL;
	g_file_get_contents(far_scpi.map(far), &text, NULL, NULL);
	g_auto(GStrv) parts = g_strsplit(text, "Test,Supply", 2);
	g_autofree char *changed = g_strjoinv("Test,Load", parts);
	g_file_set_contents(far_scpi.map(far), changed, -1, NULL);
	CU_ASSERT_PTR_NULL(open_supply(far, &sink, &error));
	CU_ASSERT(error && strstr(error->message, "another instrument"));
	far_scpi.stop(far);
	sink_clear(&sink);
}

UNIT_MAIN("device.scpi", UNIT(overload_and_nonsense_are_no_values),
	  UNIT(after_a_failure_it_is_cleared_and_in_step), UNIT(another_instrument_is_refused))
