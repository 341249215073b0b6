/* The platform as SimGrid's XML.
 *
 * A site is a star: SimGrid's zone class "Cluster", where each host has a link of its own in each direction
 * and the switch in the middle is never the bottleneck, so that flows of different hosts are solved apart
 * (a shared backbone was 26 times dearer at 1024 flows). Sites are joined by zoneRoutes over the links of the
 * least-latency path. Ids are prefixed by what they name, because SimGrid has one table for hosts, zones and
 * routers.
 */
#define _GNU_SOURCE /* memfd_create */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "engine/platform_file.h"

static void number(struct strbuf *out, const char *name, double value, const char *unit) {
    char text[NUMBER_TEXT_BYTES];
    strbuf_printf(out, " %s=\"%s%s\"", name, number_text(value, text), unit);
}

static void link_numbers(struct strbuf *out, double bytes_per_s, double latency_s, const char *policy) {
    number(out, "bandwidth", bytes_per_s, "Bps");
    number(out, "latency", latency_s, "s");
    strbuf_printf(out, " sharing_policy=\"%s\"/>\n", policy);
}

static void host_xml(struct strbuf *out, const struct platform_host *h) {
    strbuf_printf(out, "    <host id=\"%s\" speed=\"1Gf\"", h->name);
    if (h->disk_read_bytes_per_s > 0) {
        strbuf_printf(out, ">\n      <disk id=\"disk:%s\"", h->name);
        number(out, "read_bw", h->disk_read_bytes_per_s, "Bps");
        number(out, "write_bw", h->disk_write_bytes_per_s, "Bps");
        strbuf_append(out, "/>\n    </host>\n");
    } else {
        strbuf_append(out, "/>\n");
    }
    strbuf_printf(out, "    <link id=\"nic:%s\"", h->name);
    link_numbers(out, h->network_bytes_per_s, PLATFORM_HOST_LATENCY_S, "SPLITDUPLEX");
    strbuf_printf(out, "    <host_link id=\"%s\" up=\"nic:%s_UP\" down=\"nic:%s_DOWN\"/>\n", h->name, h->name,
                  h->name);
}

/* Hosts by site, in their order: `first[s]` to `first[s + 1]` in `hosts`. */
static void hosts_by_site(const struct platform *p, uint32_t *first, uint32_t *hosts) {
    memset(first, 0, (p->site_count + 2) * sizeof *first);
    for (size_t i = 0; i < p->host_count; i++) {
        first[p->hosts[i].site + 2]++;
    }
    for (size_t s = 2; s <= p->site_count + 1; s++) {
        first[s] += first[s - 1];
    }
    for (uint32_t i = 0; i < p->host_count; i++) {
        hosts[first[p->hosts[i].site + 1]++] = i;
    }
}

static void site_xml(const struct platform *p, struct strbuf *out, const char *name, const uint32_t *hosts,
                     uint32_t count) {
    strbuf_printf(out, "  <zone id=\"site:%s\" routing=\"Cluster\">\n", name);
    for (uint32_t i = 0; i < count; i++) {
        host_xml(out, &p->hosts[hosts[i]]);
    }
    strbuf_printf(out, "    <router id=\"switch:%s\"/>\n  </zone>\n", name);
}

/* Unshared links: on SimGrid's FATPIPE a flow gets the bandwidth times its weight over the greatest weight
 * there, so each pair of sites, whose flows weigh alike, has one of its own; each flow then gets the
 * bandwidth. */
static void pair_links_xml(const struct platform *p, struct strbuf *out, size_t from, size_t to) {
    for (size_t at = from; at != to;) {
        const struct platform_link *l = &p->links[p->path_first_link[at * p->site_count + to]];
        if (!l->shared) {
            strbuf_printf(out, "  <link id=\"wan:%s:%s:%s\"", l->name, p->sites[from].name,
                          p->sites[to].name);
            link_numbers(out, l->bandwidth_bytes_per_s, l->latency_s, "FATPIPE");
        }
        at = l->from == at ? l->to : l->from;
    }
}

