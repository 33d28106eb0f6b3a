/* An MP4 file from a camera's compressed pictures, none of them encoded again: ftyp, mdat, moov (ISO/IEC 14496-12;
 * avc1/avcC and hev1/hvcC: 14496-15). One track, timescale 1 MHz, no edit list: the first picture stands at 0.
 *
 * Annex B units become length-prefixed ones; parameter sets go to avcC or hvcC as well as staying in the key frames (avc3 and
 * hev1 allow them there, and players of avc1 ignore repeats). No B-frames: decoding order is that of capture. */
#include "mp4.h"
#include "redact.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>

#define TIMESCALE 1000000

typedef struct {
	uint32_t size;
	int64_t t_us;
	bool key;
} Sample;

typedef struct {
	FILE *file;
	GArray *samples; /* Sample */
	GByteArray *vps, *sps, *pps;
	int width, height;
	uint64_t early; /* pictures before the first key frame: nothing shows them */
	bool jpeg, hevc, failed;
	int64_t first_ns;
	GError *error;
} Mp4;

/* ---- boxes ----------------------------------------------------------------------------------- */

void mp4_be(GByteArray *b, uint64_t v, unsigned size)
{
	for (unsigned i = size; i-- > 0;)
		g_byte_array_append(b, &(uint8_t){(uint8_t)(v >> (8 * i))}, 1);
}

static void zeros(GByteArray *b, unsigned n)
{
	mp4_be(b, 0, n);
}

guint mp4_box(GByteArray *b, const char *type)
{
	guint at = b->len;
	mp4_be(b, 0, 4);
	g_byte_array_append(b, (const uint8_t *)type, 4);
	return at;
}

static guint full_box(GByteArray *b, const char *type, unsigned version, unsigned flags)
{
	guint at = mp4_box(b, type);
	mp4_be(b, version, 1);
	mp4_be(b, flags, 3);
	return at;
}

void mp4_close_box(GByteArray *b, guint at)
{
	uint32_t size = GUINT32_TO_BE(b->len - at);
	memcpy(b->data + at, &size, sizeof(size));
}

static uint64_t duration_of(const Mp4 *m)
{
	const GArray *s = m->samples;
	int64_t last = g_array_index(s, Sample, s->len - 1).t_us;
	/* The last picture stands as long as the one before it did. */
	int64_t step = s->len > 1 ? last - g_array_index(s, Sample, s->len - 2).t_us : 33333;
	return (uint64_t)(last + step);
}

static uint32_t delta_of(const Mp4 *m, guint i)
{
	int64_t t = g_array_index(m->samples, Sample, i).t_us;
	int64_t next = i + 1 < m->samples->len ? g_array_index(m->samples, Sample, i + 1).t_us
					       : (int64_t)duration_of(m);
	return (uint32_t)(next - t);
}

static void put_matrix(GByteArray *b)
{
	static const uint32_t identity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
	for (int i = 0; i < 9; i++)
		mp4_be(b, identity[i], 4);
}

static void put_mvhd(GByteArray *b, const Mp4 *m)
{
	guint at = full_box(b, "mvhd", 1, 0);
	zeros(b, 8);
	zeros(b, 8);
	mp4_be(b, TIMESCALE, 4);
	mp4_be(b, duration_of(m), 8);
	mp4_be(b, 0x10000, 4); /* rate 1 */
	mp4_be(b, 0x100, 2);   /* volume 1 */
	zeros(b, 2);
	zeros(b, 8);
	put_matrix(b);
	for (int i = 0; i < 6; i++)
		zeros(b, 4);
	mp4_be(b, 2, 4); /* next track */
	mp4_close_box(b, at);
}

static void put_tkhd(GByteArray *b, const Mp4 *m)
{
	guint at = full_box(b, "tkhd", 1, 7);
	zeros(b, 8);
	zeros(b, 8);
	mp4_be(b, 1, 4);
	zeros(b, 4);
	mp4_be(b, duration_of(m), 8);
	zeros(b, 8);
	zeros(b, 8); /* layer, group, volume, reserved */
	put_matrix(b);
	mp4_be(b, (uint64_t)m->width << 16, 4);
	mp4_be(b, (uint64_t)m->height << 16, 4);
	mp4_close_box(b, at);
}

