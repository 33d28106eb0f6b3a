/* The file kind labels/1: shape, deeper checks, reading. */
#include "labels.h"

#define WORDS "[a-z0-9]+(-[a-z0-9]+)*"

static const Shape text = {.type = SHAPE_TEXT};
static const Shape camera = {.type = SHAPE_TEXT,
			     .pattern = WORDS "([.]" WORDS ")*",
			     .expected = "a role such as camera.main"};
static const Shape hash = {
	.type = SHAPE_TEXT, .pattern = "[0-9a-f]{64}", .expected = "64 lower-case hex digits"};
static const Shape crop = {.type = SHAPE_TEXT,
			   .pattern = "[0-9]+x[0-9]+[+][0-9]+[+][0-9]+",
			   .expected = "WIDTHxHEIGHT+X+Y in pixels, as in 853x640+0+0"};
static const Shape moment = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0, .hi = 86400};
/* Nobody reads an edge off a video without any doubt: one picture's time is the least. */
static const Shape doubt = {.type = SHAPE_QUANTITY, .unit = "s", .lo = 0.001, .hi = 60};

static const ShapeField span_fields[] = {
	{"from", &moment, true, "it begins, from the start of the clip"},
	{"to", &moment, true, "it ends"},
	{NULL, NULL, false, NULL},
};
static const Shape span = {.type = SHAPE_RECORD, .fields = span_fields};
static const Shape spans = {.type = SHAPE_LIST, .item = &span, .lo = 0, .hi = 10000};
static const Shape truths = {.type = SHAPE_MAP,
			     .item = &spans,
			     .pattern = WORDS,
			     .lo = 1,
			     .hi = 100,
			     .expected = "the name of a truth, such as fall"};

static const ShapeField fields[] = {
	{"clip", &text, true, "file name of the clip that these labels are for"},
	{"sha256", &hash, false, "of the clip: labels of another version are refused"},
	{"camera", &camera, false, "role that the clip plays"},
	{"crop", &crop, false, "the part of the picture that the product is to look at"},
	{"truth", &truths, true, "for each truth the times when it holds; an empty list: never"},
	{"uncertainty", &doubt, true, "standard uncertainty of each edge"},
	{"by", &text, true, "who read the times, and how"},
	{"note", &text, false, "for people"},
	{NULL, NULL, false, NULL},
};
static const Shape shape = {.type = SHAPE_RECORD, .fields = fields};

const Shape *import_labels_shape(void)
{
	return &shape;
}

static void truth_free(void *pointer)
{
	LabelTruth *truth = pointer;
	g_free(truth->name);
	g_array_unref(truth->spans);
	g_free(truth);
}

void labels_free(Labels *labels)
{
	if (!labels)
		return;
	yaml_doc_free(labels->doc);
	g_free(labels->clip);
	g_free(labels->sha256);
	g_free(labels->camera);
	g_free(labels->crop);
	g_free(labels->by);
	g_free(labels->note);
	if (labels->truths)
		g_ptr_array_unref(labels->truths);
	g_free(labels);
}

static LabelTruth *read_truth(const YamlDoc *doc, const char *name, const YamlNode *list,
			      Diagnostics *diag)
{
	LabelTruth *truth = g_new0(LabelTruth, 1);
	int64_t last = -1;
	truth->name = g_strdup_printf("truth.%s", name);
	truth->spans = g_array_new(FALSE, FALSE, sizeof(LabelSpan));
	for (size_t i = 0; i < yaml_size(list); i++) {
		const YamlNode *item = yaml_item(list, i);
		LabelSpan s = {shape_ns(yaml_get(item, "from"), 0),
			       shape_ns(yaml_get(item, "to"), 0), item};
		if (s.to_ns <= s.from_ns)
			yaml_error(doc, yaml_get(item, "to"), diag, "expected a time after `from`");
		if (s.from_ns <= last)
			yaml_error(doc, yaml_get(item, "from"), diag,
				   "expected a time after the end of the one before");
		last = s.to_ns;
		g_array_append_val(truth->spans, s);
	}
	return truth;
}

static Labels *read_labels(const YamlDoc *doc, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	const YamlNode *root = yaml_root(doc), *map = yaml_get(root, "truth");
	if (!yaml_expect_kind(doc, "labels/1", diag) || !shape_check(&shape, doc, root, diag))
		return NULL;
	g_autoptr(Labels) labels = g_new0(Labels, 1);
	labels->clip = g_strdup(yaml_get_text(root, "clip"));
	labels->sha256 = g_strdup(yaml_get_text(root, "sha256"));
	labels->camera = g_strdup(yaml_get_text(root, "camera"));
	labels->crop = g_strdup(yaml_get_text(root, "crop"));
	labels->by = g_strdup(yaml_get_text(root, "by"));
	labels->note = g_strdup(yaml_get_text(root, "note"));
	labels->u_s = shape_quantity(yaml_get(root, "uncertainty"), "s", 0);
	labels->truths = g_ptr_array_new_with_free_func(truth_free);
	for (size_t i = 0; i < yaml_size(map); i++)
		g_ptr_array_add(labels->truths, read_truth(doc, yaml_text(yaml_key_at(map, i)),
							   yaml_value_at(map, i), diag));
	return diagnostics_errors(diag) == before ? g_steal_pointer(&labels) : NULL;
}

Labels *labels_load(const char *path, Diagnostics *diag)
{
	g_autoptr(YamlDoc) doc = yaml_load_file(path, diag);
	Labels *labels = doc ? read_labels(doc, diag) : NULL;
	if (labels)
		labels->doc = g_steal_pointer(&doc);
	return labels;
}

bool import_labels_check(const YamlDoc *doc, Diagnostics *diag)
{
	g_autoptr(Labels) labels = read_labels(doc, diag);
	return labels != NULL;
}
