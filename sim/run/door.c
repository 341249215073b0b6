/* The door of a service: who is let in. */
#include "run/run_private.h"

struct gate_load door_load(const struct world *w, const struct service_state *s) {
    return (struct gate_load){
        .now = engine_now(w->engine), .waiting = s->waiting, .replicas = s->candidate_count};
}

/* The limit is on those who wait: while some replica is idle, nobody has to. */
static bool queue_full(const struct service_state *s) {
    if (s->queue_limit < 0 || s->waiting < (uint64_t)s->queue_limit) {
        return false;
    }
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        const struct replica *replica = s->candidate_pods[i]->replica;
        if (replica->waiting == 0 && replica->running < replica->servers) {
            return false;
        }
    }
    return true;
}

const char *door_why_not(struct world *w, struct service_state *s, const struct request *r) {
    if (queue_full(s)) {
        return "queue_limit reached";
    }
    if (s->gate.count == 0) {
        return NULL;
    }
    struct gate_load load = door_load(w, s);
    return gate_admit(&s->gate, r, &load);
}
