/* Private to session: what a redaction leaves behind (redact.c writes it, withheld.c reads it and checks it). */
#ifndef SESSION_REDACT_H
#define SESSION_REDACT_H

#include "copy.h"

#define LEAVES_PREFIX "redaction/"
#define LEAVES_SUFFIX ".leaves"
#define REDACTION_SOURCE FAULT_SOURCE_REDACTION /* of the faults that a redaction adds */

/* The digest of withheld messages; see SessionWithheld. */
typedef crypto_hash_sha256_state WithheldDigest;
void withheld_digest_add(WithheldDigest *digest, const McapMessage *message);

/* All of a signal, and not a span of it. */
bool withheld_is_whole(const SessionWithheld *part);

/* Does the part cover this message of this topic? */
bool withheld_covers(const SessionWithheld *part, const CopyTopic *topic, const McapMessage *m);

gboolean withheld_write(Copy *copy, const SessionWithheld *part, GError **error);
/* Appends to list: an anzen.withheld record. */
gboolean redact_take_withheld(GPtrArray *list, const McapRecord *record, GError **error);

/* ---- for verify.c: the leaves that a redacted file keeps of its original ---- */

typedef struct Leaves {
	GByteArray *own;                /* leaves of this file's records, 32 bytes each */
	GBytes *original;               /* the last redaction's; NULL: none */
	char *chain, *sha256, *records; /* what anzen.edited says of the original */
	bool redacted;
} Leaves;

void leaves_init(Leaves *leaves);
void leaves_clear(Leaves *leaves);
/* Each top-level record after the chain took it; `leaf`: NULL when the chain did not. */
void leaves_note(Leaves *leaves, const McapRecord *record, const uint8_t *leaf);
/* NULL, or what is wrong. Fills in the original_… members. */
const char *leaves_check(const Leaves *leaves, SessionCheck *check);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Leaves, leaves_clear)

#endif
