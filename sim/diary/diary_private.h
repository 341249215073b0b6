/* sim/diary/diary_private.h: pages as the two files of this room see them: diary.c fills them, diary_print.c
 * tells them. */
#ifndef DRYDOCK_DIARY_DIARY_PRIVATE_H
#define DRYDOCK_DIARY_DIARY_PRIVATE_H

#include "diary/diary.h"

/* What a request does or waits for: what replicas tell, and what happens outside of them. */
enum {
    PHASE_WAY_UP = WATCH_PHASES, /* to the gateway */
    PHASE_HELD,                  /* there, while no replica is Ready or has room */
    PHASE_HOP,                   /* from there to its replica */
    PHASE_BACK_OFF,              /* an attempt has ended, the next one is not yet sent */
    PHASE_AGAIN,                 /* preempted: in the queue once more */
    PHASE_DECODE_QUEUE,          /* of the replica that decodes what another one has prefilled */
    PHASE_HANDOVER,              /* from the replica that prefilled it to one that decodes */
    PHASE_WAY_BACK,
    PHASES
};

struct entry {
    simtime at;
    size_t steps; /* that lie before it */
    const char *text;
};

struct page {
    uint64_t id;
    bool sent, ended;
    const char *service, *tenant, *region;
    struct request end; /* as it was then */
    simtime hop_ps;
    int phase;
    simtime since;
    simtime preempted_ps;   /* the last time */
    bool preempted;         /* and not scheduled again */
    bool prefilled;         /* for another replica to decode */
    simtime times[PHASES];  /* to the end */
    simtime queued[PHASES]; /* to when this attempt came to its queue */
    simtime before[PHASES]; /* to the first token */
    struct entry *entries;
    size_t entry_count, entry_capacity;
    struct watch_step *steps;
    size_t step_count, step_capacity;
    uint64_t steps_left_out; /* beyond DIARY_STEPS_MAX */
};

enum { DIARY_STEPS_MAX = 1 << 18 };

struct slow {
    uint64_t id;
    simtime time;
};

struct diary {
    struct arena *arena;
    struct watch watch;
    struct page *pages;
    size_t count;
    uint64_t first_id, last_id, arrived; /* of all requests */
    struct slow slowest[DIARY_PAGES_MAX + 1];
    size_t slowest_count, slowest_wanted;
    enum diary_measure measure;
};

#endif
