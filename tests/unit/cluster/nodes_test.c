/* The lives of nodes: when one goes, which one, and what comes to its place. The pools' delay from request to
 * Ready is 100 s unless a test says otherwise. */
#include "tests/unit/cluster/cluster_fixture.h"

#include <sys/mman.h>

static const double patience_s = 600;

static struct pool_config *shrinking_pool(int64_t min, int64_t max, int64_t gpus) {
    struct pool_config *p = add_pool("gpu", min, max, gpus);
    p->scale_down_after_s = patience_s;
    return p;
}

static const struct node *node_at(size_t index) {
    CHECK(index < cluster_node_count(t.cluster));
    return cluster_node(t.cluster, index);
}

static bool removed_at(size_t index, double s) {
    const struct node *n = node_at(index);
    CHECK((n->deleted_ps >= 0) == (said(n->name, "NodeRemoved") == 1));
    return n->deleted_ps == (s < 0 ? -1 : simtime_from_s(s)) && n->ready == (s < 0 && n->ready_ps >= 0);
}

/* ---- when ---- */

static void empty(void) {
    shrinking_pool(0, 2, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, true);
    scale_at(10, 0, 0);
    run_until(609.999);
    CHECK(removed_at(0, -1));
    run_until(-1);
    CHECK(removed_at(0, 610) && cluster_node_count(t.cluster) == 1);
    CHECK(strcmp(last_said("gpu-0", "NodeRemoved")->message, "pool gpu: no pod for 600.000 s") == 0);
    end();
}

static void an_empty_node_is_removed_when_its_time_is_over_and_not_before(void **state) {
    (void)state;
    assert_int_equal(in_child(empty), 0);
}

static void reused(void) {
    shrinking_pool(0, 2, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, true);
    scale_at(10, 0, 0);
    scale_at(500, 0, 1);
    scale_at(550, 0, 0);
    run_until(-1);
    CHECK(pod_at(1)->node == 0 && removed_at(0, 550 + patience_s) && cluster_node_count(t.cluster) == 1);
    end();
}

static void a_node_used_again_before_its_time_is_kept_and_its_clock_starts_anew(void **state) {
    (void)state;
    assert_int_equal(in_child(reused), 0);
}

static void occupied(void) {
    shrinking_pool(0, 2, 2)->scale_down_after_s = 0;
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){0}, false);
    t.busy = true;
    scale_at(10, 0, 2);  /* Ready at 110: the pods that were nominated hold it at this instant */
    scale_at(300, 0, 1); /* one is left */
    scale_at(400, 0, 0); /* drains for its grace of 30 s */
    run_until(399);
    CHECK(removed_at(0, -1) && pod_at(0)->phase == POD_READY && pod_at(1)->gone_ps > 0);
    run_until(429);
    CHECK(removed_at(0, -1));
    run_until(-1);
    CHECK(removed_at(0, 430) && cluster_node_count(t.cluster) == 1);
    end();
}

static void pods_that_are_nominated_run_or_drain_hold_their_node(void **state) {
    (void)state;
    assert_int_equal(in_child(occupied), 0);
}

static void abandoned(void) {
    shrinking_pool(0, 2, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    scale_at(50, 0, 0);
    run_until(-1);
    CHECK(node_at(0)->requested_ps == 0 && node_at(0)->ready_ps == 100 * SIMTIME_SECOND);
    CHECK(removed_at(0, 100 + patience_s) && cluster_node_count(t.cluster) == 1);
    end();
}

static void a_node_that_nobody_waits_for_any_more_comes_and_then_goes(void **state) {
    (void)state;
    assert_int_equal(in_child(abandoned), 0);
}

static void kept(void) {
    shrinking_pool(0, 2, 1)->scale_down_after_s = INFINITY;
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){2}, true);
    scale_at(10, 0, 0);
    run_until(-1);
    CHECK(removed_at(0, -1) && removed_at(1, -1) && node_at(1)->pods == 0);
    CHECK(engine_now(t.engine) == 10 * SIMTIME_SECOND); /* nor does any clock keep the run alive */
    end();
}

