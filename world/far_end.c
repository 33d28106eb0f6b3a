#include "far_end.h"

const FarEndOps *const far_end_kinds[] = {
	&far_node, &far_modbus_rtu, &far_modbus_tcp, &far_supply, &far_camera, NULL,
};

const FarEndOps *far_end_ops(WorldKind kind)
{
	for (const FarEndOps *const *ops = far_end_kinds; *ops; ops++)
		if ((*ops)->kind == kind)
			return *ops;
	return NULL;
}

static gboolean put_proxy(FarEnd *end, const FarEndOptions *options, GError **error)
{
	if (!options->proxies || !g_strv_contains(options->proxies, end->device->name))
		return TRUE;
	end->proxy = fault_proxy_new(end->uri, error);
	if (!end->proxy)
		return FALSE;
	g_free(end->uri);
	end->uri = g_strdup(fault_proxy_uri(end->proxy));
	return TRUE;
}

FarEnd *far_end_new(WorldShared *shared, const WorldDevice *device, const FarEndOptions *options,
		    GError **error)
{
	FarEnd *end = g_new0(FarEnd, 1);
	end->ops = far_end_ops(device->kind);
	g_assert(end->ops);
	end->shared = shared;
	end->device = device;
	link_fault_init(&end->fault);
	if (!end->ops->open(end, options, error) || !put_proxy(end, options, error)) {
		g_prefix_error(error, "%s: ", device->name);
		far_end_free(end);
		return NULL;
	}
	return end;
}

void far_end_free(FarEnd *end)
{
	if (!end)
		return;
	fault_proxy_free(end->proxy);
	if (end->self)
		end->ops->close(end);
	link_fault_clear(&end->fault);
	g_free(end->uri);
	g_free(end);
}
