/* How alike groups of users were served: by tenant, by region, by modality, wherever there are two or more.
 * docs/results.md defines the figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/accounts.h"

/* ---- groups that are no scopes of the summary ---- */

static const char *const modality_names[MODALITIES] = {"text", "image", "audio", "image and audio"};

/* A scope's counts and tokens, and of its latencies TTFT alone. */
static void count(struct scope *s, const struct request *r, const struct outcome *o) {
    s->counts.arrived++;
    s->counts.completed += r->status == REQUEST_COMPLETED;
    s->counts.rejected += r->status == REQUEST_REJECTED;
    if (!r->counted) {
        return;
    }
    s->counted++;
    s->good += o->good;
    if (r->status == REQUEST_COMPLETED) {
        s->counted_completed++;
        s->input_tokens += r->input_tokens;
        s->output_tokens += r->generated;
        histogram_add(&s->ttft, o->ttft_s, 1);
    }
}

static void add(struct scope *to, const struct scope *from) {
    to->counts.completed += from->counts.completed;
    to->counts.rejected += from->counts.rejected;
    to->good += from->good;
    to->counted_completed += from->counted_completed;
    to->input_tokens += from->input_tokens;
    to->output_tokens += from->output_tokens;
    histogram_merge(&to->ttft, &from->ttft);
}

/* The first that is not text: all that ended before it were. How many of them counted is known at the end. */
static void modalities_begin(struct world *w) {
    w->modalities = mem_zalloc(MODALITIES, sizeof *w->modalities);
    for (uint32_t i = 0; i < w->service_count; i++) {
        add(&w->modalities[MODALITY_TEXT], &w->services[i].scope);
    }
}

void fairness_finished(struct world *w, const struct request *r, const struct outcome *o) {
    if (r->modality != MODALITY_TEXT && !w->modalities) {
        modalities_begin(w);
    }
    if (w->modalities) {
        count(&w->modalities[r->modality], r, o);
    }
    if (w->scenario.region_count > 1 && r->region != 0) {
        if (!w->region_groups) {
            w->region_groups = mem_zalloc(w->scenario.region_count, sizeof *w->region_groups);
        }
        count(&w->region_groups[w->region_of_name[r->region] - 1], r, o);
    }
}

static void modalities_end(struct world *w) {
    struct scope *text = &w->modalities[MODALITY_TEXT];
    text->counted = w->all.counted;
    text->counts.arrived = w->all.counts.arrived;
    for (int i = MODALITY_TEXT + 1; i < MODALITIES; i++) {
        text->counted -= w->modalities[i].counted;
        text->counts.arrived -= w->modalities[i].counts.arrived;
    }
}

/* ---- their figures ---- */

struct group {
    const char *name;
    double values[FAIRNESS_METRICS]; /* NaN = it has none */
};

/* As summary.h has them: which is better, more or less. */
static const bool more_is_better[FAIRNESS_METRICS] = {
    [FAIRNESS_ATTAINMENT] = true, [FAIRNESS_GOODPUT] = true, [FAIRNESS_SERVICE] = true};

static const double PROMPT_WEIGHT = 1, ANSWER_WEIGHT = 2; /* of a token: VTC's (arXiv 2401.00588) */

static struct group group_of(const char *name, const struct scope *s, bool has_slo, double window_s) {
    double tokens = PROMPT_WEIGHT * (double)s->input_tokens + ANSWER_WEIGHT * (double)s->output_tokens;
    struct group g = {.name = name};
    for (int m = 0; m < FAIRNESS_METRICS; m++) {
        g.values[m] = NAN;
    }
    if (s->counted > 0) {
        uint64_t lost = s->counted - s->counted_completed;
        g.values[FAIRNESS_ATTAINMENT] = has_slo ? (double)s->good / (double)s->counted : NAN;
        g.values[FAIRNESS_TTFT_P95] = histogram_quantile(&s->ttft, 0.95, lost);
        g.values[FAIRNESS_GOODPUT] = window_s > 0 ? (double)s->good / window_s : NAN;
        g.values[FAIRNESS_SERVICE] = tokens;
    }
    if (s->counts.arrived > 0) {
        g.values[FAIRNESS_REJECTED] = (double)s->counts.rejected / (double)s->counts.arrived;
    }
    return g;
}

