#include "fault.h"

#include <anzen/model.h>

static void event_free(gpointer data)
{
	Event *event = data;
	g_free(event->name);
	g_free(event->json);
	g_free(event);
}

void fault_free(gpointer data)
{
	Fault *fault = data;
	g_free(fault->source);
	g_free(fault->cause);
	g_free(fault->signal);
	g_free(fault);
}

static void signal_destroy(gpointer data)
{
	signal_free(data);
}

Recording *recording_new(void)
{
	Recording *recording = g_new0(Recording, 1);
	/* The key is the signal's own name. */
	recording->signals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, signal_destroy);
	recording->events = g_ptr_array_new_with_free_func(event_free);
	recording->faults = g_ptr_array_new_with_free_func(fault_free);
	recording->meta = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return recording;
}

void recording_free(Recording *recording)
{
	if (!recording)
		return;
	g_hash_table_unref(recording->signals);
	g_ptr_array_unref(recording->events);
	g_ptr_array_unref(recording->faults);
	g_hash_table_unref(recording->meta);
	g_free(recording->incomplete_why);
	g_free(recording);
}

Signal *recording_signal(const Recording *recording, const char *name)
{
	return g_hash_table_lookup(recording->signals, name);
}

void recording_add_signal(Recording *recording, Signal *signal)
{
	g_hash_table_replace(recording->signals, signal->info.name, signal);
}

void recording_add_event(Recording *recording, int64_t t_ns, const char *name, const char *json)
{
	Event *event = g_new0(Event, 1);
	event->t_ns = t_ns;
	event->name = g_strdup(name);
	event->json = g_strdup(json);
	guint at = recording->events->len;
	while (at > 0 && ((Event *)recording->events->pdata[at - 1])->t_ns > t_ns)
		at--;
	g_ptr_array_insert(recording->events, (int)at, event);
}

static Fault *fault_copy(const Fault *fault)
{
	Fault *copy = g_new0(Fault, 1);
	*copy = *fault;
	copy->source = g_strdup(fault->source);
	copy->cause = g_strdup(fault->cause);
	copy->signal = g_strdup(fault->signal);
	return copy;
}

void recording_add_fault(Recording *recording, const Fault *fault)
{
	guint at = recording->faults->len;
	while (at > 0 && ((Fault *)recording->faults->pdata[at - 1])->t_ns > fault->t_ns)
		at--;
	g_ptr_array_insert(recording->faults, (int)at, fault_copy(fault));
}

static void truth_spec_free(gpointer data)
{
	TruthSpec *truth = data;
	g_free(truth->name);
	g_free(truth->onset);
	g_free(truth->end);
	g_free(truth);
}

JudgeSpec *judge_spec_new(void)
{
	JudgeSpec *spec = g_new0(JudgeSpec, 1);
	spec->truths = g_ptr_array_new_with_free_func(truth_spec_free);
	spec->stimulus = g_ptr_array_new_with_free_func(g_free);
	spec->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return spec;
}

void judge_spec_free(JudgeSpec *spec)
{
	if (!spec)
		return;
	g_ptr_array_unref(spec->truths);
	g_ptr_array_unref(spec->stimulus);
	g_hash_table_unref(spec->parameters);
	g_free(spec->heartbeat);
	g_free(spec->positive_control);
	g_free(spec->consumed);
	g_free(spec->age);
	g_free(spec->cpu_wait);
	g_free(spec);
}
