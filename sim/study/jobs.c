#define _GNU_SOURCE /* memfd_create */

#include "study/jobs.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/progress.h"
#include "study/jobs_parts.h"

enum {
    LOOK_EVERY_MS = 100,  /* at the signals, at the terminal and for workers that are gone */
    CHUNK_BYTES = 1 << 16 /* read at once */
};
static const double patience_s = 5.0; /* from SIGTERM to SIGKILL */

enum worker_state {
    AT_WORK,
    WAITING, /* in job_wait */
    CLOSING, /* answered: what is left to do is short, and is let be done */
    ENDING   /* told to end */
};

struct worker {
    size_t task;
    pid_t process;
    int fd;
    int words; /* a file in memory that is its stdout and stderr */
    enum worker_state state;
    bool spoke;  /* its result or its failure has come */
    bool silent; /* nothing more will come */
    double share;
    double patience_ends_s;
    struct strbuf in;
};

struct jobs {
    const struct jobs_plan *plan;
    struct worker *workers; /* room for one a task */
    struct pollfd *ready;
    size_t live;
    size_t next;  /* task to start */
    size_t limit; /* tasks below it may still run: the count, the one that failed, or 0 */
    size_t finished;
    struct error error;
    bool stopping;
    struct progress progress;
};

static void end_worker(struct worker *w) {
    if (w->state == WAITING) {
        shutdown(w->fd, SHUT_WR); /* job_wait returns */
    } else {
        kill(w->process, SIGTERM);
    }
    w->state = ENDING;
    w->patience_ends_s = wall_clock_s() + patience_s;
}

/* Tasks from `limit` on have no future. */
static void lower_limit(struct jobs *j, size_t limit, const struct error *why) {
    if (limit >= j->limit) {
        return;
    }
    j->limit = limit;
    j->error = *why;
    for (size_t i = 0; i < j->live; i++) {
        if (j->workers[i].task >= limit && j->workers[i].state == AT_WORK) {
            end_worker(&j->workers[i]);
        }
    }
}

static void fail(struct jobs *j, size_t task, const struct error *why) {
    lower_limit(j, why->code == ERROR_INTERRUPTED ? 0 : task, why);
}

static void look_for_signal(struct jobs *j) {
    if (interrupt_requested()) {
        struct error why = {0};
        error_set(&why, ERROR_INTERRUPTED, "interrupted");
        lower_limit(j, 0, &why);
    }
}

void jobs_answer(struct jobs *j, size_t task, const struct strbuf *answer) {
    for (size_t i = 0; i < j->live; i++) {
        struct worker *w = &j->workers[i];
        if (w->task == task && w->state == WAITING) {
            worker_send(w->fd, MESSAGE_ANSWER, answer->text, answer->length);
            w->state = CLOSING;
        }
    }
}

/* ---- starting ---- */

/* In the child. It keeps none of its brothers' sockets, or they would never see an end. */
static void become_worker(struct jobs *j, const struct worker *w, pid_t parent) {
    static const struct rlimit no_core = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(ERROR_FAILED);
    }
    setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < j->live; i++) {
        close(j->workers[i].fd);
        close(j->workers[i].words);
    }
    dup2(w->words, STDOUT_FILENO);
    dup2(w->words, STDERR_FILENO);
    close(w->words);
    worker_work(j->plan, w->task, w->fd);
}

static bool start_worker(struct jobs *j, size_t task, struct error *err) {
    struct worker w = {.task = task, .state = AT_WORK};
    int ends[2];
    w.words = memfd_create("drydock-worker", MFD_CLOEXEC);
    if (w.words < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        error_errno(err, "worker process", "cannot make its channels");
        close(w.words);
        return false;
    }
    pid_t parent = getpid();
    fflush(NULL);
    w.process = fork();
    if (w.process == 0) {
        close(ends[0]);
        w.fd = ends[1];
        become_worker(j, &w, parent);
    }
    close(ends[1]);
    w.fd = ends[0];
    if (w.process < 0) {
        error_errno(err, "worker process", "cannot start it");
        close(w.fd);
        close(w.words);
        return false;
    }
    j->workers[j->live++] = w;
    return true;
}

