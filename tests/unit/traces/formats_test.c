/* Every public format, by small files in tests/cases/traces in their published shapes. */
#include "trace_fixture.h"

#define CASES "tests/cases/traces/"

static struct loaded *load(const char *name) {
    struct loaded *l = loaded_file(name, NULL);
    if (error_is_set(&l->err)) {
        fail_msg("%s", l->text);
    }
    return l;
}

static void azure_2023_has_crlf_seven_digits_and_no_final_newline(void **state) {
    (void)state;
    struct loaded *l = load(CASES "azure-llm-2023.csv");
    assert_int_equal(l->count, 3);
    assert_string_equal(l->report.format, "azure-llm");
    assert_string_equal(l->report.start, "2023-11-16T18:15:46.68059Z");
    assert_int_equal(l->rows[0].arrival_ps, 0);
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(4.314579));
    assert_int_equal(l->rows[2].arrival_ps, SECONDS(64.541877));
    assert_int_equal(l->rows[2].input_tokens, 879);
    assert_int_equal(l->rows[2].output_tokens, 55);
    assert_int_equal(l->rows[2].row, 2);
    loaded_free(l);
}

static void azure_2024_has_a_time_zone(void **state) {
    (void)state;
    struct loaded *l = load(CASES "azure-llm-2024.csv");
    assert_int_equal(l->count, 4);
    assert_string_equal(l->report.format, "azure-llm");
    assert_string_equal(l->report.start, "2024-05-10T00:00:00.00993Z");
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(0.007405));
    assert_int_equal(l->rows[2].arrival_ps, SECONDS(0.99007));
    assert_int_equal(l->rows[3].arrival_ps, SECONDS(60.49007));
    loaded_free(l);
}

/* The reader of the usual shape and the general one must agree on every shape there is. */
static void azure_rows_mean_the_same_by_either_parser(void **state) {
    (void)state;
    static const char *const stamps[] = {
        "2023-11-16 18:15:46.6805900",  "2023-11-16 18:15:46",           "2023-11-16 18:15:46.5",
        "2023-11-16 18:15:46.12345678", "2023-11-16 18:15:46.123456789", "2023-11-16 18:15:46.123456+00:00",
        "2023-11-16 18:15:47+00:00",    "2023-11-16T18:15:47.5Z",        "2023-11-16 18:16:00",
        "2023-11-16 18:16:60",          "2023-11-17 00:00:00.0000001",   "2023-11-16 19:15:47+01:00",
    };
    char text[4096];
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
        int n = snprintf(
            text, sizeof text,
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1\n%s,1234567,12345678\n",
            stamps[i]);
        struct loaded *general = loaded_text(text); /* near the end of the file: the general parser */
        for (int k = 0; k < 8; k++) {
            n += snprintf(text + n, sizeof text - (size_t)n, "2023-11-18 00:00:00,1,1\n");
        }
        struct loaded *usual = loaded_text(text);
        assert_int_equal(general->count, 2);
        assert_int_equal(usual->count, 10);
        assert_int_equal(usual->rows[1].arrival_ps, general->rows[1].arrival_ps);
        assert_int_equal(usual->rows[1].input_tokens, general->rows[1].input_tokens);
        assert_int_equal(usual->rows[1].output_tokens, 12345678);
        loaded_free(usual);
        loaded_free(general);
    }
}

static void azure_2025_has_images(void **state) {
    (void)state;
    struct loaded *l = load(CASES "azure-lmm-2025.csv");
    assert_int_equal(l->count, 3);
    assert_string_equal(l->report.format, "azure-lmm");
    assert_int_equal(l->rows[0].images, 0);
    assert_int_equal(l->rows[1].images, 3);
    assert_int_equal(l->rows[1].input_tokens, 5230);
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(1.5));
    loaded_free(l);
}

static void burstgpt_counts_failed_requests_and_keeps_its_zero(void **state) {
    (void)state;
    struct loaded *l = load(CASES "burstgpt-old.csv");
    assert_int_equal(l->count, 4);
    assert_int_equal(l->report.skipped, 1);
    assert_int_equal(l->report.failed, 1);
    assert_int_equal(l->report.first_skipped_line, 5);
    assert_string_equal(l->report.first_skipped_reason, "failed request (0 response tokens)");
    assert_string_equal(l->report.ignored_columns, "");
    assert_int_equal(l->rows[0].arrival_ps, SECONDS(5));
    assert_string_equal(name_of(l, l->rows[2].service), "GPT-4");
    assert_string_equal(name_of(l, l->rows[3].tenant), "API log");
    loaded_free(l);
}

static void newer_burstgpt_has_sessions(void **state) {
    (void)state;
    struct loaded *l = load(CASES "burstgpt-new.csv");
    assert_int_equal(l->count, 2);
    assert_true(l->rows[0].session != 0);
    assert_int_equal(l->rows[0].session, l->rows[1].session);
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(2.5));
    loaded_free(l);
}

static void mooncake_has_prefix_hashes(void **state) {
    (void)state;
    struct loaded *l = load(CASES "mooncake.jsonl");
    static const uint64_t hashes[] = {0, 1, 2, 0};
    assert_int_equal(l->count, 3);
    assert_int_equal(l->rows[0].hash_count, 3);
    assert_int_equal(l->rows[0].hash_block_tokens, 512);
    assert_int_equal(l->rows[2].hash_count, 0);
    assert_int_equal(l->rows[2].arrival_ps, SECONDS(4.5));
    assert_int_equal(l->hash_count, 4);
    assert_memory_equal(l->hashes, hashes, sizeof hashes);
    loaded_free(l);
}

