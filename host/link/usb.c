/* UsbLink: one object around an ops table, descriptors, and what every transfer shares. */
#include "internal.h"

#include <string.h>

struct UsbLink {
	const UsbLinkOps *ops;
	void *self; /* NULL once shut */
	UsbEndpoints endpoints;
	char *name;
};

#define DESCRIPTOR_CONFIG 2
#define DESCRIPTOR_STRING 3
#define DESCRIPTOR_INTERFACE 4
#define DESCRIPTOR_ENDPOINT 5
#define REQUEST_GET_DESCRIPTOR 6
#define LANG_EN_US 0x0409

UsbLink *usb_link_new(const UsbLinkOps *ops, void *self, const UsbEndpoints *endpoints,
		      const char *name)
{
	UsbLink *link = g_new0(UsbLink, 1);
	*link = (UsbLink){ops, self, *endpoints, g_strdup(name)};
	return link;
}

/* libusb reports endpoints itself; over the socket they come from the configuration descriptor. */
static gboolean learn_endpoints(UsbLink *link, GError **error)
{
	uint8_t config[512];
	gssize n = usb_link_control(link, 0x80, REQUEST_GET_DESCRIPTOR, DESCRIPTOR_CONFIG << 8, 0,
				    config, sizeof config, 1000, error);
	if (n < 0)
		return FALSE;
	if (usb_find_endpoints(config, (size_t)n, &link->endpoints, error))
		return TRUE;
	g_prefix_error(error, "%s: ", link->name);
	return FALSE;
}

UsbLink *usb_link_open(const char *text, GError **error)
{
	g_autoptr(LinkUri) uri = link_uri_parse(text, error);
	if (!uri)
		return NULL;
	if (uri->scheme == LINK_USBTMC)
		return usb_libusb_open(uri, error);
	if (uri->scheme != LINK_USBSOCK) {
		g_set_error(
			error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			"link \"%s\": carries no USB messages; expected usbtmc: or usbsock:", text);
		return NULL;
	}
	g_autoptr(UsbLink) link = usb_socket_open(uri, error);
	if (!link || !learn_endpoints(link, error))
		return NULL;
	return g_steal_pointer(&link);
}

void usb_link_shut(UsbLink *link)
{
	if (!link || !link->self)
		return;
	link->ops->close(link->self);
	link->self = NULL;
}

void usb_link_close(UsbLink *link)
{
	if (!link)
		return;
	usb_link_shut(link);
	g_free(link->name);
	g_free(link);
}

const char *usb_link_name(const UsbLink *link)
{
	return link->name;
}

const UsbEndpoints *usb_link_endpoints(const UsbLink *link)
{
	return &link->endpoints;
}

static bool is_shut(const UsbLink *link, GError **error)
{
	if (link->self)
		return false;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CLOSED, "%s: already closed", link->name);
	return true;
}

/* The setup packet of USB 2.0, table 9-2: little-endian. */
gssize usb_link_control(UsbLink *link, uint8_t request_type, uint8_t request, uint16_t value,
			uint16_t index, void *data, uint16_t length, unsigned timeout_ms,
			GError **error)
{
	if (is_shut(link, error))
		return -1;
	const uint8_t setup[8] = {request_type,    request,
				  (uint8_t)value,  (uint8_t)(value >> 8),
				  (uint8_t)index,  (uint8_t)(index >> 8),
				  (uint8_t)length, (uint8_t)(length >> 8)};
	return link->ops->control(link->self, setup, data, timeout_ms, error);
}

gboolean usb_link_bulk_out(UsbLink *link, const void *data, size_t size, unsigned timeout_ms,
			   GError **error)
{
	if (is_shut(link, error))
		return FALSE;
	/* One ops function for both directions; OUT does not write to its buffer. */
	gssize n = link->ops->bulk(link->self, link->endpoints.bulk_out, (void *)(uintptr_t)data,
				   size, timeout_ms, error);
	if (n < 0)
		return FALSE;
	if ((size_t)n == size)
		return TRUE;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT, "%s: took %zd of %zu bytes",
		    link->name, n, size);
	return FALSE;
}

gssize usb_link_bulk_in(UsbLink *link, void *data, size_t size, unsigned timeout_ms, GError **error)
{
	return is_shut(link, error) ? -1
				    : link->ops->bulk(link->self, link->endpoints.bulk_in, data,
						      size, timeout_ms, error);
}

gboolean usb_link_clear_halt(UsbLink *link, uint8_t endpoint, GError **error)
{
	return is_shut(link, error) ? FALSE : link->ops->clear_halt(link->self, endpoint, error);
}

gboolean usb_link_reset(UsbLink *link, GError **error)
{
	return is_shut(link, error) ? FALSE : link->ops->reset(link->self, error);
}

/* String descriptors are UTF-16LE behind a two-byte header (USB 2.0, 9.6.7). */
char *usb_link_string(UsbLink *link, uint8_t index)
{
	uint8_t raw[255];
	if (index == 0)
		return NULL;
	gssize n = usb_link_control(link, 0x80, REQUEST_GET_DESCRIPTOR,
				    (uint16_t)(DESCRIPTOR_STRING << 8 | index), LANG_EN_US, raw,
				    sizeof raw, 1000, NULL);
	if (n < 2 || raw[1] != DESCRIPTOR_STRING || raw[0] > n || raw[0] % 2)
		return NULL;
	gunichar2 wide[127];
	size_t count = (size_t)(raw[0] - 2) / 2;
	for (size_t i = 0; i < count; i++)
		wide[i] = (gunichar2)(raw[2 + 2 * i] | raw[3 + 2 * i] << 8);
	return g_utf16_to_utf8(wide, (glong)count, NULL, NULL, NULL);
}

static void note_endpoint(const uint8_t *d, UsbEndpoints *found)
{
	uint8_t address = d[2], type = d[3] & 3;
	if (type == 2 && (address & 0x80) && !found->bulk_in)
		found->bulk_in = address;
	if (type == 2 && !(address & 0x80) && !found->bulk_out) {
		found->bulk_out = address;
		found->max_packet = (uint16_t)(d[4] | d[5] << 8);
	}
	if (type == 3 && (address & 0x80))
		found->interrupt_in = address;
}

gboolean usb_find_endpoints(const uint8_t *config, size_t size, UsbEndpoints *ret, GError **error)
{
	UsbEndpoints found = {.interface = -1};
	bool inside = false;
	for (size_t at = 0; at + 2 <= size && config[at] >= 2 && at + config[at] <= size;
	     at += config[at]) {
		const uint8_t *d = config + at;
		if (d[1] == DESCRIPTOR_INTERFACE && d[0] >= 9) {
			inside = found.interface < 0 && d[5] == 0xFE && d[6] == 3;
			if (inside)
				found.interface = d[2];
		} else if (d[1] == DESCRIPTOR_ENDPOINT && d[0] >= 7 && inside) {
			note_endpoint(d, &found);
		}
	}
	if (found.interface >= 0 && found.bulk_in && found.bulk_out) {
		*ret = found;
		return TRUE;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
		    "no USBTMC interface with two bulk endpoints in its descriptors");
	return FALSE;
}
