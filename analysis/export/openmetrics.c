/* A result as a Prometheus server would have scraped it when the run ended: OpenMetrics 1.0 text, without
 * timestamps, every family once. */
#include <string.h>

#include "analysis/export/exports.h"
#include "analysis/export/openmetrics_private.h"

/* namespace/kind/name/ordinal as Kubernetes would call it: name-ordinal. */
static void name_pod(struct metrics_out *m, size_t i, unsigned again) {
    const char *name = m->fleet.pods[i].name;
    struct metrics_pod *pod = &m->pods[i];
    const char *ordinal = strrchr(name, '/');
    const char *base = ordinal;
    while (base && base > name && base[-1] != '/') {
        base--;
    }
    pod->namespace = arena_strndup(&m->arena, name, strcspn(name, "/"));
    pod->name = ordinal ? arena_printf(&m->arena, "%.*s-%s", (int)(ordinal - base), base, ordinal + 1) : name;
    if (again > 1) {
        pod->name = arena_printf(&m->arena, "%s-r%u", pod->name, again);
    }
}

static void label_pods(struct metrics_out *m) {
    m->pods = arena_array(&m->arena, m->fleet.pod_count + 1, sizeof *m->pods);
    unsigned again = 0;
    for (size_t k = 0; k < m->fleet.pod_count; k++) {
        const struct fleet_pod *pod = m->fleet.by_name[k];
        again = k > 0 && strcmp(pod->name, m->fleet.by_name[k - 1]->name) == 0 ? again + 1 : 1;
        size_t i = (size_t)(pod - m->fleet.pods);
        struct strbuf labels = {0};
        name_pod(m, i, again);
        metrics_label(&labels, "model_name", pod->model);
        metrics_label(&labels, "engine", "0");
        metrics_label(&labels, "namespace", m->pods[i].namespace);
        metrics_label(&labels, "pod", m->pods[i].name);
        metrics_label(&labels, "service", pod->service);
        metrics_label(&labels, "node", pod->node);
        m->pods[i].server = arena_strdup(&m->arena, labels.text);
        strbuf_free(&labels);
    }
}

static bool write_all(struct metrics_out *m, struct error *err) {
    const char *text;
    if (!fleet_read(m->result, &m->arena, &m->fleet, err) ||
        !result_text(m->result, "summary", &m->arena, &text, err)) {
        return false;
    }
    m->summary = text ? json_tokener_parse(text) : NULL;
    label_pods(m);
    if (!metrics_of_servers(m, err) || !metrics_of_cluster(m, err)) {
        return false;
    }
    metrics_of_summary(m);
    fputs("# EOF\n", m->out);
    return !ferror(m->out) || error_errno(err, "output", "cannot write");
}

static bool write_metrics(const struct export_request *request, FILE *out, struct error *err) {
    struct result *result = result_open(request->h5_path, err);
    struct metrics_out m = {.out = out, .result = result};
    bool ok = result && write_all(&m, err);
    json_object_put(m.summary);
    result_close(result);
    arena_free(&m.arena);
    return ok;
}

const struct exporter openmetrics_exporter = {
    .name = "openmetrics",
    .help = "metrics of model servers, GPUs and pods as Prometheus would have them at the end",
    .write = write_metrics,
};
