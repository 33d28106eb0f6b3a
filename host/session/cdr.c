/* CDR, little-endian, version 1: a 4-byte header, then fields aligned to their size, counted from after the header
 * (OMG DDSI-RTPS 2.3, 10.2; what ROS 2 stores). */
#include "wire.h"

#define HEADER 4

void cdr_clear(Cdr *cdr)
{
	g_clear_pointer(&cdr->data, g_free);
	cdr->size = cdr->capacity = 0;
}

static uint8_t *extend(Cdr *cdr, size_t n)
{
	if (cdr->capacity - cdr->size < n) {
		cdr->capacity = cdr->capacity * 2 + n + 64;
		cdr->data = g_realloc(cdr->data, cdr->capacity);
	}
	uint8_t *at = cdr->data + cdr->size;
	cdr->size += n;
	return at;
}

void cdr_begin(Cdr *cdr)
{
	static const uint8_t little_endian[HEADER] = {0, 1, 0, 0};
	cdr->size = 0;
	memcpy(extend(cdr, HEADER), little_endian, HEADER);
}

void cdr_put(Cdr *cdr, const void *data, size_t size, size_t align)
{
	size_t pad = (align - (cdr->size - HEADER) % align) % align;
	if (pad)
		memset(extend(cdr, pad), 0, pad);
	if (size)
		memcpy(extend(cdr, size), data, size);
}

void cdr_put_u8(Cdr *cdr, uint8_t v)
{
	cdr_put(cdr, &v, 1, 1);
}

void cdr_put_u32(Cdr *cdr, uint32_t v)
{
	v = GUINT32_TO_LE(v);
	cdr_put(cdr, &v, sizeof(v), sizeof(v));
}

void cdr_put_u64(Cdr *cdr, uint64_t v)
{
	v = GUINT64_TO_LE(v);
	cdr_put(cdr, &v, sizeof(v), sizeof(v));
}

void cdr_put_double(Cdr *cdr, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof(bits));
	cdr_put_u64(cdr, bits);
}

void cdr_put_time(Cdr *cdr, int64_t t_ns)
{
	cdr_put_u32(cdr, (uint32_t)(int32_t)(t_ns / CLOCK_S));
	cdr_put_u32(cdr, (uint32_t)(t_ns % CLOCK_S));
}

void cdr_put_string(Cdr *cdr, const char *s)
{
	size_t n = strlen(s) + 1; /* with its NUL */
	cdr_put_u32(cdr, (uint32_t)n);
	cdr_put(cdr, s, n, 1);
}

void cdr_put_bytes(Cdr *cdr, const void *data, size_t size)
{
	cdr_put_u32(cdr, (uint32_t)size);
	cdr_put(cdr, data, size, 1);
}

void cdr_put_picture(Cdr *c, const char *id, const char *format, const Frame *f)
{
	cdr_put_time(c, f->capture_ns);
	cdr_put_string(c, id);
	if (schema_of_format(format) == SCHEMA_RAW_IMAGE) {
		cdr_put_u32(c, (uint32_t)f->width);
		cdr_put_u32(c, (uint32_t)f->height);
		cdr_put_string(c, strcmp(format, "gray8") ? "i420" : "mono8");
		cdr_put_u32(c, (uint32_t)f->width);
		cdr_put_bytes(c, f->data, f->size);
		return;
	}
	cdr_put_bytes(c, f->data, f->size);
	cdr_put_string(c, format);
}

CdrReader cdr_reader(McapBytes bytes)
{
	CdrReader r = {bytes.data, bytes.data, bytes.data + bytes.size, true};
	if (bytes.size < HEADER || bytes.data[0] != 0 || bytes.data[1] != 1)
		return r;
	r.base = r.at = bytes.data + HEADER;
	r.bad = false;
	return r;
}

static const uint8_t *take(CdrReader *r, size_t size, size_t align)
{
	size_t pad = (align - (size_t)(r->at - r->base) % align) % align;
	if (r->bad || (size_t)(r->end - r->at) < pad || (size_t)(r->end - r->at) - pad < size) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *at = r->at + pad;
	r->at = at + size;
	return at;
}

uint8_t cdr_u8(CdrReader *r)
{
	const uint8_t *at = take(r, 1, 1);
	return at ? *at : 0;
}

uint32_t cdr_u32(CdrReader *r)
{
	uint32_t v = 0;
	const uint8_t *at = take(r, sizeof(v), sizeof(v));
	if (at)
		memcpy(&v, at, sizeof(v));
	return GUINT32_FROM_LE(v);
}

uint64_t cdr_u64(CdrReader *r)
{
	uint64_t v = 0;
	const uint8_t *at = take(r, sizeof(v), sizeof(v));
	if (at)
		memcpy(&v, at, sizeof(v));
	return GUINT64_FROM_LE(v);
}

double cdr_double(CdrReader *r)
{
	uint64_t bits = cdr_u64(r);
	double v;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

int64_t cdr_time(CdrReader *r)
{
	int32_t sec = (int32_t)cdr_u32(r);
	uint32_t nanosec = cdr_u32(r);
	r->bad |= nanosec >= CLOCK_S;
	return sec * CLOCK_S + nanosec;
}

McapText cdr_string(CdrReader *r)
{
	McapBytes b = cdr_bytes(r);
	if (b.size == 0 || b.data[b.size - 1] != 0) {
		r->bad = true;
		return (McapText){"", 0};
	}
	return (McapText){(const char *)b.data, b.size - 1};
}

McapBytes cdr_bytes(CdrReader *r)
{
	uint32_t n = cdr_u32(r);
	const uint8_t *at = take(r, n, 1);
	return at ? (McapBytes){at, n} : (McapBytes){(const uint8_t *)"", 0};
}
