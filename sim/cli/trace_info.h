/* sim/cli/trace_info.h: what `drydock trace info` tells of a trace: one pass, in memory that does not grow.
 */
#ifndef DRYDOCK_CLI_TRACE_INFO_H
#define DRYDOCK_CLI_TRACE_INFO_H

#include <json-c/json.h>

#include "base/error.h"
#include "base/hash.h"
#include "traces/traces.h"

/* Lengths are counted one by one below TOKENS_EXACT and in buckets of 1/1024 above. */
enum { TOKENS_EXACT = 1 << 16, TOKENS_BUCKETS = 16 * 1024 };

struct token_counts {
    uint64_t exact[TOKENS_EXACT];
    uint64_t above[TOKENS_BUCKETS];
    uint64_t n;
    uint64_t sum;
    uint32_t max;
};

struct trace_info {
    const char *path;
    struct trace_report report;
    uint64_t requests;
    double first_s, last_s;
    double gap_sum, gap_square_sum;
    bool has_sha256;
    char sha256[SHA256_TEXT_BYTES];
    struct token_counts input;
    struct token_counts output;
};

/* Reads the file through. The struct is large: keep it on the heap or static. */
bool trace_info_read(const char *path, const struct trace_open_options *options, struct trace_info *info,
                     struct error *err);

struct json_object *trace_info_json(const struct trace_info *info);
void trace_info_print(const struct trace_info *info);

/* A double as JSON in the shortest form that reads back; null when not finite. */
struct json_object *json_number(double value);

#endif
