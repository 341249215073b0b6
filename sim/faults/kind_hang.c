/* A server that takes connections and answers none: a deadlock, a collective that waits for ever. */
#include "faults/kinds.h"

static bool strike(struct world *w, const struct fault_config *f, struct serving_pod *p, simtime until_ps) {
    (void)f;
    (void)until_ps;
    return cluster_hang(w->cluster, p->pod);
}

const struct fault_ops fault_hang = {.strike = strike};
