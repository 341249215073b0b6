/* traces/drydock_h5.c: reading drydock.trace/1. The layout is told in h5_columns.h. */
#include <stdlib.h>
#include <string.h>

#include "traces/format/h5_columns.h"
#include "traces/source.h"

const struct h5_column h5_columns[H5_COLUMN_COUNT] = {
    {"arrival_ps", H5_I64, offsetof(struct trace_row, arrival_ps), "ps"},
    {"input_tokens", H5_U32, offsetof(struct trace_row, input_tokens), "tokens"},
    {"output_tokens", H5_U32, offsetof(struct trace_row, output_tokens), "tokens"},
    {"service", H5_U32, offsetof(struct trace_row, service), "index into names"},
    {"tenant", H5_U32, offsetof(struct trace_row, tenant), "index into names"},
    {"region", H5_U32, offsetof(struct trace_row, region), "index into names"},
    {"images", H5_U32, offsetof(struct trace_row, images), "1"},
    {"image_tokens", H5_U32, offsetof(struct trace_row, image_tokens), "tokens"},
    {"hash_count", H5_U32, offsetof(struct trace_row, hash_count), "1"},
    {"hash_block_tokens", H5_U32, offsetof(struct trace_row, hash_block_tokens), "tokens"},
    {"session", H5_U64, offsetof(struct trace_row, session), "1"},
    {"payload_bytes", H5_I64, offsetof(struct trace_row, payload_bytes), "bytes"},
    {"audio_s", H5_F64, offsetof(struct trace_row, audio_s), "s"},
    {"service_s", H5_F64, offsetof(struct trace_row, service_s), "s"},
    {"source", H5_U32, offsetof(struct trace_row, source), "1"},
};

hid_t h5_memory_type(enum h5_type type) {
    switch (type) {
    case H5_U32:
        return H5T_NATIVE_UINT32;
    case H5_U64:
        return H5T_NATIVE_UINT64;
    case H5_I64:
        return H5T_NATIVE_INT64;
    case H5_F64:
        break;
    }
    return H5T_NATIVE_DOUBLE;
}

size_t h5_type_bytes(enum h5_type type) {
    return type == H5_U32 ? 4 : 8;
}

enum {
    NAMES_STORED_MAX = TRACE_NAMES_MAX,
    HASHES_PER_ROW_MAX = 65536,
    BATCH_ROWS = 512 /* given out at a time: 48 KiB, written and read while they are in the nearest cache */
};

struct h5_source {
    struct trace_source base;
    char *path;
    hid_t file;
    hid_t columns[H5_COLUMN_COUNT]; /* H5I_INVALID_HID = absent */
    hid_t hashes;
    uint64_t row_count;
    uint64_t hash_total;
    uint64_t next_row;
    uint64_t next_hash;
    simtime latest;
    uint32_t *name_map; /* the file's indices to ours */
    uint32_t name_count;
    uint32_t service;
    bool service_forced;
    uint64_t *hash_rows;
    size_t hash_capacity;
    uint64_t chunk_row;                     /* first row of the values at hand ... */
    size_t chunk_rows;                      /* ... and how many */
    unsigned char *values[H5_COLUMN_COUNT]; /* NULL = absent */
    struct trace_row rows[BATCH_ROWS];      /* 0 in absent columns from the beginning */
};

static bool fail(const struct h5_source *h, const char *field, const char *expected, struct error *err) {
    struct position pos = {.file = h->path};
    return error_at(err, ERROR_INVALID, &pos, field, "expected %s", expected);
}

/* ---- opening ---- */

/* The only text of an attribute, of fixed length (as we write them) or of variable length (as h5py does). */
static bool read_stored_text(hid_t attribute, hid_t stored, char *out, size_t bytes) {
    memset(out, 0, bytes);
    if (H5Tis_variable_str(stored) == 0) {
        return H5Tget_size(stored) < bytes && H5Aread(attribute, stored, out) >= 0;
    }
    char *text = NULL;
    bool good = H5Aread(attribute, stored, &text) >= 0 && text && strlen(text) < bytes;
    if (good) {
        memcpy(out, text, strlen(text));
    }
    H5free_memory(text);
    return good;
}

