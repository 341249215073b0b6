#include "autoscale/hpa_replicas.h"

#include <math.h>
#include <string.h>

#include "autoscale/hpa_pods.h"

static int64_t add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* Rounded up to a count; int32 in the API. */
static int64_t count_of(double replicas) {
    double up = ceil(replicas);
    return up >= (double)INT32_MAX   ? INT32_MAX
           : up <= (double)INT32_MIN ? INT32_MIN
           : up == up                ? (int64_t)up
                                     : 0;
}

bool hpa_within(const struct hpa_tolerances *tolerances, double ratio) {
    return 1.0 - tolerances->down <= ratio && ratio <= 1.0 + tolerances->up;
}

/* ---- metrics with a sample a pod ---- */

/* What one pass over the pods finds. Only the sums are needed afterwards: whatever is made up for a pod
 * without a sample depends on that pod alone. */
struct tally {
    size_t ready, unready, missing, strays;
    int64_t usage, request; /* of the ready */
    int64_t stray_usage;
    int64_t unready_request, missing_request;
    int64_t missing_usage; /* what the missing are taken to use when the others call for fewer pods */
    enum hpa_fault fault;
};

/* What a question about samples needs to know; the metric's part of it. */
struct question {
    bool utilization; /* target in percent of requests, else in thousandths a pod */
    bool cpu;
    int64_t target;
};

static enum hpa_fault request_fault(int64_t request) {
    return request >= 0                  ? HPA_NO_FAULT
           : request == HPA_NO_CONTAINER ? HPA_CONTAINER_MISSING
                                         : HPA_REQUEST_MISSING;
}

/* A pod without a sample is taken to use all of its request, or the target where that is more than all. */
static int64_t missing_usage(const struct question *q, int64_t request) {
    if (!q->utilization) {
        return q->target;
    }
    int64_t percent = q->target > 100 ? q->target : 100;
    return percent == 100 ? request : (int64_t)((__int128)request * percent / 100);
}

static struct tally take_tally(const struct question *q, const struct hpa_settings *settings,
                               const struct hpa_observation *obs, const struct hpa_reading *reading) {
    struct tally t = {.strays = reading->stray_count};
    for (size_t i = 0; i < obs->pod_count; i++) {
        const struct hpa_sample *sample = &reading->samples[i];
        int64_t request = q->utilization ? sample->request_milli : 0;
        if (request < 0 && t.fault == HPA_NO_FAULT) {
            t.fault = request_fault(request); /* even of a pod that does not count */
        }
        switch (hpa_group(&obs->pods[i], sample, settings, q->cpu, obs->now)) {
        case HPA_GROUP_READY:
            t.ready++;
            t.usage = add(t.usage, sample->value_milli);
            t.request = add(t.request, request);
            break;
        case HPA_GROUP_UNREADY:
            t.unready++;
            t.unready_request = add(t.unready_request, request);
            break;
        case HPA_GROUP_MISSING:
            t.missing++;
            t.missing_request = add(t.missing_request, request);
            t.missing_usage = add(t.missing_usage, missing_usage(q, request));
            break;
        case HPA_GROUP_IGNORED:
            break;
        }
    }
    for (size_t i = 0; i < reading->stray_count; i++) {
        t.stray_usage = add(t.stray_usage, reading->strays[i].value_milli);
    }
    return t;
}

static bool any_sample(const struct hpa_observation *obs, const struct hpa_reading *reading) {
    for (size_t i = 0; i < obs->pod_count; i++) {
        if (reading->samples[i].present) {
            return true;
        }
    }
    return reading->stray_count > 0;
}

static int64_t percent_of(int64_t usage, int64_t request) {
    __int128 percent = (__int128)usage * 100 / request;
    return percent > INT32_MAX ? INT32_MAX : percent < INT32_MIN ? INT32_MIN : (int64_t)percent;
}

/* Usage in the target's unit. Requests of strays are not known, so utilisation leaves them out, but their
 * number is in `samples` all the same: the controller takes the length of its map of samples. */
static int64_t level(const struct question *q, const struct tally *t, int64_t made_up_usage, int64_t request,
                     size_t samples) {
    int64_t usage = add(t->usage, made_up_usage);
    if (q->utilization) {
        return percent_of(usage, request);
    }
    return add(usage, t->stray_usage) / (int64_t)samples;
}

