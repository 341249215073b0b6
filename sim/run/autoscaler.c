/* HorizontalPodAutoscalers at work: every sync period each looks at what telemetry serves, decides
 * (sim/autoscale), and the cluster follows. Each sync is a row of /decisions. */
#include <stdlib.h>
#include <string.h>

#include "accounts/accounts.h"
#include "run/run_private.h"

/* ---- what the manifests ask for ---- */

static int64_t demand_of_target(const struct world *w, const struct hpa *hpa) {
    for (uint32_t d = 0; d < w->scenario.manifests.workload_count; d++) {
        const struct workload *load = &w->scenario.manifests.workloads[d];
        const char *kind = load->kind == WORKLOAD_DEPLOYMENT ? "Deployment" : "StatefulSet";
        if (strcmp(load->namespace_name, hpa->namespace_name) == 0 &&
            strcmp(load->name, hpa->target_name) == 0 && strcmp(kind, hpa->target_kind) == 0) {
            return d;
        }
    }
    return -1;
}

static bool is_resource(const struct hpa_metric *m) {
    return strcmp(m->type, "Resource") == 0 || strcmp(m->type, "ContainerResource") == 0;
}

static bool is_by_pod(const struct hpa_metric *m) {
    return is_resource(m) || strcmp(m->type, "Pods") == 0;
}

/* A metric of the right API, or NULL: then its reading fails, as it would in a cluster, and a warning says so
 * now. */
static const struct telemetry_metric *exposed(struct world *w, const struct hpa *hpa,
                                              const struct hpa_metric *m) {
    const struct telemetry_metric *found = telemetry_find(m->name);
    if (found && found->resource == is_resource(m)) {
        return found;
    }
    notice_add(w->notices, NOTICE_WARNING, &m->pos,
               "HorizontalPodAutoscaler %s: nothing here exposes %s metric %s: it can never be read "
               "(docs/autoscaling.md lists what is exposed)",
               hpa->name, m->type, m->name);
    return NULL;
}

static bool is_object(const struct yaml_node *tree, const char *kind, const char *name,
                      const char *namespace_name) {
    const struct yaml_node *own_kind = yaml_get(tree, "kind");
    const struct yaml_node *own_name = yaml_path(tree, "metadata.name");
    const struct yaml_node *own_space = yaml_path(tree, "metadata.namespace");
    return own_kind && own_name && strcmp(own_kind->text, kind) == 0 && strcmp(own_name->text, name) == 0 &&
           strcmp(own_space ? own_space->text : "default", namespace_name) == 0;
}

/* The object may stand in manifests that are not here: its metric is read anyway, and that is said. */
static void check_described(struct world *w, const struct hpa *hpa, const struct hpa_metric *m) {
    const struct manifests *all = &w->scenario.manifests;
    bool found = !m->described_name;
    for (size_t i = 0; i < all->tree_count && !found; i++) {
        found = is_object(all->trees[i], m->described_kind, m->described_name, hpa->namespace_name);
    }
    if (!found) {
        notice_add(
            w->notices, NOTICE_WARNING, &m->pos,
            "HorizontalPodAutoscaler %s: metric %s describes %s %s, which is not among the manifests of "
            "namespace %s: read as the sum over the target's pods",
            hpa->name, m->name, m->described_kind, m->described_name, hpa->namespace_name);
    }
}

static void read_scaler(struct world *w, const struct hpa *hpa, uint32_t demand) {
    struct scaler *s = &w->scalers[w->scaler_count++];
    const struct pod_template *pod = &w->scenario.manifests.workloads[demand].pod;
    s->spec = hpa;
    s->demand = demand;
    s->metrics = arena_array(w->arena, hpa->metric_count, sizeof *s->metrics);
    s->requests_milli = arena_array(w->arena, hpa->metric_count, sizeof *s->requests_milli);
    for (size_t i = 0; i < hpa->metric_count; i++) {
        const struct hpa_metric *m = &hpa->metrics[i];
        s->metrics[i] = exposed(w, hpa, m);
        check_described(w, hpa, m);
        s->requests_milli[i] =
            is_resource(m) ? hpa_request(pod, m->name, m->container, HPA_NO_REQUEST) : HPA_NO_REQUEST;
    }
}

void autoscaler_build(struct world *w) {
    const struct manifests *m = &w->scenario.manifests;
    w->scrape_interval_ps = simtime_from_s(w->scenario.scrape_interval_s);
    w->sync_period_ps = simtime_from_s(w->scenario.hpa_sync_s);
    w->scalers = arena_array(w->arena, m->hpa_count, sizeof *w->scalers);
    for (size_t i = 0; i < m->hpa_count; i++) {
        int64_t demand = demand_of_target(w, &m->hpas[i]);
        if (demand >= 0) {
            read_scaler(w, &m->hpas[i], (uint32_t)demand);
        }
    }
}

/* ---- what the controller sees ---- */

struct view {
    struct hpa_pod *pods;
    const struct serving_pod **serving; /* of each; NULL = has never been Ready */
    size_t count;
    struct hpa_sample *samples; /* metric by metric, pod by pod */
    struct hpa_reading *readings;
    int64_t *totals_milli; /* by metric, for Object and External */
};

