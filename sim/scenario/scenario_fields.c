/* The scenario file's tables: every key with type, unit, bounds, default and help. */
#include "scenario/scenario_rows.h"

static const char *const api_versions[] = {"drydock/v1", NULL};
static const char *const kinds[] = {"Scenario", NULL};
static const char *const starts[] = {"warm", "cold", NULL};
static const char *const gate_levels[] = {"fail", "warn", NULL};
static const char *const senses[] = {"at-most", "at-least", NULL};

static const struct field metadata_fields[] = {
    ROW("name", TEXT, scenario, name, "Name of the scenario and of its output folder.", .required = true),
    FIELDS_END,
};

static const struct field trace_fields[] = {
    ROW("file", PATH, trace_config, file, "A trace file; its format is told by content."),
    ROW("preset", TEXT, trace_config, preset, "An embedded preset (`drydock trace list`)."),
    ROW("synth", NODE, trace_config, synth, "Parameters of a synthesised trace (docs/traces.md)."),
    ROW("format", TEXT, trace_config, format, "The file's format, where content does not tell."),
    ROW("columns", TEXT, trace_config, columns,
        "Our column names to the file's, for CSV: `arrival_s=ts,input_tokens=prompt`."),
    ROW("service", TEXT, trace_config, service, "The service all rows go to; without it, the rows say."),
    ROW("region", TEXT, trace_config, region,
        "Where the users of rows that name no region are; without any there is no network."),
    ROW("rate_scale", QUANTITY, trace_config, rate_scale,
        "Requests per second times this, by thinning or cloning.", .unit = UNIT_NUMBER, .fallback = "1",
        WITHIN(1e-6, 1000)),
    ROW("time_scale", QUANTITY, trace_config, time_scale,
        "Arrival times are multiplied by this: 0.5 is twice as fast.", .unit = UNIT_NUMBER, .fallback = "1",
        WITHIN(1e-6, 1e6)),
    DURATION("start", trace_config, start_s, "Rows before this time are left out.", .fallback = "0s",
             WITHIN_WINDOW),
    DURATION("length", trace_config, length_s, "How much of the trace from `start` on; 0s is all of it.",
             .fallback = "0s", WITHIN_WINDOW),
    ROW("repeat", INTEGER, trace_config, repeat, "Copies one after the other.", .fallback = "1",
        WITHIN(1, 1e6)),
    FIELDS_END,
};

/* Prometheus' and kube-controller-manager's usual settings. */
static const struct field telemetry_fields[] = {
    DURATION("scrape_interval", scenario, scrape_interval_s,
             "How often a pod's gauges are seen; controllers know nothing newer.", .fallback = "15s",
             WITHIN(0.1, 3600)),
    DURATION("hpa_sync", scenario, hpa_sync_s, "How often a HorizontalPodAutoscaler decides.",
             .fallback = "15s", WITHIN(0.1, 3600)),
    ROW("series", BOOL, scenario, series, "Whether the result has time series (docs/results.md).",
        .fallback = "true"),
    DURATION("series_interval", scenario, series_interval_s,
             "Windows of the time series. `0s`: they grow with the run, from 0.1s on, so that there are at "
             "most 1,024; otherwise they are this long, and twice as long only where a run has more than "
             "100,000 of them.",
             .fallback = "0s", WITHIN(0, 86400)),
    FIELDS_END,
};

static const struct field admission_fields[] = {
    ROW("policy", TEXT, admission_config, policy, "Its name (`drydock help policies`).", .required = true),
    ROW("options", NODE, admission_config, options, "What it is told, by name: `{rate: 10, burst: 20}`."),
    FIELDS_END,
};

/* Defaults of OpenAI's Python client (2 retries where asked for, 0.5 s doubling to 8 s, a quarter of it
 * jitter) and of Finagle's RetryBudget (10 a second besides, over 10 s). */
