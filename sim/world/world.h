/* sim/world/world.h: what a run holds while it goes: services, replicas, cluster, arrivals, statistics. Built
 * here from the scenario; sim/run drives it, sim/accounts keeps its books. */
#ifndef DRYDOCK_WORLD_WORLD_H
#define DRYDOCK_WORLD_WORLD_H

#include "autoscale/hpa.h"
#include "cluster/cluster.h"
#include "diary/diary.h"
#include "finops/footprint.h"
#include "finops/ledger.h"
#include "finops/price_book.h"
#include "gateway/gate.h"
#include "gateway/router.h"
#include "record/histogram.h"
#include "record/record.h"
#include "scenario/scenario.h"
#include "serving/replica.h"
#include "telemetry/buckets.h"
#include "telemetry/telemetry.h"
#include "traces/traces.h"

/* Figures of one scope (the whole, a service, a tenant) while they gather. */
struct scope {
    struct request_counts counts;
    uint64_t counted; /* arrived after the warm-up */
    uint64_t counted_completed;
    uint64_t one_token;                         /* completed, with no TPOT by definition */
    uint64_t good;                              /* counted, completed, every per-request objective met */
    uint64_t input_tokens, output_tokens;       /* of counted completed requests */
    uint64_t good_in_all, output_tokens_in_all; /* warm-up included: what the bill is spread over */
    money_amount *used; /* of a tenant, by service: ps of servers x nano-dollars an hour; NULL = nothing */
    struct histogram ttft, tpot, itl, e2e, queue;
};

/* What a request must meet to be good: limits in seconds, infinity = none. */
struct request_limits {
    bool any;
    double ttft_s, tpot_s, e2e_s, queue_s;
};

/* What a request came to: figures in seconds, NaN where it has none. */
struct outcome {
    double ttft_s, tpot_s, e2e_s, queue_s;
    bool good; /* completed, every per-request objective met */
};

/* Why requests were turned away, by the literal that says so. */
enum { REJECT_REASONS_MAX = 8 };
struct reject_reason {
    const char *text;
    uint64_t count;
};

/* Requests of a service that wait for their first token, the one that gives up first before the others; see
 * patience.c. */
struct patience {
    struct request *first, *last;
    event_id event; /* not after the first one gives up; 0 = none */
    simtime event_ps;
};

/* What a service's users do with what they get; see clients.c. */
enum { RETRY_BUDGET_SLICES = 10 };
struct clients {
    const struct retry_config *retry; /* NULL = nobody tries again */
    uint32_t again_on;                /* 1 << status */
    uint64_t stream;
    /* the budget: what was earned less what was spent, by slice of its window */
    double earned[RETRY_BUDGET_SLICES + 1];
    simtime slice_ps;
    int64_t slice;                      /* the newest, counted from time 0 */
    const struct cancel_config *cancel; /* NULL = nobody stops */
};

/* What a policy says of a tenant's requests. */
struct tenant_terms {
    int16_t priority;
    uint32_t adapter; /* names[] index; 0 = none */
};

struct service_state {
    const char *name;
    const char *key;  /* namespace/kind/name; an inline service's name */
    bool bare;        /* a workload that no Service selects */
    uint32_t name_id; /* in the names table */
    struct position pos;
    const struct dd_router_ops *router;
    void *router_state;
    uint64_t router_stream;
    int64_t queue_limit;        /* -1 = none */
    simtime timeout_ps;         /* 0 = none */
    struct tenant_terms *terms; /* by names[] index of the tenant; beyond terms_count all zero */
    size_t terms_count;
    struct patience patience;
    struct clients clients;
    struct request_limits limits;
    struct dd_candidate *candidates; /* Ready replicas that take work */
    struct serving_pod **candidate_pods;
    uint32_t candidate_count;
    size_t candidate_capacity;
    simtime metrics_refresh_ps; /* what the gateway sees of replicas is of a multiple of this; 0 = of now */
    simtime seen_ps;            /* the last such multiple */
    uint32_t ever_ready;        /* replicas so far: the next one's number */
    bool blind;                 /* its router does not look into replicas, nor does anybody else */
    bool has_weights;           /* its workloads' `weight` counts; else every replica has 1 */
    struct request_list held; /* at the gateway while no replica is Ready; with a gate that holds, in there */
    /* Disaggregated: the replicas above compute prompts, these make the answers. Has candidates, a router and
     * those it holds, and nothing else. NULL = one replica does both. */
    struct service_state *decode;
    bool decode_first;             /* KV is given room before the prompt is computed: SGLang */
    uint32_t handover_tokens_from; /* shorter prompts are not handed over */
    struct gate gate;
    uint64_t waiting; /* reached the gateway, not yet scheduled anywhere */
    struct reject_reason rejects[REJECT_REASONS_MAX];
    struct scope scope;
    simtime_total
        plain_service_ps; /* summed service times of plain requests that ran to their end or were cut */
};

