/* Any bytes as an MCAP file: read in order, salvaged, and through the index, nothing crashes, hangs or takes more memory
 * than the caps allow; what reads to its end without salvage reads through the index as well. */
#include <anzen/mcap.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const McapLimits limits = {.record_size = 1u << 20, .chunk_size = 1u << 20, .ratio = 1000};

static McapNext read_all(const McapSource *source, McapReadFlags flags, uint64_t *ret_messages)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(McapReader) reader = mcap_reader_new(source, flags, &limits, &error);
	McapNext next = MCAP_NEXT_ERROR;
	McapRecord record;
	*ret_messages = 0;
	while (reader && (next = mcap_reader_next(reader, &record, &error)) == MCAP_NEXT_RECORD) {
		g_assert(mcap_reader_offset(reader) <= source->size);
		*ret_messages += record.opcode == MCAP_MESSAGE;
	}
	g_assert((next == MCAP_NEXT_END) == (error == NULL));
	return next;
}

static bool count(const McapRecord *message, void *data)
{
	g_assert(message->opcode == MCAP_MESSAGE);
	++*(uint64_t *)data;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(McapSource) source = {0};
	uint64_t strict, salvaged, indexed = 0;
	mcap_memory_source(data, size, &source);
	McapNext end = read_all(&source, 0, &strict);
	read_all(&source, MCAP_SALVAGE | MCAP_ORDER_CHUNKS, &salvaged);
	g_assert(salvaged >= strict);
	g_autoptr(McapIndex) index = mcap_index_new(&source, &limits, NULL);
	g_assert(index || end != MCAP_NEXT_END);
	if (index)
		mcap_index_messages(index, 0, 0, count, &indexed, NULL);
	return 0;
}
