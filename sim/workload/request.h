/* sim/workload/request.h: a request in flight: one record from a pool, from the user's send to its last
 * token.
 *
 * Memory is bounded by what is in flight: a record is taken when the request arrives and given back when its
 * row is written. Records never move.
 */
#ifndef DRYDOCK_WORKLOAD_REQUEST_H
#define DRYDOCK_WORKLOAD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/simtime.h"
#include "engine/engine.h"

/* What became of it. arrived = the sum of all but REQUEST_IN_FLIGHT, always. */
enum request_status {
    REQUEST_IN_FLIGHT,
    REQUEST_COMPLETED,
    REQUEST_REJECTED,  /* turned away: queue full, too long for the model */
    REQUEST_TIMED_OUT, /* given up before the first token */
    REQUEST_FAILED,    /* its replica was stopped under it */
    REQUEST_UNFINISHED /* still there when the run ended */
};
extern const char *const request_status_names[]; /* ended by NULL */

/* What a prompt is made of beside text. */
enum request_modality { MODALITY_TEXT, MODALITY_IMAGE, MODALITY_AUDIO, MODALITY_IMAGE_AND_AUDIO, MODALITIES };

/* KV of a prompt that another replica has computed. */
enum remote_kv {
    REMOTE_NONE,
    REMOTE_WANTED, /* there is no room for it yet */
    REMOTE_COMING, /* its blocks are taken */
    REMOTE_HERE
};

/* 272 bytes; dates in ps, -1 = not yet. */
struct request {
    uint64_t id; /* the trace row: stable whatever the definitions do */
    uint64_t session;
    simtime arrival_ps;     /* first sent by the user */
    simtime sent_ps;        /* this attempt; the dates that follow are of it too */
    simtime gateway_ps;     /* reached the service */
    simtime scheduled_ps;   /* first joined a batch, or a server */
    simtime first_token_ps; /* emitted by the replica */
    simtime last_token_ps;
    simtime down_ps;  /* from the replica to the user: network and API path */
    simtime done_ps;  /* the end as the user sees it */
    double service_s; /* stated work of a plain request; 0 = drawn from the server's law */
    double payload_bytes;
    /* Its share of the busy time of the replica it is with, while that goes on up to a sum that the replica
     * keeps; of all it was with; and what that cost. */
    uint64_t work_ps, compute_ps;
    double cost_usd;
    struct request *previous, *next; /* in the list it waits in */
    const uint64_t *chunks;          /* keys of the prompt's prefix; NULL when none is known */
    uint64_t session_chunk;          /* the one key of a session, that `chunks` points at */
    struct request *sooner, *later;  /* in the order of giving up */
    event_id stops;                  /* its user stops reading; 0 = not, or not yet known */
    simtime gives_up_ps;  /* waits for its first token no longer; -1 = does not look at the clock */
    uint64_t ticket;      /* its place in the order in which requests reached its replica */
    uint32_t joined_step; /* of the replica's steps, the one under way when it came */
    uint32_t input_tokens;
    uint32_t output_tokens; /* at least 1 for work that goes to a model */
    uint32_t generated;
    uint32_t computed;                   /* tokens whose KV is in the cache */
    uint32_t blocks;                     /* KV blocks held */
    uint32_t chunk_count, chunk_tokens;  /* tokens a key covers */
    uint32_t held_chunks, shared_blocks; /* of the replica's prefix cache */
    uint32_t cached_tokens;              /* found there when it was first admitted */
    uint32_t service;
    uint32_t tenant; /* names table */
    uint32_t region;
    int32_t replica;  /* -1 = none yet */
    uint32_t adapter; /* names table; 0 = the base model */
    int16_t priority; /* smaller goes first, where the engine schedules by it */
    uint16_t drafts;  /* tokens proposed behind the last one, to verify in the next step */
    uint16_t preemptions;
    uint8_t status;   /* enum request_status */
    uint8_t place;    /* the replica's own: where the record is; REQUEST_PLACE_NONE = not with a replica */
    uint16_t route;   /* that shares its model's requests out, + 1; 0 = it asked for the service itself */
    bool counted : 1; /* arrived after the warm-up */
    bool watched : 1; /* somebody wants to know its life (--explain) */
    uint8_t modality : 2; /* enum request_modality */
    bool cancelled : 1;   /* stopped by its user after the first token */
    uint8_t remote : 2;   /* enum remote_kv */
    bool leaves_kv : 1;   /* answered, its KV stays with its replica until that is told otherwise */
    uint8_t retries;      /* attempts before this one */
    uint32_t handover;    /* of whom holds it between prefill and decode; 0 = nobody */
};

enum { REQUEST_PLACE_NONE = 0 };
#define REQUEST_CHUNK_SESSION UINT32_MAX /* chunk_tokens: one chunk is all there is, answers included */

struct request_pool;

struct request_pool *request_pool_create(void);
void request_pool_destroy(struct request_pool *p);
struct request *request_take(struct request_pool *p); /* zeroed, dates -1, replica -1 */
void request_again(struct request *r); /* as it was sent first, for another attempt: no replica holds it */
void request_give_back(struct request_pool *p, struct request *r);
uint64_t request_pool_live(const struct request_pool *p);
uint64_t request_pool_peak(const struct request_pool *p);

/* Calls visit for every live record, in no order that may matter. */
void request_pool_each(struct request_pool *p, void (*visit)(void *context, struct request *r),
                       void *context);

/* A doubly linked list of requests. */
struct request_list {
    struct request *head, *tail;
    uint32_t count;
};
void request_list_push_back(struct request_list *l, struct request *r);
void request_list_push_front(struct request_list *l, struct request *r);
/* Behind `before`; NULL: in front of all. */
void request_list_insert_after(struct request_list *l, struct request *before, struct request *r);
void request_list_remove(struct request_list *l, struct request *r);
struct request *request_list_pop_front(struct request_list *l); /* NULL when empty */

#endif
