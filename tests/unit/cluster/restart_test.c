/* Containers that end, hang or never answer, and the kubelet that starts them again. */
#include "tests/unit/cluster/cluster_fixture.h"

/* From the container's start: weights are in the page cache. */
static const double restart_s = container_s + engine_s + weight_bytes / device_load + warm_s;

static void crash_now(void *context, uint64_t pod) {
    (void)context;
    cluster_crash(t.cluster, cluster_pod(t.cluster, pod), "Error");
}

static void hang_now(void *context, uint64_t pod) {
    (void)context;
    CHECK(cluster_hang(t.cluster, cluster_pod(t.cluster, pod)));
    CHECK(!cluster_hang(t.cluster, cluster_pod(t.cluster, pod)));
}

static void at_s(double s, event_handler what, uint64_t pod) {
    engine_at(t.engine, simtime_from_s(s), EVENT_LIFECYCLE, what, NULL, pod);
}

static struct pod_demand *one_warm_pod(void) {
    add_pool("gpu", 1, 1, 1);
    return add_demand("ns/deployment/chat");
}

static void first_crash(void) {
    one_warm_pod();
    begin(1, (int64_t[]){1}, true);
    at_s(100, crash_now, 0);
    run_until(-1);
    const struct pod *p = pod_at(0);
    CHECK(t.failed == 1 && t.ready == 2 && p->restarts == 1 && p->phase == POD_READY);
    CHECK(p->ready_ps == 0 && p->started_ps == 0); /* dates of the first container */
    CHECK(near_s(p->ready_changed_ps, 100 + restart_s));
    CHECK(p->outages && !p->outages->before && near_s(p->outages->from_ps, 100) &&
          near_s(p->outages->to_ps, 100 + restart_s));
    CHECK(said(p->name, "BackOff") == 0 && t.pulled_images == 0 && t.pulled_weights == 0);
    end();
}

static void a_container_that_ends_is_started_again_at_once(void **state) {
    (void)state;
    assert_int_equal(in_child(first_crash), 0);
}

/* Each time as soon as it is Ready again: waits of 0, 10, 20, 40, 80, 160, 300, 300 s. */
static void loop(void) {
    static const double waits[] = {0, 10, 20, 40, 80, 160, 300, 300};
    one_warm_pod();
    begin(1, (int64_t[]){1}, true);
    double now = 50;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        at_s(now, crash_now, 0);
        now += waits[i] + restart_s + 1;
    }
    run_until(-1);
    const struct pod *p = pod_at(0);
    CHECK(p->restarts == 8 && said(p->name, "BackOff") == 7);
    CHECK(near_s(p->ready_changed_ps, now - 1));
    CHECK(strcmp(last_said(p->name, "BackOff")->message, "back-off 300s restarting failed container") == 0);
    end();
}

static void back_off_doubles_up_to_five_minutes(void **state) {
    (void)state;
    assert_int_equal(in_child(loop), 0);
}

static void long_run(void) {
    one_warm_pod();
    begin(1, (int64_t[]){1}, true);
    at_s(50, crash_now, 0);
    at_s(649, crash_now, 0);  /* within 10 minutes of the first: waits 10 s */
    at_s(1260, crash_now, 0); /* more than that after the second's end of back-off */
    run_until(-1);
    CHECK(pod_at(0)->restarts == 3 && said(pod_at(0)->name, "BackOff") == 1);
    CHECK(near_s(pod_at(0)->ready_changed_ps, 1260 + restart_s));
    end();
}

static void ten_minutes_of_running_forgive(void **state) {
    (void)state;
    assert_int_equal(in_child(long_run), 0);
}

static void while_starting(void) {
    one_warm_pod();
    begin(1, (int64_t[]){1}, false);
    at_s(1, crash_now, 0); /* pulling: there is no container */
    at_s(10, crash_now, 0);
    run_until(-1);
    const struct pod *p = pod_at(0);
    CHECK(p->restarts == 1 && !p->outages && p->phase == POD_READY && t.ready == 1);
    CHECK(p->started_ps < simtime_from_s(10));
    end();
}

static void one_that_was_never_ready_has_no_outage(void **state) {
    (void)state;
    assert_int_equal(in_child(while_starting), 0);
}

static void while_stopping(void) {
    one_warm_pod();
    t.busy = true;
    begin(1, (int64_t[]){1}, true);
    scale_at(10, 0, 0);
    at_s(15, crash_now, 0);
    run_until(-1);
    CHECK(pod_at(0)->phase == POD_GONE && near_s(pod_at(0)->gone_ps, 15));
    CHECK(t.killed == 1 && pod_at(0)->restarts == 0 && said(pod_at(0)->name, "Killed") == 0);
    end();
}

