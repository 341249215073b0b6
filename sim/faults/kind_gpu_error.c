/* A GPU reports an error (an Xid in the driver's log): the process that uses it ends. With `cordon` somebody,
 * or a node-problem detector, takes the node out of service: its pods are made anew elsewhere. */
#include "faults/kinds.h"

static bool strike(struct world *w, const struct fault_config *f, struct serving_pod *p, simtime until_ps) {
    (void)until_ps;
    struct node *node = fault_node(w, p);
    if (node && node->cordoned) {
        return false;
    }
    if (!cluster_crash(w->cluster, p->pod, "Error: GPU error (Xid)")) {
        return false;
    }
    if (node && f->cordon) {
        cluster_drain_node(w->cluster, node, "GPU error");
    }
    return true;
}

const struct fault_ops fault_gpu_error = {.strike = strike};
