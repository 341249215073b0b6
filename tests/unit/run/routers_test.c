/* Routers at work in whole runs: a service of two workloads, sessions of which one is hot, prompts short and
 * long. */
#include "gateway/router.h"
#include "tests/unit/run/run_fixture.h"

enum { ROWS = 600, LONG_FROM = 1500 };

/* One Service before Deployments `chat` and `canary`. */
static const char *deployment(const char *name, int replicas) {
    return arena_printf(
        &scratch.arena,
        "apiVersion: apps/v1\n"
        "kind: Deployment\n"
        "metadata: {name: %s}\n"
        "spec:\n"
        "  replicas: %d\n"
        "  selector: {matchLabels: {app: chat, track: %s}}\n"
        "  template:\n"
        "    metadata: {labels: {app: chat, track: %s}}\n"
        "    spec:\n"
        "      containers:\n"
        "        - name: vllm\n"
        "          image: vllm/vllm-openai:v0.10.1\n"
        "          args: [--model=meta-llama/Meta-Llama-3-8B-Instruct, --max-model-len=8192]\n"
        "          resources: {limits: {cpu: 4, memory: 32Gi, nvidia.com/gpu: 1}}\n"
        "---\n",
        name, replicas, name, name);
}

static const char *trace_of_sessions(void) {
    struct strbuf text = {0};
    strbuf_printf(&text, "arrival_s,input_tokens,output_tokens,session\n");
    for (int i = 0; i < ROWS; i++) {
        int session = i % 3 == 0 ? 1 : 2 + i * 7 % 31; /* a third of all is session 1 */
        strbuf_printf(&text, "%.3f,%d,%d,%d\n", 0.04 * i + 0.001 * (i % 7), 100 + i * 137 % 2400,
                      20 + i * 13 % 90, session);
    }
    const char *kept = arena_strdup(&scratch.arena, text.text);
    strbuf_free(&text);
    return kept;
}

static void put_fleet(const char *folder, int chat, int canary, const char *policy, const char *more) {
    put(arena_printf(&scratch.arena, "%s/trace.csv", folder), trace_of_sessions());
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", folder),
        arena_printf(&scratch.arena,
                     "%s%s"
                     "apiVersion: v1\n"
                     "kind: Service\n"
                     "metadata: {name: front}\n"
                     "spec: {selector: {app: chat}, ports: [{port: 80}]}\n",
                     deployment("chat", chat), deployment("canary", canary)));
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", folder),
        chat_scenario("[{file: trace.csv, service: front, region: eu}]",
                      arena_printf(&scratch.arena, "  policies: [{service: front, %s}]\n%s", policy, more)));
}

/* The workload that a row of /requests was served by, without its namespace: "deployment/chat". */
static const char *workload_of(const char *requests, const char *replicas, size_t row) {
    size_t replica = (size_t)number(requests, row, "replica");
    return strchr(cell(replicas, replica, "workload"), '/') + 1;
}

static size_t served_by(const char *out, const char *workload) {
    const char *requests = table(out, "requests");
    const char *replicas = table(out, "replicas");
    size_t count = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        count += strcmp(workload_of(requests, replicas, i), workload) == 0;
    }
    return count;
}

static void every_router_answers_all_and_the_same_again(void **state) {
    (void)state;
    for (int r = 0; routers[r]; r++) {
        bool needs_pools = routers[r] == &router_two_pool_by_length;
        const char *policy = arena_printf(&scratch.arena, "router: %s%s", routers[r]->name,
                                          needs_pools ? ", options: {long: canary}" : "");
        put_fleet("any", 2, 2, policy, "  changes: [{at: 5s, workload: chat, replicas: 1}]\n");
        struct outcome o = run("any", "out/once");
        run("any", "out/again");
        assert_int_equal(o.counts.arrived, ROWS);
        assert_int_equal(o.counts.completed, ROWS);
        assert_same_bytes("out/once", "out/again");
    }
}

static void weights_are_shares_of_traffic_however_many_replicas_there_are(void **state) {
    (void)state;
    static const int replicas[][2] = {{1, 1}, {3, 1}, {2, 4}};
    for (int i = 0; i < 3; i++) {
        put_fleet("canary", replicas[i][0], replicas[i][1],
                  "router: weighted, weights: {deployment/chat: 9, deployment/canary: 1}", "");
        run("canary", "out/canary");
        assert_in_range(served_by("out/canary", "deployment/canary"), ROWS / 10 - 2, ROWS / 10 + 2);
    }
}

