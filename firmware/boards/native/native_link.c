#include "node_native.h"

#include <anzen/link.h>

static void close_link(void *self)
{
	(void)self; /* the node goes on without its host */
}

static gssize read_link(void *self, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	(void)deadline_ns; /* time does not pass here */
	(void)error;
	return (gssize)node_native_drain(self, data, size);
}

static gboolean write_link(void *self, const void *data, size_t size, int64_t deadline_ns,
			   GError **error)
{
	(void)deadline_ns;
	if (node_native_feed(self, data, size))
		return TRUE;
	g_set_error_literal(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT,
			    "the native node takes no more bytes");
	return FALSE;
}

ByteLink *node_native_link(NodeNative *native)
{
	static const ByteLinkOps ops = {
		.kind = "native", .close = close_link, .read = read_link, .write = write_link};
	return byte_link_new(&ops, native, "native node");
}
