/* Requests of a trace: nested slices of their replica's process, found by the request's id. A result has
 * millions, and a viewer carries some ten thousand: with more in the window every n-th is written, in the
 * order of the table, and that is said. */
#include <math.h>
#include <string.h>

#include "analysis/export/trace_event_private.h"
#include "base/log.h"

enum { REQUESTS_DEFAULT = 20000 };

enum {
    ARRIVAL,
    REPLICA,
    TO_GATEWAY,
    QUEUE,
    TTFT,
    E2E,
    TO_USER,
    INPUT,
    OUTPUT,
    CACHED,
    PREEMPTIONS,
    NUMBERS,
    STATUS = NUMBERS,
    SERVICE,
    ID,
    PREFILL, /* from here on: of results with requests that one replica prefilled for another */
    KV_WAIT,
    KV_TRANSFER
};

static const char *const columns[] = {"arrival_s",     "replica",      "to_gateway_s",
                                      "queue_s",       "ttft_s",       "e2e_s",
                                      "to_user_s",     "input_tokens", "output_tokens",
                                      "cached_tokens", "preemptions",  "status",
                                      "service",       "id",           NULL};

static const char *const columns_of_handovers[] = {
    "arrival_s", "replica",      "to_gateway_s",  "queue_s",       "ttft_s",        "e2e_s",
    "to_user_s", "input_tokens", "output_tokens", "cached_tokens", "preemptions",   "status",
    "service",   "id",           "prefill_s",     "kv_wait_s",     "kv_transfer_s", NULL};

struct row {
    double x[NUMBERS];
    double prefill_s, kv_wait_s, kv_transfer_s; /* NaN: one replica did it all, or it did not get that far */
    double end_s;                               /* the last date that the row knows */
    const char *status, *service;
    uint64_t id;
};

static bool read_row(struct result_scan *scan, bool handovers, size_t i, struct row *row, struct error *err) {
    for (size_t k = 0; k < NUMBERS; k++) {
        if (!result_number(scan, k, i, &row->x[k], err)) {
            return false;
        }
    }
    row->prefill_s = row->kv_wait_s = row->kv_transfer_s = NAN;
    if (handovers && (!result_number(scan, PREFILL, i, &row->prefill_s, err) ||
                      !result_number(scan, KV_WAIT, i, &row->kv_wait_s, err) ||
                      !result_number(scan, KV_TRANSFER, i, &row->kv_transfer_s, err))) {
        return false;
    }
    const double *x = row->x;
    double known = isnan(x[E2E]) ? x[TTFT] : x[E2E];
    known = isnan(known) ? fmax(x[TO_GATEWAY], 0) + fmax(x[QUEUE], 0) : known; /* fmax leaves NaN out */
    row->end_s = x[ARRIVAL] + known;
    return true;
}

static bool read_texts(struct result_scan *scan, size_t i, struct row *row, struct error *err) {
    return result_cell_text(scan, STATUS, i, &row->status, err) &&
           result_cell_text(scan, SERVICE, i, &row->service, err) &&
           result_integer(scan, ID, i, &row->id, err);
}

static void edge(struct trace_out *t, char phase, const char *name, const struct row *row, int64_t pid,
                 double s) {
    trace_event(t, phase, name, pid, TID_REQUESTS, s);
    fprintf(t->out, ",\"cat\":\"request\",\"id\":\"0x%llx\"", (unsigned long long)row->id);
}

static void part(struct trace_out *t, const char *name, const struct row *row, int64_t pid, double from_s,
                 double to_s) {
    if (to_s > from_s) { /* neither is NaN */
        edge(t, 'b', name, row, pid, from_s);
        putc('}', t->out);
        edge(t, 'e', name, row, pid, to_s);
        putc('}', t->out);
    }
}

static void write_args(struct trace_out *t, const struct row *row) {
    fprintf(
        t->out,
        ",\"args\":{\"id\":\"%llu\",\"prompt_tokens\":%.0f,\"cached_tokens\":%.0f,\"generated_tokens\":%.0f,"
        "\"preemptions\":%.0f,\"status\":",
        (unsigned long long)row->id, row->x[INPUT], row->x[CACHED], row->x[OUTPUT], row->x[PREEMPTIONS]);
    trace_text(t, row->status ? row->status : "");
    fputs("}}", t->out);
}