/* Second look, with samples made up so that neither starting pods nor gaps in the metrics exaggerate the
 * change: as busy as can be when it would shrink, idle when it would grow. */
static void fill_in(const struct question *q, const struct tally *t, const struct hpa_tolerances *tolerances,
                    double ratio, int64_t current, struct hpa_proposal *p) {
    size_t samples = t->ready + t->strays;
    int64_t request = t->request;
    if (ratio < 1.0 || ratio > 1.0) {
        samples += t->missing;
        request = add(request, t->missing_request);
    }
    if (ratio > 1.0) {
        samples += t->unready;
        request = add(request, t->unready_request);
    }
    p->filled_milli = level(q, t, ratio < 1.0 ? t->missing_usage : 0, request, samples);
    p->samples = (uint32_t)samples;
    double filled = (double)p->filled_milli / (double)q->target;
    p->rule = HPA_RULE_FLIPPED;
    p->replicas = current;
    if (hpa_within(tolerances, filled) || (ratio < 1.0 && filled > 1.0) || (ratio > 1.0 && filled < 1.0)) {
        return;
    }
    int64_t replicas = count_of(filled * (double)samples);
    if ((filled < 1.0 && replicas > current) || (filled > 1.0 && replicas < current)) {
        return;
    }
    p->rule = HPA_RULE_FILLED;
    p->replicas = replicas;
}

static void propose_from_tally(const struct question *q, const struct tally *t,
                               const struct hpa_tolerances *tolerances, int64_t current,
                               struct hpa_proposal *p) {
    size_t samples = t->ready + t->strays;
    int64_t first = level(q, t, 0, t->request, samples);
    p->usage_milli =
        add(t->usage, q->utilization ? 0 : t->stray_usage) / (int64_t)(q->utilization ? t->ready : samples);
    p->utilization_pct = q->utilization ? first : 0;
    p->samples = (uint32_t)samples;
    double ratio = (double)first / (double)q->target;
    if (t->missing > 0 || (t->unready > 0 && ratio > 1.0)) {
        fill_in(q, t, tolerances, ratio, current, p);
        return;
    }
    bool tolerated = hpa_within(tolerances, ratio);
    p->rule = tolerated ? HPA_RULE_TOLERATED : HPA_RULE_READY;
    p->replicas = tolerated ? current : count_of(ratio * (double)t->ready);
}

static struct hpa_proposal propose_by_pod(const struct question *q, const struct hpa_settings *settings,
                                          const struct hpa_tolerances *tolerances,
                                          const struct hpa_observation *obs,
                                          const struct hpa_reading *reading) {
    struct hpa_proposal p = {.target = q->target, .utilization = q->utilization};
    if (!any_sample(obs, reading)) {
        p.fault = HPA_NO_SAMPLES;
        return p;
    }
    if (obs->pod_count == 0) {
        p.fault = HPA_NO_PODS;
        return p;
    }
    struct tally t = take_tally(q, settings, obs, reading);
    p.ready = (uint32_t)t.ready;
    p.unready = (uint32_t)t.unready;
    p.missing = (uint32_t)t.missing;
    if (t.ready + t.strays == 0) {
        p.fault = HPA_NO_READY_SAMPLES;
    } else if (t.fault != HPA_NO_FAULT) {
        p.fault = t.fault;
    } else if (q->utilization && t.request == 0) {
        p.fault = HPA_ONLY_STRAYS;
    } else {
        propose_from_tally(q, &t, tolerances, obs->spec_replicas, &p);
    }
    return p;
}

/* ---- metrics with one value for all ---- */

static struct hpa_proposal propose_by_value(int64_t target, const struct hpa_tolerances *tolerances,
                                            const struct hpa_observation *obs, int64_t usage) {
    struct hpa_proposal p = {.target = target, .usage_milli = usage, .rule = HPA_RULE_TOTAL};
    double ratio = (double)usage / (double)target;
    if (obs->spec_replicas == 0) {
        p.replicas = count_of(ratio);
    } else if (hpa_within(tolerances, ratio)) {
        p.rule = HPA_RULE_TOLERATED;
        p.replicas = obs->spec_replicas;
    } else if (obs->pod_count == 0) {
        p.rule = HPA_RULE_NONE;
        p.fault = HPA_NO_PODS;
    } else {
        p.rule = HPA_RULE_READY;
        p.ready = (uint32_t)hpa_ready_pods(obs);
        p.replicas = count_of(ratio * (double)p.ready);
    }
    return p;
}

