/* sim/finops/energy.h: what nodes draw: power curves of GPUs, host, memory, and the energy of each part of a
 * node's time.
 *
 * A GPU that serves draws
 *
 *     P(b) = low + (high - low) / (1 + exp(-slope (log2 b - midpoint)))      b requests in flight
 *
 * and `idle` watts otherwise (start-up included: loading weights is bound by disks and links). Kinds of which
 * no curve is known draw a constant while they serve. Sources stand in the table of energy.c and are printed
 * in docs/cost.md. Host and memory draw a constant all the time that a node is there, from its request on,
 * since clouds do not say when a machine is taken. PUE multiplies all of it.
 */
#ifndef DRYDOCK_FINOPS_ENERGY_H
#define DRYDOCK_FINOPS_ENERGY_H

#include <stdio.h>

#include "config/field.h"
#include "finops/meter.h"

struct gpu_power {
    struct position pos;
    const char *gpu; /* kind; a name such as H100-80GB is of kind H100 */
    double idle_w;
    double low_w, high_w;   /* while serving: at the smallest and the largest batch */
    double slope, midpoint; /* of the curve in log2 of the batch; slope 0 = high_w whatever the batch */
    const char *source;
};
extern const struct gpu_power gpu_powers[]; /* ended by gpu NULL */

struct energy_config {
    double pue;
    double cpu_w_per_core;
    double memory_w_per_gb; /* 1e9 bytes */
    double network_kwh_per_gb;
    struct gpu_power *gpus; /* the scenario's own, before the table's */
    size_t gpu_count;
};

/* The row of a GPU kind; NULL for one that neither the scenario nor the table knows. */
const struct gpu_power *energy_gpu(const struct energy_config *config, const char *gpu);

/* Watts of one GPU that serves `batch` requests at a time; batch 0 is not known and takes high_w, the upper
 * bound. */
double energy_serving_w(const struct gpu_power *power, double batch);

struct energy_part {
    enum cost_state state;
    const char *service; /* NULL = nobody's */
    simtime from_ps, to_ps;
    double share; /* of the node's capacity over its time; all parts together are 1 */
    double kwh;   /* PUE included */
};

/* The energy of a node's time from its request to its end, split as meter_split splits it; at most
 * meter_parts_most(pods, pod_count) parts. A GPU kind without a row draws nothing: energy_gpu says so
 * beforehand.
 */
size_t energy_node(const struct energy_config *config, const struct meter_node *node,
                   const struct meter_pod *pods, size_t pod_count, struct energy_part *parts);

/* Moving bytes between places. */
double energy_network_kwh(const struct energy_config *config, double bytes);

/* The table of GPUs with sources, as Markdown. */
void energy_print_markdown(FILE *out);

#endif
