/* sim/scenario/scenario_rows.h: how rows of the scenario's tables are written; private to scenario_fields*.c.
 */
#ifndef DRYDOCK_SCENARIO_ROWS_H
#define DRYDOCK_SCENARIO_ROWS_H

#include <math.h>
#include <stddef.h>

#include "base/simtime.h"
#include "scenario/scenario_parts.h"

#define ROW(name, kind, of, member, text, ...)                                                               \
    { .key = name, .type = FIELD_##kind, .offset = offsetof(struct of, member), .help = text, ##__VA_ARGS__ }
#define DURATION(name, of, member, text, ...)                                                                \
    ROW(name, QUANTITY, of, member, text, .unit = UNIT_DURATION, ##__VA_ARGS__)
#define BYTES(name, of, member, text, ...)                                                                   \
    ROW(name, QUANTITY, of, member, text, .unit = UNIT_BYTES, ##__VA_ARGS__)
#define BANDWIDTH(name, of, member, text, ...)                                                               \
    ROW(name, QUANTITY, of, member, text, .unit = UNIT_BANDWIDTH, ##__VA_ARGS__)
#define LIST(name, member, count, element, table, check, text, ...)                                          \
    {                                                                                                        \
        .key = name, .type = FIELD_LIST, .offset = offsetof(struct scenario, member),                        \
        .count_offset = offsetof(struct scenario, count), .element_bytes = sizeof(struct element),           \
        .rows = table, .finish = check, .help = text, ##__VA_ARGS__                                          \
    }
#define GROUP(name, table, text)                                                                             \
    { .key = name, .type = FIELD_STRUCT, .rows = table, .help = text }

#define WITHIN(least, most) .low = least, .high = most
#define AT_LEAST(least) .low = least, .high = INFINITY
#define WITHIN_WINDOW WITHIN(0, SIMTIME_WINDOW_MAX_S)
#define SIMTIME_WINDOW_MAX_S (100.0 * 86400.0)
_Static_assert(SIMTIME_WINDOW_MAX == (simtime)100 * 86400 * SIMTIME_SECOND, "the window's bound is 100 days");

/* Slowest that still is a transfer: below it a simulated download outlasts any window. */
#define BANDWIDTH_LEAST 1.0
#define BANDWIDTH_MOST 1e15
#define BYTES_MOST 1e18

#endif
