/* session (floor 3): our schema on MCAP. Recorder, loader, hash chain, recovery, run folder,
 *run.json.
 *
 * A session is one self-contained MCAP file: every input file as an attachment, then signals,
 *events, faults and frames. Times in it are bench time (CLOCK_MONOTONIC nanoseconds, clock.h) with
 *UTC anchors beside them.
 *
 * Layout (the names below are the format; a change needs a new `format` number in the metadata
 *`anzen.session`): topic /signals/NAME	anzen_msgs/msg/Sample (cdr, ros2msg) at 100 Hz and more,
 *else anzen.Sample (json, jsonschema) topic /events, /faults	anzen.Event, anzen.Fault (json,
 *jsonschema)
 *	topic /frames/NAME	foxglove_msgs/msg/CompressedVideo (h264), CompressedImage (jpeg) or
 *RawImage (cdr); log_time = receipt, publish_time = capture topic /frames/NAME/info
 *anzen_msgs/msg/FrameInfo: capture uncertainty, sequence, key, size; same MCAP sequence metadata
 *anzen.session, anzen.meta, anzen.chain (after each chunk), anzen.end (only in a sealed file), anzen.edited and anzen.withheld (after a cut, merge or redaction)
 * Channel metadata carry every field of SignalInfo.
 *
 * Chain: h_0 = SHA-256("anzen.chain/1"); for every record of the data section in file order but the
 *anzen.chain records themselves, h_i = SHA-256(h_{i-1} ‖ SHA-256(record as stored, opcode and
 *length included)).
 */
#ifndef ANZEN_SESSION_H
#define ANZEN_SESSION_H

#include <anzen/mcap.h>
#include <anzen/model.h>

G_BEGIN_DECLS

/* ---- recording ------------------------------------------------------------------------------- */

typedef struct SessionWriter SessionWriter;
typedef struct SessionProducer SessionProducer;

typedef struct SessionOptions {
	const char *path;     /* must not exist yet; used when sink is NULL */
	const McapSink *sink; /* instead of a file, for tests; borrowed */
	Clock *clock;         /* required; borrowed */
	EvidenceClass evidence;
	/* No threads: whoever owns the writer calls session_writer_pump(). For lock-step runs,
	 * imports and tests. */
	bool inline_writer;
	size_t chunk_size;    /* 0: 1 MiB */
	int64_t chunk_age_ns; /* 0: 300 ms: with polling and the sync the loss stays below the
				 promised 0.4 s */
} SessionOptions;

/* Creates the file. Then add attachments, metadata, signals, cameras and producers; then start.
 *Calls up to session_writer_start() and session_writer_finish() belong to the owner's thread.
 *
 *	g_autoptr(SessionWriter) w = session_writer_new(&options, &error);
 *	session_writer_attach_file(w, "scenario.yaml", path, &error);
 *	session_writer_meta(w, "scenario", "fall-watch/chair-fall");
 *	int height = session_writer_add_signal(w, &info, 1000.0);
 *	SessionProducer *node = session_writer_add_producer(w, "node-a", SESSION_BENCH);
 *	session_writer_start(w, &error);
 *	session_sample(node, height, t_ns, 0.93, SAMPLE_OK);		// on the producer's own
 *thread session_writer_finish(w, NULL, &sha256, &error);
 */
SessionWriter *session_writer_new(const SessionOptions *options, GError **error);
/* Stops the threads and leaves an unsealed file when finish was not called. Takes NULL. */
void session_writer_free(SessionWriter *writer);

/* Before start. Names of attachments are unique, relative, without "..". media_type NULL: from the
 * name. */
gboolean session_writer_attach(SessionWriter *writer, const char *name, const char *media_type,
			       const void *data, size_t size, GError **error);
gboolean session_writer_attach_file(SessionWriter *writer, const char *name, const char *path,
				    GError **error);
