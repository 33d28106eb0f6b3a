/* The device's side of USBTMC 1.0 with the USB488 subclass, over bare control and bulk transfers: descriptors, message
 * headers, aborts, clear, status byte. Says nothing about what the messages mean: a UsbtmcHandler does.
 *
 * Source: Universal Serial Bus Test and Measurement Class Specification (USBTMC) 1.0 and USB488 subclass 1.0, USB-IF, 2003.
 * One thread at a time. Results of the transfer functions are those of link.h's UsbDeviceOps.
 */
#ifndef ANZEN_WORLD_USBTMC_H
#define ANZEN_WORLD_USBTMC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

G_BEGIN_DECLS

#define USBTMC_BULK_OUT 0x01
#define USBTMC_BULK_IN 0x82
#define USBTMC_MESSAGE_MAX 4096 /* bytes of one message; longer ones stall */

typedef struct UsbtmcHandler {
	void *user;
	/* One whole message (without terminator), 0-terminated. Append the response, if any, to `reply`, with its newline. */
	void (*message)(void *user, const char *text, GString *reply);
	/* The host asked for an answer that no query had called for, or dropped one: SCPI errors -420 and -410. */
	void (*misuse)(void *user, int scpi_error);
	void (*clear)(void *user);
	uint8_t (*status_byte)(void *user);
} UsbtmcHandler;

typedef struct Usbtmc {
	UsbtmcHandler handler;
	int vendor, product;
	char *strings[3];  /* maker, product, serial */
	GString *in, *out; /* message that comes in; answer that waits */
	size_t sent;       /* of out */
	bool asked;        /* REQUEST_DEV_DEP_MSG_IN is open */
	uint8_t tag;
	uint32_t wanted;
	bool halted; /* bulk-out is stalled until CLEAR_FEATURE */
} Usbtmc;

void usbtmc_init(Usbtmc *tmc, const UsbtmcHandler *handler, int vendor, int product,
		 const char *maker, const char *model, const char *serial);
void usbtmc_clear(Usbtmc *tmc);

int usbtmc_control(Usbtmc *tmc, const uint8_t setup[8], uint8_t *data);
int usbtmc_bulk_out(Usbtmc *tmc, const uint8_t *data, size_t size);
int usbtmc_bulk_in(Usbtmc *tmc, uint8_t *data, size_t size);
/* Device reset, and CLEAR_FEATURE(ENDPOINT_HALT). */
void usbtmc_reset(Usbtmc *tmc);
void usbtmc_unhalt(Usbtmc *tmc);

G_END_DECLS

#endif
