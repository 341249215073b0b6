/* drydock run: a scenario, once or several times. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/run_command.h"
#include "study/study.h"

#define FIELD(member) offsetof(struct run_request, member)

static const struct option option_rows[] = {
    {"out", OPTION_TEXT, "DIR", "Folder for result.h5 and summary.json (default out/NAME of the scenario).",
     FIELD(out), 0, 0, UNIT_NUMBER},
    {"seed", OPTION_INTEGER, "N", "Seed of all random streams (default 1).", FIELD(seed), 0, 9e15,
     UNIT_NUMBER},
    {"reps", OPTION_INTEGER, "N",
     "Runs with the seeds from --seed on: figures then have 95 % intervals (default 1).", FIELD(reps), 1,
     STUDY_REPLICATIONS_MAX, UNIT_NUMBER},
    {"jobs", OPTION_INTEGER, "N", "Runs at one time (default: one a processor). Never changes a result.",
     FIELD(jobs), 1, STUDY_JOBS_MAX, UNIT_NUMBER},
    {"trace", OPTION_LIST, "FILE", "Trace in place of the scenario's; may be given several times.",
     FIELD(traces), 0, 0, UNIT_NUMBER},
    {"set", OPTION_LIST, "PATH=VALUE",
     "Overrides a value below spec (traces.0.rate_scale=2) or a field of a manifest "
     "(hpa/chat.spec.minReplicas=4, deployment/chat.args.--max-num-seqs=64).",
     FIELD(set), 0, 0, UNIT_NUMBER},
    {"arm", OPTION_TEXT, "NAME", "Runs one arm of the scenario, into its folder of OUT.", FIELD(arm), 0, 0,
     UNIT_NUMBER},
    {"check", OPTION_FLAG, NULL, "Exit 1 when an objective is missed or a gate is broken.", FIELD(check), 0,
     0, UNIT_NUMBER},
    {"stepping", OPTION_FLAG, NULL, "Engines step by step: the reference, with the same results and slower.",
     FIELD(stepping), 0, 0, UNIT_NUMBER},
    {"explain", OPTION_LIST, "ID",
     "Tell the life of a request, by its id or as slowest, slowest:N, slowest-ttft:N; may be given several "
     "times.",
     FIELD(explain), 0, 0, UNIT_NUMBER},
    {"strict", OPTION_FLAG, NULL, "Exit 3 on the first warning.", FIELD(strict), 0, 0, UNIT_NUMBER},
    {"allow-exec", OPTION_FLAG, NULL, "Allow code that the scenario names (policies as shared objects).",
     FIELD(allow_exec), 0, 0, UNIT_NUMBER},
    {"compress", OPTION_FLAG, NULL, "Compress result.h5 (smaller, slower).", FIELD(compress), 0, 0,
     UNIT_NUMBER},
    {"write-platform", OPTION_TEXT, "FILE", "Write the platform as SimGrid XML too.", FIELD(platform_out), 0,
     0, UNIT_NUMBER},
    COMMON_OPTIONS,
    OPTION_END,
};

extern const struct command command_run;

void run_show_notices(const struct run_request *o, const struct notices *n, bool in_table) {
    for (size_t i = 0; i < n->count; i++) {
        bool warning = n->items[i].level == NOTICE_WARNING;
        if (!warning || !in_table || o->common.json) {
            log_message(warning ? LOG_WARNING : LOG_NOTE, "%s", n->items[i].text);
        }
    }
}

bool run_wants_colour(const struct run_request *o) {
    return !o->common.no_color && isatty(STDOUT_FILENO);
}

void run_show_place(const char *out) {
    if (out) {
        log_message(LOG_INFO, "wrote %s/result.h5 and %s/summary.json", out, out);
    }
}

void run_show_missed(const char *names) {
    log_message(LOG_ERROR, "missed or broken: %s", names ? names : "");
}

struct run_options run_options_of(const struct run_request *o, const char *scenario) {
    return (struct run_options){
        .scenario = scenario,
        .out = o->out,
        .seed = (uint64_t)o->seed,
        .overrides = {.arm = o->arm,
                      .set = o->set.items,
                      .set_count = o->set.count,
                      .traces = o->traces.items,
                      .trace_count = o->traces.count},
        .allow_exec = o->allow_exec,
        .stepping = o->stepping,
        .strict = o->strict,
        .compress = o->compress,
        .progress = !o->common.quiet && !o->common.json,
        .platform_out = o->platform_out,
    };
}

static void print_json(const struct summary *summary) {
    struct strbuf text = {0};
    summary_json(summary, true, &text);
    fwrite(text.text, 1, text.length, stdout);
    strbuf_free(&text);
}

/* What the run took inside: tests/e2e/live_cost.sh reads it. */
static void show_effort(const struct run_result *r) {
    log_message(LOG_NOTE,
                "events: %" PRIu64 ", at most %" PRIu64 " pending; steps of engines: %" PRIu64
                "; requests live at one time: %" PRIu64,
                r->summary.events, r->peak_pending_events, r->steps, r->peak_live_requests);
    log_message(LOG_NOTE, "transfers by SimGrid: %" PRIu64 " in %" PRIu64 " syncs", r->transfers, r->syncs);
}

