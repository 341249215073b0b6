/* traces/columns.h: tables of text with a header line: what Azure, BurstGPT, GenTD26 and our own CSV share
 * (private). A format is a table of column names and, if need be, a rule over the finished row. */
#ifndef DRYDOCK_TRACES_COLUMNS_H
#define DRYDOCK_TRACES_COLUMNS_H

#include "traces/format/plan.h"
#include "traces/source.h"

/* What a column says; one row each in column_uses[] of columns.c, which has our name of it. */
enum column_use {
    COLUMN_IGNORED,
    COLUMN_ARRIVAL, /* seconds or a date */
    COLUMN_ARRIVAL_MS,
    COLUMN_INPUT,
    COLUMN_OUTPUT,
    COLUMN_TEXT,
    COLUMN_IMAGES,
    COLUMN_IMAGE_TOKENS, /* one number, or one an image, ';' between */
    COLUMN_AUDIO,
    COLUMN_SERVICE_S,
    COLUMN_PAYLOAD,
    COLUMN_SERVICE,
    COLUMN_TENANT,
    COLUMN_REGION,
    COLUMN_SESSION,
    COLUMN_STATUS, /* for the format's rule */
    COLUMN_USES
};

struct csv_column {
    const char *name; /* the file's */
    enum column_use use;
    bool required;
};

/* A row on its way: what the columns said that struct trace_row has no place for. */
struct csv_row {
    struct trace_row *row;
    uint64_t given; /* bit per column_use */
    struct instant at;
    bool date;
    uint64_t text_tokens;
    uint64_t image_list; /* entries of a COLUMN_IMAGE_TOKENS list */
    const char *status;
    size_t status_length;
};

struct csv_dialect {
    const char *format;
    const struct csv_column *columns; /* ended by name NULL */
    bool open_ended;                  /* columns that are not named above are expected and not worth a word */
    /* Why the row cannot be used, or NULL; *failed when it is a request that the traced system failed. */
    const char *(*rule)(const struct csv_row *row, bool *failed);
};

enum { CSV_COLUMNS_MAX = 256, CSV_QUOTED_BYTES_MAX = 4096 };

struct csv_source {
    struct file_source file; /* first: a csv_source is a file_source is a trace_source */
    const struct csv_dialect *dialect;
    struct arena arena;
    size_t column_count;
    unsigned char uses[CSV_COLUMNS_MAX];
    const char *names[CSV_COLUMNS_MAX]; /* the file's, for messages */
    char quoted[CSV_QUOTED_BYTES_MAX];
    struct plan *plan; /* NULL: rows go through the parser of single rows alone */
};

/* Reads the header line by the dialect's table. On failure the source is closed (by ops) and NULL given. */
struct csv_source *csv_source_new(struct trace_input *input, const struct csv_dialect *dialect,
                                  const struct trace_source_ops *ops,
                                  const struct trace_open_options *options, struct trace_names *names,
                                  struct error *err);
struct trace_source *csv_open_dialect(struct trace_input *input, const struct csv_dialect *dialect,
                                      const struct trace_open_options *options, struct trace_names *names,
                                      struct error *err);
bool csv_fill(struct trace_source *s, struct error *err);
void csv_close(struct trace_source *s);

/* Our name of a use ("input_tokens"); the use of our name, COLUMN_IGNORED when there is none such. */
const char *column_use_name(enum column_use use);
enum column_use column_use_find(const char *name, size_t length);

#endif
