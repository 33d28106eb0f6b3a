/* A damaged session gives back everything that is whole. Each record of a recording is damaged in turn, in each of its
 * parts, and what comes back is counted against what the recording holds:
 *
 *	samples 1000 + 1000 + 20, pictures 60 and what is known of each 60, events 1 + 10 + 1, faults 1: 2153 messages.
 *
 * What one chunk holds is counted from its message indexes, which recovery does not read. */
#include "sample.h"
#include <string.h>

#define ALL (1000 + 1000 + 20 + 60 + 60 + 12 + 1)

typedef struct {
	uint8_t opcode;
	guint at, size;
	guint messages; /* of a chunk */
} Place;

static bool full; /* each record in each way, not one in four */

static GByteArray *original;
static GArray *places; /* Place, top level */

static void record(void)
{
	McapSink sink;
	SampleResult result = {0};
	original = g_byte_array_new();
	mcap_memory_sink(original, &sink);
	gboolean good = sample_record(&sink, NULL, NULL, NULL, &result, NULL);
	g_assert(good);
	g_free(result.sha256);
}

static void find_places(void)
{
	g_auto(McapSource) source = {0};
	McapRecord r;
	mcap_memory_source(original->data, original->len, &source);
	g_autoptr(McapReader) reader = mcap_reader_new(&source, MCAP_NO_EXPAND, NULL, NULL);
	places = g_array_new(FALSE, TRUE, sizeof(Place));
	guint chunk = 0;
	while (mcap_reader_next(reader, &r, NULL) == MCAP_NEXT_RECORD) {
		Place place = {r.opcode, (guint)r.offset, (guint)r.raw.size, 0};
		if (r.opcode == MCAP_CHUNK)
			chunk = places->len;
		if (r.opcode == MCAP_MESSAGE_INDEX)
			g_array_index(places, Place, chunk).messages +=
				(guint)(r.message_index.entries.raw.size / 16);
		g_array_append_val(places, place);
	}
}

static guint data_end(void)
{
	for (guint i = 0; i < places->len; i++)
		if (g_array_index(places, Place, i).opcode == MCAP_DATA_END)
			return g_array_index(places, Place, i).at;
	return 0;
}

/* ---- what comes back ------------------------------------------------------------------------- */

typedef struct {
	bool recovered, verifies;
	uint64_t messages, lost;
	guint signals, attachments, cameras;
	size_t samples;
	bool scenario, height_declared;
	char *missing;
} Back;

static void back_clear(Back *back)
{
	g_free(back->missing);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Back, back_clear)

static void look(const GByteArray *bytes, Back *ret)
{
	g_auto(McapSource) source = {0};
	g_autoptr(GError) error = NULL;
	mcap_memory_source(bytes->data, bytes->len, &source);
	g_autoptr(SessionCheck) check = session_verify_source(&source, NULL);
	g_autoptr(SessionReader) reader = session_reader_open_source(&source, &error);
	ret->verifies = check->ok;
	UNIT_OK(reader, error);
	if (!reader)
		return;
	const Recording *rec = session_reader_recording(reader);
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, rec->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		ret->signals++;
		ret->samples += ((const Signal *)value)->n;
	}
	const Signal *height = recording_signal(rec, "mannequin.height");
	ret->height_declared = height && height->info.u_common > 0.002 &&
			       !g_strcmp0(height->info.serial, "string-pot-0007");
	ret->scenario =
		!g_strcmp0(g_hash_table_lookup(rec->meta, "scenario"), "fall-watch/chair-fall");
	g_autoptr(GPtrArray) names = session_reader_attachments(reader);
	ret->attachments = names->len;
	ret->cameras = (guint)session_reader_cameras(reader);
}

static void recover_source(const McapSource *source, Back *ret)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	McapSink sink;
	SessionRecovery r = {0};
	*ret = (Back){0};
	mcap_memory_sink(out, &sink);
	ret->recovered = session_recover(source, &sink, &r, NULL);
	ret->messages = r.messages;
	ret->lost = r.lost_messages;
	ret->missing = r.missing;
	if (ret->recovered)
		look(out, ret);
}