/* A text attribute of the root group into out; false when there is none such. */
static bool read_text(hid_t file, const char *name, char *out, size_t bytes) {
    if (H5Aexists(file, name) <= 0) {
        return false;
    }
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    hid_t stored = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    bool good = H5Tget_class(stored) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1 &&
                read_stored_text(attribute, stored, out, bytes);
    H5Sclose(space);
    H5Tclose(stored);
    H5Aclose(attribute);
    return good;
}

/* Opens a 1-D dataset of numbers: its length, or -1. */
static hssize_t open_column(hid_t file, const char *name, bool real, hid_t *dataset) {
    *dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (*dataset < 0) {
        return -1;
    }
    hid_t space = H5Dget_space(*dataset);
    hid_t type = H5Dget_type(*dataset);
    H5T_class_t class = H5Tget_class(type);
    bool good = H5Sget_simple_extent_ndims(space) == 1 &&
                (class == H5T_INTEGER || (real && class == H5T_FLOAT)) && H5Tget_size(type) <= 8;
    hssize_t length = good ? H5Sget_simple_extent_npoints(space) : -1;
    H5Tclose(type);
    H5Sclose(space);
    return length;
}

static bool has_link(hid_t file, const char *name) {
    return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

static bool open_columns(struct h5_source *h, struct error *err) {
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        const struct h5_column *column = &h5_columns[i];
        if (!has_link(h->file, column->name)) {
            if (i == 0) {
                return fail(h, column->name, "this column in the file", err);
            }
            continue;
        }
        hssize_t length = open_column(h->file, column->name, column->type == H5_F64, &h->columns[i]);
        if (length < 0) {
            return fail(h, column->name, "a one-dimensional dataset of numbers", err);
        }
        if (i == 0) {
            h->row_count = (uint64_t)length;
        } else if ((uint64_t)length != h->row_count) {
            return fail(h, column->name, "as many rows as arrival_ps has", err);
        }
        char *columns = h->base.report.columns;
        strcat(columns, columns[0] ? "," : "");
        strcat(columns, i == 0 ? "arrival_s" : column->name); /* fits: the names are ours and few */
    }
    if (!has_link(h->file, "hashes")) {
        return true;
    }
    hssize_t length = open_column(h->file, "hashes", false, &h->hashes);
    if (length < 0) {
        return fail(h, "hashes", "a one-dimensional dataset of whole numbers", err);
    }
    h->hash_total = (uint64_t)length;
    return true;
}

enum { NAME_STORED_MAX = 256 };

static bool keep_name(struct h5_source *h, struct trace_names *names, uint32_t i, const char *text) {
    size_t length = text ? strnlen(text, NAME_STORED_MAX) : 0;
    bool good = text && !name_trouble(text, length);
    h->name_map[i] = good ? trace_names_intern(names, text, length) : 0;
    return good;
}

/* Texts of fixed length, as we write them. */
static bool read_fixed_names(struct h5_source *h, struct trace_names *names, hid_t dataset, hid_t type) {
    size_t bytes = H5Tget_size(type);
    if (bytes == 0 || bytes > NAME_STORED_MAX) {
        return false;
    }
    char *texts = mem_zalloc(h->name_count, bytes);
    char name[NAME_STORED_MAX + 1];
    bool good = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
    for (uint32_t i = 0; good && i < h->name_count; i++) {
        memcpy(name, texts + i * bytes, bytes);
        name[bytes] = '\0';
        good = keep_name(h, names, i, name);
    }
    free(texts);
    return good;
}

/* Of variable length, as h5py does. */
static bool read_free_names(struct h5_source *h, struct trace_names *names, hid_t dataset, hid_t type,
                            hid_t space) {
    char **texts = mem_zalloc(h->name_count, sizeof *texts);
    bool good = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
    if (good) {
        for (uint32_t i = 0; i < h->name_count; i++) {
            good = keep_name(h, names, i, texts[i]) && good;
        }
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    }
    free(texts);
    return good;
}

