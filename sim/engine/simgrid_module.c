/* The module that holds SimGrid 3.32: the only file of Drydock's that knows it.
 *
 * Each transfer is one worker actor blocked in sg_host_sendto, the only call of the C API that moves bytes
 * between any two hosts. Workers are pooled, all live on one host that is never turned off, and are killed to
 * cancel: sg_host_sendto throws through C, and ends the process, when an end of it goes off.
 */
#include "engine/simgrid_module.h"

#include <signal.h>
#include <simgrid/actor.h>
#include <simgrid/disk.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xbt/dynar.h>

struct simgrid_worker {
    sg_actor_t actor;
    sg_host_t from, to;
    double bytes;
    uint32_t flow;
    double opens_s; /* of those who recount */
    bool recounts;  /* has no transfer of its own, but the shares on a route found anew */
    bool busy;      /* has a transfer, asked for or running */
    bool sent;      /* is blocked in it */
    struct simgrid_worker *next_idle;
    struct simgrid_worker *next, *previous; /* of all */
};

static struct {
    bool open;
    bool running; /* inside simgrid_run_until: whoever runs is an actor */
    sg_host_t *hosts;
    sg_host_t home;
    void (*ended)(void *context, uint32_t flow);
    void *context;
    struct simgrid_worker *idle, *all;
    /* Of the last transfer begun. */
    double begun_s;
    uint32_t begun_from, begun_to;
    bool begun_alone; /* the first at its date: if it stays so, nothing is to be recounted */
} module;

/* CM02, not LV08: LV08 multiplies latencies by 13.01 and bandwidths by 0.97, factors fitted to TCP slow start
 * and headers on 1 Gb Ethernet clusters; here latencies and bandwidths are stated as a long-lived connection
 * sees them, and a lone transfer takes latency + bytes / bandwidth. Both share a link in proportion to
 * 1 / latency, as TCP does. Cross traffic off: 5 % of acknowledgements would tie every flow to those of the
 * opposite direction and cost up to 30 times as much to solve. TCP-gamma caps a flow at window / round trip,
 * 105 MB/s at 20 ms with the default: out of the way. The
 * precision is the time within which SimGrid takes two events for one; at its default of 1e-9 s an own event
 * just before an end would pull the end forward by up to 1 ns, so that dates would depend on what else
 * happens. Handlers run on workers' stacks. */
static void initialise(bool loud) {
    const char *contexts = getenv("DRYDOCK_SIMGRID_CONTEXTS");
    bool thread = contexts && strcmp(contexts, "thread") == 0;
    char *arguments[] = {"drydock",
                         "--cfg=network/model:CM02",
                         "--cfg=network/crosstraffic:0",
                         "--cfg=network/TCP-gamma:1e18",
                         "--cfg=surf/precision:1e-15",
                         "--cfg=maxmin/precision:1e-9",
                         "--cfg=contexts/stack-size:256",
                         thread ? "--cfg=contexts/factory:thread" : "--cfg=contexts/factory:raw",
                         loud ? "--log=root.thres:error" : "--log=root.thres:critical",
                         "--log=root.fmt:%m%n",
                         NULL};
    static char *kept[sizeof arguments / sizeof *arguments]; /* SimGrid keeps argv */
    memcpy(kept, arguments, sizeof arguments);
    int count = (int)(sizeof arguments / sizeof *arguments) - 1;
    /* SimGrid takes SIGINT and SIGSEGV for itself. */
    static const int signals[] = {SIGINT, SIGTERM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    struct sigaction before[sizeof signals / sizeof *signals];
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], NULL, &before[i]);
    }
    simgrid_init(&count, kept);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], &before[i], NULL);
    }
}

/* SimGrid kills daemons when nothing else is left and calls it a deadlock when all are blocked; with one
 * plain actor that waits for ever, and dates given to simgrid_run_until, it does neither. */
static void keeper(int argc, char **argv) {
    (void)argc;
    (void)argv;
    sg_actor_suspend(sg_actor_self());
}

static bool find_hosts(const struct simgrid_setup *setup, char *message, size_t message_bytes) {
    module.hosts = calloc(setup->host_count + 1, sizeof(sg_host_t));
    if (!module.hosts) {
        snprintf(message, message_bytes, "no memory");
        return false;
    }
    for (size_t i = 0; i < setup->host_count; i++) {
        module.hosts[i] = sg_host_by_name(setup->hosts[i]);
        if (!module.hosts[i]) {
            snprintf(message, message_bytes, "the platform has no host \"%s\"", setup->hosts[i]);
            return false;
        }
    }
    return true;
}

