/* sim/autoscale/hpa.h: HorizontalPodAutoscaler autoscaling/v2, as the Kubernetes controller decides.
 *
 * One call is one sync. Pure: the same observation and state in, the same decision out; no clock, no I/O.
 * Source: kubernetes/kubernetes pkg/controller/podautoscaler, v1.37: horizontal.go (reconcileAutoscaler:
 * hpa.c; behaviour, stabilisation, rate limits: hpa_behavior.c), replica_calculator.go and
 * metrics/utilization.go (hpa_replicas.c; groupPods and requests: hpa_pods.c). Cases: tests/cases/hpa, and
 * the tables that `make conformance` reads. docs/autoscaling.md explains it with a worked example.
 *
 * Units: amounts are in thousandths of the metric's own unit, as resource.Quantity gives them (cpu:
 * millicores; memory: thousandths of a byte); dates are simulated picoseconds; replicas are counts of pods
 * within int32, held in int64 so that sums cannot wrap. Where the controller's int32 would wrap, numbers
 * saturate here.
 */
#ifndef DRYDOCK_AUTOSCALE_HPA_H
#define DRYDOCK_AUTOSCALE_HPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/simtime.h"
#include "manifest/manifest.h"

/* ---- the controller's own settings ---- */

/* Flags of kube-controller-manager and feature gates. */
struct hpa_settings {
    double tolerance;                /* --horizontal-pod-autoscaler-tolerance: 0.1 */
    simtime downscale_stabilization; /* --horizontal-pod-autoscaler-downscale-stabilization: 300 s */
    simtime cpu_initialization;      /* --horizontal-pod-autoscaler-cpu-initialization-period: 300 s */
    simtime initial_readiness_delay; /* --horizontal-pod-autoscaler-initial-readiness-delay: 30 s */
    double scale_up_factor;          /* without behavior: at most this many times the size in one sync: 2 */
    double scale_up_minimum;         /* but never held below this many: 4 */
    bool scale_to_zero;              /* gate HPAScaleToZero: on since 1.37 */
    bool configurable_tolerance;     /* gate HPAConfigurableTolerance: on since 1.35 */
    bool ignores_succeeded; /* pods of phase Succeeded are left out, as builds after 1.37 do: false */
};

extern const struct hpa_settings hpa_default_settings;

/* ---- what the controller sees ---- */

enum hpa_phase { HPA_PENDING, HPA_RUNNING, HPA_SUCCEEDED, HPA_FAILED, HPA_PHASE_UNKNOWN };

enum hpa_readiness { HPA_READY_ABSENT, HPA_READY_TRUE, HPA_READY_FALSE, HPA_READY_UNKNOWN };

/* A pod that the target's selector matches; 24 bytes. */
struct hpa_pod {
    simtime started_at;       /* status.startTime; meaningless unless `started` */
    simtime ready_changed_at; /* last transition of the Ready condition; unless HPA_READY_ABSENT */
    enum hpa_phase phase : 8;
    enum hpa_readiness ready : 8; /* the Ready condition's status */
    bool started;                 /* status.startTime is set */
    bool deleted;                 /* has a deletion timestamp: terminating */
};

enum { HPA_NO_REQUEST = -1, HPA_NO_CONTAINER = -2 };

/* What the metrics API has of one pod for one metric; 40 bytes. */
struct hpa_sample {
    int64_t value_milli;   /* of all containers, or of the metric's container */
    int64_t request_milli; /* hpa_request() of the pod's template; only utilisation reads it */
    simtime at;            /* end of the window that was measured */
    simtime window;
    bool present; /* false: no sample; only request_milli is then read */
};

/* One metric of the spec, as the metrics API answers now. */
struct hpa_reading {
    const char *error; /* why the API has no answer; NULL when it has */
    /* Resource, ContainerResource, Pods: one a pod, in the order of the observation's pods. */
    const struct hpa_sample *samples;
    /* The same: values of pods that the selector no longer matches. Only value_milli is read. */
    const struct hpa_sample *strays;
    size_t stray_count;
    /* Object: one value; External: one a series. */
    const int64_t *values_milli;
    size_t value_count;
};

