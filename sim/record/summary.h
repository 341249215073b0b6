/* sim/record/summary.h: drydock.summary/1: the figures of a run, as JSON, as a terminal table, as a schema.
 * A part that does not apply is absent from the JSON: its `has_` flag is false or its count 0. */
#ifndef DRYDOCK_RECORD_SUMMARY_H
#define DRYDOCK_RECORD_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cell.h"
#include "base/money.h"
#include "base/strbuf.h"

struct latency_summary {
    uint64_t n;        /* values counted */
    uint64_t excluded; /* requests that have none: not completed, or undefined */
    double mean, p50, p90, p95, p99, p999, max;
};

/* Money in nano-dollars; NANOUSD_NONE where there is no figure. */
enum { COST_FIGURE_CATEGORIES = 4, COST_FIGURE_STATES = 4 };
struct cost_figures {
    bool present; /* false: no prices were given */
    nanousd total, billed, month, per_h, per_1k_requests, per_1m_output_tokens, per_good_request, usage,
        allocated;
    nanousd by_category[COST_FIGURE_CATEGORIES]; /* compute, network, storage, fixed */
    nanousd by_state[COST_FIGURE_STATES];        /* of compute: serving, start_up, idle, drain */
};

struct request_counts {
    uint64_t arrived, completed, rejected, timed_out, failed, unfinished, attempts, cancelled;
};

struct objective_result {
    const char *metric, *statistic;
    const char *service; /* NULL = all */
    double limit;
    bool at_least;
    double value;
    bool value_known;
    bool met;
};

/* A limit of a figure; NaN for the side that has none. */
struct gate_result {
    const char *metric; /* a figure's path (figure.h) */
    const char *scope;  /* "service/NAME", "tenant/NAME"; NULL = all */
    double min, max;
    double value; /* NaN when there is none, which holds nothing */
    bool warn;    /* a broken one is said, and fails no check */
    bool held;
};

/* `gate` with `held`: its value is within its limits. */
struct gate_result gate_judge(const struct gate_result *gate);

/* The figures of all services together, of one service or of one tenant. */
struct scope_summary {
    const char *name; /* NULL for the whole */
    struct request_counts requests;
    struct latency_summary ttft, tpot, itl, e2e, queue;
    /* what a gate judges: the same over all that arrived after warm-up, those that never got there counted as
     * infinite (INFINITY) */
    struct latency_summary gate_ttft, gate_tpot, gate_itl, gate_e2e, gate_queue;
    double requests_per_s, input_tokens_per_s, output_tokens_per_s;
    double goodput_per_s;
    bool has_slo;
    double slo_attainment;
    bool has_replicas;
    double replicas_mean, replicas_max, replica_s;
    bool has_faults;
    double availability; /* NaN: none were asked for */
    uint64_t restarts;
    bool has_gpu;
    double gpu_hours, gpu_busy_fraction;
    struct cost_figures cost;
    bool has_energy;
    double energy_kwh;
    bool has_carbon;
    double carbon_kg;
    double carbon_sci_g; /* grams a completed request; NaN without one */
};

/* How alike the groups of a grouping were served. */
struct fairness_figure {
    bool present; /* two groups or more have the figure */
    double ratio; /* largest over least; INFINITY when the least is 0, or the largest infinite */
    double jain;
    const char *worst; /* the group that was served worst */
};
enum fairness_metric {
    FAIRNESS_ATTAINMENT,
    FAIRNESS_TTFT_P95,
    FAIRNESS_GOODPUT,
    FAIRNESS_REJECTED,
    FAIRNESS_SERVICE,
    FAIRNESS_USD,
    FAIRNESS_METRICS
};
enum fairness_grouping { FAIRNESS_BY_TENANT, FAIRNESS_BY_REGION, FAIRNESS_BY_MODALITY, FAIRNESS_GROUPINGS };

struct summary {
    const char *drydock_version;
    const char *scenario;
    uint64_t seed;
    uint64_t replications;
    double simulated_s;
    double wall_s;
    uint64_t events;
    struct scope_summary all;
    struct scope_summary *services;
    size_t service_count;
    struct scope_summary *tenants;
    size_t tenant_count;
    struct objective_result *objectives;
    size_t objective_count;
    struct gate_result *gates; /* those that a run alone can judge */
    size_t gate_count;
    struct fairness_figure fairness[FAIRNESS_METRICS][FAIRNESS_GROUPINGS];
    bool has_fairness_gap; /* some service queues fairly */
    double fairness_gap, fairness_gap_bound;
    bool has_scaling; /* some autoscaler was at work */
    uint64_t scaling_decisions, scaling_ups, scaling_downs;
    const char *replicated; /* JSON text: the figures over all replications (study/study.h); NULL with one */
    const char **warnings;
    size_t warning_count;
};

#define SUMMARY_SCHEMA "drydock.summary/1"

/* The summary as an object, for those who look figures up (figure.h); the caller gives it back. */
struct json_object;
struct json_object *summary_tree(const struct summary *s, bool with_wall);

/* The JSON text, keys in the order of docs/results.md, two-space indent, ended by a newline; `with_wall`
 * false leaves wall_s out (for result.h5). Appended to `out`. A figure that is no number is null, an infinite
 * one null with "infinite": true beside it; bytes that are no UTF-8 become U+FFFD. */
void summary_json(const struct summary *s, bool with_wall, struct strbuf *out);

/* The terminal table: what a person wants to see first, in 80 columns. `colour` marks objectives met and
 * missed. Appended to `out`, or on stdout. */
void summary_text(const struct summary *s, bool colour, struct strbuf *out);
void summary_print(const struct summary *s, bool colour);

/* What writes a metric's values for people, in its own unit. */
cell_function *summary_cell(const char *metric);

/* JSON Schema (draft 2020-12) of summary.json, appended to `out`, or on stdout. */
void summary_schema(struct strbuf *out);
void summary_print_schema(void);

#endif
