/* Private to session: what loader.c (one pass over the file, putting it together), topics.c (channels and their messages)
 * and frames.c (pictures, read when they are asked for) share. */
#ifndef SESSION_LOADER_H
#define SESSION_LOADER_H

#include "json.h"

typedef struct {
	TopicKind kind;
	uint16_t schema_id;
	Signal *signal; /* borrowed from the recording */
	uint64_t disordered;
	int64_t first_disordered_ns;
	guint camera;
} Topic;

typedef struct {
	int64_t capture_ns, receipt_ns, capture_u_ns;
	uint64_t chunk, place; /* file offset of the chunk (or message), place in its records */
	uint64_t number;       /* the source's own sequence number */
	uint32_t sequence;     /* of the MCAP message: pairs frame and info */
	int32_t width, height;
	bool key, in_chunk, informed;
} FramePlace;

typedef struct {
	SessionCamera public;
	SchemaId schema;
	GArray *frames; /* FramePlace */
	GArray *infos;  /* FramePlace, only what FrameInfo says */
} Camera;

typedef struct {
	char *name;
	uint64_t offset, size;
} Attachment;

struct SessionReader {
	McapSource source;
	McapSource own_source;
	Recording *recording;
	GPtrArray *cameras;     /* Camera* */
	GPtrArray *attachments; /* Attachment* */
	GHashTable *topics;     /* channel id → Topic* */
	GPtrArray *withheld;    /* SessionWithheld* */
	bool identified, has_start, has_end, sealed, recovered;
	int64_t first_ns, last_ns;
	/* the chunk that was opened last, for frames */
	GByteArray *chunk;
	uint64_t chunk_offset;
};

gboolean loader_corrupt(GError **error, const McapRecord *record, const char *what);

/* topics.c */
gboolean loader_take_channel(SessionReader *r, const McapRecord *record, GError **error);
gboolean loader_take_message(SessionReader *r, const McapRecord *record, GError **error);

/* frames.c */
void loader_camera_free(void *camera);
void loader_pair_frames(Camera *camera);
bool loader_has_idr(McapBytes annex_b);

#endif
