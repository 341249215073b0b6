/* sim/drydock_policy.h: the C interface of policies, public and versioned. The built-in policies use it too.
 *
 * A policy of your own is a shared object that exports `const struct dd_router_ops dd_router` and is named by
 * its path in the scenario (policies[].router: ./my-router.so, run with --allow-exec), or a file in
 * sim/serving/ with a row in routers.c. A policy sees what a real one could see: no output lengths, no
 * future.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef DRYDOCK_POLICY_H
#define DRYDOCK_POLICY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DD_POLICY_ABI 2u

/* A replica that may be chosen, as the gateway knows it: 32 bytes. */
struct dd_candidate {
    uint32_t replica;     /* its index in the run */
    uint32_t outstanding; /* requests sent and not yet answered */
    uint32_t waiting;     /* of those, not yet in a batch */
    uint32_t kv_permille; /* KV cache in use, thousandths */
    uint64_t tokens;      /* prompt tokens of the outstanding requests */
    double weight;        /* share of traffic asked for (1 unless a rollout says otherwise) */
};

struct dd_route_request {
    uint64_t id;
    uint64_t session; /* 0 = none */
    uint32_t input_tokens;
    uint32_t tenant;
};

struct dd_router_ops {
    uint32_t abi; /* DD_POLICY_ABI */
    const char *name;
    const char *help;
    /* Returns the router's state, NULL when it needs none. */
    void *(*create)(void);
    /* Index into candidates[0 .. count-1], count >= 1. `uniform` holds two independent draws from [0, 1) that
     * depend on the seed and the request alone. */
    uint32_t (*choose)(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]);
    void (*destroy)(void *state);
    uint32_t deterministic; /* not 0: chooses without draws, and `uniform` is NULL; saves their making */
};

#ifdef __cplusplus
}
#endif

#endif
