/* What the pods of each workload need, and how long their work takes on each pool they may land on. */
#include <string.h>

#include "base/strbuf.h"
#include "base/units.h"
#include "cluster/scheduler.h"
#include "world/world.h"

/* ---- service times ---- */

bool demand_is_called(const struct pod_demand *demand, const char *called) {
    const char *key = demand->workload;
    size_t n = strlen(called);
    size_t key_n = strlen(key);
    return strcmp(called, demand->name) == 0 || strcmp(called, key) == 0 ||
           (n < key_n && key[key_n - n - 1] == '/' && strcmp(key + key_n - n, called) == 0);
}

/* The entry that names the workload, else the one for all. */
static const struct service_time_config *entry_of(const struct scenario *s, const struct pod_demand *demand) {
    const struct service_time_config *found = NULL;
    for (size_t i = 0; i < s->service_time_count; i++) {
        const struct service_time_config *e = &s->service_times[i];
        if (e->workload && demand_is_called(demand, e->workload)) {
            return e;
        }
        if (!e->workload && !found) {
            found = e;
        }
    }
    return found;
}

static const struct architecture *find_architecture(const struct service_time_config *entry,
                                                    const struct container *c, struct error *err) {
    const char *model = entry && entry->model ? entry->model : c->engine.model;
    const struct position *pos = entry && entry->model ? &entry->pos : &c->engine.model_pos;
    const struct architecture *a = model ? architecture_find(model) : NULL;
    if (!a) {
        error_at(err, ERROR_INVALID, pos->line ? pos : &c->pos, "--model",
                 "no architecture is known for model '%s'", model ? model : "(none given)");
        error_hint(
            err,
            "name the architecture it has under service_times, `model:` (`drydock help models` lists them)");
    }
    return a;
}

static const struct gpu_kind *find_gpu(const struct service_time_config *entry,
                                       const struct pool_config *pool, struct error *err) {
    const char *name = entry && entry->gpu ? entry->gpu : pool->gpu;
    const struct gpu_kind *gpu = gpu_find(name);
    if (!gpu) {
        const struct position *pos = entry && entry->gpu ? &entry->pos : &pool->pos;
        error_at(err, ERROR_INVALID, pos, "gpu", "no service times are known for GPU '%s'", name);
        struct strbuf known = {0};
        for (const struct gpu_kind *g = gpu_kinds; g->name; g++) {
            strbuf_printf(&known, "%s%s", known.length > 0 ? ", " : "", g->name);
        }
        error_hint(err, "known are %s; or set service_times `gpu:` to the nearest one", known.text);
        strbuf_free(&known);
    }
    return gpu;
}

/* An adapter comes from the node's disk, and to each GPU its share. */
static void settle_adapters(struct replica_config *config, const struct startup_config *startup,
                            const struct pool_config *pool) {
    double gpus = (double)(config->tensor_parallel * config->pipeline_parallel);
    config->adapters.to_host_ps = simtime_from_s(config->adapter_bytes / pool->disk_read_bytes_per_s);
    config->adapters.to_gpu_ps =
        simtime_from_s(config->adapter_bytes / gpus / startup->device_load_bytes_per_s);
}

/* How often drafts are right no manifest says. */
static void settle_speculation(struct world *w, struct replica_config *config,
                               const struct service_time_config *entry, const struct container *c) {
    if (config->speculation.tokens == 0) {
        return;
    }
    notice_add(w->notices, NOTICE_NOTE, &c->engine.pos,
               "speculative decoding: every step is an event of its own (no fast-forward)");
    if (entry && entry->acceptance >= 0) {
        config->speculation.acceptance = entry->acceptance;
        return;
    }
    notice_add(w->notices, NOTICE_WARNING, &c->engine.pos,
               "speculative decoding: a draft token is taken to be right with probability %g; measure it and "
               "set service_times `acceptance:`",
               config->speculation.acceptance);
}

/* Compiles the service times of a model server on one pool's GPUs. */
static bool compile_on_pool(struct world *w, uint32_t d, size_t pool, const struct service_time_config *entry,
                            const struct workload *workload, const struct container *c, struct error *err) {
    struct workload_state *load = &w->workloads[d];
    const struct pool_config *p = &w->scenario.pools[pool];
    struct pool_times *on = &load->on_pool[pool];
    const struct architecture *a = find_architecture(entry, c, err);
    const struct gpu_kind *gpu = a ? find_gpu(entry, p, err) : NULL;
    if (!gpu) {
        return false;
    }
    double memory = p->gpu_memory_bytes > 0 ? p->gpu_memory_bytes : gpu->memory_bytes;
    if (!replica_config_fill(&on->config, &c->engine, a, gpu, memory, load->gpus, err)) {
        return error_hint(err, "on pool %s (%s)", p->name, gpu->name);
    }
    on->config.seed = w->seed;
    settle_adapters(&on->config, &w->scenario.startup, p);
    settle_speculation(w, &on->config, entry, c);
    if (entry && strcmp(entry->batching, "static") == 0) {
        on->config.scheduler = SCHEDULER_STATIC;
        on->config.async_scheduling = false;
        on->config.offload = (struct kv_offload){0};
    }
    world_offload(w, &on->config, workload, c, p);
    if (entry) {
        on->config.time_factor = entry->time_factor;
        on->config.overhead_s = entry->overhead_s >= 0 ? entry->overhead_s : on->config.overhead_s;
        on->config.api_overhead_s =
            entry->api_overhead_s >= 0 ? entry->api_overhead_s : on->config.api_overhead_s;
    }
    on->times = service_time_compile(&on->config, w->arena, err);
    if (gpu->basis != GPU_MEASURED) {
        notice_add(w->notices, NOTICE_WARNING, &p->pos, "service times of %s are %s (%s)", gpu->name,
                   gpu->basis == GPU_UNMEASURED ? "unmeasured" : "extrapolated in part", gpu->provenance);
    }
    return on->times != NULL;
}

