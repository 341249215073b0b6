#include "run/run.h"

#include <string.h>

#include "accounts/accounts.h"
#include "base/file.h"
#include "base/progress.h"
#include "faults/faults.h"
#include "run/run_private.h"

struct ticker {
    struct progress progress;
    const struct world *world;
};

static void tick(void *context, simtime now, uint64_t events) {
    (void)events;
    struct ticker *t = context;
    progress_update(&t->progress, simtime_to_s(now), t->world->all.counts.arrived);
}

/* Runs until the last request is done, or `drain` after the arrivals and the window are over. */
static bool go(struct world *w, const struct run_options *options, struct error *err) {
    struct ticker ticker = {.world = w};
    progress_begin(&ticker.progress, w->scenario.name, w->scenario.duration_s, options->progress);
    bool ok = dataplane_begin(w, err) && engine_run(w->engine, SIMTIME_WINDOW_MAX, tick, &ticker, err);
    progress_end(&ticker.progress);
    if (error_is_set(&w->failure)) {
        *err = w->failure;
        return false;
    }
    if (ok && w->have_row) {
        error_set(err, ERROR_INVALID, "the trace is longer than 100 days, the longest window there is");
        return error_hint(err, "set `duration`, or `start` and `length` of the trace");
    }
    return ok;
}

static bool write_platform(const struct world *w, const char *path, struct error *err) {
    struct strbuf xml = {0};
    platform_xml(&w->platform, &xml);
    bool ok = file_write(path, xml.text, xml.length, err);
    strbuf_free(&xml);
    return ok;
}

const char *run_folder(const struct run_options *options, const struct scenario *scenario,
                       struct arena *arena) {
    const char *out = options->out ? options->out : path_join(arena, "out", scenario->name);
    if (!out[0]) {
        return NULL;
    }
    return options->overrides.arm ? path_join(arena, out, options->overrides.arm) : out;
}

/* What a reader of the figures has to know of how they came about. */
static void say_rejects(struct world *w) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        const struct service_state *s = &w->services[i];
        for (int k = 0; k < REJECT_REASONS_MAX && s->rejects[k].text; k++) {
            notice_add(w->notices, NOTICE_WARNING, NULL, "service %s: %llu %s%s rejected: %s", s->name,
                       (unsigned long long)s->rejects[k].count, s->clients.retry ? "attempt" : "request",
                       s->rejects[k].count == 1 ? "" : "s", s->rejects[k].text);
        }
    }
}

/* Answers of another model are another product. */
static void say_fallbacks(struct world *w) {
    for (uint32_t i = 0; i < w->route_count; i++) {
        const struct model_route *route = &w->routes[i];
        for (uint32_t k = 1; k < route->choice_count; k++) {
            if (route->choices[k].taken > 0) {
                notice_add(w->notices, NOTICE_WARNING, NULL,
                           "model %s: %llu of %llu attempts fell back to %s", route->name,
                           (unsigned long long)route->choices[k].taken, (unsigned long long)route->attempts,
                           route->choices[k].name);
            }
        }
    }
}

/* A name that is misspelt is a tenant that nobody is of. */
static void say_named_tenants(struct world *w) {
    for (size_t i = 0; i < w->named_tenant_count; i++) {
        const struct named_tenant *t = &w->named_tenants[i];
        if (t->name >= w->tenant_capacity || !w->tenants[t->name]) {
            notice_add(w->notices, NOTICE_WARNING, &t->pos,
                       "no request is of tenant '%s', which a policy names", w->names.names[t->name]);
        }
    }
}

/* Rows that could not be used and columns that nobody knows: a figure over the rest must not hide them. */
static void say_trace_report(struct world *w) {
    const struct trace_report *r = trace_report(w->source);
    if (r->skipped > 0) {
        notice_add(w->notices, NOTICE_WARNING, NULL, "traces: %llu rows skipped, the first in line %d: %s",
                   (unsigned long long)r->skipped, r->first_skipped_line, r->first_skipped_reason);
    }
    if (r->ignored_columns[0]) {
        notice_add(w->notices, NOTICE_WARNING, NULL, "traces: unknown columns ignored: %s",
                   r->ignored_columns);
    }
    if (w->rows_unknown_service > 0) {
        notice_add(w->notices, NOTICE_WARNING, NULL,
                   "traces: %llu requests name a service that is none here: they "
                   "went to %s",
                   (unsigned long long)w->rows_unknown_service, w->services[w->default_service].name);
    }
    if (w->rows_unknown_region > 0) {
        notice_add(w->notices, NOTICE_WARNING, NULL,
                   "traces: %llu requests come from a region that is none here: no "
                   "network lies between them and the gateway",
                   (unsigned long long)w->rows_unknown_region);
    }
}

