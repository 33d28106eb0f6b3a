/* crosswalk/1: rows of a standard, and whether the packs and they fit together. */
#include "pack.h"

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape reasons = {.type = SHAPE_MAP, .item = &title};
static const Shape crosswalk_id = {
	.type = SHAPE_TEXT, .pattern = "[a-z][a-z0-9-]*", .expected = "an id as in nist-ai-rmf"};

static const ShapeField row_fields[] = {
	{"id", &text, true, "As packs name it"},
	{"title", &title, true, "What it is about, in our own words"},
	{"parent", &text, false, "Row above it"},
	{"gap", &text, false,
	 "No criterion, though a product test could bear on it: a name in reasons"},
	{"na", &text, false, "No criterion, since none can bear on it: a name in reasons"},
	{0},
};
static const Shape row_shape = {.type = SHAPE_RECORD, .fields = row_fields};
static const Shape rows_shape = {.type = SHAPE_LIST, .item = &row_shape, .lo = 1, .hi = 10000};

static const ShapeField fields[] = {
	{"anzen", &text, true, "crosswalk/1"},
	{"id", &crosswalk_id, true, "What stands before the colon in a pack's crosswalk"},
	{"title", &title, true, "Name of the standard or framework"},
	{"source", &text, true, "Where the ids come from, and how sure they are"},
	{"absent", &title, false, "Why the rows cannot be shipped"},
	{"reasons", &reasons, false, "Texts that rows refer to"},
	{"rows", &rows_shape, false, "The rows, in the standard's order"},
	{0},
};
static const Shape shape = {.type = SHAPE_RECORD, .fields = fields};

const Shape *crosswalk_shape(void)
{
	return &shape;
}

static void reason_free(gpointer data)
{
	CrosswalkReason *r = data;
	if (!r)
		return;
	g_free(r->en);
	g_free(r->ja);
	g_free(r);
}

static void row_free(gpointer data)
{
	CrosswalkRow *row = data;
	g_free(row->id);
	g_free(row->title_en);
	g_free(row->title_ja);
	g_free(row->parent);
	g_free(row);
}

void crosswalk_free(Crosswalk *c)
{
	if (!c)
		return;
	char *texts[] = {c->path, c->id, c->title_en, c->title_ja, c->source};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	reason_free(c->absent);
	g_hash_table_unref(c->reasons);
	g_ptr_array_unref(c->rows);
	g_free(c);
}

const CrosswalkRow *crosswalk_row(const Crosswalk *c, const char *id)
{
	for (guint i = 0; i < c->rows->len; i++) {
		const CrosswalkRow *row = g_ptr_array_index(c->rows, i);
		if (!strcmp(row->id, id))
			return row;
	}
	return NULL;
}

/* ---- reading ---- */

static CrosswalkReason *read_reason(const YamlNode *node)
{
	if (!node)
		return NULL;
	CrosswalkReason *r = g_new0(CrosswalkReason, 1);
	r->en = g_strdup(yaml_get_text(node, "en"));
	r->ja = g_strdup(yaml_get_text(node, "ja"));
	return r;
}

static void read_word(const YamlDoc *doc, const YamlNode *node, const Crosswalk *c,
		      CrosswalkRow *row, Diagnostics *diag)
{
	const YamlNode *gap = yaml_get(node, "gap"), *na = yaml_get(node, "na");
	const YamlNode *said = gap ? gap : na;
	if (gap && na)
		yaml_error(doc, na, diag, "%s: a row is a gap or not applicable, not both",
			   row->id);
	if (!said)
		return;
	row->word = gap ? ROW_GAP : ROW_NOT_APPLICABLE;
	row->why = g_hash_table_lookup(c->reasons, yaml_text(said));
	if (!row->why)
		yaml_error(doc, said, diag, "%s: `reasons` has no %s", row->id, yaml_text(said));
}

static void read_row(const YamlDoc *doc, const YamlNode *node, Crosswalk *c, GHashTable *seen,
		     Diagnostics *diag)
{
	CrosswalkRow *row = g_new0(CrosswalkRow, 1);
	row->id = g_strdup(yaml_get_text(node, "id"));
	row->title_en = g_strdup(yaml_get_text(yaml_get(node, "title"), "en"));
	row->title_ja = g_strdup(yaml_get_text(yaml_get(node, "title"), "ja"));
	row->parent = g_strdup(yaml_get_text(node, "parent"));
	row->line = yaml_line(node);
	row->column = yaml_column(node);
	if (!g_hash_table_add(seen, row->id))
		yaml_error(doc, node, diag, "the row %s is here twice", row->id);
	read_word(doc, node, c, row, diag);
	g_ptr_array_add(c->rows, row);
}