/* The file's names into the run's table. */
static bool read_names(struct h5_source *h, struct trace_names *names, struct error *err) {
    static const char expected[] = "a one-dimensional dataset of texts of at most 256 bytes";
    if (!has_link(h->file, "names")) {
        return true;
    }
    hid_t dataset = H5Dopen2(h->file, "names", H5P_DEFAULT);
    if (dataset < 0) {
        return fail(h, "names", expected, err);
    }
    hid_t type = H5Dget_type(dataset);
    hid_t space = H5Dget_space(dataset);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    bool good = H5Tget_class(type) == H5T_STRING && count > 0 && count <= NAMES_STORED_MAX;
    if (good) {
        h->name_count = (uint32_t)count;
        h->name_map = mem_zalloc((size_t)count, sizeof *h->name_map);
        good = H5Tis_variable_str(type) > 0 ? read_free_names(h, names, dataset, type, space)
                                            : read_fixed_names(h, names, dataset, type);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return good || fail(h, "names", expected, err);
}

static bool open_h5(struct h5_source *h, struct error *err) {
    char schema[64];
    h->file = H5Fopen(h->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (h->file < 0) {
        fail(h, NULL, "a whole HDF5 file; this one is truncated or damaged", err);
        return error_hint(err, "convert or copy it again");
    }
    if (!read_text(h->file, "schema", schema, sizeof schema)) {
        return fail(h, "schema", "the attribute schema = " H5_TRACE_SCHEMA, err);
    }
    if (strcmp(schema, H5_TRACE_SCHEMA) != 0) {
        fail(h, "schema", "a trace (" H5_TRACE_SCHEMA ")", err);
        return error_hint(err, "the file is %.60s", schema);
    }
    struct trace_report *report = &h->base.report;
    if (!read_text(h->file, "start", report->start, sizeof report->start)) {
        report->start[0] = '\0';
    }
    return open_columns(h, err);
}

/* ---- rows ---- */

/* Rows next_row .. next_row + n of a 1-D dataset into memory of the type. */
static bool read_part(hid_t dataset, hid_t type, uint64_t from, uint64_t n, void *into) {
    hsize_t start = from;
    hsize_t count = n;
    hid_t space = H5Dget_space(dataset);
    hid_t memory = H5Screate_simple(1, &count, NULL);
    bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
                H5Dread(dataset, type, memory, space, H5P_DEFAULT, into) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

/* A chunk of every column: a call costs the library some microseconds. */
static bool read_chunk(struct h5_source *h, struct error *err) {
    uint64_t left = h->row_count - h->next_row;
    h->chunk_row = h->next_row;
    h->chunk_rows = left < H5_CHUNK_ROWS ? (size_t)left : H5_CHUNK_ROWS;
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        const struct h5_column *column = &h5_columns[i];
        if (h->columns[i] < 0) {
            continue;
        }
        if (!h->values[i]) {
            h->values[i] = mem_alloc(H5_CHUNK_ROWS * h5_type_bytes(column->type));
        }
        if (!read_part(h->columns[i], h5_memory_type(column->type), h->chunk_row, h->chunk_rows,
                       h->values[i])) {
            return fail(h, column->name, "readable data; the file is damaged", err);
        }
    }
    return true;
}

static void put_words(uint32_t *to, const uint32_t *values, size_t n) {
    for (size_t i = 0; i < n; i++, to += sizeof(struct trace_row) / sizeof *to) {
        *to = values[i];
    }
}

static void put_long_words(uint64_t *to, const uint64_t *values, size_t n) {
    for (size_t i = 0; i < n; i++, to += sizeof(struct trace_row) / sizeof *to) {
        *to = values[i];
    }
}

/* The next n rows of the chunk at hand. */
static void put_columns(struct h5_source *h, size_t n) {
    size_t at = (size_t)(h->next_row - h->chunk_row);
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        const struct h5_column *column = &h5_columns[i];
        void *to = (char *)h->rows + column->offset;
        const void *values = h->values[i] ? h->values[i] + at * h5_type_bytes(column->type) : NULL;
        if (values && column->type == H5_U32) {
            put_words(to, values, n);
        } else if (values) {
            put_long_words(to, values, n);
        }
    }
}

static bool fail_row(const struct h5_source *h, size_t row, const char *expected, struct error *err) {
    struct position pos = {.file = h->path};
    return error_at(err, ERROR_INVALID, &pos, NULL, "row %llu: expected %s",
                    (unsigned long long)h->next_row + row, expected);
}

static bool map_name(const struct h5_source *h, uint32_t *name) {
    if (*name == 0) {
        return true;
    }
    if (*name >= h->name_count) {
        return false;
    }
    *name = h->name_map[*name];
    return true;
}

/* ---- what a file from elsewhere may not keep ---- */

/* Whether no count is above TRACE_TOKENS_MAX, all of whose bits are set. */
static bool counts_are_good(const uint32_t *values, size_t n) {
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits |= values[i];
    }
    return bits <= TRACE_TOKENS_MAX;
}

