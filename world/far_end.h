/* A far end: the other side of one of the bench's links, with a thread of its own. One shape for all kinds. */
#ifndef ANZEN_WORLD_FAR_END_H
#define ANZEN_WORLD_FAR_END_H

#include "fault_proxy.h"
#include "link_fault.h"
#include "shared.h"

G_BEGIN_DECLS

typedef struct FarEnd FarEnd;

typedef struct FarEndOptions {
	const char *folder;         /* for sockets; exists, removed by the program */
	const char *firmware;       /* folder of the release ELFs */
	const char *const *proxies; /* names of devices that get a proxy in front; NULL: none */
} FarEndOptions;

/* One kind. Called on the program's main thread. `open` makes everything ready (the bench may connect from then on) and
 * starts the thread; `set_fault` may be NULL when the thread itself looks at `fault`. `input` closes or opens a
 * switch (estop, trip, in.N) and returns false when there is none of that name. */
typedef struct FarEndOps {
	WorldKind kind;
	gboolean (*open)(FarEnd *end, const FarEndOptions *options, GError **error);
	void (*close)(FarEnd *end); /* stops the thread; NULL self allowed */
	void (*set_fault)(FarEnd *end, LinkFaultKind kind, bool on);
	/* A fault was planned (end->fault): for kinds that keep its times by themselves. May be NULL. */
	void (*plan_fault)(FarEnd *end);
	bool (*input)(FarEnd *end, const char *name, bool level);
	LinkFaultKind faults[12]; /* what it can do wrong; LINK_FAULT_NONE ends */
} FarEndOps;

struct FarEnd {
	const FarEndOps *ops;
	WorldShared *shared;
	const WorldDevice *device;
	LinkFault fault;
	char *uri;         /* set by open */
	void *self;        /* of the kind */
	FaultProxy *proxy; /* NULL: the bench meets the far end directly */
};

extern const FarEndOps far_modbus_rtu, far_modbus_tcp, far_supply, far_node, far_camera;
/* All kinds; NULL ends. */
extern const FarEndOps *const far_end_kinds[];

/* NULL when the kind is not built in. */
const FarEndOps *far_end_ops(WorldKind kind);

bool far_end_can_fault(const FarEnd *end, LinkFaultKind kind);
/* Begin or end a fault that needs a hand (end->fault says its argument). */
void far_end_set_fault(FarEnd *end, LinkFaultKind kind, bool on);

/* The kind must be built in. Opens; NULL with the device's name in the error. */
FarEnd *far_end_new(WorldShared *shared, const WorldDevice *device, const FarEndOptions *options,
		    GError **error);
void far_end_free(FarEnd *end);

G_END_DECLS

#endif
