/* The replica that scores highest by queue and KV cache, as the endpoint picker of the Kubernetes Gateway API
 * Inference Extension scores them (plug-ins queue-scorer, kv-cache-utilization-scorer and max-score-picker;
 * the weights 2 and 2 are its default profile's).
 *
 * Mirrored: queue score (longest - own) / (longest - shortest) over the waiting requests, 1 for all when no
 * queue differs; KV score 1 - usage; the highest weighted sum, ties drawn at random. `queue_most` is its
 * older low-queue filter: replicas with more waiting are left out as long as there are others. With
 * `queue_weight: 0` and a `queue_most` that is "the emptiest KV cache among the short queues".
 *
 * Not mirrored: the prefix-cache scorer (weight 3 of that profile; router prefix-aware has it), LoRA
 * affinity, criticality and shedding. The picker goes by metrics that it scrapes every 50 ms: that is the
 * gateway's matter, policies[].metrics_refresh. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "gateway/router.h"

struct kv_usage_aware {
    double queue_weight, kv_weight, queue_most;
};

static const struct dd_option options[] = {
    {.name = "queue_weight",
     .help = "weight of a short queue",
     .type = DD_OPTION_NUMBER,
     .low = 0,
     .high = 1e6,
     .fallback = 2},
    {.name = "kv_weight",
     .help = "weight of an empty KV cache",
     .type = DD_OPTION_NUMBER,
     .low = 0,
     .high = 1e6,
     .fallback = 2},
    {.name = "queue_most",
     .help = "replicas with more requests waiting are left out, unless all have more",
     .type = DD_OPTION_INTEGER,
     .low = 0,
     .high = 1e9,
     .fallback = INFINITY},
    {.name = NULL},
};

static void *create(const struct dd_option_value *values) {
    struct kv_usage_aware *s = mem_zalloc(1, sizeof *s);
    s->queue_weight = values[0].number;
    s->kv_weight = values[1].number;
    s->queue_most = values[2].number;
    return s;
}

/* The queues of those that are not left out. */
struct queues {
    uint32_t shortest, longest;
    double most;
};

static struct queues look(const struct kv_usage_aware *s, const struct dd_candidate *candidates,
                          uint32_t count) {
    struct queues q = {UINT32_MAX, 0, s->queue_most};
    for (uint32_t i = 0; i < count; i++) {
        q.shortest = candidates[i].waiting < q.shortest ? candidates[i].waiting : q.shortest;
    }
    q.most = q.shortest > q.most ? INFINITY : q.most;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t waiting = candidates[i].waiting;
        q.longest = waiting <= q.most && waiting > q.longest ? waiting : q.longest;
    }
    return q;
}

/* Negative for those that are left out. */
static double score(const struct kv_usage_aware *s, const struct queues *q, const struct dd_candidate *c) {
    if (c->waiting > q->most) {
        return -1;
    }
    double queue = q->longest == q->shortest
                       ? 1
                       : (double)(q->longest - c->waiting) / (double)(q->longest - q->shortest);
    return s->queue_weight * queue + s->kv_weight * (1 - c->kv_permille / 1000.0);
}

static uint32_t choose(void *state, const struct dd_route_request *request,
                       const struct dd_candidate *candidates, uint32_t count, const double uniform[2]) {
    (void)request;
    const struct kv_usage_aware *s = state;
    struct queues q = look(s, candidates, count);
    double best = -1;
    uint32_t ties = 0;
    for (uint32_t i = 0; i < count; i++) {
        double mine = score(s, &q, &candidates[i]);
        ties = mine > best ? 1 : ties + (mine == best);
        best = mine > best ? mine : best;
    }
    uint32_t pick = (uint32_t)(uniform[0] * ties);
    uint32_t i = 0;
    while (score(s, &q, &candidates[i]) != best || pick-- > 0) {
        i++;
    }
    return i;
}

const struct dd_router_ops router_kv_usage_aware = {
    .abi = DD_POLICY_ABI,
    .name = "kv-usage-aware",
    .help = "the best score of queue and KV cache, as the Gateway API Inference Extension picks",
    .options = options,
    .create = create,
    .choose = choose,
    .destroy = free,
};
