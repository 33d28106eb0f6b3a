/* A product's own network, with nothing in it but the bench (anzen-launch --isolate). Plain C, for a process that has one thread.
 *
 * The product lives in a user and network namespace of its own, which needs no privilege (user_namespaces(7),
 * network_namespaces(7)). Its loopback is another one than the bench's, so a relay, which is neither the bench nor the product, carries
 * bytes between the endpoints of the same number on both loopbacks. The relay lives inside; what it has to open outside it
 * asks from a giver, which stayed there. Neither is in reach of the product: it has none of their descriptors, and their memory is
 * not dumpable. Private to adapter. */
#ifndef ANZEN_ADAPTER_RELAY_H
#define ANZEN_ADAPTER_RELAY_H

#include <stddef.h>
#include <stdint.h>

#define RELAY_PORTS 8

/* Exit code of the launcher when the kernel gives no such namespace. */
#define RELAY_REFUSED 125

typedef struct RelayPorts {
	uint16_t to_bench[RELAY_PORTS]; /* the bench listens there, the product connects */
	size_t n_to_bench;
	uint16_t to_product; /* the product will listen there, the bench connects; 0: nowhere */
} RelayPorts;

/* Move this process into such a network and start its relay. 0: done; else what to exit with, after a line on stderr. */
int relay_isolate(const RelayPorts *ports);

#endif
