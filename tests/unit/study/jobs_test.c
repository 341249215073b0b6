#include "study/jobs.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/progress.h"
#include "tests/unit/base/capture.h"

enum { TASKS_MAX = 64, BIG_BYTES = 20 << 20 };

/* What the parent saw; and, in memory that the workers share, what they did. */
static struct seen {
    size_t order[TASKS_MAX];
    size_t count;
    char text[TASKS_MAX][32];
    size_t lengths[TASKS_MAX];
    size_t waiting[TASKS_MAX];
    size_t waiting_count;
    size_t died[TASKS_MAX];
    size_t died_count;
    bool answer_when_stopping;
    enum error_code stopped_by;
} seen;

static struct shared {
    volatile int started[TASKS_MAX];
    volatile int at_work, most_at_work;
} * shared;

static int begin(void **state) {
    (void)state;
    memset(&seen, 0, sizeof seen);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? -1 : 0;
}

/* Every test ends without a child. */
static int end(void **state) {
    (void)state;
    bool alone = waitpid(-1, NULL, WNOHANG) < 0;
    munmap(shared, sizeof *shared);
    return alone ? 0 : -1;
}

static void pause_ms(int ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* Sleeps as work does: until it is over or a signal asks to stop. */
static bool busy_ms(int ms, struct error *err) {
    for (int i = 0; i < ms && !interrupt_requested(); i += 5) {
        pause_ms(5);
    }
    return !interrupt_requested() || error_set(err, ERROR_INTERRUPTED, "interrupted");
}

static void count_workers(int change) {
    int now = __sync_add_and_fetch(&shared->at_work, change);
    if (change > 0 && now > shared->most_at_work) {
        shared->most_at_work = now;
    }
}

static void on_done(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length) {
    (void)context;
    (void)jobs;
    seen.order[seen.count++] = task;
    seen.lengths[task] = length;
    snprintf(seen.text[task], sizeof seen.text[task], "%s", bytes);
    assert_int_equal(bytes[length], '\0');
}

static void on_died(void *context, size_t task, long process) {
    (void)context;
    assert_true(process > 0);
    seen.died[seen.died_count++] = task;
}

static bool run(struct jobs_plan plan, struct error *err) {
    plan.done = on_done;
    plan.died = on_died;
    plan.label = "test";
    return jobs_run(&plan, err);
}

static bool say_number(void *context, struct job *job, size_t task, struct strbuf *result,
                       struct error *err) {
    (void)context;
    (void)job;
    shared->started[task] = 1;
    count_workers(1);
    bool ok = busy_ms(20, err);
    count_workers(-1);
    strbuf_printf(result, "result %zu", task);
    return ok;
}

static void every_task_answers_and_no_more_work_than_allowed(void **state) {
    (void)state;
    for (size_t at_once = 1; at_once <= 3; at_once++) {
        struct error err = {0};
        memset(&seen, 0, sizeof seen);
        shared->most_at_work = 0;
        assert_true(run((struct jobs_plan){.count = 10, .at_once = at_once, .work = say_number}, &err));
        assert_int_equal(seen.count, 10);
        assert_int_equal(seen.died_count, 0);
        assert_int_equal(shared->most_at_work, at_once);
        for (size_t i = 0; i < 10; i++) {
            char want[32];
            snprintf(want, sizeof want, "result %zu", i);
            assert_string_equal(seen.text[i], want);
        }
    }
}

static void one_worker_takes_the_tasks_in_order(void **state) {
    (void)state;
    struct error err = {0};
    assert_true(run((struct jobs_plan){.count = 5, .at_once = 1, .work = say_number}, &err));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(seen.order[i], i);
    }
}

static void nothing_to_do_is_done(void **state) {
    (void)state;
    struct error err = {0};
    assert_true(run((struct jobs_plan){.count = 0, .at_once = 2, .work = say_number}, &err));
}

/* Much more than a socket holds, from two at a time. */
static bool say_much(void *context, struct job *job, size_t task, struct strbuf *result, struct error *err) {
    (void)context;
    (void)job;
    (void)err;
    for (size_t i = 0; i < BIG_BYTES; i++) {
        strbuf_char(result, (char)('a' + (i + task) % 26));
    }
    return true;
}

