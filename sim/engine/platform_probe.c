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
#include "engine/platform_file.h"
#include "engine/simgrid_module.h"

enum {
    CHILD_SECONDS_MAX = 120, /* a platform that takes longer to load is refused */
    WORDS_BYTES = 4096       /* of the child's stderr that are kept: the last */
};

/* The child answers with these on its pipe, hosts first, then pairs; then it ends with CHILD_DONE. Its stderr
 * holds the reason for any other end. */
enum { CHILD_DONE = 0, CHILD_REFUSED = 3, CHILD_FAILED = 4 };

static void never_ended(void *context, uint32_t flow) {
    (void)context;
    (void)flow;
}

static void put_double(FILE *out, double value) {
    fwrite(&value, sizeof value, 1, out);
}

static void report(const struct platform *p, const struct simgrid_module *sim, FILE *out) {
    for (uint32_t i = 0; i < p->host_count; i++) {
        double read, write;
        sim->disk(i, &read, &write);
        put_double(out, read);
        put_double(out, write);
    }
    for (uint32_t i = 0; i < p->host_count; i++) {
        for (uint32_t j = 0; j < p->host_count; j++) {
            double latency = i == j ? 0 : INFINITY, bandwidth = i == j ? INFINITY : 0;
            if (i != j) {
                sim->route(i, j, &latency, &bandwidth);
            }
            put_double(out, latency);
            put_double(out, bandwidth);
        }
    }
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
    struct simgrid_setup setup = {.xml_path = xml.path,
                                  .hosts = names,
                                  .host_count = p->host_count,
                                  .loud = true,
                                  .ended = never_ended};
    char message[256];
    if (!sim->open(&setup, message, sizeof message)) {
        fprintf(stderr, "%s\n", message);
        return CHILD_REFUSED;
    }
    if (survey) {
        report(p, sim, out);
    }
    return fflush(out) == 0 ? CHILD_DONE : CHILD_FAILED;
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

static void drain(int fd) {
    char bytes[512];
    while (read_fully(fd, bytes, sizeof bytes)) {
    }
}

/* The last line that says something: SimGrid's reason is followed by a stack and by the shell's words. */
static void last_words(FILE *words, char *out, size_t out_bytes) {
    char line[WORDS_BYTES];
    snprintf(out, out_bytes, "no reason given");
    rewind(words);
    bool found = false;
    while (fgets(line, sizeof line, words)) {
        line[strcspn(line, "\r\n")] = '\0';
        bool noise = !*line || strncmp(line, "Backtrace", 9) == 0 || strncmp(line, "  ->", 4) == 0;
        if (!noise && !found) {
            snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, line);
            found = true;
        }
    }
}

static bool judge(const struct platform *p, int status, FILE *words, struct error *err) {
    char reason[400];
    struct position pos = {.file = p->xml_file ? p->xml_file : "generated platform"};
    last_words(words, reason, sizeof reason);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE) {
        return true;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_FAILED) {
        return error_set(err, ERROR_FAILED, "%s", reason);
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        return error_at(err, ERROR_INVALID, &pos, NULL, "SimGrid does not load it within %d s",
                        CHILD_SECONDS_MAX);
    }
    return error_at(err, ERROR_INVALID, &pos, NULL, "SimGrid does not load it: %s", reason);
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
    bool complete = pid > 0 && (!survey || read_survey(p, survey, pipe_fds[0]));
    drain(pipe_fds[0]);
    close(pipe_fds[0]);
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    bool ok = pid > 0 && judge(p, status, words, err);
    fclose(words);
    if (ok && !complete) {
        return error_set(err, ERROR_FAILED, "the platform's probe did not answer");
    }
    return ok;
}

bool platform_probe(const struct platform *p, struct error *err) {
    return platform_survey(p, NULL, err);
}
