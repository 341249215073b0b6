#include "study/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "record/headline.h"
#include "study/fold.h"
#include "study/jobs.h"
#include "study/promises.h"

/* The study while it runs. Task t is replication t % replications of case t / replications: one case after
 * the other, so that few first replications wait at one time. */
struct running {
    const struct study *study;
    struct study_outcome *outcomes;
    struct arena *arena;
    bool *waiting; /* by case: its first replication has handed its summary in */
};

static size_t case_of(const struct running *r, size_t task) {
    return task / r->study->replications;
}

static size_t replication_of(const struct running *r, size_t task) {
    return task % r->study->replications;
}

static uint64_t seed_of(const struct running *r, size_t task) {
    return r->study->cases[case_of(r, task)].run.seed + replication_of(r, task);
}

static void describe(void *context, size_t task, struct strbuf *out) {
    struct running *r = context;
    const char *name = r->study->cases[case_of(r, task)].name;
    strbuf_printf(out, "%s%s%sseed %llu", name ? "arm " : "", name ? name : "", name ? ", " : "",
                  (unsigned long long)seed_of(r, task));
}

/* ---- texts between the processes ---- */

static void add_text(struct json_object *o, const char *key, const char *text) {
    json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static const char *text_in(struct json_object *o, const char *key) {
    struct json_object *member;
    return json_object_object_get_ex(o, key, &member) && member ? json_object_get_string(member) : NULL;
}

static struct json_object *notices_json(const struct notices *n) {
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < n->count; i++) {
        struct json_object *o = json_object_new_object();
        json_object_object_add(o, "level", json_object_new_int((int)n->items[i].level));
        add_text(o, "text", n->items[i].text);
        json_object_array_add(list, o);
    }
    return list;
}

static void read_notices(struct json_object *list, struct notices *n) {
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        struct json_object *level;
        json_object_object_get_ex(o, "level", &level);
        notice_add(n, (enum notice_level)json_object_get_int(level), NULL, "%s", text_in(o, "text"));
    }
}

/* ---- in a worker ---- */

