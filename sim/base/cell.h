/* sim/base/cell.h: figures and texts as a person reads them in a table on a terminal. Not for files: three
 * significant digits are what fits a column, not what a program should read back.
 *
 * Texts come from input files. What is appended here never holds a control character, and its width is
 * counted in characters of UTF-8 (each taken as one column wide).
 */
#ifndef DRYDOCK_BASE_CELL_H
#define DRYDOCK_BASE_CELL_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

enum { CELL_BYTES = 64 };

/* All return `out`. */
typedef const char *cell_function(double value, char out[CELL_BYTES]);
const char *cell_duration(double s, char out[CELL_BYTES]); /* "75.6 ms", "1234 s"; "never" if infinite */
const char *cell_rate(double x, char out[CELL_BYTES]);     /* any plain number: "1.72k", "0.33", "infinite" */
const char *cell_percent(double fraction, char out[CELL_BYTES]); /* "97.1 %", "99.95 %" */
const char *cell_usd(double usd, char out[CELL_BYTES]);          /* "$107.36", "$1,234", "$0.0123" */
const char *cell_energy(double kwh, char out[CELL_BYTES]);       /* "7.62 kWh", "160 Wh" */
const char *cell_mass(double g, char out[CELL_BYTES]);           /* "2.53 kg", "131 mg" */
const char *cell_count(uint64_t n, char out[CELL_BYTES]);        /* "19,366" */

/* Columns that a text takes. */
size_t cell_width(const char *text);

/* The text, control characters as '?'. */
void cell_append_clean(struct strbuf *out, const char *text, size_t bytes);

/* The text at the left of a field of `columns`; one that is too long ends in "~". */
void cell_append_left(struct strbuf *out, const char *text, size_t columns);

/* The text at the right of a field of `columns`, whole however long it is. */
void cell_append_right(struct strbuf *out, const char *text, size_t columns);

/* Words in lines of `columns`, the first after `indent` columns that are there already, ended by a newline. A
 * word longer than a line is left whole: it is a path that somebody wants to copy. */
void cell_append_wrapped(struct strbuf *out, const char *text, size_t indent, size_t columns);

#endif
