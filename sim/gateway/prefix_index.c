#include "gateway/prefix_index.h"

#include <stdlib.h>

#include "base/arena.h"

/* A key that a replica was sent. Indices are one more than places in `entries`; 0 is none. */
struct entry {
    uint64_t key;
    uint32_t replica;
    uint32_t tokens;       /* from the piece's beginning */
    uint32_t older, newer; /* of the replica's, in the order of last use */
    uint32_t next;         /* of the same bucket, or free */
    uint32_t blocks;
};

struct known {
    uint64_t blocks;
    uint32_t oldest, newest;
    uint32_t stamp;   /* of the look that the next two are of */
    uint32_t matched; /* blocks */
    uint32_t reached; /* pieces, from the first on without a gap */
};

struct prefix_index {
    struct prefix_index_config config;
    struct entry *entries;
    uint32_t count, capacity, free, live;
    uint32_t *buckets;
    uint32_t bucket_bits;
    struct known *known; /* by replica number */
    uint32_t known_count;
    uint32_t with_entries; /* replicas */
    uint32_t stamp;
};

enum { BUCKET_BITS_FIRST = 8, ENTRIES_FIRST = 256, GONE_MOST = 8 };

struct prefix_index *prefix_index_create(const struct prefix_index_config *config) {
    struct prefix_index *x = mem_zalloc(1, sizeof *x);
    x->config = *config;
    x->bucket_bits = BUCKET_BITS_FIRST;
    x->buckets = mem_zalloc((size_t)1 << x->bucket_bits, sizeof *x->buckets);
    return x;
}

struct prefix_index *prefix_index_of_options(const struct dd_option_value *values) {
    const struct prefix_index_config config = {.block_tokens = (uint32_t)values[0].number,
                                               .blocks_most = (uint32_t)values[1].number,
                                               .capacity = (uint64_t)values[2].number};
    return prefix_index_create(&config);
}

void prefix_index_destroy(struct prefix_index *x) {
    if (x) {
        free(x->entries);
        free(x->buckets);
        free(x->known);
        free(x);
    }
}

uint64_t prefix_index_entries(const struct prefix_index *x) {
    return x->live;
}

/* ---- entries by key ---- */

static struct entry *at(const struct prefix_index *x, uint32_t i) {
    return &x->entries[i - 1];
}

/* Keys may be small numbers in a row: Fibonacci hashing spreads them. */
static uint32_t *bucket_of(const struct prefix_index *x, uint64_t key) {
    return &x->buckets[key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - x->bucket_bits)];
}

static uint32_t find(const struct prefix_index *x, uint64_t key, uint32_t replica) {
    uint32_t i = *bucket_of(x, key);
    while (i && (at(x, i)->key != key || at(x, i)->replica != replica)) {
        i = at(x, i)->next;
    }
    return i;
}

static void grow_buckets(struct prefix_index *x) {
    uint32_t *old = x->buckets;
    size_t size = (size_t)1 << x->bucket_bits++;
    x->buckets = mem_zalloc(2 * size, sizeof *x->buckets);
    for (size_t b = 0; b < size; b++) {
        for (uint32_t i = old[b], next; i; i = next) {
            next = at(x, i)->next;
            uint32_t *bucket = bucket_of(x, at(x, i)->key);
            at(x, i)->next = *bucket;
            *bucket = i;
        }
    }
    free(old);
}

static uint32_t new_entry(struct prefix_index *x) {
    uint32_t i = x->free;
    if (i) {
        x->free = at(x, i)->next;
        return i;
    }
    if (x->count == x->capacity) {
        x->capacity = x->capacity ? 2 * x->capacity : ENTRIES_FIRST;
        x->entries = mem_realloc(x->entries, x->capacity, sizeof *x->entries);
    }
    return ++x->count;
}

static uint32_t add(struct prefix_index *x, uint64_t key, uint32_t replica) {
    if (x->live >> x->bucket_bits) {
        grow_buckets(x);
    }
    uint32_t i = new_entry(x);
    uint32_t *bucket = bucket_of(x, key);
    *at(x, i) = (struct entry){.key = key, .replica = replica, .next = *bucket};
    *bucket = i;
    x->live++;
    return i;
}

/* ---- the order of last use ---- */

static void unlink_use(struct prefix_index *x, uint32_t i) {
    struct entry *e = at(x, i);
    struct known *k = &x->known[e->replica];
    *(e->older ? &at(x, e->older)->newer : &k->oldest) = e->newer;
    *(e->newer ? &at(x, e->newer)->older : &k->newest) = e->older;
}

static void link_newest(struct prefix_index *x, uint32_t i) {
    struct entry *e = at(x, i);
    struct known *k = &x->known[e->replica];
    x->with_entries += k->newest == 0;
    e->older = k->newest;
    e->newer = 0;
    *(k->newest ? &at(x, k->newest)->newer : &k->oldest) = i;
    k->newest = i;
}

static void drop(struct prefix_index *x, uint32_t i) {
    struct entry *e = at(x, i);
    struct known *k = &x->known[e->replica];
    unlink_use(x, i);
    x->with_entries -= k->newest == 0;
    k->blocks -= e->blocks;
    uint32_t *link = bucket_of(x, e->key);
    while (*link != i) {
        link = &at(x, *link)->next;
    }
    *link = e->next;
    e->next = x->free;
    x->free = i;
    x->live--;
}