/* The judge specification as the attachment "judge.json" (session_reader_judge() reads it). */
gboolean session_writer_attach_judge(SessionWriter *writer, const JudgeSpec *spec, GError **error);
/* Set by imports that kept samples of equal times: how many. The loader reads such samples 1 ns apart. */
#define SESSION_META_BURSTS "import.equal_times"
/* Becomes Recording.meta. Before start. A second value for a key replaces the first. */
void session_writer_meta(SessionWriter *writer, const char *key, const char *value);

/* Before start. Returns the id for session_sample(). expected_hz ≥ 100: cdr, else json. Copies
 * info. The name must be new (else -1). */
int session_writer_add_signal(SessionWriter *writer, const SignalInfo *info, double expected_hz);
/* format: of Frame. Returns the id for session_frame(), -1 for a name that exists or an unknown
 * format. */
int session_writer_add_camera(SessionWriter *writer, const char *name, const char *format);

/* SESSION_BENCH: a full ring is the bench's fault: the recording gets a Fault (bench, proven), so
 * INVALID. SESSION_PRODUCT: small rings of its own; a full one is the product's flood, Fault blamed
 * on the product. One producer per thread. Owned by the writer; valid until it is freed. Before
 * start. */
typedef enum { SESSION_BENCH, SESSION_PRODUCT } SessionProducerKind;
SessionProducer *session_writer_add_producer(SessionWriter *writer, const char *name,
					     SessionProducerKind kind);

gboolean session_writer_start(SessionWriter *writer, GError **error);

/* On the producer's thread. They never block and never allocate (an event's json above
 * SESSION_EVENT_JSON bytes is copied to the heap; bench threads that must not allocate keep below).
 * False: the ring was full (counted; it becomes a fault) or the session has finished. Names longer
 * than the inline room are cut. */
#define SESSION_EVENT_JSON 448
bool session_sample(SessionProducer *producer, int signal, int64_t t_ns, double value,
		    SampleStatus status);
bool session_frame(SessionProducer *producer, int camera,
		   const Frame *frame); /* takes a reference, or copies */
bool session_fault(SessionProducer *producer, const Fault *fault);
/* Returns the event's number (to ask for its acknowledgement), or 0 when it was lost. The
 * timeline begins with the event "run.start" (t = 0 s of formulas) and ends with "run.end". */
uint64_t session_event(SessionProducer *producer, int64_t t_ns, const char *name, const char *json);
/* The same four as a Stream sink, by name; for the producer's thread. Unknown names are counted as
 * lost. */
Stream *session_producer_stream(SessionProducer *producer);

/* Any thread. True when event `number` is on the medium. */
bool session_writer_acknowledged(const SessionWriter *writer, uint64_t number);
/* Any thread. NULL while all is well; else why the file counts as lost from some byte on. Never
 * recovers. Static for the writer's life. */
const char *session_writer_failed(const SessionWriter *writer);

/* inline_writer: take everything out of the rings, close chunks whose time has come, sync. */
gboolean session_writer_pump(SessionWriter *writer, GError **error);

/* Take what is left, write anzen.end, seal, sync. incomplete_why NULL: the timeline came to its
 * end. The hash (hex, caller frees; may be NULL) is of the whole file. No producer may be used any
 * more. */
gboolean session_writer_finish(SessionWriter *writer, const char *incomplete_why, char **ret_sha256,
			       GError **error);

/* Figures for the note and tests. */
typedef struct SessionStats {
	uint64_t samples, events, frames, faults, lost; /* written; lost in full rings */
	uint64_t bytes, chunks, syncs;
	int64_t worst_sync_ns, worst_write_ns;
} SessionStats;
void session_writer_stats(const SessionWriter *writer, SessionStats *ret);

/* ---- loading --------------------------------------------------------------------------------- */

typedef struct SessionReader SessionReader;

