/* sim/gateway/tenants.h: what a policy keeps by tenant: an array by the tenant's number, zeroed where nothing
 * was kept yet. Numbers are those of names seen so far, so that it is about as long as there are names. */
#ifndef DRYDOCK_GATEWAY_TENANTS_H
#define DRYDOCK_GATEWAY_TENANTS_H

#include <string.h>

#include "base/arena.h"

struct by_tenant {
    void *items; /* on the heap */
    size_t count;
};

static inline void *by_tenant_item(struct by_tenant *t, uint32_t tenant, size_t item_bytes) {
    enum { AT_FIRST = 64 };
    if (tenant >= t->count) {
        size_t count = t->count ? t->count : AT_FIRST;
        while (count <= tenant) {
            count *= 2;
        }
        t->items = mem_realloc(t->items, count, item_bytes);
        memset((char *)t->items + t->count * item_bytes, 0, (count - t->count) * item_bytes);
        t->count = count;
    }
    return (char *)t->items + tenant * item_bytes;
}

#endif
