/* Pictures by gnuplot 5.4: a script in, the text of its svg terminal out. The script is given as a
 * file descriptor without a name and the picture read from a pipe, so nothing is left on disk. */
#ifndef ASSAY_REPORTS_GNUPLOT_H
#define ASSAY_REPORTS_GNUPLOT_H

#include "base/err.h"
#include "base/strbuf.h"

/* Appends what gnuplot prints. ERR_ENVIRONMENT when it is not installed, does not end within 30 s
 * or fails; the message has its last words. */
int gnuplot_run(const char *script, struct strbuf *out, struct err *err);

#endif
