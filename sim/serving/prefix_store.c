#include "serving/prefix_store.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"

/* Of a chunk. Indices are one more than places in `entries`; 0 is none. */
struct entry {
    uint64_t key;
    simtime at; /* when the last of `blocks` are there; before, only the first `sooner` are */
    double block_bytes;
    uint32_t blocks, sooner;
    uint32_t older, newer; /* in the order of last use */
    uint32_t next;         /* of the same bucket, or free */
};

struct prefix_store {
    struct prefix_store_limits limits;
    double bytes;
    simtime fetched_ps, sent_ps; /* when the link is free again */
    struct entry *entries;
    uint32_t count, capacity, free;
    uint32_t *buckets;
    uint32_t bucket_bits, live;
    uint32_t oldest, newest;
};

enum { BUCKET_BITS_FIRST = 8, ENTRIES_FIRST = 256 };

struct prefix_store *prefix_store_create(const struct prefix_store_limits *limits) {
    struct prefix_store *s = mem_zalloc(1, sizeof *s);
    s->limits = *limits;
    s->bucket_bits = BUCKET_BITS_FIRST;
    s->buckets = mem_zalloc((size_t)1 << s->bucket_bits, sizeof *s->buckets);
    return s;
}

void prefix_store_destroy(struct prefix_store *s) {
    if (s) {
        free(s->entries);
        free(s->buckets);
        free(s);
    }
}

double prefix_store_bytes(const struct prefix_store *s) {
    return s->bytes;
}

uint64_t prefix_store_chunks(const struct prefix_store *s) {
    return s->live;
}

/* ---- entries by key ---- */

static struct entry *at(const struct prefix_store *s, uint32_t index) {
    return &s->entries[index - 1];
}

/* Keys may be small numbers in a row: Fibonacci hashing spreads them. */
static uint32_t *bucket_of(const struct prefix_store *s, uint64_t key) {
    return &s->buckets[key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - s->bucket_bits)];
}

static uint32_t find(const struct prefix_store *s, uint64_t key) {
    uint32_t i = *bucket_of(s, key);
    while (i && at(s, i)->key != key) {
        i = at(s, i)->next;
    }
    return i;
}

static void grow_buckets(struct prefix_store *s) {
    uint32_t *old = s->buckets;
    size_t size = (size_t)1 << s->bucket_bits++;
    s->buckets = mem_zalloc(2 * size, sizeof *s->buckets);
    for (size_t b = 0; b < size; b++) {
        for (uint32_t i = old[b], next; i; i = next) {
            next = at(s, i)->next;
            uint32_t *bucket = bucket_of(s, at(s, i)->key);
            at(s, i)->next = *bucket;
            *bucket = i;
        }
    }
    free(old);
}

static void unlink_use(struct prefix_store *s, uint32_t i) {
    struct entry *e = at(s, i);
    *(e->older ? &at(s, e->older)->newer : &s->oldest) = e->newer;
    *(e->newer ? &at(s, e->newer)->older : &s->newest) = e->older;
}

static void link_newest(struct prefix_store *s, uint32_t i) {
    struct entry *e = at(s, i);
    e->older = s->newest;
    e->newer = 0;
    *(s->newest ? &at(s, s->newest)->newer : &s->oldest) = i;
    s->newest = i;
}

static uint32_t add(struct prefix_store *s, uint64_t key, double block_bytes) {
    if (s->live >> s->bucket_bits) {
        grow_buckets(s);
    }
    uint32_t i = s->free;
    if (i) {
        s->free = at(s, i)->next;
    } else {
        if (s->count == s->capacity) {
            s->capacity = s->capacity ? 2 * s->capacity : ENTRIES_FIRST;
            s->entries = mem_realloc(s->entries, s->capacity, sizeof *s->entries);
        }
        i = ++s->count;
    }
    uint32_t *bucket = bucket_of(s, key);
    *at(s, i) = (struct entry){.key = key, .block_bytes = block_bytes, .next = *bucket};
    *bucket = i;
    link_newest(s, i);
    s->live++;
    return i;
}

static void drop(struct prefix_store *s, uint32_t i) {
    unlink_use(s, i);
    uint32_t *link = bucket_of(s, at(s, i)->key);
    while (*link != i) {
        link = &at(s, *link)->next;
    }
    *link = at(s, i)->next;
    at(s, i)->next = s->free;
    s->free = i;
    s->live--;
}

/* ---- the link ---- */

static simtime pass(const struct prefix_store *s, simtime *free_ps, simtime now, double bytes) {
    simtime begins = now > *free_ps ? now : *free_ps;
    *free_ps = simtime_add(begins, simtime_from_s(bytes / s->limits.bytes_per_s));
    return simtime_add(*free_ps, simtime_from_s(s->limits.latency_s));
}

simtime prefix_store_fetch(struct prefix_store *s, simtime now, double bytes) {
    return pass(s, &s->fetched_ps, now, bytes);
}

/* ---- what is there ---- */

uint32_t prefix_store_find(const struct prefix_store *s, uint64_t key, simtime now) {
    uint32_t i = find(s, key);
    if (!i) {
        return 0;
    }
    const struct entry *e = at(s, i);
    return now >= e->at || e->sooner > e->blocks ? e->blocks : e->sooner;
}

void prefix_store_touch(struct prefix_store *s, uint64_t key) {
    uint32_t i = find(s, key);
    if (i && i != s->newest) {
        unlink_use(s, i);
        link_newest(s, i);
    }
}

static void make_room(struct prefix_store *s) {
    while (s->bytes > s->limits.bytes) {
        struct entry *e = at(s, s->oldest);
        double over = ceil((s->bytes - s->limits.bytes) / e->block_bytes);
        uint32_t blocks = over < e->blocks ? (uint32_t)over : e->blocks;
        e->blocks -= blocks;
        s->bytes -= blocks * e->block_bytes;
        if (e->blocks == 0) {
            drop(s, s->oldest);
        }
    }
}

static uint32_t newest_of(struct prefix_store *s, uint64_t key, double block_bytes) {
    uint32_t i = find(s, key);
    if (!i) {
        return add(s, key, block_bytes);
    }
    if (i != s->newest) {
        unlink_use(s, i);
        link_newest(s, i);
    }
    return i;
}

/* Blocks that a put adds; 0 where it adds none, or has no room for them. */
static uint32_t new_blocks(const struct prefix_store *s, uint64_t key, uint32_t blocks, double block_bytes) {
    uint32_t i = find(s, key), there = i ? at(s, i)->blocks : 0;
    return blocks > there && blocks * block_bytes <= s->limits.bytes ? blocks - there : 0;
}

double prefix_store_arrives(struct prefix_store *s, uint64_t key, uint32_t blocks, double block_bytes,
                            simtime when) {
    uint32_t more = new_blocks(s, key, blocks, block_bytes);
    if (blocks == 0 || (more == 0 && !find(s, key))) {
        return 0;
    }
    struct entry *e = at(s, newest_of(s, key, block_bytes));
    if (more > 0) {
        e->sooner = e->blocks; /* what is still on its way counts as there: it comes before the rest does */
        e->blocks += more;
        e->at = when;
        s->bytes += more * block_bytes;
        make_room(s); /* it is the newest, and fits alone */
    }
    return more * block_bytes;
}

double prefix_store_put(struct prefix_store *s, uint64_t key, uint32_t blocks, double block_bytes,
                        simtime now) {
    double more = new_blocks(s, key, blocks, block_bytes) * block_bytes;
    simtime when = more > 0 ? pass(s, &s->sent_ps, now, more) : now;
    return prefix_store_arrives(s, key, blocks, block_bytes, when);
}
