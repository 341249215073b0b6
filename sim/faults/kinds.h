/* sim/faults/kinds.h: private to the room: a kind of fault is one file and one row of fault_kinds[]. */
#ifndef DRYDOCK_FAULTS_KINDS_H
#define DRYDOCK_FAULTS_KINDS_H

#include "faults/faults.h"

struct fault_ops {
    /* It happens now to this replica; `until_ps` is when it ends, -1 = not by itself. False: the replica is
     * spared. NULL: it only sets a pace, while it lasts. */
    bool (*strike)(struct world *w, const struct fault_config *f, struct serving_pod *p, simtime until_ps);
    /* Millionths of the time that work takes for this replica, while it lasts. NULL: it sets no pace. */
    int64_t (*pace)(const struct world *w, const struct fault_config *f, const struct serving_pod *p);
    bool always; /* from the replica's beginning on, without dates */
};

extern const struct fault_ops *const fault_kinds[FAULT_KINDS];
extern const struct fault_ops fault_crash, fault_hang, fault_gpu_error, fault_node_loss, fault_slow,
    fault_straggler;

enum { PACE_ONE = 1000000 };

static inline int64_t pace_of_factor(double factor) {
    return (int64_t)(factor * PACE_ONE + 0.5);
}

/* The node of a pod; NULL = it needs none. */
static inline struct node *fault_node(struct world *w, const struct serving_pod *p) {
    if (p->pod->node < 0) {
        return NULL;
    }
    const struct node *n = cluster_node(w->cluster, (size_t)p->pod->node);
    return n->deleted_ps >= 0 ? NULL : cluster_node_at(w->cluster, n->pool, n->ordinal);
}

#endif
