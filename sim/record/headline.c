#include "record/headline.h"

#include <math.h>
#include <string.h>

const struct headline headlines[] = {
    {"slo.attainment", "SLO attainment", "SLO", cell_percent},
    {"latency_gate.ttft_s.p95", "TTFT p95", "TTFT p95", cell_duration},
    {"latency_gate.tpot_s.p95", "TPOT p95", "TPOT p95", cell_duration},
    {"goodput_per_s", "Goodput, requests/s", "goodput", cell_rate},
    {"replicas.mean", "Replicas on average", "replicas", cell_rate},
    {"gpu.hours", "GPU-hours", "GPU-h", cell_rate},
    {"cost.total_usd", "Cost of the window", "cost", cell_usd},
    {"cost.usd_per_1k_requests", "Cost of 1000 requests", "$/1k req", cell_usd},
    {NULL, NULL, NULL, NULL},
};

bool summary_member(struct json_object *summary, const char *path, struct json_object **member) {
    if (!json_object_is_type(summary, json_type_object)) {
        return false;
    }
    json_object_object_foreach(summary, key, value) {
        size_t n = strlen(key);
        if (strcmp(path, key) == 0) {
            *member = value;
            return true;
        }
        if (strncmp(path, key, n) == 0 && path[n] == '.' && summary_member(value, path + n + 1, member)) {
            return true;
        }
    }
    return false;
}

double summary_value(struct json_object *owner, struct json_object *member) {
    if (json_object_is_type(member, json_type_double) || json_object_is_type(member, json_type_int)) {
        return json_object_get_double(member);
    }
    struct json_object *infinite;
    bool is_infinite = !member && json_object_object_get_ex(owner, "infinite", &infinite) &&
                       json_object_get_boolean(infinite);
    return is_infinite ? INFINITY : NAN;
}

double summary_figure(struct json_object *summary, const char *path) {
    char owner_path[256];
    struct json_object *owner = summary;
    struct json_object *member = NULL;
    const char *dot = strrchr(path, '.');
    if (!summary_member(summary, path, &member)) {
        return NAN;
    }
    if (dot && (size_t)(dot - path) < sizeof owner_path) {
        memcpy(owner_path, path, (size_t)(dot - path));
        owner_path[dot - path] = '\0';
        summary_member(summary, owner_path, &owner);
    }
    return summary_value(owner, member);
}

struct replicated_figure replicated_figure(struct json_object *figure) {
    struct replicated_figure r = {.mean = NAN, .half = NAN};
    struct json_object *mean, *low, *high, *n;
    if (json_object_object_get_ex(figure, "mean", &mean) &&
        json_object_object_get_ex(figure, "ci95_low", &low) &&
        json_object_object_get_ex(figure, "ci95_high", &high) && json_object_object_get_ex(figure, "n", &n)) {
        r.mean = summary_value(figure, mean);
        r.half = low && high ? (json_object_get_double(high) - json_object_get_double(low)) / 2 : NAN;
        r.n = json_object_get_uint64(n);
    }
    return r;
}
