/* Private to import: the wire format of protobuf. */
#ifndef IMPORT_PROTO_H
#define IMPORT_PROTO_H

#include "fields.h"

enum { PROTO_VARINT = 0, PROTO_I64 = 1, PROTO_BYTES = 2, PROTO_I32 = 5 };

/* FieldDescriptorProto.Type */
enum {
	PROTO_DOUBLE = 1,
	PROTO_FLOAT,
	PROTO_INT64,
	PROTO_UINT64,
	PROTO_INT32,
	PROTO_FIXED64,
	PROTO_FIXED32,
	PROTO_BOOL,
	PROTO_STRING,
	PROTO_GROUP,
	PROTO_MESSAGE,
	PROTO_OCTETS,
	PROTO_UINT32,
	PROTO_ENUM,
	PROTO_SFIXED32,
	PROTO_SFIXED64,
	PROTO_SINT32,
	PROTO_SINT64,
};

typedef struct ProtoReader {
	const uint8_t *at, *end;
	bool bad;
} ProtoReader;

typedef struct ProtoField {
	uint32_t number;
	uint8_t wire;
	uint64_t bits;       /* varint, I32, I64 */
	const uint8_t *data; /* PROTO_BYTES, I32, I64 */
	size_t size;
} ProtoField;

/* False at the end, or with `bad` set. */
bool proto_next(ProtoReader *r, ProtoField *ret);
bool proto_varint(ProtoReader *r, uint64_t *ret);

#endif
