/* UsbLink through unmodified libusb. */
#include "internal.h"

#include <libusb.h>
#include <string.h>

typedef struct {
	libusb_context *context;
	libusb_device_handle *handle;
	int interface;
	char *name;
} UsbReal;

static gboolean usb_failed(const char *name, const char *what, int code, GError **error)
{
	AnzenError kind = ANZEN_ERROR_IO;
	if (code == LIBUSB_ERROR_TIMEOUT)
		kind = ANZEN_ERROR_TIMEOUT;
	else if (code == LIBUSB_ERROR_PIPE || code == LIBUSB_ERROR_OVERFLOW)
		kind = ANZEN_ERROR_BENCH;
	else if (code == LIBUSB_ERROR_NO_DEVICE)
		kind = ANZEN_ERROR_CLOSED;
	g_set_error(error, ANZEN_ERROR, (int)kind, "%s: %s: %s", name, what,
		    code == LIBUSB_ERROR_PIPE        ? "the device refused (STALL)"
		    : code == LIBUSB_ERROR_NO_DEVICE ? "the device is unplugged"
						     : libusb_strerror(code));
	return FALSE;
}

static gssize real_control(void *self, const uint8_t setup[8], void *data, unsigned timeout_ms,
			   GError **error)
{
	UsbReal *usb = self;
	int n = libusb_control_transfer(usb->handle, setup[0], setup[1],
					(uint16_t)(setup[2] | setup[3] << 8),
					(uint16_t)(setup[4] | setup[5] << 8), data,
					(uint16_t)(setup[6] | setup[7] << 8), timeout_ms);
	if (n >= 0)
		return n;
	usb_failed(usb->name, "control transfer", n, error);
	return -1;
}

static gssize real_bulk(void *self, uint8_t endpoint, void *data, size_t size, unsigned timeout_ms,
			GError **error)
{
	UsbReal *usb = self;
	int moved = 0;
	/* libusb takes 0 for "for ever"; nothing here waits for ever. */
	int code = libusb_bulk_transfer(usb->handle, endpoint, data, (int)size, &moved,
					MAX(timeout_ms, 1));
	if (code == LIBUSB_SUCCESS || (code == LIBUSB_ERROR_TIMEOUT && moved > 0))
		return moved;
	usb_failed(usb->name, endpoint & 0x80 ? "no reply" : "cannot send", code, error);
	return -1;
}

static gboolean real_clear_halt(void *self, uint8_t endpoint, GError **error)
{
	UsbReal *usb = self;
	int code = libusb_clear_halt(usb->handle, endpoint);
	return code == LIBUSB_SUCCESS || usb_failed(usb->name, "clear halt", code, error);
}

static gboolean real_reset(void *self, GError **error)
{
	UsbReal *usb = self;
	int code = libusb_reset_device(usb->handle);
	return code == LIBUSB_SUCCESS || usb_failed(usb->name, "reset", code, error);
}

static void real_close(void *self)
{
	UsbReal *usb = self;
	if (usb->handle) {
		if (usb->interface >= 0)
			libusb_release_interface(usb->handle, usb->interface);
		libusb_close(usb->handle);
	}
	if (usb->context)
		libusb_exit(usb->context);
	g_free(usb->name);
	g_free(usb);
}

static const UsbLinkOps real_ops = {.kind = "libusb",
				    .close = real_close,
				    .control = real_control,
				    .bulk = real_bulk,
				    .clear_halt = real_clear_halt,
				    .reset = real_reset};

/* ---- finding ---- */

static bool serial_is(libusb_device_handle *handle, uint8_t index, const char *wanted)
{
	unsigned char text[128] = "";
	int n = index ? libusb_get_string_descriptor_ascii(handle, index, text, sizeof text - 1)
		      : 0;
	return n > 0 && !strcmp((const char *)text, wanted);
}

/* The handle when this device is the one; NULL otherwise, with *ret_code set when it could not be
 * opened. */
static libusb_device_handle *open_if_match(libusb_device *device, const LinkUri *uri, int *ret_code)
{
	struct libusb_device_descriptor d;
	libusb_device_handle *handle = NULL;
	if (libusb_get_device_descriptor(device, &d) < 0 || d.idVendor != uri->vid ||
	    d.idProduct != uri->pid)
		return NULL;
	int code = libusb_open(device, &handle);
	if (code < 0) {
		*ret_code = code;
		return NULL;
	}
	if (!uri->serial || serial_is(handle, d.iSerialNumber, uri->serial))
		return handle;
	libusb_close(handle);
	return NULL;
}

static gboolean find_device(UsbReal *usb, const LinkUri *uri, GError **error)
{
	libusb_device **list = NULL;
	ssize_t n = libusb_get_device_list(usb->context, &list);
	int code = 0, matches = 0;
	for (ssize_t i = 0; i < n; i++) {
		libusb_device_handle *handle = open_if_match(list[i], uri, &code);
		if (handle && matches++ == 0)
			usb->handle = handle;
		else if (handle)
			libusb_close(handle);
	}
	if (list)
		libusb_free_device_list(list, 1);
	if (matches == 1)
		return TRUE;
	if (matches > 1)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: %d devices match; add /SERIAL to the link", usb->name, matches);
	else if (code == LIBUSB_ERROR_ACCESS)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: found, but no permission; install the udev rule or join its group",
			    usb->name);
	else
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH,
			    "%s: no such USB device: is it plugged in and powered?", usb->name);
	return FALSE;
}