static void recover(const GByteArray *bytes, Back *ret)
{
	g_auto(McapSource) source = {0};
	mcap_memory_source(bytes->data, bytes->len, &source);
	recover_source(&source, ret);
}

static GByteArray *copy_of(const GByteArray *bytes)
{
	GByteArray *copy = g_byte_array_new();
	g_byte_array_append(copy, bytes->data, bytes->len);
	return copy;
}

/* Everything but `lost` messages is there, and nothing of what was declared is gone. */
static bool is_all_but(const Back *b, uint64_t lost)
{
	return b->recovered && b->verifies && b->messages == ALL - lost && b->signals == 3 &&
	       b->cameras == 1 && b->height_declared && b->scenario;
}

/* ---- each record, each part of it ------------------------------------------------------------ */

typedef enum {
	NO_OPCODE,
	OTHER_OPCODE,
	LENGTH_PLUS_ONE,
	LENGTH_MUCH_LESS,
	LENGTH_MUCH_MORE,
	LENGTH_BEYOND,
	FIRST_BYTE,
	MIDDLE,
	LAST_BYTE,
	OTHER_CRC, /* of a chunk; an attachment's are its last bytes */
	NO_CRC,
	WAYS
} Way;

static void damage(GByteArray *b, const Place *p, Way way)
{
	uint8_t *at = b->data + p->at, *content = at + MCAP_RECORD_HEAD;
	guint n = p->size - MCAP_RECORD_HEAD;
	uint8_t *crc = p->opcode == MCAP_CHUNK ? content + 24 : content + n - 4;
	switch (way) {
	case NO_OPCODE:
		at[0] = 0;
		break;
	case OTHER_OPCODE:
		at[0] ^= 0x80;
		break;
	case LENGTH_PLUS_ONE:
		at[1]++;
		break;
	case LENGTH_MUCH_LESS:
		at[1] = at[2] = at[3] = 0;
		break;
	case LENGTH_MUCH_MORE:
		at[2] ^= 0x40;
		break;
	case LENGTH_BEYOND:
		at[8] = 0xff;
		break;
	case FIRST_BYTE:
		content[0] ^= 0x55;
		break;
	case MIDDLE:
		content[n / 2] ^= 0x55;
		break;
	case LAST_BYTE:
		content[n - 1] ^= 0x55;
		break;
	case OTHER_CRC:
		*crc ^= 0x55;
		break;
	case NO_CRC:
		memset(crc, 0, 4);
		break;
	case WAYS:
		break;
	}
}

/* The first byte of a chunk is of its times, which are not what its CRC covers and not needed. */
static guint expected_loss(const Place *p, Way way)
{
	return p->opcode == MCAP_CHUNK && (way == MIDDLE || way == LAST_BYTE) ? p->messages : 0;
}

static bool in_contents(Way way)
{
	return way == FIRST_BYTE || way == MIDDLE;
}

static void damaged_anywhere_only_that_is_lost(void)
{
	unsigned tried = 0, chunks = 0;
	for (guint i = 0; i < places->len; i++) {
		const Place *p = &g_array_index(places, Place, i);
		chunks += p->opcode == MCAP_CHUNK;
		for (Way way = NO_OPCODE; way < WAYS; way++) {
			g_autoptr(GByteArray) bytes = copy_of(original);
			g_auto(Back) back = {0};
			damage(bytes, p, way);
			if ((!full && (i + way) % 4 != 0) ||
			    memcmp(bytes->data, original->data, bytes->len) == 0)
				continue; /* a length that was that small */
			tried++;
			recover(bytes, &back);
			guint lost = expected_loss(p, way);
			bool good = is_all_but(&back, lost) &&
				    (lost == 0 || (back.missing && back.lost == lost)) &&
				    ((p->opcode == MCAP_ATTACHMENT && in_contents(way)) ||
				     back.attachments == 1);
			if (!good)
				fprintf(stderr,
					"%s at %u, way %d: %d%d %" G_GUINT64_FORMAT
					" messages, %u lost expected, %u signals, %u attached: "
					"%s\n",
					mcap_opcode_name(p->opcode), p->at, way, back.recovered,
					back.verifies, back.messages, lost, back.signals,
					back.attachments, back.missing);
			CU_ASSERT_TRUE(good);
		}
	}
	CU_ASSERT_TRUE(chunks > 10);
	CU_ASSERT_TRUE(tried > (full ? 8 : 2) * places->len);
}

