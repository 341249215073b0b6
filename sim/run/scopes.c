/* Figures gathered request by request, for the whole, each service and each tenant. */
#include <math.h>
#include <stdlib.h>

#include "run/world.h"

enum { TENANTS_MAX = 1000 }; /* tenants with figures of their own; the rest share "(others)" */

double request_ttft_s(const struct request *r) {
    return r->first_token_ps < 0 ? NAN : simtime_to_s(r->first_token_ps + r->down_ps - r->arrival_ps);
}

double request_e2e_s(const struct request *r) {
    return r->last_token_ps < 0 ? NAN : simtime_to_s(r->last_token_ps + r->down_ps - r->arrival_ps);
}

double request_tpot_s(const struct request *r) {
    if (r->generated < 2 || r->first_token_ps < 0 || r->last_token_ps == r->first_token_ps) {
        return NAN; /* one token, or an answer that comes all at once */
    }
    return simtime_to_s(r->last_token_ps - r->first_token_ps) / (double)(r->generated - 1);
}

double request_queue_s(const struct request *r) {
    return r->scheduled_ps < 0 || r->gateway_ps < 0 ? NAN : simtime_to_s(r->scheduled_ps - r->gateway_ps);
}

static bool within(double value_s, double limit_s) {
    return isnan(value_s) || value_s <= limit_s;
}

/* A figure that is undefined (TPOT of one token) breaks no objective. */
bool request_is_good(const struct request *r, const struct request_limits *limits) {
    return r->status == REQUEST_COMPLETED && within(request_ttft_s(r), limits->ttft_s) &&
           within(request_tpot_s(r), limits->tpot_s) && within(request_e2e_s(r), limits->e2e_s) &&
           within(request_queue_s(r), limits->queue_s);
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
    if (!w->tenants[name] && w->tenant_count < TENANTS_MAX) {
        w->tenants[name] = mem_zalloc(1, sizeof(struct scope));
        w->tenant_count++;
    }
    return w->tenants[name];
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

static void count_latency(struct scope *s, const struct request *r) {
    s->counted_completed++;
    s->input_tokens += r->input_tokens;
    s->output_tokens += r->generated;
    histogram_add(&s->ttft, request_ttft_s(r), 1);
    histogram_add(&s->e2e, request_e2e_s(r), 1);
    histogram_add(&s->queue, request_queue_s(r), 1);
    double tpot_s = request_tpot_s(r);
    s->one_token += isnan(tpot_s) ? 1u : 0u;
    histogram_add(&s->tpot, tpot_s, 1);
}

static void count_end(struct scope *s, const struct request *r, bool good) {
    count_status(&s->counts, r->status);
    s->good_in_all += good;
    s->output_tokens_in_all += r->status == REQUEST_COMPLETED ? r->generated : 0;
    if (!r->counted) {
        return;
    }
    s->good += good;
    if (r->status == REQUEST_COMPLETED) {
        count_latency(s, r);
    }
}

void scopes_finished(struct world *w, const struct request *r, bool good) {
    count_end(&w->services[r->service].scope, r, good);
    struct scope *tenant = scope_of_tenant(w, r->tenant);
    if (tenant) {
        count_end(tenant, r, good);
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

void scope_free(struct scope *s) {
    histogram_free(&s->ttft);
    histogram_free(&s->tpot);
    histogram_free(&s->itl);
    histogram_free(&s->e2e);
    histogram_free(&s->queue);
}