static void check_much(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length) {
    (void)context;
    (void)jobs;
    assert_int_equal(length, BIG_BYTES);
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != (char)('a' + (i + task) % 26)) {
            fail_msg("byte %zu of task %zu", i, task);
        }
    }
    seen.count++;
}

static void results_of_any_size_come_whole(void **state) {
    (void)state;
    struct error err = {0};
    struct jobs_plan plan = {.count = 3, .at_once = 2, .work = say_much, .done = check_much, .label = "test"};
    assert_true(jobs_run(&plan, &err));
    assert_int_equal(seen.count, 3);
}

/* ---- failures ---- */

/* Task 4 fails at once, task 2 later, 3 would go on for ever. */
static bool fail_two(void *context, struct job *job, size_t task, struct strbuf *result, struct error *err) {
    shared->started[task] = 1;
    if (task == 4) {
        struct position pos = {.file = "four.yaml", .line = 4, .column = 7};
        error_at(err, ERROR_INVALID, &pos, "spec.four", "expected less than %d", 4);
        return error_hint(err, "three is less");
    }
    if (task == 2) {
        pause_ms(150);
        return error_set(err, ERROR_FAILED, "two failed");
    }
    if (task == 3) {
        return busy_ms(60000, err);
    }
    return say_number(context, job, task, result, err);
}

static void the_failure_of_the_lowest_task_is_told_whatever_the_workers(void **state) {
    (void)state;
    for (size_t at_once = 2; at_once <= 5; at_once++) {
        struct error err = {0};
        memset(&seen, 0, sizeof seen);
        double began = wall_clock_s();
        assert_false(run((struct jobs_plan){.count = 9, .at_once = at_once, .work = fail_two}, &err));
        assert_int_equal(err.code, ERROR_FAILED);
        assert_string_equal(err.expected, "two failed");
        assert_true(wall_clock_s() - began < 4);
        assert_string_equal(seen.text[0], "result 0");
        assert_string_equal(seen.text[1], "result 1");
        assert_false(shared->started[8]);
    }
}

static bool fail_at_one(void *context, struct job *job, size_t task, struct strbuf *result,
                        struct error *err) {
    return task == 1 ? fail_two(context, job, 4, result, err) : say_number(context, job, task, result, err);
}

