/* The product's process: started through anzen-launch, watched, and ended with everything that it started.
 *
 * Main thread only (PDEATHSIG fires when the spawning *thread* ends). The caller makes itself child subreaper once, so
 * that orphans of the product come back to it. Private to adapter.
 */
#ifndef ANZEN_ADAPTER_PROCESS_H
#define ANZEN_ADAPTER_PROCESS_H

#include "relay.h"

#include <anzen/base.h>
#include <sys/types.h>

typedef struct ProductProcess ProductProcess;

#define PROCESS_FD 3

typedef struct ProcessLimits {
	int cpus;              /* processors it may use, 0: all */
	uint64_t memory_bytes; /* 0: none */
	uint64_t file_bytes;   /* of any one file it writes, 0: none */
	int inherit_fd;        /* given to the product as PROCESS_FD; 0: none */
	bool isolate;          /* a network of its own, which leads to these ports only */
	RelayPorts ports;
} ProcessLimits;

/* Start argv (NULL-terminated); output goes to log_path. program_dir is searched before PATH. ANZEN_ERROR_INPUT when
 * the program does not exist. Free with product_process_free(), which stops it. */
ProductProcess *product_process_new(const char *const *argv, const char *program_dir,
				    const char *log_path, const ProcessLimits *limits,
				    GError **error);

/* May a product be isolated here at all? ANZEN_ERROR_BENCH that says what to do when not. Blocks for some milliseconds. */
gboolean product_process_can_isolate(const char *program_dir, GError **error);

pid_t product_process_pid(const ProductProcess *process);

/* False once the process has ended; *ret_how then says how ("exited with 1", "killed by signal 11"), valid until free. */
gboolean product_process_alive(ProductProcess *process, const char **ret_how);

/* Share of the time since the last call that its threads waited for a processor (cpu_wait.h); NaN when unknown. */
double product_process_cpu_wait(ProductProcess *process, int64_t now_ns);

/* SIGTERM to its group, SIGKILL after 2 s, and SIGKILL to whatever it left behind. Idempotent; bounded in time. */
void product_process_stop(ProductProcess *process);
void product_process_free(ProductProcess *process);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProductProcess, product_process_free)

#endif
