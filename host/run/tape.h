/* The recorded devices of a replay: everything of one session that a new product may meet again, in the order of time.
 * Private to run.
 *
 * What the old product said or did is not on it (responses, claims), nor what the bench saw of itself (health). What a
 * product's action can change stays, marked as such: the judge refuses to decide from it ("needs a closed loop"). */
#ifndef ANZEN_RUN_TAPE_H
#define ANZEN_RUN_TAPE_H

#include <anzen/scenario.h>
#include <anzen/session.h>

typedef enum { TAPE_FRAME, TAPE_SAMPLE, TAPE_EVENT, TAPE_FAULT } TapeKind;

typedef struct TapeItem {
	TapeKind kind;
	int64_t t_ns;       /* in the recording's time */
	const char *source; /* role, signal or event name; borrowed from the tape */
	Frame frame;        /* TAPE_FRAME: owns a reference to its bytes */
	double v;           /* TAPE_SAMPLE */
	SampleStatus status;
	const Fault *fault; /* TAPE_FAULT */
} TapeItem;

typedef struct Tape {
	SessionReader *reader;
	const Recording *recording;
	GArray *items;      /* TapeItem, by time */
	GPtrArray *signals; /* const SignalInfo*, borrowed: what is to be declared */
	GPtrArray *cameras; /* char*: roles with pictures */
	int64_t first_ns; /* playing begins: the key frame from which the picture at from_ns can be decoded */
	int64_t from_ns, to_ns; /* what is judged; in the recording's time */
	uint64_t frames;
} Tape;

/* Load what `product` needs, from `from` to `to` (after the recording's t = 0; to CLOCK_NEVER: all). ANZEN_ERROR_INPUT for
 * a recording that lacks it. */
Tape *tape_load(const char *session, const Product *product, int64_t from_ns, int64_t to_ns,
		GError **error);
void tape_free(Tape *tape);
/* The first picture of each camera on the tape, a key frame; NULL when it has none. */
const TapeItem *tape_first_picture(const Tape *tape, const char *camera);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tape, tape_free)

#endif
