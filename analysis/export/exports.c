#include "analysis/export/exports.h"

#include <string.h>

#include "base/strbuf.h"

const struct exporter *const exporters[] = {&csv_exporter, &trace_event_exporter, &openmetrics_exporter,
                                            NULL};

/* Formats of the contract that this version does not write yet. */
static const char *const not_yet[] = {"focus", "chargeback", "recommendations", "anomalies", "alerts", NULL};

static bool is_coming(const char *name) {
    for (size_t i = 0; not_yet[i]; i++) {
        if (strcmp(not_yet[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const struct exporter *exporter_find(const char *name, struct error *err) {
    struct strbuf list = {0};
    for (size_t i = 0; exporters[i]; i++) {
        if (strcmp(exporters[i]->name, name) == 0) {
            strbuf_free(&list);
            return exporters[i];
        }
        strbuf_printf(&list, "%s%s", list.length ? ", " : "", exporters[i]->name);
    }
    error_set(err, ERROR_USAGE,
              is_coming(name) ? "the format %.60s is not in this version" : "unknown format \"%.60s\"", name);
    error_hint(err, "formats: %s", list.text);
    strbuf_free(&list);
    return NULL;
}