static void nothing_is_missing_from_a_whole_one(void)
{
	g_auto(Back) back = {0};
	recover(original, &back);
	CU_ASSERT_TRUE(is_all_but(&back, 0));
	CU_ASSERT_PTR_NULL(back.missing);
	CU_ASSERT_EQUAL(back.samples, 2020);
	CU_ASSERT_EQUAL(back.attachments, 1);
}

/* The chain shows that a chunk is what was written when its CRC alone was hit, and nothing else does. */
static void a_crc_that_was_hit_saves_no_damaged_chunk(void)
{
	for (guint i = 0; i < places->len; i++) {
		const Place *p = &g_array_index(places, Place, i);
		g_autoptr(GByteArray) bytes = copy_of(original);
		g_auto(Back) back = {0};
		if (p->opcode != MCAP_CHUNK || (!full && i % 4 != 0))
			continue;
		damage(bytes, p, MIDDLE);
		damage(bytes, p, i % 8 ? OTHER_CRC : NO_CRC);
		recover(bytes, &back);
		CU_ASSERT_TRUE(is_all_but(&back, p->messages));
	}
}

static void the_opening_magic_is_not_all_there_is(void)
{
	for (guint i = 0; i < MCAP_MAGIC_SIZE; i++) {
		g_autoptr(GByteArray) bytes = copy_of(original);
		g_auto(Back) back = {0};
		bytes->data[i] ^= 0x55;
		recover(bytes, &back);
		CU_ASSERT_TRUE(is_all_but(&back, 0));
	}
}

/* ---- sectors --------------------------------------------------------------------------------- */

#define SECTOR (full ? 512u : 2048u)

static guint lost_in(guint from, guint to)
{
	guint n = 0;
	for (guint i = 0; i < places->len; i++) {
		const Place *p = &g_array_index(places, Place, i);
		n += p->at < to && p->at + p->size > from ? p->messages : 0;
	}
	return n;
}

/* With a summary, whole but for its own sectors; all sectors: what is lost is what stood in them. */
static void a_lost_sector_costs_the_chunks_it_touches(void)
{
	for (guint at = 0; at < original->len; at += SECTOR) {
		guint to = MIN(at + SECTOR, original->len), lost = lost_in(at, to);
		g_autoptr(GByteArray) bytes = copy_of(original);
		g_auto(Back) back = {0};
		memset(bytes->data + at, 0, to - at);
		recover(bytes, &back);
		/* Of a chunk only whose head is hit nothing is lost. */
		bool good = back.recovered && back.verifies && back.messages >= ALL - lost &&
			    back.signals == 3 && back.height_declared && back.scenario &&
			    (to > data_end() || back.lost == ALL - back.messages);
		if (!good)
			fprintf(stderr, "sector at %u: %d%d %" G_GUINT64_FORMAT " of %d: %s\n", at,
				back.recovered, back.verifies, back.messages, ALL - lost,
				back.missing);
		CU_ASSERT_TRUE(good);
	}
}

/* As a medium refuses to read them. */
typedef struct {
	McapSource inner;
	uint64_t from, to;
} Broken;

static gboolean read_broken(void *self, uint64_t offset, void *buffer, size_t n, GError **error)
{
	Broken *b = self;
	if (offset < b->to && offset + n > b->from) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "Input/output error");
		return FALSE;
	}
	return b->inner.read(b->inner.self, offset, buffer, n, error);
}

