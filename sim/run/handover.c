/* Prefill/decode disaggregation: the way of a request that one replica prefills and another one answers.
 *
 * What the prefill replica sees is a request of its own for one token, the leg: a record beside the user's,
 * of the same id, as the proxy sends it (vLLM: max_tokens = 1). It is answered, and its KV stays until the
 * decode replica has got it. The user's request is known to the decode replica alone, and to nobody before
 * that.
 *
 *   vLLM    leg to prefill; when it is answered, the request to decode, which takes blocks for its KV when
 * its turn comes; the KV's way; decode computes the last token of the prompt and makes all of the answer.
 *   SGLang  both at once; prefill begins when decode has taken room for the KV; the KV's way; decode goes on
 *           from the first token, which prefill has made.
 *
 * Whoever ends the request ends the leg, and waits until that has left its replica: both replicas' work is
 * the request's. */
#include "accounts/accounts.h"
#include "run/run_private.h"

enum leg { LEG_OUT, LEG_GOING, LEG_THERE, LEG_HELD };

struct handover {
    struct request leg; /* first: replicas know the handover by it */
    struct request *request;
    struct handover_trace trace;
    enum leg stage;
    bool held;    /* at the gateway: no replica that decodes is Ready */
    bool closing; /* the leg is being ended, by whoever asks */
    bool over;    /* the request has ended with `end`, but for the leg */
    enum request_status end;
    simtime reaches_ps; /* the prefill replica */
    event_id event;
    transfer_id transfer;
    uint32_t next_free; /* 0 = none; index + 1 */
};

struct handovers {
    struct handover **items;
    size_t count, capacity;
    uint32_t free;
};

static struct handover *handover_of(const struct world *w, const struct request *r) {
    return w->handovers->items[r->handover - 1];
}

static struct service_state *service_of(struct world *w, const struct handover *h) {
    return &w->services[h->request->service];
}

static struct serving_pod *prefill_pod(const struct world *w, const struct handover *h) {
    return w->pods[h->leg.replica];
}

static uint64_t as_argument(struct handover *h) {
    return (uint64_t)(uintptr_t)h;
}

static struct handover *from_argument(uint64_t argument) {
    return (struct handover *)(uintptr_t)argument; /* NOLINT(performance-no-int-to-ptr) */
}

/* ---- records ---- */

static struct handover *take(struct world *w, struct request *r) {
    struct handovers *all = w->handovers;
    uint32_t index = all->free;
    if (index) {
        all->free = all->items[index - 1]->next_free;
    } else {
        all->items =
            arena_grow(w->arena, all->items, all->count, all->count + 1, &all->capacity, sizeof *all->items);
        all->items[all->count++] = arena_alloc(w->arena, sizeof **all->items);
        index = (uint32_t)all->count;
    }
    struct handover *h = all->items[index - 1];
    *h = (struct handover){.request = r, .trace = {-1, -1, -1, -1, 0}};
    r->handover = index;
    return h;
}

void handover_free(struct world *w, struct request *r) {
    struct handover *h = handover_of(w, r);
    h->request = NULL;
    h->next_free = w->handovers->free;
    w->handovers->free = r->handover;
    r->handover = 0;
}

const struct handover_trace *handover_trace(const struct world *w, const struct request *r) {
    return r->handover ? &handover_of(w, r)->trace : NULL;
}

/* ---- ends ---- */

/* Its replica has no more to do with it. */
static void leg_out(struct world *w, struct handover *h) {
    h->stage = LEG_OUT;
    dataplane_leave_pod(w, &h->leg);
    h->request->compute_ps += h->leg.compute_ps;
    h->request->cost_usd += h->leg.cost_usd;
}

static void stop_moving(struct world *w, struct handover *h) {
    engine_cancel(w->engine, h->event);
    engine_transfer_cancel(w->engine, h->transfer);
    h->event = 0;
    h->transfer = 0;
}

bool handover_close(struct world *w, struct request *r, enum request_status status) {
    struct handover *h = handover_of(w, r);
    stop_moving(w, h);
    if (h->stage == LEG_THERE) {
        h->closing = true;
        replica_cancel(prefill_pod(w, h)->replica, &h->leg, status);
        h->closing = false;
    } else if (h->stage == LEG_HELD) {
        replica_kv_left(prefill_pod(w, h)->replica, &h->leg);
    }
    if (h->stage == LEG_GOING || h->stage == LEG_HELD) {
        leg_out(w, h);
    }
    if (h->stage == LEG_OUT) {
        return true;
    }
    patience_ends(w, r);
    h->over = true;
    h->end = status;
    return false;
}

/* The request ends with `status`: at its decode replica, on the way there, or wherever it is held. */
void handover_stop(struct world *w, struct request *r, enum request_status status) {
    struct handover *h = handover_of(w, r);
    if (r->replica >= 0 && r->place == REQUEST_PLACE_NONE) {
        r->status = (uint8_t)status; /* it ends on arrival there */
    } else if (r->replica >= 0) {
        replica_cancel(w->pods[r->replica]->replica, r, status);
    } else {
        if (h->held) {
            request_list_remove(&service_of(w, h)->decode->held, r);
        }
        dataplane_end(w, r, status);
    }
}

