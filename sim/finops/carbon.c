#include "finops/carbon.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"

/* ---- the table ---- */

#define NUMBER(name, of, member, most, text, ...)                                                            \
    {                                                                                                        \
        .key = name, .type = FIELD_QUANTITY, .unit = UNIT_NUMBER, .offset = offsetof(struct of, member),     \
        .low = 0, .high = most, .help = text, ##__VA_ARGS__                                                  \
    }
#define TEXT(name, kind_of, of, member, text, ...)                                                           \
    {                                                                                                        \
        .key = name, .type = FIELD_##kind_of, .offset = offsetof(struct of, member), .help = text,           \
        ##__VA_ARGS__                                                                                        \
    }

/* No grid is above some 1,000 g/kWh (lignite); ten times that is a wrong unit. */
#define INTENSITY_MOST 10000
#define WATTS_MOST 1e5

#define SOURCE_ROWS(of, prefix)                                                                              \
    NUMBER("intensity", of, prefix intensity, INTENSITY_MOST,                                                \
           "Carbon intensity of the grid, g CO2e/kWh, all the time.", .absent = -1),                         \
        TEXT("series", PATH, of, prefix file,                                                                \
             "Intensity over time in place of it: a CSV (or .gz) with `time_utc,g_co2e_per_kwh`."),          \
        TEXT(                                                                                                \
            "start", TEXT, of, prefix start,                                                                 \
            "Where the run begins in the series: a date (`2020-06-15T00:00`) or a duration after its first " \
            "row (`36h`); without it, at the first row.")

static bool finish_region(struct field_reader *reader, const struct yaml_node *node, void *element);
static bool finish_gpu(struct field_reader *reader, const struct yaml_node *node, void *element);

static const struct field region_fields[] = {
    TEXT("region", TEXT, carbon_source, region, "The region.", .required = true),
    SOURCE_ROWS(carbon_source, ),
    FIELDS_END,
};

static const struct field gpu_fields[] = {
    TEXT("gpu", TEXT, gpu_power, gpu, "GPU kind, as a pool's `gpu`.", .required = true),
    NUMBER("idle", gpu_power, idle_w, WATTS_MOST, "Watts without a request.", .required = true),
    NUMBER("low", gpu_power, low_w, WATTS_MOST,
           "Watts while serving the smallest batch; without it, `high` whatever the batch.", .absent = -1),
    NUMBER("high", gpu_power, high_w, WATTS_MOST, "Watts while serving the largest batch.", .required = true),
    NUMBER("slope", gpu_power, slope, 100, "Steepness of the curve in log2 of the batch.", .fallback = "1"),
    NUMBER("midpoint", gpu_power, midpoint, 20, "log2 of the batch at which it is half way.",
           .fallback = "4.2"),
    FIELDS_END,
};

/* Coefficients of Cloud Carbon Footprint: PUE of AWS (GCP 1.1, Azure 1.185); 0.74 to 3.5 W a vCPU, at its
 * default utilisation of 50 %; 0.000392 kWh/GB-h of memory; 0.001 kWh/GB moved. Embodied: the example of the
 * SCI guide, 1,000 kg over 4 years. */
const struct field carbon_fields[] = {
    SOURCE_ROWS(carbon, everywhere.),
    {.key = "regions",
     .type = FIELD_LIST,
     .offset = offsetof(struct carbon, regions),
     .count_offset = offsetof(struct carbon, region_count),
     .element_bytes = sizeof(struct carbon_source),
     .rows = region_fields,
     .finish = finish_region,
     .help = "Intensity of single regions, before that of all."},
    {.key = "pue",
     .type = FIELD_QUANTITY,
     .unit = UNIT_NUMBER,
     .offset = offsetof(struct carbon, energy.pue),
     .low = 1,
     .high = 10,
     .fallback = "1.135",
     .help = "Power usage effectiveness of the data centre: multiplies all energy."},
    NUMBER("cpu_w_per_core", carbon, energy.cpu_w_per_core, WATTS_MOST,
           "What a core of a node draws, on average.", .fallback = "2.12"),
    NUMBER("memory_w_per_gb", carbon, energy.memory_w_per_gb, 100, "What 10^9 bytes of memory draw.",
           .fallback = "0.392"),
    NUMBER("network_kwh_per_gb", carbon, energy.network_kwh_per_gb, 100,
           "What moving 10^9 bytes (not bits) takes.", .fallback = "0.001"),
    {.key = "gpus",
     .type = FIELD_LIST,
     .offset = offsetof(struct carbon, energy.gpus),
     .count_offset = offsetof(struct carbon, energy.gpu_count),
     .element_bytes = sizeof(struct gpu_power),
     .rows = gpu_fields,
     .finish = finish_gpu,
     .help = "Power curves of GPUs in place of the built-in ones."},
    NUMBER("embodied_kg_per_node", carbon, embodied_kg_per_node, 1e6,
           "Carbon of making a node, kg CO2e, spread evenly over its lifetime.", .fallback = "1000"),
    {.key = "lifetime_years",
     .type = FIELD_QUANTITY,
     .unit = UNIT_NUMBER,
     .offset = offsetof(struct carbon, lifetime_years),
     .low = 0.1,
     .high = 100,
     .fallback = "4",
     .help = "How long a node is used, in years of 8,766 hours."},
    FIELDS_END,
};

