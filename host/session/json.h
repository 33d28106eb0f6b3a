/* Private to session: reading JSON that may be anything. The first problem is kept, everything after it reads as
 * absent, and json_state_close() reports it: callers need no check a line. */
#ifndef SESSION_JSON_H
#define SESSION_JSON_H

#include "wire.h"
#include <json-glib/json-glib.h>

typedef struct JsonReaderState {
	JsonParser *parser;
	const char *name;
	GError *error;
} JsonReaderState;

JsonObject *json_state_open(JsonReaderState *s, const char *json, gssize size,
			    const char *name);                 /* NULL when bad */
gboolean json_state_close(JsonReaderState *s, GError **error); /* FALSE and the first problem */
void json_state_clear(JsonReaderState *s);
void json_state_fail(JsonReaderState *s, const char *key, const char *what);

/* `object` may be NULL. */
JsonObject *json_state_object(JsonReaderState *s, JsonNode *node, const char *key);
JsonObject *json_state_member(JsonReaderState *s, JsonObject *object,
			      const char *key); /* NULL when absent */
JsonArray *json_state_array(JsonReaderState *s, JsonObject *object,
			    const char *key); /* NULL when absent */
char *json_state_text(JsonReaderState *s, JsonObject *object, const char *key, bool required);
int64_t json_state_int(JsonReaderState *s, JsonObject *object, const char *key, int64_t fallback);
bool json_state_bool(JsonReaderState *s, JsonObject *object, const char *key);
/* null and absent: NaN; "inf", "-inf". */
double json_state_double(JsonReaderState *s, JsonObject *object, const char *key);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JsonReaderState, json_state_clear)

#endif
