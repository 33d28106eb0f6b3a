/* A sound from signals: RIFF WAVE, 32-bit floats (WAVE_FORMAT_IEEE_FLOAT), which hold every value of up to 24 bits
 * exactly. The recorder has no sound of its own; imports have: a signal for each channel, as a share of full scale. */
#include "redact.h"
#include <math.h>

#define MIN_HZ 1000
#define MAX_HZ 1000000

/* The samples of a sound of `rate`: k/rate s apart, to the nanosecond that a rounding leaves. */
static bool evenly_spaced(const Signal *s, int64_t rate)
{
	for (size_t k = 0; k < s->n; k++) {
		int64_t exact = (int64_t)(k / (uint64_t)rate) * CLOCK_S +
				(int64_t)(k % (uint64_t)rate * (uint64_t)CLOCK_S / (uint64_t)rate);
		int64_t off = s->t_ns[k] - s->t_ns[0] - exact;
		if (off < -1 || off > 1 || s->status[k] != SAMPLE_OK)
			return false;
	}
	return true;
}

/* In Hz; 0: no sound. */
static int64_t rate_of(const Signal *s)
{
	if (s->n < 2 || strcmp(s->info.unit.symbol, "1"))
		return 0;
	double span = (double)(s->t_ns[s->n - 1] - s->t_ns[0]) / 1e9;
	double hz = span > 0 ? (double)(s->n - 1) / span : 0;
	int64_t rate = hz > MIN_HZ / 2 && hz < MAX_HZ ? llround(hz) : 0;
	return rate >= MIN_HZ && evenly_spaced(s, rate) ? rate : 0;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const Signal *const *)a)->info.name,
		      (*(const Signal *const *)b)->info.name);
}

/* Of all signals those that are a sound, by name. */
static void find_sounds(const Recording *rec, GPtrArray *ret)
{
	GHashTableIter iter;
	void *signal;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &signal))
		if (rate_of(signal) > 0)
			g_ptr_array_add(ret, signal);
	g_ptr_array_sort(ret, by_name);
}

static gboolean choose(const Recording *rec, const char *const *names, GPtrArray *ret,
		       GError **error)
{
	for (; names && *names; names++) {
		Signal *s = recording_signal(rec, *names);
		if (!s)
			return error_input(error, "the session has no signal '%s'", *names);
		if (rate_of(s) == 0)
			return error_input(
				error,
				"%s is no sound: its samples are not evenly spaced at %d Hz or "
				"more, some are missing, or it has a unit",
				*names, MIN_HZ);
		g_ptr_array_add(ret, s);
	}
	if (ret->len == 0)
		find_sounds(rec, ret);
	if (ret->len == 0)
		return error_input(error, "the session holds no audio");
	const Signal *first = ret->pdata[0];
	for (guint i = 1; i < ret->len; i++) {
		const Signal *s = ret->pdata[i];
		if (s->n != first->n || s->t_ns[0] != first->t_ns[0] ||
		    rate_of(s) != rate_of(first))
			return error_input(
				error,
				"%s and %s are not channels of one sound; name those that are",
				first->info.name, s->info.name);
	}
	return TRUE;
}

static void le(GByteArray *b, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++, v >>= 8)
		g_byte_array_append(b, &(uint8_t){(uint8_t)v}, 1);
}

static GByteArray *encode(const GPtrArray *channels)
{
	const Signal *first = channels->pdata[0];
	GByteArray *b = g_byte_array_new();
	uint64_t rate = (uint64_t)rate_of(first), size = (uint64_t)first->n * channels->len * 4;
	g_byte_array_append(b, (const uint8_t *)"RIFF", 4);
	le(b, size + 4 + 26 + 12 + 8, 4);
	g_byte_array_append(b, (const uint8_t *)"WAVEfmt ", 8);
	le(b, 18, 4);
	le(b, 3, 2); /* IEEE float */
	le(b, channels->len, 2);
	le(b, rate, 4);
	le(b, rate * channels->len * 4, 4);
	le(b, channels->len * 4, 2);
	le(b, 32, 2);
	le(b, 0, 2);
	g_byte_array_append(b, (const uint8_t *)"fact", 4);
	le(b, 4, 4);
	le(b, first->n, 4);
	g_byte_array_append(b, (const uint8_t *)"data", 4);
	le(b, size, 4);
	for (size_t k = 0; k < first->n; k++)
		for (guint c = 0; c < channels->len; c++) {
			float v = (float)((const Signal *)channels->pdata[c])->v[k];
			uint32_t bits;
			memcpy(&bits, &v, sizeof(bits));
			le(b, bits, 4);
		}
	return b;
}

gboolean session_export_wav(const Recording *rec, const char *const *names, const char *path,
			    unsigned *ret_channels, GError **error)
{
	g_autoptr(GPtrArray) channels = g_ptr_array_new();
	g_auto(Output) output = {0};
	if (!choose(rec, names, channels, error))
		return FALSE;
	if ((uint64_t)((const Signal *)channels->pdata[0])->n * channels->len > G_MAXINT32 / 4)
		return error_input(error, "more than 2 GiB of sound: export a part of it");
	g_autoptr(GByteArray) bytes = encode(channels);
	if (!output_open(&output, path, error) ||
	    !output.sink.write(output.sink.self, bytes->data, bytes->len, error) ||
	    !output.sink.sync(output.sink.self, error) || !output_commit(&output, error))
		return FALSE;
	if (ret_channels)
		*ret_channels = channels->len;
	return TRUE;
}
