/* sim/telemetry/telemetry.h: what the control plane may know of the data plane, and how late.
 *
 * Gauges of a pod are seen when it is scraped, once an interval, at an offset of its own (Prometheus spreads
 * targets over the interval by a hash). A metrics API answers with the last scrape, dated; five minutes
 * without one and there is no answer (Prometheus' staleness). No policy sees anything else: not the present
 * queue, not output lengths.
 *
 * Metric names are those that users have in their manifests; a colon may be written as an underscore, as
 * adapters do.
 */
#ifndef DRYDOCK_TELEMETRY_TELEMETRY_H
#define DRYDOCK_TELEMETRY_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/simtime.h"

enum telemetry_gauge {
    GAUGE_WAITING,  /* requests */
    GAUGE_RUNNING,  /* requests */
    GAUGE_KV_USAGE, /* 0 to 1 */
    GAUGE_GPU_UTIL, /* percent of the interval in which a step ran, as DCGM counts */
    GAUGE_CPU,      /* cores, mean over the interval */
    GAUGES
};

/* A name that manifests may use. */
struct telemetry_metric {
    const char *name;
    enum telemetry_gauge gauge;
    bool resource; /* served by metrics.k8s.io (metrics-server), not by an adapter */
    const char *help;
};
extern const struct telemetry_metric telemetry_metrics[]; /* ended by name NULL */

/* NULL when nothing exposes it. */
const struct telemetry_metric *telemetry_find(const char *name);

#define TELEMETRY_STALE ((simtime)300 * SIMTIME_SECOND)

/* The last scrape of a pod. Zero-initialised: never scraped. */
struct telemetry_sample {
    simtime at, window;
    double values[GAUGES];
    bool present;
};

/* When the pod of that name is scraped for the first time after `since`; then every `interval`. */
simtime telemetry_first_scrape(const char *name, simtime since, simtime interval);

/* The value in thousandths as the API gives it now; false when there is none that is fresh. */
bool telemetry_read(const struct telemetry_sample *sample, enum telemetry_gauge gauge, simtime now,
                    int64_t *value_milli);

#endif
