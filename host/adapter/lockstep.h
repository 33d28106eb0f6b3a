/* The bench's side of products/lockstep.h. Main thread only. Private to adapter. */
#ifndef ANZEN_ADAPTER_LOCKSTEP_H
#define ANZEN_ADAPTER_LOCKSTEP_H

#include "responses.h"

#include <anzen/scenario.h>

typedef struct Lockstep Lockstep;

/* Makes the page. `product` and `responses` are borrowed. Free with lockstep_free(). */
Lockstep *lockstep_new(const Product *product, Responses *responses, Stream *sink, GError **error);
/* To be inherited by the product as its `--lock-step FD`; closed by lockstep_free(). */
int lockstep_fd(const Lockstep *lockstep);

/* New stimulus, to be seen by the product at the next exchange. */
void lockstep_sample(Lockstep *lockstep, const char *role, int64_t t_ns, double value,
		     SampleStatus status);
void lockstep_picture(Lockstep *lockstep, const Frame *gray);

/* One turn at simulated time now_ns. False: no answer within 5 s of real time, or garbage; the product has been blamed. */
bool lockstep_exchange(Lockstep *lockstep, int64_t now_ns);

void lockstep_free(Lockstep *lockstep);

#endif
