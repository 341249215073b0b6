/* sim/record/headline.h: the figures of a summary that a planner looks at first, for tables that compare; and
 * any figure of a parsed summary by its path. */
#ifndef DRYDOCK_RECORD_HEADLINE_H
#define DRYDOCK_RECORD_HEADLINE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/cell.h"

struct headline {
    const char *path;   /* "latency.ttft_s.p95" */
    const char *label;  /* "TTFT p95" */
    const char *column; /* the same where space is short: "$/1k req" */
    cell_function *cell;
};

extern const struct headline headlines[]; /* in the order of tables; ended by path NULL */

/* The member at a dotted path; names of services and tenants may have dots of their own. False when there is
 * none; a member that is null is one. */
bool summary_member(struct json_object *summary, const char *path, struct json_object **member);

/* A figure of a summary, or of one of its scopes: NaN when it does not exist or is null, infinity when it is
 * null for being infinite. */
double summary_figure(struct json_object *summary, const char *path);

/* The same of a member that was found in `owner`. */
double summary_value(struct json_object *owner, struct json_object *member);

/* A figure over replications: {mean, ci95_low, ci95_high, n} under `replicated`. */
struct replicated_figure {
    double mean; /* as summary_figure */
    double half; /* of the 95 % interval; NaN when there is none */
    uint64_t n;
};

/* All unknown, n 0, for an object that is none. */
struct replicated_figure replicated_figure(struct json_object *figure);

#endif
