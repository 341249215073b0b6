#include "faults/faults.h"

#include <stdio.h>
#include <string.h>

#include "accounts/accounts.h"
#include "faults/kinds.h"

/* When a fault comes and goes: of one replica, or of one place for a node; or of all at once. */
struct clock {
    struct world *w;
    const struct fault_config *fault;
    const char *name; /* of the pod or the place; "" = all */
    bool active;      /* it is slow now */
    struct rng rng;
    struct clock *next;
};

struct faults {
    struct clock **clocks; /* by fault: a list */
    uint64_t *struck;      /* by fault: replicas */
};

enum { NAME_BYTES = 320 };

/* ---- whom ---- */

static const struct node *node_of_pod(const struct world *w, const struct serving_pod *p) {
    return p->pod->node < 0 ? NULL : cluster_node(w->cluster, (size_t)p->pod->node);
}

static void place_name(const struct world *w, const struct node *n, char *text) {
    snprintf(text, NAME_BYTES, "%s-%u", w->scenario.pools[n->pool].name, n->ordinal);
}

static bool is_hit(const struct world *w, const struct fault_config *f, const struct serving_pod *p) {
    if (p->pod->phase == POD_GONE) {
        return false;
    }
    if (f->workload) {
        return demand_is_called(&w->demands[p->demand], f->workload) &&
               (f->replica < 0 || f->replica == p->pod->ordinal);
    }
    const struct node *n = node_of_pod(w, p);
    char place[NAME_BYTES];
    if (!n) {
        return false;
    }
    if (f->pool) {
        return strcmp(w->scenario.pools[n->pool].name, f->pool) == 0;
    }
    place_name(w, n, place);
    return strcmp(place, f->node) == 0;
}

/* What has a clock of its own: the pod, or the place of its node. */
static const char *name_for(const struct world *w, const struct fault_config *f, const struct serving_pod *p,
                            char *text) {
    if (f->workload) {
        return p->pod->name;
    }
    place_name(w, node_of_pod(w, p), text);
    return text;
}

static bool is_of(const struct world *w, const struct clock *c, const struct serving_pod *p) {
    char text[NAME_BYTES];
    return is_hit(w, c->fault, p) && (!c->name[0] || strcmp(c->name, name_for(w, c->fault, p, text)) == 0);
}

/* ---- how slow ---- */

static bool is_active(const struct world *w, size_t fault, const struct serving_pod *p) {
    for (const struct clock *c = w->faults->clocks[fault]; c; c = c->next) {
        if (c->active && is_of(w, c, p)) {
            return true;
        }
    }
    return false;
}

/* The most that one fault may do (`factor`), and all of them together: products have no end, dates do. What
 * is multiplied on the way may be more, where others make up for it. */
static const int64_t pace_most = (int64_t)1000 * PACE_ONE, product_most = (int64_t)9000000000 * PACE_ONE;

static int64_t at_most(int64_t ppm, int64_t most) {
    return ppm < most ? ppm : most;
}

static void set_pace(struct world *w, struct serving_pod *p) {
    int64_t ppm = PACE_ONE;
    for (size_t i = 0; i < w->scenario.fault_count; i++) {
        const struct fault_config *f = &w->scenario.faults[i];
        const struct fault_ops *ops = fault_kinds[f->kind];
        if (ops->pace && (ops->always ? is_hit(w, f, p) : is_active(w, i, p))) {
            ppm = at_most(replica_paced(ppm, at_most(ops->pace(w, f, p), pace_most)), product_most);
        }
    }
    ppm = at_most(ppm > 0 ? ppm : 1, pace_most);
    if (ppm != PACE_ONE || p->replica->pace_ppm != 0) {
        replica_pace(p->replica, ppm);
    }
}

/* ---- when ---- */

static simtime draw(const struct delay *d, struct rng *rng) {
    simtime drawn = simtime_from_s(delay_draw(d, rng));
    return drawn > 0 ? drawn : 1;
}

static void say(struct world *w, const struct clock *c, const struct serving_pod *p, bool begins) {
    char message[64];
    snprintf(message, sizeof message, begins ? "work takes %g times as long" : "no longer slow",
             c->fault->factor);
    rows_event(w, p->pod->name, begins ? "SlowedDown" : "Recovered", message);
}

static void strike(struct clock *c, simtime until_ps) {
    struct world *w = c->w;
    const struct fault_ops *ops = fault_kinds[c->fault->kind];
    for (size_t i = 0; i < w->serving_count; i++) {
        struct serving_pod *p = w->pods[i];
        if (!is_of(w, c, p)) {
            continue;
        }
        bool hit = true;
        if (ops->strike) {
            hit = ops->strike(w, c->fault, p, until_ps);
        } else {
            set_pace(w, p);
            say(w, c, p, c->active);
        }
        w->faults->struck[c->fault - w->scenario.faults] += hit;
    }
}

