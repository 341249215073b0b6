/* What must hold between runs, whatever the right figures are: faster is never slower, order and place of
 * files are nothing, what is cut in two is as much as before. */
#include "tests/unit/run/run_fixture.h"

static const char *const chat_traffic = "[{preset: quickstart, service: chat, region: eu}]";

/* ---- more is never worse ---- */

static struct outcome lone_request(const char *out, int payload_bytes, const char *latency,
                                   const char *bandwidth) {
    const char *links =
        arena_printf(&scratch.arena, "    links: [{from: eu, to: eu-a, latency: %s, bandwidth: %s}]\n",
                     latency, bandwidth);
    put("lone/trace.csv",
        arena_printf(&scratch.arena, "arrival_s,input_tokens,output_tokens,payload_bytes\n1.5,1000,50,%d\n",
                     payload_bytes));
    put("lone/manifests/chat.yaml", chat_manifest("chat", 1));
    put("lone/scenario.yaml", chat_scenario("[{file: trace.csv, service: chat, region: eu}]", links));
    struct outcome o = run("lone", out);
    assert_int_equal(o.counts.completed, 1);
    return o;
}

static void a_faster_link_never_slows_a_lone_request(void **state) {
    (void)state;
    static const char *const bandwidths[] = {"1Mbps", "10Mbps", "100Mbps", "1Gbps", "10Gbps"};
    static const char *const latencies[] = {"200ms", "50ms", "5ms", "0s"};
    static const int payloads[] = {4000, 20000000}; /* a message, and a flow in SimGrid */
    for (int p = 0; p < 2; p++) {
        double last_s = 1e9;
        for (int i = 0; i < 5; i++) {
            struct outcome o = lone_request(NULL, payloads[p], "20ms", bandwidths[i]);
            assert_true(o.e2e_s < last_s && o.ttft_s < o.e2e_s);
            last_s = o.e2e_s;
        }
        last_s = 1e9;
        for (int i = 0; i < 4; i++) {
            struct outcome o = lone_request(NULL, payloads[p], latencies[i], "1Gbps");
            assert_true(o.e2e_s < last_s);
            last_s = o.e2e_s;
        }
    }
}

static void the_way_of_a_lone_request_is_latency_and_bytes_over_bandwidth(void **state) {
    (void)state;
    double near_s = lone_request(NULL, 4000, "0s", "10Gbps").ttft_s;
    double far_s = lone_request(NULL, 4000, "100ms", "1Mbps").ttft_s;
    double expected = 2 * 0.1 + 4000 * 8 / 1e6 - 4000 * 8 / 10e9;
    assert_true(far_s - near_s > expected - 1e-9 && far_s - near_s < expected + 1e-9);
}

static void twice_the_replicas_never_queue_longer(void **state) {
    (void)state;
    static const char *const routers[] = {"round-robin",  "random",       "least-outstanding",
                                          "power-of-two", "least-tokens", "kv-usage-aware",
                                          "weighted"};
    for (size_t r = 0; r < sizeof routers / sizeof routers[0]; r++) {
        double last_s = 1e9;
        for (int replicas = 1; replicas <= 8; replicas *= 2) {
            put("more/manifests/chat.yaml", chat_manifest("chat", replicas));
            put("more/scenario.yaml",
                chat_scenario("[{preset: quickstart, service: chat, rate_scale: 6}]",
                              arena_printf(&scratch.arena, "  duration: 5m\n  policies: [{router: %s}]\n",
                                           routers[r])));
            struct outcome o = run("more", NULL);
            assert_true(o.counts.completed == o.counts.arrived && o.counts.arrived > 1000);
            assert_true(o.queue_s < last_s);
            last_s = o.queue_s;
        }
    }
}

/* ---- cutting and joining ---- */

/* Two tenants' requests of one service, into one file or one each. */
static void put_tenants(const char *folder, bool split) {
    struct strbuf files[2] = {{0}, {0}};
    struct strbuf whole = {0};
    static const char header[] = "arrival_s,input_tokens,output_tokens,tenant\n";
    strbuf_printf(&whole, "%s", header);
    for (int t = 0; t < 2; t++) {
        strbuf_printf(&files[t], "%s", header);
    }
    for (int i = 0; i < 400; i++) {
        int tenant = i % 3 == 0;
        const char *row = arena_printf(&scratch.arena, "%.3f,%d,%d,%s\n", 0.05 * i + 0.001 * (i % 7),
                                       200 + i * 37 % 900, 10 + i * 13 % 90, tenant ? "gold" : "free");
        strbuf_printf(&whole, "%s", row);
        strbuf_printf(&files[tenant], "%s", row);
    }
    put(arena_printf(&scratch.arena, "%s/whole.csv", folder), whole.text);
    put(arena_printf(&scratch.arena, "%s/free.csv", folder), files[0].text);
    put(arena_printf(&scratch.arena, "%s/gold.csv", folder), files[1].text);
    put(arena_printf(&scratch.arena, "%s/manifests/chat.yaml", folder), chat_manifest("chat", 2));
    put(arena_printf(&scratch.arena, "%s/scenario.yaml", folder),
        chat_scenario(split ? "[{file: free.csv, service: chat}, {file: gold.csv, service: chat}]"
                            : "[{file: whole.csv, service: chat}]",
                      ""));
    strbuf_free(&whole);
    strbuf_free(&files[0]);
    strbuf_free(&files[1]);
}