static void say_engines(struct world *w) {
    for (uint32_t s = 0; s < w->service_count; s++) {
        uint64_t preemptions = 0;
        uint64_t cut = 0;
        uint64_t swapped = 0;
        for (size_t i = 0; i < w->serving_count; i++) {
            preemptions += w->pods[i]->service == s ? w->pods[i]->replica->preemptions : 0;
            swapped += w->pods[i]->service == s ? w->pods[i]->replica->swap_out_bytes : 0;
            cut += w->pods[i]->service == s ? w->pods[i]->replica->cut : 0;
        }
        if (preemptions > 0) {
            notice_add(w->notices, NOTICE_WARNING, NULL,
                       "service %s: the KV cache was full, requests were preempted "
                       "%llu times and %s",
                       w->services[s].name, (unsigned long long)preemptions,
                       swapped > 0 ? "swapped to the host where it had room" : "computed again");
        }
        if (cut > 0) {
            notice_add(w->notices, NOTICE_WARNING, NULL,
                       "service %s: %llu answers were cut at --max-model-len", w->services[s].name,
                       (unsigned long long)cut);
        }
    }
}

/* A service that answered nobody: whatever its other figures say. */
static void say_unserved(struct world *w) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        const struct request_counts *c = &w->services[i].scope.counts;
        if (c->arrived > 0 && c->completed == 0) {
            notice_add(
                w->notices, NOTICE_WARNING, NULL,
                "service %s: none of its %llu requests was completed (/events says what became of its pods)",
                w->services[i].name, (unsigned long long)c->arrived);
        }
    }
}

/* Pods that found no node to the end: the fleet was smaller than it was asked to be. (One that is nominated
 * to a node still on its way only came late.) */
static void say_pending(struct world *w) {
    for (uint32_t d = 0; d < w->demand_count; d++) {
        size_t pods = 0;
        size_t pending = 0;
        for (size_t i = 0; i < cluster_pod_count(w->cluster); i++) {
            const struct pod *p = cluster_pod(w->cluster, i);
            pods += p->demand == d && p->phase != POD_GONE;
            pending += p->demand == d && p->phase == POD_PENDING && p->node < 0;
        }
        if (pending > 0) {
            notice_add(
                w->notices, NOTICE_WARNING, &w->demands[d].pos,
                "%zu of %zu pods of %s were still Pending at the end: no node had room (/events says why)",
                pending, pods, w->demands[d].name);
        }
    }
}

/* What is left when the run is over becomes unfinished. */
struct left_over {
    struct request **items;
    size_t count;
};

static void collect(void *context, struct request *r) {
    struct left_over *l = context;
    l->items[l->count++] = r;
}

