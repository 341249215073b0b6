#include "base/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/units.h"

static const double bar_every_s = 0.1;    /* on a terminal */
static const double line_every_s = 5.0;   /* elsewhere */
static const double clock_every_s = 0.02; /* aim: how often the clock is read */
static const double tell_every_s = 0.2;   /* to another process */

enum {
    STRIDE_MAX = 1 << 16, /* updates between two looks at the clock */
    BAR_CELLS = 24,
    COLUMNS_DEFAULT = 80,
    COLUMNS_LEAST = 20
};

static struct {
    void (*tell)(void *context, double share);
    void *context;
} diverted;

double wall_clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(struct progress *p, const char *label, double end_s, bool enabled) {
    double now = wall_clock_s();
    *p = (struct progress){
        .label = label,
        .end_s = end_s,
        .stride = 1,
        .started_wall_s = now,
        .last_read_wall_s = now,
        .last_shown_wall_s = now,
        .terminal = isatty(STDERR_FILENO),
        .enabled = diverted.tell ? end_s > 0.0 : enabled && log_shows(LOG_WARNING),
    };
}

void progress_begin_runs(struct progress *p, const char *label, uint64_t runs, bool enabled) {
    progress_begin(p, label, (double)runs, enabled);
    p->runs = runs;
}

void progress_divert(void (*tell)(void *context, double share), void *context) {
    diverted.tell = tell;
    diverted.context = context;
}

/* Updates come once an event, a million a second or one a minute. The stride between two looks at the clock
 * follows their pace, so that progress costs next to nothing and is never late by more than a fraction of a
 * second. */
static void follow_pace(struct progress *p, double now) {
    double gap = now - p->last_read_wall_s;
    if (gap < clock_every_s && p->stride < STRIDE_MAX) {
        p->stride *= 2;
    } else if (gap > 2.0 * clock_every_s) {
        p->stride = gap > 16.0 * clock_every_s || p->stride < 2 ? 1 : p->stride / 2;
    }
    p->last_read_wall_s = now;
    p->next_check = p->stride;
}

static size_t terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_LEAST) {
        return size.ws_col;
    }
    return COLUMNS_DEFAULT;
}

static void append_bar(struct strbuf *line, double done) {
    int cells = (int)(done * BAR_CELLS);
    strbuf_char(line, '[');
    for (int i = 0; i < BAR_CELLS; i++) {
        strbuf_char(line, i < cells ? '=' : i == cells ? '>' : ' ');
    }
    strbuf_append(line, "] ");
}

/* Times to the second: a person reads them, and "1h2m3.271s" would flicker. */
static void append_time(struct strbuf *line, double s) {
    char text[48];
    strbuf_append(line, unit_text(UNIT_DURATION, s < 1.0 ? 0.0 : (double)(int64_t)s, text));
}

/* `count`: requests, or runs that are finished. */
static void append_figures(struct strbuf *line, const struct progress *p, double simulated_s, uint64_t count,
                           double elapsed_s) {
    if (p->runs) {
        strbuf_printf(line, "%llu of %llu runs", (unsigned long long)count, (unsigned long long)p->runs);
    } else {
        strbuf_append(line, "simulated ");
        append_time(line, simulated_s);
        if (elapsed_s > 0.0) {
            strbuf_printf(line, ", %.3gx", simulated_s / elapsed_s);
        }
        if (count) {
            strbuf_printf(line, ", %llu requests", (unsigned long long)count);
        }
    }
    if (p->end_s > simulated_s && simulated_s > 0.0) {
        strbuf_append(line, ", left ");
        append_time(line, elapsed_s * (p->end_s - simulated_s) / simulated_s);
    }
}

static void show(struct progress *p, double simulated_s, uint64_t count, double now) {
    struct strbuf line = {0};
    double done = p->end_s > 0.0 ? simulated_s / p->end_s : -1.0;
    done = done > 1.0 ? 1.0 : done;
    strbuf_printf(&line, "%s ", p->label);
    if (done >= 0.0 && p->terminal) {
        append_bar(&line, done);
    }
    if (done >= 0.0) {
        strbuf_printf(&line, "%3.0f%%, ", 100.0 * done);
    }
    append_figures(&line, p, simulated_s, count, now - p->started_wall_s);
    if (p->terminal) {
        /* A wrapped line could not be cleared; the last column stays free because some terminals wrap on it.
         */
        size_t most = terminal_columns() - 1;
        fprintf(stderr, "\r%.*s\033[K", (int)(line.length < most ? line.length : most), line.text);
        fflush(stderr);
        log_bar(true);
    } else {
        fprintf(stderr, "drydock: %s\n", line.text);
    }
    strbuf_free(&line);
    p->shown = true;
    p->last_shown_wall_s = now;
}

static void update(struct progress *p, double simulated_s, uint64_t count) {
    if (!p->enabled || p->next_check-- > 1) {
        return;
    }
    double now = wall_clock_s();
    double gap = now - p->last_shown_wall_s;
    follow_pace(p, now);
    if (diverted.tell && gap >= tell_every_s) {
        diverted.tell(diverted.context, simulated_s < p->end_s ? simulated_s / p->end_s : 1.0);
        p->last_shown_wall_s = now;
    } else if (!diverted.tell && gap >= (p->terminal ? bar_every_s : line_every_s)) {
        show(p, simulated_s, count, now);
    }
}

void progress_update(struct progress *p, double simulated_s, uint64_t requests) {
    update(p, simulated_s, requests);
}

void progress_update_runs(struct progress *p, uint64_t finished, double done) {
    update(p, done, finished);
}

void progress_end(struct progress *p) {
    if (p->shown && p->terminal) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        log_bar(false);
    }
    p->enabled = false;
    p->shown = false;
}

static volatile sig_atomic_t interrupted;

/* The first signal asks the loops to stop and keep what is finished. Whoever sends a second one will not
 * wait: the temporaries go and so does the process. Only async-signal-safe calls from here on. */
static void on_signal(int number) {
    (void)number;
    if (interrupted) {
        file_remove_temporaries();
        _exit(ERROR_INTERRUPTED);
    }
    interrupted = 1;
}

void interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a blocked read must return */
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_requested(void) {
    return interrupted != 0;
}
