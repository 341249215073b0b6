/* What a run tells the diary (diary/diary.h) of the requests that are watched: names in place of indices. */
#include <stdio.h>
#include <stdlib.h>

#include "run/run_private.h"

static const char *name_of(const struct world *w, uint32_t name) {
    return name ? w->names.names[name] : NULL;
}

void explain_sent(struct world *w, const struct request *r) {
    diary_sent(w->diary, r, w->services[r->service].name, name_of(w, r->tenant), name_of(w, r->region));
}

void explain_routed(struct world *w, const struct request *r, const struct service_state *s, uint32_t chosen,
                    simtime hop) {
    simtime now = engine_now(w->engine);
    const char **names = mem_alloc(s->candidate_count * sizeof *names);
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        names[i] = s->candidate_pods[i]->pod->name;
    }
    struct diary_route route = {.router = s->router->name,
                                .candidates = s->candidates,
                                .names = names,
                                .count = s->candidate_count,
                                .chosen = chosen,
                                .stale_ps = s->metrics_refresh_ps > 0 ? now - s->seen_ps : 0,
                                .weighs = s->router->weighs,
                                .hop_ps = hop};
    diary_routed(w->diary, r, now, &route);
    free(names);
}

void explain_rejected(struct world *w, const struct request *r, const char *reason) {
    char text[160];
    snprintf(text, sizeof text, "is turned away: %s", reason);
    diary_note(w->diary, r, engine_now(w->engine), text);
}

void explain_ended(struct world *w, const struct request *r) {
    if (r->watched) {
        diary_ended(w->diary, r, engine_now(w->engine));
    }
    diary_look(w->diary, r);
}
