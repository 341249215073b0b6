/* Energy and carbon of a run: what the scenario's `carbon` says, held against what there was. Nodes are
 * metered by bill.c, which hands them to finops/footprint.h. */
#include <string.h>

#include "accounts/accounts.h"

/* ---- before the run ---- */

static bool region_is_there(const struct scenario *s, const char *name) {
    for (size_t i = 0; i < s->region_count; i++) {
        if (strcmp(s->regions[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_regions(const struct world *w, struct error *err) {
    for (size_t i = 0; i < w->carbon.region_count; i++) {
        const struct carbon_source *source = &w->carbon.regions[i];
        if (!region_is_there(&w->scenario, source->region)) {
            char field[64];
            snprintf(field, sizeof field, "spec.carbon.regions.%zu.region", i);
            error_at(err, ERROR_INVALID, &source->pos, field, "there is no region \"%.80s\"", source->region);
            return error_hint(err, "regions are those of spec.cluster.regions");
        }
    }
    return true;
}

bool footprint_build(struct world *w, struct error *err) {
    const struct scenario *s = &w->scenario;
    if (!carbon_load(s->carbon, s->folder, w->arena, &w->carbon, w->notices, err) || !check_regions(w, err)) {
        return false;
    }
    for (size_t p = 0; p < s->pool_count; p++) {
        carbon_check(&w->carbon, &s->pools[p].gpu, 1, NULL, 0, 0, w->notices);
    }
    return true;
}

/* ---- after it ---- */

/* Only now it is known when the run ended: does each series reach that far? Of every zone: bytes go through
 * gateways where there is no pool, too. */
void footprint_check(struct world *w) {
    const struct scenario *s = &w->scenario;
    for (size_t i = 0; i < s->zone_count; i++) {
        carbon_check(&w->carbon, NULL, 0, &s->zones[i].region, 1, engine_now(w->engine), w->notices);
    }
}

void footprint_begin(struct world *w, const struct summary *s) {
    const char **names = arena_array(w->arena, s->service_count, sizeof *names);
    for (size_t i = 0; i < s->service_count; i++) {
        names[i] = s->services[i].name;
    }
    footprints_init(&w->footprints, w->arena, names, s->service_count);
}

static void figures_of(const struct world *w, const struct footprint *f, uint64_t completed,
                       struct scope_summary *to) {
    to->has_energy = true;
    to->energy_kwh = f->kwh;
    to->has_carbon = w->carbon.has_intensity;
    to->carbon_kg = footprint_kg(f);
    to->carbon_sci_g = footprint_sci_g(f, completed);
}

void footprint_figures(struct world *w, struct summary *s) {
    if (w->scenario.pool_count == 0) {
        return;
    }
    figures_of(w, &w->footprints.whole, w->all.counts.completed, &s->all);
    footprints_share(&w->footprints);
    for (size_t i = 0; i < s->service_count; i++) {
        figures_of(w, &w->footprints.of[i], s->services[i].requests.completed, &s->services[i]);
    }
}
