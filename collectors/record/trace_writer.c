#include "collectors/record/trace_writer.h"

#include "base/json.h"

#include <inttypes.h>

enum { PIECE_BYTES = 1 << 20 };

static int flush(struct trace_writer *writer, struct err *err) {
    int code = file_writer_add(&writer->file, writer->text.text, writer->text.length, err);
    writer->text.length = 0;
    return code;
}

/* Begins an event; end_event() closes what lies between. */
static void begin_event(struct trace_writer *writer, const char *phase, uint64_t track) {
    strbuf_printf(&writer->text, "%s\n{\"ph\":\"%s\",\"pid\":0,\"tid\":%" PRIu64,
                  writer->events++ ? "," : "", phase, track);
}

static void add_text(struct trace_writer *writer, const char *key, const char *text) {
    strbuf_printf(&writer->text, ",\"%s\":", key);
    json_print_text(text, &writer->text);
}

/* Microseconds with their thousandths, exactly. */
static void add_time(struct trace_writer *writer, const char *key, int64_t ns) {
    strbuf_printf(&writer->text, ",\"%s\":%" PRId64 ".%03d", key, ns / 1000, (int)(ns % 1000));
}

static int end_event(struct trace_writer *writer, struct err *err) {
    strbuf_puts(&writer->text, "}");
    return writer->text.length < PIECE_BYTES ? 0 : flush(writer, err);
}

static int write_span(void *context, const struct span *span, struct err *err) {
    struct trace_writer *writer = context;
    begin_event(writer, "X", span->track);
    add_text(writer, "name", span->name);
    add_text(writer, "cat", span->category ? span->category : "");
    add_time(writer, "ts", span->start_ns);
    add_time(writer, "dur", span->duration_ns);
    if (span->shapes) {
        strbuf_puts(&writer->text, ",\"args\":{\"shapes\":");
        json_print_text(span->shapes, &writer->text);
        strbuf_puts(&writer->text, "}");
    }
    int code = end_event(writer, err);
    return code ? code : writer->next.span(writer->next.context, span, err);
}

static int write_sample(void *context, const struct track_sample *sample, struct err *err) {
    struct trace_writer *writer = context;
    begin_event(writer, "C", sample->track);
    add_text(writer, "name", sample->metric);
    add_time(writer, "ts", sample->at_ns);
    strbuf_printf(&writer->text, ",\"args\":{\"%s\":%.17g}", sample->unit, sample->value);
    int code = end_event(writer, err);
    return code ? code : writer->next.sample(writer->next.context, sample, err);
}

static int write_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                       struct err *err) {
    struct trace_writer *writer = context;
    begin_event(writer, "M", track);
    strbuf_puts(&writer->text, ",\"name\":\"thread_name\",\"args\":{\"name\":");
    json_print_text(name, &writer->text);
    strbuf_puts(&writer->text, "}");
    int code = end_event(writer, err);
    return code ? code : writer->next.track(writer->next.context, track, kind, name, err);
}

static int pass_row(void *context, const struct table_row *row, struct err *err) {
    struct trace_writer *writer = context;
    return writer->next.row(writer->next.context, row, err);
}

static int pass_fact(void *context, const char *key, const char *value, struct err *err) {
    struct trace_writer *writer = context;
    return writer->next.fact(writer->next.context, key, value, err);
}

int trace_writer_open(struct trace_writer *writer, const char *path, const struct span_sink *next,
                      struct err *err) {
    *writer = (struct trace_writer){.next = *next};
    int code = file_writer_open(&writer->file, path, err);
    if (code)
        return code;
    strbuf_init(&writer->text);
    strbuf_puts(&writer->text, "{\"traceEvents\":[");
    return 0;
}

struct span_sink trace_writer_sink(struct trace_writer *writer) {
    return (struct span_sink){writer, write_span, pass_row, write_sample, write_track, pass_fact};
}

int trace_writer_commit(struct trace_writer *writer, struct err *err) {
    strbuf_puts(&writer->text, "\n]}\n");
    int code = flush(writer, err);
    strbuf_done(&writer->text);
    if (code == 0)
        return file_writer_commit(&writer->file, err);
    file_writer_abandon(&writer->file);
    return code;
}

void trace_writer_abandon(struct trace_writer *writer) {
    strbuf_done(&writer->text);
    file_writer_abandon(&writer->file);
}
