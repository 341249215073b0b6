/* sim/cluster/scheduler.h: where a pod goes: filter, score, pick, as kube-scheduler does with its default
 * plug-ins. Pure: no clock, no I/O.
 *
 * Filter: the node is Ready (or being provisioned, see below), its labels carry every nodeSelector pair,
 * every taint with effect NoSchedule or NoExecute is tolerated, and requests fit into what is allocatable
 * (NodeResourcesFit; GPUs are whole). Score, 0 to 100 each, summed with weight 1: LeastAllocated over cpu and
 * memory (kube-scheduler's default scoringStrategy), MostAllocated over GPUs for pods that ask for GPUs
 * (packing, so that whole nodes stay free: the strategy GPU clusters set), ImageLocality by the bytes of the
 * pod's images and weights the node already has. A Ready node is preferred to one still being provisioned
 * whatever the score. Ties: the lowest name.
 */
#ifndef DRYDOCK_CLUSTER_SCHEDULER_H
#define DRYDOCK_CLUSTER_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "manifest/manifest.h"

/* A node as the scheduler sees it. */
struct node_view {
    const char *name;
    bool usable; /* exists and is not being removed */
    bool ready;  /* false: being provisioned; pods may be nominated to it and start when it is */
    const struct labels *labels;
    const struct labels *taints;                          /* key -> "value:effect" */
    int64_t cpu_milli, memory_bytes, gpus;                /* allocatable */
    int64_t used_cpu_milli, used_memory_bytes, used_gpus; /* requested by pods that are there or nominated */
    double cached_bytes;                                  /* of this pod's images and weights */
};

struct pod_view {
    int64_t cpu_milli, memory_bytes, gpus; /* requests; 0 = none */
    const struct labels *node_selector;
    const struct yaml_node *tolerations; /* as in the manifest; NULL = none */
    double artefact_bytes;               /* of its images and weights */
};

enum misfit {
    FIT,
    MISFIT_UNUSABLE,
    MISFIT_SELECTOR,
    MISFIT_TAINT,
    MISFIT_CPU,
    MISFIT_MEMORY,
    MISFIT_GPU,
};
extern const char *const misfit_texts[]; /* "didn't match Pod's node affinity/selector", ... */

enum misfit scheduler_filter(const struct pod_view *pod, const struct node_view *node);
double scheduler_score(const struct pod_view *pod, const struct node_view *node);

/* Index of the chosen node, or -1; `why` (may be NULL, MISFIT_GPU + 1 entries) counts nodes by misfit. */
int64_t scheduler_choose(const struct pod_view *pod, const struct node_view *nodes, size_t count,
                         uint32_t *why);

/* How long a pod stays on a node that is not reachable: the shortest tolerationSeconds of its tolerations of
 * node.kubernetes.io/unreachable:NoExecute; INFINITY when they state none; 300 s without such a toleration,
 * as the admission plug-in DefaultTolerationSeconds adds it. */
double scheduler_tolerates_unreachable_s(const struct yaml_node *tolerations);

#endif
