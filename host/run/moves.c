#include "moves.h"

#include <math.h>

/* An axis between two moves. */
typedef struct Track {
	double from, to; /* it stands somewhere here: a move on a condition may not have come */
	int64_t free_ns; /* not before the end of the move before, at the latest; -1: none yet */
	unsigned line;   /* of that move */
} Track;

struct Moves {
	const RigSpec *spec;
	GHashTable *tracks; /* role → Track* */
};

Moves *moves_new(const RigSpec *spec)
{
	Moves *moves = g_new0(Moves, 1);
	moves->spec = spec;
	moves->tracks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	return moves;
}

void moves_free(Moves *moves)
{
	if (moves)
		g_hash_table_unref(moves->tracks);
	g_free(moves);
}

static Track *track_of(Moves *moves, const RigRole *role)
{
	Track *track = g_hash_table_lookup(moves->tracks, role->name);
	if (track)
		return track;
	track = g_new0(Track, 1);
	*track = (Track){role->axis->park, role->axis->park, -1, 0};
	g_hash_table_insert(moves->tracks, role->name, track);
	return track;
}

/* ---- one move --------------------------------------------------------------------------------------------- */

static bool convert(const RigRole *role, const char *what, const Quantity *q, const Unit *want,
		    double *ret, GError **error)
{
	if (unit_compatible(&q->unit, want)) {
		*ret = unit_convert(q->value, &q->unit, want);
		return true;
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s takes a %s in %s, not in %s",
		    role->name, what, want->symbol, q->unit.symbol);
	return false;
}

static bool fits_limit(const RigRole *role, const char *what, double value, double most,
		       const Unit *unit, GError **error)
{
	if (value * fabs(role->axis->steps) >= 1 && value <= most * (1 + 1e-9))
		return true;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s is moved with a%s of %g to %g %s",
		    role->name, what, 1 / fabs(role->axis->steps), most, unit->symbol);
	return false;
}

static bool read_speeds(const RigRole *role, const Move *m, PlanAction *ret, Place *ret_place,
			GError **error)
{
	const RigAxis *a = role->axis;
	*ret_place = m->velocity_place;
	if (!convert(role, "velocity", &m->velocity, &a->per_second, &ret->velocity, error) ||
	    !fits_limit(role, " velocity", ret->velocity, a->max_velocity, &a->per_second, error))
		return false;
	*ret_place = m->acceleration_place;
	return convert(role, "acceleration", &m->acceleration, &a->per_second2, &ret->acceleration,
		       error) &&
	       fits_limit(role, "n acceleration", ret->acceleration, a->max_acceleration,
			  &a->per_second2, error);
}

static bool read_target(const RigRole *role, const Move *m, PlanAction *ret, Place *ret_place,
			GError **error)
{
	const RigAxis *a = role->axis;
	*ret_place = m->to_place;
	if (!convert(role, "position", &m->to, &a->unit, &ret->value, error))
		return false;
	double slack = (a->hi - a->lo) * 1e-9;
	if (ret->value >= a->lo - slack && ret->value <= a->hi + slack)
		return true;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s reaches from %g to %g %s",
		    role->name, a->lo, a->hi, a->unit.symbol);
	return false;
}

/* ---- one after the other ---------------------------------------------------------------------------------- */

static double seconds(int64_t ns)
{
	return (double)ns * 1e-9;
}

static bool follows(const Track *track, const RigRole *role, const Entry *entry, GError **error)
{
	if (track->free_ns < 0 || entry->earliest_ns >= track->free_ns + MOVE_GAP_NS)
		return true;
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		    "%s may still be moving: the move in line %u can last until %.3f s, and the "
		    "node takes the next one %.3f s later at the earliest (here: %.3f s)",
		    role->name, track->line, seconds(track->free_ns), seconds(MOVE_GAP_NS),
		    seconds(entry->earliest_ns));
	return false;
}

static bool comes_to_rest(const RigRole *role, int64_t free_ns, int64_t end_ns, GError **error)
{
	if (free_ns <= end_ns)
		return true;
	g_set_error(
		error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
		"%s would still be moving at the timeline's end: this move can last until %.3f s",
		role->name, seconds(free_ns));
	return false;
}

static int64_t longest_ns(const RigAxis *axis, const Track *track, const PlanAction *move)
{
	int64_t a = rig_axis_move_ns(axis, track->from, move->value, move->velocity,
				     move->acceleration);
	int64_t b =
		rig_axis_move_ns(axis, track->to, move->value, move->velocity, move->acceleration);
	return MAX(a, b);
}

bool moves_add(Moves *moves, const Entry *entry, const Action *action, int64_t end_ns,
	       PlanAction *ret, Place *ret_place, GError **error)
{
	const RigRole *role = rig_spec_role(moves->spec, action->name);
	*ret_place = action->place;
	if (!role || !role->axis) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "role '%s' of rig %s is no axis that could be moved", action->name,
			    rig_spec_id(moves->spec));
		return false;
	}
	if (!read_target(role, &action->move, ret, ret_place, error) ||
	    !read_speeds(role, &action->move, ret, ret_place, error))
		return false;
	Track *track = track_of(moves, role);
	ret->move_ns = longest_ns(role->axis, track, ret);
	ret->from_known = track->from == track->to;
	int64_t free_ns = entry->latest_ns + ret->move_ns + (entry->when ? MOVE_REACTION_NS : 0);
	*ret_place = action->place;
	if (!follows(track, role, entry, error) || !comes_to_rest(role, free_ns, end_ns, error))
		return false;
	bool may_stay = entry->on_product; /* the condition may not come */
	track->from = may_stay ? MIN(track->from, ret->value) : ret->value;
	track->to = may_stay ? MAX(track->to, ret->value) : ret->value;
	track->free_ns = free_ns;
	track->line = action->place.line;
	return true;
}
