#include "cli/trace_info.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "base/units.h"

/* ---- lengths ---- */

enum { EXACT_BITS = 16, BUCKET_BITS = 10 };

static void count_tokens(struct token_counts *c, uint32_t tokens) {
    c->n++;
    c->sum += tokens;
    c->max = tokens > c->max ? tokens : c->max;
    if (tokens < TOKENS_EXACT) {
        c->exact[tokens]++;
        return;
    }
    int power = 31 - __builtin_clz(tokens); /* 16 .. 31 */
    uint32_t part = (tokens >> (power - BUCKET_BITS)) & ((1u << BUCKET_BITS) - 1);
    c->above[((unsigned)(power - EXACT_BITS) << BUCKET_BITS) + part]++;
}

/* The lowest length of a bucket. */
static double bucket_tokens(uint32_t bucket) {
    int power = (int)(bucket >> BUCKET_BITS) + EXACT_BITS;
    uint32_t part = bucket & ((1u << BUCKET_BITS) - 1);
    return ldexp(1 + part / 1024.0, power);
}

/* The length at a rank from 0. */
static double tokens_at(const struct token_counts *c, uint64_t rank) {
    uint64_t seen = 0;
    for (uint32_t i = 0; i < TOKENS_EXACT; i++) {
        seen += c->exact[i];
        if (seen > rank) {
            return i;
        }
    }
    for (uint32_t i = 0; i < TOKENS_BUCKETS; i++) {
        seen += c->above[i];
        if (seen > rank) {
            return fmin(bucket_tokens(i), c->max);
        }
    }
    return c->max;
}

/* Linear between ranks, as numpy and pandas do. */
static double percentile(const struct token_counts *c, double p) {
    double place = p * (double)(c->n - 1);
    uint64_t below = (uint64_t)place;
    double low = tokens_at(c, below);
    double high = below + 1 < c->n ? tokens_at(c, below + 1) : low;
    return round((low + (place - (double)below) * (high - low)) * 1e6) / 1e6; /* without the noise of place */
}

static double mean(const struct token_counts *c) {
    return (double)c->sum / (double)c->n;
}

/* ---- reading ---- */

static void count_row(struct trace_info *info, const struct trace_row *row) {
    double now_s = simtime_to_s(row->arrival_ps);
    if (info->requests++ == 0) {
        info->first_s = now_s;
    } else {
        double gap_s = now_s - info->last_s;
        info->gap_sum += gap_s;
        info->gap_square_sum += gap_s * gap_s;
    }
    info->last_s = now_s;
    count_tokens(&info->input, row->input_tokens);
    count_tokens(&info->output, row->output_tokens);
}

bool trace_info_read(const char *path, const struct trace_open_options *options, struct trace_info *info,
                     struct error *err) {
    memset(info, 0, sizeof *info);
    info->path = path;
    if (!file_is_directory(path)) {
        info->has_sha256 = true;
        if (!sha256_file(path, info->sha256, err)) {
            return false;
        }
    }
    struct trace_names names;
    struct trace_row row;
    int got = -1;
    trace_names_init(&names);
    struct trace_source *source = trace_open(path, options, &names, err);
    while (source && (got = trace_next(source, &row, err)) > 0) {
        count_row(info, &row);
        if (info->requests % 65536 == 0 && interrupt_requested()) {
            error_set(err, ERROR_INTERRUPTED, "interrupted");
            break;
        }
    }
    if (source) {
        info->report = *trace_report(source);
        trace_close(source);
    }
    trace_names_free(&names);
    return got == 0;
}

/* ---- figures ---- */

static double span_s(const struct trace_info *info) {
    return info->last_s - info->first_s;
}

/* Gaps over span; not a number for one request or one instant. */
static double rate_per_s(const struct trace_info *info) {
    return span_s(info) > 0 ? (double)(info->requests - 1) / span_s(info) : NAN;
}

static double gap_cv(const struct trace_info *info) {
    double n = (double)(info->requests - 1);
    double gap_s = info->gap_sum / n;
    return gap_s > 0 ? sqrt(fmax(info->gap_square_sum / n - gap_s * gap_s, 0)) / gap_s : NAN;
}

/* ---- JSON ---- */

struct json_object *json_number(double value) {
    char text[NUMBER_TEXT_BYTES];
    return isfinite(value) ? json_object_new_double_s(value, number_text(value, text)) : NULL;
}

