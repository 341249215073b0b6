#define _GNU_SOURCE /* memfd_create */

#include "analysis/report/plot.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/report/embedded.h"
#include "analysis/report/svg_style.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/progress.h"

enum { SVG_BYTES_MAX = 64 << 20, LOG_BYTES_MAX = 4096 };

/* ---- input ---- */

static void append_number(struct strbuf *input, double value) {
    if (isfinite(value)) {
        strbuf_printf(input, "%.7g", value);
    } else {
        strbuf_append(input, "NaN");
    }
}

void plot_number(struct strbuf *input, const char *name, double value) {
    strbuf_printf(input, "%s = ", name);
    append_number(input, value);
    strbuf_char(input, '\n');
}

/* Within single quotes gnuplot expands nothing, and a quote is written twice. */
void plot_string(struct strbuf *input, const char *name, const char *text) {
    strbuf_printf(input, "%s = '", name);
    for (; *text; text++) {
        if (*text == '\'') {
            strbuf_append(input, "''");
        } else {
            strbuf_char(input, (unsigned char)*text < 0x20 || *text == 0x7F ? ' ' : *text);
        }
    }
    strbuf_append(input, "'\n");
}

void plot_block_begin(struct strbuf *input, const char *name) {
    strbuf_printf(input, "$%s << EOD\n", name);
}

void plot_row(struct strbuf *input, const double *values, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (i) {
            strbuf_char(input, ' ');
        }
        append_number(input, values[i]);
    }
    strbuf_char(input, '\n');
}

void plot_block_end(struct strbuf *input) {
    strbuf_append(input, "EOD\n");
}

/* ---- the child ---- */

static void close_files(struct plot_job *job) {
    int *const files[] = {&job->in, &job->out, &job->log};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (*files[i] >= 0) {
            close(*files[i]);
        }
        *files[i] = -1;
    }
}

static bool write_all(int fd, const char *text, size_t n) {
    while (n) {
        ssize_t wrote = write(fd, text, n);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        if (wrote > 0) {
            text += wrote;
            n -= (size_t)wrote;
        }
    }
    return true;
}

static bool open_files(struct plot_job *job, const char *script, const struct strbuf *input) {
    char name[64];
    snprintf(name, sizeof name, "%.50s.gp", script);
    const char *style = embedded_text("style.gp");
    const char *body = embedded_text(name);
    job->in = memfd_create("gnuplot-input", MFD_CLOEXEC);
    job->out = memfd_create("gnuplot-output", MFD_CLOEXEC);
    job->log = memfd_create("gnuplot-messages", MFD_CLOEXEC);
    return job->in >= 0 && job->out >= 0 && job->log >= 0 && body &&
           write_all(job->in, input->text ? input->text : "", input->length) &&
           write_all(job->in, style, strlen(style)) && write_all(job->in, body, strlen(body)) &&
           lseek(job->in, 0, SEEK_SET) == 0;
}

