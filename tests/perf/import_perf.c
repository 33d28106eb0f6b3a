/* How fast recordings of others become sessions: the same 8 values at 1 kHz in each format, from a file to a sealed session
 * in a file, everything included (hash, decoding, sorting, writing, one sync). Prints; asserts nothing about time. */
#include <anzen/base.h>
#include <anzen/import.h>
#include <anzen/mcap.h>
#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define FIELDS 8
#define MESSAGES 200000
#define DEFINITION "float64[8] v\n"

static char *dir;

static void values_of(unsigned i, double v[FIELDS])
{
	for (unsigned k = 0; k < FIELDS; k++)
		v[k] = sin(i * 0.001 + k) + (double)(i * 2654435761u >> 22) * 1e-6;
}

static char *file(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static void put32(GByteArray *b, uint32_t v)
{
	v = GUINT32_TO_LE(v);
	g_byte_array_append(b, (const guint8 *)&v, 4);
}

static void put(GByteArray *b, const void *data, size_t size)
{
	g_byte_array_append(b, data, (guint)size);
}

static void save(const char *name, GByteArray *b)
{
	g_autofree char *path = file(name);
	g_file_set_contents(path, (const char *)b->data, b->len, NULL);
	g_byte_array_unref(b);
}

static void make_mcap(const char *name, bool json, McapCompression compression)
{
	GByteArray *to = g_byte_array_new();
	McapSink sink;
	McapLane lane = {.compression = compression};
	McapWriterOptions options = mcap_writer_defaults;
	options.lanes = &lane;
	options.n_lanes = 1;
	mcap_memory_sink(to, &sink);
	McapWriter *w = mcap_writer_new(&sink, &options, NULL);
	mcap_writer_schema(w, 1, "p/msg/T", json ? "jsonschema" : "ros2msg", DEFINITION,
			   strlen(DEFINITION), NULL);
	mcap_writer_channel(w, 1, 1, "/imu", json ? "json" : "cdr", NULL, 0, NULL);
	for (unsigned i = 0; i < MESSAGES; i++) {
		uint8_t cdr[4 + 8 * FIELDS] = {0, 1};
		double v[FIELDS];
		values_of(i, v);
		memcpy(cdr + 4, v, sizeof(v));
		g_autofree char *text =
			json ? g_strdup_printf("{\"v\":[%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g]}",
					       v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7])
			     : NULL;
		mcap_writer_message(w, 1, i, i * 1000000ull, i * 1000000ull,
				    json ? (const void *)text : cdr,
				    json ? strlen(text) : sizeof(cdr), NULL);
	}
	mcap_writer_finish(w, NULL);
	mcap_writer_free(w);
	save(name, to);
}

static void put_field(GByteArray *b, const char *name, const void *value, size_t size)
{
	put32(b, (uint32_t)(strlen(name) + 1 + size));
	put(b, name, strlen(name));
	put(b, "=", 1);
	put(b, value, size);
}

static void put_record(GByteArray *to, GByteArray *header, const void *data, size_t size)
{
	put32(to, header->len);
	put(to, header->data, header->len);
	put32(to, (uint32_t)size);
	put(to, data, size);
	g_byte_array_set_size(header, 0);
}

static void make_bag(const char *name)
{
	GByteArray *to = g_byte_array_new(), *chunk = g_byte_array_new();
	g_autoptr(GByteArray) header = g_byte_array_new();
	g_autoptr(GByteArray) connection = g_byte_array_new();
	put(to, "#ROSBAG V2.0\n", 13);
	put_field(connection, "type", "p/T", 3);
	put_field(connection, "message_definition", DEFINITION, strlen(DEFINITION));
	put_field(header, "op", "\x07", 1);
	put_field(header, "conn", "\0\0\0", 4);
	put_field(header, "topic", "/imu", 4);
	put_record(chunk, header, connection->data, connection->len);
	for (unsigned i = 0; i < MESSAGES; i++) {
		double v[FIELDS];
		const uint32_t time[2] = {i / 1000, i % 1000 * 1000000};
		values_of(i, v);
		put_field(header, "op", "\x02", 1);
		put_field(header, "conn", "\0\0\0", 4);
		put_field(header, "time", time, 8);
		put_record(chunk, header, v, sizeof(v));
		if (chunk->len < 768 * 1024 && i + 1 < MESSAGES)
			continue;
		const uint32_t size = chunk->len;
		put_field(header, "op", "\x05", 1);
		put_field(header, "compression", "none", 4);
		put_field(header, "size", &size, 4);
		put_record(to, header, chunk->data, chunk->len);
		g_byte_array_set_size(chunk, 0);
	}
	g_byte_array_unref(chunk);
	save(name, to);
}

static void put_ulog(GByteArray *to, char kind, const void *data, size_t size)
{
	const uint8_t head[3] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)kind};
	put(to, head, 3);
	put(to, data, size);
}

static void make_ulog(const char *name)
{
	static const char format[] = "imu:uint64_t timestamp;double[8] v;";
	GByteArray *to = g_byte_array_new();
	put(to, "ULog\x01\x12\x35\x01\0\0\0\0\0\0\0\0", 16);
	put_ulog(to, 'F', format, strlen(format));
	put_ulog(to, 'A', "\0\x01\0imu", 6);
	for (unsigned i = 0; i < MESSAGES; i++) {
		uint8_t body[2 + 8 + 8 * FIELDS] = {1};
		uint64_t us = i * 1000ull;
		double v[FIELDS];
		values_of(i, v);
		memcpy(body + 2, &us, 8);
		memcpy(body + 10, v, sizeof(v));
		put_ulog(to, 'D', body, sizeof(body));
	}
	save(name, to);
}

