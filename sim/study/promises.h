/* sim/study/promises.h: objectives and gates over replications: the values of each, judged on their mean.
 * Private to the room. */
#ifndef DRYDOCK_STUDY_PROMISES_H
#define DRYDOCK_STUDY_PROMISES_H

#include <json-c/json.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Adds `slo.objectives` and `gates` to what is made of `count` summaries (NULL is one that is not there):
 * each as in a summary, with a figure over replications for its value. Replications have the same ones in the
 * same order. One that could be judged in no replication is not met, and not held. */
void promises_fold(struct json_object *to, struct json_object *const *summaries, size_t count);

/* The objectives that are missed and the gates of level fail that are broken, on the means where the summary
 * has them. Each is appended to `names`, with ", " between them. */
size_t promises_broken(struct json_object *summary, struct strbuf *names);

#endif
