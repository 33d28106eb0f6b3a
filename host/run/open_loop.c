#include "open_loop.h"

#include "executor.h"

#include <anzen/stl.h>
#include <math.h>
#include <string.h>

#define SCENARIO "scenario.yaml"

/* An output of the product that the scenario waits for before the bench moves something. */
typedef struct OpenLoopOutput {
	char *signal;
	bool rises_only; /* it is asked for rises alone */
	double last;     /* of the new product; NaN: nothing yet */
} OpenLoopOutput;

static void output_free(void *pointer)
{
	OpenLoopOutput *o = pointer;
	g_free(o->signal);
	g_free(o);
}

/* ---- what the scenario carries out for a product ----------------------------------------------------------------- */

/* Of a move and of a probe the recording tells when they are over, and not when they began. */
static bool begins_unseen(ActionKind kind)
{
	return kind == ACTION_MOVE || kind == ACTION_PROBE;
}

static unsigned occurrences(const char *text, const char *what)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

static void add_outputs(OpenLoop *loop, const char *when)
{
	g_autoptr(StlFormula) f = stl_parse(when, NULL, NULL);
	g_autofree char *text = f ? stl_formula_print(f, false) : NULL;
	for (size_t i = 0; f && i < stl_formula_n_signals(f); i++) {
		const char *name = stl_formula_signal(f, i);
		if (!g_str_has_prefix(name, "product."))
			continue;
		g_autofree char *rise = g_strdup_printf("rise(%s)", name);
		OpenLoopOutput *o = g_new0(OpenLoopOutput, 1);
		o->signal = g_strdup(name);
		o->rises_only = occurrences(text, rise) == occurrences(text, name);
		o->last = (double)NAN;
		g_ptr_array_add(loop->outputs, o);
	}
}

static void add_role(GPtrArray *roles, const char *role)
{
	if (!g_ptr_array_find_with_equal_func(roles, role, g_str_equal, NULL))
		g_ptr_array_add(roles, g_strdup(role));
}

static void add_roles(OpenLoop *loop, GPtrArray *roles, const Entry *entry)
{
	for (size_t i = 0; i < entry->n_actions; i++) {
		const Action *a = &entry->actions[i];
		if (a->kind == ACTION_TRIGGER || begins_unseen(a->kind))
			add_role(roles, a->name);
		loop->at_once |= begins_unseen(a->kind);
		for (size_t k = 0; a->kind == ACTION_SET && k < a->n_sets; k++)
			add_role(roles, a->sets[k].role);
	}
}

/* A `when` holds back the ones behind it: those come when the product answered, too. */
static void read_timeline(OpenLoop *loop, const Scenario *scenario, GPtrArray *roles)
{
	bool behind = false;
	for (size_t i = 0; i < scenario->n_timeline; i++) {
		const Entry *e = &scenario->timeline[i];
		if (!e->when)
			continue;
		bool of_product = e->on_product || strstr(e->when, "product.");
		if (of_product)
			add_outputs(loop, e->when);
		behind = behind || of_product;
		if (behind)
			add_roles(loop, roles, e);
	}
	loop->wired = roles->len > 0;
}

/* ---- what happened in the recording ------------------------------------------------------------------------------- */

/* Does it come to another value that a condition can have waited for? */
static bool counts(const OpenLoopOutput *o, double last, double v)
{
	bool first = isnan(last);
	if (o->rises_only)
		return v != 0 && !first && !(last != 0);
	return first ? v != 0 : v < last || v > last;
}

static int64_t first_answer(const OpenLoop *loop, const OpenLoopOutput **ret)
{
	const Recording *rec = loop->tape->recording;
	int64_t first = CLOCK_NEVER;
	for (guint i = 0; i < loop->outputs->len; i++) {
		const OpenLoopOutput *o = g_ptr_array_index(loop->outputs, i);
		const Signal *s = recording_signal(rec, o->signal);
		double last = (double)NAN;
		for (size_t k = 0; s && k < s->n; k++) {
			if (s->status[k] != SAMPLE_OK)
				continue;
			if (counts(o, last, s->v[k]) && s->t_ns[k] >= rec->start_ns &&
			    s->t_ns[k] < first) {
				first = s->t_ns[k];
				*ret = o;
			}
			last = s->v[k];
		}
	}
	return first;
}

/* The first of these roles that the rig is recorded to have moved from then on; the answer itself when none is: what was not
 * recorded to happen late may have happened at once. */
