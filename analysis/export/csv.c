#include "analysis/export/exports.h"
#include "record/record.h"

static bool write_csv(const struct export_request *request, FILE *out, struct error *err) {
    return result_export_csv(request->h5_path, request->table, out, err);
}

const struct exporter csv_exporter = {
    .name = "csv",
    .help = "one table (or time series) as comma-separated values",
    .default_table = "requests",
    .write = write_csv,
};
