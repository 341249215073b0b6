#include "finops/meter.h"

#include <assert.h>

const char *const cost_state_names[] = {"serving", "start_up", "idle", "drain", "none", NULL};

enum { POD_PARTS = 4, NODE_PARTS = 2 };

int64_t meter_capacity(const struct meter_node *node) {
    int64_t capacity = node->gpus > 0 ? node->gpus : (int64_t)(node->cpu * 1000);
    return capacity > 0 ? capacity : 1;
}

size_t meter_parts_most(const struct meter_pod *pods, size_t count) {
    size_t parts = count * POD_PARTS + NODE_PARTS;
    for (size_t i = 0; i < count; i++) {
        parts += pods[i].gap_count;
    }
    return parts;
}

struct splitting {
    struct meter_part *parts;
    size_t count;
};

static money_amount product(int64_t capacity, simtime time) {
    return (money_amount)(uint64_t)capacity * (uint64_t)time;
}

static void add(struct splitting *s, const struct meter_pod *pod, enum cost_state state, simtime from,
                simtime to, money_amount weight) {
    if (weight > 0) {
        s->parts[s->count++] = (struct meter_part){pod, state, from, to, weight};
    }
}

/* A date cut to [low, high]; what did not happen is at the end. */
static simtime cut(simtime date, simtime low, simtime high) {
    simtime at = date < 0 || date > high ? high : date;
    return at < low ? low : at;
}

/* What of its time Ready it was not. */
static simtime split_gaps(struct splitting *s, const struct meter_pod *pod, simtime ready, simtime stop) {
    simtime down = 0;
    for (size_t i = 0; i < pod->gap_count; i++) {
        simtime from = cut(pod->gaps[i].from_ps, ready, stop);
        simtime to = cut(pod->gaps[i].to_ps, from, stop);
        add(s, pod, COST_START_UP, from, to, product(pod->holds, to - from));
        down += to - from;
    }
    return down;
}

/* One pod from `low` to `high`, where its node is Ready. Returns its weight. */
static money_amount split_pod(struct splitting *s, const struct meter_pod *pod, simtime low, simtime high) {
    assert(pod->holds >= 0 && pod->serving_ps >= 0);
    if (pod->bound_ps < 0) {
        return 0;
    }
    simtime gone = cut(pod->gone_ps, low, high);
    simtime bound = cut(pod->bound_ps, low, gone);
    simtime stop = cut(pod->terminating_ps, bound, gone);
    simtime ready = cut(pod->ready_ps, bound, stop);
    add(s, pod, COST_START_UP, bound, ready, product(pod->holds, ready - bound));
    simtime up = stop - ready - split_gaps(s, pod, ready, stop);
    simtime serving = pod->serving_ps < up ? pod->serving_ps : up;
    add(s, pod, COST_SERVING, ready, stop, product(pod->holds, serving));
    add(s, pod, COST_IDLE, ready, stop, product(pod->holds, up - serving));
    add(s, pod, COST_DRAIN, stop, gone, product(pod->holds, gone - stop));
    return product(pod->holds, gone - bound);
}

size_t meter_split(const struct meter_node *node, simtime from, const struct meter_pod *pods,
                   size_t pod_count, struct meter_part *parts) {
    struct splitting s = {.parts = parts};
    if (from < 0 || from >= node->end_ps) {
        return 0;
    }
    int64_t capacity = meter_capacity(node);
    simtime low = cut(node->ready_ps, from, node->end_ps);
    add(&s, NULL, COST_START_UP, from, low, product(capacity, low - from));
    money_amount whole = product(capacity, node->end_ps - low), held = 0;
    for (size_t i = 0; i < pod_count; i++) {
        held += split_pod(&s, &pods[i], low, node->end_ps);
    }
    add(&s, NULL, COST_IDLE, low, node->end_ps, whole > held ? whole - held : 0);
    return s.count;
}
