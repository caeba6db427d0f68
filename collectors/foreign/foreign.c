#include "collectors/foreign/foreign.h"

#include <string.h>

/* In the order in which they are asked: those that know themselves by a few bytes first. */
/* clang-format off */
#define FORMATS(ROW) \
    ROW(etdump) \
    ROW(hooks) \
    ROW(onnxruntime) \
    ROW(kineto) \
    ROW(onednn) \
    ROW(perf_script) \
    ROW(perf_analyzer) \
    ROW(table)
/* clang-format on */

#define DECLARE(name) extern const struct foreign_format foreign_##name;
#define LIST(name)    &foreign_##name,

FORMATS(DECLARE)

const struct foreign_format *const foreign_formats[] = {FORMATS(LIST) NULL};

const struct foreign_format *foreign_format_by_name(const char *name) {
    for (const struct foreign_format *const *row = foreign_formats; *row; row++)
        if (strcmp((*row)->name, name) == 0)
            return *row;
    return NULL;
}

/* ---- what is known and not read -------------------------------------------------------------- */

static bool begins(const char *head, size_t length, const char *magic, size_t count) {
    return length >= count && memcmp(head, magic, count) == 0;
}

/* PyTorch's ExecutionTraceObserver: an object with "schema" and "nodes", no moments in it. */
static bool is_execution_graph(const char *head, size_t length) {
    return length > 0 && head[strspn(head, " \t\r\n")] == '{' && strstr(head, "\"schema\"") &&
           strstr(head, "\"nodes\"") && !strstr(head, "\"traceEvents\"");
}

static bool is_pickle(const char *head, size_t length) {
    return begins(head, length, "\x80\x02", 2) || begins(head, length, "\x80\x03", 2) ||
           begins(head, length, "\x80\x04", 2) || begins(head, length, "\x80\x05", 2);
}

static bool is_zip(const char *head, size_t length) {
    return begins(head, length, "PK\x03\x04", 4);
}

static bool is_elf(const char *head, size_t length) {
    return begins(head, length,
                  "\x7f"
                  "ELF",
                  4);
}

static bool is_perf_data(const char *head, size_t length) {
    return begins(head, length, "PERFILE2", 8);
}

static bool is_empty(const char *head, size_t length) {
    (void)head;
    return length == 0;
}

static const struct {
    bool (*sniff)(const char *head, size_t length);
    const char *what, *hint;
} refusals[] = {
    {is_empty,           "empty",                                                 ""                                                                                       },
    {is_execution_graph,
     "an execution graph of PyTorch (\"schema\" and \"nodes\"): it has no times", "record a trace instead: torch.profiler.profile(...).export_chrome_trace(\"trace.json\")"},
    {is_pickle,          "a pickle of Python",                                    ""                                                                                       },
    {is_zip,             "a zip archive",                                         "unpack it and import what is inside"                                                    },
    {is_elf,             "a program or library",                                  ""                                                                                       },
    {is_perf_data,       "a perf.data file",                                      "import what `perf script` prints of it"                                                 },
};

static int refuse(const char *path, const char *head, size_t length, struct err *err) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].sniff(head, length)) {
            err_set(err, ERR_INPUT, "%s: is %s", path, refusals[i].what);
            return *refusals[i].hint ? err_hint(err, "%s", refusals[i].hint) : -ERR_INPUT;
        }
    err_set(err, ERR_INPUT, "%s: no format that is known", path);
    return err_hint(err, "`assay list imports` tells which are; --from FORMAT insists on one");
}

/* ---- choosing and reading -------------------------------------------------------------------- */

static int choose(struct inflated *in, const char *path, const char *name,
                  const struct foreign_format **format, struct err *err) {
    const char *head;
    size_t length;
    *format = name ? foreign_format_by_name(name) : NULL;
    if (name && !*format) {
        err_set(err, ERR_USAGE, "there is no format '%s' to import", name);
        return err_hint(err, "`assay list imports` names them");
    }
    if (name)
        return 0;
    if (inflated_peek(in, FOREIGN_HEAD_BYTES, &head, &length, err) < 0)
        return -(int)err->code;
    for (const struct foreign_format *const *row = foreign_formats; *row; row++)
        if ((*row)->sniff(head, length)) {
            *format = *row;
            return 0;
        }
    return refuse(path, head, length, err);
}

static int read_as(const struct foreign_format *format, const struct foreign_request *request,
                   struct inflated *in, struct span_sink *sink, struct foreign_outcome *out,
                   struct err *err) {
    if (request->companion && !format->companion)
        return err_set(err, ERR_USAGE, "%s: the format %s has no second file", request->path,
                       format->name);
    progress_start(request->progress, (double)inflated_stored_bytes(in), "%s", request->path);
    inflated_watch(in, request->progress);
    int code = format->read(request, format->whole ? NULL : in, sink, out, err);
    progress_done(request->progress);
    return code;
}

int foreign_read(const struct foreign_request *request, const char *name, struct span_sink *sink,
                 const struct foreign_format **format, struct foreign_outcome *out,
                 struct err *err) {
    struct inflated *in;
    *out = (struct foreign_outcome){.complete = true};
    if (inflated_open(&in, request->path, err) < 0)
        return -(int)err->code;
    int code = choose(in, request->path, name, format, err);
    if (code == 0 && *format)
        code = read_as(*format, request, in, sink, out, err);
    inflated_close(in);
    return code;
}