/* ---- what depends on several keys ---- */

/* One of intensity and series, and a start only for a series; the file is there. */
static bool check_source(struct field_reader *reader, const struct yaml_node *node,
                         const struct carbon_source *source) {
    bool number = source->intensity >= 0, series = source->file != NULL;
    if (number && series) {
        return field_error(reader, node, "series", "expected either intensity or series, found both");
    }
    if (source->start != NULL && !series) {
        return field_error(reader, node, "start", "is where the run begins in a series, and there is none");
    }
    if (series && !file_exists(source->file)) {
        return field_error(reader, node, "series", "there is no file %s", source->file);
    }
    return true;
}

static bool finish_region(struct field_reader *reader, const struct yaml_node *node, void *element) {
    const struct carbon_source *source = element;
    if (source->intensity < 0 && source->file == NULL) {
        return field_error(reader, node, NULL, "expected intensity or series of region %.60s",
                           source->region);
    }
    return check_source(reader, node, source);
}

static bool finish_gpu(struct field_reader *reader, const struct yaml_node *node, void *element) {
    struct gpu_power *power = element;
    power->source = "the scenario";
    if (power->low_w < 0) {
        power->low_w = power->high_w;
        power->slope = 0;
    }
    return power->low_w <= power->high_w ||
           field_error(reader, node, "low", "expected at most high, %g W", power->high_w);
}

static bool check_regions(struct field_reader *reader, const struct yaml_node *node,
                          const struct carbon *carbon) {
    const struct yaml_node *list = yaml_get(node, "regions");
    for (size_t i = 1; i < carbon->region_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(carbon->regions[i].region, carbon->regions[j].region) == 0) {
                return field_error(reader, list->items[i], "region", "%.60s is there twice",
                                   carbon->regions[i].region);
            }
        }
    }
    return true;
}

static bool check_gpus(struct field_reader *reader, const struct yaml_node *node,
                       const struct energy_config *energy) {
    const struct yaml_node *list = yaml_get(node, "gpus");
    for (size_t i = 1; i < energy->gpu_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(energy->gpus[i].gpu, energy->gpus[j].gpu) == 0) {
                return field_error(reader, list->items[i], "gpu", "%.60s is there twice",
                                   energy->gpus[i].gpu);
            }
        }
    }
    return true;
}

/* ---- loading ---- */

static bool load_all_series(struct carbon *carbon, struct arena *arena, struct notices *notices,
                            struct error *err) {
    bool ok = carbon->everywhere.file == NULL || carbon_series_read(&carbon->everywhere, arena, notices, err);
    for (size_t i = 0; ok && i < carbon->region_count; i++) {
        ok = carbon->regions[i].file == NULL || carbon_series_read(&carbon->regions[i], arena, notices, err);
    }
    return ok;
}

static bool read_mapping(struct field_reader *reader, const struct yaml_node *node, struct carbon *carbon) {
    if (!fields_read(reader, carbon_fields, node, carbon) || !check_regions(reader, node, carbon) ||
        !check_gpus(reader, node, &carbon->energy)) {
        return false;
    }
    carbon->everywhere.pos = node != NULL ? node->pos : (struct position){0};
    carbon->has_intensity =
        carbon->everywhere.intensity >= 0 || carbon->everywhere.file != NULL || carbon->region_count > 0;
    if (node != NULL && !carbon->has_intensity) {
        return field_error(reader, node, NULL, "expected intensity, series or regions");
    }
    return check_source(reader, node, &carbon->everywhere);
}

