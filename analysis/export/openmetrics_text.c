#include "analysis/export/openmetrics_text.h"

#include <math.h>
#include <string.h>

void metrics_family(FILE *out, const char *name, const char *type, const char *unit, const char *help) {
    fprintf(out, "# TYPE %s %s\n", name, type);
    if (unit[0]) {
        fprintf(out, "# UNIT %s %s\n", name, unit);
    }
    fprintf(out, "# HELP %s %s\n", name, help);
}

static void write_name(FILE *out, const char *name, const char *suffix, const char *labels) {
    fprintf(out, labels[0] ? "%s%s{%s} " : "%s%s%s ", name, suffix, labels);
}

void metrics_sample(FILE *out, const char *name, const char *labels, double value) {
    char number[NUMBER_TEXT_BYTES];
    if (!isnan(value)) {
        write_name(out, name, "", labels);
        fprintf(out, "%s\n", isinf(value) ? (value > 0 ? "+Inf" : "-Inf") : number_text(value, number));
    }
}

void metrics_label(struct strbuf *labels, const char *key, const char *value) {
    strbuf_printf(labels, "%s%s=\"", labels->length ? "," : "", key);
    for (const char *c = value; *c; c++) {
        if (*c == '\n') {
            strbuf_append(labels, "\\n");
        } else {
            if (*c == '"' || *c == '\\') {
                strbuf_char(labels, '\\');
            }
            strbuf_char(labels, *c);
        }
    }
    strbuf_char(labels, '"');
}

/* An edge as OpenMetrics wants numbers of `le`: with a point, "0.1", "1.0". */
static void write_edge(FILE *out, const struct bucket_edges *edges, size_t i, int64_t unit) {
    char number[NUMBER_TEXT_BYTES];
    if (i == edges->count) {
        fputs("+Inf", out);
        return;
    }
    number_text((double)edges->at[i] / (double)unit, number);
    fprintf(out, strpbrk(number, ".e") ? "%s" : "%s.0", number);
}

/* Whole units and the rest, so that no digit of a sum is lost. */
static void write_sum(FILE *out, simtime_total sum, int64_t unit) {
    fprintf(out, "%lld", (long long)(sum / unit));
    if (unit > 1) {
        fprintf(out, ".%012lld", (long long)(sum % unit));
    }
    putc('\n', out);
}

void metrics_histogram(FILE *out, const char *name, const char *labels, const struct bucket_edges *edges,
                       int64_t unit, const struct metrics_histogram *h) {
    uint64_t count = 0;
    for (size_t i = 0; i <= edges->count; i++) {
        count += h->counts[i];
        fprintf(out, "%s_bucket{%s%sle=\"", name, labels, labels[0] ? "," : "");
        write_edge(out, edges, i, unit);
        fprintf(out, "\"} %llu\n", (unsigned long long)count);
    }
    write_name(out, name, "_count", labels);
    fprintf(out, "%llu\n", (unsigned long long)count);
    write_name(out, name, "_sum", labels);
    write_sum(out, h->sum, unit);
}
