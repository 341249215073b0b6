/* sim/gateway/scores.h: scorers of the Gateway API Inference Extension's endpoint picker that several routers
 * weigh, each from 0 to 1, and the pick of the highest sum (max-score-picker): ties are drawn. */
#ifndef DRYDOCK_GATEWAY_SCORES_H
#define DRYDOCK_GATEWAY_SCORES_H

#include "drydock_policy.h"

/* The shortest and the longest queue. */
struct queue_range {
    uint32_t shortest, longest;
};

static inline struct queue_range queue_range_of(const struct dd_candidate *candidates, uint32_t count) {
    struct queue_range q = {candidates[0].waiting, candidates[0].waiting};
    for (uint32_t i = 1; i < count; i++) {
        uint32_t waiting = candidates[i].waiting;
        q.shortest = waiting < q.shortest ? waiting : q.shortest;
        q.longest = waiting > q.longest ? waiting : q.longest;
    }
    return q;
}

/* queue-scorer: 1 for all when no queue differs. */
static inline double queue_score(const struct queue_range *q, uint32_t waiting) {
    return q->longest == q->shortest ? 1
                                     : (double)(q->longest - waiting) / (double)(q->longest - q->shortest);
}

/* kv-cache-utilization-scorer */
static inline double kv_score(const struct dd_candidate *c) {
    return 1 - c->kv_permille / 1000.0;
}

static inline uint32_t pick_highest(const double *scores, uint32_t count, double uniform) {
    double best = scores[0];
    uint32_t ties = 1;
    for (uint32_t i = 1; i < count; i++) {
        ties = scores[i] > best ? 1 : ties + (scores[i] == best);
        best = scores[i] > best ? scores[i] : best;
    }
    uint32_t pick = (uint32_t)(uniform * ties);
    uint32_t i = 0;
    while (scores[i] != best || pick-- > 0) {
        i++;
    }
    return i;
}

#endif
