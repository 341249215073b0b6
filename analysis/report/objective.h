/* analysis/report/objective.h: what was promised, and whether it was kept, of one result or several. */
#ifndef DRYDOCK_ANALYSIS_REPORT_OBJECTIVE_H
#define DRYDOCK_ANALYSIS_REPORT_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/report/source.h"

struct objective {
    const char *metric, *statistic; /* "latency.ttft_s", "p95" ("" = none) */
    const char *service;            /* "" = all */
    double limit;
    bool at_least;
};

struct verdict {
    bool judged; /* the result has this objective */
    bool met;
    double value; /* NaN = none, INFINITY = it never got there */
    double half;  /* of its 95 % interval over replications; NaN = none */
};

/* The objectives of all results, each once, in the order of the first that has it. */
size_t objectives_of(const struct sources *sources, struct arena *arena, const struct objective **objectives);

struct verdict objective_verdict(const struct source *s, const struct objective *o);

/* How many objectives a result has; how many it meets. */
size_t objectives_count(const struct source *s, size_t *met);

/* "p95 TTFT of chat"; "at most 500 ms"; "373 ms". */
const char *objective_name(struct arena *a, const struct objective *o);
const char *objective_limit(struct arena *a, const struct objective *o);
const char *objective_value(struct arena *a, const struct objective *o, const struct verdict *v);

#endif
