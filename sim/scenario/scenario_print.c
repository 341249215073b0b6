/* The scenario and its tables for people and editors. */
#include <stdio.h>

#include "scenario/scenario_parts.h"

void scenario_print(const struct scenario *scenario) {
    puts("# Every default filled in. Paths are absolute, but for those in prices and carbon, which stay as "
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

static void print_metrics(FILE *out) {
    static const char *const senses[] = {[OBJECTIVE_AT_MOST] = "at most", [OBJECTIVE_AT_LEAST] = "at least"};
    fputs("\n### Metrics of objectives\n\n| metric | default sense | meaning |\n|---|---|---|\n", out);
    for (const struct objective_metric *m = objective_metrics; m->name != NULL; m++) {
        fprintf(out, "| `%s` | %s | %s |\n", m->name, senses[m->sense], m->help);
    }
    fputs("\nStatistics of a latency:", out);
    for (size_t i = 0; objective_statistics[i] != NULL; i++) {
        fprintf(out, "%s `%s`", i > 0 ? "," : "", objective_statistics[i]);
    }
    fputs(".\n", out);
}

void scenario_print_markdown(FILE *out) {
    fields_print_markdown(out, scenario_fields, "");
    fields_print_markdown(out, delay_fields, "Delays");
    print_metrics(out);
}