static void a_sector_that_cannot_be_read_is_one_that_is_lost(void)
{
	enum { BIG = 4096 };
	for (guint at = BIG; at + BIG < original->len; at += BIG) {
		g_auto(McapSource) inner = {0};
		g_auto(Back) back = {0};
		mcap_memory_source(original->data, original->len, &inner);
		Broken broken = {inner, at, at + BIG};
		McapSource source = {
			.self = &broken, .size = inner.size, .name = "broken", .read = read_broken};
		recover_source(&source, &back);
		/* Pieces of 4 KiB are tried where the window begins, so at most two are lost. */
		CU_ASSERT_TRUE(back.recovered && back.verifies);
		CU_ASSERT_TRUE(back.messages >= ALL - lost_in(at - BIG, at + 2 * BIG));
		CU_ASSERT_EQUAL(back.signals, 3);
	}
}

/* ---- without a summary ----------------------------------------------------------------------- */

static void a_cut_file_with_a_damaged_chunk_loses_no_other(void)
{
	guint seen = 0;
	for (guint i = 0; i < places->len; i++) {
		const Place *p = &g_array_index(places, Place, i);
		for (Way way = NO_OPCODE; way < WAYS && p->opcode == MCAP_CHUNK; way++) {
			if (!full && (i + way) % 4 != 0)
				continue;
			g_autoptr(GByteArray) bytes = copy_of(original);
			g_auto(Back) back = {0};
			damage(bytes, p, way);
			g_byte_array_set_size(bytes, data_end());
			recover(bytes, &back);
			/* Every chunk says what its messages are: also without the first one. */
			bool good = is_all_but(&back, expected_loss(p, way));
			if (!good)
				fprintf(stderr, "chunk at %u, way %d: %" G_GUINT64_FORMAT ": %s\n",
					p->at, way, back.messages, back.missing);
			CU_ASSERT_TRUE(good);
			seen++;
		}
	}
	CU_ASSERT_TRUE(seen > (full ? 90u : 20u));
}

/* Neither copy of its identity: there is nothing to say what it is. */
static void without_any_identity_nothing_is_recovered(void)
{
	g_autoptr(GByteArray) bytes = copy_of(original);
	g_auto(Back) back = {0};
	unsigned hit = 0;
	for (guint i = 0; i + 16 < bytes->len; i++)
		if (!memcmp(bytes->data + i, "\x0d\0\0\0anzen.session", 17)) {
			bytes->data[i] = 0xff; /* the name is longer than the record */
			hit++;
		}
	CU_ASSERT_TRUE(hit >= 2);
	recover(bytes, &back);
	CU_ASSERT_FALSE(back.recovered);
}

/* The index-th chunk with its indexes and its link. */
static const Place *chunk_of(guint index, guint *ret_end)
{
	const Place *found = NULL;
	for (guint i = 0; i < places->len; i++) {
		const Place *p = &g_array_index(places, Place, i);
		if (found && p->opcode == MCAP_CHUNK) {
			*ret_end = p->at;
			return found;
		}
		if (p->opcode == MCAP_CHUNK && index-- == 0)
			found = p;
	}
	return NULL;
}

