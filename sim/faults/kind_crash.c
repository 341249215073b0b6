/* A container's process ends: a bug, out of memory, a failed assertion. */
#include "faults/kinds.h"

static bool strike(struct world *w, const struct fault_config *f, struct serving_pod *p, simtime until_ps) {
    (void)f;
    (void)until_ps;
    return cluster_crash(w->cluster, p->pod, "Error");
}

const struct fault_ops fault_crash = {.strike = strike};
