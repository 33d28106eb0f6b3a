/* What a far end does wrong, and from when to when: written by the back door, read by the far end's thread. */
#ifndef ANZEN_WORLD_LINK_FAULT_H
#define ANZEN_WORLD_LINK_FAULT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

G_BEGIN_DECLS

typedef enum {
	LINK_FAULT_NONE,
	LINK_FAULT_SILENT,      /* does not answer */
	LINK_FAULT_EXCEPTION,   /* answers with Modbus exception `argument` */
	LINK_FAULT_CRC,         /* one bit of the answer's end is wrong */
	LINK_FAULT_LATE,        /* answers `argument` milliseconds late */
	LINK_FAULT_SHORT,       /* the answer's second half is missing */
	LINK_FAULT_GARBAGE,     /* random-looking bytes before the answer */
	LINK_FAULT_TRANSACTION, /* Modbus TCP: another transaction's number */
	LINK_FAULT_UNIT,        /* answers as another unit */
	LINK_FAULT_HANG,        /* node: stands still */
	LINK_FAULT_RESET,       /* node: power fails for a moment, at from_ns */
	LINK_FAULT_ESTOP,       /* node: somebody holds its e-stop button pressed */
	LINK_FAULT_TRIP,        /* node: its trip line is open */
	LINK_FAULT_OFF,         /* unplugged, switched off */
	LINK_FAULT_FREEZE,      /* camera: repeats one picture */
	LINK_FAULT_BLACK,       /* camera: black pictures */
	LINK_FAULT_DROP,        /* camera: no pictures */
	LINK_FAULT_OLD, /* camera: pictures `argument` milliseconds late, with their true capture time */
	/* with a proxy in front (--proxy NAME): */
	LINK_FAULT_NOISE, /* of a million bytes `argument` have one bit turned, both ways */
	LINK_FAULT_LOSS,  /* of a million bytes `argument` are lost, both ways */
	LINK_FAULT_DELAY, /* `argument` milliseconds each way */
	LINK_FAULT_STALL, /* nothing passes, bytes wait */
	LINK_FAULT_CUT,   /* the wire is cut */
} LinkFaultKind;

const char *link_fault_name(LinkFaultKind kind);
gboolean link_fault_parse(const char *name, LinkFaultKind *ret);

typedef struct LinkFault {
	GMutex lock;
	LinkFaultKind kind;
	int64_t from_ns, until_ns;
	int argument;
} LinkFault;

void link_fault_init(LinkFault *fault);
void link_fault_clear(LinkFault *fault);
void link_fault_set(LinkFault *fault, LinkFaultKind kind, int64_t from_ns, int64_t until_ns,
		    int argument);
/* What is wrong at t_ns; LINK_FAULT_NONE mostly. ret_argument may be NULL. */
LinkFaultKind link_fault_at(LinkFault *fault, int64_t t_ns, int *ret_argument);

G_END_DECLS

#endif
