/* sim/engine/engine.h: the event core: an int64 picosecond clock, one queue, and SimGrid for what contends.
 *
 * Own events (batch iterations, timers, control loops) live in an indexed heap run from the main program;
 * arrivals come from a sorted cursor and are never queued. Transfers over shared links and disks are SimGrid
 * activities; SimGrid is a module loaded at the first transfer and advanced only while one is in flight and
 * only when one could end. Ties break by (time, priority, sequence number), those of EVENT_STEP by (time,
 * priority, rank).
 *
 * One engine a process (SimGrid's limit). Nothing here reads a wall clock.
 */
#ifndef DRYDOCK_ENGINE_ENGINE_H
#define DRYDOCK_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/simtime.h"
#include "engine/platform.h"

struct engine;

/* Of events at the same instant the lower goes first: what ends before what begins, arrivals after
 * completions, control after the data plane, observation last. */
enum event_priority {
    EVENT_TRANSFER,
    EVENT_STEP, /* with a rank: engine_at_ranked */
    EVENT_REPLICA,
    EVENT_LIFECYCLE,
    EVENT_ARRIVAL, /* the cursor's */
    EVENT_TIMEOUT,
    EVENT_CONTROL,
    EVENT_OBSERVE
};

typedef void (*event_handler)(void *context, uint64_t argument);

/* Identifies a pending event; 0 is none. An id is never reused within a run. */
typedef uint64_t event_id;

/* Where arrivals come from: `next` gives the date of the next one (SIMTIME_NEVER at the end), `fire` handles
 * it and steps on. Dates never decrease. */
struct engine_source {
    simtime (*next)(void *context);
    void (*fire)(void *context);
    void *context;
};

/* `platform` may be NULL when no transfer will ever be asked for; it must outlive the engine. */
struct engine *engine_create(const struct platform *platform, struct error *err);
void engine_destroy(struct engine *e);

simtime engine_now(const struct engine *e);

/* Schedules `handler(context, argument)`. `at` before now counts as now. */
event_id engine_at(struct engine *e, simtime at, enum event_priority priority, event_handler handler,
                   void *context, uint64_t argument);
/* An EVENT_STEP. Its place among others of its instant is told by `rank` and not by when it was scheduled, so
 * that an end of many steps at once falls where the ends of single ones would. At most one is pending of a
 * rank. */
event_id engine_at_ranked(struct engine *e, simtime at, uint32_t rank, event_handler handler, void *context,
                          uint64_t argument);

/* Whether an EVENT_STEP of that rank, at this very instant, would have been handled by now. */
bool engine_step_is_past(const struct engine *e, uint32_t rank);

/* True when the event was pending (and is no more). Id 0 and past ids are harmless. */
bool engine_cancel(struct engine *e, event_id id);
/* Moves a pending event, keeping its id; it ties as if scheduled now. False when it is not pending. */
bool engine_move(struct engine *e, event_id id, simtime at);

/* Calls `look(context, 0)` once when all that is due up to and at `at` has happened and the clock is about to
 * go on; it stands at `at` meanwhile. What looks may read anything and ask for its next date, and must not
 * change anything. Unlike an event it is not counted, is never waited for (a run that ends before `at` ends
 * without it) and moves no transfer's end: a run that is watched is the same to the bit. One at a time: the
 * last call counts, and SIMTIME_NEVER ends it. */
void engine_watch(struct engine *e, simtime at, event_handler look, void *context);

void engine_set_source(struct engine *e, struct engine_source source);

/* Runs until the queue and the source are empty and no transfer is in flight, or `until` is reached (events
 * at `until` itself still run, then the clock stands at `until`), or engine_stop is called, or SIGINT/SIGTERM
 * came. False with err on an internal failure (SimGrid module missing: ERROR_FAILED) and on a signal
 * (ERROR_INTERRUPTED). A run that follows one that ended for want of anything to do, or by engine_stop, may
 * begin up to the last transfer's duration later than where the clock stood. `tick`, when not NULL, is called
 * every few thousand events (progress). */
bool engine_run(struct engine *e, simtime until, void (*tick)(void *context, simtime now, uint64_t events),
                void *tick_context, struct error *err);
void engine_stop(struct engine *e);

/* ---- transfers: contended activities on the platform ---- */
typedef uint64_t transfer_id; /* 0 = none */

/* Moves bytes (rounded up to whole ones) from one host to another over the platform's route; `handler` runs
 * at the exact end date. A transfer between a host and itself, or of no bytes, takes no time (an event now).
 * Hosts are platform host indices. 0, and the handler is never called, when no path joins the hosts or one of
 * them is off. */
transfer_id engine_transfer(struct engine *e, uint32_t from, uint32_t to, double bytes, event_handler handler,
                            void *context, uint64_t argument);
/* Reads from (or writes to) the host's disk; concurrent reads share its bandwidth equally, and so do writes.
 * 0 when the host has no disk or is off. */
transfer_id engine_disk_read(struct engine *e, uint32_t host, double bytes, event_handler handler,
                             void *context, uint64_t argument);
transfer_id engine_disk_write(struct engine *e, uint32_t host, double bytes, event_handler handler,
                              void *context, uint64_t argument);
bool engine_transfer_cancel(struct engine *e, transfer_id id);

/* Turns a host off (its transfers are cancelled first, their handlers are not called) or on again. */
void engine_host_set(struct engine *e, uint32_t host, bool on);

/* What a run cost, for the benchmarks and their guards. */
struct engine_counters {
    uint64_t events;    /* own events and arrivals handled */
    uint64_t transfers; /* given to SimGrid */
    uint64_t syncs;     /* calls that advanced SimGrid */
    uint64_t peak_pending;
    uint64_t early; /* transfers that ended before the date found safe: 0, or that date is wrong */
};
struct engine_counters engine_counters(const struct engine *e);

#endif
