/* traces/fit.c: parameters of synthesis out of a trace.
 *
 * The rate is a profile by windows. Burstiness is what is left within windows: each gap is divided by the
 * mean gap of its window, so that a day's rhythm is not taken for bursts, and Gamma and Weibull shapes are
 * fitted to those by maximum likelihood. The process whose likelihood is best wins, with Akaike's penalty for
 * the shape. Lengths become quantile tables; their correlation is that of normal scores, which is what the
 * Gaussian copula of synth.c is told by. This is not the model path: GSL and libm may be used.
 */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_psi.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "traces/traces.h"

enum {
    FIT_SAMPLE_MAX = 1 << 20,
    FIT_ROWS_MIN = 10,
    FIT_WINDOW_GAPS_MIN = 8 /* windows with fewer say little, and their own mean would hide it */
};

/* Above this share of gaps of 0 the clock hides the process, and no shape is fitted (Mooncake: 0.9). */
static const double fit_zero_gaps_max = 0.2;

struct sampled {
    uint32_t input;
    uint32_t output;
    double gap_s; /* before this row; negative when it is in another window */
    uint32_t window;
};

struct gatherer {
    double window_s;
    double profile[TRACE_PROFILE_MAX]; /* rows by window */
    uint32_t window_gaps[TRACE_PROFILE_MAX];
    double window_gap_sum[TRACE_PROFILE_MAX];
    uint32_t windows;
    uint64_t rows;
    double first_s, last_s;
    double gap_sum, gap_square_sum;
    double input_sum, output_sum;
    uint64_t zero_gaps;
    double tick_s; /* the smallest gap above 0 */
    struct sampled *sample;
    size_t sampled;
    struct rng chooser;
};

/* ---- gathering ---- */

/* Pairs of windows become one, so that a long trace fits. Gaps across the border of a pair stay left out. */
static void double_windows(struct gatherer *g) {
    for (uint32_t i = 0; i < TRACE_PROFILE_MAX / 2; i++) {
        g->profile[i] = g->profile[2 * i] + g->profile[2 * i + 1];
        g->window_gaps[i] = g->window_gaps[2 * i] + g->window_gaps[2 * i + 1];
        g->window_gap_sum[i] = g->window_gap_sum[2 * i] + g->window_gap_sum[2 * i + 1];
    }
    for (uint32_t i = TRACE_PROFILE_MAX / 2; i < TRACE_PROFILE_MAX; i++) {
        g->profile[i] = g->window_gap_sum[i] = 0;
        g->window_gaps[i] = 0;
    }
    for (size_t i = 0; i < g->sampled; i++) {
        g->sample[i].window /= 2;
    }
    g->window_s *= 2;
    g->windows = (g->windows + 1) / 2;
}

static uint32_t window_of(struct gatherer *g, double since_s) {
    while (since_s / g->window_s >= TRACE_PROFILE_MAX) {
        double_windows(g);
    }
    return (uint32_t)(since_s / g->window_s);
}

/* Algorithm R: every row has the same chance to be in the sample. */
static struct sampled *sample_slot(struct gatherer *g) {
    if (g->sampled < FIT_SAMPLE_MAX) {
        return &g->sample[g->sampled++];
    }
    uint64_t place = rng_below(&g->chooser, g->rows);
    return place < FIT_SAMPLE_MAX ? &g->sample[place] : NULL;
}

static void gather_gap(struct gatherer *g, double gap_s, uint32_t window, bool within) {
    g->gap_sum += gap_s;
    g->gap_square_sum += gap_s * gap_s;
    g->zero_gaps += gap_s == 0;
    if (gap_s > 0 && (g->tick_s == 0 || gap_s < g->tick_s)) {
        g->tick_s = gap_s;
    }
    if (within) {
        g->window_gaps[window]++;
        g->window_gap_sum[window] += gap_s;
    }
}

static void gather_row(struct gatherer *g, const struct trace_row *row) {
    double now_s = simtime_to_s(row->arrival_ps);
    bool first = g->rows++ == 0;
    if (first) {
        g->first_s = g->last_s = now_s;
    }
    uint32_t window = window_of(g, now_s - g->first_s);
    bool within = !first && window == (uint32_t)((g->last_s - g->first_s) / g->window_s);
    if (window + 1 > g->windows) {
        g->windows = window + 1;
    }
    g->profile[window]++;
    if (!first) {
        gather_gap(g, now_s - g->last_s, window, within);
    }
    g->input_sum += row->input_tokens;
    g->output_sum += row->output_tokens;
    struct sampled *slot = sample_slot(g);
    if (slot) {
        *slot =
            (struct sampled){row->input_tokens, row->output_tokens, within ? now_s - g->last_s : -1, window};
    }
    g->last_s = now_s;
}

