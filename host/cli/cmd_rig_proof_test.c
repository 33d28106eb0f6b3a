/* anzen rig proof-test: a person opens each loop of the interlock, the node says what it did and when, the record stands beside
 * the rig file until it expires. On a virtual rig the world presses the button. */
#include "cli.h"

#include <anzen/rig.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int cmd_rig_proof_test(int argc, char **argv, CliContext *cli);

#define PERSON_NS (60 * CLOCK_S)
#define WORLD_NS (5 * CLOCK_S)
#define BOUNCE_NS (200 * CLOCK_MS)
#define LATCH_LIMIT_MS 1.0   /* the input is sampled every tick; the latch needs microseconds */
#define LEASE_LIMIT_MS 100.0 /* from the host's last word */
#define LEASE_LEAST_MS 70.0  /* 95 ms less the 20 ms between two words, and a margin */

typedef struct {
	char *name, *json;
	int64_t t_ns;
} Happened;

typedef struct {
	Stream stream; /* first */
	GMutex lock;
	GPtrArray *events; /* Happened*, in the order of their arrival */
	Rig *rig;
	const RigSpec *spec;
	bool virtual;
	GPtrArray *items; /* DeviceItem* */
	GString *record;
} Proof;

/* ---- what the node tells ---- */

static void happened_free(Happened *h)
{
	g_free(h->name);
	g_free(h->json);
	g_free(h);
}

static void on_event(Stream *stream, const char *name, int64_t t_ns, const char *json)
{
	Proof *p = (Proof *)stream;
	Happened *h = g_new0(Happened, 1);
	h->name = g_strdup(name);
	h->json = g_strdup(json ? json : "");
	h->t_ns = t_ns;
	g_mutex_lock(&p->lock);
	g_ptr_array_add(p->events, h);
	g_mutex_unlock(&p->lock);
}

static void forget(Proof *p)
{
	g_mutex_lock(&p->lock);
	g_ptr_array_set_size(p->events, 0);
	g_mutex_unlock(&p->lock);
}

/* Event DEVICE.`what` with `word` in its details; the last one or the first. CLOCK_NEVER: has not come. */
static int64_t when(Proof *p, const char *device, const char *what, const char *word, bool last,
		    unsigned *ret_count)
{
	g_autofree char *name = g_strdup_printf("%s.%s", device, what);
	int64_t t = CLOCK_NEVER;
	unsigned n = 0;
	g_mutex_lock(&p->lock);
	for (guint i = 0; i < p->events->len; i++) {
		const Happened *h = g_ptr_array_index(p->events, i);
		if (strcmp(h->name, name) != 0 || !strstr(h->json, word))
			continue;
		if (!n++ || last)
			t = h->t_ns;
	}
	g_mutex_unlock(&p->lock);
	if (ret_count)
		*ret_count = n;
	return t;
}

static void pass_time(int64_t ns)
{
	clock_wait_until(clock_monotonic(), clock_now(clock_monotonic()) + ns);
}

static bool wait_for(Proof *p, const char *device, const char *what, const char *word, int64_t ns)
{
	int64_t until = clock_now(clock_monotonic()) + ns;
	while (when(p, device, what, word, false, NULL) == CLOCK_NEVER) {
		if (clock_now(clock_monotonic()) >= until)
			return false;
		pass_time(5 * CLOCK_MS);
	}
	return true;
}

/* ---- items ---- */

static bool note(Proof *p, bool ok, const char *name, double ms, const char *cure)
{
	g_autofree char *value = isnan(ms) ? g_strdup("") : g_strdup_printf(" (%.3f ms)", ms);
	g_autofree char *line = g_strdup_printf("%s%s", name, value);
	g_ptr_array_add(p->items, device_item_new(ok, line, "%s", cure));
	g_string_append_printf(p->record, "%s: %s\n", ok ? "ok" : "FAIL", line);
	return ok;
}

