/* Trace events (the JSON that chrome://tracing and Perfetto read; "Trace Event Format" of the Chromium
 * project): a result on one time axis. Slices are of the phases X (begin and duration on a thread) and b/e
 * (nested, by id, for what overlaps); C counters, i instants, M names. Times are microseconds of the run,
 * written with three decimals. One event a line, in order of time within each track. */
#include <math.h>
#include <string.h>

#include "analysis/export/trace_event_private.h"
#include "record/record.h"

/* ---- writing ---- */

void trace_text(struct trace_out *t, const char *text) {
    putc('"', t->out);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            fprintf(t->out, "\\%c", *c);
        } else if ((unsigned char)*c < 0x20) {
            fprintf(t->out, "\\u%04x", (unsigned)*c);
        } else {
            putc(*c, t->out);
        }
    }
    putc('"', t->out);
}

void trace_event(struct trace_out *t, char phase, const char *name, int64_t pid, int64_t tid, double s) {
    fprintf(t->out, "%s{\"ph\":\"%c\",\"name\":", t->begun ? ",\n" : "", phase);
    trace_text(t, name);
    fprintf(t->out, ",\"pid\":%lld,\"tid\":%lld,\"ts\":%.3f", (long long)pid, (long long)tid,
            round(s * 1e9) / 1e3);
    t->begun = true;
}

bool trace_shows(const struct trace_out *t, double from_s, double to_s) {
    return to_s >= t->request->from_s && from_s <= t->request->to_s;
}

static void name_of(struct trace_out *t, const char *what, int64_t pid, int64_t tid, const char *name) {
    trace_event(t, 'M', what, pid, tid, 0);
    fprintf(t->out, ",\"args\":{\"%s\":", strcmp(what, "process_labels") == 0 ? "labels" : "name");
    trace_text(t, name);
    fputs("}}", t->out);
}

/* Between the nanoseconds that are written, so that one slice ends where the next one begins. */
static double shown_us(double from_s, double to_s) {
    return (round(to_s * 1e9) - round(from_s * 1e9)) / 1e3;
}

static void slice(struct trace_out *t, const char *name, int64_t pid, int64_t tid, double from_s,
                  double to_s) {
    if (!isnan(from_s) && to_s > from_s && trace_shows(t, from_s, to_s)) {
        trace_event(t, 'X', name, pid, tid, from_s);
        fprintf(t->out, ",\"dur\":%.3f}", shown_us(from_s, to_s));
    }
}

/* ---- pods ---- */

/* Each phase lasts until the next date that the pod has, or its end. */
static void write_pod(struct trace_out *t, size_t row) {
    static const struct {
        enum fleet_number begins;
        const char *name;
    } phases[] = {{FLEET_CREATED, "pending"},        {FLEET_BOUND, "pull image"},
                  {FLEET_PULLED, "start container"}, {FLEET_STARTED, "load weights"},
                  {FLEET_LOADED, "warm up"},         {FLEET_READY, "ready"},
                  {FLEET_TERMINATING, "drain"}};
    enum { PHASES = sizeof phases / sizeof *phases };
    const struct fleet_pod *pod = &t->fleet.pods[row];
    int64_t pid = PID_PODS + (int64_t)row;
    double end = fleet_pod_end(&t->fleet, pod);
    if (!trace_shows(t, pod->numbers[FLEET_CREATED], end)) {
        return;
    }
    name_of(t, "process_name", pid, 0, pod->name);
    name_of(t, "process_labels", pid, 0, pod->node[0] ? pod->node : "no node");
    name_of(t, "thread_name", pid, TID_PHASES, "phases");
    name_of(t, "thread_name", pid, TID_REQUESTS, "requests");
    for (int i = 0; i < PHASES; i++) {
        double until = end;
        for (int k = i + 1; k < PHASES; k++) {
            double next = pod->numbers[phases[k].begins];
            until = next < until ? next : until;
        }
        slice(t, phases[i].name, pid, TID_PHASES, pod->numbers[phases[i].begins], until);
    }
}

/* ---- nodes, events, decisions ---- */