static int by_id(const void *a, const void *b) {
    const struct request *x = *(struct request *const *)a;
    const struct request *y = *(struct request *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

static void finish_all(struct world *w) {
    for (size_t i = 0; i < w->serving_count; i++) {
        replica_settle(w->pods[i]->replica);
    }
    struct left_over left = {mem_zalloc(request_pool_live(w->pool), sizeof(struct request *)), 0};
    request_pool_each(w->pool, collect, &left);
    qsort(left.items, left.count, sizeof(struct request *), by_id);
    for (size_t i = 0; i < left.count; i++) {
        if (left.items[i]->replica >= 0) {
            allocation_release(w, w->pods[left.items[i]->replica], left.items[i]);
        }
        if (left.items[i]->handover) {
            handover_abandon(w, left.items[i]);
        }
        dataplane_finish(w, left.items[i], REQUEST_UNFINISHED);
    }
    free(left.items);
}

static bool run_world(struct world *w, const struct run_options *options, struct run_result *result,
                      struct error *err) {
    if (options->strict && !notices_strict(&result->notices, err)) {
        return false;
    }
    if (options->platform_out && !write_platform(w, options->platform_out, err)) {
        return false;
    }
    result->out = run_folder(options, &w->scenario, w->arena);
    if (result->out && !rows_open(w, result->out, options->compress, options->own_thread, err)) {
        return false;
    }
    series_begin(w);
    if (!go(w, options, err)) {
        return false;
    }
    finish_all(w);
    scopes_sum_up(w);
    series_end(w);
    if (error_is_set(&w->failure)) {
        *err = w->failure;
        return false;
    }
    say_trace_report(w);
    footprint_check(w);
    if (options->strict && !notices_strict(&result->notices, err)) {
        return false;
    }
    return world_check(w, err);
}

static void say_if_nothing_came(struct world *w) {
    if (w->all.counts.arrived == 0) {
        notice_add(w->notices, NOTICE_WARNING, NULL,
                   "no request arrived: the traces have none in the window that "
                   "duration, start and length leave");
    }
}

static void say_traffic(struct world *w, struct run_result *result) {
    for (size_t i = 0; i < w->scenario.trace_count; i++) {
        const char *name = w->scenario.traces[i].preset;
        const struct trace_preset *preset = name ? trace_preset_find(name) : NULL;
        if (preset && !result->traffic) {
            result->traffic =
                arena_printf(w->arena, "traffic is the preset %s: %s (--trace FILE replays another)",
                             preset->name, preset->help);
        }
    }
}

static void count(const struct world *w, struct run_result *result) {
    struct engine_counters c = engine_counters(w->engine);
    result->transfers = c.transfers;
    result->syncs = c.syncs;
    result->peak_pending_events = c.peak_pending;
    result->peak_live_requests = request_pool_peak(w->pool);
    for (size_t i = 0; i < w->serving_count; i++) {
        result->steps += w->pods[i]->replica->steps;
    }
}

/* The world, its books and its controllers. */
static bool build(struct world *w, struct error *err) {
    if (!world_build(w, err) || !bill_build(w, err)) {
        return false;
    }
    autoscaler_build(w);
    return world_arrivals(w, err);
}

static void dispose(struct world *w) {
    autoscaler_free(w);
    accounts_free(w);
    world_free(w);
}

bool run_scenario(const struct run_options *options, struct arena *arena, struct run_result *result,
                  struct error *err) {
    double began_s = wall_clock_s();
    struct world *w = arena_alloc(arena, sizeof *w);
    w->arena = arena;
    w->seed = options->seed;
    w->stepping = options->stepping;
    w->allow_exec = options->allow_exec;
    w->notices = &result->notices;
    w->diary = options->explain ? diary_create(options->explain, arena) : NULL;
    result->diary = w->diary;
    result->notices.arena = arena;
    bool ok =
        scenario_load(options->scenario, &options->overrides, arena, &w->scenario, &result->notices, err);
    if (ok && options->unless_arms && w->scenario.arm_count > 0 && !options->overrides.arm) {
        result->arm_count = w->scenario.arm_count;
        return true;
    }
    ok = ok && build(w, err) && run_world(w, options, result, err);
    if (ok) {
        say_rejects(w);
        say_fallbacks(w);
        say_named_tenants(w);
        say_engines(w);
        say_unserved(w);
        say_pending(w);
        faults_say(w);
        say_if_nothing_came(w);
        say_traffic(w, result);
        world_summarise(w, &result->summary);
        ok = bill_make(w, &result->summary, err) && bill_figures(w, &result->summary, err);
    }
    if (ok) {
        fairness_figures(w, &result->summary);
    }
    if (ok) {
        world_judge(w, &result->summary);
        count(w, result);
        result->summary.wall_s = wall_clock_s() - began_s;
        ok = !options->conclude || options->conclude(options->conclude_context, &result->summary, err);
    }
    if (ok) {
        ok = !w->recorder || rows_close(w, &result->summary, err);
    }
    recorder_abandon(w->recorder);
    dispose(w);
    return ok;
}

bool run_check(const struct run_options *options, struct arena *arena, struct notices *notices,
               const struct scenario **scenario, struct error *err) {
    struct world *w = arena_alloc(arena, sizeof *w);
    w->arena = arena;
    w->notices = notices;
    w->check_only = true;
    bool ok = scenario_load(options->scenario, &options->overrides, arena, &w->scenario, notices, err) &&
              build(w, err) && (!options->strict || notices_strict(notices, err));
    dispose(w);
    if (scenario) {
        *scenario = &w->scenario;
    }
    return ok;
}

bool run_check_arms(const char *scenario, struct arena *arena, struct notices *notices, struct error *err) {
    const struct scenario *plain, *changed;
    struct run_options options = {.scenario = scenario};
    if (!run_check(&options, arena, notices, &plain, err)) {
        return false;
    }
    for (size_t i = 0; i < plain->arm_count; i++) {
        options.overrides.arm = plain->arms[i].name;
        if (!run_check(&options, arena, notices, &changed, err)) {
            scenario_blame_arm(changed, err);
            return false;
        }
    }
    return true;
}

void run_print_result_schema(void) {
    rows_print_schema();
}
