#include "analysis/export/fleet.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/headline.h"

enum { TEXTS = 5 };

static const char *const columns[] = {
    "name",        "workload",      "service",          "node",           "model",       "created_s",
    "bound_s",     "pulled_s",      "started_s",        "loaded_s",       "ready_s",     "terminating_s",
    "gone_s",      "gpus",          "servers",          "busy_s",         "completed",   "steps",
    "preemptions", "prompt_tokens", "generated_tokens", "prefix_queries", "prefix_hits", "external_queries",
    "host_hits",   "store_hits",    "kv_load_bytes",    "kv_store_bytes", "kv_peak",     "kv_end",
    "waiting",     "running",       "max_model_len",    "step_tokens",    "gaps",        "gap_s",
    NULL};

_Static_assert(sizeof columns / sizeof *columns == TEXTS + FLEET_NUMBERS + 1, "a column for each number");

static bool read_pod(struct result_scan *scan, size_t row, struct arena *arena, struct fleet_pod *pod,
                     struct error *err) {
    const char **texts[TEXTS] = {&pod->name, &pod->workload, &pod->service, &pod->node, &pod->model};
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text;
        if (!result_cell_text(scan, i, row, &text, err)) {
            return false;
        }
        *texts[i] = arena_strdup(arena, text ? text : "");
    }
    for (size_t i = 0; i < FLEET_NUMBERS; i++) {
        if (!result_number(scan, TEXTS + i, row, &pod->numbers[i], err)) {
            return false;
        }
    }
    return true;
}

static bool read_pods(const struct result *r, struct arena *arena, struct fleet *fleet, struct error *err) {
    struct result_scan *scan = result_scan(r, "replicas", columns, err);
    size_t capacity = 0;
    size_t n;
    while (scan && (n = result_scan_next(scan, err)) > 0) {
        fleet->pods = arena_grow(arena, fleet->pods, fleet->pod_count, fleet->pod_count + n, &capacity,
                                 sizeof *fleet->pods);
        for (size_t i = 0; i < n && !error_is_set(err); i++) {
            read_pod(scan, i, arena, &fleet->pods[fleet->pod_count++], err);
        }
        if (error_is_set(err)) {
            break;
        }
    }
    result_scan_end(scan);
    return !error_is_set(err);
}

static bool read_end(const struct result *r, struct arena *arena, struct fleet *fleet, struct error *err) {
    const char *text;
    if (!result_text(r, "summary", arena, &text, err)) {
        return false;
    }
    struct json_object *summary = text ? json_tokener_parse(text) : NULL;
    fleet->end_s = summary_figure(summary, "simulated_s");
    json_object_put(summary);
    return true;
}

size_t fleet_service(const struct fleet *fleet, const char *name) {
    for (size_t i = 0; name && i < fleet->service_count; i++) {
        if (strcmp(fleet->services[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static int order_of(const struct fleet_pod *a, const struct fleet_pod *b) {
    int names = strcmp(a->name, b->name);
    double x = a->numbers[FLEET_CREATED];
    double y = b->numbers[FLEET_CREATED];
    return names ? names : (x > y) - (x < y);
}

static int by_name(const void *a, const void *b) {
    return order_of(*(const struct fleet_pod *const *)a, *(const struct fleet_pod *const *)b);
}

const struct fleet_pod *fleet_pod(const struct fleet *fleet, const char *name, double at_s) {
    struct fleet_pod key = {.name = name, .numbers = {[FLEET_CREATED] = at_s}};
    size_t from = 0; /* those before it are not after the key; those from `to` on are */
    size_t to = fleet->pod_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (order_of(fleet->by_name[middle], &key) <= 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    const struct fleet_pod *found = from > 0 ? fleet->by_name[from - 1] : NULL;
    return found && strcmp(found->name, name) == 0 ? found : NULL;
}

const struct fleet_pod *fleet_pod_of(const struct fleet *fleet, const char *workload) {
    for (size_t i = 0; i < fleet->pod_count; i++) {
        if (strcmp(fleet->pods[i].workload, workload) == 0) {
            return &fleet->pods[i];
        }
    }
    return NULL;
}

bool fleet_read(const struct result *r, struct arena *arena, struct fleet *fleet, struct error *err) {
    *fleet = (struct fleet){0};
    if (!read_pods(r, arena, fleet, err) || !read_end(r, arena, fleet, err)) {
        return false;
    }
    fleet->by_name = arena_array(arena, fleet->pod_count + 1, sizeof *fleet->by_name);
    for (size_t i = 0; i < fleet->pod_count; i++) {
        fleet->by_name[i] = &fleet->pods[i];
    }
    qsort(fleet->by_name, fleet->pod_count, sizeof *fleet->by_name, by_name);
    fleet->services = arena_array(arena, fleet->pod_count + 1, sizeof *fleet->services);
    for (size_t i = 0; i < fleet->pod_count; i++) {
        const char *service = fleet->pods[i].service;
        if (service[0] && fleet_service(fleet, service) == SIZE_MAX) {
            fleet->services[fleet->service_count++] = service;
        }
    }
    return true;
}

double fleet_pod_end(const struct fleet *fleet, const struct fleet_pod *pod) {
    double gone = pod->numbers[FLEET_GONE];
    return isnan(gone) ? fleet->end_s : gone;
}
