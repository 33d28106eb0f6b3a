#include <anzen/model.h>

#include <math.h>
#include <string.h>

void signal_info_init(SignalInfo *info, const char *name)
{
	*info = (SignalInfo){
		.name = g_strdup(name),
		.unit = unit_one,
		.origin = ORIGIN_STIMULUS,
		.range_lo = NAN,
		.range_hi = NAN,
		.u_common = NAN,
		.dof_common = 0,
		.u_sample = NAN,
		.u_clock_s = NAN,
	};
}

void signal_info_clear(SignalInfo *info)
{
	g_clear_pointer(&info->name, g_free);
	g_clear_pointer(&info->serial, g_free);
	g_clear_pointer(&info->certificate, g_free);
	g_clear_pointer(&info->certificate_fault, g_free);
}

void signal_info_copy(SignalInfo *to, const SignalInfo *from)
{
	SignalInfo copy = *from;
	copy.name = g_strdup(from->name);
	copy.serial = g_strdup(from->serial);
	copy.certificate = g_strdup(from->certificate);
	copy.certificate_fault = g_strdup(from->certificate_fault);
	*to = copy;
}

Signal *signal_new(const char *name)
{
	Signal *signal = g_new0(Signal, 1);
	signal_info_init(&signal->info, name);
	return signal;
}

void signal_free(Signal *signal)
{
	if (!signal)
		return;
	signal_info_clear(&signal->info);
	g_free(signal->t_ns);
	g_free(signal->v);
	g_free(signal->status);
	g_free(signal);
}

static void signal_reserve(Signal *signal)
{
	if (signal->n < signal->capacity)
		return;
	signal->capacity = MAX(64, signal->capacity * 2);
	signal->t_ns = g_renew(int64_t, signal->t_ns, signal->capacity);
	signal->v = g_renew(double, signal->v, signal->capacity);
	signal->status = g_renew(uint8_t, signal->status, signal->capacity);
}

bool signal_append(Signal *signal, int64_t t_ns, double v, SampleStatus status)
{
	if (signal->n > 0 && t_ns <= signal->t_ns[signal->n - 1])
		return false;
	signal_reserve(signal);
	signal->t_ns[signal->n] = t_ns;
	signal->v[signal->n] = v;
	signal->status[signal->n] = (uint8_t)(isfinite(v) ? status : SAMPLE_MISSING);
	signal->n++;
	return true;
}

ptrdiff_t signal_index(const Signal *signal, int64_t t_ns)
{
	size_t lo = 0, hi = signal->n; /* the answer + 1 lies in [lo, hi] */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (signal->t_ns[mid] <= t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (ptrdiff_t)lo - 1;
}