void handover_abandon(struct world *w, struct request *r) {
    struct handover *h = handover_of(w, r);
    if (h->stage != LEG_OUT) {
        allocation_release(w, prefill_pod(w, h), &h->leg);
        r->compute_ps += h->leg.compute_ps;
        r->cost_usd += h->leg.cost_usd;
        h->stage = LEG_OUT;
    }
}

/* What it held is gone with it. Legs that it was at work on have failed by themselves. */
void handover_pod_killed(struct world *w, const struct serving_pod *p) {
    for (size_t i = 0; w->handovers && i < w->handovers->count; i++) {
        struct handover *h = w->handovers->items[i];
        if (h->request && h->stage == LEG_HELD && prefill_pod(w, h) == p) {
            stop_moving(w, h);
            replica_kv_left(p->replica, &h->leg);
            leg_out(w, h);
            handover_stop(w, h->request, REQUEST_FAILED);
        }
    }
}

/* ---- to decode ---- */

static void to_decode(struct world *w, struct handover *h) {
    struct service_state *decode = service_of(w, h)->decode;
    struct request *r = h->request;
    h->held = decode->candidate_count == 0;
    if (h->held) {
        request_list_push_back(&decode->held, r);
        if (r->watched) {
            diary_held(w->diary, r, engine_now(w->engine));
        }
        return;
    }
    r->remote = REMOTE_WANTED;
    dataplane_route(w, r, decode);
}

static void to_decode_later(void *context, uint64_t argument) {
    struct handover *h = from_argument(argument);
    h->event = 0;
    to_decode(context, h);
}

void handover_release(struct world *w, struct service_state *s) {
    while (s->decode->held.head && s->decode->candidate_count > 0) {
        to_decode(w, handover_of(w, request_list_pop_front(&s->decode->held)));
    }
}

/* ---- the KV's way ---- */

static uint32_t host_of(const struct world *w, const struct serving_pod *p) {
    return cluster_node(w->cluster, (size_t)p->pod->node)->host;
}

static uint32_t zone_of(const struct world *w, const struct serving_pod *p) {
    return w->pool_zone[cluster_node(w->cluster, (size_t)p->pod->node)->pool];
}

static void count_bytes(struct world *w, const struct handover *h) {
    struct serving_pod *from = prefill_pod(w, h), *to = w->pods[h->request->replica];
    size_t pair = zone_of(w, from) * w->scenario.zone_count + zone_of(w, to);
    from->kv_out_bytes += h->trace.kv_bytes;
    to->kv_in_bytes += h->trace.kv_bytes;
    w->kv_bytes[pair * w->service_count + h->request->service] += h->trace.kv_bytes;
}

static void kv_came(void *context, uint64_t argument) {
    struct world *w = context;
    struct handover *h = from_argument(argument);
    struct request *r = h->request;
    h->transfer = 0;
    h->trace.arrived_ps = engine_now(w->engine);
    count_bytes(w, h);
    if (r->watched) {
        diary_note(w->diary, r, engine_now(w->engine), "its KV has come");
    }
    replica_kv_left(prefill_pod(w, h)->replica, &h->leg);
    leg_out(w, h);
    struct serving_pod *p = w->pods[r->replica];
    replica_kv_arrived(p->replica, r);
    candidates_refresh(w, p);
}

static void send_kv(struct world *w, struct handover *h) {
    struct request *r = h->request;
    h->trace.begun_ps = engine_now(w->engine);
    if (r->watched) {
        diary_kv_leaves(w->diary, r, engine_now(w->engine), h->trace.kv_bytes);
    }
    h->transfer = engine_transfer(w->engine, host_of(w, prefill_pod(w, h)), host_of(w, w->pods[r->replica]),
                                  (double)h->trace.kv_bytes, kv_came, w, as_argument(h));
    if (h->transfer == 0) {
        handover_stop(w, r, REQUEST_FAILED);
    }
}

static void send_kv_later(void *context, uint64_t argument) {
    struct handover *h = from_argument(argument);
    h->event = 0;
    send_kv(context, h);
}

/* ---- the leg ---- */

static void leg_failed(struct world *w, struct handover *h, enum request_status status) {
    leg_out(w, h);
    if (h->over) {
        dataplane_finish(w, h->request, h->end);
    } else if (!h->closing) {
        handover_stop(w, h->request, status);
    }
}

static void leg_arrives(void *context, uint64_t argument) {
    struct world *w = context;
    struct handover *h = from_argument(argument);
    struct serving_pod *p = prefill_pod(w, h);
    const char *reason = NULL;
    h->event = 0;
    h->stage = LEG_THERE;
    if (p->pod->phase < POD_READY || p->pod->phase == POD_GONE) {
        leg_failed(w, h, REQUEST_FAILED);
    } else if (replica_submit(p->replica, &h->leg, &reason)) {
        candidates_refresh(w, p);
    } else {
        dataplane_count_reject(w, h->request, reason);
        leg_failed(w, h, REQUEST_REJECTED);
    }
}

