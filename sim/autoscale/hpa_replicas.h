/* sim/autoscale/hpa_replicas.h: what one metric asks for (replica_calculator.go, metrics/utilization.go). */
#ifndef DRYDOCK_AUTOSCALE_HPA_REPLICAS_H
#define DRYDOCK_AUTOSCALE_HPA_REPLICAS_H

#include "autoscale/hpa.h"

/* A ratio of usage to target within 1 - down .. 1 + up, both included, changes nothing. */
struct hpa_tolerances {
    double down, up;
};

bool hpa_within(const struct hpa_tolerances *tolerances, double ratio);

/* By the type and target of `metric`, which is a row of the spec's. `reading` is its row of the observation.
 */
struct hpa_proposal hpa_propose(const struct hpa_metric *metric, const struct hpa_settings *settings,
                                const struct hpa_tolerances *tolerances, const struct hpa_observation *obs,
                                const struct hpa_reading *reading);

/* The reason of ScalingActive when a metric of that type fails. */
enum hpa_reason hpa_failure_of(const struct hpa_metric *metric);

#endif
