/* Tables. A row is copied whole into a stage of 256 rows; a full stage is taken apart column by column, in
 * loops that have one type each, into the columns' buffers; full buffers become one chunk each. So an append
 * is a memcpy, and what a type costs is paid in a loop that the compiler unrolls.
 *
 * Chunks of numbers are given to HDF5 as finished bytes (H5Dwrite_chunk): its own path would leave the unused
 * end of the last chunk to chance, and copies once more. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/simtime.h"
#include "record/recorder.h"

enum {
    CHUNK_ROWS = 65536,
    STAGE_ROWS = 256, /* divides CHUNK_ROWS */
    ROW_BYTES_MAX = 1 << 16,
    ENUM_MAX = 256,
    TEXT_BUFFER_BYTES = 1 << 14, /* the library clears it for each writing; its own is 1 MiB */
};

struct stored_column {
    const struct column *spec;
    size_t width; /* bytes a value */
    hid_t type;
    hid_t dataset;
};

/* Rows of a table on their way into the file: a chunk, or the last part of one. */
struct table_chunk {
    struct record_table *table;
    hsize_t at;
    size_t rows;
    unsigned char *values[]; /* of each column, in the file's type */
};

struct record_table {
    struct record_table *next;
    struct recorder *recorder;
    hid_t group;
    size_t row_bytes;
    struct stored_column *columns;
    size_t column_count;
    bool has_text;
    size_t staged;
    unsigned char *stage;
    struct table_chunk *chunk; /* that is being filled */
    struct table_chunk *spare; /* that came back from the writer */
    size_t capacity;           /* rows of `chunk`: grows to CHUNK_ROWS */
    uint64_t written;          /* or on the way */
    size_t chunk_rows;         /* 0 until the first chunk is written */
    struct arena texts;        /* of the rows staged and in `chunk` */
};

static struct table_chunk *new_chunk(struct record_table *t, size_t rows) {
    struct table_chunk *chunk = mem_zalloc(1, sizeof *chunk + t->column_count * sizeof *chunk->values);
    chunk->table = t;
    for (size_t i = 0; rows > 0 && i < t->column_count; i++) {
        chunk->values[i] = mem_alloc(rows * t->columns[i].width);
    }
    return chunk;
}

static void free_chunk(struct table_chunk *chunk) {
    for (size_t i = 0; chunk && i < chunk->table->column_count; i++) {
        free(chunk->values[i]);
    }
    free(chunk);
}

static size_t width_of(enum column_type type) {
    switch (type) {
    case COLUMN_U8:
    case COLUMN_ENUM8:
        return 1;
    case COLUMN_I32:
    case COLUMN_U32:
    case COLUMN_NAME:
        return 4;
    default:
        return 8;
    }
}

static hid_t enum_type(const char *const *names) {
    hid_t type = H5Tenum_create(H5T_STD_U8LE);
    for (size_t i = 0; names[i] && i < ENUM_MAX; i++) {
        uint8_t value = (uint8_t)i;
        H5Tenum_insert(type, names[i], &value);
    }
    return type;
}

