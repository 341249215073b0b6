/* Scrapes: the gauges of every serving pod, once an interval, as telemetry sees them. */
#include "run/run_private.h"

/* What a core does in a replica: an engine's process spins on one while the GPU works, and its API server
 * takes part of another; a plain server's thread keeps one busy. Stated in docs/autoscaling.md. */
static const double ENGINE_CORES_IDLE = 0.1;
static const double ENGINE_CORES_BUSY = 1.2;

static void scrape(void *context, uint64_t index) {
    struct world *w = context;
    struct serving_pod *p = w->pods[index];
    if (p->pod->phase == POD_GONE) {
        return;
    }
    simtime now = engine_now(w->engine);
    simtime_total busy = replica_busy_ps(p->replica);
    simtime window = now - p->scraped_ps;
    double share = window > 0 ? simtime_total_to_s(busy - p->scraped_busy_ps) / simtime_to_s(window) : 0;
    bool plain = w->workloads[p->demand].plain;
    p->sample = (struct telemetry_sample){.at = now, .window = window, .present = true};
    replica_look(p->replica);
    p->sample.values[GAUGE_WAITING] = p->replica->waiting;
    p->sample.values[GAUGE_RUNNING] = p->replica->running;
    p->sample.values[GAUGE_KV_USAGE] = (double)p->replica->kv_permille / 1000;
    p->sample.values[GAUGE_GPU_UTIL] = plain ? 0 : 100 * share;
    p->sample.values[GAUGE_CPU] =
        plain ? share : ENGINE_CORES_IDLE + share * (ENGINE_CORES_BUSY - ENGINE_CORES_IDLE);
    p->sample.present = p->pod->phase >= POD_READY; /* no process, no metrics */
    p->scraped_ps = now;
    p->scraped_busy_ps = busy;
    engine_at(w->engine, now + w->scrape_interval_ps, EVENT_OBSERVE, scrape, w, index);
}

/* Without a controller that looks, nobody scrapes. */
void observe_pod(struct world *w, struct serving_pod *p) {
    p->scraped_ps = engine_now(w->engine);
    if (w->scaler_count > 0) {
        simtime first = telemetry_first_scrape(p->pod->name, p->scraped_ps, w->scrape_interval_ps);
        engine_at(w->engine, first, EVENT_OBSERVE, scrape, w, p->replica->index);
    }
}