static void a_pool_may_never_shrink(void **state) {
    (void)state;
    assert_int_equal(in_child(kept), 0);
}

static void fixed(void) {
    shrinking_pool(2, 2, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){2}, true);
    scale_at(10, 0, 0);
    run_until(-1);
    CHECK(engine_now(t.engine) == 10 * SIMTIME_SECOND && removed_at(0, -1) && removed_at(1, -1));
    end();
}

static void a_pool_of_fixed_size_has_no_clocks(void **state) {
    (void)state;
    assert_int_equal(in_child(fixed), 0);
}

static void beyond(void) {
    shrinking_pool(0, 1, 1)->scale_down_after_s = 100.0 * 86400;
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, true);
    scale_at(10.0 * 86400, 0, 0); /* 110 days: beyond what the clock can tell */
    run_until(-1);
    CHECK(removed_at(0, -1));
    end();
}

static void a_time_beyond_the_clock_is_never(void **state) {
    (void)state;
    assert_int_equal(in_child(beyond), 0);
}

/* ---- how many, and which ---- */

static void minimum(void) {
    shrinking_pool(2, 4, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){8}, true);
    scale_at(10, 0, 0);
    run_until(-1);
    CHECK(cluster_node_count(t.cluster) == 4);
    CHECK(removed_at(3, 610) && removed_at(2, 610) && removed_at(1, -1) && removed_at(0, -1));
    CHECK(last_said("gpu-3", "NodeRemoved") < last_said("gpu-2", "NodeRemoved"));
    end();
}

static void never_fewer_than_min_and_of_equals_the_highest_numbers_go_first(void **state) {
    (void)state;
    assert_int_equal(in_child(minimum), 0);
}

static void longest(void) {
    shrinking_pool(1, 2, 1);
    add_demand("ns/deployment/a");
    add_demand("ns/deployment/b");
    begin(1, (int64_t[]){1, 1}, true);
    CHECK(pod_at(0)->node == 0 && pod_at(1)->node == 1);
    scale_at(10, 0, 0);
    scale_at(20, 1, 0);
    run_until(-1);
    CHECK(removed_at(0, 610) && removed_at(1, -1));
    end();
}

static void the_node_that_has_been_empty_longest_goes_first(void **state) {
    (void)state;
    assert_int_equal(in_child(longest), 0);
}

static void on_its_way(void) {
    shrinking_pool(1, 2, 1)->provisioning = always(1000);
    add_demand("ns/deployment/a");
    add_demand("ns/deployment/b");
    begin(1, (int64_t[]){1, 0}, true);
    scale_at(10, 1, 1); /* asks for gpu-1 */
    scale_at(20, 0, 0); /* b takes gpu-0 */
    scale_at(30, 1, 0);
    run_until(1009);
    CHECK(removed_at(0, -1) && !node_at(1)->ready); /* the only one there is, though one is on its way */
    run_until(-1);
    CHECK(removed_at(0, 1010) && removed_at(1, -1) && node_at(1)->ready_ps == 1010 * SIMTIME_SECOND);
    end();
}

static void one_that_min_has_kept_goes_when_another_is_ready(void **state) {
    (void)state;
    assert_int_equal(in_child(on_its_way), 0);
}

static void longest_of_the_kept(void) {
    shrinking_pool(2, 3, 1)->provisioning = always(1000);
    add_demand("ns/deployment/a");
    add_demand("ns/deployment/b");
    add_demand("ns/deployment/c");
    begin(1, (int64_t[]){1, 1, 0}, true);
    scale_at(10, 2, 1); /* asks for gpu-2 */
    scale_at(20, 2, 0);
    scale_at(30, 0, 0); /* leaves gpu-0 */
    scale_at(40, 1, 0); /* leaves gpu-1 */
    run_until(1009);
    CHECK(removed_at(0, -1) && removed_at(1, -1));
    run_until(-1);
    CHECK(removed_at(0, 1010) && removed_at(1, -1) && node_at(2)->ready);
    end();
}

