/* The recorded devices of a replay: everything of one session that a new product may meet again, in the order of time.
 * Private to run.
 *
 * What the old product said or did is not on it (responses, claims), nor what the bench saw of itself (health). What a
 * product's action can change stays, marked as such: the judge refuses to decide from it ("needs a closed loop"). */
#ifndef ANZEN_RUN_TAPE_H
#define ANZEN_RUN_TAPE_H

#include <anzen/perturb.h>
#include <anzen/scenario.h>
#include <anzen/session.h>

typedef enum { TAPE_FRAME, TAPE_SAMPLE, TAPE_EVENT, TAPE_FAULT } TapeKind;

typedef struct TapeItem {
	TapeKind kind;
	int64_t t_ns;     /* in the recording's time; of a later loop: after the ones before */
	int64_t shift_ns; /* how much of it is loops */
	uint64_t
		order; /* place in the file: of equal times the one that was written first comes first */
	const char *source; /* role, signal or event name; borrowed from the tape */
	Frame frame;        /* TAPE_FRAME: owns a reference to its bytes */
	double v;           /* TAPE_SAMPLE */
	SampleStatus status;
	const Fault *
		fault; /* TAPE_FAULT; borrowed from the recording, or from the tape: a join of loops */
	bool ours;     /* of a fault: not of the recording */
	const char *json; /* TAPE_EVENT: details, or NULL */
} TapeItem;

typedef struct Tape {
	SessionReader *reader;
	const Recording *recording;
	GArray *items;      /* TapeItem, by time */
	GPtrArray *signals; /* const SignalInfo*, borrowed: what is to be declared */
	GPtrArray *cameras; /* char*: roles with pictures */
	GPtrArray
		*made; /* SignalInfo*: owned declarations of perturbed signals, and widened ones */
	GHashTable *
		given; /* signal → role that it stands for at the product; "" : the product is not given it */
	GArray *firsts;   /* guint: items with the first sample of each signal */
	GPtrArray *notes; /* char* key, char* value: what a session has to say of it */
	GStringChunk *texts;
	Fault join; /* cause NULL: loops join without a jump, or there are none */
	int64_t first_ns; /* playing begins: the key frame from which the picture at from_ns can be decoded */
	int64_t from_ns, to_ns; /* what is judged; in the recording's time, to_ns with all loops */
	int64_t part_end_ns;    /* to_ns of the first loop */
	uint64_t frames;
} Tape;

/* Load what `product` needs, from `from` to `to` (after the recording's t = 0; to CLOCK_NEVER: all). ANZEN_ERROR_INPUT for
 * a recording that lacks it. */
Tape *tape_load(const char *session, const Product *product, int64_t from_ns, int64_t to_ns,
		GError **error);
/* Do to the product's inputs what `chain` says, in the tape's own pictures and samples. The true samples stay for the
 * judge; perturbed ones stand beside them as "perturbed.ROLE". What it does to the labels is computed as far as it can be,
 * and noted. ANZEN_ERROR_INPUT when nothing on the tape is touched by a step of the chain. */
gboolean tape_perturb(Tape *tape, const Product *product, const PerturbChain *chain,
		      GError **error);
/* Put everything in order, `loops` times one after the other. Once, before playing. Where the recording does not end as it
 * began, the world jumps from one loop to the next: a bench fault from there on. */
void tape_ready(Tape *tape, unsigned loops);
void tape_free(Tape *tape);
/* As what the product is given this signal; NULL: not at all. */
const char *tape_given_as(const Tape *tape, const char *signal);
/* Keep a note for the session. */
void tape_note(Tape *tape, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The first picture of each camera on the tape, a key frame; NULL when it has none. After tape_ready(). */
const TapeItem *tape_first_picture(const Tape *tape, const char *camera);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tape, tape_free)

#endif