static void rings(void *context, uint64_t argument);

static void ring_at(struct clock *c, simtime at) {
    if (at < SIMTIME_WINDOW_MAX) {
        engine_at(c->w->engine, at, EVENT_LIFECYCLE, rings, c, 0);
    }
}

/* Takes the clock on by what happens at `now`; answers when it rings next, and when what happens now ends (-1
 * = not by itself). */
static simtime advance(struct clock *c, simtime now, simtime *until_ps) {
    const struct fault_config *f = c->fault;
    bool has_state = fault_kinds[f->kind]->pace != NULL;
    *until_ps = -1;
    c->active = has_state && !c->active;
    if (f->has_lasts && (c->active || !has_state)) {
        *until_ps = simtime_add(now, draw(&f->lasts, &c->rng));
    }
    if (c->active) {
        return *until_ps >= 0 ? *until_ps : SIMTIME_NEVER;
    }
    return f->has_between ? simtime_add(*until_ps >= 0 ? *until_ps : now, draw(&f->between, &c->rng))
                          : SIMTIME_NEVER;
}

static void rings(void *context, uint64_t argument) {
    (void)argument;
    struct clock *c = context;
    simtime until_ps;
    simtime next = advance(c, engine_now(c->w->engine), &until_ps);
    strike(c, until_ps);
    ring_at(c, next);
}

/* ---- clocks ---- */

/* Faults that are alike are told apart by how many such are before them. */
static size_t alike_before(const struct world *w, size_t fault) {
    const struct fault_config *f = &w->scenario.faults[fault];
    size_t count = 0;
    for (size_t i = 0; i < fault; i++) {
        count += w->scenario.faults[i].kind == f->kind;
    }
    return count;
}

static struct clock *add_clock(struct world *w, size_t fault, const char *name) {
    const struct fault_config *f = &w->scenario.faults[fault];
    struct clock *c = arena_alloc(w->arena, sizeof *c);
    char stream[2 * NAME_BYTES];
    snprintf(stream, sizeof stream, "%s/%zu#%s", fault_kind_names[f->kind], alike_before(w, fault), name);
    *c = (struct clock){
        .w = w,
        .fault = f,
        .name = arena_strdup(w->arena, name),
        .rng = rng_stream(w->seed, RNG_FAULTS, stream),
        .next = w->faults->clocks[fault],
    };
    w->faults->clocks[fault] = c;
    return c;
}

static bool has_clock(const struct world *w, size_t fault, const char *name) {
    const struct clock *c = w->faults->clocks[fault];
    while (c && strcmp(c->name, name) != 0) {
        c = c->next;
    }
    return c != NULL;
}

/* Its dates lie on the calendar, from time 0 on: those that have passed found nobody. */
static void start_clock(struct world *w, size_t fault, const char *name) {
    struct clock *c = add_clock(w, fault, name);
    simtime now = engine_now(w->engine), until_ps;
    simtime at = draw(&c->fault->between, &c->rng);
    while (at <= now) {
        at = advance(c, at, &until_ps);
    }
    ring_at(c, at);
}

void faults_pod_ready(struct world *w, struct serving_pod *p) {
    if (!w->faults) {
        return;
    }
    for (size_t i = 0; i < w->scenario.fault_count; i++) {
        const struct fault_config *f = &w->scenario.faults[i];
        char text[NAME_BYTES];
        if (f->has_between && is_hit(w, f, p) && !has_clock(w, i, name_for(w, f, p, text))) {
            start_clock(w, i, name_for(w, f, p, text));
        }
    }
    set_pace(w, p);
}

void faults_begin(struct world *w) {
    size_t count = w->scenario.fault_count;
    if (count == 0) {
        return;
    }
    w->faults = arena_alloc(w->arena, sizeof *w->faults);
    w->faults->clocks = arena_array(w->arena, count, sizeof *w->faults->clocks);
    w->faults->struck = arena_array(w->arena, count, sizeof *w->faults->struck);
    for (size_t i = 0; i < count; i++) {
        const struct fault_config *f = &w->scenario.faults[i];
        if (f->at_s >= 0) {
            ring_at(add_clock(w, i, ""), simtime_from_s(f->at_s));
        }
    }
}

void faults_say(struct world *w) {
    for (size_t i = 0; w->faults && i < w->scenario.fault_count; i++) {
        const struct fault_config *f = &w->scenario.faults[i];
        if (f->at_s >= 0 && w->faults->struck[i] == 0) {
            notice_add(w->notices, NOTICE_WARNING, &f->pos,
                       "spec.faults.%zu: %s found nothing that runs at that date", i,
                       fault_kind_names[f->kind]);
        }
    }
}
