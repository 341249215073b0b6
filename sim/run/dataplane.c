/* A request's way: from the user's send over the network to the gateway, by the router to a replica, and
 * back.
 *
 * Small payloads take latency + bytes / bandwidth of their path; from flow_threshold bytes on they are
 * SimGrid flows that contend with everything else on the links. The gateway of a region's users is in the
 * zone nearest to them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/accounts.h"
#include "base/hash.h"
#include "faults/faults.h"
#include "llm/llm.h"
#include "run/run_private.h"

static struct service_state *service_of(struct world *w, const struct request *r) {
    return &w->services[r->service];
}

/* ---- the end of a request ---- */

static void system_changes(struct world *w, int change) {
    simtime now = engine_now(w->engine);
    w->in_system_area += (simtime_total)w->in_system * (now - w->in_system_since);
    w->in_system_since = now;
    w->in_system = (uint64_t)((int64_t)w->in_system + change);
}

void dataplane_stop_when_done(struct world *w) {
    if (w->arrivals_over && w->window_over && request_pool_live(w->pool) == 0) {
        engine_stop(w->engine);
    }
}

static void send(struct world *w, struct request *r);

static void send_again(void *context, uint64_t argument) {
    struct world *w = context;
    struct request *r = (struct request *)(uintptr_t)argument; /* NOLINT(performance-no-int-to-ptr) */
    r->sent_ps = engine_now(w->engine);
    scopes_retried(w, r);
    if (r->watched) {
        diary_sent_again(w->diary, r);
    }
    send(w, r);
}

/* The attempt is over; its user may send the request once more, which then has not ended. */
static bool goes_on(struct world *w, struct request *r, enum request_status status) {
    simtime after = clients_try_again(w, r, status);
    if (after < 0) {
        return false;
    }
    transfers_count(w, r);
    series_attempted(w, r);
    if (r->handover) {
        handover_free(w, r);
    }
    if (r->watched) {
        diary_tries_again(w->diary, r, engine_now(w->engine), status, after);
    }
    request_again(r);
    engine_at(w->engine, simtime_add(engine_now(w->engine), after), EVENT_ARRIVAL, send_again, w,
              (uint64_t)(uintptr_t)r);
    return true;
}

void dataplane_finish(struct world *w, struct request *r, enum request_status status) {
    if (r->handover && !handover_close(w, r, status)) {
        return;
    }
    if (r->counted && r->first_token_ps >= 0) {
        w->pods[r->replica]->gap_sum += r->last_token_ps - r->first_token_ps;
    }
    patience_ends(w, r);
    if (r->stops) {
        clients_read(w, r);
    }
    if (service_of(w, r)->clients.retry && goes_on(w, r, status)) {
        return;
    }
    r->status = (uint8_t)status;
    r->done_ps = r->last_token_ps >= 0 && status == REQUEST_COMPLETED ? r->last_token_ps + r->down_ps
                                                                      : engine_now(w->engine);
    system_changes(w, -1);
    w->sojourn_sum += engine_now(w->engine) - r->arrival_ps;
    transfers_count(w, r);
    struct outcome outcome = outcome_of(r, &service_of(w, r)->limits);
    scopes_finished(w, r, &outcome);
    series_finished(w, r, &outcome);
    rows_request(w, r, &outcome, handover_trace(w, r));
    if (r->handover) {
        handover_free(w, r);
    }
    if (w->diary) {
        explain_ended(w, r);
    }
    arrivals_forget(r);
    request_give_back(w->pool, r);
    dataplane_stop_when_done(w);
}

void dataplane_count_reject(struct world *w, const struct request *r, const char *reason) {
    struct service_state *s = service_of(w, r);
    if (r->watched) {
        explain_rejected(w, r, reason);
    }
    for (int i = 0; i < REJECT_REASONS_MAX; i++) {
        if (!s->rejects[i].text) {
            s->rejects[i].text = reason;
        }
        if (strcmp(s->rejects[i].text, reason) == 0) {
            s->rejects[i].count++;
            return;
        }
    }
}

/* ---- from the gateway to a replica ---- */

void dataplane_leave_pod(struct world *w, struct request *r) {
    struct serving_pod *p = w->pods[r->replica];
    routing_ended(w, r);
    allocation_release(w, p, r);
    bill_outstanding(w, p, -1);
    p->outstanding_tokens -= r->input_tokens;
    candidates_refresh(w, p);
    if (p->outstanding == 0) {
        cluster_pod_drained(w->cluster, p->pod);
    }
}

/* A request that was let in is no longer the service's. */
static void leave_queue(struct world *w, struct request *r) {
    struct service_state *s = service_of(w, r);
    if (r->scheduled_ps < 0) {
        s->waiting--;
    }
    if (s->gate.count > 0) {
        gate_ended(&s->gate, r, r->replica < 0, engine_now(w->engine));
    }
}

