/* tests/unit/cluster/cluster_fixture.h: a cluster on a platform of its own, and a diary of what it says.
 *
 * One SimGrid a process: each test's body runs in a child (tests/unit/engine/child.h). All delays are
 * constant unless a test says otherwise, so that dates have closed forms. */
#ifndef DRYDOCK_TESTS_CLUSTER_FIXTURE_H
#define DRYDOCK_TESTS_CLUSTER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/cluster.h"
#include "tests/unit/engine/child.h"

enum { POOLS_MAX = 2, DEMANDS_MAX = 4, HOSTS_MAX = 64, DIARY_MAX = 8192, MOVES_MAX = 32 };

static const double registry_link = 1e9, models_link = 5e8, disk_read = 2e9, device_load = 1e10;
static const double far_s = 0.01 + 2 * PLATFORM_HOST_LATENCY_S; /* registry or models to a node */
static const double image_bytes = 4e9, weight_bytes = 8e9;
static const double node_grace_s = 50;
static const double container_s = 2, engine_s = 10, warm_s = 20;

struct diary_entry {
    simtime at;
    char object[80], reason[32], message[200];
};

static struct {
    struct arena arena;
    struct platform platform;
    struct platform_site sites[3];
    struct platform_host hosts[HOSTS_MAX];
    struct platform_link links[2];
    char host_names[HOSTS_MAX][16];
    struct pool_config pools[POOLS_MAX];
    struct labels labels[POOLS_MAX];
    uint32_t first_host[POOLS_MAX];
    size_t pool_count;
    struct pod_demand demands[DEMANDS_MAX];
    size_t demand_count;
    struct startup_config startup;
    struct engine *engine;
    struct cluster *cluster;
    struct diary_entry diary[DIARY_MAX];
    size_t diary_count;
    bool busy; /* pods have requests: they drain only when told */
    uint32_t ready, terminating, killed, failed, hung, unready;
    double pulled_images, pulled_weights; /* bytes */
    struct {
        uint32_t demand;
        int64_t replicas;
    } moves[MOVES_MAX];
    size_t move_count;
} t;

static const struct artefact the_image = {"registry/vllm:1", image_bytes};

static inline struct delay always(double s) {
    return (struct delay){.law = DELAY_CONSTANT, .mean_s = s};
}

static inline struct pool_config *add_pool(const char *name, int64_t min, int64_t max, int64_t gpus) {
    t.labels[t.pool_count] = (struct labels){0};
    struct pool_config *p = &t.pools[t.pool_count++];
    *p = (struct pool_config){.name = name,
                              .zone = "z",
                              .instance_type = "m",
                              .gpu = gpus ? "H100" : NULL,
                              .gpus = gpus,
                              .cpu = 64,
                              .memory_bytes = 512e9,
                              .min = min,
                              .max = max,
                              .provisioning = always(100),
                              .scale_down_after_s = INFINITY,
                              .network_bytes_per_s = 4e9,
                              .disk_read_bytes_per_s = disk_read,
                              .disk_write_bytes_per_s = 1e9,
                              .disk_bytes = 1e12};
    return p;
}

/* A model server on one GPU. */
static inline struct pod_demand *add_demand(const char *workload) {
    struct pod_demand *d = &t.demands[t.demand_count++];
    *d = (struct pod_demand){.workload = workload,
                             .name = workload,
                             .cpu_milli = 8000,
                             .memory_bytes = (int64_t)64e9,
                             .gpus = 1,
                             .images = &the_image,
                             .image_count = 1,
                             .weights = {"weights/llama", weight_bytes},
                             .weight_gpus = 1,
                             .model_server = true,
                             .grace_s = 30,
                             .unreachable_s = 300};
    return d;
}

static inline void on_ready(void *context, struct pod *pod) {
    (void)context;
    CHECK(pod->phase == POD_READY);
    t.ready++;
}

