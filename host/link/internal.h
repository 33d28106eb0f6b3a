/* Inside link only. */
#ifndef ANZEN_LINK_INTERNAL_H
#define ANZEN_LINK_INTERNAL_H

#include <anzen/link.h>

/* A non-blocking file descriptor as a ByteLink; `release` (may be NULL) runs instead of close(fd).
 * Takes fd. */
ByteLink *fd_link_new(int fd, bool terminal, const char *name, void (*release)(void *),
		      void *owner);

ByteLink *serial_open(const LinkUri *uri, const char *name, GError **error);
ByteLink *pty_open(const LinkUri *uri, const char *name, GError **error);
ByteLink *tcp_open(const LinkUri *uri, const char *name, GError **error);

/* 1: ready (or hung up: the following read tells), 0: the deadline, -1: error set. */
int fd_wait(int fd, short events, int64_t deadline_ns, const char *name, GError **error);
gboolean fd_closed_error(const char *name, int code, GError **error); /* FALSE, always */

UsbLink *usb_libusb_open(const LinkUri *uri, GError **error);
UsbLink *usb_socket_open(const LinkUri *uri, GError **error);

/* Find the USBTMC interface (class 0xFE, subclass 3; USB Test and Measurement Class 1.0, table 43)
 * in a configuration descriptor. */
gboolean usb_find_endpoints(const uint8_t *config, size_t size, UsbEndpoints *ret, GError **error);

/* The socket's message header. */
enum { USB_MSG_CONTROL = 1, USB_MSG_BULK_OUT, USB_MSG_BULK_IN, USB_MSG_RESET, USB_MSG_CLEAR_HALT };
#define USB_MSG_REPLY 0x80
#define USB_MSG_HEADER 16
typedef struct UsbMessage {
	uint8_t kind, endpoint;
	uint16_t status;
	uint32_t length, timeout_ms, tag;
} UsbMessage;
void usb_message_put(uint8_t header[USB_MSG_HEADER], const UsbMessage *message);
void usb_message_get(const uint8_t header[USB_MSG_HEADER], UsbMessage *ret);

#endif
