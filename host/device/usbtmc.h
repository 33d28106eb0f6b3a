/* USBTMC messages on a UsbLink (USB Test and Measurement Class Specification 1.0). One thread. */
#ifndef ANZEN_DEVICE_USBTMC_H
#define ANZEN_DEVICE_USBTMC_H

#include <anzen/link.h>

typedef struct Usbtmc Usbtmc;

/* Takes the link, also on failure. Clears the device, so that nothing old is left in it. */
Usbtmc *usbtmc_new(UsbLink *link, GError **error);
void usbtmc_free(Usbtmc *tmc); /* NULL allowed */

/* One message out. After a failure the transfer is aborted and the device cleared. */
gboolean usbtmc_write(Usbtmc *tmc, const char *message, unsigned timeout_ms, GError **error);
/* One whole message in, at most `max` bytes; NUL-terminated, a final newline removed. Caller frees. On a time-out, a
 * short or foreign header or a message too long: an error, and the device is in step again or the link is shut. */
char *usbtmc_read(Usbtmc *tmc, size_t max, unsigned timeout_ms, GError **error);
const char *usbtmc_name(const Usbtmc *tmc);
/* It failed and could not be cleared: shut for good. */
bool usbtmc_dead(const Usbtmc *tmc);

#endif