static int64_t first_effect(const Recording *rec, const GPtrArray *roles, int64_t from_ns,
			    const char **ret_role)
{
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = g_ptr_array_index(rec->events, i);
		for (guint k = 0; e->t_ns >= from_ns && k < roles->len; k++) {
			const char *role = g_ptr_array_index(roles, k);
			const char *dot = strchr(e->name, '.');
			bool effect = g_str_has_prefix(e->name, "effect.") ||
				      g_str_has_prefix(e->name, "trigger.");
			if (!effect || strcmp(dot + 1, role) != 0)
				continue;
			*ret_role = role;
			return e->t_ns;
		}
	}
	return from_ns;
}

/* Without its scenario nobody can say what was carried out; but that the product had been waited for is marked. */
static int64_t first_mark_of_product(const Recording *rec)
{
	for (guint i = 0; i < rec->events->len; i++) {
		const Event *e = g_ptr_array_index(rec->events, i);
		if (e->json && strstr(e->json, EXECUTOR_OF_PRODUCT))
			return e->t_ns;
	}
	return CLOCK_NEVER;
}

/* ---- which signals follow the product -------------------------------------------------------------------------------- */

static const SignalInfo *info_on_tape(const Tape *tape, const char *name)
{
	for (guint i = 0; i < tape->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(tape->signals, i);
		if (!strcmp(info->name, name))
			return info;
	}
	return NULL;
}

/* What nobody declared to be independent of the product is not. Labels are about the world as it was; so they say of it after
 * the effect what they say of the recording, and the product's answers do not count there any more. */
static bool follows(const SignalInfo *info)
{
	return info && info->origin != ORIGIN_LABEL && info->origin != ORIGIN_COMMAND &&
	       (info->affected_by_product || !info->exogenous);
}

static void add_shaped(OpenLoop *loop, const char *name)
{
	if (follows(info_on_tape(loop->tape, name)) &&
	    !g_ptr_array_find_with_equal_func(loop->shaped, name, g_str_equal, NULL))
		g_ptr_array_add(loop->shaped, g_strdup(name));
}

static void add_named(OpenLoop *loop, const char *formula)
{
	g_autoptr(StlFormula) f = formula ? stl_parse(formula, NULL, NULL) : NULL;
	for (size_t i = 0; f && i < stl_formula_n_signals(f); i++)
		add_shaped(loop, stl_formula_signal(f, i));
}

static void find_shaped(OpenLoop *loop)
{
	g_autoptr(JudgeSpec) spec = session_reader_judge(loop->tape->reader, NULL);
	for (size_t i = 0; i < loop->product->n_inputs; i++)
		add_shaped(loop, loop->product->inputs[i].from);
	for (guint i = 0; i < loop->tape->signals->len; i++) {
		const SignalInfo *info = g_ptr_array_index(loop->tape->signals, i);
		if (info->affected_by_product)
			add_shaped(loop, info->name);
	}
	for (guint i = 0; spec && i < spec->truths->len; i++) {
		const TruthSpec *truth = g_ptr_array_index(spec->truths, i);
		add_named(loop, truth->onset);
		add_named(loop, truth->end);
	}
}

/* Until the effect nothing of the product is in them, and after it they are unknown. */
static void free_until_effect(Tape *tape)
{
	for (guint i = 0; i < tape->signals->len; i++) {
		const SignalInfo *old = g_ptr_array_index(tape->signals, i);
		if (!old->affected_by_product || old->origin != ORIGIN_STIMULUS)
			continue;
		SignalInfo *info = g_new0(SignalInfo, 1);
		signal_info_copy(info, old);
		info->affected_by_product = false;
		info->exogenous = true;
		g_ptr_array_add(tape->made, info);
		g_ptr_array_index(tape->signals, i) = info;
	}
}

/* ---- life -------------------------------------------------------------------------------------------------------------- */

/* *ret stays NULL where the recording has none. */
static gboolean scenario_of(const Tape *tape, Scenario **ret, GError **error)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(tape->reader);
	g_autoptr(Diagnostics) diag = diagnostics_new();
	if (!g_ptr_array_find_with_equal_func(names, SCENARIO, g_str_equal, NULL))
		return TRUE;
	g_autoptr(GBytes) bytes = session_reader_attachment(tape->reader, SCENARIO, error);
	gsize size = 0;
	const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
	*ret = text ? scenario_load_text(text, (gssize)size, SCENARIO, NULL, diag) : NULL;
	if (text && !*ret)
		diagnostics_to_error(diag, error);
	return *ret != NULL;
}

