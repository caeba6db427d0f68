/* The profile that ONNX Runtime writes when a session's profiling is on (its core/common/profiler
 * and framework/sequential_executor.cc): a bare array of Chrome events. Category "Node" is an
 * operator of the graph, "Session" and "Api" what is around them; args say the operator's type and
 * its inputs. */
#include "collectors/foreign/chrome_trace.h"

#include <string.h>

static void describe(const struct chrome_event *event, struct span *span) {
    bool node = strcmp(event->category, "Node") == 0;
    span->kind = node                                     ? SPAN_OPERATOR
                 : strcmp(event->category, "Kernel") == 0 ? SPAN_KERNEL
                                                          : SPAN_OTHER;
    if (node && *event->op_name)
        span->name = event->op_name;
}

static bool sniff(const char *head, size_t length) {
    (void)length;
    const char *at = head + strspn(head, " \t\r\n");
    return *at == '[' &&
           (strstr(at, "\"model_loading_") || strstr(at, "\"session_initialization\"") ||
            (strstr(at, "_kernel_time\"") && strstr(at, "\"op_name\"")));
}

static int read(const struct foreign_request *request, struct inflated *in, struct span_sink *sink,
                struct foreign_outcome *out, struct err *err) {
    static const struct chrome_dialect dialect = {describe, .bare = true};
    return chrome_trace_read(&dialect, request, in, sink, out, err);
}

const struct foreign_format foreign_onnxruntime = {
    .name = "onnxruntime",
    .help = "profiles of ONNX Runtime (JSON)",
    .sniff = sniff,
    .read = read,
};
