/* analysis/report/svg_style.h: the style sheet that every picture carries: fonts that a reader has, and for
 * dark pages a counterpart of each colour of analysis/plots/style.gp. */
#ifndef DRYDOCK_ANALYSIS_REPORT_SVG_STYLE_H
#define DRYDOCK_ANALYSIS_REPORT_SVG_STYLE_H

#include "base/strbuf.h"

void svg_style_append(struct strbuf *svg);

#endif