static bool in_order(const simtime *arrivals, size_t n) {
    bool late = false;
    for (size_t i = 1; i < n; i++) {
        late |= arrivals[i] < arrivals[i - 1];
    }
    return !late;
}

/* Whether check_row has nothing to say of the next n rows: most files have few columns, and these are looked
 * at where they lie side by side. */
static bool columns_are_good(const struct h5_source *h, size_t n) {
    size_t at = (size_t)(h->next_row - h->chunk_row);
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        const struct h5_column *column = &h5_columns[i];
        if (!h->values[i] || column->offset == offsetof(struct trace_row, session)) {
            continue;
        }
        const void *values = h->values[i] + at * h5_type_bytes(column->type);
        if (column->offset == offsetof(struct trace_row, arrival_ps)) {
            const simtime *arrivals = values;
            if (arrivals[0] < h->latest || arrivals[n - 1] > SIMTIME_WINDOW_MAX || !in_order(arrivals, n)) {
                return false;
            }
        } else if (column->type != H5_U32 || !counts_are_good(values, n)) {
            return false;
        }
    }
    return true;
}

static bool check_row(struct h5_source *h, size_t i, struct error *err) {
    struct trace_row *row = &h->rows[i];
    if (row->arrival_ps < h->latest || row->arrival_ps > SIMTIME_WINDOW_MAX) {
        return fail_row(h, i, "an arrival not before the row above and within 100 days", err);
    }
    h->latest = row->arrival_ps;
    if (row->input_tokens > TRACE_TOKENS_MAX || row->output_tokens > TRACE_TOKENS_MAX ||
        row->images > TRACE_TOKENS_MAX || row->image_tokens > TRACE_TOKENS_MAX) {
        return fail_row(h, i, "counts up to 2147483647", err);
    }
    if (row->payload_bytes < 0 || !(row->audio_s >= 0 && row->audio_s < 1e9) ||
        !(row->service_s >= 0 && row->service_s < 1e9)) {
        return fail_row(h, i, "payload_bytes, audio_s and service_s that are finite and not negative", err);
    }
    return true;
}

/* The file's names into ours, in the columns that there are. */
static bool map_names(struct h5_source *h, size_t n, struct error *err) {
    for (int column = 0; column < H5_COLUMN_COUNT; column++) {
        size_t offset = h5_columns[column].offset;
        bool names = offset == offsetof(struct trace_row, service) ||
                     offset == offsetof(struct trace_row, tenant) ||
                     offset == offsetof(struct trace_row, region);
        for (size_t i = 0; names && h->values[column] && i < n; i++) {
            if (!map_name(h, (uint32_t *)(void *)((char *)&h->rows[i] + offset))) {
                return fail_row(h, i, "service, tenant and region that are in names", err);
            }
        }
    }
    return true;
}

static bool check_rows(struct h5_source *h, size_t n, struct error *err) {
    bool good = n == 0 || columns_are_good(h, n);
    for (size_t i = 0; !good && i < n; i++) {
        if (!check_row(h, i, err)) {
            return false;
        }
    }
    h->latest = n > 0 ? h->rows[n - 1].arrival_ps : h->latest;
    return map_names(h, n, err);
}

