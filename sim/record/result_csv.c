/* A table as CSV, block by block: memory is that of 65,536 rows, however long the table is. The cells of a
 * column are read in one of seven forms, whatever exact type the file has, so that tables of other versions
 * can be read too. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "record/hdf5_io.h"
#include "record/record.h"

enum {
    BLOCK_ROWS = 65536,
    BLOCK_BYTES_MAX = 64 << 20,       /* of one column: wide texts get fewer rows a block */
    DICTIONARY_BYTES_MAX = 256 << 20, /* of the texts together */
    COLUMNS_MAX = 1024,
    ENUM_VALUES = 256
};

enum cell_form {
    CELL_SIGNED,
    CELL_UNSIGNED,
    CELL_FLOAT,
    CELL_ENUM,
    CELL_NAME,
    CELL_FIXED_TEXT,
    CELL_TEXT,
    CELL_TIME
};

struct csv_column {
    const char *name;
    enum cell_form form;
    hid_t dataset; /* none for CELL_TIME */
    hid_t memory;  /* type of the values as they are read */
    size_t width;
    unsigned char *values;
    const char **texts; /* CELL_ENUM, CELL_NAME */
    size_t text_count;
    double start_s, interval_s; /* CELL_TIME */
};

struct csv {
    const char *path;  /* of the file */
    const char *table; /* without a slash in front */
    struct arena arena;
    hid_t file;
    struct csv_column columns[COLUMNS_MAX];
    size_t column_count;
    hsize_t rows;
    hsize_t block_rows;
};

static bool invalid(const struct csv *c, struct error *err, const char *column, const char *what) {
    struct position pos = {.file = c->path};
    char field[192];
    snprintf(field, sizeof field, "%s%s%s", c->table, column ? "/" : "", column ? column : "");
    return error_at(err, ERROR_INVALID, &pos, field, "%s", what);
}

/* ---- dictionaries ---- */

static const char **copy_fixed(struct arena *arena, const char *bytes, size_t width, size_t count) {
    const char **texts = arena_array(arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        texts[i] = arena_strndup(arena, bytes + i * width, strnlen(bytes + i * width, width));
    }
    return texts;
}

/* The texts of a one-dimensional dataset of fixed or variable width. NULL when it is none. */
static const char **read_texts(struct csv *c, hid_t d, hid_t type, hid_t space, size_t *count) {
    hssize_t n = H5Sget_simple_extent_npoints(space);
    bool variable = H5Tis_variable_str(type) > 0;
    size_t width = variable ? sizeof(char *) : H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || n < 0 || width == 0 || (size_t)n > DICTIONARY_BYTES_MAX / width) {
        return NULL;
    }
    char *bytes = mem_zalloc((size_t)n + 1, width);
    const char **texts = NULL;
    if (n == 0 || H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0) {
        *count = (size_t)n;
        if (variable) {
            texts = arena_array(&c->arena, (size_t)n + 1, sizeof *texts);
            for (size_t i = 0; i < (size_t)n; i++) {
                char *text;
                memcpy(&text, bytes + i * width, sizeof text);
                texts[i] = arena_strdup(&c->arena, text ? text : "");
            }
            H5Dvlen_reclaim(type, space, H5P_DEFAULT, bytes);
        } else {
            texts = copy_fixed(&c->arena, bytes, width, (size_t)n);
        }
    }
    free(bytes);
    return texts;
}

static bool read_dictionary(struct csv *c, struct csv_column *column, const char *name) {
    hid_t d = H5Dopen2(c->file, name, H5P_DEFAULT);
    if (d < 0) {
        return false;
    }
    hid_t type = H5Dget_type(d);
    hid_t space = H5Dget_space(d);
    column->texts = read_texts(c, d, type, space, &column->text_count);
    hdf5_drop(space);
    hdf5_drop(type);
    hdf5_drop(d);
    return column->texts != NULL;
}

