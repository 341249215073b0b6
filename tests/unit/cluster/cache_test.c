/* Images and weights on a node's disk. Dates are sums of constant delays and transfers in closed form: a lone
 * transfer takes latency + bytes / bandwidth, n equal ones over a shared link n times the bytes. */
#include "tests/unit/cluster/cluster_fixture.h"

static const double pull_s = far_s + image_bytes / registry_link;
static const double download_s = far_s + weight_bytes / models_link;
static const double from_disk_s = weight_bytes / disk_read;

static void second_pod(void) {
    add_pool("gpu", 1, 1, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    scale_at(1000, 0, 2);
    run_until(-1);
    const struct pod *p = pod_at(1);
    CHECK(p->pulled_ps == p->bound_ps && p->bound_ps == 1000 * SIMTIME_SECOND);
    CHECK(near_s(p->loaded_ps, 1000 + container_s + engine_s + from_disk_s));
    CHECK(engine_counters(t.engine).transfers == 2); /* the image and the weights, once each */
    CHECK(t.pulled_images == image_bytes && t.pulled_weights == weight_bytes);
    end();
}

static void the_second_pod_of_a_node_finds_image_and_weights_there(void **state) {
    (void)state;
    assert_int_equal(in_child(second_pod), 0);
}

static void together(void) {
    add_pool("gpu", 1, 1, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){2}, false);
    run_until(-1);
    for (size_t i = 0; i < 2; i++) {
        CHECK(near_s(pod_at(i)->pulled_ps, pull_s));
        CHECK(near_s(pod_at(i)->loaded_ps, pull_s + container_s + engine_s + download_s));
    }
    CHECK(engine_counters(t.engine).transfers == 2);
    end();
}

static void two_pods_of_a_node_wait_for_one_pull(void **state) {
    (void)state;
    assert_int_equal(in_child(together), 0);
}

static void abandoned(void) {
    add_pool("gpu", 1, 1, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){2}, false);
    scale_at(2, 0, 1); /* in the middle of the pull that both wait for */
    scale_at(3, 0, 0);
    scale_at(5, 0, 1); /* the pull went on for nobody: the image is there */
    run_until(-1);
    CHECK(cluster_pod_count(t.cluster) == 3);
    CHECK(pod_at(1)->gone_ps == 2 * SIMTIME_SECOND && pod_at(0)->gone_ps == 3 * SIMTIME_SECOND);
    CHECK(pod_at(2)->pulled_ps == 5 * SIMTIME_SECOND && pod_at(2)->phase == POD_READY);
    CHECK(t.pulled_images == image_bytes); /* once, whoever waited for it */
    end();
}

static void a_pod_may_go_while_it_waits_for_a_pull(void **state) {
    (void)state;
    assert_int_equal(in_child(abandoned), 0);
}

static void storm_of(int64_t pods) {
    memset(&t, 0, sizeof t);
    add_pool("gpu", pods, pods, 1);
    add_demand("ns/deployment/chat");
    begin(1, &pods, false);
    run_until(-1);
    double pulled_s = far_s + (double)pods * image_bytes / registry_link;
    double loaded_s = pulled_s + container_s + engine_s + far_s + (double)pods * weight_bytes / models_link;
    for (int64_t i = 0; i < pods; i++) {
        CHECK(near_s(pod_at((size_t)i)->pulled_ps, pulled_s));
        CHECK(near_s(pod_at((size_t)i)->loaded_ps, loaded_s));
    }
    end();
}

static void storm(void) {
    storm_of(12);
}

static void a_cold_start_storm_slows_itself(void **state) {
    (void)state;
    assert_int_equal(in_child(storm), 0);
}

static void serial(void) {
    static const struct artefact other = {"registry/other:1", 2e9};
    static const struct artefact pair[] = {{"registry/a:1", 1e9}, {"registry/b:1", 1e9}};
    add_pool("gpu", 1, 1, 4);
    add_demand("ns/deployment/chat"); /* 4e9 */
    add_demand("ns/deployment/other")->images = &other;
    struct pod_demand *d = add_demand("ns/deployment/pair");
    d->images = pair;
    d->image_count = 2;
    begin(1, (int64_t[]){1, 1, 1}, false);
    run_until(-1);
    CHECK(near_s(pod_at(0)->pulled_ps, far_s + 4));
    CHECK(near_s(pod_at(1)->pulled_ps, 2 * far_s + 6));
    CHECK(near_s(pod_at(2)->pulled_ps, 4 * far_s + 8));
    end();
}

static void a_node_pulls_one_image_at_a_time(void **state) {
    (void)state;
    assert_int_equal(in_child(serial), 0);
}

static void full_disk(void) {
    static const struct artefact images[] = {
        {"registry/a:1", 4e9}, {"registry/b:1", 4e9}, {"registry/c:1", 4e9}};
    struct pool_config *pool = add_pool("gpu", 1, 1, 1);
    pool->disk_bytes = 9e9; /* two of the three */
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"ns/deployment/a", "ns/deployment/b", "ns/deployment/c"};
        struct pod_demand *d = add_demand(names[i]);
        d->images = &images[i];
        d->weights.bytes = 0;
    }
    begin(1, (int64_t[]){1, 0, 0}, false);
    static const struct {
        double at_s;
        uint32_t demand;
        bool cached;
    } visits[] = {{100, 1, false}, {200, 0, true}, {300, 2, false}, {400, 0, true}, {500, 1, false}};
    uint32_t there = 0;
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++) {
        scale_at(visits[i].at_s, there, 0);
        scale_at(visits[i].at_s, visits[i].demand, 1);
        there = visits[i].demand;
    }
    run_until(-1);
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++) {
        const struct pod *p = pod_at(i + 1);
        CHECK(p->demand == visits[i].demand && p->phase >= POD_READY);
        CHECK((p->pulled_ps == p->bound_ps) == visits[i].cached); /* c pushed b out, used longer ago than a */
    }
    CHECK(said("gpu-0", "DiskPressure") == 0);
    end();
}

static void a_full_disk_loses_what_was_used_longest_ago(void **state) {
    (void)state;
    assert_int_equal(in_child(full_disk), 0);
}

static void too_small_a_disk(void) {
    struct pool_config *pool = add_pool("gpu", 1, 1, 1);
    pool->disk_bytes = 5e9;
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    CHECK(said("gpu-0", "DiskPressure") == 1 && pod_at(0)->phase == POD_READY);
    end();
}

static void a_disk_too_small_is_said_and_served_all_the_same(void **state) {
    (void)state;
    assert_int_equal(in_child(too_small_a_disk), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_pod_of_a_node_finds_image_and_weights_there),
        cmocka_unit_test(two_pods_of_a_node_wait_for_one_pull),
        cmocka_unit_test(a_pod_may_go_while_it_waits_for_a_pull),
        cmocka_unit_test(a_cold_start_storm_slows_itself),
        cmocka_unit_test(a_node_pulls_one_image_at_a_time),
        cmocka_unit_test(a_full_disk_loses_what_was_used_longest_ago),
        cmocka_unit_test(a_disk_too_small_is_said_and_served_all_the_same),
    };
    return cmocka_run_group_tests_name("cluster/cache", tests, NULL, NULL);
}
