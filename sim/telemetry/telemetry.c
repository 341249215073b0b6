#include "telemetry/telemetry.h"

#include <ctype.h>

#include "base/hash.h"

const struct telemetry_metric telemetry_metrics[] = {
    {"vllm:num_requests_waiting", GAUGE_WAITING, false, "requests that wait for a place in the batch"},
    {"vllm:num_requests_running", GAUGE_RUNNING, false, "requests in the batch"},
    {"vllm:kv_cache_usage_perc", GAUGE_KV_USAGE, false, "share of KV blocks in use, 0 to 1"},
    {"vllm:gpu_cache_usage_perc", GAUGE_KV_USAGE, false, "the same under its older name"},
    {"DCGM_FI_DEV_GPU_UTIL", GAUGE_GPU_UTIL, false, "percent of the interval in which the GPU worked"},
    {"cpu", GAUGE_CPU, true, "cores used"},
    {NULL, GAUGES, false, NULL},
};

static bool same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        char x = *a == ':' ? '_' : (char)tolower((unsigned char)*a);
        char y = *b == ':' ? '_' : (char)tolower((unsigned char)*b);
        if (x != y) {
            return false;
        }
    }
    return *a == *b;
}

const struct telemetry_metric *telemetry_find(const char *name) {
    for (const struct telemetry_metric *m = telemetry_metrics; m->name; m++) {
        if (same_name(m->name, name)) {
            return m;
        }
    }
    return NULL;
}

simtime telemetry_first_scrape(const char *name, simtime since, simtime interval) {
    simtime offset = (simtime)(hash64_text(name) % (uint64_t)interval);
    simtime first = since / interval * interval + offset;
    return first > since ? first : first + interval;
}

bool telemetry_read(const struct telemetry_sample *sample, enum telemetry_gauge gauge, simtime now,
                    int64_t *value_milli) {
    if (!sample->present || now - sample->at > TELEMETRY_STALE) {
        return false;
    }
    double milli = sample->values[gauge] * 1000;
    *value_milli = (int64_t)(milli + 0.5);
    return true;
}