static void release(struct world *w, struct service_state *s);

static void submit(struct world *w, struct request *r) {
    struct serving_pod *p = w->pods[r->replica];
    const char *reason = NULL;
    enum request_status end = REQUEST_REJECTED;
    if (r->status != REQUEST_IN_FLIGHT) {
        end = (enum request_status)r->status; /* given up on the way */
    } else if (p->pod->phase < POD_READY || p->pod->phase == POD_GONE) {
        end = REQUEST_FAILED;
    } else if (replica_submit(p->replica, r, &reason)) {
        candidates_refresh(w, p);
        return;
    } else {
        dataplane_count_reject(w, r, reason);
    }
    struct service_state *s = service_of(w, r);
    leave_queue(w, r);
    dataplane_leave_pod(w, r);
    dataplane_finish(w, r, end);
    release(w, s);
}

static void submit_later(void *context, uint64_t argument) {
    struct request *r = (struct request *)(uintptr_t)argument; /* NOLINT(performance-no-int-to-ptr) */
    submit(context, r);
}

void dataplane_route(struct world *w, struct request *r, struct service_state *stage) {
    simtime hop;
    struct serving_pod *p = routing_choose(w, stage, r, &hop);
    r->replica = (int32_t)p->replica->index;
    r->down_ps += p->api_overhead_ps;
    bill_outstanding(w, p, 1);
    p->outstanding_tokens += r->input_tokens;
    if (hop == 0) {
        submit(w, r);
        return;
    }
    r->down_ps += hop;
    candidates_refresh(w, p);
    engine_at(w->engine, engine_now(w->engine) + hop, EVENT_ARRIVAL, submit_later, w, (uint64_t)(uintptr_t)r);
}

static void route(struct world *w, struct request *r) {
    struct service_state *s = service_of(w, r);
    if (s->decode && r->input_tokens >= s->handover_tokens_from) {
        handover_begin(w, r);
    } else {
        dataplane_route(w, r, s->decode ? s->decode : s);
    }
}

/* Replicas that stand ready to do something for a request: none, while there are none of one kind. */
static uint32_t ready_for(const struct service_state *s) {
    return s->decode && s->decode->candidate_count == 0 ? 0 : s->candidate_count;
}

void dataplane_end(struct world *w, struct request *r, enum request_status status) {
    leave_queue(w, r);
    dataplane_finish(w, r, status);
}

void dataplane_give_up(struct world *w, struct request *r) {
    struct service_state *s = service_of(w, r);
    if (r->handover) {
        handover_stop(w, r, REQUEST_TIMED_OUT);
    } else if (r->replica >= 0 && r->place == REQUEST_PLACE_NONE) {
        r->status = REQUEST_TIMED_OUT; /* between gateway and replica: it ends on arrival there */
    } else if (r->replica >= 0) {
        replica_cancel(w->pods[r->replica]->replica, r, REQUEST_TIMED_OUT);
    } else {
        if (s->gate.holds) {
            gate_take_off(&s->gate, r);
        } else {
            request_list_remove(&s->held, r);
        }
        dataplane_end(w, r, REQUEST_TIMED_OUT);
    }
}

void dataplane_stop(struct world *w, struct request *r) {
    r->cancelled = true;
    if (r->watched) {
        diary_note(w->diary, r, engine_now(w->engine), "its user stops reading");
    }
    replica_cancel(w->pods[r->replica]->replica, r, REQUEST_COMPLETED);
}

/* What is held at the gateway goes on as far as there is room: after anything that makes some. */
static void release(struct world *w, struct service_state *s) {
    if (s->decode) {
        handover_release(w, s);
    }
    if (!s->gate.holds) {
        while (s->held.head && ready_for(s) > 0) {
            route(w, request_list_pop_front(&s->held));
        }
        return;
    }
    if (s->gate.releasing) { /* one that went on was taken at once: whoever let it go looks again */
        return;
    }
    s->gate.releasing = true;
    while (ready_for(s) > 0) {
        struct gate_load load = door_load(w, s);
        struct request *r = gate_release(&s->gate, &load);
        if (!r) {
            break;
        }
        route(w, r);
    }
    s->gate.releasing = false;
}

