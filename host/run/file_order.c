#include "file_order.h"

#include <anzen/mcap.h>

typedef struct Place {
	int64_t t_ns;
	uint64_t at;
} Place;

struct FileOrder {
	GHashTable *topics; /* topic → GArray of Place */
	GArray *by_channel[65536];
	uint64_t messages;
};

static void place_free(void *array)
{
	g_array_unref(array);
}

static void know_channel(FileOrder *o, const McapChannel *channel)
{
	g_autofree char *topic = mcap_text_dup(channel->topic);
	GArray *places = g_hash_table_lookup(o->topics, topic);
	if (!places) {
		places = g_array_new(FALSE, FALSE, sizeof(Place));
		g_hash_table_insert(o->topics, g_steal_pointer(&topic), places);
	}
	o->by_channel[channel->id] = places;
}

static void take(FileOrder *o, const McapRecord *record)
{
	if (record->opcode == MCAP_CHANNEL)
		know_channel(o, &record->channel);
	if (record->opcode != MCAP_MESSAGE || !o->by_channel[record->message.channel_id])
		return;
	Place place = {(int64_t)record->message.publish_time, o->messages++};
	g_array_append_val(o->by_channel[record->message.channel_id], place);
}

FileOrder *file_order_new(const char *path, GError **error)
{
	g_auto(McapSource) source = {0};
	if (!mcap_file_source(path, &source, error))
		return NULL;
	g_autoptr(McapReader) reader = mcap_reader_new(&source, MCAP_SALVAGE, NULL, error);
	if (!reader)
		return NULL;
	g_autoptr(FileOrder) order = g_new0(FileOrder, 1);
	order->topics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, place_free);
	g_autoptr(GError) trouble = NULL;
	McapRecord record;
	McapNext next;
	while ((next = mcap_reader_next(reader, &record, &trouble)) == MCAP_NEXT_RECORD)
		take(order, &record);
	if (next == MCAP_NEXT_ERROR) {
		g_propagate_error(error, g_steal_pointer(&trouble));
		return NULL;
	}
	return g_steal_pointer(&order);
}

void file_order_free(FileOrder *order)
{
	if (!order)
		return;
	g_hash_table_unref(order->topics);
	g_free(order);
}

FileCursor file_cursor(const FileOrder *order, const char *prefix, const char *name)
{
	g_autofree char *topic = g_strconcat(prefix, name, NULL);
	return (FileCursor){.places = g_hash_table_lookup(order->topics, topic)};
}

uint64_t file_cursor_next(FileCursor *c, int64_t t_ns)
{
	while (c->places && c->next < c->places->len) {
		const Place *place = &g_array_index(c->places, Place, c->next);
		if (place->t_ns > t_ns)
			break;
		c->next++;
		if (place->t_ns == t_ns)
			return place->at;
	}
	return UINT64_MAX;
}
