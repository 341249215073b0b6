#include "autoscale/hpa_behavior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static simtime seconds(int64_t s) {
    return s >= SIMTIME_WINDOW_MAX / SIMTIME_SECOND ? SIMTIME_WINDOW_MAX : s * SIMTIME_SECOND;
}

static int64_t clamp32(int64_t value) {
    return value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : value;
}

static int64_t whole(double value) {
    return value >= (double)INT32_MAX ? INT32_MAX : value <= (double)INT32_MIN ? INT32_MIN : (int64_t)value;
}

/* ---- the log of recommendations ---- */

static void put(struct hpa_recommendations *log, size_t slot, int64_t replicas, simtime now) {
    if (slot == log->count) {
        if (log->count == log->capacity) {
            log->capacity = log->capacity == 0 ? 32 : 2 * log->capacity;
            log->slots = mem_realloc(log->slots, log->capacity, sizeof *log->slots);
        }
        log->count++;
    }
    log->slots[slot] = (struct hpa_recommendation){.at = now, .replicas = replicas};
    log->begun = true;
}

void hpa_begin_log(struct hpa_recommendations *log, int64_t current, simtime now) {
    if (!log->begun) {
        put(log, log->count, current, now);
    }
}

int64_t hpa_stabilize(struct hpa_recommendations *log, int64_t desired, simtime window, simtime now) {
    int64_t highest = desired;
    size_t slot = log->count;
    for (size_t i = 0; i < log->count; i++) {
        const struct hpa_recommendation *r = &log->slots[i];
        if (r->at < now - window) {
            slot = i;
        } else if (r->replicas > highest) {
            highest = r->replicas;
        }
    }
    put(log, slot, desired, now);
    return highest;
}

int64_t hpa_stabilize_both(struct hpa_recommendations *log, int64_t current, int64_t desired,
                           simtime up_window, simtime down_window, simtime now) {
    simtime up_since = now - up_window, down_since = now - down_window;
    int64_t lowest = desired, highest = desired;
    size_t slot = log->count;
    for (size_t i = 0; i < log->count; i++) {
        const struct hpa_recommendation *r = &log->slots[i];
        if (r->at > up_since && r->replicas < lowest) {
            lowest = r->replicas;
        }
        if (r->at > down_since && r->replicas > highest) {
            highest = r->replicas;
        }
        if (r->at < up_since && r->at < down_since) {
            slot = i;
        }
    }
    put(log, slot, desired, now);
    int64_t settled = current < lowest ? lowest : current;
    return settled > highest ? highest : settled;
}

/* ---- changes made ---- */

int64_t hpa_changed_within(const struct hpa_events *events, int64_t period_s, simtime now) {
    simtime since = now - seconds(period_s);
    int64_t sum = 0;
    for (size_t i = 0; i < events->count; i++) {
        if (events->slots[i].at > since) {
            sum += events->slots[i].change;
        }
    }
    return clamp32(sum);
}

static simtime longest_period(const struct hpa_rules *rules) {
    int64_t longest = 0;
    for (size_t i = 0; i < rules->policy_count; i++) {
        if (rules->policies[i].period_s > longest) {
            longest = rules->policies[i].period_s;
        }
    }
    return seconds(longest);
}

void hpa_store_event(struct hpa_events *events, const struct hpa_rules *rules, int64_t change, simtime now) {
    simtime since = now - longest_period(rules);
    size_t slot = events->count;
    for (size_t i = 0; i < events->count; i++) {
        struct hpa_event *e = &events->slots[i];
        e->outdated = e->outdated || e->at < since;
        if (e->outdated) {
            slot = i;
        }
    }
    if (slot == events->count) {
        if (events->count == events->capacity) {
            events->capacity = events->capacity == 0 ? 8 : 2 * events->capacity;
            events->slots = mem_realloc(events->slots, events->capacity, sizeof *events->slots);
        }
        events->count++;
    }
    events->slots[slot] = (struct hpa_event){.at = now, .change = change};
}

/* ---- limits ---- */

/* The size when the policy's period began, as far as this controller's own changes tell. */
static int64_t size_at_start(const struct hpa_policy *policy, const struct hpa_events *ups,
                             const struct hpa_events *downs, int64_t current, simtime now) {
    return clamp32(current - hpa_changed_within(ups, policy->period_s, now) +
                   hpa_changed_within(downs, policy->period_s, now));
}

