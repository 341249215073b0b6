/* drydock run with --reps: several runs of a scenario, one result. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/run_command.h"
#include "study/study.h"

static size_t jobs_of(const struct run_request *o) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->jobs > 0) {
        return (size_t)o->jobs;
    }
    return processors < 1 ? 1 : processors > STUDY_JOBS_MAX ? STUDY_JOBS_MAX : (size_t)processors;
}

static void show_outcome(const struct run_request *o, const struct study_outcome *outcome) {
    run_show_notices(o, &outcome->notices, true);
    if (o->common.json) {
        fputs(outcome->json, stdout);
    } else if (!o->common.quiet) {
        fputs(outcome->table, stdout);
    }
    if (outcome->traffic) {
        log_message(LOG_INFO, "%s", outcome->traffic);
    }
    run_show_place(outcome->out);
}

static enum error_code judge(const struct study_outcome *outcome) {
    struct strbuf names = {0};
    size_t missed = study_missed(outcome, &names);
    strbuf_free(&names);
    return missed > 0 ? ERROR_OBJECTIVE : ERROR_NONE;
}

enum error_code run_study(const struct run_request *o, const char *scenario, struct error *err) {
    struct arena arena = {0};
    struct study_outcome outcome = {0};
    struct study_case only = {.run = run_options_of(o, scenario)};
    struct study study = {.cases = &only,
                          .case_count = 1,
                          .replications = (uint64_t)o->reps,
                          .jobs = jobs_of(o),
                          .progress = only.run.progress,
                          .colour = run_wants_colour(o)};
    bool ok = study_run(&study, &arena, &outcome, err);
    enum error_code code = ok ? ERROR_NONE : err->code;
    if (outcome.finished) {
        show_outcome(o, &outcome);
        code = ok && o->check ? judge(&outcome) : code;
    }
    if (outcome.finished && !ok) {
        error_hint(err, "%llu of %lld replications were finished and are kept",
                   (unsigned long long)outcome.replications, (long long)o->reps);
    }
    study_free(&outcome, 1);
    arena_free(&arena);
    return code;
}
