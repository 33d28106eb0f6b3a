/* Moves of a timeline against rigs/kitchen-rail-virtual.yaml: 0 … 600 mm, at most 600 mm/s and 3 m/s^2, 20 step/mm. */
#include "moves.h"

#include "unit.h"

static const char head[] = "anzen: scenario/1\nid: moved\ntitle: {en: \"a\", ja: \"b\"}\nproduct: "
			   "stove-guard\nhazard: H-FIRE-01\n"
			   "class: normal\nneeds:\n  actuators: [hand.rail, room.lamp]\n  sensors: "
			   "[hand.position]\ntimeline:\n";
static const char tail[] = "    end: true\ncriteria: [living/stove-guard/shut-off-delay]\n";

/* What the first move that cannot be is told, "" when all can; its line and column are counted from `timeline:`. */
static char *problem(const char *timeline, Place *ret_place, int64_t *ret_move_ns)
{
	g_autoptr(Diagnostics) diag = diagnostics_new();
	g_autofree char *text = g_strconcat(head, timeline, tail, NULL);
	g_autoptr(Scenario) s = scenario_load_text(text, -1, "s.yaml", NULL, diag);
	g_autoptr(RigSpec) rig =
		rig_spec_load(ANZEN_SOURCE_DIR "/rigs/kitchen-rail-virtual.yaml", diag);
	diagnostics_print(diag, stderr);
	if (!s || !rig)
		return g_strdup("did not load");
	g_autoptr(Moves) moves = moves_new(rig);
	for (size_t i = 0; i < s->n_timeline; i++)
		for (size_t k = 0; k < s->timeline[i].n_actions; k++) {
			const Action *action = &s->timeline[i].actions[k];
			g_autoptr(GError) error = NULL;
			PlanAction move = {0};
			if (action->kind != ACTION_MOVE)
				continue;
			if (!moves_add(moves, &s->timeline[i], action, s->end_ns, &move, ret_place,
				       &error))
				return g_strdup(error->message);
			*ret_move_ns = move.move_ns;
		}
	return g_strdup("");
}

static void expect(const char *timeline, unsigned line, unsigned column, const char *words)
{
	Place place = {0, 0};
	int64_t ns;
	g_autofree char *said = problem(timeline, &place, &ns);
	bool right = strstr(said, words) && place.line == line + 10 && place.column == column;
	if (!right)
		fprintf(stderr, "wanted %u:%u '%s', got %u:%u '%s'\n", line + 10, column, words,
			place.line, place.column, said);
	CU_ASSERT_TRUE(right);
}

#define MOVE(to, v, a) \
	"    move: {axis: hand.rail, to: " to ", velocity: " v ", acceleration: " a "}\n"
#define WELL MOVE("590 mm", "500 mm/s", "2 m/s^2")

static void a_move_beyond_the_axis_is_told_where_it_stands(void)
{
	expect("  - at: 1 s\n" MOVE("601 mm", "500 mm/s", "2 m/s^2") "  - at: 9 s\n", 2, 33,
	       "reaches from 0 to 600 mm");
	expect("  - at: 1 s\n" MOVE("-1 mm", "500 mm/s", "2 m/s^2") "  - at: 9 s\n", 2, 33,
	       "reaches from 0 to 600 mm");
	expect("  - at: 1 s\n" MOVE("59 cm", "0.61 m/s", "2 m/s^2") "  - at: 9 s\n", 2, 50,
	       "a velocity of 0.05 to 600 mm/s");
	expect("  - at: 1 s\n" MOVE("59 cm", "0.04 mm/s", "2 m/s^2") "  - at: 9 s\n", 2, 50,
	       "a velocity of 0.05 to 600 mm/s");
	expect("  - at: 1 s\n" MOVE("59 cm", "0.5 m/s", "3.1 m/s^2") "  - at: 9 s\n", 2, 73,
	       "an acceleration of 0.05 to 3000 mm/s^2");
	expect("  - at: 1 s\n" MOVE("59 degC", "1 K/s", "1 K/s^2") "  - at: 9 s\n", 2, 33,
	       "a position in mm, not in degC");
	expect("  - at: 1 s\n    move: {axis: room.lamp, to: 3 mm, velocity: 1 mm/s, acceleration: "
	       "1 mm/s^2}\n"
	       "  - at: 9 s\n",
	       2, 5, "is no axis");
}

/* 11800 steps at 10000 step/s and 40000 step/s^2: K = 250, K + N = 1180, so 1430 ms; the last step comes when half a step is left:
 * 11800 / 1180 / 250 = 0.04 step/ms^2, sqrt(1 / 0.04) = 5 ms earlier. */
static void its_length_is_the_trapezoid_s(void)
{
	Place place;
	int64_t ns = 0;
	g_autofree char *said = problem("  - at: 1 s\n" WELL "  - at: 9 s\n", &place, &ns);
	CU_ASSERT_STRING_EQUAL(said, "");
	CU_ASSERT_EQUAL(ns, 1425 * CLOCK_MS);
}

static void a_node_takes_one_move_at_a_time(void)
{
	Place place;
	int64_t ns;
	/* 1 s + 1.425 s + 0.2 s */
	expect("  - at: 1 s\n" WELL
	       "  - at: 2.62 s\n" MOVE("0 mm", "500 mm/s", "2 m/s^2") "  - at: 9 s\n",
	       4, 5, "the move in line 12 can last until 2.425 s");
	g_autofree char *said =
		problem("  - at: 1 s\n" WELL
			"  - at: 2.63 s\n" MOVE("0 mm", "500 mm/s", "2 m/s^2") "  - at: 9 s\n",
			&place, &ns);
	CU_ASSERT_STRING_EQUAL(said, "");
	/* It does not stand when the timeline ends, and after a condition it may begin late. */
	expect("  - at: 1 s\n" WELL "  - at: 2.4 s\n", 2, 5,
	       "still be moving at the timeline's end");
	expect("  - when: hand.position > 1 mm\n    timeout: 5 s\n" WELL
	       "  - at: 6.5 s\n" MOVE("0 mm", "500 mm/s", "2 m/s^2") "  - at: 9 s\n",
	       5, 5, "the move in line 13 can last until 6.525 s");
	g_autofree char *same =
		problem("  - when: rise(product.shut)\n    timeout: 5 s\n" WELL
			"  - at: 7 s\n" MOVE("0 mm", "500 mm/s", "2 m/s^2") "  - at: 9 s\n",
			&place, &ns);
	CU_ASSERT_STRING_EQUAL(same, "");
	CU_ASSERT_EQUAL(ns, 1425 * CLOCK_MS); /* or none at all, if the product did not answer */
}

UNIT_MAIN("run.moves", UNIT(a_move_beyond_the_axis_is_told_where_it_stands),
	  UNIT(its_length_is_the_trapezoid_s), UNIT(a_node_takes_one_move_at_a_time))
