/* JSON text as a tree that knows where each value stands: base/yaml.h knows where things stand too, but is made for files
 * that people write (100,000 nodes, 4 MiB); a trace has millions of numbers. Private to host/cli. */
#ifndef ANZEN_CLI_STL_JSON_H
#define ANZEN_CLI_STL_JSON_H

#include <glib.h>
#include <stdbool.h>

typedef enum { J_NULL, J_BOOL, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT } JKind;

typedef struct JValue JValue;
struct JValue {
	JKind kind;
	gsize offset;    /* of its first byte in the text */
	double number;   /* NUMBER; BOOL: 0 or 1 */
	char *text;      /* STRING */
	GArray *items;   /* JValue, of ARRAY and OBJECT */
	GPtrArray *keys; /* char*, of OBJECT */
};

/* NULL when the text is no JSON: *ret_offset and *ret_message (constant) say where and why. Refuses nesting over 8, keys
 * given twice, and numbers beyond the range of a double. text[length] is NUL. */
JValue *jvalue_parse(const char *text, gsize length, gsize *ret_offset, const char **ret_message);
void jvalue_free(JValue *value);
/* NULL when absent. */
const JValue *jvalue_get(const JValue *object, const char *key);
static inline const JValue *jvalue_item(const JValue *v, guint i)
{
	return &g_array_index(v->items, JValue, i);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JValue, jvalue_free)

#endif
