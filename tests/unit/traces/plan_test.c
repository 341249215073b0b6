/* Tables are read by columns where their rows look alike; the parser of single rows is the reference. */
#include "trace_fixture.h"

enum { ROWS = 6000, ROW_BYTES = 128 };

/* A table whose row i is `format` of drawn numbers, quoted as a whole or plain. */
static struct loaded *load_table(const char *header, const char *newline, bool quoted, unsigned digits,
                                 const struct trace_open_options *options) {
    char *text = malloc((size_t)ROWS * ROW_BYTES);
    size_t at = (size_t)sprintf(text, "%s%s", header, newline);
    uint64_t x = 1;
    const char *quote = quoted ? "\"" : "";
    for (unsigned i = 0; i < ROWS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        char fraction[16];
        snprintf(fraction, sizeof fraction, ".%012llu", (unsigned long long)(x >> 25));
        fraction[i % 10 == 9 || digits == 0 ? 0 : 1 + digits - (i % 3 == 0 && digits > 1)] = '\0';
        at += (size_t)sprintf(text + at, "%s%u%s%s,%llu,%s%llu%s,%llu%s", quote, i / 4, fraction, quote,
                              (unsigned long long)(x >> 40) % 20000, i % 500 == 499 ? "0" : "",
                              (unsigned long long)(x >> 50) % 200, "",
                              (unsigned long long)(x >> (i % 40 + 12)), newline);
    }
    struct loaded *l = loaded_bytes(text, at - strlen(newline), options);
    free(text);
    return l;
}

static void assert_same(const struct loaded *a, const struct loaded *b) {
    assert_string_equal(a->text, "");
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_memory_equal(&a->rows[i], &b->rows[i], sizeof *a->rows);
        assert_string_equal(name_of(a, a->rows[i].tenant), name_of(b, b->rows[i].tenant));
    }
    assert_int_equal(a->report.skipped, b->report.skipped);
    assert_int_equal(a->report.out_of_order, b->report.out_of_order);
    assert_string_equal(a->report.first_skipped_reason, b->report.first_skipped_reason);
}

static void plain_rows_are_read_as_quoted_ones_are(void **state) {
    (void)state;
    static const char *const headers[] = {
        "arrival_s,input_tokens,output_tokens,session", "arrival_ms,input_tokens,images,payload_bytes",
        "arrival_s,output_tokens,tenant,session", "arrival_s,input_tokens,other,session"};
    static const char *const newlines[] = {"\n", "\r\n"};
    static const unsigned digits[] = {0, 1, 3, 7, 8, 9, 12};
    const struct trace_open_options forced = {.service = "chat"};
    for (size_t h = 0; h < sizeof headers / sizeof *headers; h++) {
        for (size_t d = 0; d < sizeof digits / sizeof *digits; d++) {
            const char *newline = newlines[(h + d) % 2];
            const struct trace_open_options *options = d % 3 ? NULL : &forced;
            struct loaded *plain = load_table(headers[h], newline, false, digits[d], options);
            struct loaded *quoted = load_table(headers[h], newline, true, digits[d], options);
            assert_int_equal(plain->count + plain->report.skipped, ROWS);
            assert_same(plain, quoted);
            loaded_free(plain);
            loaded_free(quoted);
        }
    }
}

static void numbers_with_zeros_in_front_are_names_of_their_own(void **state) {
    (void)state;
    char text[8192] = "arrival_s,input_tokens,tenant\n";
    for (int i = 0; i < 200; i++) {
        sprintf(text + strlen(text), "%d,%d,%s\n", i, i, i % 50 == 49 ? "07" : "7");
    }
    struct loaded *l = loaded_text(text);
    assert_int_equal(l->count, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_string_equal(name_of(l, l->rows[i].tenant), i % 50 == 49 ? "07" : "7");
    }
    loaded_free(l);
}

static void a_number_too_long_among_plain_ones_is_skipped_with_its_place(void **state) {
    (void)state;
    char text[16384] = "arrival_s,input_tokens\n";
    for (int i = 0; i < 400; i++) {
        sprintf(text + strlen(text), "%d,%s\n", i, i == 300 ? "99999999999" : i == 310 ? "" : "12");
    }
    struct loaded *l = loaded_text(text);
    assert_int_equal(l->count, 398);
    assert_int_equal(l->report.skipped, 2);
    assert_int_equal(l->report.first_skipped_line, 302);
    assert_int_equal(l->report.first_skipped_column, 5);
    assert_contains(l->report.first_skipped_reason, "is out of range");
    loaded_free(l);
}