static void make_db3(const char *name)
{
	g_autofree char *path = file(name);
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	sqlite3_open(path, &db);
	sqlite3_exec(
		db,
		"create table topics(id integer primary key, name, type, serialization_format, "
		"offered_qos_profiles);"
		"create table messages(id integer primary key, topic_id, timestamp, data);"
		"create table message_definitions(id integer primary key, topic_type, encoding, "
		"encoded_message_definition, type_description_hash);"
		"insert into topics values(1, '/imu', 'p/msg/T', 'cdr', '');"
		"insert into message_definitions values(1, 'p/msg/T', 'ros2msg', "
		"'float64[8] v', '');begin",
		NULL, NULL, NULL);
	sqlite3_prepare_v2(db, "insert into messages values(null, 1, ?1, ?2)", -1, &s, NULL);
	for (unsigned i = 0; i < MESSAGES; i++) {
		uint8_t cdr[4 + 8 * FIELDS] = {0, 1};
		double v[FIELDS];
		values_of(i, v);
		memcpy(cdr + 4, v, sizeof(v));
		sqlite3_bind_int64(s, 1, i * 1000000ll);
		sqlite3_bind_blob(s, 2, cdr, sizeof(cdr), SQLITE_TRANSIENT);
		sqlite3_step(s);
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	sqlite3_exec(db, "commit", NULL, NULL, NULL);
	sqlite3_close(db);
}

/* 8 channels of 16 bits at 1 kHz. */
static void make_wav(const char *name)
{
	GByteArray *to = g_byte_array_new();
	const uint32_t size = MESSAGES * FIELDS * 2;
	put(to, "RIFF", 4);
	put32(to, size + 36);
	put(to, "WAVEfmt \x10\0\0\0\x01\0\x08\0\xe8\x03\0\0\x80\x3e\0\0\x10\0\x10\0data", 32);
	put32(to, size);
	for (unsigned i = 0; i < MESSAGES; i++) {
		double v[FIELDS];
		int16_t frame[FIELDS];
		values_of(i, v);
		for (unsigned k = 0; k < FIELDS; k++)
			frame[k] = (int16_t)(v[k] * 16000);
		put(to, frame, sizeof(frame));
	}
	save(name, to);
}

static void make_csv(const char *name)
{
	GString *text = g_string_new("t,v0,v1,v2,v3,v4,v5,v6,v7\n");
	g_autofree char *path = file(name), *map = file("map.yaml");
	GString *mapping =
		g_string_new("anzen: mapping/1\nid: perf\ntime: {column: t, unit: ms}\nsignals:\n");
	for (unsigned i = 0; i < MESSAGES; i++) {
		double v[FIELDS];
		values_of(i, v);
		g_string_append_printf(text, "%u,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", i,
				       v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
	}
	for (unsigned k = 0; k < FIELDS; k++)
		g_string_append_printf(
			mapping, "  v.x%u: {column: v%u, unit: '1', origin: stimulus}\n", k, k);
	g_file_set_contents(path, text->str, (gssize)text->len, NULL);
	g_file_set_contents(map, mapping->str, (gssize)mapping->len, NULL);
	g_string_free(text, TRUE);
	g_string_free(mapping, TRUE);
}

static void measure(const char *what, const char *name)
{
	g_autofree char *path = file(name), *out = file("out.mcap"), *map = file("map.yaml");
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(ImportReport) report = NULL;
	const ImportOptions options = {0};
	GStatBuf st = {0}, made = {0};
	g_stat(path, &st);
	int64_t before = clock_now(clock_monotonic());
	gboolean good = import_format(path)
				? import_recording(path, &options, out, &report, diag, &error)
				: import_table(path, map, out, diag, &error);
	double seconds = (double)(clock_now(clock_monotonic()) - before) / 1e9;
	if (!good) {
		printf("%-22s failed: %s\n", what, error->message);
		return;
	}
	g_stat(out, &made);
	printf("%-22s %6.1f MB in %5.2f s: %6.1f MB/s, %.2f million values/s, session of %.1f MB\n",
	       what, (double)st.st_size / 1e6, seconds, (double)st.st_size / 1e6 / seconds,
	       (double)MESSAGES * FIELDS / 1e6 / seconds, (double)made.st_size / 1e6);
	g_unlink(out);
	g_unlink(path);
}

int main(void)
{
	dir = g_dir_make_tmp("anzen-import-perf-XXXXXX", NULL);
	printf("%d messages of %d doubles, 1 kHz\n", MESSAGES, FIELDS);
	make_mcap("a.mcap", false, MCAP_NONE);
	measure("MCAP cdr", "a.mcap");
	make_mcap("z.mcap", false, MCAP_ZSTD);
	measure("MCAP cdr, zstd", "z.mcap");
	make_mcap("j.mcap", true, MCAP_NONE);
	measure("MCAP json", "j.mcap");
	make_bag("a.bag");
	measure("ROS 1 bag", "a.bag");
	make_db3("a.db3");
	measure("rosbag2 sqlite3", "a.db3");
	make_ulog("a.ulg");
	measure("ULog", "a.ulg");
	make_wav("a.wav");
	measure("WAV 16 bit", "a.wav");
	make_csv("a.csv");
	measure("CSV", "a.csv");
	g_autofree char *map = file("map.yaml");
	g_unlink(map);
	g_rmdir(dir);
	g_free(dir);
	return 0;
}
