/* A table as CSV, block by block (table_read.h). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/record.h"
#include "record/table_read.h"

static void append_integer(struct strbuf *out, uint64_t value, bool negative) {
    char digits[24];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    if (negative) {
        *--at = '-';
    }
    strbuf_append_n(out, at, (size_t)(digits + sizeof digits - at));
}

/* RFC 4180: quoted where it has to be, quotes doubled. */
static void append_text(struct strbuf *out, const char *text, size_t n) {
    size_t plain = 0;
    while (plain < n && !strchr(",\"\r\n", text[plain])) {
        plain++;
    }
    if (plain == n) {
        strbuf_append_n(out, text, n);
        return;
    }
    strbuf_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"') {
            strbuf_char(out, '"');
        }
        strbuf_char(out, text[i]);
    }
    strbuf_char(out, '"');
}

static void append_double(struct strbuf *out, double value) {
    char text[NUMBER_TEXT_BYTES];
    if (isnan(value)) {
        return;
    }
    if (fabs(value) < 1e15 && value == trunc(value) && !(value == 0 && signbit(value))) {
        append_integer(out, (uint64_t)fabs(value),
                       value < 0); /* what number_text gives, at a tenth of the time */
        return;
    }
    strbuf_append(out, number_text(value, text));
}

static bool append_coded(const struct table_reader *t, const struct table_column *column, size_t row,
                         struct strbuf *out, struct error *err) {
    size_t code;
    if (!table_code(t, column, row, &code, err)) {
        return false;
    }
    if (code != SIZE_MAX) {
        append_text(out, column->texts[code], strlen(column->texts[code]));
    }
    return true;
}

static bool append_cell(const struct table_reader *t, const struct table_column *column, size_t row,
                        struct strbuf *out, struct error *err) {
    const unsigned char *at = column->values ? column->values + row * column->width : NULL;
    union {
        uint64_t u;
        int64_t s;
        double d;
        char *text;
    } cell = {0};
    switch (column->form) {
    case CELL_TIME:
        append_double(out, column->start_s + (double)(t->at + row) * column->interval_s);
        return true;
    case CELL_FIXED_TEXT:
        append_text(out, (const char *)at, strnlen((const char *)at, column->width));
        return true;
    case CELL_ENUM:
    case CELL_NAME:
        return append_coded(t, column, row, out, err);
    default:
        memcpy(&cell, at, sizeof cell);
    }
    if (column->form == CELL_FLOAT) {
        append_double(out, cell.d);
    } else if (column->form == CELL_TEXT) {
        append_text(out, cell.text ? cell.text : "", cell.text ? strlen(cell.text) : 0);
    } else if (column->form == CELL_SIGNED && cell.s < 0) {
        append_integer(out, (uint64_t)0 - cell.u, true);
    } else {
        append_integer(out, cell.u, false);
    }
    return true;
}

static bool write_block(const struct table_reader *t, size_t rows, FILE *out, struct error *err) {
    struct strbuf line = {0};
    bool done = true;
    for (size_t i = 0; i < rows && done; i++) {
        strbuf_clear(&line);
        for (size_t k = 0; k < t->column_count && done; k++) {
            if (k) {
                strbuf_char(&line, ',');
            }
            done = append_cell(t, &t->columns[k], i, &line, err);
        }
        strbuf_char(&line, '\n');
        if (done && fwrite(line.text, 1, line.length, out) != line.length) {
            done = error_errno(err, "output", "cannot write");
        }
    }
    strbuf_free(&line);
    return done;
}

static bool write_head(const struct table_reader *t, FILE *out, struct error *err) {
    struct strbuf head = {0};
    for (size_t i = 0; i < t->column_count; i++) {
        if (i) {
            strbuf_char(&head, ',');
        }
        append_text(&head, t->columns[i].name, strlen(t->columns[i].name));
    }
    strbuf_char(&head, '\n');
    bool done =
        fwrite(head.text, 1, head.length, out) == head.length || error_errno(err, "output", "cannot write");
    strbuf_free(&head);
    return done;
}

static bool write_table(struct table_reader *t, FILE *out, struct error *err) {
    if (!table_reader_find(t, NULL, err) || !write_head(t, out, err)) {
        return false;
    }
    for (;;) {
        size_t rows = table_reader_next(t, err);
        if (rows == 0) {
            return !error_is_set(err);
        }
        if (!write_block(t, rows, out, err)) {
            return false;
        }
    }
}

bool result_export_csv(const char *h5_path, const char *table, FILE *out, struct error *err) {
    hid_t file = hdf5_open_result(h5_path, err);
    if (file < 0) {
        return false;
    }
    struct table_reader *t = table_reader_new(file, h5_path, table);
    bool done = write_table(t, out, err);
    table_reader_free(t);
    hdf5_drop(file);
    return done;
}
