#include "llm/prefix_cache.h"

#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"

/* Of a chunk. Indices are one more than places in `entries`; 0 is none. */
struct entry {
    uint64_t key;
    uint32_t blocks;       /* its first ones that are there */
    uint32_t refs;         /* running requests that hold it */
    uint32_t older, newer; /* in the order of last use, while nobody holds it */
    uint32_t next;         /* of the same bucket, or free */
};

struct prefix_cache {
    int64_t block_tokens;
    int64_t evictable;
    struct entry *entries;
    uint32_t count, capacity, free;
    uint32_t *buckets;
    uint32_t bucket_bits, live;
    uint32_t oldest, newest;
    void (*forgets)(void *context, uint64_t key, uint32_t blocks); /* NULL: nobody asks */
    void *context;
};

enum { BUCKET_BITS_FIRST = 8, ENTRIES_FIRST = 256 };

struct prefix_cache *prefix_cache_create(int64_t block_tokens) {
    struct prefix_cache *c = mem_zalloc(1, sizeof *c);
    c->block_tokens = block_tokens;
    c->bucket_bits = BUCKET_BITS_FIRST;
    c->buckets = mem_zalloc((size_t)1 << c->bucket_bits, sizeof *c->buckets);
    return c;
}

void prefix_cache_destroy(struct prefix_cache *c) {
    if (c) {
        free(c->entries);
        free(c->buckets);
        free(c);
    }
}

int64_t prefix_cache_evictable(const struct prefix_cache *c) {
    return c->evictable;
}

/* ---- entries by key ---- */

static struct entry *at(const struct prefix_cache *c, uint32_t index) {
    return &c->entries[index - 1];
}

/* Keys may be small numbers in a row (Mooncake's): Fibonacci hashing spreads them. */
static uint32_t *bucket_of(const struct prefix_cache *c, uint64_t key) {
    return &c->buckets[key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - c->bucket_bits)];
}

static uint32_t find(const struct prefix_cache *c, uint64_t key) {
    uint32_t i = *bucket_of(c, key);
    while (i && at(c, i)->key != key) {
        i = at(c, i)->next;
    }
    return i;
}

static void grow_buckets(struct prefix_cache *c) {
    uint32_t *old = c->buckets;
    size_t size = (size_t)1 << c->bucket_bits++;
    c->buckets = mem_zalloc(2 * size, sizeof *c->buckets);
    for (size_t b = 0; b < size; b++) {
        for (uint32_t i = old[b], next; i; i = next) {
            next = at(c, i)->next;
            uint32_t *bucket = bucket_of(c, at(c, i)->key);
            at(c, i)->next = *bucket;
            *bucket = i;
        }
    }
    free(old);
}

static uint32_t add(struct prefix_cache *c, uint64_t key) {
    if (c->live >> c->bucket_bits) {
        grow_buckets(c);
    }
    uint32_t i = c->free;
    if (i) {
        c->free = at(c, i)->next;
    } else {
        if (c->count == c->capacity) {
            c->capacity = c->capacity ? 2 * c->capacity : ENTRIES_FIRST;
            c->entries = mem_realloc(c->entries, c->capacity, sizeof *c->entries);
        }
        i = ++c->count;
    }
    uint32_t *bucket = bucket_of(c, key);
    *at(c, i) = (struct entry){.key = key, .next = *bucket};
    *bucket = i;
    c->live++;
    return i;
}

static void drop(struct prefix_cache *c, uint32_t i) {
    uint32_t *link = bucket_of(c, at(c, i)->key);
    while (*link != i) {
        link = &at(c, *link)->next;
    }
    *link = at(c, i)->next;
    at(c, i)->next = c->free;
    c->free = i;
    c->live--;
}

/* ---- the order of last use ---- */

static void unlink_use(struct prefix_cache *c, uint32_t i) {
    struct entry *e = at(c, i);
    *(e->older ? &at(c, e->older)->newer : &c->oldest) = e->newer;
    *(e->newer ? &at(c, e->newer)->older : &c->newest) = e->older;
    e->older = e->newer = 0;
}

static void hold(struct prefix_cache *c, uint32_t i) {
    struct entry *e = at(c, i);
    if (e->refs++ == 0) {
        unlink_use(c, i);
        c->evictable -= e->blocks;
    }
}

