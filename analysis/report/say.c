#include "analysis/report/say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cell.h"
#include "base/strbuf.h"
#include "record/figure.h"

static const double minute_s = 60, hour_s = 3600, day_s = 86400;

/* A cell of a terminal's table, with a no-break space before its unit. */
static const char *spaced(struct arena *a, const char *cell) {
    struct strbuf text = {0};
    strbuf_append(&text, "");
    for (; *cell; cell++) {
        if (cell[0] == ' ' && cell[1] == 'u') {
            strbuf_append(&text, NBSP "\xC2\xB5");
            cell++;
        } else if (*cell == ' ') {
            strbuf_append(&text, NBSP);
        } else {
            strbuf_char(&text, *cell);
        }
    }
    const char *copy = arena_strdup(a, text.text);
    strbuf_free(&text);
    return copy;
}

const char *say_count(struct arena *a, double n) {
    char cell[CELL_BYTES];
    if (!isfinite(n) || fabs(n) >= 1e18) {
        return isnan(n) ? "n/a" : "unlimited";
    }
    return arena_printf(a, "%s%s", n <= -0.5 ? "-" : "", cell_count((uint64_t)llround(fabs(n)), cell));
}

/* Three significant digits of what is below 1, as cell_rate gives of what is not. */
static const char *small(struct arena *a, double x) {
    int places = (int)fmin(9, 2 - floor(log10(fabs(x) * 1.0005)));
    return arena_printf(a, "%.*f", places, x);
}

const char *say_number(struct arena *a, double x) {
    char cell[CELL_BYTES];
    if (!isfinite(x)) {
        return isnan(x) ? "n/a" : "unlimited";
    }
    if (fabs(x - round(x)) < 1e-9 && (x == 0 || fabs(x) >= 1) && fabs(x) < 1000) {
        return arena_printf(a, "%.0f", x);
    }
    return fabs(x) < 0.995 ? small(a, x) : arena_strdup(a, cell_rate(x, cell));
}

const char *say_latency(struct arena *a, double s) {
    char cell[CELL_BYTES];
    if (isnan(s)) {
        return "n/a";
    }
    return isinf(s) || fabs(s) < 2 * minute_s ? spaced(a, cell_duration(s, cell)) : say_span(a, s);
}

/* The two largest units of a duration. */
const char *say_span(struct arena *a, double s) {
    if (!isfinite(s)) {
        return isnan(s) ? "n/a" : "never";
    }
    if (s < minute_s && s != round(s)) {
        return say_latency(a, s);
    }
    s = round(s);
    double large = s >= day_s ? day_s : s >= hour_s ? hour_s : minute_s;
    double small = s >= day_s ? hour_s : s >= hour_s ? minute_s : 1;
    const char *names[] = {s >= day_s    ? "d"
                           : s >= hour_s ? "h"
                                         : "min",
                           s >= day_s    ? "h"
                           : s >= hour_s ? "min"
                                         : "s"};
    double whole = floor(s / large);
    double rest = floor((s - whole * large) / small);
    if (whole == 0) {
        return arena_printf(a, "%.0f" NBSP "s", s);
    }
    if (rest == 0) {
        return arena_printf(a, "%.0f" NBSP "%s", whole, names[0]);
    }
    return arena_printf(a, "%.0f" NBSP "%s" NBSP "%.0f" NBSP "%s", whole, names[0], rest, names[1]);
}

/* A share that is not all must not read as all, nor one that is something as nothing. */
const char *say_percent(struct arena *a, double fraction) {
    if (!isfinite(fraction)) {
        return "n/a";
    }
    if (fraction == 0 || fraction == 1) {
        return fraction == 0 ? "0" NBSP "%" : "100" NBSP "%";
    }
    double p = 100 * fraction;
    if (fabs(p - round(p)) < 1e-9 && round(p) != 0 && round(p) != 100) {
        return arena_printf(a, "%.0f" NBSP "%%", p);
    }
    int places = fabs(p) >= 1 ? 1 : 2;
    while (places < 6 && fabs(p) < 100) {
        double shown = fabs(strtod(arena_printf(a, "%.*f", places, p), NULL));
        if (shown != 0 && shown != 100) {
            break;
        }
        places++;
    }
    return arena_printf(a, "%.*f" NBSP "%%", places, p);
}

const char *say_usd(struct arena *a, double usd) {
    char cell[CELL_BYTES];
    return isfinite(usd) ? arena_strdup(a, cell_usd(usd, cell)) : "n/a";
}