static void put_avcc(GByteArray *b, const Mp4 *m)
{
	guint at = mp4_box(b, "avcC");
	mp4_be(b, 1, 1);
	g_byte_array_append(b, m->sps->data + 1, 3); /* profile, compatibility, level */
	mp4_be(b, 0xff, 1);                          /* lengths of 4 bytes */
	mp4_be(b, 0xe1, 1);                          /* one SPS */
	mp4_be(b, m->sps->len, 2);
	g_byte_array_append(b, m->sps->data, m->sps->len);
	mp4_be(b, 1, 1);
	mp4_be(b, m->pps->len, 2);
	g_byte_array_append(b, m->pps->data, m->pps->len);
	mp4_close_box(b, at);
}

static bool put_stsd(GByteArray *b, const Mp4 *m)
{
	guint at = full_box(b, "stsd", 0, 0);
	mp4_be(b, 1, 4);
	guint entry = mp4_box(b, m->jpeg ? "jpeg" : m->hevc ? "hev1" : "avc1");
	zeros(b, 6);
	mp4_be(b, 1, 2);
	zeros(b, 8);
	zeros(b, 8);
	mp4_be(b, (uint64_t)m->width, 2);
	mp4_be(b, (uint64_t)m->height, 2);
	mp4_be(b, 0x480000, 4); /* 72 dpi */
	mp4_be(b, 0x480000, 4);
	zeros(b, 4);
	mp4_be(b, 1, 2); /* one frame a sample */
	for (int i = 0; i < 8; i++)
		zeros(b, 4); /* no name of a compressor */
	mp4_be(b, 24, 2);
	mp4_be(b, 0xffff, 2);
	bool good = !m->hevc || mp4_put_hvcc(b, m->vps, m->sps, m->pps);
	if (!m->jpeg && !m->hevc)
		put_avcc(b, m);
	mp4_close_box(b, entry);
	mp4_close_box(b, at);
	return good;
}

static void put_times(GByteArray *b, const Mp4 *m)
{
	guint at = full_box(b, "stts", 0, 0), count_at = b->len, runs = 0;
	mp4_be(b, 0, 4);
	for (guint i = 0; i < m->samples->len;) {
		guint n = 1;
		while (i + n < m->samples->len && delta_of(m, i + n) == delta_of(m, i))
			n++;
		mp4_be(b, n, 4);
		mp4_be(b, delta_of(m, i), 4);
		runs++;
		i += n;
	}
	uint32_t count = GUINT32_TO_BE(runs);
	memcpy(b->data + count_at, &count, sizeof(count));
	mp4_close_box(b, at);
}

static void put_keys(GByteArray *b, const Mp4 *m)
{
	guint at = full_box(b, "stss", 0, 0), count_at = b->len, keys = 0;
	mp4_be(b, 0, 4);
	for (guint i = 0; i < m->samples->len; i++)
		if (g_array_index(m->samples, Sample, i).key) {
			mp4_be(b, i + 1, 4);
			keys++;
		}
	uint32_t count = GUINT32_TO_BE(keys);
	memcpy(b->data + count_at, &count, sizeof(count));
	mp4_close_box(b, at);
}

/* One chunk holds everything: it begins behind mdat's head. */
static void put_places(GByteArray *b, const Mp4 *m, uint64_t data_at)
{
	guint at = full_box(b, "stsc", 0, 0);
	mp4_be(b, 1, 4);
	mp4_be(b, 1, 4);
	mp4_be(b, m->samples->len, 4);
	mp4_be(b, 1, 4);
	mp4_close_box(b, at);
	at = full_box(b, "stsz", 0, 0);
	zeros(b, 4);
	mp4_be(b, m->samples->len, 4);
	for (guint i = 0; i < m->samples->len; i++)
		mp4_be(b, g_array_index(m->samples, Sample, i).size, 4);
	mp4_close_box(b, at);
	at = full_box(b, "co64", 0, 0);
	mp4_be(b, 1, 4);
	mp4_be(b, data_at, 8);
	mp4_close_box(b, at);
}

