/* hazards/1: the register of what can go wrong, and whether it and the packs fit together. */
#include "pack.h"

static const char *const severities[] = {"0", "I", "II", "III", "IV", NULL};

static const Shape text = {.type = SHAPE_TEXT};
static const Shape title = {.type = SHAPE_TITLE};
static const Shape severity = {.type = SHAPE_WORD, .words = severities};
static const Shape hazard_id = {
	.type = SHAPE_TEXT, .pattern = "H-[A-Z]+-[0-9]+", .expected = "a hazard such as H-FALL-02"};

static const ShapeField row_fields[] = {
	{"id", &hazard_id, true, "As criteria and scenarios name it"},
	{"title", &title, true, "What happens"},
	{"severity", &severity, true,
	 "Worst credible harm: 0 no injury, I slight, II moderate, III serious, IV fatal"},
	{"open", &title, false, "Why no criterion is about it yet"},
	{0},
};
static const Shape row_shape = {.type = SHAPE_RECORD, .fields = row_fields};
static const Shape rows_shape = {.type = SHAPE_LIST, .item = &row_shape, .lo = 1, .hi = 10000};

static const ShapeField fields[] = {
	{"anzen", &text, true, "hazards/1"},
	{"id", &text, true, "Name of the register"},
	{"title", &title, true, "Title"},
	{"source", &text, true, "Who judged the severities, and on what scale"},
	{"hazards", &rows_shape, true, "The rows"},
	{0},
};
static const Shape shape = {.type = SHAPE_RECORD, .fields = fields};

const Shape *hazards_shape(void)
{
	return &shape;
}

static void hazard_free(gpointer data)
{
	Hazard *h = data;
	g_free(h->id);
	g_free(h->title_en);
	g_free(h->title_ja);
	g_free(h);
}

void hazards_free(Hazards *all)
{
	if (!all)
		return;
	g_free(all->path);
	g_free(all->source);
	g_ptr_array_unref(all->rows);
	g_free(all);
}

const Hazard *hazards_find(const Hazards *all, const char *id)
{
	for (guint i = 0; id && i < all->rows->len; i++) {
		const Hazard *h = g_ptr_array_index(all->rows, i);
		if (!strcmp(h->id, id))
			return h;
	}
	return NULL;
}

const char *hazard_severity(const Hazard *hazard)
{
	return severities[hazard->severity];
}

/* ---- reading ---- */

static unsigned severity_of(const char *said)
{
	for (unsigned i = 0; severities[i]; i++)
		if (!strcmp(severities[i], said))
			return i;
	return 0; /* the shape has refused all others */
}

static Hazards *read_hazards(const YamlDoc *doc, Diagnostics *diag)
{
	const YamlNode *root = yaml_root(doc), *rows = yaml_get(root, "hazards");
	size_t before = diagnostics_errors(diag);
	if (!yaml_expect_kind(doc, "hazards/1", diag) || !shape_check(&shape, doc, root, diag))
		return NULL;
	g_autoptr(Hazards) all = g_new0(Hazards, 1);
	all->path = g_strdup(yaml_file(doc));
	all->source = g_strdup(yaml_get_text(root, "source"));
	all->rows = g_ptr_array_new_with_free_func(hazard_free);
	for (size_t i = 0; i < yaml_size(rows); i++) {
		const YamlNode *node = yaml_item(rows, i);
		if (hazards_find(all, yaml_get_text(node, "id")))
			yaml_error(doc, node, diag, "the hazard %s is here twice",
				   yaml_get_text(node, "id"));
		Hazard *h = g_new0(Hazard, 1);
		h->id = g_strdup(yaml_get_text(node, "id"));
		h->title_en = g_strdup(yaml_get_text(yaml_get(node, "title"), "en"));
		h->title_ja = g_strdup(yaml_get_text(yaml_get(node, "title"), "ja"));
		h->severity = severity_of(yaml_get_text(node, "severity"));
		h->open = yaml_get(node, "open") != NULL;
		h->line = yaml_line(node);
		h->column = yaml_column(node);
		g_ptr_array_add(all->rows, h);
	}
	return diagnostics_errors(diag) == before ? g_steal_pointer(&all) : NULL;
}

Hazards *hazards_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	return doc ? read_hazards(doc, diag) : NULL;
}

Hazards *hazards_load_text(const char *said, gssize length, const char *name, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_text(said, length, name, diag);
	return doc ? read_hazards(doc, diag) : NULL;
}

/* ---- both ways ---- */

static bool any_about(Pack *const *packs, size_t n, const char *id)
{
	for (size_t p = 0; p < n; p++)
		for (guint i = 0; i < packs[p]->criteria->len; i++) {
			const Criterion *c = g_ptr_array_index(packs[p]->criteria, i);
			if (c->hazard && !strcmp(c->hazard, id))
				return true;
		}
	return false;
}

static void lint_row(const Hazards *all, const Hazard *h, bool about, Diagnostics *diag)
{
	if (!about && !h->open)
		diagnostics_add(diag, false, all->path, h->line, h->column,
				"%s: no criterion is about it: say why in `open`", h->id);
	if (about && h->open)
		diagnostics_add(diag, false, all->path, h->line, h->column,
				"%s: a criterion is about it, and the row says that none is",
				h->id);
}

/* A criterion may be harmless though its hazard is not (a false alarm that is only ignored); never the other way round. */
static void lint_criterion(const Hazards *all, const Pack *pack, const Criterion *c,
			   Diagnostics *diag)
{
	const Hazard *h = hazards_find(all, c->hazard);
	if (!c->hazard)
		return; /* criterion_pack_lint_kept() tells it */
	if (!h)
		diagnostics_add(diag, false, pack->path, c->line, c->column,
				"%s: the register %s has no hazard %s", c->id, all->path,
				c->hazard);
	else if (c->injures && h->severity == 0)
		diagnostics_add(
			diag, false, pack->path, c->line, c->column,
			"%s: its hazard %s injures nobody by %s: say `injures: false`, or correct "
			"the register",
			c->id, c->hazard, all->path);
}

bool hazards_lint(const Hazards *all, Pack *const *packs, size_t n_packs, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	for (guint i = 0; i < all->rows->len; i++) {
		const Hazard *h = g_ptr_array_index(all->rows, i);
		lint_row(all, h, any_about(packs, n_packs, h->id), diag);
	}
	for (size_t p = 0; p < n_packs; p++)
		for (guint i = 0; i < packs[p]->criteria->len; i++)
			lint_criterion(all, packs[p], g_ptr_array_index(packs[p]->criteria, i),
				       diag);
	return diagnostics_errors(diag) == before;
}
