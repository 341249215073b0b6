/* drydock report: a page about results. */
#include <json-c/json.h>

#include "analysis/report/report.h"
#include "base/arena.h"
#include "base/log.h"
#include "cli/command.h"

struct report_command_options {
    struct common_options common;
    const char *out;
    const char *plots;
};

static const struct option options[] = {
    {"out", OPTION_TEXT, "FILE", "Where to write the page; without it report.html beside the first result.",
     offsetof(struct report_command_options, out), 0, 0, UNIT_NUMBER},
    {"plots", OPTION_TEXT, "DIR", "Also write each picture as SVG, with the input that gnuplot drew it from.",
     offsetof(struct report_command_options, plots), 0, 0, UNIT_NUMBER},
    COMMON_OPTIONS,
    OPTION_END,
};

static void print_json(const char *path) {
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "report", json_object_new_string(path));
    printf("%s\n",
           json_object_to_json_string_ext(o, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}

extern const struct command command_report;

static enum error_code run(int argc, char **argv, struct error *err) {
    struct report_command_options o = {0};
    int operands = 0;
    bool done = false;
    if (!command_parse(&command_report, argc, argv, &o, &operands, &done, err) || done) {
        return err->code;
    }
    if (operands < 1) {
        error_set(err, ERROR_USAGE, "report: expected at least one result");
        error_hint(err, "drydock report out/quickstart");
        return err->code;
    }
    struct arena arena;
    arena_init(&arena);
    struct report_options report = {.results = (const char *const *)argv + 1,
                                    .result_count = (size_t)operands,
                                    .out = o.out,
                                    .plots = o.plots};
    const char *path = NULL;
    if (report_write(&report, &arena, &path, err)) {
        log_message(LOG_INFO, "wrote %s", path);
        if (o.common.json) {
            print_json(path);
        }
    }
    arena_free(&arena);
    return err->code;
}

const struct command command_report = {
    .name = "report",
    .synopsis = "RESULT... [--out FILE.html] [--plots DIR]",
    .summary = "Write a page about one result, or several side by side.",
    .details = "RESULT is a result.h5 or the folder that holds it; a folder with arms.json stands for all "
               "its arms. The page "
               "is one HTML file that needs neither network nor JavaScript: verdict, traffic, latencies, "
               "fleet, cost, "
               "assumptions, and how to repeat the run. gnuplot draws its pictures (package gnuplot-nox).\n"
               "\n"
               "The same results give the same bytes. docs/report.md says how to read it.",
    .options = options,
    .run = run,
};
