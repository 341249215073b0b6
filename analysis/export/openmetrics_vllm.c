/* vLLM's metrics (V1 engine, names and edges of vllm/v1/metrics/loggers.py, v0.10 to v0.11), a series a model
 * server, as if all were scraped when the run ended and none had ever been restarted.
 *
 * Most come from /requests and are exact: a server's times are those of the row less the way to the gateway
 * and the way back. Two happen too often for a row and were counted during the run: the times between tokens
 * (of requests after the warm-up, as latency.itl_s) and the tokens of steps (/histograms, /replicas). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/export/openmetrics_private.h"

enum {
    HISTOGRAM_TTFT,
    HISTOGRAM_TPOT,
    HISTOGRAM_E2E,
    HISTOGRAM_QUEUE,
    HISTOGRAM_INFERENCE,
    HISTOGRAM_PREFILL,
    HISTOGRAM_DECODE,
    HISTOGRAM_PROMPT,
    HISTOGRAM_GENERATION,
    HISTOGRAM_GAPS,
    HISTOGRAM_STEPS,
    HISTOGRAMS
};

/* Edges NULL: of tokens, by the longest length of the model. */
static const struct {
    const char *name, *unit, *help;
    const struct bucket_edges *edges;
    int64_t per_unit;
} families[HISTOGRAMS] = {
    [HISTOGRAM_TTFT] = {"vllm:time_to_first_token_seconds", "seconds",
                        "Time to first token at the server, from the gateway on.", &vllm_first_token_edges,
                        SIMTIME_SECOND},
    [HISTOGRAM_TPOT] = {"vllm:request_time_per_output_token_seconds", "seconds",
                        "Mean time per output token of a request.", &vllm_token_gap_edges, SIMTIME_SECOND},
    [HISTOGRAM_E2E] = {"vllm:e2e_request_latency_seconds", "seconds",
                       "Latency of completed requests at the server, from the gateway on.",
                       &vllm_request_edges, SIMTIME_SECOND},
    [HISTOGRAM_QUEUE] = {"vllm:request_queue_time_seconds", "seconds",
                         "Time in the WAITING phase, from the gateway on.", &vllm_request_edges,
                         SIMTIME_SECOND},
    [HISTOGRAM_INFERENCE] = {"vllm:request_inference_time_seconds", "seconds", "Time in the RUNNING phase.",
                             &vllm_request_edges, SIMTIME_SECOND},
    [HISTOGRAM_PREFILL] = {"vllm:request_prefill_time_seconds", "seconds", "Time in the PREFILL phase.",
                           &vllm_request_edges, SIMTIME_SECOND},
    [HISTOGRAM_DECODE] = {"vllm:request_decode_time_seconds", "seconds", "Time in the DECODE phase.",
                          &vllm_request_edges, SIMTIME_SECOND},
    [HISTOGRAM_PROMPT] = {"vllm:request_prompt_tokens", "", "Prompt tokens of completed requests.", NULL, 1},
    [HISTOGRAM_GENERATION] = {"vllm:request_generation_tokens", "", "Generated tokens of completed requests.",
                              NULL, 1},
    [HISTOGRAM_GAPS] = {"vllm:inter_token_latency_seconds", "seconds",
                        "Time between two tokens, of requests after the warm-up.", &vllm_token_gap_edges,
                        SIMTIME_SECOND},
    [HISTOGRAM_STEPS] = {"vllm:iteration_tokens_total", "", "Tokens of an engine step, chunks as computed.",
                         &vllm_step_token_edges, 1},
};

struct server {
    int64_t token_edges[BUCKETS_MAX];
    struct bucket_edges tokens;
    struct metrics_histogram histograms[HISTOGRAMS];
    uint64_t prompt_tokens;
    uint64_t stopped, aborted;
};

static const struct bucket_edges *edges_of(const struct server *s, int histogram) {
    return families[histogram].edges ? families[histogram].edges : &s->tokens;
}

