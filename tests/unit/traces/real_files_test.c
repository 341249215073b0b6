/* The public traces themselves, where they lie beside the checkout: DATA (../shared unless set) names the
 * folder. Row counts and sums are facts of the files. */
#include "base/file.h"
#include "trace_fixture.h"

static const struct {
    const char *path;
    const char *format;
    uint64_t rows;
    uint64_t input_tokens;
    uint64_t output_tokens;
    double span_s;
} files[] = {
    {"azure-llm-2023/AzureLLMInferenceTrace_conv.csv", "azure-llm", 19366, 22361870, 4088665, 3501.721937},
    {"azure-llm-2023/AzureLLMInferenceTrace_code.csv", "azure-llm", 8819, 18059974, 245896, 3435.948056},
    {"mooncake/conversation_trace.jsonl.gz", "mooncake", 12031, 144793823, 4122048, 3536.999},
    {"servegen/m-small_24h_1m.csv.gz", "csv", 1037237, 166018746, 28222614, 86399.977},
    {"servegen/mm-image_24h.csv.gz", "csv", 173232, 249205814, 22478099, 86400},
    {"gentd26/lora_request_trace.csv.gz", "gentd26", 26823, 0, 0, 1989367},
};

static const char *data_path(const char *path) {
    static char full[1024];
    const char *data = getenv("DATA");
    snprintf(full, sizeof full, "%s/traces/%s", data && *data ? data : "../shared", path);
    if (!file_exists(full)) {
        print_message("%s is not there\n", full);
        skip();
    }
    return full;
}

static void public_traces_have_every_row_and_token(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct trace_names names;
        struct error err = {0};
        struct trace_row row;
        uint64_t input = 0;
        uint64_t output = 0;
        simtime first = -1;
        simtime last = 0;
        trace_names_init(&names);
        struct trace_source *source = trace_open(data_path(files[i].path), NULL, &names, &err);
        assert_non_null(source);
        int got;
        while ((got = trace_next(source, &row, &err)) > 0) {
            input += row.input_tokens;
            output += row.output_tokens;
            first = first < 0 ? row.arrival_ps : first;
            last = row.arrival_ps;
        }
        const struct trace_report *report = trace_report(source);
        assert_int_equal(got, 0);
        assert_int_equal(report->rows, files[i].rows);
        assert_int_equal(report->skipped, 0);
        assert_int_equal(report->out_of_order, 0);
        assert_string_equal(report->format, files[i].format);
        assert_int_equal(input, files[i].input_tokens);
        assert_int_equal(output, files[i].output_tokens);
        assert_int_equal(last - first, SECONDS(files[i].span_s));
        trace_close(source);
        trace_names_free(&names);
    }
}

struct again {
    char path[1024];
    struct trace_names names;
};

static struct trace_source *open_conversation(void *context, struct error *err) {
    struct again *a = context;
    return trace_open(a->path, NULL, &a->names, err);
}

static void the_conversation_hour_x52_is_a_million_requests(void **state) {
    (void)state;
    static struct again again;
    struct error err = {0};
    struct trace_transform t = TRACE_TRANSFORM_NONE;
    struct trace_row row;
    uint64_t rows = 0;
    snprintf(again.path, sizeof again.path, "%s", data_path(files[0].path));
    trace_names_init(&again.names);
    t.repeat = 52;
    struct trace_source *source =
        trace_transformed(open_conversation(&again, &err), &t, &again.names, open_conversation, &again, &err);
    assert_non_null(source);
    while (trace_next(source, &row, &err) > 0) {
        assert_int_equal(row.row, rows);
        rows++;
    }
    assert_false(error_is_set(&err));
    assert_int_equal(rows, 52 * 19366);
    trace_close(source);
    trace_names_free(&again.names);
}

/* ServeGen's clients give as many requests as their rates say: 102,165. Gaps are bursty (cv up to 8), so the
 * total has a deviation of about 1 %. */
static void servegen_clients_give_their_rates(void **state) {
    (void)state;
    struct loaded *l = loaded_file(data_path("servegen/clients/mm-image"), NULL);
    assert_string_equal(l->text, "");
    assert_true(l->count > 99100 && l->count < 105230);
    loaded_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_traces_have_every_row_and_token),
        cmocka_unit_test(the_conversation_hour_x52_is_a_million_requests),
        cmocka_unit_test(servegen_clients_give_their_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
