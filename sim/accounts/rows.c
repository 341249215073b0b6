/* The tables of result.h5 that a run fills. A row's struct and its columns stand side by side. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "accounts/accounts.h"

struct request_row {
    uint64_t id;
    simtime arrival_ps, to_gateway_ps, queue_ps, ttft_ps, e2e_ps, to_user_ps;
    double tpot_s;
    simtime compute_ps;
    double cost_usd;
    uint32_t service, tenant, region;
    uint32_t input_tokens, output_tokens, cached_tokens;
    int32_t replica;
    uint32_t preemptions;
    uint8_t status, counted, good, attempts, cancelled;
    int32_t prefill_replica; /* from here on: of runs with a disaggregated service */
    simtime prefill_ps, kv_wait_ps, kv_transfer_ps;
    uint64_t kv_bytes;
};

#define COLUMN(name, type, member, units, long_name)                                                         \
    { name, type, offsetof(struct request_row, member), units, long_name, NULL, NULL }

static const struct column request_columns[] = {
    COLUMN("id", COLUMN_U64, id, "1", "trace index << 58 | row of the trace"),
    COLUMN("arrival_s", COLUMN_SECONDS_PS, arrival_ps, "s", "sent by the user"),
    {"service", COLUMN_NAME, offsetof(struct request_row, service), "1", "service", NULL, "name"},
    {"tenant", COLUMN_NAME, offsetof(struct request_row, tenant), "1", "tenant", NULL, "name"},
    {"region", COLUMN_NAME, offsetof(struct request_row, region), "1", "region of the user", NULL, "name"},
    COLUMN("input_tokens", COLUMN_U32, input_tokens, "token", "prompt tokens"),
    COLUMN("output_tokens", COLUMN_U32, output_tokens, "token", "tokens generated"),
    COLUMN("cached_tokens", COLUMN_U32, cached_tokens, "token", "of the prompt, found in the prefix cache"),
    COLUMN("replica", COLUMN_I32, replica, "1", "row of /replicas; -1 = never reached one"),
    COLUMN("to_gateway_s", COLUMN_SECONDS_PS, to_gateway_ps, "s", "from send to the gateway"),
    COLUMN("queue_s", COLUMN_SECONDS_PS, queue_ps, "s", "from the gateway to the first batch"),
    COLUMN("ttft_s", COLUMN_SECONDS_PS, ttft_ps, "s", "from send to first token at the user"),
    COLUMN("tpot_s", COLUMN_F64, tpot_s, "s", "(E2E - TTFT) / (output tokens - 1)"),
    COLUMN("e2e_s", COLUMN_SECONDS_PS, e2e_ps, "s", "from send to last token at the user"),
    COLUMN("to_user_s", COLUMN_SECONDS_PS, to_user_ps, "s", "in TTFT and E2E: from the replica to the user"),
    {"status", COLUMN_ENUM8, offsetof(struct request_row, status), "1", "what became of it",
     request_status_names, NULL},
    COLUMN("compute_s", COLUMN_SECONDS_PS, compute_ps, "s", "its share of its replicas' busy time"),
    COLUMN("cost_usd", COLUMN_F64, cost_usd, "USD", "what that share costs; NaN without prices"),
    COLUMN("preemptions", COLUMN_U32, preemptions, "1", "times its KV cache was taken away"),
    COLUMN("counted", COLUMN_U8, counted, "1", "arrived after the warm-up"),
    COLUMN("good", COLUMN_U8, good, "1", "completed and met every per-request objective"),
    COLUMN("attempts", COLUMN_U8, attempts, "1",
           "times it was sent; queue_s, replica and tokens are of the last"),
    COLUMN("cancelled", COLUMN_U8, cancelled, "1", "stopped by its user after the first token"),
    COLUMN("prefill_replica", COLUMN_I32, prefill_replica, "1",
           "row of /replicas that prefilled it for `replica` to decode; -1 = none"),
    COLUMN("prefill_s", COLUMN_SECONDS_PS, prefill_ps, "s",
           "there, from the first batch to the prompt's end"),
    COLUMN("kv_wait_s", COLUMN_SECONDS_PS, kv_wait_ps, "s", "from there to its KV's leaving"),
    COLUMN("kv_transfer_s", COLUMN_SECONDS_PS, kv_transfer_ps, "s", "its KV's way"),
    COLUMN("kv_bytes", COLUMN_U64, kv_bytes, "B", "of KV that came"),
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

struct event_row {
    simtime time_ps;
    const char *object, *reason, *message;
};

static const struct column event_columns[] = {
    {"time_s", COLUMN_SECONDS_PS, offsetof(struct event_row, time_ps), "s", "when", NULL, NULL},
    {"object", COLUMN_TEXT, offsetof(struct event_row, object), "1", "pod or node", NULL, NULL},
    {"reason", COLUMN_TEXT, offsetof(struct event_row, reason), "1", "as Kubernetes events have it", NULL,
     NULL},
    {"message", COLUMN_TEXT, offsetof(struct event_row, message), "1", "details", NULL, NULL},
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

struct decision_row {
    simtime time_ps;
    uint32_t object, workload, metric, reason, cause; /* of few values each: a dictionary has the texts */
    const char *formula;
    int64_t current, proposed, stabilized, replicas;
    double value, target; /* NaN: no metric was looked at */
    uint32_t ready, unready, missing;
};

#define DECISION(name, type, member, long_name)                                                              \
    { name, type, offsetof(struct decision_row, member), "1", long_name, NULL, NULL }

static const struct column decision_columns[] = {
    {"time_s", COLUMN_SECONDS_PS, offsetof(struct decision_row, time_ps), "s", "when", NULL, NULL},
    {"object", COLUMN_NAME, offsetof(struct decision_row, object), "1", "who decided: namespace/kind/name",
     NULL, "name"},
    {"workload", COLUMN_NAME, offsetof(struct decision_row, workload), "1", "what it scales", NULL, "name"},
    {"metric", COLUMN_NAME, offsetof(struct decision_row, metric), "1", "the metric that asked for most",
     NULL, "name"},
    DECISION("value", COLUMN_F64, value,
             "of the metric, as seen: of a pod or the object; % of requests for a utilization"),
    DECISION("target", COLUMN_F64, target, "what it should be, in the same unit"),
    DECISION("ready", COLUMN_U32, ready, "pods whose value counted"),
    DECISION("unready", COLUMN_U32, unready, "pods set aside as not ready"),
    DECISION("missing", COLUMN_U32, missing, "pods without a value"),
    DECISION("current", COLUMN_I64, current, "replicas asked for before"),
    DECISION("proposed", COLUMN_I64, proposed, "by the metrics"),
    DECISION("stabilized", COLUMN_I64, stabilized, "after the stabilisation windows"),
    DECISION("replicas", COLUMN_I64, replicas, "asked for from now on"),
    {"reason", COLUMN_NAME, offsetof(struct decision_row, reason), "1",
     "of the condition that decided, as kubectl shows it", NULL, "name"},
    DECISION("formula", COLUMN_TEXT, formula, "inputs and arithmetic"),
    {"cause", COLUMN_NAME, offsetof(struct decision_row, cause), "1",
     "in the words of the controller's event", NULL, "name"},
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

struct replica_row {
    const char *name, *workload, *service, *node, *model;
    simtime created_ps, bound_ps, pulled_ps, started_ps, loaded_ps, ready_ps, terminating_ps, gone_ps;
    int64_t gpus;
    uint64_t completed, steps, preemptions, prompt_tokens, generated_tokens;
    uint64_t prefix_queries, prefix_hits;
    uint64_t external_queries, host_hits, store_hits, kv_load_bytes, kv_store_bytes;
    uint64_t swap_out_bytes, swap_in_bytes;
    uint64_t step_tokens, gaps, kv_out_bytes, kv_in_bytes;
    int64_t max_model_len;
    double busy_s, kv_peak, kv_end, gap_s;
    uint32_t servers, waiting, running, restarts;
    double down_s;
};

#define REPLICA(name, type, member, units, long_name)                                                        \
    { name, type, offsetof(struct replica_row, member), units, long_name, NULL, NULL }

static const struct column replica_columns[] = {
    REPLICA("name", COLUMN_TEXT, name, "1", "pod: namespace/kind/name/ordinal"),
    REPLICA("workload", COLUMN_TEXT, workload, "1", "namespace/kind/name"),
    REPLICA("service", COLUMN_TEXT, service, "1", "service it serves"),
    REPLICA("node", COLUMN_TEXT, node, "1", "node, empty when none"),
    REPLICA("gpus", COLUMN_I64, gpus, "1", "GPUs it holds"),
    REPLICA("created_s", COLUMN_SECONDS_PS, created_ps, "s", "asked for"),
    REPLICA("bound_s", COLUMN_SECONDS_PS, bound_ps, "s", "assigned to its node"),
    REPLICA("pulled_s", COLUMN_SECONDS_PS, pulled_ps, "s", "images on the node"),
    REPLICA("started_s", COLUMN_SECONDS_PS, started_ps, "s", "container started"),
    REPLICA("loaded_s", COLUMN_SECONDS_PS, loaded_ps, "s", "weights in host memory"),
    REPLICA("ready_s", COLUMN_SECONDS_PS, ready_ps, "s", "Ready"),
    REPLICA("terminating_s", COLUMN_SECONDS_PS, terminating_ps, "s", "told to stop"),
    REPLICA("gone_s", COLUMN_SECONDS_PS, gone_ps, "s", "removed"),
    REPLICA("busy_s", COLUMN_F64, busy_s, "s", "working, summed over its servers"),
    REPLICA("servers", COLUMN_U32, servers, "1", "that work side by side in it"),
    REPLICA("completed", COLUMN_U64, completed, "1", "requests completed"),
    REPLICA("steps", COLUMN_U64, steps, "1", "engine steps, or requests of a plain server"),
    REPLICA("preemptions", COLUMN_U64, preemptions, "1", "requests preempted"),
    REPLICA("prompt_tokens", COLUMN_U64, prompt_tokens, "token", "computed, recomputed ones too"),
    REPLICA("prefix_queries", COLUMN_U64, prefix_queries, "token",
            "of prompts that the prefix cache was asked for"),
    REPLICA("prefix_hits", COLUMN_U64, prefix_hits, "token", "and had"),
    REPLICA("external_queries", COLUMN_U64, external_queries, "token",
            "of those it had not, that the host's memory and a store were asked for"),
    REPLICA("host_hits", COLUMN_U64, host_hits, "token", "and the host's memory had"),
    REPLICA("store_hits", COLUMN_U64, store_hits, "token", "and a store had"),
    REPLICA("kv_load_bytes", COLUMN_U64, kv_load_bytes, "byte", "of KV blocks, from the host to the GPUs"),
    REPLICA("kv_store_bytes", COLUMN_U64, kv_store_bytes, "byte", "of KV blocks, from the GPUs to the host"),
    REPLICA("swap_out_bytes", COLUMN_U64, swap_out_bytes, "byte", "of preempted requests, to the host"),
    REPLICA("swap_in_bytes", COLUMN_U64, swap_in_bytes, "byte", "of preempted requests, back"),
    REPLICA("generated_tokens", COLUMN_U64, generated_tokens, "token", "generated"),
    REPLICA("kv_peak", COLUMN_F64, kv_peak, "1", "largest share of KV blocks in use"),
    REPLICA("kv_end", COLUMN_F64, kv_end, "1", "share of KV blocks in use when the run ended"),
    REPLICA("waiting", COLUMN_U32, waiting, "1", "requests in its queue when the run ended"),
    REPLICA("running", COLUMN_U32, running, "1", "requests in its batch when the run ended"),
    REPLICA("model", COLUMN_TEXT, model, "1", "model it serves, empty when none"),
    REPLICA("max_model_len", COLUMN_I64, max_model_len, "token", "longest sequence, 0 without a model"),
    REPLICA("step_tokens", COLUMN_U64, step_tokens, "token", "of all steps in sum"),
    REPLICA("gaps", COLUMN_U64, gaps, "1", "between two tokens of requests that count"),
    REPLICA("gap_s", COLUMN_F64, gap_s, "s", "of these gaps in sum"),
    REPLICA("restarts", COLUMN_U32, restarts, "1", "times its container was started again"),
    REPLICA("down_s", COLUMN_F64, down_s, "s", "not Ready after it had been, and not told to stop"),
    REPLICA("kv_out_bytes", COLUMN_U64, kv_out_bytes, "B", "KV of prompts that another one fetched from it"),
    REPLICA("kv_in_bytes", COLUMN_U64, kv_in_bytes, "B", "and that it fetched"),
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

struct node_row {
    const char *name, *pool, *region, *zone, *instance_type, *purchase, *gpu;
    int64_t gpus;
    simtime requested_ps, ready_ps, deleted_ps;
};

#define NODE(name, type, member, units, long_name)                                                           \
    { name, type, offsetof(struct node_row, member), units, long_name, NULL, NULL }

static const struct column node_columns[] = {
    NODE("name", COLUMN_TEXT, name, "1", "pool-place; the second node of a place pool-place-r2, and so on"),
    NODE("pool", COLUMN_TEXT, pool, "1", "pool"),
    NODE("region", COLUMN_TEXT, region, "1", "region"),
    NODE("zone", COLUMN_TEXT, zone, "1", "zone"),
    NODE("instance_type", COLUMN_TEXT, instance_type, "1", "what the cloud calls it"),
    NODE("purchase", COLUMN_TEXT, purchase, "1", "on-demand, spot or reserved; empty = not known"),
    NODE("gpu", COLUMN_TEXT, gpu, "1", "GPU kind"),
    NODE("gpus", COLUMN_I64, gpus, "1", "GPUs"),
    NODE("requested_s", COLUMN_SECONDS_PS, requested_ps, "s", "provisioning started"),
    NODE("ready_s", COLUMN_SECONDS_PS, ready_ps, "s", "Ready"),
    NODE("deleted_s", COLUMN_SECONDS_PS, deleted_ps, "s", "deleted"),
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

/* Those of the disaggregated are the last ones. */
static const struct column *columns_of_requests(const struct world *w) {
    enum { ALL = sizeof request_columns / sizeof *request_columns, OF_HANDOVERS = 5 };
    if (world_is_disaggregated(w)) {
        return request_columns;
    }
    struct column *some = arena_array(w->arena, ALL - OF_HANDOVERS, sizeof *some);
    memcpy(some, request_columns, (ALL - OF_HANDOVERS) * sizeof *some);
    some[ALL - OF_HANDOVERS - 1] = request_columns[ALL - 1];
    return some;
}

bool rows_open(struct world *w, const char *directory, bool compress, bool own_thread, struct error *err) {
    struct record_options options = {.directory = directory, .compress = compress, .own_thread = own_thread};
    w->recorder = recorder_open(&options, err);
    if (!w->recorder) {
        return false;
    }
    w->requests_table =
        recorder_table(w->recorder, "/requests", columns_of_requests(w), sizeof(struct request_row), err);
    w->decisions_table =
        w->requests_table && w->scaler_count > 0
            ? recorder_table(w->recorder, "/decisions", decision_columns, sizeof(struct decision_row), err)
            : NULL;
    if (w->scaler_count > 0 && !w->decisions_table) {
        return false;
    }
    w->events_table = w->requests_table ? recorder_table(w->recorder, "/events", event_columns,
                                                         sizeof(struct event_row), err)
                                        : NULL;
    return w->events_table != NULL;
}

/* A failed write stops the run: there is no use in a result that cannot be kept. */
static void append(struct world *w, struct record_table *table, const void *row) {
    if (!record_append(table, row, &w->failure) && w->engine) {
        engine_stop(w->engine);
    }
}

static simtime span_ps(simtime from, simtime to) {
    return from < 0 || to < 0 ? -1 : to - from;
}

static void put_handover(struct request_row *row, const struct world *w, const struct request *r,
                         const struct handover_trace *t) {
    row->prefill_replica = -1;
    row->prefill_ps = row->kv_wait_ps = row->kv_transfer_ps = -1;
    if (t) {
        row->prefill_replica = (int32_t)w->pods[t->prefill_replica]->pod->index;
        row->prefill_ps = span_ps(r->scheduled_ps, t->prefilled_ps);
        row->kv_wait_ps = span_ps(t->prefilled_ps, t->begun_ps);
        row->kv_transfer_ps = span_ps(t->begun_ps, t->arrived_ps);
        row->kv_bytes = t->arrived_ps < 0 ? 0 : t->kv_bytes;
    }
}

void rows_request(struct world *w, const struct request *r, const struct outcome *o,
                  const struct handover_trace *handover) {
    if (!w->recorder) {
        return;
    }
    bool completed = r->status == REQUEST_COMPLETED;
    struct request_row row = {
        .id = r->id,
        .arrival_ps = r->arrival_ps,
        .to_gateway_ps = span_ps(r->arrival_ps, r->gateway_ps),
        .queue_ps = span_ps(r->gateway_ps, r->scheduled_ps),
        .ttft_ps = r->first_token_ps < 0 ? -1 : r->first_token_ps + r->down_ps - r->arrival_ps,
        .e2e_ps = completed ? r->last_token_ps + r->down_ps - r->arrival_ps : -1,
        .to_user_ps = r->first_token_ps < 0 ? -1 : r->down_ps,
        .tpot_s = completed ? o->tpot_s : NAN,
        .compute_ps = (simtime)r->compute_ps,
        .cost_usd = w->has_prices ? r->cost_usd : NAN,
        .service = w->services[r->service].name_id,
        .tenant = r->tenant ? r->tenant : COLUMN_NO_NAME,
        .region = r->region ? r->region : COLUMN_NO_NAME,
        .input_tokens = r->input_tokens,
        .output_tokens = r->generated,
        .cached_tokens = r->cached_tokens,
        .replica = r->replica < 0 ? -1 : (int32_t)w->pods[r->replica]->pod->index,
        .preemptions = r->preemptions,
        .status = r->status,
        .counted = r->counted,
        .good = r->counted && o->good,
        .attempts = (uint8_t)(r->retries + 1),
        .cancelled = r->cancelled,
    };
    if (w->handovers) {
        put_handover(&row, w, r, handover);
    }
    append(w, w->requests_table, &row);
}

void rows_event(struct world *w, const char *object, const char *reason, const char *message) {
    if (!w->recorder) {
        return;
    }
    struct event_row row = {engine_now(w->engine), object, reason, message};
    append(w, w->events_table, &row);
}

/* The condition that says most: an error before a limit before what was able to be done. */
static const char *reason_of(const struct hpa_decision *d) {
    if (d->error != HPA_NO_REASON) {
        return hpa_reason_name(d->error);
    }
    return hpa_reason_name(d->limited ? d->scaling_limited : d->able_to_scale);
}

static uint32_t name_id(struct world *w, const char *text) {
    return trace_names_intern(&w->names, text, strlen(text));
}

/* What the metric that decided was, and what of. */
static void put_inputs(struct decision_row *row, const struct hpa_proposal *p) {
    bool seen = p->rule != HPA_RULE_NONE;
    row->value = !seen ? NAN : p->utilization ? (double)p->utilization_pct : (double)p->usage_milli / 1000;
    row->target = !seen ? NAN : p->utilization ? (double)p->target : (double)p->target / 1000;
    row->ready = p->ready;
    row->unready = p->unready;
    row->missing = p->missing;
}

void rows_decision(struct world *w, const struct hpa *spec, const char *workload,
                   const struct hpa_decision *d) {
    if (!w->recorder) {
        return;
    }
    char formula[HPA_TEXT_BYTES];
    char cause[HPA_TEXT_BYTES];
    struct decision_row row = {
        .time_ps = engine_now(w->engine),
        .object = name_id(w, spec->key),
        .workload = name_id(w, workload),
        .metric = name_id(w, d->metric < spec->metric_count ? spec->metrics[d->metric].name : ""),
        .reason = name_id(w, reason_of(d)),
        .formula = hpa_formula(spec, d, formula),
        .cause = name_id(w, hpa_cause(spec, d, cause)),
        .current = d->current,
        .proposed = d->proposed,
        .stabilized = d->stabilized,
        .replicas = d->replicas,
    };
    put_inputs(&row, &d->proposal);
    append(w, w->decisions_table, &row);
}

static double down_s(const struct world *w, const struct pod *pod) {
    simtime sum = 0;
    simtime end = pod->terminating_ps >= 0 ? pod->terminating_ps : engine_now(w->engine);
    for (const struct outage *o = pod->outages; o; o = o->before) {
        sum += (o->to_ps >= 0 ? o->to_ps : end) - o->from_ps;
    }
    return simtime_to_s(sum);
}

static struct replica_row replica_row_of(const struct world *w, const struct pod *pod) {
    const struct serving_pod *p = pod->owner_data;
    const struct workload_state *load = &w->workloads[pod->demand];
    struct replica_row row = {
        .name = pod->name,
        .workload = w->demands[pod->demand].workload,
        .service = load->service >= 0 ? w->services[load->service].name : "",
        .node = pod->node >= 0 ? cluster_node(w->cluster, (size_t)pod->node)->name : "",
        .gpus = load->gpus,
        .created_ps = pod->created_ps,
        .bound_ps = pod->bound_ps,
        .pulled_ps = pod->pulled_ps,
        .started_ps = pod->started_ps,
        .loaded_ps = pod->loaded_ps,
        .ready_ps = pod->ready_ps,
        .terminating_ps = pod->terminating_ps,
        .gone_ps = pod->gone_ps,
        .restarts = pod->restarts,
        .down_s = down_s(w, pod),
    };
    if (p) {
        row.busy_s = simtime_total_to_s(p->replica->busy_ps);
        row.servers = p->replica->servers;
        row.completed = p->completed;
        row.steps = p->replica->steps;
        row.preemptions = p->replica->preemptions;
        row.prompt_tokens = p->replica->prompt_tokens;
        row.prefix_queries = p->replica->prefix_queries;
        row.prefix_hits = p->replica->prefix_hits;
        row.external_queries = p->replica->external_queries;
        row.host_hits = p->replica->host_hits;
        row.store_hits = p->replica->store_hits;
        row.kv_load_bytes = p->replica->kv_load_bytes;
        row.kv_store_bytes = p->replica->kv_store_bytes;
        row.swap_out_bytes = p->replica->swap_out_bytes;
        row.swap_in_bytes = p->replica->swap_in_bytes;
        row.generated_tokens = p->replica->generated_tokens;
        row.kv_peak = (double)p->replica->kv_peak_permille / 1000;
        row.kv_end = (double)p->replica->kv_permille / 1000;
        row.waiting = p->replica->waiting;
        row.running = p->replica->running;
        row.kv_out_bytes = p->kv_out_bytes;
        row.kv_in_bytes = p->kv_in_bytes;
        row.step_tokens = p->replica->step_tokens;
        row.gap_s = simtime_total_to_s(p->gap_sum);
        for (size_t i = 0; i < TOKEN_GAP_BUCKETS; i++) {
            row.gaps += p->gaps.counts[i];
        }
    }
    if (p && load->model) {
        row.model = load->model;
        row.max_model_len =
            load->on_pool[cluster_node(w->cluster, (size_t)pod->node)->pool].config.max_model_len;
    }
    return row;
}

/* ---- histograms of replicas ---- */

struct bucket_row {
    uint32_t replica;
    const char *metric;
    double le;
    uint64_t count;
};

static const struct column bucket_columns[] = {
    {"replica", COLUMN_U32, offsetof(struct bucket_row, replica), "1", "row of /replicas", NULL, NULL},
    {"metric", COLUMN_TEXT, offsetof(struct bucket_row, metric), "1", "as vLLM names it", NULL, NULL},
    {"le", COLUMN_F64, offsetof(struct bucket_row, le), "1", "upper edge, inclusive: s or tokens", NULL,
     NULL},
    {"count", COLUMN_U64, offsetof(struct bucket_row, count), "1", "values above the edge before it", NULL,
     NULL},
    {NULL, COLUMN_F64, 0, NULL, NULL, NULL, NULL},
};

static bool write_buckets(struct record_table *t, size_t replica, const char *metric,
                          const struct bucket_edges *edges, double unit, const uint64_t *counts,
                          struct error *err) {
    bool ok = true;
    for (size_t i = 0; ok && i <= edges->count; i++) {
        struct bucket_row row = {(uint32_t)replica, metric,
                                 i < edges->count ? (double)edges->at[i] / unit : INFINITY, counts[i]};
        ok = counts[i] == 0 || record_append(t, &row, err);
    }
    return ok;
}

/* Steps are counted by powers of two, of which vLLM's edges are some. */
static void steps_in_buckets(const struct replica *r, uint64_t *counts) {
    for (int i = 0; i < REPLICA_STEP_CLASSES; i++) {
        counts[bucket_of(&vllm_step_token_edges, (int64_t)1 << i)] += r->steps_by_tokens[i];
    }
}

static bool serves_models(const struct world *w) {
    for (uint32_t d = 0; d < w->demand_count; d++) {
        if (w->workloads[d].model) {
            return true;
        }
    }
    return false;
}

/* Of what happens more often than requests: the other histograms follow from /requests. */
static bool write_histograms(struct world *w, struct error *err) {
    if (!serves_models(w)) {
        return true;
    }
    struct record_table *t =
        recorder_table(w->recorder, "/histograms", bucket_columns, sizeof(struct bucket_row), err);
    bool ok = t != NULL;
    for (size_t i = 0; ok && i < cluster_pod_count(w->cluster); i++) {
        const struct serving_pod *p = cluster_pod(w->cluster, i)->owner_data;
        uint64_t steps[BUCKETS_MAX] = {0};
        if (p && w->workloads[p->demand].model) {
            steps_in_buckets(p->replica, steps);
            ok = write_buckets(t, i, "vllm:inter_token_latency_seconds", &vllm_token_gap_edges, 1e12,
                               p->gaps.counts, err) &&
                 write_buckets(t, i, "vllm:iteration_tokens_total", &vllm_step_token_edges, 1, steps, err);
        }
    }
    return ok;
}

static bool write_replicas(struct world *w, struct error *err) {
    struct record_table *t =
        recorder_table(w->recorder, "/replicas", replica_columns, sizeof(struct replica_row), err);
    for (size_t i = 0; t && i < cluster_pod_count(w->cluster); i++) {
        struct replica_row row = replica_row_of(w, cluster_pod(w->cluster, i));
        if (!record_append(t, &row, err)) {
            return false;
        }
    }
    return t != NULL;
}

/* As the bill has it; without prices, as the pool's label says. */
static const char *purchase_of(const struct world *w, uint32_t pool) {
    enum purchase purchase;
    struct error unknown = {0};
    if (w->has_prices) {
        return purchase_names[w->pool_prices[pool].purchase];
    }
    return price_pool_purchase(&w->scenario.pools[pool], &purchase, &unknown) ? purchase_names[purchase] : "";
}

static struct node_row node_row_of(const struct world *w, const struct node *n) {
    const struct pool_config *p = &w->scenario.pools[n->pool];
    return (struct node_row){
        .name = n->name,
        .pool = p->name,
        .region = scenario_zone_region(&w->scenario, p->zone),
        .zone = p->zone,
        .instance_type = p->instance_type,
        .purchase = purchase_of(w, n->pool),
        .gpu = p->gpu ? p->gpu : "",
        .gpus = p->gpus,
        .requested_ps = n->requested_ps,
        .ready_ps = n->ready_ps,
        .deleted_ps = n->deleted_ps,
    };
}

static bool write_nodes(struct world *w, struct error *err) {
    struct record_table *t =
        recorder_table(w->recorder, "/nodes", node_columns, sizeof(struct node_row), err);
    for (size_t i = 0; t && i < cluster_node_count(w->cluster); i++) {
        struct node_row row = node_row_of(w, cluster_node(w->cluster, i));
        if (!record_append(t, &row, err)) {
            return false;
        }
    }
    return t != NULL;
}

static bool write_charges(struct world *w, struct error *err) {
    if (!w->has_prices) {
        return true;
    }
    struct record_table *t =
        recorder_table(w->recorder, "/charges", charge_columns, sizeof(struct charge), err);
    for (size_t i = 0; t && i < w->ledger.count; i++) {
        if (!record_append(t, &w->ledger.charges[i], err)) {
            return false;
        }
    }
    return t != NULL;
}

bool rows_close(struct world *w, const struct summary *summary, struct error *err) {
    bool ok = write_replicas(w, err) && write_histograms(w, err) && write_nodes(w, err) &&
              write_charges(w, err) && series_write(w, err) &&
              recorder_names(w->recorder, "name", (const char *const *)w->names.names, w->names.count, err) &&
              provenance_write(w, err);
    struct recorder *recorder = w->recorder;
    w->recorder = NULL;
    if (!ok) {
        recorder_abandon(recorder);
        return false;
    }
    return recorder_close(recorder, summary, err);
}

void rows_print_schema(void) {
    const struct result_table_schema tables[] = {
        {"/requests", "A row for every request that arrived, in the order in which they ended.",
         request_columns},
        {"/replicas", "A row for every pod there ever was.", replica_columns},
        {"/histograms",
         "Times between tokens and tokens of steps, by replica; empty buckets are left out; absent without "
         "model "
         "servers.",
         bucket_columns},
        {"/nodes", "A row for every node there ever was.", node_columns},
        {"/decisions", "What the autoscalers decided, sync by sync; absent without one.", decision_columns},
        {"/charges", "The bill, row by row; absent without prices.", charge_columns},
        {"/events", "What happened to pods and nodes.", event_columns},
        {NULL, NULL, NULL},
    };

    struct strbuf text = {0};
    result_schema(tables, &text);
    fwrite(text.text, 1, text.length, stdout);
    strbuf_free(&text);
}
