/* Disks: equal sharing of a bandwidth, in closed form.
 *
 * Why not SimGrid's disk model: 3.32 rounds what a disk has served to whole bytes at every step of its clock,
 * so the end of a read moves by up to half a byte's time (0.5 ns at 1 GB/s) each time the clock is advanced
 * for something else, and the stepped run and the fast one would part. One queue with one bandwidth needs no
 * solver: all flows of a lane have been served the same number of bytes since it was last idle, `served`,
 * which grows at bandwidth / flows. A flow that begins at `served` = s ends at s + bytes. The state changes
 * only where a flow of the lane begins, ends or is cancelled: a date that nothing else can move.
 *
 * A lane's flows are a list; a node loads a handful of weights at once, so its least element is searched.
 */
#include "engine/state.h"

static const uint32_t none = UINT32_MAX;

static void lane_catch_up(struct engine *e, struct lane *lane) {
    if (lane->count > 0) {
        double elapsed_s = simtime_to_s(e->now - lane->at);
        lane->served += elapsed_s * lane->bytes_per_s / lane->count;
    } else {
        lane->served = 0;
    }
    lane->at = e->now;
}

static double lane_least(const struct engine *e, const struct lane *lane) {
    double least = e->flows[lane->first].finish;
    for (uint32_t f = e->flows[lane->first].next; f != none; f = e->flows[f].next) {
        least = e->flows[f].finish < least ? e->flows[f].finish : least;
    }
    return least;
}

static void lane_end(void *context, uint64_t argument);

static void lane_schedule(struct engine *e, struct lane *lane) {
    engine_cancel(e, lane->event);
    lane->event = 0;
    if (lane->count > 0) {
        double left = lane_least(e, lane) - lane->served;
        simtime wait = simtime_from_s((left > 0 ? left : 0) * lane->count / lane->bytes_per_s);
        simtime at = wait < SIMTIME_NEVER - e->now ? e->now + wait : SIMTIME_NEVER;
        lane->event = engine_at(e, at, EVENT_TRANSFER, lane_end, e, (uint64_t)(lane - e->lanes));
    }
}

/* Exactly those with the least finish end now: `served` is set to it, not to what the clock's rounding to
 * picoseconds makes of it. */
static void lane_end(void *context, uint64_t argument) {
    struct engine *e = context;
    struct lane *lane = &e->lanes[argument];
    lane->event = 0;
    lane->served = lane_least(e, lane);
    lane->at = e->now;
    uint32_t *link = &lane->first;
    while (*link != none) {
        uint32_t flow = *link;
        if (e->flows[flow].finish <= lane->served) {
            *link = e->flows[flow].next;
            lane->count--;
            flow_finish(e, flow);
        } else {
            link = &e->flows[flow].next;
        }
    }
    lane_schedule(e, lane);
}

void disk_start(struct engine *e, struct lane *lane, uint32_t flow, double bytes) {
    lane_catch_up(e, lane);
    if (lane->count == 0) {
        lane->first = none;
    }
    uint32_t *link = &lane->first; /* at the end: flows that end together end in the order they began */
    while (*link != none) {
        link = &e->flows[*link].next;
    }
    *link = flow;
    e->flows[flow].next = none;
    e->flows[flow].finish = lane->served + bytes;
    lane->count++;
    lane_schedule(e, lane);
}

void disk_cancel(struct engine *e, struct lane *lane, uint32_t flow) {
    lane_catch_up(e, lane);
    uint32_t *link = &lane->first;
    while (*link != flow) {
        link = &e->flows[*link].next;
    }
    *link = e->flows[flow].next;
    lane->count--;
    lane_schedule(e, lane);
}
