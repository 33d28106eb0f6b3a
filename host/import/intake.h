/* Private to import: what the readers of all formats fill. A reader declares topics and gives messages in file order; the
 * intake turns them into samples, texts and frames, and keeps count of what was not taken and why.
 *
 * A file is read twice when it holds pictures: first to know everything (names, rates, times), then to copy the pictures
 * into the session, so that only samples are held in memory.
 */
#ifndef IMPORT_INTAKE_H
#define IMPORT_INTAKE_H

#include "fields.h"

#include <anzen/import.h>
#include <anzen/session.h>

#define INTAKE_NO_TIME INT64_MIN
#define INTAKE_MOST_SIGNALS 20000
#define INTAKE_TEXT 4096 /* bytes of one kept text */

typedef enum {
	WIRE_OF_ROS1,
	WIRE_OF_CDR,
	WIRE_OF_ULOG,
	WIRE_OF_PROTOBUF,
	WIRE_OF_JSON,
	WIRE_OF_NOTHING, /* cannot be decoded: `refusal` says why */
} IntakeWire;

/* FieldNode.lost: what of a field was not taken, or not as it was. */
typedef enum {
	LOST_ARRAY,
	LOST_OCTETS,
	LOST_SIGNALS,
	LOST_NOT_BOOLEAN,
	LOST_EXACTNESS,
	LOST_KINDS,
} IntakeLoss;
G_STATIC_ASSERT(LOST_KINDS == G_N_ELEMENTS(((FieldNode *)0)->lost));

/* Why messages were not taken, or what was left out of them. */
typedef struct IntakeReason {
	char *what;
	uint64_t n;
	char *first; /* where in the file it came first */
} IntakeReason;

typedef struct IntakeCamera {
	char *name;
	const char *format; /* of Frame; NULL until the first picture */
	uint64_t frames;
	int64_t first_ns, last_ns;
	int writer_id;
} IntakeCamera;

typedef struct IntakeTopic {
	char *name, *type, *encoding; /* as the file says */
	char *base;                   /* first part of its signals' names */
	IntakeWire wire;
	const MessageType *message; /* owned by a set of the intake */
	char *refusal;              /* NULL: fine */
	FieldNode *root;
	FieldNode *lag[3]; /* by ImportTime */
	uint64_t messages, taken, signals;
	GPtrArray *reasons; /* IntakeReason*, not taken */
	GPtrArray *losses;  /* IntakeReason*, left out of messages that were taken */
	bool pictures;      /* its messages are pictures as far as its type says */
	IntakeCamera *camera;
	uint64_t pass_messages; /* of the present pass */
} IntakeTopic;

typedef struct IntakeSignal {
	SignalInfo info;
	char *field; /* "/turtle1/pose.x" */
	bool lag, all_zero;
	uint64_t n, equal, disordered;
	int64_t first_ns, last_ns;
	int writer_id;
} IntakeSignal;

typedef struct IntakeSample {
	int64_t t_ns;
	double v;
	uint32_t signal;
	uint32_t status;
} IntakeSample;

typedef struct IntakeText {
	int64_t t_ns;
	char *name, *json;
} IntakeText;

typedef struct IntakeTimes {
	int64_t log_ns, publish_ns; /* INTAKE_NO_TIME: there is none */
} IntakeTimes;

typedef struct ImportMap ImportMap;

typedef struct Intake {
	const ImportOptions *options;
	const ImportMap *map; /* NULL: none */
	const char *source;   /* file name, for messages */
	const char *format;   /* "ROS 1 bag v2.0" */
	GPtrArray *topics;    /* IntakeTopic* */
	GHashTable *topic_by_key;
	GPtrArray *signals; /* IntakeSignal* */
	GPtrArray *cameras; /* IntakeCamera* */
	GHashTable *names;  /* of signals and cameras */
	IntakeSample *samples;
	size_t n_samples, room;
	GArray *texts;    /* IntakeText */
	GPtrArray *sets;  /* TypeSet* */
	GPtrArray *notes; /* char*: what a person should know */
	GPtrArray *files; /* ImportFile* */
	char *incomplete; /* NULL: the file was read to its end */
	uint64_t messages, taken;
	/* the second reading */
	bool frames_pass;
	SessionWriter *writer;
	SessionProducer *producer;
	Clock *clock;
	GError *frame_error;
	/* the present message */
	GArray *pending; /* see intake.c */
	uint64_t number;
	int64_t stamp_ns;
	struct IntakePicture *picture;
	IntakeTopic *topic;
} Intake;

