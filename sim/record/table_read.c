#include "record/table_read.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "record/record.h"

enum {
    BLOCK_ROWS = 65536,
    BLOCK_BYTES_MAX = 64 << 20,       /* of one column: wide texts get fewer rows a block */
    DICTIONARY_BYTES_MAX = 256 << 20, /* of the texts together */
    ENUM_VALUES = 256
};

bool table_invalid(const struct table_reader *t, struct error *err, const char *column, const char *what) {
    struct position pos = {.file = t->path};
    char field[192];
    snprintf(field, sizeof field, "%s%s%s", t->table, column ? "/" : "", column ? column : "");
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
static const char **read_texts(struct table_reader *t, hid_t d, hid_t type, hid_t space, size_t *count) {
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
            texts = arena_array(&t->arena, (size_t)n + 1, sizeof *texts);
            for (size_t i = 0; i < (size_t)n; i++) {
                char *text;
                memcpy(&text, bytes + i * width, sizeof text);
                texts[i] = arena_strdup(&t->arena, text ? text : "");
            }
            H5Dvlen_reclaim(type, space, H5P_DEFAULT, bytes);
        } else {
            texts = copy_fixed(&t->arena, bytes, width, (size_t)n);
        }
    }
    free(bytes);
    return texts;
}

static bool read_dictionary(struct table_reader *t, struct table_column *column, const char *name) {
    hid_t d = H5Dopen2(t->file, name, H5P_DEFAULT);
    if (d < 0) {
        return false;
    }
    hid_t type = H5Dget_type(d);
    hid_t space = H5Dget_space(d);
    column->texts = read_texts(t, d, type, space, &column->text_count);
    hdf5_drop(space);
    hdf5_drop(type);
    hdf5_drop(d);
    return column->texts != NULL;
}

static bool read_enum_names(struct table_reader *t, struct table_column *column) {
    column->texts = arena_array(&t->arena, ENUM_VALUES, sizeof *column->texts);
    column->text_count = ENUM_VALUES;
    int members = H5Tget_nmembers(column->memory);
    for (int i = 0; i < members; i++) {
        uint8_t value;
        char *name = H5Tget_member_name(column->memory, (unsigned)i);
        if (!name || H5Tget_member_value(column->memory, (unsigned)i, &value) < 0) {
            H5free_memory(name);
            return false;
        }
        column->texts[value] = arena_strdup(&t->arena, name);
        H5free_memory(name);
    }
    return members >= 0;
}

/* ---- columns ---- */

static bool choose_text(struct table_column *column, hid_t type) {
    column->form = H5Tis_variable_str(type) > 0 ? CELL_TEXT : CELL_FIXED_TEXT;
    column->width = H5Tget_size(type);
    column->memory = H5Tcopy(type);
    return column->width > 0 && column->width <= BLOCK_BYTES_MAX;
}

static bool choose_form(struct table_reader *t, struct table_column *column, hid_t type) {
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
        return H5Tget_size(type) == 1 && read_enum_names(t, column);
    case H5T_STRING:
        return choose_text(column, type);
    default:
        return false;
    }
}

/* All columns have as many values as the first. */
static bool check_length(struct table_reader *t, const struct table_column *column, struct error *err) {
    hid_t space = H5Dget_space(column->dataset);
    hsize_t rows = 0;
    bool list = space >= 0 && H5Sget_simple_extent_ndims(space) == 1;
    if (list) {
        H5Sget_simple_extent_dims(space, &rows, NULL);
    }
    hdf5_drop(space);
    if (!list) {
        return table_invalid(t, err, column->name, "expected a list of values");
    }
    bool first = column == &t->columns[0] || (column == &t->columns[1] && t->columns[0].form == CELL_TIME);
    if (!first && rows != t->rows) {
        return table_invalid(t, err, column->name, "expected as many values as the columns before it have");
    }
    t->rows = rows;
    hsize_t most = BLOCK_BYTES_MAX / column->width;
    t->block_rows = t->block_rows < most ? t->block_rows : most;
    return true;
}

