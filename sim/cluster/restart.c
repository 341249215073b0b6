/* Containers that end or hang, and the kubelet that starts them again.
 *
 * Back-off as in pkg/kubelet/kuberuntime/kuberuntime_manager.go (doBackOff) and
 * k8s.io/client-go/util/flowcontrol/backoff.go: the first restart comes at once and sets 10 s for the next
 * one, each further one doubles them up to 300 s; who ended more than 10 minutes (twice the longest) after
 * that was set begins anew. What the kubelet itself takes to notice (PLEG, 1 s) is left out. */
#include "cluster/cluster_private.h"

static const double BACKOFF_FIRST_S = 10,
                    BACKOFF_MOST_S = 300; /* kubelet's initialBackOff, MaxContainerBackOff */

static simtime now_of(const struct pod_state *pod) {
    return engine_now(pod->cluster->engine);
}

/* ---- outages ---- */

void restart_outage_begins(struct pod_state *pod) {
    struct outage *o = arena_alloc(pod->cluster->arena, sizeof *o);
    *o = (struct outage){now_of(pod), -1, pod->pub.outages};
    pod->pub.outages = o;
    pod->pub.ready_changed_ps = o->from_ps;
}

void restart_outage_ends(struct pod_state *pod) {
    struct outage *o = (struct outage *)(uintptr_t)pod->pub.outages;
    if (o && o->to_ps < 0) {
        o->to_ps = now_of(pod);
    }
}

/* ---- the container ends ---- */

static void start_again(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    pod->event = 0;
    pod->pub.restarts++;
    cluster_say(pod->cluster, pod->pub.name, "Started", "container, restart %u", pod->pub.restarts);
    startup_restart(pod);
}

/* How long the next start has to wait. */
static simtime back_off(struct pod_state *pod) {
    simtime most = simtime_from_s(BACKOFF_MOST_S), now = now_of(pod), wait = 0;
    bool begins = pod->backoff_ps == 0 || now - pod->backoff_at_ps > 2 * most;
    if (begins) {
        pod->backoff_ps = simtime_from_s(BACKOFF_FIRST_S);
    } else {
        wait = pod->backoff_ps;
        pod->backoff_ps = 2 * wait < most ? 2 * wait : most;
    }
    pod->backoff_at_ps = now + wait;
    return wait;
}

/* Its part of the disk's cache is nobody's until it is wanted again. */
static void let_weights_go(struct pod_state *pod) {
    if (pod->weights_wanted) {
        cache_release(node_of(pod)->pub.cache, demand_of(pod)->weights.key);
        pod->weights_wanted = false;
    }
}

static void container_ends(struct pod_state *pod) {
    struct cluster *c = pod->cluster;
    bool had_been_ready = pod->pub.phase == POD_READY;
    startup_abort(pod);
    pod->container_ps = -1;
    pod->hung = false;
    if (cluster_pod_ends(pod)) {
        return;
    }
    pod->pub.phase = POD_UNREADY;
    if (had_been_ready) {
        restart_outage_begins(pod);
    }
    let_weights_go(pod);
    simtime wait = back_off(pod);
    if (wait > 0) {
        cluster_say(c, pod->pub.name, "BackOff", "back-off %.0fs restarting failed container",
                    simtime_to_s(wait));
    }
    pod->event = engine_at(c->engine, simtime_add(now_of(pod), wait), EVENT_LIFECYCLE, start_again, pod, 0);
    c->events.pod_failed(c->events.context, &pod->pub);
}

bool cluster_crash(struct cluster *c, struct pod *p, const char *why) {
    struct pod_state *pod = (struct pod_state *)p;
    if (pod->container_ps < 0 || p->phase == POD_GONE || (p->node >= 0 && node_of(pod)->lost)) {
        return false;
    }
    cluster_say(c, p->name, "ContainerDied", "%s, after %.3f s", why,
                simtime_to_s(engine_now(c->engine) - pod->container_ps));
    container_ends(pod);
    return true;
}