/* Reads the whole file once: CRCs, chain, schemas; keeps signals, events, faults, metadata; not
 * frames. A file that was cut (killed recorder) loads as far as it is whole, with
 * recording->complete false and incomplete_why saying what is missing. A file that was changed
 * (CRC, chain) is ANZEN_ERROR_CORRUPT, naming the offset. A file that is not a session of ours:
 * ANZEN_ERROR_INPUT. */
SessionReader *session_reader_open(const char *path, GError **error);
SessionReader *session_reader_open_source(const McapSource *source,
					  GError **error); /* borrows the source */
void session_reader_free(SessionReader *reader);

const Recording *session_reader_recording(const SessionReader *reader);
Recording *session_reader_steal(SessionReader *reader); /* ownership to the caller; once */
/* = open + steal. */
Recording *session_load(const char *path, GError **error);

/* Attachments: names (sorted, borrowed strings, free the array), and the bytes (CRC checked; caller
 * unrefs). */
GPtrArray *session_reader_attachments(const SessionReader *reader);
GBytes *session_reader_attachment(SessionReader *reader, const char *name, GError **error);
/* NULL without error when the session has no judge.json. */
JudgeSpec *session_reader_judge(SessionReader *reader, GError **error);

typedef struct SessionCamera {
	char *name, *format;
	size_t frames;
	int64_t first_ns, last_ns; /* capture */
} SessionCamera;
size_t session_reader_cameras(const SessionReader *reader);
const SessionCamera *session_reader_camera(const SessionReader *reader, size_t i);
/* Every frame of a camera in capture order with from ≤ capture < to (to 0: all). `frame` is
 * borrowed until the callback returns (owner NULL); return false to stop. */
typedef bool (*SessionFrameFunc)(const Frame *frame, void *data);
gboolean session_reader_frames(SessionReader *reader, const char *camera, int64_t from_ns,
			       int64_t to_ns, SessionFrameFunc func, void *data, GError **error);

/* What verification found. */
typedef struct SessionCheck {
	bool ok;                               /* whole, sealed, every CRC and the chain agree */
	bool sealed;                           /* anzen.end and footer are there */
	bool truncated;                        /* the file just ends: recover it */
	uint64_t offset;                       /* of the first problem */
	char *problem;                         /* NULL when ok; names the offset */
	uint64_t size, records, chunks, links; /* links: anzen.chain records that agreed */
	uint64_t unchained;  /* records after the last link: whole, but not attributable */
	uint64_t lost_bytes; /* bytes after the last whole record */
	char chain[65];      /* head, hex */
	char sha256[65];     /* of the whole file */
	/* Of a redacted session: its original, by the leaves that it keeps of it. */
	bool redacted;
	char original_chain[65], original_sha256[65];
	uint64_t original_records, original_kept; /* kept: the same to the byte */
} SessionCheck;
SessionCheck *session_verify(const char *path,
			     GError **error); /* error only when it cannot be read or is no MCAP */
SessionCheck *session_verify_source(const McapSource *source, GError **error);
void session_check_free(SessionCheck *check);

/* Copy all whole records of a cut or damaged file to a sealed new one: same attachments, metadata
 * and messages, a new chain whose metadata `anzen.recovered` names the original's hash, the old
 * chain's head and what is missing. A damaged chunk costs what stood in it (mcap_reader_skipped() says how
 * reading goes on); declarations, identity and meta stand in more than one place. What had to be searched for counts
 * only where links of the chain show that it is of this session. */
typedef struct SessionRecovery {
	uint64_t messages, chunks, skipped_chunks, lost_bytes;
	uint64_t
		lost_messages; /* by the statistics of the summary; 0 also when there is no whole one */
	int64_t last_ns;       /* the latest time that was recovered */
	char *missing;         /* one line for people; NULL: nothing */
} SessionRecovery;
gboolean session_recover(const McapSource *source, const McapSink *sink, SessionRecovery *ret,
			 GError **error);