static void number_rows(struct h5_source *h, size_t n) {
    for (size_t i = 0; i < n; i++) {
        h->rows[i].row = h->next_row + i;
    }
    for (size_t i = 0; h->service_forced && i < n; i++) {
        h->rows[i].service = h->service;
    }
}

/* The hashes of n rows lie end to end. */
static bool read_hashes(struct h5_source *h, size_t n, struct error *err) {
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (h->rows[i].hash_count > HASHES_PER_ROW_MAX) {
            return fail_row(h, i, "at most 65536 hashes", err);
        }
        h->rows[i].hashes = NULL;
        total += h->rows[i].hash_count;
    }
    if (total == 0) {
        return true;
    }
    if (total > h->hash_total - h->next_hash) {
        return fail(h, "hashes", "as many hashes as hash_count adds up to", err);
    }
    if (total > h->hash_capacity) {
        h->hash_capacity = total;
        h->hash_rows = mem_realloc(h->hash_rows, total, sizeof *h->hash_rows);
    }
    if (!read_part(h->hashes, H5T_NATIVE_UINT64, h->next_hash, total, h->hash_rows)) {
        return fail(h, "hashes", "readable data; the file is damaged", err);
    }
    h->next_hash += total;
    const uint64_t *at = h->hash_rows;
    for (size_t i = 0; i < n; i++) {
        h->rows[i].hashes = h->rows[i].hash_count ? at : NULL;
        at += h->rows[i].hash_count;
    }
    return true;
}

static bool h5_fill(struct trace_source *s, struct error *err) {
    struct h5_source *h = (struct h5_source *)s;
    if (h->next_row == h->chunk_row + h->chunk_rows && !read_chunk(h, err)) {
        return false;
    }
    uint64_t left = h->chunk_row + h->chunk_rows - h->next_row;
    size_t n = left < BATCH_ROWS ? (size_t)left : BATCH_ROWS;
    put_columns(h, n);
    if (!check_rows(h, n, err) || !read_hashes(h, n, err)) {
        return false;
    }
    number_rows(h, n);
    h->next_row += n;
    s->rows = h->rows;
    s->count = n;
    return true;
}

static void h5_close(struct trace_source *s) {
    struct h5_source *h = (struct h5_source *)s;
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        if (h->columns[i] >= 0) {
            H5Dclose(h->columns[i]);
        }
        free(h->values[i]);
    }
    if (h->hashes >= 0) {
        H5Dclose(h->hashes);
    }
    if (h->file >= 0) {
        H5Fclose(h->file);
    }
    free(h->name_map);
    free(h->hash_rows);
    free(h->path);
    free(h);
}

static int h5_probe(const char *head, size_t length) {
    return length >= 8 && !memcmp(head, "\x89HDF\r\n\x1a\n", 8) ? 2 : 0;
}

static struct trace_source *h5_open(struct trace_input *input, const struct trace_open_options *options,
                                    struct trace_names *names, struct error *err) {
    static const struct trace_source_ops ops = {h5_fill, h5_close, NULL};
    struct position pos = {.file = input->path};
    if (input->lines.packed) {
        error_at(err, ERROR_INVALID, &pos, NULL,
                 "expected an HDF5 file as it is; this one is packed by gzip");
        error_hint(err, "unpack it: gunzip");
        return NULL;
    }
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its stack of errors says nothing to users */
    struct h5_source *h = mem_zalloc(1, sizeof *h);
    h->base.ops = &ops;
    h->path = strdup(input->path);
    h->file = h->hashes = H5I_INVALID_HID;
    h->latest = 0;
    for (int i = 0; i < H5_COLUMN_COUNT; i++) {
        h->columns[i] = H5I_INVALID_HID;
    }
    strcpy(h->base.report.format, "drydock");
    if (options && options->service) {
        h->service = trace_names_intern(names, options->service, strlen(options->service));
        h->service_forced = true;
    }
    if (!open_h5(h, err) || !read_names(h, names, err)) {
        h5_close(&h->base);
        return NULL;
    }
    return &h->base;
}

const struct trace_format trace_format_drydock = {
    "drydock", "drydock.trace/1: our own columns in HDF5, written by `drydock trace convert`", h5_probe,
    h5_open};