static void write_report(const struct running *r, size_t task, const struct run_result *run,
                         struct strbuf *report) {
    struct json_object *o = json_object_new_object();
    struct strbuf text = {0};
    summary_json(&run->summary, true, &text);
    add_text(o, "summary", text.text);
    if (replication_of(r, task) == 0) {
        strbuf_clear(&text);
        summary_text(&run->summary, r->study->colour, &text);
        add_text(o, "table", text.text);
        add_text(o, "traffic", run->traffic);
        json_object_object_add(o, "notices", notices_json(&run->notices));
    }
    strbuf_append(report, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    strbuf_free(&text);
    json_object_put(o);
}

struct conclusion {
    struct job *job;
    struct strbuf answer; /* lives as long as the summary */
};

/* The number of replications in a line, then the text of `replicated`. */
static bool await_the_others(void *context, struct summary *summary, struct error *err) {
    struct conclusion *c = context;
    struct strbuf half = {0};
    summary_json(summary, false, &half);
    bool ok = job_wait(c->job, &half, &c->answer, err);
    strbuf_free(&half);
    if (ok) {
        char *line_end;
        summary->replications = strtoull(c->answer.text, &line_end, 10);
        summary->replicated = summary->replications > 1 ? line_end + 1 : NULL;
    }
    return ok;
}

static bool run_task(void *context, struct job *job, size_t task, struct strbuf *report, struct error *err) {
    struct running *r = context;
    bool first = replication_of(r, task) == 0;
    struct run_options options = r->study->cases[case_of(r, task)].run;
    struct conclusion conclusion = {.job = job};
    struct arena arena = {0};
    struct run_result run = {0};
    options.seed = seed_of(r, task);
    options.progress = true;
    options.own_thread = r->study->jobs == 1; /* else the processors have their runs */
    options.out = first ? options.out : "";
    options.platform_out = first ? options.platform_out : NULL;
    if (first && r->study->replications > 1) {
        options.conclude = await_the_others;
        options.conclude_context = &conclusion;
    }
    bool ok = run_scenario(&options, &arena, &run, err);
    if (ok) {
        write_report(r, task, &run, report);
    } else if (r->study->replications > 1 || r->study->case_count > 1) {
        struct strbuf place = {0};
        describe(r, task, &place);
        error_hint(err, "this happened with %s", place.text);
        strbuf_free(&place);
    }
    strbuf_free(&conclusion.answer);
    arena_free(&arena);
    return ok;
}

/* ---- in the parent ---- */

/* Answers the first replication of a case that waits, with what there is. */
static void conclude(struct running *r, struct jobs *jobs, size_t index) {
    struct study_outcome *outcome = &r->outcomes[index];
    struct strbuf answer = {0};
    strbuf_printf(&answer, "%llu\n", (unsigned long long)outcome->replications);
    if (outcome->replications > 1) {
        fold_replications(outcome->summaries, r->study->replications, &answer);
    }
    r->waiting[index] = false;
    jobs_answer(jobs, index * r->study->replications, &answer);
    strbuf_free(&answer);
}

static void take_summary(struct running *r, struct jobs *jobs, size_t task, const char *text) {
    size_t index = case_of(r, task);
    struct study_outcome *outcome = &r->outcomes[index];
    struct json_object **place = &outcome->summaries[replication_of(r, task)];
    if (!*place) {
        *place = json_tokener_parse(text);
        outcome->replications++;
    }
    if (r->waiting[index] && outcome->replications == r->study->replications) {
        conclude(r, jobs, index);
    }
}

static void on_half(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length) {
    struct running *r = context;
    (void)length;
    r->waiting[case_of(r, task)] = true;
    take_summary(r, jobs, task, bytes);
}

static void take_result(struct running *r, size_t index, struct json_object *report) {
    struct study_outcome *outcome = &r->outcomes[index];
    struct json_object *notices;
    outcome->finished = true;
    outcome->json = arena_strdup(r->arena, text_in(report, "summary"));
    outcome->table = arena_strdup(r->arena, text_in(report, "table"));
    outcome->traffic = arena_strdup(r->arena, text_in(report, "traffic"));
    outcome->summary = json_tokener_parse(outcome->json);
    json_object_object_get_ex(report, "notices", &notices);
    read_notices(notices, &outcome->notices);
}

static void on_done(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length) {
    struct running *r = context;
    (void)length;
    struct json_object *report = json_tokener_parse(bytes);
    if (replication_of(r, task) == 0) {
        take_result(r, case_of(r, task), report);
    }
    take_summary(r, jobs, task, text_in(report, "summary"));
    json_object_put(report);
}

/* An interrupt keeps what is finished, with fewer replications than were asked for; after a failure a result
 * with fewer would look like the whole. */
static void on_stopping(void *context, struct jobs *jobs, const struct error *why) {
    struct running *r = context;
    for (size_t i = 0; i < r->study->case_count && why->code == ERROR_INTERRUPTED; i++) {
        if (r->waiting[i]) {
            conclude(r, jobs, i);
        }
    }
}

static void on_died(void *context, size_t task, long process) {
    struct running *r = context;
    const char *out = r->outcomes[case_of(r, task)].out;
    if (out && replication_of(r, task) == 0) {
        file_remove_temporaries_of(out, process);
    }
}

/* ---- before the runs ---- */

/* A pipe can be read once, and every run reads its inputs. */
static bool is_read_once(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISFIFO(about.st_mode);
}

bool study_inputs(const struct run_options *run, struct error *err) {
    const char *pipe = is_read_once(run->scenario) ? run->scenario : NULL;
    for (size_t i = 0; i < run->overrides.trace_count && !pipe; i++) {
        pipe = is_read_once(run->overrides.traces[i]) ? run->overrides.traces[i] : NULL;
    }
    if (pipe) {
        struct position pos = {.file = pipe};
        error_at(err, ERROR_INVALID, &pos, NULL,
                 "is a pipe, which can be read only once: there are several runs");
        return error_hint(err, "save it to a file first");
    }
    return true;
}

static bool check_case(struct running *r, size_t index, struct error *err) {
    const struct study_case *c = &r->study->cases[index];
    struct study_outcome *outcome = &r->outcomes[index];
    struct arena arena = {0};
    struct notices notices = {.arena = &arena};
    const struct scenario *scenario = NULL;
    bool ok = study_inputs(&c->run, err) && run_check(&c->run, &arena, &notices, &scenario, err);
    outcome->scenario = arena_strdup(r->arena, ok ? scenario->name : NULL);
    outcome->out = ok ? run_folder(&c->run, scenario, r->arena) : NULL;
    if (!ok && c->run.overrides.arm && scenario) {
        scenario_blame_arm(scenario, err);
    }
    arena_free(&arena);
    return ok;
}

static bool prepare(struct running *r, struct error *err) {
    for (size_t i = 0; i < r->study->case_count; i++) {
        struct study_outcome *outcome = &r->outcomes[i];
        *outcome = (struct study_outcome){.notices = {.arena = r->arena}};
        outcome->summary_count = r->study->replications;
        outcome->summaries = arena_array(r->arena, outcome->summary_count, sizeof *outcome->summaries);
    }
    for (size_t i = 0; i < r->study->case_count; i++) {
        if (!check_case(r, i, err)) {
            return false;
        }
    }
    return true;
}

bool study_run(const struct study *study, struct arena *arena, struct study_outcome *outcomes,
               struct error *err) {
    struct running r = {.study = study, .outcomes = outcomes, .arena = arena};
    r.waiting = arena_array(arena, study->case_count, sizeof *r.waiting);
    if (!prepare(&r, err)) {
        return false;
    }
    struct jobs_plan plan = {.count = study->case_count * study->replications,
                             .at_once = study->jobs,
                             .context = &r,
                             .work = run_task,
                             .done = on_done,
                             .handed_in = on_half,
                             .stopping = on_stopping,
                             .died = on_died,
                             .describe = describe,
                             .label = outcomes[0].scenario,
                             .progress = study->progress};
    return jobs_run(&plan, err);
}

void study_free(struct study_outcome *outcomes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct study_outcome *o = &outcomes[i];
        json_object_put(o->summary);
        for (uint64_t k = 0; o->summaries && k < o->summary_count; k++) {
            json_object_put(o->summaries[k]);
        }
    }
}

/* ---- after the runs ---- */

void study_values(const struct study_outcome *outcome, const char *path, double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool there = i < outcome->summary_count && outcome->summaries[i];
        values[i] = there ? summary_figure(outcome->summaries[i], path) : NAN;
    }
}

size_t study_missed_of(const struct summary *summary, struct strbuf *names) {
    struct strbuf text = {0};
    summary_json(summary, false, &text);
    struct json_object *o = json_tokener_parse(text.text);
    size_t missed = o ? promises_broken(o, names) : 0;
    json_object_put(o);
    strbuf_free(&text);
    return missed;
}

size_t study_missed(const struct study_outcome *outcome, struct strbuf *names) {
    return promises_broken(outcome->summary, names);
}
