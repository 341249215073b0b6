/* sim/study/fold.h: many summaries folded into one: each figure becomes what is made of its values. The keys
 * are read from the summaries themselves, so there is no list of figures that could lag. Private to the room.
 */
#ifndef DRYDOCK_STUDY_FOLD_H
#define DRYDOCK_STUDY_FOLD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "study/interval.h"

struct fold {
    /* What stands for a figure. values[i] is that of summary i: NaN where it does not exist, infinite where
     * it is null for being infinite. `money` wants nine decimals. NULL gives null. */
    struct json_object *(*figure)(void *context, const double *values, size_t count, bool money);
    void *context;
    bool flat; /* one object with dotted paths as keys, or nested as the summaries are */
    bool without_tenants;
};

/* Of `count` parsed summaries; NULL is one that is not there. Left out: what is no number (texts, flags,
 * lists), the seed, the number of replications, wall_s, and `replicated`. Keys have the order of the first
 * summary, then that of those that have more. The caller gives the object back. */
struct json_object *fold_summaries(struct json_object *const *summaries, size_t count,
                                   const struct fold *fold);

/* {mean, ci95_low, ci95_high, n}; null for what is not known, an infinite mean as null with "infinite": true.
 */
struct json_object *interval_json(const struct interval *i, bool money);

/* A number as text: the shortest that reads back, or nine decimals; NULL (null) when not finite. */
struct json_object *fold_number(double value, bool money);

/* The text of `replicated` (record/summary.h) over the summaries of a case: means with intervals, and the
 * objectives and gates judged on the means. */
void fold_replications(struct json_object *const *summaries, size_t count, struct strbuf *out);

#endif