static void a_workload_of_weight_zero_gets_nothing(void **state) {
    (void)state;
    put_fleet("none", 1, 1, "router: weighted, weights: {chat: 1, canary: 0}", "");
    run("none", "out/none");
    assert_int_equal(served_by("out/none", "deployment/canary"), 0);
}

static void sessions_stay_where_they_are(void **state) {
    (void)state;
    put_fleet("sticky", 3, 2, "router: session-affinity", "");
    run("sticky", "out/sticky");
    const char *requests = table("out/sticky", "requests");
    double home[40];
    bool used[8] = {false};
    memset(home, 0, sizeof home);
    for (size_t i = 0; i < rows_of(requests); i++) {
        size_t row = (size_t)number(requests, i, "id");
        size_t session = row % 3 == 0 ? 1 : 2 + row * 7 % 31;
        double replica = number(requests, i, "replica");
        assert_true(home[session] == 0 || home[session] == replica + 1);
        home[session] = replica + 1;
        used[(int)replica] = true;
    }
    for (int i = 0; i < 5; i++) {
        assert_true(used[i]);
    }
}

static void a_workload_of_another_service_moves_no_session(void **state) {
    (void)state;
    put_fleet("alone", 2, 2, "router: session-affinity, options: {bound: 1.5}", "");
    run("alone", "out/alone");
    put_fleet("beside", 2, 2, "router: session-affinity, options: {bound: 1.5}", "");
    put("beside/manifests/other.yaml", chat_manifest("another", 2));
    run("beside", "out/beside");
    assert_string_equal(without(table("out/alone", "requests"), "replica"),
                        without(table("out/beside", "requests"), "replica"));
}

static void long_prompts_have_their_own_pool(void **state) {
    (void)state;
    put_fleet("pools", 2, 2,
              arena_printf(&scratch.arena,
                           "router: two-pool-by-length, options: {long_from: %d, long: [deployment/canary]}",
                           LONG_FROM),
              "");
    run("pools", "out/pools");
    const char *requests = table("out/pools", "requests");
    const char *replicas = table("out/pools", "replicas");
    size_t count = 0;
    for (size_t i = 0; i < rows_of(requests); i++) {
        bool is_long = number(requests, i, "input_tokens") >= LONG_FROM;
        count += is_long;
        assert_string_equal(workload_of(requests, replicas, i),
                            is_long ? "deployment/canary" : "deployment/chat");
    }
    assert_in_range(count, ROWS / 4, ROWS / 2);
}

static void a_pool_without_replicas_is_stood_in_for(void **state) {
    (void)state;
    put_fleet("gone", 2, 0, "router: two-pool-by-length, options: {long_from: 1500, long: canary}", "");
    struct outcome o = run("gone", "out/gone");
    assert_int_equal(o.counts.completed, ROWS);
    assert_int_equal(served_by("out/gone", "deployment/chat"), ROWS);
}

/* A gateway that has never looked knows as little as one that does not care. */
static void a_gateway_sees_nothing_between_its_looks(void **state) {
    (void)state;
    put_fleet("blind", 2, 2, "router: kv-usage-aware, metrics_refresh: 1h", "");
    put_fleet("careless", 2, 2, "router: kv-usage-aware, options: {queue_weight: 0, kv_weight: 0}", "");
    put_fleet("seeing", 2, 2, "router: kv-usage-aware, metrics_refresh: 10ms", "");
    run("blind", "out/blind");
    run("careless", "out/careless");
    run("seeing", "out/seeing");
    assert_string_equal(table("out/blind", "requests"), table("out/careless", "requests"));
    assert_string_not_equal(table("out/blind", "requests"), table("out/seeing", "requests"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_router_answers_all_and_the_same_again),
        cmocka_unit_test(weights_are_shares_of_traffic_however_many_replicas_there_are),
        cmocka_unit_test(a_workload_of_weight_zero_gets_nothing),
        cmocka_unit_test(sessions_stay_where_they_are),
        cmocka_unit_test(a_workload_of_another_service_moves_no_session),
        cmocka_unit_test(long_prompts_have_their_own_pool),
        cmocka_unit_test(a_pool_without_replicas_is_stood_in_for),
        cmocka_unit_test(a_gateway_sees_nothing_between_its_looks),
    };
    return cmocka_run_group_tests_name("run/routers", tests, open_scratch, close_scratch);
}
