#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/progress.h"

enum { SHA256_CHUNK_BYTES = 1 << 16 };

uint64_t hash64(const void *bytes, size_t n, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, n, seed);
}

uint64_t hash64_text(const char *text) {
    return hash64(text, strlen(text), 0);
}

static void digest_text(struct sha256_ctx *context, char out[SHA256_TEXT_BYTES]) {
    static const char hex[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[SHA256_TEXT_BYTES - 1] = '\0';
}

void sha256_text(const void *bytes, size_t n, char out[SHA256_TEXT_BYTES]) {
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, n, bytes);
    digest_text(&context, out);
}

static bool digest_stream(int fd, const char *path, struct sha256_ctx *context, struct error *err) {
    uint8_t chunk[SHA256_CHUNK_BYTES];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n > 0) {
            sha256_update(context, (size_t)n, chunk);
        } else if (n == 0) {
            return true;
        } else if (errno != EINTR) {
            return error_errno(err, path, "cannot read");
        } else if (interrupt_requested()) {
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        }
    }
}

bool sha256_file(const char *path, char out[SHA256_TEXT_BYTES], struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        struct position pos = {.file = path};
        return error_at(err, ERROR_INVALID, &pos, NULL, "cannot open: %s", strerror(errno));
    }
    struct sha256_ctx context;
    sha256_init(&context);
    bool done = digest_stream(fd, path, &context, err);
    close(fd);
    if (done) {
        digest_text(&context, out);
    }
    return done;
}
