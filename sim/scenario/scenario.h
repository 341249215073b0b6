/* sim/scenario/scenario.h: the scenario file (apiVersion drydock/v1, kind Scenario): what a run is made of.
 *
 * Every key is a row of a table (scenario_fields.c): name, type, unit, bounds, default, help. Reading,
 * defaults, `validate --show-defaults`, the JSON Schema and docs/scenario.md all come from that table.
 * Unknown and duplicate keys are errors with a suggestion. Strings are owned by the arena given to
 * scenario_load.
 */
#ifndef DRYDOCK_SCENARIO_H
#define DRYDOCK_SCENARIO_H

#include <stdint.h>

#include "config/delay.h"
#include "config/field.h"
#include "config/notice.h"
#include "config/yaml.h"
#include "manifest/manifest.h"

struct trace_config {
    struct position pos;
    const char *file;        /* resolved against the scenario's folder; NULL */
    const char *preset;      /* NULL */
    struct yaml_node *synth; /* NULL; a mapping of synth parameters (traces/traces.h) */
    const char *format;
    const char *service;
    const char *region; /* users' region for rows that name none */
    const char *columns;
    double rate_scale; /* 1 */
    double time_scale; /* 1 */
    double start_s;    /* 0 */
    double length_s;   /* 0 = all */
    int64_t repeat;    /* 1 */
};

struct region_config {
    struct position pos;
    const char *name;
};

struct zone_config {
    struct position pos;
    const char *name;
    const char *region;
};

struct pool_config {
    struct position pos;
    const char *name;
    const char *zone;
    const char *instance_type;
    const char *gpu;         /* "H100", "A100", "L4"; NULL = none */
    int64_t gpus;            /* a node */
    double gpu_memory_bytes; /* 0 = the GPU kind's own */
    double cpu;              /* cores */
    double memory_bytes;
    int64_t min, max;          /* nodes */
    struct delay provisioning; /* from the request to the node being Ready */
    double scale_down_after_s; /* empty for that long it is removed; INFINITY = never */
    double network_bytes_per_s;
    double disk_read_bytes_per_s;
    double disk_write_bytes_per_s;
    double disk_bytes;         /* image and weight cache */
    const char *storage_class; /* what the disk is paid as; NULL = it comes with the node */
    const char **preloaded;    /* parts of keys of artefacts that new nodes have from the start; "*" = all */
    size_t preloaded_count;
    struct labels labels; /* beside the well-known ones, which are derived */
    struct labels taints; /* key -> "value:effect" */
};

/* from/to: a zone's name, a region's name (its users), "registry" (images), "models" (weights). */
struct link_config {
    struct position pos;
    const char *name; /* default "from-to" */
    const char *from, *to;
    double latency_s;
    double bandwidth_bytes_per_s;
    bool shared; /* one pipe for all transfers (default), or that much for each */
};

struct image_config {
    struct position pos;
    const char *match; /* substring of the image's name */
    double bytes;
};

/* A store of KV blocks that replicas share; their engines name it. */
struct kv_store_config {
    struct position pos;
    const char *match; /* substring of what the engine calls it */
    double bytes;      /* infinite = any number */
    double bandwidth_bytes_per_s, latency_s;
};

struct startup_config { /* the phases of a pod's start that are no transfers */
    struct delay container_start;
    struct delay engine_init;
    struct delay warm_up;
    double device_load_bytes_per_s; /* host to GPU */
};

/* Users that try again. */
struct retry_config {
    int64_t attempts; /* in all; 1 = none is repeated */
    const char **on;  /* outcomes that are tried again: rejected, timed_out, failed */
    size_t on_count;
    double backoff_s, factor, backoff_max_s; /* before the first repetition; of each further one; at most */
    double jitter;                           /* share of the back-off that is drawn */
    double budget;                           /* repetitions, as a share of first attempts; INFINITY = any */
    double budget_per_s, budget_window_s;    /* and so many a second besides; what is counted */
};

/* Users that stop an answer they have begun to read. */
struct cancel_config {
    double share;       /* of them */
    struct delay after; /* the first token */
};

/* One of those that decide who is let in, in order. */
struct admission_config {
    struct position pos;
    const char *policy;        /* a row of admissions[]: checked by who knows them */
    struct yaml_node *options; /* a mapping; NULL = nothing */
};

/* How requests find their way where prefill and decode are on different servers. */
struct disaggregation_config {
    const char **prefill, **decode; /* workloads; none = by their arguments */
    size_t prefill_count, decode_count;
    const char *router;         /* among those that decode; NULL = the policy's own, options and all */
    struct yaml_node *options;  /* a mapping, what that router is told; NULL = nothing */
    int64_t prompt_tokens_from; /* shorter prompts are computed where their answers are */
};

/* How requests find work. The entry that names a service counts for it, else the one that names none; there
 * is always one of those. */
