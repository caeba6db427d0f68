/* oneDNN's verbose text: a line per primitive that ran, of any program that uses the library
 * (ONEDNN_VERBOSE=1, with moments when ONEDNN_VERBOSE_TIMESTAMP=1). Layouts by
 * https://oneapi-src.github.io/oneDNN/dev_guide_verbose.html, versions 1 to 3:
 *
 *   dnnl_verbose,exec,cpu,PRIMITIVE,IMPLEMENTATION,PROPAGATION,TENSORS,...,PROBLEM,MS
 *   onednn_verbose[,v1][,MOMENT_MS][,primitive|graph],exec,...
 *
 * The text names no threads. Primitives that ran at the same time come on tracks of their own.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_ONEDNN_H
#define ASSAY_COLLECTORS_FOREIGN_ONEDNN_H

#include "base/strbuf.h"
#include "collectors/foreign/foreign.h"

enum { ONEDNN_LANES = 64, ONEDNN_LANE_SPANS = 32 };

struct onednn_lane {
    struct {
        int64_t start_ns, end_ns;
    } spans[ONEDNN_LANE_SPANS]; /* that follow one another, none around another */
    uint32_t count;
};

/* Reads such lines one after the other, from a file or while the program runs. */
struct onednn {
    uint64_t first_track; /* set by the caller after onednn_init: lanes are numbered from here */
    uint64_t lines, spans, timeless; /* of the library; that ran; of those without a moment */
    int64_t now_ns;                  /* where a span without a moment begins */
    struct onednn_lane *lanes;
    uint32_t lane_count;
    struct strbuf shapes, dtypes, name;
};

void onednn_init(struct onednn *onednn);
void onednn_done(struct onednn *onednn);

/* Whether this line is the library's at all. */
bool onednn_is_line(const char *line);
/* Gives the sink what a line says; lines of others and what did not run give nothing. `line` is
 * split in place. ERR_INPUT: a line of the library that nobody understands. Moments are
 * nanoseconds since 1970 when the library prints them, else the times are laid end to end. */
int onednn_line(struct onednn *onednn, char *line, const struct span_sink *sink, struct err *err);

extern const struct foreign_format foreign_onednn;

#endif
