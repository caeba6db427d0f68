#include "collectors/record/verbose_output.h"

#include "base/file.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 10 };

/* Far from the threads' numbers: the text names no threads. */
#define VERBOSE_TRACKS (UINT64_C(1) << 32)

const char *const verbose_environment[] = {"ONEDNN_VERBOSE=1", "ONEDNN_VERBOSE_TIMESTAMP=1",
                                           "DNNL_VERBOSE=1", NULL};

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int shift_span(void *context, const struct span *span, struct err *err) {
    struct verbose_output *output = context;
    struct span shifted = *span;
    shifted.start_ns -= output->shift_ns;
    return output->sink.span(output->sink.context, &shifted, err);
}

static int pass_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                      struct err *err) {
    struct verbose_output *output = context;
    return output->sink.track ? output->sink.track(output->sink.context, track, kind, name, err)
                              : 0;
}

void verbose_output_init(struct verbose_output *output, const struct span_sink *sink, int out) {
    *output = (struct verbose_output){.sink = *sink, .out = out};
    output->shifted =
        (struct span_sink){.context = output, .span = shift_span, .track = pass_track};
    output->shift_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    onednn_init(&output->onednn);
    output->onednn.first_track = VERBOSE_TRACKS;
    output->onednn.now_ns = clock_ns(CLOCK_REALTIME);
    strbuf_init(&output->held);
}

void verbose_output_done(struct verbose_output *output) {
    onednn_done(&output->onednn);
    strbuf_done(&output->held);
}

static int write_all(const struct verbose_output *output, const char *bytes, size_t length,
                     struct err *err) {
    if (file_write_all(output->out, bytes, length))
        return err_set_errno(err, ERR_ENVIRONMENT, "standard output of the command");
    return 0;
}

/* Whether a line that begins so may become one of oneDNN's. */
static bool may_be_verbose(const char *text, size_t length) {
    static const char *const heads[] = {"onednn_verbose,", "dnnl_verbose,"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t head = strlen(heads[i]);
        if (memcmp(text, heads[i], length < head ? length : head) == 0)
            return length < LINE_MAX_BYTES;
    }
    return false;
}

/* A whole line is held. */
static int end_line(struct verbose_output *output, struct err *err) {
    struct err unread = {0};
    struct strbuf *held = &output->held;
    held->text[held->length - 1] = '\0';
    bool verbose = onednn_is_line(held->text);
    int code = 0;
    if (!verbose) {
        held->text[held->length - 1] = '\n';
        code = write_all(output, held->text, held->length, err);
    } else if (onednn_line(&output->onednn, held->text, &output->shifted, &unread)) {
        output->unread++;
    }
    held->length = 0;
    return code;
}

static int hold(struct verbose_output *output, const char *bytes, size_t length, struct err *err) {
    struct strbuf *held = &output->held;
    strbuf_add(held, bytes, length);
    if (bytes[length - 1] == '\n' && may_be_verbose(held->text, held->length))
        return end_line(output, err);
    if (may_be_verbose(held->text, held->length))
        return 0;
    int code = write_all(output, held->text, held->length, err);
    output->passing = held->text[held->length - 1] != '\n';
    held->length = 0;
    return code;
}

int verbose_output_take(struct verbose_output *output, const char *bytes, size_t length,
                        struct err *err) {
    int code = 0;
    while (length > 0 && code == 0) {
        const char *newline = memchr(bytes, '\n', length);
        size_t piece = newline ? (size_t)(newline - bytes) + 1 : length;
        code = output->passing ? write_all(output, bytes, piece, err)
                               : hold(output, bytes, piece, err);
        if (output->passing && newline)
            output->passing = false;
        bytes += piece;
        length -= piece;
    }
    return code;
}

int verbose_output_end(struct verbose_output *output, struct err *err) {
    int code = write_all(output, output->held.text, output->held.length, err);
    output->held.length = 0;
    return code;
}