bool carbon_load(const struct yaml_node *node, const char *folder, struct arena *arena, struct carbon *carbon,
                 struct notices *notices, struct error *err) {
    *carbon = (struct carbon){0};
    bool number = node != NULL && node->kind == YAML_SCALAR;
    struct field_reader reader = {.arena = arena, .notices = notices, .err = err, .folder = folder};
    snprintf(reader.path, sizeof reader.path, "spec.carbon");
    reader.place = node != NULL ? node->pos : (struct position){0};
    if (!read_mapping(&reader, number ? NULL : node, carbon)) {
        return false;
    }
    if (number) {
        carbon->has_intensity = true;
        carbon->everywhere.pos = node->pos;
        return field_quantity(&reader, node, NULL, UNIT_NUMBER, 0, INTENSITY_MOST,
                              &carbon->everywhere.intensity);
    }
    return load_all_series(carbon, arena, notices, err);
}

/* ---- intensity ---- */

static const struct carbon_source *source_of(const struct carbon *carbon, const char *region) {
    for (size_t i = 0; region != NULL && i < carbon->region_count; i++) {
        if (strcmp(carbon->regions[i].region, region) == 0) {
            return &carbon->regions[i];
        }
    }
    return &carbon->everywhere;
}

double carbon_intensity(const struct carbon *carbon, const char *region, simtime from, simtime to) {
    const struct carbon_source *source = source_of(carbon, region);
    if (source->series.count > 0) {
        return carbon_series_mean(&source->series, simtime_to_s(from), simtime_to_s(to));
    }
    return source->intensity > 0 ? source->intensity : 0;
}

static void check_source_covers(const struct carbon_source *source, simtime end, struct notices *notices) {
    const struct carbon_series *series = &source->series;
    if (series->count == 0) {
        return;
    }
    double last_s = series->time_s[series->count - 1], end_s = simtime_to_s(end);
    if (series->time_s[0] > 0) {
        notice_add(notices, NOTICE_WARNING, &source->pos,
                   "the carbon series begins %.1f h after the run: its first value is held until then",
                   series->time_s[0] / 3600);
    }
    double step_s = series->count > 1 ? last_s - series->time_s[series->count - 2] : 0;
    if (end_s > last_s + step_s) {
        notice_add(notices, NOTICE_WARNING, &source->pos,
                   "the carbon series ends %.1f h before the run: its last value is held",
                   (end_s - last_s - step_s) / 3600);
    }
}

void carbon_check(const struct carbon *carbon, const char *const *gpus, size_t gpu_count,
                  const char *const *regions, size_t region_count, simtime end, struct notices *notices) {
    const struct position *pos = carbon->everywhere.pos.file != NULL ? &carbon->everywhere.pos : NULL;
    for (size_t i = 0; i < gpu_count; i++) {
        if (gpus[i] != NULL && energy_gpu(&carbon->energy, gpus[i]) == NULL) {
            notice_add(notices, NOTICE_WARNING, pos,
                       "no power curve is known of GPU %s: its energy counts as 0; add it to carbon.gpus",
                       gpus[i]);
        }
    }
    for (size_t i = 0; i < region_count && carbon->has_intensity; i++) {
        const struct carbon_source *source = source_of(carbon, regions[i]);
        check_source_covers(source, end, notices);
        if (source->intensity < 0 && source->series.count == 0) {
            notice_add(notices, NOTICE_WARNING, pos,
                       "no carbon intensity is given for region %s: it counts as 0",
                       regions[i] != NULL ? regions[i] : "(none)");
        }
    }
}

void carbon_print_schema(void) {
    puts("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
         "  \"title\": \"Energy and carbon of a Drydock scenario (spec.carbon)\",");
    fields_print_schema_definitions(stdout, 2);
    fputs(",\n  ", stdout);
    fields_print_schema(stdout, carbon_fields, 2);
    puts("\n}");
}

void carbon_print_markdown(FILE *out) {
    fields_print_markdown(out, carbon_fields, "spec.carbon");
    fputs("\n### Power of GPUs\n\n", out);
    energy_print_markdown(out);
}