static const struct field retry_fields[] = {
    ROW("attempts", INTEGER, retry_config, attempts, "Attempts in all; 1: nobody tries again.",
        .fallback = "1", WITHIN(1, 100)),
    ROW("on", TEXTS, retry_config, on, "Outcomes that are tried again: `rejected`, `timed_out`, `failed`.",
        .count_offset = offsetof(struct retry_config, on_count), .fallback = "[rejected, timed_out, failed]"),
    DURATION("backoff", retry_config, backoff_s, "Before the second attempt.", .fallback = "500ms",
             WITHIN(0, 86400)),
    ROW("factor", QUANTITY, retry_config, factor, "Each further back-off, as a multiple of the one before.",
        .unit = UNIT_NUMBER, .fallback = "2", WITHIN(1, 100)),
    DURATION("backoff_max", retry_config, backoff_max_s, "The longest back-off.", .fallback = "8s",
             WITHIN(0, 86400)),
    ROW("jitter", QUANTITY, retry_config, jitter,
        "How much of a back-off is taken away at random, at most: with 25% it is 0.75 to 1 of itself.",
        .unit = UNIT_FRACTION, .fallback = "25%", WITHIN(0, 1)),
    ROW("budget", QUANTITY, retry_config, budget,
        "Repetitions of a service's users, as a share of their first attempts (Finagle: 20%); `none`: any.",
        .unit = UNIT_FRACTION, .fallback = "none", .infinite = "none", WITHIN(0, 100)),
    ROW("budget_per_s", QUANTITY, retry_config, budget_per_s, "Repetitions a second beside that share.",
        .unit = UNIT_NUMBER, .fallback = "10", WITHIN(0, 1e6)),
    DURATION("budget_window", retry_config, budget_window_s,
             "What the budget counts; what is older is forgotten.", .fallback = "10s", WITHIN(1, 3600)),
    FIELDS_END,
};

/* How long users read before they stop is a guess: there is no public trace of it. */
static const struct field cancel_fields[] = {
    ROW("share", QUANTITY, cancel_config, share, "Of the users, if the answer lasts.", .unit = UNIT_FRACTION,
        .fallback = "0%", WITHIN(0, 1)),
    ROW("after", DELAY, cancel_config, after, "From the first token on.",
        .fallback = "{law: exponential, mean: 10s}"),
    FIELDS_END,
};

static const struct field disaggregation_fields[] = {
    ROW("prefill", TEXTS, disaggregation_config, prefill,
        "Workloads that compute prompts, where their servers' arguments leave it open (`kv_both`).",
        .count_offset = offsetof(struct disaggregation_config, prefill_count)),
    ROW("decode", TEXTS, disaggregation_config, decode, "And those that make the answers.",
        .count_offset = offsetof(struct disaggregation_config, decode_count)),
    ROW("router", TEXT, disaggregation_config, router,
        "How a request finds a replica that decodes; without it, as one that prefills."),
    ROW("options", NODE, disaggregation_config, options, "What that router is told, by name."),
    ROW("prompt_tokens_from", INTEGER, disaggregation_config, prompt_tokens_from,
        "Shorter prompts are not handed over: the replica that decodes computes them itself (vLLM).",
        .fallback = "0", WITHIN(0, 1e9)),
    FIELDS_END,
};

