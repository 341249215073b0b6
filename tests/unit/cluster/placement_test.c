/* Which node a pod gets, and when one is asked for. */
#include <sys/resource.h>

#include "tests/unit/cluster/cluster_fixture.h"

static void provisioning(void) {
    add_pool("gpu", 0, 8, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){4}, false);
    run_until(50);
    CHECK(said(NULL, "NodeRequested") == 2); /* 4 pods of one GPU, nodes of two: no node too many */
    CHECK(said(NULL, "Nominated") == 4 && said(NULL, "Scheduled") == 0);
    CHECK(pod_at(0)->phase == POD_PENDING && pod_at(0)->bound_ps == -1 && pod_at(0)->node == 0);
    run_until(-1);
    for (size_t i = 0; i < 4; i++) {
        CHECK(pod_at(i)->bound_ps == 100 * SIMTIME_SECOND && pod_at(i)->phase == POD_READY);
    }
    CHECK(cluster_node(t.cluster, 0)->requested_ps == 0);
    CHECK(cluster_node(t.cluster, 0)->ready_ps == 100 * SIMTIME_SECOND);
    CHECK(cluster_node_count(t.cluster) == 2);
    end();
}

static void a_need_asks_for_one_node_once(void **state) {
    (void)state;
    assert_int_equal(in_child(provisioning), 0);
}

static void nominated_moves(void) {
    add_pool("gpu", 1, 2, 1);
    add_demand("ns/deployment/a");
    add_demand("ns/deployment/b");
    begin(1, (int64_t[]){1, 0}, true);
    scale_at(10, 1, 1);
    scale_at(20, 0, 0);
    run_until(-1);
    const struct pod *b = pod_at(1);
    CHECK(b->node == 0 && b->bound_ps == 20 * SIMTIME_SECOND); /* not at 110 s, when its node comes */
    CHECK(cluster_node(t.cluster, 1)->ready_ps == 110 * SIMTIME_SECOND);
    CHECK(cluster_node(t.cluster, 1)->pods == 0);
    end();
}

static void a_pod_that_waits_for_a_node_takes_room_that_becomes_free(void **state) {
    (void)state;
    assert_int_equal(in_child(nominated_moves), 0);
}

static void unschedulable(void) {
    add_pool("gpu", 1, 1, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, true);
    t.busy = true;
    scale_at(10, 0, 3);
    scale_at(20, 0, 3);
    run_until(30);
    const char *waits = "ns/deployment/chat/1";
    CHECK(said(waits, "FailedScheduling") == 1); /* asked twice, said once */
    CHECK(strcmp(last_said(waits, "FailedScheduling")->message,
                 "0/1 nodes are available: 1 Insufficient nvidia.com/gpu") == 0);
    CHECK(said("ns/deployment/chat/2", "FailedScheduling") == 1);
    CHECK(pod_at(1)->phase == POD_PENDING && pod_at(1)->node == -1);
    scale_at(40, 0, 0); /* both go at once, never having been anywhere */
    run_until(45);
    CHECK(pod_at(1)->phase == POD_GONE && pod_at(2)->phase == POD_GONE && pod_at(1)->bound_ps == -1);
    scale_at(50, 0, 1); /* waits for the room of the one that drains */
    run_until(60);
    CHECK(pod_at(3)->phase == POD_PENDING);
    cluster_pod_drained(t.cluster, (struct pod *)pod_at(0));
    CHECK(pod_at(3)->bound_ps == 60 * SIMTIME_SECOND);
    run_until(-1);
    CHECK(pod_at(3)->phase == POD_READY);
    end();
}

static void a_pod_without_room_says_why_once_and_is_placed_when_room_comes(void **state) {
    (void)state;
    assert_int_equal(in_child(unschedulable), 0);
}

static void overtaken(void) {
    add_pool("gpu", 1, 1, 2);
    add_demand("ns/deployment/small");
    add_demand("ns/deployment/large")->gpus = 2;
    begin(1, (int64_t[]){1, 0}, true);
    scale_at(10, 1, 1); /* 1: no room */
    scale_at(20, 0, 2); /* 2: fits */
    scale_at(30, 0, 0);
    run_until(-1);
    CHECK(pod_at(1)->bound_ps == 30 * SIMTIME_SECOND && pod_at(2)->bound_ps == 20 * SIMTIME_SECOND);
    const struct pod *first = cluster_node(t.cluster, 0)->first_pod;
    CHECK(first == pod_at(0) && first->next_on_node == pod_at(1));
    end();
}

static void a_node_knows_its_pods_in_order_of_creation(void **state) {
    (void)state;
    assert_int_equal(in_child(overtaken), 0);
}

static void many(void) {
    add_pool("gpu", 1, 1, 8);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){0}, true);
    scale_at(1, 0, 5000);
    scale_at(201, 0, 8);
    run_until(200);
    CHECK(t.ready == 8 && cluster_pod_count(t.cluster) == 5000 && t.diary_count < 3 * 5000);
    run_until(202);
    CHECK(pod_at(7)->phase == POD_READY && pod_at(8)->phase == POD_GONE && pod_at(4999)->phase == POD_GONE);
    end();
}

static void thousands_of_pods_without_room_are_no_burden(void **state) {
    (void)state;
    assert_int_equal(in_child(many), 0);
}

static int64_t turned_away;

static void turn_away(void) {
    add_pool("gpu", 1, 1, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, true);
    scale_at(10, 0, turned_away);
    scale_at(20, 0, 1);
    run_until(30);
    CHECK(cluster_pod_count(t.cluster) == (size_t)turned_away && t.ready == 1);
    CHECK(cluster_present_count(t.cluster) == 1);
    end();
}

/* Processor time in which so many that fit nowhere come and go. */
static double seconds_to_turn_away(int64_t pods) {
    struct rusage before;
    struct rusage after;
    turned_away = pods;
    getrusage(RUSAGE_CHILDREN, &before);
    assert_int_equal(in_child(turn_away), 0);
    getrusage(RUSAGE_CHILDREN, &after);
    return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
           1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec);
}

/* Four times as many would take sixteen times as long if each that goes had all others ask again. */
static void pods_that_fit_nowhere_cost_what_they_are_many(void **state) {
    (void)state;
    double few = seconds_to_turn_away(4000);
    assert_true(seconds_to_turn_away(16000) < 9 * few + 0.1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_need_asks_for_one_node_once),
        cmocka_unit_test(a_pod_that_waits_for_a_node_takes_room_that_becomes_free),
        cmocka_unit_test(a_pod_without_room_says_why_once_and_is_placed_when_room_comes),
        cmocka_unit_test(a_node_knows_its_pods_in_order_of_creation),
        cmocka_unit_test(pods_that_fit_nowhere_cost_what_they_are_many),
        cmocka_unit_test(thousands_of_pods_without_room_are_no_burden),
    };
    return cmocka_run_group_tests_name("cluster/placement", tests, NULL, NULL);
}
