/* A bench supply's command language: SCPI 1999 with the mandatory IEEE 488.2 commands, one channel.
 *
 *	*IDN? *RST *CLS *OPC? *ESR? *STB? *TST?
 *	[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude] <V> and ?	[SOURce:]CURRent… <A> and ?
 *	OUTPut[:STATe] ON|OFF|1|0 and ?		INSTrument:NSELect 1 and ?
 *	MEASure[:SCALar]:VOLTage[:DC]?  :CURRent[:DC]?  :POWer[:DC]?	SYSTem:ERRor[:NEXT]?  SYSTem:VERSion?
 *
 * Several commands may stand in one message, separated by ';' (each with its whole header). Errors queue up, at most
 * SCPI_ERRORS, then -350. Values go to and come from the supply through ScpiIo.
 */
#ifndef ANZEN_WORLD_SCPI_H
#define ANZEN_WORLD_SCPI_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

G_BEGIN_DECLS

#define SCPI_ERRORS 16

typedef struct ScpiIo {
	void *user;
	void (*set_voltage)(void *user, double volts);
	void (*set_output)(void *user, bool on);
	double (*measure_voltage)(void *user);
	double (*measure_current)(void *user);
} ScpiIo;

typedef struct Scpi {
	ScpiIo io;
	const char *identity[4]; /* maker, model, serial, version; borrowed */
	double volts_max, amperes_max;
	double volts, amperes; /* set values */
	bool output;
	int errors[SCPI_ERRORS];
	int error_count;
	uint8_t event_status; /* IEEE 488.2 standard event status register */
} Scpi;

void scpi_init(Scpi *scpi, const ScpiIo *io, const char *const identity[4], double volts_max,
	       double amperes_max);
/* As after switching on: 0 V, output off, no errors. Does not touch the io. */
void scpi_power_on(Scpi *scpi);
/* One message; answers are appended to reply, joined by ';', with a newline at the end. */
void scpi_execute(Scpi *scpi, const char *message, GString *reply);
void scpi_error(Scpi *scpi, int code);
uint8_t scpi_status_byte(const Scpi *scpi);

/* "VOLT:LEV" against "[SOURce:]VOLTage[:LEVel]": long or short form of every node, optional nodes left out. */
bool scpi_header_matches(const char *pattern, const char *header);

G_END_DECLS

#endif
