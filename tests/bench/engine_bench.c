/* What the engine's loop and its transfers cost.
 *
 *     engine_bench
 *
 * First own events only: `replicas` each schedule their next event, with and without arrivals from a cursor;
 * the baseline is the bare queue under the same load. Then transfers, n at a time, each end starting the
 * next, beside own events every 10 us: n pulls over one registry's link (one component for SimGrid's solver),
 * and n between pairs of hosts (n components). The cost of a transfer is what the run took more than its own
 * events alone, and its baseline is the cost of one own event. Each case runs in a process of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "engine/queue.h"

enum { REPLICAS = 64, EVENTS = 4000000, TRANSFERS = 20000, GAPS = 1 << 16, HOSTS = 201 };
static simtime gaps[GAPS];
static double event_ns; /* of an own event, by the first case */

static struct {
    struct engine *engine;
    uint64_t next_gap;
    uint64_t left; /* own events, or transfers, to go */
    simtime arrival;
    simtime beat; /* between own events while transfers last */
    bool pairs;
} b;

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static simtime gap(void) {
    return gaps[b.next_gap++ % GAPS];
}

static void replica_step(void *context, uint64_t replica) {
    if (b.left > 0) {
        b.left--;
        engine_at(b.engine, engine_now(b.engine) + gap(), EVENT_REPLICA, replica_step, context, replica);
    }
}

static simtime next_arrival(void *context) {
    (void)context;
    return b.left > 0 ? b.arrival : SIMTIME_NEVER;
}

static void fire_arrival(void *context) {
    (void)context;
    b.left--;
    b.arrival += gap() / REPLICAS;
}

static double bare_queue_ns(void) {
    struct queue q;
    queue_init(&q);
    for (uint64_t i = 0; i < REPLICAS; i++) {
        queue_push(&q, gap(), EVENT_REPLICA, (struct queue_event){.argument = i});
    }
    double begin = cpu_s();
    for (uint64_t i = 0; i < EVENTS; i++) {
        simtime at = queue_first(&q, NULL);
        struct queue_event e = queue_pop(&q);
        queue_push(&q, at + gap(), EVENT_REPLICA, e);
    }
    double ns = 1e9 * (cpu_s() - begin) / EVENTS;
    queue_free(&q);
    return ns;
}

static double own_events_ns(bool arrivals) {
    struct error err = {0};
    b.engine = engine_create(NULL, &err);
    b.left = EVENTS;
    if (arrivals) {
        engine_set_source(b.engine, (struct engine_source){next_arrival, fire_arrival, NULL});
    }
    for (uint64_t i = 0; i < REPLICAS; i++) {
        engine_at(b.engine, gap(), EVENT_REPLICA, replica_step, NULL, i);
    }
    double begin = cpu_s();
    engine_run(b.engine, SIMTIME_NEVER, NULL, NULL, &err);
    double ns = 1e9 * (cpu_s() - begin) / (double)engine_counters(b.engine).events;
    engine_destroy(b.engine);
    return ns;
}

/* ---- transfers ---- */

static void transfer_step(void *context, uint64_t lane) {
    if (b.left > 0) {
        b.left--;
        uint32_t from = b.pairs ? (uint32_t)(2 * lane) : HOSTS - 1;
        uint32_t to = b.pairs ? (uint32_t)(2 * lane + 1) : (uint32_t)lane;
        double bytes = 1e6 + 1e-12 * 1e6 * (double)gap();
        engine_transfer(b.engine, from, to, bytes, transfer_step, context, lane);
    }
}

static void beat(void *context, uint64_t argument) {
    if (b.left > 0) {
        engine_at(b.engine, engine_now(b.engine) + b.beat, EVENT_OBSERVE, beat, context, argument);
    }
}

static void beat_down(void *context, uint64_t left) {
    if (left > 0) {
        engine_at(b.engine, engine_now(b.engine) + b.beat, EVENT_OBSERVE, beat_down, context, left - 1);
    }
}

