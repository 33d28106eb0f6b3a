/* mcap (floor 2): the MCAP container, version 0: our own reader and writer. The format only: what
 * the messages mean stands in `session`.
 *
 * Source: the MCAP specification (mcap.dev/spec). All integers are little-endian; every record is
 * opcode(1) length(8) content. Every CRC is written and checked, where stored as other than 0 ("not
 * computed").
 *
 * Nothing here opens a file by itself in the reader or writer: bytes come from a McapSource and go
 * to a McapSink, small tables of functions, so that a test can tear, cut or refuse any write.
 * Nothing trusts a length: declared and real sizes are capped, and an error names the byte offset
 * ("S.mcap: byte 4711: chunk CRC …").
 *
 * Objects belong to one thread at a time.
 */
#ifndef ANZEN_MCAP_H
#define ANZEN_MCAP_H

#include <anzen/base/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

G_BEGIN_DECLS

#define MCAP_MAGIC "\x89MCAP0\r\n"
#define MCAP_MAGIC_SIZE 8
#define MCAP_RECORD_HEAD 9 /* opcode and length */

typedef enum {
	MCAP_HEADER = 0x01,
	MCAP_FOOTER = 0x02,
	MCAP_SCHEMA = 0x03,
	MCAP_CHANNEL = 0x04,
	MCAP_MESSAGE = 0x05,
	MCAP_CHUNK = 0x06,
	MCAP_MESSAGE_INDEX = 0x07,
	MCAP_CHUNK_INDEX = 0x08,
	MCAP_ATTACHMENT = 0x09,
	MCAP_ATTACHMENT_INDEX = 0x0a,
	MCAP_STATISTICS = 0x0b,
	MCAP_METADATA = 0x0c,
	MCAP_METADATA_INDEX = 0x0d,
	MCAP_SUMMARY_OFFSET = 0x0e,
	MCAP_DATA_END = 0x0f,
} McapOpcode;

const char *mcap_opcode_name(unsigned opcode); /* "ChunkIndex"; "Unknown" for others */

typedef enum { MCAP_NONE, MCAP_LZ4, MCAP_ZSTD } McapCompression;

const char *mcap_compression_name(McapCompression compression); /* "" "lz4" "zstd" */
gboolean mcap_compression_parse(const char *name, McapCompression *ret);

/* ---- records as read: everything is borrowed from the reader's buffers until its next call ---- */

typedef struct McapBytes {
	const uint8_t *data;
	size_t size;
} McapBytes;

/* UTF-8, not terminated. */
typedef struct McapText {
	const char *data;
	size_t size;
} McapText;

char *mcap_text_dup(McapText text); /* caller frees */
bool mcap_text_equal(McapText text, const char *s);

/* A map<string, string> or a map<uint16, uint64> or an array of pairs, checked when the record was
 * parsed. */
typedef struct McapMap {
	McapBytes raw;
} McapMap;

/* Take the first pair off `map`; false when it is empty. */
bool mcap_map_next_text(McapMap *map, McapText *ret_key, McapText *ret_value);
bool mcap_map_next_count(McapMap *map, uint16_t *ret_key,
			 uint64_t *ret_value); /* uint16 → uint64 */
bool mcap_map_next_entry(McapMap *map, uint64_t *ret_time,
			 uint64_t *ret_offset); /* uint64, uint64 */

typedef struct McapSchema {
	uint16_t id;
	McapText name, encoding;
	McapBytes data;
} McapSchema;

typedef struct McapChannel {
	uint16_t id, schema_id; /* schema 0: none */
	McapText topic, message_encoding;
	McapMap metadata;
} McapChannel;

typedef struct McapMessage {
	uint16_t channel_id;
	uint32_t sequence;
	uint64_t log_time, publish_time;
	McapBytes data;
} McapMessage;

typedef struct McapChunk {
	uint64_t start_time, end_time, uncompressed_size;
	uint32_t uncompressed_crc;
	McapText compression;
	McapBytes records; /* as stored, that is, compressed */
} McapChunk;

typedef struct McapChunkIndex {
	uint64_t start_time, end_time, chunk_offset, chunk_length;
	McapMap message_index_offsets;
	uint64_t message_index_length;
	McapText compression;
	uint64_t compressed_size, uncompressed_size;
} McapChunkIndex;