static bool read_enum_names(struct csv *c, struct csv_column *column) {
    column->texts = arena_array(&c->arena, ENUM_VALUES, sizeof *column->texts);
    column->text_count = ENUM_VALUES;
    int members = H5Tget_nmembers(column->memory);
    for (int i = 0; i < members; i++) {
        uint8_t value;
        char *name = H5Tget_member_name(column->memory, (unsigned)i);
        if (!name || H5Tget_member_value(column->memory, (unsigned)i, &value) < 0) {
            H5free_memory(name);
            return false;
        }
        column->texts[value] = arena_strdup(&c->arena, name);
        H5free_memory(name);
    }
    return members >= 0;
}

/* ---- columns ---- */

static bool choose_text(struct csv_column *column, hid_t type) {
    column->form = H5Tis_variable_str(type) > 0 ? CELL_TEXT : CELL_FIXED_TEXT;
    column->width = H5Tget_size(type);
    column->memory = H5Tcopy(type);
    return column->width > 0 && column->width <= BLOCK_BYTES_MAX;
}

static bool choose_form(struct csv *c, struct csv_column *column, hid_t type) {
    column->width = 8;
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        column->form = H5Tget_sign(type) == H5T_SGN_NONE ? CELL_UNSIGNED : CELL_SIGNED;
        column->memory = H5Tcopy(column->form == CELL_SIGNED ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64);
        return H5Tget_size(type) <= column->width;
    case H5T_FLOAT:
        column->form = CELL_FLOAT;
        column->memory = H5Tcopy(H5T_NATIVE_DOUBLE);
        return true;
    case H5T_ENUM:
        column->form = CELL_ENUM;
        column->width = 1;
        column->memory = H5Tcopy(type);
        return H5Tget_size(type) == 1 && read_enum_names(c, column);
    case H5T_STRING:
        return choose_text(column, type);
    default:
        return false;
    }
}

/* All columns have as many values as the first. */
static bool check_length(struct csv *c, const struct csv_column *column, struct error *err) {
    hid_t space = H5Dget_space(column->dataset);
    hsize_t rows = 0;
    bool list = space >= 0 && H5Sget_simple_extent_ndims(space) == 1;
    if (list) {
        H5Sget_simple_extent_dims(space, &rows, NULL);
    }
    hdf5_drop(space);
    if (!list) {
        return invalid(c, err, column->name, "expected a list of values");
    }
    bool first = column == &c->columns[0] || (column == &c->columns[1] && c->columns[0].form == CELL_TIME);
    if (!first && rows != c->rows) {
        return invalid(c, err, column->name, "expected as many values as the columns before it have");
    }
    c->rows = rows;
    hsize_t most = BLOCK_BYTES_MAX / column->width;
    c->block_rows = c->block_rows < most ? c->block_rows : most;
    return true;
}

/* A series among the columns puts the times in front; all others then have to have the same. */
static bool note_times(struct csv *c, hid_t dataset, const char *name, struct error *err) {
    struct csv_column t = {
        .name = "time_s", .form = CELL_TIME, .dataset = H5I_INVALID_HID, .memory = H5I_INVALID_HID};
    if (!hdf5_read_double_attribute(dataset, "start_s", &t.start_s) ||
        !hdf5_read_double_attribute(dataset, "interval_s", &t.interval_s)) {
        return true;
    }
    if (c->column_count == 0) {
        c->columns[c->column_count++] = t;
    } else if (c->columns[0].start_s != t.start_s || c->columns[0].interval_s != t.interval_s) {
        return invalid(c, err, name, "has other times than the series before it: export one at a time");
    }
    return true;
}

/* Takes the dataset over. */
static bool add_column(struct csv *c, hid_t dataset, const char *name, struct error *err) {
    if (!note_times(c, dataset, name, err) || c->column_count == COLUMNS_MAX) {
        hdf5_drop(dataset);
        return invalid(c, err, name, "is one column too many");
    }
    struct csv_column *column = &c->columns[c->column_count++];
    *column = (struct csv_column){
        .name = arena_strdup(&c->arena, name), .dataset = dataset, .memory = H5I_INVALID_HID};
    hid_t type = H5Dget_type(dataset);
    if (type < 0) {
        return hdf5_damaged(c->path, err);
    }
    bool known = choose_form(c, column, type);
    hdf5_drop(type);
    if (!known) {
        return invalid(c, err, name, "has a type that cannot be shown as text");
    }
    const char *dictionary = hdf5_read_text_attribute(dataset, "dictionary", &c->arena);
    if (dictionary && column->form == CELL_UNSIGNED) {
        column->form = CELL_NAME;
        if (!read_dictionary(c, column, dictionary)) {
            return invalid(c, err, name, "its dictionary is missing or damaged");
        }
    }
    return check_length(c, column, err);
}

