#include "traces/lines.h"

#include <zlib.h>

#include "trace_fixture.h"

/* All lines joined by '|', with '!' for one that is too long. */
static const char *read_lines(const char *path, struct error *err) {
    static char joined[4096];
    struct line_reader r;
    const char *line;
    size_t length;
    int got;
    joined[0] = '\0';
    if (!lines_open(&r, path, err)) {
        return "(failed)";
    }
    while ((got = lines_next(&r, &line, &length, err)) > 0) {
        size_t at = strlen(joined);
        snprintf(joined + at, sizeof joined - at, "%s%.*s", at ? "|" : "",
                 got == LINE_GIVEN ? (int)length : 1, got == LINE_GIVEN ? line : "!");
    }
    lines_close(&r);
    return got < 0 ? "(failed)" : joined;
}

static const char *lines_of(const void *bytes, size_t n, struct error *err) {
    const char *path = scratch_bytes(bytes, n);
    const char *joined = read_lines(path, err);
    unlink(path);
    return joined;
}

static void lines_end_in_lf_or_crlf_and_the_last_needs_neither(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *joined;
    } cases[] = {
        {"", ""},        {"a", "a"},           {"a\n", "a"},       {"a\r\nb\r\n", "a|b"},
        {"a\nb", "a|b"}, {"a\n\nx\n", "a||x"}, {"a\rb\n", "a\rb"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        const char *joined = lines_of(cases[i].text, strlen(cases[i].text), &err);
        assert_string_equal(joined, cases[i].joined);
        assert_false(error_is_set(&err));
    }
}

static size_t gzip(const void *bytes, size_t n, unsigned char *out, size_t room) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t packed = room - z.avail_out;
    deflateEnd(&z);
    return packed;
}

static void gzip_is_told_by_content_and_its_members_follow_each_other(void **state) {
    (void)state;
    unsigned char packed[512];
    struct error err = {0};
    size_t n = gzip("a\nb", 3, packed, sizeof packed);
    n += gzip("c\nd\n", 4, packed + n, sizeof packed - n);
    memset(packed + n, 0, 16); /* padding, as tapes leave it */
    assert_string_equal(lines_of(packed, n + 16, &err), "a|bc|d");
}

static void gzip_cut_short_at_any_byte_is_an_error(void **state) {
    (void)state;
    unsigned char packed[512];
    size_t n = gzip("one\ntwo\nthree\n", 14, packed, sizeof packed);
    for (size_t cut = 2; cut < n; cut++) {
        struct error err = {0};
        assert_string_equal(lines_of(packed, cut, &err), "(failed)");
        assert_int_equal(err.code, ERROR_INVALID);
        assert_contains(err.expected, "truncated");
    }
}

static void damaged_gzip_is_an_error(void **state) {
    (void)state;
    unsigned char packed[512];
    struct error err = {0};
    size_t n = gzip("one\ntwo\nthree\n", 14, packed, sizeof packed);
    packed[n - 6] ^= 0x55; /* the checksum */
    assert_string_equal(lines_of(packed, n, &err), "(failed)");
    assert_contains(err.expected, "damaged");
}

static void bytes_behind_gzip_are_an_error(void **state) {
    (void)state;
    unsigned char packed[512];
    struct error err = {0};
    size_t n = gzip("one\n", 4, packed, sizeof packed);
    memcpy(packed + n, "junk", 4);
    assert_string_equal(lines_of(packed, n + 4, &err), "(failed)");
    assert_contains(err.expected, "follow");
}

static void other_packers_are_named(void **state) {
    (void)state;
    static const struct {
        const char *magic;
        const char *what;
    } cases[] = {{"PK\003\004....", "zip"},
                 {"\x28\xb5\x2f\xfd....", "zstd"},
                 {"BZh91AY", "bzip2"},
                 {"PAR1....", "Parquet"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        lines_of(cases[i].magic, strlen(cases[i].magic), &err);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_contains(err.expected, cases[i].what);
        assert_true(err.hint[0]);
    }
}

static void a_line_over_1_mib_is_reported_and_the_next_one_read(void **state) {
    (void)state;
    size_t n = 2 * LINE_BYTES_MAX + 100;
    char *text = malloc(n);
    struct error err = {0};
    memset(text, 'x', n);
    text[2] = '\n';
    text[n - 4] = '\n';
    assert_string_equal(lines_of(text, n, &err), "xx|!|xxx");
    free(text);
}

static void a_missing_file_a_folder_and_no_permission_are_invalid_input(void **state) {
    (void)state;
    struct error missing = {0};
    struct error folder = {0};
    read_lines("/nonexistent/trace.csv", &missing);
    read_lines("/tmp", &folder);
    assert_int_equal(missing.code, ERROR_INVALID);
    assert_contains(missing.expected, "No such file");
    assert_int_equal(folder.code, ERROR_INVALID);
    assert_contains(folder.expected, "directory");
}

static void a_pipe_is_read_like_a_file(void **state) {
    (void)state;
    int ends[2];
    char path[64];
    struct error err = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a\nb\n", 4), 4);
    close(ends[1]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    assert_string_equal(read_lines(path, &err), "a|b");
    close(ends[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_lf_or_crlf_and_the_last_needs_neither),
        cmocka_unit_test(gzip_is_told_by_content_and_its_members_follow_each_other),
        cmocka_unit_test(gzip_cut_short_at_any_byte_is_an_error),
        cmocka_unit_test(damaged_gzip_is_an_error),
        cmocka_unit_test(bytes_behind_gzip_are_an_error),
        cmocka_unit_test(other_packers_are_named),
        cmocka_unit_test(a_line_over_1_mib_is_reported_and_the_next_one_read),
        cmocka_unit_test(a_missing_file_a_folder_and_no_permission_are_invalid_input),
        cmocka_unit_test(a_pipe_is_read_like_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