/* ---- shapes of gaps ---- */

struct gaps {
    double *x; /* of mean 1 */
    size_t n;
    double log_mean;
};

/* Gaps of 0 (a clock a little coarser than the traffic) count as half a tick, so that their logarithm exists.
 */
static void scale_gaps(const struct gatherer *g, struct gaps *out) {
    double sum = 0;
    double log_sum = 0;
    for (size_t i = 0; i < g->sampled; i++) {
        const struct sampled *s = &g->sample[i];
        if (s->gap_s < 0 || g->window_gaps[s->window] < FIT_WINDOW_GAPS_MIN ||
            g->window_gap_sum[s->window] <= 0) {
            continue;
        }
        double gap_s = s->gap_s > 0 ? s->gap_s : g->tick_s / 2;
        out->x[out->n] = gap_s * g->window_gaps[s->window] / g->window_gap_sum[s->window];
        sum += out->x[out->n++];
    }
    for (size_t i = 0; i < out->n; i++) {
        out->x[i] *= (double)out->n / sum;
        log_sum += log(out->x[i]);
    }
    out->log_mean = out->n ? log_sum / (double)out->n : 0;
}

static double gaps_cv(const struct gaps *gaps) {
    double square = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        square += (gaps->x[i] - 1) * (gaps->x[i] - 1);
    }
    return gaps->n ? sqrt(square / (double)gaps->n) : 0;
}

/* Gamma of mean 1: ln k - psi(k) = -mean(ln x), by Newton from Minka's start (2002). */
static double fit_gamma(const struct gaps *gaps) {
    double s = -gaps->log_mean;
    if (!(s > 1e-9)) {
        return 1000;
    }
    double k = (3 - s + sqrt((s - 3) * (s - 3) + 24 * s)) / (12 * s);
    for (int i = 0; i < 50; i++) {
        double step = (log(k) - gsl_sf_psi(k) - s) / (1 / k - gsl_sf_psi_1(k));
        k = k - step > k / 2 ? k - step : k / 2;
        if (fabs(step) < 1e-10 * k) {
            break;
        }
    }
    return fmin(fmax(k, 0.01), 1000);
}

/* Weibull: sum(x^k ln x) / sum(x^k) - 1/k = mean(ln x), which rises with k: by bisection in ln k. */
static double weibull_score(const struct gaps *gaps, double k) {
    double weight = 0;
    double weighted = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        double l = log(gaps->x[i]);
        double w = exp(k * l);
        weight += w;
        weighted += w * l;
    }
    return weighted / weight - 1 / k - gaps->log_mean;
}