static void an_error_arrives_with_all_its_parts(void **state) {
    (void)state;
    struct error err = {0};
    char text[1024];
    assert_false(run((struct jobs_plan){.count = 2, .at_once = 1, .work = fail_at_one}, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(error_text(&err, text, sizeof text),
                        "four.yaml:4:7: spec.four: expected less than 4; three is less");
}

/* Task 1 dies in the way that the context names. */
static bool die(void *context, struct job *job, size_t task, struct strbuf *result, struct error *err) {
    const char *way = context;
    if (task != 1) {
        return say_number(context, job, task, result, err);
    }
    printf("said on stdout\n");
    fflush(stdout);
    fprintf(stderr, "the last words\n");
    if (strcmp(way, "exit") == 0) {
        _exit(7);
    }
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would make it an exit */
    raise(strcmp(way, "kill") == 0 ? SIGKILL : SIGSEGV);
    return true;
}

static void name_it(void *context, size_t task, struct strbuf *out) {
    (void)context;
    strbuf_printf(out, "seed %zu", task + 1);
}

static void a_worker_that_dies_is_reported_with_its_last_words(void **state) {
    (void)state;
    static const struct {
        const char *way, *text, *hint;
    } cases[] = {
        {"kill", "the worker process of seed 2 was killed by signal 9 (Killed): the last words", "--jobs"},
        {"crash", "the worker process of seed 2 was killed by signal 11 (Segmentation fault): the last words",
         ""},
        {"exit", "the worker process of seed 2 ended with code 7: the last words", ""},
    };
    for (size_t i = 0; i < 3; i++) {
        struct error err = {0};
        struct capture out, errors;
        memset(&seen, 0, sizeof seen);
        capture_begin(&out, stdout);
        capture_begin(&errors, stderr);
        bool ok = run((struct jobs_plan){.count = 4,
                                         .at_once = 1,
                                         .work = die,
                                         .context = (void *)(uintptr_t)cases[i].way,
                                         .describe = name_it},
                      &err);
        const char *errors_text = capture_end(&errors);
        const char *out_text = capture_end(&out);
        assert_string_equal(errors_text, "");
        assert_string_equal(out_text, "");
        assert_false(ok);
        assert_int_equal(err.code, ERROR_FAILED);
        assert_string_equal(err.expected, cases[i].text);
        assert_non_null(strstr(err.hint, cases[i].hint));
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.died_count, 1);
        assert_int_equal(seen.died[0], 1);
    }
}

/* A child of the worker's own outlives it and holds its socket. */
static bool die_before_its_child(void *context, struct job *job, size_t task, struct strbuf *result,
                                 struct error *err) {
    (void)context;
    (void)job;
    (void)task;
    (void)result;
    (void)err;
    if (fork() == 0) {
        pause_ms(3000);
        _exit(0);
    }
    raise(SIGKILL);
    return true;
}

static void a_grandchild_does_not_hide_a_death(void **state) {
    (void)state;
    struct error err = {0};
    double began = wall_clock_s();
    assert_false(run((struct jobs_plan){.count = 1, .at_once = 1, .work = die_before_its_child}, &err));
    assert_true(wall_clock_s() - began < 2);
    assert_non_null(strstr(err.expected, "task 0 was killed by signal 9"));
}

/* ---- signals: in a child, whose flag for them can be raised ---- */

static int in_process_of_its_own(int (*body)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        interrupt_install();
        _exit(body());
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Task 1 asks for an end as soon as task 0 is done; it does not listen itself when `context` says so. */
static bool send_signal(void *context, struct job *job, size_t task, struct strbuf *result,
                        struct error *err) {
    if (task == 0) {
        return say_number(context, job, task, result, err);
    }
    shared->started[task] = 1;
    if (task == 1) {
        pause_ms(100);
        kill(getppid(), context ? SIGTERM : SIGINT);
    }
    if (context) {
        signal(SIGTERM, SIG_IGN);
        pause_ms(60000);
    }
    return busy_ms(60000, err);
}

static int interrupt_gently(void) {
    struct error err = {0};
    double began = wall_clock_s();
    bool ok = run((struct jobs_plan){.count = 9, .at_once = 2, .work = send_signal}, &err);
    return !ok && err.code == ERROR_INTERRUPTED && seen.count == 1 && seen.died_count == 0 &&
                   !shared->started[5] && wall_clock_s() - began < 3 && waitpid(-1, NULL, WNOHANG) < 0
               ? 0
               : 1;
}

static int interrupt_the_deaf(void) {
    struct error err = {0};
    double began = wall_clock_s();
    bool ok = run((struct jobs_plan){.count = 9, .at_once = 2, .work = send_signal, .context = &seen}, &err);
    double took = wall_clock_s() - began;
    return !ok && err.code == ERROR_INTERRUPTED && seen.died_count == 2 && took > 4 && took < 10 &&
                   waitpid(-1, NULL, WNOHANG) < 0
               ? 0
               : 1;
}

static void a_signal_ends_the_workers_and_keeps_what_was_finished(void **state) {
    (void)state;
    assert_int_equal(in_process_of_its_own(interrupt_gently), 0);
}

static void a_worker_that_does_not_listen_is_killed(void **state) {
    (void)state;
    assert_int_equal(in_process_of_its_own(interrupt_the_deaf), 0);
}

/* ---- tasks that wait for the others ---- */

/* Task 0 waits for a word that the parent can only give when all are there. */
static bool wait_for_all(void *context, struct job *job, size_t task, struct strbuf *result,
                         struct error *err) {
    if (task % 4 != 0) {
        return say_number(context, job, task, result, err);
    }
    struct strbuf half = {0};
    strbuf_printf(&half, "half %zu", task);
    bool ok = job_wait(job, &half, result, err);
    strbuf_append(result, " end");
    strbuf_free(&half);
    return ok;
}

/* Gives every waiting task its number of results, when there are as many as it takes. */
static void answer_all(struct jobs *jobs) {
    struct strbuf answer = {0};
    strbuf_printf(&answer, "%zu others", seen.count);
    for (size_t i = 0; i < seen.waiting_count; i++) {
        jobs_answer(jobs, seen.waiting[i], &answer);
    }
    strbuf_free(&answer);
}

static void on_half(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length) {
    (void)context;
    char want[32];
    snprintf(want, sizeof want, "half %zu", task);
    assert_string_equal(bytes, want);
    assert_int_equal(length, strlen(want));
    seen.waiting[seen.waiting_count++] = task;
    if (seen.count + seen.waiting_count == 6) {
        answer_all(jobs);
    }
}

static void done_or_answer(void *context, struct jobs *jobs, size_t task, const char *bytes, size_t length) {
    on_done(context, jobs, task, bytes, length);
    if (seen.count + seen.waiting_count == 6) {
        answer_all(jobs);
    }
}

static void on_stopping(void *context, struct jobs *jobs, const struct error *why) {
    (void)context;
    seen.stopped_by = why->code;
    if (seen.answer_when_stopping) {
        answer_all(jobs);
    }
}

static void a_waiting_task_takes_no_place_and_gets_its_answer(void **state) {
    (void)state;
    for (size_t at_once = 1; at_once <= 2; at_once++) {
        struct error err = {0};
        memset(&seen, 0, sizeof seen);
        struct jobs_plan plan = {.count = 6,
                                 .at_once = at_once,
                                 .work = wait_for_all,
                                 .done = done_or_answer,
                                 .handed_in = on_half,
                                 .label = "test"};
        assert_true(jobs_run(&plan, &err));
        assert_string_equal(seen.text[0], "4 others end");
        assert_string_equal(seen.text[4], "4 others end");
        assert_int_equal(seen.count, 6);
    }
}

/* As above, but task 3 fails. */
static bool wait_and_fail(void *context, struct job *job, size_t task, struct strbuf *result,
                          struct error *err) {
    if (task == 3) {
        return error_set(err, ERROR_FAILED, "three failed");
    }
    return wait_for_all(context, job, task, result, err);
}

static void those_that_wait_are_answered_or_ended_when_a_task_fails(void **state) {
    (void)state;
    for (int answer = 0; answer < 2; answer++) {
        struct error err = {0};
        memset(&seen, 0, sizeof seen);
        seen.answer_when_stopping = answer;
        struct jobs_plan plan = {.count = 6,
                                 .at_once = 1,
                                 .work = wait_and_fail,
                                 .done = on_done,
                                 .handed_in = on_half,
                                 .stopping = on_stopping,
                                 .label = "test"};
        assert_false(jobs_run(&plan, &err));
        assert_string_equal(err.expected, "three failed");
        assert_int_equal(seen.stopped_by, ERROR_FAILED);
        assert_string_equal(seen.text[0], answer ? "2 others end" : "");
    }
}

#define JOBS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        JOBS_TEST(every_task_answers_and_no_more_work_than_allowed),
        JOBS_TEST(one_worker_takes_the_tasks_in_order),
        JOBS_TEST(nothing_to_do_is_done),
        JOBS_TEST(results_of_any_size_come_whole),
        JOBS_TEST(the_failure_of_the_lowest_task_is_told_whatever_the_workers),
        JOBS_TEST(an_error_arrives_with_all_its_parts),
        JOBS_TEST(a_worker_that_dies_is_reported_with_its_last_words),
        JOBS_TEST(a_grandchild_does_not_hide_a_death),
        JOBS_TEST(a_signal_ends_the_workers_and_keeps_what_was_finished),
        JOBS_TEST(a_worker_that_does_not_listen_is_killed),
        JOBS_TEST(a_waiting_task_takes_no_place_and_gets_its_answer),
        JOBS_TEST(those_that_wait_are_answered_or_ended_when_a_task_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
