/* import (floor 4): recordings of others become sessions of ours.
 *
 * Three ways: a table with a mapping (CSV, TSV); a video with the times that a person read off it; a recording that says
 * itself what it holds (MCAP, rosbag2, ROS 1 bag, ULog, WAV, MKV, MP4). None guesses: a unit that nobody gave is `unknown`, a
 * sensor without a certificate has none, and the judge answers INVALID rather than lean on such a number. Any thread, one
 * import at a time a file. docs/import.md is for users.
 */
#ifndef ANZEN_IMPORT_H
#define ANZEN_IMPORT_H

#include <anzen/base.h>

G_BEGIN_DECLS

/* ---- tables ------------------------------------------------------------------------------------------------- */

/* The file kind mapping/1: which column of a table, or field of a recording, is which signal, with all that scoring must know
 * about it. */
const Shape *import_mapping_shape(void);
bool import_mapping_check(const YamlDoc *doc, Diagnostics *diag);

/* CSV or TSV + mapping → a sealed session with both files attached, start and end events, and the mapping's `judge` part as
 * the judge specification. Rows and cells are kept as they are: an empty cell is no sample, `nan` a missing one; rows of one
 * time stay in their order. Columns that the mapping does not name are ignored. A missing column, a time that goes back for a
 * signal, a value that is no number: file:line:col diagnostics (and `error` ANZEN_ERROR_INPUT), and no file at `out`. */
gboolean import_table(const char *csv, const char *mapping, const char *out, Diagnostics *diag,
		      GError **error);

/* ---- a video with labels ------------------------------------------------------------------------------------ */

/* The file kind labels/1: what is true when in a recorded clip, by whom, and how well the edges are known. */
const Shape *import_labels_shape(void);
bool import_labels_check(const YamlDoc *doc, Diagnostics *diag);

/* What an import found; for the message and for tests. */
typedef struct ImportFacts {
	uint64_t frames;
	int64_t duration_ns; /* to the end of the last picture */
} ImportFacts;

/* MP4 (H.264) + labels → a sealed session of evidence class replay at `out`: the access units as camera `camera`, and for
 * each truth of the labels the Boolean signal truth.NAME (origin label) whose clock uncertainty is that of the labels'
 * edges. t = 0 is the start of the clip. The metadata name both files and their hashes; the labels are attached, the MP4
 * is not (its pictures are all there). Labels of another clip, an edge outside the clip, pictures out of order: diagnostics
 * or ANZEN_ERROR_INPUT, and no file at `out`. */
gboolean import_video(const char *mp4, const char *camera, const char *labels, const char *out,
		      ImportFacts *ret, Diagnostics *diag, GError **error);

/* ---- recordings --------------------------------------------------------------------------------------------- */

/* Which of a message's times becomes the time of its samples. The others are kept as signals TOPIC.time.log,
 * TOPIC.time.publish, TOPIC.time.stamp: seconds to add to the sample's time. */
typedef enum {
	IMPORT_TIME_LOG,     /* when the recorder had it */
	IMPORT_TIME_PUBLISH, /* when its sender sent it; the log time where the format has none */
	IMPORT_TIME_STAMP,   /* header.stamp of the message; messages without one are not taken */
} ImportTime;
const char *import_time_name(ImportTime time); /* "log" "publish" "stamp" */
gboolean import_time_parse(const char *name, ImportTime *ret);

typedef struct ImportOptions {
	const char *mapping; /* names, units and properties of signals; NULL: none */
	ImportTime time;
	const char *camera; /* role of the only camera; NULL: named after its topic or file */
	const char *const *topics; /* only these (NULL-terminated); NULL: all */
	unsigned max_array;        /* longer arrays are left out; 0: 128 */
	bool salvage;              /* step over damaged parts instead of refusing the file */
} ImportOptions;

typedef struct ImportReason {
	char *what;  /* for people */
	char *where; /* first place in the file, or NULL */
	uint64_t n;
} ImportReason;

typedef struct ImportTopic {
	char *name, *type, *encoding;
	uint64_t messages, taken;
	uint64_t signals, frames;
	GPtrArray *left; /* ImportReason*: messages that were not taken */
	GPtrArray *lost; /* ImportReason*: fields left out of messages that were taken */
} ImportTopic;

typedef struct ImportReport {
	char *format; /* "ROS 1 bag v2.0" */
	char *sha256; /* of the file; of several: of their sha256sum lines in the order they were read */
	uint64_t size;
	GPtrArray *topics; /* ImportTopic* */
	GPtrArray *notes;  /* char* */
	char *incomplete;  /* what of the file could not be read; NULL: nothing */
	uint64_t messages, taken, signals, samples, frames, texts;
	uint64_t equal_times; /* samples at the time of the one before them, kept in file order */
	int64_t start_ns, end_ns;
	ImportTime time;
} ImportReport;

/* A recording → a sealed session at `out`. The format is found from the file's first bytes. What was not taken stands in the
 * report, in the session's attachment import/report.json and, in short, in its metadata import.*. ANZEN_ERROR_INPUT when the
 * file is damaged or nothing in it can be taken: the message says what, where and what to do; no file at `out`. On failure
 * *ret may hold a report (what was seen until then), else NULL. */
gboolean import_recording(const char *path, const ImportOptions *options, const char *out,
			  ImportReport **ret, Diagnostics *diag, GError **error);
void import_report_free(ImportReport *report);
/* The attachment's text; caller frees. */
char *import_report_json(const ImportReport *report);

/* Is it a recording (else a table or nothing known)? The name of its format, static. */
const char *import_format(const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImportReport, import_report_free)

G_END_DECLS

#endif