static struct hpa_pod pod_view(const struct pod *p, simtime now) {
    bool runs = p->started_ps >= 0 && p->started_ps <= now && p->phase > POD_PULLING;
    bool ready = p->phase == POD_READY;
    return (struct hpa_pod){
        .started_at = p->bound_ps,
        .ready_changed_at = p->ready_changed_ps >= 0 ? p->ready_changed_ps : p->created_ps,
        .phase = runs ? HPA_RUNNING : HPA_PENDING,
        .ready = ready ? HPA_READY_TRUE : HPA_READY_FALSE,
        .started = p->bound_ps >= 0,
        .deleted = p->phase == POD_TERMINATING,
    };
}

static void see_pods(const struct world *w, const struct scaler *s, struct view *v) {
    size_t present = cluster_present_count(w->cluster);
    const struct pod *p = NULL;
    v->pods = mem_zalloc(present, sizeof *v->pods);
    v->serving = mem_zalloc(present, sizeof *v->serving);
    while ((p = cluster_present_pod(w->cluster, p))) {
        if (p->demand == s->demand) {
            v->serving[v->count] = p->owner_data;
            v->pods[v->count++] = pod_view(p, engine_now(w->engine));
        }
    }
}

static void see_by_pod(const struct scaler *s, size_t metric, simtime now, struct view *v) {
    struct hpa_sample *samples = v->samples + metric * v->count;
    for (size_t i = 0; i < v->count; i++) {
        samples[i].request_milli = s->requests_milli[metric];
        const struct telemetry_sample *seen = v->serving[i] ? &v->serving[i]->sample : NULL;
        if (seen && telemetry_read(seen, s->metrics[metric]->gauge, now, &samples[i].value_milli)) {
            samples[i].at = seen->at;
            samples[i].window = seen->window;
            samples[i].present = true;
        }
    }
    v->readings[metric].samples = samples;
}

/* Object and External metrics are sums over the pods of the target, as a recording rule would give them. */
static void see_total(const struct scaler *s, size_t metric, simtime now, struct view *v) {
    bool any = false;
    for (size_t i = 0; i < v->count; i++) {
        int64_t value;
        if (v->serving[i] && telemetry_read(&v->serving[i]->sample, s->metrics[metric]->gauge, now, &value)) {
            v->totals_milli[metric] += value;
            any = true;
        }
    }
    v->readings[metric].error = any ? NULL : "no series has a fresh sample";
    v->readings[metric].values_milli = &v->totals_milli[metric];
    v->readings[metric].value_count = 1;
}

static void see_metrics(const struct world *w, const struct scaler *s, struct view *v) {
    simtime now = engine_now(w->engine);
    size_t metrics = s->spec->metric_count;
    v->samples = mem_zalloc(metrics * v->count, sizeof *v->samples);
    v->readings = mem_zalloc(metrics, sizeof *v->readings);
    v->totals_milli = mem_zalloc(metrics, sizeof *v->totals_milli);
    for (size_t i = 0; i < metrics; i++) {
        v->readings[i].samples = v->samples + i * v->count;
        if (!s->metrics[i]) {
            v->readings[i].error = "nothing exposes it";
        } else if (is_by_pod(&s->spec->metrics[i])) {
            see_by_pod(s, i, now, v);
        } else {
            see_total(s, i, now, v);
        }
    }
}

static void forget_view(struct view *v) {
    free(v->pods);
    free(v->serving);
    free(v->samples);
    free(v->readings);
    free(v->totals_milli);
}

/* ---- one sync ---- */

static int64_t pods_there(const struct view *v) {
    int64_t there = 0;
    for (size_t i = 0; i < v->count; i++) {
        there += !v->pods[i].deleted;
    }
    return there;
}

static void follow(struct world *w, const struct scaler *s, const struct hpa_decision *decision) {
    w->scaling.decisions++;
    w->scaling.ups += decision->replicas > decision->current;
    w->scaling.downs += decision->replicas < decision->current;
    if (decision->replicas != decision->current) {
        world_scale(w, s->demand, decision->replicas);
    }
}

static void sync_one(struct world *w, struct scaler *s) {
    struct view v = {0};
    see_pods(w, s, &v);
    see_metrics(w, s, &v);
    struct hpa_observation seen = {
        .now = engine_now(w->engine),
        .spec_replicas = w->replicas_wanted[s->demand],
        .status_replicas = pods_there(&v),
        .pods = v.pods,
        .pod_count = v.count,
        .readings = v.readings,
    };
    struct hpa_decision decision = hpa_decide(s->spec, &hpa_default_settings, &seen, &s->state);
    rows_decision(w, s->spec, w->demands[s->demand].workload, &decision);
    follow(w, s, &decision);
    forget_view(&v);
}

static void sync_all(void *context, uint64_t argument) {
    (void)argument;
    struct world *w = context;
    for (size_t i = 0; i < w->scaler_count; i++) {
        sync_one(w, &w->scalers[i]);
    }
    engine_at(w->engine, engine_now(w->engine) + w->sync_period_ps, EVENT_CONTROL, sync_all, w, 0);
}

void autoscaler_begin(struct world *w) {
    if (w->scaler_count > 0) {
        engine_at(w->engine, w->sync_period_ps, EVENT_CONTROL, sync_all, w, 0);
    }
}

void autoscaler_free(struct world *w) {
    for (size_t i = 0; i < w->scaler_count; i++) {
        hpa_state_free(&w->scalers[i].state);
    }
}
