/* sim/engine/platform.h: what there is: sites (zones, and single endpoints such as a registry or a region's
 * users), hosts in them, links between sites. Written out as SimGrid XML; routes are the least-latency paths
 * over the links.
 */
#ifndef DRYDOCK_ENGINE_PLATFORM_H
#define DRYDOCK_ENGINE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

struct platform_site {
    const char *name;
    bool endpoint; /* nothing is routed through it: users, a registry */
};

struct platform_host {
    const char *name;
    uint32_t site;
    double network_bytes_per_s; /* its own link, each direction */
    double disk_read_bytes_per_s;
    double disk_write_bytes_per_s; /* 0 = no disk */
};

struct platform_link {
    const char *name;
    uint32_t from, to; /* sites; both directions, each with the bandwidth */
    double latency_s;  /* may be 0 */
    double bandwidth_bytes_per_s;
    bool shared; /* false: every transfer gets the bandwidth (SimGrid's FATPIPE) */
};

/* Filled by the caller in an arena, then frozen by platform_finish. */
struct platform {
    struct platform_site *sites;
    size_t site_count;
    struct platform_host *hosts;
    size_t host_count;
    struct platform_link *links;
    size_t link_count;
    const char *xml_file; /* the user's own SimGrid XML in place of the generated one; NULL */
    /* by platform_finish: */
    double *path_latency_s;             /* site x site; infinity where there is no path */
    double *path_bandwidth_bytes_per_s; /* the least on the path */
    int32_t *path_first_link;           /* first link on the way from a to b, -1 */
    /* by platform_finish, of xml_file only: host x host, as SimGrid has them */
    double *route_latency_s; /* infinity where there is no route */
    double *route_bandwidth_bytes_per_s;
    bool steady; /* no link's bandwidth changes by itself (always so unless xml_file has profiles) */
};

/* xml_file may name at most PLATFORM_XML_HOSTS_MAX of our hosts: the route of each pair of them is asked for.
 */
enum {
    PLATFORM_SITES_MAX = 1000,
    PLATFORM_HOSTS_MAX = 20000,
    PLATFORM_LINKS_MAX = 100000,
    PLATFORM_XML_HOSTS_MAX = 500
};

/* One way from a host's network card to its site's switch: half of a data centre's 20 us from host to host.
 */
#define PLATFORM_HOST_LATENCY_S 10e-6

/* What a bandwidth and a latency may be; outside, SimGrid's own tolerances (1e-5 B/s) show. */
#define PLATFORM_BANDWIDTH_MIN 1.0
#define PLATFORM_BANDWIDTH_MAX 1e15
#define PLATFORM_LATENCY_MAX_S 3600.0

/* Checks names (printable ASCII without blanks and <>&"':, not ending in _UP or _DOWN, unique among the
 * sites, hosts or links), numbers, limits; computes the paths. Everything that would make SimGrid abort is an
 * error here. With xml_file, it is probed: routes are SimGrid's, and the hosts' numbers are overwritten with
 * what the file says. */
bool platform_finish(struct platform *p, struct arena *arena, struct error *err);

/* The platform as SimGrid 3.32 XML (`platform version="4.1"`). */
void platform_xml(const struct platform *p, struct strbuf *out);

/* Loads the XML (generated, or xml_file) in a forked child and checks that every host is there, so that
 * whatever makes SimGrid abort becomes an error of this process: ERROR_INVALID with the child's last words.
 */
bool platform_probe(const struct platform *p, struct error *err);

/* One-way latency and bottleneck bandwidth between two hosts as an uncontended transfer sees them (host links
 * included). False when no path joins them. */
bool platform_path(const struct platform *p, uint32_t from_host, uint32_t to_host, double *latency_s,
                   double *bandwidth_bytes_per_s);

#endif
