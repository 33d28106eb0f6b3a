#include "copy.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

void copy_init(Copy *copy, ChainedFile *out)
{
	*copy = (Copy){.out = out, .known = g_hash_table_new(NULL, NULL)};
}

void copy_clear(Copy *copy)
{
	g_clear_pointer(&copy->known, g_hash_table_unref);
}

gboolean copy_schema(Copy *copy, const McapSchema *s, GError **error)
{
	if (!g_hash_table_add(copy->known, GUINT_TO_POINTER((unsigned)s->id)))
		return TRUE;
	g_autofree char *name = mcap_text_dup(s->name), *encoding = mcap_text_dup(s->encoding);
	return mcap_writer_schema(copy->out->mcap, s->id, name, encoding, s->data.data,
				  s->data.size, error);
}

/* key, value, …, NULL; with `key` set to `value` when it is not NULL. */
static char **pairs_of(McapMap map, const char *key, const char *value)
{
	GPtrArray *pairs = g_ptr_array_new();
	McapText k, v;
	bool done = key == NULL;
	while (mcap_map_next_text(&map, &k, &v)) {
		bool replace = key && mcap_text_equal(k, key);
		g_ptr_array_add(pairs, mcap_text_dup(k));
		g_ptr_array_add(pairs, replace ? g_strdup(value) : mcap_text_dup(v));
		done |= replace;
	}
	if (!done) {
		g_ptr_array_add(pairs, g_strdup(key));
		g_ptr_array_add(pairs, g_strdup(value));
	}
	g_ptr_array_add(pairs, NULL);
	return (char **)g_ptr_array_free(pairs, FALSE);
}

gboolean copy_channel(Copy *copy, const McapChannel *c, const char *key, const char *value,
		      GError **error)
{
	if (!g_hash_table_add(copy->known, GUINT_TO_POINTER((unsigned)c->id | 1u << 16)))
		return TRUE;
	g_autofree char *topic = mcap_text_dup(c->topic),
			*encoding = mcap_text_dup(c->message_encoding);
	g_autofree char *kind = map_get(c->metadata, "anzen.kind");
	g_auto(GStrv) pairs = pairs_of(c->metadata, key, value);
	unsigned lane = g_strcmp0(kind, topic_kind_name(TOPIC_FRAME)) ? LANE_SIGNALS : LANE_FRAMES;
	return mcap_writer_channel(copy->out->mcap, c->id, c->schema_id, topic, encoding,
				   (const char *const *)pairs, lane, error);
}

gboolean copy_message(Copy *copy, const McapMessage *m, GError **error)
{
	copy->messages++;
	return mcap_writer_message(copy->out->mcap, m->channel_id, m->sequence, m->log_time,
				   m->publish_time, m->data.data, m->data.size, error);
}

gboolean copy_metadata(Copy *copy, const McapRecord *record, GError **error)
{
	if (mcap_text_equal(record->metadata.name, CHAIN_METADATA))
		return TRUE; /* the copy has its own */
	g_autofree char *name = mcap_text_dup(record->metadata.name);
	g_auto(GStrv) pairs = pairs_of(record->metadata.metadata, NULL, NULL);
	return mcap_writer_metadata(copy->out->mcap, name, (const char *const *)pairs, error);
}

gboolean copy_attachment(Copy *copy, const McapAttachment *a, GError **error)
{
	g_autofree char *name = mcap_text_dup(a->name), *type = mcap_text_dup(a->media_type);
	return mcap_writer_attachment(copy->out->mcap, name, type, a->log_time, a->create_time,
				      a->data.data, a->data.size, error);
}

gboolean copy_close_chunks(Copy *copy, GError **error)
{
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		if (!chained_file_flush(copy->out, lane, error))
			return FALSE;
	return TRUE;
}

CopyTopic *copy_topic_of(const McapChannel *channel)
{
	CopyTopic *topic = g_new0(CopyTopic, 1);
	g_autofree char *kind = map_get(channel->metadata, "anzen.kind");
	topic->ours = kind && topic_kind_parse((McapText){kind, strlen(kind)}, &topic->kind);
	topic->name = map_get(channel->metadata, "name");
	return topic;
}

void copy_topic_free(void *pointer)
{
	CopyTopic *topic = pointer;
	if (topic)
		g_free(topic->name);
	g_free(topic);
}

gboolean copy_origin(const Walk *walk, McapNext end, const McapSource *source, CopyOrigin *ret,
		     GError **error)
{
	if (end == MCAP_NEXT_TRUNCATED || end == MCAP_NEXT_ERROR) {
		if (!error || g_error_matches(*error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT))
			g_prefix_error(error, "save it first with: anzen session recover: ");
		return FALSE;
	}
	if (!walk->session) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: an MCAP file, but no session of ours", source->name);
		return FALSE;
	}
	if (!hash_source(source, ret->sha256, error))
		return FALSE;
	chain_hex(&walk->chain, ret->chain);
	ret->records = walk->chain.records;
	return TRUE;
}

gboolean copy_write_edited(Copy *copy, const char *operation, const CopyOrigin *origin,
			   const char *const *more, GError **error)
{
	char records[24];
	g_snprintf(records, sizeof(records), "%" G_GUINT64_FORMAT, origin->records);
	g_autoptr(GPtrArray) pairs = g_ptr_array_new();
	const char *const first[] = {"operation",        operation,        "original_sha256",
				     origin->sha256,     "original_chain", origin->chain,
				     "original_records", records};
	for (size_t i = 0; i < G_N_ELEMENTS(first); i++)
		g_ptr_array_add(pairs, (void *)(uintptr_t)first[i]);
	for (; *more; more++)
		g_ptr_array_add(pairs, (void *)(uintptr_t)*more);
	g_ptr_array_add(pairs, NULL);
	return mcap_writer_metadata(copy->out->mcap, EDITED_METADATA,
				    (const char *const *)pairs->pdata, error);
}

/* ---- output ---------------------------------------------------------------------------------- */

gboolean output_open(Output *o, const char *path, GError **error)
{
	*o = (Output){0};
	if (!*path)
		return error_input(error, "the name of the file to write is empty");
	if (g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: is there already", path);
		return FALSE;
	}
	g_autofree char *temporary = g_strconcat(path, ".part", NULL);
	g_unlink(temporary); /* of an edit that was killed */
	if (!mcap_file_sink(temporary, &o->sink, error))
		return FALSE;
	o->path = g_strdup(path);
	o->temporary = g_steal_pointer(&temporary);
	return TRUE;
}

static void sync_folder_of(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

/* renameat2 never replaces; a file system without it gets the check that leaves a moment open. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (access(to, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

gboolean output_commit(Output *o, GError **error)
{
	mcap_sink_close(&o->sink);
	if (rename_new(o->temporary, o->path) != 0) {
		g_set_error(error, ANZEN_ERROR,
			    errno == EEXIST ? ANZEN_ERROR_INPUT : ANZEN_ERROR_IO, "%s: %s", o->path,
			    g_strerror(errno));
		return FALSE;
	}
	g_clear_pointer(&o->temporary, g_free);
	sync_folder_of(o->path);
	return TRUE;
}

void output_clear(Output *o)
{
	mcap_sink_close(&o->sink);
	if (o->temporary)
		g_unlink(o->temporary);
	g_clear_pointer(&o->temporary, g_free);
	g_clear_pointer(&o->path, g_free);
}