/* ---- a request in blocks ---- */

struct prompt {
    uint32_t tokens; /* that are looked at */
    uint32_t pieces;
    uint32_t piece_tokens;
    uint32_t blocks;
};

static uint32_t least(uint64_t a, uint64_t b) {
    return (uint32_t)(a < b ? a : b);
}

static uint32_t blocks_of(const struct prefix_index *x, uint32_t tokens) {
    return tokens / x->config.block_tokens + (tokens % x->config.block_tokens != 0);
}

static struct prompt prompt_of(const struct prefix_index *x, const struct dd_route_request *r) {
    struct prompt p = {.piece_tokens = r->prefix_tokens};
    if (r->prefix_count == 0 || r->prefix_tokens == 0 || r->input_tokens < x->config.block_tokens) {
        return p;
    }
    p.tokens = least(r->input_tokens, (uint64_t)x->config.block_tokens * x->config.blocks_most);
    p.tokens = least(p.tokens, (uint64_t)r->prefix_tokens * r->prefix_count);
    p.pieces = (p.tokens - 1) / r->prefix_tokens + 1;
    p.blocks = blocks_of(x, p.tokens);
    return p;
}

/* Of the prompt's piece k. */
static uint32_t piece_tokens(const struct prompt *p, uint32_t k) {
    return least(p->piece_tokens, p->tokens - (uint64_t)k * p->piece_tokens);
}

/* ---- looking ---- */

static void count_match(struct prefix_index *x, const struct entry *e, uint32_t k, uint32_t tokens) {
    struct known *known = &x->known[e->replica];
    if (known->stamp != x->stamp) {
        known->stamp = x->stamp;
        known->matched = known->reached = 0;
    }
    if (x->config.is_tree && known->reached != k) {
        return;
    }
    known->reached = k + 1;
    /* the last block of what was sent before, when it was not full, has another hash in a longer prompt */
    known->matched += e->tokens >= tokens ? blocks_of(x, tokens) : e->tokens / x->config.block_tokens;
}

uint32_t prefix_index_look(struct prefix_index *x, const struct dd_route_request *r) {
    struct prompt p = prompt_of(x, r);
    x->stamp++;
    for (uint32_t k = 0; k < p.pieces; k++) {
        bool found = false;
        uint32_t tokens = piece_tokens(&p, k);
        for (uint32_t i = *bucket_of(x, r->prefix[k]); i; i = at(x, i)->next) {
            if (at(x, i)->key == r->prefix[k]) {
                count_match(x, at(x, i), k, tokens);
                found = true;
            }
        }
        if (!found) {
            break;
        }
    }
    return p.blocks;
}

uint32_t prefix_index_matched(const struct prefix_index *x, uint32_t replica) {
    return replica < x->known_count && x->known[replica].stamp == x->stamp ? x->known[replica].matched : 0;
}

/* ---- learning ---- */

static void make_room(struct prefix_index *x, uint32_t replica) {
    if (replica < x->known_count) {
        return;
    }
    uint32_t count = 2 * replica + 8;
    x->known = mem_realloc(x->known, count, sizeof *x->known);
    for (uint32_t i = x->known_count; i < count; i++) {
        x->known[i] = (struct known){0};
    }
    x->known_count = count;
}

static void forget_gone(struct prefix_index *x, const struct dd_candidate *candidates, uint32_t count) {
    bool *there = mem_zalloc(x->known_count, sizeof *there);
    for (uint32_t i = 0; i < count; i++) {
        if (candidates[i].replica < x->known_count) {
            there[candidates[i].replica] = true;
        }
    }
    for (uint32_t replica = 0; replica < x->known_count; replica++) {
        while (!there[replica] && x->known[replica].oldest) {
            drop(x, x->known[replica].oldest);
        }
    }
    free(there);
}

static void learn(struct prefix_index *x, uint64_t key, uint32_t replica, uint32_t tokens) {
    uint32_t i = find(x, key, replica);
    if (i) {
        unlink_use(x, i);
        x->with_entries -= x->known[replica].newest == 0;
    } else {
        i = add(x, key, replica);
    }
    link_newest(x, i);
    struct entry *e = at(x, i);
    if (tokens > e->tokens) {
        uint32_t blocks = blocks_of(x, tokens);
        x->known[replica].blocks += blocks - e->blocks;
        e->tokens = tokens;
        e->blocks = blocks;
    }
}

void prefix_index_sent(struct prefix_index *x, const struct dd_route_request *r, uint32_t replica,
                       const struct dd_candidate *candidates, uint32_t count) {
    struct prompt p = prompt_of(x, r);
    make_room(x, replica);
    for (uint32_t n = 0; n < p.pieces; n++) {
        uint32_t k =
            x->config.is_tree ? p.pieces - 1 - n : n; /* a tree's root is used last: its leaves go first */
        learn(x, r->prefix[k], replica, piece_tokens(&p, k));
    }
    while (x->known[replica].blocks > x->config.capacity) {
        drop(x, x->known[replica].oldest);
    }
    if (x->with_entries > 2 * count + GONE_MOST) {
        forget_gone(x, candidates, count);
    }
}
