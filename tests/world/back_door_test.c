#include "unit.h"

#include "back_door.h"

/* A far end that only notes what is done to it, on a clock moved by hand. */
static GString *notes;

static void note_fault(FarEnd *end, LinkFaultKind kind, bool on)
{
	(void)end;
	g_string_append_printf(notes, "%s%s ", on ? "+" : "-", link_fault_name(kind));
}

static bool note_input(FarEnd *end, const char *name, bool level)
{
	(void)end;
	if (strcmp(name, "estop"))
		return false;
	g_string_append_printf(notes, "%s=%d ", name, level);
	return true;
}

static const FarEndOps fake = {
	.kind = WORLD_NODE,
	.set_fault = note_fault,
	.input = note_input,
	.faults = {LINK_FAULT_HANG, LINK_FAULT_RESET},
};

typedef struct Desk {
	Clock *clock;
	WorldFile *file;
	WorldShared shared;
	FarEnd end;
	GPtrArray *ends;
	BackDoor *door;
} Desk;

static void desk_open(Desk *d)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	memset(d, 0, sizeof *d);
	notes = g_string_new(NULL);
	d->clock = clock_manual_new(CLOCK_S);
	d->file = world_file_load(ANZEN_SOURCE_DIR "/rigs/worlds/living-room.yaml", 0, diag);
	world_shared_init(&d->shared, d->file, d->clock);
	d->end.ops = &fake;
	d->end.shared = &d->shared;
	d->end.device = world_file_device(d->file, "node-a");
	link_fault_init(&d->end.fault);
	d->ends = g_ptr_array_new();
	g_ptr_array_add(d->ends, &d->end);
	d->door = back_door_new(&d->shared, d->ends);
}

static void desk_close(Desk *d)
{
	back_door_free(d->door);
	g_ptr_array_unref(d->ends);
	link_fault_clear(&d->end.fault);
	world_shared_clear(&d->shared);
	world_file_free(d->file);
	clock_free(d->clock);
	g_string_free(notes, TRUE);
}

static void says(Desk *d, const char *line, const char *expected)
{
	g_autofree char *reply = back_door_line(d->door, line);
	CU_ASSERT_STRING_EQUAL(reply, expected);
	if (strcmp(reply, expected))
		fprintf(stderr, "%s → %s\n", line, reply);
}

#define OK "{\"ok\":true}"

static void fault_begins_and_ends_at_its_times(void)
{
	Desk d;
	desk_open(&d);
	says(&d,
	     "{\"fault\":\"node-a\",\"kind\":\"hang\",\"at_ns\":3000000000,\"until_ns\":"
	     "4000000000}",
	     OK);
	CU_ASSERT_EQUAL(back_door_due(d.door, 2999999999), 3000000000);
	CU_ASSERT_STRING_EQUAL(notes->str, "");
	CU_ASSERT_EQUAL(back_door_due(d.door, 3000000000), 4000000000);
	CU_ASSERT_STRING_EQUAL(notes->str, "+hang ");
	CU_ASSERT_EQUAL(back_door_due(d.door, 4000000000), CLOCK_NEVER);
	CU_ASSERT_STRING_EQUAL(notes->str, "+hang -hang ");
	desk_close(&d);
}

static void fault_without_a_time_is_now_and_for_good(void)
{
	Desk d;
	desk_open(&d);
	says(&d, "{\"fault\":\"node-a\",\"kind\":\"hang\"}", OK);
	CU_ASSERT_STRING_EQUAL(notes->str, "+hang ");
	CU_ASSERT_EQUAL(back_door_due(d.door, CLOCK_NEVER - 1), CLOCK_NEVER);
	says(&d, "{\"fault\":\"node-a\",\"kind\":\"none\"}", OK);
	CU_ASSERT_STRING_EQUAL(notes->str, "+hang -hang ");
	desk_close(&d);
}

static void new_fault_replaces_the_planned_one(void)
{
	Desk d;
	desk_open(&d);
	says(&d, "{\"fault\":\"node-a\",\"kind\":\"hang\",\"at_ns\":5000000000}", OK);
	says(&d, "{\"fault\":\"node-a\",\"kind\":\"reset\",\"at_ns\":6000000000}", OK);
	back_door_due(d.door, 7000000000);
	CU_ASSERT_STRING_EQUAL(notes->str, "-hang +reset ");
	desk_close(&d);
}

static void loops_are_opened_and_closed(void)
{
	Desk d;
	desk_open(&d);
	says(&d, "{\"press\":\"node-a.estop\"}", OK);
	says(&d, "{\"release\":\"node-a.estop\"}", OK);
	CU_ASSERT_STRING_EQUAL(notes->str, "estop=1 estop=0 ");
	says(&d, "{\"press\":\"node-a\"}", "{\"error\":\"no switch 'node-a'\"}");
	says(&d, "{\"press\":\"node-b.estop\"}", "{\"error\":\"no switch 'node-b.estop'\"}");
	desk_close(&d);
}

static void truth_is_set_and_read(void)
{
	Desk d;
	desk_open(&d);
	says(&d, "{\"set\":\"room.temperature\",\"value\":31}", OK);
	says(&d, "{\"read\":\"room.temperature\"}",
	     "{\"read\":\"room.temperature\",\"value\":31.0,\"t_ns\":1000000000}");
	says(&d, "{\"set\":\"room.temperature\",\"value\":\"31\"}",
	     "{\"error\":\"expected a number as value\"}");
	says(&d, "{\"set\":\"mannequin.held\",\"value\":0}", OK);
	says(&d, "{\"read\":\"mannequin.held\"}",
	     "{\"read\":\"mannequin.held\",\"value\":0.0,\"t_ns\":1000000000}");
	desk_close(&d);
}

static void what_makes_no_sense_is_refused(void)
{
	Desk d;
	desk_open(&d);
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"null",
		"3",
		"{}",
		"{\"read\":3}",
		"{\"fault\":\"node-a\"}",
		"{\"fault\":\"node-a\",\"kind\":\"freeze\"}",
		"{\"fault\":\"node-a\",\"kind\":\"noise\"}",
		"{\"fault\":\"io.ain.0\",\"kind\":\"swapped\",\"with\":\"nowhere\"}",
		"{\"write\":\"node-a.out.3\",\"value\":1e999}",
		"{\"write\":\"floor.force\",\"value\":1}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *reply = back_door_line(d.door, wrong[i]);
		CU_ASSERT_TRUE(g_str_has_prefix(reply, "{\"error\":"));
	}
	CU_ASSERT_STRING_EQUAL(notes->str, "");
	desk_close(&d);
}

UNIT_MAIN("world.back_door", UNIT(fault_begins_and_ends_at_its_times),
	  UNIT(fault_without_a_time_is_now_and_for_good), UNIT(new_fault_replaces_the_planned_one),
	  UNIT(loops_are_opened_and_closed), UNIT(truth_is_set_and_read),
	  UNIT(what_makes_no_sense_is_refused))