typedef struct McapAttachment {
	uint64_t log_time, create_time;
	McapText name, media_type;
	McapBytes data;
	uint32_t crc;
} McapAttachment;

typedef struct McapAttachmentIndex {
	uint64_t offset, length, log_time, create_time, data_size;
	McapText name, media_type;
} McapAttachmentIndex;

typedef struct McapStatistics {
	uint64_t message_count;
	uint16_t schema_count;
	uint32_t channel_count, attachment_count, metadata_count, chunk_count;
	uint64_t start_time, end_time;
	McapMap channel_message_counts;
} McapStatistics;

/* One record. `offset` is the file offset of its opcode; for a record inside a chunk it is the
 * chunk's, and chunk_offset its place in the uncompressed records (else -1). */
typedef struct McapRecord {
	uint8_t opcode;
	uint64_t offset;
	int64_t chunk_offset;
	McapBytes raw; /* opcode, length and content, as stored */
	union {
		struct {
			McapText profile, library;
		} header;
		struct {
			uint64_t summary_start, summary_offset_start;
			uint32_t summary_crc;
		} footer;
		McapSchema schema;
		McapChannel channel;
		McapMessage message;
		McapChunk chunk;
		struct {
			uint16_t channel_id;
			McapMap entries;
		} message_index;
		McapChunkIndex chunk_index;
		McapAttachment attachment;
		McapAttachmentIndex attachment_index;
		McapStatistics statistics;
		struct {
			McapText name;
			McapMap metadata;
		} metadata;
		struct {
			uint64_t offset, length;
			McapText name;
		} metadata_index;
		struct {
			uint8_t group_opcode;
			uint64_t group_start, group_length;
		} summary_offset;
		struct {
			uint32_t data_section_crc;
		} data_end;
	};
} McapRecord;

/* Parse the record that starts at data (opcode). Bytes after the known fields are ignored (the
 * specification lets records grow); an unknown opcode parses to `raw` alone. `where` is the offset
 * for messages. ANZEN_ERROR_CORRUPT. */
gboolean mcap_record_parse(const uint8_t *data, size_t size, uint64_t where, McapRecord *ret,
			   GError **error);

/* ---- bytes in and out ------------------------------------------------------------------------ */

/* Random access to what is read. read() gives exactly n bytes at `offset` or fails. */
typedef struct McapSource {
	void *self;
	uint64_t size;
	const char *name; /* for messages */
	gboolean (*read)(void *self, uint64_t offset, void *buffer, size_t n, GError **error);
	void (*close)(void *self); /* may be NULL */
	const uint8_t *bytes;      /* all of it, where it is in memory and stays; else NULL */
} McapSource;

/* Where a file is written: append only. sync() returns when everything written is on the medium.
 * After a failed call the writer never calls again but close(). */
typedef struct McapSink {
	void *self;
	const char *name;
	gboolean (*write)(void *self, const void *data, size_t n, GError **error);
	gboolean (*sync)(void *self,
			 GError **error); /* may be called on another thread than write() */
	void (*close)(void *self);        /* may be NULL */
} McapSink;

/* A regular file. `path` is copied. ANZEN_ERROR_INPUT when it cannot be opened. */
gboolean mcap_file_source(const char *path, McapSource *ret, GError **error);
/* Creates (never overwrites: the file must not exist) and syncs the folder. */
gboolean mcap_file_sink(const char *path, McapSink *ret, GError **error);
/* Bytes in memory, borrowed. */
void mcap_memory_source(const void *data, size_t size, McapSource *ret);
/* Appends to `array`, borrowed. */
void mcap_memory_sink(GByteArray *array, McapSink *ret);
void mcap_source_close(McapSource *source); /* NULL and twice allowed */
void mcap_sink_close(McapSink *sink);

/* CRC-32 (IEEE 802.3, as zlib's): crc = 0 to begin, then its own result. */
uint32_t mcap_crc32(uint32_t crc, const void *data, size_t size);

/* ---- reading in file order ------------------------------------------------------------------- */

/* Caps against lying lengths and decompression bombs. 0 means the default beside it. */
typedef struct McapLimits {
	uint64_t record_size; /* content of one record: 1 GiB */
	uint64_t chunk_size;  /* uncompressed: 256 MiB */
	unsigned ratio;       /* uncompressed : compressed: 40,000 (zstd cannot exceed 32,768) */
} McapLimits;

