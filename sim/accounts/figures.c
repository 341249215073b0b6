/* From what was gathered to the figures of summary.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/accounts.h"
#include "drydock.h"

/* ---- latencies ---- */

/* Requests after the warm-up that never got a figure count as infinitely late in the gate's view; a TPOT of
 * one token is undefined and left out of both. */
static void latencies(const struct scope *from, struct scope_summary *to) {
    uint64_t lost = from->counted - from->counted_completed;
    latency_from_histogram(&from->ttft, lost, &to->ttft);
    latency_from_histogram(&from->e2e, lost, &to->e2e);
    latency_from_histogram(&from->queue, lost, &to->queue);
    latency_from_histogram(&from->itl, lost, &to->itl);
    latency_from_histogram(&from->tpot, lost + from->one_token, &to->tpot);
    latency_gate_from_histogram(&from->ttft, lost, 0, &to->gate_ttft);
    latency_gate_from_histogram(&from->e2e, lost, 0, &to->gate_e2e);
    latency_gate_from_histogram(&from->queue, lost, 0, &to->gate_queue);
    latency_gate_from_histogram(&from->itl, lost, 0, &to->gate_itl);
    latency_gate_from_histogram(&from->tpot, lost, from->one_token, &to->gate_tpot);
}

static void rates(const struct scope *from, double window_s, bool has_slo, struct scope_summary *to) {
    to->requests = from->counts;
    if (window_s > 0) {
        to->requests_per_s = (double)from->counted_completed / window_s;
        to->input_tokens_per_s = (double)from->input_tokens / window_s;
        to->output_tokens_per_s = (double)from->output_tokens / window_s;
        to->goodput_per_s = (double)from->good / window_s;
    }
    to->has_slo = has_slo && from->counted > 0;
    to->slo_attainment = to->has_slo ? (double)from->good / (double)from->counted : 0;
}

/* ---- replicas and GPUs ---- */

struct usage {
    double ready_s, gpu_s, gpu_busy_s;
    int64_t most;
    uint64_t replicas, restarts;
};

static simtime or_end(simtime t, simtime end) {
    return t < 0 || t > end ? end : t;
}

static simtime ready_until(const struct pod *p, simtime end) {
    return or_end(p->terminating_ps, end);
}

static int by_date(const void *a, const void *b) {
    simtime x = *(const simtime *)a;
    simtime y = *(const simtime *)b;
    return (x > y) - (x < y);
}

/* When it was not Ready in between, as far as that lies before `until`. */
static simtime down_ps(const struct pod *p, simtime until) {
    simtime sum = 0;
    for (const struct outage *o = p->outages; o; o = o->before) {
        simtime to = or_end(o->to_ps, until);
        sum += to > o->from_ps ? to - o->from_ps : 0;
    }
    return sum;
}

static size_t outages_of(const struct world *w) {
    size_t count = 0;
    for (size_t i = 0; i < w->serving_count; i++) {
        for (const struct outage *o = w->pods[i]->pod->outages; o; o = o->before) {
            count++;
        }
    }
    return count;
}

/* Spells of readiness of a pod: one more than its outages, the last of which may not be over. */
static size_t add_spells(const struct pod *p, simtime end, simtime *begins, simtime *ends) {
    size_t count = 0;
    simtime until = ready_until(p, end);
    for (const struct outage *o = p->outages; o; o = o->before) {
        if (o->to_ps >= 0 && o->to_ps < until) {
            begins[count] = o->to_ps;
            ends[count++] = until;
        }
        until = or_end(o->from_ps, until);
    }
    begins[count] = p->ready_ps;
    ends[count++] = until;
    return count;
}

/* Largest number Ready at the same time: begins and ends of readiness, each sorted, walked together. One that
 * ends at an instant is not Ready at it. */
static int64_t most_ready(const struct world *w, int64_t service, simtime end) {
    size_t most_spells = w->serving_count + outages_of(w);
    simtime *begins = mem_zalloc(2 * most_spells, sizeof *begins);
    simtime *ends = begins + most_spells;
    size_t count = 0;
    for (size_t i = 0; i < w->serving_count; i++) {
        if (service < 0 || w->pods[i]->service == (uint32_t)service) {
            count += add_spells(w->pods[i]->pod, end, begins + count, ends + count);
        }
    }
    qsort(begins, count, sizeof *begins, by_date);
    qsort(ends, count, sizeof *ends, by_date);
    size_t ended = 0;
    size_t most = 0;
    for (size_t begun = 0; begun < count; begun++) {
        while (ended < count && ends[ended] <= begins[begun]) {
            ended++;
        }
        most = begun + 1 > ended && begun + 1 - ended > most ? begun + 1 - ended : most;
    }
    free(begins);
    return (int64_t)most;
}

/* How long it held a place on a node that was there: from binding, or the node's becoming Ready if that is
 * later. */
static simtime held_ps(const struct world *w, const struct pod *p, simtime end) {
    if (p->bound_ps < 0 || p->node < 0) {
        return 0;
    }
    simtime ready = cluster_node(w->cluster, (size_t)p->node)->ready_ps;
    simtime from = ready > p->bound_ps ? ready : p->bound_ps;
    simtime until = or_end(p->gone_ps, end);
    return ready >= 0 && until > from ? until - from : 0;
}

