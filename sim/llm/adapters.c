#include "llm/adapters.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

/* One that the host has. */
struct resident {
    uint32_t adapter;
    uint32_t users; /* in the batch */
    uint64_t left;  /* when the last of them left it, in the order of leaving */
    bool on_gpu;
};

struct adapters {
    struct adapter_limits limits;
    struct resident *residents; /* few: looked through */
    int64_t count, on_gpu, in_batch;
    uint64_t leavings;
};

struct adapters *adapters_create(const struct adapter_limits *limits) {
    assert(limits->on_gpu >= 1 && limits->on_host >= limits->on_gpu);
    struct adapters *a = mem_zalloc(1, sizeof *a);
    a->limits = *limits;
    a->residents = mem_zalloc((size_t)limits->on_host, sizeof *a->residents);
    return a;
}

void adapters_destroy(struct adapters *a) {
    if (a) {
        free(a->residents);
        free(a);
    }
}

static struct resident *find(const struct adapters *a, uint32_t adapter) {
    for (int64_t i = 0; i < a->count; i++) {
        if (a->residents[i].adapter == adapter) {
            return &a->residents[i];
        }
    }
    return NULL;
}

bool adapters_fit(const struct adapters *a, uint32_t adapter) {
    if (adapter == 0 || a->in_batch < a->limits.on_gpu) {
        return true;
    }
    const struct resident *r = find(a, adapter);
    return r && r->users > 0;
}

/* The one longest out of every batch, of those on the GPU or of all. */
static struct resident *oldest(struct adapters *a, bool on_gpu) {
    struct resident *oldest = NULL;
    for (int64_t i = 0; i < a->count; i++) {
        struct resident *r = &a->residents[i];
        if (r->users == 0 && (r->on_gpu || !on_gpu) && (!oldest || r->left < oldest->left)) {
            oldest = r;
        }
    }
    assert(oldest); /* those in the batch are fewer than either limit */
    return oldest;
}

static void leave_gpu(struct adapters *a, struct resident *r) {
    a->on_gpu -= r->on_gpu;
    r->on_gpu = false;
}

static struct resident *bring_to_host(struct adapters *a, uint32_t adapter) {
    struct resident *r = &a->residents[a->count];
    if (a->count == a->limits.on_host) {
        r = oldest(a, false);
        leave_gpu(a, r);
    } else {
        a->count++;
    }
    *r = (struct resident){.adapter = adapter};
    return r;
}

simtime adapters_hold(struct adapters *a, uint32_t adapter) {
    simtime waits = 0;
    if (adapter == 0) {
        return 0;
    }
    struct resident *r = find(a, adapter);
    if (!r) {
        r = bring_to_host(a, adapter);
        waits += a->limits.to_host_ps;
    }
    if (!r->on_gpu) {
        if (a->on_gpu == a->limits.on_gpu) {
            leave_gpu(a, oldest(a, true));
        }
        r->on_gpu = true;
        a->on_gpu++;
        waits += a->limits.to_gpu_ps;
    }
    a->in_batch += r->users++ == 0;
    return waits;
}

void adapters_let_go(struct adapters *a, uint32_t adapter) {
    if (adapter == 0) {
        return;
    }
    struct resident *r = find(a, adapter);
    assert(r && r->users > 0);
    if (--r->users == 0) {
        a->in_batch--;
        r->left = ++a->leavings;
    }
}
