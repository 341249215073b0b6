#include "workload/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
    POOL_CHUNK_RECORDS = 1024,
    STATUS_FREE = 255, /* of a record in the free list: no live record bears it */
};

const char *const request_status_names[] = {"in_flight", "completed",  "rejected", "timed_out",
                                            "failed",    "unfinished", NULL};

struct pool_chunk {
    struct pool_chunk *next;
    struct request records[POOL_CHUNK_RECORDS];
};

struct request_pool {
    struct pool_chunk *chunks;
    struct request *free_list; /* linked through next */
    uint64_t live;
    uint64_t peak;
};

struct request_pool *request_pool_create(void) {
    return mem_zalloc(1, sizeof(struct request_pool));
}

void request_pool_destroy(struct request_pool *p) {
    if (!p) {
        return;
    }
    struct pool_chunk *c = p->chunks;
    while (c) {
        struct pool_chunk *next = c->next;
        free(c);
        c = next;
    }
    free(p);
}

static void add_chunk(struct request_pool *p) {
    struct pool_chunk *c = mem_zalloc(1, sizeof *c);
    c->next = p->chunks;
    p->chunks = c;
    for (int i = POOL_CHUNK_RECORDS - 1; i >= 0; i--) {
        c->records[i].status = STATUS_FREE;
        c->records[i].next = p->free_list;
        p->free_list = &c->records[i];
    }
}

struct request *request_take(struct request_pool *p) {
    if (!p->free_list) {
        add_chunk(p);
    }
    struct request *r = p->free_list;
    p->free_list = r->next;
    *r = (struct request){
        .gateway_ps = -1,
        .scheduled_ps = -1,
        .first_token_ps = -1,
        .last_token_ps = -1,
        .done_ps = -1,
        .gives_up_ps = -1,
        .replica = -1,
    };
    if (++p->live > p->peak) {
        p->peak = p->live;
    }
    return r;
}

void request_again(struct request *r) {
    r->gateway_ps = r->scheduled_ps = r->first_token_ps = r->last_token_ps = r->done_ps = -1;
    r->gives_up_ps = -1;
    r->down_ps = 0;
    r->replica = -1;
    r->generated = r->computed = r->blocks = 0;
    r->held_chunks = r->shared_blocks = r->cached_tokens = 0;
    r->drafts = 0;
    r->remote = REMOTE_NONE;
    r->status = REQUEST_IN_FLIGHT;
    r->place = REQUEST_PLACE_NONE;
    r->retries++;
}

void request_give_back(struct request_pool *p, struct request *r) {
    r->status = STATUS_FREE;
    r->next = p->free_list;
    p->free_list = r;
    p->live--;
}

uint64_t request_pool_live(const struct request_pool *p) {
    return p->live;
}

uint64_t request_pool_peak(const struct request_pool *p) {
    return p->peak;
}

void request_pool_each(struct request_pool *p, void (*visit)(void *context, struct request *r),
                       void *context) {
    for (struct pool_chunk *c = p->chunks; c; c = c->next) {
        for (int i = 0; i < POOL_CHUNK_RECORDS; i++) {
            if (c->records[i].status != STATUS_FREE) {
                visit(context, &c->records[i]);
            }
        }
    }
}

void request_list_push_back(struct request_list *l, struct request *r) {
    r->next = NULL;
    r->previous = l->tail;
    if (l->tail) {
        l->tail->next = r;
    } else {
        l->head = r;
    }
    l->tail = r;
    l->count++;
}

void request_list_push_front(struct request_list *l, struct request *r) {
    r->previous = NULL;
    r->next = l->head;
    if (l->head) {
        l->head->previous = r;
    } else {
        l->tail = r;
    }
    l->head = r;
    l->count++;
}

void request_list_insert_after(struct request_list *l, struct request *before, struct request *r) {
    if (!before) {
        request_list_push_front(l, r);
    } else if (!before->next) {
        request_list_push_back(l, r);
    } else {
        r->previous = before;
        r->next = before->next;
        before->next->previous = r;
        before->next = r;
        l->count++;
    }
}

void request_list_remove(struct request_list *l, struct request *r) {
    if (r->previous) {
        r->previous->next = r->next;
    } else {
        l->head = r->next;
    }
    if (r->next) {
        r->next->previous = r->previous;
    } else {
        l->tail = r->previous;
    }
    r->previous = NULL;
    r->next = NULL;
    l->count--;
}

struct request *request_list_pop_front(struct request_list *l) {
    struct request *r = l->head;
    if (r) {
        request_list_remove(l, r);
    }
    return r;
}
