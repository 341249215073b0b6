/* sim/finops/footprint.h: energy and carbon of a run, for the whole and for each service.
 *
 *     SCI = (E x I + M) / R     (ISO/IEC 21031), grams a request
 *
 * E is the energy of everything that was reserved, idle or not; I the grid's intensity at the place and time
 * (location-based); M the share of what it took to make the hardware; R the requests. Pure: no clock, no
 * engine.
 *
 *     footprints_init(&all, arena, services, count);
 *     for each node   footprints_node(&all, &carbon, &node, pods, pod_count);
 *     for each pair   footprints_transfer(&all, &carbon, region, service, bytes, from, to);
 *     footprints_share(&all);
 */
#ifndef DRYDOCK_FINOPS_FOOTPRINT_H
#define DRYDOCK_FINOPS_FOOTPRINT_H

#include "finops/carbon.h"

/* What adds up. Zero-initialise. */
struct footprint {
    double kwh; /* all of it, PUE included */
    double by_state_kwh[COST_STATES];
    double network_kwh;
    double operational_g, embodied_g;
};

struct footprints {
    const char *const *services; /* borrowed */
    size_t count;
    struct footprint whole;
    struct footprint *of; /* by service; of[count] is nobody's, until it is shared */
};

void footprints_init(struct footprints *all, struct arena *arena, const char *const *services, size_t count);

/* A node from its request to its end. Embodied carbon is charged by the time that it is there, and divided by
 * the capacity that was held. */
void footprints_node(struct footprints *all, const struct carbon *carbon, const struct meter_node *node,
                     const struct meter_pod *pods, size_t pod_count);

/* Bytes moved for a service (NULL = nobody's) between two dates, at the intensity of a region. */
void footprints_transfer(struct footprints *all, const struct carbon *carbon, const char *region,
                         const char *service, uint64_t bytes, simtime from, simtime to);

/* Divides what is nobody's (capacity that no pod holds, nodes that start) as ledger_services divides money:
 * by the energy that each service's own took, equally when none took any. Then the services add up to the
 * whole, but for the rounding of doubles. */
void footprints_share(struct footprints *all);

static inline double footprint_kg(const struct footprint *f) {
    return (f->operational_g + f->embodied_g) / 1000;
}

/* Grams a request; NaN without requests. */
double footprint_sci_g(const struct footprint *footprint, uint64_t requests);

#endif
