/* drydock trace: formats, figures, conversion, fitting and synthesis of request traces. Each has options of
 * its own, so each is a struct command that `trace` finds by its first operand. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cell.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/command.h"
#include "cli/trace_info.h"
#include "traces/traces.h"

extern const struct command command_trace;

struct trace_options {
    struct common_options common;
    const char *format;
    const char *columns;
    const char *service;
    double rate_scale;
    double time_scale;
    double start_s;
    double length_s;
    int64_t repeat;
    int64_t seed;
    bool sort;
    double window_s;
    const char *preset;
    struct option_list set;
    const char *out;
};

#define DAYS_100_S 8640000.0
#define AT(field) offsetof(struct trace_options, field)

/* Rows of the option tables, grouped by who takes them. */
#define OPEN_OPTIONS                                                                                         \
    {"format",   OPTION_TEXT, "NAME", "Format of the file, when its content does not tell (trace list).",    \
     AT(format), 0,           0,      UNIT_NUMBER},                                                          \
    {                                                                                                        \
        "columns", OPTION_TEXT, "MAP", "Our columns and the file's: arrival_s=ts,input_tokens=prompt.",      \
            AT(columns), 0, 0, UNIT_NUMBER                                                                   \
    }
#define SORT_OPTION                                                                                          \
    {                                                                                                        \
        "sort", OPTION_FLAG, NULL, "Sort inputs whole, however far rows are from their place.", AT(sort), 0, \
            0, UNIT_NUMBER                                                                                   \
    }
#define SEED_OPTION                                                                                          \
    { "seed", OPTION_INTEGER, "N", "Seed of the random streams (0).", AT(seed), 0, 9e15, UNIT_NUMBER }
#define TRANSFORM_OPTIONS                                                                                    \
    {"rate-scale",                                                                                           \
     OPTION_QUANTITY,                                                                                        \
     "X",                                                                                                    \
     "Keep each request with probability X, or clone it (1).",                                               \
     AT(rate_scale),                                                                                         \
     1e-9,                                                                                                   \
     1000,                                                                                                   \
     UNIT_NUMBER},                                                                                           \
        {"time-scale",                                                                                       \
         OPTION_QUANTITY,                                                                                    \
         "X",                                                                                                \
         "Multiply arrival times: 0.5 is twice as fast (1).",                                                \
         AT(time_scale),                                                                                     \
         1e-6,                                                                                               \
         1e6,                                                                                                \
         UNIT_NUMBER},                                                                                       \
        {"start",     OPTION_QUANTITY,                                                                       \
         "TIME",      "Drop what arrives before, and begin there (0).",                                      \
         AT(start_s), 0,                                                                                     \
         DAYS_100_S,  UNIT_DURATION},                                                                        \
        {"length",     OPTION_QUANTITY,                                                                      \
         "TIME",       "Drop what arrives at start + length or later (all).",                                \
         AT(length_s), 0,                                                                                    \
         DAYS_100_S,   UNIT_DURATION},                                                                       \
        {"repeat", OPTION_INTEGER, "N", "Copies end to end (1).", AT(repeat), 1, 10000000, UNIT_NUMBER}, {   \
        "service", OPTION_TEXT, "NAME", "Service that all requests go to.", AT(service), 0, 0, UNIT_NUMBER   \
    }
#define FIT_OPTIONS                                                                                          \
    {                                                                                                        \
        "window", OPTION_QUANTITY, "TIME", "Length of a part of the rate profile (300s).", AT(window_s), 1,  \
            DAYS_100_S, UNIT_DURATION                                                                        \
    }
#define SYNTH_OPTIONS                                                                                        \
    {"preset",   OPTION_TEXT, "NAME", "Embedded parameters to begin with (trace list).",                     \
     AT(preset), 0,           0,      UNIT_NUMBER},                                                          \
        {"set",                                                                                              \
         OPTION_LIST,                                                                                        \
         "NAME=VALUE",                                                                                       \
         "One parameter of synthesis (trace list); may be repeated.",                                        \
         AT(set),                                                                                            \
         0,                                                                                                  \
         0,                                                                                                  \
         UNIT_NUMBER},                                                                                       \
    {                                                                                                        \
        "out", OPTION_TEXT, "FILE", "File to write: .h5, .csv or .csv.gz.", AT(out), 0, 0, UNIT_NUMBER       \
    }