/* From file to file: the new one appears whole or not at all, and never in place of another (ANZEN_ERROR_INPUT). */
gboolean session_recover_file(const char *path, const char *out, SessionRecovery *ret,
			      GError **error);
void session_recovery_clear(SessionRecovery *recovery);

/* ---- editing: a new sealed file, the original untouched -------------------------------------- */

/* Every edit writes to a temporary name, syncs, renames, and never replaces a file (ANZEN_ERROR_INPUT). The new file has
 * a chain of its own and the metadata `anzen.edited`: operation, the original's hash, chain and count of records. A
 * session that was cut, not sealed or changed is refused: recover it first. */
typedef struct SessionEdit {
	uint64_t messages; /* in the new file */
	char *sha256;      /* of the new file; caller frees */
} SessionEdit;

/* Keep from ≤ t < to, in ns of the timeline (0: run.start; INT64_MIN, CLOCK_NEVER: open). Times and the timeline's zero
 * stay. Each signal keeps its last sample before the span, each camera begins at a key frame, faults before the span
 * stay. A cut session is incomplete: it shows what happened in it and decides no scenario. */
gboolean session_cut(const char *path, int64_t from_ns, int64_t to_ns, const char *out,
		     SessionEdit *ret, GError **error);

typedef enum {
	WITHHELD_SIGNAL, /* samples; one `missing` stands in their place. The loader adds a fault of
			    FAULT_SOURCE_REDACTION over the span, up to the next sample */
	WITHHELD_CAMERA, /* pictures, to the next key frame */
	WITHHELD_REGION, /* of pictures, from key frame to key frame: encoded again without it */
	WITHHELD_ATTACHMENT, /* an attached file */
	WITHHELD_EVENT,      /* events "operator.…" and "text.…", on which no verdict rests */
} SessionWithheldKind;

const char *session_withheld_kind_name(SessionWithheldKind kind); /* "signal" "camera" "region" … */

/* Something that a redaction took away. The hash is SHA-256 over the withheld messages in file order, each as log time,
 * publish time, sequence (u64, u64, u32, little-endian), size (u64) and data; of an attachment: over its bytes. */
typedef struct SessionWithheld {
	SessionWithheldKind kind;
	char *name;
	int64_t from_ns, to_ns;  /* bench time, from ≤ t < to; INT64_MIN, CLOCK_NEVER: all */
	int x, y, width, height; /* of a region, in pixels */
	char *reason;
	uint64_t messages;
	char sha256[65];
} SessionWithheld;

SessionWithheld *session_withheld_new(SessionWithheldKind kind, const char *name);
void session_withheld_free(SessionWithheld *withheld);

/* Give the picture of `frame` without `regions` (n of them, which apply to it; 0: as it is, but encoded by the same
 * encoder) as bytes of the same format. Called for each camera from a key frame on, without gaps, in the order of
 * capture; a key frame must become a key frame and no other one. */
typedef gboolean (*SessionHideFunc)(void *data, const char *camera, const Frame *frame,
				    const SessionWithheld *const *regions, size_t n,
				    GByteArray *ret_bytes, GError **error);

typedef struct SessionRedaction {
	const SessionWithheld *const *parts; /* kind, name, times in ns of the timeline, region */
	size_t n_parts;
	const char *reason;   /* required */
	const char *by;       /* who; NULL */
	SessionHideFunc hide; /* required for regions */
	void *hide_data;
} SessionRedaction;

/* Copies of imported files (attachments "import/…") hold what is to be withheld as well, so they are always withheld.
 * An attachment "redaction/….leaves" keeps the leaves of the original's chain: they give its head, and show which
 * records of this file are the original's to the byte; session_verify() checks both. Recording.meta of a redacted
 * session has "redacted". Where the product's heartbeat or positive control is withheld, a fault of the bench over that
 * time says that nothing shows it alive. */
gboolean session_redact(const char *path, const SessionRedaction *redaction, const char *out,
			SessionEdit *ret, GError **error);