static void a_trace_split_by_tenant_is_the_same_traffic(void **state) {
    (void)state;
    put_tenants("whole", false);
    put_tenants("split", true);
    struct outcome a = run("whole", "out/whole");
    struct outcome b = run("split", "out/split");
    assert_int_equal(a.counts.arrived, 400);
    assert_int_equal(a.tenant_count, 2);
    assert_memory_equal(&a.counts, &b.counts, sizeof a.counts);
    assert_int_equal(a.tenants[0].arrived + a.tenants[1].arrived, 400);
    assert_memory_equal(a.tenants, b.tenants, sizeof a.tenants);
    /* round robin: not only as many, but the same, but for the numbers they bear */
    assert_string_equal(without(table("out/whole", "requests"), "id"),
                        without(table("out/split", "requests"), "id"));
}

static void a_workload_without_traffic_changes_no_request(void **state) {
    (void)state;
    put("one/manifests/chat.yaml", chat_manifest("chat", 2));
    put("one/scenario.yaml", chat_scenario(chat_traffic, "  duration: 2m\n"));
    run("one", "out/one");
    const char *alone = table("out/one", "requests");
    assert_true(rows_of(alone) > 100);
    put("two/manifests/chat.yaml", chat_manifest("chat", 2));
    put("two/manifests/more.yaml", chat_manifest("zoo", 3));
    put("two/scenario.yaml", chat_scenario(chat_traffic, "  duration: 2m\n"));
    run("two", "out/two");
    assert_string_equal(alone, table("out/two", "requests"));
    /* one that comes first by name takes the first rows of /replicas, and nothing else changes */
    put("two/manifests/more.yaml", chat_manifest("aardvark", 3));
    run("two", "out/three");
    assert_string_equal(without(alone, "replica"), without(table("out/three", "requests"), "replica"));
}

/* ---- order and place of files ---- */

static void the_order_of_files_and_documents_changes_no_byte(void **state) {
    (void)state;
    const char *chat = chat_manifest("chat", 2);
    const char *batch = chat_manifest("batch", 1);
    const char *code = chat_manifest("code", 1);
    const char *traffic = "[{preset: quickstart, service: chat, region: eu}, "
                          "{preset: quickstart, service: code, rate_scale: 0.5}]";
    put("order/scenario.yaml", chat_scenario(traffic, "  duration: 2m\n  start: cold\n"));
    put("order/manifests/1.yaml", chat);
    put("order/manifests/2.yaml", batch);
    put("order/manifests/3.yaml", code);
    run("order", "out/order1");
    put("order/manifests/1.yaml", code);
    put("order/manifests/3.yaml", chat);
    run("order", "out/order2");
    assert_same_bytes("out/order1", "out/order2");
    put("order/manifests/1.yaml", arena_printf(&scratch.arena, "%s---\n%s---\n%s", batch, chat, code));
    unlink(at("order/manifests/2.yaml"));
    unlink(at("order/manifests/3.yaml"));
    run("order", "out/order3");
    assert_same_bytes("out/order1", "out/order3");
}

static void a_scenario_copied_elsewhere_gives_the_same_bytes(void **state) {
    (void)state;
    put_tenants("here", true);
    put_tenants("some/where/else", true);
    run("here", "out/here");
    assert_int_equal(chdir("/"), 0);
    run("some/where/else", "out/there");
    assert_same_bytes("out/here", "out/there");
}

/* ---- windows ---- */

static void no_traffic_ends_at_the_duration_with_nothing(void **state) {
    (void)state;
    put("empty/trace.csv", "arrival_s,input_tokens,output_tokens\n100,10,10\n101,10,10\n");
    put("empty/manifests/chat.yaml", chat_manifest("chat", 1));
    put("empty/scenario.yaml", chat_scenario("[{file: trace.csv, service: chat}]", "  duration: 90s\n"));
    struct outcome o = run("empty", "out/empty");
    assert_int_equal(o.counts.arrived, 0);
    assert_int_equal(o.latency_n, 0);
    assert_true(o.simulated_s == 90);
    assert_int_equal(rows_of(table("out/empty", "requests")), 0);
    assert_int_equal(rows_of(table("out/empty", "replicas")), 1);
}