static const struct option list_options[] = {COMMON_OPTIONS, OPTION_END};
static const struct option info_options[] = {OPEN_OPTIONS, COMMON_OPTIONS, OPTION_END};
static const struct option convert_options[] = {OPEN_OPTIONS, TRANSFORM_OPTIONS, SORT_OPTION,
                                                SEED_OPTION,  COMMON_OPTIONS,    OPTION_END};
static const struct option fit_options[] = {OPEN_OPTIONS, FIT_OPTIONS, COMMON_OPTIONS, OPTION_END};
static const struct option synth_options[] = {SYNTH_OPTIONS, SEED_OPTION, COMMON_OPTIONS, OPTION_END};
/* Of `trace` itself: for help and the man page. */
static const struct option all_options[] = {OPEN_OPTIONS,  TRANSFORM_OPTIONS, SORT_OPTION,    FIT_OPTIONS,
                                            SYNTH_OPTIONS, SEED_OPTION,       COMMON_OPTIONS, OPTION_END};

/* ---- shared ---- */

static void print_json(struct json_object *object) {
    printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

static struct trace_open_options open_options(const struct trace_options *o) {
    return (struct trace_open_options){
        .format = o->format, .columns = o->columns, .service = o->service, .any_order = o->sort};
}

/* What a reader left out or changed, on stderr. */
static void warn_of(const char *path, const struct trace_report *r) {
    if (r->skipped > 0) {
        log_message(LOG_WARNING, "%s: %" PRIu64 " of %" PRIu64 " rows were skipped; the first on line %d: %s",
                    path, r->skipped, r->skipped + r->rows, r->first_skipped_line, r->first_skipped_reason);
    }
    if (r->ignored_columns[0]) {
        log_message(LOG_WARNING, "%s: columns without a meaning were ignored: %s", path, r->ignored_columns);
    }
    if (r->out_of_order > 0) {
        log_message(LOG_NOTE, "%s: %" PRIu64 " rows were out of order and sorted", path, r->out_of_order);
    }
}

static bool usage(const struct command *command, const char *what, struct error *err) {
    error_set(err, ERROR_USAGE, "%s: %s", command->name, what);
    return error_hint(err, "usage: drydock %s %s", command->name, command->synopsis);
}

/* ---- list ---- */

enum { HELP_COLUMN = 25, LINE_COLUMNS = 100 };

static void print_row(const char *name, const char *help) {
    struct strbuf line = {0};
    strbuf_printf(&line, "  %-22s ", name);
    cell_append_wrapped(&line, help, HELP_COLUMN, LINE_COLUMNS);
    fputs(line.text, stdout);
    strbuf_free(&line);
}

static void list_as_text(void) {
    printf("Formats, told by content (--format NAME forces one):\n");
    for (const struct trace_format *const *f = trace_formats; *f; f++) {
        print_row((*f)->name, (*f)->help);
    }
    printf("\nPresets (trace synth --preset NAME, or preset: NAME in a scenario's traces):\n");
    for (const struct trace_preset *p = trace_presets; p->name; p++) {
        print_row(p->name, p->help);
    }
    printf(
        "\nParameters of synthesis (trace synth --set NAME=VALUE, or a scenario's synth:), with defaults:\n");
    for (const struct synth_parameter *p = synth_parameters; p->name; p++) {
        print_row(p->name, p->help);
    }
}

static void json_row(struct json_object *list, const char *name, const char *help) {
    struct json_object *row = json_object_new_object();
    json_object_object_add(row, "name", json_object_new_string(name));
    json_object_object_add(row, "help", json_object_new_string(help));
    json_object_array_add(list, row);
}

static void list_as_json(void) {
    struct json_object *formats = json_object_new_array();
    struct json_object *presets = json_object_new_array();
    struct json_object *parameters = json_object_new_array();
    for (const struct trace_format *const *f = trace_formats; *f; f++) {
        json_row(formats, (*f)->name, (*f)->help);
    }
    for (const struct trace_preset *p = trace_presets; p->name; p++) {
        json_row(presets, p->name, p->help);
    }
    for (const struct synth_parameter *p = synth_parameters; p->name; p++) {
        json_row(parameters, p->name, p->help);
    }
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "formats", formats);
    json_object_object_add(object, "presets", presets);
    json_object_object_add(object, "parameters", parameters);
    print_json(object);
}

