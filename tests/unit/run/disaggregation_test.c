/* Prefill at one replica, decode at another: what one request alone takes, to the picosecond, and what is
 * left of many when something happens on the way. Each run is a process of its own (run_fixture.h). */
#include "run_fixture.h"

#include <math.h>

#include "serving/service_time.h"
#include "tests/unit/serving/service_time_fixture.h"

static const char pool[] =
    "  cluster:\n"
    "    regions: [{name: eu}]\n"
    "    zones: [{name: a, region: eu}]\n"
    "    pools: [{name: p, zone: a, instance_type: h100-1g, gpu: H100, gpus: 1, cpu: 26, "
    "memory: 234Gi, min: 8, max: 8, network: 100Gbps}]\n";

#define NODE "instance_type: h100-1g, gpu: H100, gpus: 1, cpu: 26, memory: 234Gi, min: 1, max: 1"

/* On nodes of the pool whose label `at` is its name, when there is one. */
static bool each_in_its_pool;

static void put_workload(struct strbuf *out, const char *name, int replicas, const char *arguments) {
    strbuf_printf(out,
                  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec:\n  replicas: %d\n"
                  "  selector: {matchLabels: {app: chat, part: %s}}\n  template:\n"
                  "    metadata: {labels: {app: chat, part: %s}}\n    spec:\n      "
                  "terminationGracePeriodSeconds: 1\n%s%s%s"
                  "      containers:\n        - name: server\n          %s\n"
                  "          resources: {limits: {cpu: \"8\", memory: 48Gi, nvidia.com/gpu: \"1\"}}\n---\n",
                  name, replicas, name, name, each_in_its_pool ? "      nodeSelector: {at: " : "",
                  each_in_its_pool ? name : "", each_in_its_pool ? "}\n" : "", arguments);
}

static void put_manifests(const char *prefill, const char *decode) {
    struct strbuf out = {0};
    put_workload(&out, "early", 1, prefill);
    put_workload(&out, "late", 1, decode);
    strbuf_append(&out,
                  "apiVersion: v1\nkind: Service\nmetadata: {name: chat}\nspec: {selector: {app: chat}, "
                  "ports: [{port: 80}]}\n");
    put("manifests.yaml", out.text);
    strbuf_free(&out);
}

#define MODEL "meta-llama/Meta-Llama-3-8B-Instruct"
#define VLLM(role)                                                                                           \
    "image: vllm/vllm-openai:v0.10.1\n          args: [--model=" MODEL                                       \
    ", --max-model-len=8192, '--kv-transfer-config={\"kv_connector\": "                                      \
    "\"NixlConnector\", \"kv_role\": \"" role "\"}']"
#define SGLANG(mode)                                                                                         \
    "image: lmsysorg/sglang:v0.5.3\n          command: [python3, -m, sglang.launch_server, "                 \
    "--model-path=" MODEL ", --context-length=8192, --disaggregation-mode=" mode "]"

static void put_scenario(const char *more) {
    struct strbuf out = {0};
    strbuf_printf(&out,
                  "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: apart}\nspec:\n"
                  "  manifests: manifests.yaml\n%s%s",
                  pool, more);
    put("scenario.yaml", out.text);
    strbuf_free(&out);
}

static struct outcome got; /* of the last run */

static void play(void) {
    got = run("scenario.yaml", NULL);
}

/* ---- alone ---- */

static simtime step(const struct service_time *times, int64_t context, int64_t tokens) {
    return service_time_step(
        times, &(struct step_shape){.prefill_tokens = tokens,
                                    .prefill_pairs = tokens * context + tokens * (tokens + 1) / 2,
                                    .prefill_context = context + tokens,
                                    .sampled = 1});
}

static simtime bytes_ps(double bytes) {
    double host_latency_s = 2 * PLATFORM_HOST_LATENCY_S, card = 100e9 / 8;
    return simtime_from_s(host_latency_s + bytes / card);
}

static const char one[] = "  traces: [{file: one.csv, service: chat}]\n";

static void one_request_alone_takes_what_its_stages_take(void **state) {
    (void)state;
    struct arena arena = {0};
    put_manifests(VLLM("kv_producer"), VLLM("kv_consumer"));
    put_scenario(one);
    put("one.csv", "arrival_s,input_tokens,output_tokens\n1,1000,2\n");
    play();
    struct replica_config config = replica_of(MODEL, "H100", 1);
    struct service_time *times = compiled(&config, &arena);
    double bytes = 63.0 * 16 * config.kv_bytes_per_token; /* 1,000 tokens in blocks of 16 */
    simtime api = simtime_from_s(config.api_overhead_s);
    simtime ttft = step(times, 0, 1000) + api + bytes_ps(bytes) + step(times, 999, 1) + api;
    assert_float_equal(got.ttft_s, simtime_to_s(ttft), 1e-12);
    assert_int_equal(got.counts.completed, 1);
    arena_free(&arena);
}

/* Nobody computes the last token again, and no API server is between the two. */
static void sglangs_first_token_is_that_of_prefill(void **state) {
    (void)state;
    put_manifests(SGLANG("prefill"), SGLANG("decode"));
    put_scenario(one);
    put("one.csv", "arrival_s,input_tokens,output_tokens\n1,1000,2\n");
    play();
    struct arena arena = {0};
    struct replica_config config = replica_of(MODEL, "H100", 1);
    struct service_time *times = compiled(&config, &arena);
    double bytes = 1000 * config.kv_bytes_per_token;
    simtime ttft = step(times, 0, 1000) + bytes_ps(bytes) + simtime_from_s(config.api_overhead_s);
    assert_float_equal(got.ttft_s, simtime_to_s(ttft), 1e-12);
    arena_free(&arena);
}

