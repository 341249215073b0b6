#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void sha256_gives_the_vectors_of_fips_180(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char digest[SHA256_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sha256_text(cases[i].text, strlen(cases[i].text), digest);
        assert_string_equal(digest, cases[i].digest);
    }
}

static void a_file_hashes_as_its_bytes(void **state) {
    (void)state;
    enum { BYTES = 200000 }; /* several chunks and a rest */
    char path[] = "/tmp/drydock-hash-XXXXXX";
    char *bytes = malloc(BYTES);
    assert_non_null(bytes);
    for (int i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 31);
    }
    int fd = mkstemp(path);
    assert_int_equal(write(fd, bytes, BYTES), BYTES);
    close(fd);
    struct error err = {0};
    char of_file[SHA256_TEXT_BYTES];
    char of_bytes[SHA256_TEXT_BYTES];
    assert_true(sha256_file(path, of_file, &err));
    sha256_text(bytes, BYTES, of_bytes);
    assert_string_equal(of_file, of_bytes);
    unlink(path);
    free(bytes);
}

static void a_file_that_cannot_be_read_is_an_error(void **state) {
    (void)state;
    char digest[SHA256_TEXT_BYTES];
    struct error err = {0};
    assert_false(sha256_file("/nonexistent/trace.csv", digest, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.file, "/nonexistent/trace.csv");
    err = (struct error){0};
    assert_false(sha256_file("/", digest, &err));
    assert_int_equal(err.code, ERROR_FAILED);
}

/* Streams of random numbers are keyed by these: published seeds depend on them. Vectors of XXH3_64bits. */
static void hashes_are_xxh3_and_never_change(void **state) {
    (void)state;
    assert_int_equal(hash64_text(""), UINT64_C(0x2d06800538d394c2));
    assert_int_equal(hash64("", 0, 0), hash64_text(""));
    assert_int_equal(hash64_text("prod/Deployment/chat"), UINT64_C(0xc5cceb88643f496a));
    assert_true(hash64("a", 1, 1) != hash64("a", 1, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_vectors_of_fips_180),
        cmocka_unit_test(a_file_hashes_as_its_bytes),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        cmocka_unit_test(hashes_are_xxh3_and_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