/* A series among the columns puts the times in front; all others then have to have the same. */
static bool note_times(struct table_reader *t, hid_t dataset, const char *name, struct error *err) {
    struct table_column times = {
        .name = "time_s", .form = CELL_TIME, .dataset = H5I_INVALID_HID, .memory = H5I_INVALID_HID};
    if (!hdf5_read_double_attribute(dataset, "start_s", &times.start_s) ||
        !hdf5_read_double_attribute(dataset, "interval_s", &times.interval_s)) {
        return true;
    }
    if (t->column_count == 0) {
        t->columns[t->column_count++] = times;
    } else if (t->columns[0].start_s != times.start_s || t->columns[0].interval_s != times.interval_s) {
        return table_invalid(t, err, name, "has other times than the series before it: export one at a time");
    }
    return true;
}

/* Takes the dataset over. */
static bool add_column(struct table_reader *t, hid_t dataset, const char *name, struct error *err) {
    if (!note_times(t, dataset, name, err) || t->column_count == TABLE_COLUMNS_MAX) {
        hdf5_drop(dataset);
        return table_invalid(t, err, name, "is one column too many");
    }
    struct table_column *column = &t->columns[t->column_count++];
    *column = (struct table_column){
        .name = arena_strdup(&t->arena, name), .dataset = dataset, .memory = H5I_INVALID_HID};
    hid_t type = H5Dget_type(dataset);
    if (type < 0) {
        return hdf5_damaged(t->path, err);
    }
    bool known = choose_form(t, column, type);
    hdf5_drop(type);
    if (!known) {
        return table_invalid(t, err, name, "has a type that cannot be shown as text");
    }
    const char *dictionary = hdf5_read_text_attribute(dataset, "dictionary", &t->arena);
    if (dictionary && column->form == CELL_UNSIGNED) {
        column->form = CELL_NAME;
        if (!read_dictionary(t, column, dictionary)) {
            return table_invalid(t, err, name, "its dictionary is missing or damaged");
        }
    }
    return check_length(t, column, err);
}

struct member_visit {
    struct table_reader *table;
    struct error *err;
};

static herr_t visit_member(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct member_visit *v = context;
    (void)info;
    H5O_info_t object;
    if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
        return hdf5_damaged(v->table->path, v->err) ? 0 : -1;
    }
    if (object.type != H5O_TYPE_DATASET) {
        return 0;
    }
    hid_t d = H5Dopen2(group, name, H5P_DEFAULT);
    if (d < 0) {
        return hdf5_damaged(v->table->path, v->err) ? 0 : -1;
    }
    return add_column(v->table, d, name, v->err) ? 0 : -1;
}

/* In the order in which they were made, where the file knows it. */
static bool add_group(struct table_reader *t, hid_t group, struct error *err) {
    struct member_visit v = {.table = t, .err = err};
    hid_t p = H5Gget_create_plist(group);
    unsigned order = 0;
    H5Pget_link_creation_order(p, &order);
    hdf5_drop(p);
    H5_index_t index = order & H5P_CRT_ORDER_INDEXED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    if (H5Literate(group, index, H5_ITER_INC, NULL, visit_member, &v) < 0) {
        return hdf5_damaged(t->path, err);
    }
    return true;
}

static void list_names(struct strbuf *list, const char *const *names) {
    for (; *names; names++) {
        strbuf_printf(list, "%s%s", list->length ? ", " : "", *names + 1);
    }
}

static bool unknown_table(const struct table_reader *t, struct error *err) {
    struct arena arena;
    const char *const *tables;
    const char *const *objects;
    arena_init(&arena);
    if (result_tables(t->path, &arena, &tables, err) && result_series(t->path, &arena, &objects, err)) {
        struct strbuf list = {0};
        list_names(&list, tables);
        list_names(&list, objects);
        struct position pos = {.file = t->path};
        error_at(err, ERROR_USAGE, &pos, NULL, "has no table \"%.100s\"", t->table);
        error_hint(err, "it has: %s", list.length ? list.text : "none");
        strbuf_free(&list);
    }
    arena_free(&arena);
    return false;
}

static bool add_wanted(struct table_reader *t, hid_t group, const char *const *wanted, struct error *err) {
    for (; *wanted; wanted++) {
        hid_t d = H5Lexists(group, *wanted, H5P_DEFAULT) > 0 ? H5Dopen2(group, *wanted, H5P_DEFAULT)
                                                             : H5I_INVALID_HID;
        if (d < 0) {
            return table_invalid(t, err, *wanted, "is missing");
        }
        if (!add_column(t, d, *wanted, err)) {
            return false;
        }
    }
    return true;
}