/* ---- many, and something happens ---- */

static const char busy[] =
    "  duration: 60s\n  drain: 30s\n"
    "  traces: [{service: chat, synth: {rate_per_s: 20, input_tokens: 1000, output_tokens: 400}}]\n";

static void run_busy(const char *more) {
    struct strbuf text = {0};
    strbuf_printf(&text, "%s%s", busy, more);
    put_scenario(text.text);
    strbuf_free(&text);
    play();
    assert_true(got.counts.arrived > 1000);
}

static void a_prefill_replica_takes_the_kv_it_holds_with_it(void **state) {
    (void)state;
    put_manifests(VLLM("kv_producer"), VLLM("kv_consumer"));
    run_busy("  changes: [{at: 20s, workload: early, replicas: 0}, {at: 25s, workload: early, replicas: 1}]\n"
             "  policies: [{timeout: 200s}]\n");
    const struct request_counts *c = &got.counts;
    assert_int_equal(c->unfinished + c->failed + c->completed, c->arrived);
    assert_true(c->completed > 100);
}

static void a_decode_replica_that_is_lost_fails_its_requests(void **state) {
    (void)state;
    put_manifests(VLLM("kv_producer"), VLLM("kv_consumer"));
    run_busy("  changes: [{at: 20s, workload: late, replicas: 0}]\n");
    assert_true(got.counts.failed > 0);
    assert_true(got.counts.unfinished > 0); /* no replica to decode at came again */
}

/* Its KV is gone with the process, and it goes on under the same name. */
static void an_engine_that_crashes_is_started_anew_without_kv(void **state) {
    (void)state;
    put_manifests(VLLM("kv_producer"), VLLM("kv_consumer"));
    run_busy("  faults: [{kind: crash, workload: early, at: 10s}, {kind: crash, workload: late, at: 11s}]\n"
             "  policies: [{timeout: 20s}]\n");
    assert_true(got.counts.failed > 0);
    assert_true(got.counts.completed > 100);
}

static void failed_ones_may_be_tried_again(void **state) {
    (void)state;
    put_manifests(SGLANG("prefill"), SGLANG("decode"));
    run_busy("  changes: [{at: 20s, workload: late, replicas: 0}, {at: 22s, workload: late, replicas: 1}]\n"
             "  policies: [{retry: {attempts: 5}}]\n");
    const struct request_counts *c = &got.counts;
    assert_true(c->attempts > c->arrived);
}

static void users_give_up_in_every_stage(void **state) {
    (void)state;
    put_manifests(VLLM("kv_producer"), VLLM("kv_consumer"));
    run_busy("  policies: [{timeout: 100ms}]\n");
    assert_true(got.counts.timed_out > 100);
}

/* 1,000 tokens in blocks of 16 are 132,120,576 bytes of KV; between zones each gigabyte costs a dollar. */
static void kv_between_zones_is_on_the_bill(void **state) {
    (void)state;
    put("prices.yaml",
        "apiVersion: drydock/v1\nkind: PriceBook\nmetadata: {name: p, date: 2026-07-20, source: made up}\n"
        "spec:\n  nodes: [{instance_type: h100-1g, usd_per_h: 1}]\n"
        "  transfer: [{from: eu, to: eu, usd_per_gb: 1}]\n");
    put("scenario.yaml",
        "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: apart}\nspec:\n  manifests: "
        "manifests.yaml\n"
        "  prices: prices.yaml\n  traces: [{file: one.csv, service: chat}]\n  cluster:\n"
        "    regions: [{name: eu}]\n    zones: [{name: a, region: eu}, {name: b, region: eu}]\n    pools:\n"
        "      - {name: p, zone: a, labels: {at: early}, " NODE "}\n"
        "      - {name: q, zone: b, labels: {at: late}, " NODE "}\n");
    each_in_its_pool = true;
    put_manifests(VLLM("kv_producer"), VLLM("kv_consumer"));
    each_in_its_pool = false;
    put("one.csv", "arrival_s,input_tokens,output_tokens\n1,1000,2\n");
    run("scenario.yaml", "out");
    const char *charges = table("out", "charges");
    assert_non_null(strstr(charges, "a>b,transfer,"));
    assert_non_null(strstr(charges, ",0.132120576,0.132120576,GB,"));
    const char *replicas = table("out", "replicas");
    assert_non_null(strstr(replicas, ",132120576,0"));
    assert_non_null(strstr(replicas, ",0,132120576"));
}

/* As one server: the warning says why. */
static void kv_both_that_nobody_names_takes_whole_requests(void **state) {
    (void)state;
    put_manifests(VLLM("kv_both"), VLLM("kv_both"));
    run_busy("");
    assert_non_null(strstr(got.warnings, "kv_both says not who prefills"));
    run_busy("  policies: [{service: chat, disaggregation: {prefill: early, decode: late}}]\n");
    assert_null(strstr(got.warnings, "kv_both"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_alone_takes_what_its_stages_take),
        cmocka_unit_test(sglangs_first_token_is_that_of_prefill),
        cmocka_unit_test(a_prefill_replica_takes_the_kv_it_holds_with_it),
        cmocka_unit_test(a_decode_replica_that_is_lost_fails_its_requests),
        cmocka_unit_test(failed_ones_may_be_tried_again),
        cmocka_unit_test(users_give_up_in_every_stage),
        cmocka_unit_test(an_engine_that_crashes_is_started_anew_without_kv),
        cmocka_unit_test(kv_between_zones_is_on_the_bill),
        cmocka_unit_test(kv_both_that_nobody_names_takes_whole_requests),
    };
    return cmocka_run_group_tests_name("disaggregation", tests, open_scratch, close_scratch);
}
