#include "link_fault.h"

#include <string.h>

static const char *const names[] = {
	[LINK_FAULT_NONE] = "none",
	[LINK_FAULT_SILENT] = "silent",
	[LINK_FAULT_EXCEPTION] = "exception",
	[LINK_FAULT_CRC] = "crc",
	[LINK_FAULT_LATE] = "late",
	[LINK_FAULT_SHORT] = "short",
	[LINK_FAULT_GARBAGE] = "garbage",
	[LINK_FAULT_TRANSACTION] = "transaction",
	[LINK_FAULT_UNIT] = "unit",
	[LINK_FAULT_HANG] = "hang",
	[LINK_FAULT_RESET] = "reset",
	[LINK_FAULT_ESTOP] = "estop",
	[LINK_FAULT_TRIP] = "trip",
	[LINK_FAULT_OFF] = "off",
	[LINK_FAULT_FREEZE] = "freeze",
	[LINK_FAULT_BLACK] = "black",
	[LINK_FAULT_DROP] = "drop",
	[LINK_FAULT_NOISE] = "noise",
	[LINK_FAULT_LOSS] = "loss",
	[LINK_FAULT_DELAY] = "delay",
	[LINK_FAULT_STALL] = "stall",
	[LINK_FAULT_CUT] = "cut",
	[LINK_FAULT_OLD] = "old",
};

const char *link_fault_name(LinkFaultKind kind)
{
	return names[kind];
}

gboolean link_fault_parse(const char *name, LinkFaultKind *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(names[i], name)) {
			*ret = (LinkFaultKind)i;
			return TRUE;
		}
	return FALSE;
}

void link_fault_init(LinkFault *fault)
{
	memset(fault, 0, sizeof *fault);
	g_mutex_init(&fault->lock);
}

void link_fault_clear(LinkFault *fault)
{
	g_mutex_clear(&fault->lock);
}

void link_fault_set(LinkFault *fault, LinkFaultKind kind, int64_t from_ns, int64_t until_ns,
		    int argument)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&fault->lock);
	fault->kind = kind;
	fault->from_ns = from_ns;
	fault->until_ns = until_ns;
	fault->argument = argument;
}

LinkFaultKind link_fault_at(LinkFault *fault, int64_t t_ns, int *ret_argument)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&fault->lock);
	if (t_ns < fault->from_ns || t_ns >= fault->until_ns)
		return LINK_FAULT_NONE;
	if (ret_argument)
		*ret_argument = fault->argument;
	return fault->kind;
}
