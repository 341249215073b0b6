/* A pod's way from its node to Ready: images, container, engine, weights, warm-up, readiness probe. Each
 * phase is a transfer over shared links and disks, or a delay drawn from the pod's own random stream. */
#include "cluster/cluster_private.h"

static simtime now_of(const struct pod_state *pod) {
    return engine_now(pod->cluster->engine);
}

static void after(struct pod_state *pod, double seconds, event_handler next) {
    pod->event = engine_at(pod->cluster->engine, simtime_add(now_of(pod), simtime_from_s(seconds)),
                           EVENT_LIFECYCLE, next, pod, 0);
}

static struct node_cache *cache_of(const struct pod_state *pod) {
    return node_of(pod)->pub.cache;
}

/* ---- readiness ---- */

/* The kubelet probes at initialDelay + k * period after the container's start. Where it probes within the
 * period differs from node to node in reality; here the first probe is at the initial delay. */
simtime probe_after(const struct probe *probe, simtime since_start) {
    simtime first = simtime_from_s(probe->initial_delay_s);
    simtime period = simtime_from_s(probe->period_s);
    if (since_start <= first) {
        return first;
    }
    if (period <= 0) {
        return since_start;
    }
    return simtime_add(first, simtime_times(period, (since_start - first - 1) / period + 1));
}

/* The date, from the container's start, at which a container that has worked since `since_start` is found
 * Ready. Until the startup probe succeeds the readiness probe does not run, and then it does at once. */
static simtime found_ready(const struct pod_demand *d, simtime since_start) {
    simtime at = since_start;
    if (d->startup.present) {
        at = probe_after(&d->startup, at);
    }
    if (!d->readiness.present) {
        return at;
    }
    if (!d->startup.present || at < simtime_from_s(d->readiness.initial_delay_s)) {
        at = probe_after(&d->readiness, at);
    }
    return simtime_add(
        at, simtime_times(simtime_from_s(d->readiness.period_s), d->readiness.success_threshold - 1));
}

static void probe_succeeds(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    pod->event = 0;
    restart_container_works(pod);
    pod_become_ready(pod);
}

static void warmed(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    restart_container_works(pod);
    simtime ready =
        simtime_add(pod->container_ps, found_ready(demand_of(pod), now_of(pod) - pod->container_ps));
    pod->event = engine_at(pod->cluster->engine, ready, EVENT_LIFECYCLE, probe_succeeds, pod, 0);
}

/* ---- weights ---- */

static void weights_read(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    struct cluster *c = pod->cluster;
    const struct pod_demand *d = demand_of(pod);
    pod->transfer = 0;
    pod->pub.loaded_ps = pod->pub.loaded_ps < 0 ? now_of(pod) : pod->pub.loaded_ps;
    pod->in_page_cache = true;
    pod->pub.phase = POD_WARMING;
    double per_gpu_bytes = d->weights.bytes / (double)(d->weight_gpus > 0 ? d->weight_gpus : 1);
    double load_s = per_gpu_bytes / c->config.startup->device_load_bytes_per_s;
    after(pod, load_s + delay_draw(&c->config.startup->warm_up, &pod->rng), warmed);
}

/* From the node's disk to its memory, unless the download has just left them there. */
static void read_weights(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    const struct node *node = &node_of(pod)->pub;
    if (pod->weights_fresh || c->config.pools[node->pool].disk_read_bytes_per_s <= 0) {
        weights_read(pod, 0);
        return;
    }
    pod->transfer =
        engine_disk_read(c->engine, node->host, demand_of(pod)->weights.bytes, weights_read, pod, 0);
}

static void engine_up(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    const struct pod_demand *d = demand_of(pod);
    pod->event = 0;
    pod->pub.phase = POD_LOADING;
    pod->weights_wanted = d->weights.bytes > 0;
    if (!pod->weights_wanted ||
        cache_want(cache_of(pod), &d->weights, false, pod->cluster->config.models_host, pod)) {
        read_weights(pod);
    }
}

/* ---- container and images ---- */

static void container_runs(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    pod->event = 0;
    pod->container_ps = now_of(pod);
    pod->pub.started_ps = pod->pub.started_ps < 0 ? now_of(pod) : pod->pub.started_ps;
    restart_container_runs(pod);
    if (demand_of(pod)->model_server) {
        after(pod, delay_draw(&pod->cluster->config.startup->engine_init, &pod->rng), engine_up);
        return;
    }
    pod->pub.loaded_ps = pod->pub.loaded_ps < 0 ? now_of(pod) : pod->pub.loaded_ps;
    warmed(pod, 0);
}

void startup_restart(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    if (demand_of(pod)->bare) {
        pod_become_ready(pod);
        return;
    }
    pod->pub.phase = POD_STARTING;
    pod->weights_fresh = pod->in_page_cache;
    after(pod, delay_draw(&c->config.startup->container_start, &pod->rng), container_runs);
}

static void images_here(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    pod->pub.pulled_ps = pod->pub.pulled_ps < 0 ? now_of(pod) : pod->pub.pulled_ps;
    pod->pub.phase = POD_STARTING;
    cluster_say(c, pod->pub.name, "Pulled", "images are on %s", node_of(pod)->pub.name);
    after(pod, delay_draw(&c->config.startup->container_start, &pod->rng), container_runs);
}

/* One image after the other, as the kubelet does by default (serializeImagePulls). */
static void pull_next(struct pod_state *pod) {
    const struct pod_demand *d = demand_of(pod);
    while (pod->images_wanted < d->image_count) {
        const struct artefact *image = &d->images[pod->images_wanted];
        pod->images_wanted++;
        if (!cache_want(cache_of(pod), image, true, pod->cluster->config.registry_host, pod)) {
            return;
        }
    }
    images_here(pod);
}

void startup_artefact_here(struct pod_state *pod, bool fresh) {
    if (pod->pub.phase == POD_PULLING) {
        pull_next(pod);
    } else {
        pod->weights_fresh = fresh;
        read_weights(pod);
    }
}

void startup_begin(struct pod_state *pod) {
    pod->pub.phase = POD_PULLING;
    pull_next(pod);
}

void startup_abort(struct pod_state *pod) {
    struct engine *engine = pod->cluster->engine;
    engine_cancel(engine, pod->event);
    pod->event = 0;
    restart_forget(pod);
    if (pod->transfer) {
        engine_transfer_cancel(engine, pod->transfer);
        pod->transfer = 0;
    }
    if (pod->waiting) {
        cache_forget_waiter(cache_of(pod), pod);
    }
}

void startup_release(struct pod_state *pod) {
    const struct pod_demand *d = demand_of(pod);
    for (size_t i = 0; i < pod->images_wanted; i++) {
        cache_release(cache_of(pod), d->images[i].key);
    }
    if (pod->weights_wanted) {
        cache_release(cache_of(pod), d->weights.key);
    }
}