static bool write_nodes(struct trace_out *t, struct error *err) {
    static const char *const columns[] = {"name", "requested_s", "ready_s", "deleted_s", NULL};
    struct result_scan *scan = result_scan(t->result, "nodes", columns, err);
    int64_t tid = 1;
    size_t n;
    name_of(t, "process_name", PID_CLUSTER, 0, "cluster");
    while (scan && (n = result_scan_next(scan, err)) > 0) {
        for (size_t i = 0; i < n; i++, tid++) {
            const char *name;
            double requested, ready, deleted;
            if (!result_cell_text(scan, 0, i, &name, err) || !result_number(scan, 1, i, &requested, err) ||
                !result_number(scan, 2, i, &ready, err) || !result_number(scan, 3, i, &deleted, err)) {
                break;
            }
            double end = isnan(deleted) ? t->fleet.end_s : deleted;
            name_of(t, "thread_name", PID_CLUSTER, tid, name);
            slice(t, "provisioning", PID_CLUSTER, tid, requested, isnan(ready) ? end : ready);
            slice(t, "node", PID_CLUSTER, tid, ready, end);
        }
        if (error_is_set(err)) {
            break;
        }
    }
    result_scan_end(scan);
    return !error_is_set(err);
}

static bool write_event(struct trace_out *t, struct result_scan *scan, size_t i, struct error *err) {
    double time;
    const char *object, *reason, *message;
    if (!result_number(scan, 0, i, &time, err) || !result_cell_text(scan, 1, i, &object, err) ||
        !result_cell_text(scan, 2, i, &reason, err) || !result_cell_text(scan, 3, i, &message, err)) {
        return false;
    }
    if (trace_shows(t, time, time)) {
        const struct fleet_pod *pod = object ? fleet_pod(&t->fleet, object, time) : NULL;
        int64_t pid = pod ? PID_PODS + (int64_t)(pod - t->fleet.pods) : PID_CLUSTER;
        trace_event(t, 'i', reason ? reason : "event", pid, pod ? TID_PHASES : 0, time);
        fputs(pod ? ",\"s\":\"t\",\"args\":{\"object\":" : ",\"s\":\"p\",\"args\":{\"object\":", t->out);
        trace_text(t, object ? object : "");
        fputs(",\"message\":", t->out);
        trace_text(t, message ? message : "");
        fputs("}}", t->out);
    }
    return true;
}

/* Where an object of that workload has its counters. */
static int64_t pid_of_workload(const struct trace_out *t, const char *workload) {
    const struct fleet_pod *pod = workload ? fleet_pod_of(&t->fleet, workload) : NULL;
    size_t service = pod ? fleet_service(&t->fleet, pod->service) : SIZE_MAX;
    return service == SIZE_MAX ? PID_CLUSTER : PID_SERVICES + (int64_t)service;
}

/* Those that changed something: the others are a sync every 15 s. */
static bool write_decision(struct trace_out *t, struct result_scan *scan, size_t i, struct error *err) {
    static const char *const keys[] = {"workload", "reason", "formula", "cause"};
    const char *texts[4];
    double time, current, replicas;
    char name[80];
    if (!result_number(scan, 0, i, &time, err) || !result_number(scan, 1, i, &current, err) ||
        !result_number(scan, 2, i, &replicas, err)) {
        return false;
    }
    for (size_t k = 0; k < 4; k++) {
        if (!result_cell_text(scan, 3 + k, i, &texts[k], err)) {
            return false;
        }
    }
    if (replicas == current || !trace_shows(t, time, time)) {
        return true;
    }
    snprintf(name, sizeof name, "scale %s %.0f to %.0f", replicas > current ? "up" : "down", current,
             replicas);
    trace_event(t, 'i', name, pid_of_workload(t, texts[0]), 0, time);
    fputs(",\"s\":\"p\",\"args\":{", t->out);
    for (size_t k = 0; k < 4; k++) {
        fprintf(t->out, "%s\"%s\":", k ? "," : "", keys[k]);
        trace_text(t, texts[k] ? texts[k] : "");
    }
    fputs("}}", t->out);
    return true;
}

typedef bool row_writer(struct trace_out *t, struct result_scan *scan, size_t row, struct error *err);

static bool write_rows(struct trace_out *t, const char *table, const char *const *columns, row_writer *write,
                       struct error *err) {
    if (!result_has_table(t->result, table)) {
        return true;
    }
    struct result_scan *scan = result_scan(t->result, table, columns, err);
    size_t n;
    while (scan && !error_is_set(err) && (n = result_scan_next(scan, err)) > 0) {
        for (size_t i = 0; i < n && write(t, scan, i, err); i++) {
        }
    }
    result_scan_end(scan);
    return !error_is_set(err);
}

/* ---- counters ---- */

/* A counter of one or several series, stacked. */
struct counter {
    const char *name;
    struct {
        const char *metric, *label;
    } series[4]; /* ended by metric NULL */
};

