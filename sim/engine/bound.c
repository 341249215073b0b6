/* The date before which no transfer ends: SimGrid need not be asked earlier.
 *
 * SimGrid shares links by weighted max-min: flow i has weight w_i = 1 / latency of its route. Whatever the
 * others do, i gets at least its part of the link where that is least,
 *
 *     r_i >= low_i = min over its links l of C_l * w_i / W_l,     W_l = sum of the weights on l
 *
 * (a flow that gets less than its part of a link is held back by another link, which is then saturated by
 * flows that have no more for their weight). What the others get for certain is lost to i:
 *
 *     r_i <= high_i = min over l of ( C_l - sum of low_j over j on l, j != i ),     and <= the path's
 * bandwidth
 *
 * So i has moved at most the integral of high_i, and needs at least left_i / high_i more. For n equal flows
 * on one bottleneck both bounds are C / n, and the bound is the end itself; it is never later. Flows that
 * still pay their latency move nothing: they count in W but not in the sum of low. All is recomputed where
 * the set of flows changes, in O(flows * links of a route): a tenth of what SimGrid's own solver takes there.
 *
 * Of a platform file's links nothing is known but each route's bandwidth: high_i is that.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "engine/state.h"

/* Off what is counted upon: SimGrid takes a link for full when 1e-9 of its bandwidth is left (the module's
 * maxmin/precision). */
static const double low_margin = 1e-7;
/* Against rounding of sums, ours and SimGrid's: of a duration, and in ps of a date. */
static const double duration_margin = 1e-11;
static const simtime date_margin = 10;

/* Links are numbered with their direction: a host's card out and in, then a link between sites there and
 * back.
 */
static uint32_t link_out(uint32_t host) {
    return 2 * host;
}

static uint32_t link_in(uint32_t host) {
    return 2 * host + 1;
}

void bound_init(struct engine *e) {
    const struct platform *p = e->platform;
    size_t hosts = p ? p->host_count : 0, links = p ? p->link_count : 0;
    e->links = mem_zalloc(2 * (hosts + links) + 1, sizeof *e->links);
    for (size_t i = 0; i < hosts; i++) {
        e->links[2 * i].bytes_per_s = e->links[2 * i + 1].bytes_per_s = p->hosts[i].network_bytes_per_s;
    }
    for (size_t i = 0; i < links; i++) {
        struct bound_link *l = &e->links[2 * (hosts + i)];
        l[0].bytes_per_s = l[1].bytes_per_s = p->links[i].bandwidth_bytes_per_s;
    }
}

void bound_free(struct engine *e) {
    free(e->links);
}

static void add_link(struct flow *f, uint32_t link) {
    if (f->link_count < FLOW_LINKS_MAX) {
        f->links[f->link_count++] = link;
    } else {
        f->links_known = false;
    }
}

/* The shared links on the way: the lower site's way to the higher, as the XML has it in either direction. */
static void find_route(const struct platform *p, struct flow *f) {
    f->link_count = 0;
    f->links_known = !p->xml_file;
    if (p->xml_file) {
        return;
    }
    add_link(f, link_out(f->from));
    add_link(f, link_in(f->to));
    uint32_t a = p->hosts[f->from].site, b = p->hosts[f->to].site;
    bool back = a > b;
    uint32_t at = back ? b : a, end = back ? a : b;
    while (at != end) {
        uint32_t index = (uint32_t)p->path_first_link[at * p->site_count + end];
        const struct platform_link *l = &p->links[index];
        bool there = (l->from == at) != back;
        if (l->shared) {
            add_link(f, 2 * ((uint32_t)p->host_count + index) + there);
        }
        at = l->from == at ? l->to : l->from;
    }
}

void bound_begin(struct engine *e, struct flow *f, double latency_s, double bytes_per_s, double bytes) {
    f->weight = latency_s > 0 ? 1 / latency_s : 1; /* SimGrid's own choice at 0 */
    f->path_bytes_per_s = bytes_per_s;
    f->left = bytes;
    f->high = f->low = 0;
    f->opens = simtime_add(e->now, simtime_from_s(latency_s));
    find_route(e->platform, f);
}

/* What can have moved since the last change. */
static void take_progress(const struct engine *e, struct flow *f, simtime now) {
    simtime since = f->opens > e->bound_at ? f->opens : e->bound_at;
    if (now > since) {
        f->left -= f->high * simtime_to_s(now - since);
        f->left = f->left > 0 ? f->left : 0;
    }
}

static double find_low(const struct engine *e, const struct flow *f) {
    double low = f->path_bytes_per_s;
    for (uint32_t i = 0; i < f->link_count; i++) {
        const struct bound_link *l = &e->links[f->links[i]];
        double part = l->bytes_per_s * f->weight / l->weight;
        low = part < low ? part : low;
    }
    return f->links_known ? low * (1 - low_margin) : 0;
}

static double find_high(const struct engine *e, const struct flow *f) {
    double high = f->path_bytes_per_s;
    for (uint32_t i = 0; i < f->link_count; i++) {
        const struct bound_link *l = &e->links[f->links[i]];
        double rest = l->bytes_per_s - (l->low - f->low);
        high = rest < high ? rest : high;
    }
    return high;
}

static simtime find_end(const struct flow *f, simtime now) {
    simtime wait = simtime_from_s(f->left / f->high * (1 - duration_margin));
    simtime rounding = date_margin + now / 1000000000000000; /* a few units of the date as a double */
    return wait < SIMTIME_NEVER - now ? now + wait - rounding : SIMTIME_NEVER;
}

static struct flow *next_flow(struct engine *e, uint32_t *at) {
    while (*at < e->flow_count) {
        struct flow *f = &e->flows[(*at)++];
        if (f->kind == FLOW_NETWORK) {
            return f;
        }
    }
    return NULL;
}

static void recompute(struct engine *e, simtime now) {
    struct flow *f;
    for (uint32_t at = 0; (f = next_flow(e, &at));) {
        take_progress(e, f, now);
        for (uint32_t i = 0; i < f->link_count; i++) {
            e->links[f->links[i]].weight = e->links[f->links[i]].low = 0;
        }
    }
    for (uint32_t at = 0; (f = next_flow(e, &at));) {
        for (uint32_t i = 0; f->opens <= now && i < f->link_count; i++) {
            e->links[f->links[i]].weight += f->weight;
        }
    }
    for (uint32_t at = 0; (f = next_flow(e, &at));) {
        f->low = f->opens <= now ? find_low(e, f) : 0;
        for (uint32_t i = 0; i < f->link_count; i++) {
            e->links[f->links[i]].low += f->low;
        }
    }
    e->safe = e->next_opens = SIMTIME_NEVER;
    for (uint32_t at = 0; (f = next_flow(e, &at));) {
        f->high = find_high(e, f);
        simtime end = f->opens <= now ? find_end(f, now) : f->opens;
        e->next_opens = f->opens > now && f->opens < e->next_opens ? f->opens : e->next_opens;
        e->safe = end < e->safe ? end : e->safe;
    }
    e->bound_at = now;
}

void bound_settle(struct engine *e, simtime now) {
    while (e->next_opens < now) {
        recompute(e, e->next_opens);
    }
}

void bound_update(struct engine *e, simtime now) {
    if (e->platform->steady) {
        bound_settle(e, now);
        recompute(e, now);
    } else {
        e->safe = 0;
    }
}

bool bound_passed(struct engine *e, simtime t) {
    while (t >= e->safe && e->safe == e->next_opens) {
        recompute(e, e->next_opens);
    }
    return t >= e->safe;
}