struct policy_config {
    struct position pos;
    const char *service; /* NULL = all */
    const char *router;  /* a row of routers[]: its name is checked by the run, which knows them */
    int64_t queue_limit; /* requests waiting for a replica of the service, all replicas together; -1 = none */
    struct admission_config *admission;
    size_t admission_count;
    double timeout_s; /* from send to first token, each attempt; 0 = none */
    struct retry_config retry;
    struct cancel_config cancel;
    double metrics_refresh_s;     /* how often the gateway sees replicas' queues and KV use; 0 = always */
    struct yaml_node *options;    /* a mapping, what the router is told; NULL = nothing */
    struct yaml_node *weights;    /* a mapping from workload to number, 0 or more; NULL = all alike */
    struct yaml_node *priorities; /* a mapping from tenant to whole number; NULL = all 0 */
    struct yaml_node *adapters;   /* a mapping from tenant to the adapter of its requests; NULL = none */
    struct disaggregation_config disaggregation;
};

/* One of the services that a model's requests are shared out to. */
struct route_target_config {
    struct position pos;
    const char *service;
    double weight;
    const char *adapter; /* that its requests ask for; NULL = the tenant's, or none */
};

/* What requests for a model become before any service sees them. */
struct route_config {
    struct position pos;
    const char *model; /* as requests ask for it; "*" = what nobody else knows */
    const char **aliases;
    size_t alias_count;
    struct route_target_config *targets;
    size_t target_count;
    const char **fallbacks; /* models of other routes, or services: in order, while the one before is full */
    size_t fallback_count;
    int64_t queue_depth_threshold; /* saturated: every Ready replica has more waiting, or more KV in use */
    double kv_cache_util_threshold;
};

/* How long work takes. Without an entry, a model server's own arguments and its node's GPU choose a built-in.
 */
struct service_time_config {
    struct position pos;
    const char *workload; /* "chat" or "deployment/chat"; NULL = all */
    const char *model;    /* architecture: "llama-3-8b"; NULL = from --model */
    const char *gpu;      /* NULL = the pool's */
    struct delay server;  /* plain server: one service time a request */
    bool has_server;
    int64_t concurrency;        /* servers (threads) a replica; default 1 */
    int64_t server_queue_limit; /* requests waiting in a replica; -1 = none (M/M/c/K has K - c here) */
    double time_factor;         /* multiplies every engine time; default 1 */
    double overhead_s;          /* engine overhead a step; -1 = the model's own */
    double api_overhead_s;      /* on the way to the first token, outside the GPU; -1 = the model's own */
    const char *batching;       /* "continuous" or "static" */
    double acceptance;          /* of a draft token in speculative decoding; -1 = not given */
};

/* A plain queueing station without Kubernetes, nodes or network: `replicas` always Ready, requests reach them
 * and answers leave them in no time. Its name is a service's and a workload's. */
struct inline_service_config {
    struct position pos;
    const char *name;
    int64_t replicas;
    struct delay server; /* service time a request; a trace's own service_s wins over it */
    int64_t concurrency; /* servers a replica */
    int64_t queue_limit; /* requests waiting in a replica; -1 = none */
};

/* Somebody edits a workload's replicas by hand while the run goes on. */
struct change_config {
    struct position pos;
    double at_s;
    const char *workload; /* "chat" or "deployment/chat"; names one workload or inline service */
    int64_t replicas;
};

/* What breaks (docs/faults.md). */
enum fault_kind {
    FAULT_CRASH,
    FAULT_HANG,
    FAULT_GPU_ERROR,
    FAULT_NODE_LOSS,
    FAULT_SLOW,
    FAULT_STRAGGLER,
    FAULT_KINDS
};
extern const char *const fault_kind_names[]; /* ended by NULL */

struct fault_config {
    struct position pos;
    int kind;             /* enum fault_kind */
    const char *workload; /* its replicas; NULL = not by workload */
    int64_t replica;      /* this one alone, by ordinal; -1 = all */
    const char *pool;     /* nodes of it; NULL */
    const char *node;     /* "<pool>-<place>"; NULL */
    double at_s;          /* -1 = at random: `between` */
    bool has_between, has_lasts;
    struct delay between; /* from the end of one to the next */
    struct delay lasts;
    double factor;       /* of the time that work takes; -1 = not given */
    double sigma, share; /* straggler */
    bool cordon;         /* the node takes no pods any more */
};

/* A variant that is compared: values to set, by path, as --set does. */
struct arm_config {
    struct position pos;
    const char *name;        /* of its folder of results, too */
    const char *description; /* NULL */
    struct yaml_node *set;   /* a mapping from path to value; NULL = the scenario as it stands */
};

enum objective_sense { OBJECTIVE_AT_MOST, OBJECTIVE_AT_LEAST };

extern const char *const objective_statistics[]; /* mean, p50 ...; ended by NULL */

/* {metric: ttft_s, statistic: p95, limit: 500ms} or {metric: slo.attainment, min: 0.99}. */
struct objective_config {
    struct position pos;
    const char *service;   /* NULL = all */
    const char *metric;    /* of a figure (record/figure.h): "latency.ttft_s", "slo.attainment" */
    const char *statistic; /* of a latency; NULL for other metrics */
    double limit;          /* SI */
    enum objective_sense sense;
    bool per_request; /* each request is held to `limit`: slo.attainment and goodput count by it */
};

