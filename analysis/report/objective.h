/* analysis/report/objective.h: what was promised, and whether it was kept, of one result or several:
 * objectives, which are promises to users, and gates, which a change must hold. */
#ifndef DRYDOCK_ANALYSIS_REPORT_OBJECTIVE_H
#define DRYDOCK_ANALYSIS_REPORT_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/report/source.h"

enum objective_kind { OBJECTIVES, GATES };

struct objective {
    enum objective_kind kind;
    const char *metric, *statistic; /* "latency.ttft_s", "p95" ("" = none) */
    const char *scope;              /* "chat", "tenant a"; "" = all */
    double min, max;                /* NaN = no such side */
    bool warns;                     /* of a gate: a broken one is said, and fails nothing */
};

struct verdict {
    bool judged; /* the result has this objective */
    bool met;
    double value; /* NaN = none, INFINITY = it never got there */
    double half;  /* of its 95 % interval over replications; NaN = none */
};

/* Those of all results, each once, in the order of the first that has it. */
size_t objectives_of(const struct sources *sources, enum objective_kind kind, struct arena *arena,
                     const struct objective **objectives);

struct verdict objective_verdict(const struct source *s, const struct objective *o, struct arena *arena);

struct tally {
    size_t count, met;
    size_t failed; /* not met, and not just to be warned of */
};
struct tally objectives_tally(const struct source *s, enum objective_kind kind);

/* Of an objective on the whole, NaN when there is none. */
double objective_limit_of(const struct source *s, const char *metric);

/* "p95 TTFT of chat"; "at most 500 ms"; "373 ms". */
const char *objective_name(struct arena *a, const struct objective *o);
const char *objective_limit(struct arena *a, const struct objective *o);
const char *objective_value(struct arena *a, const struct objective *o, const struct verdict *v);

#endif
