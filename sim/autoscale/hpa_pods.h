/* sim/autoscale/hpa_pods.h: which pods count (replica_calculator.go, groupPods). */
#ifndef DRYDOCK_AUTOSCALE_HPA_PODS_H
#define DRYDOCK_AUTOSCALE_HPA_PODS_H

#include "autoscale/hpa.h"

enum hpa_group {
    HPA_GROUP_READY,   /* its sample counts */
    HPA_GROUP_UNREADY, /* pending; or for cpu, not ready yet, or its sample is from before it was */
    HPA_GROUP_MISSING, /* no sample */
    HPA_GROUP_IGNORED, /* terminating or failed: as if it were not there */
};

/* `cpu`: the metric is the resource cpu, of which starting pods show too much. */
enum hpa_group hpa_group(const struct hpa_pod *pod, const struct hpa_sample *sample,
                         const struct hpa_settings *settings, bool cpu, simtime now);

/* Running and Ready, terminating ones included: what Object and External metrics multiply with. */
size_t hpa_ready_pods(const struct hpa_observation *obs);

#endif
