/* Prefill/decode disaggregation: which workloads of a service do what, and whether they can do it together.
 * The servers' own arguments say it, or, where these leave it open (vLLM's kv_both: its proxy knows), the
 * policy. */
#include <math.h>
#include <string.h>

#include "world/world.h"

struct roles {
    struct world *w;
    struct service_state *service;
    const struct policy_config *policy; /* NULL = none */
    int64_t prefill, decode;            /* the first workload of each; -1 = none */
    int64_t whole, open;                /* that takes whole requests; whose arguments leave it open */
    struct error *err;
};

static const struct engine_args *args_of(const struct world *w, uint32_t d) {
    const struct container *c = d < w->scenario.manifests.workload_count
                                    ? workload_model_server(&w->scenario.manifests.workloads[d])
                                    : NULL;
    return c && !w->workloads[d].plain ? &c->engine : NULL;
}

static bool is_ours(const struct roles *r, uint32_t d) {
    const struct workload_state *load = &r->w->workloads[d];
    return load->service == r->service - r->w->services && load->can_serve;
}

/* Connectors that keep KV for the server itself, with no other one to hand it to. */
static bool hands_over(const struct engine_kv_transfer *kv) {
    static const char *const own[] = {"OffloadingConnector", "SimpleCPUOffloadConnector",
                                      "LMCacheConnectorV1", "LMCacheMPConnector", "MooncakeStoreConnector"};
    bool by_role = kv->role == KV_ROLE_PREFILL || kv->role == KV_ROLE_DECODE;
    for (size_t i = 0; !by_role && kv->connector && i < sizeof own / sizeof *own; i++) {
        if (strcmp(own[i], kv->connector) == 0) {
            return false;
        }
    }
    return kv->role != KV_ROLE_NONE;
}

static const char *name_of(const struct roles *r, int64_t d) {
    return r->w->demands[d].workload;
}

static bool fail_at(const struct roles *r, int64_t d, const char *text, const char *more) {
    const struct engine_args *args = args_of(r->w, (uint32_t)d);
    const struct position *pos =
        args && args->kv_transfer.pos.line ? &args->kv_transfer.pos : &r->w->demands[d].pos;
    bool sglang = args && args->server && strcmp(args->server, "sglang") == 0;
    return error_at(r->err, ERROR_INVALID, pos, sglang ? "--disaggregation-mode" : "--kv-transfer-config",
                    "%s %s%s", name_of(r, d), text, more);
}

/* ---- what the policy says ---- */

static bool is_named(const struct roles *r, uint32_t d, enum kv_role role) {
    const struct disaggregation_config *c = &r->policy->disaggregation;
    const char **names = role == KV_ROLE_PREFILL ? c->prefill : c->decode;
    size_t count = role == KV_ROLE_PREFILL ? c->prefill_count : c->decode_count;
    for (size_t i = 0; i < count; i++) {
        if (demand_is_called(&r->w->demands[d], names[i])) {
            return true;
        }
    }
    return false;
}

static bool check_names(const struct roles *r, const char **names, size_t count, const char *list) {
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (uint32_t d = 0; d < r->w->demand_count; d++) {
            found |= is_ours(r, d) && demand_is_called(&r->w->demands[d], names[i]);
        }
        if (!found) {
            return error_at(r->err, ERROR_INVALID, &r->policy->pos, list,
                            "'%s' is no workload of service '%s' that serves", names[i], r->service->name);
        }
    }
    return true;
}

/* The role that the policy gives a workload; NONE = none. */
static bool named_role(const struct roles *r, uint32_t d, enum kv_role *role) {
    *role = KV_ROLE_NONE;
    if (!r->policy) {
        return true;
    }
    bool prefill = is_named(r, d, KV_ROLE_PREFILL), decode = is_named(r, d, KV_ROLE_DECODE);
    if (prefill && decode) {
        return error_at(r->err, ERROR_INVALID, &r->policy->pos, "disaggregation",
                        "%s is named under prefill and decode", name_of(r, d));
    }
    *role = prefill ? KV_ROLE_PREFILL : decode ? KV_ROLE_DECODE : KV_ROLE_NONE;
    return true;
}

