#include "traces/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"

struct unpacker {
    z_stream z;
    bool between_members; /* the last member ended; more may follow */
    bool input_ended;
    unsigned char input[LINE_READ_BYTES];
};

static bool fail(const struct line_reader *r, struct error *err, enum error_code code, const char *what) {
    struct position pos = {.file = r->path};
    return error_at(err, code, &pos, NULL, "%s", what);
}

/* read(2) that goes on after signals; -1 fills err. */
static ssize_t read_some(struct line_reader *r, void *into, size_t bytes, struct error *err) {
    ssize_t n;
    do {
        n = read(r->fd, into, bytes);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        error_errno(err, r->path, "cannot read");
    }
    return n;
}

static bool refill_packed(struct line_reader *r, struct error *err) {
    struct unpacker *u = r->packed;
    if (u->z.avail_in > 0 || u->input_ended) {
        return true;
    }
    ssize_t n = read_some(r, u->input, sizeof u->input, err);
    if (n < 0) {
        return false;
    }
    u->input_ended = n == 0;
    u->z.next_in = u->input;
    u->z.avail_in = (uInt)n;
    return true;
}

/* After a member: another one, padding of zeros, or the end. */
static bool next_member(struct line_reader *r, bool *ended, struct error *err) {
    struct unpacker *u = r->packed;
    for (;;) {
        if (!refill_packed(r, err)) {
            return false;
        }
        if (u->z.avail_in == 0) {
            *ended = true;
            return true;
        }
        if (*u->z.next_in != 0) {
            break;
        }
        u->z.next_in++;
        u->z.avail_in--;
    }
    if (*u->z.next_in != 0x1f) {
        fail(r, err, ERROR_INVALID, "other bytes follow the gzip data");
        return error_hint(err, "test the file with gzip -t and fetch it again");
    }
    inflateReset(&u->z);
    u->between_members = false;
    return true;
}

/* Unpacks up to `bytes`; *got is 0 at the end of the file. */
static bool unpack(struct line_reader *r, char *into, size_t bytes, size_t *got, struct error *err) {
    struct unpacker *u = r->packed;
    *got = 0;
    u->z.next_out = (unsigned char *)into;
    u->z.avail_out = (uInt)bytes;
    while (u->z.avail_out == bytes) {
        bool ended = false;
        if (u->between_members && !next_member(r, &ended, err)) {
            return false;
        }
        if (ended) {
            return true;
        }
        if (!refill_packed(r, err)) {
            return false;
        }
        int status = inflate(&u->z, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            u->between_members = true;
        } else if (status == Z_BUF_ERROR && u->input_ended) {
            fail(r, err, ERROR_INVALID, "the gzip data ends in the middle: the file is truncated");
            return error_hint(err, "fetch the file again");
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            fail(r, err, ERROR_INVALID, "the gzip data is damaged");
            return error_hint(err, "test the file with gzip -t and fetch it again");
        }
    }
    *got = bytes - u->z.avail_out;
    return true;
}

/* Moves what is unread to the front and reads more behind it. */
static bool more(struct line_reader *r, struct error *err) {
    size_t have = (size_t)(r->end - r->cur);
    memmove(r->buffer, r->cur, have);
    size_t got = 0;
    if (r->packed) {
        if (!unpack(r, r->buffer + have, LINE_READ_BYTES, &got, err)) {
            return false;
        }
    } else {
        ssize_t n = read_some(r, r->buffer + have, LINE_READ_BYTES, err);
        if (n < 0) {
            return false;
        }
        got = (size_t)n;
    }
    r->cur = r->buffer;
    r->end = r->buffer + have + got;
    r->ended = got == 0;
    return true;
}

/* Packers that people use and we do not read, by their first bytes. */
static const struct {
    const char *magic;
    size_t bytes;
    const char *what;
    const char *hint;
} other_packers[] = {
    {"PK\003\004", 4, "a zip archive", "unzip it first"},
    {"\x28\xb5\x2f\xfd", 4, "packed by zstd", "unpack it first: zstd -d"},
    {"\xfd"
     "7zXZ",
     5, "packed by xz", "unpack it first: xz -d"},
    {"BZh", 3, "packed by bzip2", "unpack it first: bzip2 -d"},
    {"PAR1", 4, "a Parquet file", "write it as CSV, for example with pandas"},
};