static struct json_object *json_count(uint64_t n) {
    return json_object_new_int64((int64_t)n);
}

/* "a,b" as ["a", "b"] */
static struct json_object *json_list(const char *text) {
    struct json_object *list = json_object_new_array();
    while (*text) {
        size_t length = strcspn(text, ",");
        json_object_array_add(list, json_object_new_string_len(text, (int)length));
        text += length + (text[length] == ',');
    }
    return list;
}

static struct json_object *json_tokens(const struct token_counts *c) {
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "mean", json_number(mean(c)));
    json_object_object_add(object, "p50", json_number(percentile(c, 0.5)));
    json_object_object_add(object, "p90", json_number(percentile(c, 0.9)));
    json_object_object_add(object, "p99", json_number(percentile(c, 0.99)));
    json_object_object_add(object, "max", json_count(c->max));
    return object;
}

static struct json_object *json_first_skipped(const struct trace_report *r) {
    if (r->skipped == 0) {
        return NULL;
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "line", json_object_new_int(r->first_skipped_line));
    json_object_object_add(object, "reason", json_object_new_string(r->first_skipped_reason));
    return object;
}

struct json_object *trace_info_json(const struct trace_info *info) {
    const struct trace_report *r = &info->report;
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "file", json_object_new_string(info->path));
    json_object_object_add(object, "format", json_object_new_string(r->format));
    json_object_object_add(object, "requests", json_count(info->requests));
    json_object_object_add(object, "start", r->start[0] ? json_object_new_string(r->start) : NULL);
    json_object_object_add(object, "span_s", json_number(span_s(info)));
    json_object_object_add(object, "rate_per_s", json_number(rate_per_s(info)));
    json_object_object_add(object, "interarrival_cv", json_number(gap_cv(info)));
    json_object_object_add(object, "skipped", json_count(r->skipped));
    json_object_object_add(object, "failed", json_count(r->failed));
    json_object_object_add(object, "first_skipped", json_first_skipped(r));
    json_object_object_add(object, "out_of_order", json_count(r->out_of_order));
    json_object_object_add(object, "columns", json_list(r->columns));
    json_object_object_add(object, "ignored_columns", json_list(r->ignored_columns));
    json_object_object_add(object, "input_tokens", json_tokens(&info->input));
    json_object_object_add(object, "output_tokens", json_tokens(&info->output));
    json_object_object_add(object, "sha256", info->has_sha256 ? json_object_new_string(info->sha256) : NULL);
    return object;
}

/* ---- for people ---- */

static void print_tokens(const char *name, const struct token_counts *c) {
    printf("  %-16s mean %.1f, p50 %.0f, p90 %.0f, p99 %.0f, max %" PRIu32 "\n", name, mean(c),
           percentile(c, 0.5), percentile(c, 0.9), percentile(c, 0.99), c->max);
}

static void print_skipped(const struct trace_report *r) {
    printf("  %-16s %" PRIu64, "skipped", r->skipped);
    if (r->failed > 0) {
        printf(", of them %" PRIu64 " failed requests", r->failed);
    }
    if (r->skipped > 0) {
        printf("; first on line %d: %s", r->first_skipped_line, r->first_skipped_reason);
    }
    printf("\n");
}

void trace_info_print(const struct trace_info *info) {
    const struct trace_report *r = &info->report;
    char span[48];
    printf("%s\n", info->path);
    printf("  %-16s %s\n", "format", r->format);
    printf("  %-16s %" PRIu64 "\n", "requests", info->requests);
    if (r->start[0]) {
        printf("  %-16s %s\n", "start", r->start);
    }
    printf("  %-16s %s\n", "span", unit_text(UNIT_DURATION, round(span_s(info)), span));
    if (isfinite(rate_per_s(info))) {
        printf("  %-16s %.4g/s, gaps with a coefficient of variation of %.3g\n", "rate", rate_per_s(info),
               gap_cv(info));
    }
    print_tokens("input tokens", &info->input);
    print_tokens("output tokens", &info->output);
    print_skipped(r);
    if (r->out_of_order > 0) {
        printf("  %-16s %" PRIu64 " rows sorted\n", "out of order", r->out_of_order);
    }
    printf("  %-16s %s\n", "columns", r->columns);
    if (r->ignored_columns[0]) {
        printf("  %-16s %s\n", "ignored", r->ignored_columns);
    }
    if (info->has_sha256) {
        printf("  %-16s %s\n", "sha256", info->sha256);
    }
}
