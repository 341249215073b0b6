/* The library's public face: a thin layer over sim/run. */
#include "drydock.h"

#include <stdlib.h>
#include <string.h>

#include "run/run.h"

const char *dd_version(void) {
    return DD_VERSION;
}

void dd_free(void *memory) {
    free(memory);
}

static bool tell(const struct error *err, struct dd_error *error) {
    if (error) {
        error->code = (int)err->code;
        error_text(err, error->message, sizeof error->message);
    }
    return false;
}

bool dd_run(const struct dd_run_options *options, char **summary_json_text, struct dd_error *error) {
    struct arena arena = {0};
    struct error err = {0};
    struct run_result result = {0};
    struct run_options run = {
        .scenario = options->scenario,
        .out = options->out,
        .seed = options->seed,
        .overrides = {.set = (const char **)options->set,
                      .set_count = options->set_count,
                      .traces = (const char **)options->traces,
                      .trace_count = options->trace_count},
        .strict = options->strict,
        .allow_exec = options->allow_exec,
    };
    bool ok = run_scenario(&run, &arena, &result, &err);
    if (ok && summary_json_text) {
        struct strbuf text = {0};
        summary_json(&result.summary, true, &text);
        *summary_json_text = text.text;
    }
    arena_free(&arena);
    return ok || tell(&err, error);
}

bool dd_validate(const char *scenario, struct dd_error *error) {
    struct arena arena = {0};
    struct error err = {0};
    struct notices notices = {.arena = &arena};
    struct scenario loaded = {0};
    bool ok = scenario_load(scenario, NULL, &arena, &loaded, &notices, &err);
    arena_free(&arena);
    return ok || tell(&err, error);
}
