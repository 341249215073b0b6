/* sim/autoscale/hpa_behavior.h: from what the metrics ask for to what the target gets: stabilisation windows,
 * rate limits and bounds (horizontal.go, normalizeDesiredReplicas and normalizeDesiredReplicasWithBehaviors).
 *
 * Ages: with `behavior`, a recommendation or a change counts while it is younger than the window or period;
 * without, a recommendation of exactly the window's age still counts. The controller stamps its changes a
 * little after its decision; here both bear the date of the sync, so that a change made one period ago no
 * longer counts. */
#ifndef DRYDOCK_AUTOSCALE_HPA_BEHAVIOR_H
#define DRYDOCK_AUTOSCALE_HPA_BEHAVIOR_H

#include "autoscale/hpa.h"

/* ---- the log of recommendations ---- */

/* The first sync records the size that it finds. */
void hpa_begin_log(struct hpa_recommendations *log, int64_t current, simtime now);

/* Without behavior: the highest of `desired` and the recommendations of the window. Records `desired`. */
int64_t hpa_stabilize(struct hpa_recommendations *log, int64_t desired, simtime window, simtime now);

/* With behavior: `current`, raised to the lowest recommendation of the window for growing and lowered to the
 * highest of the window for shrinking. Both windows are consulted whatever the direction. Records `desired`.
 */
int64_t hpa_stabilize_both(struct hpa_recommendations *log, int64_t current, int64_t desired,
                           simtime up_window, simtime down_window, simtime now);

/* ---- changes made ---- */

/* Sum of the changes younger than the period. */
int64_t hpa_changed_within(const struct hpa_events *events, int64_t period_s, simtime now);

/* Marks what no policy of `rules` looks at any more as outdated and stores the change, in the last outdated
 * slot when there is one. */
void hpa_store_event(struct hpa_events *events, const struct hpa_rules *rules, int64_t change, simtime now);

/* ---- limits ---- */

/* How far the policies let it grow or shrink now; `*policy` (may be NULL) is the one that says so, NULL when
 * scaling in that direction is Disabled. */
int64_t hpa_up_limit(const struct hpa_rules *rules, const struct hpa_events *ups,
                     const struct hpa_events *downs, int64_t current, simtime now,
                     const struct hpa_policy **policy);
int64_t hpa_down_limit(const struct hpa_rules *rules, const struct hpa_events *ups,
                       const struct hpa_events *downs, int64_t current, simtime now,
                       const struct hpa_policy **policy);

/* A size within rate and bounds, with the reason of ScalingLimited. */
struct hpa_bounded {
    int64_t replicas;
    enum hpa_reason reason;
    const struct hpa_policy *policy; /* whose rate bound it; NULL when none did */
};

/* Without behavior: at most settings->scale_up_factor times the size, shrinking at once. */
struct hpa_bounded hpa_bound(const struct hpa *spec, const struct hpa_settings *settings, int64_t current,
                             int64_t desired);

/* With behavior. */
struct hpa_bounded hpa_bound_rate(const struct hpa *spec, const struct hpa_state *state, int64_t current,
                                  int64_t desired, simtime now);

/* ---- all of it ---- */

/* Takes decision->current and ->proposed through the above and fills replicas, stabilized, limited and the
 * reasons of AbleToScale and ScalingLimited. */
void hpa_normalize(const struct hpa *spec, const struct hpa_settings *settings, struct hpa_state *state,
                   simtime now, struct hpa_decision *decision);

/* The change from decision->current to ->replicas is being made: remembers it for the rate limits. */
void hpa_record_change(const struct hpa *spec, struct hpa_state *state, simtime now,
                       const struct hpa_decision *decision);

#endif