/* ---- from /requests ---- */

enum { REPLICA, TO_GATEWAY, QUEUE, TTFT, E2E, TO_USER, TPOT, INPUT, OUTPUT, NUMBERS, STATUS = NUMBERS };

static const char *const columns[] = {"replica",       "to_gateway_s", "queue_s", "ttft_s",
                                      "e2e_s",         "to_user_s",    "tpot_s",  "input_tokens",
                                      "output_tokens", "status",       NULL};

/* The picoseconds that the column was made of. */
static int64_t ps_of(double s) {
    return llround(s * 1e12);
}

static void observe(struct server *s, int histogram, int64_t value) {
    struct metrics_histogram *h = &s->histograms[histogram];
    h->counts[bucket_of(edges_of(s, histogram), value)]++;
    h->sum += value;
}

static void observe_request(struct server *s, const double *x, const char *status) {
    bool completed = status && strcmp(status, "completed") == 0;
    int64_t outside = 0;
    int64_t queue = isnan(x[QUEUE]) ? 0 : ps_of(x[QUEUE]);
    int64_t first = 0;
    if (!isnan(x[TTFT])) {
        outside = ps_of(x[TO_GATEWAY]) + ps_of(x[TO_USER]);
        first = ps_of(x[TTFT]) - outside;
        s->prompt_tokens += (uint64_t)x[INPUT];
        observe(s, HISTOGRAM_TTFT, first);
    }
    if (!completed) {
        s->aborted += isnan(x[QUEUE]) ? 0 : 1; /* it had begun, and was taken away */
        return;
    }
    int64_t all = ps_of(x[E2E]) - outside;
    s->stopped++;
    observe(s, HISTOGRAM_E2E, all);
    observe(s, HISTOGRAM_QUEUE, queue);
    observe(s, HISTOGRAM_INFERENCE, all - queue);
    observe(s, HISTOGRAM_PREFILL, first - queue);
    observe(s, HISTOGRAM_DECODE, all - first);
    observe(s, HISTOGRAM_PROMPT, (int64_t)x[INPUT]);
    observe(s, HISTOGRAM_GENERATION, (int64_t)x[OUTPUT]);
    if (!isnan(x[TPOT])) {
        observe(s, HISTOGRAM_TPOT, ps_of(x[TPOT]));
    }
}

static bool read_request(struct result_scan *scan, size_t row, struct server *servers, size_t count,
                         struct error *err) {
    double x[NUMBERS];
    const char *status;
    for (size_t k = 0; k < NUMBERS; k++) {
        if (!result_number(scan, k, row, &x[k], err)) {
            return false;
        }
    }
    if (!result_cell_text(scan, STATUS, row, &status, err)) {
        return false;
    }
    if (x[REPLICA] >= 0 && x[REPLICA] < (double)count && servers) {
        observe_request(&servers[(size_t)x[REPLICA]], x, status);
    }
    return true;
}

static bool read_requests(const struct metrics_out *m, struct server *servers, struct error *err) {
    struct result_scan *scan = result_scan(m->result, "requests", columns, err);
    size_t n;
    while (scan && !error_is_set(err) && (n = result_scan_next(scan, err)) > 0) {
        for (size_t i = 0; i < n && read_request(scan, i, servers, m->fleet.pod_count, err); i++) {
        }
    }
    result_scan_end(scan);
    return !error_is_set(err);
}

/* ---- what was counted during the run ---- */

