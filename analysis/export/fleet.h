/* analysis/export/fleet.h: the pods and services of a result, as exports of several kinds need them: read
 * whole, since there are thousands of pods where there are millions of requests. */
#ifndef DRYDOCK_ANALYSIS_EXPORT_FLEET_H
#define DRYDOCK_ANALYSIS_EXPORT_FLEET_H

#include "base/arena.h"
#include "record/result.h"

/* The numbers of a row of /replicas. */
enum fleet_number {
    FLEET_CREATED,
    FLEET_BOUND,
    FLEET_PULLED,
    FLEET_STARTED,
    FLEET_LOADED,
    FLEET_READY,
    FLEET_TERMINATING,
    FLEET_GONE,
    FLEET_GPUS,
    FLEET_SERVERS,
    FLEET_BUSY,
    FLEET_COMPLETED,
    FLEET_STEPS,
    FLEET_PREEMPTIONS,
    FLEET_PROMPT_TOKENS,
    FLEET_GENERATED_TOKENS,
    FLEET_PREFIX_QUERIES,
    FLEET_PREFIX_HITS,
    FLEET_EXTERNAL_QUERIES,
    FLEET_HOST_HITS,
    FLEET_STORE_HITS,
    FLEET_KV_LOAD_BYTES,
    FLEET_KV_STORE_BYTES,
    FLEET_KV_PEAK,
    FLEET_KV_END,
    FLEET_WAITING,
    FLEET_RUNNING,
    FLEET_MAX_MODEL_LEN,
    FLEET_STEP_TOKENS,
    FLEET_GAPS,
    FLEET_GAP_S,
    FLEET_NUMBERS
};

struct fleet_pod {
    const char *name, *workload, *service, *node, *model;
    double numbers[FLEET_NUMBERS]; /* NaN = absent */
};

struct fleet {
    struct fleet_pod *pods; /* by row of /replicas */
    size_t pod_count;
    const struct fleet_pod **by_name; /* in the order of names, then of creation */
    const char **services;            /* in the order of their first pod */
    size_t service_count;
    double end_s; /* of the run */
};

bool fleet_read(const struct result *r, struct arena *arena, struct fleet *fleet, struct error *err);

/* Index in services; SIZE_MAX = none of that name. NULL is none. */
size_t fleet_service(const struct fleet *fleet, const char *name);

/* The last one of that name that was asked for by then (a name is given again when its pod is gone); NULL =
 * none. Of a workload any one of its pods. */
const struct fleet_pod *fleet_pod(const struct fleet *fleet, const char *name, double at_s);
const struct fleet_pod *fleet_pod_of(const struct fleet *fleet, const char *workload);

/* When the pod was gone, or the run ended. */
double fleet_pod_end(const struct fleet *fleet, const struct fleet_pod *pod);

#endif
