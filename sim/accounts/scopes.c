/* Figures gathered request by request, for the whole, each service and each tenant. */
#include <math.h>
#include <stdlib.h>

#include "accounts/accounts.h"

enum { TENANTS_MAX = 1000 }; /* tenants with figures of their own; the rest share "(others)" */

static double span_s(simtime from, simtime to) {
    return from < 0 || to < 0 ? NAN : simtime_to_s(to - from);
}

static bool within(double value_s, double limit_s) {
    return isnan(value_s) || value_s <= limit_s;
}

/* A figure that is undefined (TPOT of one token) breaks no objective. */
struct outcome outcome_of(const struct request *r, const struct request_limits *limits) {
    simtime first = r->first_token_ps < 0 ? -1 : r->first_token_ps + r->down_ps;
    simtime last = r->last_token_ps < 0 ? -1 : r->last_token_ps + r->down_ps;
    struct outcome o = {
        .ttft_s = span_s(r->arrival_ps, first),
        .tpot_s = NAN,
        .e2e_s = span_s(r->arrival_ps, last),
        .queue_s = span_s(r->gateway_ps, r->scheduled_ps),
    };
    if (r->generated > 1 && first >= 0 && last > first) { /* else one token, or an answer all at once */
        o.tpot_s = simtime_to_s(last - first) / (double)(r->generated - 1);
    }
    o.good = r->status == REQUEST_COMPLETED && within(o.ttft_s, limits->ttft_s) &&
             within(o.tpot_s, limits->tpot_s) && within(o.e2e_s, limits->e2e_s) &&
             within(o.queue_s, limits->queue_s);
    return o;
}

static struct scope *make_tenant(struct world *w, uint32_t name) {
    if (!w->tenants[name]) {
        w->tenants[name] = mem_zalloc(1, sizeof(struct scope));
        w->tenant_count++;
    }
    return w->tenants[name];
}

struct scope *scope_of_tenant(struct world *w, uint32_t name) {
    if (name == 0) {
        return NULL;
    }
    if (name >= w->tenant_capacity) {
        size_t capacity = w->tenant_capacity ? w->tenant_capacity : 64;
        while (capacity <= name) {
            capacity *= 2;
        }
        w->tenants = mem_realloc(w->tenants, capacity, sizeof(struct scope *));
        for (size_t i = w->tenant_capacity; i < capacity; i++) {
            w->tenants[i] = NULL;
        }
        w->tenant_capacity = capacity;
    }
    if (!w->tenants[name] && w->tenant_count >= TENANTS_MAX) {
        static const char others[] = "(others)";
        uint32_t shared = trace_names_intern(&w->names, others, sizeof others - 1);
        return name == shared ? make_tenant(w, name) : scope_of_tenant(w, shared);
    }
    return make_tenant(w, name);
}

static void count_arrival(struct scope *s, const struct request *r) {
    s->counts.arrived++;
    s->counts.attempts++;
    s->counted += r->counted;
}

void scopes_arrived(struct world *w, const struct request *r) {
    count_arrival(&w->all, r);
    count_arrival(&w->services[r->service].scope, r);
    struct scope *tenant = scope_of_tenant(w, r->tenant);
    if (tenant) {
        count_arrival(tenant, r);
    }
}

void scopes_moved(struct world *w, const struct request *r, uint32_t from) {
    struct scope *old = &w->services[from].scope, *new = &w->services[r->service].scope;
    old->counts.arrived--;
    old->counts.attempts--;
    old->counted -= r->counted;
    count_arrival(new, r);
}

void scopes_retried(struct world *w, const struct request *r) {
    w->all.counts.attempts++;
    w->services[r->service].scope.counts.attempts++;
    struct scope *tenant = scope_of_tenant(w, r->tenant);
    if (tenant) {
        tenant->counts.attempts++;
    }
}

static void count_status(struct request_counts *c, uint8_t status) {
    switch (status) {
    case REQUEST_COMPLETED:
        c->completed++;
        break;
    case REQUEST_REJECTED:
        c->rejected++;
        break;
    case REQUEST_TIMED_OUT:
        c->timed_out++;
        break;
    case REQUEST_FAILED:
        c->failed++;
        break;
    default:
        c->unfinished++;
        break;
    }
}

static void count_latency(struct scope *s, const struct request *r, const struct outcome *o) {
    s->counted_completed++;
    s->input_tokens += r->input_tokens;
    s->output_tokens += r->generated;
    histogram_add(&s->ttft, o->ttft_s, 1);
    histogram_add(&s->e2e, o->e2e_s, 1);
    histogram_add(&s->queue, o->queue_s, 1);
    s->one_token += isnan(o->tpot_s) ? 1u : 0u;
    histogram_add(&s->tpot, o->tpot_s, 1);
}

static void count_end(struct scope *s, const struct request *r, const struct outcome *o) {
    count_status(&s->counts, r->status);
    s->counts.cancelled += r->cancelled;
    s->good_in_all += o->good;
    s->output_tokens_in_all += r->status == REQUEST_COMPLETED ? r->generated : 0;
    if (!r->counted) {
        return;
    }
    s->good += o->good;
    if (r->status == REQUEST_COMPLETED) {
        count_latency(s, r, o);
    }
}

void scopes_finished(struct world *w, const struct request *r, const struct outcome *o) {
    if (w->modalities || r->modality != MODALITY_TEXT || w->scenario.region_count > 1) {
        fairness_finished(w, r, o);
    }
    count_end(&w->services[r->service].scope, r, o);
    struct scope *tenant = scope_of_tenant(w, r->tenant);
    if (tenant) {
        count_end(tenant, r, o);
    }
}

static void add_scope(struct scope *to, const struct scope *from) {
    to->counts.completed += from->counts.completed;
    to->counts.rejected += from->counts.rejected;
    to->counts.timed_out += from->counts.timed_out;
    to->counts.failed += from->counts.failed;
    to->counts.unfinished += from->counts.unfinished;
    to->counts.cancelled += from->counts.cancelled;
    to->counted_completed += from->counted_completed;
    to->one_token += from->one_token;
    to->good += from->good;
    to->input_tokens += from->input_tokens;
    to->output_tokens += from->output_tokens;
    to->good_in_all += from->good_in_all;
    to->output_tokens_in_all += from->output_tokens_in_all;
    histogram_merge(&to->ttft, &from->ttft);
    histogram_merge(&to->tpot, &from->tpot);
    histogram_merge(&to->itl, &from->itl);
    histogram_merge(&to->e2e, &from->e2e);
    histogram_merge(&to->queue, &from->queue);
}

void scopes_sum_up(struct world *w) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        add_scope(&w->all, &w->services[i].scope);
    }
}

static void scope_free(struct scope *s) {
    histogram_free(&s->ttft);
    histogram_free(&s->tpot);
    histogram_free(&s->itl);
    histogram_free(&s->e2e);
    histogram_free(&s->queue);
    free(s->used);
}

void accounts_free(struct world *w) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        scope_free(&w->services[i].scope);
    }
    for (size_t i = 0; i < w->tenant_capacity; i++) {
        if (w->tenants[i]) {
            scope_free(w->tenants[i]);
            free(w->tenants[i]);
        }
    }
    free(w->tenants);
    free(w->used_by_nobody);
    scope_free(&w->all);
    fairness_free(w);
    series_free(w);
}
