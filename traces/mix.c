/* traces/mix.c: several sources as one, by arrival. A batch ends where one of the inner batches does, so that
 * no hash pointer outlives its source's batch. */
#include <stdlib.h>
#include <string.h>

#include "traces/source.h"

enum { MIX_BATCH = 1024, MIX_SOURCES_MAX = 4096 };

struct mixed {
    struct trace_source base;
    struct trace_source **inner;
    size_t count;
    struct trace_row rows[MIX_BATCH];
};

/* The source whose next row is the earliest; ties go to the lower index. NULL when one has run out of rows at
 * hand without being at its end, or all are. */
static struct trace_source *earliest(const struct mixed *m, uint32_t *index) {
    struct trace_source *best = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct trace_source *s = m->inner[i];
        if (s->at == s->count) {
            if (!s->ended) {
                return NULL;
            }
            continue;
        }
        if (!best || s->rows[s->at].arrival_ps < best->rows[best->at].arrival_ps) {
            best = s;
            *index = (uint32_t)i;
        }
    }
    return best;
}

static bool mix_fill(struct trace_source *base, struct error *err) {
    struct mixed *m = (struct mixed *)base;
    for (size_t i = 0; i < m->count; i++) {
        if (source_refill(m->inner[i], err) < 0) {
            return false;
        }
    }
    size_t n = 0;
    uint32_t index = 0;
    struct trace_source *s;
    while (n < MIX_BATCH && (s = earliest(m, &index))) {
        m->rows[n] = s->rows[s->at++];
        m->rows[n++].source = index;
    }
    base->rows = m->rows;
    base->count = n;
    return true;
}

static void mix_close(struct trace_source *base) {
    struct mixed *m = (struct mixed *)base;
    for (size_t i = 0; i < m->count; i++) {
        trace_close(m->inner[i]);
    }
    free(m->inner);
    free(m);
}

/* Counts add up; texts are those of the first source that has one. */
static void mix_report(struct trace_source *base, struct trace_report *report) {
    struct mixed *m = (struct mixed *)base;
    memset(report, 0, sizeof *report);
    strcpy(report->format, "mixed");
    for (size_t i = 0; i < m->count; i++) {
        const struct trace_report *one = trace_report(m->inner[i]);
        if (report->skipped == 0) {
            report->first_skipped_line = one->first_skipped_line;
            report->first_skipped_column = one->first_skipped_column;
            memcpy(report->first_skipped_reason, one->first_skipped_reason, sizeof one->first_skipped_reason);
        }
        if (!report->ignored_columns[0]) {
            memcpy(report->ignored_columns, one->ignored_columns, sizeof one->ignored_columns);
        }
        report->skipped += one->skipped;
        report->failed += one->failed;
        report->out_of_order += one->out_of_order;
    }
}

struct trace_source *trace_mixed(struct trace_source **sources, size_t count, struct error *err) {
    static const struct trace_source_ops ops = {mix_fill, mix_close, mix_report};
    if (count == 0 || count > MIX_SOURCES_MAX) {
        error_set(err, ERROR_INVALID, "between 1 and %d traces to mix, not %zu", MIX_SOURCES_MAX, count);
        for (size_t i = 0; i < count; i++) {
            trace_close(sources[i]);
        }
        return NULL;
    }
    struct mixed *m = mem_zalloc(1, sizeof *m);
    m->base.ops = &ops;
    m->count = count;
    m->inner = mem_alloc(count * sizeof *m->inner);
    memcpy(m->inner, sources, count * sizeof *m->inner);
    return &m->base;
}
