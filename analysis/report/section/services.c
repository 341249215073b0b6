/* Service by service, where there are several, and tenant by tenant. */
#include <math.h>
#include <string.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

/* ---- names over all results ---- */

static size_t names_of(struct report *r, const char *kind, const char *const **names) {
    const char **all = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        struct json_object *scopes = json_read_at(r->sources.items[i].summary, kind);
        if (!json_object_is_type(scopes, json_type_object)) {
            continue;
        }
        json_object_object_foreach(scopes, name, scope) {
            (void)scope;
            size_t at = 0;
            while (at < count && strcmp(all[at], name) != 0) {
                at++;
            }
            if (at == count) {
                all = arena_grow(r->arena, all, count, count + 1, &capacity, sizeof *all);
                all[count++] = name;
            }
        }
    }
    *names = all;
    return count;
}

/* ---- the table ---- */

static const struct {
    const char *head, *path, *metric;
} figures[] = {
    {"Requests", "requests.arrived", "requests.arrived"},
    {"Completed", "requests.completed", "requests.completed"},
    {"Attainment", "slo.attainment", "slo.attainment"},
    {"p95 TTFT", "latency_gate.ttft_s.p95", "latency.ttft_s"},
    {"p95 TPOT", "latency_gate.tpot_s.p95", "latency.tpot_s"},
    {"p95 E2E", "latency_gate.e2e_s.p95", "latency.e2e_s"},
    {"Replicas", "replicas.mean", "replicas.mean"},
    {"GPU hours", "gpu.hours", "gpu.hours"},
    {"Cost", "cost.total_usd", "cost.total_usd"},
};
enum { FIGURES = sizeof figures / sizeof *figures };

static bool is_known(struct report *r, const char *kind, const char *path) {
    for (size_t i = 0; i < r->sources.count; i++) {
        struct json_object *scopes = json_read_at(r->sources.items[i].summary, kind);
        if (!json_object_is_type(scopes, json_type_object)) {
            continue;
        }
        json_object_object_foreach(scopes, name, scope) {
            (void)name;
            if (!isnan(summary_figure(scope, path))) {
                return true;
            }
        }
    }
    return false;
}

static void append_table(struct report *r, const char *kind, const char *one, const char *const *names,
                         size_t n) {
    const char *heads[1 + FIGURES] = {one};
    bool known[FIGURES];
    size_t columns = 1;
    for (size_t k = 0; k < FIGURES; k++) {
        known[k] = is_known(r, kind, figures[k].path);
        if (known[k]) {
            heads[columns++] = figures[k].head;
        }
    }
    struct html_table t =
        html_table_begin(&r->html, arena_printf(r->arena, "By %s", one), heads, columns, ~1u);
    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < r->sources.count; i++) {
            const struct source *s = &r->sources.items[i];
            struct json_object *scope = json_read_member(json_read_at(s->summary, kind), names[at]);
            if (!scope) {
                continue;
            }
            html_cell(&t, r->sources.count > 1 ? arena_printf(r->arena, "%s, %s", names[at], s->label)
                                               : names[at]);
            for (size_t k = 0; k < FIGURES; k++) {
                if (known[k]) {
                    html_cell(
                        &t, say_metric(r->arena, figures[k].metric, summary_figure(scope, figures[k].path)));
                }
            }
        }
    }
    html_table_end(&t);
}

/* ---- pictures ---- */

static struct view view_of(struct report *r, const char *service) {
    struct panel *panels = arena_array(r->arena, r->sources.count, sizeof *panels);
    struct view view = {.arena = r->arena, .panels = panels, .is_part = true};
    for (size_t i = 0; i < r->sources.count; i++) {
        if (source_scope(&r->sources.items[i], service)) {
            panels[view.count++] = (struct panel){&r->sources.items[i], service, r->all.panels[i].title};
        }
    }
    return view;
}

static bool append_service(struct report *r, const char *service, size_t number, struct error *err) {
    static const struct {
        const char *id;
        const struct figure *figure;
    } shown[] = {{"demand", &figure_demand}, {"ttft", &figure_ttft},         {"tpot", &figure_tpot},
                 {"cdf", &figure_cdf},       {"replicas", &figure_replicas}, {"load", &figure_load}};
    struct view view = view_of(r, service);
    strbuf_append(&r->html, "<details><summary>");
    html_text(&r->html, service);
    strbuf_append(&r->html, "</summary>\n");
    bool done = true;
    for (size_t i = 0; i < sizeof shown / sizeof *shown && done; i++) {
        done = figure_write(r, shown[i].figure, &view,
                            arena_printf(r->arena, "service-%zu-%s", number, shown[i].id), err);
    }
    strbuf_append(&r->html, "</details>\n");
    return done;
}

/* A panel a service, of one result; of several the first, since there the table says more. */
static bool append_overview(struct report *r, const char *const *names, size_t n, struct error *err) {
    struct panel *panels = arena_array(r->arena, n, sizeof *panels);
    struct view view = {.arena = r->arena, .panels = panels};
    for (size_t at = 0; at < n; at++) {
        if (source_scope(&r->sources.items[0], names[at])) {
            panels[view.count++] = (struct panel){&r->sources.items[0], names[at],
                                                  html_label(r->arena, names[at], LABEL_CHARACTERS)};
        }
    }
    if (r->sources.count > 1) {
        report_paragraph(r, arena_printf(r->arena, "Of %s:", r->sources.items[0].label));
    }
    return figure_write(r, &figure_services, &view, "services-overview", err);
}

bool section_services(struct report *r, struct error *err) {
    const char *const *names;
    const char *const *tenants;
    size_t n = names_of(r, "services", &names);
    size_t tenant_count = names_of(r, "tenants", &tenants);
    if (n > 1) {
        append_table(r, "services", "Service", names, n);
        if (!append_overview(r, names, n, err)) {
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            if (!append_service(r, names[i], i + 1, err)) {
                return false;
            }
        }
    }
    if (tenant_count > 1) {
        append_table(r, "tenants", "Tenant", tenants, tenant_count);
    }
    return true;
}