/* What earlier redactions took away: SessionWithheld*, borrowed with the reader. */
const GPtrArray *session_reader_withheld(const SessionReader *reader);

/* With the original at hand: is `redacted` the original but for what it says it withheld, and are the withheld parts
 * those of the hashes? TRUE: yes. FALSE without error: no, *ret_why says what differs (caller frees). */
gboolean session_redaction_check(const char *redacted, const char *original, char **ret_why,
				 GError **error);

/* How sessions that are merged lie to each other in time. */
typedef enum {
	MERGE_BENCH, /* the same machine and boot: times as they are */
	MERGE_UTC,   /* by the clock anchors of both; their uncertainty is added to the signals' */
	MERGE_START, /* their run.start is the same instant, known to `start_u_ns` */
} SessionMergeAlign;

/* One session of several recordings of one run. The first gives the timeline, the judge specification and the names;
 * attachments and meta of the others come under merged/N/. A signal or camera may be in several only when they are pieces
 * that were cut out of one session, in order of time (what stands at a seam in both, equal, counts once): else the alarm
 * of one run could be put behind another one's silence. For the same reason others bring no response and no health
 * signal. The evidence is the weakest of all; complete only when all are.
 * Meta "merged.N.sha256" names each original (in place of anzen.edited). Redacted sessions are refused: their trace
 * belongs to their own chain. */
gboolean session_merge(const char *const *paths, size_t n, SessionMergeAlign align,
		       int64_t start_u_ns, const char *out, SessionEdit *ret, GError **error);

/* ---- export ---------------------------------------------------------------------------------- */

/* A camera's h264, h265 or jpeg pictures as an MP4 file (ISO/IEC 14496-12), not encoded again. Times are those of capture, to the
 * microsecond, the first picture at 0. A camera was there before its recording: what comes before the first key frame cannot
 * be shown, and is left out and counted. ANZEN_ERROR_INPUT for raw pictures and where there is no key frame. */
typedef struct SessionVideo {
	uint64_t frames, before_key;
} SessionVideo;
/* ret may be NULL. */
gboolean session_export_mp4(SessionReader *reader, const char *camera, const char *path,
			    SessionVideo *ret, GError **error);
/* Signals that are a sound (no unit, evenly spaced at 1 kHz or more, none missing, as imports of sounds have them) as a WAV
 * file of 32-bit floats, a channel each; names: NULL-terminated, NULL: all that are. ANZEN_ERROR_INPUT: there is none, or
 * they are not of one sound. */
gboolean session_export_wav(const Recording *recording, const char *const *names, const char *path,
			    unsigned *ret_channels, GError **error);

/* ---- run folder and run.json ----------------------------------------------------------------- */

/* Make dir/ID/ with ID = UTC time, scenario's last name, and a number when that exists already.
 * `ret_id` may be NULL; result is the folder's path; the caller frees both. */
char *run_folder_new(const char *dir, const char *scenario_id, Clock *clock, char **ret_id,
		     GError **error);

/* run.json: NaN is null, infinities "inf" and "-inf". Written to a temporary name, fsync, rename.
 */
char *run_record_to_json(const RunRecord *record); /* caller frees */
gboolean run_record_write(const RunRecord *record, const char *path, GError **error);
RunRecord *run_record_read(const char *path, GError **error);
RunRecord *run_record_from_json(const char *json, gssize length, const char *name, GError **error);

/* Lower-case hex SHA-256 of bytes or of a file; caller frees. */
char *session_sha256(const void *data, size_t size);
char *session_sha256_file(const char *path, GError **error);
/* Write a whole file: temporary name, fsync, rename, folder synced. */
gboolean session_write_file(const char *path, const void *data, size_t size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionWriter, session_writer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionReader, session_reader_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionCheck, session_check_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionWithheld, session_withheld_free)

G_END_DECLS

#endif