static void ask(const Proof *p, const CliContext *cli, const char *text, const char *terminal,
		bool press)
{
	if (!p->virtual) {
		fprintf(stderr, "%s (%s)\n", text, terminal);
		return;
	}
	(void)cli;
	g_autofree char *json =
		g_strdup_printf("{\"%s\": \"%s\"}", press ? "press" : "release", terminal);
	rig_world_command(p->rig, json, NULL, NULL);
}

/* ---- one loop ---- */

static bool opens(Proof *p, const CliContext *cli, const char *device, const char *terminal,
		  bool trip)
{
	const char *input =
		trip ? "\"source\":\"trip\",\"detail\":1" : "\"source\":\"estop\",\"detail\":1";
	const char *any = trip ? "\"source\":\"trip\"" : "\"source\":\"estop\"";
	const char *reason = trip ? "\"TRIP\"" : "\"ESTOP\"";
	ask(p, cli,
	    trip ? _("Open a door or guard of the trip line now")
		 : _("Press the e-stop button now"),
	    terminal, true);
	if (!note(p, wait_for(p, device, "input", input, p->virtual ? WORLD_NS : PERSON_NS),
		  trip ? "trip line: its contact opened" : "e-stop: its contact opened",
		  (double)NAN,
		  _("nothing opened: is this the right button, and is it wired to the node?")))
		return false;
	pass_time(BOUNCE_NS);
	unsigned edges = 0;
	int64_t first = when(p, device, "input", any, false, NULL),
		last = when(p, device, "input", any, true, &edges),
		latched = when(p, device, "tripped", reason, false, NULL);
	bool ok =
		note(p, edges == 1 || last - first < 50 * CLOCK_MS,
		     trip ? "trip line: bounce of its contact" : "e-stop: bounce of its contact",
		     (double)(last - first) * 1e-6, _("the contact chatters: replace the switch"));
	double late = latched == CLOCK_NEVER ? (double)NAN : (double)(latched - first) * 1e-6;
	return note(p, latched != CLOCK_NEVER && late <= LATCH_LIMIT_MS,
		    trip ? "trip line: the node latched, outputs and enable line off"
			 : "e-stop: the node latched, outputs and enable line off",
		    late, _("the node did not trip at once: do not use this bench, report it")) &&
	       ok;
}

static bool holds(Proof *p, bool trip)
{
	g_autoptr(GError) error = NULL;
	bool refused = !rig_arm(p->rig, &error);
	return note(p, refused,
		    trip ? "trip line: cannot be armed while it is open"
			 : "e-stop: cannot be armed while it is open",
		    (double)NAN, _("it armed with an open loop: do not use this bench, report it"));
}

static bool closes(Proof *p, const CliContext *cli, const char *device, const char *terminal,
		   bool trip)
{
	const char *input =
		trip ? "\"source\":\"trip\",\"detail\":0" : "\"source\":\"estop\",\"detail\":0";
	forget(p);
	ask(p, cli, trip ? _("Close it again") : _("Release the button"), terminal, false);
	bool closed = wait_for(p, device, "input", input, p->virtual ? WORLD_NS : PERSON_NS);
	note(p, closed, trip ? "trip line: closes again" : "e-stop: closes again", (double)NAN,
	     _("the loop stayed open: look at the wiring"));
	pass_time(BOUNCE_NS);
	return note(p, when(p, device, "cleared", "", false, NULL) == CLOCK_NEVER,
		    trip ? "trip line: closing it does not re-arm"
			 : "e-stop: releasing it does not re-arm",
		    (double)NAN, _("it re-armed by itself: do not use this bench, report it")) &&
	       closed;
}

static bool arm(Proof *p, const char *what)
{
	g_autoptr(GError) error = NULL;
	forget(p);
	bool ok = rig_arm(p->rig, &error);
	return note(p, ok, what, (double)NAN, ok ? "" : error->message);
}