/* Neither the user's settings (-d) nor their environment have a say in what it draws. */
static int spawn(struct plot_job *job, char *const argv[]) {
    static char language[] = "LC_ALL=C.UTF-8";
    char *const environment[] = {language, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, job->in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, job->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, job->log, STDERR_FILENO);
    int failure = posix_spawnp(&child, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    job->process = failure ? -1 : child;
    return failure;
}

static bool cannot_start(int failure, struct error *err) {
    if (failure == ENOENT || failure == EACCES) {
        error_set(err, ERROR_FAILED, "gnuplot, which draws the pictures, is not installed");
        return error_hint(err, "apt-get install gnuplot-nox");
    }
    errno = failure;
    return error_errno(err, "gnuplot", "cannot start");
}

bool plot_start(struct plot_job *job, const char *script, const struct strbuf *input, struct error *err) {
    static char program[] = "gnuplot";
    static char defaults[] = "-d";
    char *const argv[] = {program, defaults, NULL};
    *job = (struct plot_job){.name = script, .in = -1, .out = -1, .log = -1, .process = -1};
    bool done = open_files(job, script, input) || error_errno(err, script, "cannot be drawn");
    if (done) {
        int failure = spawn(job, argv);
        done = failure == 0 || cannot_start(failure, err);
    }
    if (!done) {
        close_files(job);
    }
    return done;
}

/* Its exit status; -1 when it was killed, by whomever. */
static int wait_for(const struct plot_job *job) {
    int status = 0;
    while (waitpid(job->process, &status, 0) < 0 && errno == EINTR) {
        if (interrupt_requested()) {
            kill(job->process, SIGKILL);
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What the child wrote, ended by a NUL; free() it. NULL when it is too much or cannot be read. */
static char *read_back(int fd, size_t most, size_t *length) {
    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_size < 0 || (size_t)about.st_size > most) {
        return NULL;
    }
    char *text = mem_zalloc((size_t)about.st_size + 1, 1);
    ssize_t n = pread(fd, text, (size_t)about.st_size, 0);
    if (n != about.st_size) {
        free(text);
        return NULL;
    }
    *length = (size_t)n;
    return text;
}

/* gnuplot repeats the line, points at a place in it and then says what is wrong: the last line that says
 * something. */
static const char *last_words(char *text) {
    char *words = text;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        line += strspn(line, " \t");
        words = *line && *line != '^' ? line : words;
    }
    return words;
}

static bool has_failed(const struct plot_job *job, struct error *err) {
    size_t length = 0;
    char *text = read_back(job->log, LOG_BYTES_MAX, &length);
    error_set(err, ERROR_FAILED, "gnuplot could not draw the figure %s: %.300s", job->name,
              text && *text ? last_words(text) : "no message");
    free(text);
    return false;
}

/* Without the words about who made it, with our own style sheet in front. */
static bool append_dressed(struct strbuf *svg, const char *text, size_t length) {
    const char *head = strstr(text, "<title>");
    const char *tail = strstr(text, "</desc>");
    if (!head || !tail || tail < head) {
        return false;
    }
    tail += strlen("</desc>");
    strbuf_append_n(svg, text, (size_t)(head - text));
    svg_style_append(svg);
    strbuf_append_n(svg, tail, length - (size_t)(tail - text));
    return true;
}

bool plot_finish(struct plot_job *job, struct strbuf *svg, struct error *err) {
    size_t length = 0;
    int status = wait_for(job);
    char *text = status == 0 ? read_back(job->out, SVG_BYTES_MAX, &length) : NULL;
    bool done = text && append_dressed(svg, text, length);
    if (interrupt_requested()) {
        done = error_set(err, ERROR_INTERRUPTED, "interrupted");
    } else if (!done) {
        has_failed(job, err);
    } else if (lseek(job->log, 0, SEEK_END) > 0) {
        struct error words = {0};
        has_failed(job, &words);
        log_message(LOG_NOTE, "%s", words.expected);
    }
    free(text);
    close_files(job);
    return done;
}

bool plot_available(struct error *err) {
    static char program[] = "gnuplot";
    static char version[] = "--version";
    char *const argv[] = {program, version, NULL};
    struct plot_job job = {.name = "", .in = -1, .out = -1, .log = -1, .process = -1};
    job.in = memfd_create("gnuplot-input", MFD_CLOEXEC);
    job.out = memfd_create("gnuplot-output", MFD_CLOEXEC);
    job.log = memfd_create("gnuplot-messages", MFD_CLOEXEC);
    int failure = job.in < 0 || job.out < 0 || job.log < 0 ? errno : spawn(&job, argv);
    bool done = failure == 0 || cannot_start(failure, err);
    if (done && wait_for(&job) != 0) {
        done = error_set(err, ERROR_FAILED, "gnuplot does not run");
    }
    close_files(&job);
    return done;
}