/* How much worse than the base a figure may become, each of the two that is given. NaN = not given. */
struct gate_regression {
    double relative; /* a share of the base's */
    double absolute; /* SI */
};

enum gate_level { GATE_FAIL, GATE_WARN };

/* {metric: latency.ttft_s.p95, scope: service/chat, max: 500ms, level: warn}. */
struct gate_config {
    struct position pos;
    const char *metric; /* a figure's path */
    const char *scope;  /* "service/NAME", "tenant/NAME"; NULL = all */
    double min, max;    /* SI; NaN = not given */
    struct gate_regression regression;
    bool has_regression;
    enum gate_level level;
};

struct scenario {
    const char *path;   /* of the file */
    const char *folder; /* that paths are relative to */
    const char *text;   /* the file's bytes, for provenance */
    size_t text_length;
    const char *api_version, *kind; /* "drydock/v1", "Scenario" */
    const char *name;
    double duration_s; /* 0 = the whole trace */
    double warmup_s;
    double drain_s; /* 3600 */
    double scrape_interval_s, hpa_sync_s;
    bool series;              /* whether the result has time series */
    double series_interval_s; /* of their windows; 0 = adapts to the length of the run */
    const char
        *start; /* "warm": what the manifests ask for is Ready at time 0; "cold": all starts at time 0 */
    const char **manifest_paths; /* resolved */
    size_t manifest_path_count;
    struct trace_config *traces;
    size_t trace_count;
    struct region_config *regions;
    size_t region_count;
    struct zone_config *zones;
    size_t zone_count;
    struct pool_config *pools;
    size_t pool_count;
    struct link_config *links;
    size_t link_count;
    struct image_config *images;
    size_t image_count;
    const char *platform_file;   /* a SimGrid XML instead of the generated one; NULL */
    double flow_threshold_bytes; /* payloads from here on are SimGrid flows; smaller ones latency +
                                    bytes/bandwidth */
    double request_bytes_per_token, response_bytes_per_token; /* on the wire, where a trace states no bytes */
    struct startup_config startup;
    struct policy_config *policies;
    size_t policy_count;
    struct route_config *routes;
    size_t route_count;
    struct service_time_config *service_times;
    size_t service_time_count;
    struct objective_config *objectives;
    size_t objective_count;
    struct gate_config *gates;
    size_t gate_count;
    struct inline_service_config *services;
    size_t service_count;
    struct change_config *changes;
    size_t change_count;
    struct fault_config *faults;
    size_t fault_count;
    double node_grace_s; /* from a node's last sign of life to NotReady */
    struct arm_config *arms;
    size_t arm_count;
    struct kv_store_config *kv_stores;
    size_t kv_store_count;
    const char *arm;  /* the one that is applied; NULL = none */
    const char **set; /* what --set has put on top, as given; borrowed */
    size_t set_count;
    struct yaml_node *prices, *carbon; /* read by sim/finops; NULL when absent */
    struct manifests manifests;        /* loaded and finished */
    struct yaml_node *tree;            /* the resolved document, arm and --set applied */
};

/* In the order in which they are applied. */
struct scenario_overrides {
    const char *arm;  /* its `set` first; NULL = none: the scenario as it stands */
    const char **set; /* "path=value": below spec, or of an object ("hpa/chat.spec.minReplicas=4"); last */
    size_t set_count;
    const char **traces; /* replace the scenario's traces; all take the first one's settings */
    size_t trace_count;
};

/* Loads a file, or a folder that holds scenario.yaml, with its manifests, and checks everything that can be
 * checked without a run: references, bounds, a pod that fits no pool. An arm that is none of the scenario's
 * is wrong usage; a mistake in what overrides set stands at the arm's line, or at "--set". */
bool scenario_load(const char *path, const struct scenario_overrides *overrides, struct arena *arena,
                   struct scenario *scenario, struct notices *notices, struct error *err);

/* A mistake that shows only with the scenario's arm is the arm's: says so, at the arm's place, unless the
 * mistake stands in the arm anyway. For those who know that the scenario is good without it. */
void scenario_blame_arm(const struct scenario *scenario, struct error *err);

/* Where the manifest of a workload says something of its pods: a field of the pod's spec ("nodeSelector") or
 * the first request or limit of a resource ("nvidia.com/gpu"); the workload's own place when it does not. */
struct position scenario_pod_place(const struct scenario *s, const struct workload *w, const char *what);

/* The region that a zone is in; NULL when there is no such zone. */
const char *scenario_zone_region(const struct scenario *scenario, const char *zone);

/* The resolved scenario with every default, as YAML on stdout. */
void scenario_print(const struct scenario *scenario);

/* JSON Schema (draft 2020-12) of the scenario file on stdout. */
void scenario_print_schema(void);

/* Every key with type, default and help, as Markdown: the generated part of docs/scenario.md. */
void scenario_print_markdown(FILE *out);

/* The table: of the whole file, from apiVersion down. */
extern const struct field scenario_fields[];

#endif