static bool prove_loop(Proof *p, const CliContext *cli, bool trip)
{
	const char *terminal = rig_interlock_terminal(p->spec, trip);
	if (!terminal)
		return true;
	g_autofree char *device = g_strndup(terminal, (gsize)(strchr(terminal, '.') - terminal));
	return arm(p, trip ? "trip line: armed before" : "e-stop: armed before") &&
	       opens(p, cli, device, terminal, trip) && holds(p, trip) &&
	       closes(p, cli, device, terminal, trip);
}

/* The host falls silent; the node tells afterwards when it made itself safe. */
static bool prove_lease(Proof *p, GError **error)
{
	const char *terminal = rig_interlock_terminal(p->spec, false);
	g_autofree char *device = g_strndup(terminal, (gsize)(strchr(terminal, '.') - terminal));
	if (!arm(p, "lease: armed before"))
		return true;
	pass_time(50 * CLOCK_MS);
	int64_t silent = clock_now(clock_monotonic());
	rig_stop(p->rig);
	pass_time(300 * CLOCK_MS);
	if (!rig_start(p->rig, &p->stream, error))
		return false;
	wait_for(p, device, "tripped", "\"LEASE\"", WORLD_NS);
	int64_t t = when(p, device, "tripped", "\"LEASE\"", false, NULL);
	double ms = t == CLOCK_NEVER ? (double)NAN : (double)(t - silent) * 1e-6;
	note(p, t != CLOCK_NEVER && ms <= LEASE_LIMIT_MS && ms >= LEASE_LEAST_MS,
	     "lease: safe by itself after the host fell silent", ms,
	     _("the node did not make itself safe in 100 ms: do not use this bench, report it"));
	return true;
}

/* What no input of the node shows: the hard-wired chain. */
static void ask_about_supply(Proof *p)
{
	char answer[16] = "";
	if (p->virtual)
		return;
	fprintf(stderr, "%s\n",
		_("While the button was pressed, was the actuators' supply off? [y/N]"));
	if (!fgets(answer, sizeof answer, stdin))
		answer[0] = '\0';
	note(p, answer[0] == 'y' || answer[0] == 'Y',
	     "hard-wired chain: it cut the actuators' supply", (double)NAN,
	     _("the chain must cut the supply by itself: look at contactor and wiring"));
}

static bool prove(Proof *p, const CliContext *cli, GError **error)
{
	if (!rig_start(p->rig, &p->stream, error))
		return false;
	bool ok = true;
	if (prove_loop(p, cli, false)) {
		ask_about_supply(p);
		prove_loop(p, cli, true);
		ok = prove_lease(p, error);
	}
	rig_make_safe(p->rig, CLOCK_S, NULL);
	rig_stop(p->rig);
	return ok;
}

/* ---- the record ---- */

static gboolean write_record(Proof *p, const char *path, bool passed, GError **error)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autoptr(GDateTime) until = g_date_time_add_days(
		now, (gint)(rig_proof_interval_ns(p->spec) / (86400 * CLOCK_S)));
	g_autofree char *day = g_date_time_format(now, "%Y-%m-%d");
	g_autofree char *end = g_date_time_format(until, "%Y-%m-%d");
	g_autoptr(GString) text = g_string_new("proof-test/1\n");
	g_string_append_printf(text, "rig: %s\nevidence: %s\ndate: %s\nexpires: %s\nresult: %s\n",
			       rig_spec_id(p->spec), p->virtual ? "virtual" : "physical", day, end,
			       passed ? "passed" : "failed");
	const GPtrArray *devices = rig_spec_devices(p->spec);
	for (guint i = 0; i < devices->len; i++) {
		const RigDeviceSpec *d = g_ptr_array_index(devices, i);
		const char *identity = rig_identity(p->rig, d->name);
		if (identity)
			g_string_append_printf(text, "device: %s: %s\n", d->name, identity);
	}
	g_string_append(text, p->record->str);
	return g_file_set_contents(path, text->str, -1, error);
}