/* From the first batch to the first token. */
static void write_prompt(struct trace_out *t, const struct row *row, int64_t pid, double from_s,
                         double to_s) {
    if (isnan(row->prefill_s)) {
        part(t, "prompt", row, pid, from_s, to_s);
        return;
    }
    double prefilled = from_s + row->prefill_s;
    double sent = prefilled + row->kv_wait_s, came = sent + row->kv_transfer_s;
    part(t, "prompt, elsewhere", row, pid, from_s, prefilled);
    part(t, "KV waits", row, pid, prefilled, sent);
    part(t, "KV on its way", row, pid, sent, came);
    part(t, "first token", row, pid, came, to_s);
}

static void write_request(struct trace_out *t, const struct row *row) {
    const double *x = row->x;
    size_t service = fleet_service(&t->fleet, row->service);
    int64_t pid = x[REPLICA] >= 0       ? PID_PODS + (int64_t)x[REPLICA]
                  : service == SIZE_MAX ? PID_CLUSTER
                                        : PID_SERVICES + (int64_t)service;
    double gateway = x[ARRIVAL] + x[TO_GATEWAY];
    double scheduled = gateway + x[QUEUE];
    double first = x[ARRIVAL] + x[TTFT] - x[TO_USER];
    double last = x[ARRIVAL] + x[E2E] - x[TO_USER];
    edge(t, 'b', "request", row, pid, x[ARRIVAL]);
    write_args(t, row);
    part(t, "to gateway", row, pid, x[ARRIVAL], gateway);
    part(t, "queue", row, pid, gateway, scheduled);
    write_prompt(t, row, pid, scheduled, first);
    part(t, "decode", row, pid, first, last);
    part(t, "to user", row, pid, isnan(last) ? first : last, row->end_s);
    edge(t, 'e', "request", row, pid, row->end_s);
    putc('}', t->out);
}

/* *handovers: it has their columns. */
static struct result_scan *begin(const struct trace_out *t, bool *handovers, struct error *err) {
    struct error has_none = {0};
    struct result_scan *scan = result_scan(t->result, "requests", columns_of_handovers, &has_none);
    *handovers = scan != NULL;
    return scan ? scan : result_scan(t->result, "requests", columns, err);
}

/* Calls for those in the window: counts them, or writes every stride-th. */
static bool pass(struct trace_out *t, uint64_t stride, uint64_t *seen, uint64_t *written, struct error *err) {
    bool handovers;
    struct result_scan *scan = begin(t, &handovers, err);
    size_t n;
    *seen = 0;
    *written = 0;
    while (scan && !error_is_set(err) && (n = result_scan_next(scan, err)) > 0) {
        for (size_t i = 0; i < n; i++) {
            struct row row;
            if (!read_row(scan, handovers, i, &row, err)) {
                break;
            }
            if (!trace_shows(t, row.x[ARRIVAL], row.end_s)) {
                continue;
            }
            if (stride > 0 && *seen % stride == 0) {
                if (!read_texts(scan, i, &row, err)) {
                    break;
                }
                write_request(t, &row);
                ++*written;
            }
            ++*seen;
        }
    }
    result_scan_end(scan);
    return !error_is_set(err);
}

bool trace_requests(struct trace_out *t, struct error *err) {
    uint64_t most = t->request->requests > 0 ? t->request->requests : REQUESTS_DEFAULT;
    uint64_t seen, written;
    if (!pass(t, 0, &seen, &written, err)) {
        return false;
    }
    uint64_t stride = seen > most ? (seen + most - 1) / most : 1;
    if (!pass(t, stride, &seen, &written, err)) {
        return false;
    }
    fprintf(t->out, "\n],\"otherData\":{\"requests_in_window\":%llu,\"requests_written\":%llu}",
            (unsigned long long)seen, (unsigned long long)written);
    if (stride > 1) {
        log_message(
            LOG_WARNING,
            "%llu of the %llu requests in the window are written: one in %llu (--requests N for more, "
            "--from and --to for a shorter window)",
            (unsigned long long)written, (unsigned long long)seen, (unsigned long long)stride);
    }
    return true;
}
