/* sim/base/units.h: quantities as people and Kubernetes write them, into SI numbers.
 *
 * A quantity is a decimal number with an optional exponent, then a unit of the kind asked for. Surrounding
 * blanks are ignored. NaN, infinities, hexadecimal, trailing text and values beyond the range of the result
 * are refused. No locale has any effect.
 */
#ifndef DRYDOCK_BASE_UNITS_H
#define DRYDOCK_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum unit_kind {
    UNIT_NUMBER, /* plain: 12, 1e3, 0.5; no unit */
    UNIT_COUNT,  /* Kubernetes resource.Quantity: 500m, 2, 1k, 4Ki, 1e3 */
    UNIT_BYTES,  /* as UNIT_COUNT, and 512MB, 2GiB, 10GB (B, kB, KB, MB, GB, TB decimal; KiB, MiB ... binary)
                  */
    UNIT_DURATION,  /* seconds: 90s, 1h30m, 250ms, 10us, 5ns, 2d, 1w; a bare number is seconds */
    UNIT_BANDWIDTH, /* bytes per second: 200Mbps, 25Gbps (bits), 3GBps, 3GB/s, 100MiB/s (bytes); bare =
                       bytes/s */
    UNIT_RATE,      /* per second: 5/s, 300/min, 2/h; bare = per second */
    UNIT_USD,       /* dollars: $2.50, 2.50 USD, 2.50 */
    UNIT_USD_PER_H, /* dollars an hour: $2.50/h, 2.50; $60/day */
    UNIT_FRACTION,  /* 0.95, 95% */
    UNIT_KINDS
};

/* What `kind` expects, for messages: "a duration such as 90s or 1h30m". */
const char *unit_expects(enum unit_kind kind);

/* Parses `text` whole. False when it is not a quantity of that kind; *value is then untouched. */
bool unit_parse(enum unit_kind kind, const char *text, double *value);

/* A Kubernetes resource.Quantity in thousandths, exact, rounded up as the API does (500m -> 500, 2 -> 2000,
 * 1.5Gi -> 1610612736000). False when malformed or beyond int64. Negative values are parsed. */
bool unit_parse_milli(const char *text, int64_t *milli);

/* Number in plain form for messages: 1h30m, 2Gi, 12.5; `out` holds at least 48 bytes. Returns out. */
const char *unit_text(enum unit_kind kind, double value, char out[48]);

#endif