static size_t count_state(const struct jobs *j, enum worker_state state) {
    size_t n = 0;
    for (size_t i = 0; i < j->live; i++) {
        n += j->workers[i].state == state;
    }
    return n;
}

static void start_workers(struct jobs *j) {
    while (j->next < j->limit && count_state(j, AT_WORK) < j->plan->at_once) {
        struct error err = {0};
        if (!start_worker(j, j->next, &err)) {
            fail(j, j->next, &err);
        }
        j->next++;
        look_for_signal(j);
    }
}

/* ---- hearing ---- */

static void take_message(struct jobs *j, struct worker *w, const struct message *head, const char *bytes) {
    struct error failure;
    switch ((enum message_kind)head->kind) {
    case MESSAGE_SHARE:
        memcpy(&w->share, bytes, sizeof w->share);
        break;
    case MESSAGE_HALF:
        if (w->state == ENDING) {
            shutdown(w->fd, SHUT_WR);
            break;
        }
        w->state = WAITING;
        j->plan->handed_in(j->plan->context, j, w->task, bytes, head->length);
        break;
    case MESSAGE_RESULT:
        w->spoke = true;
        w->share = 0;
        j->finished++;
        j->plan->done(j->plan->context, j, w->task, bytes, head->length);
        break;
    case MESSAGE_FAILURE:
        w->spoke = true;
        memcpy(&failure, bytes, sizeof failure);
        if (w->state != ENDING) {
            fail(j, w->task, &failure);
        }
        break;
    case MESSAGE_ANSWER:
        break; /* never of a worker */
    }
}

/* Takes the whole messages from the front of what has come. The byte behind a message is lent to a NUL. */
static void take_messages(struct jobs *j, struct worker *w) {
    size_t at = 0;
    struct message head;
    while (w->in.length - at >= sizeof head) {
        memcpy(&head, w->in.text + at, sizeof head);
        if (head.length > MESSAGE_BYTES_MAX) {
            kill(w->process, SIGKILL); /* its memory is broken */
            w->silent = true;
            break;
        }
        if (w->in.length - at - sizeof head < head.length) {
            break;
        }
        char *bytes = w->in.text + at + sizeof head;
        char behind = bytes[head.length];
        bytes[head.length] = '\0';
        take_message(j, w, &head, bytes);
        bytes[head.length] = behind;
        at += sizeof head + head.length;
    }
    if (at > 0) {
        memmove(w->in.text, w->in.text + at, w->in.length - at);
        w->in.length -= at;
    }
}