/* ---- both together ---- */

static bool settle_one(struct roles *r, uint32_t d) {
    const struct engine_args *args = args_of(r->w, d);
    enum kv_role told = args && hands_over(&args->kv_transfer) ? args->kv_transfer.role : KV_ROLE_NONE;
    enum kv_role named;
    if (!named_role(r, d, &named)) {
        return false;
    }
    if (named != KV_ROLE_NONE && told == KV_ROLE_NONE) {
        fail_at(r, d, "is named by the policy's disaggregation, and its server hands over no KV", "");
        return error_hint(r->err, "vLLM: --kv-transfer-config; SGLang: --disaggregation-mode");
    }
    if (named != KV_ROLE_NONE && told != KV_ROLE_BOTH && told != named) {
        return fail_at(r, d, "is told to ",
                       told == KV_ROLE_PREFILL ? "prefill, and the policy has it decode"
                                               : "decode, and the policy has it prefill");
    }
    enum kv_role role = told == KV_ROLE_BOTH ? named : told;
    r->w->workloads[d].kv_role = role;
    int64_t *first = role == KV_ROLE_PREFILL  ? &r->prefill
                     : role == KV_ROLE_DECODE ? &r->decode
                     : told == KV_ROLE_BOTH   ? &r->open
                                              : &r->whole;
    *first = *first < 0 ? (int64_t)d : *first;
    return true;
}

/* Does the policy say how prefill and decode are shared out? */
static bool has_policy(const struct roles *r) {
    const struct disaggregation_config *c = r->policy ? &r->policy->disaggregation : NULL;
    return c && (c->router || c->prefill_count > 0 || c->decode_count > 0);
}

/* Whether the service is disaggregated, and can be. */
static bool check_roles(const struct roles *r) {
    if (r->prefill < 0 && r->decode < 0) {
        if (r->open >= 0) {
            notice_add(r->w->notices, NOTICE_WARNING, &args_of(r->w, (uint32_t)r->open)->kv_transfer.pos,
                       "%s: kv_both says not who prefills; it takes whole requests here unless policies "
                       "`disaggregation:` names who does what",
                       name_of(r, r->open));
        } else if (has_policy(r)) {
            notice_add(r->w->notices, NOTICE_WARNING, &r->policy->pos,
                       "policies of service %s: disaggregation without effect: no server of it has a role "
                       "(--kv-transfer-config, --disaggregation-mode)",
                       r->service->name);
        }
        return true;
    }
    int64_t odd = r->whole >= 0 ? r->whole : r->open;
    if (odd >= 0) {
        fail_at(r, odd, "neither prefills nor decodes, and others of its service do", "");
        return error_hint(r->err, "give it a role (--kv-transfer-config, --disaggregation-mode; policies "
                                  "`disaggregation:` where kv_both leaves it open) or a service of its own");
    }
    if (r->prefill < 0 || r->decode < 0) {
        bool decodes = r->prefill < 0;
        fail_at(r, decodes ? r->decode : r->prefill,
                decodes ? "decodes, and no workload of its service prefills: service "
                        : "prefills, and no workload of its service decodes: service ",
                r->service->name);
        return error_hint(r->err,
                          "a Service selects both: give their pods a label in common, and it as selector");
    }
    return true;
}

/* ---- do they fit ---- */

static bool is_sglang(const struct replica_config *c) {
    return c->scheduler == SCHEDULER_SGLANG;
}

static const char *what_differs(const struct replica_config *a, const struct replica_config *b) {
    return a->architecture != b->architecture   ? "is of another model than "
           : is_sglang(a) != is_sglang(b)       ? "is another server than "
           : a->kv != b->kv                     ? "keeps KV in another precision than "
           : a->block_tokens != b->block_tokens ? "has another --block-size than "
                                                : NULL;
}

