/* sim/run/run.h: one run from a scenario to its result: loads, assembles the world, runs the engine, sums up,
 * writes. The only room that knows all models; it decides nothing that a policy or a model could decide. */
#ifndef DRYDOCK_RUN_RUN_H
#define DRYDOCK_RUN_RUN_H

#include "base/arena.h"
#include "diary/diary.h"
#include "record/summary.h"
#include "scenario/scenario.h"

enum { RUN_DEFAULT_SEED = 1 };

struct run_options {
    const char *scenario; /* file or folder */
    /* Folder for result.h5 and summary.json, of an arm for the folder of its name with them; NULL =
     * out/<scenario name>; "" = write nothing. */
    const char *out;
    uint64_t seed;
    struct scenario_overrides overrides;
    bool allow_exec;
    bool unless_arms; /* a scenario with arms is only loaded, unless overrides.arm says which one to run */
    bool stepping;    /* engines step by step, the reference, in place of many steps at a time */
    bool strict;
    bool compress;
    bool own_thread; /* result.h5 is written by a second thread (record/record.h) */
    bool progress;
    const char *platform_out;          /* the platform as SimGrid XML, written before the run; NULL = not */
    const struct diary_order *explain; /* requests whose lives are to be told; NULL = none */
    /* Called when the figures stand and before the result is closed: it may add to them what other runs know
     * (study/study.h). False with err ends the run, and nothing is written. NULL = not. */
    bool (*conclude)(void *context, struct summary *summary, struct error *err);
    void *conclude_context;
};

struct run_result {
    struct summary summary;
    size_t arm_count;    /* not 0: it has arms, and for unless_arms nothing was run */
    const char *out;     /* where it was written, NULL when nowhere */
    const char *traffic; /* where the requests came from, when that is a preset; NULL otherwise */
    struct notices notices;
    struct diary *diary; /* for options.explain; to be given back with diary_free, after a failure too */
    uint64_t transfers, syncs, peak_live_requests, peak_pending_events, steps;
};

/* Everything in `result` lives in the arena. False with err; notices are filled as far as loading came. */
bool run_scenario(const struct run_options *options, struct arena *arena, struct run_result *result,
                  struct error *err);

/* The folder that a result is written to; NULL = none. */
const char *run_folder(const struct run_options *options, const struct scenario *scenario,
                       struct arena *arena);

/* All that run_scenario checks before its clock starts, and nothing after: that traces open, that routers,
 * GPUs and models are known, that models fit their GPUs. Code that the scenario names is not loaded. Of the
 * options, scenario, overrides and strict matter. `scenario` is what was loaded (as far as it was) and lives
 * in the arena; NULL when nobody asks. */
bool run_check(const struct run_options *options, struct arena *arena, struct notices *notices,
               const struct scenario **scenario, struct error *err);

/* The same of the scenario as it stands and with each of its arms; a mistake that only an arm makes is told
 * at the arm's place. */
bool run_check_arms(const char *scenario, struct arena *arena, struct notices *notices, struct error *err);

/* JSON Schema of the tables in result.h5, on stdout. */
void run_print_result_schema(void);

#endif
