/* Private to session: copying the records of one session into another, and an output that appears whole or not at all.
 * What recovery, cut and redaction have in common. */
#ifndef SESSION_COPY_H
#define SESSION_COPY_H

#include "wire.h"

/* Chunks are closed where the original's were and channels keep their ids: a chunk of which nothing is taken away
 * comes out as the same bytes. */
typedef struct Copy {
	ChainedFile *out;  /* borrowed */
	GHashTable *known; /* schema and channel ids that were copied: id, id | 1 << 16 */
	uint64_t messages; /* written */
} Copy;

void copy_init(Copy *copy, ChainedFile *out);
void copy_clear(Copy *copy);
gboolean copy_schema(Copy *copy, const McapSchema *schema, GError **error);
/* key, value: in place of what the original says, or added; NULL: none. */
gboolean copy_channel(Copy *copy, const McapChannel *channel, const char *key, const char *value,
		      GError **error);
gboolean copy_message(Copy *copy, const McapMessage *message, GError **error);
gboolean copy_metadata(Copy *copy, const McapRecord *record, GError **error); /* but links */
gboolean copy_attachment(Copy *copy, const McapAttachment *attachment, GError **error);
/* A chunk of the original begins (or the data end): close the open ones. */
gboolean copy_close_chunks(Copy *copy, GError **error);

/* What a channel is; `ours` false: added by others. */
typedef struct CopyTopic {
	bool ours;
	TopicKind kind;
	char *name; /* signal or camera; NULL for others */
} CopyTopic;

CopyTopic *copy_topic_of(const McapChannel *channel);
void copy_topic_free(void *topic);

/* Where an edit comes from, for the metadata anzen.edited. */
typedef struct CopyOrigin {
	char sha256[65], chain[65];
	uint64_t records; /* chained */
} CopyOrigin;

/* After the walk: refuses what did not come to a sealed end or is no session of ours. `error` may be set by the walk. */
gboolean copy_origin(const Walk *walk, McapNext end, const McapSource *source, CopyOrigin *ret,
		     GError **error);
/* more: key, value, …, NULL. */
gboolean copy_write_edited(Copy *copy, const char *operation, const CopyOrigin *origin,
			   const char *const *more, GError **error);

/* A new file under a temporary name. Refuses a path that exists (ANZEN_ERROR_INPUT). */
typedef struct Output {
	char *path, *temporary;
	McapSink sink;
} Output;

gboolean output_open(Output *output, const char *path, GError **error);
/* After the sink was synced: its own name, and the folder synced. Never replaces a file. */
gboolean output_commit(Output *output, GError **error);
void output_clear(Output *output); /* removes what was not committed */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Copy, copy_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Output, output_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CopyTopic, copy_topic_free)

#endif
