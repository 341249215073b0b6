/* traces/servegen_files.h: ServeGen's client files in memory (private): what servegen.c draws from. */
#ifndef DRYDOCK_TRACES_SERVEGEN_FILES_H
#define DRYDOCK_TRACES_SERVEGEN_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "traces/traces.h"

enum { SERVEGEN_CLIENTS_MAX = 4096, SERVEGEN_WINDOWS_MAX = 20000, SERVEGEN_DATASET_BYTES_MAX = 256 << 20 };

/* A row of chunk-N-trace.csv: window_start_s,rate_per_s,cv,family,shape,scale. The rate is the count of the
 * window by its length; scale is the fit's and does not quite agree with it, so the rate is what counts and
 * the family and shape say how bursty it is. */
struct servegen_window {
    double start_s;
    double rate_per_s; /* 0 = no traffic */
    enum arrival_process family;
    double shape;
};

/* value -> probability, as cumulated probabilities */
struct servegen_law {
    size_t count;
    uint32_t *value;
    double *cumulated; /* of the values up to this one; the last is the sum, near 1 */
};

enum servegen_field {
    SERVEGEN_INPUT, /* language models: the whole prompt */
    SERVEGEN_TEXT,
    SERVEGEN_IMAGE_TOKENS, /* of one image */
    SERVEGEN_IMAGES,
    SERVEGEN_AUDIO_TOKENS,
    SERVEGEN_AUDIOS,
    SERVEGEN_VIDEO_TOKENS,
    SERVEGEN_VIDEOS,
    SERVEGEN_OUTPUT,
    SERVEGEN_FIELDS
};

/* An entry of chunk-N-dataset.json: holds from start_s until the next. */
struct servegen_dataset {
    double start_s;
    struct servegen_law laws[SERVEGEN_FIELDS]; /* count 0 = the field is absent */
};

struct servegen_client {
    char *name; /* "chunk-14" */
    struct servegen_window *windows;
    size_t window_count;
    struct servegen_dataset *datasets;
    size_t dataset_count;
};

/* Reads every client of a folder, ordered by number. ERROR_INVALID with file and line otherwise. */
bool servegen_read(const char *folder, struct arena *arena, struct servegen_client **clients, size_t *count,
                   struct error *err);

#endif