static bool put_media(GByteArray *b, const Mp4 *m, uint64_t data_at)
{
	guint mdia = mp4_box(b, "mdia"), at = full_box(b, "mdhd", 1, 0);
	zeros(b, 8);
	zeros(b, 8);
	mp4_be(b, TIMESCALE, 4);
	mp4_be(b, duration_of(m), 8);
	mp4_be(b, 0x55c4, 2); /* language: undetermined */
	zeros(b, 2);
	mp4_close_box(b, at);
	at = full_box(b, "hdlr", 0, 0);
	zeros(b, 4);
	g_byte_array_append(b, (const uint8_t *)"vide", 4);
	zeros(b, 8);
	zeros(b, 4);
	g_byte_array_append(b, (const uint8_t *)"camera", 7);
	mp4_close_box(b, at);
	guint minf = mp4_box(b, "minf");
	at = full_box(b, "vmhd", 0, 1);
	zeros(b, 8);
	mp4_close_box(b, at);
	guint dinf = mp4_box(b, "dinf"), dref = full_box(b, "dref", 0, 0);
	mp4_be(b, 1, 4);
	at = full_box(b, "url ", 0, 1); /* in this file */
	mp4_close_box(b, at);
	mp4_close_box(b, dref);
	mp4_close_box(b, dinf);
	guint stbl = mp4_box(b, "stbl");
	bool good = put_stsd(b, m);
	put_times(b, m);
	if (!m->jpeg)
		put_keys(b, m);
	put_places(b, m, data_at);
	mp4_close_box(b, stbl);
	mp4_close_box(b, minf);
	mp4_close_box(b, mdia);
	return good;
}

/* NULL: its parameter sets cannot be read. */
static GByteArray *movie(const Mp4 *m, uint64_t data_at)
{
	g_autoptr(GByteArray) b = g_byte_array_new();
	guint moov = mp4_box(b, "moov");
	put_mvhd(b, m);
	guint trak = mp4_box(b, "trak");
	put_tkhd(b, m);
	bool good = put_media(b, m, data_at);
	mp4_close_box(b, trak);
	mp4_close_box(b, moov);
	return good ? g_steal_pointer(&b) : NULL;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* The next unit of Annex B from *at on: [*ret_from, *ret_to). */
static bool next_unit(const uint8_t *d, size_t n, size_t *at, size_t *ret_from, size_t *ret_to)
{
	size_t i = *at;
	while (i + 3 <= n && !(d[i] == 0 && d[i + 1] == 0 && d[i + 2] == 1))
		i++;
	if (i + 3 > n)
		return false;
	*ret_from = i += 3;
	while (i < n && !(i + 3 <= n && d[i] == 0 && d[i + 1] == 0 && d[i + 2] <= 1))
		i++;
	*at = *ret_to = i;
	/* Zeros before the next start code belong to it. */
	while (*ret_to > *ret_from && d[*ret_to - 1] == 0)
		(*ret_to)--;
	return true;
}

static void keep_set(GByteArray **set, const uint8_t *data, size_t size)
{
	if (!*set) {
		*set = g_byte_array_new();
		g_byte_array_append(*set, data, (guint)size);
	}
}

/* The first ones of each kind: ITU-T H.264, table 7-1; H.265, table 7-1. */
static void keep_sets(Mp4 *m, const uint8_t *unit, size_t size)
{
	unsigned type = size < 4 ? 0 : m->hevc ? unit[0] >> 1 & 0x3fu : unit[0] & 0x1fu;
	if (type == (m->hevc ? 33u : 7u))
		keep_set(&m->sps, unit, size);
	else if (type == (m->hevc ? 34u : 8u))
		keep_set(&m->pps, unit, size);
	else if (m->hevc && type == 32)
		keep_set(&m->vps, unit, size);
}

static uint32_t write_units(Mp4 *m, const Frame *f)
{
	size_t at = 0, from, to;
	uint32_t written = 0;
	while (next_unit(f->data, f->size, &at, &from, &to)) {
		uint32_t length = GUINT32_TO_BE((uint32_t)(to - from));
		keep_sets(m, f->data + from, to - from);
		m->failed |= fwrite(&length, 1, 4, m->file) != 4 ||
			     fwrite(f->data + from, 1, to - from, m->file) != to - from;
		written += 4 + (uint32_t)(to - from);
	}
	return written;
}

static bool refuse(Mp4 *m, const char *what)
{
	g_set_error(&m->error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s", what);
	return false;
}

static bool take_picture(const Frame *f, void *data)
{
	Mp4 *m = data;
	Sample sample = {.key = f->key};
	if (m->samples->len == 0 && !f->key) {
		m->early++;
		return true;
	}
	if (m->samples->len == 0)
		m->first_ns = f->capture_ns;
	if (m->width == 0) {
		m->width = f->width;
		m->height = f->height;
	}
	if (f->width > 0 && (f->width != m->width || f->height != m->height))
		return refuse(m, "the video changes its size");
	sample.t_us = (f->capture_ns - m->first_ns + 500) / 1000;
	/* A track holds the time to the next picture in 32 bits. */
	int64_t before =
		m->samples->len ? g_array_index(m->samples, Sample, m->samples->len - 1).t_us : 0;
	if (sample.t_us - before > UINT32_MAX)
		return refuse(m, "two pictures are more than 71 minutes apart: cut the session "
				 "between them");
	if (m->jpeg) {
		sample.size = (uint32_t)f->size;
		m->failed |= fwrite(f->data, 1, f->size, m->file) != f->size;
	} else {
		sample.size = write_units(m, f);
	}
	g_array_append_val(m->samples, sample);
	return !m->failed;
}

static gboolean write_file(Mp4 *m, SessionReader *reader, const char *camera, GError **error)
{
	g_autoptr(GByteArray) head = g_byte_array_new();
	guint at = mp4_box(head, "ftyp");
	g_byte_array_append(head, (const uint8_t *)"isom\0\0\2\0isomiso2avc1mp41", 24);
	if (m->hevc)
		memcpy(head->data + at + 24, "hev1", 4);
	mp4_close_box(head, at);
	guint mdat = head->len;
	mp4_be(head, 1, 4); /* 64-bit size follows */
	g_byte_array_append(head, (const uint8_t *)"mdat", 4);
	zeros(head, 8);
	m->failed = fwrite(head->data, 1, head->len, m->file) != head->len;
	if (!session_reader_frames(reader, camera, 0, 0, take_picture, m, error))
		return FALSE;
	if (m->error) {
		g_propagate_prefixed_error(error, g_steal_pointer(&m->error), "%s: ", camera);
		return FALSE;
	}
	const char *lacks = m->early && m->samples->len == 0 ? "holds no key frame"
			    : m->samples->len == 0           ? "holds no picture"
			    : m->width == 0 ? "does not say how large its pictures are"
			    : !m->jpeg && (!m->sps || !m->pps || (m->hevc && !m->vps))
				    ? "has no parameter sets"
				    : NULL;
	if (lacks) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s %s", camera, lacks);
		return FALSE;
	}
	uint64_t end = (uint64_t)ftello(m->file), size = GUINT64_TO_BE(end - mdat);
	g_autoptr(GByteArray) moov = movie(m, head->len);
	if (!moov) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: its parameter sets cannot be read", camera);
		return FALSE;
	}
	m->failed |= fwrite(moov->data, 1, moov->len, m->file) != moov->len ||
		     fseeko(m->file, mdat + 8, SEEK_SET) != 0 ||
		     fwrite(&size, 1, 8, m->file) != 8 || fflush(m->file) != 0;
	return TRUE;
}

