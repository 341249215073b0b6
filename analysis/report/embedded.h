/* analysis/report/embedded.h: the scripts of analysis/plots and the style sheet of the page, which the build
 * puts into the program, so that it draws from wherever it lies. */
#ifndef DRYDOCK_ANALYSIS_REPORT_EMBEDDED_H
#define DRYDOCK_ANALYSIS_REPORT_EMBEDDED_H

/* By name ("demand.gp"); NULL when there is none. */
const char *embedded_text(const char *name);

#endif
