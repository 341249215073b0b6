/* sim/engine/queue.h: pending events in a total order: time, then priority, then order of scheduling.
 *
 * An indexed binary heap: any pending event can be cancelled or moved by its id in O(log n). Measured against
 * other structures (docs/engine.md): below 1e4 pending, where a run stays, the binary heap with a branch-free
 * compare is the fastest that does not degenerate on bursts. One event costs 68 bytes and no allocation once
 * the arrays have grown.
 */
#ifndef DRYDOCK_ENGINE_QUEUE_H
#define DRYDOCK_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/simtime.h"

enum {
    QUEUE_SLOT_BITS = 24, /* of an id; the others number the events: 1.1e12 of them */
    QUEUE_PENDING_MAX = (1 << QUEUE_SLOT_BITS) - 1
};

typedef void (*queue_handler)(void *context, uint64_t argument);

/* What happens. */
struct queue_event {
    queue_handler handler;
    void *context;
    uint64_t argument;
};

/* Where it stands: the heap's entry, 24 bytes. `order` is priority << 61 | sequence. */
struct queue_entry {
    simtime at;
    uint64_t order;
    uint32_t slot;
};

struct queue_slot {
    struct queue_event event;
    uint64_t id; /* 0 when free */
};

struct queue {
    struct queue_entry *heap;
    uint32_t *place; /* slot -> index in heap; of free slots: the next free one */
    struct queue_slot *slots;
    uint32_t count;      /* entries in heap, the hole included */
    uint32_t slot_count; /* slots ever used */
    uint32_t capacity;
    uint32_t free_slot; /* head of the list of free slots; UINT32_MAX: none */
    uint32_t peak;      /* most events ever pending */
    bool hole;          /* heap[0] was popped and not filled yet */
    uint64_t sequence;
    uint64_t serial; /* of the next id */
};

/* A zeroed struct is not ready: begin with queue_init. */
void queue_init(struct queue *q);
void queue_free(struct queue *q);

/* The id of the new event, never 0, never given twice. `priority` is 0 to 7, the lower goes first. 0 when
 * QUEUE_PENDING_MAX are pending. */
uint64_t queue_push(struct queue *q, simtime at, unsigned priority, struct queue_event event);

/* The first event's date, and its priority when that is not NULL; SIMTIME_NEVER when empty. */
simtime queue_first(struct queue *q, unsigned *priority);

/* Takes the first event out. The queue must not be empty. */
struct queue_event queue_pop(struct queue *q);

/* False when the id is not pending. A moved event keeps its id and priority and goes behind its equals. */
bool queue_cancel(struct queue *q, uint64_t id);
bool queue_move(struct queue *q, uint64_t id, simtime at);

/* Events pending. */
static inline uint32_t queue_count(const struct queue *q) {
    return q->count - (q->hole ? 1U : 0U);
}

#endif
