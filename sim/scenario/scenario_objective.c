/* Objectives: what they can be about, and how their limits are written. */
#include <math.h>
#include <string.h>

#include "base/strbuf.h"
#include "scenario/scenario_parts.h"

#define LATENCY(metric, per, text)                                                                           \
    { "latency." metric, true, per, UNIT_DURATION, OBJECTIVE_AT_MOST, text }

const struct objective_metric objective_metrics[] = {
    LATENCY("ttft_s", true, "time to first token, where the user is"),
    LATENCY("tpot_s", true, "time per output token after the first"),
    LATENCY("itl_s", true, "gap between tokens"),
    LATENCY("e2e_s", true, "from send to last token received, where the user is"),
    LATENCY("queue_s", false, "waiting for a replica and in it"),
    {"slo.attainment", false, false, UNIT_FRACTION, OBJECTIVE_AT_LEAST,
     "share of requests that meet every per-request objective"},
    {"goodput_per_s", false, false, UNIT_RATE, OBJECTIVE_AT_LEAST,
     "requests a second that meet every per-request objective"},
    {"throughput.requests_per_s", false, false, UNIT_RATE, OBJECTIVE_AT_LEAST, "completed requests a second"},
    {"throughput.input_tokens_per_s", false, false, UNIT_RATE, OBJECTIVE_AT_LEAST, "prompt tokens a second"},
    {"throughput.output_tokens_per_s", false, false, UNIT_RATE, OBJECTIVE_AT_LEAST, "output tokens a second"},
    {"requests.rejected", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "requests turned away"},
    {"requests.timed_out", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST,
     "requests given up before the first token"},
    {"requests.failed", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "requests that failed"},
    {"requests.unfinished", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "requests left at the end"},
    {"replicas.mean", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "replicas, mean over time"},
    {"replicas.max", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "replicas, the most at a time"},
    {"gpu.hours", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST,
     "GPU hours held by pods on nodes that are there"},
    {"cost.total_usd", false, false, UNIT_USD, OBJECTIVE_AT_MOST, "dollars of the window"},
    {"cost.usd_per_h", false, false, UNIT_USD_PER_H, OBJECTIVE_AT_MOST, "dollars an hour"},
    {"cost.usd_per_1k_requests", false, false, UNIT_USD, OBJECTIVE_AT_MOST,
     "dollars a thousand completed requests"},
    {"cost.usd_per_1m_output_tokens", false, false, UNIT_USD, OBJECTIVE_AT_MOST,
     "dollars a million output tokens"},
    {"cost.usd_per_good_request", false, false, UNIT_USD, OBJECTIVE_AT_MOST,
     "dollars a request that meets every per-request objective"},
    {"energy_kwh", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "energy of all that was reserved, kWh"},
    {"carbon.kg", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, "kg CO2e, making the hardware included"},
    {"carbon.sci_g_per_request", false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST,
     "grams CO2e a completed request"},
    {"gpu.busy_fraction", false, false, UNIT_FRACTION, OBJECTIVE_AT_LEAST, "share of GPU time that is busy"},
    {NULL, false, false, UNIT_NUMBER, OBJECTIVE_AT_MOST, NULL},
};

const char *const objective_statistics[] = {"mean", "p50", "p90", "p95", "p99", "p999", "max", NULL};

static const struct objective_metric *find_metric(const char *name) {
    for (const struct objective_metric *m = objective_metrics; m->name != NULL; m++) {
        bool short_name = m->is_latency && strcmp(m->name + strlen("latency."), name) == 0;
        if (short_name || strcmp(m->name, name) == 0) {
            return m;
        }
    }
    return NULL;
}

static bool unknown_metric(struct field_reader *reader, const struct yaml_node *node, const char *name) {
    const char *all = "";
    const char *names[sizeof objective_metrics / sizeof objective_metrics[0]] = {NULL};
    for (size_t i = 0; objective_metrics[i].name != NULL; i++) {
        names[i] = objective_metrics[i].name;
        all = arena_printf(reader->arena, "%s%s%s", all, i > 0 ? ", " : "", names[i]);
    }
    field_error(reader, node, "metric", "unknown metric \"%.60s\"", name);
    const char *near = str_nearest(name, names);
    return near != NULL ? error_hint(reader->err, "did you mean %s? known: %s", near, all)
                        : error_hint(reader->err, "known: %s", all);
}

static bool check_statistic(struct field_reader *reader, const struct yaml_node *node,
                            const struct objective_metric *metric, struct objective_config *o) {
    if (!metric->is_latency) {
        return o->statistic == NULL ||
               field_error(reader, node, "statistic", "%s has no statistics; leave it out", metric->name);
    }
    if (o->statistic == NULL) {
        o->statistic = "p95";
    }
    const char *all = "";
    for (size_t i = 0; objective_statistics[i] != NULL; i++) {
        if (strcmp(objective_statistics[i], o->statistic) == 0) {
            return true;
        }
        all = arena_printf(reader->arena, "%s%s%s", all, i > 0 ? ", " : "", objective_statistics[i]);
    }
    return field_error(reader, node, "statistic", "expected one of %s, found \"%.60s\"", all, o->statistic);
}

/* One of limit, min and max; min and max say the sense too. */
static bool read_limit(struct field_reader *reader, const struct yaml_node *node,
                       const struct objective_metric *metric, struct objective_config *o) {
    static const char *const keys[] = {"limit", "min", "max"};
    const char *given = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct yaml_node *value = yaml_get(node, keys[i]);
        if (value == NULL || value->kind == YAML_NULL) {
            continue;
        }
        if (given != NULL) {
            return field_error(reader, node, keys[i], "expected one of limit, min and max, not both");
        }
        given = keys[i];
    }
    if (given == NULL) {
        return field_error(reader, node, NULL, "expected a limit: one of limit, min and max");
    }
    if (yaml_get(node, "sense") == NULL) {
        o->sense = metric->sense;
    }
    if (strcmp(given, "limit") != 0) {
        o->sense = given[1] == 'i' ? OBJECTIVE_AT_LEAST : OBJECTIVE_AT_MOST;
    }
    double most = metric->unit == UNIT_FRACTION ? 1 : INFINITY;
    return field_quantity(reader, node, given, metric->unit, 0, most, &o->limit);
}

bool scenario_finish_objective(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct objective_config *o = element;
    const struct objective_metric *metric = find_metric(o->metric);
    if (metric == NULL) {
        return unknown_metric(reader, node, o->metric);
    }
    o->metric = metric->name;
    if (yaml_get(node, "per_request") == NULL) {
        o->per_request = metric->per_request;
    } else if (o->per_request && !metric->is_latency) {
        return field_error(reader, node, "per_request", "expected a latency; %s is not one of a request",
                           metric->name);
    }
    return check_statistic(reader, node, metric, o) && read_limit(reader, node, metric, o);
}
