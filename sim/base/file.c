#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/strbuf.h"

enum {
    TEMPORARIES_MAX = 64, /* files being written at one time in one process */
    READ_STEP_BYTES = 1 << 16
};

/* Temporaries that a signal or a failure has to remove. A signal handler walks this table, so `owner` is set
 * last and cleared first: 0 means the slot is free, whatever path is left in it. The process id keeps a
 * forked child from removing its parent's files. */
static struct temporary {
    char *volatile path;
    volatile pid_t owner;
} temporaries[TEMPORARIES_MAX];

static char *copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(mem_alloc(bytes), text, bytes);
}

static struct temporary *find_temporary(const char *path, pid_t owner) {
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        struct temporary *t = &temporaries[i];
        if (t->owner == owner && (!path || strcmp(t->path, path) == 0)) {
            return t;
        }
    }
    return NULL;
}

static bool register_temporary(const char *path) {
    if (find_temporary(path, getpid())) {
        return true;
    }
    struct temporary *slot = find_temporary(NULL, 0);
    if (!slot) {
        return false;
    }
    free(slot->path);
    slot->path = copy_text(path);
    slot->owner = getpid();
    return true;
}

void file_forget_temporary(const char *temporary_path) {
    struct temporary *t = find_temporary(temporary_path, getpid());
    if (t) {
        t->owner = 0;
        free(t->path);
        t->path = NULL;
    }
}

/* Called from signal handlers: nothing but getpid and unlink, and the paths stay until their slots are used
 * again. */
void file_remove_temporaries(void) {
    int saved = errno;
    for (size_t i = 0; i < TEMPORARIES_MAX; i++) {
        struct temporary *t = &temporaries[i];
        if (t->owner == getpid()) {
            unlink(t->path);
            t->owner = 0;
        }
    }
    errno = saved;
}

void file_remove_temporaries_of(const char *directory, long process) {
    char ending[32];
    snprintf(ending, sizeof ending, ".tmp-%ld", process);
    DIR *folder = opendir(directory);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        if (str_ends_with(entry->d_name, ending)) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder) {
        closedir(folder);
    }
}

char *file_temporary_name(struct arena *arena, const char *path) {
    char *name = arena_printf(arena, "%s.tmp-%ld", path, (long)getpid());
    register_temporary(name);
    return name;
}

/* errno as an error; a call that a requested interrupt broke off is that interrupt. */
static bool failed(struct error *err, const char *path, const char *what) {
    if (errno == EINTR && interrupt_requested()) {
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    }
    return error_errno(err, path, what);
}

static bool invalid(struct error *err, const char *path, const char *what) {
    struct position pos = {.file = path};
    return error_at(err, ERROR_INVALID, &pos, NULL, "%s", what);
}

/* Opens an input, after a look at what it is: a device could be read for ever. Waiting for the other end of a
 * named pipe ends with an interrupt. */
