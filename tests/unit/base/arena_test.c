#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    static const unsigned char zeros[3000];
    unsigned char *last = NULL;
    for (size_t bytes = 0; bytes < sizeof zeros; bytes += 7) {
        unsigned char *p = arena_alloc(&a, bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_memory_equal(p, zeros, bytes);
        memset(p, 0xff, bytes);
        assert_true(!last || *last == 0xff);
        last = bytes ? p + bytes - 1 : NULL;
    }
    arena_free(&a);
}

static void a_zeroed_arena_is_ready_and_can_be_used_again(void **state) {
    (void)state;
    struct arena a = {0};
    arena_free(&a);
    assert_non_null(arena_alloc(&a, 100));
    arena_free(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(arena_alloc(&a, 0));
    arena_free(&a);
}

static void the_peak_outlives_the_memory(void **state) {
    (void)state;
    struct arena a = {0};
    arena_alloc(&a, 1000);
    arena_alloc(&a, 5);
    assert_int_equal(a.used_bytes, 1008 + 16);
    arena_free(&a);
    arena_alloc(&a, 16);
    assert_int_equal(a.used_bytes, 16);
    assert_int_equal(a.peak_bytes, 1008 + 16);
    arena_free(&a);
}

static void a_block_larger_than_the_step_gets_its_own(void **state) {
    (void)state;
    struct arena a = {0};
    char *p = arena_alloc(&a, 5 << 20);
    memset(p, 1, 5 << 20);
    assert_non_null(arena_alloc(&a, 16));
    arena_free(&a);
}

static void texts_are_copied_and_terminated(void **state) {
    (void)state;
    struct arena a = {0};
    char source[] = "placement";
    char *copy = arena_strdup(&a, source);
    source[0] = 'X';
    assert_string_equal(copy, "placement");
    assert_string_equal(arena_strndup(&a, "placement", 5), "place");
    assert_string_equal(arena_strndup(&a, "", 0), "");
    assert_null(arena_strdup(&a, NULL));
    assert_string_equal(arena_printf(&a, "%s/%d", "pod", 7), "pod/7");
    assert_int_equal(strlen(arena_printf(&a, "%10000d", 1)), 10000);
    arena_free(&a);
}

static void a_growing_array_keeps_what_it_holds(void **state) {
    (void)state;
    struct arena a = {0};
    size_t capacity = 0;
    int *numbers = NULL;
    for (int i = 0; i < 10000; i++) {
        int *before = numbers;
        size_t room = capacity;
        numbers = arena_grow(&a, numbers, (size_t)i, (size_t)i + 1, &capacity, sizeof *numbers);
        assert_true((size_t)i < room ? numbers == before : capacity > room);
        numbers[i] = i;
    }
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(numbers[i], i);
    }
    /* Doubling: all blocks together are at most twice the last. */
    assert_true(a.used_bytes <= 2 * capacity * sizeof *numbers + 1024);
    arena_free(&a);
}

static jmp_buf escape;
static size_t wanted;

static void escape_with(size_t bytes) {
    wanted = bytes;
    longjmp(escape, 1);
}

/* One ask a case, each more than there can be; the handler is the only way out. */
static void ask(int which, struct arena *a) {
    size_t capacity = 0;
    volatile size_t most = SIZE_MAX;
    switch (which) {
    case 0:
        arena_array(a, most, 2);
        break;
    case 1:
        arena_alloc(a, most);
        break;
    case 2:
        arena_grow(a, NULL, 0, most, &capacity, 1);
        break;
    case 3:
        mem_realloc(NULL, most, 2);
        break;
    }
}

static void sizes_that_overflow_go_to_the_handler(void **state) {
    (void)state;
    struct arena a = {0};
    arena_on_exhaustion(escape_with);
    for (volatile int which = 0; which < 4; which++) {
        wanted = 0;
        if (setjmp(escape) == 0) {
            ask(which, &a);
            fail_msg("case %d came back", which);
        }
        assert_true(wanted > SIZE_MAX / 2);
    }
    arena_on_exhaustion(NULL);
    arena_free(&a);
}

static void the_default_handler_ends_the_process_with_four(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct arena a = {0};
        close(STDERR_FILENO);
        ask(0, &a);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 4);
}

static void memory_outside_arenas_behaves_like_malloc(void **state) {
    (void)state;
    free(mem_alloc(0));
    int *p = mem_zalloc(4, sizeof *p);
    assert_int_equal(p[3], 0);
    p[0] = 42;
    p = mem_realloc(p, 4000, sizeof *p);
    assert_int_equal(p[0], 42);
    free(p);
    free(mem_zalloc(0, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(a_zeroed_arena_is_ready_and_can_be_used_again),
        cmocka_unit_test(the_peak_outlives_the_memory),
        cmocka_unit_test(a_block_larger_than_the_step_gets_its_own),
        cmocka_unit_test(texts_are_copied_and_terminated),
        cmocka_unit_test(a_growing_array_keeps_what_it_holds),
        cmocka_unit_test(sizes_that_overflow_go_to_the_handler),
        cmocka_unit_test(the_default_handler_ends_the_process_with_four),
        cmocka_unit_test(memory_outside_arenas_behaves_like_malloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
