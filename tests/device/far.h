/* Far ends of the tests' own: a device that is well, and can be made to misbehave in each way of the contract. */
#ifndef ANZEN_TESTS_DEVICE_FAR_H
#define ANZEN_TESTS_DEVICE_FAR_H

#include <anzen/device.h>

typedef enum {
	FAR_WELL,
	FAR_MUTE,
	FAR_SHORT,
	FAR_GARBAGE,
	FAR_WRONG,
	FAR_LATE,
	FAR_UNPLUGGED
} FarMode;

typedef struct Far Far;

/* A driver's far end: what to open, and what it shows when well. */
typedef struct FarKind {
	const char *driver;
	const char *good_channel;  /* sampled */
	double good_value;         /* NaN: pictures */
	const char *write_channel; /* NULL: none */
	double write_value;
	Far *(*start)(void);
	const char *(*link)(Far *far);
	const char *(*map)(Far *far);
	void (*mode)(Far *far, FarMode mode);
	void (*stop)(Far *far);
} FarKind;

extern const FarKind far_modbus_rtu, far_modbus_tcp, far_scpi, far_camera;

/* Modbus only: what its registers hold, how long LATE is, and how many writes it has seen. */
void far_modbus_late_ms(Far *far, int ms);
void far_modbus_every(Far *far, int n); /* misbehave on each n-th request only */
int far_modbus_writes(Far *far);
int far_modbus_register(Far *far, int address);
void far_modbus_lose_write_replies(Far *far, bool lose);
void far_modbus_ignore_writes(Far *far, bool ignore);

/* SCPI only. */
void far_scpi_reply(Far *far, const char *text); /* to MEAS:VOLT?; NULL: the usual 12.5 */
int far_scpi_clears(Far *far);

#endif