static void image_requests_have_service_times_and_no_tokens(void **state) {
    (void)state;
    struct loaded *l = load(CASES "gentd26.csv");
    assert_int_equal(l->count, 3);
    assert_true(l->rows[0].service_s == 32.0);
    assert_int_equal(l->rows[0].output_tokens, 0);
    assert_int_equal(l->rows[1].images, 8);
    assert_string_equal(name_of(l, l->rows[1].tenant), "G0001");
    assert_int_equal(l->rows[1].arrival_ps, SECONDS(24));
    loaded_free(l);
}

static void sampled_servegen_adds_the_tokens_of_its_images(void **state) {
    (void)state;
    struct loaded *l = load(CASES "servegen-sampled.csv");
    assert_int_equal(l->count, 3);
    assert_string_equal(l->report.format, "csv");
    assert_int_equal(l->rows[0].image_tokens, 252 + 486 + 576);
    assert_int_equal(l->rows[0].input_tokens, 79 + 252 + 486 + 576);
    assert_int_equal(l->rows[0].images, 3);
    assert_int_equal(l->rows[2].input_tokens, 70);
    assert_string_equal(name_of(l, l->rows[0].tenant), "11");
    loaded_free(l);
}

static void a_folder_of_servegen_clients_is_a_source(void **state) {
    (void)state;
    struct loaded *l = load(CASES "servegen");
    size_t chunk10 = 0;
    assert_string_equal(l->report.format, "servegen");
    /* chunk-3: 600 s at 2/s, 600 s at 0, 600 s at 1/s; chunk-10: 0.5/s to the end */
    assert_true(l->count > 2300 && l->count < 3100);
    for (size_t i = 0; i < l->count; i++) {
        const struct trace_row *row = &l->rows[i];
        double at_s = simtime_to_s(row->arrival_ps);
        assert_int_equal(row->row, i);
        assert_true(i == 0 || row->arrival_ps >= l->rows[i - 1].arrival_ps);
        if (!strcmp(name_of(l, row->tenant), "chunk-10")) {
            chunk10++;
            assert_int_equal(row->input_tokens, 300);
            assert_true(row->output_tokens == 20 || row->output_tokens == 30);
        } else if (at_s >= 1200) {
            assert_int_equal(row->input_tokens, 70);
        } else {
            assert_true(at_s < 600);
            assert_int_equal(row->image_tokens, row->images * 100);
            assert_true(row->input_tokens == 40 + row->image_tokens ||
                        row->input_tokens == 60 + row->image_tokens);
        }
    }
    assert_true(chunk10 > 700 && chunk10 < 1100);
    loaded_free(l);
}

static void a_client_more_leaves_the_other_clients_requests_alone(void **state) {
    (void)state;
    char folder[] = "/tmp/drydock-servegen-XXXXXX";
    char command[512];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "cp " CASES "servegen/chunk-3-* %s", folder);
    assert_int_equal(system(command), 0);
    struct loaded *both = load(CASES "servegen");
    struct loaded *one = load(folder);
    size_t at = 0;
    for (size_t i = 0; i < both->count; i++) {
        if (!strcmp(name_of(both, both->rows[i].tenant), "chunk-3") && at < one->count) {
            assert_int_equal(both->rows[i].arrival_ps, one->rows[at].arrival_ps);
            assert_int_equal(both->rows[i].input_tokens, one->rows[at].input_tokens);
            at++;
        }
    }
    assert_int_equal(at, one->count);
    loaded_free(one);
    loaded_free(both);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void a_format_can_be_forced_and_a_wrong_name_is_refused(void **state) {
    (void)state;
    struct trace_open_options forced = {.format = "azure-lmm"};
    struct trace_open_options unknown = {.format = "azure-lm"};
    struct loaded *l = loaded_file(CASES "azure-llm-2023.csv", &forced);
    assert_int_equal(l->err.code, ERROR_INVALID);
    assert_contains(l->text, "NumImages");
    loaded_free(l);
    l = loaded_file(CASES "azure-llm-2023.csv", &unknown);
    assert_int_equal(l->err.code, ERROR_USAGE);
    assert_contains(l->text, "did you mean azure-l");
    loaded_free(l);
}

static void the_service_option_replaces_the_rows_service(void **state) {
    (void)state;
    struct trace_open_options options = {.service = "chat"};
    static const char *const files[] = {CASES "azure-llm-2023.csv", CASES "burstgpt-old.csv",
                                        CASES "mooncake.jsonl", CASES "servegen", CASES "own-columns.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct loaded *l = loaded_file(files[i], &options);
        assert_true(l->count > 0);
        assert_string_equal(name_of(l, l->rows[l->count - 1].service), "chat");
        loaded_free(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(azure_2023_has_crlf_seven_digits_and_no_final_newline),
        cmocka_unit_test(azure_2024_has_a_time_zone),
        cmocka_unit_test(azure_rows_mean_the_same_by_either_parser),
        cmocka_unit_test(azure_2025_has_images),
        cmocka_unit_test(burstgpt_counts_failed_requests_and_keeps_its_zero),
        cmocka_unit_test(newer_burstgpt_has_sessions),
        cmocka_unit_test(mooncake_has_prefix_hashes),
        cmocka_unit_test(image_requests_have_service_times_and_no_tokens),
        cmocka_unit_test(sampled_servegen_adds_the_tokens_of_its_images),
        cmocka_unit_test(a_folder_of_servegen_clients_is_a_source),
        cmocka_unit_test(a_client_more_leaves_the_other_clients_requests_alone),
        cmocka_unit_test(a_format_can_be_forced_and_a_wrong_name_is_refused),
        cmocka_unit_test(the_service_option_replaces_the_rows_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
