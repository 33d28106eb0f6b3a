#include <anzen/base/error.h>
#include <anzen/base/yaml.h>

#include <libfyaml.h>
#include <stdarg.h>
#include <errno.h>
#include <string.h>

#define BYTES_MAX (4u << 20)
#define NODES_MAX 100000u
#define DEPTH_MAX 32u

struct YamlNode {
	YamlKind kind;
	bool quoted;
	unsigned line, column; /* from 1; 0: not yet known */
	char *text;
	GPtrArray *items; /* values, borrowed from doc->nodes */
	GPtrArray *keys;  /* mapping only, parallel to items */
};

struct YamlDoc {
	char *file;
	char *bytes;
	size_t length;
	GPtrArray *nodes; /* owns every node */
	YamlNode *root;
};

/* One open collection. libfyaml gives events only, so the tree grows on this stack. */
typedef struct {
	YamlNode *node;
	YamlNode *key;    /* the mapping key that waits for its value */
	GHashTable *seen; /* keys so far → YamlNode* */
} Level;

typedef struct {
	YamlDoc *doc;
	Diagnostics *diag;
	Level stack[DEPTH_MAX];
	unsigned depth;
	unsigned documents;
	unsigned line, column; /* of the event at hand, or of the last one that had a mark */
} Builder;

/* ---- document and nodes ----------------------------------------------------------------------------- */

static void node_free(gpointer data)
{
	YamlNode *node = data;
	g_free(node->text);
	if (node->items)
		g_ptr_array_unref(node->items);
	if (node->keys)
		g_ptr_array_unref(node->keys);
	g_free(node);
}

void yaml_doc_free(YamlDoc *doc)
{
	if (!doc)
		return;
	g_ptr_array_unref(doc->nodes);
	g_free(doc->file);
	g_free(doc->bytes);
	g_free(doc);
}

static bool builder_fail(Builder *b, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool builder_fail(Builder *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	diagnostics_add(b->diag, false, b->doc->file, b->line, b->column, "%s", message);
	return false;
}

static YamlNode *builder_node(Builder *b, YamlKind kind)
{
	if (b->doc->nodes->len >= NODES_MAX) {
		builder_fail(b, "more than %u values in one file", NODES_MAX);
		return NULL;
	}
	YamlNode *node = g_new0(YamlNode, 1);
	node->kind = kind;
	node->line = b->line;
	node->column = b->column;
	g_ptr_array_add(b->doc->nodes, node);
	return node;
}

/* ---- events to tree --------------------------------------------------------------------------------- */

static bool add_key(Builder *b, Level *top, YamlNode *node)
{
	if (node->kind == YAML_NULL)
		return builder_fail(b, "a key is missing before ':'");
	if (node->kind != YAML_SCALAR)
		return builder_fail(b, "a key must be a plain word");
	const YamlNode *before = g_hash_table_lookup(top->seen, node->text);
	if (before)
		return builder_fail(b, "key '%s' is here twice (first in line %u)", node->text,
				    before->line);
	g_hash_table_insert(top->seen, node->text, node);
	top->key = node;
	return true;
}

/* Hang a finished scalar or a just opened collection into what is open. */
static bool attach(Builder *b, YamlNode *node)
{
	if (b->depth == 0) {
		b->doc->root = node;
		return true;
	}
	Level *top = &b->stack[b->depth - 1];
	if (top->node->kind == YAML_MAPPING) {
		if (!top->key)
			return add_key(b, top, node);
		g_ptr_array_add(top->node->keys, top->key);
		top->key = NULL;
	}
	g_ptr_array_add(top->node->items, node);
	return true;
}

static bool open_level(Builder *b, YamlKind kind)
{
	YamlNode *node = builder_node(b, kind);
	if (!node)
		return false;
	if (b->depth == DEPTH_MAX)
		return builder_fail(b, "nested deeper than %u levels", DEPTH_MAX);
	node->items = g_ptr_array_new();
	if (kind == YAML_MAPPING)
		node->keys = g_ptr_array_new();
	if (!attach(b, node))
		return false;
	b->stack[b->depth++] = (Level){
		.node = node,
		.seen = kind == YAML_MAPPING ? g_hash_table_new(g_str_hash, g_str_equal) : NULL,
	};
	return true;
}

static void close_level(Builder *b)
{
	Level *top = &b->stack[--b->depth];
	g_clear_pointer(&top->seen, g_hash_table_unref);
}

static bool is_null_text(const char *text)
{
	return !*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
	       !strcmp(text, "NULL");
}

static bool add_scalar(Builder *b, struct fy_token *token)
{
	size_t length = 0;
	const char *text = token ? fy_token_get_text(token, &length) : NULL;
	if (token && !text)
		return builder_fail(b, "cannot read this text");
	if (length > 0 && memchr(text, 0, length))
		return builder_fail(b, "a text must not contain the character NUL");
	YamlNode *node = builder_node(b, YAML_SCALAR);
	if (!node)
		return false;
	node->text = g_strndup(text ? text : "", length);
	node->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
	if (!g_utf8_validate(node->text, -1, NULL))
		return builder_fail(b, "an escape in this text does not give valid UTF-8");
	if (!node->quoted && is_null_text(node->text))
		node->kind = YAML_NULL;
	return attach(b, node);
}

static bool refuse_properties(Builder *b, struct fy_token *anchor, struct fy_token *tag)
{
	if (anchor)
		return builder_fail(
			b, "anchors and aliases are not used in these files: write the value out");
	if (tag)
		return builder_fail(
			b, "tags (!…) are not used in these files: units say what a value is");
	return true;
}

static bool take_event(Builder *b, struct fy_event *event)
{
	switch (event->type) {
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		return true;
	case FYET_DOCUMENT_START:
		if (b->documents++)
			return builder_fail(
				b, "a second document begins here: one file holds one document");
		return true;
	case FYET_MAPPING_START:
		return refuse_properties(b, event->mapping_start.anchor,
					 event->mapping_start.tag) &&
		       open_level(b, YAML_MAPPING);
	case FYET_SEQUENCE_START:
		return refuse_properties(b, event->sequence_start.anchor,
					 event->sequence_start.tag) &&
		       open_level(b, YAML_SEQUENCE);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		close_level(b);
		return true;
	case FYET_SCALAR:
		return refuse_properties(b, event->scalar.anchor, event->scalar.tag) &&
		       add_scalar(b, event->scalar.value);
	case FYET_ALIAS:
		return refuse_properties(b, event->alias.anchor, NULL);
	}
	return builder_fail(b, "cannot read this file");
}

/* Marks of quoted texts and aliases point behind the quote or the star; people count from it. */
static bool starts_after_sigil(const struct fy_event *event)
{
	if (event->type == FYET_ALIAS)
		return true;
	if (event->type != FYET_SCALAR || !event->scalar.value)
		return false;
	enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
	return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

/* Empty scalars carry no mark: they stand where the parser was. */
static void note_place(Builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	if (!mark)
		return;
	b->line = (unsigned)mark->line + 1;
	b->column = (unsigned)mark->column + 1;
	if (b->column > 1 && starts_after_sigil(event))
		b->column--;
}

/* ---- parsing ---------------------------------------------------------------------------------------- */

static void discard_output(struct fy_diag *diag, void *user, const char *text, size_t length)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)length;
}