static void of_several_that_min_has_kept_the_one_empty_longest_goes(void **state) {
    (void)state;
    assert_int_equal(in_child(longest_of_the_kept), 0);
}

static void two_pools(void) {
    shrinking_pool(0, 2, 1);
    add_pool("spot", 0, 2, 1)->scale_down_after_s = 60;
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){4}, true);
    scale_at(10, 0, 0);
    run_until(-1);
    for (size_t i = 0; i < 4; i++) {
        CHECK(removed_at(i, node_at(i)->pool == 0 ? 610 : 70));
    }
    CHECK(node_at(0)->pool == 0 && node_at(2)->pool == 1 && strcmp(node_at(3)->name, "spot-1") == 0);
    end();
}

static void each_pool_has_its_own_time(void **state) {
    (void)state;
    assert_int_equal(in_child(two_pools), 0);
}

/* ---- what comes later ---- */

static void second_life(void) {
    shrinking_pool(0, 1, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, true); /* everything cached */
    scale_at(10, 0, 0);
    scale_at(1000, 0, 1);
    run_until(-1);
    const struct node *first = node_at(0);
    const struct node *second = node_at(1);
    CHECK(cluster_node_count(t.cluster) == 2 && removed_at(0, 610));
    CHECK(first->requested_ps == 0 && first->ready_ps == 0 && first->pods == 0);
    CHECK(second->requested_ps == 1000 * SIMTIME_SECOND && second->ready_ps == 1100 * SIMTIME_SECOND);
    CHECK(removed_at(1, -1) && second->pods == 1 && second->host == first->host && second->ordinal == 0);
    CHECK(strcmp(first->name, "gpu-0") == 0 && strcmp(second->name, "gpu-0-r2") == 0);
    const struct pod *p = pod_at(1);
    double pulled_s = 1100 + far_s + image_bytes / registry_link;
    CHECK(pod_at(0)->node == 0 && p->node == 1 && near_s(p->pulled_ps, pulled_s));
    CHECK(near_s(p->loaded_ps, pulled_s + container_s + engine_s + far_s + weight_bytes / models_link));
    end();
}

static void what_comes_to_a_removed_nodes_place_is_another_node_with_an_empty_cache(void **state) {
    (void)state;
    assert_int_equal(in_child(second_life), 0);
}

static void lowest_place(void) {
    shrinking_pool(0, 3, 1)->scale_down_after_s = 60;
    add_demand("ns/deployment/a");
    add_demand("ns/deployment/b");
    begin(1, (int64_t[]){1, 2}, true);
    scale_at(10, 0, 0); /* gpu-0 goes at 70 */
    scale_at(20, 1, 0); /* gpu-1 and gpu-2 at 80 */
    scale_at(100, 1, 2);
    scale_at(500, 1, 0);
    scale_at(600, 1, 1);
    run_until(-1);
    static const char *const names[] = {"gpu-0", "gpu-1", "gpu-2", "gpu-0-r2", "gpu-1-r2", "gpu-0-r3"};
    CHECK(cluster_node_count(t.cluster) == 6);
    for (size_t i = 0; i < 6; i++) {
        CHECK(strcmp(node_at(i)->name, names[i]) == 0);
    }
    end();
}

static void a_new_node_takes_the_lowest_free_place(void **state) {
    (void)state;
    assert_int_equal(in_child(lowest_place), 0);
}

/* ---- pulls that outlive their pods ---- */

static const struct artefact large = {"registry/large:1", 40e9}; /* 40 s alone on the registry's link */