const struct field scenario_policy_fields[] = {
    ROW("service", TEXT, policy_config, service,
        "The service it is for; without it, all that no entry names."),
    ROW("router", TEXT, policy_config, router, "How a request finds a replica (`drydock help policies`).",
        .fallback = "round-robin"),
    ROW("options", NODE, policy_config, options,
        "What the router is told, by name (`drydock help policies`): `{bound: 1.25}`."),
    ROW("weights", NODE, policy_config, weights,
        "Shares of traffic by workload, for routers that go by them: `{deployment/chat: 9, "
        "deployment/chat-canary: 1}`. A workload's Ready replicas divide its share. All workloads of the "
        "service or none."),
    ROW("priorities", NODE, policy_config, priorities,
        "Urgency of requests by tenant, for engines that run with `--scheduling-policy priority`: "
        "`{interactive: 0, batch: 10}`. Smaller goes first; tenants that are not named have 0."),
    ROW("adapters", NODE, policy_config, adapters,
        "LoRA adapter that a tenant's requests ask for, for engines that run with `--enable-lora`: "
        "`{acme: legal, globex: medical}`. Others use the base model."),
    DURATION("metrics_refresh", policy_config, metrics_refresh_s,
             "How often the gateway sees queues and KV use of replicas (the Gateway API Inference Extension: "
             "50ms); `0s`: always. What it has sent itself it knows.",
             .fallback = "0s", WITHIN(0, 3600)),
    ROW("queue_limit", INTEGER, policy_config, queue_limit,
        "Requests waiting for the service, all replicas together; more are rejected.", .absent = -1,
        WITHIN(0, 1e9)),
    {.key = "admission",
     .type = FIELD_LIST,
     .offset = offsetof(struct policy_config, admission),
     .count_offset = offsetof(struct policy_config, admission_count),
     .element_bytes = sizeof(struct admission_config),
     .rows = admission_fields,
     .finish = scenario_finish_admission,
     .help = "Who is let in at the gateway, and in which order; a request is let in when none of these turns "
             "it away (docs/admission.md)."},
    DURATION("timeout", policy_config, timeout_s,
             "From send to first token; then the attempt is given up. Without it, never.", WITHIN_WINDOW),
    {.key = "retry",
     .type = FIELD_STRUCT,
     .offset = offsetof(struct policy_config, retry),
     .rows = retry_fields,
     .finish = scenario_finish_retry,
     .help = "Users that try again (docs/clients.md)."},
    {.key = "cancel",
     .type = FIELD_STRUCT,
     .offset = offsetof(struct policy_config, cancel),
     .rows = cancel_fields,
     .help = "Users that stop an answer they have begun to read (docs/clients.md)."},
    {.key = "disaggregation",
     .type = FIELD_STRUCT,
     .offset = offsetof(struct policy_config, disaggregation),
     .rows = disaggregation_fields,
     .help = "Where some servers prefill and others decode (docs/disaggregation.md)."},
    FIELDS_END,
};

static const struct field route_target_fields[] = {
    ROW("service", TEXT, route_target_config, service, "A service or workload.", .required = true),
    ROW("weight", QUANTITY, route_target_config, weight, "Its share of the requests.", .unit = UNIT_NUMBER,
        .fallback = "1", WITHIN(0, 1e6)),
    ROW("adapter", TEXT, route_target_config, adapter,
        "LoRA adapter that these requests ask for, for engines that run with `--enable-lora`."),
    FIELDS_END,
};

/* Thresholds: defaults of the Gateway API Inference Extension's saturation detector. */
static const struct field route_fields[] = {
    ROW("model", TEXT, route_config, model,
        "The name that requests ask for (a trace's `service`); `*`: whatever nobody else knows.",
        .required = true),
    ROW("aliases", TEXTS, route_config, aliases, "Other names for it.",
        .count_offset = offsetof(struct route_config, alias_count)),
    {.key = "targets",
     .type = FIELD_LIST,
     .offset = offsetof(struct route_config, targets),
     .count_offset = offsetof(struct route_config, target_count),
     .element_bytes = sizeof(struct route_target_config),
     .rows = route_target_fields,
     .required = true,
     .help = "Services that its requests are shared out to, by weight."},
    ROW("fallbacks", TEXTS, route_config, fallbacks,
        "Models of other routes, or services, in order: for requests that find no Ready replica, a saturated "
        "one, or are turned away.",
        .count_offset = offsetof(struct route_config, fallback_count)),
    ROW("queue_depth_threshold", INTEGER, route_config, queue_depth_threshold,
        "A service is saturated when each of its replicas has more requests waiting than this,",
        .fallback = "5", WITHIN(0, 1e6)),
    ROW("kv_cache_util_threshold", QUANTITY, route_config, kv_cache_util_threshold,
        "or more of its KV cache in use than this.", .unit = UNIT_FRACTION, .fallback = "80%", WITHIN(0, 1)),
    FIELDS_END,
};

static const char *const batchings[] = {"continuous", "static", NULL};