static bool read_bucket(struct result_scan *scan, size_t row, struct server *servers, size_t count,
                        struct error *err) {
    double replica, le, n;
    const char *metric;
    if (!result_number(scan, 0, row, &replica, err) || !result_cell_text(scan, 1, row, &metric, err) ||
        !result_number(scan, 2, row, &le, err) || !result_number(scan, 3, row, &n, err)) {
        return false;
    }
    for (int h = HISTOGRAM_GAPS; h <= HISTOGRAM_STEPS; h++) {
        if (replica < (double)count && metric && strcmp(metric, families[h].name) == 0) {
            struct server *s = &servers[(size_t)replica];
            double edge = le * (double)families[h].per_unit;
            int64_t value = edge < 9e18 ? llround(edge) : INT64_MAX;
            s->histograms[h].counts[bucket_of(edges_of(s, h), value)] += (uint64_t)n;
        }
    }
    return true;
}

static bool read_buckets(const struct metrics_out *m, struct server *servers, struct error *err) {
    static const char *const names[] = {"replica", "metric", "le", "count", NULL};
    if (!result_has_table(m->result, "histograms")) {
        return true;
    }
    struct result_scan *scan = result_scan(m->result, "histograms", names, err);
    size_t n;
    while (scan && !error_is_set(err) && (n = result_scan_next(scan, err)) > 0) {
        for (size_t i = 0; i < n && read_bucket(scan, i, servers, m->fleet.pod_count, err); i++) {
        }
    }
    result_scan_end(scan);
    return !error_is_set(err);
}

/* ---- writing ---- */

static bool is_server(const struct metrics_out *m, size_t i) {
    return m->fleet.pods[i].model[0] && !isnan(m->fleet.pods[i].numbers[FLEET_READY]);
}

static const struct {
    const char *name, *sample, *type, *help;
    enum fleet_number number;
} from_replicas[] = {
    {"vllm:num_requests_running", "vllm:num_requests_running", "gauge", "Requests in the batch.",
     FLEET_RUNNING},
    {"vllm:num_requests_waiting", "vllm:num_requests_waiting", "gauge", "Requests that wait.", FLEET_WAITING},
    {"vllm:kv_cache_usage_perc", "vllm:kv_cache_usage_perc", "gauge", "KV cache in use, 1 = all.",
     FLEET_KV_END},
    {"vllm:prefix_cache_queries", "vllm:prefix_cache_queries_total", "counter",
     "Prompt tokens that the prefix cache was asked for.", FLEET_PREFIX_QUERIES},
    {"vllm:prefix_cache_hits", "vllm:prefix_cache_hits_total", "counter",
     "Prompt tokens that the prefix cache had.", FLEET_PREFIX_HITS},
    {"vllm:num_preemptions", "vllm:num_preemptions_total", "counter", "Preemptions.", FLEET_PREEMPTIONS},
    {"vllm:generation_tokens", "vllm:generation_tokens_total", "counter", "Tokens generated.",
     FLEET_GENERATED_TOKENS},
};

static void write_replicas(const struct metrics_out *m) {
    for (size_t k = 0; k < sizeof from_replicas / sizeof *from_replicas; k++) {
        metrics_family(m->out, from_replicas[k].name, from_replicas[k].type, "", from_replicas[k].help);
        for (size_t i = 0; i < m->fleet.pod_count; i++) {
            if (is_server(m, i)) {
                metrics_sample(m->out, from_replicas[k].sample, m->pods[i].server,
                               m->fleet.pods[i].numbers[from_replicas[k].number]);
            }
        }
    }
}

/* vllm/v1/metrics/loggers.py (what a connector had of what the prefix cache had not) and the offloading
 * connector's own metrics.py. */
