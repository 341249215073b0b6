/* What exporters of a cluster show: DCGM's of its GPUs, kube-state-metrics' of pods and nodes that are there
 * when the run ends; and the figures of the summary under names of our own. */
#include <math.h>
#include <string.h>

#include "analysis/export/openmetrics_private.h"
#include "record/headline.h"

/* ---- GPUs ---- */

static void write_gpus(const struct metrics_out *m) {
    metrics_family(m->out, "DCGM_FI_DEV_GPU_UTIL", "gauge", "",
                   "GPU utilization in percent, mean from Ready to the end of the pod.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        const struct fleet_pod *pod = &m->fleet.pods[i];
        double ready = pod->numbers[FLEET_READY];
        double there = fleet_pod_end(&m->fleet, pod) - ready;
        for (int gpu = 0; there > 0 && gpu < (int)pod->numbers[FLEET_GPUS]; gpu++) { /* NaN: never Ready */
            struct strbuf labels = {0};
            char number[16];
            snprintf(number, sizeof number, "%d", gpu);
            metrics_label(&labels, "gpu", number);
            metrics_label(&labels, "Hostname", pod->node);
            metrics_label(&labels, "namespace", m->pods[i].namespace);
            metrics_label(&labels, "pod", m->pods[i].name);
            metrics_sample(m->out, "DCGM_FI_DEV_GPU_UTIL", labels.text,
                           100 * pod->numbers[FLEET_BUSY] / there);
            strbuf_free(&labels);
        }
    }
}

/* ---- pods and nodes ---- */

static bool is_there(const struct fleet_pod *pod) {
    return isnan(pod->numbers[FLEET_GONE]);
}

static void pod_labels(const struct metrics_out *m, size_t i, struct strbuf *labels) {
    strbuf_clear(labels);
    metrics_label(labels, "namespace", m->pods[i].namespace);
    metrics_label(labels, "pod", m->pods[i].name);
}

static void write_pods(const struct metrics_out *m) {
    struct strbuf labels = {0};
    metrics_family(m->out, "kube_pod_info", "gauge", "", "Pods that are there.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        if (is_there(&m->fleet.pods[i])) {
            pod_labels(m, i, &labels);
            metrics_label(&labels, "node", m->fleet.pods[i].node);
            metrics_sample(m->out, "kube_pod_info", labels.text, 1);
        }
    }
    metrics_family(m->out, "kube_pod_created", "gauge", "", "When it was created, in seconds of the run.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        if (is_there(&m->fleet.pods[i])) {
            pod_labels(m, i, &labels);
            metrics_sample(m->out, "kube_pod_created", labels.text, m->fleet.pods[i].numbers[FLEET_CREATED]);
        }
    }
    metrics_family(m->out, "kube_pod_status_phase", "gauge", "", "1 for the phase it is in.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        static const char *const phases[] = {"Pending", "Running"};
        bool runs = !isnan(m->fleet.pods[i].numbers[FLEET_STARTED]);
        for (int k = 0; is_there(&m->fleet.pods[i]) && k < 2; k++) {
            pod_labels(m, i, &labels);
            metrics_label(&labels, "phase", phases[k]);
            metrics_sample(m->out, "kube_pod_status_phase", labels.text, runs == (k == 1));
        }
    }
    metrics_family(m->out, "kube_pod_status_ready", "gauge", "", "1 for what is the case.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        const double *x = m->fleet.pods[i].numbers;
        bool ready = !isnan(x[FLEET_READY]) && isnan(x[FLEET_TERMINATING]);
        for (int k = 0; is_there(&m->fleet.pods[i]) && k < 2; k++) {
            pod_labels(m, i, &labels);
            metrics_label(&labels, "condition", k ? "true" : "false");
            metrics_sample(m->out, "kube_pod_status_ready", labels.text, ready == (k == 1));
        }
    }
    strbuf_free(&labels);
}

static bool write_nodes(const struct metrics_out *m, struct error *err) {
    static const char *const columns[] = {"name", "requested_s", "deleted_s", NULL};
    struct result_scan *scan = result_scan(m->result, "nodes", columns, err);
    struct strbuf labels = {0};
    size_t n;
    metrics_family(m->out, "kube_node_created", "gauge", "", "When it was asked for, in seconds of the run.");
    while (scan && !error_is_set(err) && (n = result_scan_next(scan, err)) > 0) {
        for (size_t i = 0; i < n; i++) {
            const char *name;
            double requested, deleted;
            if (!result_cell_text(scan, 0, i, &name, err) || !result_number(scan, 1, i, &requested, err) ||
                !result_number(scan, 2, i, &deleted, err)) {
                break;
            }
            if (isnan(deleted)) {
                strbuf_clear(&labels);
                metrics_label(&labels, "node", name ? name : "");
                metrics_sample(m->out, "kube_node_created", labels.text, requested);
            }
        }
    }
    strbuf_free(&labels);
    result_scan_end(scan);
    return !error_is_set(err);
}

bool metrics_of_cluster(struct metrics_out *m, struct error *err) {
    write_gpus(m);
    write_pods(m);
    return write_nodes(m, err);
}

/* ---- the summary ---- */