static struct usage usage_of(const struct world *w, int64_t service, simtime end) {
    struct usage u = {.most = most_ready(w, service, end)};
    for (size_t i = 0; i < cluster_pod_count(w->cluster); i++) {
        const struct pod *p = cluster_pod(w->cluster, i);
        const struct workload_state *load = &w->workloads[p->demand];
        if (service >= 0 && load->service != service) {
            continue;
        }
        if (p->ready_ps >= 0 && p->owner_data) {
            u.ready_s += simtime_to_s(ready_until(p, end) - p->ready_ps - down_ps(p, ready_until(p, end)));
            u.replicas++;
        }
        u.restarts += p->restarts;
        u.gpu_s += (double)load->gpus * simtime_to_s(held_ps(w, p, end));
        if (p->owner_data) {
            const struct serving_pod *s = p->owner_data;
            u.gpu_busy_s += (double)load->gpus * simtime_total_to_s(s->replica->busy_ps);
        }
    }
    return u;
}

/* Replicas x time that were asked for, of workloads that serve. */
static double wanted_s(const struct world *w, int64_t service, simtime end) {
    double sum = 0;
    for (uint32_t d = 0; d < w->demand_count; d++) {
        const struct workload_state *load = &w->workloads[d];
        if (load->service >= 0 && load->can_serve && (service < 0 || load->service == service)) {
            simtime_total last = (simtime_total)w->replicas_wanted[d] * (end - load->wanted_since_ps);
            sum += simtime_total_to_s(load->wanted_area + last);
        }
    }
    return sum;
}

static void capacity(const struct world *w, int64_t service, simtime end, struct scope_summary *to) {
    struct usage u = usage_of(w, service, end);
    double simulated_s = simtime_to_s(end);
    to->has_replicas = u.replicas > 0;
    to->replica_s = u.ready_s;
    to->replicas_mean = simulated_s > 0 ? u.ready_s / simulated_s : 0;
    to->replicas_max = (double)u.most;
    to->has_faults = w->scenario.fault_count > 0 || u.restarts > 0;
    to->restarts = u.restarts;
    to->availability = wanted_s(w, service, end) > 0 ? u.ready_s / wanted_s(w, service, end) : NAN;
    to->has_gpu = u.gpu_s > 0;
    to->gpu_hours = u.gpu_s / 3600;
    to->gpu_busy_fraction = u.gpu_s > 0 ? u.gpu_busy_s / u.gpu_s : 0;
}

/* ---- the whole ---- */

/* One that had neither a request nor a pod (scaled to zero all the time) has no figures. Every other is told,
 * so that what the services cost adds up to the bill. */
static void tell_services(struct world *w) {
    bool *has_pods = arena_array(w->arena, w->service_count, sizeof *has_pods);
    for (size_t i = 0; i < cluster_pod_count(w->cluster); i++) {
        int64_t service = w->workloads[cluster_pod(w->cluster, i)->demand].service;
        has_pods[service >= 0 ? service : 0] |= service >= 0;
    }
    w->told = arena_array(w->arena, w->service_count, sizeof *w->told);
    for (uint32_t i = 0; i < w->service_count; i++) {
        if (has_pods[i] || w->services[i].scope.counts.arrived > 0) {
            w->told[w->told_count++] = &w->services[i];
        }
    }
}

static void services(struct world *w, struct summary *s, double window_s, simtime end) {
    tell_services(w);
    s->service_count = w->told_count;
    s->services = arena_array(w->arena, w->told_count, sizeof *s->services);
    for (size_t i = 0; i < w->told_count; i++) {
        const struct service_state *from = w->told[i];
        struct scope_summary *to = &s->services[i];
        to->name = from->name;
        latencies(&from->scope, to);
        rates(&from->scope, window_s, from->limits.any, to);
        capacity(w, from - w->services, end, to);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct scope_summary *)a)->name, ((const struct scope_summary *)b)->name);
}

static void tenants(struct world *w, struct summary *s, double window_s, bool has_slo) {
    s->tenants = arena_array(w->arena, w->tenant_count, sizeof *s->tenants);
    for (size_t i = 0; i < w->tenant_capacity; i++) {
        if (!w->tenants[i]) {
            continue;
        }
        struct scope_summary *to = &s->tenants[s->tenant_count++];
        to->name = arena_strdup(w->arena, w->names.names[i]); /* it outlives the world */
        latencies(w->tenants[i], to);
        rates(w->tenants[i], window_s, has_slo, to);
    }
    qsort(s->tenants, s->tenant_count, sizeof *s->tenants, by_name);
}

void world_summarise(struct world *w, struct summary *s) {
    simtime end = engine_now(w->engine);
    double window_s = simtime_to_s(end - w->warmup_ps);
    bool has_slo = false;
    for (uint32_t i = 0; i < w->service_count; i++) {
        has_slo = has_slo || w->services[i].limits.any;
    }
    s->drydock_version = DD_VERSION;
    s->scenario = w->scenario.name;
    s->seed = w->seed;
    s->replications = 1;
    s->simulated_s = simtime_to_s(end);
    s->events = engine_counters(w->engine).events;
    latencies(&w->all, &s->all);
    rates(&w->all, window_s, has_slo, &s->all);
    capacity(w, -1, end, &s->all);
    services(w, s, window_s, end);
    tenants(w, s, window_s, has_slo);
    s->has_scaling = w->scaler_count > 0;
    s->scaling_decisions = w->scaling.decisions;
    s->scaling_ups = w->scaling.ups;
    s->scaling_downs = w->scaling.downs;
}
