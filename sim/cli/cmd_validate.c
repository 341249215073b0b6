/* drydock validate: checks input files without a run. What a file is, is told by its content. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "cli/command.h"
#include "finops/price_book.h"
#include "run/run.h"
#include "scenario/scenario.h"
#include "traces/traces.h"

extern const struct command command_validate;

struct validate_options {
    struct common_options common;
    bool show_defaults;
    bool strict;
};

static const struct option options[] = {
    {"show-defaults", OPTION_FLAG, NULL, "Print scenarios with every default filled in, as YAML.",
     offsetof(struct validate_options, show_defaults), 0, 0, UNIT_NUMBER},
    {"strict", OPTION_FLAG, NULL, "Take warnings for errors.", offsetof(struct validate_options, strict), 0,
     0, UNIT_NUMBER},
    COMMON_OPTIONS,
    OPTION_END,
};

enum input_kind { INPUT_UNKNOWN, INPUT_YAML, INPUT_SCENARIO, INPUT_MANIFESTS, INPUT_TRACE, INPUT_PRICES };

static const char *const kind_names[] = {"unknown",   "unknown", "scenario",
                                         "manifests", "trace",   "price book"};

/* What was found in one operand. */
struct finding {
    const char *path;
    enum input_kind kind;
    const char *name; /* of the scenario or price book, or the trace's format */
    size_t objects, traces, pools, services, prices;
    uint64_t rows, skipped;
    struct arena arena;
    struct notices notices;
    struct error err;
};

/* ---- telling what a file is ---- */

enum { HEAD_BYTES = 65536 };

static bool read_head(const char *path, char *head, size_t *length, struct error *err) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        struct position pos = {path, 0, 0};
        return error_at(err, ERROR_INVALID, &pos, NULL, "cannot be read: %s", strerror(errno));
    }
    *length = fread(head, 1, HEAD_BYTES - 1, stream);
    head[*length] = 0;
    bool failed = ferror(stream) != 0;
    fclose(stream);
    return failed ? error_errno(err, path, "cannot read") : true;
}

