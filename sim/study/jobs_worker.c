/* The worker's side of jobs.h, and what it leaves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/progress.h"
#include "study/jobs_parts.h"

/* ---- messages ---- */

static bool send_bytes(int fd, const void *bytes, size_t length) {
    for (const char *at = bytes; length > 0;) {
        ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        length -= (size_t)n;
    }
    return true;
}

bool worker_send(int fd, enum message_kind kind, const void *bytes, size_t length) {
    struct message head = {.length = length, .kind = kind};
    return send_bytes(fd, &head, sizeof head) && send_bytes(fd, bytes, length);
}

static bool receive_bytes(int fd, void *into, size_t length) {
    for (char *at = into; length > 0;) {
        ssize_t n = recv(fd, at, length, 0);
        if (n < 0 && errno == EINTR) {
            continue; /* a signal is the parent's business: it closes the socket when it wants an end */
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        length -= (size_t)n;
    }
    return true;
}

/* ---- the work ---- */

bool job_wait(struct job *job, const struct strbuf *half, struct strbuf *answer, struct error *err) {
    struct message head = {0};
    if (!worker_send(job->fd, MESSAGE_HALF, half->text, half->length) ||
        !receive_bytes(job->fd, &head, sizeof head)) {
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    }
    char *bytes = mem_alloc(head.length + 1);
    bool whole = receive_bytes(job->fd, bytes, head.length);
    strbuf_append_n(answer, bytes, whole ? head.length : 0);
    free(bytes);
    return whole || error_set(err, ERROR_INTERRUPTED, "interrupted");
}

static void tell_share(void *context, double share) {
    const struct job *job = context;
    worker_send(job->fd, MESSAGE_SHARE, &share, sizeof share);
}

/* Leaves without the ends that belong to the parent: buffers of stdio, HDF5's, and SimGrid, which cannot be
 * taken down. */
void worker_work(const struct jobs_plan *plan, size_t task, int fd) {
    struct job job = {.fd = fd};
    struct error err = {0};
    struct strbuf result = {0};
    progress_divert(tell_share, &job);
    bool ok = plan->work(plan->context, &job, task, &result, &err);
    if (ok && result.length > MESSAGE_BYTES_MAX) {
        ok = error_set(&err, ERROR_FAILED, "a result of %zu bytes is larger than the limit of %d",
                       result.length, MESSAGE_BYTES_MAX);
    }
    if (ok) {
        worker_send(fd, MESSAGE_RESULT, result.text, result.length);
    } else {
        worker_send(fd, MESSAGE_FAILURE, &err, sizeof err);
    }
    _exit(0);
}

/* ---- its remains ---- */

void worker_last_words(int words, char line[WORKER_WORDS_BYTES]) {
    off_t size = lseek(words, 0, SEEK_END);
    off_t from = size > WORKER_WORDS_BYTES - 1 ? size - (WORKER_WORDS_BYTES - 1) : 0;
    char text[WORKER_WORDS_BYTES];
    ssize_t n = pread(words, text, sizeof text - 1, from);
    size_t end = n > 0 ? (size_t)n : 0;
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r')) {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n') {
        begin--;
    }
    memcpy(line, text + begin, end - begin);
    line[end - begin] = '\0';
}