/* An own event beside the transfers, without them. */
static double beats_ns(void) {
    struct error err = {0};
    engine_at(b.engine, engine_now(b.engine), EVENT_OBSERVE, beat_down, NULL, EVENTS);
    double begin = cpu_s();
    engine_run(b.engine, SIMTIME_NEVER, NULL, NULL, &err);
    return 1e9 * (cpu_s() - begin) / EVENTS;
}

static void transfers(uint64_t in_flight, bool pairs) {
    static struct platform_site site = {.name = "site"};
    static struct platform_host hosts[HOSTS];
    static char names[HOSTS][8];
    struct arena arena = {0};
    struct error err = {0};
    for (uint32_t i = 0; i < HOSTS; i++) {
        snprintf(names[i], sizeof names[i], "h%u", i);
        hosts[i] = (struct platform_host){names[i], 0, 1e9, 0, 0};
    }
    struct platform p = {.sites = &site, .site_count = 1, .hosts = hosts, .host_count = HOSTS};
    if (!platform_finish(&p, &arena, &err)) {
        fprintf(stderr, "engine_bench: %s\n", err.expected);
        _exit(1);
    }
    b.engine = engine_create(&p, &err);
    engine_transfer(b.engine, 0, 1, 1, transfer_step, NULL, 0); /* loads SimGrid; nothing is left to start */
    engine_run(b.engine, SIMTIME_NEVER, NULL, NULL, &err);
    b.beat = SIMTIME_SECOND / 100000;
    double beat_ns = beats_ns();
    struct engine_counters before = engine_counters(b.engine);
    b.left = TRANSFERS;
    b.pairs = pairs;
    for (uint64_t i = 0; i < in_flight; i++) {
        engine_at(b.engine, engine_now(b.engine) + gap() / 1000, EVENT_CONTROL, transfer_step, NULL, i);
    }
    engine_at(b.engine, engine_now(b.engine), EVENT_OBSERVE, beat, NULL, 0);
    double begin = cpu_s();
    if (!engine_run(b.engine, SIMTIME_NEVER, NULL, NULL, &err)) {
        fprintf(stderr, "engine_bench: %s\n", err.expected);
        _exit(1);
    }
    double ns = 1e9 * (cpu_s() - begin);
    struct engine_counters c = engine_counters(b.engine);
    double events = (double)(c.events - before.events), syncs = (double)(c.syncs - before.syncs);
    double each = (ns - events * beat_ns) / TRANSFERS;
    printf("%5s %4d  %9.2f  %10.1f  %9.2f  %7.0f\n", pairs ? "pairs" : "pulls", (int)in_flight,
           events / TRANSFERS, syncs / TRANSFERS, each / 1000, each / event_ns);
}

static void transfers_in_child(uint64_t in_flight, bool pairs) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        transfers(in_flight, pairs);
        fflush(NULL);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

int main(void) {
    struct rng r = rng_stream(1, RNG_TEST, "hold");
    for (size_t i = 0; i < GAPS; i++) {
        gaps[i] = simtime_from_s(rng_exponential(&r, 1));
    }
    double bare = bare_queue_ns(), with_source = own_events_ns(true);
    event_ns = own_events_ns(false);
    printf("engine_bench: own events, %d replicas\n", REPLICAS);
    printf("  bare queue        %6.1f ns  %5.1f M/s\n", bare, 1e3 / bare);
    printf("  engine            %6.1f ns  %5.1f M/s  %.2f of the bare queue\n", event_ns, 1e3 / event_ns,
           event_ns / bare);
    printf("  half arrivals     %6.1f ns  %5.1f M/s  %.2f\n", with_source, 1e3 / with_source,
           with_source / bare);
    printf("transfers: kind, in flight, own events a transfer, syncs a transfer, us a transfer, in own "
           "events\n");
    static const uint64_t in_flight[] = {1, 10, 100};
    for (size_t i = 0; i < 6; i++) {
        transfers_in_child(in_flight[i % 3], i >= 3);
    }
    return 0;
}
