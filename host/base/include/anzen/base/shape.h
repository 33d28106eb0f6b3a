/* What a file kind may contain, said once: the same table checks a file and writes its JSON Schema.
 *
 * A reader module (scenario, rig, criterion, …) describes its kind as a Shape; shape_check() reports every unknown
 * key, missing key, wrong type, wrong unit, value out of range or out of the listed words with file:line:col, and
 * the module then reads the tree knowing that it is well formed. shape_json_schema() prints draft 2020-12.
 */
#ifndef ANZEN_BASE_SHAPE_H
#define ANZEN_BASE_SHAPE_H

#include <anzen/base/unit.h>
#include <anzen/base/yaml.h>

G_BEGIN_DECLS

typedef enum {
	SHAPE_TEXT, /* any scalar */
	SHAPE_ID, /* lower-case-dashed; `ids` may contain '/' and '.' when Shape.pattern says so */
	SHAPE_WORD,    /* one of words[] */
	SHAPE_INTEGER, /* lo..hi */
	SHAPE_NUMBER,  /* bare number, lo..hi */
	SHAPE_BOOLEAN, /* true | false */
	SHAPE_QUANTITY, /* a number with a unit compatible with `unit`; unit NULL: any unit; lo..hi in `unit` */
	SHAPE_FORMULA, /* STL text; syntax is checked by the module that knows stl */
	SHAPE_TITLE,   /* {en: "…", ja: "…"} */
	SHAPE_DATE,    /* 2026-10-01 */
	SHAPE_RECORD, /* mapping with the keys in fields[]; a document's root may also have `anzen` */
	SHAPE_MAP,    /* mapping from free keys (pattern, when given) to `item`; lo..hi entries */
	SHAPE_LIST,   /* sequence of `item`, lo..hi entries */
	SHAPE_ANY,    /* anything: the module checks it itself */
	SHAPE_ONE_OF, /* any of alternatives[] */
} ShapeType;

typedef struct Shape Shape;

typedef struct ShapeField {
	const char *key;
	const Shape *shape;
	bool required;
	const char *doc; /* one line, in English; goes into the schema's description */
} ShapeField;

struct Shape {
	ShapeType type;
	const char *unit;           /* SHAPE_QUANTITY */
	double lo, hi;              /* both 0: no bounds */
	const char *const *words;   /* SHAPE_WORD, NULL-terminated */
	const char *pattern;        /* SHAPE_TEXT, SHAPE_ID: a GRegex, anchored by the checker */
	const ShapeField *fields;   /* SHAPE_RECORD, key NULL ends */
	const Shape *item;          /* SHAPE_MAP, SHAPE_LIST */
	const Shape *const *either; /* SHAPE_ONE_OF, NULL-terminated */
	const char *
		expected; /* for the message: "expected a time such as 2 s" (NULL: made from type) */
};

/* Check node against shape; every problem becomes one diagnostic. True when none was added. */
bool shape_check(const Shape *shape, const YamlDoc *doc, const YamlNode *node, Diagnostics *diag);

/* JSON Schema of a kind, draft 2020-12. Caller frees. */
char *shape_json_schema(const Shape *shape, const char *kind, const char *title);

/* Read values out of a checked tree. The node may be NULL (the key was absent): then `fallback`. */
double shape_quantity(const YamlNode *node, const char *unit, double fallback);
int64_t shape_ns(const YamlNode *node, int64_t fallback_ns);
double shape_number(const YamlNode *node, double fallback);
bool shape_boolean(const YamlNode *node, bool fallback);

G_END_DECLS

#endif