/* libfyaml prints to stderr even when told to be quiet: give it a sink, and collect. */
static struct fy_diag *quiet_diag(void)
{
	struct fy_diag_cfg cfg;
	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	cfg.output_fn = discard_output;
	struct fy_diag *diag = fy_diag_create(&cfg);
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

static void report_syntax(Builder *b, struct fy_diag *collected)
{
	void *at = NULL;
	const struct fy_diag_error *e = fy_diag_errors_iterate(collected, &at);
	if (!e) {
		builder_fail(b, "not valid YAML");
		return;
	}
	unsigned line = e->line >= 0 ? (unsigned)e->line : 0,
		 column = e->column >= 0 ? (unsigned)e->column : 0;
	diagnostics_add(b->diag, false, b->doc->file, MAX(line, 1), MAX(column, 1),
			"not valid YAML: %s", e->msg ? e->msg : "?");
}

static bool parse_events(Builder *b, struct fy_parser *parser, struct fy_diag *collected)
{
	for (;;) {
		struct fy_event *event = fy_parser_parse(parser);
		if (!event) {
			if (!fy_parser_get_stream_error(parser))
				return true;
			report_syntax(b, collected);
			return false;
		}
		note_place(b, event);
		bool ok = take_event(b, event);
		fy_parser_event_free(parser, event);
		if (!ok)
			return false;
	}
}

static bool build(Builder *b)
{
	struct fy_diag *collected = quiet_diag();
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
		.diag = collected,
	};
	struct fy_parser *parser = collected ? fy_parser_create(&cfg) : NULL;
	bool ok = parser && !fy_parser_set_string(parser, b->doc->bytes, b->doc->length);
	ok = ok ? parse_events(b, parser, collected)
		: builder_fail(b, "cannot start the YAML parser");
	while (b->depth > 0)
		close_level(b);
	if (parser)
		fy_parser_destroy(parser);
	if (collected)
		fy_diag_destroy(collected);
	return ok;
}

static bool check_bytes(Builder *b)
{
	const YamlDoc *doc = b->doc;
	if (doc->length > BYTES_MAX)
		return builder_fail(b, "larger than %u MiB", BYTES_MAX >> 20);
	const char *bad;
	if (g_utf8_validate(doc->bytes, (gssize)doc->length, &bad))
		return true;
	b->line = 1;
	const char *start = doc->bytes;
	for (const char *p = doc->bytes; p < bad; p++)
		if (*p == '\n') {
			b->line++;
			start = p + 1;
		}
	b->column = (unsigned)g_utf8_strlen(start, bad - start) + 1;
	return builder_fail(b, "not UTF-8: byte 0x%02x", (unsigned char)*bad);
}

