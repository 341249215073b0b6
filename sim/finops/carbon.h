/* sim/finops/carbon.h: the scenario's `carbon`: the grid's intensity over time, PUE and coefficients of
 * power, embodied carbon. What a run's footprint is computed with (footprint.h).
 *
 * `carbon` is a number (g CO2e/kWh) or a mapping whose keys are the rows of carbon_fields: intensity or a
 * series, PUE and coefficients, embodied carbon, regions and GPUs of one's own.
 */
#ifndef DRYDOCK_FINOPS_CARBON_H
#define DRYDOCK_FINOPS_CARBON_H

#include "config/notice.h"
#include "finops/energy.h"

/* Intensity over time: value[i] holds from time_s[i] (of the run) to the next; sum[i] is the integral from
 * time_s[0] to time_s[i]. Before the first and after the last value these are held. */
struct carbon_series {
    size_t count;
    double *time_s, *value, *sum;
};

struct carbon_source {
    struct position pos;
    const char *region; /* NULL = every region that no other entry names */
    double intensity;   /* g CO2e/kWh; -1 = by the series */
    const char *file;   /* NULL */
    const char *start;  /* NULL = the series' first row */
    struct carbon_series series;
};

struct carbon {
    struct carbon_source everywhere;
    struct carbon_source *regions;
    size_t region_count;
    struct energy_config energy;
    double embodied_kg_per_node;
    double lifetime_years;
    bool has_intensity; /* false: energy only */
};

/* `node` is the scenario's `carbon`; NULL gives the defaults without an intensity: energy, no carbon. Reads
 * the series. Gaps in one (steps of more than 1.5 times its usual step, empty values) are held, and a warning
 * says how many and how long. */
bool carbon_load(const struct yaml_node *node, const char *folder, struct arena *arena, struct carbon *carbon,
                 struct notices *notices, struct error *err);

/* Warns, once for each, of GPU kinds without a power curve and of a run that goes on after a series ends or
 * begins before it does. `regions` are those of the nodes; `end` is the end of the run. */
void carbon_check(const struct carbon *carbon, const char *const *gpus, size_t gpu_count,
                  const char *const *regions, size_t region_count, simtime end, struct notices *notices);

/* Mean intensity in a region between two dates of the run (at one when they are the same), g CO2e/kWh; 0
 * without one. */
double carbon_intensity(const struct carbon *carbon, const char *region, simtime from, simtime to);

/* carbon_series.c: reads source->file and aligns it by source->start. Rows must be in order of time; a value
 * that is negative or no number is a located error, an empty one is a gap but for the first. */
bool carbon_series_read(struct carbon_source *source, struct arena *arena, struct notices *notices,
                        struct error *err);

/* Mean between two times of the run, in seconds; the value at one when they are the same. */
double carbon_series_mean(const struct carbon_series *series, double from_s, double to_s);

/* The table of the scenario's key, its schema and its reference. */
extern const struct field carbon_fields[];
void carbon_print_schema(void);
void carbon_print_markdown(FILE *out);

#endif
