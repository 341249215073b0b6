/* sim/engine/queue.h: pending events in a total order: time, then priority, then order of scheduling, or, for
 * events that have one, rank.
 *
 * A binary heap of entries that name a slot, and the slot knows which entry is its own. Cancelling frees the
 * slot and moving adds a new entry; an entry that is no longer its slot's is dropped when it comes to the
 * front, and when such entries outnumber the pending ones the heap is rebuilt without them. So cancelling
 * costs O(1), moving as much as scheduling, and the heap needs no index from events to entries (keeping one
 * up to date cost more the larger the heap: docs/engine.md). A pending event costs 56 to 160 bytes, and no
 * allocation once the arrays have grown.
 */
#ifndef DRYDOCK_ENGINE_QUEUE_H
#define DRYDOCK_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/simtime.h"

enum {
    QUEUE_SLOT_BITS = 24, /* of an id; the others number the events: 1.1e12 of them */
    QUEUE_PENDING_MAX = (1 << QUEUE_SLOT_BITS) - 1,
    QUEUE_RANKED_BITS = 20,
    QUEUE_RANK_BITS = 17,
    QUEUE_RANK_MAX = (1 << QUEUE_RANK_BITS) - 1
};

typedef void (*queue_handler)(void *context, uint64_t argument);

/* What happens. */
struct queue_event {
    queue_handler handler;
    void *context;
    uint64_t argument;
};

/* The heap's entry. `order` is, from the top, priority (3 bits), sequence (37), slot (24): no two entries
 * share one. After 1.4e11 entries the pending ones are renumbered. With a rank, the sequence is the rank (17
 * bits) and a count of such entries (20 bits); when that is full, stale entries are swept out. */
struct queue_entry {
    simtime at;
    uint64_t order;
};

struct queue_slot {
    struct queue_event event; /* free: the argument is the next free slot */
    uint64_t id;              /* 0 when free */
    uint64_t order;           /* of its entry */
};

struct queue {
    struct queue_entry *heap;
    uint32_t entries, entry_capacity; /* stale ones and the hole included */
    bool hole;                        /* heap[0] was popped and not filled yet */
    struct queue_slot *slots;
    uint32_t slot_count, slot_capacity;
    uint32_t free_slot;        /* UINT32_MAX: none */
    uint32_t count;            /* pending */
    uint32_t peak;             /* most ever pending */
    uint64_t sequence;         /* of the next entry */
    uint64_t ranked;           /* entries with a rank so far */
    uint8_t ranked_priorities; /* a bit for each */
    uint64_t serial;           /* of the next id */
};

/* A zeroed struct is not ready: begin with queue_init. */
void queue_init(struct queue *q);
void queue_free(struct queue *q);

/* The id of the new event, never 0, never given twice. `at` is not negative; `priority` is 0 to 7, the lower
 * goes first. 0 when QUEUE_PENDING_MAX are pending. */
uint64_t queue_push(struct queue *q, simtime at, unsigned priority, struct queue_event event);

/* The same for an event whose place among its equals is told by `rank`, at most QUEUE_RANK_MAX, and not by
 * when it was scheduled. A priority is used with ranks or without, never both. */
uint64_t queue_push_ranked(struct queue *q, simtime at, unsigned priority, uint32_t rank,
                           struct queue_event event);

/* Place in the order of one instant: priority, then rank. */
static inline uint32_t queue_place(unsigned priority, uint32_t rank) {
    return (uint32_t)priority << QUEUE_RANK_BITS | rank;
}

/* The first event's date, and its priority when that is not NULL; SIMTIME_NEVER when empty. */
simtime queue_first(struct queue *q, unsigned *priority);

/* The place of the event that queue_first has just told (without a rank, its lower bits tell nothing). */
static inline uint32_t queue_first_place(const struct queue *q) {
    return (uint32_t)(q->heap[0].order >> (QUEUE_SLOT_BITS + QUEUE_RANKED_BITS));
}

/* Takes the first event out. The queue must not be empty. */
struct queue_event queue_pop(struct queue *q);
/* The same where queue_first has just told which that is. */
struct queue_event queue_pop_first(struct queue *q);

/* False when the id is not pending. A moved event keeps its id, priority and rank, and without a rank goes
 * behind its equals. */
bool queue_cancel(struct queue *q, uint64_t id);
bool queue_move(struct queue *q, uint64_t id, simtime at);

/* Events pending. */
static inline uint32_t queue_count(const struct queue *q) {
    return q->count;
}

#endif
