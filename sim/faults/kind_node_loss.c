/* A node is not reached any more: its power, its kernel or its network is gone. */
#include "faults/kinds.h"

static bool strike(struct world *w, const struct fault_config *f, struct serving_pod *p, simtime until_ps) {
    (void)f;
    struct node *node = fault_node(w, p);
    return node && cluster_lose_node(w->cluster, node, until_ps);
}

const struct fault_ops fault_node_loss = {.strike = strike};
