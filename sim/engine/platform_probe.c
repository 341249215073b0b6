/* Loading a platform where it can do no harm: in a forked child, whose abort is our error message. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/progress.h"
#include "engine/platform_file.h"
#include "engine/simgrid_module.h"

enum {
    CHILD_SECONDS_MAX = 120, /* a platform that takes longer to load is refused */
    WORDS_BYTES = 4096       /* of the child's stderr that are looked at */
};

/* The child answers on its pipe: the survey, hosts first, then pairs of hosts, then CHILD_DONE. Its stderr
 * holds the reason for any other end. */
enum { CHILD_DONE = 'D', CHILD_REFUSED = 3, CHILD_FAILED = 4 };

static void count_end(void *context, uint32_t flow) {
    (void)flow;
    ++*(uint64_t *)context;
}

static bool refuse(const struct platform *p, uint32_t from, uint32_t to, const char *what) {
    fprintf(stderr, "from host %s to host %s %s\n", p->hosts[from].name, p->hosts[to].name, what);
    return false;
}

/* One byte goes the way: SimGrid takes some faults only then. */
static bool try_route(const struct platform *p, const struct simgrid_module *sim, uint32_t from, uint32_t to,
                      double expected_s, const uint64_t *ended) {
    uint64_t before = *ended;
    sim->start(from, to, 1, 0);
    for (double wait_s = expected_s + 1e-6; *ended == before; wait_s *= 4) {
        if (wait_s > 1e6) {
            return refuse(p, from, to, "a transfer does not end");
        }
        sim->advance(sim->clock() + wait_s);
    }
    return true;
}

static bool survey_route(const struct platform *p, const struct simgrid_module *sim, uint32_t from,
                         uint32_t to, const uint64_t *ended, FILE *out) {
    double latency = INFINITY, bandwidth = 0;
    if (from == to) {
        latency = 0;
        bandwidth = INFINITY;
    } else if (sim->route(from, to, &latency, &bandwidth)) {
        if (!(latency >= 0 && latency <= PLATFORM_LATENCY_MAX_S)) {
            return refuse(p, from, to, "the latency is not between 0 and 3600 s");
        }
        if (!(bandwidth >= PLATFORM_BANDWIDTH_MIN && bandwidth <= PLATFORM_BANDWIDTH_MAX)) {
            return refuse(p, from, to, "the bandwidth is not between 1 B/s and 1e15 B/s");
        }
        if (!try_route(p, sim, from, to, latency + 1 / bandwidth, ended)) {
            return false;
        }
    }
    double answer[2] = {latency, bandwidth};
    fwrite(answer, sizeof answer, 1, out);
    return true;
}

static bool survey_disk(const struct platform *p, const struct simgrid_module *sim, uint32_t host,
                        FILE *out) {
    double answer[2];
    sim->disk(host, &answer[0], &answer[1]);
    for (int i = 0; i < 2; i++) {
        if (answer[i] != 0 && !(answer[i] >= PLATFORM_BANDWIDTH_MIN && answer[i] <= PLATFORM_BANDWIDTH_MAX)) {
            fprintf(stderr, "a disk of host %s has no bandwidth between 1 B/s and 1e15 B/s\n",
                    p->hosts[host].name);
            return false;
        }
    }
    fwrite(answer, sizeof answer, 1, out);
    return true;
}

