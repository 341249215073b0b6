#include "gateway/dispatches.h"

#include <stdlib.h>

#include "base/arena.h"

/* Indices are one more than places in `items`; 0 is none. */
enum { BUCKET_BITS_FIRST = 6, ITEMS_FIRST = 64 };

static struct dispatch *at(const struct dispatches *d, uint32_t i) {
    return &d->items[i - 1];
}

static uint32_t *bucket_of(const struct dispatches *d, uint64_t id) {
    return &d->buckets[id * UINT64_C(0x9E3779B97F4A7C15) >> (64 - d->bucket_bits)];
}

static void grow_buckets(struct dispatches *d) {
    uint32_t *old = d->buckets;
    size_t size = old ? (size_t)1 << d->bucket_bits : 0;
    d->bucket_bits = old ? d->bucket_bits + 1 : BUCKET_BITS_FIRST;
    d->buckets = mem_zalloc((size_t)1 << d->bucket_bits, sizeof *d->buckets);
    for (size_t b = 0; b < size; b++) {
        for (uint32_t i = old[b], next; i; i = next) {
            next = at(d, i)->next;
            uint32_t *bucket = bucket_of(d, at(d, i)->id);
            at(d, i)->next = *bucket;
            *bucket = i;
        }
    }
    free(old);
}

static uint32_t new_item(struct dispatches *d) {
    uint32_t i = d->free;
    if (i) {
        d->free = at(d, i)->next;
        return i;
    }
    if (d->count == d->capacity) {
        d->capacity = d->capacity ? 2 * d->capacity : ITEMS_FIRST;
        d->items = mem_realloc(d->items, d->capacity, sizeof *d->items);
    }
    return ++d->count;
}

struct dispatch *dispatches_add(struct dispatches *d, uint64_t id) {
    if (!d->buckets || d->live >> d->bucket_bits) {
        grow_buckets(d);
    }
    uint32_t i = new_item(d);
    uint32_t *bucket = bucket_of(d, id);
    *at(d, i) = (struct dispatch){.id = id, .first_token_s = -1, .next = *bucket};
    *bucket = i;
    d->live++;
    return at(d, i);
}

struct dispatch *dispatches_find(struct dispatches *d, uint64_t id) {
    uint32_t i = d->buckets ? *bucket_of(d, id) : 0;
    while (i && at(d, i)->id != id) {
        i = at(d, i)->next;
    }
    return i ? at(d, i) : NULL;
}

void dispatches_remove(struct dispatches *d, uint64_t id) {
    uint32_t *link = d->buckets ? bucket_of(d, id) : NULL;
    while (link && *link && at(d, *link)->id != id) {
        link = &at(d, *link)->next;
    }
    if (!link || !*link) {
        return;
    }
    uint32_t i = *link;
    *link = at(d, i)->next;
    at(d, i)->next = d->free;
    d->free = i;
    d->live--;
}

void dispatches_free(struct dispatches *d) {
    free(d->items);
    free(d->buckets);
    *d = (struct dispatches){0};
}