static bool check_pair(const struct roles *r, uint32_t p, uint32_t d, size_t from, size_t to) {
    struct world *w = r->w;
    const struct pool_times *a = &w->workloads[p].on_pool[from], *b = &w->workloads[d].on_pool[to];
    double latency_s, bandwidth;
    if (!a->times || !b->times) {
        return true;
    }
    if (a->config.scheduler == SCHEDULER_STATIC || b->config.scheduler == SCHEDULER_STATIC) {
        return fail_at(r, p, "hands over KV, and service_times has `batching: static`", "");
    }
    const char *differs = what_differs(&b->config, &a->config);
    if (differs) {
        return fail_at(r, d, differs, name_of(r, p));
    }
    /* Zones have links; a platform of the user's may lack a route. */
    if (!platform_path(&w->platform, w->first_host[from], w->first_host[to], &latency_s, &bandwidth)) {
        return fail_at(r, p, "may prefill where no route leads to a node that decodes: in pool ",
                       w->scenario.pools[from].name);
    }
    return true;
}

static bool check_all(const struct roles *r) {
    struct world *w = r->w;
    size_t pools = w->scenario.pool_count;
    for (uint32_t p = 0; p < w->demand_count; p++) {
        for (uint32_t d = 0;
             is_ours(r, p) && w->workloads[p].kv_role == KV_ROLE_PREFILL && d < w->demand_count; d++) {
            bool pair = is_ours(r, d) && w->workloads[d].kv_role == KV_ROLE_DECODE;
            for (size_t k = 0; pair && k < pools * pools; k++) {
                if (!check_pair(r, p, d, k / pools, k % pools)) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* ---- the whole ---- */

static bool add_decode(const struct roles *r) {
    struct world *w = r->w;
    struct service_state *s = r->service;
    const struct disaggregation_config *c = r->policy ? &r->policy->disaggregation : NULL;
    bool own = c && c->router;
    s->decode = arena_alloc(w->arena, sizeof *s->decode);
    s->decode->name = arena_printf(w->arena, "%s/decode", s->name);
    s->decode->key = s->key;
    s->decode->limits = s->limits;
    s->decode->metrics_refresh_ps = s->metrics_refresh_ps;
    s->decode->has_weights = s->has_weights;
    s->handover_tokens_from = c ? (uint32_t)c->prompt_tokens_from : 0;
    s->decode_first = strcmp(args_of(w, (uint32_t)r->decode)->server, "sglang") == 0;
    if (s->decode_first && s->handover_tokens_from > 0) {
        error_at(r->err, ERROR_INVALID, &r->policy->pos, "disaggregation.prompt_tokens_from",
                 "SGLang's decode servers compute no prompts");
        return error_hint(r->err, "leave it out");
    }
    const struct router_order order = {.w = w,
                                       .service = s,
                                       .of = s->decode,
                                       .name = own         ? c->router
                                               : r->policy ? r->policy->router
                                                           : "round-robin",
                                       .options = own         ? c->options
                                                  : r->policy ? r->policy->options
                                                              : NULL,
                                       .pos = r->policy ? &r->policy->pos : NULL,
                                       .field = "disaggregation.options"};
    return world_router(&order, r->err);
}

bool world_roles(struct world *w, struct service_state *s, const struct policy_config *p, struct error *err) {
    struct roles r = {
        .w = w, .service = s, .policy = p, .prefill = -1, .decode = -1, .whole = -1, .open = -1, .err = err};
    const struct disaggregation_config *c = p ? &p->disaggregation : NULL;
    if (p && p->service &&
        (!check_names(&r, c->prefill, c->prefill_count, "disaggregation.prefill") ||
         !check_names(&r, c->decode, c->decode_count, "disaggregation.decode"))) {
        return false;
    }
    for (uint32_t d = 0; d < w->demand_count; d++) {
        if (is_ours(&r, d) && !settle_one(&r, d)) {
            return false;
        }
    }
    return check_roles(&r) && (r.prefill < 0 || (check_all(&r) && add_decode(&r)));
}

bool world_is_disaggregated(const struct world *w) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        if (w->services[i].decode) {
            return true;
        }
    }
    return false;
}
