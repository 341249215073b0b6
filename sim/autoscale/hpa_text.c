/* Words for decisions. Every sync is a row of /decisions, so the formula is put together by hand: printf took
 * more instructions than the decision. */
#include <string.h>

#include "autoscale/hpa.h"

/* ---- names ---- */

static const char *const reason_names[] = {
    [HPA_NO_REASON] = "",
    [HPA_SUCCEEDED_GET_SCALE] = "SucceededGetScale",
    [HPA_READY_FOR_NEW_SCALE] = "ReadyForNewScale",
    [HPA_SCALE_UP_STABILIZED] = "ScaleUpStabilized",
    [HPA_SCALE_DOWN_STABILIZED] = "ScaleDownStabilized",
    [HPA_SUCCEEDED_RESCALE] = "SucceededRescale",
    [HPA_VALID_METRIC_FOUND] = "ValidMetricFound",
    [HPA_SCALING_DISABLED] = "ScalingDisabled",
    [HPA_AMBIGUOUS_SELECTOR] = "AmbiguousSelector",
    [HPA_FAILED_GET_RESOURCE_METRIC] = "FailedGetResourceMetric",
    [HPA_FAILED_GET_CONTAINER_RESOURCE_METRIC] = "FailedGetContainerResourceMetric",
    [HPA_FAILED_GET_PODS_METRIC] = "FailedGetPodsMetric",
    [HPA_FAILED_GET_OBJECT_METRIC] = "FailedGetObjectMetric",
    [HPA_FAILED_GET_EXTERNAL_METRIC] = "FailedGetExternalMetric",
    [HPA_INVALID_METRIC_SOURCE_TYPE] = "InvalidMetricSourceType",
    [HPA_DESIRED_WITHIN_RANGE] = "DesiredWithinRange",
    [HPA_SCALE_UP_LIMIT] = "ScaleUpLimit",
    [HPA_SCALE_DOWN_LIMIT] = "ScaleDownLimit",
    [HPA_TOO_MANY_REPLICAS] = "TooManyReplicas",
    [HPA_TOO_FEW_REPLICAS] = "TooFewReplicas",
};

const char *hpa_reason_name(enum hpa_reason reason) {
    return reason_names[reason];
}

static const char *const fault_texts[] = {
    [HPA_NO_FAULT] = "",
    [HPA_METRIC_UNREAD] = "the metric could not be read",
    [HPA_NO_SAMPLES] = "the metrics API returned no metrics",
    [HPA_NO_PODS] = "the selector matches no pods",
    [HPA_NO_READY_SAMPLES] = "no metrics of pods that count (they might be unready)",
    [HPA_REQUEST_MISSING] = "a container has no request for the resource",
    [HPA_CONTAINER_MISSING] = "a pod has no container of that name",
    [HPA_ONLY_STRAYS] = "no metrics matched known pods with a request",
    [HPA_BAD_SOURCE] = "unknown type of metric",
};

const char *hpa_fault_text(enum hpa_fault fault) {
    return fault_texts[fault];
}

/* ---- building a text; what does not fit is left out ---- */

struct line {
    char *at, *end; /* one byte is kept for the NUL */
};

static void say(struct line *l, const char *text) {
    while (*text != '\0' && l->at < l->end) {
        *l->at++ = *text++;
    }
}

static void say_number(struct line *l, int64_t value) {
    char digits[24];
    char *first = digits + sizeof digits - 1;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *first = '\0';
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--first = '-';
    }
    say(l, first);
}

/* 1500 thousandths as 1.5. */
static void say_milli(struct line *l, int64_t milli) {
    int64_t fraction = milli % 1000 < 0 ? -(milli % 1000) : milli % 1000;
    if (milli < 0 && milli > -1000) {
        say(l, "-");
    }
    say_number(l, milli / 1000);
    if (fraction > 0) {
        char text[] = {'.', (char)('0' + fraction / 100), (char)('0' + fraction / 10 % 10),
                       (char)('0' + fraction % 10), '\0'};
        for (size_t last = 3; text[last] == '0'; last--) {
            text[last] = '\0';
        }
        say(l, text);
    }
}

static void say_count(struct line *l, const char *before, int64_t count, const char *after) {
    say(l, before);
    say_number(l, count);
    say(l, after);
}

/* ---- the formula ---- */

static void say_amount(struct line *l, const struct hpa_proposal *p, int64_t amount) {
    if (p->utilization) {
        say_count(l, "", amount, " %");
    } else {
        say_milli(l, amount);
    }
}

static void say_quotient(struct line *l, const struct hpa_proposal *p, int64_t amount) {
    say_amount(l, p, amount);
    say(l, " / ");
    say_amount(l, p, p->target);
}

static void say_filled(struct line *l, const struct hpa_proposal *p) {
    say_quotient(l, p, p->filled_milli);
    say_count(l, " x ", p->samples, " samples");
}

static void say_made_up(struct line *l, const struct hpa_proposal *p) {
    bool grows = (p->utilization ? p->utilization_pct : p->usage_milli) > p->target;
    if (p->missing > 0) {
        say_count(l, " (", p->missing, " missing");
        say(l, grows ? " at 0" : " as busy as can be");
        say(l, p->unready > 0 && grows ? "" : ")");
    }
    if (p->unready > 0 && grows) {
        say_count(l, p->missing > 0 ? ", " : " (", p->unready, " unready at 0)");
    }
}

