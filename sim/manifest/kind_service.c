#include <string.h>

#include "manifest/workload.h"

static const char *const spec_fields[] = {"ports",
                                          "selector",
                                          "clusterIP",
                                          "clusterIPs",
                                          "type",
                                          "externalIPs",
                                          "sessionAffinity",
                                          "sessionAffinityConfig",
                                          "loadBalancerIP",
                                          "loadBalancerSourceRanges",
                                          "loadBalancerClass",
                                          "externalName",
                                          "externalTrafficPolicy",
                                          "internalTrafficPolicy",
                                          "healthCheckNodePort",
                                          "publishNotReadyAddresses",
                                          "ipFamilies",
                                          "ipFamilyPolicy",
                                          "allocateLoadBalancerNodePorts",
                                          "trafficDistribution",
                                          NULL};

/* A number from 1 to 65535 or the name of a container's port. */
static bool read_target_port(const struct reading *r, const struct place *p, const char **out) {
    int64_t number = 0;
    if (p->node == NULL || node_is_text(p->node)) {
        return read_text(r, p, out);
    }
    if (!read_integer(r, p, 1, 65535, &number)) {
        return false;
    }
    *out = arena_printf(r->arena, "%lld", (long long)number);
    return true;
}

static bool read_port(const struct reading *r, const struct place *p, size_t ports,
                      struct service_port *out) {
    static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
    static const char *const fields[] = {"name",       "protocol", "appProtocol", "port",
                                         "targetPort", "nodePort", NULL};
    struct place name = place_get(r, p, "name");
    struct place port = place_get(r, p, "port");
    struct place target = place_get(r, p, "targetPort");
    struct place protocol_at = place_get(r, p, "protocol");
    struct place node_port_at = place_get(r, p, "nodePort");
    const char *protocol = "TCP";
    int64_t node_port = 0;
    *out = (struct service_port){0};
    if (!expect_present(r, p, "a port") || !expect_mapping(r, p) || !read_text(r, &name, &out->name) ||
        !expect_present(r, &port, "a port's number") || !read_integer(r, &port, 1, 65535, &out->port) ||
        !read_target_port(r, &target, &out->target_port) ||
        !read_choice(r, &protocol_at, protocols, &protocol) ||
        !read_integer(r, &node_port_at, 0, 65535, &node_port)) {
        return false;
    }
    warn_unknown_fields(r, p, fields);
    if (out->name == NULL && ports > 1) {
        return place_fail(r, &name, "expected a name, as the Service has more than one port");
    }
    if (out->target_port == NULL) {
        out->target_port = arena_printf(r->arena, "%lld", (long long)out->port);
    }
    return true;
}

/* Far above what anybody writes; names are compared pair by pair. */
enum { SERVICE_PORTS_MAX = 1000 };

static bool read_ports(const struct reading *r, const struct place *spec, struct service *out) {
    struct place ports = place_get(r, spec, "ports");
    if (!expect_list(r, &ports)) {
        return false;
    }
    out->port_count = ports.node == NULL ? 0 : ports.node->count;
    if (out->port_count > SERVICE_PORTS_MAX) {
        return place_fail(r, &ports, "expected at most %d ports, got %zu", SERVICE_PORTS_MAX,
                          out->port_count);
    }
    out->ports = arena_array(r->arena, out->port_count, sizeof *out->ports);
    for (size_t i = 0; i < out->port_count; i++) {
        struct place item = place_item(r, &ports, i);
        if (!read_port(r, &item, out->port_count, &out->ports[i])) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (out->port_count > 1 && strcmp(out->ports[i].name, out->ports[j].name) == 0) {
                return place_fail(r, &item, "expected a name of its own, \"%s\" is taken",
                                  out->ports[i].name);
            }
        }
    }
    return true;
}

static bool is_headless(const struct reading *r, const struct place *spec) {
    struct place ip = place_get(r, spec, "clusterIP");
    return node_is_text(ip.node) && strcmp(ip.node->text, "None") == 0;
}

bool read_service(struct yaml_node *object, struct manifests *into, struct arena *arena,
                  struct notices *notices, struct error *err) {
    static const char *const types[] = {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", NULL};
    static const char *const object_fields[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    const struct reading r = {.arena = arena, .notices = notices, .err = err};
    struct place p = place_of(object);
    struct place spec = place_get(&r, &p, "spec");
    struct place type = place_get(&r, &spec, "type");
    struct place selector = place_get(&r, &spec, "selector");
    struct metadata metadata;
    struct service s = {.pos = object->pos, .type = "ClusterIP", .has_selector = selector.node != NULL};
    warn_unknown_fields(&r, &p, object_fields);
    warn_unknown_fields(&r, &spec, spec_fields);
    if (!check_api_version(&r, &p, "v1", "a Service is an object of the core API, v1") ||
        !read_metadata(&r, &p, NAME_LABEL_1035, &metadata) ||
        !expect_present(&r, &spec, "the service's ports and selector") || !expect_mapping(&r, &spec) ||
        !read_choice(&r, &type, types, &s.type) || !read_simple_selector(&r, &selector, &s.selector) ||
        !read_ports(&r, &spec, &s)) {
        return false;
    }
    if (s.port_count == 0 && strcmp(s.type, "ExternalName") != 0 && !is_headless(&r, &spec)) {
        struct place ports = place_get(&r, &spec, "ports");
        return place_fail(&r, &ports, "expected at least one port");
    }
    s.has_selector = s.has_selector && s.selector.count > 0;
    s.namespace_name = metadata.namespace_name;
    s.name = metadata.name;
    s.key = object_key(arena, "service", &metadata);
    into->services = arena_grow(arena, into->services, into->service_count, into->service_count + 1,
                                &into->service_capacity, sizeof *into->services);
    into->services[into->service_count++] = s;
    return true;
}