static bool run_list(const struct command *command, struct trace_options *o, int count, char **operands,
                     struct error *err) {
    (void)operands;
    if (count > 0) {
        return usage(command, "takes no operand", err);
    }
    if (o->common.json) {
        list_as_json();
    } else {
        list_as_text();
    }
    return true;
}

/* ---- info ---- */

static bool run_info(const struct command *command, struct trace_options *o, int count, char **operands,
                     struct error *err) {
    if (count < 1) {
        return usage(command, "expected a trace file", err);
    }
    struct trace_open_options how = open_options(o);
    struct trace_info *info = mem_alloc(sizeof *info);
    struct json_object *list = json_object_new_array();
    bool good = true;
    for (int i = 0; i < count && good; i++) {
        good = trace_info_read(operands[i], &how, info, err);
        if (good && o->common.json) {
            json_object_array_add(list, trace_info_json(info));
        } else if (good) {
            printf("%s", i ? "\n" : "");
            trace_info_print(info);
        }
    }
    if (good && o->common.json) {
        print_json(json_object_get(count > 1 ? list : json_object_array_get_idx(list, 0)));
    }
    json_object_put(list);
    free(info);
    return good;
}

/* ---- convert ---- */

struct reopening {
    const char *path;
    struct trace_open_options how;
    struct trace_names *names;
};

static struct trace_source *reopen(void *context, struct error *err) {
    struct reopening *r = context;
    return trace_open(r->path, &r->how, r->names, err);
}

static struct trace_transform transform_of(const struct trace_options *o) {
    return (struct trace_transform){
        .start_ps = simtime_from_s(o->start_s),
        .length_ps = simtime_from_s(o->length_s),
        .rate_scale = o->rate_scale,
        .time_scale = o->time_scale,
        .repeat = (uint64_t)o->repeat,
        .seed = (uint64_t)o->seed,
        .service = o->service,
    };
}

/* All inputs, transformed, as one source. `again` has a place for each and outlives the source. */
static struct trace_source *open_inputs(const struct trace_options *o, int count, char **paths,
                                        struct reopening *again, struct trace_names *names,
                                        struct error *err) {
    struct trace_source **sources = mem_zalloc((size_t)count, sizeof(struct trace_source *));
    struct trace_source *all = NULL;
    struct trace_transform t = transform_of(o);
    int opened = 0;
    for (; opened < count; opened++) {
        again[opened] = (struct reopening){paths[opened], open_options(o), names};
        struct trace_source *file = reopen(&again[opened], err);
        sources[opened] = file ? trace_transformed(file, &t, names, reopen, &again[opened], err) : NULL;
        if (!sources[opened]) {
            break;
        }
    }
    if (opened < count) {
        for (int i = 0; i < opened; i++) {
            trace_close(sources[i]);
        }
    } else {
        all = count == 1 ? sources[0] : trace_mixed(sources, (size_t)count, err);
    }
    free(sources);
    return all;
}

/* Writes and tells: the end of convert and synth. */
static bool write_and_tell(struct trace_source *source, const struct trace_names *names, const char *path,
                           bool json, struct error *err) {
    uint64_t rows;
    if (!trace_write(source, names, path, &rows, err)) {
        return false;
    }
    if (json) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "out", json_object_new_string(path));
        json_object_object_add(object, "requests", json_object_new_int64((int64_t)rows));
        print_json(object);
    } else {
        printf("%s: %" PRIu64 " requests\n", path, rows);
    }
    return true;
}

