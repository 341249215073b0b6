/* A pod's way to Ready. Dates are sums of constant delays and transfers in closed form: a lone transfer
 * takes latency + bytes / bandwidth, n equal ones over a shared link n times the bytes. */
#include "tests/unit/cluster/cluster_fixture.h"

static const double pull_s = far_s + image_bytes / registry_link;
static const double download_s = far_s + weight_bytes / models_link;
static const double to_device_s = weight_bytes / device_load;
static const double from_disk_s = weight_bytes / disk_read;

/* ---- one pod ---- */

static void life(void) {
    add_pool("gpu", 2, 2, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    const struct pod *p = pod_at(0);
    CHECK(p->phase == POD_READY && strcmp(p->name, "ns/deployment/chat/0") == 0);
    CHECK(p->created_ps == 0 && p->bound_ps == 0);
    CHECK(near_s(p->pulled_ps, pull_s));
    CHECK(near_s(p->started_ps, pull_s + container_s));
    CHECK(near_s(p->loaded_ps, pull_s + container_s + engine_s + download_s));
    CHECK(near_s(p->ready_ps, pull_s + container_s + engine_s + download_s + to_device_s + warm_s));
    CHECK(p->terminating_ps == -1 && p->gone_ps == -1);
    CHECK(said("gpu-0", "NodeReady") == 1 && said(p->name, "Scheduled") == 1 && said(p->name, "Pulled") == 1);
    CHECK(t.ready == 1);
    end();
}

static void a_pod_starts_phase_by_phase(void **state) {
    (void)state;
    assert_int_equal(in_child(life), 0);
}

static void phases(void) {
    static const enum pod_phase expected[] = {POD_PULLING, POD_STARTING, POD_STARTING,
                                              POD_LOADING, POD_WARMING,  POD_READY};
    static const double after_s[] = {1, 5, 7, 20, 40, 60};
    add_pool("gpu", 2, 2, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){1}, false);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        run_until(after_s[i]);
        CHECK(pod_at(0)->phase == expected[i]);
        CHECK((pod_at(0)->started_ps >= 0) == (after_s[i] >= 7)); /* no date from the future */
    }
    end();
}

static void its_phase_is_what_it_does(void **state) {
    (void)state;
    assert_int_equal(in_child(phases), 0);
}

static void no_model(void) {
    add_pool("cpu", 1, 1, 0);
    struct pod_demand *d = add_demand("ns/deployment/web");
    d->gpus = 0;
    d->model_server = false;
    d->weights.bytes = 0;
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    CHECK(near_s(pod_at(0)->ready_ps, pull_s + container_s));
    CHECK(pod_at(0)->loaded_ps == pod_at(0)->started_ps);
    end();
}

static void a_pod_that_serves_no_model_is_ready_when_it_has_started(void **state) {
    (void)state;
    assert_int_equal(in_child(no_model), 0);
}

static void warm(void) {
    add_pool("gpu", 1, 3, 2);
    add_demand("ns/deployment/chat");
    begin(1, (int64_t[]){4}, true);
    CHECK(t.ready == 4 && engine_now(t.engine) == 0);
    CHECK(cluster_node(t.cluster, 1)->ready && cluster_node_count(t.cluster) == 2);
    scale_at(10, 0, 3);
    scale_at(20, 0, 4);
    run_until(-1);
    const struct pod *p = pod_at(4); /* back on a node that has it all */
    CHECK(p->created_ps == 20 * SIMTIME_SECOND && p->pulled_ps == p->created_ps);
    CHECK(near_s(p->ready_ps, 20 + container_s + engine_s + from_disk_s + to_device_s + warm_s));
    end();
}

static void a_warm_start_has_everything_ready_and_cached(void **state) {
    (void)state;
    assert_int_equal(in_child(warm), 0);
}

/* ---- probes ---- */

static simtime ready_with(struct probe startup, struct probe readiness) {
    memset(&t, 0, sizeof t);
    add_pool("gpu", 1, 1, 1);
    struct pod_demand *d = add_demand("ns/deployment/chat");
    d->image_count = 0;
    d->model_server = false; /* works 2 s after it was created, at its container's start */
    d->startup = startup;
    d->readiness = readiness;
    t.startup = (struct startup_config){always(2), always(10), always(20), device_load};
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    simtime at = pod_at(0)->ready_ps - 2 * SIMTIME_SECOND;
    end();
    return at;
}

static struct probe probe(double initial_s, double period_s, int64_t successes) {
    return (struct probe){true, initial_s, period_s, 1, successes, 3};
}

static void probes_of_a_plain_pod(void) {
    const struct probe none = {0};
    CHECK(ready_with(none, none) == 0);
    CHECK(ready_with(none, probe(0, 5, 1)) == 0);
    CHECK(ready_with(none, probe(7, 5, 1)) == 7 * SIMTIME_SECOND);
    CHECK(ready_with(none, probe(7, 5, 3)) == 17 * SIMTIME_SECOND);
    CHECK(ready_with(probe(3, 10, 1), none) == 3 * SIMTIME_SECOND);
    CHECK(ready_with(probe(3, 10, 1), probe(0, 5, 1)) == 3 * SIMTIME_SECOND); /* at once, not at 5 s */
    CHECK(ready_with(probe(3, 10, 1), probe(4, 5, 2)) == 9 * SIMTIME_SECOND);
}

static void it_is_ready_at_a_probe(void **state) {
    (void)state;
    assert_int_equal(in_child(probes_of_a_plain_pod), 0);
}

static void quantised(void) {
    add_pool("gpu", 1, 1, 1);
    struct pod_demand *d = add_demand("ns/deployment/chat");
    d->readiness = probe(1, 5, 1);
    begin(1, (int64_t[]){1}, true);
    scale_at(0, 0, 0);
    scale_at(1, 0, 1);
    run_until(-1);
    const struct pod *p = pod_at(1);
    /* after its container's start it works at 10 + 4 + 0.8 + 20 = 34.8 s: found at 1 + 7 * 5 = 36 s */
    CHECK(p->ready_ps == p->started_ps + 36 * SIMTIME_SECOND);
    end();
}

static void a_probe_finds_a_model_server_late_by_up_to_a_period(void **state) {
    (void)state;
    assert_int_equal(in_child(quantised), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_starts_phase_by_phase),
        cmocka_unit_test(its_phase_is_what_it_does),
        cmocka_unit_test(a_pod_that_serves_no_model_is_ready_when_it_has_started),
        cmocka_unit_test(a_warm_start_has_everything_ready_and_cached),
        cmocka_unit_test(it_is_ready_at_a_probe),
        cmocka_unit_test(a_probe_finds_a_model_server_late_by_up_to_a_period),
    };
    return cmocka_run_group_tests_name("cluster/startup", tests, NULL, NULL);
}
