#include "engine/platform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engine/platform_file.h"
#include "engine/queue.h"

enum { NAME_MAX_BYTES = 200, XML_MAX_BYTES = 256 << 20 };

/* ---- checks ---- */

static bool invalid(struct error *err, const char *kind, const char *name, const char *what) {
    return error_set(err, ERROR_INVALID, "platform: %s \"%.100s\": %s", kind, name, what);
}

static bool check_name(const char *kind, const char *name, struct error *err) {
    if (!name || !*name) {
        return error_set(err, ERROR_INVALID, "platform: a %s has no name", kind);
    }
    if (strlen(name) > NAME_MAX_BYTES) {
        return invalid(err, kind, name, "a name has at most 200 characters");
    }
    for (const char *c = name; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("<>&\"':", *c)) {
            return invalid(err, kind, name,
                           "a name is of printable ASCII characters other than blanks and < > & \" ' :");
        }
    }
    if (str_ends_with(name, "_UP") || str_ends_with(name, "_DOWN")) {
        return invalid(err, kind, name,
                       "a name cannot end with _UP or _DOWN (SimGrid's, of a link's directions)");
    }
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_unique(const char *kind, const char **names, size_t count, struct error *err) {
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            return invalid(err, kind, names[i], "the name is given twice");
        }
    }
    return true;
}

static bool check_names(const struct platform *p, struct arena *arena, struct error *err) {
    size_t most = p->site_count + p->host_count + p->link_count;
    const char **names = arena_array(arena, most + 1, sizeof *names);
    for (size_t i = 0; i < p->site_count; i++) {
        names[i] = p->sites[i].name;
        if (!check_name("site", names[i], err)) {
            return false;
        }
    }
    if (!check_unique("site", names, p->site_count, err)) {
        return false;
    }
    for (size_t i = 0; i < p->host_count; i++) {
        names[i] = p->hosts[i].name;
        if (!check_name("host", names[i], err)) {
            return false;
        }
    }
    if (!check_unique("host", names, p->host_count, err)) {
        return false;
    }
    for (size_t i = 0; i < p->link_count; i++) {
        names[i] = p->links[i].name;
        if (!check_name("link", names[i], err)) {
            return false;
        }
    }
    return check_unique("link", names, p->link_count, err);
}

static bool bandwidth_ok(double bytes_per_s) {
    return bytes_per_s >= PLATFORM_BANDWIDTH_MIN && bytes_per_s <= PLATFORM_BANDWIDTH_MAX;
}

static const char bandwidth_expected[] = "a bandwidth is between 1 B/s and 1e15 B/s";

static bool check_host(const struct platform *p, const struct platform_host *h, struct error *err) {
    if (h->site >= p->site_count) {
        return invalid(err, "host", h->name, "its site does not exist");
    }
    if (p->xml_file) {
        return true; /* the numbers are the file's */
    }
    bool no_disk = h->disk_read_bytes_per_s == 0 && h->disk_write_bytes_per_s == 0;
    bool disk_ok = bandwidth_ok(h->disk_read_bytes_per_s) && bandwidth_ok(h->disk_write_bytes_per_s);
    if (!bandwidth_ok(h->network_bytes_per_s)) {
        return invalid(err, "host", h->name, bandwidth_expected);
    }
    return no_disk || disk_ok ||
           invalid(err, "host", h->name,
                   "a disk has a read and a write bandwidth between 1 B/s and 1e15 B/s");
}

static bool check_link(const struct platform *p, const struct platform_link *l, struct error *err) {
    if (l->from >= p->site_count || l->to >= p->site_count) {
        return invalid(err, "link", l->name, "it leads to a site that does not exist");
    }
    if (l->from == l->to) {
        return invalid(err, "link", l->name, "it leads from a site to itself");
    }
    if (!bandwidth_ok(l->bandwidth_bytes_per_s)) {
        return invalid(err, "link", l->name, bandwidth_expected);
    }
    return (l->latency_s >= 0 && l->latency_s <= PLATFORM_LATENCY_MAX_S) ||
           invalid(err, "link", l->name, "a latency is between 0 and 3600 s");
}

static bool check_limits(const struct platform *p, struct error *err) {
    if (p->site_count > PLATFORM_SITES_MAX) {
        return error_set(err, ERROR_INVALID, "platform: at most %d sites", PLATFORM_SITES_MAX);
    }
    if (p->host_count > PLATFORM_HOSTS_MAX) {
        return error_set(err, ERROR_INVALID, "platform: at most %d hosts", PLATFORM_HOSTS_MAX);
    }
    if (p->link_count > PLATFORM_LINKS_MAX) {
        return error_set(err, ERROR_INVALID, "platform: at most %d links", PLATFORM_LINKS_MAX);
    }
    if (p->xml_file && p->host_count > PLATFORM_XML_HOSTS_MAX) {
        return error_set(err, ERROR_INVALID, "platform: at most %d hosts with a platform file of one's own",
                         PLATFORM_XML_HOSTS_MAX);
    }
    return true;
}