static void show_result(const struct run_request *o, const struct run_result *result) {
    if (o->common.json) {
        print_json(&result->summary);
    } else if (!o->common.quiet) {
        summary_print(&result->summary, run_wants_colour(o));
    }
    if (result->traffic) {
        log_message(LOG_INFO, "%s", result->traffic);
    }
    show_effort(result);
    run_show_place(result->out);
}

static enum error_code check_promises(const struct summary *summary) {
    struct strbuf missed = {0};
    bool kept = study_missed_of(summary, &missed) == 0;
    if (!kept) {
        run_show_missed(missed.text);
    }
    strbuf_free(&missed);
    return kept ? ERROR_NONE : ERROR_OBJECTIVE;
}

static enum error_code conclude(const struct run_request *o, const struct run_result *result,
                                struct error *err) {
    show_result(o, result);
    if (!run_explain_show(result, err)) {
        return err->code;
    }
    return o->check ? check_promises(&result->summary) : ERROR_NONE;
}

static enum error_code run_arms_instead(const struct run_request *o, const char *scenario,
                                        struct error *err) {
    if (o->explain.count == 0) {
        return run_study(o, scenario, err);
    }
    error_set(err, ERROR_USAGE, "--explain tells of one run, and the scenario has arms");
    error_hint(err, "choose an arm with --arm");
    return ERROR_USAGE;
}

/* In this process: nothing stands between the run and its progress. */
static enum error_code run_once(const struct run_request *o, const char *scenario,
                                struct run_explain *explain, struct error *err) {
    struct arena arena = {0};
    struct run_result result = {0};
    struct run_options options = run_options_of(o, scenario);
    options.unless_arms = true;
    options.own_thread = true;
    if (!run_explain_find(&options, explain, err)) {
        return err->code;
    }
    struct diary_order order = {.ids = explain->ids, .count = explain->count};
    options.explain = explain->count > 0 ? &order : NULL;
    bool ok = run_scenario(&options, &arena, &result, err);
    enum error_code code = ok ? ERROR_NONE : err->code;
    if (ok && result.arm_count > 0) {
        code = run_arms_instead(o, scenario, err);
    } else {
        run_show_notices(o, &result.notices, ok);
        code = ok ? conclude(o, &result, err) : code;
    }
    diary_free(result.diary);
    arena_free(&arena);
    return code;
}

static bool check_usage(const struct run_request *o, int operands, struct error *err) {
    if (operands != 1) {
        error_set(err, ERROR_USAGE, "expected one SCENARIO, a file or a folder that holds scenario.yaml");
        return error_hint(err, "try `drydock run scenarios/quickstart`");
    }
    if (o->out && !o->out[0]) {
        return error_set(err, ERROR_USAGE, "--out: expected the name of a folder");
    }
    return true;
}

static enum error_code run(int argc, char **argv, struct error *err) {
    struct run_request o = {.seed = RUN_DEFAULT_SEED, .reps = 1};
    struct run_explain explain;
    int operands;
    bool done = false;
    enum error_code code = ERROR_NONE;
    if (!command_parse(&command_run, argc, argv, &o, &operands, &done, err) ||
        (!done && (!check_usage(&o, operands, err) || !run_explain_parse(&o, &explain, err)))) {
        code = err->code;
    } else if (!done) {
        interrupt_install();
        code = o.reps > 1 ? run_study(&o, argv[1], err) : run_once(&o, argv[1], &explain, err);
    }
    option_list_free(&o.traces);
    option_list_free(&o.set);
    option_list_free(&o.explain);
    return code;
}

const struct command command_run = {
    .name = "run",
    .synopsis = "SCENARIO [options]",
    .summary = "Replay traffic against the scenario's cluster and write result.h5 and summary.json.",
    .details =
        "SCENARIO is a file, or a folder that holds scenario.yaml. The same seed gives the same bytes of "
        "result.h5 on any x86-64 machine.\n\n"
        "With --reps the scenario runs several times with other seeds, in processes of their own: the result "
        "is "
        "that of the first, and `replicated` in its summary has the mean of each figure with a 95 % "
        "interval.\n\n"
        "A scenario with arms runs each of them under the same seeds, into OUT/<arm>; OUT/arms.json and a "
        "table compare "
        "them pair by pair with the first.\n\n"
        "With --explain the life of a request follows the table: when it was sent and by whom it was held "
        "up, what "
        "the router saw, which batches it was in, and where its time went. `slowest` finds the request by a "
        "run "
        "of the same seed beforehand. Nothing else changes.\n\n"
        "With --check the exit code is 1 when an objective of the scenario is missed or a gate of level fail "
        "is "
        "broken; with --reps, when the mean over the replications misses or breaks it; with arms, when any "
        "of "
        "them does.",
    .options = option_rows,
    .run = run,
};
