/* analysis/export/exports.h: results in other programs' formats. One file a format, one row in exports.c;
 * `drydock export` and its help print from the rows. */
#ifndef DRYDOCK_ANALYSIS_EXPORT_EXPORTS_H
#define DRYDOCK_ANALYSIS_EXPORT_EXPORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct export_request {
    const char *h5_path;
    const char *table;   /* NULL = the format's default */
    double from_s, to_s; /* of the run; to_s infinite = to its end */
    uint64_t requests;   /* at most so many; 0 = the format's default */
};

struct exporter {
    const char *name;          /* "csv" */
    const char *help;          /* one line */
    const char *default_table; /* NULL: the format takes no --table */
    bool windowed;             /* takes --from, --to and --requests */
    /* Writes to `out`, which the caller opens, flushes and checks. */
    bool (*write)(const struct export_request *request, FILE *out, struct error *err);
};

extern const struct exporter csv_exporter;
extern const struct exporter trace_event_exporter;
extern const struct exporter openmetrics_exporter;

extern const struct exporter *const exporters[]; /* ended by NULL */

/* NULL with ERROR_USAGE, naming what there is, when there is none of that name. */
const struct exporter *exporter_find(const char *name, struct error *err);

#endif