/* A figure: `factor` makes a base unit of it. */
static const struct {
    const char *path, *name, *type, *unit, *help;
    double factor;
} figures[] = {
    {"simulated_s", "drydock_simulated_seconds", "gauge", "seconds", "Length of the run.", 1},
    {"goodput_per_s", "drydock_goodput_per_second", "gauge", "",
     "Requests that met every objective, per second.", 1},
    {"slo.attainment", "drydock_slo_attainment_ratio", "gauge", "ratio",
     "Share of requests that met every objective.", 1},
    {"replicas.replica_s", "drydock_replica_seconds", "counter", "seconds", "Time that replicas were Ready.",
     1},
    {"gpu.hours", "drydock_gpu_seconds", "counter", "seconds", "Time that GPUs were held.", 3600},
    {"gpu.busy_fraction", "drydock_gpu_busy_ratio", "gauge", "ratio", "Share of it in which they worked.", 1},
    {"cost.total_usd", "drydock_cost_usd", "counter", "usd", "Cost of the window.", 1},
    {"energy_kwh", "drydock_energy_joules", "counter", "joules", "Energy of what was reserved, PUE included.",
     3.6e6},
    {"carbon.kg", "drydock_carbon_grams", "counter", "grams", "CO2e.", 1000},
};

static const struct {
    const char *key, *name, *help;
} latencies[] = {
    {"ttft_s", "drydock_ttft_seconds", "Time to first token where the user is."},
    {"tpot_s", "drydock_tpot_seconds", "Time per output token."},
    {"itl_s", "drydock_itl_seconds", "Time between two tokens."},
    {"e2e_s", "drydock_e2e_seconds", "Latency where the user is."},
    {"queue_s", "drydock_queue_seconds", "From the gateway to the first batch."},
};

/* Calls for the services of the summary, by name. */
typedef void scope_writer(const struct metrics_out *m, size_t row, const char *labels,
                          struct json_object *scope);

static void for_services(const struct metrics_out *m, size_t row, scope_writer *write) {
    struct json_object *services = NULL;
    if (!json_object_object_get_ex(m->summary, "services", &services)) {
        return;
    }
    json_object_object_foreach(services, name, scope) {
        struct strbuf labels = {0};
        metrics_label(&labels, "service", name);
        write(m, row, labels.text, scope);
        strbuf_free(&labels);
    }
}

static void write_figure(const struct metrics_out *m, size_t row, const char *labels,
                         struct json_object *scope) {
    char name[96];
    bool counter = strcmp(figures[row].type, "counter") == 0;
    snprintf(name, sizeof name, "%s%s", figures[row].name, counter ? "_total" : "");
    metrics_sample(m->out, name, labels, figures[row].factor * summary_figure(scope, figures[row].path));
}

static void write_latency(const struct metrics_out *m, size_t row, const char *labels,
                          struct json_object *scope) {
    static const char *const quantiles[][2] = {{"p50", "0.5"},  {"p90", "0.9"},    {"p95", "0.95"},
                                               {"p99", "0.99"}, {"p999", "0.999"}, {"max", "1.0"}};
    const char *name = latencies[row].name;
    char path[64], sample[96];
    snprintf(path, sizeof path, "latency.%s.n", latencies[row].key);
    double n = summary_figure(scope, path);
    for (size_t i = 0; n > 0 && i < sizeof quantiles / sizeof *quantiles; i++) {
        struct strbuf with = {0};
        strbuf_append(&with, labels);
        metrics_label(&with, "quantile", quantiles[i][1]);
        snprintf(path, sizeof path, "latency.%s.%s", latencies[row].key, quantiles[i][0]);
        metrics_sample(m->out, name, with.text, summary_figure(scope, path));
        strbuf_free(&with);
    }
    if (n > 0) {
        snprintf(sample, sizeof sample, "%s_count", name);
        metrics_sample(m->out, sample, labels, n);
        snprintf(path, sizeof path, "latency.%s.mean", latencies[row].key);
        snprintf(sample, sizeof sample, "%s_sum", name);
        metrics_sample(m->out, sample, labels, n * summary_figure(scope, path));
    }
}

static void write_requests(const struct metrics_out *m, size_t row, const char *labels,
                           struct json_object *scope) {
    (void)row;
    static const char *const statuses[] = {"completed", "rejected", "timed_out", "failed", "unfinished"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct strbuf with = {0};
        char path[64];
        strbuf_append(&with, labels);
        metrics_label(&with, "status", statuses[i]);
        snprintf(path, sizeof path, "requests.%s", statuses[i]);
        metrics_sample(m->out, "drydock_requests_total", with.text, summary_figure(scope, path));
        strbuf_free(&with);
    }
}

/* Services, or the whole where a service has no such figure: a sum over a label must not count twice. */
void metrics_of_summary(struct metrics_out *m) {
    metrics_family(m->out, "drydock_requests", "counter", "", "Requests by what became of them.");
    for_services(m, 0, write_requests);
    for (size_t i = 0; i < sizeof latencies / sizeof *latencies; i++) {
        metrics_family(m->out, latencies[i].name, "summary", "seconds", latencies[i].help);
        for_services(m, i, write_latency);
    }
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        bool whole =
            strcmp(figures[i].path, "simulated_s") == 0 || strncmp(figures[i].path, "cost.", 5) == 0 ||
            strcmp(figures[i].path, "energy_kwh") == 0 || strncmp(figures[i].path, "carbon.", 7) == 0;
        metrics_family(m->out, figures[i].name, figures[i].type, figures[i].unit, figures[i].help);
        if (whole) {
            write_figure(m, i, "", m->summary);
        } else {
            for_services(m, i, write_figure);
        }
    }
}