bool demand_may_land_on(const struct world *w, const struct pod_demand *d, size_t pool) {
    const struct pool_config *p = &w->scenario.pools[pool];
    struct pod_view pod = {.cpu_milli = d->cpu_milli,
                           .memory_bytes = d->memory_bytes,
                           .gpus = d->gpus,
                           .node_selector = d->node_selector,
                           .tolerations = d->tolerations};
    struct node_view empty = {.usable = true,
                              .labels = &w->pool_labels[pool],
                              .taints = &p->taints,
                              .cpu_milli = (int64_t)(p->cpu * 1000),
                              .memory_bytes = (int64_t)p->memory_bytes,
                              .gpus = p->gpus};
    return scheduler_filter(&pod, &empty) == FIT;
}

/* Loaders map the checkpoint or copy it: either way its pages count to the container until they are on the
 * GPU, beside the process's own gigabytes. */
static void warn_of_memory(struct world *w, const struct workload *workload, const struct container *c,
                           double weight_bytes) {
    char limit[48];
    if (c->limits.memory_bytes < 0 || (double)c->limits.memory_bytes >= weight_bytes) {
        return;
    }
    notice_add(
        w->notices, NOTICE_WARNING, &c->pos,
        "container %s of %s may use %s of memory, and the weights that pass through it are %.1f GB: in a "
        "cluster it loads slowly or is OOMKilled; here it runs as if it had the room",
        c->name, workload->name, unit_text(UNIT_BYTES, (double)c->limits.memory_bytes, limit),
        weight_bytes / 1e9);
}

static bool model_server(struct world *w, uint32_t d, const struct workload *workload,
                         const struct service_time_config *entry, const struct container *c,
                         struct error *err) {
    struct workload_state *load = &w->workloads[d];
    struct pod_demand *demand = &w->demands[d];
    if (demand->gpus == 0) {
        error_at(err, ERROR_INVALID, &c->pos, "resources.limits",
                 "a model server without a GPU is not modelled");
        return error_hint(err, "ask for nvidia.com/gpu, or give service_times for %s a `server:` law",
                          workload->name);
    }
    load->on_pool = arena_array(w->arena, w->scenario.pool_count, sizeof *load->on_pool);
    for (size_t p = 0; p < w->scenario.pool_count; p++) {
        if (demand_may_land_on(w, demand, p) && !compile_on_pool(w, d, p, entry, workload, c, err)) {
            return false;
        }
        if (load->on_pool[p].times && !load->can_serve) {
            load->can_serve = true;
            const struct replica_config *config = &load->on_pool[p].config;
            demand->weights.key =
                arena_printf(w->arena, "weights/%s@%d", config->architecture->name, config->weights);
            demand->weights.bytes = config->weight_bytes;
            demand->weight_gpus = config->tensor_parallel * config->pipeline_parallel;
        }
    }
    demand->model_server = true;
    load->model = c->engine.served_model_name ? c->engine.served_model_name : c->engine.model;
    warn_of_memory(w, workload, c, demand->weights.bytes);
    return true;
}

/* ---- pods ---- */

static double image_bytes(const struct scenario *s, const char *image) {
    for (size_t i = 0; i < s->image_count; i++) {
        if (strstr(image, s->images[i].match)) {
            return s->images[i].bytes;
        }
    }
    return 0;
}

static int64_t asked(int64_t amount) {
    return amount > 0 ? amount : 0;
}

static void read_images(struct world *w, const struct workload *workload, struct pod_demand *demand) {
    size_t count = workload->pod.init_container_count + workload->pod.container_count;
    struct artefact *images = arena_array(w->arena, count, sizeof *images);
    for (size_t i = 0; i < count; i++) {
        const struct container *c = i < workload->pod.init_container_count
                                        ? &workload->pod.init_containers[i]
                                        : &workload->pod.containers[i - workload->pod.init_container_count];
        const char *image = c->image ? c->image : "";
        images[i] = (struct artefact){.key = image, .bytes = image_bytes(&w->scenario, image)};
    }
    demand->images = images;
    demand->image_count = count;
}