bool table_reader_find(struct table_reader *t, const char *const *wanted, struct error *err) {
    hid_t object = *t->table ? H5Oopen(t->file, t->table, H5P_DEFAULT) : H5I_INVALID_HID;
    H5I_type_t kind = object >= 0 ? H5Iget_type(object) : H5I_BADID;
    if (kind == H5I_DATASET && hdf5_is_list(object)) {
        const char *slash = strrchr(t->table, '/');
        return add_column(t, object, slash ? slash + 1 : t->table, err);
    }
    bool done;
    if (kind != H5I_GROUP || !hdf5_holds_lists(object)) {
        done = unknown_table(t, err);
    } else {
        done = wanted ? add_wanted(t, object, wanted, err) : add_group(t, object, err);
    }
    hdf5_drop(object);
    return done;
}

struct table_reader *table_reader_new(hid_t file, const char *path, const char *table) {
    struct table_reader *t = mem_zalloc(1, sizeof *t);
    t->path = path;
    t->table = table + (*table == '/');
    t->file = file;
    t->block_rows = BLOCK_ROWS;
    return t;
}

/* ---- rows ---- */

static hid_t one_block(hsize_t rows) {
    return H5Screate_simple(1, &rows, NULL);
}

static bool read_block(const struct table_reader *t, struct table_column *column, hsize_t at, hsize_t rows,
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
    return done || hdf5_damaged(t->path, err);
}

/* Texts of variable length come on HDF5's heap. */
static void release_texts(const struct table_column *column, hsize_t rows) {
    if (column->form == CELL_TEXT && rows > 0) {
        hid_t memory = one_block(rows);
        H5Dvlen_reclaim(column->memory, memory, H5P_DEFAULT, column->values);
        hdf5_drop(memory);
    }
}

static void release_block(struct table_reader *t) {
    for (size_t i = 0; i < t->column_count && t->loaded; i++) {
        release_texts(&t->columns[i], t->loaded);
    }
    t->loaded = 0;
}

static void make_room(struct table_reader *t) {
    size_t most = t->rows < t->block_rows ? (size_t)t->rows : (size_t)t->block_rows;
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].form != CELL_TIME) {
            t->columns[i].values = mem_zalloc(most + 1, t->columns[i].width);
        }
    }
    t->allocated = true;
}

size_t table_reader_next(struct table_reader *t, struct error *err) {
    hsize_t at = t->at + t->loaded;
    hsize_t left = t->rows - at;
    hsize_t rows = left < t->block_rows ? left : t->block_rows;
    release_block(t);
    t->at = at;
    if (interrupt_requested()) {
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    }
    if (!t->allocated) {
        make_room(t);
    }
    for (size_t i = 0; i < t->column_count && rows > 0; i++) {
        if (!read_block(t, &t->columns[i], at, rows, err)) {
            while (i) {
                release_texts(&t->columns[--i], rows);
            }
            return 0;
        }
    }
    t->loaded = (size_t)rows;
    return t->loaded;
}

void table_reader_free(struct table_reader *t) {
    if (!t) {
        return;
    }
    release_block(t);
    for (size_t i = 0; i < t->column_count; i++) {
        hdf5_drop(t->columns[i].dataset);
        hdf5_drop(t->columns[i].memory);
        free(t->columns[i].values);
    }
    arena_free(&t->arena);
    free(t);
}

/* ---- cells ---- */

double table_number(const struct table_column *column, size_t row) {
    const unsigned char *at = column->values + row * column->width;
    if (column->form == CELL_SIGNED) {
        int64_t value;
        memcpy(&value, at, sizeof value);
        return (double)value;
    }
    if (column->form == CELL_FLOAT) {
        double value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return (double)value;
}

bool table_code(const struct table_reader *t, const struct table_column *column, size_t row, size_t *code,
                struct error *err) {
    const unsigned char *at = column->values + row * column->width;
    uint64_t value = *at;
    if (column->form == CELL_NAME) {
        memcpy(&value, at, sizeof value);
        if (value == COLUMN_NO_NAME) {
            *code = SIZE_MAX;
            return true;
        }
    }
    if (value >= column->text_count || !column->texts[value]) {
        return table_invalid(t, err, column->name, "holds a value that its dictionary does not have");
    }
    *code = (size_t)value;
    return true;
}
