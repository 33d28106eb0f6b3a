#include "far_end.h"

static bool needs_proxy(LinkFaultKind kind)
{
	return kind == LINK_FAULT_NOISE || kind == LINK_FAULT_LOSS || kind == LINK_FAULT_DELAY ||
	       kind == LINK_FAULT_STALL || kind == LINK_FAULT_CUT;
}

bool far_end_can_fault(const FarEnd *end, LinkFaultKind kind)
{
	if (kind == LINK_FAULT_NONE || needs_proxy(kind))
		return kind == LINK_FAULT_NONE || end->proxy;
	for (size_t i = 0; i < G_N_ELEMENTS(end->ops->faults); i++)
		if (end->ops->faults[i] == kind)
			return true;
	return false;
}

static void set_proxy(FarEnd *end, LinkFaultKind kind, bool on)
{
	double part = end->fault.argument * 1e-6;
	const ProxyFaults faults = {
		.seed = end->shared->file->plant.seed,
		.drop = kind == LINK_FAULT_LOSS ? part : 0,
		.flip = kind == LINK_FAULT_NOISE ? part : 0,
		.delay_ns = kind == LINK_FAULT_DELAY ? end->fault.argument * CLOCK_MS : 0,
		.stall = kind == LINK_FAULT_STALL,
		.cut = kind == LINK_FAULT_CUT,
	};
	fault_proxy_set(end->proxy, on ? &faults : NULL);
}

void far_end_set_fault(FarEnd *end, LinkFaultKind kind, bool on)
{
	if (needs_proxy(kind))
		set_proxy(end, kind, on);
	else if (end->ops->set_fault)
		end->ops->set_fault(end, kind, on);
}
