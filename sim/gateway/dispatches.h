/* sim/gateway/dispatches.h: requests that a router has sent and that have not ended, by id, with what it saw
 * when it sent them. 128 bytes each. */
#ifndef DRYDOCK_GATEWAY_DISPATCHES_H
#define DRYDOCK_GATEWAY_DISPATCHES_H

#include <stdint.h>

#include "gateway/latency_model.h"

enum { DISPATCH_TPOT_FEATURES = 4 };

struct dispatch {
    uint64_t id;
    double at_s, first_token_s; /* negative = not yet */
    double ttft[LATENCY_FEATURES_MAX];
    double tpot[DISPATCH_TPOT_FEATURES];
    uint32_t prefill_tokens; /* of its prompt, that the replica has to compute */
    uint32_t workload;
    uint32_t next; /* of the same bucket, or free */
};

struct dispatches {
    struct dispatch *items;
    uint32_t count, capacity, free, live;
    uint32_t *buckets;
    uint32_t bucket_bits;
};

/* A zeroed table is empty. An id is in it once. The answer is good until the next call that adds. */
struct dispatch *dispatches_add(struct dispatches *d, uint64_t id);
struct dispatch *dispatches_find(struct dispatches *d, uint64_t id); /* NULL: is not there */
void dispatches_remove(struct dispatches *d, uint64_t id);
void dispatches_free(struct dispatches *d);

#endif
