/* The Ready replicas of a service as its gateway sees them: what it has sent to them itself, always; their
 * queues and KV caches as of its last look, where the policy has a metrics_refresh. */
#include "run/run_private.h"

/* Of a service that is disaggregated those that decode are chosen by themselves. */
struct service_state *candidates_stage(const struct world *w, const struct serving_pod *p) {
    return p->decodes ? w->services[p->service].decode : &w->services[p->service];
}

static simtime last_look(const struct world *w, const struct service_state *s) {
    simtime now = engine_now(w->engine);
    return now - now % s->metrics_refresh_ps;
}

/* What the replica was like after its last event becomes what the gateway sees, if the gateway has looked
 * since. */
static void show(const struct serving_pod *p, struct dd_candidate *c, simtime look) {
    if (p->looked_ps < look) {
        c->waiting = p->waiting;
        c->kv_permille = p->kv_permille;
    }
}

void candidates_see(struct world *w, struct service_state *s) {
    if (s->metrics_refresh_ps == 0) {
        return;
    }
    simtime look = last_look(w, s);
    for (uint32_t i = 0; look > s->seen_ps && i < s->candidate_count; i++) {
        show(s->candidate_pods[i], &s->candidates[i], look);
    }
    s->seen_ps = look;
}

void candidates_refresh(struct world *w, struct serving_pod *p) {
    if (p->candidate < 0) {
        return;
    }
    struct service_state *s = candidates_stage(w, p);
    struct dd_candidate *c = &s->candidates[p->candidate];
    c->outstanding = p->outstanding;
    c->tokens = p->outstanding_tokens;
    if (s->blind) {
        return;
    }
    replica_look(p->replica);
    if (s->metrics_refresh_ps == 0) {
        c->waiting = p->replica->waiting;
        c->kv_permille = p->replica->kv_permille;
        return;
    }
    show(p, c, last_look(w, s));
    p->waiting = p->replica->waiting;
    p->kv_permille = p->replica->kv_permille;
    p->looked_ps = engine_now(w->engine);
}

/* A workload's weight is its own, however many replicas it has: they share it. */
static void share_weight(struct world *w, struct service_state *s, uint32_t demand) {
    if (!s->has_weights) {
        return;
    }
    uint32_t ready = 0;
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        ready += s->candidates[i].workload == demand;
    }
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        if (s->candidates[i].workload == demand) {
            s->candidates[i].weight = (float)(w->workloads[demand].weight / ready);
        }
    }
}

void candidates_add(struct world *w, struct serving_pod *p) {
    struct service_state *s = candidates_stage(w, p);
    size_t capacity = s->candidate_capacity;
    s->candidates = arena_grow(w->arena, s->candidates, s->candidate_count, s->candidate_count + 1u,
                               &capacity, sizeof *s->candidates);
    s->candidate_pods = arena_grow(w->arena, s->candidate_pods, s->candidate_count, s->candidate_count + 1u,
                                   &s->candidate_capacity, sizeof *s->candidate_pods);
    p->candidate = s->candidate_count++;
    s->candidates[p->candidate] =
        (struct dd_candidate){.replica = p->number, .workload = p->demand, .weight = 1};
    s->candidate_pods[p->candidate] = p;
    share_weight(w, s, p->demand);
    candidates_refresh(w, p);
}

/* Keeps the order of the others, so that what a router sees does not depend on who left. */
void candidates_remove(struct world *w, struct serving_pod *p) {
    if (p->candidate < 0) {
        return;
    }
    struct service_state *s = candidates_stage(w, p);
    for (uint32_t i = (uint32_t)p->candidate; i + 1 < s->candidate_count; i++) {
        s->candidates[i] = s->candidates[i + 1];
        s->candidate_pods[i] = s->candidate_pods[i + 1];
        s->candidate_pods[i]->candidate = i;
    }
    s->candidate_count--;
    p->candidate = -1;
    share_weight(w, s, p->demand);
}