static void write_external(const struct metrics_out *m) {
    metrics_family(m->out, "vllm:external_prefix_cache_queries", "counter", "",
                   "Prompt tokens that KV blocks beyond the GPU were asked for.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        if (is_server(m, i)) {
            metrics_sample(m->out, "vllm:external_prefix_cache_queries_total", m->pods[i].server,
                           m->fleet.pods[i].numbers[FLEET_EXTERNAL_QUERIES]);
        }
    }
    metrics_family(m->out, "vllm:external_prefix_cache_hits", "counter", "",
                   "Prompt tokens that host memory or a store had.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        const double *n = m->fleet.pods[i].numbers;
        if (is_server(m, i)) {
            metrics_sample(m->out, "vllm:external_prefix_cache_hits_total", m->pods[i].server,
                           n[FLEET_HOST_HITS] + n[FLEET_STORE_HITS]);
        }
    }
    metrics_family(m->out, "vllm:kv_offload_total_bytes", "counter", "",
                   "KV blocks moved between GPUs and host, in bytes.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        bool moves =
            m->fleet.pods[i].numbers[FLEET_KV_LOAD_BYTES] + m->fleet.pods[i].numbers[FLEET_KV_STORE_BYTES] >
            0;
        for (int in = 0; is_server(m, i) && moves && in < 2; in++) {
            struct strbuf labels = {0};
            strbuf_append(&labels, m->pods[i].server);
            metrics_label(&labels, "transfer_type", in ? "CPU_to_GPU" : "GPU_to_CPU");
            metrics_sample(m->out, "vllm:kv_offload_total_bytes_total", labels.text,
                           m->fleet.pods[i].numbers[in ? FLEET_KV_LOAD_BYTES : FLEET_KV_STORE_BYTES]);
            strbuf_free(&labels);
        }
    }
}

static void write_counters(const struct metrics_out *m, const struct server *servers) {
    metrics_family(m->out, "vllm:prompt_tokens", "counter", "",
                   "Prompt tokens of requests with a first token.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        if (is_server(m, i)) {
            metrics_sample(m->out, "vllm:prompt_tokens_total", m->pods[i].server,
                           (double)servers[i].prompt_tokens);
        }
    }
    metrics_family(m->out, "vllm:request_success", "counter", "",
                   "Requests by how they ended: stop = completed, abort = taken from the batch.");
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        for (int aborted = 0; is_server(m, i) && aborted < 2; aborted++) {
            struct strbuf labels = {0};
            strbuf_append(&labels, m->pods[i].server);
            metrics_label(&labels, "finished_reason", aborted ? "abort" : "stop");
            metrics_sample(m->out, "vllm:request_success_total", labels.text,
                           (double)(aborted ? servers[i].aborted : servers[i].stopped));
            strbuf_free(&labels);
        }
    }
}

static void write_histogram(const struct metrics_out *m, const struct server *servers, int h,
                            const char *name) {
    metrics_family(m->out, name, "histogram", families[h].unit, families[h].help);
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        if (is_server(m, i)) {
            metrics_histogram(m->out, name, m->pods[i].server, edges_of(&servers[i], h), families[h].per_unit,
                              &servers[i].histograms[h]);
        }
    }
}

bool metrics_of_servers(struct metrics_out *m, struct error *err) {
    struct server *servers = mem_zalloc(m->fleet.pod_count + 1, sizeof *servers);
    for (size_t i = 0; i < m->fleet.pod_count; i++) {
        const double *x = m->fleet.pods[i].numbers;
        servers[i].tokens = vllm_request_token_edges((int64_t)x[FLEET_MAX_MODEL_LEN], servers[i].token_edges);
        servers[i].histograms[HISTOGRAM_GAPS].sum = (simtime_total)llround(x[FLEET_GAP_S] * 1e6) * 1000000;
        servers[i].histograms[HISTOGRAM_STEPS].sum = (simtime_total)x[FLEET_STEP_TOKENS];
    }
    bool ok = read_requests(m, servers, err) && read_buckets(m, servers, err);
    if (ok) {
        write_replicas(m);
        write_external(m);
        write_counters(m, servers);
        for (int h = 0; h < HISTOGRAMS; h++) {
            write_histogram(m, servers, h, families[h].name);
        }
        write_histogram(m, servers, HISTOGRAM_GAPS,
                        "vllm:time_per_output_token_seconds"); /* its older name */
    }
    free(servers);
    return ok;
}
