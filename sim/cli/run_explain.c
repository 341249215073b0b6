/* drydock run --explain: which requests it asks for, and where they are to be the slowest, a run beforehand
 * that finds them: the same seed gives the same requests. It has a process of its own, since SimGrid allows
 * one engine a process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/run_command.h"
#include "study/study.h"

static bool parse_number(const char *text, uint64_t most, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0 && *value <= most;
}

static bool refuse(const char *text, struct error *err) {
    error_set(err, ERROR_USAGE,
              "--explain %.60s: expected the id of a request, slowest, slowest:N, slowest-ttft or "
              "slowest-ttft:N with N up to %d",
              text, DIARY_PAGES_MAX);
    return error_hint(err, "ids are a column of `drydock export csv`");
}

static bool parse_slowest(const char *text, struct run_explain *e, struct error *err) {
    static const char word[] = "slowest", ttft[] = "-ttft";
    const char *rest = text + sizeof word - 1;
    uint64_t n = 1;
    if (e->slowest > 0) {
        return error_set(err, ERROR_USAGE, "--explain: slowest is given twice");
    }
    e->measure = DIARY_E2E;
    if (strncmp(rest, ttft, sizeof ttft - 1) == 0) {
        e->measure = DIARY_TTFT;
        rest += sizeof ttft - 1;
    }
    if (rest[0] && (rest[0] != ':' || !parse_number(rest + 1, DIARY_PAGES_MAX, &n) || n == 0)) {
        return refuse(text, err);
    }
    e->slowest = (size_t)n;
    return true;
}

static bool add(struct run_explain *e, uint64_t id, struct error *err) {
    for (size_t i = 0; i < e->count; i++) {
        if (e->ids[i] == id) {
            return true;
        }
    }
    if (e->count == DIARY_PAGES_MAX) {
        return error_set(err, ERROR_USAGE, "--explain: at most %d requests of one run", DIARY_PAGES_MAX);
    }
    e->ids[e->count++] = id;
    return true;
}

bool run_explain_parse(const struct run_request *o, struct run_explain *e, struct error *err) {
    *e = (struct run_explain){0};
    if (o->explain.count > 0 && o->common.json) {
        error_set(err, ERROR_USAGE, "--explain tells in words, and --json wants stdout for itself");
        return error_hint(err, "leave out --json: summary.json in the result has the same");
    }
    if (o->explain.count > 0 && o->reps > 1) {
        error_set(err, ERROR_USAGE, "--explain tells of one run, and --reps makes several");
        return error_hint(err, "leave out --reps, and choose a replication with --seed");
    }
    for (size_t i = 0; i < o->explain.count; i++) {
        const char *text = o->explain.items[i];
        uint64_t id;
        bool slowest = strncmp(text, "slowest", 7) == 0;
        if (slowest                               ? !parse_slowest(text, e, err)
            : parse_number(text, UINT64_MAX, &id) ? !add(e, id, err)
                                                  : !refuse(text, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the slowest ---- */

/* What the first run answers. */
struct found {
    struct error err;
    size_t count, arm_count;
    uint64_t ids[DIARY_PAGES_MAX];
};

static void find(const struct run_options *options, const struct run_explain *e, struct found *found) {
    struct arena arena = {0};
    struct run_result result = {0};
    struct diary_order order = {.slowest = e->slowest, .measure = e->measure};
    struct run_options first = *options;
    first.out = "";
    first.explain = &order;
    first.platform_out = NULL;
    if (run_scenario(&first, &arena, &result, &found->err) && result.arm_count == 0) {
        found->count = diary_slowest(result.diary, found->ids);
    }
    found->arm_count = result.arm_count;
    diary_free(result.diary);
    arena_free(&arena);
}

static bool read_all(int from, void *into, size_t bytes) {
    char *at = into;
    while (bytes > 0) {
        ssize_t n = read(from, at, bytes);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        at += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool find_in_child(const struct run_options *options, const struct run_explain *e, struct found *found,
                          struct error *err) {
    int ends[2];
    if (pipe(ends) != 0) {
        return error_errno(err, "pipe", "cannot start a process");
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        find(options, e, found);
        bool told = write(ends[1], found, sizeof *found) == (ssize_t)sizeof *found;
        _exit(told ? 0 : 1);
    }
    close(ends[1]);
    bool ok = child < 0
                  ? error_errno(err, "fork", "cannot start a process")
                  : read_all(ends[0], found, sizeof *found) ||
                        error_set(err, ERROR_FAILED, "the run that looks for the slowest requests broke off");
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    return ok;
}

bool run_explain_find(const struct run_options *options, struct run_explain *e, struct error *err) {
    if (e->slowest == 0) {
        return true;
    }
    if (!study_inputs(options, err)) {
        return false;
    }
    log_message(LOG_INFO, "looking for the slowest requests in a run of the same seed");
    struct found *found = mem_zalloc(1, sizeof *found);
    bool ok = find_in_child(options, e, found, err);
    if (ok && error_is_set(&found->err)) {
        *err = found->err;
        ok = false;
    }
    if (ok && found->count == 0 && found->arm_count == 0) {
        log_message(LOG_WARNING, "no request completed after the warm-up: there is no slowest one");
    }
    for (size_t i = 0; ok && i < found->count; i++) {
        ok = add(e, found->ids[i], err);
    }
    free(found);
    return ok;
}

bool run_explain_show(const struct run_result *result, struct error *err) {
    struct strbuf text = {0};
    if (!result->diary) {
        return true;
    }
    diary_print(result->diary, &text);
    if (text.length > 0) {
        printf("\n%s", text.text);
    }
    strbuf_free(&text);
    return diary_complete(result->diary, err);
}