static void show(const Proof *p, const char *path, bool passed)
{
	for (guint i = 0; i < p->items->len; i++) {
		const DeviceItem *item = g_ptr_array_index(p->items, i);
		printf("%s  %s\n", item->ok ? " ok " : "FAIL", item->name);
		if (!item->ok)
			printf("      → %s\n", item->cure);
	}
	if (!path)
		path = "-";
	printf(passed ? _("the interlock is proven; record: %s\n")
		      : _("the interlock is NOT proven; record: %s\n"),
	       path);
}

static void show_json(const Proof *p, const char *path, bool passed)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	json_builder_begin_object(b);
	json_builder_set_member_name(b, "passed");
	json_builder_add_boolean_value(b, passed);
	cli_json_text(b, "record", path);
	json_builder_set_member_name(b, "items");
	json_builder_begin_array(b);
	for (guint i = 0; i < p->items->len; i++) {
		const DeviceItem *item = g_ptr_array_index(p->items, i);
		json_builder_begin_object(b);
		cli_json_text(b, "name", item->name);
		json_builder_set_member_name(b, "ok");
		json_builder_add_boolean_value(b, item->ok);
		cli_json_text(b, "cure", item->ok ? NULL : item->cure);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
	json_builder_end_object(b);
	cli_print_json(b);
}

static void proof_clear(Proof *p)
{
	rig_close(p->rig); /* first: its threads call us */
	g_ptr_array_unref(p->items);
	g_ptr_array_unref(p->events);
	g_string_free(p->record, TRUE);
	g_mutex_clear(&p->lock);
}

static int prove_and_tell(Proof *p, CliContext *cli, const char *output)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *usual = rig_proof_path(p->spec);
	/* nobody asks a virtual rig for a record, and none of its may stand where a real one is looked for */
	const char *path = output ? output : p->virtual ? NULL : usual;
	bool done = prove(p, cli, &error), passed = done && rig_items_ok(p->items);
	if (!done || (path && !write_record(p, path, passed, &error)))
		return cli_fail(cli, error);
	if (cli->json)
		show_json(p, path, passed);
	else
		show(p, path, passed);
	return passed ? ANZEN_EXIT_PASS : ANZEN_EXIT_INVALID;
}

int cmd_rig_proof_test(int argc, char **argv, CliContext *cli)
{
	g_autofree char *output = NULL;
	const GOptionEntry options[] = {{"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
					 N_("write the record here instead of beside the rig file"),
					 "FILE"},
					{NULL}};
	if (!cli_parse(cli, &argc, &argv, options, 1, 1))
		return cli->exit;
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(RigSpec) spec = rig_spec_load(argv[1], diag);
	if (!spec)
		return cli_diagnostics(cli, diag);
	if (!rig_interlock_terminal(spec, false))
		return cli_fail_text(cli, ANZEN_EXIT_INPUT, _("%s has no interlock to prove"),
				     argv[1]);
	g_autofree char *world = g_build_filename(cli->bin_dir, "anzen-world", NULL);
	RigOptions rig_options = {.world_program = world, .seed = 1, .passive = true};
	Rig *rig = rig_open(spec, &rig_options, &error);
	if (!rig)
		return cli_fail(cli, error);
	Proof proof = {.stream = {.event = on_event},
		       .events = g_ptr_array_new_with_free_func((GDestroyNotify)happened_free),
		       .items = g_ptr_array_new_with_free_func((GDestroyNotify)device_item_free),
		       .record = g_string_new(NULL),
		       .rig = rig,
		       .spec = spec,
		       .virtual = rig_spec_world(spec) != NULL}; /* whose world can press */
	g_mutex_init(&proof.lock);
	int exit = prove_and_tell(&proof, cli, output);
	proof_clear(&proof);
	return exit;
}
