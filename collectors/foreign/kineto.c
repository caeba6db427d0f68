/* PyTorch's profiler (libkineto's output_json.cpp and torch/csrc/autograd/profiler_kineto.cpp) and
 * whatever else writes Chrome traces. Older releases wrote "Operator" for "cpu_op", "Runtime" for
 * "cuda_runtime", "Input dims" for "Input Dims", and bare arrays without any category. */
#include "collectors/foreign/chrome_trace.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *category;
    enum span_kind kind;
} kinds[] = {
    {"cpu_op",              SPAN_OPERATOR  },
    {"operator",            SPAN_OPERATOR  },
    {"kernel",              SPAN_KERNEL    },
    {"cuda_runtime",        SPAN_CALL      },
    {"cuda_driver",         SPAN_CALL      },
    {"runtime",             SPAN_CALL      },
    {"hip_runtime",         SPAN_CALL      },
    {"xpu_runtime",         SPAN_CALL      },
    {"xpu_driver",          SPAN_CALL      },
    {"mtia_runtime",        SPAN_CALL      },
    {"privateuse1_runtime", SPAN_CALL      },
    {"privateuse1_driver",  SPAN_CALL      },
    {"gpu_memcpy",          SPAN_COPY      },
    {"memcpy",              SPAN_COPY      },
    {"gpu_memset",          SPAN_SET       },
    {"memset",              SPAN_SET       },
    {"user_annotation",     SPAN_ANNOTATION},
    {"gpu_user_annotation", SPAN_ANNOTATION},
    {"trace",               SPAN_SESSION   },
};

/* The oldest export has no categories, but processes with these names. */
static const struct {
    const char *pid;
    enum span_kind kind;
} processes[] = {
    {"CPU functions",  SPAN_OPERATOR},
    {"CUDA functions", SPAN_KERNEL  },
};

static enum span_kind kind_of(const struct chrome_event *event) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && *event->category; i++)
        if (strcasecmp(kinds[i].category, event->category) == 0)
            return kinds[i].kind;
    for (size_t i = 0; i < sizeof processes / sizeof *processes && !*event->category; i++)
        if (strcmp(processes[i].pid, event->pid) == 0)
            return processes[i].kind;
    return SPAN_OTHER;
}

static void describe(const struct chrome_event *event, struct span *span) {
    span->kind = kind_of(event);
}

static bool sniff(const char *head, size_t length) {
    (void)length;
    const char *at = head + strspn(head, " \t\r\n");
    if (*at == '{')
        return strstr(at, "\"traceEvents\"") || strstr(at, "\"deviceProperties\"") ||
               strstr(at, "\"distributedInfo\"");
    if (*at++ != '[')
        return false;
    at += strspn(at, " \t\r\n");
    return *at == ']' || (*at == '{' && strstr(at, "\"ph\"") != NULL);
}

static int read(const struct foreign_request *request, struct inflated *in, struct span_sink *sink,
                struct foreign_outcome *out, struct err *err) {
    static const struct chrome_dialect dialect = {describe, .bare = true, .object = true};
    return chrome_trace_read(&dialect, request, in, sink, out, err);
}

const struct foreign_format foreign_kineto = {
    .name = "kineto",
    .help = "traces of PyTorch's profiler, and Chrome's trace format (JSON)",
    .sniff = sniff,
    .read = read,
};