static bool run_convert(const struct command *command, struct trace_options *o, int count, char **operands,
                        struct error *err) {
    if (count < 2) {
        return usage(command, "expected a trace file and the file to write", err);
    }
    struct trace_names names;
    trace_names_init(&names);
    struct reopening *again = mem_zalloc((size_t)count, sizeof *again);
    struct trace_source *source = open_inputs(o, count - 1, operands, again, &names, err);
    bool good = source && write_and_tell(source, &names, operands[count - 1], o->common.json, err);
    if (good) {
        warn_of(count > 2 ? "mixed traces" : operands[0], trace_report(source));
    }
    trace_close(source);
    free(again);
    trace_names_free(&names);
    return good;
}

/* ---- fit ---- */

static const char *const process_names[TRACE_FIT_PROCESSES] = {"poisson", "gamma", "weibull"};

static void print_arrivals(const struct trace_fit *fit) {
    if (fit->zero_gaps > 0.2) {
        printf("# arrivals: %.0f %% of gaps are 0, the clock is too coarse to see a process: poisson\n",
               fit->zero_gaps * 100);
        return;
    }
    printf("# arrivals, by gaps within windows in their mean gap (%" PRIu64 " gaps):\n", fit->gaps);
    printf("#   process    shape            log-likelihood/gap   Kolmogorov distance\n");
    for (int i = 0; i < TRACE_FIT_PROCESSES; i++) {
        printf("#   %-9s  %6.4f +- %6.4f  %18.5f   %8.4f%s\n", process_names[i], fit->arrival_shape[i],
               fit->arrival_shape_error[i], fit->arrival_likelihood[i], fit->arrival_ks[i],
               (int)fit->spec.process == i ? "   <- best" : "");
    }
}

static void fit_as_text(const char *path, const struct trace_fit *fit) {
    printf("# fitted to %s: %" PRIu64 " requests in %.6g s, %.5g/s\n", path, fit->requests, fit->span_s,
           fit->rate_per_s);
    printf("# coefficient of variation of gaps: %.4g over all, %.4g within windows of %g s\n",
           fit->interarrival_cv, fit->burstiness_cv, fit->window_s);
    print_arrivals(fit);
    printf("# input tokens: mean %.6g; log-normal(mu=%.4f,sigma=%.4f) is %.4f away (Kolmogorov)\n",
           fit->input_mean, fit->input_lognormal[0], fit->input_lognormal[1], fit->input_lognormal_ks);
    printf("# output tokens: mean %.6g; log-normal(mu=%.4f,sigma=%.4f) is %.4f away (Kolmogorov)\n",
           fit->output_mean, fit->output_lognormal[0], fit->output_lognormal[1], fit->output_lognormal_ks);
    printf("traces:\n  - synth:\n");
    trace_fit_print_yaml(fit, "      ");
}

static void add_parameter(void *context, const char *name, const char *text) {
    json_object_object_add(context, name, json_object_new_string(text));
}

static struct json_object *json_lengths(double mean, const double lognormal[2], double ks) {
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "mean", json_number(mean));
    json_object_object_add(object, "lognormal_mu", json_number(lognormal[0]));
    json_object_object_add(object, "lognormal_sigma", json_number(lognormal[1]));
    json_object_object_add(object, "lognormal_ks", json_number(ks));
    return object;
}