typedef enum {
	MCAP_ORDER_CHUNKS = 1 << 0, /* give the Chunk record itself before its records */
	MCAP_NO_EXPAND = 1 << 1,    /* give chunks unopened (their CRC is then not checked) */
	MCAP_NO_CRC = 1 << 2,       /* for benchmarks only */
	MCAP_SALVAGE = 1 << 3,      /* step over what is damaged and count it in
				       mcap_reader_skipped(); see there */
} McapReadFlags;

typedef enum {
	MCAP_NEXT_RECORD,
	MCAP_NEXT_END,       /* after the closing magic */
	MCAP_NEXT_TRUNCATED, /* the file ends inside a record, or before the footer; error says
				where */
	MCAP_NEXT_ERROR,     /* damage or a refused read; error says where */
} McapNext;

typedef struct McapReader McapReader;

/* Takes no ownership of source's closer: the caller closes it after mcap_reader_free(). Reads the
 *opening magic.
 *
 *	g_autoptr(McapReader) reader = mcap_reader_new(&source, 0, NULL, &error);
 *	McapRecord record;
 *	McapNext next;
 *	while ((next = mcap_reader_next(reader, &record, &error)) == MCAP_NEXT_RECORD)
 *		…
 */
McapReader *mcap_reader_new(const McapSource *source, McapReadFlags flags, const McapLimits *limits,
			    GError **error);
void mcap_reader_free(McapReader *reader);
/* A channel must be known before its first message, a non-zero schema before its channel; one id
 * never has two meanings: all three are errors. */
McapNext mcap_reader_next(McapReader *reader, McapRecord *ret, GError **error);
/* The file offset just after the last whole top-level record that was given out. */
uint64_t mcap_reader_offset(const McapReader *reader);
/* True once DataEnd's CRC was stored and agreed; likewise the summary's. */
bool mcap_reader_data_verified(const McapReader *reader);
bool mcap_reader_summary_verified(const McapReader *reader);
/* MCAP_SALVAGE: how many damaged places there were, and the first one's message (NULL: none).
 *
 * Only what is damaged is lost: a chunk whose CRC does not agree, an attachment, a metadata record. Where a length or an
 * opcode is wrong, reading goes on where the summary says the next record stands, or, without a whole summary, where a
 * search finds one whose CRC agrees. Schemas and channels that stood in what is lost are taken from the summary or from
 * later parts of the file and given out as if they stood there. Sectors that cannot be read count as zeros. */
unsigned mcap_reader_skipped(const McapReader *reader, const char **ret_first);
/* Messages left out because their channel is lost. */
uint64_t mcap_reader_orphans(const McapReader *reader);
/* How often a search was needed: what follows has a CRC that agrees, but might be another file's. */
unsigned mcap_reader_searched(const McapReader *reader);

/* MCAP_SALVAGE of a file that has more than CRCs to show what was written, as a chain of hashes. Asked about a chunk or an
 * attachment whose CRC is missing or does not agree: `raw` is the record with the CRC of its bytes as they are now, and the
 * file goes on at `next`. True: this is what was written, only the CRC was hit. The record is then given out like that.
 * Without a witness such a record is lost, and a CRC of 0 means that there is none. */
typedef bool (*McapWitness)(void *self, const uint8_t *raw, size_t size, uint64_t next);
void mcap_reader_set_witness(McapReader *reader, McapWitness witness, void *self);

/* Uncompress a chunk. Checks caps, real size and CRC. The caller frees. */
GByteArray *mcap_chunk_open(const McapChunk *chunk, uint64_t where, McapReadFlags flags,
			    const McapLimits *limits, GError **error);

/* ---- reading through the summary ------------------------------------------------------------- */

/* The summary section, with copies of everything. Where a file has no chunk index (allowed), it is
 * made by one scan over the data section, so that the functions below work on every whole file. */
typedef struct McapIndex McapIndex;

McapIndex *mcap_index_new(const McapSource *source, const McapLimits *limits, GError **error);
void mcap_index_free(McapIndex *index);

/* Records of one kind (Schema, Channel, Statistics, ChunkIndex, AttachmentIndex, MetadataIndex) in
 * file order; by unique id for schemas and channels. Borrowed from the index. */
size_t mcap_index_count(const McapIndex *index, McapOpcode opcode);
const McapRecord *mcap_index_get(const McapIndex *index, McapOpcode opcode, size_t i);
const McapRecord *mcap_index_by_id(const McapIndex *index, McapOpcode opcode,
				   uint16_t id); /* NULL: none */

