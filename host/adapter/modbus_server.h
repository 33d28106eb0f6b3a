/* The bench as the Modbus TCP unit that a product polls and commands (libmodbus server), on a thread of its own.
 *
 * The product reads its sensors from input registers and writes coils and holding registers. A coil is an output of the
 * product; a change of it is a response, stamped when the request was received. Each read of the input registers shows
 * that the stimulus was consumed and how old it was. Private to adapter. */
#ifndef ANZEN_ADAPTER_MODBUS_SERVER_H
#define ANZEN_ADAPTER_MODBUS_SERVER_H

#include <anzen/scenario.h>

typedef struct ModbusServer ModbusServer;

#define MODBUS_SERVER_REGISTERS 64

/* Listens on 127.0.0.1, an ephemeral port. `sink` is called on the server's thread. Free with modbus_server_free(). */
ModbusServer *modbus_server_new(Clock *clock, Stream *sink, unsigned max_rate, GError **error);
/* "127.0.0.1:PORT"; owned. */
const char *modbus_server_address(const ModbusServer *server);

/* Declare before start. Input register `reg` shows samples of `from`, in steps of `scale` (its unit is the signal's);
 * the register SEQUENCE counts updates of the first declared input. Strings are copied. */
void modbus_server_add_input(ModbusServer *server, int reg, const char *from, double scale);
void modbus_server_set_sequence(ModbusServer *server, int reg);
void modbus_server_add_coil(ModbusServer *server, int coil, const char *signal, bool pulse);
/* A holding register whose changes are a pulse of `signal` (a heartbeat). */
void modbus_server_add_heartbeat(ModbusServer *server, int reg, const char *signal);
/* A pair of holding registers (high word first) with the time that the product claims, in ms of its monotonic clock. */
void modbus_server_add_claim(ModbusServer *server, int reg, const char *signal);

gboolean modbus_server_start(ModbusServer *server, GError **error);

/* A sample of a role; any thread; ignored when no register shows it. */
void modbus_server_feed(ModbusServer *server, const char *role, int64_t t_ns, double value,
			SampleStatus status);

/* Reads of the input registers so far. Any thread. */
uint64_t modbus_server_reads(ModbusServer *server);

void modbus_server_free(ModbusServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModbusServer, modbus_server_free)

/* Coils and holding registers that were written although product.yaml declares no output there; *ret_first is the first one's
 * address. After the server was stopped, or approximately. */
uint64_t modbus_server_undeclared(ModbusServer *server, int *ret_first);

#endif