static double fit_weibull(const struct gaps *gaps) {
    double low = 0.02;
    double high = 20;
    for (int i = 0; i < 40; i++) {
        double middle = sqrt(low * high);
        if (weibull_score(gaps, middle) < 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return sqrt(low * high);
}

/* Scale of the maximum likelihood at shape k. */
static double weibull_scale(const struct gaps *gaps, double k) {
    double sum = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        sum += pow(gaps->x[i], k);
    }
    return pow(sum / (double)gaps->n, 1 / k);
}

static double cdf(int process, double x, double k, double scale) {
    switch (process) {
    case ARRIVAL_GAMMA:
        return gsl_cdf_gamma_P(x, k, scale);
    case ARRIVAL_WEIBULL:
        return -expm1(-pow(x / scale, k));
    default:
        return -expm1(-x);
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Kolmogorov's distance between sorted gaps and a law. */
static double gaps_ks(const struct gaps *gaps, int process, double k, double scale) {
    double worst = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        double p = cdf(process, gaps->x[i], k, scale);
        worst = fmax(worst, fmax(p - (double)i / (double)gaps->n, (double)(i + 1) / (double)gaps->n - p));
    }
    return worst;
}

/* Standard errors from the Fisher information of one observation with the scale free too. */
static double gamma_error(double k, size_t n) {
    return sqrt(k / ((double)n * (k * gsl_sf_psi_1(k) - 1)));
}

static double weibull_error(double k, size_t n) {
    return k * sqrt(6) / M_PI / sqrt((double)n);
}

static void fit_arrivals(struct gaps *gaps, struct trace_fit *fit) {
    qsort(gaps->x, gaps->n, sizeof *gaps->x, by_value);
    double mean_log = gaps->log_mean;
    double kg = fit_gamma(gaps);
    double kw = fit_weibull(gaps);
    double scale = weibull_scale(gaps, kw);
    fit->arrival_shape[ARRIVAL_POISSON] = 1;
    fit->arrival_shape[ARRIVAL_GAMMA] = kg;
    fit->arrival_shape[ARRIVAL_WEIBULL] = kw;
    fit->arrival_shape_error[ARRIVAL_GAMMA] = gamma_error(kg, gaps->n);
    fit->arrival_shape_error[ARRIVAL_WEIBULL] = weibull_error(kw, gaps->n);
    fit->arrival_likelihood[ARRIVAL_POISSON] = -1; /* mean(-x) */
    fit->arrival_likelihood[ARRIVAL_GAMMA] = (kg - 1) * mean_log - kg - gsl_sf_lngamma(kg) + kg * log(kg);
    fit->arrival_likelihood[ARRIVAL_WEIBULL] = log(kw) - kw * log(scale) + (kw - 1) * mean_log - 1;
    fit->arrival_ks[ARRIVAL_POISSON] = gaps_ks(gaps, ARRIVAL_POISSON, 1, 1);
    fit->arrival_ks[ARRIVAL_GAMMA] = gaps_ks(gaps, ARRIVAL_GAMMA, kg, 1 / kg);
    fit->arrival_ks[ARRIVAL_WEIBULL] = gaps_ks(gaps, ARRIVAL_WEIBULL, kw, scale);
    int best = ARRIVAL_POISSON;
    double penalty = 1 / (double)gaps->n; /* Akaike's, a gap: one parameter more */
    for (int i = ARRIVAL_GAMMA; i <= ARRIVAL_WEIBULL; i++) {
        double before = fit->arrival_likelihood[best] - (best == ARRIVAL_POISSON ? 0 : penalty);
        if (fit->arrival_likelihood[i] - penalty > before) {
            best = i;
        }
    }
    fit->spec.process = (enum arrival_process)best;
    fit->spec.shape = fit->arrival_shape[best];
}

/* ---- lengths ---- */

static const double fit_probabilities[] = {
    0,   0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1,   0.15, 0.2,  0.25, 0.3,  0.35,  0.4,   0.45,  0.5, 0.55,
    0.6, 0.65,  0.7,  0.75, 0.8,  0.85, 0.9,   0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1};
enum { FIT_PROBABILITIES = sizeof fit_probabilities / sizeof *fit_probabilities };

static void fit_quantiles(const double *sorted, size_t n, struct length_distribution *d) {
    *d = (struct length_distribution){.law = LENGTH_QUANTILES, .low = (uint32_t)sorted[0]};
    d->high = (uint32_t)sorted[n - 1];
    for (int i = 0; i < FIT_PROBABILITIES; i++) {
        double place = fit_probabilities[i] * (double)(n - 1);
        size_t below = (size_t)place;
        double share = place - (double)below;
        double value = sorted[below] + (below + 1 < n ? share * (sorted[below + 1] - sorted[below]) : 0);
        d->probability[i] = fit_probabilities[i];
        d->value[i] = round(value * 10) / 10;
    }
    d->quantile_count = FIT_PROBABILITIES;
    if (sorted[0] == sorted[n - 1]) {
        *d = (struct length_distribution){.law = LENGTH_CONSTANT, .low = (uint32_t)sorted[0]};
    }
}

/* mu and sigma of the lengths above 0, and how far that log-normal is from them. A tie of lengths is compared
 * at its upper end only, rounded as the law's draws would be. */
static double lognormal_ks(const double *sorted, size_t n, double law[2]) {
    double sum = 0;
    double square = 0;
    size_t zero = 0;
    while (zero < n && sorted[zero] <= 0) {
        zero++;
    }
    size_t m = n - zero;
    for (size_t i = zero; i < n; i++) {
        sum += log(sorted[i]);
    }
    law[0] = m ? sum / (double)m : 0;
    for (size_t i = zero; i < n; i++) {
        square += (log(sorted[i]) - law[0]) * (log(sorted[i]) - law[0]);
    }
    law[1] = m ? sqrt(square / (double)m) : 0;
    if (!(law[1] > 0)) {
        return 0;
    }
    double worst = 0;
    for (size_t i = zero; i < n; i++) {
        if (i + 1 == n || sorted[i + 1] > sorted[i]) {
            double p = gsl_cdf_ugaussian_P((log(sorted[i] + 0.5) - law[0]) / law[1]);
            worst = fmax(worst, fabs(p - (double)(i + 1 - zero) / (double)m));
        }
    }
    return worst;
}

/* Mid-ranks as normal scores, back in the order of the sample. */
struct ranked {
    uint32_t value;
    uint32_t index;
};

static int by_rank(const void *a, const void *b) {
    const struct ranked *x = a;
    const struct ranked *y = b;
    return x->value != y->value ? (x->value < y->value ? -1 : 1) : (x->index < y->index ? -1 : 1);
}

static void normal_scores(struct ranked *r, size_t n, double *score) {
    qsort(r, n, sizeof *r, by_rank);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && r[end].value == r[i].value) {
            end++;
        }
        double middle = ((double)i + (double)end) / 2; /* of the ranks i + 1 .. end, less 1/2 */
        double z = gsl_cdf_ugaussian_Pinv(middle / (double)n);
        for (; i < end; i++) {
            score[r[i].index] = z;
        }
    }
}

