/* Nodes that are lost, come back, or are taken out of service. */
#include "tests/unit/cluster/cluster_fixture.h"

static simtime returns_ps = -1;

static void lose_now(void *context, uint64_t node) {
    (void)context;
    struct node *n = cluster_node_at(t.cluster, 0, (uint32_t)node);
    CHECK(cluster_lose_node(t.cluster, n, returns_ps));
    CHECK(!cluster_lose_node(t.cluster, n, returns_ps));
}

static void drain_now(void *context, uint64_t node) {
    (void)context;
    cluster_drain_node(t.cluster, cluster_node_at(t.cluster, 0, (uint32_t)node), "GPU error");
}

static void at_s(double s, event_handler what, uint64_t node) {
    engine_at(t.engine, simtime_from_s(s), EVENT_LIFECYCLE, what, NULL, node);
}

/* Lost at 100 s, found out at 150 s, evicted at 450 s; a node takes 100 s to come. */
static void lost(void) {
    add_pool("gpu", 2, 3, 1);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){2}, true);
    at_s(100, lose_now, 0);
    run_until(-1);
    CHECK(t.hung == 1 && t.failed == 1 && near_s(last_said("gpu-0", "NodeNotReady")->at, 150));
    CHECK(near_s(pod_at(0)->outages->from_ps, 150) && near_s(pod_at(0)->gone_ps, 450));
    CHECK(said("ns/deployment/chat/0", "TaintManagerEviction") == 1);
    CHECK(near_s(cluster_node(t.cluster, 0)->deleted_ps, 450));
    CHECK(cluster_pod_count(t.cluster) == 3 && pod_at(2)->phase == POD_READY);
    CHECK(near_s(pod_at(2)->created_ps, 450) && near_s(pod_at(2)->bound_ps, 550));
    CHECK(pod_at(1)->restarts == 0 && !pod_at(1)->outages);
    end();
}

static void pods_of_a_lost_node_are_evicted_and_made_anew(void **state) {
    (void)state;
    assert_int_equal(in_child(lost), 0);
}

static void patient(void) {
    add_pool("gpu", 1, 2, 1);
    add_demand("ns/deployment/chat")->unreachable_s = INFINITY;
    begin(1, (int64_t[]){1}, true);
    at_s(100, lose_now, 0);
    run_until(100000);
    CHECK(pod_at(0)->phase == POD_UNREADY && cluster_pod_count(t.cluster) == 1);
    end();
}

static void one_that_tolerates_it_for_ever_stays(void **state) {
    (void)state;
    assert_int_equal(in_child(patient), 0);
}

/* Back within the toleration: the same pods, their weights from the disk, not from the page cache. */
static void back(void) {
    add_pool("gpu", 1, 1, 1);
    add_demand("ns/deployment/chat");
    returns_ps = simtime_from_s(200);
    begin(1, (int64_t[]){1}, true);
    at_s(100, lose_now, 0);
    run_until(-1);
    double again_s =
        200 + container_s + engine_s + weight_bytes / disk_read + weight_bytes / device_load + warm_s;
    CHECK(cluster_pod_count(t.cluster) == 1 && pod_at(0)->restarts == 1 && pod_at(0)->phase == POD_READY);
    CHECK(near_s(pod_at(0)->ready_changed_ps, again_s) && near_s(pod_at(0)->outages->from_ps, 150));
    CHECK(cluster_node(t.cluster, 0)->ready && !cluster_node(t.cluster, 0)->cordoned);
    end();
}

static void a_node_that_comes_back_starts_its_pods_again(void **state) {
    (void)state;
    assert_int_equal(in_child(back), 0);
}

static void blink(void) {
    add_pool("gpu", 1, 1, 1);
    add_demand("ns/deployment/chat");
    returns_ps = simtime_from_s(110);
    begin(1, (int64_t[]){1}, true);
    at_s(100, lose_now, 0);
    run_until(-1);
    CHECK(said("gpu-0", "NodeNotReady") == 0 && near_s(pod_at(0)->outages->from_ps, 110));
    CHECK(t.failed == 1 && t.ready == 2);
    end();
}

static void before_it_is_found_out_its_pods_fail_on_its_return(void **state) {
    (void)state;
    assert_int_equal(in_child(blink), 0);
}

/* In the middle of an image: nobody waits for that pull any more, and the next one begins anew. */
static void pulling(void) {
    add_pool("gpu", 1, 1, 1);
    add_demand("ns/deployment/chat");
    returns_ps = simtime_from_s(10);
    begin(1, (int64_t[]){1}, false);
    at_s(2, lose_now, 0);
    run_until(-1);
    CHECK(pod_at(0)->phase == POD_READY && t.pulled_images == image_bytes);
    CHECK(near_s(pod_at(0)->pulled_ps, 10 + far_s + image_bytes / registry_link));
    end();
}

static void a_pull_that_was_cut_off_begins_anew(void **state) {
    (void)state;
    assert_int_equal(in_child(pulling), 0);
}

static void drained(void) {
    add_pool("gpu", 2, 3, 1);
    add_demand("ns/deployment/chat");
    t.busy = true;
    begin(1, (int64_t[]){2}, true);
    at_s(100, drain_now, 1);
    run_until(-1);
    CHECK(said("gpu-1", "NodeNotSchedulable") == 1 && t.terminating == 1 && t.killed == 1);
    CHECK(near_s(pod_at(1)->gone_ps, 130)); /* the grace period */
    CHECK(near_s(cluster_node(t.cluster, 1)->deleted_ps, 130));
    CHECK(near_s(pod_at(2)->created_ps, 100) && near_s(pod_at(2)->bound_ps, 200));
    size_t live = 0;
    for (size_t i = 0; i < cluster_node_count(t.cluster); i++) {
        live += cluster_node(t.cluster, i)->deleted_ps < 0;
    }
    CHECK(live == 2); /* the pool's min */
    end();
}

static void a_node_taken_out_of_service_drains_and_is_replaced(void **state) {
    (void)state;
    assert_int_equal(in_child(drained), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_of_a_lost_node_are_evicted_and_made_anew),
        cmocka_unit_test(one_that_tolerates_it_for_ever_stays),
        cmocka_unit_test(a_node_that_comes_back_starts_its_pods_again),
        cmocka_unit_test(before_it_is_found_out_its_pods_fail_on_its_return),
        cmocka_unit_test(a_pull_that_was_cut_off_begins_anew),
        cmocka_unit_test(a_node_taken_out_of_service_drains_and_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
