/* Emulated hardware for tests: umockdev shows /dev/ttyACM0 and a USB device, and hands their bytes and transfers to the
 * pty and the socket of an anzen-world. The client (whatever runs under the preload) ends before this does. */
#ifndef ANZEN_TESTS_UMOCK_H
#define ANZEN_TESTS_UMOCK_H

#include <anzen/link.h>
#include <gio/gio.h>

#ifdef __SANITIZE_ADDRESS__ /* its runtime must come first */
#define UMOCK_PRELOAD "libasan.so.8:libumockdev-preload.so.0"
#else
#define UMOCK_PRELOAD "libumockdev-preload.so.0"
#endif
/* What the emulated devices say of themselves. */
#define UMOCK_NODE "serial:usb:2341:0042/NODE42"
#define UMOCK_SUPPLY "usbtmc:1ab1:0e11/VPS0001"

typedef struct Umock Umock;

/* Starts the world of `file` and waits for its line of links; its stdin is the back door. NULL: error is set. */
GSubprocess *umock_world(const char *file, GDataInputStream **ret_out, char **ret_line,
			 GError **error);
/* The value of "key":"…" in that line, NULL: not there. Caller frees. */
char *umock_link_of(const char *line, const char *key);

/* Plugs in the node and the supply, before these far ends. NULL: error is set. */
Umock *umock_new(const char *node, const char *supply, GError **error);
void umock_free(Umock *umock); /* NULL allowed */
/* For UMOCKDEV_DIR. Borrowed. */
const char *umock_root(const Umock *umock);
/* Pulls the supply's USB cable: what is in flight fails, what comes later finds no device. Any thread. */
void umock_unplug_supply(Umock *umock);
/* Transfers that the supply carried. */
unsigned umock_supply_transfers(const Umock *umock);

#endif
