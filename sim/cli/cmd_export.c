/* drydock export: a result in another program's format. */
#include <math.h>

#include "analysis/export/exports.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "record/record.h"

struct export_options {
    struct common_options common;
    const char *table;
    const char *out;
    double from_s, to_s;
    int64_t requests;
};

static const struct option options[] = {
    {"table", OPTION_TEXT, "NAME",
     "Table to write, such as requests; timeseries/OBJECT for all series of an object, "
     "timeseries/OBJECT/METRIC for one.",
     offsetof(struct export_options, table), 0, 0, UNIT_NUMBER},
    {"from", OPTION_QUANTITY, "TIME", "trace-event: leave out what ended before this time of the run.",
     offsetof(struct export_options, from_s), 0, 1e7, UNIT_DURATION},
    {"to", OPTION_QUANTITY, "TIME", "trace-event: leave out what began after this time of the run.",
     offsetof(struct export_options, to_s), 0, 1e7, UNIT_DURATION},
    {"requests", OPTION_INTEGER, "N",
     "trace-event: at most so many requests, evenly chosen of those in the window (default 20,000).",
     offsetof(struct export_options, requests), 1, 1e9, UNIT_NUMBER},
    {"out", OPTION_TEXT, "FILE", "Write to FILE instead of standard output.",
     offsetof(struct export_options, out), 0, 0, UNIT_NUMBER},
    COMMON_OPTIONS,
    OPTION_END,
};

/* A writer knows its stream and not where that leads. */
static bool write_to(const struct exporter *exporter, const struct export_request *request, FILE *out,
                     const char *name, struct error *err) {
    bool written = exporter->write(request, out, err);
    if (!written && ferror(out)) {
        snprintf(err->file, sizeof err->file, "%s", name);
    }
    return written;
}

static bool to_stdout(const struct exporter *exporter, const struct export_request *request,
                      struct error *err) {
    if (!write_to(exporter, request, stdout, "standard output", err)) {
        return false;
    }
    return fflush(stdout) == 0 || error_errno(err, "standard output", "cannot write");
}

static bool to_file(const struct exporter *exporter, const struct export_request *request, const char *path,
                    struct error *err) {
    struct file_writer w;
    if (!file_begin(&w, path, err)) {
        return false;
    }
    if (!write_to(exporter, request, w.stream, path, err)) {
        file_abandon(&w);
        return false;
    }
    if (!file_commit(&w, err)) {
        return false;
    }
    log_message(LOG_INFO, "wrote %s", path);
    return true;
}

static bool export_result(const char *format, const char *argument, const struct export_options *o,
                          struct error *err) {
    const struct exporter *exporter = exporter_find(format, err);
    if (!exporter) {
        return false;
    }
    if (o->table && !exporter->default_table) {
        return error_set(err, ERROR_USAGE, "--table does not go with the format %s", exporter->name);
    }
    if (!exporter->windowed && (o->from_s > 0 || isfinite(o->to_s) || o->requests > 0)) {
        return error_set(err, ERROR_USAGE, "--from, --to and --requests do not go with the format %s",
                         exporter->name);
    }
    if (o->from_s >= o->to_s) {
        return error_set(err, ERROR_USAGE, "--from is not before --to");
    }
    struct arena arena;
    arena_init(&arena);
    struct export_request request = {.table = o->table ? o->table : exporter->default_table,
                                     .from_s = o->from_s,
                                     .to_s = o->to_s,
                                     .requests = (uint64_t)o->requests};
    bool done = result_path(argument, &arena, &request.h5_path, err) &&
                (o->out ? to_file(exporter, &request, o->out, err) : to_stdout(exporter, &request, err));
    arena_free(&arena);
    return done;
}

extern const struct command command_export;

static enum error_code run(int argc, char **argv, struct error *err) {
    struct export_options o = {.to_s = INFINITY};
    int operands = 0;
    bool done = false;
    if (!command_parse(&command_export, argc, argv, &o, &operands, &done, err) || done) {
        return err->code;
    }
    if (operands != 2) {
        error_set(err, ERROR_USAGE, "export: expected a format and a result, not %d operand%s", operands,
                  operands == 1 ? "" : "s");
        error_hint(err, "drydock export csv out/quickstart");
        return err->code;
    }
    export_result(argv[1], argv[2], &o, err);
    return err->code;
}

const struct command command_export = {
    .name = "export",
    .synopsis = "csv|trace-event|openmetrics RESULT [options]",
    .summary = "Write a result in another format.",
    .details =
        "RESULT is a result.h5 or the folder that holds it. Without --out the export goes to standard "
        "output.\n"
        "\n"
        "csv writes one table (requests unless --table names another): a header of column names, "
        "dictionaries "
        "and enumerations as texts, an empty field for what is absent. docs/results.md lists tables and "
        "columns.\n"
        "\n"
        "An unknown table is answered with the list of those that the result has.\n"
        "\n"
        "trace-event writes JSON that Perfetto (ui.perfetto.dev) and chrome://tracing open: a process each "
        "for "
        "the cluster, every service and every pod; phases of pods and nodes, requests on their replica as "
        "queue, prompt and decoding, time series as counters, scaling decisions and events.\n"
        "\n"
        "openmetrics writes what Prometheus would have scraped when the run ended: vLLM's metrics by model "
        "server, DCGM's and kube-state-metrics' where there are such figures, and our own.",
    .options = options,
    .run = run,
};