static void read_pod(struct world *w, uint32_t d, const struct workload *workload) {
    struct pod_demand *demand = &w->demands[d];
    demand->workload = workload->key;
    demand->name = workload->name;
    demand->pos = workload->pos;
    demand->stateful = workload->kind == WORKLOAD_STATEFULSET;
    demand->ordered = demand->stateful && workload->ordered;
    demand->cpu_milli = asked(workload->pod.total.cpu_milli);
    demand->memory_bytes = asked(workload->pod.total.memory_bytes);
    demand->gpus = asked(workload->pod.total.gpus);
    demand->node_selector = &workload->pod.node_selector;
    demand->tolerations = workload->pod.tolerations;
    demand->unreachable_s = scheduler_tolerates_unreachable_s(demand->tolerations);
    demand->grace_s = workload->pod.termination_grace_s;
    const struct container *c = workload_model_server(workload);
    if (!c && workload->pod.container_count > 0) {
        c = &workload->pod.containers[0];
    }
    if (c) {
        demand->startup = c->startup_probe;
        demand->readiness = c->readiness_probe;
        demand->liveness = c->liveness_probe;
        demand->pre_stop_s = c->pre_stop_s;
    }
    read_images(w, workload, demand);
    w->workloads[d].name = workload->name;
    w->workloads[d].gpus = demand->gpus;
    w->replicas_wanted[d] = workload->replicas;
}

static void plain_server(struct world *w, uint32_t d, const struct delay *law, int64_t concurrency,
                         int64_t queue_limit, double time_factor) {
    struct workload_state *load = &w->workloads[d];
    load->plain = true;
    load->can_serve = true;
    load->server = (struct plain_server_config){
        .law = *law,
        .concurrency = concurrency,
        .queue_limit = queue_limit,
        .time_factor = time_factor,
        .seed = w->seed,
        .service_name = w->services[load->service].name,
    };
}

/* Amounts have been checked on loading; what is left are labels and taints. */
static bool fits_somewhere(const struct world *w, uint32_t d, struct error *err) {
    const struct pod_demand *demand = &w->demands[d];
    for (size_t p = 0; p < w->scenario.pool_count; p++) {
        if (demand_may_land_on(w, demand, p)) {
            return true;
        }
    }
    const struct workload *workload = &w->scenario.manifests.workloads[d];
    struct position pos = scenario_pod_place(&w->scenario, workload, "nodeSelector");
    error_at(err, ERROR_INVALID, &pos, "spec.template.spec",
             "a pod of %s can land on no pool: its nodeSelector or a taint stands against each",
             demand->name);
    return error_hint(err, "give a pool these `labels:`, or the pod a toleration");
}

/* Beyond what any cluster runs (Kubernetes' own limit is 150,000 pods); each takes memory here. */
enum { REPLICAS_MAX = 100000 };

static bool check_replicas(const struct workload *workload, struct error *err) {
    return workload->replicas <= REPLICAS_MAX ||
           error_at(err, ERROR_INVALID, &workload->replicas_pos, "spec.replicas",
                    "expected at most %d replicas, found %lld", REPLICAS_MAX, (long long)workload->replicas);
}

static bool read_workload(struct world *w, uint32_t d, struct error *err) {
    const struct workload *workload = &w->scenario.manifests.workloads[d];
    if (!check_replicas(workload, err)) {
        return false;
    }
    read_pod(w, d, workload);
    if (!fits_somewhere(w, d, err)) {
        return false;
    }
    const struct service_time_config *entry = entry_of(&w->scenario, &w->demands[d]);
    const struct container *c = workload_model_server(workload);
    if (entry && entry->has_server) {
        plain_server(w, d, &entry->server, entry->concurrency, entry->server_queue_limit, entry->time_factor);
        if (entry->api_overhead_s > 0) {
            w->workloads[d].api_overhead_s = entry->api_overhead_s;
        }
        return true;
    }
    if (c) {
        return model_server(w, d, workload, entry, c, err);
    }
    notice_add(
        w->notices, NOTICE_WARNING, &workload->pos,
        "%s is no model server and service_times has no `server:` for it: it takes room and no requests",
        workload->key);
    return true;
}

/* Kubernetes' default terminationGracePeriodSeconds, for stations that have no manifest to say otherwise. */
enum { BARE_GRACE_S = 30 };

bool world_demands(struct world *w, struct error *err) {
    size_t workloads = w->scenario.manifests.workload_count;
    for (uint32_t d = 0; d < workloads; d++) {
        if (!read_workload(w, d, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < w->scenario.service_count; i++) {
        const struct inline_service_config *s = &w->scenario.services[i];
        uint32_t d = (uint32_t)(workloads + i);
        w->workloads[d].name = s->name;
        w->demands[d] = (struct pod_demand){.workload = arena_printf(w->arena, "services/%s", s->name),
                                            .name = s->name,
                                            .pos = s->pos,
                                            .bare = true,
                                            .grace_s = BARE_GRACE_S};
        w->replicas_wanted[d] = s->replicas;
        plain_server(w, d, &s->server, s->concurrency, s->queue_limit, 1);
    }
    return true;
}
