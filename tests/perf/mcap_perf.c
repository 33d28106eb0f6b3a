/* Figures of the container: 16 channels x 1 kHz x 64 B, written to and read from memory, every CRC computed and checked.
 * Prints; asserts nothing about time. */
#include <anzen/mcap.h>
#include <anzen/base.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS 16
#define SECONDS 60
#define MESSAGES (CHANNELS * 1000 * SECONDS)
#define PAYLOAD 64

/* What a sensor gives: a stamp, slowly moving values with a little noise. */
static void payload_of(uint8_t out[PAYLOAD], unsigned i, uint32_t *noise)
{
	double values[PAYLOAD / 8];
	for (unsigned k = 0; k < PAYLOAD / 8; k++) {
		*noise = *noise * 1664525u + 1013904223u;
		values[k] = k == 0 ? i : sin(i * 0.001 + k) + (*noise >> 22) * 1e-6;
	}
	memcpy(out, values, PAYLOAD);
}

static void write_file(GByteArray *to, McapCompression compression, uint8_t (*payloads)[PAYLOAD])
{
	McapSink sink;
	McapLane lane = {.compression = compression};
	McapWriterOptions options = mcap_writer_defaults;
	mcap_memory_sink(to, &sink);
	options.lanes = &lane;
	options.n_lanes = 1;
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &options, NULL);
	mcap_writer_schema(w, 1, "S", "ros2msg", "float64 value", 13, NULL);
	for (uint16_t c = 1; c <= CHANNELS; c++)
		mcap_writer_channel(w, c, 1, "/signals/x", "cdr", NULL, 0, NULL);
	for (unsigned i = 0; i < MESSAGES; i++)
		mcap_writer_message(w, (uint16_t)(1 + i % CHANNELS), i / CHANNELS, i * 62500ull,
				    i * 62500ull, payloads[i % 65536], PAYLOAD, NULL);
	mcap_writer_finish(w, NULL);
}

static unsigned read_file(const GByteArray *bytes)
{
	g_auto(McapSource) source = {0};
	McapRecord record;
	unsigned n = 0;
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, NULL);
	while (mcap_reader_next(reader, &record, NULL) == MCAP_NEXT_RECORD)
		n += record.opcode == MCAP_MESSAGE;
	return n;
}

static double seconds_since(int64_t start)
{
	return (double)(clock_now(clock_monotonic()) - start) / 1e9;
}

int main(void)
{
	static const char *const names[] = {"none", "lz4", "zstd-1"};
	static uint8_t payloads[65536][PAYLOAD];
	const double megabytes = (double)MESSAGES * PAYLOAD / 1e6;
	uint32_t noise = 1;
	int wrong = 0;
	for (unsigned i = 0; i < G_N_ELEMENTS(payloads); i++)
		payload_of(payloads[i], i, &noise);
	for (unsigned c = MCAP_NONE; c <= MCAP_ZSTD; c++) {
		double write_s = INFINITY, read_s = INFINITY;
		guint size = 0;
		for (int round = 0; round < 3; round++) { /* the best of three */
			g_autoptr(GByteArray) bytes = g_byte_array_sized_new(200u << 20);
			int64_t start = clock_now(clock_monotonic());
			write_file(bytes, (McapCompression)c, payloads);
			write_s = MIN(write_s, seconds_since(start));
			start = clock_now(clock_monotonic());
			wrong += read_file(bytes) != MESSAGES;
			read_s = MIN(read_s, seconds_since(start));
			size = bytes->len;
		}
		printf("%-7s write %6.0f MB/s %.3f us/message, read %6.0f MB/s, file %.1f MB of "
		       "%.1f MB payload\n",
		       names[c], megabytes / write_s, write_s / MESSAGES * 1e6, megabytes / read_s,
		       size / 1e6, megabytes);
	}
	return wrong != 0;
}