/* ---- probes ---- */

void restart_forget(struct pod_state *pod) {
    engine_cancel(pod->cluster->engine, pod->doom);
    engine_cancel(pod->cluster->engine, pod->unready);
    pod->doom = pod->unready = 0;
}

/* Enough failures in a row, the first at the first probe from `since_start` on; each takes `failing`. */
static simtime fails_for_good(const struct probe *probe, simtime since_start, double failing_s) {
    simtime more = simtime_times(simtime_from_s(probe->period_s), probe->failure_threshold - 1);
    return simtime_add(simtime_add(probe_after(probe, since_start), more), simtime_from_s(failing_s));
}

static const struct probe *judge_of_start(const struct pod_demand *d) {
    return d->startup.present ? &d->startup : d->liveness.present ? &d->liveness : NULL;
}

static void start_is_too_slow(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    const char *probe = demand_of(pod)->startup.present ? "startup" : "liveness";
    pod->doom = 0;
    cluster_say(pod->cluster, pod->pub.name, "Unhealthy", "%s probe failed: no answer yet", probe);
    cluster_say(pod->cluster, pod->pub.name, "Killing", "container failed %s probe, will be restarted",
                probe);
    container_ends(pod);
}

/* A server that does not listen yet refuses the probe at once. One that works by the date of the last probe
 * is in time. */
void restart_container_runs(struct pod_state *pod) {
    const struct probe *probe = judge_of_start(demand_of(pod));
    if (probe) {
        simtime at = simtime_add(pod->container_ps, fails_for_good(probe, 0, 0));
        pod->doom =
            engine_at(pod->cluster->engine, simtime_add(at, 1), EVENT_LIFECYCLE, start_is_too_slow, pod, 0);
    }
}

void restart_container_works(struct pod_state *pod) {
    engine_cancel(pod->cluster->engine, pod->doom);
    pod->doom = 0;
}

static void killed_by_probe(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    pod->doom = 0;
    container_ends(pod);
}

/* It does not hear the signal to stop either. */
static void found_dead(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    struct cluster *c = pod->cluster;
    cluster_say(c, pod->pub.name, "Unhealthy", "liveness probe failed: timed out");
    cluster_say(c, pod->pub.name, "Killing", "container failed liveness probe, will be restarted");
    simtime at = simtime_add(now_of(pod), simtime_from_s(demand_of(pod)->grace_s));
    pod->doom = engine_at(c->engine, at, EVENT_LIFECYCLE, killed_by_probe, pod, 0);
}

static void found_unready(void *context, uint64_t argument) {
    (void)argument;
    struct pod_state *pod = context;
    struct cluster *c = pod->cluster;
    pod->unready = 0;
    cluster_say(c, pod->pub.name, "Unhealthy", "readiness probe failed: timed out");
    pod->pub.phase = POD_UNREADY;
    restart_outage_begins(pod);
    c->events.pod_unready(c->events.context, &pod->pub);
}

static event_id when_it_fails(struct pod_state *pod, const struct probe *probe, event_handler then) {
    simtime since = now_of(pod) - pod->container_ps;
    simtime at = simtime_add(pod->container_ps, fails_for_good(probe, since, probe->timeout_s));
    return engine_at(pod->cluster->engine, at, EVENT_LIFECYCLE, then, pod, 0);
}

bool cluster_hang(struct cluster *c, struct pod *p) {
    struct pod_state *pod = (struct pod_state *)p;
    const struct pod_demand *d = demand_of(pod);
    if (p->phase != POD_READY || pod->hung) {
        return false;
    }
    pod->hung = true;
    if (d->readiness.present) {
        pod->unready = when_it_fails(pod, &d->readiness, found_unready);
    }
    if (d->liveness.present) {
        pod->doom = when_it_fails(pod, &d->liveness, found_dead);
    }
    c->events.pod_hangs(c->events.context, p);
    return true;
}