/* A model server's speed on the GPUs of one pool. */
struct pool_times {
    struct replica_config config;
    struct service_time *times; /* NULL: its pods cannot land there */
};

/* How the pods of a workload serve; one for each demand of the cluster. */
struct workload_state {
    const char *name;
    const char *model; /* that it serves, by the name its users call it; NULL = none */
    int64_t service;   /* -1 = serves none */
    bool plain;
    struct pool_times *on_pool; /* model servers: by pool */
    struct plain_server_config server;
    bool can_serve;        /* false: nothing says how long its work takes */
    double api_overhead_s; /* plain servers; model servers have theirs in the config */
    int64_t gpus;          /* a pod */
    double weight;         /* of the service's traffic, by the policy's weights */
    simtime wanted_since_ps;
    simtime_total wanted_area; /* replicas asked for x ps, up to then */
    enum kv_role kv_role;      /* NONE, PREFILL or DECODE */
};

/* A pod that has been Ready: its replica. */
struct serving_pod {
    struct pod *pod;
    struct replica *replica;
    uint32_t demand;
    uint32_t service;
    uint32_t number;               /* of the service's replicas, as its router knows them */
    int64_t candidate;             /* place in the service's candidates; -1 = takes no work */
    uint32_t waiting, kv_permille; /* as of its last event, at looked_ps */
    simtime looked_ps;
    simtime api_overhead_ps;
    bool decodes;                       /* among the candidates of service_state.decode */
    uint64_t kv_out_bytes, kv_in_bytes; /* KV of prompts handed over, and received */
    uint32_t outstanding;               /* changed by bill_outstanding only */
    uint64_t outstanding_tokens;
    nanousd server_per_h; /* what one of its servers costs; 0 = not known */
    simtime outstanding_since_ps;
    simtime working_ps; /* with at least one outstanding */
    simtime serving_ps; /* of that, before it was told to stop */
    simtime_total in_flight_area;
    simtime serving_since_ps; /* while one is outstanding */
    uint64_t completed;
    struct token_gaps gaps; /* of counted requests */
    simtime_total gap_sum;  /* from the first token to the last, of those that have ended */
    /* as telemetry last saw it */
    struct telemetry_sample sample;
    simtime scraped_ps;
    simtime_total scraped_busy_ps;
    /* as the time series last saw it */
    simtime seen_ps;
    simtime_total seen_gpu_busy;
    uint32_t seen_kv_permille;
};

/* An HPA of the manifests at work on one workload. */
struct scaler {
    const struct hpa *spec;
    uint32_t demand;
    struct hpa_state state;
    const struct telemetry_metric **metrics; /* by metric of the spec; NULL = nothing exposes it */
    int64_t *requests_milli;                 /* of a pod, by metric: HPA_NO_REQUEST ... */
};

/* A request between prefill and decode, as far as it got; dates in ps, -1 = not yet. */
struct handover_trace {
    int32_t prefill_replica;      /* index in the run */
    simtime prefilled_ps;         /* the prompt's end */
    simtime begun_ps, arrived_ps; /* of the KV's way */
    uint64_t kv_bytes;
};

/* What crossed between a gateway's zone and a zone of replicas, for one service: a few adds a request. */
struct traffic {
    uint64_t request_bytes, response_tokens;
};

