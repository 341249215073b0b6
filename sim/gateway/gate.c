#include "gateway/gate.h"

#include <assert.h>
#include <stdlib.h>

static struct admission_view view_of(const struct gate *g, const struct gate_load *load) {
    return (struct admission_view){.now = load->now,
                                   .waiting = load->waiting,
                                   .held = g->held,
                                   .in_flight = g->in_flight,
                                   .replicas = load->replicas};
}

static struct admission_request seen(const struct request *r) {
    return (struct admission_request){
        .tenant = r->tenant, .input_tokens = r->input_tokens, .sent_ps = r->sent_ps};
}

bool gate_add(struct gate *g, const struct admission_ops *ops, const struct dd_option_value *values) {
    if (g->count == GATE_POLICIES_MAX || (ops->order && g->holds)) {
        return false;
    }
    if (ops->order) {
        g->holds = true;
        g->holder = (int)g->count;
    }
    g->policies[g->count++] = (struct gate_policy){ops, ops->create(values)};
    return true;
}

const char *gate_admit(struct gate *g, const struct request *r, const struct gate_load *load) {
    struct admission_view view = view_of(g, load);
    struct admission_request request = seen(r);
    for (uint32_t i = 0; i < g->count; i++) {
        const struct gate_policy *p = &g->policies[i];
        const char *reason = p->ops->check ? p->ops->check(p->state, &request, &view) : NULL;
        if (reason) {
            return reason;
        }
    }
    for (uint32_t i = 0; i < g->count; i++) {
        const struct gate_policy *p = &g->policies[i];
        if (p->ops->enter) {
            p->ops->enter(p->state, &request, &view);
        }
    }
    g->in_flight++;
    return NULL;
}

void gate_started(struct gate *g, const struct gate_load *load) {
    struct admission_view view = view_of(g, load);
    for (uint32_t i = 0; i < g->count; i++) {
        const struct gate_policy *p = &g->policies[i];
        if (p->ops->started) {
            p->ops->started(p->state, &view);
        }
    }
}

void gate_ended(struct gate *g, const struct request *r, bool was_held, simtime now) {
    struct admission_request request = seen(r);
    assert(g->in_flight > 0);
    g->in_flight--;
    for (uint32_t i = 0; i < g->count; i++) {
        const struct gate_policy *p = &g->policies[i];
        if (p->ops->ended && !(p->ops->order && was_held)) {
            p->ops->ended(p->state, &request, r->generated, now);
        }
    }
}

/* ---- holding ---- */

static const struct admission_order *order_of(const struct gate *g) {
    return g->policies[g->holder].ops->order;
}

static struct request_list *flow_of(struct gate *g, uint32_t tenant) {
    return order_of(g)->next ? by_tenant_item(&g->flows, tenant, sizeof(struct request_list))
                             : &g->first_come;
}

void gate_hold(struct gate *g, struct request *r) {
    g->held++;
    request_list_push_back(flow_of(g, r->tenant), r);
    if (order_of(g)->next) {
        order_of(g)->queued(g->policies[g->holder].state, r->tenant);
    }
}

void gate_take_off(struct gate *g, struct request *r) {
    g->held--;
    request_list_remove(flow_of(g, r->tenant), r);
    if (order_of(g)->next) {
        order_of(g)->gave_up(g->policies[g->holder].state, r->tenant);
    }
}

struct request *gate_release(struct gate *g, const struct gate_load *load) {
    const struct admission_order *order = order_of(g);
    void *state = g->policies[g->holder].state;
    struct admission_view view = view_of(g, load);
    if (g->held == 0 || !order->has_room(state, &view)) {
        return NULL;
    }
    g->held--;
    struct request *r = request_list_pop_front(flow_of(g, order->next ? order->next(state) : 0));
    assert(r);
    if (order->next) {
        struct admission_request request = seen(r);
        order->released(state, &request);
    }
    return r;
}

bool gate_gap(const struct gate *g, struct admission_gap *gap) {
    if (!g->holds || !order_of(g)->gap) {
        return false;
    }
    *gap = order_of(g)->gap(g->policies[g->holder].state);
    return true;
}

void gate_free(struct gate *g) {
    for (uint32_t i = 0; i < g->count; i++) {
        g->policies[i].ops->destroy(g->policies[i].state);
    }
    free(g->flows.items);
    *g = (struct gate){0};
}
