/* YAML 1.2 as a tree with file:line:col on every node, for files that people write.
 *
 * Built from libfyaml's parser events (its own tree loses marks of mappings and empty scalars and lets duplicate
 * keys pass). Refused with a message: duplicate keys, anchors, aliases, tags, a second document, nesting over 32,
 * over 100,000 nodes, over 4 MiB, bytes that are not UTF-8.
 *
 *	g_autoptr(Diagnostics) diag = diagnostics_new();
 *	g_autoptr(YamlDoc) doc = yaml_load_file("rig.yaml", diag);
 *	if (!doc) { diagnostics_print(diag, stderr); return ANZEN_EXIT_INPUT; }
 *
 * A document is immutable after loading and may be read on any thread.
 */
#ifndef ANZEN_BASE_YAML_H
#define ANZEN_BASE_YAML_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

G_BEGIN_DECLS

/* One thing wrong in a file. line and column count from 1; 0 when the whole file is meant. */
typedef struct Diagnostic {
	char *file;
	unsigned line, column;
	char *message;
	bool warning;
} Diagnostic;

typedef struct Diagnostics Diagnostics;

Diagnostics *diagnostics_new(void);
void diagnostics_free(Diagnostics *diag);
void diagnostics_add(Diagnostics *diag, bool warning, const char *file, unsigned line,
		     unsigned column, const char *format, ...) G_GNUC_PRINTF(6, 7);
size_t diagnostics_count(const Diagnostics *diag);  /* errors and warnings */
size_t diagnostics_errors(const Diagnostics *diag); /* errors only */
const Diagnostic *diagnostics_get(const Diagnostics *diag, size_t i);
/* One line each: "file:line:col: error: message". After 200 kept ones the rest is only counted. */
void diagnostics_print(const Diagnostics *diag, FILE *out);
/* A GError (ANZEN_ERROR_INPUT) with the first error's line, for callers that carry only one. */
void diagnostics_to_error(const Diagnostics *diag, GError **error);

typedef enum { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING, YAML_NULL } YamlKind;

typedef struct YamlNode YamlNode;
typedef struct YamlDoc YamlDoc;

/* NULL when the file cannot be read or is refused; diag then has at least one error. Free with yaml_doc_free(). */
YamlDoc *yaml_load_file(const char *path, Diagnostics *diag);
YamlDoc *yaml_load_text(const char *text, gssize length, const char *name, Diagnostics *diag);
void yaml_doc_free(YamlDoc *doc);

/* Owned by the document. */
const YamlNode *yaml_root(const YamlDoc *doc);
const char *yaml_file(const YamlDoc *doc);
/* The bytes that were read, for hashing and attaching. */
const char *yaml_bytes(const YamlDoc *doc, size_t *ret_length);

YamlKind yaml_kind(const YamlNode *node);
unsigned yaml_line(const YamlNode *node);
unsigned yaml_column(const YamlNode *node);
/* NULL unless a scalar. `quoted` scalars are never numbers or null. */
const char *yaml_text(const YamlNode *node);
bool yaml_quoted(const YamlNode *node);
/* Elements of a sequence, or pairs of a mapping. */
size_t yaml_size(const YamlNode *node);
const YamlNode *yaml_item(const YamlNode *sequence, size_t i);
const YamlNode *yaml_key_at(const YamlNode *mapping, size_t i);
const YamlNode *yaml_value_at(const YamlNode *mapping, size_t i);
/* NULL when absent or when `mapping` is no mapping. */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);
/* Text of a scalar child, or NULL. */
const char *yaml_get_text(const YamlNode *mapping, const char *key);

/* "scenario/1" when the first key is `anzen` with such a text, else NULL. */
const char *yaml_document_kind(const YamlDoc *doc);
/* True when the document's first key is `anzen: KIND`; else one error that says what was expected. */
bool yaml_expect_kind(const YamlDoc *doc, const char *kind, Diagnostics *diag);

/* Add an error at a node; NULL means the whole file. */
void yaml_error(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag, const char *format,
		...) G_GNUC_PRINTF(4, 5);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Diagnostics, diagnostics_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlDoc, yaml_doc_free)

G_END_DECLS

#endif
