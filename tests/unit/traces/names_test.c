#include "trace_fixture.h"

static void the_empty_name_is_0_and_equal_names_are_equal(void **state) {
    (void)state;
    struct trace_names names;
    trace_names_init(&names);
    assert_int_equal(trace_names_intern(&names, "", 0), 0);
    uint32_t chat = trace_names_intern(&names, "chat-service", 4);
    assert_int_equal(chat, 1);
    assert_int_equal(trace_names_intern(&names, "chat", 4), chat);
    assert_int_equal(trace_names_intern(&names, "chatter", 7), 2);
    assert_string_equal(names.names[chat], "chat");
    trace_names_free(&names);
}

static void many_names_are_found_again(void **state) {
    (void)state;
    enum { MANY = 20000 };
    struct trace_names names;
    char name[32];
    trace_names_init(&names);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < MANY; i++) {
            int n = snprintf(name, sizeof name, "tenant-%u", i);
            assert_int_equal(trace_names_intern(&names, name, (size_t)n), i + 1);
        }
    }
    assert_int_equal(names.count, MANY + 1);
    trace_names_free(&names);
}

static void names_beyond_the_limit_become_one(void **state) {
    (void)state;
    struct trace_names names;
    char name[32];
    trace_names_init(&names);
    for (uint32_t i = 0; i < TRACE_NAMES_MAX + 10; i++) {
        int n = snprintf(name, sizeof name, "%u", i);
        trace_names_intern(&names, name, (size_t)n);
    }
    uint32_t a = trace_names_intern(&names, "another", 7);
    assert_int_equal(a, trace_names_intern(&names, "yet another", 11));
    assert_string_equal(names.names[a], "(other)");
    assert_true(names.count <= TRACE_NAMES_MAX + 1);
    trace_names_free(&names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_name_is_0_and_equal_names_are_equal),
        cmocka_unit_test(many_names_are_found_again),
        cmocka_unit_test(names_beyond_the_limit_become_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