void intake_init(Intake *in, const ImportOptions *options, const ImportMap *map);
void intake_clear(Intake *in);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Intake, intake_clear)

/* The same name, type, variant (a digest of the definition, may be NULL) and encoding give the same topic. A type of NULL is "". The set that `message` belongs to must have been given
 * to intake_keep_types(). */
IntakeTopic *intake_topic(Intake *in, const char *name, const char *type, const char *variant,
			  const char *encoding, IntakeWire wire, const MessageType *message);
void intake_keep_types(Intake *in, TypeSet *set);
/* Nothing of this topic can be taken. The first reason stays. */
void intake_refuse_topic(IntakeTopic *topic, const char *format, ...) G_GNUC_PRINTF(2, 3);
void intake_note(Intake *in, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The file could not be read to its end; the first reason stays. */
void intake_incomplete(Intake *in, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* One message; `where` names its place in the file for people ("byte 4711", "row 12"); made only when it is needed. */
typedef struct IntakePlace {
	const char *unit; /* "byte", "row" */
	uint64_t at;
	const char *file; /* NULL: the only one */
} IntakePlace;
void intake_message(Intake *in, IntakeTopic *topic, const IntakeTimes *times, const uint8_t *data,
		    size_t size, const IntakePlace *place);
/* A message that the reader itself had to leave. */
void intake_leave(Intake *in, IntakeTopic *topic, const char *why, const IntakePlace *place);

/* Messages that were compressed one by one (unpack.c). */
typedef struct Unpacker {
	void *zstd;
	uint8_t *bytes;
} Unpacker;

/* A zstd frame becomes what is in it, until the next call; other bytes stay what they are. False: it does not unpack. */
bool unpacker_open(Unpacker *u, const uint8_t **data, size_t *size);
void unpacker_clear(Unpacker *u);

/* A value without a message, for WAV and the like. The signal is -1 when there are too many. */
int32_t intake_add_signal(Intake *in, IntakeTopic *topic, const char *field, const Unit *unit,
			  bool boolean);
void intake_sample(Intake *in, int32_t signal, int64_t t_ns, double v);
void intake_text(Intake *in, const char *name, int64_t t_ns, const char *text, size_t size);
/* A picture without a message, for MP4 and the like. */
void intake_frame(Intake *in, IntakeTopic *topic, Frame *frame, const IntakePlace *place);

/* "turtle1.pose" of "/turtle1/pose": what formulas can name. Caller frees. */
char *intake_name(const char *text);
/* Takes "NAME", "NAME_2" … whichever is free. Caller frees. */
char *intake_free_name(Intake *in, const char *wanted);
void intake_count(GPtrArray *reasons, const char *what, uint64_t n, const IntakePlace *place);
/* Put samples into the order of time; equal times keep the order of the file. */
void intake_sort(Intake *in);

/* ---- pictures (picture.c) ----------------------------------------------------------------------------------- */

typedef struct IntakePicture {
	GByteArray *data;
	GString *format; /* "jpeg", "h264", "mono8" … */
	bool has_data;
	int64_t width, height, step;
	int64_t stamp_ns;
} IntakePicture;

/* By the type's last name and its fields. */
bool picture_type(const char *type);
/* What Frame.format and key the bytes are; NULL and a reason when they are nothing that a session keeps. */
const char *picture_format(const char *type, IntakePicture *picture, Frame *ret, const char **why);

/* ---- readers: FALSE with ANZEN_ERROR_INPUT: nothing can be taken from this file --------------------------- */

gboolean read_mcap(Intake *in, const char *path, GError **error);
gboolean read_rosbag2(Intake *in, const char *path, GError **error); /* folder or .db3 */
gboolean read_sqlite3(Intake *in, const char *path, GError **error);
gboolean read_bag(Intake *in, const char *path, GError **error);
gboolean read_ulog(Intake *in, const char *path, GError **error);
gboolean read_wav(Intake *in, const char *path, GError **error);
gboolean read_media(Intake *in, const char *path, GError **error);

/* Types of "ros1msg", "ros2msg", "ros2idl", "protobuf" by the schema's bytes; on failure the topic is refused and NULL comes
 * back. */
const MessageType *intake_types(Intake *in, const char *encoding, const char *root,
				const uint8_t *data, size_t size, char **ret_why);

/* ---- what a mapping says about fields (map.c) -------------------------------------------------------------- */

/* NULL: nothing. The key is "/topic.path[0].x". */
const SignalInfo *import_map_find(const ImportMap *map, const char *key);
bool import_map_keeps_others(const ImportMap *map);

#endif
