/* drydock schema: JSON Schemas of the files that Drydock reads and writes, for editors and CI. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/command.h"
#include "config/scenario.h"
#include "record/summary.h"

extern const struct command command_schema;

static const struct {
    const char *name;
    void (*print)(void);
} schemas[] = {
    {"scenario", scenario_print_schema},
    {"summary", summary_print_schema},
};

enum { SCHEMA_COUNT = sizeof schemas / sizeof schemas[0] };

static const struct option options[] = {
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

static enum error_code run(int argc, char **argv, struct error *err) {
    struct common_options o = {0};
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
            schemas[i].print();
            return ERROR_NONE;
        }
    }
    unknown(argv[1], err);
    return err->code;
}

const struct command command_schema = {
    .name = "schema",
    .synopsis = "scenario|summary",
    .summary = "Print the JSON Schema of a file format.",
    .details =
        "Draft 2020-12. Editors with a YAML language server complete and check scenario.yaml by the schema "
        "of scenario.",
    .options = options,
    .run = run,
};
