/* drydock run, when it is several runs: replications of one definition, or the arms of a scenario. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/run_command.h"
#include "study/arms.h"

static size_t jobs_of(const struct run_request *o) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->jobs > 0) {
        return (size_t)o->jobs;
    }
    return processors < 1 ? 1 : processors > STUDY_JOBS_MAX ? STUDY_JOBS_MAX : (size_t)processors;
}

static struct study study_of(const struct run_request *o, const struct study_case *cases, size_t count) {
    return (struct study){.cases = cases,
                          .case_count = count,
                          .replications = (uint64_t)o->reps,
                          .jobs = jobs_of(o),
                          .progress = !o->common.quiet && !o->common.json,
                          .colour = run_wants_colour(o)};
}

/* ---- one definition ---- */

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

static enum error_code run_replications(const struct run_request *o, const struct run_options *run,
                                        struct arena *arena, struct error *err) {
    struct study_case only = {.run = *run};
    struct study study = study_of(o, &only, 1);
    struct study_outcome outcome = {0};
    struct strbuf missed = {0};
    bool ok = study_run(&study, arena, &outcome, err);
    enum error_code code = ok ? ERROR_NONE : err->code;
    if (outcome.finished) {
        show_outcome(o, &outcome);
        if (ok && o->check && study_missed(&outcome, &missed) > 0) {
            code = ERROR_OBJECTIVE;
            run_show_missed(missed.text);
        }
    }
    if (outcome.finished && !ok) {
        log_message(LOG_INFO, "%llu of %lld replications were finished and are kept",
                    (unsigned long long)outcome.replications, (long long)o->reps);
    }
    strbuf_free(&missed);
    study_free(&outcome, 1);
    return code;
}

/* ---- arms ---- */

static bool has_notice(const struct study_outcome *outcome, const char *text) {
    for (size_t i = 0; i < outcome->notices.count; i++) {
        if (strcmp(outcome->notices.items[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

/* How many of the arms that finished have it. */
static size_t arms_with_notice(const struct arms *arms, const char *text) {
    size_t n = 0;
    for (size_t i = 0; i < arms->study->case_count; i++) {
        n += has_notice(&arms->outcomes[i], text);
    }
    return n;
}

/* What all arms have is said once. */
static void show_notices(const struct arms *arms) {
    const struct study_outcome *first = NULL;
    for (size_t i = 0; i < arms->study->case_count; i++) {
        const struct study_outcome *outcome = &arms->outcomes[i];
        first = first ? first : outcome->finished ? outcome : NULL;
        for (size_t k = 0; k < outcome->notices.count; k++) {
            const struct notice *notice = &outcome->notices.items[k];
            enum log_level level = notice->level == NOTICE_WARNING ? LOG_WARNING : LOG_NOTE;
            if (arms_with_notice(arms, notice->text) < arms_finished(arms)) {
                log_message(level, "arm %s: %s", arms->scenario->arms[i].name, notice->text);
            } else if (outcome == first) {
                log_message(level, "%s", notice->text);
            }
        }
    }
    if (first && first->traffic) {
        log_message(LOG_INFO, "%s", first->traffic);
    }
}

static bool write_arms(const struct run_request *o, const struct arms *arms, struct arena *arena,
                       struct error *err) {
    struct run_options run = {.out = o->out};
    const char *out = run_folder(&run, arms->scenario, arena);
    const char *path = path_join(arena, out, ARMS_FILE);
    struct strbuf text = {0};
    arms_json(arms, &text);
    bool ok = file_write(path, text.text, text.length, err);
    if (o->common.json) {
        fputs(text.text, stdout);
    } else if (!o->common.quiet) {
        strbuf_clear(&text);
        arms_table(arms, &text);
        fputs(text.text, stdout);
    }
    if (ok) {
        log_message(LOG_INFO, "wrote %s, and result.h5 and summary.json of each arm in %s/<arm>", path, out);
    }
    strbuf_free(&text);
    return ok;
}

/* The table says it too; what a script sees must not depend on whether that is shown. */
static enum error_code check_objectives(const struct arms *arms) {
    enum error_code code = ERROR_NONE;
    for (size_t i = 0; i < arms->study->case_count; i++) {
        struct strbuf missed = {0};
        if (study_missed(&arms->outcomes[i], &missed) > 0) {
            code = ERROR_OBJECTIVE;
            log_message(LOG_ERROR, "arm %s misses %s", arms->scenario->arms[i].name, missed.text);
        }
        strbuf_free(&missed);
    }
    return code;
}

/* An arm's folder must not be where the comparison goes: that would show after the last run. */
static bool check_names(const struct scenario *scenario, struct error *err) {
    for (size_t i = 0; i < scenario->arm_count; i++) {
        if (strcmp(scenario->arms[i].name, ARMS_FILE) == 0) {
            return error_at(err, ERROR_INVALID, &scenario->arms[i].pos, "name",
                            ARMS_FILE " is the file that compares the arms: expected another name");
        }
    }
    return true;
}

static enum error_code run_arms(const struct run_request *o, const struct scenario *scenario,
                                const struct run_options *run, struct arena *arena, struct error *err) {
    size_t count = scenario->arm_count;
    struct study study = study_of(o, arms_cases(scenario, run, arena), count);
    struct study_outcome *outcomes = arena_array(arena, count, sizeof *outcomes);
    struct arms arms = {scenario, &study, outcomes};
    if (!check_names(scenario, err)) {
        return err->code;
    }
    if (o->platform_out) {
        error_set(err, ERROR_USAGE, "--write-platform: there are %zu arms and one file", count);
        error_hint(err, "choose an arm with --arm");
        return ERROR_USAGE;
    }
    bool ok = study_run(&study, arena, outcomes, err);
    enum error_code code = ok ? ERROR_NONE : err->code;
    size_t finished = arms_finished(&arms);
    if (finished > 0) {
        show_notices(&arms);
        struct error write_failure = {0};
        if (!write_arms(o, &arms, arena, ok ? err : &write_failure)) {
            code = ok ? err->code : code;
        } else if (!ok) {
            log_message(LOG_INFO, "%zu of %zu arms were finished and are kept", finished, count);
        }
    }
    if (code == ERROR_NONE && o->check) {
        code = check_objectives(&arms);
    }
    study_free(outcomes, count);
    return code;
}

enum error_code run_study(const struct run_request *o, const char *path, struct error *err) {
    struct arena arena = {0};
    struct notices notices = {.arena = &arena};
    struct run_options run = run_options_of(o, path);
    const struct scenario *scenario = NULL;
    enum error_code code = ERROR_NONE;
    if (!study_inputs(&run, err)) {
        code = err->code;
    } else if (!run_check(&run, &arena, &notices, &scenario, err)) {
        run_show_notices(o, &notices, false);
        code = err->code;
    } else if (scenario->arm_count > 0 && !o->arm) {
        code = run_arms(o, scenario, &run, &arena, err);
    } else {
        code = run_replications(o, &run, &arena, err);
    }
    arena_free(&arena);
    return code;
}
