/* Nodes and pods over time. Dates are sums of constant delays and transfers in closed form: a lone transfer
 * takes latency + bytes / bandwidth, n equal ones over a shared link n times the bytes. */
#include "tests/unit/cluster/cluster_fixture.h"

#include <sys/mman.h>

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
    CHECK(cluster_node(t.cluster, 1)->ready && !cluster_node(t.cluster, 2)->exists);
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

/* ---- caches ---- */

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

/* ---- nodes ---- */

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
    CHECK(cluster_node(t.cluster, 2)->requested_ps == -1);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_starts_phase_by_phase),
        cmocka_unit_test(its_phase_is_what_it_does),
        cmocka_unit_test(a_pod_that_serves_no_model_is_ready_when_it_has_started),
        cmocka_unit_test(a_warm_start_has_everything_ready_and_cached),
        cmocka_unit_test(it_is_ready_at_a_probe),
        cmocka_unit_test(a_probe_finds_a_model_server_late_by_up_to_a_period),
        cmocka_unit_test(the_second_pod_of_a_node_finds_image_and_weights_there),
        cmocka_unit_test(two_pods_of_a_node_wait_for_one_pull),
        cmocka_unit_test(a_pod_may_go_while_it_waits_for_a_pull),
        cmocka_unit_test(a_cold_start_storm_slows_itself),
        cmocka_unit_test(a_node_pulls_one_image_at_a_time),
        cmocka_unit_test(a_full_disk_loses_what_was_used_longest_ago),
        cmocka_unit_test(a_disk_too_small_is_said_and_served_all_the_same),
        cmocka_unit_test(a_need_asks_for_one_node_once),
        cmocka_unit_test(a_pod_that_waits_for_a_node_takes_room_that_becomes_free),
        cmocka_unit_test(a_pod_without_room_says_why_once_and_is_placed_when_room_comes),
        cmocka_unit_test(pods_go_in_the_order_of_the_replica_set_controller),
        cmocka_unit_test(a_pod_drains_and_is_killed_when_its_grace_is_over),
        cmocka_unit_test(scaling_up_uses_free_ordinals_again),
        cmocka_unit_test(thousands_of_pods_without_room_are_no_burden),
        cmocka_unit_test(an_ordered_stateful_set_starts_one_pod_after_the_other),
        cmocka_unit_test(an_ordered_stateful_set_gives_up_one_pod_after_the_other),
        cmocka_unit_test(a_parallel_stateful_set_gives_up_its_highest_ordinals_at_once),
        cmocka_unit_test(a_bare_pod_needs_no_node_and_is_ready_at_once),
        cmocka_unit_test(a_seed_fixes_every_date_and_another_workload_changes_no_draw),
    };
    return cmocka_run_group_tests_name("cluster/cluster", tests, NULL, NULL);
}
