/* Inside device only: the core's object, and the drivers' ops tables. */
#ifndef ANZEN_DEVICE_INTERNAL_H
#define ANZEN_DEVICE_INTERNAL_H

#include <anzen/device.h>

#include <pthread.h>
#include <stdatomic.h>

/* A command for a channel that does not time itself is refused as LATE when the link thread comes to it later than this
 * after its time: a person watching would call it "at once", and the reply carries the true time. */
#define DEVICE_LATE_NS (100 * CLOCK_MS)
#define DEVICE_WAITING 64
#define DEVICE_RING 256

typedef enum { CALL_ARM, CALL_SAFE, CALL_PREFLIGHT } CallKind;

/* A question to the link thread; freed by whoever is last to let go of it. */
typedef struct Call {
	CallKind kind;
	int64_t deadline_ns;
	bool done, abandoned;
	gboolean result;
	GError *error;
	GPtrArray *items;
} Call;

struct DeviceHost {
	char *name, *link, *identity;
	Clock *clock;
	GPtrArray *channels;         /* DeviceChannel* */
	GArray *setups;              /* DeviceSetup, same index */
	pthread_mutex_t stream_lock; /* frames and faults may come from a driver's own thread */
	Stream *stream;
	DeviceStats stats;
	Ring *replies;
	atomic_bool lost;
	char *lost_why; /* under stream_lock */
};

struct Device {
	DeviceHost host;
	const DeviceOps *ops;
	void *self;
	bool threadless, started, touched;
	bool safe; /* made safe: commands are refused until armed */
	Ring *commands;
	DeviceCommand waiting[DEVICE_WAITING];
	size_t n_waiting;
	int64_t next_poll_ns, next_keep_alive_ns, last_keep_alive_ns;
	atomic_bool quit, want_safe;
	int wake_fd;
	pthread_t thread;
	bool running;
	pthread_mutex_t call_lock;
	pthread_cond_t call_changed;
	Call *call;
};

/* loop.c: one turn of the link thread, also for lock-step. Returns when the next one is due. */
int64_t device_turn(Device *device, int64_t now_ns, bool readable);
void *device_thread(void *device);
gboolean device_do_safe(Device *device, int64_t deadline_ns, GError **error);
gboolean device_do_arm(Device *device, int64_t deadline_ns, GError **error);
void device_do_preflight(Device *device, GPtrArray *items, int64_t deadline_ns);
void device_call_free(Call *call);
void device_wake(Device *device);
void device_answer(Device *device, const DeviceCommand *command, DeviceStatus status,
		   const char *message);

extern const DeviceOps modbus_device_ops;
extern const DeviceOps scpi_device_ops;
extern const DeviceOps plant_device_ops;
extern const DeviceOps device_node_ops;
extern const DeviceOps camera_device_ops;

#endif