static void on_scheduled(void *context, struct replica *replica, struct request *leg) {
    struct world *w = context;
    struct request *r = ((struct handover *)leg)->request;
    r->scheduled_ps = leg->scheduled_ps;
    r->cached_tokens = leg->cached_tokens;
    w->replica_events.scheduled(w, replica, r);
}

static void on_first_token(void *context, struct replica *replica, struct request *leg) {
    (void)replica;
    routing_first_token(context, leg);
}

/* Back to the proxy, which sends it on; SGLang's servers know each other. */
static void go_on(struct world *w, struct handover *h, const struct serving_pod *p) {
    simtime now = engine_now(w->engine);
    struct request *r = h->request;
    h->stage = LEG_HELD;
    h->trace.prefilled_ps = now;
    if (r->watched) {
        diary_prefilled(w->diary, r, now);
    }
    if (service_of(w, h)->decode_first) {
        send_kv(w, h);
        return;
    }
    simtime back = routing_hop(w, r, p) + p->api_overhead_ps;
    h->event =
        engine_at(w->engine, simtime_add(now, back), EVENT_ARRIVAL, to_decode_later, w, as_argument(h));
}

static void on_finished(void *context, struct replica *replica, struct request *leg,
                        enum request_status status) {
    struct world *w = context;
    struct handover *h = (struct handover *)leg;
    struct serving_pod *p = w->pods[replica->index];
    h->request->preemptions = (uint16_t)(h->request->preemptions + leg->preemptions);
    if (status == REQUEST_COMPLETED) {
        p->completed++;
        if (!h->over && !h->closing) {
            candidates_refresh(w, p);
            go_on(w, h, p);
            return;
        }
        replica_kv_left(replica, leg);
    }
    leg_failed(w, h, status);
}

static void on_token_gaps(void *context, struct replica *replica, simtime gap, simtime increment,
                          uint64_t steps, uint64_t count) {
    (void)context;
    (void)replica;
    (void)gap;
    (void)increment;
    (void)steps;
    (void)count;
}

/* ---- begin ---- */

static void make_leg(struct handover *h, const struct serving_pod *p) {
    h->leg = *h->request;
    h->leg.output_tokens = 1;
    h->leg.leaves_kv = true;
    h->leg.replica = (int32_t)p->replica->index;
    h->leg.work_ps = h->leg.compute_ps = 0;
    h->leg.cost_usd = 0;
    h->leg.preemptions = 0;
    h->leg.gives_up_ps = -1;
    h->leg.previous = h->leg.next = h->leg.sooner = h->leg.later = NULL;
    h->leg.stops = 0;
    h->stage = LEG_GOING;
    h->trace.prefill_replica = h->leg.replica;
}

void handover_begin(struct world *w, struct request *r) {
    struct service_state *s = &w->services[r->service];
    struct handover *h = take(w, r);
    simtime hop;
    struct serving_pod *p = routing_choose(w, s, r, &hop);
    make_leg(h, p);
    bill_outstanding(w, p, 1);
    p->outstanding_tokens += r->input_tokens;
    h->reaches_ps = simtime_add(engine_now(w->engine), hop);
    candidates_refresh(w, p);
    if (s->decode_first) {
        to_decode(w, h);
    } else if (hop == 0) {
        leg_arrives(w, as_argument(h));
    } else {
        h->event = engine_at(w->engine, h->reaches_ps, EVENT_ARRIVAL, leg_arrives, w, as_argument(h));
    }
}

static void on_kv_wanted(void *context, struct replica *replica, struct request *r, int64_t blocks) {
    struct world *w = context;
    struct handover *h = handover_of(w, r);
    const struct serving_pod *p = w->pods[replica->index];
    size_t pool = cluster_node(w->cluster, (size_t)p->pod->node)->pool;
    const struct replica_config *c = &w->workloads[p->demand].on_pool[pool].config;
    simtime now = engine_now(w->engine);
    h->trace.kv_bytes = (uint64_t)((double)(blocks * c->block_tokens) * c->kv_bytes_per_token);
    if (h->stage == LEG_GOING) {
        simtime at = h->reaches_ps > now ? h->reaches_ps : now;
        h->event = engine_at(w->engine, at, EVENT_ARRIVAL, leg_arrives, w, as_argument(h));
    } else {
        h->event = engine_at(w->engine, now, EVENT_TRANSFER, send_kv_later, w, as_argument(h));
    }
}

void handover_build(struct world *w) {
    if (!world_is_disaggregated(w)) {
        return;
    }
    size_t zones = w->scenario.zone_count;
    w->handovers = arena_alloc(w->arena, sizeof *w->handovers);
    w->kv_bytes = arena_array(w->arena, zones * zones * w->service_count, sizeof *w->kv_bytes);
    w->replica_events.kv_wanted = on_kv_wanted;
    w->prefill_events = (struct replica_events){.scheduled = on_scheduled,
                                                .first_token = on_first_token,
                                                .finished = on_finished,
                                                .token_gaps = on_token_gaps,
                                                .context = w,
                                                .watch = w->replica_events.watch};
}
