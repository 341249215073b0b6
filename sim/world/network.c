/* The platform of a run: a site for every zone, for the users of every region, for the image registry and the
 * model store; a host for every node that may ever be. */
#include <math.h>
#include <string.h>

#include "world/world.h"

/* Gateways, users and stores are as fast as the links that lead to them. */
static const double UNBOUNDED_BYTES_PER_S = 1e12;

static void add_site(struct platform *p, const char *name, bool endpoint) {
    p->sites[p->site_count++] = (struct platform_site){.name = name, .endpoint = endpoint};
}

static uint32_t add_host(struct platform *p, const char *name, uint32_t site, double network, double read,
                         double write) {
    p->hosts[p->host_count] = (struct platform_host){.name = name,
                                                     .site = site,
                                                     .network_bytes_per_s = network,
                                                     .disk_read_bytes_per_s = read,
                                                     .disk_write_bytes_per_s = write};
    return (uint32_t)p->host_count++;
}

static size_t zone_index(const struct scenario *s, const char *name) {
    size_t i = 0;
    while (i < s->zone_count && strcmp(s->zones[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* Sites in this order: zones, regions' users, registry, models. */
static void add_sites(struct world *w) {
    const struct scenario *s = &w->scenario;
    struct platform *p = &w->platform;
    p->sites = arena_array(w->arena, s->zone_count + s->region_count + 2, sizeof *p->sites);
    for (size_t z = 0; z < s->zone_count; z++) {
        add_site(p, arena_printf(w->arena, "zone-%s", s->zones[z].name), false);
    }
    for (size_t r = 0; r < s->region_count; r++) {
        add_site(p, arena_printf(w->arena, "users-%s", s->regions[r].name), true);
    }
    add_site(p, "registry", true);
    add_site(p, "models", true);
}

static size_t nodes_at_most(const struct scenario *s) {
    size_t nodes = 0;
    for (size_t i = 0; i < s->pool_count; i++) {
        nodes += (size_t)s->pools[i].max;
    }
    return nodes;
}

static void add_pool_hosts(struct world *w, size_t pool) {
    const struct pool_config *p = &w->scenario.pools[pool];
    uint32_t zone = (uint32_t)zone_index(&w->scenario, p->zone);
    w->pool_zone[pool] = zone;
    w->first_host[pool] = (uint32_t)w->platform.host_count;
    for (int64_t n = 0; n < p->max; n++) {
        add_host(&w->platform, arena_printf(w->arena, "%s-%lld", p->name, (long long)n), zone,
                 p->network_bytes_per_s, p->disk_read_bytes_per_s, p->disk_write_bytes_per_s);
    }
}

/* Each node that may ever be is a host: told at the pool with which they become too many. */
static bool check_host_count(const struct scenario *s, struct error *err) {
    size_t others = s->zone_count + s->region_count + 2;
    size_t room = PLATFORM_HOSTS_MAX > others ? PLATFORM_HOSTS_MAX - others : 0;
    size_t nodes = 0;
    for (size_t i = 0; i < s->pool_count; i++) {
        char field[64];
        snprintf(field, sizeof field, "spec.cluster.pools.%zu.max", i);
        const struct yaml_node *max = yaml_path(s->tree, field);
        nodes += (size_t)s->pools[i].max;
        if (nodes > room) {
            return error_at(err, ERROR_INVALID, max ? &max->pos : &s->pools[i].pos, field,
                            "expected at most %zu nodes in all pools together, found %zu up to this one",
                            room, nodes);
        }
    }
    return true;
}

static void add_hosts(struct world *w) {
    const struct scenario *s = &w->scenario;
    struct platform *p = &w->platform;
    size_t count = nodes_at_most(s) + s->zone_count + s->region_count + 2;
    p->hosts = arena_array(w->arena, count, sizeof *p->hosts);
    for (size_t i = 0; i < s->pool_count; i++) {
        add_pool_hosts(w, i);
    }
    for (size_t z = 0; z < s->zone_count; z++) {
        w->gateway_host[z] = add_host(p, arena_printf(w->arena, "gateway-%s", s->zones[z].name), (uint32_t)z,
                                      UNBOUNDED_BYTES_PER_S, 0, 0);
    }
    uint32_t site = (uint32_t)s->zone_count;
    for (size_t r = 0; r < s->region_count; r++) {
        w->region_host[r] = add_host(p, arena_printf(w->arena, "users-%s", s->regions[r].name), site++,
                                     UNBOUNDED_BYTES_PER_S, 0, 0);
    }
    w->registry_host = add_host(p, "registry", site++, UNBOUNDED_BYTES_PER_S, 0, 0);
    w->models_host = add_host(p, "models", site, UNBOUNDED_BYTES_PER_S, 0, 0);
}

/* The site that a link's end names; scenario_load has checked that there is one. */
static uint32_t site_of(const struct scenario *s, const char *end) {
    size_t zone = zone_index(s, end);
    if (zone < s->zone_count) {
        return (uint32_t)zone;
    }
    for (size_t r = 0; r < s->region_count; r++) {
        if (strcmp(s->regions[r].name, end) == 0) {
            return (uint32_t)(s->zone_count + r);
        }
    }
    return (uint32_t)(s->zone_count + s->region_count + (strcmp(end, "models") == 0));
}

static void add_links(struct world *w) {
    const struct scenario *s = &w->scenario;
    struct platform *p = &w->platform;
    p->links = arena_array(w->arena, s->link_count, sizeof *p->links);
    for (size_t i = 0; i < s->link_count; i++) {
        const struct link_config *l = &s->links[i];
        p->links[p->link_count++] = (struct platform_link){.name = l->name,
                                                           .from = site_of(s, l->from),
                                                           .to = site_of(s, l->to),
                                                           .latency_s = l->latency_s,
                                                           .bandwidth_bytes_per_s = l->bandwidth_bytes_per_s,
                                                           .shared = l->shared};
    }
}

/* Users reach the gateway in the zone nearest to them; ties go to the zone named first. */
static void nearest_zones(struct world *w) {
    for (size_t r = 0; r < w->scenario.region_count; r++) {
        double best = INFINITY;
        for (size_t z = 0; z < w->scenario.zone_count; z++) {
            double latency_s;
            double bandwidth;
            if (platform_path(&w->platform, w->region_host[r], w->gateway_host[z], &latency_s, &bandwidth) &&
                latency_s < best) {
                best = latency_s;
                w->region_zone[r] = (uint32_t)z;
            }
        }
    }
}

static void name_regions(struct world *w) {
    for (size_t r = 0; r < w->scenario.region_count; r++) {
        const char *name = w->scenario.regions[r].name;
        uint32_t id = trace_names_intern(&w->names, name, strlen(name));
        if (id >= w->region_of_name_count) {
            size_t capacity = w->region_of_name_count;
            w->region_of_name = arena_grow(w->arena, w->region_of_name, w->region_of_name_count, id + 1u,
                                           &capacity, sizeof *w->region_of_name);
            w->region_of_name_count = capacity;
        }
        w->region_of_name[id] = (uint32_t)r + 1;
    }
}

bool world_network(struct world *w, struct error *err) {
    const struct scenario *s = &w->scenario;
    w->pool_zone = arena_array(w->arena, s->pool_count, sizeof *w->pool_zone);
    w->first_host = arena_array(w->arena, s->pool_count, sizeof *w->first_host);
    w->gateway_host = arena_array(w->arena, s->zone_count, sizeof *w->gateway_host);
    w->region_host = arena_array(w->arena, s->region_count, sizeof *w->region_host);
    w->region_zone = arena_array(w->arena, s->region_count, sizeof *w->region_zone);
    w->has_platform = s->pool_count > 0;
    if (!check_host_count(s, err)) {
        return false;
    }
    add_sites(w);
    add_hosts(w);
    add_links(w);
    w->platform.xml_file = s->platform_file;
    if (!platform_finish(&w->platform, w->arena, err)) {
        return false;
    }
    if (s->platform_file && !platform_probe(&w->platform, err)) {
        return false;
    }
    nearest_zones(w);
    name_regions(w);
    return true;
}
