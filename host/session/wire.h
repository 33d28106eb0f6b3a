/* Private to session: the schemas of our topics, and bytes of CDR and JSON. */
#ifndef SESSION_WIRE_H
#define SESSION_WIRE_H

#include <anzen/session.h>
#include <sodium.h>
#include <string.h>

/* ---- topics ---------------------------------------------------------------------------------- */

typedef enum {
	TOPIC_SIGNAL,
	TOPIC_EVENT,
	TOPIC_FAULT,
	TOPIC_FRAME,
	TOPIC_FRAME_INFO,
} TopicKind;

const char *topic_kind_name(TopicKind kind); /* channel metadata "anzen.kind" */
gboolean topic_kind_parse(McapText name, TopicKind *ret);

typedef struct SchemaText {
	uint16_t id;
	const char *name, *encoding, *text, *message_encoding;
} SchemaText;

/* Ids are fixed, so that the same recording gives the same bytes. */
typedef enum {
	SCHEMA_SAMPLE = 1,
	SCHEMA_SLOW_SAMPLE,
	SCHEMA_EVENT,
	SCHEMA_FAULT,
	SCHEMA_VIDEO,
	SCHEMA_IMAGE,
	SCHEMA_RAW_IMAGE,
	SCHEMA_FRAME_INFO,
} SchemaId;

const SchemaText *schema_text(SchemaId id);
/* Of a Frame's format; 0: unknown. */
SchemaId schema_of_format(const char *format);

/* ---- SignalInfo as channel metadata ---------------------------------------------------------- */

/* key, value, …, NULL; free with g_strfreev(). */
char **signal_info_to_pairs(const SignalInfo *info);
/* Unknown keys are ignored, unreadable values are errors. Initialises `ret`. */
gboolean signal_info_from_map(McapMap map, SignalInfo *ret, GError **error);
/* Caller frees; NULL when absent. */
char *map_get(McapMap map, const char *key);

/* ---- CDR (little-endian, as rmw writes it) --------------------------------------------------- */

typedef struct Cdr {
	uint8_t *data;
	size_t size, capacity;
} Cdr;

void cdr_clear(Cdr *cdr);
void cdr_begin(Cdr *cdr); /* keeps the memory */
void cdr_put(Cdr *cdr, const void *data, size_t size, size_t align);
void cdr_put_u8(Cdr *cdr, uint8_t v);
void cdr_put_u32(Cdr *cdr, uint32_t v);
void cdr_put_u64(Cdr *cdr, uint64_t v);
void cdr_put_double(Cdr *cdr, double v);
void cdr_put_time(Cdr *cdr, int64_t t_ns);
void cdr_put_string(Cdr *cdr, const char *s);
void cdr_put_bytes(Cdr *cdr, const void *data, size_t size); /* sequence<uint8> */

/* CompressedVideo, CompressedImage or RawImage, by the format; after cdr_begin(). */
void cdr_put_picture(Cdr *cdr, const char *id, const char *format, const Frame *frame);

typedef struct CdrReader {
	const uint8_t *base, *at, *end;
	bool bad;
} CdrReader;

CdrReader cdr_reader(McapBytes bytes); /* bad unless little-endian CDR */
uint8_t cdr_u8(CdrReader *r);
uint32_t cdr_u32(CdrReader *r);
uint64_t cdr_u64(CdrReader *r);
double cdr_double(CdrReader *r);
int64_t cdr_time(CdrReader *r);
McapText cdr_string(CdrReader *r);
McapBytes cdr_bytes(CdrReader *r);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cdr, cdr_clear)

/* ---- JSON ------------------------------------------------------------------------------------ */

void json_put_double(GString *out, double v); /* NaN: null; infinities: "inf", "-inf" */
const char *sample_status_name(SampleStatus status);
gboolean sample_status_parse(const char *name, SampleStatus *ret);

char *judge_spec_to_json(const JudgeSpec *spec); /* caller frees */
JudgeSpec *judge_spec_from_json(const char *json, gssize size, GError **error);