static void fit_as_json(const char *path, const struct trace_fit *fit) {
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "file", json_object_new_string(path));
    json_object_object_add(object, "requests", json_object_new_int64((int64_t)fit->requests));
    json_object_object_add(object, "span_s", json_number(fit->span_s));
    json_object_object_add(object, "rate_per_s", json_number(fit->rate_per_s));
    json_object_object_add(object, "interarrival_cv", json_number(fit->interarrival_cv));
    json_object_object_add(object, "window_s", json_number(fit->window_s));
    json_object_object_add(object, "burstiness_cv", json_number(fit->burstiness_cv));
    json_object_object_add(object, "zero_gaps", json_number(fit->zero_gaps));
    struct json_object *arrivals = json_object_new_object();
    for (int i = 0; i < TRACE_FIT_PROCESSES && fit->zero_gaps <= 0.2; i++) {
        struct json_object *one = json_object_new_object();
        json_object_object_add(one, "shape", json_number(fit->arrival_shape[i]));
        json_object_object_add(one, "shape_error", json_number(fit->arrival_shape_error[i]));
        json_object_object_add(one, "log_likelihood_per_gap", json_number(fit->arrival_likelihood[i]));
        json_object_object_add(one, "ks", json_number(fit->arrival_ks[i]));
        json_object_object_add(arrivals, process_names[i], one);
    }
    json_object_object_add(object, "arrivals", arrivals);
    json_object_object_add(object, "input_tokens",
                           json_lengths(fit->input_mean, fit->input_lognormal, fit->input_lognormal_ks));
    json_object_object_add(object, "output_tokens",
                           json_lengths(fit->output_mean, fit->output_lognormal, fit->output_lognormal_ks));
    struct json_object *synth = json_object_new_object();
    trace_fit_parameters(fit, add_parameter, synth);
    json_object_object_add(object, "synth", synth);
    print_json(object);
}

static bool run_fit(const struct command *command, struct trace_options *o, int count, char **operands,
                    struct error *err) {
    if (count != 1) {
        return usage(command, "expected one trace file", err);
    }
    struct trace_open_options how = open_options(o);
    struct trace_names names;
    struct trace_fit *fit = mem_alloc(sizeof *fit);
    trace_names_init(&names);
    struct trace_source *source = trace_open(operands[0], &how, &names, err);
    bool good = source && trace_fit(source, o->window_s, fit, err);
    if (good) {
        warn_of(operands[0], trace_report(source));
        if (o->common.json) {
            fit_as_json(operands[0], fit);
        } else {
            fit_as_text(operands[0], fit);
        }
    }
    trace_close(source);
    trace_names_free(&names);
    free(fit);
    return good;
}

/* ---- synth ---- */

static bool begin_with_preset(const char *name, struct synth_spec *spec, struct error *err) {
    const struct trace_preset *preset = trace_preset_find(name);
    if (preset) {
        *spec = *preset->spec;
        return true;
    }
    const char *names[64] = {NULL};
    for (int i = 0; trace_presets[i].name && i < 63; i++) {
        names[i] = trace_presets[i].name;
    }
    error_set(err, ERROR_USAGE, "--preset: there is no preset '%s'", name);
    const char *nearest = str_nearest(name, names);
    return nearest ? error_hint(err, "did you mean %s?", nearest)
                   : error_hint(err, "`drydock trace list` prints the presets");
}

static bool apply_settings(const struct option_list *set, struct arena *arena, struct synth_spec *spec,
                           struct error *err) {
    for (size_t i = 0; i < set->count; i++) {
        char *name = arena_strdup(arena, set->items[i]);
        char *equals = strchr(name, '=');
        if (!equals) {
            return error_set(err, ERROR_USAGE, "--set %s: expected name=value", name);
        }
        *equals = '\0';
        if (!synth_set(spec, arena, name, equals + 1, err)) {
            return false;
        }
    }
    return true;
}

static bool synth_into(const struct trace_options *o, struct synth_spec *spec, struct arena *arena,
                       struct trace_names *names, struct error *err) {
    synth_defaults(spec);
    if (o->preset && !begin_with_preset(o->preset, spec, err)) {
        return false;
    }
    spec->seed = (uint64_t)o->seed;
    struct trace_source *source =
        apply_settings(&o->set, arena, spec, err) ? trace_synth(spec, names, err) : NULL;
    bool good = source && write_and_tell(source, names, o->out, o->common.json, err);
    trace_close(source);
    if (!good && err->code == ERROR_INVALID) {
        err->code = ERROR_USAGE; /* the parameters came by the command line, not from a file */
    }
    return good;
}

