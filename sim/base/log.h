/* sim/base/log.h: messages for people, on stderr. Results never go here. */
#ifndef DRYDOCK_BASE_LOG_H
#define DRYDOCK_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_NOTE };

/* --quiet shows errors only, the default errors, warnings and info, --verbose notes too. Colour only when
 * asked for and stderr is a terminal and NO_COLOR is unset. */
void log_configure(enum log_level most, bool colour);
bool log_shows(enum log_level level);
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether a progress bar stands on the terminal's last line: a message then clears it first. For progress.c.
 */
void log_bar(bool drawn);

#endif