struct hpa_observation {
    simtime now;
    int64_t spec_replicas;   /* of the target's scale */
    int64_t status_replicas; /* the same; includes pods of a surge */
    bool ambiguous;          /* another HPA's target selects some of these pods too */
    const struct hpa_pod *pods;
    size_t pod_count;
    const struct hpa_reading *readings; /* one a metric of the spec, in its order */
};

/* ---- what it remembers ---- */

/* A recommendation before stabilisation. Slots are reused, so the order is that of the controller's log. */
struct hpa_recommendation {
    simtime at;
    int64_t replicas;
};

struct hpa_recommendations {
    struct hpa_recommendation *slots;
    size_t count, capacity;
    bool begun; /* false: no sync yet; the first one records the size that it finds */
};

/* A change that was made; positive in both directions. */
struct hpa_event {
    simtime at;
    int64_t change;
    bool outdated; /* its slot may be reused */
};

struct hpa_events {
    struct hpa_event *slots;
    size_t count, capacity;
};

enum hpa_condition { HPA_CONDITION_ABSENT, HPA_CONDITION_FALSE, HPA_CONDITION_TRUE };

/* Zero-initialise; hpa_state_free gives the memory back. Grows to the longest window divided by the time
 * between syncs. */
struct hpa_state {
    struct hpa_recommendations recommendations;
    struct hpa_events ups, downs;
    enum hpa_condition scaled_to_zero; /* the status condition ScaledToZero */
};

void hpa_state_free(struct hpa_state *state);

/* ---- what it decides ---- */

/* Reasons of the status conditions, by the names that kubectl shows. */
enum hpa_reason {
    HPA_NO_REASON,
    /* AbleToScale */
    HPA_SUCCEEDED_GET_SCALE,
    HPA_READY_FOR_NEW_SCALE,
    HPA_SCALE_UP_STABILIZED,
    HPA_SCALE_DOWN_STABILIZED,
    HPA_SUCCEEDED_RESCALE,
    /* ScalingActive */
    HPA_VALID_METRIC_FOUND,
    HPA_SCALING_DISABLED,
    HPA_AMBIGUOUS_SELECTOR,
    HPA_FAILED_GET_RESOURCE_METRIC,
    HPA_FAILED_GET_CONTAINER_RESOURCE_METRIC,
    HPA_FAILED_GET_PODS_METRIC,
    HPA_FAILED_GET_OBJECT_METRIC,
    HPA_FAILED_GET_EXTERNAL_METRIC,
    HPA_INVALID_METRIC_SOURCE_TYPE,
    /* ScalingLimited */
    HPA_DESIRED_WITHIN_RANGE,
    HPA_SCALE_UP_LIMIT,
    HPA_SCALE_DOWN_LIMIT,
    HPA_TOO_MANY_REPLICAS,
    HPA_TOO_FEW_REPLICAS,
};

/* "ScaleUpLimit"; "" of HPA_NO_REASON. */
const char *hpa_reason_name(enum hpa_reason reason);

/* Why a metric gives no count. */
enum hpa_fault {
    HPA_NO_FAULT,
    HPA_METRIC_UNREAD,     /* the API had no answer: the reading's own text says why */
    HPA_NO_SAMPLES,        /* it answered with nothing */
    HPA_NO_PODS,           /* the selector matches no pod */
    HPA_NO_READY_SAMPLES,  /* only pods that do not count have samples */
    HPA_REQUEST_MISSING,   /* a container requests none of the resource */
    HPA_CONTAINER_MISSING, /* a pod has no container of that name */
    HPA_ONLY_STRAYS,       /* no sample is of a pod with a request */
    HPA_BAD_SOURCE,        /* a type of metric that autoscaling/v2 does not have */
};

const char *hpa_fault_text(enum hpa_fault fault);

/* How a metric's count came about. */
enum hpa_rule {
    HPA_RULE_NONE,
    HPA_RULE_TOLERATED, /* within tolerance: as it is */
    HPA_RULE_READY,     /* ceil(usage / target x ready pods) */
    HPA_RULE_FILLED,    /* ceil(usage / target x samples), with samples made up for pods that had none */
    HPA_RULE_FLIPPED,   /* with those, it would go the other way or hardly at all: as it is */
    HPA_RULE_TOTAL,     /* ceil(usage / target) */
};