static int open_input(const char *path, struct stat *about, struct error *err) {
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (fd < 0 && errno == EINTR && !interrupt_requested());
    if (fd < 0) {
        if (errno == EINTR) {
            failed(err, path, "cannot open");
        } else {
            invalid(err, path, strerror(errno));
        }
        return -1;
    }
    if (fstat(fd, about) != 0) {
        failed(err, path, "cannot inspect");
    } else if (S_ISDIR(about->st_mode)) {
        invalid(err, path, "is a directory, expected a file");
    } else if (!S_ISREG(about->st_mode) && !S_ISFIFO(about->st_mode)) {
        invalid(err, path, "is neither a regular file nor a pipe");
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

static bool too_large(const char *path, size_t limit_bytes, struct error *err) {
    struct position pos = {.file = path};
    return error_at(err, ERROR_INVALID, &pos, NULL, "is larger than the limit of %zu bytes", limit_bytes);
}

/* Reads to the end: sizes that the system states are a hint only (a pipe and /proc state 0, a log grows). */
static bool read_all(int fd, const char *path, size_t hint, size_t limit_bytes, struct arena *arena,
                     char **bytes, size_t *length, struct error *err) {
    size_t capacity = 0;
    size_t used = 0;
    char *text = arena_grow(arena, NULL, 0, hint + 2, &capacity, 1);
    for (;;) {
        if (used + 1 == capacity) {
            text = arena_grow(arena, text, used, capacity + READ_STEP_BYTES, &capacity, 1);
        }
        ssize_t n = read(fd, text + used, capacity - 1 - used);
        if (n < 0 && errno == EINTR && !interrupt_requested()) {
            continue;
        }
        if (n < 0) {
            return failed(err, path, "cannot read");
        }
        if (n == 0) {
            break;
        }
        used += (size_t)n;
        if (used > limit_bytes) {
            return too_large(path, limit_bytes, err);
        }
    }
    text[used] = '\0';
    *bytes = text;
    *length = used;
    return true;
}

bool file_read(const char *path, size_t limit_bytes, struct arena *arena, char **bytes, size_t *length,
               struct error *err) {
    struct stat about;
    int fd = open_input(path, &about, err);
    if (fd < 0) {
        return false;
    }
    bool done;
    size_t hint = S_ISREG(about.st_mode) && about.st_size > 0 ? (size_t)about.st_size : 0;
    if (hint > limit_bytes) {
        done = too_large(path, limit_bytes, err);
    } else {
        done = read_all(fd, path, hint, limit_bytes, arena, bytes, length, err);
    }
    close(fd);
    return done;
}

bool file_exists(const char *path) {
    struct stat about;
    return stat(path, &about) == 0;
}

bool file_is_directory(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool make_one(const char *path) {
    if (mkdir(path, 0777) == 0) {
        return true;
    }
    int reason = errno; /* looking at what is there would overwrite it */
    if (file_is_directory(path)) {
        return true;
    }
    errno = reason == EEXIST ? ENOTDIR : reason;
    return false;
}

bool file_make_directory(const char *path, struct error *err) {
    size_t bytes = strlen(path) + 1;
    char *part = memcpy(mem_alloc(bytes), path, bytes);
    bool done = true;
    for (char *p = part + 1; done && bytes > 1 && *p; p++) {
        if (*p == '/' && p[-1] != '/') {
            *p = '\0';
            done = make_one(part);
            *p = '/';
        }
    }
    done = done && make_one(path);
    if (!done) {
        error_errno(err, path, "cannot make the directory");
    }
    free(part);
    return done;
}

char *path_join(struct arena *arena, const char *dir, const char *name) {
    if (name[0] == '/' || !dir || !dir[0]) {
        return arena_strdup(arena, name);
    }
    return arena_printf(arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
}

/* Length of `path` without the slashes at its end; "/" keeps one. */
static size_t trimmed_length(const char *path, size_t n) {
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    return n;
}

/* Where the last part of a path begins. */
static size_t last_part(const char *path) {
    size_t n = trimmed_length(path, strlen(path));
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    return n;
}

char *path_directory(struct arena *arena, const char *path) {
    size_t n = last_part(path);
    return n ? arena_strndup(arena, path, trimmed_length(path, n)) : arena_strdup(arena, ".");
}

const char *path_base(const char *path) {
    return path + last_part(path);
}

/* A rename would put a regular file in the place of /dev/stdout or a pipe: those are written straight. */
static bool is_stream(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

static void writer_free(struct file_writer *w) {
    if (w->temporary_path) {
        file_forget_temporary(w->temporary_path);
    }
    free(w->temporary_path);
    free(w->final_path);
    *w = (struct file_writer){0};
}

static bool name_temporary(struct file_writer *w, struct error *err) {
    struct strbuf name = {0};
    strbuf_printf(&name, "%s.tmp-%ld", w->final_path, (long)getpid());
    w->temporary_path = name.text;
    return register_temporary(name.text) ||
           error_set(err, ERROR_FAILED, "more than %d files open for writing", TEMPORARIES_MAX);
}

bool file_begin(struct file_writer *w, const char *path, struct error *err) {
    *w = (struct file_writer){.final_path = copy_text(path)};
    if (!path[0] || file_is_directory(path)) {
        errno = path[0] ? EISDIR : ENOENT;
        error_errno(err, path, "cannot write");
        writer_free(w);
        return false;
    }
    if (!is_stream(path) && !name_temporary(w, err)) {
        writer_free(w);
        return false;
    }
    int fd = w->temporary_path ? open(w->temporary_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                               : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    w->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!w->stream) {
        failed(err, path, "cannot write");
        if (fd >= 0) {
            close(fd);
        }
        file_abandon(w);
        return false;
    }
    return true;
}

/* Makes a rename survive a crash. Some file systems cannot sync a directory; there is nothing better to do
 * there. */
static bool sync_directory(const char *path) {
    char *dir = copy_text(path);
    size_t n = last_part(dir);
    dir[n] = '\0';
    int fd = open(n ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0) {
        return errno == EACCES; /* may be written but not listed */
    }
    bool done = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
    int saved = errno;
    close(fd);
    errno = saved;
    return done;
}

/* Flush, sync and close, in this order, each checked: a full disk may show at any of them. */
static bool finish_stream(struct file_writer *w) {
    bool good = !ferror(w->stream);
    int saved =
        EIO; /* of an earlier failed write, whose errno is gone; the flush below mostly says it again */
    if (fflush(w->stream) != 0) {
        good = false;
        saved = errno;
    }
    if (good && w->temporary_path && fsync(fileno(w->stream)) != 0) {
        good = false;
        saved = errno;
    }
    if (fclose(w->stream) != 0 && good) {
        good = false;
        saved = errno;
    }
    w->stream = NULL;
    errno = saved;
    return good;
}

bool file_commit(struct file_writer *w, struct error *err) {
    bool done = finish_stream(w);
    if (done && w->temporary_path) {
        done = rename(w->temporary_path, w->final_path) == 0 && sync_directory(w->final_path);
    }
    if (!done) {
        failed(err, w->final_path, "cannot write");
        file_abandon(w);
        return false;
    }
    writer_free(w);
    return true;
}

void file_abandon(struct file_writer *w) {
    if (w->stream) {
        fclose(w->stream);
    }
    if (w->temporary_path) {
        unlink(w->temporary_path);
    }
    writer_free(w);
}

bool file_write(const char *path, const char *bytes, size_t length, struct error *err) {
    struct file_writer w;
    if (!file_begin(&w, path, err)) {
        return false;
    }
    if (length && fwrite(bytes, 1, length, w.stream) != length) {
        failed(err, path, "cannot write");
        file_abandon(&w);
        return false;
    }
    return file_commit(&w, err);
}

static bool sync_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool done = fsync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return done;
}

bool file_publish(const char *temporary_path, const char *path, struct error *err) {
    bool done = false;
    if (is_stream(path)) {
        struct position pos = {.file = path};
        error_at(err, ERROR_FAILED, &pos, NULL, "is not a regular file and cannot be replaced by one");
    } else if (sync_file(temporary_path) && rename(temporary_path, path) == 0 && sync_directory(path)) {
        done = true;
    } else {
        failed(err, path, "cannot write");
    }
    if (!done) {
        unlink(temporary_path);
    }
    file_forget_temporary(temporary_path);
    return done;
}
