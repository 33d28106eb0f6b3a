/* A labels/1 file, read. Private to import. */
#ifndef ANZEN_IMPORT_LABELS_H
#define ANZEN_IMPORT_LABELS_H

#include <anzen/import.h>

typedef struct LabelSpan {
	int64_t from_ns, to_ns; /* from the start of the clip */
	const YamlNode *node;
} LabelSpan;

typedef struct LabelTruth {
	char *name;    /* "truth.fall" */
	GArray *spans; /* LabelSpan, by time, apart */
} LabelTruth;

typedef struct Labels {
	YamlDoc *doc; /* owned; NULL when only checked */
	char *clip, *sha256, *camera, *crop, *by, *note;
	double u_s; /* standard uncertainty of every edge */
	GPtrArray *truths;
} Labels;

Labels *labels_load(const char *path, Diagnostics *diag);
void labels_free(Labels *labels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Labels, labels_free)

#endif
