/* The schemas of our topics. A viewer decodes a session from these texts alone; they are part of the format. */
#include "wire.h"

#define RULE "================================================================================\n"
#define TIME_MSG RULE "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"

#define STAMP_JSON                                                                             \
	"\"stamp\":{\"type\":\"object\",\"title\":\"time\",\"properties\":{\"sec\":{\"type\":" \
	"\"integer\"},"                                                                        \
	"\"nsec\":{\"type\":\"integer\"}}}"

static const SchemaText schemas[] = {
	{SCHEMA_SAMPLE, "anzen_msgs/msg/Sample", "ros2msg",
	 "# One value of one signal; its unit and uncertainties stand in the channel's metadata.\n"
	 "uint8 OK=0\n"
	 "uint8 MISSING=1\n"
	 "uint8 SATURATED=2\n"
	 "uint8 STALE=3\n"
	 "# bench time\n"
	 "builtin_interfaces/Time stamp\n"
	 "float64 value\n"
	 "uint8 status\n" TIME_MSG,
	 "cdr"},
	{SCHEMA_SLOW_SAMPLE, "anzen.Sample", "jsonschema",
	 "{\"title\":\"anzen.Sample\",\"type\":\"object\",\"properties\":{" STAMP_JSON ","
	 "\"value\":{\"type\":[\"number\",\"null\",\"string\"],\"description\":\"null: not a "
	 "number\"},"
	 "\"status\":{\"type\":\"string\",\"enum\":[\"ok\",\"missing\",\"saturated\",\"stale\"]}},"
	 "\"required\":[\"stamp\",\"value\",\"status\"]}",
	 "json"},
	{SCHEMA_EVENT, "anzen.Event", "jsonschema",
	 "{\"title\":\"anzen.Event\",\"type\":\"object\",\"properties\":{" STAMP_JSON ","
	 "\"name\":{\"type\":\"string\"},\"producer\":{\"type\":\"string\"},"
	 "\"details\":{\"description\":\"as the name implies; absent: none\"}},"
	 "\"required\":[\"stamp\",\"name\"]}",
	 "json"},
	{SCHEMA_FAULT, "anzen.Fault", "jsonschema",
	 "{\"title\":\"anzen.Fault\",\"type\":\"object\",\"properties\":{" STAMP_JSON ","
	 "\"until_ns\":{\"type\":[\"integer\",\"null\"],\"description\":\"null: to the end\"},"
	 "\"source\":{\"type\":\"string\"},\"cause\":{\"type\":\"string\"},"
	 "\"signal\":{\"type\":[\"string\",\"null\"]},"
	 "\"blame\":{\"type\":\"string\",\"enum\":[\"bench\",\"product\",\"unknown\"]},"
	 "\"proven\":{\"type\":\"boolean\"}},"
	 "\"required\":[\"stamp\",\"source\",\"cause\",\"blame\",\"proven\"]}",
	 "json"},
	{SCHEMA_VIDEO, "foxglove_msgs/msg/CompressedVideo", "ros2msg",
	 "# h264: Annex B, one frame a message, no B-frames, parameter sets in every key frame\n"
	 "builtin_interfaces/Time timestamp\n"
	 "string frame_id\n"
	 "uint8[] data\n"
	 "string format\n" TIME_MSG,
	 "cdr"},
	{SCHEMA_IMAGE, "foxglove_msgs/msg/CompressedImage", "ros2msg",
	 "builtin_interfaces/Time timestamp\n"
	 "string frame_id\n"
	 "uint8[] data\n"
	 "string format\n" TIME_MSG,
	 "cdr"},
	{SCHEMA_RAW_IMAGE, "foxglove_msgs/msg/RawImage", "ros2msg",
	 "builtin_interfaces/Time timestamp\n"
	 "string frame_id\n"
	 "uint32 width\n"
	 "uint32 height\n"
	 "string encoding\n"
	 "uint32 step\n"
	 "uint8[] data\n" TIME_MSG,
	 "cdr"},
	{SCHEMA_FRAME_INFO, "anzen_msgs/msg/FrameInfo", "ros2msg",
	 "# What the bench knows of the frame with the same MCAP sequence number beside it.\n"
	 "builtin_interfaces/Time capture\n"
	 "uint64 sequence\n"
	 "# standard uncertainty of capture\n"
	 "int64 capture_uncertainty_ns\n"
	 "uint32 width\n"
	 "uint32 height\n"
	 "bool key\n" TIME_MSG,
	 "cdr"},
};

const SchemaText *schema_text(SchemaId id)
{
	for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++)
		if (schemas[i].id == (uint16_t)id)
			return &schemas[i];
	g_assert_not_reached();
}

SchemaId schema_of_format(const char *format)
{
	static const struct {
		const char *format;
		SchemaId id;
	} known[] = {{"h264", SCHEMA_VIDEO},
		     {"h265", SCHEMA_VIDEO},
		     {"jpeg", SCHEMA_IMAGE},
		     {"gray8", SCHEMA_RAW_IMAGE},
		     {"i420", SCHEMA_RAW_IMAGE}};
	for (size_t i = 0; format && i < G_N_ELEMENTS(known); i++)
		if (!strcmp(known[i].format, format))
			return known[i].id;
	return (SchemaId)0;
}

static const char *const kinds[] = {[TOPIC_SIGNAL] = "signal",
				    [TOPIC_EVENT] = "event",
				    [TOPIC_FAULT] = "fault",
				    [TOPIC_FRAME] = "frame",
				    [TOPIC_FRAME_INFO] = "frame-info"};

const char *topic_kind_name(TopicKind kind)
{
	return kinds[kind];
}

gboolean topic_kind_parse(McapText name, TopicKind *ret)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (mcap_text_equal(name, kinds[i])) {
			*ret = (TopicKind)i;
			return TRUE;
		}
	return FALSE;
}

static const char *const statuses[] = {[SAMPLE_OK] = "ok",
				       [SAMPLE_MISSING] = "missing",
				       [SAMPLE_SATURATED] = "saturated",
				       [SAMPLE_STALE] = "stale"};

const char *sample_status_name(SampleStatus status)
{
	return statuses[status];
}

gboolean sample_status_parse(const char *name, SampleStatus *ret)
{
	for (unsigned i = 0; name && i < G_N_ELEMENTS(statuses); i++)
		if (!strcmp(statuses[i], name)) {
			*ret = (SampleStatus)i;
			return TRUE;
		}
	return FALSE;
}

void json_put_double(GString *out, double v)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	if (v != v)
		g_string_append(out, "null");
	else if (v > G_MAXDOUBLE || v < -G_MAXDOUBLE)
		g_string_append(out, v > 0 ? "\"inf\"" : "\"-inf\"");
	else
		g_string_append(out, g_ascii_dtostr(digits, sizeof(digits), v));
}