static bool refuse_other_packers(struct line_reader *r, struct error *err) {
    size_t have = (size_t)(r->end - r->cur);
    for (size_t i = 0; i < sizeof other_packers / sizeof *other_packers; i++) {
        if (have >= other_packers[i].bytes &&
            !memcmp(r->cur, other_packers[i].magic, other_packers[i].bytes)) {
            struct position pos = {.file = r->path};
            error_at(err, ERROR_INVALID, &pos, NULL, "%s; a trace is plain or packed by gzip",
                     other_packers[i].what);
            return error_hint(err, "%s", other_packers[i].hint);
        }
    }
    return true;
}

static bool begin_unpacking(struct line_reader *r, struct error *err) {
    struct unpacker *u = mem_zalloc(1, sizeof *u);
    r->packed = u;
    size_t have = (size_t)(r->end - r->cur);
    memcpy(u->input, r->cur, have);
    u->z.next_in = u->input;
    u->z.avail_in = (uInt)have;
    if (inflateInit2(&u->z, 15 + 16) != Z_OK) {
        return fail(r, err, ERROR_FAILED, "cannot start zlib");
    }
    r->cur = r->end = r->buffer;
    return more(r, err);
}

static bool open_file(struct line_reader *r, struct error *err) {
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (r->fd < 0 || fstat(r->fd, &info) != 0) {
        return fail(r, err, ERROR_INVALID, strerror(errno));
    }
    if (S_ISDIR(info.st_mode)) {
        return fail(r, err, ERROR_INVALID, "is a directory; expected a trace file");
    }
    return true;
}

bool lines_open(struct line_reader *r, const char *path, struct error *err) {
    memset(r, 0, sizeof *r);
    r->fd = -1;
    r->path = strdup(path);
    r->block = mem_alloc(LINE_BYTES_BEFORE + LINE_BYTES_MAX + LINE_READ_BYTES);
    memset(r->block, 0, LINE_BYTES_BEFORE);
    r->buffer = r->block + LINE_BYTES_BEFORE;
    r->cur = r->end = r->buffer;
    if (!open_file(r, err) || !more(r, err) || !refuse_other_packers(r, err)) {
        lines_close(r);
        return false;
    }
    bool gzip = r->end - r->cur >= 2 && (unsigned char)r->cur[0] == 0x1f && (unsigned char)r->cur[1] == 0x8b;
    if (gzip && !begin_unpacking(r, err)) {
        lines_close(r);
        return false;
    }
    return true;
}

void lines_close(struct line_reader *r) {
    if (r->packed) {
        inflateEnd(&r->packed->z);
        free(r->packed);
    }
    if (r->fd >= 0) {
        close(r->fd);
    }
    free(r->block);
    free(r->path);
    memset(r, 0, sizeof *r);
    r->fd = -1;
}

static int give(struct line_reader *r, const char *end, const char *next, const char **line, size_t *length) {
    *line = r->cur;
    *length = (size_t)(end - r->cur);
    if (*length > 0 && end[-1] == '\r') {
        --*length;
    }
    r->cur = next;
    r->line += r->line < INT_MAX;
    return LINE_GIVEN;
}

/* Drops the rest of a line that does not fit. */
static int drop_line(struct line_reader *r, struct error *err) {
    for (;;) {
        const char *newline = memchr(r->cur, '\n', (size_t)(r->end - r->cur));
        r->cur = newline ? newline + 1 : r->end;
        if (newline || r->ended) {
            r->line += r->line < INT_MAX;
            return LINE_TOO_LONG;
        }
        if (!more(r, err)) {
            return LINE_FAILED;
        }
    }
}

int lines_next(struct line_reader *r, const char **line, size_t *length, struct error *err) {
    for (;;) {
        size_t have = (size_t)(r->end - r->cur);
        const char *newline = have ? memchr(r->cur, '\n', have) : NULL;
        if (newline) {
            return give(r, newline, newline + 1, line, length);
        }
        if (r->ended) {
            return have ? give(r, r->end, r->end, line, length) : LINE_END;
        }
        if (have >= LINE_BYTES_MAX) {
            return drop_line(r, err);
        }
        if (!more(r, err)) {
            return LINE_FAILED;
        }
    }
}
