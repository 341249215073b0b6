/* Changes of replicas that the scenario scripts: somebody edits them by hand at a date. */
#include <stdio.h>

#include "accounts/accounts.h"
#include "run/run_private.h"

static uint32_t demand_called(const struct world *w, const char *called) {
    uint32_t d = 0;
    while (!demand_is_called(&w->demands[d], called)) {
        d++; /* scenario_load has checked that there is one */
    }
    return d;
}

void world_scale(struct world *w, uint32_t demand, int64_t replicas) {
    series_rescaled(w, demand);
    struct workload_state *load = &w->workloads[demand];
    simtime now = engine_now(w->engine);
    load->wanted_area += (simtime_total)w->replicas_wanted[demand] * (now - load->wanted_since_ps);
    load->wanted_since_ps = now;
    w->replicas_wanted[demand] = replicas;
    cluster_scale(w->cluster, demand, replicas);
}

static void apply(void *context, uint64_t index) {
    struct world *w = context;
    const struct change_config *change = &w->scenario.changes[index];
    uint32_t d = demand_called(w, change->workload);
    char message[64];
    snprintf(message, sizeof message, "replicas from %lld to %lld", (long long)w->replicas_wanted[d],
             (long long)change->replicas);
    rows_event(w, w->demands[d].workload, "ScaledByHand", message);
    world_scale(w, d, change->replicas);
}

void changes_begin(struct world *w) {
    for (size_t i = 0; i < w->scenario.change_count; i++) {
        engine_at(w->engine, simtime_from_s(w->scenario.changes[i].at_s), EVENT_CONTROL, apply, w, i);
    }
}
