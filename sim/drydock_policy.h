/* sim/drydock_policy.h: the C interface of policies, public and versioned. The built-in policies use it too.
 *
 * A policy of your own is a shared object that exports `const struct dd_router_ops dd_router` and is named by
 * its path in the scenario (policies[].router: ./my-router.so, run with --allow-exec), or a file in
 * sim/gateway/ with a row in routers.c. A policy sees what a real one could see: no output lengths, no
 * future, nothing of a replica's caches but what it was sent.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef DRYDOCK_POLICY_H
#define DRYDOCK_POLICY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DD_POLICY_ABI 5u

/* A replica that may be chosen, as the gateway knows it: 32 bytes. */
struct dd_candidate {
    uint32_t replica;     /* its number in the service, counted as replicas become Ready; never given again */
    uint32_t workload;    /* which one it is of, as a DD_OPTION_WORKLOADS names them */
    uint32_t outstanding; /* requests sent and not yet answered */
    uint32_t waiting;     /* of those, not yet in a batch, when the gateway last looked */
    uint64_t tokens;      /* prompt tokens of the outstanding requests */
    uint32_t kv_permille; /* KV cache in use, thousandths, as of the replica's last event before that */
    float weight;         /* share of traffic asked for: its workload's, over the workload's Ready replicas */
};

struct dd_route_request {
    uint64_t id;
    uint64_t session; /* 0 = none */
    uint32_t input_tokens;
    uint32_t tenant;
    /* The prompt from its beginning, in pieces: equal keys at equal places are equal text. */
    const uint64_t *prefix;
    uint32_t prefix_count;
    uint32_t prefix_tokens; /* that a key covers; UINT32_MAX: the one key is a session's, whose prompts each
                               begin with the one before, up to its length */
    double at_s;            /* the date of the choice */
    double ttft_s, tpot_s;  /* what the request is promised; INFINITY = nothing */
};

/* What the gateway hears of a request that it has sent to a replica. */
struct dd_route_report {
    uint64_t id;
    uint32_t replica; /* as in dd_candidate */
    uint32_t tokens;  /* of the answer, so far */
    double at_s;      /* now */
};

enum dd_option_type {
    DD_OPTION_NUMBER,    /* any number from low to high */
    DD_OPTION_INTEGER,   /* a whole one */
    DD_OPTION_WORKLOADS, /* workloads of the service, one or a list: chat, deployment/chat */
    DD_OPTION_DURATION,  /* seconds: 250ms, 1m30s */
    DD_OPTION_CHOICE,    /* one of `choices`; its number is the place in there */
    DD_OPTION_TENANTS    /* a mapping from tenant to number, or to one of `choices` */
};

/* What a policy can be told, under `options` of a scenario. Names, bounds and what is required are checked
 * before create() is called. */
struct dd_option {
    const char *name; /* NULL ends a table */
    const char *help;
    uint32_t type;              /* enum dd_option_type */
    uint32_t required;          /* not 0: there is no default */
    double low, high;           /* of a number, inclusive */
    double fallback;            /* a number that is not given; INFINITY is shown as "none" */
    const char *const *choices; /* ended by NULL */
};

struct dd_option_value {
    double number;
    const uint32_t *workloads; /* as in dd_candidate; gone when create() returns, as the two below */
    uint32_t workload_count;
    uint32_t tenant_count;
    const uint32_t *tenants; /* as in dd_route_request */
    const double *tenant_numbers;
};

struct dd_router_ops {
    uint32_t abi; /* DD_POLICY_ABI */
    const char *name;
    const char *help;
    const struct dd_option *options; /* NULL = takes none */
    /* Returns the router's state, NULL when it needs none; one a service. `values` has an entry for each row
     * of `options`, in their order. */
    void *(*create)(const struct dd_option_value *values);
    /* Index into candidates[0 .. count-1], count >= 1. `uniform` holds two independent draws from [0, 1) that
     * depend on the seed and the request alone. */
    uint32_t (*choose)(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]);
    void (*destroy)(void *state);
    uint32_t deterministic; /* not 0: chooses without draws, and `uniform` is NULL; saves their making */
    uint32_t weighs;        /* not 0: goes by `weight`; weights for others are warned of */
    /* NULL: not told. The first token has come; the request is with its replica no longer: answered, given
     * up, refused or lost. */
    void (*first_token)(void *state, const struct dd_route_report *report);
    void (*ended)(void *state, const struct dd_route_report *report);
};

#ifdef __cplusplus
}
#endif

#endif
