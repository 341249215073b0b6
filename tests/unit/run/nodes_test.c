/* Nodes that come and go, from the scenario to the rows of its result. */
#include "tests/unit/run/run_fixture.h"

static void put_chat(const char *name, const char *duration, const char *changes) {
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", name), chat_manifest("chat", 1));
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", name),
        chat_scenario("[{preset: quickstart, service: chat, region: eu}]",
                      arena_printf(&scratch.arena,
                                   "    startup: {container_start: 2s, engine_init: 30s, warm_up: 20s}\n"
                                   "  duration: %s\n  changes: %s\n",
                                   duration, changes)));
}

static void a_node_is_removed_when_its_last_pod_has_been_gone_for_ten_minutes(void **state) {
    (void)state;
    put_chat("down", "20m", "[{at: 1m, workload: chat, replicas: 2}, {at: 4m, workload: chat, replicas: 1}]");
    run("down", "out/down");
    const char *nodes = table("out/down", "nodes");
    double gone_s = number(table("out/down", "replicas"), 1, "gone_s");
    assert_int_equal(rows_of(nodes), 2);
    assert_string_equal(cell(nodes, 0, "deleted_s"), "");
    assert_true(gone_s >= 240 && number(nodes, 1, "deleted_s") == gone_s + 600);
    assert_string_equal(cell(nodes, 1, "region"), "eu");
    assert_string_equal(cell(nodes, 1, "purchase"), "on-demand");
}

static void a_node_that_is_about_to_go_keeps_no_run_alive(void **state) {
    (void)state;
    put_chat("brief", "5m", "[{at: 1m, workload: chat, replicas: 3}, {at: 3m, workload: chat, replicas: 1}]");
    struct outcome o = run("brief", "out/brief");
    const char *nodes = table("out/brief", "nodes");
    assert_true(o.simulated_s >= 300 && o.simulated_s < 330);
    assert_int_equal(rows_of(nodes), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(cell(nodes, i, "deleted_s"), "");
    }
}

static void nodes_on_their_way_at_the_end_are_rows_too(void **state) {
    (void)state;
    put_chat("late", "5m", "[{at: 290s, workload: chat, replicas: 2}]");
    run("late", "out/late");
    const char *nodes = table("out/late", "nodes");
    assert_int_equal(rows_of(nodes), 2);
    assert_true(number(nodes, 1, "requested_s") == 290);
    assert_string_equal(cell(nodes, 1, "ready_s"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_removed_when_its_last_pod_has_been_gone_for_ten_minutes),
        cmocka_unit_test(a_node_that_is_about_to_go_keeps_no_run_alive),
        cmocka_unit_test(nodes_on_their_way_at_the_end_are_rows_too),
    };
    return cmocka_run_group_tests_name("run/nodes", tests, open_scratch, close_scratch);
}