/* A replay holds the answers of a product that shaped nothing; what did is among its faults. */
static bool is_replay(const Tape *tape)
{
	return g_hash_table_contains(tape->recording->meta, "replay.source");
}

static void find_effect(OpenLoop *loop, const GPtrArray *roles, bool have_scenario)
{
	const Recording *rec = loop->tape->recording;
	const OpenLoopOutput *output = NULL;
	const char *role = roles->len ? g_ptr_array_index(roles, 0) : NULL;
	if (is_replay(loop->tape))
		return;
	if (!have_scenario) {
		loop->effect_ns = first_mark_of_product(rec);
		return;
	}
	int64_t answer = loop->wired ? first_answer(loop, &output) : CLOCK_NEVER;
	if (answer == CLOCK_NEVER)
		return;
	loop->effect_ns = loop->at_once ? answer : first_effect(rec, roles, answer, &role);
	loop->old_output = g_strdup(output->signal);
	g_free(loop->role);
	loop->role = g_strdup(role);
}

OpenLoop *open_loop_new(Tape *tape, const Product *product, GError **error)
{
	g_autoptr(Scenario) scenario = NULL;
	if (!scenario_of(tape, &scenario, error))
		return NULL;
	OpenLoop *loop = g_new0(OpenLoop, 1);
	g_autoptr(GPtrArray) roles = g_ptr_array_new_with_free_func(g_free);
	loop->tape = tape;
	loop->product = product;
	loop->outputs = g_ptr_array_new_with_free_func(output_free);
	loop->shaped = g_ptr_array_new_with_free_func(g_free);
	loop->effect_ns = CLOCK_NEVER;
	thread_lock_init(&loop->lock);
	if (scenario)
		read_timeline(loop, scenario, roles);
	if (roles->len)
		loop->role = g_strdup(g_ptr_array_index(roles, 0));
	find_effect(loop, roles, scenario != NULL);
	find_shaped(loop);
	if (loop->wired)
		free_until_effect(tape);
	return loop;
}

void open_loop_free(OpenLoop *loop)
{
	if (!loop)
		return;
	g_ptr_array_unref(loop->outputs);
	g_ptr_array_unref(loop->shaped);
	pthread_mutex_destroy(&loop->lock);
	g_free(loop->role);
	g_free(loop->old_output);
	g_free(loop->new_output);
	g_free(loop);
}

/* ---- while it plays ------------------------------------------------------------------------------------------------------ */

/* signal NULL: of everything. An answer of the new product proves no fault of the bench. */
static void tell(OpenLoop *loop, int64_t t_ns, const char *signal, const char *cause, bool proven)
{
	char source[] = FAULT_SOURCE_OPEN_LOOP;
	g_autofree char *why = g_strdup(cause), *of = g_strdup(signal);
	Fault fault = {.t_ns = t_ns,
		       .until_ns = CLOCK_NEVER,
		       .source = source,
		       .cause = why,
		       .signal = of,
		       .blame = proven ? BLAME_BENCH : BLAME_UNKNOWN,
		       .proven = proven};
	loop->bench->fault(loop->bench, &fault);
}

static const char *or_else(const char *text, const char *other)
{
	return text ? text : other;
}

static char *shaped_by_old(const OpenLoop *loop, const char *what)
{
	return g_strdup_printf("open loop: %s follows the recording's product, whose %s had moved "
			       "%s: that needs a "
			       "closed loop",
			       what, or_else(loop->old_output, "answer"),
			       or_else(loop->role, "the rig"));
}

static char *not_shaped_by_new(const OpenLoop *loop, const char *what)
{
	return g_strdup_printf("open loop: %s does not follow the product, whose %s would have "
			       "moved %s: that needs "
			       "a closed loop",
			       what, loop->new_output, or_else(loop->role, "the rig"));
}

static void tell_signals(OpenLoop *loop, int64_t t_ns, bool old)
{
	for (guint i = 0; i < loop->shaped->len; i++) {
		const char *name = g_ptr_array_index(loop->shaped, i);
		g_autofree char *why =
			old ? shaped_by_old(loop, name) : not_shaped_by_new(loop, name);
		tell(loop, t_ns, name, why, old);
	}
}

