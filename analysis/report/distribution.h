/* analysis/report/distribution.h: how latencies of a result are distributed, over all its requests and by
 * service, in one pass over /requests whose memory does not grow with them. */
#ifndef DRYDOCK_ANALYSIS_REPORT_DISTRIBUTION_H
#define DRYDOCK_ANALYSIS_REPORT_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "record/histogram.h"
#include "record/result.h"

enum distribution_metric { DISTRIBUTION_TTFT, DISTRIBUTION_TPOT, DISTRIBUTION_E2E, DISTRIBUTION_METRICS };

/* Of the requests that count (those after warm-up). `never` got there: rejected, timed out, failed,
 * unfinished. */
struct distribution {
    struct histogram values[DISTRIBUTION_METRICS];
    uint64_t never[DISTRIBUTION_METRICS];
};

struct distributions {
    const char *const *services;
    size_t service_count;
    struct distribution *of; /* [0] of all, then one a service */
};

/* `services` is borrowed. A result without such a table has empty ones. */
bool distributions_read(struct distributions *d, const struct result *result, const char *const *services,
                        size_t service_count, struct arena *arena, struct error *err);
void distributions_free(struct distributions *d);

/* Of a service, or of all (NULL). NULL where there is none. */
const struct distribution *distribution_of(const struct distributions *d, const char *service);

/* One step of a distribution function. */
struct distribution_point {
    double value, share;
};

/* At most `most` points of the distribution function from its lowest value up, equally far apart in share and
 * finer towards 1; those that never got there count as infinitely late, so the curve may end below 1. Answers
 * how many; 0 when there are no values. */
size_t distribution_curve(const struct histogram *h, uint64_t never, struct distribution_point *points,
                          size_t most);

#endif
