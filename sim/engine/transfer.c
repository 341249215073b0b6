/* Transfers: which are in flight, when the next could end, and what their ends set off.
 *
 * SimGrid runs only inside transfers_advance, towards `target`. A transfer's end wakes its worker there, at
 * the exact date. Events that the end's handler schedules before `target` must happen before SimGrid goes on,
 * so the worker runs them itself (engine_run_before), sleeping in SimGrid between them; it is then the one
 * that advances SimGrid, to a nearer target, and the next end may interrupt it in the same way. Targets are
 * nested like calls. `driving` says that somebody awake runs events already: then an end only leaves its own
 * event in the queue, so that handlers are never interleaved.
 */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "engine/platform_file.h"
#include "engine/state.h"

static const uint32_t none = UINT32_MAX;
static const double bytes_most = 1e18;

void transfers_begin(struct engine *e) {
    size_t hosts = e->platform ? e->platform->host_count : 0;
    e->flow_free = none;
    e->safe = e->next_opens = SIMTIME_NEVER;
    e->host_off = mem_zalloc(hosts + 1, sizeof *e->host_off);
    e->lanes = mem_zalloc(2 * hosts + 1, sizeof *e->lanes);
    bound_init(e);
    for (size_t i = 0; i < hosts; i++) {
        e->lanes[2 * i].bytes_per_s = e->platform->hosts[i].disk_read_bytes_per_s;
        e->lanes[2 * i + 1].bytes_per_s = e->platform->hosts[i].disk_write_bytes_per_s;
    }
}

void transfers_end(struct engine *e) {
    if (e->sim) {
        e->sim->close();
    }
    bound_free(e);
    free(e->flows);
    free(e->lanes);
    free(e->host_off);
}

static void flows_grow(struct engine *e) {
    e->flow_capacity = e->flow_capacity ? 2 * e->flow_capacity : 64;
    e->flows = mem_realloc(e->flows, e->flow_capacity, sizeof *e->flows);
}

uint32_t flow_take(struct engine *e, enum flow_kind kind, uint32_t from, uint32_t to) {
    uint32_t flow = e->flow_free;
    if (flow != none) {
        e->flow_free = e->flows[flow].next;
    } else if (e->flow_count == QUEUE_PENDING_MAX) {
        error_set(&e->error, ERROR_FAILED, "more than %d transfers are in flight", QUEUE_PENDING_MAX);
        engine_fail(e);
        return none;
    } else {
        if (e->flow_count == e->flow_capacity) {
            flows_grow(e);
        }
        flow = e->flow_count++;
    }
    uint64_t id = ++e->flow_serial << QUEUE_SLOT_BITS | flow;
    e->flows[flow] = (struct flow){.id = id, .kind = kind, .from = from, .to = to};
    return flow;
}

void flow_release(struct engine *e, uint32_t flow) {
    e->flows[flow] = (struct flow){.kind = FLOW_FREE, .next = e->flow_free};
    e->flow_free = flow;
}

static void flow_deliver(void *context, uint64_t argument) {
    struct engine *e = context;
    struct flow flow = e->flows[argument];
    flow_release(e, (uint32_t)argument);
    flow.handler(flow.context, flow.argument);
}

static void finish_at(struct engine *e, uint32_t flow, simtime at) {
    e->flows[flow].kind = FLOW_ENDED;
    e->flows[flow].event = engine_at(e, at, EVENT_TRANSFER, flow_deliver, e, flow);
}

void flow_finish(struct engine *e, uint32_t flow) {
    finish_at(e, flow, e->now);
}

/* The worker's call at the transfer's end. */
static void transfer_ended(void *context, uint32_t flow) {
    struct engine *e = context;
    simtime clock = simtime_from_s(e->sim->clock());
    e->counters.early += clock + 1 < e->safe;
    bound_settle(e, clock);
    e->in_flight--;
    finish_at(e, flow, clock);
    bound_update(e, clock);
    e->synced = clock > e->synced ? clock : e->synced;
    e->sim->yield(); /* whatever else ends at this date reports before any handler runs */
    if (!e->driving) {
        engine_run_before(e, e->target);
    }
}

/* Everything awake is asleep again, or gone back to the pool, when the target is reached: the main program
 * finds nobody driving, and a worker waits for whoever is still busy with this very instant. */
void transfers_advance(struct engine *e, simtime t) {
    simtime outer = e->target;
    e->target = t;
    e->driving = false;
    e->counters.syncs++;
    e->sim->advance(simtime_to_s(t));
    while (e->driving) {
        e->sim->yield();
    }
    e->driving = true;
    e->target = outer;
    e->synced = t > e->synced ? t : e->synced;
    if (e->next_opens <= e->synced && e->in_flight > 0) {
        bound_update(e, e->synced);
    }
}

void transfers_resume(struct engine *e) {
    if (!e->running && e->now < e->synced) {
        e->now = e->synced;
    }
}

/* Brings SimGrid to now from inside a handler, before something changes there. Nothing ends on the way: the
 * loop would have advanced SimGrid itself. Should it all the same (by the last bit of a double), its event
 * waits in the queue. */
static void catch_up(struct engine *e) {
    transfers_resume(e);
    if (e->now > e->synced) {
        bool driving = e->driving;
        e->driving = true;
        e->counters.syncs++;
        e->sim->advance(simtime_to_s(e->now));
        e->synced = e->now;
        e->driving = driving;
    }
}