static bool run_synth(const struct command *command, struct trace_options *o, int count, char **operands,
                      struct error *err) {
    (void)operands;
    if (count > 0 || !o->out) {
        return usage(command, count > 0 ? "takes no operand" : "expected --out FILE", err);
    }
    struct arena arena = {0};
    struct trace_names names;
    struct synth_spec *spec = mem_alloc(sizeof *spec);
    trace_names_init(&names);
    bool good = synth_into(o, spec, &arena, &names, err);
    trace_names_free(&names);
    arena_free(&arena);
    free(spec);
    return good;
}

/* ---- the table ---- */

static const struct subcommand {
    struct command command;
    bool (*run)(const struct command *command, struct trace_options *o, int count, char **operands,
                struct error *err);
} subcommands[] = {
    {{"trace list", "[options]", "List formats, presets and the parameters of synthesis.", NULL, list_options,
      NULL},
     run_list},
    {{"trace info", "FILE... [options]", "Tell what is in a trace: requests, span, rate, lengths.",
      "FILE is a trace in any format that `drydock trace list` names, plain or .gz, or a folder of ServeGen "
      "clients. With --json an object, for several files an array of them.",
      info_options, NULL},
     run_info},
    {{"trace convert", "IN... OUT [options]", "Write a trace, cut, scaled, repeated or mixed, as a new file.",
      "OUT ends in .h5 (drydock.trace/1), .csv or .csv.gz. Several INs are transformed one by one and mixed "
      "by "
      "arrival. The order is: window, repeat, rate, time.",
      convert_options, NULL},
     run_convert},
    {{"trace fit", "FILE [options]", "Find the parameters of synthesis that a trace looks drawn from.",
      "Prints the traces: block of a scenario, with the goodness of fit as comments.", fit_options, NULL},
     run_fit},
    {{"trace synth", "--out FILE [options]", "Make a trace out of parameters.",
      "Begins with --preset or with defaults, then takes each --set. `drydock trace list` prints both.",
      synth_options, NULL},
     run_synth},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

/* "trace info" is found by "info". */
static const struct subcommand *find(const char *name, struct error *err) {
    const char *names[SUBCOMMANDS + 1] = {NULL};
    for (int i = 0; i < SUBCOMMANDS; i++) {
        names[i] = strchr(subcommands[i].command.name, ' ') + 1;
        if (!strcmp(names[i], name)) {
            return &subcommands[i];
        }
    }
    error_set(err, ERROR_USAGE, "trace: there is no '%s'; expected list, info, convert, fit or synth", name);
    const char *nearest = str_nearest(name, names);
    if (nearest) {
        error_hint(err, "did you mean drydock trace %s?", nearest);
    }
    return NULL;
}

static enum error_code run(int argc, char **argv, struct error *err) {
    struct trace_options o = {.rate_scale = 1, .time_scale = 1, .repeat = 1, .window_s = 300};
    int operands = 0;
    bool done = false;
    if (argc < 2 || argv[1][0] == '-') {
        if (command_parse(&command_trace, argc, argv, &o, &operands, &done, err) && !done) {
            usage(&command_trace, "expected list, info, convert, fit or synth", err);
        }
        return err->code;
    }
    const struct subcommand *sub = find(argv[1], err);
    if (sub && command_parse(&sub->command, argc - 1, argv + 1, &o, &operands, &done, err) && !done) {
        sub->run(&sub->command, &o, operands, argv + 2, err);
    }
    option_list_free(&o.set);
    return err->code;
}

const struct command command_trace = {
    "trace",
    "list | info FILE... | convert IN... OUT | fit FILE | synth --out FILE",
    "Read, convert, fit and make request traces.",
    "list prints the formats, the presets and the parameters of synthesis. info tells what is in a trace. "
    "convert "
    "writes it in our own format or as CSV, cut (--start, --length), scaled (--rate-scale, --time-scale), "
    "repeated "
    "or mixed. fit finds the parameters that a trace looks drawn from. synth makes a trace out of such "
    "parameters. "
    "`drydock trace info --help` and so on tell which options each takes.",
    all_options,
    run,
};