/* Every message with from ≤ log_time < to (to 0: no bound), by log_time, equal times in file order;
 * opens only the chunks that matter. The callback returns false to stop. Borrowed until it returns.
 */
typedef bool (*McapMessageFunc)(const McapRecord *message, void *data);
gboolean mcap_index_messages(McapIndex *index, uint64_t from, uint64_t to, McapMessageFunc func,
			     void *data, GError **error);

/* Read the record at an offset (an attachment, a metadata record); its bytes stay valid until the
 * next call. */
gboolean mcap_index_read(McapIndex *index, uint64_t offset, McapOpcode expected, McapRecord *ret,
			 GError **error);

/* ---- writing --------------------------------------------------------------------------------- */

/* A lane collects messages of one kind into its own chunks: signals compressed, video not. */
typedef struct McapLane {
	McapCompression compression;
	int level;         /* of zstd or lz4; 0: 1 */
	size_t chunk_size; /* a chunk is closed when its records reach this; 0: 1 MiB */
} McapLane;

typedef struct McapWriterOptions {
	const char *profile, *library; /* NULL: "" and ours */
	bool chunked;
	const McapLane *lanes; /* NULL: one lane, uncompressed */
	size_t n_lanes;
	/* Repeat schema and channel in each chunk that uses them, so that every chunk stands alone.
	 */
	bool self_contained;
	bool no_message_index, no_chunk_index, no_statistics, no_schemas_in_summary,
		no_channels_in_summary;
	bool no_attachment_index, no_metadata_index, no_summary_offsets, no_chunk_crc,
		no_attachment_crc;
	/* Sees every top-level record, as written, in file order (for the hash chain). May be NULL.
	 */
	void (*on_record)(void *self, uint8_t opcode, const uint8_t *raw, size_t size);
	void *on_record_self;
} McapWriterOptions;

extern const McapWriterOptions mcap_writer_defaults; /* chunked, everything written */

typedef struct McapWriter McapWriter;

/* Writes magic and header. Borrows the sink (the caller closes it). After the first error every
 * further call fails with the same error: a file that lost a write is lost from there. */
McapWriter *mcap_writer_new(const McapSink *sink, const McapWriterOptions *options, GError **error);
void mcap_writer_free(McapWriter *writer); /* does not finish the file */

/* Ids are the caller's, unique, schemas from 1. Texts and data are copied. */
gboolean mcap_writer_schema(McapWriter *writer, uint16_t id, const char *name, const char *encoding,
			    const void *data, size_t size, GError **error);
/* metadata: NULL or key, value, key, value, …, NULL. Its messages go to `lane`. */
gboolean mcap_writer_channel(McapWriter *writer, uint16_t id, uint16_t schema_id, const char *topic,
			     const char *message_encoding, const char *const *metadata,
			     unsigned lane, GError **error);
gboolean mcap_writer_message(McapWriter *writer, uint16_t channel_id, uint32_t sequence,
			     uint64_t log_time, uint64_t publish_time, const void *data,
			     size_t size, GError **error);
/* Attachments and metadata close nothing: chunks stay open around them. */
gboolean mcap_writer_attachment(McapWriter *writer, const char *name, const char *media_type,
				uint64_t log_time, uint64_t create_time, const void *data,
				size_t size, GError **error);
gboolean mcap_writer_metadata(McapWriter *writer, const char *name, const char *const *metadata,
			      GError **error);

/* Uncompressed bytes waiting in a lane's open chunk. */
size_t mcap_writer_pending(const McapWriter *writer, unsigned lane);
/* Close the lane's chunk (nothing when it is empty), with its message indexes. */
gboolean mcap_writer_flush(McapWriter *writer, unsigned lane, GError **error);
/* Close all chunks, write DataEnd, summary, footer and magic. Does not sync. */
gboolean mcap_writer_finish(McapWriter *writer, GError **error);
/* Bytes handed to the sink; chunks closed. */
uint64_t mcap_writer_offset(const McapWriter *writer);
uint64_t mcap_writer_chunks(const McapWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(McapReader, mcap_reader_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(McapIndex, mcap_index_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(McapWriter, mcap_writer_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(McapSource, mcap_source_close)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(McapSink, mcap_sink_close)

G_END_DECLS

#endif