static const struct field service_time_fields[] = {
    ROW("workload", TEXT, service_time_config, workload,
        "`chat` or `deployment/chat`; without it, all that no entry names."),
    ROW("model", TEXT, service_time_config, model,
        "The model's architecture; without it, told by the server's `--model`."),
    ROW("gpu", TEXT, service_time_config, gpu, "GPU kind to take times of; without it, the node's."),
    ROW("server", DELAY, service_time_config, server,
        "Plain server in place of a model server: one service time a request.",
        .given_offset = offsetof(struct service_time_config, has_server)),
    ROW("concurrency", INTEGER, service_time_config, concurrency,
        "Plain server: requests a replica works on at a time.", .fallback = "1", WITHIN(1, 1e6)),
    ROW("queue_limit", INTEGER, service_time_config, server_queue_limit,
        "Plain server: requests waiting in a replica; without it, no limit.", .absent = -1, WITHIN(0, 1e9)),
    ROW("time_factor", QUANTITY, service_time_config, time_factor, "Multiplies every engine time.",
        .unit = UNIT_NUMBER, .fallback = "1", WITHIN(1e-3, 1e3)),
    DURATION("overhead", service_time_config, overhead_s,
             "Engine overhead a step; without it, the model's own.", .absent = -1, WITHIN(0, 60)),
    DURATION("api_overhead", service_time_config, api_overhead_s,
             "On the way to the first token, outside the GPU; without it, the model's own.", .absent = -1,
             WITHIN(0, 60)),
    ROW("batching", TEXT, service_time_config, batching,
        "`continuous`, by the engine's own rules; or `static`, for comparison: nobody joins a batch until "
        "its "
        "longest member has ended.",
        .fallback = "continuous", .choices = batchings),
    ROW("acceptance", QUANTITY, service_time_config, acceptance,
        "Speculative decoding: how likely a draft token is right, when those before it were; without it, "
        "0.7.",
        .unit = UNIT_NUMBER, .absent = -1, WITHIN(0, 1)),
    FIELDS_END,
};

static const struct field service_fields[] = {
    ROW("name", TEXT, inline_service_config, name, "The service's name.", .required = true),
    ROW("replicas", INTEGER, inline_service_config, replicas, "Replicas, always ready.", .fallback = "1",
        WITHIN(1, 1e5)),
    ROW("server", DELAY, inline_service_config, server,
        "Service time of a request, unless its trace states one.", .required = true),
    ROW("concurrency", INTEGER, inline_service_config, concurrency, "Requests a replica works on at a time.",
        .fallback = "1", WITHIN(1, 1e6)),
    ROW("queue_limit", INTEGER, inline_service_config, queue_limit,
        "Requests waiting in a replica; without it, no limit.", .absent = -1, WITHIN(0, 1e9)),
    FIELDS_END,
};

static const struct field objective_fields[] = {
    ROW("metric", TEXT, objective_config, metric,
        "A path of summary.json, see below; `latency.` may be left out.", .required = true),
    ROW("statistic", TEXT, objective_config, statistic,
        "Of a latency: `mean`, `p50`, `p90`, `p95` (default), "
        "`p99`, `p999`, `max`."),
    ROW("service", TEXT, objective_config, service, "The service it is about; without it, all requests."),
    ROW("limit", NUMBER, objective_config, limit, "The limit; its side is `sense`.", .absent = NAN),
    ROW("sense", ENUM, objective_config, sense,
        "Which side of the limit is good; by default the metric's own.", .choices = senses),
    ROW("min", NUMBER, objective_config, limit, "A limit that must be reached, in place of `limit`.",
        .spelling = true),
    ROW("max", NUMBER, objective_config, limit, "A limit that must not be passed, in place of `limit`.",
        .spelling = true),
    ROW("per_request", BOOL, objective_config, per_request,
        "Whether each request is held to the limit, for slo.attainment and goodput; by default for ttft_s, "
        "tpot_s, itl_s and e2e_s."),
    FIELDS_END,
};

