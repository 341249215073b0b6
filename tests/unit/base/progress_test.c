#define _GNU_SOURCE /* posix_openpt */

#include "base/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "capture.h"

static void sleep_s(double s) {
    struct timespec pause = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&pause, NULL);
}

static void the_wall_clock_never_goes_back(void **state) {
    (void)state;
    double last = wall_clock_s();
    for (int i = 0; i < 10000; i++) {
        double now = wall_clock_s();
        assert_true(now >= last);
        last = now;
    }
    sleep_s(0.02);
    assert_true(wall_clock_s() - last >= 0.02);
}

static void nothing_is_shown_when_disabled_or_quiet(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    for (int quiet = 0; quiet < 2; quiet++) {
        struct progress p;
        log_configure(quiet ? LOG_ERROR : LOG_INFO, false);
        progress_begin(&p, "run", 100.0, quiet);
        p.last_shown_wall_s -= 60.0;
        progress_update(&p, 50.0, 1);
        progress_end(&p);
    }
    log_configure(LOG_INFO, false);
    assert_string_equal(capture_end(&c), "");
}

static void elsewhere_a_line_says_how_far_it_is(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    struct progress p;
    progress_begin(&p, "run", 7200.0, true);
    progress_update(&p, 10.0, 5); /* too early for a line */
    p.started_wall_s -= 10.0;
    p.last_shown_wall_s -= 10.0;
    p.next_check = 1;
    progress_update(&p, 3600.0, 1234);
    progress_end(&p);
    const char *text = capture_end(&c);
    assert_true(strncmp(text, "drydock: run  50%, simulated 1h, ", 33) == 0);
    assert_non_null(strstr(text, "1234 requests, left "));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_null(strchr(text, '\033'));
}

static void work_without_a_known_end_shows_no_share(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    struct progress p;
    progress_begin(&p, "sweep", 0.0, true);
    p.last_shown_wall_s -= 10.0;
    progress_update(&p, 90.0, 0);
    const char *text = capture_end(&c);
    assert_true(strncmp(text, "drydock: sweep simulated 1m30s", 30) == 0);
    assert_null(strchr(text, '%'));
    assert_null(strstr(text, "left"));
}

static void many_runs_are_counted_and_their_parts_give_the_time_left(void **state) {
    (void)state;
    struct capture c;
    capture_begin(&c, stderr);
    struct progress p;
    progress_begin_runs(&p, "study", 12, true);
    p.started_wall_s -= 10.0;
    p.last_shown_wall_s -= 10.0;
    p.next_check = 1;
    progress_update_runs(&p, 2, 3.0);
    progress_end(&p);
    assert_string_equal(capture_end(&c), "drydock: study  25%, 2 of 12 runs, left 30s\n");
}

struct told {
    int times;
    double share;
};

static void hear(void *context, double share) {
    struct told *told = context;
    told->times++;
    told->share = share;
}

static void a_worker_tells_its_share_and_shows_nothing(void **state) {
    (void)state;
    struct capture c;
    struct told told = {0};
    struct progress p;
    capture_begin(&c, stderr);
    progress_divert(hear, &told);
    progress_begin(&p, "run", 200.0, false);
    progress_update(&p, 10.0, 5); /* too early */
    p.last_shown_wall_s -= 1.0;
    p.next_check = 1;
    progress_update(&p, 50.0, 5);
    progress_begin(&p, "run", 0.0, true); /* no end, no share */
    p.last_shown_wall_s -= 60.0;
    progress_update(&p, 50.0, 5);
    progress_end(&p);
    progress_divert(NULL, NULL);
    assert_string_equal(capture_end(&c), "");
    assert_int_equal(told.times, 1);
    assert_true(told.share == 0.25);
}

/* A terminal of our own: the test reads what a person would see. */
static int open_terminal(unsigned short columns) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0) {
        print_message("no terminal can be had here (/dev/pts)\n");
        skip();
    }
    assert_true(grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    ioctl(slave, TIOCSWINSZ, &size);
    dup2(slave, STDERR_FILENO);
    close(slave);
    return master;
}