static void pulling(void) {
    struct pool_config *pool = shrinking_pool(0, 1, 1);
    pool->scale_down_after_s = 1;
    pool->provisioning = always(2);
    pool->disk_write_bytes_per_s = 4e9;
    add_demand("ns/deployment/chat")->images = &large;
    begin(1, (int64_t[]){1}, false); /* pulls from 2 s on */
    scale_at(10, 0, 0);
    scale_at(12, 0, 1);
    run_until(-1);
    CHECK(removed_at(0, 11) && strcmp(node_at(1)->name, "gpu-0-r2") == 0);
    CHECK(pod_at(0)->pulled_ps == -1 && near_s(pod_at(1)->pulled_ps, 14 + far_s + 40)); /* nobody shares */
    CHECK(pod_at(1)->phase == POD_READY && engine_counters(t.engine).early == 0);
    end();
}

static void a_pull_under_way_ends_with_its_node(void **state) {
    (void)state;
    assert_int_equal(in_child(pulling), 0);
}

static void pulls_behind_it(void) {
    static const struct artefact others[] = {{"registry/b:1", 1e9}, {"registry/c:1", 1e9}};
    struct pool_config *pool = shrinking_pool(0, 2, 4);
    pool->scale_down_after_s = 0;
    pool->provisioning = always(2);
    add_demand("ns/deployment/a")->images = &large;
    for (int i = 0; i < 2; i++) {
        static const char *const names[] = {"ns/deployment/b", "ns/deployment/c"};
        add_demand(names[i])->images = &others[i];
    }
    begin(1, (int64_t[]){1, 1, 1}, false);
    for (uint32_t d = 0; d < 3; d++) {
        scale_at(10, d, 0);
        scale_at(20 + 2 * d, d, 1);
    }
    run_until(-1);
    CHECK(removed_at(0, 10) && cluster_node_count(t.cluster) == 2);
    for (size_t i = 3; i < 6; i++) { /* a first, then b and c behind it */
        CHECK(pod_at(i)->phase == POD_READY &&
              near_s(pod_at(i)->pulled_ps, 22 + 40 + (double)(i - 3) + (double)(i - 2) * far_s));
    }
    end();
}

static void pulls_that_wait_their_turn_end_with_their_node(void **state) {
    (void)state;
    assert_int_equal(in_child(pulls_behind_it), 0);
}

/* ---- many lives ---- */

enum { LIVES = 20000 };

static void tide(void *context, uint64_t turn) {
    (void)context;
    cluster_scale(t.cluster, 0, turn % 2 == 0);
    if (turn + 1 < 2 * LIVES) {
        engine_at(t.engine, engine_now(t.engine) + 10 * SIMTIME_SECOND, EVENT_CONTROL, tide, NULL, turn + 1);
    }
}

static void many(void) {
    struct pool_config *pool = shrinking_pool(0, 4, 1);
    pool->scale_down_after_s = 5;
    pool->provisioning = always(1);
    struct pod_demand *d = add_demand("ns/deployment/chat");
    d->image_count = 0;
    d->weights.bytes = 0;
    d->model_server = false;
    begin(1, (int64_t[]){0}, false);
    engine_at(t.engine, 0, EVENT_CONTROL, tide, NULL, 0);
    run_until(-1);
    CHECK(cluster_node_count(t.cluster) == LIVES && cluster_pod_count(t.cluster) == LIVES);
    for (size_t i = 0; i < LIVES; i++) {
        const struct node *n = node_at(i);
        simtime requested = (simtime)i * 20 * SIMTIME_SECOND;
        CHECK(n->requested_ps == requested && n->ready_ps == requested + SIMTIME_SECOND);
        CHECK(n->deleted_ps == requested + 15 * SIMTIME_SECOND && n->ordinal == 0);
        CHECK(pod_at(i)->node == (int64_t)i && pod_at(i)->ready_ps == requested + 3 * SIMTIME_SECOND);
    }
    CHECK(strcmp(node_at(LIVES - 1)->name, "gpu-0-r20000") == 0);
    engine_destroy(t.engine);
    arena_free(&t.arena);
}

static void tens_of_thousands_of_lives_are_no_burden(void **state) {
    (void)state;
    assert_int_equal(in_child(many), 0);
}

/* ---- chance ---- */

enum { DATES = 3 };