/* ---- metrics of a summary ---- */

static const struct metric_name {
    const char *metric, *name;
} metric_names[] = {
    {"latency.ttft_s", "TTFT"},
    {"latency.tpot_s", "TPOT"},
    {"latency.itl_s", "ITL"},
    {"latency.e2e_s", "E2E"},
    {"latency.queue_s", "queue time"},
    {"slo.attainment", "SLO attainment"},
    {"goodput_per_s", "goodput"},
    {"throughput.requests_per_s", "throughput"},
    {"throughput.input_tokens_per_s", "input tokens"},
    {"throughput.output_tokens_per_s", "output tokens"},
    {"cost.total_usd", "cost"},
    {"cost.by_state.serving", "cost of serving"},
    {"cost.by_state.idle", "cost of idle time"},
    {"cost.by_state.start_up", "cost of start-up"},
    {"cost.by_state.drain", "cost of draining"},
    {"cost.by_category.compute", "cost of compute"},
    {"cost.by_category.network", "cost of the network"},
    {"cost.by_category.storage", "cost of storage"},
    {"cost.by_category.fixed", "fixed cost"},
    {"cost.usd_per_h", "cost an hour"},
    {"cost.usd_per_1k_requests", "cost of 1,000 requests"},
    {"cost.usd_per_1m_output_tokens", "cost of a million output tokens"},
    {"cost.usd_per_good_request", "cost of a good request"},
    {"replicas.mean", "replicas, mean"},
    {"replicas.max", "replicas, most"},
    {"replicas.replica_s", "replica-seconds"},
    {"gpu.hours", "GPU hours"},
    {"gpu.busy_fraction", "GPUs busy"},
    {"energy_kwh", "energy"},
    {"carbon.kg", "carbon"},
};

const char *say_metric_name(struct arena *a, const char *metric, const char *statistic) {
    const char *name = metric;
    for (size_t i = 0; i < sizeof metric_names / sizeof *metric_names; i++) {
        if (strcmp(metric_names[i].metric, metric) == 0) {
            name = metric_names[i].name;
        }
    }
    return statistic ? arena_printf(a, "%s %s", statistic, name) : name;
}

static bool is_share(const char *metric) {
    return figure_unit(metric) == UNIT_FRACTION;
}

const char *say_metric(struct arena *a, const char *metric, double value) {
    char cell[CELL_BYTES];
    switch (figure_unit(metric)) {
    case UNIT_DURATION:
        return say_latency(a, value);
    case UNIT_USD:
    case UNIT_USD_PER_H:
        return say_usd(a, value);
    case UNIT_FRACTION:
        return say_percent(a, value);
    case UNIT_RATE:
        return isfinite(value) ? arena_printf(a, "%s/s", say_number(a, value)) : "n/a";
    default:
        break;
    }
    if (str_ends_with(metric, "_kwh") && isfinite(value)) {
        return spaced(a, cell_energy(value, cell));
    }
    if (strncmp(metric, "carbon.", strlen("carbon.")) == 0 && isfinite(value)) {
        return spaced(a, cell_mass(str_ends_with(metric, ".kg") ? 1000 * value : value, cell));
    }
    return fabs(value) >= 1000 || value == round(value) ? say_count(a, value) : say_number(a, value);
}

static const char *without_zeros(struct arena *a, const char *text) {
    const char *dot = strchr(text, '.');
    if (!dot) {
        return text;
    }
    size_t digits = strspn(dot + 1, "0123456789");
    size_t kept = digits;
    while (kept && dot[kept] == '0') {
        kept--;
    }
    if (kept && text[0] == '$') { /* cents come in twos */
        return text;
    }
    int head = (int)(dot - text + (kept ? 1 + (long)kept : 0));
    return arena_printf(a, "%.*s%s", head, text, dot + 1 + digits);
}

const char *say_promised(struct arena *a, const char *metric, double value) {
    return without_zeros(a, say_metric(a, metric, value));
}

const char *say_half(struct arena *a, const char *metric, double half) {
    const char *text = is_share(metric) ? arena_printf(a, "%s" NBSP "pt", say_number(a, 100 * half))
                                        : say_metric(a, metric, half);
    return arena_printf(a, "\xC2\xB1" NBSP "%s", text);
}

const char *say_small(struct arena *a, size_t n) {
    static const char *const words[] = {"no",    "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    return n < sizeof words / sizeof *words ? words[n] : say_count(a, (double)n);
}
