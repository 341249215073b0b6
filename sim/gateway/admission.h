/* sim/gateway/admission.h: who is let in at the gateway, and when. One file a policy, one row in
 * admissions.c.
 *
 * A service has a list of them. A request is let in when none turns it away, and only then costs it anything
 * at any of them (check, then enter). One of the list may hold requests at the gateway and say which goes on
 * next; the others decide at once. All see what a gateway sees: no output lengths, no future.
 */
#ifndef DRYDOCK_GATEWAY_ADMISSION_H
#define DRYDOCK_GATEWAY_ADMISSION_H

#include <stdbool.h>

#include "base/simtime.h"
#include "drydock_policy.h"

struct admission_request {
    uint32_t tenant; /* names table; 0 = none */
    uint32_t input_tokens;
    simtime sent_ps; /* by its user, this attempt */
};

/* What the gateway knows of the service. A count of requests is of attempts that were let in. */
struct admission_view {
    simtime now;
    uint64_t waiting;   /* not yet in a batch, or with a server; at the gateway or at a replica */
    uint64_t held;      /* of those, at the gateway */
    uint64_t in_flight; /* not yet ended */
    uint32_t replicas;  /* Ready */
};

/* How far apart backlogged tenants came, in weighted tokens, and how far they may. */
struct admission_gap {
    double largest, bound;
};

/* Of a policy that holds requests. It keeps its own account of who waits: each call is of one request.
 * Without `next` it keeps none, and none of queued, gave_up, released is called. */
struct admission_order {
    void (*queued)(void *state, uint32_t tenant);
    void (*gave_up)(void *state, uint32_t tenant);
    bool (*has_room)(void *state, const struct admission_view *view); /* for one more at the replicas */
    /* The tenant whose first request goes; somebody waits. */
    uint32_t (*next)(void *state);
    void (*released)(void *state, const struct admission_request *request);
    struct admission_gap (*gap)(const void *state); /* NULL: keeps none */
};

struct admission_ops {
    const char *name;
    const char *help;
    const struct dd_option *options;
    /* `values` has an entry for each row of `options`; a NaN there is `within_s`, what the service promises:
     * the limit of its TTFT objective, or its time-out. */
    void *(*create)(const struct dd_option_value *values);
    /* NULL: it may come in. Otherwise why not, as a literal. Changes nothing. */
    const char *(*check)(void *state, const struct admission_request *request,
                         const struct admission_view *view);
    /* Let in; the view is as before it. */
    void (*enter)(void *state, const struct admission_request *request, const struct admission_view *view);
    void (*started)(void *state,
                    const struct admission_view *view); /* one got into a batch; view: after it */
    /* Answered, given up or failed, with so many tokens generated: of those let in, and of one that `order`
     * held only if it was released. */
    void (*ended)(void *state, const struct admission_request *request, uint32_t generated, simtime now);
    const struct admission_order *order; /* NULL: holds nobody */
    void (*destroy)(void *state);
};

extern const struct admission_ops *const admissions[]; /* ended by NULL */

/* By name; NULL when there is none of that name. */
const struct admission_ops *admission_find(const char *name);

/* The rows. */
extern const struct admission_ops admission_token_bucket;
extern const struct admission_ops admission_concurrency;
extern const struct admission_ops admission_deadline;
extern const struct admission_ops admission_tiers;
extern const struct admission_ops admission_fifo;
extern const struct admission_ops admission_vtc;

#endif
