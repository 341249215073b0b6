/* What it cost, and for what. */
#include <math.h>

#include "analysis/report/page.h"
#include "analysis/report/say.h"

struct row {
    const char *name, *path;
};

static const struct row totals[] = {
    {"Total of the run", "cost.total_usd"},
    {"of which serving", "cost.by_state.serving"},
    {"of which idle", "cost.by_state.idle"},
    {"of which start-up", "cost.by_state.start_up"},
    {"of which drain", "cost.by_state.drain"},
    {"of which network", "cost.by_category.network"},
    {"of which storage", "cost.by_category.storage"},
    {"of which fixed", "cost.by_category.fixed"},
    {"An hour", "cost.usd_per_h"},
    {"1,000 requests", "cost.usd_per_1k_requests"},
    {"A million output tokens", "cost.usd_per_1m_output_tokens"},
    {"A request that met every objective", "cost.usd_per_good_request"},
    {"A month at this rate (a projection)", "cost.month_usd"},
};

static bool has_prices(const struct source *s) {
    return !isnan(summary_figure(s->summary, "cost.total_usd"));
}

static const char *amount(struct report *r, const struct source *s, const char *path) {
    double usd = summary_figure(s->summary, path);
    double total = summary_figure(s->summary, "cost.total_usd");
    bool share = path[5] == 'b' && usd > 0 && total > 0; /* by_... */
    if (isnan(usd)) {
        return "n/a";
    }
    return share
               ? arena_printf(r->arena, "%s (%s)", say_usd(r->arena, usd), say_percent(r->arena, usd / total))
               : say_usd(r->arena, usd);
}

static bool is_worth_a_row(const struct report *r, const struct row *row) {
    for (size_t i = 0; i < r->sources.count; i++) {
        double usd = summary_figure(r->sources.items[i].summary, row->path);
        if (!isnan(usd) && (usd != 0 || row == totals)) {
            return true;
        }
    }
    return false;
}

static void append_table(struct report *r) {
    struct html_table t = html_table_begin(&r->html, "The bill", report_heads(r, "Dollars"),
                                           1 + r->sources.count, report_numbers(r));
    for (size_t k = 0; k < sizeof totals / sizeof *totals; k++) {
        if (!is_worth_a_row(r, &totals[k])) {
            continue;
        }
        html_cell(&t, totals[k].name);
        for (size_t i = 0; i < r->sources.count; i++) {
            html_cell(&t, amount(r, &r->sources.items[i], totals[k].path));
        }
    }
    html_table_end(&t);
}

static void append_energy(struct report *r) {
    for (size_t i = 0; i < r->sources.count; i++) {
        const struct source *s = &r->sources.items[i];
        double kwh = summary_figure(s->summary, "energy_kwh");
        double kg = summary_figure(s->summary, "carbon.kg");
        if (!isnan(kwh) || !isnan(kg)) {
            const char *who =
                r->sources.count > 1 ? arena_printf(r->arena, "%s: energy", s->label) : "Energy";
            const char *co2 = isnan(kg) ? ""
                                        : arena_printf(r->arena,
                                                       ", carbon %s CO\xE2\x82\x82"
                                                       "e",
                                                       say_metric(r->arena, "carbon.kg", kg));
            report_paragraph(
                r, arena_printf(r->arena, "%s %s%s.", who, say_metric(r->arena, "energy_kwh", kwh), co2));
        }
    }
}

bool section_cost(struct report *r, struct error *err) {
    size_t priced = 0;
    for (size_t i = 0; i < r->sources.count; i++) {
        priced += has_prices(&r->sources.items[i]);
    }
    if (priced == 0) {
        report_paragraph(
            r,
            "No prices were given, so there is no bill: a price book (prices: in the scenario) gives one.");
    } else {
        if (!figure_write(r, &figure_cost, &r->all, "cost-rate", err)) {
            return false;
        }
        append_table(r);
    }
    append_energy(r);
    return true;
}
