/* sim/gateway/router.h: which replica a request goes to. One file a policy, one row in routers.c.
 * The interface is public: sim/drydock_policy.h. */
#ifndef DRYDOCK_GATEWAY_ROUTER_H
#define DRYDOCK_GATEWAY_ROUTER_H

#include <stdbool.h>

#include "base/error.h"
#include "drydock_policy.h"

extern const struct dd_router_ops *const routers[]; /* ended by NULL */

/* Fewest unanswered requests, then the lowest number, as one number: the least one is found without branches
 * that no predictor learns, which among 64 replicas is a third of the time. The top bit is free. */
static inline uint64_t router_busy(const struct dd_candidate *c) {
    return (uint64_t)c->outstanding << 32 | c->replica;
}

/* Does it go by nothing that changes inside a replica (queue, KV cache)? Then nobody has to look there. True
 * of built-ins alone. */
bool router_is_blind(const struct dd_router_ops *router);

/* A built-in by name; NULL when there is none of that name. */
const struct dd_router_ops *router_find(const char *name);

/* A built-in by name, or a shared object when `name` contains a '/' and `allow_exec` (otherwise an error that
 * says how to allow it). `pos` is where the scenario names it. A loaded object stays loaded until the process
 * ends. */
const struct dd_router_ops *router_load(const char *name, bool allow_exec, const struct position *pos,
                                        struct error *err);

/* The rows. */
extern const struct dd_router_ops router_round_robin;
extern const struct dd_router_ops router_random;
extern const struct dd_router_ops router_least_outstanding;
extern const struct dd_router_ops router_power_of_two;
extern const struct dd_router_ops router_least_tokens;
extern const struct dd_router_ops router_prefix_aware;
extern const struct dd_router_ops router_cache_aware;
extern const struct dd_router_ops router_longest_prefix;
extern const struct dd_router_ops router_slo_aware;
extern const struct dd_router_ops router_session_affinity;
extern const struct dd_router_ops router_kv_usage_aware;
extern const struct dd_router_ops router_weighted;
extern const struct dd_router_ops router_two_pool_by_length;

#endif