static bool load(struct engine *e) {
    const struct platform *p = e->platform;
    const struct simgrid_module *sim = simgrid_module_open(&e->error);
    if (!sim) {
        return false;
    }
    struct platform_xml_file xml;
    if (!platform_xml_open(p, &xml, &e->error)) {
        return false;
    }
    const char **names = mem_zalloc(p->host_count + 1, sizeof *names);
    for (size_t i = 0; i < p->host_count; i++) {
        names[i] = p->hosts[i].name;
    }
    struct simgrid_setup setup = {.xml_path = xml.path,
                                  .hosts = names,
                                  .host_count = p->host_count,
                                  .ended = transfer_ended,
                                  .context = e};
    char message[256];
    bool opened = sim->open(&setup, message, sizeof message);
    free(names);
    platform_xml_close(&xml);
    if (!opened) {
        return error_set(&e->error, ERROR_FAILED, "SimGrid: %s", message);
    }
    e->sim = sim;
    for (uint32_t i = 0; i < p->host_count; i++) {
        if (e->host_off[i]) {
            sim->host_set(i, false);
        }
    }
    return true;
}

static bool hosts_ready(const struct engine *e, uint32_t from, uint32_t to) {
    size_t hosts = e->platform ? e->platform->host_count : 0;
    return from < hosts && to < hosts && !e->host_off[from] && !e->host_off[to];
}

static transfer_id begin(struct engine *e, uint32_t flow, event_handler handler, void *context,
                         uint64_t argument) {
    e->flows[flow].handler = handler;
    e->flows[flow].context = context;
    e->flows[flow].argument = argument;
    return e->flows[flow].id;
}

transfer_id engine_transfer(struct engine *e, uint32_t from, uint32_t to, double bytes, event_handler handler,
                            void *context, uint64_t argument) {
    double latency_s, bytes_per_s;
    if (!hosts_ready(e, from, to) || !platform_path(e->platform, from, to, &latency_s, &bytes_per_s)) {
        return 0;
    }
    bool local = from == to || !(bytes > 0);
    if (!local && !e->sim && (error_is_set(&e->error) || !load(e))) {
        engine_fail(e);
        return 0;
    }
    uint32_t flow = flow_take(e, FLOW_ENDED, from, to);
    if (flow == none) {
        return 0;
    }
    transfer_id id = begin(e, flow, handler, context, argument);
    if (local) {
        flow_finish(e, flow);
        return id;
    }
    bytes = bytes < bytes_most ? ceil(bytes) : bytes_most; /* SimGrid counts in whole bytes */
    catch_up(e);
    e->flows[flow].kind = FLOW_NETWORK;
    e->in_flight++;
    bound_begin(e, &e->flows[flow], latency_s, bytes_per_s, bytes);
    bound_update(e, e->now);
    e->counters.transfers++;
    /* In a worker this gives way to others, whose handlers may start transfers and move e->flows. */
    struct simgrid_worker *worker = e->sim->start(from, to, bytes, flow);
    e->flows[flow].worker = worker;
    return id;
}

static transfer_id disk_transfer(struct engine *e, uint32_t host, bool write, double bytes,
                                 event_handler handler, void *context, uint64_t argument) {
    uint32_t lane = 2 * host + write;
    if (!hosts_ready(e, host, host) || !(e->lanes[lane].bytes_per_s > 0)) {
        return 0;
    }
    uint32_t flow = flow_take(e, FLOW_DISK, host, host);
    if (flow == none) {
        return 0;
    }
    e->flows[flow].lane = lane;
    transfer_id id = begin(e, flow, handler, context, argument);
    if (bytes > 0) {
        disk_start(e, &e->lanes[lane], flow, bytes < bytes_most ? bytes : bytes_most);
    } else {
        flow_finish(e, flow);
    }
    return id;
}

transfer_id engine_disk_read(struct engine *e, uint32_t host, double bytes, event_handler handler,
                             void *context, uint64_t argument) {
    return disk_transfer(e, host, false, bytes, handler, context, argument);
}

transfer_id engine_disk_write(struct engine *e, uint32_t host, double bytes, event_handler handler,
                              void *context, uint64_t argument) {
    return disk_transfer(e, host, true, bytes, handler, context, argument);
}

static void cancel(struct engine *e, uint32_t flow) {
    if (e->flows[flow].kind == FLOW_NETWORK) {
        catch_up(e);
    }
    struct flow *f = &e->flows[flow];
    if (f->kind == FLOW_NETWORK) {
        struct simgrid_worker *worker = f->worker;
        bound_settle(e, e->now);
        flow_release(e, flow);
        e->in_flight--;
        bound_update(e, e->now);
        e->sim->stop(worker);
        return;
    }
    if (f->kind == FLOW_DISK) {
        disk_cancel(e, &e->lanes[f->lane], flow);
    } else {
        engine_cancel(e, f->event);
    }
    flow_release(e, flow);
}

bool engine_transfer_cancel(struct engine *e, transfer_id id) {
    uint32_t flow = (uint32_t)(id & QUEUE_PENDING_MAX);
    if (id == 0 || flow >= e->flow_count || e->flows[flow].id != id) {
        return false;
    }
    cancel(e, flow);
    return true;
}

static bool touches(const struct flow *f, uint32_t host) {
    return f->kind != FLOW_FREE && (f->from == host || f->to == host);
}

void engine_host_set(struct engine *e, uint32_t host, bool on) {
    if (!e->platform || host >= e->platform->host_count || e->host_off[host] == !on) {
        return;
    }
    e->host_off[host] = !on;
    for (uint32_t i = 0; !on && i < e->flow_count; i++) {
        if (touches(&e->flows[i], host)) {
            cancel(e, i);
        }
    }
    if (e->sim) {
        e->sim->host_set(host, on);
    }
}
