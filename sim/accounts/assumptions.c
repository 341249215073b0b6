/* What the figures of a run rest on, a line each, for whoever reads its result: where traffic, service times,
 * prices, energy and carbon come from. */
#include "accounts/accounts.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "traces/traces.h"

static void append_scale(struct strbuf *out, const char *what, double factor) {
    char number[NUMBER_TEXT_BYTES];
    if (factor != 1) {
        strbuf_printf(out, ", %s x %s", what, number_text(factor, number));
    }
}

static void append_trace(const struct trace_config *t, struct strbuf *out) {
    const struct trace_preset *preset = t->preset ? trace_preset_find(t->preset) : NULL;
    strbuf_append(out, "traffic");
    if (t->service) {
        strbuf_printf(out, " of %s", t->service);
    }
    if (preset) {
        strbuf_printf(out, ": the preset %s, %s", preset->name, preset->help);
    } else {
        strbuf_printf(out, ": %s", t->file ? path_base(t->file) : "synthesised as the scenario states");
    }
    append_scale(out, "rate", t->rate_scale);
    append_scale(out, "time", t->time_scale);
    strbuf_char(out, '\n');
}

static void append_model_server(const struct world *w, uint32_t d, struct strbuf *out) {
    for (size_t p = 0; p < w->scenario.pool_count; p++) {
        const struct pool_times *on = &w->workloads[d].on_pool[p];
        if (!on->times) {
            continue;
        }
        const struct replica_config *c = &on->config;
        long long gpus = c->tensor_parallel * c->pipeline_parallel;
        strbuf_printf(out, "service times of %s on pool %s: %s on %lld x %s, %s", w->demands[d].workload,
                      w->scenario.pools[p].name, c->architecture->name, gpus, c->gpu->name,
                      c->gpu->provenance);
        append_scale(out, "times", c->time_factor);
        strbuf_char(out, '\n');
    }
}

static void append_prices(const struct price_book *book, struct strbuf *out) {
    strbuf_printf(out, "prices: %s, %s%s", book->name ? book->name : "a book without a name",
                  book->date ? "as of " : "without a date", book->date ? book->date : "");
    if (book->source) {
        strbuf_printf(out, ", from %s", book->source);
    }
    strbuf_char(out, '\n');
}

static void append_intensity(const struct carbon_source *source, struct strbuf *out) {
    char number[NUMBER_TEXT_BYTES];
    if (source->file) {
        strbuf_printf(out, ", the series %s", path_base(source->file));
    } else if (source->intensity >= 0) {
        strbuf_printf(out, ", %s g/kWh", number_text(source->intensity, number));
    }
    if (source->region) {
        strbuf_printf(out, " in %s", source->region);
    }
}

/* Energy is always told, carbon where the scenario says how clean the grid is. */
static void append_footprint(const struct carbon *carbon, struct strbuf *out) {
    char number[NUMBER_TEXT_BYTES];
    strbuf_printf(out, "%s: power curves of the GPUs, PUE %s",
                  carbon->has_intensity ? "energy and carbon" : "energy",
                  number_text(carbon->energy.pue, number));
    if (carbon->has_intensity) {
        append_intensity(&carbon->everywhere, out);
        for (size_t i = 0; i < carbon->region_count; i++) {
            append_intensity(&carbon->regions[i], out);
        }
        strbuf_printf(out, "; %s kg to make a node", number_text(carbon->embodied_kg_per_node, number));
        strbuf_printf(out, ", spread over %s years", number_text(carbon->lifetime_years, number));
    }
    strbuf_char(out, '\n');
}

void assumptions_append(const struct world *w, struct strbuf *out) {
    for (size_t i = 0; i < w->scenario.trace_count; i++) {
        append_trace(&w->scenario.traces[i], out);
    }
    for (uint32_t d = 0; d < w->demand_count; d++) {
        if (w->workloads[d].on_pool) {
            append_model_server(w, d, out);
        } else if (w->workloads[d].service >= 0) {
            strbuf_printf(out, "service times of %s: as the scenario states\n", w->demands[d].workload);
        }
    }
    if (w->has_prices) {
        append_prices(&w->price_book, out);
    }
    if (w->scenario.pool_count > 0) {
        append_footprint(&w->carbon, out);
    }
}