/* Blocks of an older recording behind a hole: whole chunks, with links that agree among themselves. */
static void chunks_of_another_session_are_never_taken(void)
{
	g_autoptr(GByteArray) bytes = copy_of(original), foreign = copy_of(original);
	g_auto(Back) back = {0};
	guint first_end = 0, end = 0, kept = 0;
	static const guint8 hole[700];
	chunk_of(4, &first_end);
	const Place *gone = chunk_of(5, &end), *from = chunk_of(6, &end);
	for (guint i = 0; i < places->len; i++)
		if (g_array_index(places, Place, i).at < first_end)
			kept += g_array_index(places, Place, i).messages;
	g_byte_array_set_size(bytes, first_end);
	g_byte_array_append(bytes, hole, sizeof(hole));
	/* The same but for the name of the session in its links. */
	for (guint i = 0; i + 27 < foreign->len; i++)
		if (!memcmp(foreign->data + i, "session\x10\0\0\0", 11))
			memset(foreign->data + i + 11, 'e', 16);
	g_byte_array_append(bytes, foreign->data + from->at, data_end() - from->at);
	recover(bytes, &back);
	CU_ASSERT_TRUE(back.recovered && back.verifies);
	CU_ASSERT_EQUAL(back.messages, kept);
	CU_ASSERT_PTR_NOT_NULL(strstr(back.missing, "behind a gap"));
	/* The same bytes of this session: only of the chunk before the first link nothing shows whose it is. */
	g_autoptr(GByteArray) mine = copy_of(original);
	g_auto(Back) own = {0};
	g_byte_array_set_size(mine, first_end);
	g_byte_array_append(mine, hole, sizeof(hole));
	g_byte_array_append(mine, original->data + from->at, data_end() - from->at);
	recover(mine, &own);
	CU_ASSERT_TRUE(own.recovered && own.verifies);
	CU_ASSERT_EQUAL(own.messages, ALL - gone->messages - from->messages);
	CU_ASSERT_TRUE(gone->messages > 0 && from->messages > 0);
}

/* An attached recording whose own chunks are whole: with the attachment's length destroyed they lie bare. */
static void an_attached_recording_is_not_taken_for_this_one(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new(), cut = NULL;
	McapSink sink;
	mcap_memory_sink(bytes, &sink);
	g_autoptr(Clock) clock = clock_manual_new(CLOCK_S);
	SessionOptions options = {.sink = &sink,
				  .clock = clock,
				  .evidence = EVIDENCE_LOCK_STEP,
				  .inline_writer = true};
	g_autoptr(SessionWriter) w = session_writer_new(&options, NULL);
	session_writer_attach(w, "import/s.mcap", NULL, original->data, original->len, NULL);
	SessionProducer *p = session_writer_add_producer(w, "p", SESSION_BENCH);
	session_writer_start(w, NULL);
	session_event(p, CLOCK_S, "run.start", NULL);
	session_event(p, 2 * CLOCK_S, "run.end", NULL);
	CU_ASSERT_TRUE(session_writer_finish(w, NULL, NULL, NULL));
	for (guint at = 0; at + 9 < bytes->len; at++)
		if (bytes->data[at] == MCAP_ATTACHMENT) {
			/* Both its own length and that of its data. */
			memset(bytes->data + at + 1, 0xff, 8);
			memset(bytes->data + at + 9 + 16 + 4 + 13 + 4 + 18, 0xff, 8);
			break;
		}
	cut = copy_of(bytes);
	g_byte_array_set_size(cut, bytes->len - 20);
	g_auto(Back) whole = {0}, without = {0};
	recover(bytes, &whole);
	recover(cut, &without);
	CU_ASSERT_TRUE(whole.recovered && whole.verifies);
	CU_ASSERT_EQUAL(whole.messages, 2);
	CU_ASSERT_TRUE(!without.recovered || without.messages <= 2);
	CU_ASSERT_EQUAL(without.signals, 0);
}

int main(int argc, char **argv)
{
	static const UnitTest tests[] = {
		UNIT(nothing_is_missing_from_a_whole_one),
		UNIT(damaged_anywhere_only_that_is_lost),
		UNIT(a_crc_that_was_hit_saves_no_damaged_chunk),
		UNIT(the_opening_magic_is_not_all_there_is),
		UNIT(a_lost_sector_costs_the_chunks_it_touches),
		UNIT(a_sector_that_cannot_be_read_is_one_that_is_lost),
		UNIT(a_cut_file_with_a_damaged_chunk_loses_no_other),
		UNIT(without_any_identity_nothing_is_recovered),
		UNIT(chunks_of_another_session_are_never_taken),
		UNIT(an_attached_recording_is_not_taken_for_this_one),
	};
	full = argc > 1 && !strcmp(argv[1], "full");
	record();
	find_places();
	return unit_run("session.damage", tests, G_N_ELEMENTS(tests), full ? 1 : argc, argv);
}