static bool check(const struct platform *p, struct arena *arena, struct error *err) {
    if (!check_limits(p, err) || !check_names(p, arena, err)) {
        return false;
    }
    for (size_t i = 0; i < p->host_count; i++) {
        if (!check_host(p, &p->hosts[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < p->link_count; i++) {
        if (!check_link(p, &p->links[i], err)) {
            return false;
        }
    }
    return true;
}

/* ---- paths ---- */

/* Links by site: `first[s]` to `first[s + 1]` in `links`. */
struct adjacency {
    uint32_t *first, *links;
};

static struct adjacency adjacency_of(const struct platform *p, struct arena *arena) {
    struct adjacency a = {.first = arena_array(arena, p->site_count + 2, sizeof *a.first),
                          .links = arena_array(arena, 2 * p->link_count, sizeof *a.links)};
    for (size_t i = 0; i < p->link_count; i++) {
        a.first[p->links[i].from + 2]++;
        a.first[p->links[i].to + 2]++;
    }
    for (size_t s = 2; s <= p->site_count + 1; s++) {
        a.first[s] += a.first[s - 1];
    }
    for (uint32_t i = 0; i < p->link_count; i++) {
        a.links[a.first[p->links[i].from + 1]++] = i;
        a.links[a.first[p->links[i].to + 1]++] = i;
    }
    return a;
}

static uint32_t other_end(const struct platform_link *l, uint32_t site) {
    return l->from == site ? l->to : l->from;
}

/* Dijkstra's tree of least latency to `root`: of equals, the one with fewer links, then the one found first
 * in the order of the links; never through an endpoint. Latencies are summed in whole picoseconds, so that
 * equal means equal. */
static void tree_to(const struct platform *p, const struct adjacency *a, uint32_t root, struct queue *q,
                    simtime *latency, uint32_t *hops, int32_t *first_link) {
    for (size_t s = 0; s < p->site_count; s++) {
        latency[s] = SIMTIME_NEVER;
        first_link[s] = -1;
    }
    latency[root] = 0;
    hops[root] = 0;
    queue_push(q, 0, 0, (struct queue_event){.argument = root});
    while (queue_count(q) > 0) {
        simtime at = queue_first(q, NULL);
        uint32_t site = (uint32_t)queue_pop(q).argument;
        bool passable = site == root || !p->sites[site].endpoint;
        if (at > latency[site] || !passable) {
            continue;
        }
        for (uint32_t i = a->first[site]; i < a->first[site + 1]; i++) {
            const struct platform_link *l = &p->links[a->links[i]];
            uint32_t next = other_end(l, site);
            simtime sum = at + simtime_from_s(l->latency_s);
            if (sum < latency[next] || (sum == latency[next] && hops[site] + 1 < hops[next])) {
                latency[next] = sum;
                hops[next] = hops[site] + 1;
                first_link[next] = (int32_t)a->links[i];
                queue_push(q, sum, 0, (struct queue_event){.argument = next});
            }
        }
    }
}

/* Records the way from `from` down the tree to `root`, and the same way back. */
static void record_path(struct platform *p, const int32_t *tree, uint32_t from, uint32_t root,
                        simtime latency) {
    size_t there = from * p->site_count + root;
    size_t back = root * p->site_count + from;
    double bandwidth = INFINITY;
    int32_t last = -1;
    for (uint32_t at = from; at != root && tree[at] >= 0;) {
        const struct platform_link *l = &p->links[tree[at]];
        bandwidth = l->bandwidth_bytes_per_s < bandwidth ? l->bandwidth_bytes_per_s : bandwidth;
        last = tree[at];
        at = other_end(l, at);
    }
    double latency_s = latency == SIMTIME_NEVER ? INFINITY : simtime_to_s(latency);
    p->path_latency_s[there] = p->path_latency_s[back] = latency_s;
    p->path_bandwidth_bytes_per_s[there] = p->path_bandwidth_bytes_per_s[back] = last >= 0 ? bandwidth : 0;
    p->path_first_link[there] = tree[from];
    p->path_first_link[back] = last;
}

static void find_paths(struct platform *p, struct arena *arena) {
    size_t n = p->site_count;
    p->path_latency_s = arena_array(arena, n * n, sizeof *p->path_latency_s);
    p->path_bandwidth_bytes_per_s = arena_array(arena, n * n, sizeof *p->path_bandwidth_bytes_per_s);
    p->path_first_link = arena_array(arena, n * n, sizeof *p->path_first_link);
    struct adjacency a = adjacency_of(p, arena);
    simtime *latency = arena_array(arena, n, sizeof *latency);
    uint32_t *hops = arena_array(arena, n, sizeof *hops);
    int32_t *tree = arena_array(arena, n, sizeof *tree);
    struct queue q;
    queue_init(&q);
    for (uint32_t root = 0; root < n; root++) {
        tree_to(p, &a, root, &q, latency, hops, tree);
        for (uint32_t from = 0; from < root; from++) {
            record_path(p, tree, from, root, latency[from]);
        }
        p->path_first_link[root * n + root] = -1;
        p->path_bandwidth_bytes_per_s[root * n + root] = INFINITY;
    }
    queue_free(&q);
}

/* ---- the user's own XML ---- */

/* True when `word` stands in `text` outside comments. */
static bool mentions(const char *text, const char *word) {
    size_t n = strlen(word);
    for (const char *c = text; *c; c++) {
        if (strncmp(c, "<!--", 4) == 0) {
            const char *end = strstr(c, "-->");
            if (!end) {
                return false;
            }
            c = end + 2;
        } else if (strncmp(c, word, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool mentions_any(const char *text, const char *const *words) {
    for (; *words; words++) {
        if (mentions(text, *words)) {
            return true;
        }
    }
    return false;
}

/* Hosts and links that go off behind our back make SimGrid abort when a transfer is on them, and actors would
 * run beside ours: no probe could see either. */
static bool check_xml_text(struct platform *p, struct error *err) {
    static const char *const refused[] = {"state_file", "<trace", "<actor", "<process",
                                          "<include",   "WIFI",   NULL};
    static const char *const unsteady[] = {"bandwidth_file", "latency_file", "<config", NULL};
    struct arena arena = {0};
    char *text = NULL;
    size_t length = 0;
    struct position pos = {.file = p->xml_file};
    bool ok = file_read(p->xml_file, XML_MAX_BYTES, &arena, &text, &length, err);
    if (ok && strlen(text) != length) {
        ok = error_at(err, ERROR_INVALID, &pos, NULL, "not a text file");
    }
    if (ok && mentions_any(text, refused)) {
        error_at(err, ERROR_INVALID, &pos, NULL,
                 "a platform may have no state_file, trace, actor, process, include or WIFI link");
        ok = error_hint(err, "describe failures in the scenario");
    }
    p->steady = ok && !mentions_any(text, unsteady);
    arena_free(&arena);
    return ok;
}

static bool finish_xml(struct platform *p, struct arena *arena, struct error *err) {
    size_t n = p->host_count;
    if (!check_xml_text(p, err)) {
        return false;
    }
    struct platform_survey survey = {
        .disk_read_bytes_per_s = arena_array(arena, n, sizeof(double)),
        .disk_write_bytes_per_s = arena_array(arena, n, sizeof(double)),
        .route_latency_s = arena_array(arena, n * n, sizeof(double)),
        .route_bandwidth_bytes_per_s = arena_array(arena, n * n, sizeof(double)),
    };
    if (!platform_survey(p, &survey, err)) {
        return false;
    }
    p->route_latency_s = survey.route_latency_s;
    p->route_bandwidth_bytes_per_s = survey.route_bandwidth_bytes_per_s;
    for (size_t i = 0; i < n; i++) {
        double most = 0;
        for (size_t j = 0; j < n; j++) {
            double there = survey.route_bandwidth_bytes_per_s[i * n + j];
            most = i != j && there > most ? there : most;
        }
        p->hosts[i].network_bytes_per_s = most;
        p->hosts[i].disk_read_bytes_per_s = survey.disk_read_bytes_per_s[i];
        p->hosts[i].disk_write_bytes_per_s = survey.disk_write_bytes_per_s[i];
    }
    return true;
}

bool platform_finish(struct platform *p, struct arena *arena, struct error *err) {
    p->steady = true;
    if (!check(p, arena, err)) {
        return false;
    }
    find_paths(p, arena);
    return !p->xml_file || finish_xml(p, arena, err);
}

bool platform_path(const struct platform *p, uint32_t from_host, uint32_t to_host, double *latency_s,
                   double *bandwidth_bytes_per_s) {
    if (from_host == to_host) {
        *latency_s = 0;
        *bandwidth_bytes_per_s = INFINITY;
        return true;
    }
    if (p->route_latency_s) {
        size_t pair = from_host * p->host_count + to_host;
        *latency_s = p->route_latency_s[pair];
        *bandwidth_bytes_per_s = p->route_bandwidth_bytes_per_s[pair];
        return *latency_s < INFINITY;
    }
    const struct platform_host *from = &p->hosts[from_host];
    const struct platform_host *to = &p->hosts[to_host];
    size_t pair = from->site * p->site_count + to->site;
    *latency_s = p->path_latency_s[pair] + 2 * PLATFORM_HOST_LATENCY_S;
    *bandwidth_bytes_per_s =
        fmin(p->path_bandwidth_bytes_per_s[pair], fmin(from->network_bytes_per_s, to->network_bytes_per_s));
    return *latency_s < INFINITY;
}