static void rows_can_be_looked_at_where_they_lie(void **state) {
    (void)state;
    static const char text[] = "arrival_s,input_tokens\n0,1\n1,2\n2,3\n";
    struct trace_names names;
    struct error err = {0};
    const struct trace_row *rows;
    struct trace_row first;
    trace_names_init(&names);
    const char *path = scratch_bytes(text, sizeof text - 1);
    struct trace_source *s = trace_open(path, NULL, &names, &err);
    assert_int_equal(trace_next(s, &first, &err), 1);
    assert_int_equal(trace_next_rows(s, &rows, &err), 2);
    assert_int_equal(rows[1].input_tokens, 3);
    assert_int_equal(trace_report(s)->rows, 3);
    assert_int_equal(trace_next_rows(s, &rows, &err), 0);
    trace_close(s);
    unlink(path);
    trace_names_free(&names);
}

/* ---- random tables ---- */

static uint64_t drawn = 1;

static unsigned draw(unsigned below) {
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((drawn >> 33) % below);
}

static const char *pick(const char *const *list, size_t count) {
    return list[draw((unsigned)count)];
}
#define PICK(list) pick(list, sizeof list / sizeof *list)

enum { TABLE_COLUMNS = 6, TABLE_BYTES = 1 << 19, FIELD_BYTES = 64 };

/* What a table's fields are like. */
struct table {
    const char *columns[TABLE_COLUMNS];
    size_t count;
    const char *newline;
    bool dated, crlf_at_times;
    const char *zone;
    unsigned fraction, names, odd; /* digits; distinct ones; one field in so many differs, 0 = none */
    uint64_t second;
};

static void odd_field(char *out) {
    static const char *const odd[] = {"",
                                      "\"12\"",
                                      "\"a,b\"",
                                      " 7",
                                      "-3",
                                      "1e3",
                                      "12.0",
                                      "9.5",
                                      "0007",
                                      "12345678",
                                      "x",
                                      "99999999999999999999",
                                      "\"",
                                      "\xff",
                                      "1700000000",
                                      "2023-11-16 18:15:46",
                                      "2023-11-16T18:15:61.5Z",
                                      "3,4",
                                      "a rather long name that is left to the other parser",
                                      "é",
                                      "v1.2.3"};
    strcpy(out, PICK(odd));
}

static void usual_field(struct table *t, const char *column, unsigned row, char *out) {
    static const char *const texts[] = {"chat", "llama-3.1-8b", "westeurope", "", "team", "a name of 16 chr"};
    if (!strcmp(column, "arrival_s") || !strcmp(column, "arrival_ms")) {
        t->second += draw(3);
        char fraction[32];
        snprintf(fraction, sizeof fraction, ".%012u", draw(1u << 30) * 3);
        fraction[t->fraction ? 1 + t->fraction - (draw(10) == 0 && t->fraction > 1) : 0] = '\0';
        if (t->dated) {
            sprintf(out, "2023-11-%02u %02u:%02u:%02u%s%s", (unsigned)(16 + t->second / 86400 % 10),
                    (unsigned)(t->second / 3600 % 24), (unsigned)(t->second / 60 % 60),
                    (unsigned)(t->second % 60), fraction, t->zone);
        } else {
            sprintf(out, "%llu%s", (unsigned long long)t->second, fraction);
        }
    } else if (!strcmp(column, "session") || !strcmp(column, "payload_bytes")) {
        sprintf(out, "%llu", (unsigned long long)draw(1u << 30) >> draw(30) << draw(12));
    } else if (strstr("tenant service region other", column)) {
        sprintf(out, t->names > 1 ? "%s%u" : "%s", texts[t->names % 6], draw(t->names));
    } else {
        sprintf(out, "%u", draw(1u << (1 + (row + draw(20)) % 23)));
    }
}

