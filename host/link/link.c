/* ByteLink: one object around an ops table, and the list of what can be opened. */
#include "internal.h"

#include <string.h>

struct ByteLink {
	const ByteLinkOps *ops;
	void *self; /* NULL once shut */
	char *name;
};

const ByteLinkDriver byte_link_drivers[] = {{LINK_SERIAL, serial_open},
					    {LINK_PTY, pty_open},
					    {LINK_TCP, tcp_open},
					    {LINK_RTU, pty_open},
					    {0, NULL}};

ByteLink *byte_link_new(const ByteLinkOps *ops, void *self, const char *name)
{
	ByteLink *link = g_new0(ByteLink, 1);
	*link = (ByteLink){.ops = ops, .self = self, .name = g_strdup(name)};
	return link;
}

ByteLink *byte_link_open(const char *text, int default_baud, GError **error)
{
	g_autoptr(LinkUri) uri = link_uri_parse(text, error);
	if (!uri)
		return NULL;
	if (!uri->baud)
		uri->baud = default_baud;
	for (const ByteLinkDriver *driver = byte_link_drivers; driver->open; driver++)
		if (driver->scheme == uri->scheme)
			return driver->open(uri, text, error);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "link \"%s\": carries no bytes; expected serial:, pty:, rtu: or tcp:", text);
	return NULL;
}

void byte_link_shut(ByteLink *link)
{
	if (!link || !link->self)
		return;
	link->ops->close(link->self);
	link->self = NULL;
}

void byte_link_close(ByteLink *link)
{
	if (!link)
		return;
	byte_link_shut(link);
	g_free(link->name);
	g_free(link);
}

static bool is_shut(const ByteLink *link, GError **error)
{
	if (link->self)
		return false;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED, "%s: already closed", link->name);
	return true;
}

gssize byte_link_read(ByteLink *link, void *data, size_t size, int64_t deadline_ns, GError **error)
{
	return is_shut(link, error) ? -1
				    : link->ops->read(link->self, data, size, deadline_ns, error);
}

gboolean byte_link_write(ByteLink *link, const void *data, size_t size, int64_t deadline_ns,
			 GError **error)
{
	return is_shut(link, error) ? FALSE
				    : link->ops->write(link->self, data, size, deadline_ns, error);
}

gboolean byte_link_drain(ByteLink *link, int64_t deadline_ns, GError **error)
{
	if (is_shut(link, error))
		return FALSE;
	return link->ops->drain ? link->ops->drain(link->self, deadline_ns, error) : TRUE;
}

int byte_link_fd(ByteLink *link)
{
	return link->self && link->ops->fd ? link->ops->fd(link->self) : -1;
}

const char *byte_link_name(const ByteLink *link)
{
	return link->name;
}

char *link_hex(const uint8_t *data, size_t size)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; i < MIN(size, 64); i++)
		g_string_append_printf(text, "%s%02x", i ? " " : "", data[i]);
	if (size > 64)
		g_string_append_printf(text, "… (%zu bytes)", size);
	return g_string_free(g_steal_pointer(&text), FALSE);
}
