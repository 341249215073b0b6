/* A pod's way from its node to Ready: images, container, engine, weights, warm-up, readiness probe. Each
 * phase is a transfer over shared links and disks, or a delay drawn from the pod's own random stream. */
#include "cluster/cluster_private.h"

static simtime now_of(const struct pod_state *pod) {
    return engine_now(pod->cluster->engine);
}

static void after(struct pod_state *pod, double seconds, event_handler next) {
    pod->event =
        engine_at(pod->cluster->engine, now_of(pod) + simtime_from_s(seconds), EVENT_LIFECYCLE, next, pod, 0);
}

static struct node_cache *cache_of(const struct pod_state *pod) {
    return pod->cluster->nodes[pod->pub.node].cache;
}

/* ---- readiness ---- */

/* The kubelet probes at initialDelay + k * period after the container's start; the pod is Ready at the first
 * success. Where it probes within the period differs from node to node in reality; here the first probe is at
 * the initial delay. */
static double until_probe_s(const struct pod_state *pod) {
    const struct probe *probe = &demand_of(pod)->readiness;
    if (!probe->present || probe->period_s <= 0) {
        return 0;
    }
    double since_start = simtime_to_s(now_of(pod) - pod->pub.started_ps) - probe->initial_delay_s;
    if (since_start < 0) {
        return -since_start;
    }
    double periods = (double)(int64_t)(since_start / probe->period_s);
    double wait = since_start - periods * probe->period_s;
    double successes = (double)(probe->success_threshold > 1 ? probe->success_threshold - 1 : 0);
    return (wait > 0 ? probe->period_s - wait : 0) + successes * probe->period_s;
}

static void probe_succeeds(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    pod->event = 0;
    pod_become_ready(pod);
}

static void warmed(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    after(pod, until_probe_s(pod), probe_succeeds);
}

/* ---- weights ---- */

static void weights_read(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    struct cluster *c = pod->cluster;
    const struct pod_demand *d = demand_of(pod);
    pod->transfer = 0;
    pod->pub.loaded_ps = now_of(pod);
    pod->pub.phase = POD_WARMING;
    double per_gpu_bytes = d->weights.bytes / (double)(d->weight_gpus > 0 ? d->weight_gpus : 1);
    double load_s = per_gpu_bytes / c->config.startup->device_load_bytes_per_s;
    after(pod, load_s + delay_draw(&c->config.startup->warm_up, &pod->rng), warmed);
}

/* From the node's disk to its memory, unless the download has just left them there. */
static void read_weights(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    const struct node *node = &c->nodes[pod->pub.node];
    if (pod->weights_fresh || c->config.pools[node->pool].disk_read_bytes_per_s <= 0) {
        weights_read(pod, 0);
        return;
    }
    pod->transfer =
        engine_disk_read(c->engine, node->host, demand_of(pod)->weights.bytes, weights_read, pod, 0);
}

static void started(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    const struct pod_demand *d = demand_of(pod);
    pod->event = 0;
    if (!d->model_server) {
        pod->pub.loaded_ps = now_of(pod);
        warmed(pod, 0);
        return;
    }
    pod->pub.phase = POD_LOADING;
    pod->weights_wanted = d->weights.bytes > 0;
    if (!pod->weights_wanted ||
        cache_want(cache_of(pod), &d->weights, pod->cluster->config.models_host, pod)) {
        read_weights(pod);
    }
}

/* ---- container and images ---- */

static void images_here(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    pod->pub.pulled_ps = now_of(pod);
    pod->pub.phase = POD_STARTING;
    cluster_say(c, pod->pub.name, "Pulled", "images are on %s", c->nodes[pod->pub.node].name);
    double container_s = delay_draw(&c->config.startup->container_start, &pod->rng);
    pod->pub.started_ps = now_of(pod) + simtime_from_s(container_s);
    double engine_s = delay_draw(&c->config.startup->engine_init, &pod->rng);
    after(pod, container_s + (demand_of(pod)->model_server ? engine_s : 0), started);
}

/* One image after the other, as the kubelet does by default (serializeImagePulls). */
static void pull_next(struct pod_state *pod) {
    const struct pod_demand *d = demand_of(pod);
    while (pod->images_wanted < d->image_count) {
        const struct artefact *image = &d->images[pod->images_wanted];
        pod->images_wanted++;
        if (!cache_want(cache_of(pod), image, pod->cluster->config.registry_host, pod)) {
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
    if (pod->transfer) {
        engine_transfer_cancel(engine, pod->transfer);
        pod->transfer = 0;
    }
    if (pod->waiting) {
        cache_forget_waiter(cache_of(pod), pod);
    }
}