struct member_visit {
    struct csv *csv;
    struct error *err;
};

static herr_t visit_member(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct member_visit *v = context;
    (void)info;
    H5O_info_t object;
    if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
        return hdf5_damaged(v->csv->path, v->err) ? 0 : -1;
    }
    if (object.type != H5O_TYPE_DATASET) {
        return 0;
    }
    hid_t d = H5Dopen2(group, name, H5P_DEFAULT);
    if (d < 0) {
        return hdf5_damaged(v->csv->path, v->err) ? 0 : -1;
    }
    return add_column(v->csv, d, name, v->err) ? 0 : -1;
}

/* In the order in which they were made, where the file knows it. */
static bool add_group(struct csv *c, hid_t group, struct error *err) {
    struct member_visit v = {.csv = c, .err = err};
    hid_t p = H5Gget_create_plist(group);
    unsigned order = 0;
    H5Pget_link_creation_order(p, &order);
    hdf5_drop(p);
    H5_index_t index = order & H5P_CRT_ORDER_INDEXED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    if (H5Literate(group, index, H5_ITER_INC, NULL, visit_member, &v) < 0) {
        return hdf5_damaged(c->path, err);
    }
    return true;
}

static void list_names(struct strbuf *list, const char *const *names) {
    for (; *names; names++) {
        strbuf_printf(list, "%s%s", list->length ? ", " : "", *names + 1);
    }
}

static bool unknown_table(const struct csv *c, struct error *err) {
    struct arena arena;
    const char *const *tables;
    const char *const *objects;
    arena_init(&arena);
    if (result_tables(c->path, &arena, &tables, err) && result_series(c->path, &arena, &objects, err)) {
        struct strbuf list = {0};
        list_names(&list, tables);
        list_names(&list, objects);
        struct position pos = {.file = c->path};
        error_at(err, ERROR_USAGE, &pos, NULL, "has no table \"%.100s\"", c->table);
        error_hint(err, "it has: %s", list.length ? list.text : "none");
        strbuf_free(&list);
    }
    arena_free(&arena);
    return false;
}

static bool find_columns(struct csv *c, struct error *err) {
    hid_t object = *c->table ? H5Oopen(c->file, c->table, H5P_DEFAULT) : H5I_INVALID_HID;
    H5I_type_t kind = object >= 0 ? H5Iget_type(object) : H5I_BADID;
    if (kind == H5I_DATASET && hdf5_is_list(object)) {
        const char *slash = strrchr(c->table, '/');
        return add_column(c, object, slash ? slash + 1 : c->table, err);
    }
    bool done =
        kind == H5I_GROUP && hdf5_holds_lists(object) ? add_group(c, object, err) : unknown_table(c, err);
    hdf5_drop(object);
    return done;
}

/* ---- rows ---- */

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

static bool append_coded(const struct csv *c, const struct csv_column *column, uint64_t code,
                         struct strbuf *out, struct error *err) {
    if (column->form == CELL_NAME && code == COLUMN_NO_NAME) {
        return true;
    }
    if (code >= column->text_count || !column->texts[code]) {
        return invalid(c, err, column->name, "holds a value that its dictionary does not have");
    }
    append_text(out, column->texts[code], strlen(column->texts[code]));
    return true;
}

