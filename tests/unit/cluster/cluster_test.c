/* Pods wanted, made and given up, in which order; chance. */
#include "tests/unit/cluster/cluster_fixture.h"

#include <sys/mman.h>

/* ---- scaling down ---- */

static void order_of_going(void) {
    struct pool_config *pool = add_pool("gpu", 3, 4, 2);
    pool->provisioning = always(1000);
    add_demand("ns/deployment/chat");
    add_demand("ns/deployment/filler");
    begin(1, (int64_t[]){3, 1}, true); /* packed: gpu-0 has 0 and 1, gpu-1 has 2 and the filler */
    CHECK(pod_at(0)->node == 0 && pod_at(1)->node == 0 && pod_at(2)->node == 1 && pod_at(3)->node == 1);
    scale_at(10, 0, 4);  /* 4: on gpu-2 */
    scale_at(100, 0, 7); /* 5: beside it; 6 and 7: nominated to gpu-3 */
    scale_at(101, 0, 6); /* 7 goes: has no node yet, as 6, and is the younger */
    scale_at(102, 0, 5); /* 6: the other without a node */
    scale_at(103, 0, 4); /* 5: not Ready */
    scale_at(200, 0, 3); /* 1: gpu-0 has two of them; 0 and 1 are as old, 1 was created later */
    scale_at(201, 0, 2); /* 4: Ready last */
    scale_at(202, 0, 1); /* 2: created after 0 */
    scale_at(203, 0, 0);
    run_until(-1);
    static const double gone_s[] = {203, 200, 202, -1, 201, 103, 102, 101};
    for (size_t i = 0; i < 8; i++) {
        CHECK(pod_at(i)->gone_ps == (gone_s[i] < 0 ? -1 : simtime_from_s(gone_s[i])));
    }
    end();
}

static void pods_go_in_the_order_of_the_replica_set_controller(void **state) {
    (void)state;
    assert_int_equal(in_child(order_of_going), 0);
}

static void drained(void *context, uint64_t index) {
    (void)context;
    cluster_pod_drained(t.cluster, cluster_pod(t.cluster, index));
}

static void drains(void) {
    add_pool("gpu", 1, 1, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){2}, true);
    t.busy = true;
    scale_at(10, 0, 0);
    engine_at(t.engine, 15 * SIMTIME_SECOND, EVENT_REPLICA, drained, NULL, 1);
    run_until(12);
    CHECK(pod_at(0)->phase == POD_TERMINATING && t.terminating == 2 && cluster_node(t.cluster, 0)->pods == 2);
    run_until(-1);
    CHECK(pod_at(1)->terminating_ps == 10 * SIMTIME_SECOND && pod_at(1)->gone_ps == 15 * SIMTIME_SECOND);
    CHECK(pod_at(0)->gone_ps == 40 * SIMTIME_SECOND); /* its grace of 30 s was over */
    CHECK(t.killed == 1 && said("ns/deployment/chat/0", "Killed") == 1 &&
          said("ns/deployment/chat/1", "Killed") == 0);
    end();
}

static void a_pod_drains_and_is_killed_when_its_grace_is_over(void **state) {
    (void)state;
    assert_int_equal(in_child(drains), 0);
}

static void ordinals(void) {
    add_pool("gpu", 1, 1, 8);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){3}, true);
    scale_at(10, 0, 1); /* 2 and 1 go at once */
    scale_at(20, 0, 4);
    run_until(-1);
    CHECK(cluster_pod_count(t.cluster) == 6);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(pod_at(3 + i)->ordinal == i + 1);
    }
    end();
}

static void scaling_up_uses_free_ordinals_again(void **state) {
    (void)state;
    assert_int_equal(in_child(ordinals), 0);
}

/* ---- StatefulSets ---- */

static void ordered_up(void) {
    add_pool("gpu", 1, 1, 4);
    struct pod_demand *d = add_demand("ns/statefulset/store");
    d->stateful = d->ordered = true;
    begin(1, (int64_t[]){3}, false);
    run_until(-1);
    for (size_t i = 0; i < 3; i++) {
        CHECK(pod_at(i)->ordinal == i && pod_at(i)->phase == POD_READY);
        CHECK(i == 0 || pod_at(i)->created_ps == pod_at(i - 1)->ready_ps);
    }
    end();
}