static hid_t type_of(const struct column *c) {
    switch (c->type) {
    case COLUMN_F64:
    case COLUMN_SECONDS_PS:
        return H5Tcopy(H5T_IEEE_F64LE);
    case COLUMN_I64:
        return H5Tcopy(H5T_STD_I64LE);
    case COLUMN_U64:
        return H5Tcopy(H5T_STD_U64LE);
    case COLUMN_I32:
        return H5Tcopy(H5T_STD_I32LE);
    case COLUMN_U32:
    case COLUMN_NAME:
        return H5Tcopy(H5T_STD_U32LE);
    case COLUMN_U8:
        return H5Tcopy(H5T_STD_U8LE);
    case COLUMN_ENUM8:
        return enum_type(c->names);
    case COLUMN_TEXT:
        break;
    }
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

struct record_table *recorder_table(struct recorder *r, const char *path, const struct column *columns,
                                    size_t row_bytes, struct error *err) {
    struct record_table *t = arena_alloc(&r->arena, sizeof *t);
    recorder_settle(r);
    t->recorder = r;
    t->group = hdf5_group(r->file, path);
    if (!recorder_check(r, t->group >= 0 && row_bytes > 0 && row_bytes <= ROW_BYTES_MAX, err)) {
        hdf5_drop(t->group);
        return NULL;
    }
    while (columns[t->column_count].name) {
        t->column_count++;
    }
    t->row_bytes = row_bytes;
    t->stage = arena_array(&r->arena, STAGE_ROWS, row_bytes);
    t->columns = arena_array(&r->arena, t->column_count, sizeof *t->columns);
    for (size_t i = 0; i < t->column_count; i++) {
        t->columns[i] = (struct stored_column){.spec = &columns[i],
                                               .width = width_of(columns[i].type),
                                               .type = type_of(&columns[i]),
                                               .dataset = H5I_INVALID_HID};
        t->has_text = t->has_text || columns[i].type == COLUMN_TEXT;
    }
    t->chunk = new_chunk(t, 0);
    t->next = r->tables;
    r->tables = t;
    return t;
}

uint64_t record_rows(const struct record_table *t) {
    return t->written + t->chunk->rows + t->staged;
}

/* ---- chunks ---- */

static bool describe(const struct stored_column *c) {
    const struct column *spec = c->spec;
    char place[300];
    snprintf(place, sizeof place, "/names/%s", spec->dictionary ? spec->dictionary : "");
    return (!spec->units || hdf5_text_attribute(c->dataset, "units", spec->units)) &&
           (!spec->long_name || hdf5_text_attribute(c->dataset, "long_name", spec->long_name)) &&
           (!spec->dictionary || hdf5_text_attribute(c->dataset, "dictionary", place));
}

/* A table that ends below one chunk gets a chunk of its size, so that small results stay small. */
static bool make_dataset(struct record_table *t, struct stored_column *c) {
    hsize_t none = 0;
    hsize_t unlimited = H5S_UNLIMITED;
    hsize_t chunk = t->chunk_rows;
    hid_t space = H5Screate_simple(1, &none, &unlimited);
    hid_t p = hdf5_dataset_properties();
    H5Pset_chunk(p, 1, &chunk);
    if (c->spec->type == COLUMN_TEXT) {
        H5Pset_fill_time(p,
                         H5D_FILL_TIME_ALLOC); /* goes through the library's cache, which has to clear it */
    } else if (t->recorder->compress) {
        H5Pset_shuffle(p);
        H5Pset_deflate(p, RECORD_DEFLATE_LEVEL);
    }
    c->dataset = H5Dcreate2(t->group, c->spec->name, c->type, space, H5P_DEFAULT, p, H5P_DEFAULT);
    hdf5_drop(p);
    hdf5_drop(space);
    return c->dataset >= 0 && describe(c);
}

/* The bytes of a chunk as HDF5's shuffle and deflate filters leave them: all first bytes of the values, all
 * second ones ..., then zlib. */
static bool write_deflated(const struct stored_column *c, const unsigned char *values, hsize_t at,
                           size_t rows) {
    size_t bytes = rows * c->width;
    uLongf packed_bytes = compressBound(bytes);
    unsigned char *shuffled = mem_alloc(bytes);
    unsigned char *packed = mem_alloc(packed_bytes);
    for (size_t byte = 0; byte < c->width; byte++) {
        for (size_t i = 0; i < rows; i++) {
            shuffled[byte * rows + i] = values[i * c->width + byte];
        }
    }
    bool done = compress2(packed, &packed_bytes, shuffled, bytes, RECORD_DEFLATE_LEVEL) == Z_OK &&
                H5Dwrite_chunk(c->dataset, H5P_DEFAULT, 0, &at, packed_bytes, packed) >= 0;
    free(packed);
    free(shuffled);
    return done;
}

static bool write_texts(const struct stored_column *c, const unsigned char *values, hsize_t at,
                        hsize_t rows) {
    hid_t memory = H5Screate_simple(1, &rows, NULL);
    hid_t file = H5Dget_space(c->dataset);
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_buffer(transfer, TEXT_BUFFER_BYTES, NULL, NULL);
    bool done = file >= 0 && H5Sselect_hyperslab(file, H5S_SELECT_SET, &at, NULL, &rows, NULL) >= 0 &&
                H5Dwrite(c->dataset, c->type, memory, file, transfer, values) >= 0;
    hdf5_drop(transfer);
    hdf5_drop(file);
    hdf5_drop(memory);
    return done;
}

static bool write_column(const struct table_chunk *chunk, size_t column) {
    struct record_table *t = chunk->table;
    struct stored_column *c = &t->columns[column];
    unsigned char *values = chunk->values[column];
    if (c->dataset < 0 && !make_dataset(t, c)) {
        return false;
    }
    hsize_t end = chunk->at + chunk->rows;
    if (chunk->rows == 0) {
        return true;
    }
    if (H5Dset_extent(c->dataset, &end) < 0) {
        return false;
    }
    if (c->spec->type == COLUMN_TEXT) {
        return write_texts(c, values, chunk->at, chunk->rows);
    }
    memset(values + chunk->rows * c->width, 0, (t->chunk_rows - chunk->rows) * c->width);
    if (t->recorder->compress) {
        return write_deflated(c, values, chunk->at, t->chunk_rows);
    }
    return H5Dwrite_chunk(c->dataset, H5P_DEFAULT, 0, &chunk->at, t->chunk_rows * c->width, values) >= 0;
}

bool table_chunk_write(struct table_chunk *chunk) {
    bool done = true;
    for (size_t i = 0; done && i < chunk->table->column_count; i++) {
        done = write_column(chunk, i) && chunk->table->recorder->failure == 0;
    }
    return done;
}

void table_chunk_give_back(struct table_chunk *chunk) {
    struct record_table *t = chunk->table;
    if (t->spare) {
        free_chunk(chunk);
    } else {
        t->spare = chunk;
    }
}

/* A full chunk of numbers goes to the writer, if there is to be one; texts would have to be kept for it. */
static bool give_away(struct record_table *t, struct error *err) {
    struct writer *w = t->recorder->writer;
    if (!writer_give(w, t->chunk, err)) {
        return recorder_check(t->recorder, false, err);
    }
    t->chunk = writer_take_back(w, &t->spare);
    if (!t->chunk) {
        t->chunk = new_chunk(t, CHUNK_ROWS);
    }
    t->chunk->rows = 0;
    return true;
}

static bool write_chunk(struct record_table *t, struct error *err) {
    struct table_chunk *chunk = t->chunk;
    if (t->chunk_rows == 0) {
        t->chunk_rows = chunk->rows ? chunk->rows : 1;
    }
    chunk->at = t->written;
    t->written += chunk->rows;
    if (!t->has_text && chunk->rows == CHUNK_ROWS && recorder_has_writer(t->recorder)) {
        return give_away(t, err);
    }
    recorder_settle(t->recorder);
    bool done = table_chunk_write(chunk);
    chunk->rows = 0;
    if (t->has_text) {
        arena_free(&t->texts);
    }
    return recorder_check(t->recorder, done, err);
}

/* ---- rows into columns ---- */

#define GATHER(NAME, TYPE)                                                                                   \
    static void NAME(TYPE *to, const unsigned char *row, size_t row_bytes, size_t rows) {                    \
        for (size_t i = 0; i < rows; i++, row += row_bytes) {                                                \
            memcpy(&to[i], row, sizeof to[i]);                                                               \
        }                                                                                                    \
    }
GATHER(gather8, uint8_t)
GATHER(gather32, uint32_t)
GATHER(gather64, uint64_t)

static void gather_seconds(double *to, const unsigned char *row, size_t row_bytes, size_t rows) {
    for (size_t i = 0; i < rows; i++, row += row_bytes) {
        simtime t;
        memcpy(&t, row, sizeof t);
        to[i] = t < 0 ? NAN : simtime_to_s(t);
    }
}

static void gather(const struct record_table *t, size_t column) {
    const struct stored_column *c = &t->columns[column];
    unsigned char *to = t->chunk->values[column] + t->chunk->rows * c->width;
    const unsigned char *from = t->stage + c->spec->offset;
    if (c->spec->type == COLUMN_SECONDS_PS) {
        gather_seconds((double *)(void *)to, from, t->row_bytes, t->staged);
    } else if (c->width == 8) {
        gather64((uint64_t *)(void *)to, from, t->row_bytes, t->staged);
    } else if (c->width == 4) {
        gather32((uint32_t *)(void *)to, from, t->row_bytes, t->staged);
    } else {
        gather8(to, from, t->row_bytes, t->staged);
    }
}

static void grow(struct record_table *t) {
    size_t capacity = t->capacity ? 4 * t->capacity : STAGE_ROWS;
    t->capacity = capacity < CHUNK_ROWS ? capacity : CHUNK_ROWS;
    for (size_t i = 0; i < t->column_count; i++) {
        t->chunk->values[i] = mem_realloc(t->chunk->values[i], t->capacity, t->columns[i].width);
    }
}

static bool drain(struct record_table *t, struct error *err) {
    if (t->recorder->broken) { /* the buffers may still be full */
        t->staged = 0;
        return recorder_check(t->recorder, false, err);
    }
    if (t->chunk->rows + t->staged > t->capacity) {
        grow(t);
    }
    for (size_t i = 0; i < t->column_count; i++) {
        gather(t, i);
    }
    t->chunk->rows += t->staged;
    t->staged = 0;
    return t->chunk->rows < CHUNK_ROWS || write_chunk(t, err);
}

static void keep_texts(struct record_table *t, unsigned char *row) {
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *spec = t->columns[i].spec;
        if (spec->type == COLUMN_TEXT) {
            const char *text;
            memcpy(&text, row + spec->offset, sizeof text);
            text = arena_strdup(&t->texts, text ? text : "");
            memcpy(row + spec->offset, &text, sizeof text);
        }
    }
}

bool record_append(struct record_table *t, const void *row, struct error *err) {
    unsigned char *to = t->stage + t->staged * t->row_bytes;
    memcpy(to, row, t->row_bytes);
    if (t->has_text) {
        keep_texts(t, to);
    }
    return ++t->staged < STAGE_ROWS || drain(t, err);
}

struct record_table *record_table_next(const struct record_table *t) {
    return t->next;
}

bool record_table_finish(struct record_table *t, struct error *err) {
    if (t->staged && !drain(t, err)) {
        return false;
    }
    /* After a full last chunk there is nothing left to write; a table without rows still wants its columns.
     */
    return (t->chunk->rows == 0 && t->chunk_rows) || write_chunk(t, err);
}

struct record_table *record_table_free(struct record_table *t) {
    for (size_t i = 0; i < t->column_count; i++) {
        hdf5_drop(t->columns[i].dataset);
        hdf5_drop(t->columns[i].type);
    }
    hdf5_drop(t->group);
    free_chunk(t->chunk);
    free_chunk(t->spare);
    arena_free(&t->texts);
    return t->next;
}
