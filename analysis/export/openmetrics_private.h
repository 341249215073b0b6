/* analysis/export/openmetrics_private.h: what the files of this format share. */
#ifndef DRYDOCK_ANALYSIS_EXPORT_OPENMETRICS_PRIVATE_H
#define DRYDOCK_ANALYSIS_EXPORT_OPENMETRICS_PRIVATE_H

#include <json-c/json.h>

#include "analysis/export/fleet.h"
#include "analysis/export/openmetrics_text.h"

/* Labels of a pod. */
struct metrics_pod {
    const char *namespace, *name; /* as kubectl shows it; a name that is given again has -r2 */
    const char *server;           /* model_name, engine, namespace, pod, service, node */
};

struct metrics_out {
    FILE *out;
    const struct result *result;
    struct fleet fleet;
    struct metrics_pod *pods; /* by row of /replicas */
    struct json_object *summary;
    struct arena arena;
};

/* Metrics of model servers, under vLLM's names: openmetrics_vllm.c */
bool metrics_of_servers(struct metrics_out *m, struct error *err);

/* What DCGM and kube-state-metrics show, and the figures of the summary: openmetrics_cluster.c */
bool metrics_of_cluster(struct metrics_out *m, struct error *err);
void metrics_of_summary(struct metrics_out *m);

#endif