static const struct field regression_fields[] = {
    ROW("relative", QUANTITY, gate_regression, relative, "At most this share of the base's figure.",
        .unit = UNIT_FRACTION, .absent = NAN, AT_LEAST(0)),
    ROW("absolute", NUMBER, gate_regression, absolute, "At most this much, in the figure's unit.",
        .absent = NAN),
    FIELDS_END,
};

static const struct field gate_fields[] = {
    ROW("metric", TEXT, gate_config, metric,
        "A figure's path in summary.json, see below: `latency.ttft_s.p95`, `cost.by_state.idle`; `latency.` "
        "may "
        "be left out.",
        .required = true),
    ROW("scope", TEXT, gate_config, scope, "`service/NAME` or `tenant/NAME`; without it, all requests."),
    ROW("min", NUMBER, gate_config, min, "A limit that must be reached.", .absent = NAN),
    ROW("max", NUMBER, gate_config, max, "A limit that must not be passed.", .absent = NAN),
    ROW("regression", STRUCT, gate_config, regression,
        "How much worse than another revision's figure it may be; judged where two are compared.",
        .rows = regression_fields, .given_offset = offsetof(struct gate_config, has_regression)),
    ROW("level", ENUM, gate_config, level, "Whether a broken gate fails the check or is only said.",
        .choices = gate_levels, .fallback = "fail"),
    FIELDS_END,
};

static const struct field change_fields[] = {
    DURATION("at", change_config, at_s, "When.", .required = true, WITHIN_WINDOW),
    ROW("workload", TEXT, change_config, workload,
        "`chat` or `deployment/chat`: a workload, or a station of `services`.", .required = true),
    ROW("replicas", INTEGER, change_config, replicas, "The replicas it shall have from then on.",
        .required = true, WITHIN(0, 10000)),
    FIELDS_END,
};

static const struct field fault_fields[] = {
    ROW("kind", ENUM, fault_config, kind,
        "What happens: a container ends (`crash`), answers no more (`hang`), ends for its GPU's sake "
        "(`gpu-error`); a node is not reached any more (`node-loss`); work takes longer for a while "
        "(`slow`), or "
        "on some replicas always (`straggler`).",
        .choices = fault_kind_names, .required = true),
    ROW("workload", TEXT, fault_config, workload,
        "`chat` or `deployment/chat`: to replicas of a workload or station, or to the nodes they are on."),
    ROW("replica", INTEGER, fault_config, replica, "The one with this ordinal; without it, each of them.",
        .absent = -1, WITHIN(0, 100000)),
    ROW("pool", TEXT, fault_config, pool, "To nodes of this pool, or to all pods on them."),
    ROW("node", TEXT, fault_config, node,
        "To the node in this place: `<pool>-<number>`, whichever it is then."),
    DURATION("at", fault_config, at_s, "When, once.", .absent = -1, WITHIN_WINDOW),
    ROW("between", DELAY, fault_config, between,
        "At random, again and again: from the end of one to the next, for each replica or node by itself.",
        .given_offset = offsetof(struct fault_config, has_between)),
    ROW("for", DELAY, fault_config, lasts, "How long: `slow`; `node-loss`, whose node else never returns.",
        .given_offset = offsetof(struct fault_config, has_lasts)),
    ROW("factor", QUANTITY, fault_config, factor, "Work takes this times as long: `slow`, `straggler`.",
        .unit = UNIT_NUMBER, .absent = -1, WITHIN(1e-3, 1e3)),
    ROW("sigma", QUANTITY, fault_config, sigma,
        "`straggler`: the factor is drawn for each replica, lognormal about `factor` (1 without it).",
        .unit = UNIT_NUMBER, .absent = -1, WITHIN(0, 3)),
    ROW("share", QUANTITY, fault_config, share, "`straggler`: of the replicas, drawn for each.",
        .unit = UNIT_FRACTION, .absent = -1, WITHIN(0, 1)),
    ROW("cordon", BOOL, fault_config, cordon,
        "`gpu-error`: the node takes no pods any more, those it has are moved, another node comes.",
        .fallback = "false"),
    FIELDS_END,
};