static struct {
    uint64_t seed;
    bool beside_another;
    simtime took_ps[DATES]; /* from request to Ready of gpu-0 and those after it */
} * lot;

static void draw(void) {
    struct pool_config *pool = shrinking_pool(0, 1, 1);
    pool->provisioning = (struct delay){.law = DELAY_LOGNORMAL, .mean_s = 100, .median_s = 95, .sigma = 0.3};
    pool->scale_down_after_s = 60;
    add_demand("ns/deployment/chat");
    if (lot->beside_another) {
        add_pool("other", 0, 4, 1)->scale_down_after_s = 60;
        add_demand("ns/deployment/another");
    }
    begin(lot->seed, (int64_t[]){0, 0}, false);
    for (int i = 0; i < DATES; i++) {
        scale_at(2000 * i, 0, 1);
        scale_at(2000 * i + 1000, 0, 0);
        if (lot->beside_another) {
            scale_at(2000 * i + 10, 1, i + 1);
            scale_at(2000 * i + 900, 1, 0);
        }
    }
    run_until(-1);
    for (size_t i = 0, n = 0; i < cluster_node_count(t.cluster); i++) {
        if (node_at(i)->pool == 0) {
            lot->took_ps[n++] = node_at(i)->ready_ps - node_at(i)->requested_ps;
        }
    }
    end();
}

static void draw_lot(uint64_t seed, bool beside_another, simtime took_ps[DATES]) {
    lot->seed = seed;
    lot->beside_another = beside_another;
    assert_int_equal(in_child(draw), 0);
    memcpy(took_ps, lot->took_ps, sizeof lot->took_ps);
}

static void each_life_has_its_own_draw_that_other_pools_do_not_change(void **state) {
    (void)state;
    simtime a[DATES];
    simtime b[DATES];
    lot = mmap(NULL, sizeof *lot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(lot != MAP_FAILED);
    draw_lot(1, false, a);
    draw_lot(1, false, b);
    assert_memory_equal(a, b, sizeof a);
    assert_true(a[0] != a[1] && a[1] != a[2] && a[0] != a[2]);
    draw_lot(1, true, b);
    assert_memory_equal(a, b, sizeof a);
    draw_lot(2, false, b);
    assert_true(a[0] != b[0] && a[1] != b[1]);
    munmap(lot, sizeof *lot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_node_is_removed_when_its_time_is_over_and_not_before),
        cmocka_unit_test(a_node_used_again_before_its_time_is_kept_and_its_clock_starts_anew),
        cmocka_unit_test(pods_that_are_nominated_run_or_drain_hold_their_node),
        cmocka_unit_test(a_node_that_nobody_waits_for_any_more_comes_and_then_goes),
        cmocka_unit_test(a_pool_may_never_shrink),
        cmocka_unit_test(a_pool_of_fixed_size_has_no_clocks),
        cmocka_unit_test(a_time_beyond_the_clock_is_never),
        cmocka_unit_test(never_fewer_than_min_and_of_equals_the_highest_numbers_go_first),
        cmocka_unit_test(the_node_that_has_been_empty_longest_goes_first),
        cmocka_unit_test(one_that_min_has_kept_goes_when_another_is_ready),
        cmocka_unit_test(of_several_that_min_has_kept_the_one_empty_longest_goes),
        cmocka_unit_test(each_pool_has_its_own_time),
        cmocka_unit_test(what_comes_to_a_removed_nodes_place_is_another_node_with_an_empty_cache),
        cmocka_unit_test(a_new_node_takes_the_lowest_free_place),
        cmocka_unit_test(a_pull_under_way_ends_with_its_node),
        cmocka_unit_test(pulls_that_wait_their_turn_end_with_their_node),
        cmocka_unit_test(tens_of_thousands_of_lives_are_no_burden),
        cmocka_unit_test(each_life_has_its_own_draw_that_other_pools_do_not_change),
    };
    return cmocka_run_group_tests_name("cluster/nodes", tests, NULL, NULL);
}
