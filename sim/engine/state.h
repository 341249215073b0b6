/* sim/engine/state.h: the engine from inside; for this room's own files. */
#ifndef DRYDOCK_ENGINE_STATE_H
#define DRYDOCK_ENGINE_STATE_H

#include "engine/engine.h"
#include "engine/queue.h"
#include "engine/simgrid_module.h"

/* A flow whose route has more shared links is not counted upon in the bound, which is then only earlier. */
enum { FLOW_LINKS_MAX = 8 };

enum flow_kind { FLOW_FREE, FLOW_NETWORK, FLOW_DISK, FLOW_ENDED };

/* A transfer. ENDED: over, its handler waits in the queue for its turn at this instant. */
struct flow {
    uint64_t id;
    enum flow_kind kind;
    uint32_t from, to;
    event_handler handler;
    void *context;
    uint64_t argument;
    struct simgrid_worker *worker;                    /* network */
    simtime opens;                                    /* network: when its latency is paid */
    double weight, low, high, left, path_bytes_per_s; /* network: bound.c */
    uint32_t links[FLOW_LINKS_MAX], link_count;
    bool links_known; /* all of the route's shared links are there */
    uint32_t lane;    /* disk: index in lanes */
    double finish;    /* disk: the lane's served bytes at which it ends */
    uint32_t next;    /* disk: the lane's next flow; free: the next free one */
    event_id event;   /* ENDED */
};

/* A shared link in one direction; sums over its flows (bound.c). */
struct bound_link {
    double bytes_per_s, weight, low;
};

/* One direction of a host's disk: processor sharing in closed form (disk.c). */
struct lane {
    double bytes_per_s;
    double served; /* bytes given to each of its flows since it was last idle, as of `at` */
    simtime at;
    uint32_t first, count;
    event_id event; /* the next end */
};

struct engine {
    struct queue queue;
    struct engine_source source;
    simtime now;
    simtime watch_at;
    event_handler look;
    void *look_context;
    uint32_t place; /* of what is being handled, in the order of this instant */
    bool running;   /* inside engine_run */
    bool halted;    /* stopped, interrupted or failed: no more events in this run */
    struct error error;
    struct engine_counters counters;
    void (*tick)(void *context, simtime now, uint64_t events);
    void *tick_context;

    const struct platform *platform;
    bool *host_off;
    struct flow *flows;
    uint32_t flow_count, flow_capacity, flow_free;
    uint64_t flow_serial;
    struct lane *lanes; /* two a host: reads, writes */

    const struct simgrid_module *sim; /* NULL until the first network transfer */
    uint32_t in_flight;               /* network transfers */
    simtime safe;                     /* no network transfer ends before this date (bound.c) */
    simtime next_opens;               /* when the next of them has paid its latency */
    simtime bound_at;                 /* of the flows' `left` */
    struct bound_link *links;
    simtime synced; /* SimGrid's clock */
    simtime target; /* where whoever advances SimGrid wants to arrive */
    bool driving;   /* somebody is running own events now */
};

/* engine.c: runs all that is due before `bound`, advancing SimGrid where a transfer could end in between. */
void engine_run_before(struct engine *e, simtime bound);
/* engine.c: ends the run with the first failure. */
void engine_fail(struct engine *e);

/* transfer.c */
void transfers_begin(struct engine *e);
void transfers_end(struct engine *e);
/* Advances SimGrid to t from the loop: what ends before t is handled on the way, at its date. */
void transfers_advance(struct engine *e, simtime t);
/* Between runs: to find the last end SimGrid may have been sent beyond it, and it cannot go back. */
void transfers_resume(struct engine *e);
/* A new flow, or UINT32_MAX at the limit. */
uint32_t flow_take(struct engine *e, enum flow_kind kind, uint32_t from, uint32_t to);
void flow_release(struct engine *e, uint32_t flow);
/* Schedules the flow's handler for this instant. */
void flow_finish(struct engine *e, uint32_t flow);

/* bound.c: begin fills in a new flow; update, after any change of the set of flows, finds `safe`; passed
 * tells whether a flow could have ended at t. */
void bound_init(struct engine *e);
void bound_free(struct engine *e);
void bound_begin(struct engine *e, struct flow *f, double latency_s, double bytes_per_s, double bytes);
void bound_settle(struct engine *e, simtime now);
void bound_update(struct engine *e, simtime now);
bool bound_passed(struct engine *e, simtime t);

/* disk.c */
void disk_start(struct engine *e, struct lane *lane, uint32_t flow, double bytes);
void disk_cancel(struct engine *e, struct lane *lane, uint32_t flow);

#endif
