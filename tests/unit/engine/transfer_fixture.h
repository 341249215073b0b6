/* tests/unit/engine/transfer_fixture.h: a platform of two sites, and a diary of what ends when. */
#ifndef DRYDOCK_TESTS_TRANSFER_FIXTURE_H
#define DRYDOCK_TESTS_TRANSFER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "engine/simgrid_module.h"
#include "tests/unit/engine/child.h"

enum { HOSTS = 20, LOG_MAX = 4096 };
static const double nic = 1e9, registry_nic = 1.25e9, wan = 5e8, wan_latency_s = 0.03;
static const double lan_latency_s = 2 * PLATFORM_HOST_LATENCY_S;

/* Hosts 0 to 18 on one site, the registry (19) on another. */
static struct {
    struct platform platform;
    struct platform_site sites[3];
    struct platform_host hosts[HOSTS];
    struct platform_link links[1];
    struct arena arena;
    struct engine *engine;
    struct {
        simtime at;
        uint64_t what;
    } log[LOG_MAX];
    size_t count;
} w;

static const uint32_t registry = HOSTS - 1;

static inline void build_with(bool registry_apart) {
    static char names[HOSTS][16];
    struct error err = {0};
    w.sites[0].name = "cloud";
    w.sites[1].name = "registry";
    w.sites[2].name = "island"; /* no link leads there */
    for (uint32_t i = 0; i < HOSTS; i++) {
        snprintf(names[i], sizeof names[i], "h%u", i);
        w.hosts[i] = (struct platform_host){names[i], 0, nic, 2e9, 1e9};
    }
    w.hosts[registry].network_bytes_per_s = registry_nic;
    w.hosts[registry].site = registry_apart ? 1 : 0;
    w.hosts[registry].disk_read_bytes_per_s = w.hosts[registry].disk_write_bytes_per_s = 0;
    w.hosts[registry - 1].site = 2;
    w.links[0] = (struct platform_link){"wan", 0, 1, wan_latency_s, wan, true};
    w.platform = (struct platform){.sites = w.sites,
                                   .site_count = 3,
                                   .hosts = w.hosts,
                                   .host_count = HOSTS,
                                   .links = w.links,
                                   .link_count = 1};
    CHECK(platform_finish(&w.platform, &w.arena, &err));
    w.engine = engine_create(&w.platform, &err);
    CHECK(w.engine);
}

static inline void build(void) {
    build_with(true);
}

static inline void note(void *context, uint64_t argument) {
    (void)context;
    CHECK(w.count < LOG_MAX);
    w.log[w.count].at = engine_now(w.engine);
    w.log[w.count++].what = argument;
}

static inline void run(simtime until) {
    struct error err = {0};
    char text[1500];
    if (!engine_run(w.engine, until, NULL, NULL, &err)) {
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
        _exit(1);
    }
}

static inline bool near_s(simtime at, double expected_s, simtime tolerance) {
    simtime difference = at - simtime_from_s(expected_s);
    if (difference < -tolerance || difference > tolerance) {
        fprintf(stderr, "at %.13f s, expected %.13f s\n", simtime_to_s(at), expected_s);
    }
    return difference >= -tolerance && difference <= tolerance;
}

static inline void nothing(void *context, uint64_t argument) {
    (void)context;
    (void)argument;
}

#endif
