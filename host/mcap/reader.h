/* Private to mcap: the reader's state, shared by reading and salvage. */
#ifndef MCAP_READER_H
#define MCAP_READER_H

#include "wire.h"

typedef enum { IN_START, IN_DATA, IN_SUMMARY, IN_MAGIC, IN_END, IN_ERROR } Section;

typedef struct Known {
	uint8_t *raw; /* a copy of the record, for comparison with repeats */
	McapRecord record;
} Known;

/* What only a damaged file needs; see salvage.c. */
typedef struct Salvage {
	bool asked;          /* for a summary */
	GArray *anchors;     /* uint64_t: where records stand, by a whole summary; else empty */
	GPtrArray *declared; /* GBytes: schemas and channels found elsewhere, not given out yet */
	guint given;
	bool gathered;
	bool chunked; /* messages stand in chunks: none is taken outside of one */
	bool probing; /* only declarations are asked for */
	uint8_t *repaired;
} Salvage;

struct McapReader {
	McapSource source;
	McapReadFlags flags;
	McapLimits limits;

	uint8_t *window;
	uint64_t window_offset;
	size_t window_size, window_capacity;

	Section section;
	uint64_t offset;        /* of the next top-level record */
	uint64_t summary_start; /* where DataEnd ended */
	uint32_t crc;           /* of the section so far */
	bool data_verified, summary_verified;

	ChunkOpener opener;
	McapBytes chunk; /* being given out, until the window moves */
	size_t chunk_at;
	uint64_t chunk_file_offset, chunk_start, chunk_end;

	GHashTable *schemas, *channels; /* id → Known* */
	uint64_t channel_known[65536 / 64];
	unsigned skipped, searched;
	uint64_t orphans;
	char *first_skipped;
	Salvage salvage;
	McapWitness witness; /* may be NULL */
	void *witness_self;
};

/* Make [offset, offset + n) of the file addressable; it must exist. Valid until the next call. */
const uint8_t *reader_look(McapReader *r, uint64_t offset, size_t n, GError **error);
/* Remember a schema or channel; FALSE when it contradicts another. */
gboolean reader_learn(McapReader *r, const McapRecord *record, GError **error);

/* Without an opening magic: does the file end with one, or begin with a Header? */
bool salvage_is_mcap(McapReader *r);
/* Does a record that is whole stand here? */
bool salvage_record_at(McapReader *r, uint64_t at);
/* Where to go on after the record at `where` that was damaged; `size`: as its length says, 0: that cannot be. */
bool salvage_after(McapReader *r, uint64_t where, uint64_t size, uint64_t *ret);
/* A chunk or attachment whose opcode, length or what the chunk says of its bytes is wrong, while its own CRC agrees. */
bool salvage_repair(McapReader *r, uint64_t where, McapRecord *ret, uint64_t *ret_size);
/* Something is lost: declarations that stood in it are looked for in the summary and in what follows. */
void salvage_gather(McapReader *r, uint64_t where);
/* The next of them that was not known before. */
bool salvage_next(McapReader *r, McapRecord *ret);
void salvage_clear(Salvage *salvage);

#endif
