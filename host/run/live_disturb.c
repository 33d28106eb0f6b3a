/* A live run's perturbations: which of the product's inputs they touch, and what the session says of them. */
#include "live_parts.h"

#include <stdarg.h>
#include <string.h>

static void meta(Live *live, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void meta(Live *live, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	session_writer_meta(live->writer, key, text);
}

int64_t live_late_ns(const Live *live)
{
	if (!live->in->chain)
		return 0;
	return perturb_chain_delay_ns(live->in->chain) +
	       (live->config->lock_step ? 0 : live->in->deadline_ns);
}

static gboolean add_input(Live *live, const char *role, GError **error)
{
	const RigRole *place = rig_spec_role(live->in->rig, role);
	const SignalInfo *info = rig_signal(live->rig, role);
	if (disturb_takes(live->disturb, role) || !place)
		return TRUE;
	if (place->kind == RIG_CAMERA)
		return disturb_add_camera(live->disturb, role, error);
	if (!info || !disturb_add_signal(live->disturb, info, error))
		return !info;
	if (!disturb_takes(live->disturb, role))
		return TRUE;
	g_autofree char *key = g_strconcat("perturb.scale.", role, NULL);
	g_autofree char *scale = disturb_scale(live->disturb, role);
	meta(live, key, "%s", scale);
	return TRUE;
}

/* A step that touches nothing would make the run look perturbed that is not. */
static gboolean all_steps_touch(const Live *live, GError **error)
{
	const PerturbChain *chain = live->in->chain;
	const Product *product = live->in->product;
	for (size_t i = 0; i < perturb_chain_length(chain); i++) {
		const PerturbInfo *info = perturb_chain_info(chain, i);
		const char *target = perturb_chain_target(chain, i);
		bool touches = false;
		for (size_t k = 0; k < product->n_inputs; k++) {
			const char *from = product->inputs[k].from;
			const RigRole *role = rig_spec_role(live->in->rig, from);
			bool camera = role && role->kind == RIG_CAMERA;
			touches |= disturb_takes(live->disturb, from) &&
				   info->domain == (camera ? PERTURB_IMAGE : PERTURB_SIGNAL) &&
				   (!target || !strcmp(target, from));
		}
		if (!touches) {
			g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
				    "%s: the rig gives the product nothing that this could be done "
				    "to",
				    info->name);
			return FALSE;
		}
	}
	return TRUE;
}

gboolean live_open_disturb(Live *live, GError **error)
{
	const PerturbChain *chain = live->in->chain;
	const Product *product = live->in->product;
	if (!chain)
		return TRUE;
	live->disturb =
		disturb_new(chain, live->clock, live->config->lock_step, live->in->deadline_ns);
	for (size_t i = 0; i < product->n_inputs; i++)
		if (!add_input(live, product->inputs[i].from, error))
			return FALSE;
	if (!all_steps_touch(live, error))
		return FALSE;
	g_autofree char *text = perturb_chain_text(chain);
	meta(live, "perturb", "%s", text);
	meta(live, "perturb.seed", "%" G_GUINT64_FORMAT, perturb_chain_seed(chain));
	meta(live, "perturb.late", "%" G_GINT64_FORMAT " ns", live_late_ns(live));
	return TRUE;
}