static void note_interface(const struct libusb_interface_descriptor *alt, UsbEndpoints *ret)
{
	ret->interface = alt->bInterfaceNumber;
	for (int i = 0; i < alt->bNumEndpoints; i++) {
		const struct libusb_endpoint_descriptor *e = &alt->endpoint[i];
		int type = e->bmAttributes & 3;
		bool in = e->bEndpointAddress & 0x80;
		if (type == LIBUSB_TRANSFER_TYPE_BULK && in)
			ret->bulk_in = e->bEndpointAddress;
		else if (type == LIBUSB_TRANSFER_TYPE_BULK) {
			ret->bulk_out = e->bEndpointAddress;
			ret->max_packet = e->wMaxPacketSize;
		} else if (type == LIBUSB_TRANSFER_TYPE_INTERRUPT && in)
			ret->interrupt_in = e->bEndpointAddress;
	}
}

static gboolean read_endpoints(UsbReal *usb, UsbEndpoints *ret, GError **error)
{
	struct libusb_config_descriptor *config = NULL;
	int code = libusb_get_active_config_descriptor(libusb_get_device(usb->handle), &config);
	if (code < 0)
		return usb_failed(usb->name, "read the configuration", code, error);
	UsbEndpoints found = {.interface = -1};
	for (int i = 0; i < config->bNumInterfaces && found.interface < 0; i++) {
		const struct libusb_interface *interface = &config->interface[i];
		if (interface->num_altsetting > 0 &&
		    interface->altsetting[0].bInterfaceClass == 0xFE &&
		    interface->altsetting[0].bInterfaceSubClass == 3)
			note_interface(&interface->altsetting[0], &found);
	}
	libusb_free_config_descriptor(config);
	if (found.interface < 0 || !found.bulk_in || !found.bulk_out) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: is no USBTMC instrument",
			    usb->name);
		return FALSE;
	}
	*ret = found;
	return TRUE;
}

static gboolean claim(UsbReal *usb, const UsbEndpoints *endpoints, GError **error)
{
	/* usbtmc.ko may hold it; not supported everywhere, and then the claim says so. */
	libusb_set_auto_detach_kernel_driver(usb->handle, 1);
	int code = libusb_claim_interface(usb->handle, endpoints->interface);
	if (code < 0)
		return usb_failed(usb->name, "claim (in use by another program?)", code, error);
	usb->interface = endpoints->interface;
	return TRUE;
}

UsbLink *usb_libusb_open(const LinkUri *uri, GError **error)
{
	UsbReal *usb = g_new0(UsbReal, 1);
	usb->interface = -1;
	usb->name = g_strdup_printf("usbtmc %04x:%04x%s%s", uri->vid, uri->pid,
				    uri->serial ? "/" : "", uri->serial ? uri->serial : "");
	UsbEndpoints endpoints = {0};
	int code = libusb_init(&usb->context);
	if (code < 0) {
		usb->context = NULL;
		usb_failed(usb->name, "start libusb", code, error);
	} else if (find_device(usb, uri, error) && read_endpoints(usb, &endpoints, error) &&
		   claim(usb, &endpoints, error)) {
		return usb_link_new(&real_ops, usb, &endpoints, usb->name);
	}
	real_close(usb);
	return NULL;
}

/* ---- listing ---- */

static bool is_instrument(libusb_device *device)
{
	struct libusb_config_descriptor *config = NULL;
	bool found = false;
	if (libusb_get_active_config_descriptor(device, &config) < 0)
		return false;
	for (int i = 0; i < config->bNumInterfaces && !found; i++) {
		const struct libusb_interface *interface = &config->interface[i];
		found = interface->num_altsetting > 0 &&
			interface->altsetting[0].bInterfaceClass == 0xFE &&
			interface->altsetting[0].bInterfaceSubClass == 3;
	}
	libusb_free_config_descriptor(config);
	return found;
}

static char *read_string(libusb_device_handle *handle, uint8_t index)
{
	unsigned char text[128] = "";
	int n = index ? libusb_get_string_descriptor_ascii(handle, index, text, sizeof text - 1)
		      : 0;
	return n > 0 ? g_strdup((const char *)text) : NULL;
}

static LinkPort *describe_instrument(libusb_device *device)
{
	struct libusb_device_descriptor d;
	libusb_device_handle *handle = NULL;
	LinkPort *port = g_new0(LinkPort, 1);
	libusb_get_device_descriptor(device, &d);
	port->usb = true;
	port->vid = d.idVendor;
	port->pid = d.idProduct;
	port->path = g_strdup_printf("bus %d device %d", libusb_get_bus_number(device),
				     libusb_get_device_address(device));
	if (libusb_open(device, &handle) == LIBUSB_SUCCESS) {
		port->serial = read_string(handle, d.iSerialNumber);
		port->product = read_string(handle, d.iProduct);
		libusb_close(handle);
	}
	port->link = g_strdup_printf("usbtmc:%04x:%04x%s%s", port->vid, port->pid,
				     port->serial ? "/" : "", port->serial ? port->serial : "");
	return port;
}

GPtrArray *link_usb_instruments(void)
{
	GPtrArray *ports = g_ptr_array_new_with_free_func((GDestroyNotify)link_port_free);
	libusb_context *context = NULL;
	libusb_device **list = NULL;
	if (libusb_init(&context) < 0)
		return ports;
	ssize_t n = libusb_get_device_list(context, &list);
	for (ssize_t i = 0; i < n; i++)
		if (is_instrument(list[i]))
			g_ptr_array_add(ports, describe_instrument(list[i]));
	if (list)
		libusb_free_device_list(list, 1);
	libusb_exit(context);
	return ports;
}
