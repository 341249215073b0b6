/* LoRA adapters on the GPU and in the host's memory: who is loaded when, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/adapters.h"

enum { TO_GPU = 1, TO_HOST = 100 };

static struct adapters *of(int64_t on_gpu, int64_t on_host) {
    return adapters_create(&(struct adapter_limits){on_gpu, on_host, TO_GPU, TO_HOST});
}

static void the_base_model_is_always_there(void **state) {
    (void)state;
    struct adapters *a = of(1, 1);
    assert_int_equal(adapters_hold(a, 0), 0);
    assert_int_equal(adapters_hold(a, 1), TO_HOST + TO_GPU);
    assert_true(adapters_fit(a, 0));
    adapters_let_go(a, 0);
    adapters_destroy(a);
}

static void a_batch_has_so_many_and_no_more(void **state) {
    (void)state;
    struct adapters *a = of(2, 2);
    adapters_hold(a, 1);
    adapters_hold(a, 2);
    assert_true(adapters_fit(a, 1) && adapters_fit(a, 2));
    assert_false(adapters_fit(a, 3));
    assert_int_equal(adapters_hold(a, 1), 0); /* a second request for it */
    adapters_let_go(a, 1);
    assert_false(adapters_fit(a, 3)); /* the first is still there */
    adapters_let_go(a, 1);
    assert_true(adapters_fit(a, 3));
    adapters_destroy(a);
}

static void who_left_first_makes_room(void **state) {
    (void)state;
    struct adapters *a = of(2, 3);
    adapters_hold(a, 1);
    adapters_hold(a, 2);
    adapters_let_go(a, 2);
    adapters_let_go(a, 1);
    assert_int_equal(adapters_hold(a, 3), TO_HOST + TO_GPU); /* in place of 2, which the host keeps */
    assert_int_equal(adapters_hold(a, 1), 0);
    adapters_let_go(a, 3);
    assert_int_equal(adapters_hold(a, 2), TO_GPU); /* in place of 3 */
    adapters_let_go(a, 1);
    assert_int_equal(adapters_hold(a, 4), TO_HOST + TO_GPU); /* the host forgets 3, the GPU 1 */
    adapters_let_go(a, 4);
    assert_int_equal(adapters_hold(a, 1), TO_GPU);
    adapters_let_go(a, 1);
    assert_int_equal(adapters_hold(a, 3), TO_HOST + TO_GPU);
    adapters_destroy(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_model_is_always_there),
        cmocka_unit_test(a_batch_has_so_many_and_no_more),
        cmocka_unit_test(who_left_first_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