static inline void on_terminating(void *context, struct pod *pod) {
    (void)context;
    t.terminating++;
    if (!t.busy) {
        cluster_pod_drained(t.cluster, pod);
    }
}

static inline void on_killed(void *context, struct pod *pod) {
    (void)context;
    CHECK(pod->phase == POD_TERMINATING);
    t.killed++;
}

static inline void on_failed(void *context, struct pod *pod) {
    (void)context;
    CHECK(pod->phase == POD_UNREADY);
    t.failed++;
}

static inline void on_hangs(void *context, struct pod *pod) {
    (void)context;
    CHECK(pod->phase == POD_READY);
    t.hung++;
}

static inline void on_unready(void *context, struct pod *pod) {
    (void)context;
    CHECK(pod->phase == POD_UNREADY);
    t.unready++;
}

static inline void on_event(void *context, const char *object, const char *reason, const char *message) {
    (void)context;
    struct diary_entry *e = &t.diary[t.diary_count++ % DIARY_MAX]; /* a storm may turn the page */
    e->at = engine_now(t.engine);
    snprintf(e->object, sizeof e->object, "%s", object);
    snprintf(e->reason, sizeof e->reason, "%s", reason);
    snprintf(e->message, sizeof e->message, "%s", message);
}

static inline void build_platform(void) {
    struct error err = {0};
    t.sites[0].name = "zone";
    t.sites[1].name = "registry";
    t.sites[2].name = "models";
    uint32_t hosts = 0;
    for (size_t p = 0; p < t.pool_count; p++) {
        t.first_host[p] = hosts;
        for (int64_t i = 0; i < t.pools[p].max; i++, hosts++) {
            snprintf(t.host_names[hosts], sizeof t.host_names[hosts], "h%u", hosts);
            t.hosts[hosts] =
                (struct platform_host){t.host_names[hosts], 0, t.pools[p].network_bytes_per_s,
                                       t.pools[p].disk_read_bytes_per_s, t.pools[p].disk_write_bytes_per_s};
        }
    }
    t.hosts[hosts++] = (struct platform_host){"registry", 1, 1e12, 0, 0};
    t.hosts[hosts++] = (struct platform_host){"models", 2, 1e12, 0, 0};
    t.links[0] = (struct platform_link){"registry-zone", 1, 0, 0.01, registry_link, true};
    t.links[1] = (struct platform_link){"models-zone", 2, 0, 0.01, models_link, true};
    t.platform = (struct platform){.sites = t.sites,
                                   .site_count = 3,
                                   .hosts = t.hosts,
                                   .host_count = hosts,
                                   .links = t.links,
                                   .link_count = 2};
    CHECK(platform_finish(&t.platform, &t.arena, &err));
}

static inline void on_pulled(void *context, uint32_t demand, const struct node *node, double bytes,
                             bool is_image) {
    (void)context, (void)node;
    CHECK(demand < t.demand_count);
    *(is_image ? &t.pulled_images : &t.pulled_weights) += bytes;
}

static inline void begin(uint64_t seed, const int64_t *replicas, bool warm) {
    struct error err = {0};
    build_platform();
    if (t.startup.device_load_bytes_per_s == 0) {
        t.startup =
            (struct startup_config){always(container_s), always(engine_s), always(warm_s), device_load};
    }
    t.engine = engine_create(&t.platform, &err);
    CHECK(t.engine);
    uint32_t hosts = (uint32_t)t.platform.host_count;
    struct cluster_config config = {.pools = t.pools,
                                    .pool_count = t.pool_count,
                                    .first_host = t.first_host,
                                    .pool_labels = t.labels,
                                    .registry_host = hosts - 2,
                                    .models_host = hosts - 1,
                                    .startup = &t.startup,
                                    .demands = t.demands,
                                    .demand_count = t.demand_count,
                                    .seed = seed,
                                    .node_grace_s = node_grace_s};
    struct cluster_events events = {.pod_ready = on_ready,
                                    .pod_terminating = on_terminating,
                                    .pod_killed = on_killed,
                                    .pod_failed = on_failed,
                                    .pod_hangs = on_hangs,
                                    .pod_unready = on_unready,
                                    .pulled = on_pulled,
                                    .event = on_event};
    t.cluster = cluster_create(t.engine, &config, &events, &t.arena);
    cluster_begin(t.cluster, replicas, warm);
}