/* Growing rounds up, or a small percentage of few pods would never add one. */
static int64_t up_to(const struct hpa_policy *policy, int64_t start) {
    return strcmp(policy->type, "Pods") == 0 ? clamp32(start + policy->value)
                                             : whole(ceil((double)start * (1 + (double)policy->value / 100)));
}

static int64_t down_to(const struct hpa_policy *policy, int64_t start) {
    return strcmp(policy->type, "Pods") == 0 ? clamp32(start - policy->value)
                                             : whole((double)start * (1 - (double)policy->value / 100));
}

int64_t hpa_up_limit(const struct hpa_rules *rules, const struct hpa_events *ups,
                     const struct hpa_events *downs, int64_t current, simtime now,
                     const struct hpa_policy **policy) {
    const struct hpa_policy *by = NULL;
    bool least = strcmp(rules->select_policy, "Min") == 0;
    int64_t limit = strcmp(rules->select_policy, "Disabled") == 0 ? current : least ? INT32_MAX : INT32_MIN;
    for (size_t i = 0; i < rules->policy_count && strcmp(rules->select_policy, "Disabled") != 0; i++) {
        const struct hpa_policy *p = &rules->policies[i];
        int64_t proposed = up_to(p, size_at_start(p, ups, downs, current, now));
        if (least ? proposed < limit : proposed > limit) {
            limit = proposed;
            by = p;
        }
    }
    if (policy != NULL) {
        *policy = by;
    }
    return limit;
}

int64_t hpa_down_limit(const struct hpa_rules *rules, const struct hpa_events *ups,
                       const struct hpa_events *downs, int64_t current, simtime now,
                       const struct hpa_policy **policy) {
    const struct hpa_policy *by = NULL;
    bool least = strcmp(rules->select_policy, "Min") == 0;
    int64_t limit = strcmp(rules->select_policy, "Disabled") == 0 ? current : least ? INT32_MIN : INT32_MAX;
    for (size_t i = 0; i < rules->policy_count && strcmp(rules->select_policy, "Disabled") != 0; i++) {
        const struct hpa_policy *p = &rules->policies[i];
        int64_t proposed = down_to(p, size_at_start(p, ups, downs, current, now));
        if (least ? proposed > limit : proposed < limit) {
            limit = proposed;
            by = p;
        }
    }
    if (policy != NULL) {
        *policy = by;
    }
    return limit;
}

struct hpa_bounded hpa_bound(const struct hpa *spec, const struct hpa_settings *settings, int64_t current,
                             int64_t desired) {
    double doubled = settings->scale_up_factor * (double)current;
    int64_t limit = whole(doubled > settings->scale_up_minimum ? doubled : settings->scale_up_minimum);
    bool rate_binds = spec->max_replicas > limit;
    int64_t most = rate_binds ? limit : spec->max_replicas;
    if (desired < spec->min_replicas) {
        return (struct hpa_bounded){.replicas = spec->min_replicas, .reason = HPA_TOO_FEW_REPLICAS};
    }
    if (desired > most) {
        return (struct hpa_bounded){.replicas = most,
                                    .reason = rate_binds ? HPA_SCALE_UP_LIMIT : HPA_TOO_MANY_REPLICAS};
    }
    return (struct hpa_bounded){.replicas = desired, .reason = HPA_DESIRED_WITHIN_RANGE};
}

/* A limit on the wrong side of the current size means that the period's changes are used up: stay. */
static struct hpa_bounded bound_growth(const struct hpa *spec, const struct hpa_state *state, int64_t current,
                                       int64_t desired, simtime now) {
    const struct hpa_policy *policy;
    int64_t limit = hpa_up_limit(&spec->up, &state->ups, &state->downs, current, now, &policy);
    limit = limit < current ? current : limit;
    if (spec->max_replicas <= limit) {
        return desired > spec->max_replicas
                   ? (struct hpa_bounded){spec->max_replicas, HPA_TOO_MANY_REPLICAS, NULL}
                   : (struct hpa_bounded){desired, HPA_DESIRED_WITHIN_RANGE, NULL};
    }
    return desired > limit ? (struct hpa_bounded){limit, HPA_SCALE_UP_LIMIT, policy}
                           : (struct hpa_bounded){desired, HPA_DESIRED_WITHIN_RANGE, NULL};
}