static bool survey_all(const struct platform *p, const struct simgrid_module *sim, const uint64_t *ended,
                       FILE *out) {
    for (uint32_t i = 0; i < p->host_count; i++) {
        if (!survey_disk(p, sim, i, out)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < p->host_count; i++) {
        for (uint32_t j = 0; j < p->host_count; j++) {
            if (!survey_route(p, sim, i, j, ended, out)) {
                return false;
            }
        }
    }
    return true;
}

static int child_load(const struct platform *p, bool survey, FILE *out) {
    struct error err = {0};
    const struct simgrid_module *sim = simgrid_module_open(&err);
    struct platform_xml_file xml;
    if (!sim || !platform_xml_open(p, &xml, &err)) {
        char text[1024];
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
        return CHILD_FAILED;
    }
    const char **names = mem_zalloc(p->host_count + 1, sizeof *names);
    for (size_t i = 0; i < p->host_count; i++) {
        names[i] = p->hosts[i].name;
    }
    static uint64_t ended;
    struct simgrid_setup setup = {.xml_path = xml.path,
                                  .hosts = names,
                                  .host_count = p->host_count,
                                  .loud = true,
                                  .ended = count_end,
                                  .context = &ended};
    char message[256];
    if (!sim->open(&setup, message, sizeof message)) {
        fprintf(stderr, "%s\n", message);
        return CHILD_REFUSED;
    }
    if (survey && !survey_all(p, sim, &ended, out)) {
        return CHILD_REFUSED;
    }
    fputc(CHILD_DONE, out);
    fflush(out);
    raise(SIGKILL); /* SimGrid cannot be taken down; a memory checker would blame it, and us, at an exit */
    return CHILD_FAILED;
}

static void child(const struct platform *p, bool survey, int answers, int words) {
    static const int signals[] = {SIGINT, SIGTERM, SIGSEGV, SIGABRT, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signal(signals[i], SIG_DFL);
    }
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(CHILD_SECONDS_MAX);
    dup2(words, STDOUT_FILENO);
    dup2(words, STDERR_FILENO);
    FILE *out = fdopen(answers, "wb");
    _exit(out ? child_load(p, survey, out) : CHILD_FAILED);
}

/* ---- the parent ---- */

static bool read_fully(int fd, void *into, size_t bytes) {
    char *at = into;
    while (bytes > 0) {
        ssize_t n = read(fd, at, bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool read_survey(const struct platform *p, const struct platform_survey *s, int fd) {
    for (size_t i = 0; i < p->host_count; i++) {
        double pair[2];
        if (!read_fully(fd, pair, sizeof pair)) {
            return false;
        }
        s->disk_read_bytes_per_s[i] = pair[0];
        s->disk_write_bytes_per_s[i] = pair[1];
    }
    for (size_t i = 0; i < p->host_count * p->host_count; i++) {
        double pair[2];
        if (!read_fully(fd, pair, sizeof pair)) {
            return false;
        }
        s->route_latency_s[i] = pair[0];
        s->route_bandwidth_bytes_per_s[i] = pair[1];
    }
    return true;
}

/* The child's first line: SimGrid's reason comes before its stack. */
static void first_words(FILE *words, char line[WORDS_BYTES]) {
    rewind(words);
    if (!fgets(line, WORDS_BYTES, words)) {
        line[0] = '\0';
    }
    line[strcspn(line, "\r\n")] = '\0';
}

/* What is left of `text` behind "<opening>...: ", or all of it. */
static const char *behind(const char *text, const char *opening) {
    const char *colon = strncmp(text, opening, strlen(opening)) == 0 ? strstr(text, ": ") : NULL;
    return colon ? colon + 2 : text;
}

/* "Parse error at FILE:LINE: reason": the line goes where our messages have it. */
static const char *parse_error(const char *text, struct position *pos) {
    const char *reason = behind(text, "Parse error at ");
    if (reason != text) {
        const char *colon = reason - 2;
        while (colon > text && colon[-1] != ':') {
            colon--;
        }
        pos->line = atoi(colon);
    }
    return reason;
}

static void judge(const struct platform *p, int status, FILE *words, struct error *err) {
    char line[WORDS_BYTES];
    struct position pos = {.file = p->xml_file ? p->xml_file : "platform"};
    first_words(words, line);
    const char *reason = parse_error(behind(line, "Uncaught exception "), &pos);
    if (interrupt_requested()) {
        error_set(err, ERROR_INTERRUPTED, "interrupted");
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_FAILED) {
        error_set(err, ERROR_FAILED, "%s", reason);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        error_at(err, ERROR_INVALID, &pos, NULL, "SimGrid does not load it within %d s", CHILD_SECONDS_MAX);
    } else if (!reason[0]) {
        error_at(err, ERROR_INVALID, &pos, NULL, "SimGrid crashes on it (signal %d)",
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    } else {
        error_at(err, ERROR_INVALID, &pos, NULL, "SimGrid refuses it: %s", reason);
    }
}

bool platform_survey(const struct platform *p, const struct platform_survey *survey, struct error *err) {
    int pipe_fds[2];
    FILE *words = tmpfile();
    if (!words) {
        return error_errno(err, "platform", "cannot make a temporary file");
    }
    if (pipe(pipe_fds) != 0) {
        fclose(words);
        return error_errno(err, "platform", "cannot make a pipe");
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_fds[0]);
        child(p, survey != NULL, pipe_fds[1], fileno(words));
    }
    close(pipe_fds[1]);
    if (pid < 0) {
        error_errno(err, "platform", "cannot start a process to try it in");
    }
    char last = 0;
    bool done = pid > 0 && (!survey || read_survey(p, survey, pipe_fds[0])) &&
                read_fully(pipe_fds[0], &last, 1) && last == CHILD_DONE;
    close(pipe_fds[0]);
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid > 0 && !done) {
        judge(p, status, words, err);
    }
    fclose(words);
    return done;
}

bool platform_probe(const struct platform *p, struct error *err) {
    return platform_survey(p, NULL, err);
}
