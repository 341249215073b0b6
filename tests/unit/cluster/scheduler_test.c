/* Where a pod goes: filter, score, pick. Pure functions of views. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cluster/scheduler.h"

static const struct label node_labels[] = {{"gpu", "h100"}, {"zone", "a"}};
static const struct labels labels = {(struct label *)node_labels, 2};

static struct node_view node(const char *name) {
    return (struct node_view){.name = name,
                              .usable = true,
                              .ready = true,
                              .labels = &labels,
                              .cpu_milli = 64000,
                              .memory_bytes = 1000,
                              .gpus = 8};
}

static const struct pod_view small = {.cpu_milli = 1000, .memory_bytes = 10, .gpus = 1};

static void it_must_fit_into_what_others_left(void **state) {
    (void)state;
    struct node_view n = node("a");
    assert_int_equal(scheduler_filter(&small, &n), FIT);
    n.used_gpus = 8;
    assert_int_equal(scheduler_filter(&small, &n), MISFIT_GPU);
    n.used_gpus = 7;
    n.used_cpu_milli = 63001;
    assert_int_equal(scheduler_filter(&small, &n), MISFIT_CPU);
    n.used_cpu_milli = 63000;
    n.used_memory_bytes = 991;
    assert_int_equal(scheduler_filter(&small, &n), MISFIT_MEMORY);
    n.used_memory_bytes = 990;
    assert_int_equal(scheduler_filter(&small, &n), FIT); /* to the last milli and byte */
}

static void a_pod_that_asks_for_nothing_fits_a_full_node(void **state) {
    (void)state;
    struct node_view n = node("a");
    struct pod_view nothing = {0};
    n.used_gpus = 8;
    n.used_cpu_milli = 64000;
    n.used_memory_bytes = 1000;
    assert_int_equal(scheduler_filter(&nothing, &n), FIT);
}

static void a_node_that_is_going_takes_nobody(void **state) {
    (void)state;
    struct node_view n = node("a");
    n.usable = false;
    assert_int_equal(scheduler_filter(&small, &n), MISFIT_UNUSABLE);
}

static void every_pair_of_the_selector_must_be_there(void **state) {
    (void)state;
    struct node_view n = node("a");
    struct label items[] = {{"gpu", "h100"}, {"zone", "a"}};
    struct labels selector = {items, 2};
    struct pod_view pod = small;
    pod.node_selector = &selector;
    assert_int_equal(scheduler_filter(&pod, &n), FIT);
    items[1].value = "b";
    assert_int_equal(scheduler_filter(&pod, &n), MISFIT_SELECTOR);
    items[1] = (struct label){"disk", ""};
    assert_int_equal(scheduler_filter(&pod, &n), MISFIT_SELECTOR);
}

/* ---- taints: core/v1 Toleration.ToleratesTaint, case by case ---- */

static bool tolerates(const char *tolerations, const char *key, const char *taint_text) {
    struct arena arena = {0};
    struct yaml_file file = {0};
    struct error err = {0};
    struct label item = {key, taint_text};
    struct labels taints = {&item, 1};
    struct node_view n = node("a");
    struct pod_view pod = small;
    assert_true(yaml_parse("t", tolerations, strlen(tolerations), &arena, &file, &err));
    pod.tolerations = file.count ? file.documents[0] : NULL;
    n.taints = &taints;
    enum misfit misfit = scheduler_filter(&pod, &n);
    assert_true(misfit == FIT || misfit == MISFIT_TAINT);
    arena_free(&arena);
    return misfit == FIT;
}

static void a_taint_keeps_out_who_does_not_tolerate_it(void **state) {
    (void)state;
    assert_false(tolerates("[]", "gpu", "true:NoSchedule"));
    assert_false(tolerates("[]", "gpu", "true:NoExecute"));
    assert_true(tolerates("[]", "gpu", "true:PreferNoSchedule"));
    assert_true(tolerates("[{key: gpu, operator: Exists}]", "gpu", "true:NoSchedule"));
    assert_true(tolerates("[{key: gpu, operator: Equal, value: 'true'}]", "gpu", "true:NoSchedule"));
    assert_true(tolerates("[{key: gpu, value: 'true'}]", "gpu", "true:NoSchedule")); /* Equal */
    assert_false(tolerates("[{key: gpu, value: 'false'}]", "gpu", "true:NoSchedule"));
    assert_false(tolerates("[{key: cpu, operator: Exists}]", "gpu", "true:NoSchedule"));
    assert_true(tolerates("[{operator: Exists}]", "gpu", "true:NoSchedule"));
    assert_false(tolerates("[{key: gpu, operator: Exists, effect: NoExecute}]", "gpu", "true:NoSchedule"));
    assert_true(tolerates("[{key: gpu, operator: Exists, effect: NoSchedule}]", "gpu", "true:NoSchedule"));
    assert_true(
        tolerates("[{key: other, operator: Exists}, {key: gpu, operator: Exists}]", "gpu", "x:NoSchedule"));
}