static void one_that_was_told_to_stop_is_gone_with_its_container(void **state) {
    (void)state;
    assert_int_equal(in_child(while_stopping), 0);
}

static void deleted_in_back_off(void) {
    one_warm_pod();
    begin(1, (int64_t[]){1}, true);
    at_s(10, crash_now, 0);
    scale_at(12, 0, 0);
    run_until(-1);
    CHECK(pod_at(0)->phase == POD_GONE && near_s(pod_at(0)->gone_ps, 12) && t.terminating == 0);
    end();
}

static void one_that_is_down_goes_at_once(void **state) {
    (void)state;
    assert_int_equal(in_child(deleted_in_back_off), 0);
}

/* ---- probes ---- */

static const struct probe every_10_s = {
    .present = true, .period_s = 10, .timeout_s = 1, .success_threshold = 1, .failure_threshold = 3};

/* Probes at 110, 120 and 130 s fail, each after its second; then the grace period of 30 s passes. */
static void hang(void) {
    struct pod_demand *d = one_warm_pod();
    d->readiness = d->liveness = every_10_s;
    d->liveness.failure_threshold = 2;
    d->liveness.initial_delay_s = 60; /* else it would kill one that starts, too */
    begin(1, (int64_t[]){1}, true);
    at_s(105, hang_now, 0);
    run_until(-1);
    const struct pod *p = pod_at(0);
    CHECK(t.hung == 1 && t.unready == 1 && t.failed == 1 && t.ready == 2 && p->restarts == 1);
    CHECK(near_s(p->outages->from_ps, 131));
    CHECK(near_s(last_said(p->name, "Killing")->at, 121) && said(p->name, "Unhealthy") == 2);
    CHECK(near_s(last_said(p->name, "Started")->at, 121 + 30));
    CHECK(p->outages->to_ps == p->ready_changed_ps && p->phase == POD_READY);
    end();
}

static void one_that_hangs_is_found_out_and_killed(void **state) {
    (void)state;
    assert_int_equal(in_child(hang), 0);
}

static void no_probe(void) {
    one_warm_pod();
    begin(1, (int64_t[]){1}, true);
    at_s(105, hang_now, 0);
    run_until(-1);
    CHECK(t.hung == 1 && t.unready == 0 && t.failed == 0 && pod_at(0)->phase == POD_READY);
    end();
}

static void without_probes_nobody_finds_out(void **state) {
    (void)state;
    assert_int_equal(in_child(no_probe), 0);
}

/* The engine needs 10 s and the weights and the warm-up more; probes at 0, 5 and 10 s. */
static void slow_start(void) {
    struct pod_demand *d = one_warm_pod();
    d->startup = (struct probe){
        .present = true, .period_s = 5, .timeout_s = 1, .success_threshold = 1, .failure_threshold = 3};
    begin(1, (int64_t[]){1}, false);
    run_until(400);
    const struct pod *p = pod_at(0);
    CHECK(p->ready_ps == -1 && t.ready == 0);
    CHECK(p->restarts >= 3 && said(p->name, "BackOff") >= 2);
    CHECK(t.pulled_weights <= weight_bytes); /* the download goes on without it */
    end();
}

static void a_startup_probe_that_fails_crash_loops(void **state) {
    (void)state;
    assert_int_equal(in_child(slow_start), 0);
}

static void just_in_time(void) {
    struct pod_demand *d = one_warm_pod();
    d->startup = every_10_s;
    d->startup.failure_threshold = 30;
    d->liveness = every_10_s; /* waits for the startup probe */
    begin(1, (int64_t[]){1}, false);
    run_until(-1);
    CHECK(pod_at(0)->restarts == 0 && t.ready == 1 && said(NULL, "Unhealthy") == 0);
    end();
}

static void one_that_is_patient_enough_does_not(void **state) {
    (void)state;
    assert_int_equal(in_child(just_in_time), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_that_ends_is_started_again_at_once),
        cmocka_unit_test(back_off_doubles_up_to_five_minutes),
        cmocka_unit_test(ten_minutes_of_running_forgive),
        cmocka_unit_test(one_that_was_never_ready_has_no_outage),
        cmocka_unit_test(one_that_was_told_to_stop_is_gone_with_its_container),
        cmocka_unit_test(one_that_is_down_goes_at_once),
        cmocka_unit_test(one_that_hangs_is_found_out_and_killed),
        cmocka_unit_test(without_probes_nobody_finds_out),
        cmocka_unit_test(a_startup_probe_that_fails_crash_loops),
        cmocka_unit_test(one_that_is_patient_enough_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
