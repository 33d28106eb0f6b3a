/* A thin man in the middle for links whose libraries cannot be told to misbehave: bytes of a pseudo-terminal or of TCP
 * connections pass through and are lost, changed or late, the same way for the same seed and bytes.
 *
 * Upstream is a URI of a far end ("pty:…", "rtu:…", "tcp:HOST:PORT", "rtsp://HOST:PORT/PATH"); the proxy's own URI has the
 * same form. One thread; every function may be called from any other.
 */
#ifndef ANZEN_WORLD_FAULT_PROXY_H
#define ANZEN_WORLD_FAULT_PROXY_H

#include <anzen/base.h>

G_BEGIN_DECLS

typedef struct ProxyFaults {
	uint64_t seed;
	double drop,
		flip;     /* chance of each byte, both ways, to be lost or to have one bit turned */
	int64_t delay_ns; /* each way */
	bool stall;       /* nothing passes; bytes wait */
	bool cut; /* TCP: connections are closed and none is accepted; pty: nothing passes, bytes are lost */
} ProxyFaults;

typedef struct FaultProxy FaultProxy;

FaultProxy *fault_proxy_new(const char *upstream, GError **error);
void fault_proxy_free(FaultProxy *proxy); /* takes NULL */
const char *fault_proxy_uri(const FaultProxy *proxy);
/* NULL: an honest wire again. */
void fault_proxy_set(FaultProxy *proxy, const ProxyFaults *faults);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FaultProxy, fault_proxy_free)

G_END_DECLS

#endif
