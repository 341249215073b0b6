/* Which replica a request goes to, how far that is, and what the router hears of it later. */
#include "run/run_private.h"

/* One-way seconds between a region's gateway and the zone of a pod's node; 0 inside a zone and for bare pods.
 */
simtime routing_hop(const struct world *w, const struct request *r, const struct serving_pod *p) {
    if (r->region == 0 || p->pod->node < 0) {
        return 0;
    }
    uint32_t region = w->region_of_name[r->region] - 1;
    const struct node *node = cluster_node(w->cluster, (size_t)p->pod->node);
    uint32_t zone = w->pool_zone[node->pool];
    double latency_s;
    double bandwidth;
    if (zone == w->region_zone[region] ||
        !platform_path(&w->platform, w->gateway_host[w->region_zone[region]], w->gateway_host[zone],
                       &latency_s, &bandwidth)) {
        return 0;
    }
    return simtime_from_s(latency_s);
}

struct serving_pod *routing_choose(struct world *w, struct service_state *s, struct request *r,
                                   simtime *hop) {
    struct dd_route_request seen = {.id = r->id,
                                    .session = r->session,
                                    .input_tokens = r->input_tokens,
                                    .tenant = r->tenant,
                                    .prefix = r->chunks,
                                    .prefix_count = r->chunk_count,
                                    .prefix_tokens = r->chunk_tokens,
                                    .at_s = simtime_to_s(engine_now(w->engine)),
                                    .ttft_s = s->limits.ttft_s,
                                    .tpot_s = s->limits.tpot_s};
    double draws[2];
    const double *uniform = NULL;
    if (!s->router->deterministic) {
        struct rng rng = rng_stream_id(w->seed, RNG_ROUTER, s->router_stream ^ r->id);
        for (int i = 0; i <= r->retries; i++) { /* each attempt has draws of its own */
            draws[0] = rng_uniform(&rng);
            draws[1] = rng_uniform(&rng);
        }
        uniform = draws;
    }
    candidates_see(w, s);
    uint32_t chosen = s->router->choose(s->router_state, &seen, s->candidates, s->candidate_count, uniform);
    if (chosen >= s->candidate_count) {
        error_set(&w->failure, ERROR_FAILED, "router '%s' chose replica %u of %u", s->router->name, chosen,
                  s->candidate_count);
        engine_stop(w->engine);
        chosen = 0;
    }
    struct serving_pod *p = s->candidate_pods[chosen];
    *hop = routing_hop(w, r, p);
    if (r->watched) {
        explain_routed(w, r, s, chosen, *hop);
    }
    return p;
}

static struct dd_route_report report_of(const struct world *w, const struct request *r) {
    return (struct dd_route_report){.id = r->id,
                                    .replica = w->pods[r->replica]->number,
                                    .tokens = r->generated,
                                    .at_s = simtime_to_s(engine_now(w->engine))};
}

void routing_first_token(struct world *w, const struct request *r) {
    const struct service_state *s = candidates_stage(w, w->pods[r->replica]);
    if (s->router->first_token) {
        struct dd_route_report report = report_of(w, r);
        s->router->first_token(s->router_state, &report);
    }
}

void routing_ended(struct world *w, const struct request *r) {
    const struct service_state *s = candidates_stage(w, w->pods[r->replica]);
    if (s->router->ended) {
        struct dd_route_report report = report_of(w, r);
        s->router->ended(s->router_state, &report);
    }
}