static void route_xml(const struct platform *p, struct strbuf *out, size_t from, size_t to) {
    const char *a = p->sites[from].name, *b = p->sites[to].name;
    strbuf_printf(out,
                  "  <zoneRoute src=\"site:%s\" dst=\"site:%s\" gw_src=\"switch:%s\" gw_dst=\"switch:%s\">",
                  a, b, a, b);
    for (size_t at = from; at != to;) {
        const struct platform_link *l = &p->links[p->path_first_link[at * p->site_count + to]];
        bool forward = l->from == at;
        if (l->shared) {
            strbuf_printf(out, "<link_ctn id=\"wan:%s\" direction=\"%s\"/>", l->name,
                          forward ? "UP" : "DOWN");
        } else {
            strbuf_printf(out, "<link_ctn id=\"wan:%s:%s:%s\"/>", l->name, a, b);
        }
        at = forward ? l->to : l->from;
    }
    strbuf_append(out, "</zoneRoute>\n");
}

/* Calls `write` for each two sites that hold hosts and are joined. */
static void each_pair(const struct platform *p, struct strbuf *out, const uint32_t *first,
                      void (*write)(const struct platform *p, struct strbuf *out, size_t from, size_t to)) {
    for (size_t a = 0; a < p->site_count; a++) {
        for (size_t b = a + 1; b < p->site_count; b++) {
            bool ends = first[a + 1] > first[a] && first[b + 1] > first[b];
            if (ends && p->path_first_link[a * p->site_count + b] >= 0) {
                write(p, out, a, b);
            }
        }
    }
}

void platform_xml(const struct platform *p, struct strbuf *out) {
    struct arena arena = {0};
    uint32_t *first = arena_array(&arena, p->site_count + 2, sizeof *first);
    uint32_t *hosts = arena_array(&arena, p->host_count, sizeof *hosts);
    hosts_by_site(p, first, hosts);
    strbuf_append(
        out,
        "<?xml version='1.0'?>\n"
        "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
        "<platform version=\"4.1\">\n<zone id=\"drydock:world\" routing=\"Full\">\n"
        "  <zone id=\"drydock:own\" routing=\"Full\"><host id=\"drydock:home\" speed=\"1Gf\"/></zone>\n");
    for (size_t s = 0; s < p->site_count; s++) {
        if (first[s + 1] > first[s]) { /* a site without hosts is only passed through, on links */
            site_xml(p, out, p->sites[s].name, hosts + first[s], first[s + 1] - first[s]);
        }
    }
    for (size_t i = 0; i < p->link_count; i++) {
        const struct platform_link *l = &p->links[i];
        if (l->shared) {
            strbuf_printf(out, "  <link id=\"wan:%s\"", l->name);
            link_numbers(out, l->bandwidth_bytes_per_s, l->latency_s, "SPLITDUPLEX");
        }
    }
    each_pair(p, out, first, pair_links_xml);
    each_pair(p, out, first, route_xml);
    strbuf_append(out, "</zone>\n</platform>\n");
    arena_free(&arena);
}

static bool write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

bool platform_xml_open(const struct platform *p, struct platform_xml_file *file, struct error *err) {
    *file = (struct platform_xml_file){.path = p->xml_file, .fd = -1};
    if (p->xml_file) {
        return true;
    }
    file->fd = memfd_create("drydock-platform", MFD_CLOEXEC);
    if (file->fd < 0) {
        return error_errno(err, "platform", "no memory file for it");
    }
    struct strbuf xml = {0};
    platform_xml(p, &xml);
    bool written = write_all(file->fd, xml.text, xml.length);
    strbuf_free(&xml);
    if (!written) {
        error_errno(err, "platform", "cannot write it to memory");
        platform_xml_close(file);
        return false;
    }
    snprintf(file->name, sizeof file->name, "/proc/self/fd/%d", file->fd);
    file->path = file->name;
    return true;
}

void platform_xml_close(struct platform_xml_file *file) {
    if (file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
}