static void an_ordered_stateful_set_starts_one_pod_after_the_other(void **state) {
    (void)state;
    assert_int_equal(in_child(ordered_up), 0);
}

static void ordered_down(void) {
    add_pool("gpu", 1, 1, 4);
    struct pod_demand *d = add_demand("ns/statefulset/store");
    d->stateful = d->ordered = true;
    begin(1, (int64_t[]){4}, true);
    t.busy = true;
    scale_at(10, 0, 1);
    engine_at(t.engine, 15 * SIMTIME_SECOND, EVENT_REPLICA, drained, NULL, 3);
    scale_at(20, 0, 4); /* 2 is going: it stays away, and 1 is not told to go */
    run_until(-1);
    CHECK(pod_at(3)->terminating_ps == 10 * SIMTIME_SECOND && pod_at(3)->gone_ps == 15 * SIMTIME_SECOND);
    CHECK(pod_at(2)->terminating_ps == 15 * SIMTIME_SECOND && pod_at(2)->gone_ps == 45 * SIMTIME_SECOND);
    CHECK(pod_at(1)->terminating_ps == -1);
    CHECK(cluster_pod_count(t.cluster) == 6);
    CHECK(pod_at(4)->ordinal == 2 && pod_at(4)->created_ps == 45 * SIMTIME_SECOND);
    CHECK(pod_at(5)->ordinal == 3 && pod_at(5)->created_ps == pod_at(4)->ready_ps);
    end();
}

static void an_ordered_stateful_set_gives_up_one_pod_after_the_other(void **state) {
    (void)state;
    assert_int_equal(in_child(ordered_down), 0);
}

static void parallel_down(void) {
    add_pool("gpu", 2, 2, 4);
    add_demand("ns/statefulset/store")->stateful = true;
    begin(1, (int64_t[]){5}, true);
    t.busy = true;
    scale_at(10, 0, 2);
    scale_at(11, 0, 5);
    run_until(-1);
    for (size_t i = 0; i < 5; i++) {
        CHECK(pod_at(i)->terminating_ps == (i < 2 ? -1 : 10 * SIMTIME_SECOND));
    }
    for (size_t i = 5; i < 8; i++) { /* the new ones wait for their ordinals */
        CHECK(pod_at(i)->created_ps == 40 * SIMTIME_SECOND);
    }
    end();
}

static void a_parallel_stateful_set_gives_up_its_highest_ordinals_at_once(void **state) {
    (void)state;
    assert_int_equal(in_child(parallel_down), 0);
}

/* ---- bare stations ---- */

static void bare(void) {
    struct pod_demand *d = add_demand("services/station");
    *d = (struct pod_demand){.workload = "services/station", .name = "station", .bare = true, .grace_s = 30};
    add_pool("gpu", 0, 1, 1);
    begin(1, (int64_t[]){2}, true);
    CHECK(t.ready == 2);
    scale_at(10, 0, 4);
    scale_at(20, 0, 1);
    run_until(-1);
    CHECK(t.ready == 4 && t.terminating == 3);
    CHECK(pod_at(2)->ready_ps == 10 * SIMTIME_SECOND && pod_at(3)->gone_ps == 20 * SIMTIME_SECOND);
    CHECK(pod_at(0)->phase == POD_READY);
    end();
}

static void a_bare_pod_needs_no_node_and_is_ready_at_once(void **state) {
    (void)state;
    assert_int_equal(in_child(bare), 0);
}

/* ---- chance ---- */

enum { DRAWS = 3 };

/* What to draw, and what came of it for each pod of the chat workload: container start, warm-up, date Ready.
 * In memory that children share. */
static struct {
    uint64_t seed;
    bool with_another;
    double draws[DRAWS][3];
} * lot;