/* What came to the nodes of a zone for one workload. */
struct pulls {
    uint64_t image_bytes, weight_bytes;
};

struct scaling_counts {
    uint64_t decisions, ups, downs;
};

/* Requests for a model, shared out to services by weight; and what is asked in its place when that is full.
 */
struct route_target {
    uint32_t service;
    uint32_t adapter; /* names[] index; 0 = the tenant's */
    double until;     /* weights up to and with this one, of 1 */
};
struct route_choice {
    const char *name;
    const struct route_target *targets;
    uint32_t target_count;
    uint64_t taken; /* attempts that it was, as a fallback */
};
enum { ROUTE_CHOICES_MAX = 16 };
struct model_route {
    const char *name;
    struct route_choice *choices; /* its own targets, then the fallbacks */
    uint32_t choice_count;
    uint32_t waiting_most, kv_permille_most; /* of a replica that has room */
    uint64_t stream;
    uint64_t attempts;
};

/* A tenant that a policy knows by name. */
struct named_tenant {
    uint32_t name; /* in the names table */
    struct position pos;
};

/* Of KV blocks, shared by the engines that call it so. */
struct kv_store_state {
    const char *name;
    struct prefix_store *store;
};

struct world {
    struct scenario scenario;
    uint64_t seed;
    bool stepping;               /* engines take every step by itself */
    bool check_only, allow_exec; /* code that the scenario names: not loaded to be checked; may be loaded */
    struct arena *arena;
    struct notices *notices;
    struct engine *engine;
    struct platform platform;
    bool has_platform; /* some pod needs a node */
    struct request_pool *pool;
    struct trace_names names; /* services, tenants, regions */
    struct trace_source *source;
    uint32_t *source_region; /* by trace of the scenario: names[] index of its users' region, 0 = not said */
    struct service_state *services;
    uint32_t service_count;
    const struct service_state **told; /* those with figures: summary.services, in its order */
    size_t told_count;
    uint32_t *service_of_name; /* names[] index -> service + 1; grows with the names */
    size_t service_of_name_count;
    struct named_tenant *named_tenants;
    size_t named_tenant_count, named_tenant_capacity;
    struct model_route *routes;
    uint32_t route_count;
    uint32_t *route_of_name; /* names[] index -> route + 1 */
    size_t route_of_name_count;
    uint32_t route_of_rest;   /* + 1: of names that neither a route nor a service has; 0 = there is none */
    uint32_t default_service; /* for rows that name none; service_count = there is no such */
    struct workload_state *workloads;
    struct pod_demand *demands;
    int64_t *replicas_wanted;
    uint32_t demand_count;
    struct kv_store_state *kv_stores;
    size_t kv_store_count, kv_store_capacity;
    struct cluster *cluster;
    bool has_prices;
    struct price_book price_book;
    struct pool_price *pool_prices; /* by pool */
    struct ledger ledger;
    struct traffic *traffic; /* by gateway zone, 0 or zone of the replica + 1, service */
    uint64_t *kv_bytes;  /* by zone of prefill, zone of decode, service; NULL = no service is disaggregated */
    struct pulls *pulls; /* by demand, zone */
    const struct storage_price **disk_prices; /* by pool; NULL = the disk comes with the node */
    struct carbon carbon;
    struct footprints footprints;
    struct scaler *scalers;
    size_t scaler_count;
    simtime scrape_interval_ps, sync_period_ps;
    struct scaling_counts scaling;
    struct replica_events replica_events;
    struct replica_events prefill_events; /* of replicas that compute prompts for others */
    struct handovers *handovers;          /* run/handover.c; NULL = no service is disaggregated */
    struct serving_pod **pods;            /* by replica index */
    size_t serving_count, serving_capacity;
    uint32_t next_rank; /* of the next replica */
    /* network: hosts of the generated platform */
    uint32_t *region_host;  /* users of each scenario region */
    uint32_t *region_zone;  /* the nearest zone: where their gateway is */
    uint32_t *gateway_host; /* of each zone */
    uint32_t *pool_zone;
    uint32_t *first_host; /* of each pool */
    uint32_t registry_host, models_host;
    struct labels *pool_labels;
    uint32_t *region_of_name; /* names[] index -> region + 1 */
    size_t region_of_name_count;
    /* the clock of the run */
    struct trace_row next_row;
    bool have_row;
    simtime warmup_ps, duration_ps; /* duration 0 = until the trace ends */
    bool arrivals_over, window_over;
    simtime last_arrival_ps;
    /* statistics */
    struct scope all;
    struct scope **tenants; /* by names[] index; NULL = none yet */
    size_t tenant_capacity;
    size_t tenant_count;
    struct scope *region_groups;  /* by region of the scenario; NULL = none yet, or there is one only */
    struct scope *modalities;     /* by enum request_modality; NULL = all were text so far */
    money_amount *used_by_nobody; /* as scope.used, of requests that name no tenant */
    simtime_total in_system_area; /* requests x ps, integrated as requests come and go */
    simtime_total sojourn_sum;    /* the same, summed request by request: Little's law says they are equal */
    uint64_t in_system;
    simtime in_system_since;
    uint64_t rows_unknown_service, rows_unknown_region;
    struct diary *diary;   /* of requests that are to be explained; NULL: of none */
    struct faults *faults; /* NULL: nothing breaks */
    struct error failure;  /* of a callback: stops the run */
    struct series *series; /* NULL: none are kept */
    /* results */
    struct recorder *recorder;
    struct record_table *requests_table, *events_table, *decisions_table;
};

