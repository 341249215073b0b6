/* drydock schema: JSON Schemas of the files that Drydock reads and writes, for editors and CI. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/command.h"
#include "finops/carbon.h"
#include "finops/price_book.h"
#include "record/summary.h"
#include "run/run.h"
#include "scenario/scenario.h"

extern const struct command command_schema;

static const struct {
    const char *name;
    void (*print)(void);
    void (*print_markdown)(FILE *out); /* NULL: there is no reference */
} schemas[] = {
    {"scenario", scenario_print_schema, scenario_print_markdown},
    {"price-book", price_book_print_schema, price_book_print_markdown},
    {"carbon", carbon_print_schema, carbon_print_markdown},
    {"summary", summary_print_schema, NULL},
    {"result", run_print_result_schema, NULL},
};

enum { SCHEMA_COUNT = sizeof schemas / sizeof schemas[0] };

struct schema_options {
    struct common_options common;
    bool markdown;
};

static const struct option options[] = {
    {"markdown", OPTION_FLAG, NULL,
     "Print a reference in Markdown in place of the schema (scenario, price-book, carbon).",
     offsetof(struct schema_options, markdown), 0, 0, UNIT_NUMBER},
    COMMON_OPTIONS,
    OPTION_END,
};

static bool unknown(const char *name, struct error *err) {
    const char *names[SCHEMA_COUNT + 1] = {NULL};
    struct strbuf all = {0};
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        names[i] = schemas[i].name;
        strbuf_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    error_set(err, ERROR_USAGE, "schema: there is none of \"%s\" in this version", name);
    const char *near = str_nearest(name, names);
    error_hint(err, near != NULL ? "did you mean %s?" : "there is: %s", near != NULL ? near : all.text);
    strbuf_free(&all);
    return false;
}

static bool print_schema(size_t which, bool markdown, struct error *err) {
    if (!markdown) {
        schemas[which].print();
        return true;
    }
    if (schemas[which].print_markdown == NULL) {
        return error_set(err, ERROR_USAGE, "schema: there is no reference of %s in Markdown",
                         schemas[which].name);
    }
    schemas[which].print_markdown(stdout);
    return true;
}

static enum error_code run(int argc, char **argv, struct error *err) {
    struct schema_options o = {0};
    int operands;
    bool done;
    if (!command_parse(&command_schema, argc, argv, &o, &operands, &done, err) || done) {
        return err->code;
    }
    if (operands != 1) {
        error_set(err, ERROR_USAGE, "schema: expected the name of one schema");
        return err->code;
    }
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        if (strcmp(schemas[i].name, argv[1]) == 0) {
            print_schema(i, o.markdown, err);
            return err->code;
        }
    }
    unknown(argv[1], err);
    return err->code;
}

const struct command command_schema = {
    .name = "schema",
    .synopsis = "scenario|price-book|carbon|summary|result [--markdown]",
    .summary = "Print the JSON Schema of a file format.",
    .details =
        "Draft 2020-12. Editors with a YAML language server complete and check scenario.yaml by the schema "
        "of scenario, price books by that of price-book. The key carbon of a scenario has its own.",
    .options = options,
    .run = run,
};
