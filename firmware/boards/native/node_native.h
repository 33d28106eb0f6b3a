/* The node's core compiled for this machine, on a clock that moves only when told: for lock-step runs, sanitizers and
 * fuzzers. The same firmware/core as on the board; only the few functions of a board are replaced.
 *
 *	NodeNative *node = node_native_new(&(NodeNativeConfig){.name = "node-a", .start_ns = 0}, &plant);
 *	DeviceConfig device = {.driver = "node", .byte_link = node_native_link(node), .threadless = true, …};
 *	node_native_run_to(node, t_ns);
 *
 * Bytes cross without delay. Terminals and levels as in world/node_sim: estop and trip 0 = closed = healthy. Not
 * thread-safe; different nodes may live in different threads.
 */
#ifndef ANZEN_NODE_NATIVE_H
#define ANZEN_NODE_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ByteLink;

typedef struct NodeNative NodeNative;

/* As NodeSimPlant: edges as they happen (step.N and dir.N too), millivolts at the sample-and-hold instant, duties in per
 * mille. Members may be NULL. */
typedef struct NodeNativePlant {
	void *user;
	void (*pin_changed)(void *user, const char *name, bool level, int64_t t_ns);
	int (*adc_read)(void *user, const char *name, int64_t t_ns);
	void (*duty_changed)(void *user, const char *name, int permille, int64_t t_ns);
} NodeNativePlant;

typedef struct NodeNativeConfig {
	int64_t start_ns;    /* bench time of the node's tick 0 */
	uint32_t boot_count; /* of earlier boots */
} NodeNativeConfig;

NodeNative *node_native_new(const NodeNativeConfig *config, const NodeNativePlant *plant);
/* A copy that lives on by itself: for searches through the node's states. */
NodeNative *node_native_clone(const NodeNative *native);
void node_native_free(NodeNative *native); /* NULL allowed; free links to it first */

/* Let everything happen that is due up to t_ns; calls of the plant carry exact times. */
void node_native_run_to(NodeNative *native, int64_t t_ns);
int64_t node_native_now(const NodeNative *native);

bool node_native_set_input(NodeNative *native, const char *name, bool level);
/* Start again as after a reset with this cause (PROTO_CAUSE_…): outputs float, RAM is lost, the boot count stays. */
void node_native_reset(NodeNative *native, uint8_t cause);

bool node_native_feed(NodeNative *native, const uint8_t *data, size_t n);
size_t node_native_drain(NodeNative *native, uint8_t *ret_data, size_t size);

/* A ByteLink (link.h) to this node; reading and writing let the node's main loop run, at its present time. */
struct ByteLink *node_native_link(NodeNative *native);

#endif