/* build.c */
bool world_build(struct world *w, struct error *err);
bool world_arrivals(struct world *w, struct error *err); /* opens the traces; last */
void world_free(struct world *w);

/* demands.c, labels.c, network.c, policy.c, disks.c: parts of world_build */
bool world_services(struct world *w, struct error *err);
/* Queue limit, time-out, admission, router with its options, and weights of a service, once its workloads are
 * known. */
bool world_policy(struct world *w, struct service_state *s, struct error *err);
/* Priorities and adapters of a service's tenants, and a warning when nothing goes by them. `p` may be NULL.
 */
bool world_tenants(struct world *w, struct service_state *s, const struct policy_config *p,
                   struct error *err);
void world_tenants_check(struct world *w, const struct service_state *s, const struct policy_config *p);
bool world_takes_adapters(const struct world *w, const struct service_state *s); /* some engine of it */
void world_routes(struct world *w); /* routes.c: once services are known */
bool world_demands(struct world *w, struct error *err);

/* Where an engine's KV blocks go beside its GPUs: finds it the store that it names, and says what does not go
 * together with its container. */
void world_offload(struct world *w, struct replica_config *config, const struct workload *workload,
                   const struct container *c, const struct pool_config *pool);
void world_free_stores(struct world *w);
void world_labels(struct world *w);
bool world_disks(struct world *w, struct error *err);
bool world_network(struct world *w, struct error *err);

/* roles.c: which workloads of a service prefill and which decode, and how requests find the latter. */
bool world_roles(struct world *w, struct service_state *s, const struct policy_config *p, struct error *err);
bool world_is_disaggregated(const struct world *w);

/* policy.c: a router with its options, as the scenario orders it for a service. `of` gets it: the service, or
 * what stands for those of its replicas that decode. None is loaded of a path that is only checked. */
struct router_order {
    struct world *w;
    const struct service_state *service;
    struct service_state *of;
    const char *name;
    const struct yaml_node *options; /* NULL = nothing */
    const struct position *pos;      /* NULL = nowhere */
    const char *field;               /* of the options */
};
bool world_router(const struct router_order *o, struct error *err);

/* options.c: a policy names this tenant: it is told of when nobody is of it. */
void world_name_tenant(struct world *w, uint32_t name, const struct position *pos);

/* By its own name, or by that of a workload behind it; NULL = there is none. */
const struct service_state *service_called(const struct world *w, const char *called);

/* Is this what the scenario calls the demand's workload: "chat", "deployment/chat" or the whole key? */
bool demand_is_called(const struct pod_demand *demand, const char *called);

/* Fits an empty node of the pool, labels and taints included. */
bool demand_may_land_on(const struct world *w, const struct pod_demand *d, size_t pool);

#endif