static struct hpa_bounded bound_shrinking(const struct hpa *spec, const struct hpa_state *state,
                                          int64_t current, int64_t desired, simtime now) {
    const struct hpa_policy *policy;
    int64_t limit = hpa_down_limit(&spec->down, &state->ups, &state->downs, current, now, &policy);
    limit = limit > current ? current : limit;
    if (spec->min_replicas >= limit) {
        return desired < spec->min_replicas
                   ? (struct hpa_bounded){spec->min_replicas, HPA_TOO_FEW_REPLICAS, NULL}
                   : (struct hpa_bounded){desired, HPA_DESIRED_WITHIN_RANGE, NULL};
    }
    return desired < limit ? (struct hpa_bounded){limit, HPA_SCALE_DOWN_LIMIT, policy}
                           : (struct hpa_bounded){desired, HPA_DESIRED_WITHIN_RANGE, NULL};
}

struct hpa_bounded hpa_bound_rate(const struct hpa *spec, const struct hpa_state *state, int64_t current,
                                  int64_t desired, simtime now) {
    if (desired > current) {
        return bound_growth(spec, state, current, desired, now);
    }
    if (desired < current) {
        return bound_shrinking(spec, state, current, desired, now);
    }
    return (struct hpa_bounded){desired, HPA_DESIRED_WITHIN_RANGE, NULL};
}

/* ---- all of it ---- */

/* The scale-down window that the spec leaves open is the controller's. */
static simtime down_window(const struct hpa *spec, const struct hpa_settings *settings) {
    return spec->down.stabilization_given ? seconds(spec->down.stabilization_s)
                                          : settings->downscale_stabilization;
}

static void stabilize(const struct hpa *spec, const struct hpa_settings *settings, struct hpa_state *state,
                      simtime now, struct hpa_decision *d) {
    struct hpa_recommendations *log = &state->recommendations;
    simtime up = spec->behavior_given ? seconds(spec->up.stabilization_s) : 0;
    simtime down = spec->behavior_given ? down_window(spec, settings) : settings->downscale_stabilization;
    bool shrinks = !spec->behavior_given || d->proposed < d->current;
    d->stabilized = spec->behavior_given ? hpa_stabilize_both(log, d->current, d->proposed, up, down, now)
                                         : hpa_stabilize(log, d->proposed, down, now);
    bool held = d->stabilized != d->proposed;
    d->able_to_scale = !held     ? HPA_READY_FOR_NEW_SCALE
                       : shrinks ? HPA_SCALE_DOWN_STABILIZED
                                 : HPA_SCALE_UP_STABILIZED;
    d->stabilization_s = held ? (shrinks ? down : up) / SIMTIME_SECOND : 0;
}

void hpa_normalize(const struct hpa *spec, const struct hpa_settings *settings, struct hpa_state *state,
                   simtime now, struct hpa_decision *decision) {
    stabilize(spec, settings, state, now, decision);
    struct hpa_bounded bounded =
        spec->behavior_given ? hpa_bound_rate(spec, state, decision->current, decision->stabilized, now)
                             : hpa_bound(spec, settings, decision->current, decision->stabilized);
    decision->replicas = bounded.replicas;
    decision->scaling_limited = bounded.reason;
    decision->limited = bounded.replicas != decision->stabilized;
    decision->policy = bounded.policy;
}

void hpa_record_change(const struct hpa *spec, struct hpa_state *state, simtime now,
                       const struct hpa_decision *decision) {
    if (!spec->behavior_given) {
        return; /* nothing would read it */
    }
    if (decision->replicas > decision->current) {
        hpa_store_event(&state->ups, &spec->up, decision->replicas - decision->current, now);
    } else {
        hpa_store_event(&state->downs, &spec->down, decision->current - decision->replicas, now);
    }
}

void hpa_state_free(struct hpa_state *state) {
    free(state->recommendations.slots);
    free(state->ups.slots);
    free(state->downs.slots);
    *state = (struct hpa_state){0};
}