static gboolean usable(SessionReader *reader, const char *camera, Mp4 *m, GError **error)
{
	for (size_t i = 0; i < session_reader_cameras(reader); i++) {
		const SessionCamera *c = session_reader_camera(reader, i);
		if (strcmp(c->name, camera))
			continue;
		m->jpeg = !strcmp(c->format, "jpeg");
		m->hevc = !strcmp(c->format, "h265");
		if (m->jpeg || m->hevc || !strcmp(c->format, "h264"))
			return TRUE;
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: %s pictures are not exported; only h264, h265 and jpeg are, as "
			    "they stand",
			    camera, c->format);
		return FALSE;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "the session has no camera '%s'",
		    camera);
	return FALSE;
}

gboolean session_export_mp4(SessionReader *reader, const char *camera, const char *path,
			    SessionVideo *ret, GError **error)
{
	Mp4 m = {0};
	g_auto(Output) output = {0};
	if (!usable(reader, camera, &m, error) || !output_open(&output, path, error))
		return FALSE;
	m.file = fopen(output.temporary, "r+be");
	m.samples = g_array_new(FALSE, TRUE, sizeof(Sample));
	gboolean good = m.file && write_file(&m, reader, camera, error);
	if (m.file && fclose(m.file) != 0)
		m.failed = true;
	if (!m.file || (good && m.failed)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: %s", path, g_strerror(errno));
		good = FALSE;
	}
	if (good && ret)
		*ret = (SessionVideo){m.samples->len, m.early};
	g_array_unref(m.samples);
	g_clear_pointer(&m.vps, g_byte_array_unref);
	g_clear_pointer(&m.sps, g_byte_array_unref);
	g_clear_pointer(&m.pps, g_byte_array_unref);
	g_clear_error(&m.error);
	return good && output.sink.sync(output.sink.self, error) && output_commit(&output, error);
}