static Crosswalk *read_crosswalk(const YamlDoc *doc, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc), *map = yaml_get(root, "reasons"),
		       *rows = yaml_get(root, "rows");
	size_t before = diagnostics_errors(diag);
	if (!yaml_expect_kind(doc, "crosswalk/1", diag) || !shape_check(&shape, doc, root, diag))
		return NULL;
	g_autoptr(Crosswalk) c = g_new0(Crosswalk, 1);
	c->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, reason_free);
	c->rows = g_ptr_array_new_with_free_func(row_free);
	c->path = g_strdup(yaml_file(doc));
	c->id = g_strdup(yaml_get_text(root, "id"));
	c->title_en = g_strdup(yaml_get_text(yaml_get(root, "title"), "en"));
	c->title_ja = g_strdup(yaml_get_text(yaml_get(root, "title"), "ja"));
	c->source = g_strdup(yaml_get_text(root, "source"));
	c->absent = read_reason(yaml_get(root, "absent"));
	for (size_t i = 0; i < yaml_size(map); i++)
		g_hash_table_insert(c->reasons, g_strdup(yaml_text(yaml_key_at(map, i))),
				    read_reason(yaml_value_at(map, i)));
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < yaml_size(rows); i++)
		read_row(doc, yaml_item(rows, i), c, seen, diag);
	if (!rows == !c->absent)
		yaml_error(doc, root, diag, "expected `rows`, or `absent` with the reason");
	return diagnostics_errors(diag) == before ? g_steal_pointer(&c) : NULL;
}

Crosswalk *crosswalk_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_crosswalk(doc, diag) : NULL;
}

Crosswalk *crosswalk_load_text(const char *said, gssize length, const char *name, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(said, length, name, diag);
	return doc ? read_crosswalk(doc, diag) : NULL;
}

/* ---- both ways ---- */

bool criterion_bears_on(const Criterion *criterion, const char *crosswalk, const char *row)
{
	g_autofree char *full = g_strdup_printf("%s:%s", crosswalk, row);
	if (!strcmp(crosswalk, "jp-aisi") &&
	    g_ptr_array_find_with_equal_func(criterion->perspectives, row, g_str_equal, NULL))
		return true;
	return g_ptr_array_find_with_equal_func(criterion->crosswalk, full, g_str_equal, NULL);
}

static bool any_bears_on(Pack *const *packs, size_t n, const char *crosswalk, const char *row)
{
	for (size_t p = 0; p < n; p++)
		for (guint i = 0; i < packs[p]->criteria->len; i++)
			if (criterion_bears_on(g_ptr_array_index(packs[p]->criteria, i), crosswalk,
					       row))
				return true;
	return false;
}

static void lint_rows(const Crosswalk *c, Pack *const *packs, size_t n, Diagnostics *diag)
{
	for (guint i = 0; i < c->rows->len; i++) {
		const CrosswalkRow *row = g_ptr_array_index(c->rows, i);
		bool mapped = any_bears_on(packs, n, c->id, row->id);
		if (!mapped && row->word == ROW_PLAIN)
			diagnostics_add(diag, false, c->path, row->line, row->column,
					"%s: no criterion bears on it: say `gap` or `na`, and why",
					row->id);
		if (mapped && row->word != ROW_PLAIN)
			diagnostics_add(
				diag, false, c->path, row->line, row->column,
				"%s: a criterion bears on it, and the row says that none does",
				row->id);
		if (row->parent && !crosswalk_row(c, row->parent))
			diagnostics_add(diag, false, c->path, row->line, row->column,
					"%s: no row is called %s", row->id, row->parent);
	}
}

static const Crosswalk *find(Crosswalk *const *crosswalks, size_t n, const char *id, size_t length)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(crosswalks[i]->id) == length && !strncmp(crosswalks[i]->id, id, length))
			return crosswalks[i];
	return NULL;
}

static void lint_references(Crosswalk *const *crosswalks, size_t n, const Pack *pack,
			    const Criterion *c, Diagnostics *diag)
{
	if (c->crosswalk->len == 0)
		diagnostics_add(diag, false, pack->path, c->line, c->column,
				"%s: stands in no crosswalk", c->id);
	for (guint i = 0; i < c->crosswalk->len; i++) {
		const char *said = g_ptr_array_index(c->crosswalk, i);
		const char *colon = strchr(said, ':');
		const Crosswalk *to =
			colon ? find(crosswalks, n, said, (size_t)(colon - said)) : NULL;
		if (!to || !crosswalk_row(to, colon + 1))
			diagnostics_add(diag, false, pack->path, c->line, c->column,
					"%s: no crosswalk has the row '%s'", c->id, said);
	}
}

bool crosswalk_lint(Crosswalk *const *crosswalks, size_t n_crosswalks, Pack *const *packs,
		    size_t n_packs, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	for (size_t i = 0; i < n_crosswalks; i++)
		lint_rows(crosswalks[i], packs, n_packs, diag);
	for (size_t p = 0; p < n_packs; p++)
		for (guint i = 0; i < packs[p]->criteria->len; i++)
			lint_references(crosswalks, n_crosswalks, packs[p],
					g_ptr_array_index(packs[p]->criteria, i), diag);
	return diagnostics_errors(diag) == before;
}