static const struct counter service_counters[] = {
    {"requests", {{"running", "running"}, {"queue", "queue"}}},
    {"replicas",
     {{"replicas_ready", "ready"},
      {"replicas_starting", "starting"},
      {"replicas_pending", "pending"},
      {"replicas_terminating", "terminating"}}},
    {"replicas desired", {{"replicas_desired", "desired"}}},
    {"KV cache in use", {{"kv_usage", "share"}}},
    {"GPU busy", {{"gpu_busy_fraction", "share"}}},
    {"arrivals per s", {{"arrivals_per_s", "arrivals"}}},
    {"TTFT p95, s", {{"ttft_s_p95", "s"}}},
};

static const struct counter cost_counters[] = {
    {"USD per h",
     {{"serving_usd_per_h", "serving"},
      {"start_up_usd_per_h", "start-up"},
      {"idle_usd_per_h", "idle"},
      {"drain_usd_per_h", "drain"}}},
    {"USD per h, beside nodes",
     {{"network_usd_per_h", "network"}, {"storage_usd_per_h", "storage"}, {"fixed_usd_per_h", "fixed"}}},
};

enum { COUNTER_SERIES_MAX = sizeof service_counters->series / sizeof *service_counters->series };

static void write_window(struct trace_out *t, const struct counter *c, const struct result_series *series,
                         size_t count, size_t i, int64_t pid) {
    double from = series[0].start_s + (double)i * series[0].interval_s;
    if (!trace_shows(t, from, from + series[0].interval_s)) {
        return;
    }
    trace_event(t, 'C', c->name, pid, 0, from);
    fputs(",\"args\":{", t->out);
    const char *before = "";
    for (size_t k = 0; k < count; k++) {
        char number[NUMBER_TEXT_BYTES];
        if (i < series[k].count && isfinite(series[k].values[i])) {
            fprintf(t->out, "%s\"%s\":%s", before, c->series[k].label,
                    number_text(series[k].values[i], number));
            before = ",";
        }
    }
    fputs("}}", t->out);
}

static bool write_counter(struct trace_out *t, const char *object, const struct counter *c, int64_t pid,
                          struct error *err) {
    struct result_series series[COUNTER_SERIES_MAX];
    struct arena arena = {0};
    size_t count = 0;
    bool ok = true;
    for (; ok && count < COUNTER_SERIES_MAX && c->series[count].metric; count++) {
        ok = result_read_series(t->result, object, c->series[count].metric, &arena, &series[count], err);
    }
    for (size_t i = 0; ok && i < series[0].count; i++) {
        write_window(t, c, series, count, i, pid);
    }
    arena_free(&arena);
    return ok;
}

static bool write_counters(struct trace_out *t, struct error *err) {
    for (size_t s = 0; s < t->fleet.service_count; s++) {
        int64_t pid = PID_SERVICES + (int64_t)s;
        name_of(t, "process_name", pid, 0, arena_printf(&t->arena, "service %s", t->fleet.services[s]));
        const char *object = arena_printf(&t->arena, "services/%s", t->fleet.services[s]);
        for (size_t i = 0; i < sizeof service_counters / sizeof *service_counters; i++) {
            if (!write_counter(t, object, &service_counters[i], pid, err)) {
                return false;
            }
        }
    }
    for (size_t i = 0; i < sizeof cost_counters / sizeof *cost_counters; i++) {
        if (!write_counter(t, "cost", &cost_counters[i], PID_CLUSTER, err)) {
            return false;
        }
    }
    return true;
}

/* ---- all ---- */

static bool write_all(struct trace_out *t, struct error *err) {
    static const char *const events[] = {"time_s", "object", "reason", "message", NULL};
    static const char *const decisions[] = {"time_s", "current", "replicas", "workload",
                                            "reason", "formula", "cause",    NULL};
    if (!fleet_read(t->result, &t->arena, &t->fleet, err)) {
        return false;
    }
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", t->out);
    if (!write_nodes(t, err) || !write_counters(t, err)) {
        return false;
    }
    for (size_t i = 0; i < t->fleet.pod_count; i++) {
        write_pod(t, i);
    }
    if (!write_rows(t, "events", events, write_event, err) ||
        !write_rows(t, "decisions", decisions, write_decision, err) || !trace_requests(t, err)) {
        return false;
    }
    fputs("}\n", t->out);
    return !ferror(t->out) || error_errno(err, "output", "cannot write");
}

static bool write_trace(const struct export_request *request, FILE *out, struct error *err) {
    struct trace_out t = {.out = out, .request = request, .result = result_open(request->h5_path, err)};
    bool ok = t.result && write_all(&t, err);
    result_close((struct result *)t.result);
    arena_free(&t.arena);
    return ok;
}

const struct exporter trace_event_exporter = {
    .name = "trace-event",
    .help = "requests, pods, nodes and counters on a time axis, for Perfetto and chrome://tracing",
    .windowed = true,
    .write = write_trace,
};