static void hear(struct jobs *j, struct worker *w) {
    static char chunk[CHUNK_BYTES];
    for (;;) {
        ssize_t n = recv(w->fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (n <= 0) {
            w->silent = true;
            break;
        }
        strbuf_append_n(&w->in, chunk, (size_t)n);
    }
    take_messages(j, w);
}

/* ---- ends ---- */

static void mourn(struct jobs *j, const struct worker *w, int status) {
    struct error why = {0};
    struct strbuf name = {0};
    char words[WORKER_WORDS_BYTES];
    worker_last_words(w->words, words);
    if (j->plan->describe) {
        j->plan->describe(j->plan->context, w->task, &name);
    } else {
        strbuf_printf(&name, "task %zu", w->task);
    }
    const char *colon = words[0] ? ": " : "";
    if (WIFSIGNALED(status)) {
        int signal_number = WTERMSIG(status);
        error_set(&why, ERROR_FAILED, "the worker process of %s was killed by signal %d (%s)%s%.200s",
                  name.text, signal_number, strsignal(signal_number), colon, words);
        if (signal_number == SIGKILL) {
            error_hint(&why, "if the system was out of memory, a smaller --jobs takes less of it");
        }
    } else {
        error_set(&why, ERROR_FAILED, "the worker process of %s ended with code %d%s%.200s", name.text,
                  WEXITSTATUS(status), colon, words);
    }
    strbuf_free(&name);
    fail(j, w->task, &why);
}

/* Takes worker i, which is gone, from the list. */
static void bury(struct jobs *j, size_t i, int status) {
    struct worker w = j->workers[i];
    j->workers[i] = j->workers[--j->live];
    if (!w.spoke && j->plan->died) {
        j->plan->died(j->plan->context, w.task, (long)w.process);
    }
    if (!w.spoke && w.state != ENDING) {
        mourn(j, &w, status);
    }
    close(w.fd);
    close(w.words);
    strbuf_free(&w.in);
}

/* A silent worker is about to end. One that is gone may not be silent: a child of its own can hold its
 * socket. */
static bool is_gone(struct jobs *j, size_t i, int *status) {
    struct worker *w = &j->workers[i];
    pid_t got;
    do {
        got = waitpid(w->process, status, w->silent ? 0 : WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        return false;
    }
    if (!w->silent) {
        hear(j, &j->workers[i]);
    }
    return true;
}

static void bury_the_gone(struct jobs *j) {
    double now = wall_clock_s();
    for (size_t i = 0; i < j->live;) {
        int status = 0;
        if (is_gone(j, i, &status)) {
            bury(j, i, status);
            continue;
        }
        if (j->workers[i].state == ENDING && now > j->workers[i].patience_ends_s) {
            kill(j->workers[i].process, SIGKILL);
        }
        i++;
    }
}

/* When nothing moves any more: whoever waits is answered now or never. */
static void settle(struct jobs *j) {
    size_t waiting = count_state(j, WAITING);
    if (j->stopping || count_state(j, AT_WORK) + count_state(j, ENDING) > 0 || j->next < j->limit) {
        return;
    }
    if (!error_is_set(&j->error)) {
        assert(waiting < j->live || j->live == 0); /* the plan answers those whose time has come */
        return;
    }
    j->stopping = true;
    if (waiting > 0 && j->plan->stopping) {
        j->plan->stopping(j->plan->context, j, &j->error);
    }
    for (size_t i = 0; i < j->live; i++) {
        if (j->workers[i].state == WAITING) {
            end_worker(&j->workers[i]);
        }
    }
}

static void show(struct jobs *j) {
    double done = (double)j->finished;
    for (size_t i = 0; i < j->live; i++) {
        done += j->workers[i].share;
    }
    progress_update_runs(&j->progress, j->finished, done);
}

static void listen_once(struct jobs *j) {
    for (size_t i = 0; i < j->live; i++) {
        j->ready[i] = (struct pollfd){.fd = j->workers[i].fd, .events = POLLIN};
    }
    size_t listed = j->live;
    if (poll(j->ready, listed, LOOK_EVERY_MS) > 0) {
        for (size_t i = 0; i < listed; i++) {
            if (j->ready[i].revents) {
                hear(j, &j->workers[i]);
            }
        }
    }
}

bool jobs_run(const struct jobs_plan *plan, struct error *err) {
    struct jobs j = {.plan = plan, .limit = plan->count};
    j.workers = mem_zalloc(plan->count + 1, sizeof *j.workers);
    j.ready = mem_zalloc(plan->count + 1, sizeof *j.ready);
    progress_begin_runs(&j.progress, plan->label, plan->count, plan->progress);
    for (;;) {
        look_for_signal(&j);
        start_workers(&j);
        settle(&j);
        if (j.live == 0) {
            break;
        }
        listen_once(&j);
        bury_the_gone(&j);
        show(&j);
    }
    progress_end(&j.progress);
    free(j.workers);
    free(j.ready);
    if (error_is_set(&j.error)) {
        *err = j.error;
    }
    return !error_is_set(&j.error);
}
