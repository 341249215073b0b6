/* sim/finops/meter.h: what is metered: nodes and the pods on them, and how a node's time is split by state.
 *
 * A node's capacity (its GPUs; milli-cores where it has none) times its time is split over what happened:
 *
 *     start_up  the node before it is Ready; a pod from being bound to Ready (pulling, starting, loading,
 *               warming), and while it is not Ready again
 *     serving   a Ready pod with at least one request, waiting or running
 *     idle      a Ready pod without one; capacity that no pod holds
 *     drain     a pod from being told to stop until it is gone
 *
 * The parts are exact (capacity x picoseconds) and add up to the whole. Pure: no clock, no engine.
 */
#ifndef DRYDOCK_FINOPS_METER_H
#define DRYDOCK_FINOPS_METER_H

#include "base/money.h"
#include "base/simtime.h"

enum cost_state {
    COST_SERVING,
    COST_START_UP,
    COST_IDLE,
    COST_DRAIN,
    COST_STATES,
    COST_STATELESS = COST_STATES
};
extern const char *const cost_state_names[]; /* "serving" ..., "none" for what has no state; ended by NULL */

/* Texts are borrowed. Dates are -1 when it did not (yet) happen. */
struct meter_node {
    const char *name, *pool, *instance_type, *zone, *region;
    const char *gpu; /* kind; NULL = none */
    int64_t gpus;
    double cpu; /* cores */
    double memory_bytes;
    simtime requested_ps, ready_ps;
    simtime end_ps; /* deleted, or the end of the window */
};

struct meter_gap {
    simtime from_ps, to_ps; /* to -1 = not over */
};

struct meter_pod {
    const char *workload, *service; /* service NULL = none */
    int64_t holds;                  /* of its node's capacity: GPUs, or milli-cores where the node has none */
    simtime bound_ps, ready_ps, terminating_ps;
    simtime gone_ps;              /* -1 = there to the end of its node's time */
    simtime serving_ps;           /* of its time Ready and not terminating */
    double batch;                 /* mean of requests in flight while serving; 0 = not known */
    const struct meter_gap *gaps; /* when it was not Ready, after ready_ps; they do not overlap */
    size_t gap_count;
};

struct meter_part {
    const struct meter_pod *pod; /* NULL: the node itself, or what no pod holds */
    enum cost_state state;
    simtime from_ps, to_ps; /* when; serving and idle of a pod share its time Ready */
    money_amount weight;    /* capacity x ps */
};

/* Capacity of a node in the unit of meter_pod.holds; at least 1. */
int64_t meter_capacity(const struct meter_node *node);

/* At most this many parts come of a node with these pods. */
size_t meter_parts_most(const struct meter_pod *pods, size_t count);

/* Splits the node's time from `from` (where its bill or its power starts) to its end. Pods' dates are cut to
 * the node's time Ready. When pods hold more than there is, no capacity is left over and the parts add up to
 * more than the node's. Returns the number of parts; parts of no weight are left out. */
size_t meter_split(const struct meter_node *node, simtime from, const struct meter_pod *pods,
                   size_t pod_count, struct meter_part *parts);

#endif