YamlDoc *yaml_load_text(const char *text, gssize length, const char *name, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = g_new0(YamlDoc, 1);
	doc->file = g_strdup(name);
	doc->length = length < 0 ? strlen(text) : (size_t)length;
	doc->bytes = g_malloc(doc->length + 1);
	memcpy(doc->bytes, text, doc->length);
	doc->bytes[doc->length] = 0;
	doc->nodes = g_ptr_array_new_with_free_func(node_free);
	Builder b = {.doc = doc, .diag = diag};
	if (!check_bytes(&b) || !build(&b))
		return NULL;
	if (!doc->root || doc->root->kind == YAML_NULL) {
		b.line = b.column = 1;
		builder_fail(&b, "the file is empty");
		return NULL;
	}
	return g_steal_pointer(&doc);
}

YamlDoc *yaml_load_file(const char *path, Diagnostics *diag)
{
	FILE *in = fopen(path, "rbe");
	if (!in) {
		diagnostics_add(diag, false, path, 0, 0, "cannot open: %s", g_strerror(errno));
		return NULL;
	}
	/* Bounded, for a device or pipe has no size to look at first. */
	g_autofree char *bytes = g_malloc(BYTES_MAX + 1);
	size_t n = fread(bytes, 1, BYTES_MAX + 1, in);
	int failed = ferror(in) ? errno : 0;
	fclose(in);
	if (failed) {
		diagnostics_add(diag, false, path, 0, 0, "cannot read: %s", g_strerror(failed));
		return NULL;
	}
	return yaml_load_text(bytes, (gssize)n, path, diag);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

const YamlNode *yaml_root(const YamlDoc *doc)
{
	return doc->root;
}

const char *yaml_file(const YamlDoc *doc)
{
	return doc->file;
}

const char *yaml_bytes(const YamlDoc *doc, size_t *ret_length)
{
	*ret_length = doc->length;
	return doc->bytes;
}

YamlKind yaml_kind(const YamlNode *node)
{
	return node->kind;
}

unsigned yaml_line(const YamlNode *node)
{
	return node->line;
}

unsigned yaml_column(const YamlNode *node)
{
	return node->column;
}

const char *yaml_text(const YamlNode *node)
{
	return node->kind == YAML_SCALAR ? node->text : NULL;
}

bool yaml_quoted(const YamlNode *node)
{
	return node->quoted;
}

size_t yaml_size(const YamlNode *node)
{
	return node && node->items ? node->items->len : 0;
}

const YamlNode *yaml_item(const YamlNode *sequence, size_t i)
{
	g_assert(i < yaml_size(sequence));
	return sequence->items->pdata[i];
}

const YamlNode *yaml_key_at(const YamlNode *mapping, size_t i)
{
	g_assert(mapping->kind == YAML_MAPPING && i < yaml_size(mapping));
	return mapping->keys->pdata[i];
}

const YamlNode *yaml_value_at(const YamlNode *mapping, size_t i)
{
	g_assert(mapping->kind == YAML_MAPPING);
	return yaml_item(mapping, i);
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key)
{
	if (!mapping || mapping->kind != YAML_MAPPING)
		return NULL;
	for (guint i = 0; i < mapping->items->len; i++)
		if (!strcmp(((YamlNode *)mapping->keys->pdata[i])->text, key))
			return mapping->items->pdata[i];
	return NULL;
}

const char *yaml_get_text(const YamlNode *mapping, const char *key)
{
	const YamlNode *node = yaml_get(mapping, key);
	return node ? yaml_text(node) : NULL;
}

const char *yaml_document_kind(const YamlDoc *doc)
{
	if (doc->root->kind != YAML_MAPPING || yaml_size(doc->root) == 0)
		return NULL;
	return !strcmp(yaml_key_at(doc->root, 0)->text, "anzen")
		       ? yaml_text(yaml_value_at(doc->root, 0))
		       : NULL;
}

bool yaml_expect_kind(const YamlDoc *doc, const char *kind, Diagnostics *diag)
{
	const char *found = yaml_document_kind(doc);
	if (!g_strcmp0(found, kind))
		return true;
	const YamlNode *at = found ? yaml_value_at(doc->root, 0) : doc->root;
	yaml_error(doc, at, diag, "expected the first line 'anzen: %s'%s%s%s", kind,
		   found ? ", found '" : "", found ? found : "", found ? "'" : "");
	return false;
}

void yaml_error(const YamlDoc *doc, const YamlNode *node, Diagnostics *diag, const char *format,
		...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	diagnostics_add(diag, false, doc->file, node ? node->line : 0, node ? node->column : 0,
			"%s", message);
}