/* The generated platform has a host for the workers; a user's own has not, and any does. */
static bool find_home(char *message, size_t message_bytes) {
    module.home = sg_host_by_name("drydock:home");
    if (!module.home) {
        if (sg_host_count() == 0) {
            snprintf(message, message_bytes, "the platform has no host");
            return false;
        }
        sg_host_t *all = sg_host_list();
        module.home = all[0];
        free(all);
    }
    return true;
}

static bool module_open(const struct simgrid_setup *setup, char *message, size_t message_bytes) {
    if (module.open) {
        snprintf(message, message_bytes, "there is one platform a process");
        return false;
    }
    module.open = true;
    module.begun_s = -1;
    module.ended = setup->ended;
    module.context = setup->context;
    initialise(setup->loud);
    simgrid_load_platform(setup->xml_path);
    if (!find_hosts(setup, message, message_bytes) || !find_home(message, message_bytes)) {
        return false;
    }
    sg_actor_create("drydock:keeper", module.home, keeper, 0, NULL);
    module.running = true;
    simgrid_run_until(0);
    module.running = false;
    return true;
}

static double module_clock(void) {
    return simgrid_get_clock();
}

static void step_to(double date_s) {
    if (module.running) {
        sg_actor_sleep_until(date_s);
    } else {
        module.running = true;
        simgrid_run_until(date_s);
        module.running = false;
    }
}

/* SimGrid steps by now += date - now, which is exact when now >= date / 2 (Sterbenz) and may else miss the
 * date by its last bit: a date in the past aborts SimGrid, and an end missed so is never found again. Hence
 * no step more than doubles the clock. It may also stop up to 1e-5 s early: go on until it stands there. */
static void module_advance(double date_s) {
    for (;;) {
        double now = simgrid_get_clock();
        if (now >= date_s) {
            return;
        }
        step_to(now > 0 && 2 * now < date_s ? 2 * now : date_s);
    }
}

static void module_yield(void) {
    sg_actor_yield();
}

/* Has the shares of a route's links found anew. */
static void recount(sg_host_t from, sg_host_t to) {
    xbt_dynar_t links = xbt_dynar_new(sizeof(sg_link_t), NULL);
    sg_host_get_route(from, to, links);
    for (unsigned long i = 0; i < xbt_dynar_length(links); i++) {
        sg_link_t link = xbt_dynar_get_as(links, i, sg_link_t);
        sg_link_set_bandwidth(link, sg_link_get_bandwidth(link));
    }
    xbt_dynar_free(&links);
}

static void work(struct simgrid_worker *w) {
    if (w->recounts) {
        sg_actor_sleep_until(w->opens_s);
        recount(w->from, w->to);
        w->busy = false;
        return;
    }
    w->sent = true;
    sg_host_sendto(w->from, w->to, w->bytes);
    w->sent = false;
    w->busy = false;
    module.ended(module.context, w->flow);
}

static void worker_main(int argc, char **argv) {
    (void)argc;
    struct simgrid_worker *w = (void *)(uintptr_t)strtoull(argv[1], NULL, 16);
    w->actor = sg_actor_self();
    for (;;) {
        if (w->busy) {
            work(w);
        }
        w->next_idle = module.idle;
        module.idle = w;
        sg_actor_suspend(w->actor);
    }
}

static struct simgrid_worker *worker_new(void) {
    struct simgrid_worker *w = calloc(1, sizeof *w);
    if (!w) {
        fprintf(stderr, "drydock: no memory for a transfer\n");
        _Exit(4);
    }
    w->next = module.all;
    if (w->next) {
        w->next->previous = w;
    }
    module.all = w;
    return w;
}

static void worker_free(struct simgrid_worker *w) {
    if (w->next) {
        w->next->previous = w->previous;
    }
    if (w->previous) {
        w->previous->next = w->next;
    } else {
        module.all = w->next;
    }
    free(w);
}