static inline void run_until(double s) {
    struct error err = {0};
    char text[1500];
    if (!engine_run(t.engine, s < 0 ? SIMTIME_NEVER : simtime_from_s(s), NULL, NULL, &err)) {
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
        _exit(1);
    }
}

static inline void scale_now(void *context, uint64_t move) {
    (void)context;
    cluster_scale(t.cluster, t.moves[move].demand, t.moves[move].replicas);
}

/* To be called after begin. */
static inline void scale_at(double s, uint32_t demand, int64_t replicas) {
    CHECK(t.move_count < MOVES_MAX);
    t.moves[t.move_count].demand = demand;
    t.moves[t.move_count].replicas = replicas;
    engine_at(t.engine, simtime_from_s(s), EVENT_CONTROL, scale_now, NULL, t.move_count++);
}

static inline const struct pod *pod_at(size_t index) {
    CHECK(index < cluster_pod_count(t.cluster));
    return cluster_pod(t.cluster, index);
}

/* To the two picoseconds that rounding on either side may cost (times a few phases). */
static inline bool near_s(simtime at, double s) {
    if (llabs(at - simtime_from_s(s)) > 20) {
        fprintf(stderr, "at %.12f s, expected %.12f s\n", simtime_to_s(at), s);
        return false;
    }
    return true;
}

static inline size_t said(const char *object, const char *reason) {
    size_t count = 0;
    for (size_t i = 0; i < t.diary_count; i++) {
        count +=
            (!object || strcmp(t.diary[i].object, object) == 0) && strcmp(t.diary[i].reason, reason) == 0;
    }
    return count;
}

static inline const struct diary_entry *last_said(const char *object, const char *reason) {
    for (size_t i = t.diary_count; i-- > 0;) {
        if (strcmp(t.diary[i].object, object) == 0 && strcmp(t.diary[i].reason, reason) == 0) {
            return &t.diary[i];
        }
    }
    fprintf(stderr, "nobody said %s of %s\n", reason, object);
    _exit(1);
}

static inline void end(void) {
    const struct pod *present = NULL;
    size_t present_count = 0;
    for (size_t k = 0; k < cluster_pod_count(t.cluster); k++) {
        if (cluster_pod(t.cluster, k)->phase != POD_GONE) {
            present = cluster_present_pod(t.cluster, present);
            CHECK(present == cluster_pod(t.cluster, k));
            present_count++;
        }
    }
    CHECK(!cluster_present_pod(t.cluster, present) && present_count == cluster_present_count(t.cluster));
    for (size_t i = 0; i < cluster_node_count(t.cluster); i++) {
        const struct node *n = cluster_node(t.cluster, i);
        uint32_t pods = 0;
        const struct pod *bound = n->first_pod;
        for (size_t k = 0; k < cluster_pod_count(t.cluster); k++) {
            const struct pod *p = cluster_pod(t.cluster, k);
            pods += p->node == (int64_t)i && p->phase != POD_GONE;
            if (p->node == (int64_t)i && p->bound_ps >= 0) {
                CHECK(bound == p);
                bound = p->next_on_node;
            }
        }
        CHECK(!bound);
        CHECK(n->pods == pods && n->used_gpus >= 0 && n->used_gpus <= t.pools[n->pool].gpus);
        CHECK(pods > 0 || (n->used_cpu_milli == 0 && n->used_memory_bytes == 0 && n->used_gpus == 0));
    }
    engine_destroy(t.engine);
    arena_free(&t.arena);
}

#endif