static void draw_table(struct table *t) {
    static const char *const others[] = {"input_tokens",  "output_tokens", "images",  "session",
                                         "payload_bytes", "tenant",        "service", "region",
                                         "other",         "audio_s"};
    static const char *const zones[] = {"", "Z", "+00:00", "+02:00"};
    static const unsigned odds[] = {0, 0, 5000, 300, 20, 3};
    static const unsigned names[] = {1, 5, 60, 3000};
    *t = (struct table){.newline = draw(2) ? "\n" : "\r\n", .dated = draw(3) == 0, .zone = PICK(zones)};
    size_t arrival = draw(3);
    t->count = 2 + draw(TABLE_COLUMNS - 1);
    for (size_t i = 0; i < t->count; i++) {
        bool taken = true;
        while (taken) {
            t->columns[i] = i == arrival % t->count ? (draw(4) ? "arrival_s" : "arrival_ms") : PICK(others);
            taken = false;
            for (size_t k = 0; k < i; k++) {
                taken |= !strcmp(t->columns[k], t->columns[i]);
            }
        }
    }
    t->crlf_at_times = draw(8) == 0;
    t->fraction = draw(13);
    t->names = names[draw(4)];
    t->odd = odds[draw(6)];
    t->second = draw(3) ? 0 : draw(2) ? 90000 : 1700000000;
}

static size_t write_table(struct table *t, unsigned rows, char *text) {
    size_t at = 0;
    for (size_t i = 0; i < t->count; i++) {
        at += (size_t)sprintf(text + at, "%s%s", i ? "," : "", t->columns[i]);
    }
    at += (size_t)sprintf(text + at, "%s", t->newline);
    for (unsigned row = 0; row < rows && at < TABLE_BYTES - TABLE_COLUMNS * FIELD_BYTES; row++) {
        for (size_t i = 0; i < t->count; i++) {
            char field[2 * FIELD_BYTES];
            usual_field(t, t->columns[i], row, field);
            if (t->odd && draw(t->odd) == 0) {
                odd_field(field);
            }
            at += (size_t)sprintf(text + at, "%s%s", i ? "," : "", field);
        }
        bool other = t->crlf_at_times && draw(50) == 0;
        at += (size_t)sprintf(text + at, "%s%s", other ? "\r\n" : t->newline,
                              t->odd && draw(200) == 0 ? "\n" : "");
    }
    return at - draw(3) % 2;
}

static void random_tables_are_read_as_row_by_row(void **state) {
    (void)state;
    char *text = malloc(TABLE_BYTES + 4096);
    size_t rows = 0;
    for (unsigned i = 0; i < 400; i++) {
        struct table t;
        draw_table(&t);
        size_t bytes = write_table(&t, draw(4) ? 1 + draw(2000) : 12000, text);
        struct loaded *read[3];
        for (int pace = TRACE_BEST; pace <= TRACE_ONE_BY_ONE; pace++) {
            const struct trace_open_options options = {.service = i % 5 ? NULL : "chat",
                                                       .pace = (enum trace_pace)pace};
            read[pace] = loaded_bytes(text, bytes, &options);
        }
        for (int pace = TRACE_BEST; pace < TRACE_ONE_BY_ONE; pace++) {
            const struct loaded *reference = read[TRACE_ONE_BY_ONE];
            assert_string_equal(read[pace]->err.expected, reference->err.expected);
            assert_int_equal(read[pace]->err.line, reference->err.line);
            assert_int_equal(read[pace]->count, reference->count);
            assert_memory_equal(&read[pace]->report, &reference->report, sizeof reference->report);
            assert_int_equal(read[pace]->names.count, reference->names.count);
            if (reference->count > 0) {
                assert_memory_equal(read[pace]->rows, reference->rows,
                                    reference->count * sizeof *reference->rows);
            }
        }
        rows += read[TRACE_BEST]->count;
        for (int pace = TRACE_BEST; pace <= TRACE_ONE_BY_ONE; pace++) {
            loaded_free(read[pace]);
        }
    }
    free(text);
    assert_true(rows > 200000); /* most tables can be read */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rows_are_read_as_quoted_ones_are),
        cmocka_unit_test(numbers_with_zeros_in_front_are_names_of_their_own),
        cmocka_unit_test(a_number_too_long_among_plain_ones_is_skipped_with_its_place),
        cmocka_unit_test(rows_can_be_looked_at_where_they_lie),
        cmocka_unit_test(random_tables_are_read_as_row_by_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