static const struct field arm_fields[] = {
    ROW("name", TEXT, arm_config, name, "Name of the arm and of its folder of results.", .required = true),
    ROW("description", TEXT, arm_config, description, "What is tried, in a few words."),
    ROW("set", NODE, arm_config, set,
        "A mapping from path to value, as `--set` takes them: keys below `spec` and fields of manifests "
        "(`hpa/chat.spec.minReplicas`). Without it, the scenario as it stands."),
    FIELDS_END,
};

#define ARMS                                                                                                 \
    LIST("arms", arms, arm_count, arm_config, arm_fields, scenario_finish_arm,                               \
         "Variants that are compared, each with values of its own.")

const struct field scenario_arm_list[] = {ARMS, FIELDS_END};

static const struct field spec_fields[] = {
    DURATION("duration", scenario, duration_s,
             "Requests that arrive later are left out; 0s is the whole trace.", .fallback = "0s",
             WITHIN_WINDOW),
    DURATION("warmup", scenario, warmup_s,
             "Requests that arrive before this are counted but not in latencies.", .fallback = "0s",
             WITHIN_WINDOW),
    DURATION("drain", scenario, drain_s,
             "How long the run goes on after the last arrival; what is left then is unfinished.",
             .fallback = "1h", WITHIN_WINDOW),
    ROW("start", TEXT, scenario, start,
        "`warm`: what the manifests ask for is ready at the beginning; `cold`: it is only asked for then.",
        .fallback = "warm", .choices = starts),
    ROW("manifests", PATHS, scenario, manifest_paths,
        "Kubernetes manifests: files or folders, relative to the scenario's folder.",
        .count_offset = offsetof(struct scenario, manifest_path_count)),
    LIST("services", services, service_count, inline_service_config, service_fields, NULL,
         "Plain queueing stations that need neither manifest nor node; requests reach them in no time."),
    LIST("traces", traces, trace_count, trace_config, trace_fields, scenario_finish_trace,
         "What arrives; several are mixed by time.", .fallback = "[{preset: quickstart}]"),
    GROUP("cluster", scenario_cluster_fields, "What there is to run on."),
    GROUP("telemetry", telemetry_fields, "What controllers see, and when they act."),
    LIST("policies", policies, policy_count, policy_config, scenario_policy_fields, scenario_finish_policy,
         "How requests find work."),
    LIST("routes", routes, route_count, route_config, route_fields, NULL,
         "Which service gets the requests for a model (docs/routing.md)."),
    LIST("service_times", service_times, service_time_count, service_time_config, service_time_fields,
         scenario_finish_service_time,
         "How long work takes, where the model server's arguments and the GPU do not say it."),
    LIST("objectives", objectives, objective_count, objective_config, objective_fields,
         scenario_finish_objective, "What is promised."),
    LIST("gates", gates, gate_count, gate_config, gate_fields, scenario_finish_gate,
         "Limits of figures that a change must hold: `run --check` judges `min` and `max`."),
    LIST("changes", changes, change_count, change_config, change_fields, NULL,
         "Replicas that somebody changes by hand while the run goes on."),
    LIST("faults", faults, fault_count, fault_config, fault_fields, scenario_finish_fault,
         "What breaks while the run goes on (docs/faults.md)."),
    ROW("prices", NODE, scenario, prices,
        "The price book: a file, or the book itself (docs/cost.md; `drydock schema price-book`)."),
    ROW("carbon", NODE, scenario, carbon,
        "Carbon intensity of the grid, g CO2e/kWh: a number, or a mapping with a series, regions, PUE, power "
        "of "
        "GPUs (docs/cost.md; `drydock schema carbon`)."),
    ARMS,
    FIELDS_END,
};

const struct field scenario_fields[] = {
    ROW("apiVersion", TEXT, scenario, api_version, "Version of this format.", .required = true,
        .choices = api_versions),
    ROW("kind", TEXT, scenario, kind, "What this file is.", .required = true, .choices = kinds),
    GROUP("metadata", metadata_fields, "About the scenario."),
    GROUP("spec", spec_fields, "The scenario."),
    FIELDS_END,
};