static void a_taint_may_lack_its_value_or_its_effect(void **state) {
    (void)state;
    assert_true(tolerates("[{key: gpu}]", "gpu", ":NoSchedule"));
    assert_true(tolerates("[{key: gpu}]", "gpu", "NoSchedule"));
    assert_true(tolerates("[]", "gpu", "PreferNoSchedule"));
    assert_false(tolerates("[{key: gpu, value: b}]", "gpu", "a")); /* a value: NoSchedule is meant */
    assert_true(tolerates("[{key: gpu, value: a}]", "gpu", "a"));
    assert_true(tolerates("[{key: gpu, value: 'a:b'}]", "gpu", "a:b:NoSchedule"));
}

/* ---- choice ---- */

static void gpus_are_packed_and_cpu_is_spread(void **state) {
    (void)state;
    struct node_view n[2] = {node("a"), node("b")};
    n[1].used_gpus = 4;
    assert_int_equal(scheduler_choose(&small, n, 2, NULL), 1);
    struct pod_view no_gpu = small;
    no_gpu.gpus = 0;
    n[0].used_cpu_milli = 32000;
    n[0].used_memory_bytes = 500;
    assert_int_equal(scheduler_choose(&no_gpu, n, 2, NULL), 1);
}

static void a_node_that_has_the_weights_is_preferred(void **state) {
    (void)state;
    struct node_view n[2] = {node("a"), node("b")};
    struct pod_view pod = small;
    pod.artefact_bytes = 16e9;
    n[1].cached_bytes = 16e9;
    n[0].used_gpus = 4; /* 50 points of packing against 100 of locality */
    assert_int_equal(scheduler_choose(&pod, n, 2, NULL), 1);
}

static void a_ready_node_comes_before_one_that_is_on_its_way(void **state) {
    (void)state;
    struct node_view n[2] = {node("a"), node("b")};
    n[0].ready = false;
    n[0].used_gpus = 7;
    assert_int_equal(scheduler_choose(&small, n, 2, NULL), 1);
    n[1].used_gpus = 8;
    assert_int_equal(scheduler_choose(&small, n, 2, NULL), 0);
}

static void ties_go_to_the_lowest_name_in_whatever_order(void **state) {
    (void)state;
    struct node_view n[3] = {node("c"), node("a"), node("b")};
    assert_int_equal(scheduler_choose(&small, n, 3, NULL), 1);
    struct node_view m[3] = {node("a"), node("b"), node("c")};
    assert_int_equal(scheduler_choose(&small, m, 3, NULL), 0);
}

static void score_is_the_sum_of_its_parts(void **state) {
    (void)state;
    struct node_view n = node("a");
    struct pod_view pod = {.cpu_milli = 16000, .memory_bytes = 500, .gpus = 2, .artefact_bytes = 100};
    n.used_gpus = 2;
    n.cached_bytes = 25;
    assert_true(scheduler_score(&pod, &n) == (75 + 50) / 2.0 + 50 + 25);
}

static void who_finds_no_node_is_told_how_many_failed_and_why(void **state) {
    (void)state;
    struct node_view n[5] = {node("a"), node("b"), node("c"), node("d"), node("e")};
    struct label item = {"dedicated", "x:NoSchedule"};
    struct labels taints = {&item, 1};
    uint32_t why[MISFIT_GPU + 1] = {0};
    n[0].used_gpus = n[1].used_gpus = 8;
    n[2].taints = &taints;
    n[3].usable = false;
    n[4].used_cpu_milli = 64000;
    assert_int_equal(scheduler_choose(&small, n, 5, why), -1);
    assert_int_equal(why[MISFIT_GPU], 2);
    assert_int_equal(why[MISFIT_TAINT], 1);
    assert_int_equal(why[MISFIT_UNUSABLE], 1);
    assert_int_equal(why[MISFIT_CPU], 1);
    assert_string_equal(misfit_texts[MISFIT_GPU], "Insufficient nvidia.com/gpu");
    assert_int_equal(scheduler_choose(&small, n, 0, why), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_must_fit_into_what_others_left),
        cmocka_unit_test(a_pod_that_asks_for_nothing_fits_a_full_node),
        cmocka_unit_test(a_node_that_is_going_takes_nobody),
        cmocka_unit_test(every_pair_of_the_selector_must_be_there),
        cmocka_unit_test(a_taint_keeps_out_who_does_not_tolerate_it),
        cmocka_unit_test(a_taint_may_lack_its_value_or_its_effect),
        cmocka_unit_test(gpus_are_packed_and_cpu_is_spread),
        cmocka_unit_test(a_node_that_has_the_weights_is_preferred),
        cmocka_unit_test(a_ready_node_comes_before_one_that_is_on_its_way),
        cmocka_unit_test(ties_go_to_the_lowest_name_in_whatever_order),
        cmocka_unit_test(score_is_the_sum_of_its_parts),
        cmocka_unit_test(who_finds_no_node_is_told_how_many_failed_and_why),
    };
    return cmocka_run_group_tests_name("cluster/scheduler", tests, NULL, NULL);
}