/* ---- the hash chain -------------------------------------------------------------------------- */

#define CHAIN_METADATA "anzen.chain"
#define SESSION_METADATA "anzen.session"
#define META_METADATA "anzen.meta"
#define END_METADATA "anzen.end"
#define RECOVERED_METADATA "anzen.recovered"
#define EDITED_METADATA "anzen.edited"     /* cut, merge, redact: where it comes from */
#define WITHHELD_METADATA "anzen.withheld" /* one a part that a redaction took away */
#define SESSION_FORMAT "1"

typedef struct Chain {
	uint8_t hash[crypto_hash_sha256_BYTES];
	uint64_t records, links;
	uint8_t leaf[crypto_hash_sha256_BYTES]; /* of the record that was folded last */
	char session[17]; /* begin of the leaf of anzen.session; links carry it; "": not known */
} Chain;

void chain_init(Chain *chain);
void chain_fold(Chain *chain, const uint8_t *record, size_t size);
void chain_fold_leaf(Chain *chain, const uint8_t leaf[crypto_hash_sha256_BYTES]);
void chain_hex(const Chain *chain, char ret_hex[2 * crypto_hash_sha256_BYTES + 1]);
/* After an anzen.session was folded. */
void chain_identify(Chain *chain);
/* NULL when the metadata record says what the chain says; else what is wrong. */
const char *chain_compare(const Chain *chain, McapMap link);

/* What a link shows about the records since the one before it, in a damaged file. */
typedef enum {
	LINK_PROVES,  /* they are the ones that were written */
	LINK_GAP,     /* a link of this session; something before it is missing */
	LINK_UNKNOWN, /* nothing: it does not say of which session it is */
	LINK_FOREIGN, /* a link of another session */
} LinkState;

LinkState chain_link_state(const Chain *chain, McapMap link);
/* Go on from what the link says. */
void chain_take_over(Chain *chain, McapMap link);

/* SHA-256 of everything in the source, hex. */
gboolean hash_source(const McapSource *source, char ret_hex[65], GError **error);

/* ---- an MCAP file with our chain: what recorder, recovery and editing write through ---------- */

enum { LANE_SIGNALS, LANE_FRAMES, LANE_COUNT };

typedef struct ChainedFile {
	McapWriter *mcap;
	McapSink sink; /* the real one, borrowed */
	Chain chain;
	crypto_hash_sha256_state whole;
	Clock *clock;
	int64_t worst_write_ns;
} ChainedFile;

gboolean chained_file_open(ChainedFile *file, const McapSink *sink, Clock *clock, GError **error);
void chained_file_clear(ChainedFile *file);
/* Close the lane's chunk, if it holds anything, and write a link. */
gboolean chained_file_flush(ChainedFile *file, unsigned lane, GError **error);
gboolean chained_file_link(ChainedFile *file, GError **error);
/* Flush all lanes, link, seal, sync. Hash of all bytes as hex, caller frees; may be NULL. */
gboolean chained_file_finish(ChainedFile *file, char **ret_sha256, GError **error);

/* ---- walking a file with the chain checked --------------------------------------------------- */

typedef struct Walk {
	McapSource source; /* borrowed */
	McapReader *reader;
	Chain chain;     /* of what was read */
	uint64_t linked; /* records that the last link covered */
	uint64_t records, chunks;
	bool in_summary, ended, session;
	McapReadFlags flags;
	bool tolerant; /* recovery: a wrong link is no error, but counts, and the chain goes on from it */
	uint64_t wrong_links;
	bool at_link; /* the present record is one */
	LinkState link;
} Walk;

/* The walk must stay where it is: its reader asks it about CRCs that were hit. */
gboolean walk_open(Walk *walk, const McapSource *source, McapReadFlags flags, GError **error);
void walk_clear(Walk *walk);
/* As mcap_reader_next; at the end of a sealed file the chain must cover every record. */
McapNext walk_next(Walk *walk, McapRecord *ret, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChainedFile, chained_file_clear)

#endif