static void at_gateway(struct world *w, struct request *r) {
    simtime now = engine_now(w->engine);
    r->gateway_ps = now;
    if (r->watched) {
        diary_at_gateway(w->diary, r, now);
    }
    const char *reason = r->route ? models_why_not(w, r) : door_why_not(w, service_of(w, r), r);
    struct service_state *s = service_of(w, r);
    if (reason) {
        dataplane_count_reject(w, r, reason);
        dataplane_finish(w, r, REQUEST_REJECTED);
        return;
    }
    s->waiting++;
    patience_begins(w, r);
    if (s->gate.holds) {
        gate_hold(&s->gate, r);
        if (r->watched) {
            diary_note(w->diary, r, now, "is held there until its turn comes");
        }
        release(w, s);
    } else if (ready_for(s) == 0) {
        request_list_push_back(&s->held, r);
        if (r->watched) {
            diary_held(w->diary, r, now);
        }
    } else {
        route(w, r);
    }
}

/* ---- from the user to the gateway ---- */

static void gateway_later(void *context, uint64_t argument) {
    struct request *r = (struct request *)(uintptr_t)argument; /* NOLINT(performance-no-int-to-ptr) */
    at_gateway(context, r);
}

static void send(struct world *w, struct request *r) {
    if (r->region == 0) {
        at_gateway(w, r);
        return;
    }
    uint32_t region = w->region_of_name[r->region] - 1;
    uint32_t user = w->region_host[region];
    uint32_t gateway = w->gateway_host[w->region_zone[region]];
    double latency_s = 0;
    double bandwidth = INFINITY;
    platform_path(&w->platform, user, gateway, &latency_s, &bandwidth);
    r->down_ps = simtime_from_s(latency_s);
    if (r->payload_bytes >= w->scenario.flow_threshold_bytes) {
        engine_transfer(w->engine, user, gateway, r->payload_bytes, gateway_later, w, (uint64_t)(uintptr_t)r);
        return;
    }
    simtime up = simtime_from_s(latency_s + r->payload_bytes / bandwidth);
    engine_at(w->engine, simtime_add(r->sent_ps, up), EVENT_ARRIVAL, gateway_later, w,
              (uint64_t)(uintptr_t)r);
}

void dataplane_arrived(struct world *w, struct request *r) {
    system_changes(w, 1);
    scopes_arrived(w, r);
    series_arrived(w, r);
    if (r->watched) {
        explain_sent(w, r);
    }
    if (service_of(w, r)->clients.retry) {
        clients_sent(w, r);
    }
    send(w, r);
}

/* ---- what replicas say ---- */

static void on_scheduled(void *context, struct replica *replica, struct request *r) {
    struct world *w = context;
    if (r->watched) {
        diary_scheduled(w->diary, r, engine_now(w->engine));
    }
    struct service_state *s = service_of(w, r);
    s->waiting--;
    candidates_refresh(w, w->pods[replica->index]);
    if (s->gate.count > 0) {
        struct gate_load load = door_load(w, s);
        gate_started(&s->gate, &load);
        release(w, s);
    }
}

static void on_first_token(void *context, struct replica *replica, struct request *r) {
    (void)replica;
    struct world *w = context;
    if (r->watched) {
        diary_first_token(w->diary, r, engine_now(w->engine));
    }
    patience_ends(w, r);
    routing_first_token(w, r);
    if (service_of(w, r)->clients.cancel) {
        clients_reads(w, r);
    }
}

static void on_finished(void *context, struct replica *replica, struct request *r,
                        enum request_status status) {
    struct world *w = context;
    leave_queue(w, r);
    if (status == REQUEST_COMPLETED) {
        w->pods[replica->index]->completed++;
    }
    struct service_state *s = service_of(w, r);
    if (w->workloads[w->pods[replica->index]->demand].plain && r->scheduled_ps >= 0) {
        s->plain_service_ps += engine_now(w->engine) - r->scheduled_ps;
    }
    dataplane_leave_pod(w, r);
    dataplane_finish(w, r, status);
    release(w, s);
}

static void on_token_gaps(void *context, struct replica *replica, simtime gap, simtime increment,
                          uint64_t steps, uint64_t count) {
    struct world *w = context;
    struct serving_pod *p = w->pods[replica->index];
    token_gaps_add(&p->gaps, gap, increment, steps, count);
    histogram_add_progression(&w->services[replica->service].scope.itl, gap, increment, steps, count);
}

/* ---- what the cluster says ---- */

static void make_replica(struct world *w, struct serving_pod *p) {
    const struct workload_state *load = &w->workloads[p->demand];
    if (load->plain) {
        p->replica = plain_server_create(w->engine, &load->server, &w->replica_events);
        p->api_overhead_ps = simtime_from_s(load->api_overhead_s);
        return;
    }
    const struct pool_times *on = &load->on_pool[cluster_node(w->cluster, (size_t)p->pod->node)->pool];
    bool prefills = load->kv_role == KV_ROLE_PREFILL;
    p->replica = data_parallel_create(w->engine, &on->config, on->times, !w->stepping,
                                      prefills ? &w->prefill_events : &w->replica_events);
    p->decodes = load->kv_role == KV_ROLE_DECODE;
    p->api_overhead_ps = simtime_from_s(on->config.api_overhead_s);
}