static void draw(void) {
    add_pool("gpu", 8, 8, 1);
    if (lot->with_another) {
        add_demand("ns/deployment/another");
    }
    add_demand("ns/deployment/chat");
    struct delay law = {.law = DELAY_LOGNORMAL, .mean_s = 10, .median_s = 9.5, .sigma = 0.3};
    t.startup = (struct startup_config){law, law, law, device_load};
    int64_t both[] = {2, DRAWS};
    begin(lot->seed, lot->with_another ? both : both + 1, false);
    run_until(-1);
    for (size_t i = 0, n = 0; i < cluster_pod_count(t.cluster); i++) {
        const struct pod *p = pod_at(i);
        if (strstr(p->name, "chat")) {
            lot->draws[n][0] = simtime_to_s(p->started_ps - p->pulled_ps);
            lot->draws[n][1] = simtime_to_s(p->ready_ps - p->loaded_ps);
            lot->draws[n++][2] = simtime_to_s(p->ready_ps);
        }
    }
    end();
}

static void draw_lot(uint64_t seed, bool with_another, double draws[DRAWS][3]) {
    lot->seed = seed;
    lot->with_another = with_another;
    assert_int_equal(in_child(draw), 0);
    memcpy(draws, lot->draws, sizeof lot->draws);
}

static void a_seed_fixes_every_date_and_another_workload_changes_no_draw(void **state) {
    (void)state;
    double a[DRAWS][3], b[DRAWS][3];
    lot = mmap(NULL, sizeof *lot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(lot != MAP_FAILED);
    draw_lot(1, false, a);
    draw_lot(1, false, b);
    assert_memory_equal(a, b, sizeof a);
    draw_lot(2, false, b);
    assert_true(a[0][0] != b[0][0] && a[1][1] != b[1][1]);
    assert_true(a[0][0] != a[1][0] && a[0][0] != a[0][1]);
    draw_lot(1, true, b);
    for (int i = 0; i < DRAWS; i++) {
        assert_true(fabs(a[i][0] - b[i][0]) < 1e-11 && fabs(a[i][1] - b[i][1]) < 1e-11);
        assert_true(b[i][2] > a[i][2]); /* but it has to share the links */
    }
    munmap(lot, sizeof *lot);
}

static void pre_stop(void) {
    add_pool("gpu", 2, 2, 1);
    add_demand("ns/deployment/idle")->pre_stop_s = 15;
    struct pod_demand *busy = add_demand("ns/deployment/busy");
    busy->pre_stop_s = 40; /* longer than the grace period of 30 s */
    begin(1, (int64_t[]){1, 1}, true);
    scale_at(100, 0, 0);
    scale_at(100, 1, 0);
    run_until(-1);
    CHECK(near_s(pod_at(0)->terminating_ps, 100) && near_s(pod_at(0)->gone_ps, 115));
    CHECK(near_s(pod_at(1)->gone_ps, 130) && t.killed == 1);
    end();
}

static void a_pre_stop_hook_keeps_a_pod_for_as_long_as_it_sleeps(void **state) {
    (void)state;
    assert_int_equal(in_child(pre_stop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_go_in_the_order_of_the_replica_set_controller),
        cmocka_unit_test(a_pod_drains_and_is_killed_when_its_grace_is_over),
        cmocka_unit_test(scaling_up_uses_free_ordinals_again),
        cmocka_unit_test(an_ordered_stateful_set_starts_one_pod_after_the_other),
        cmocka_unit_test(an_ordered_stateful_set_gives_up_one_pod_after_the_other),
        cmocka_unit_test(a_parallel_stateful_set_gives_up_its_highest_ordinals_at_once),
        cmocka_unit_test(a_bare_pod_needs_no_node_and_is_ready_at_once),
        cmocka_unit_test(a_seed_fixes_every_date_and_another_workload_changes_no_draw),
        cmocka_unit_test(a_pre_stop_hook_keeps_a_pod_for_as_long_as_it_sleeps),
    };
    return cmocka_run_group_tests_name("cluster/cluster", tests, NULL, NULL);
}