/* What one metric asks for, with its inputs. */
struct hpa_proposal {
    int64_t replicas;
    enum hpa_fault fault;
    enum hpa_rule rule;
    int64_t usage_milli;     /* mean of a counted pod, or the Object's or External value (AverageValue: its
                                share a replica, rounded up) */
    int64_t utilization_pct; /* Utilization targets, truncated; else 0 */
    int64_t filled_milli;    /* usage_milli with the samples made up; percent for Utilization */
    int64_t target;          /* percent or thousandths */
    bool utilization;        /* the target is a percentage of requests */
    uint32_t ready, unready, missing; /* pods */
    uint32_t samples;                 /* that the mean is of, made up ones included */
};

enum hpa_path {
    HPA_PATH_METRICS,   /* the metrics decided */
    HPA_PATH_DISABLED,  /* the target has 0 replicas, and not by this controller's doing */
    HPA_PATH_ABOVE_MAX, /* brought to the bounds without looking at metrics */
    HPA_PATH_BELOW_MIN,
    HPA_PATH_FAILED, /* metrics failed that are needed: left alone */
};

struct hpa_decision {
    enum hpa_path path;
    int64_t current;
    int64_t replicas;        /* what spec.replicas is to be; == current: it is left alone */
    int64_t proposed;        /* by the metrics, before the rest; == current on other paths */
    int64_t stabilized;      /* after the stabilisation windows */
    int64_t stabilization_s; /* the window that held it back; 0 when none did */
    enum hpa_reason able_to_scale, scaling_active, scaling_limited;
    bool limited;          /* status of ScalingLimited */
    enum hpa_reason error; /* of the first metric that failed, though the others went on */
    size_t metric;         /* index of the metric that `proposal` is of: the one that asked for most, or on
                              HPA_PATH_FAILED the first that failed */
    struct hpa_proposal proposal;    /* rule HPA_RULE_NONE when no metric was looked at */
    const struct hpa_policy *policy; /* whose rate bound it; NULL when none did */
};

/* Desired replicas for one sync.
 *
 * spec      as parsed; lives as long as the state
 * obs       the target, its pods and the metrics as the API would serve them now
 * state     recommendations, changes made and the condition ScaledToZero; updated. A change is taken as made.
 *
 * A metric that cannot be read is a reason, never an error: the controller goes on with the others.
 * Costs at most 3,000 instructions with one metric and 100 more a pod (tests/e2e/hpa_cost.sh), with windows
 * of up to 120 syncs; 12 more for each sync of a longer one.
 */
struct hpa_decision hpa_decide(const struct hpa *spec, const struct hpa_settings *settings,
                               const struct hpa_observation *obs, struct hpa_state *state);

/* What a pod of this template requests of `resource` (cpu, memory, ephemeral-storage, a GPU resource), in
 * thousandths: of the named container, or of all containers and sidecars when `container` is NULL or "".
 * `pod_level_milli` is spec.resources of the pod, which replaces the sum when it is set; else HPA_NO_REQUEST.
 * HPA_NO_REQUEST when a container that counts has none, HPA_NO_CONTAINER when there is none of that name. */
int64_t hpa_request(const struct pod_template *pod, const char *resource, const char *container,
                    int64_t pod_level_milli);

/* ---- words for people ---- */

enum { HPA_TEXT_BYTES = 256 };

/* The arithmetic of a decision: "cpu: ceil(60 % / 30 % x 3 ready) = 6; at most 5, TooManyReplicas". Written
 * only when asked for. Returns `out`. */
const char *hpa_formula(const struct hpa *spec, const struct hpa_decision *decision,
                        char out[HPA_TEXT_BYTES]);

/* Why it changes or does not, in the words of the controller's event SuccessfulRescale: "cpu resource
 * utilization (percentage of request) above target", "All metrics below target". Returns `out`. */
const char *hpa_cause(const struct hpa *spec, const struct hpa_decision *decision, char out[HPA_TEXT_BYTES]);

#endif
