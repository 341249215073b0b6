#include "finops/footprint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double hours_per_year = 8766;

void footprints_init(struct footprints *all, struct arena *arena, const char *const *services, size_t count) {
    *all = (struct footprints){.services = services, .count = count};
    all->of = arena_array(arena, count + 1, sizeof *all->of);
}

static struct footprint *of_service(struct footprints *all, const char *service) {
    size_t i = 0;
    while (i < all->count && (service == NULL || strcmp(service, all->services[i]) != 0)) {
        i++;
    }
    return &all->of[i];
}

static void add(struct footprint *sum, const struct footprint *part, double times) {
    sum->kwh += part->kwh * times;
    for (int i = 0; i < COST_STATES; i++) {
        sum->by_state_kwh[i] += part->by_state_kwh[i] * times;
    }
    sum->network_kwh += part->network_kwh * times;
    sum->operational_g += part->operational_g * times;
    sum->embodied_g += part->embodied_g * times;
}

static double embodied_g(const struct carbon *carbon, const struct meter_node *node) {
    if (node->requested_ps < 0 || node->end_ps <= node->requested_ps) {
        return 0;
    }
    double hours = simtime_to_s(node->end_ps - node->requested_ps) / 3600;
    return carbon->embodied_kg_per_node * 1000 * hours / (carbon->lifetime_years * hours_per_year);
}

void footprints_node(struct footprints *all, const struct carbon *carbon, const struct meter_node *node,
                     const struct meter_pod *pods, size_t pod_count) {
    struct energy_part *parts = mem_alloc(meter_parts_most(pods, pod_count) * sizeof *parts);
    size_t count = energy_node(&carbon->energy, node, pods, pod_count, parts);
    double made_g = embodied_g(carbon, node);
    for (size_t i = 0; i < count; i++) {
        const struct energy_part *part = &parts[i];
        struct footprint f = {.kwh = part->kwh, .embodied_g = made_g * part->share};
        f.by_state_kwh[part->state] = part->kwh;
        f.operational_g = part->kwh * carbon_intensity(carbon, node->region, part->from_ps, part->to_ps);
        add(&all->whole, &f, 1);
        add(of_service(all, part->service), &f, 1);
    }
    free(parts);
}

void footprints_transfer(struct footprints *all, const struct carbon *carbon, const char *region,
                         const char *service, uint64_t bytes, simtime from, simtime to) {
    double kwh = energy_network_kwh(&carbon->energy, (double)bytes);
    struct footprint f = {
        .kwh = kwh, .network_kwh = kwh, .operational_g = kwh * carbon_intensity(carbon, region, from, to)};
    add(&all->whole, &f, 1);
    add(of_service(all, service), &f, 1);
}

void footprints_share(struct footprints *all) {
    double own_kwh = 0;
    for (size_t i = 0; i < all->count; i++) {
        own_kwh += all->of[i].kwh;
    }
    struct footprint nobodys = all->of[all->count];
    for (size_t i = 0; i < all->count; i++) {
        add(&all->of[i], &nobodys, own_kwh > 0 ? all->of[i].kwh / own_kwh : 1.0 / (double)all->count);
    }
    if (all->count > 0) {
        all->of[all->count] = (struct footprint){0};
    }
}

double footprint_sci_g(const struct footprint *f, uint64_t requests) {
    return requests > 0 ? (f->operational_g + f->embodied_g) / (double)requests : NAN;
}
