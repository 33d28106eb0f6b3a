/* What a live run does to its product's inputs: the functions of perturb, between the bench's own data and the adapter.
 *
 * The bench records what its devices say, judges from it and guards with it as ever. What the product is given in its place
 * comes out of here, and is recorded beside it as "perturbed.ROLE": a signal's samples, a camera's pictures. A picture is
 * decoded from the very access unit that is recorded, so that anybody can do the same again from the session alone: the event
 * DISTURB_DIGEST holds the SHA-256 of all that the product was shown from t = 0 on.
 *
 * In real time each camera has a thread of its own here, and delayed samples share one. What is given later than it should
 * be, by more than the deadline, is the bench's fault. In lock-step everything happens within the calls, and costs no
 * simulated time. Before t = 0 is known the times that perturbations depend on are far below 0. Private to run. */
#ifndef ANZEN_RUN_DISTURB_H
#define ANZEN_RUN_DISTURB_H

#include <anzen/perturb.h>

#define DISTURB_PREFIX "perturbed."
#define DISTURB_LATENESS "perturb.lateness." /* and the role */
#define DISTURB_SIMILARITY \
	"perturb.similarity." /* and the camera's role: see perturb_similarity() */
#define DISTURB_DIGEST "perturb.digest"
/* What is earlier than this many pictures back counts as another scene: there the two pictures are compared. */
#define DISTURB_STEP_BACK 10

typedef struct Disturb Disturb;

/* Borrows chain and clock for its life. */
Disturb *disturb_new(const PerturbChain *chain, Clock *clock, bool lock_step, int64_t deadline_ns);
/* Which of them it takes; before disturb_start(). A signal that the chain touches needs a range, else ANZEN_ERROR_INPUT; TRUE
 * for what the chain leaves alone, too. */
gboolean disturb_add_signal(Disturb *disturb, const SignalInfo *info, GError **error);
gboolean disturb_add_camera(Disturb *disturb, const char *role, GError **error);
/* SignalInfo* of what it delivers beside pictures; char* roles of the cameras that it takes. Owned here. */
const GPtrArray *disturb_signals(const Disturb *disturb);
const GPtrArray *disturb_cameras(const Disturb *disturb);
/* "0 to 450 degC": the full scale of a signal that it takes. Caller frees. */
char *disturb_scale(const Disturb *disturb, const char *signal);

/* Where "perturbed.ROLE" goes, faults and events too. Starts the threads in real time. */
gboolean disturb_start(Disturb *disturb, Stream *sink, GError **error);
/* t = 0, at least as early as the first picture at or after it. */
void disturb_begin(Disturb *disturb, int64_t start_ns);
bool disturb_takes(const Disturb *disturb, const char *role);
/* One source's thread each. A picture comes as its H.264 access unit and has a reference taken, or is copied. */
void disturb_sample(Disturb *disturb, const char *role, int64_t t_ns, double value,
		    SampleStatus status);
void disturb_picture(Disturb *disturb, const char *role, const Frame *unit);
/* Lock-step: give what is due by now. */
void disturb_pump(Disturb *disturb, int64_t now_ns);
/* Nothing is given after it; tells the digests. Twice allowed. */
void disturb_end(Disturb *disturb);
void disturb_free(Disturb *disturb); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Disturb, disturb_free)

#endif