/* A line of the text begins with `word`, as the top-level keys of an object do. */
static bool line_begins(const char *text, const char *word) {
    size_t length = strlen(word);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool looks_like_object(const char *head) {
    return line_begins(head, "apiVersion:") || line_begins(head, "kind:") ||
           (strchr("{[", head[0]) != NULL && strstr(head, "\"apiVersion\"") != NULL);
}

static int surest_format(const char *head, size_t length) {
    int sure = 0;
    for (size_t i = 0; trace_formats[i] != NULL; i++) {
        int fit = trace_formats[i]->probe(head, length);
        sure = fit > sure ? fit : sure;
    }
    return sure;
}

static bool looks_like_prices(const char *path, const char *head) {
    return str_ends_with(path, ".csv") && strstr(head, "instance_type") != NULL &&
           strstr(head, "usd_per_h") != NULL;
}

static bool named_as_yaml(const char *path) {
    return str_ends_with(path, ".yaml") || str_ends_with(path, ".yml") || str_ends_with(path, ".json");
}

static enum input_kind kind_of_head(const char *path, const char *head, size_t length) {
    if (memcmp(head, "\x1f\x8b", 2) == 0 || memcmp(head, "\x89HDF", 4) == 0) {
        return INPUT_TRACE;
    }
    if (looks_like_object(head)) {
        return INPUT_YAML;
    }
    if (looks_like_prices(path, head)) {
        return INPUT_PRICES;
    }
    int sure = surest_format(head, length);
    if (sure < 2 && named_as_yaml(path)) {
        return INPUT_YAML;
    }
    return sure > 0 || str_ends_with(path, ".csv") || str_ends_with(path, ".jsonl") ? INPUT_TRACE
                                                                                    : INPUT_UNKNOWN;
}

/* YAML is a scenario, a price book or manifests by its first document. */
static bool tell_yaml(struct finding *f) {
    struct yaml_file file;
    struct error unread = {0};
    if (!yaml_load(f->path, &f->arena, &file,
                   &unread)) { /* loading as manifests tells templates from slips */
        f->kind = INPUT_MANIFESTS;
        return true;
    }
    if (file.count == 0) {
        struct position pos = {f->path, 0, 0};
        return error_at(&f->err, ERROR_INVALID, &pos, NULL, "holds no object");
    }
    const struct yaml_node *version = yaml_get(file.documents[0], "apiVersion");
    const struct yaml_node *kind = yaml_get(file.documents[0], "kind");
    bool ours = (version != NULL && strncmp(version->text, "drydock/", 8) == 0) ||
                (kind != NULL && strcmp(kind->text, "Scenario") == 0);
    bool prices = kind != NULL && strcmp(kind->text, "PriceBook") == 0;
    f->kind = prices ? INPUT_PRICES : ours ? INPUT_SCENARIO : INPUT_MANIFESTS;
    return true;
}

/* ServeGen's traces are folders of chunk-N-trace.csv. */
static bool holds_trace_chunks(const char *folder) {
    DIR *stream = opendir(folder);
    bool found = false;
    for (const struct dirent *entry; stream != NULL && !found && (entry = readdir(stream)) != NULL;) {
        found = str_ends_with(entry->d_name, "-trace.csv");
    }
    if (stream != NULL) {
        closedir(stream);
    }
    return found;
}

static enum input_kind kind_of_folder(struct finding *f) {
    if (file_exists(path_join(&f->arena, f->path, "scenario.yaml"))) {
        return INPUT_SCENARIO;
    }
    return holds_trace_chunks(f->path) ? INPUT_TRACE : INPUT_MANIFESTS;
}

static bool tell_kind(struct finding *f) {
    if (file_is_directory(f->path)) {
        f->kind = kind_of_folder(f);
        return true;
    }
    char *head = arena_alloc(&f->arena, HEAD_BYTES);
    struct position pos = {f->path, 0, 0};
    size_t length = 0;
    if (!read_head(f->path, head, &length, &f->err)) {
        return false;
    }
    if (length == 0) {
        return error_at(&f->err, ERROR_INVALID, &pos, NULL, "is empty: no object and no row");
    }
    f->kind = kind_of_head(f->path, head, length);
    if (f->kind == INPUT_UNKNOWN) {
        return error_at(&f->err, ERROR_INVALID, &pos, NULL,
                        "not known: expected a scenario, Kubernetes manifests, a trace or a price book");
    }
    return f->kind != INPUT_YAML || tell_yaml(f);
}

/* ---- checking each kind ---- */

static bool check_scenario(struct finding *f, const struct validate_options *o) {
    struct scenario s;
    if (!scenario_load(f->path, NULL, &f->arena, &s, &f->notices, &f->err) ||
        !run_check_arms(f->path, &f->arena, &f->notices, &f->err)) {
        return false;
    }
    f->name = s.name;
    f->objects = s.manifests.object_count;
    f->traces = s.trace_count;
    f->pools = s.pool_count;
    f->services = s.service_count;
    if (o->strict && !notices_strict(&f->notices, &f->err)) {
        return false;
    }
    if (o->show_defaults && !o->common.json) {
        scenario_print(&s);
    }
    return true;
}

static bool check_manifests(struct finding *f, const struct validate_options *o) {
    (void)o;
    struct manifests m = {0};
    if (!manifests_load(f->path, &m, &f->arena, &f->notices, &f->err) ||
        !manifests_finish(&m, &f->arena, &f->notices, &f->err)) {
        return false;
    }
    f->objects = m.object_count;
    return true;
}

static bool read_rows(struct finding *f, struct trace_source *source) {
    struct trace_row row;
    int got;
    while ((got = trace_next(source, &row, &f->err)) > 0) {
        if (++f->rows % 65536 == 0 && interrupt_requested()) {
            return error_set(&f->err, ERROR_INTERRUPTED, "interrupted");
        }
    }
    return got == 0;
}

static bool check_trace(struct finding *f, const struct validate_options *o) {
    (void)o;
    struct trace_names names;
    trace_names_init(&names);
    struct trace_source *source = trace_open(f->path, NULL, &names, &f->err);
    bool ok = source != NULL && read_rows(f, source);
    if (source != NULL) {
        const struct trace_report *report = trace_report(source);
        f->skipped = report->skipped;
        f->name = arena_strdup(&f->arena, report->format);
        if (f->skipped > 0) {
            struct position pos = {f->path, report->first_skipped_line, report->first_skipped_column};
            notice_add(&f->notices, NOTICE_WARNING, &pos, "%llu rows skipped, the first because %s",
                       (unsigned long long)f->skipped, report->first_skipped_reason);
        }
        trace_close(source);
    }
    trace_names_free(&names);
    return ok;
}

static bool check_prices(struct finding *f, const struct validate_options *o) {
    (void)o;
    struct price_book book;
    if (!price_book_read(f->path, &f->arena, &book, &f->notices, &f->err)) {
        return false;
    }
    f->name = book.name;
    f->objects = 1;
    f->prices = book.node_count + book.transfer_count + book.storage_count + book.fixed_count;
    return true;
}

typedef bool (*check_function)(struct finding *, const struct validate_options *);
static const check_function checks[] = {
    [INPUT_SCENARIO] = check_scenario,
    [INPUT_MANIFESTS] = check_manifests,
    [INPUT_TRACE] = check_trace,
    [INPUT_PRICES] = check_prices,
};

static bool examine(struct finding *f, const struct validate_options *o) {
    f->notices.arena = &f->arena;
    return tell_kind(f) && checks[f->kind](f, o) && (!o->strict || notices_strict(&f->notices, &f->err));
}

/* ---- telling ---- */

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

static void print_line(const struct finding *f) {
    printf("ok %s: %s", f->path, kind_names[f->kind]);
    if (f->kind == INPUT_TRACE) {
        printf(" %s: %llu row%s, %llu skipped\n", f->name, (unsigned long long)f->rows, plural(f->rows),
               (unsigned long long)f->skipped);
        return;
    }
    printf("%s%s: %zu object%s", f->name != NULL ? " " : "", f->name != NULL ? f->name : "", f->objects,
           plural(f->objects));
    if (f->kind == INPUT_SCENARIO) {
        printf(", %zu trace%s, %zu pool%s", f->traces, plural(f->traces), f->pools, plural(f->pools));
    }
    if (f->kind == INPUT_PRICES) {
        printf(", %zu price%s", f->prices, plural(f->prices));
    }
    if (f->services > 0) {
        printf(", %zu inline service%s", f->services, plural(f->services));
    }
    putchar('\n');
}

static void print_json_member(const char *name, const char *text) {
    printf(", \"%s\": ", name);
    field_print_json_text(stdout, text);
}

static void print_json_error(const struct error *err) {
    printf(", \"error\": {\"code\": %d, \"line\": %d, \"column\": %d", (int)err->code, err->line,
           err->column);
    print_json_member("file", err->file);
    print_json_member("field", err->field);
    print_json_member("message", err->expected);
    print_json_member("hint", err->hint);
    putchar('}');
}

static void print_json(const struct finding *f, bool first) {
    bool valid = !error_is_set(&f->err);
    printf("%s\n  {\"file\": ", first ? "[" : ",");
    field_print_json_text(stdout, f->path);
    printf(", \"valid\": %s", valid ? "true" : "false");
    print_json_member("kind", kind_names[f->kind]);
    if (valid && f->name != NULL) {
        print_json_member(f->kind == INPUT_TRACE ? "format" : "name", f->name);
    }
    if (valid && f->kind == INPUT_TRACE) {
        printf(", \"rows\": %llu, \"skipped\": %llu", (unsigned long long)f->rows,
               (unsigned long long)f->skipped);
    } else if (valid) {
        printf(", \"objects\": %zu", f->objects);
    }
    if (valid && f->kind == INPUT_SCENARIO) {
        printf(", \"traces\": %zu, \"pools\": %zu, \"services\": %zu", f->traces, f->pools, f->services);
    }
    if (valid && f->kind == INPUT_PRICES) {
        printf(", \"prices\": %zu", f->prices);
    }
    fputs(", \"warnings\": [", stdout);
    bool comma = false;
    for (size_t i = 0; i < f->notices.count; i++) {
        if (f->notices.items[i].level == NOTICE_WARNING) {
            fputs(comma ? ", " : "", stdout);
            field_print_json_text(stdout, f->notices.items[i].text);
            comma = true;
        }
    }
    putchar(']');
    if (!valid) {
        print_json_error(&f->err);
    }
    putchar('}');
}

static void log_notices(const struct notices *n) {
    for (size_t i = 0; i < n->count; i++) {
        log_message(n->items[i].level == NOTICE_WARNING ? LOG_WARNING : LOG_NOTE, "%s", n->items[i].text);
    }
}

/* Every failure is shown: main prints the last one, which stays in `err`; the code is the gravest. */
static void remember(const struct error *failure, struct error *err) {
    char text[2048];
    enum error_code gravest = err->code > failure->code ? err->code : failure->code;
    if (error_is_set(err)) {
        log_message(LOG_ERROR, "%s", error_text(err, text, sizeof text));
    }
    *err = *failure;
    err->code = gravest;
}

static enum error_code run(int argc, char **argv, struct error *err) {
    struct validate_options o = {0};
    int operands;
    bool done;
    if (!command_parse(&command_validate, argc, argv, &o, &operands, &done, err) || done) {
        return err->code;
    }
    if (operands == 0) {
        error_set(err, ERROR_USAGE, "validate: expected a file or a folder");
        return err->code;
    }
    for (int i = 1; i <= operands && !interrupt_requested(); i++) {
        struct finding f = {.path = argv[i]};
        bool ok = examine(&f, &o);
        log_notices(&f.notices);
        if (o.common.json) {
            print_json(&f, i == 1);
        } else if (ok && !o.show_defaults) {
            print_line(&f);
        }
        if (!ok) {
            remember(&f.err, err);
        }
        arena_free(&f.arena);
    }
    fputs(o.common.json ? "\n]\n" : "", stdout);
    return err->code;
}

const struct command command_validate = {
    .name = "validate",
    .synopsis = "FILE|DIR... [--show-defaults] [--strict]",
    .summary = "Check scenarios, manifests, traces and price books without a run.",
    .details =
        "Tells what each file is by its content: a scenario (or a folder with a scenario.yaml), Kubernetes "
        "manifests (a file, or a folder of them), a trace in any format that is read, or a price book (YAML "
        "or CSV). A scenario is "
        "checked with its manifests and traces; a trace is read to its end.\n\n"
        "Prints one line for each; --json prints a list. Answers 3 when one is wrong or holds no object "
        "and no row, naming file, line, column and field.\n\n"
        "--show-defaults prints the scenario as it will be run, with every default.",
    .options = options,
    .run = run,
};
