/* Private to import: what messages hold. A definition (ROS text, IDL, protobuf descriptor, ULog format) becomes a
 * MessageType; a walk over a message's bytes gives every leaf to a FieldSink. The same tree of FieldNodes serves all
 * encodings, so that naming, limits and counting are written once.
 *
 * Nothing here trusts a length: every count is checked against the bytes that are left, nesting against FIELD_DEPTH, and
 * the number of leaves of one message against FIELD_BUDGET.
 */
#ifndef IMPORT_FIELDS_H
#define IMPORT_FIELDS_H

#include <anzen/base.h>
#include <string.h>

#define FIELD_DEPTH 24
#define FIELD_BUDGET 500000 /* leaves of one message */
#define FIELD_NAME 200      /* bytes of one field's name */
/* Half of what int64 nanoseconds hold: times are shifted. */
#define TIME_MOST_S (INT64_MAX / CLOCK_S / 2)

typedef enum {
	FIELD_BOOL,
	FIELD_I8,
	FIELD_U8,
	FIELD_I16,
	FIELD_U16,
	FIELD_I32,
	FIELD_U32,
	FIELD_I64,
	FIELD_U64,
	FIELD_F32,
	FIELD_F64,
	FIELD_TEXT,
	FIELD_WIDE_TEXT, /* its size on the wire differs between makers: such messages are refused */
	FIELD_BYTES,     /* protobuf */
	FIELD_TIME,
	FIELD_DURATION,
	FIELD_MESSAGE,
} FieldKind;

typedef enum { MANY_ONE, MANY_FIXED, MANY_SEQUENCE } FieldMany;

typedef struct MessageType MessageType;

typedef struct FieldType {
	char *name;
	FieldKind kind;
	FieldMany many;
	uint32_t count;       /* MANY_FIXED */
	char *of;             /* FIELD_MESSAGE: the name that stands in the definition */
	MessageType *message; /* FIELD_MESSAGE: resolved; borrowed from the set */
	bool padding;         /* ULog: bytes without a meaning */
	/* protobuf */
	uint32_t number;
	uint8_t type;  /* FieldDescriptorProto.Type */
	bool implicit; /* proto3 without presence: absent means 0 */
} FieldType;

struct MessageType {
	char *name;
	GPtrArray *fields; /* FieldType* */
	bool dangling;     /* names a type that is not there */
};

/* Named types that belong together. */
typedef struct TypeSet {
	GHashTable *types; /* name → MessageType*, owned */
} TypeSet;

TypeSet *type_set_new(void);
void type_set_free(TypeSet *set);
MessageType *type_set_find(const TypeSet *set, const char *name);
/* The type of that name, made empty when it is new. NULL when it has fields already. */
MessageType *type_set_add(TypeSet *set, const char *name);
FieldType *message_type_add(MessageType *type, const char *name, FieldKind kind);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TypeSet, type_set_free)

/* ros1msg, ros2msg: the root's text, then "===" lines and "MSG: pkg/Type" parts. Types that are missing are taken from
 * `standard` (may be NULL). NULL with ANZEN_ERROR_INPUT that names the line. The root is named `root`. */
TypeSet *ros_definition_parse(const char *text, size_t size, const char *root, bool ros1,
			      const TypeSet *standard, GError **error);
/* ros2idl: OMG IDL as ROS 2 writes it, with "===" lines and "IDL: pkg/msg/Type" before each part. */
TypeSet *idl_definition_parse(const char *text, size_t size, const char *root, GError **error);
/* A serialised google.protobuf.FileDescriptorSet. */
TypeSet *proto_descriptor_parse(const uint8_t *data, size_t size, GError **error);
/* "pkg/msg/Type" and "pkg/Type" are the same. Caller frees. */
char *ros_type_name(const char *name);
/* The common packages of ROS 2, for recordings that carry no definitions. Borrowed, lives as long as the program. */
const TypeSet *ros_standard_types(void);
/* Fills in FieldType.message from the set, then from `standard`. Marks what stays open. */
void type_set_resolve(TypeSet *set, const TypeSet *standard);
/* The first name that a message of this type would need and that is not there; NULL: none. */
const char *message_type_missing(const MessageType *type);

/* ---- where a leaf stands ----------------------------------------------------------------------------------- */

typedef struct FieldNode FieldNode;
struct FieldNode {
	FieldNode *parent;
	char *label;    /* NULL: an element of an array */
	uint32_t index; /* of the element */
	FieldNode **children;
	uint32_t n_children;
	/* the sink's own */
	int32_t signal;   /* number + 1; 0: none yet; -1: refused */
	uint64_t message; /* the last message in which it came */
	uint32_t pending; /* its place among that message's values */
	char *last_text;  /* FIELD_TEXT: what it said last */
	uint64_t lost[5]; /* values left out, by IntakeLoss */
	size_t longest;   /* of the arrays or octets left out */
};

FieldNode *field_node_new(void);
void field_node_free(FieldNode *root);
/* Child i (of a record: the field's number; of an array: the element). Label NULL: an element. */
FieldNode *field_node_child(FieldNode *parent, uint32_t i, const char *label);
/* By label, appended when new: for JSON. NULL: too many. */
FieldNode *field_node_named(FieldNode *parent, const char *label, size_t size);
/* "pose.position.x", "poses[0].x". Caller frees. */
char *field_node_path(const FieldNode *node);

/* A message that does not fit its definition: the first error says at which byte and in which field (NULL: none). FALSE. */
bool field_walk_fails(GError **error, size_t at, const FieldNode *node, const char *what);

/* ---- walking ------------------------------------------------------------------------------------------------ */

typedef struct FieldSink {
	void *self;
	/* exact: false when the integer is too long for a double */
	void (*number)(void *self, FieldNode *node, double v, FieldKind kind, bool exact);
	void (*time)(void *self, FieldNode *node, int64_t ns, FieldKind kind);
	/* not terminated, not checked to be UTF-8 */
	void (*text)(void *self, FieldNode *node, const char *text, size_t size);
	void (*bytes)(void *self, FieldNode *node, const uint8_t *data, size_t size);
	/* n elements of an array that is longer than max_array, stepped over */
	void (*long_array)(void *self, FieldNode *node, size_t n);
	size_t max_array;
} FieldSink;

typedef enum { WIRE_ROS1, WIRE_CDR, WIRE_ULOG } SequentialWire;

/* ANZEN_ERROR_CORRUPT: "byte 17, pose.x: …". Leaves that came before the error were given to the sink: it must not take
 * them for good before the walk has returned. */
gboolean walk_sequential(const MessageType *type, SequentialWire wire, const uint8_t *data,
			 size_t size, FieldNode *root, const FieldSink *sink, GError **error);
gboolean walk_protobuf(const MessageType *type, const uint8_t *data, size_t size, FieldNode *root,
		       const FieldSink *sink, GError **error);
gboolean walk_json(const uint8_t *data, size_t size, FieldNode *root, const FieldSink *sink,
		   GError **error);

/* ---- bytes ------------------------------------------------------------------------------------------------- */

static inline uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32(const uint8_t *p)
{
	return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static inline uint64_t le64(const uint8_t *p)
{
	return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

#endif
