/* Bytes between places over the window: requests and answers between users and the gateway of their zone, and
 * between that zone and the replica's where it is another; images and weights that were pulled.
 *
 * Counted when an attempt ends, whatever became of it: what it sent, and the tokens that it was sent back. A
 * request without a region has no place, and a pull counts when all of it has arrived. */
#include <math.h>

#include "accounts/accounts.h"

void transfers_build(struct world *w) {
    const struct scenario *s = &w->scenario;
    w->traffic =
        arena_array(w->arena, s->zone_count * (s->zone_count + 1) * w->service_count, sizeof *w->traffic);
    w->pulls = arena_array(w->arena, w->demand_count * s->zone_count, sizeof *w->pulls);
}

/* ---- while the run goes ---- */

/* No sum of bytes wraps: a trace may state any size. */
static void add_bytes(uint64_t *sum, uint64_t bytes) {
    *sum = *sum + bytes < *sum ? UINT64_MAX : *sum + bytes;
}

static struct traffic *traffic_of(const struct world *w, size_t gateway, size_t slot, size_t service) {
    return &w->traffic[(gateway * (w->scenario.zone_count + 1) + slot) * w->service_count + service];
}

/* 1 + the zone of the node that had the request; 0 when none had it, or one without a node. */
static size_t slot_of(const struct world *w, const struct request *r) {
    const struct pod *pod = r->replica >= 0 ? w->pods[r->replica]->pod : NULL;
    return pod && pod->node >= 0 ? 1 + w->pool_zone[cluster_node(w->cluster, (size_t)pod->node)->pool] : 0;
}

void transfers_count(struct world *w, const struct request *r) {
    if (r->region == 0) {
        return;
    }
    uint32_t gateway = w->region_zone[w->region_of_name[r->region] - 1];
    struct traffic *t = traffic_of(w, gateway, slot_of(w, r), r->service);
    add_bytes(&t->request_bytes, (uint64_t)r->payload_bytes);
    t->response_tokens += r->generated;
}

void transfers_pulled(struct world *w, uint32_t demand, const struct node *node, double bytes,
                      bool is_image) {
    struct pulls *p = &w->pulls[demand * w->scenario.zone_count + w->pool_zone[node->pool]];
    add_bytes(is_image ? &p->image_bytes : &p->weight_bytes, (uint64_t)round(bytes));
}

/* ---- when it is over ---- */

struct movement {
    struct price_place from, to;
    const char *workload, *service;
    uint64_t bytes;
};

static struct price_place zone_place(const struct world *w, size_t zone) {
    const struct zone_config *z = &w->scenario.zones[zone];
    return (struct price_place){.zone = z->name, .region = z->region};
}

static const char *name_of(const struct price_place *place) {
    return place->outside ? place->outside : place->zone;
}

/* A row is told under the place that it left, or came to from outside. */
static bool move(struct world *w, const struct movement *m, struct error *err) {
    const struct price_place *at = m->from.outside ? &m->to : &m->from;
    footprints_transfer(&w->footprints, &w->carbon, at->region, m->service, m->bytes, 0,
                        engine_now(w->engine));
    if (!w->has_prices) {
        return true;
    }
    struct meter_transfer meter = {.from = name_of(&m->from),
                                   .to = name_of(&m->to),
                                   .zone = at->zone,
                                   .region = at->region,
                                   .workload = m->workload,
                                   .service = m->service,
                                   .bytes = m->bytes};
    return ledger_transfer(&w->ledger, &meter, price_book_transfer(&w->price_book, &m->from, &m->to), err);
}

/* One way and back. */
static bool exchange(struct world *w, struct price_place from, struct price_place to, const char *service,
                     const struct traffic *t, struct error *err) {
    double answer = round(w->scenario.response_bytes_per_token * (double)t->response_tokens);
    struct movement there = {.from = from, .to = to, .service = service, .bytes = t->request_bytes};
    struct movement back = {.from = to, .to = from, .service = service, .bytes = (uint64_t)answer};
    return move(w, &there, err) && move(w, &back, err);
}

static bool serve_gateway(struct world *w, size_t gateway, size_t service, struct error *err) {
    const char *name = w->services[service].name;
    struct price_place here = zone_place(w, gateway), users = {.outside = price_internet};
    struct traffic all = {0};
    bool ok = true;
    for (size_t slot = 0; ok && slot <= w->scenario.zone_count; slot++) {
        const struct traffic *t = traffic_of(w, gateway, slot, service);
        add_bytes(&all.request_bytes, t->request_bytes);
        all.response_tokens += t->response_tokens;
        if (slot > 0 && slot - 1 != gateway) {
            ok = exchange(w, here, zone_place(w, slot - 1), name, t, err);
        }
    }
    return ok && exchange(w, users, here, name, &all, err);
}

static bool serve_pulls(struct world *w, uint32_t demand, size_t zone, struct error *err) {
    const struct pulls *p = &w->pulls[demand * w->scenario.zone_count + zone];
    int64_t service = w->workloads[demand].service;
    struct movement m = {.to = zone_place(w, zone),
                         .workload = w->demands[demand].workload,
                         .service = service >= 0 ? w->services[service].name : NULL};
    struct movement images = m, weights = m;
    images.from = (struct price_place){.outside = price_registry};
    images.bytes = p->image_bytes;
    weights.from = (struct price_place){.outside = price_models};
    weights.bytes = p->weight_bytes;
    return move(w, &images, err) && move(w, &weights, err);
}

/* KV of prompts, from where they were computed to where they are answered. */
static bool serve_handovers(struct world *w, size_t from, struct error *err) {
    size_t zones = w->scenario.zone_count;
    bool ok = true;
    for (size_t to = 0; ok && w->kv_bytes && to < zones; to++) {
        for (uint32_t s = 0; ok && to != from && s < w->service_count; s++) {
            struct movement m = {.from = zone_place(w, from),
                                 .to = zone_place(w, to),
                                 .service = w->services[s].name,
                                 .bytes = w->kv_bytes[(from * zones + to) * w->service_count + s]};
            ok = m.bytes == 0 || move(w, &m, err);
        }
    }
    return ok;
}

bool transfers_make(struct world *w, struct error *err) {
    bool ok = true;
    for (size_t zone = 0; ok && zone < w->scenario.zone_count; zone++) {
        for (uint32_t s = 0; ok && s < w->service_count; s++) {
            ok = serve_gateway(w, zone, s, err);
        }
        for (uint32_t d = 0; ok && d < w->demand_count; d++) {
            ok = serve_pulls(w, d, zone, err);
        }
        ok = ok && serve_handovers(w, zone, err);
    }
    return ok;
}