static bool append_cell(const struct csv *c, const struct csv_column *column, hsize_t block, size_t i,
                        struct strbuf *out, struct error *err) {
    const unsigned char *at = column->values ? column->values + i * column->width : NULL;
    union {
        uint64_t u;
        int64_t s;
        double d;
        char *text;
    } cell = {0};
    switch (column->form) {
    case CELL_TIME:
        append_double(out, column->start_s + (double)(block + i) * column->interval_s);
        return true;
    case CELL_FIXED_TEXT:
        append_text(out, (const char *)at, strnlen((const char *)at, column->width));
        return true;
    case CELL_ENUM:
        return append_coded(c, column, *at, out, err);
    default:
        memcpy(&cell, at, sizeof cell);
    }
    if (column->form == CELL_NAME) {
        return append_coded(c, column, cell.u, out, err);
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

static hid_t one_block(hsize_t rows) {
    return H5Screate_simple(1, &rows, NULL);
}

static bool read_block(const struct csv *c, struct csv_column *column, hsize_t at, hsize_t rows,
                       struct error *err) {
    if (column->form == CELL_TIME) {
        return true;
    }
    hid_t memory = one_block(rows);
    hid_t file = H5Dget_space(column->dataset);
    bool done = file >= 0 && H5Sselect_hyperslab(file, H5S_SELECT_SET, &at, NULL, &rows, NULL) >= 0 &&
                H5Dread(column->dataset, column->memory, memory, file, H5P_DEFAULT, column->values) >= 0;
    hdf5_drop(file);
    hdf5_drop(memory);
    return done || hdf5_damaged(c->path, err);
}

static void release_block(const struct csv_column *column, hsize_t rows) {
    if (column->form == CELL_TEXT) {
        hid_t memory = one_block(rows);
        H5Dvlen_reclaim(column->memory, memory, H5P_DEFAULT, column->values);
        hdf5_drop(memory);
    }
}

static bool append_block(const struct csv *c, hsize_t at, hsize_t rows, FILE *out, struct error *err) {
    struct strbuf line = {0};
    bool done = true;
    for (size_t i = 0; i < rows && done; i++) {
        strbuf_clear(&line);
        for (size_t k = 0; k < c->column_count && done; k++) {
            if (k) {
                strbuf_char(&line, ',');
            }
            done = append_cell(c, &c->columns[k], at, i, &line, err);
        }
        strbuf_char(&line, '\n');
        if (done && fwrite(line.text, 1, line.length, out) != line.length) {
            done = error_errno(err, "output", "cannot write");
        }
    }
    strbuf_free(&line);
    return done;
}

static bool write_block(struct csv *c, hsize_t at, hsize_t rows, FILE *out, struct error *err) {
    size_t read = 0;
    while (read < c->column_count && read_block(c, &c->columns[read], at, rows, err)) {
        read++;
    }
    bool done = read == c->column_count && append_block(c, at, rows, out, err);
    while (read) {
        release_block(&c->columns[--read], rows);
    }
    return done;
}

static bool write_rows(struct csv *c, FILE *out, struct error *err) {
    struct strbuf head = {0};
    for (size_t i = 0; i < c->column_count; i++) {
        if (i) {
            strbuf_char(&head, ',');
        }
        append_text(&head, c->columns[i].name, strlen(c->columns[i].name));
        if (c->columns[i].form != CELL_TIME) {
            size_t most = c->rows < c->block_rows ? (size_t)c->rows : (size_t)c->block_rows;
            c->columns[i].values = mem_zalloc(most + 1, c->columns[i].width);
        }
    }
    strbuf_char(&head, '\n');
    bool done =
        fwrite(head.text, 1, head.length, out) == head.length || error_errno(err, "output", "cannot write");
    strbuf_free(&head);
    for (hsize_t at = 0; at < c->rows && done; at += c->block_rows) {
        hsize_t left = c->rows - at;
        done = write_block(c, at, left < c->block_rows ? left : c->block_rows, out, err);
        if (done && interrupt_requested()) {
            done = error_set(err, ERROR_INTERRUPTED, "interrupted");
        }
    }
    return done;
}

static void csv_free(struct csv *c) {
    for (size_t i = 0; i < c->column_count; i++) {
        hdf5_drop(c->columns[i].dataset);
        hdf5_drop(c->columns[i].memory);
        free(c->columns[i].values);
    }
    hdf5_drop(c->file);
    arena_free(&c->arena);
    free(c);
}

bool result_export_csv(const char *h5_path, const char *table, FILE *out, struct error *err) {
    struct csv *c = mem_zalloc(1, sizeof *c);
    c->path = h5_path;
    c->table = table + (*table == '/');
    c->block_rows = BLOCK_ROWS;
    c->file = hdf5_open_result(h5_path, err);
    bool done = c->file >= 0 && find_columns(c, err) && write_rows(c, out, err);
    csv_free(c);
    return done;
}