static double jain(const struct group *groups, size_t n, int metric) {
    double sum = 0, squares = 0;
    size_t infinite = 0, have = 0;
    for (size_t i = 0; i < n; i++) {
        double x = groups[i].values[metric];
        have += isnan(x) ? 0 : 1;
        infinite += isinf(x) ? 1 : 0;
        sum += isnan(x) ? 0 : x;
        squares += isnan(x) ? 0 : x * x;
    }
    if (infinite > 0) {
        return (double)infinite / (double)have; /* the limit */
    }
    return squares > 0 ? sum * sum / ((double)have * squares) : 1;
}

static struct fairness_figure figure_of(const struct group *groups, size_t n, int metric) {
    struct fairness_figure f = {0};
    double least = INFINITY, most = -INFINITY, worst = NAN;
    size_t have = 0;
    for (size_t i = 0; i < n; i++) {
        double x = groups[i].values[metric];
        if (isnan(x)) {
            continue;
        }
        bool is_worse = more_is_better[metric] ? x < worst : x > worst;
        if (have++ == 0 || is_worse) {
            worst = x;
            f.worst = groups[i].name;
        }
        least = fmin(least, x);
        most = fmax(most, x);
    }
    f.present = have > 1;
    f.ratio = most == least ? 1 : most / least;
    f.jain = jain(groups, n, metric);
    return f;
}

static void tell(struct summary *s, int by, const struct group *groups, size_t n) {
    for (int m = 0; m < FAIRNESS_METRICS; m++) {
        s->fairness[m][by] = figure_of(groups, n, m);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static double cost_per_request(const struct scope_summary *t) {
    bool has = t->cost.present && t->cost.usage != NANOUSD_NONE && t->requests.completed > 0;
    return has ? money_to_usd(t->cost.usage) / (double)t->requests.completed : NAN;
}

static void tenants(struct world *w, struct summary *s, bool has_slo, double window_s) {
    struct group *groups = arena_array(w->arena, s->tenant_count + 1, sizeof *groups);
    for (size_t i = 0; i < s->tenant_count; i++) {
        const struct scope_summary *t = &s->tenants[i];
        uint32_t name = trace_names_intern(&w->names, t->name, strlen(t->name));
        groups[i] = group_of(t->name, w->tenants[name], has_slo, window_s);
        groups[i].values[FAIRNESS_USD] = cost_per_request(t);
    }
    tell(s, FAIRNESS_BY_TENANT, groups, s->tenant_count);
}

static void regions(struct world *w, struct summary *s, bool has_slo, double window_s) {
    size_t n = w->region_groups ? w->scenario.region_count : 0;
    struct group *groups = arena_array(w->arena, n + 1, sizeof *groups);
    for (size_t i = 0; i < n; i++) {
        groups[i] = group_of(w->scenario.regions[i].name, &w->region_groups[i], has_slo, window_s);
    }
    qsort(groups, n, sizeof *groups, by_name);
    tell(s, FAIRNESS_BY_REGION, groups, n);
}

static void modalities(struct world *w, struct summary *s, bool has_slo, double window_s) {
    struct group groups[MODALITIES];
    size_t n = w->modalities ? MODALITIES : 0;
    if (n > 0) {
        modalities_end(w);
    }
    for (size_t i = 0; i < n; i++) {
        groups[i] = group_of(modality_names[i], &w->modalities[i], has_slo, window_s);
    }
    qsort(groups, n, sizeof *groups, by_name);
    tell(s, FAIRNESS_BY_MODALITY, groups, n);
}

/* Of the service whose tenants came furthest apart. */
static void gaps(const struct world *w, struct summary *s) {
    for (uint32_t i = 0; i < w->service_count; i++) {
        struct admission_gap gap;
        if (gate_gap(&w->services[i].gate, &gap) && (!s->has_fairness_gap || gap.largest > s->fairness_gap)) {
            s->has_fairness_gap = true;
            s->fairness_gap = gap.largest;
            s->fairness_gap_bound = gap.bound;
        }
    }
}

void fairness_figures(struct world *w, struct summary *s) {
    double window_s = s->simulated_s - simtime_to_s(w->warmup_ps);
    tenants(w, s, s->all.has_slo, window_s);
    regions(w, s, s->all.has_slo, window_s);
    modalities(w, s, s->all.has_slo, window_s);
    gaps(w, s);
}

void fairness_free(struct world *w) {
    for (size_t i = 0; w->region_groups && i < w->scenario.region_count; i++) {
        histogram_free(&w->region_groups[i].ttft);
    }
    for (size_t i = 0; w->modalities && i < MODALITIES; i++) {
        histogram_free(&w->modalities[i].ttft);
    }
    free(w->region_groups);
    free(w->modalities);
}
