/* tests/unit/engine/child.h: one SimGrid a process, so a test that transfers runs in a process of its own. */
#ifndef DRYDOCK_TESTS_ENGINE_CHILD_H
#define DRYDOCK_TESTS_ENGINE_CHILD_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child: says what does not hold and ends it. */
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

/* The child's exit code, or 128 + its signal. */
static inline int in_child(void (*body)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        body();
        fflush(NULL);
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
