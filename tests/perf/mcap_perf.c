/* Figures of the container: 16 channels x 1 kHz x 64 B, and frames of 1 MB, written to and read from memory, every CRC
 * computed and checked. CPU is the process's own time, user and system. Prints; asserts nothing about time. */
#include <anzen/mcap.h>
#include <anzen/base.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

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

#define FRAMES 400
#define FRAME_SIZE 1000000

static void write_frames(GByteArray *to, const uint8_t *frame)
{
	McapSink sink;
	McapLane lane = {.compression = MCAP_NONE};
	McapWriterOptions options = mcap_writer_defaults;
	mcap_memory_sink(to, &sink);
	options.lanes = &lane;
	options.n_lanes = 1;
	g_autoptr(McapWriter) w = mcap_writer_new(&sink, &options, NULL);
	mcap_writer_channel(w, 1, 0, "/frames/x", "cdr", NULL, 0, NULL);
	for (unsigned i = 0; i < FRAMES; i++)
		mcap_writer_message(w, 1, i, i * 33000000ull, i * 33000000ull, frame, FRAME_SIZE,
				    NULL);
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

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

typedef struct {
	double wall, cpu;
} Took;

typedef struct {
	int64_t wall;
	double cpu;
} Begun;

static Begun begin(void)
{
	return (Begun){clock_now(clock_monotonic()), cpu_seconds()};
}

/* Keep the best of several rounds. */
static void note(Took *best, Begun begun)
{
	double wall = (double)(clock_now(clock_monotonic()) - begun.wall) / 1e9;
	best->wall = MIN(best->wall, wall);
	best->cpu = MIN(best->cpu, cpu_seconds() - begun.cpu);
}

static void print(const char *name, double megabytes, unsigned messages, const Took *write,
		  const Took *read, guint size)
{
	printf("%-14s write %6.0f MB/s, CPU %.3f us/message; read %6.0f MB/s, CPU %.3f "
	       "us/message; file %.1f MB of %.1f MB payload\n",
	       name, megabytes / write->wall, write->cpu / messages * 1e6, megabytes / read->wall,
	       read->cpu / messages * 1e6, size / 1e6, megabytes);
}

static int measure_signals(void)
{
	static const char *const names[] = {"none", "lz4", "zstd-1"};
	static uint8_t payloads[65536][PAYLOAD];
	uint32_t noise = 1;
	int wrong = 0;
	for (unsigned i = 0; i < G_N_ELEMENTS(payloads); i++)
		payload_of(payloads[i], i, &noise);
	for (unsigned c = MCAP_NONE; c <= MCAP_ZSTD; c++) {
		Took write = {INFINITY, INFINITY}, read = write;
		guint size = 0;
		for (int round = 0; round < 3; round++) {
			g_autoptr(GByteArray) bytes = g_byte_array_sized_new(200u << 20);
			Begun begun = begin();
			write_file(bytes, (McapCompression)c, payloads);
			note(&write, begun);
			begun = begin();
			wrong += read_file(bytes) != MESSAGES;
			note(&read, begun);
			size = bytes->len;
		}
		print(names[c], (double)MESSAGES * PAYLOAD / 1e6, MESSAGES, &write, &read, size);
	}
	return wrong;
}

static int measure_frames(void)
{
	g_autofree uint8_t *frame = g_malloc(FRAME_SIZE);
	Took write = {INFINITY, INFINITY}, read = write;
	guint size = 0;
	int wrong = 0;
	for (unsigned i = 0; i < FRAME_SIZE; i++)
		frame[i] = (uint8_t)(i * 2654435761u >> 11);
	for (int round = 0; round < 3; round++) {
		g_autoptr(GByteArray) bytes = g_byte_array_sized_new(FRAMES * (FRAME_SIZE + 1000));
		/* Touched before, so that the kernel's clearing of pages is not measured. */
		memset(bytes->data, 0, FRAMES * (FRAME_SIZE + 1000));
		Begun begun = begin();
		write_frames(bytes, frame);
		note(&write, begun);
		begun = begin();
		wrong += read_file(bytes) != FRAMES;
		note(&read, begun);
		size = bytes->len;
	}
	print("1 MB frames", FRAMES * (double)FRAME_SIZE / 1e6, FRAMES, &write, &read, size);
	return wrong;
}

int main(void)
{
	return measure_signals() + measure_frames() != 0;
}
