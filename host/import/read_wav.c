/* WAV: RIFF with PCM of 8 to 32 bits or IEEE floats; RF64 for long ones (EBU Tech 3306). A channel becomes a signal; integers
 * are given as a share of full scale, which is exact in a double. */
#include "bytes.h"

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_EXTENSIBLE = 0xfffe };

typedef struct {
	Intake *in;
	const char *path;
	unsigned tag, channels, bits, frame_size;
	uint32_t rate;
	bool has_format;
	uint64_t data64; /* RF64: size of data */
	GError **error;
} Wav;

static bool fail(Wav *w, size_t at, const char *what)
{
	g_set_error(w->error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: byte %zu: %s", w->path, at,
		    what);
	return false;
}

static bool take_format(Wav *w, const uint8_t *p, size_t size, size_t at)
{
	if (size < 16)
		return fail(w, at, "a fmt chunk of less than 16 bytes");
	w->tag = le16(p);
	w->channels = le16(p + 2);
	w->rate = le32(p + 4);
	w->frame_size = le16(p + 12);
	w->bits = le16(p + 14);
	if (w->tag == TAG_EXTENSIBLE && size >= 26)
		w->tag = le16(p + 24);
	bool pcm = w->tag == TAG_PCM &&
		   (w->bits == 8 || w->bits == 16 || w->bits == 24 || w->bits == 32);
	bool floats = w->tag == TAG_FLOAT && (w->bits == 32 || w->bits == 64);
	if (!pcm && !floats)
		return fail(w, at,
			    "compressed or unusual sound: expected PCM of 8, 16, 24 or 32 bits or "
			    "floats of 32 or 64; convert it to one of these");
	if (w->channels == 0 || w->channels > 256 || w->rate == 0 ||
	    w->frame_size != w->channels * w->bits / 8)
		return fail(w, at, "its number of channels, rate and frame size do not fit");
	w->has_format = true;
	return true;
}

static double value_of(const Wav *w, const uint8_t *p)
{
	uint32_t low;
	uint64_t bits;
	float single;
	double v;
	if (w->tag == TAG_FLOAT && w->bits == 32) {
		low = le32(p);
		memcpy(&single, &low, sizeof(single));
		return (double)single;
	}
	if (w->tag == TAG_FLOAT) {
		bits = le64(p);
		memcpy(&v, &bits, sizeof(v));
		return v;
	}
	switch (w->bits) {
	case 8:
		return (p[0] - 128) / 128.0;
	case 16:
		return (int16_t)le16(p) / 32768.0;
	case 24:
		return ((int32_t)((uint32_t)le16(p) << 8 | (uint32_t)p[2] << 24) >> 8) / 8388608.0;
	default:
		return (int32_t)le32(p) / 2147483648.0;
	}
}

static void take_data(Wav *w, const uint8_t *p, uint64_t size)
{
	g_autofree int32_t *signals = g_new0(int32_t, w->channels);
	g_autofree char *type = g_strdup_printf("%u bit, %u Hz", w->bits, w->rate);
	IntakeTopic *topic = intake_topic(w->in, "audio", type, NULL, "wav", WIRE_OF_NOTHING, NULL);
	uint64_t n = size / w->frame_size;
	for (unsigned c = 0; c < w->channels; c++) {
		g_autofree char *name = g_strdup_printf("[%u]", c);
		signals[c] = intake_add_signal(w->in, topic, name, &unit_one, false);
	}
	for (uint64_t i = 0; i < n; i++) {
		/* Whole seconds apart: exact at any rate and length. */
		int64_t t = (int64_t)(i / w->rate) * CLOCK_S +
			    (int64_t)(i % w->rate * (uint64_t)CLOCK_S / w->rate);
		for (unsigned c = 0; c < w->channels; c++)
			intake_sample(w->in, signals[c], t,
				      value_of(w, p + i * w->frame_size + c * w->bits / 8));
	}
	topic->messages += n;
	topic->taken += n;
	w->in->messages += n;
	w->in->taken += n;
	if (size % w->frame_size)
		intake_incomplete(w->in, "the sound ends within a frame");
}

/* data chunks whose writer was stopped say 0 or 0xffffffff: then all that follows is sound. */
static uint64_t data_size(Wav *w, uint32_t said, size_t left)
{
	uint64_t size = said == UINT32_MAX && w->data64 ? w->data64 : said;
	if (size <= left && said != 0)
		return size;
	intake_incomplete(
		w->in,
		"its header says %" G_GUINT64_FORMAT
		" bytes of sound, there are %zu: the recorder did not close it, or it was cut",
		size, left);
	return left;
}

static bool walk(Wav *w, const uint8_t *data, size_t size)
{
	size_t at = 12;
	while (size - at >= 8) {
		const uint8_t *p = data + at + 8;
		uint32_t said = le32(data + at + 4);
		size_t left = size - at - 8;
		if (!memcmp(data + at, "data", 4)) {
			if (!w->has_format)
				return fail(w, at, "sound before its fmt chunk");
			take_data(w, p, data_size(w, said, left));
			return true;
		}
		if (said > left)
			return fail(w, at, "a chunk is longer than the file: cut in its header");
		if (!memcmp(data + at, "fmt ", 4) && !take_format(w, p, said, at))
			return false;
		if (!memcmp(data + at, "ds64", 4) && said >= 16)
			w->data64 = le64(p + 8);
		at += 8 + said;
		at += MIN(said & 1, size - at);
	}
	return fail(w, at, "ends without a data chunk: there is no sound in it");
}

gboolean read_wav_bytes(Intake *in, const char *path, const uint8_t *data, size_t size,
			GError **error)
{
	Wav w = {.in = in, .path = path, .error = error};
	if (size < 12 || (memcmp(data, "RIFF", 4) && memcmp(data, "RF64", 4)))
		return fail(&w, 0, "expected RIFF or RF64");
	intake_note(in, "sound is given as a share of full scale; its sound pressure is not known");
	return walk(&w, data, size);
}

gboolean read_wav(Intake *in, const char *path, GError **error)
{
	g_autoptr(GMappedFile) file = map_file(path, error);
	return file && read_wav_bytes(in, path, (const uint8_t *)g_mapped_file_get_contents(file),
				      g_mapped_file_get_length(file), error);
}