static void the_warm_up_counts_in_requests_and_not_in_latency(void **state) {
    (void)state;
    put("warm/manifests/chat.yaml", chat_manifest("chat", 1));
    put("warm/scenario.yaml", chat_scenario(chat_traffic, "  duration: 4m\n"));
    struct outcome all = run("warm", "out/all");
    put("warm/scenario.yaml", chat_scenario(chat_traffic, "  duration: 4m\n  warmup: 2m\n"));
    struct outcome later = run("warm", "out/later");
    assert_memory_equal(&all.counts, &later.counts, sizeof all.counts);
    assert_int_equal(all.latency_n, all.counts.completed);
    assert_true(later.latency_n > 100 && later.latency_n < all.latency_n - 100);
    assert_string_equal(without(without(table("out/all", "requests"), "counted"), "good"),
                        without(without(table("out/later", "requests"), "counted"), "good"));
}

static const char *const overload = "[{synth: {process: poisson, rate_per_s: 2, duration_s: 300}}]";

static void the_drain_ends_the_run_and_what_is_left_is_unfinished(void **state) {
    (void)state;
    static const char *const drains[] = {"0s", "10s", "100s", "1h"};
    uint64_t last = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        put("drain.yaml",
            station_scenario("server: 1s", overload,
                             arena_printf(&scratch.arena, "  duration: 300s\n  drain: %s\n", drains[i])));
        struct outcome o = run("drain.yaml", NULL);
        static const double ends_s[] = {300, 310, 400};
        assert_true(i == 3 || o.simulated_s == ends_s[i]);
        assert_true(o.counts.unfinished < last);
        assert_int_equal(o.counts.arrived, o.counts.completed + o.counts.unfinished);
        last = o.counts.unfinished;
    }
    assert_int_equal(last, 0);
}

static void every_end_of_a_request_is_counted_once(void **state) {
    (void)state;
    static const char *const policies[] = {
        "  policies: [{timeout: 8s}]\n",
        "  policies: [{queue_limit: 5}]\n",
        "  policies: [{queue_limit: 12, timeout: 5s}]\n  drain: 1s\n  duration: 300s\n",
    };
    struct request_counts c[3];
    for (int i = 0; i < 3; i++) {
        put("ends.yaml", station_scenario("server: {law: exponential, mean: 1s}", overload, policies[i]));
        c[i] = run("ends.yaml", NULL).counts;
        assert_true(c[i].completed > 200);
    }
    assert_true(c[0].timed_out > 100 && c[0].rejected == 0 && c[0].unfinished == 0);
    assert_true(c[1].rejected > 100 && c[1].timed_out == 0);
    assert_true(c[2].rejected > 0 && c[2].timed_out > 0 && c[2].unfinished > 0);
    assert_int_equal(c[0].arrived, c[1].arrived); /* the same traffic, whatever becomes of it */
}

static void a_station_of_its_own_limit_rejects_too(void **state) {
    (void)state;
    put("full.yaml", station_scenario("server: 1s, concurrency: 1, queue_limit: 0", overload, ""));
    struct outcome o = run("full.yaml", NULL);
    assert_true(o.counts.rejected > 100 && o.queue_s == 0);
    assert_int_equal(o.counts.arrived, o.counts.completed + o.counts.rejected);
    assert_non_null(strstr(o.warnings, "server queue full"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_faster_link_never_slows_a_lone_request),
        cmocka_unit_test(the_way_of_a_lone_request_is_latency_and_bytes_over_bandwidth),
        cmocka_unit_test(twice_the_replicas_never_queue_longer),
        cmocka_unit_test(a_trace_split_by_tenant_is_the_same_traffic),
        cmocka_unit_test(a_workload_without_traffic_changes_no_request),
        cmocka_unit_test(the_order_of_files_and_documents_changes_no_byte),
        cmocka_unit_test(a_scenario_copied_elsewhere_gives_the_same_bytes),
        cmocka_unit_test(no_traffic_ends_at_the_duration_with_nothing),
        cmocka_unit_test(the_warm_up_counts_in_requests_and_not_in_latency),
        cmocka_unit_test(the_drain_ends_the_run_and_what_is_left_is_unfinished),
        cmocka_unit_test(every_end_of_a_request_is_counted_once),
        cmocka_unit_test(a_station_of_its_own_limit_rejects_too),
    };
    return cmocka_run_group_tests_name("run/metamorphic", tests, open_scratch, close_scratch);
}
