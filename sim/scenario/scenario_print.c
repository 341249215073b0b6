/* The scenario and its tables for people and editors. */
#include <stdio.h>
#include <string.h>

#include "scenario/scenario_parts.h"

void scenario_print(const struct scenario *scenario) {
    puts("# Every default filled in. Paths are absolute, but for those in prices, carbon and arms, which "
         "stay as "
         "written.");
    fields_print_yaml(stdout, scenario_fields, scenario, 0);
}

void scenario_print_schema(void) {
    puts("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
         "  \"title\": \"Drydock scenario (drydock/v1)\",");
    fields_print_schema_definitions(stdout, 2);
    fputs(",\n  ", stdout);
    fields_print_schema(stdout, scenario_fields, 2);
    puts("\n}");
}

static const char *unit_name(enum unit_kind unit) {
    static const char *const names[UNIT_KINDS] = {[UNIT_DURATION] = "duration",
                                                  [UNIT_FRACTION] = "fraction",
                                                  [UNIT_RATE] = "rate",
                                                  [UNIT_USD] = "dollars",
                                                  [UNIT_USD_PER_H] = "dollars"};
    return names[unit] != NULL ? names[unit] : "number";
}

/* A latency once, not once a statistic. */
struct printing {
    FILE *out;
    char last[FIGURE_PATH_BYTES];
};

static bool print_figure(void *context, const struct figure *f) {
    struct printing *p = context;
    bool again = strncmp(f->metric, "fairness.", 9) == 0 &&
                 strstr(f->metric, ".by_"); /* fairness, by each grouping: told in a sentence */
    if (!again && strcmp(p->last, f->metric) != 0) {
        snprintf(p->last, sizeof p->last, "%s", f->metric);
        fprintf(p->out, "| `%s` | %s | %s | %s |\n", f->metric, unit_name(figure_unit(f->metric)),
                f->more_is_better ? "more" : "less", f->help);
    }
    return true;
}

static void print_metrics(FILE *out) {
    struct printing p = {.out = out};
    fputs("\n### Metrics of objectives and gates\n\n"
          "The figures of [summary.json](results.md). An objective's `limit` is on the side that is better. "
          "Those of fairness are of tenants, regions or modalities, whichever there are several of first; of "
          "each "
          "as `fairness.attainment.by_region.ratio`.\n\n"
          "| metric | unit | better | meaning |\n|---|---|---|---|\n",
          out);
    figures_each(print_figure, &p);
    fputs("\nStatistics of a latency (`statistic` of an objective, the last part of a gate's metric):", out);
    for (size_t i = 0; objective_statistics[i] != NULL; i++) {
        fprintf(out, "%s `%s`", i > 0 ? "," : "", objective_statistics[i]);
    }
    fputs("; a gate may also be on `n` and `excluded`.\n", out);
}

void scenario_print_markdown(FILE *out) {
    fields_print_markdown(out, scenario_fields, "");
    fields_print_markdown(out, delay_fields, "Delays");
    print_metrics(out);
}