static void comes_back(struct world *w, struct serving_pod *p) {
    replica_revive(p->replica);
    candidates_add(w, p);
    release(w, &w->services[p->service]);
}

static void on_pod_ready(void *context, struct pod *pod) {
    struct world *w = context;
    const struct workload_state *load = &w->workloads[pod->demand];
    if (load->service < 0 || !load->can_serve) {
        return;
    }
    if (pod->owner_data) {
        comes_back(w, pod->owner_data);
        return;
    }
    struct serving_pod *p = arena_alloc(w->arena, sizeof *p);
    p->pod = pod;
    p->demand = pod->demand;
    p->service = (uint32_t)load->service;
    p->number = w->services[p->service].ever_ready++; /* its container's next lives keep it */
    make_replica(w, p);
    p->replica->name = pod->name;
    p->replica->index = (uint32_t)w->serving_count;
    p->replica->rank = w->next_rank;
    w->next_rank += load->plain ? 1 : p->replica->servers;
    p->replica->service = p->service;
    pod->owner_data = p;
    w->pods = arena_grow(w->arena, w->pods, w->serving_count, w->serving_count + 1, &w->serving_capacity,
                         sizeof(struct serving_pod *));
    w->pods[w->serving_count++] = p;
    if (!allocation_pod(w, p, &w->failure)) {
        engine_stop(w->engine);
    }
    candidates_add(w, p);
    observe_pod(w, p);
    series_pod_ready(w, p);
    faults_pod_ready(w, p);
    release(w, &w->services[p->service]);
}

static void on_pod_terminating(void *context, struct pod *pod) {
    struct world *w = context;
    struct serving_pod *p = pod->owner_data;
    if (p) {
        candidates_remove(w, p);
    }
    if (!p || p->outstanding == 0) {
        cluster_pod_drained(w->cluster, pod);
    }
}

static void on_pod_killed(void *context, struct pod *pod) {
    struct world *w = context;
    struct serving_pod *p = pod->owner_data;
    if (p) {
        replica_stop(p->replica, REQUEST_FAILED);
        handover_pod_killed(w, p);
    }
}

static void on_pod_unready(void *context, struct pod *pod) {
    struct serving_pod *p = pod->owner_data;
    if (p) {
        candidates_remove(context, p);
    }
}

static void on_pod_failed(void *context, struct pod *pod) {
    on_pod_unready(context, pod);
    on_pod_killed(context, pod);
}

static void on_pod_hangs(void *context, struct pod *pod) {
    (void)context;
    struct serving_pod *p = pod->owner_data;
    if (p) {
        replica_hang(p->replica);
    }
}

static void on_pulled(void *context, uint32_t demand, const struct node *node, double bytes, bool is_image) {
    transfers_pulled(context, demand, node, bytes, is_image);
}

static void on_event(void *context, const char *object, const char *reason, const char *message) {
    rows_event(context, object, reason, message);
}

/* ---- begin and end ---- */

static void make_cluster(struct world *w) {
    struct cluster_config config = {
        .pools = w->scenario.pools,
        .pool_count = w->scenario.pool_count,
        .first_host = w->first_host,
        .pool_labels = w->pool_labels,
        .registry_host = w->registry_host,
        .models_host = w->models_host,
        .startup = &w->scenario.startup,
        .demands = w->demands,
        .demand_count = w->demand_count,
        .seed = w->seed,
        .node_grace_s = w->scenario.node_grace_s,
    };
    struct cluster_events events = {
        .pod_ready = on_pod_ready,
        .pod_terminating = on_pod_terminating,
        .pod_killed = on_pod_killed,
        .pod_failed = on_pod_failed,
        .pod_hangs = on_pod_hangs,
        .pod_unready = on_pod_unready,
        .pulled = on_pulled,
        .event = on_event,
        .context = w,
    };
    w->cluster = cluster_create(w->engine, &config, &events, w->arena);
}

bool dataplane_begin(struct world *w, struct error *err) {
    w->replica_events = (struct replica_events){
        .scheduled = on_scheduled,
        .first_token = on_first_token,
        .finished = on_finished,
        .token_gaps = on_token_gaps,
        .context = w,
        .watch = diary_watch(w->diary),
    };
    handover_build(w);
    make_cluster(w);
    faults_begin(w);
    cluster_begin(w->cluster, w->replicas_wanted, strcmp(w->scenario.start, "warm") == 0);
    changes_begin(w);
    autoscaler_begin(w);
    arrivals_begin(w);
    if (error_is_set(&w->failure)) {
        *err = w->failure;
        return false;
    }
    return true;
}
