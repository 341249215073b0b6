/* Requests that wait for their first token and will not wait for ever. All of a service have the same
 * patience, so they give up nearly in the order in which they came: a list in that order, and one event for
 * its first. What is served in time costs two links, and no event of its own. */
#include "run/run_private.h"

static void fire(void *context, uint64_t service);

static void wait_for_first(struct world *w, struct service_state *s) {
    struct patience *p = &s->patience;
    simtime at = p->first->gives_up_ps;
    if (p->event == 0) {
        p->event = engine_at(w->engine, at, EVENT_TIMEOUT, fire, w, (uint64_t)(s - w->services));
    } else if (at < p->event_ps) {
        engine_move(w->engine, p->event, at);
    } else {
        return; /* the event comes too early, and then asks again */
    }
    p->event_ps = at;
}

void patience_begins(struct world *w, struct request *r) {
    struct service_state *s = &w->services[r->service];
    struct patience *p = &s->patience;
    if (s->timeout_ps == 0) {
        return;
    }
    r->gives_up_ps = simtime_add(r->sent_ps, s->timeout_ps);
    struct request *before = p->last; /* those from far away reach the gateway later, and give up no later */
    while (before && before->gives_up_ps > r->gives_up_ps) {
        before = before->sooner;
    }
    r->sooner = before;
    r->later = before ? before->later : p->first;
    *(before ? &before->later : &p->first) = r;
    *(r->later ? &r->later->sooner : &p->last) = r;
    if (p->first == r) {
        wait_for_first(w, s);
    }
}

void patience_ends(struct world *w, struct request *r) {
    struct patience *p = &w->services[r->service].patience;
    if (r->gives_up_ps < 0) {
        return;
    }
    r->gives_up_ps = -1;
    *(r->sooner ? &r->sooner->later : &p->first) = r->later;
    *(r->later ? &r->later->sooner : &p->last) = r->sooner;
}

static void fire(void *context, uint64_t service) {
    struct world *w = context;
    struct service_state *s = &w->services[service];
    s->patience.event = 0;
    while (s->patience.first && s->patience.first->gives_up_ps <= engine_now(w->engine)) {
        struct request *r = s->patience.first;
        patience_ends(w, r);
        dataplane_give_up(w, r);
    }
    if (s->patience.first && s->patience.event == 0) {
        wait_for_first(w, s);
    }
}