static double correlation(const double *a, const double *b, size_t n) {
    double aa = 0;
    double bb = 0;
    double ab = 0;
    for (size_t i = 0; i < n; i++) {
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* ---- the whole ---- */

static void fit_lengths(const struct gatherer *g, struct trace_fit *fit) {
    size_t n = g->sampled;
    double *input = mem_alloc(n * sizeof *input);
    double *output = mem_alloc(n * sizeof *output);
    struct ranked *ranked = mem_alloc(n * sizeof *ranked);
    for (size_t i = 0; i < n; i++) {
        ranked[i] = (struct ranked){g->sample[i].input, (uint32_t)i};
    }
    normal_scores(ranked, n, input);
    for (size_t i = 0; i < n; i++) {
        ranked[i] = (struct ranked){g->sample[i].output, (uint32_t)i};
    }
    normal_scores(ranked, n, output);
    double rho = correlation(input, output, n);
    fit->spec.correlation = round(rho * 1000) / 1000;
    for (size_t i = 0; i < n; i++) {
        input[i] = g->sample[i].input;
        output[i] = g->sample[i].output;
    }
    qsort(input, n, sizeof *input, by_value);
    qsort(output, n, sizeof *output, by_value);
    fit_quantiles(input, n, &fit->spec.input_tokens);
    fit_quantiles(output, n, &fit->spec.output_tokens);
    fit->input_lognormal_ks = lognormal_ks(input, n, fit->input_lognormal);
    fit->output_lognormal_ks = lognormal_ks(output, n, fit->output_lognormal);
    free(ranked);
    free(output);
    free(input);
}

/* Relative rates of equal parts of the span. The last window is rarely whole: its rate is over what it has.
 */
static void fit_profile(const struct gatherer *g, struct trace_fit *fit) {
    struct synth_spec *spec = &fit->spec;
    double span_s = g->last_s - g->first_s;
    spec->duration_s = span_s + span_s / (double)(g->rows - 1);
    spec->profile_count = g->windows > 1 ? (int)g->windows : 0;
    spec->profile_period_s = g->window_s * g->windows;
    double sum = 0;
    for (uint32_t i = 0; i < g->windows; i++) {
        double length_s = fmin(g->window_s, spec->duration_s - i * g->window_s);
        length_s = fmax(length_s, 0.1 * g->window_s);
        double rate = g->profile[i] / length_s;
        spec->profile[i] = round(rate / fit->rate_per_s * 1e4) / 1e4;
        sum += spec->profile[i];
    }
    /* rate_per_s is the mean over the whole profile, of which the trace may end before the end */
    spec->rate_per_s = spec->profile_count ? fit->rate_per_s * sum / g->windows : fit->rate_per_s;
}

static bool gather(struct gatherer *g, struct trace_source *source, struct error *err) {
    struct trace_row row;
    int got;
    while ((got = trace_next(source, &row, err)) > 0) {
        gather_row(g, &row);
    }
    if (got < 0) {
        return false;
    }
    if (g->rows < FIT_ROWS_MIN || g->last_s <= g->first_s) {
        error_set(err, ERROR_INVALID, "a fit needs at least 10 requests at more than one time, not %llu",
                  (unsigned long long)g->rows);
        return error_hint(err, "take a longer trace");
    }
    return true;
}

bool trace_fit(struct trace_source *source, double window_s, struct trace_fit *fit, struct error *err) {
    memset(fit, 0, sizeof *fit);
    synth_defaults(&fit->spec);
    if (!(window_s > 0 && window_s <= 1e7)) {
        return error_at(err, ERROR_USAGE, NULL, "window", "expected a duration above 0");
    }
    struct gatherer *g = mem_zalloc(1, sizeof *g);
    g->sample = mem_alloc(FIT_SAMPLE_MAX * sizeof *g->sample);
    g->window_s = window_s;
    g->chooser = rng_stream(0, RNG_THINNING, "fit");
    bool good = gather(g, source, err);
    if (good) {
        double n = (double)(g->rows - 1);
        double mean_gap_s = g->gap_sum / n;
        fit->requests = g->rows;
        fit->span_s = g->last_s - g->first_s;
        fit->rate_per_s = 1 / mean_gap_s;
        fit->interarrival_cv = sqrt(fmax(g->gap_square_sum / n - mean_gap_s * mean_gap_s, 0)) / mean_gap_s;
        fit->window_s = g->window_s;
        fit->zero_gaps = (double)g->zero_gaps / n;
        fit->input_mean = g->input_sum / (double)g->rows;
        fit->output_mean = g->output_sum / (double)g->rows;
        struct gaps gaps = {.x = mem_alloc(g->sampled * sizeof *gaps.x)};
        scale_gaps(g, &gaps);
        fit->gaps = gaps.n;
        fit->burstiness_cv = gaps_cv(&gaps);
        if (gaps.n >= FIT_WINDOW_GAPS_MIN && fit->zero_gaps <= fit_zero_gaps_max) {
            fit_arrivals(&gaps, fit);
        }
        free(gaps.x);
        fit_lengths(g, fit);
        fit_profile(g, fit);
    }
    free(g->sample);
    free(g);
    return good;
}

/* ---- as text ---- */

static void length_text(struct strbuf *out, const struct length_distribution *d) {
    char p[NUMBER_TEXT_BYTES];
    char v[NUMBER_TEXT_BYTES];
    strbuf_clear(out);
    if (d->law == LENGTH_CONSTANT) {
        strbuf_printf(out, "%u", d->low);
        return;
    }
    strbuf_append(out, "quantiles(");
    for (int i = 0; i < d->quantile_count; i++) {
        strbuf_printf(out, "%s=%s,", number_text(d->probability[i], p), number_text(d->value[i], v));
    }
    strbuf_printf(out, "low=%u,high=%u)", d->low, d->high);
}

/* Enough digits for what a fit knows. */
static const char *rounded(double value, int digits, char out[NUMBER_TEXT_BYTES]) {
    if (value != 0) {
        double unit = pow(10, digits - 1 - floor(log10(fabs(value))));
        value = round(value * unit) / unit;
    }
    return number_text(value, out);
}

void trace_fit_parameters(const struct trace_fit *fit,
                          void (*each)(void *context, const char *name, const char *text), void *context) {
    static const char *const processes[] = {"poisson", "gamma", "weibull"};
    const struct synth_spec *spec = &fit->spec;
    char number[NUMBER_TEXT_BYTES];
    struct strbuf text = {0};
    each(context, "process", processes[spec->process]);
    each(context, "rate_per_s", rounded(spec->rate_per_s, 6, number));
    if (spec->process != ARRIVAL_POISSON) {
        each(context, "shape", rounded(spec->shape, 4, number));
    }
    each(context, "duration_s", rounded(spec->duration_s, 8, number));
    for (int i = 0; i < spec->profile_count; i++) {
        strbuf_printf(&text, "%s%s", i ? "," : "", number_text(spec->profile[i], number));
    }
    if (spec->profile_count > 0) {
        each(context, "profile", text.text);
        each(context, "profile_period_s", number_text(spec->profile_period_s, number));
    }
    length_text(&text, &spec->input_tokens);
    each(context, "input_tokens", text.text);
    length_text(&text, &spec->output_tokens);
    each(context, "output_tokens", text.text);
    each(context, "correlation", number_text(spec->correlation, number));
    strbuf_free(&text);
}

static void print_yaml(void *indent, const char *name, const char *text) {
    printf("%s%s: \"%s\"\n", (const char *)indent, name, text);
}

void trace_fit_print_yaml(const struct trace_fit *fit, const char *indent) {
    trace_fit_parameters(fit, print_yaml, (void *)(uintptr_t)indent);
}
