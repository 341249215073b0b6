/* The program: finds the command, runs it, prints its error once, answers its exit code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/progress.h"
#include "cli/command.h"
#include "drydock.h"

static volatile sig_atomic_t reader_gone;

static void on_broken_pipe(int number) {
    (void)number;
    reader_gone = 1;
}

/* A descriptor that the caller closed would be given to the next file opened, and a result would end up with
 * messages in it. Opened the wrong way round instead, so that use still fails. */
static void open_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
            if (open("/dev/null", flags) != fd) {
                _exit(ERROR_FAILED);
            }
        }
    }
}

/* Writing to a pipe that nobody reads any more, or past a limit on file size, is not worth dying for: the
 * write fails and says so. finish() tells the pipe from a full disk. */
static void install_signals(void) {
    struct sigaction action = {.sa_handler = on_broken_pipe};
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, NULL);
    interrupt_install();
}

static void on_exhaustion(size_t bytes_wanted) {
    file_remove_temporaries();
    fprintf(stderr, "drydock: out of memory: %zu bytes wanted\n", bytes_wanted);
    _exit(ERROR_FAILED);
}

/* Names and values from input files may hold escape sequences, which a terminal must not obey. */
static void print_error(const struct error *err) {
    char text[2048];
    error_text(err, text, sizeof text);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    fprintf(stderr, "drydock: %s\n", text);
}

static enum error_code run_command(int argc, char **argv, struct error *err) {
    const struct command *command = command_find(argv[1]);
    if (command) {
        return command->run(argc - 1, argv + 1, err);
    }
    command_unknown(argv[1], err);
    return err->code;
}

static enum error_code dispatch(int argc, char **argv, struct error *err) {
    if (argc < 2) {
        help_print_commands(stderr);
        return ERROR_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("drydock %s\n", dd_version());
        return ERROR_NONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_print_commands(stdout);
        return ERROR_NONE;
    }
    return run_command(argc, argv, err);
}

/* The exit code, once stdout is flushed. A reader that left has seen what it wanted: no failure. */
static enum error_code finish(enum error_code code, struct error *err) {
    bool lost = fflush(stdout) != 0;
    if (lost || ferror(stdout)) {
        if (reader_gone) {
            return code == ERROR_FAILED ? ERROR_NONE : code;
        }
        error_errno(err, "standard output", "cannot write");
    }
    if (error_is_set(err) && interrupt_requested()) {
        err->code = ERROR_INTERRUPTED; /* whatever failed, it failed because of the signal */
    }
    return error_is_set(err) ? err->code : code;
}

int main(int argc, char **argv) {
    struct error err = {0};
    open_standard_streams();
    install_signals();
    arena_on_exhaustion(on_exhaustion);
    enum error_code code = dispatch(argc, argv, &err);
    code = finish(code, &err);
    if (error_is_set(&err) && code != ERROR_NONE) {
        print_error(&err);
    }
    if (code != ERROR_NONE) {
        file_remove_temporaries();
    }
    return (int)code;
}