/* A replica's share, rounded up, for display. */
static int64_t share(int64_t usage, int64_t replicas) {
    return usage == INT64_MAX || replicas <= 0 ? usage : usage / replicas + (usage % replicas > 0 ? 1 : 0);
}

/* status.replicas counts here, pods of a surge included; with none of them the ratio is infinite (or, with
 * nothing to do, not a number), and neither is within any tolerance. */
static struct hpa_proposal propose_by_share(int64_t target, const struct hpa_tolerances *tolerances,
                                            const struct hpa_observation *obs, int64_t usage) {
    struct hpa_proposal p = {.target = target, .usage_milli = share(usage, obs->status_replicas)};
    double ratio = (double)usage / ((double)target * (double)obs->status_replicas);
    bool tolerated = hpa_within(tolerances, ratio);
    p.rule = tolerated ? HPA_RULE_TOLERATED : HPA_RULE_TOTAL;
    p.replicas = tolerated ? obs->status_replicas : count_of((double)usage / (double)target);
    p.filled_milli = usage;
    return p;
}

static struct hpa_proposal propose_by_values(const struct hpa_metric *metric,
                                             const struct hpa_tolerances *tolerances,
                                             const struct hpa_observation *obs,
                                             const struct hpa_reading *reading) {
    int64_t usage = 0;
    if (reading->value_count == 0) {
        return (struct hpa_proposal){.target = metric->target_milli, .fault = HPA_NO_SAMPLES};
    }
    for (size_t i = 0; i < reading->value_count; i++) {
        usage = add(usage, reading->values_milli[i]);
    }
    return strcmp(metric->target_type, "AverageValue") == 0
               ? propose_by_share(metric->target_milli, tolerances, obs, usage)
               : propose_by_value(metric->target_milli, tolerances, obs, usage);
}

/* ---- by type ---- */

struct source {
    const char *type;
    enum hpa_reason failure;
    bool by_pod;
    bool of_resource;
};

static const struct source sources[] = {
    {"Resource", HPA_FAILED_GET_RESOURCE_METRIC, true, true},
    {"ContainerResource", HPA_FAILED_GET_CONTAINER_RESOURCE_METRIC, true, true},
    {"Pods", HPA_FAILED_GET_PODS_METRIC, true, false},
    {"Object", HPA_FAILED_GET_OBJECT_METRIC, false, false},
    {"External", HPA_FAILED_GET_EXTERNAL_METRIC, false, false},
    {NULL, HPA_INVALID_METRIC_SOURCE_TYPE, false, false},
};

static const struct source *source_of(const struct hpa_metric *metric) {
    const struct source *s = sources;
    while (s->type != NULL && strcmp(s->type, metric->type) != 0) {
        s++;
    }
    return s;
}

enum hpa_reason hpa_failure_of(const struct hpa_metric *metric) {
    return source_of(metric)->failure;
}

struct hpa_proposal hpa_propose(const struct hpa_metric *metric, const struct hpa_settings *settings,
                                const struct hpa_tolerances *tolerances, const struct hpa_observation *obs,
                                const struct hpa_reading *reading) {
    const struct source *source = source_of(metric);
    if (source->type == NULL) {
        return (struct hpa_proposal){.fault = HPA_BAD_SOURCE};
    }
    if (reading->error != NULL) {
        return (struct hpa_proposal){.fault = HPA_METRIC_UNREAD, .target = metric->target_milli};
    }
    if (!source->by_pod) {
        return propose_by_values(metric, tolerances, obs, reading);
    }
    bool utilization = strcmp(metric->target_type, "Utilization") == 0;
    const struct question q = {.utilization = utilization,
                               .cpu = source->of_resource && strcmp(metric->name, "cpu") == 0,
                               .target = utilization ? metric->target_milli / 1000 : metric->target_milli};
    return propose_by_pod(&q, settings, tolerances, obs, reading);
}