static void say_proposal(struct line *l, const struct hpa_proposal *p) {
    int64_t level = p->utilization ? p->utilization_pct : p->usage_milli;
    switch (p->rule) {
    case HPA_RULE_TOLERATED:
        say_quotient(l, p, level);
        say(l, " is within tolerance");
        break;
    case HPA_RULE_READY:
        say(l, "ceil(");
        say_quotient(l, p, level);
        say_count(l, " x ", p->ready, " ready)");
        break;
    case HPA_RULE_FILLED:
        say(l, "ceil(");
        say_filled(l, p);
        say(l, ")");
        say_made_up(l, p);
        break;
    case HPA_RULE_FLIPPED:
        say_quotient(l, p, level);
        say(l, ", but ");
        say_filled(l, p);
        say_made_up(l, p);
        say(l, " does not confirm it");
        break;
    case HPA_RULE_TOTAL:
        say(l, "ceil(");
        say_quotient(l, p, p->filled_milli != 0 ? p->filled_milli : level);
        say(l, ")");
        break;
    case HPA_RULE_NONE:
        say(l, p->fault == HPA_NO_FAULT ? "not looked at" : fault_texts[p->fault]);
        break;
    }
    if (p->fault == HPA_NO_FAULT && p->rule != HPA_RULE_NONE) {
        say_count(l, " = ", p->replicas, "");
    }
}

static void say_policy(struct line *l, const struct hpa_policy *policy) {
    say(l, " (");
    say(l, policy->type);
    say_count(l, " ", policy->value, "");
    say_count(l, " in ", policy->period_s, " s)");
}

/* What became of the metrics' wish. */
static void say_normalized(struct line *l, const struct hpa_decision *d) {
    if (d->stabilized != d->proposed) {
        say_count(l, "; ", d->stabilized, " of the last ");
        say_count(l, "", d->stabilization_s, " s");
    }
    if (d->replicas != d->stabilized) {
        say_count(l, "; ", d->replicas, " by ");
        say(l, reason_names[d->scaling_limited]);
        if (d->policy != NULL) {
            say_policy(l, d->policy);
        }
    }
}

static struct line begin(char out[HPA_TEXT_BYTES]) {
    return (struct line){.at = out, .end = out + HPA_TEXT_BYTES - 1};
}

const char *hpa_formula(const struct hpa *spec, const struct hpa_decision *decision,
                        char out[HPA_TEXT_BYTES]) {
    struct line l = begin(out);
    switch (decision->path) {
    case HPA_PATH_DISABLED:
        say(&l, "0 replicas: disabled");
        break;
    case HPA_PATH_ABOVE_MAX:
        say_count(&l, "maxReplicas = ", spec->max_replicas, "");
        break;
    case HPA_PATH_BELOW_MIN:
        say_count(&l, "minReplicas = ", spec->min_replicas, "");
        break;
    default:
        if (decision->metric < spec->metric_count) {
            const char *name = spec->metrics[decision->metric].name;
            say(&l, name != NULL ? name : spec->metrics[decision->metric].type);
            say(&l, ": ");
            say_proposal(&l, &decision->proposal);
        } else {
            say(&l, reason_names[decision->error]);
        }
        if (decision->path == HPA_PATH_METRICS) {
            say_normalized(&l, decision);
        }
        break;
    }
    *l.at = '\0';
    return out;
}

/* ---- the cause ---- */

static void say_metric(struct line *l, const struct hpa_metric *metric) {
    bool utilization = strcmp(metric->target_type, "Utilization") == 0;
    const char *kind = strcmp(metric->type, "Pods") == 0       ? "pods metric "
                       : strcmp(metric->type, "Object") == 0   ? " metric "
                       : strcmp(metric->type, "External") == 0 ? "external metric "
                                                               : NULL;
    if (kind != NULL) {
        say(l, kind[0] == ' ' ? metric->described_kind : "");
        say(l, kind);
        say(l, metric->name);
        return;
    }
    say(l, metric->name);
    say(l, utilization && metric->container != NULL ? " container resource" : " resource");
    say(l, utilization ? " utilization (percentage of request)" : "");
}

const char *hpa_cause(const struct hpa *spec, const struct hpa_decision *decision, char out[HPA_TEXT_BYTES]) {
    struct line l = begin(out);
    if (decision->path == HPA_PATH_DISABLED || decision->path == HPA_PATH_FAILED) {
        say(&l, reason_names[decision->scaling_active]);
    } else if (decision->path == HPA_PATH_ABOVE_MAX) {
        say(&l, "Current number of replicas above Spec.MaxReplicas");
    } else if (decision->path == HPA_PATH_BELOW_MIN ||
               (decision->current == 0 && decision->proposed < decision->replicas)) {
        say(&l, "Current number of replicas below Spec.MinReplicas");
    } else if (decision->proposed > decision->current) {
        say_metric(&l, &spec->metrics[decision->metric]);
        say(&l, " above target");
    } else if (decision->proposed < decision->current) {
        say(&l, "All metrics below target");
    }
    *l.at = '\0';
    return out;
}