static const char *seen(int master, char *text, size_t bytes) {
    size_t n = 0;
    struct pollfd ready = {.fd = master, .events = POLLIN};
    while (n + 1 < bytes && poll(&ready, 1, 50) > 0) {
        ssize_t got = read(master, text + n, bytes - 1 - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    text[n] = '\0';
    return text;
}

static void a_terminal_gets_a_bar_that_fits_and_is_cleared(void **state) {
    (void)state;
    char text[4096];
    int kept = dup(STDERR_FILENO);
    int master = open_terminal(40);
    struct progress p;
    progress_begin(&p, "run", 100.0, true);
    p.last_shown_wall_s -= 1.0;
    progress_update(&p, 50.0, 7);
    seen(master, text, sizeof text);
    char after[256];
    log_message(LOG_INFO, "note");
    seen(master, after, sizeof after);
    progress_end(&p);
    char cleared[64];
    seen(master, cleared, sizeof cleared);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(master);
    assert_true(strncmp(text, "\rrun [============>           ]  50%", 36) == 0);
    assert_int_equal(strlen(text), 1 + 39 + strlen("\033[K"));
    assert_string_equal(after, "\r\033[Kdrydock: note\r\n");
    assert_string_equal(cleared, "\r\033[K");
}

static void a_bar_is_redrawn_ten_times_a_second_at_most(void **state) {
    (void)state;
    static char text[1 << 16];
    int kept = dup(STDERR_FILENO);
    int master = open_terminal(80);
    struct progress p;
    double started = wall_clock_s();
    progress_begin(&p, "run", 1e9, true);
    uint64_t updates = 0;
    while (wall_clock_s() - started < 0.55) {
        progress_update(&p, (double)updates, updates);
        updates++;
    }
    seen(master, text, sizeof text);
    progress_end(&p);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(master);
    int drawn = 0;
    for (const char *at = text; (at = strstr(at, "\rrun")) != NULL; at++) {
        drawn++;
    }
    assert_in_range(drawn, 1, 5);
}

static void slow_updates_are_all_seen(void **state) {
    (void)state;
    struct progress p;
    log_configure(LOG_INFO, false);
    progress_begin(&p, "run", 0.0, true);
    for (int i = 0; i < 200000; i++) {
        progress_update(&p, 1.0, 0); /* a fast phase drives the stride up */
    }
    assert_true(p.stride > 1);
    p.last_read_wall_s -= 10.0; /* then a long pause */
    p.last_shown_wall_s = wall_clock_s() + 1000.0;
    p.next_check = 1;
    progress_update(&p, 1.0, 0);
    assert_int_equal(p.stride, 1);
    progress_end(&p);
}

/* What a child does with signals; its exit status is the answer. */
static int status_of(int (*body)(void)) {
    pid_t child = fork();
    if (child == 0) {
        _exit(body());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int one_signal(int number) {
    interrupt_install();
    if (interrupt_requested()) {
        return 1;
    }
    raise(number);
    return interrupt_requested() ? 0 : 2;
}

static int one_interrupt(void) {
    return one_signal(SIGINT);
}

static int one_termination(void) {
    return one_signal(SIGTERM);
}

static void the_first_signal_sets_the_flag(void **state) {
    (void)state;
    assert_int_equal(status_of(one_interrupt), 0);
    assert_int_equal(status_of(one_termination), 0);
    assert_false(interrupt_requested());
}

static char temporary[128];

static int two_signals(void) {
    struct arena arena = {0};
    const char *name = file_temporary_name(&arena, temporary);
    fclose(fopen(name, "w"));
    interrupt_install();
    raise(SIGINT);
    if (!file_exists(name)) {
        return 1;
    }
    raise(SIGTERM);
    return 2;
}

static void the_second_signal_removes_temporaries_and_ends_with_130(void **state) {
    (void)state;
    char folder[] = "/tmp/drydock-signal-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(temporary, sizeof temporary, "%s/out", folder);
    assert_int_equal(status_of(two_signals), ERROR_INTERRUPTED);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_clock_never_goes_back),
        cmocka_unit_test(nothing_is_shown_when_disabled_or_quiet),
        cmocka_unit_test(elsewhere_a_line_says_how_far_it_is),
        cmocka_unit_test(work_without_a_known_end_shows_no_share),
        cmocka_unit_test(many_runs_are_counted_and_their_parts_give_the_time_left),
        cmocka_unit_test(a_worker_tells_its_share_and_shows_nothing),
        cmocka_unit_test(a_terminal_gets_a_bar_that_fits_and_is_cleared),
        cmocka_unit_test(a_bar_is_redrawn_ten_times_a_second_at_most),
        cmocka_unit_test(slow_updates_are_all_seen),
        cmocka_unit_test(the_first_signal_sets_the_flag),
        cmocka_unit_test(the_second_signal_removes_temporaries_and_ends_with_130),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