static struct simgrid_worker *give(struct simgrid_worker task) {
    struct simgrid_worker *w = module.idle;
    bool fresh = !w;
    if (fresh) {
        w = worker_new();
    } else {
        module.idle = w->next_idle;
    }
    w->from = task.from;
    w->to = task.to;
    w->bytes = task.bytes;
    w->flow = task.flow;
    w->recounts = task.recounts;
    w->opens_s = task.opens_s;
    w->busy = true;
    if (fresh) {
        char pointer[24];
        snprintf(pointer, sizeof pointer, "%llx", (unsigned long long)(uintptr_t)w);
        const char *arguments[] = {"drydock:worker", pointer, NULL};
        w->actor = sg_actor_create_("drydock:worker", module.home, worker_main, 2, arguments);
    } else {
        /* Also when it has not suspended itself yet: it asked for that before us, so that comes first. */
        sg_actor_resume(w->actor);
    }
    return w;
}

static void recount_when_open(uint32_t from, uint32_t to) {
    sg_host_t a = module.hosts[from], b = module.hosts[to];
    double opens_s = module.begun_s + sg_host_get_route_latency(a, b);
    give((struct simgrid_worker){.from = a, .to = b, .recounts = true, .opens_s = opens_s});
}

/* When a transfer's latency is paid SimGrid finds anew the shares of the links that its first link is tied
 * to, but for where that link is to be looked at anyway: of two that leave a host at one instant, the second
 * has the links at its other end left out, and those who are under way there keep what they had alone: the
 * link carries more than it can. (System::enable_var in 3.32's maxmin.cpp.) So all that begin at one date
 * have the links of their routes recounted, at the date at which they open. */
static void recount_ties(uint32_t from, uint32_t to) {
    double now = simgrid_get_clock();
    bool alone = now != module.begun_s;
    if (!alone) {
        if (module.begun_alone) {
            recount_when_open(module.begun_from, module.begun_to);
        }
        recount_when_open(from, to);
    }
    module.begun_s = now;
    module.begun_from = from;
    module.begun_to = to;
    module.begun_alone = alone;
}

static struct simgrid_worker *module_start(uint32_t from, uint32_t to, double bytes, uint32_t flow) {
    struct simgrid_worker *w = give((struct simgrid_worker){
        .from = module.hosts[from], .to = module.hosts[to], .bytes = bytes, .flow = flow});
    recount_ties(from, to);
    return w;
}

/* A worker that has not been run since it was given its transfer only forgets it; killing it then would leave
 * it to unwind from where it never was. */
static void module_stop(struct simgrid_worker *w) {
    if (w->sent) {
        sg_actor_kill(w->actor);
        worker_free(w);
    } else {
        w->busy = false;
    }
}

static void module_host_set(uint32_t host, bool on) {
    sg_host_t h = module.hosts[host];
    if (h == module.home) {
        return; /* the workers live there; the engine's own books keep transfers away from it */
    }
    if (on) {
        sg_host_turn_on(h);
    } else {
        sg_host_turn_off(h);
    }
}

static bool module_route(uint32_t from, uint32_t to, double *latency_s, double *bandwidth_bytes_per_s) {
    sg_host_t a = module.hosts[from], b = module.hosts[to];
    xbt_dynar_t links = xbt_dynar_new(sizeof(void *), NULL);
    sg_host_get_route(a, b, links);
    bool joined = xbt_dynar_length(links) > 0;
    xbt_dynar_free(&links);
    if (joined) {
        *latency_s = sg_host_get_route_latency(a, b);
        *bandwidth_bytes_per_s = sg_host_get_route_bandwidth(a, b);
    }
    return joined;
}

static void module_disk(uint32_t host, double *read_bytes_per_s, double *write_bytes_per_s) {
    unsigned count = 0;
    sg_disk_t *disks = NULL;
    sg_host_get_disks(module.hosts[host], &count, &disks);
    *read_bytes_per_s = count > 0 ? sg_disk_read_bandwidth(disks[0]) : 0;
    *write_bytes_per_s = count > 0 ? sg_disk_write_bandwidth(disks[0]) : 0;
    free(disks);
}

static void module_close(void) {
    sg_actor_kill_all();
    simgrid_run_until(simgrid_get_clock());
    for (struct simgrid_worker *w = module.all, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    module.all = NULL;
    module.idle = NULL;
    free(module.hosts);
    module.hosts = NULL;
}

extern const struct simgrid_module drydock_simgrid_module __attribute__((visibility("default")));
const struct simgrid_module drydock_simgrid_module = {
    .version = SIMGRID_MODULE_VERSION,
    .open = module_open,
    .close = module_close,
    .clock = module_clock,
    .advance = module_advance,
    .yield = module_yield,
    .start = module_start,
    .stop = module_stop,
    .host_set = module_host_set,
    .route = module_route,
    .disk = module_disk,
};