/* Answers how many blocks become free. */
static int64_t let_go(struct prefix_cache *c, uint32_t i) {
    struct entry *e = at(c, i);
    assert(e->refs > 0);
    if (--e->refs > 0) {
        return 0;
    }
    e->older = c->newest;
    *(c->newest ? &at(c, c->newest)->newer : &c->oldest) = i;
    c->newest = i;
    c->evictable += e->blocks;
    return e->blocks;
}

void prefix_cache_tell(struct prefix_cache *c, void (*forgets)(void *context, uint64_t key, uint32_t blocks),
                       void *context) {
    c->forgets = forgets;
    c->context = context;
}

void prefix_cache_trim(struct prefix_cache *c, int64_t free_blocks) {
    while (c->evictable > free_blocks) {
        uint32_t i = c->oldest;
        struct entry *e = at(c, i);
        int64_t over = c->evictable - free_blocks;
        uint32_t blocks = over < e->blocks ? (uint32_t)over : e->blocks;
        if (c->forgets) {
            c->forgets(c->context, e->key, e->blocks);
        }
        e->blocks -= blocks;
        c->evictable -= blocks;
        if (e->blocks == 0) {
            unlink_use(c, i);
            drop(c, i);
        }
    }
}

/* ---- requests ---- */

struct prefix_match prefix_cache_match(const struct prefix_cache *c, const struct request *r, int64_t known) {
    struct prefix_match m = {0};
    int64_t most = prefix_known_by_key(r, known - 1);
    while (m.chunks < r->chunk_count) {
        uint32_t i = find(c, r->chunks[m.chunks]);
        uint32_t wanted = prefix_chunk_blocks(r, m.chunks, most, c->block_tokens);
        if (!i || wanted == 0) {
            break;
        }
        const struct entry *e = at(c, i);
        if (r->chunk_tokens == REQUEST_CHUNK_SESSION && e->blocks * c->block_tokens > known) {
            break; /* shorter than what was said before: it does not carry the history */
        }
        uint32_t there = wanted < e->blocks ? wanted : e->blocks;
        m.chunks++;
        m.tokens += there * c->block_tokens;
        m.evictable += e->refs == 0 ? e->blocks : 0;
        if (there * c->block_tokens < r->chunk_tokens) {
            break;
        }
    }
    return m;
}

void prefix_cache_hold(struct prefix_cache *c, struct request *r, const struct prefix_match *match) {
    for (uint32_t k = 0; k < match->chunks; k++) {
        hold(c, find(c, r->chunks[k]));
    }
    r->held_chunks = match->chunks;
    r->shared_blocks = (uint32_t)(match->tokens / c->block_tokens);
}

/* Blocks that the request alone has pass to the chunk, up to `blocks`. */
static void fill(struct prefix_cache *c, uint32_t i, struct request *r, uint32_t blocks) {
    struct entry *e = at(c, i);
    if (blocks > e->blocks) {
        r->shared_blocks += blocks - e->blocks;
        e->blocks = blocks;
    }
}

/* A chunk that somebody else computed meanwhile stays his, and this request keeps a copy, as in vLLM. */
void prefix_cache_learn(struct prefix_cache *c, struct request *r) {
    int64_t tokens = prefix_known_by_key(r, r->computed);
    if (r->held_chunks > 0) {
        uint32_t last = r->held_chunks - 1;
        fill(c, find(c, r->chunks[last]), r, prefix_chunk_blocks(r, last, tokens, c->block_tokens));
    }
    for (uint32_t k = r->held_chunks; k < r->chunk_count; k++) {
        uint32_t blocks = prefix_chunk_blocks(r, k, tokens, c->block_tokens);
        bool after_whole =
            k == 0 || at(c, find(c, r->chunks[k - 1]))->blocks * c->block_tokens == r->chunk_tokens;
        if (blocks == 0 || !after_whole || find(c, r->chunks[k])) {
            break;
        }
        uint32_t i = add(c, r->chunks[k]);
        at(c, i)->refs = 1;
        fill(c, i, r, blocks);
        r->held_chunks = k + 1;
    }
}

int64_t prefix_cache_release(struct prefix_cache *c, struct request *r) {
    prefix_cache_learn(c, r);
    assert(r->blocks >= r->shared_blocks);
    int64_t freed = (int64_t)r->blocks - r->shared_blocks;
    for (uint32_t k = r->held_chunks; k-- > 0;) { /* the last is forgotten first */
        freed += let_go(c, find(c, r->chunks[k]));
    }
    r->held_chunks = 0;
    r->shared_blocks = 0;
    return freed;
}
