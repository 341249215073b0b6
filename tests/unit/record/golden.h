/* tests/unit/record/golden.h: texts that are compared with a file. */
#ifndef DRYDOCK_TESTS_GOLDEN_H
#define DRYDOCK_TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/file.h"
#include "base/strbuf.h"

/* UPDATE=1 rewrites them, for review as a diff. */
static inline void assert_golden(const char *path, const struct strbuf *got) {
    struct error err = {0};
    struct arena arena = {0};
    char *want;
    size_t length;
    if (getenv("UPDATE")) {
        assert_true(file_write(path, got->text, got->length, &err));
    }
    assert_true(file_read(path, 1 << 20, &arena, &want, &length, &err));
    assert_string_equal(got->text, want);
    arena_free(&arena);
}

#endif