/* From now on the product answers to a world that is not its own. */
static void tell_all(OpenLoop *loop, int64_t t_ns, const char *given)
{
	bool old = loop->effect_told;
	g_autofree char *why = old ? shaped_by_old(loop, given) : not_shaped_by_new(loop, given);
	if (!loop->deaf)
		tell(loop, t_ns, NULL, why, old);
	loop->deaf = true;
}

/* Is the item something that the product is given, and that could follow a product? */
static bool reaches(const OpenLoop *loop, const TapeItem *item)
{
	if (item->kind == TAPE_FRAME)
		return true;
	const char *as = item->kind == TAPE_SAMPLE ? tape_given_as(loop->tape, item->source) : NULL;
	for (size_t i = 0; as && i < loop->product->n_inputs; i++)
		if (!strcmp(loop->product->inputs[i].from, as))
			return g_ptr_array_find_with_equal_func(loop->shaped, as, g_str_equal,
								NULL);
	return false;
}

/* A response that the bench of the recording would have carried out. */
static void answered(OpenLoop *loop, const OpenLoopOutput *o, int64_t t_ns)
{
	if (!loop->wired || loop->answered_ns || loop->effect_told)
		return;
	loop->answered_ns = t_ns;
	loop->new_output = g_strdup(o->signal);
	tell_signals(loop, t_ns + 1, false);
	if (loop->given_ns > t_ns)
		tell_all(loop, loop->given_ns, o->signal);
}

/* What is asked for its state, and not for a rise, may have been answered before anything is played. */
static void begin(OpenLoop *loop, int64_t now)
{
	for (guint i = 0; !loop->playing && i < loop->outputs->len; i++) {
		const OpenLoopOutput *o = g_ptr_array_index(loop->outputs, i);
		if (!o->rises_only && !isnan(o->last) && o->last != 0)
			answered(loop, o, now);
	}
	loop->playing = true;
}

void open_loop_gives(OpenLoop *loop, const TapeItem *item, int64_t due)
{
	pthread_mutex_lock(&loop->lock);
	begin(loop, due);
	if (loop->effect_ns != CLOCK_NEVER && !loop->effect_told &&
	    item->t_ns - item->shift_ns >= loop->effect_ns) {
		loop->effect_told = true;
		int64_t at = MAX(loop->effect_ns, loop->tape->first_ns) + item->shift_ns;
		tell_signals(loop, loop->bench_time(loop->user, at), true);
	}
	bool shaped = loop->effect_told && item->t_ns - item->shift_ns > loop->effect_ns;
	bool unheard = loop->answered_ns && due > loop->answered_ns;
	if (reaches(loop, item)) {
		if (shaped || unheard)
			tell_all(loop, due,
				 item->kind == TAPE_FRAME
					 ? item->source
					 : tape_given_as(loop->tape, item->source));
		loop->given_ns = due;
	}
	pthread_mutex_unlock(&loop->lock);
}

static void on_sample(Stream *stream, const char *source, int64_t t_ns, double value,
		      SampleStatus status)
{
	OpenLoop *loop = (OpenLoop *)stream;
	loop->next->sample(loop->next, source, t_ns, value, status);
	pthread_mutex_lock(&loop->lock);
	for (guint i = 0; status == SAMPLE_OK && i < loop->outputs->len; i++) {
		OpenLoopOutput *o = g_ptr_array_index(loop->outputs, i);
		if (strcmp(o->signal, source) != 0)
			continue;
		if (loop->playing && counts(o, o->last, value))
			answered(loop, o, t_ns);
		o->last = value;
	}
	pthread_mutex_unlock(&loop->lock);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Stream *next = ((OpenLoop *)stream)->next;
	next->event(next, name, t_ns, json);
}

static void on_frame(Stream *stream, const char *source, const Frame *frame)
{
	Stream *next = ((OpenLoop *)stream)->next;
	next->frame(next, source, frame);
}

static void on_fault(Stream *stream, const Fault *fault)
{
	Stream *next = ((OpenLoop *)stream)->next;
	next->fault(next, fault);
}

void open_loop_start(OpenLoop *loop, Stream *product, Stream *bench,
		     int64_t (*bench_time)(void *user, int64_t recorded_ns), void *user)
{
	loop->stream = (Stream){
		.sample = on_sample, .event = on_event, .frame = on_frame, .fault = on_fault};
	loop->next = product;
	loop->bench = bench;
	loop->bench_time = bench_time;
	loop->user = user;
}
