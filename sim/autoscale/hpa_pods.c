#include "autoscale/hpa_pods.h"

#include <string.h>

/* A starting pod burns cpu that says nothing of load. Within the initialisation period its sample counts only
 * when the pod is ready and the whole window lies after the moment it became so; later, a pod counts unless
 * it has never been ready: its Ready condition last changed within the delay after its start. */
static bool cpu_unready(const struct hpa_pod *pod, const struct hpa_sample *sample,
                        const struct hpa_settings *settings, simtime now) {
    if (pod->ready == HPA_READY_ABSENT || !pod->started) {
        return true;
    }
    bool says_not_ready = pod->ready == HPA_READY_FALSE;
    if (pod->started_at + settings->cpu_initialization > now) {
        return says_not_ready || sample->at < pod->ready_changed_at + sample->window;
    }
    return says_not_ready && pod->started_at + settings->initial_readiness_delay > pod->ready_changed_at;
}

enum hpa_group hpa_group(const struct hpa_pod *pod, const struct hpa_sample *sample,
                         const struct hpa_settings *settings, bool cpu, simtime now) {
    if (pod->deleted || pod->phase == HPA_FAILED ||
        (pod->phase == HPA_SUCCEEDED && settings->ignores_succeeded)) {
        return HPA_GROUP_IGNORED;
    }
    if (pod->phase == HPA_PENDING) {
        return HPA_GROUP_UNREADY;
    }
    if (!sample->present) {
        return HPA_GROUP_MISSING;
    }
    return cpu && cpu_unready(pod, sample, settings, now) ? HPA_GROUP_UNREADY : HPA_GROUP_READY;
}

size_t hpa_ready_pods(const struct hpa_observation *obs) {
    size_t ready = 0;
    for (size_t i = 0; i < obs->pod_count; i++) {
        ready += obs->pods[i].phase == HPA_RUNNING && obs->pods[i].ready == HPA_READY_TRUE;
    }
    return ready;
}

/* ---- requests ---- */

/* Of one container; negative when it has none. */
static int64_t container_request(const struct container *c, const char *resource) {
    const struct resources *r = &c->requests;
    int64_t whole = -1;
    if (strcmp(resource, "cpu") == 0) {
        return r->cpu_milli < 0 ? HPA_NO_REQUEST : r->cpu_milli;
    }
    if (strcmp(resource, "memory") == 0) {
        whole = r->memory_bytes;
    } else if (strcmp(resource, "ephemeral-storage") == 0) {
        whole = r->ephemeral_bytes;
    } else if (r->gpu_resource != NULL && strcmp(resource, r->gpu_resource) == 0) {
        whole = r->gpus;
    }
    int64_t milli;
    if (whole < 0) {
        return HPA_NO_REQUEST;
    }
    return __builtin_mul_overflow(whole, 1000, &milli) ? INT64_MAX : milli;
}

static int64_t named_request(const struct container *containers, size_t count, bool sidecars_only,
                             const char *resource, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if ((containers[i].sidecar || !sidecars_only) && strcmp(containers[i].name, name) == 0) {
            return container_request(&containers[i], resource);
        }
    }
    return HPA_NO_CONTAINER;
}

/* Adds what the containers request to *sum; false when one has none. */
static bool add_requests(const struct container *containers, size_t count, bool sidecars_only,
                         const char *resource, int64_t *sum) {
    for (size_t i = 0; i < count; i++) {
        if (!containers[i].sidecar && sidecars_only) {
            continue;
        }
        int64_t request = container_request(&containers[i], resource);
        if (request < 0) {
            return false;
        }
        if (__builtin_add_overflow(*sum, request, sum)) {
            *sum = INT64_MAX;
        }
    }
    return true;
}

int64_t hpa_request(const struct pod_template *pod, const char *resource, const char *container,
                    int64_t pod_level_milli) {
    if (container != NULL && container[0] != '\0') {
        int64_t request = named_request(pod->containers, pod->container_count, false, resource, container);
        return request != HPA_NO_CONTAINER ? request
                                           : named_request(pod->init_containers, pod->init_container_count,
                                                           true, resource, container);
    }
    int64_t sum = 0;
    if (pod_level_milli >= 0) {
        return pod_level_milli;
    }
    bool all = add_requests(pod->containers, pod->container_count, false, resource, &sum) &&
               add_requests(pod->init_containers, pod->init_container_count, true, resource, &sum);
    return all ? sum : HPA_NO_REQUEST;
}
