#include "collectors/foreign/perf_script.h"

#include "base/intern.h"
#include "base/strbuf.h"
#include "collectors/foreign/perf_line.h"
#include "collectors/foreign/text_lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_MAX = 4096,
    OPEN_MAX = 256, /* calls of a thread that have not returned */
    TRACKS_MAX = 1 << 14,
    ROWS_MAX = 1 << 20,
    NAMES_BYTES_MAX = 64 << 20,
};

/* An entry that waits for its return. */
struct open_call {
    uint64_t function;
    int64_t start_ns;
    uint32_t name; /* of reader->names */
};

struct perf_track {
    int64_t end_ns; /* of the last sample */
    struct open_call *open;
    uint32_t open_count, open_capacity;
};

struct perf_row {
    uint64_t samples, events;
};

/* Frames of the sample that is being read, innermost first, as offsets into `text`. */
struct stack {
    struct strbuf text;
    size_t starts[FRAMES_MAX];
    uint32_t count;
};

struct reader {
    const struct foreign_request *request;
    struct span_sink *sink;
    struct arena arena; /* of tracks and rows */
    bool pending;       /* a sample whose stack is being read */
    struct perf_event_line sample;
    struct stack *stack;
    struct intern *track_keys, *names, *row_keys;
    struct perf_track *tracks;
    uint32_t track_count, track_capacity;
    struct perf_row *rows;
    uint32_t row_count, row_capacity;
    uint64_t events, bytes, whole_bytes;
    uint64_t samples_as_spans, lone_entries, lone_returns;
};

/* ---- tracks ---------------------------------------------------------------------------------- */

static int name_track(struct reader *reader, uint32_t track, const struct perf_event_line *event,
                      const char *of, struct err *err) {
    char name[320];
    if (!reader->sink->track)
        return 0;
    snprintf(name, sizeof name, "%s %llu%s%s", event->comm, (unsigned long long)event->tid,
             *of ? " sampled by " : "", of);
    return reader->sink->track(reader->sink->context, track, TRACK_THREAD, name, err);
}

/* Calls of a thread, and what each clock saw of it, are tracks of their own: one is not inside of
 * the other. `of`: the clock, "" for calls. */
static int find_track(struct reader *reader, const struct perf_event_line *event, const char *of,
                      uint32_t *track, struct err *err) {
    char key[24 + PERF_EVENT_SIZE];
    int length = snprintf(key, sizeof key, "%llu %s", (unsigned long long)event->tid, of);
    *track = intern(reader->track_keys, key, (size_t)length);
    if (*track < reader->track_count)
        return 0;
    if (*track == INTERN_FULL || *track >= TRACKS_MAX)
        return err_set(err, ERR_INPUT, "%s: more than %d threads", reader->request->path,
                       TRACKS_MAX);
    *ARENA_PUSH(&reader->arena, reader->tracks, reader->track_count, reader->track_capacity) =
        (struct perf_track){.end_ns = INT64_MIN};
    return name_track(reader, *track, event, of, err);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* `symbol` NULL: the event alone. */
static int count_row(struct reader *reader, const char *event, const char *symbol, uint64_t period,
                     struct err *err) {
    struct strbuf key;
    strbuf_init(&key);
    strbuf_printf(&key, "%s%c%s", symbol ? symbol : "", '\n', event);
    uint32_t row = intern(reader->row_keys, key.text, key.length);
    strbuf_done(&key);
    if (row == INTERN_FULL || row >= ROWS_MAX)
        return err_set(err, ERR_INPUT, "%s: more than %d different symbols", reader->request->path,
                       ROWS_MAX);
    if (row == reader->row_count)
        ARENA_PUSH(&reader->arena, reader->rows, reader->row_count, reader->row_capacity);
    reader->rows[row].samples++;
    reader->rows[row].events += period;
    return 0;
}

static int give_row(struct reader *reader, uint32_t number, struct err *err) {
    const struct perf_row *from = &reader->rows[number];
    const char *key = intern_key(reader->row_keys, number), *event = strchr(key, '\n') + 1;
    int rc;
    struct strbuf name, attributes;
    strbuf_init(&name);
    strbuf_init(&attributes);
    strbuf_add(&name, key, (size_t)(event - 1 - key));
    if (name.length > 0)
        strbuf_printf(&attributes, "event=%s", event);
    if (from->events > 0)
        strbuf_printf(&attributes, "%sevents=%llu", name.length > 0 ? " " : "",
                      (unsigned long long)from->events);
    const struct table_row row = {.name = name.length > 0 ? name.text : event,
                                  .attributes = attributes.length > 0 ? attributes.text : NULL,
                                  .count = from->samples,
                                  .time_ns = NAN,
                                  .low_ns = NAN,
                                  .high_ns = NAN};
    rc = reader->sink->row ? reader->sink->row(reader->sink->context, &row, err) : 0;
    strbuf_done(&name);
    strbuf_done(&attributes);
    return rc;
}

/* ---- samples --------------------------------------------------------------------------------- */

static bool is_clock(const char *event) {
    static const char *const clocks[] = {"cpu-clock", "task-clock"};
    size_t length = strcspn(event, ":");
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        if (strlen(clocks[i]) == length && strncmp(event, clocks[i], length) == 0)
            return true;
    return false;
}

/* Unknown symbols of different files are different things. */
static int push_frame(struct reader *reader, const struct perf_frame *frame, struct err *err) {
    static const char unknown[] = "[unknown]";
    struct stack *stack = reader->stack;
    if (stack->count == FRAMES_MAX)
        return err_set(err, ERR_INPUT, "a stack deeper than %d", FRAMES_MAX);
    stack->starts[stack->count++] = stack->text.length;
    bool known =
        frame->symbol_length > 0 && (frame->symbol_length != strlen(unknown) ||
                                     strncmp(frame->symbol, unknown, frame->symbol_length) != 0);
    if (known)
        strbuf_add(&stack->text, frame->symbol, frame->symbol_length);
    else
        strbuf_puts(&stack->text, unknown);
    if (!known && frame->file_length > 0)
        strbuf_printf(&stack->text, " in %.*s", (int)frame->file_length, frame->file);
    strbuf_add(&stack->text, "", 1);
    return 0;
}

static int give_stack(struct reader *reader, const struct perf_event_line *sample,
                      struct err *err) {
    uint32_t track;
    if (find_track(reader, sample, sample->event, &track, err))
        return -(int)err->code;
    int64_t *last_ns = &reader->tracks[track].end_ns;
    int64_t start_ns = sample->at_ns - (int64_t)sample->period;
    /* Moments are printed in microseconds. */
    if (start_ns < *last_ns)
        start_ns = *last_ns < sample->at_ns ? *last_ns : sample->at_ns;
    *last_ns = sample->at_ns > *last_ns ? sample->at_ns : *last_ns;
    reader->samples_as_spans++;
    for (uint32_t i = reader->stack->count; i-- > 0;) {
        const struct span span = {.name = reader->stack->text.text + reader->stack->starts[i],
                                  .category = sample->event,
                                  .kind = SPAN_OTHER,
                                  .track = track,
                                  .start_ns = start_ns,
                                  .duration_ns = sample->at_ns - start_ns};
        if (reader->sink->span && reader->sink->span(reader->sink->context, &span, err))
            return -(int)err->code;
    }
    return 0;
}

/* A sample whose stack is complete. */
static int end_sample(struct reader *reader, struct err *err) {
    static const struct perf_frame none = {.symbol = "", .file = ""};
    struct stack *stack = reader->stack;
    const struct perf_event_line *sample = &reader->sample;
    if (!reader->pending)
        return 0;
    reader->pending = false;
    reader->events++;
    if (stack->count == 0 && push_frame(reader, &none, err))
        return -(int)err->code;
    return is_clock(sample->event) && sample->period > 0
               ? give_stack(reader, sample, err)
               : count_row(reader, sample->event, stack->text.text, sample->period, err);
}

static void begin_sample(struct reader *reader, const struct perf_event_line *event) {
    reader->pending = true;
    reader->sample = *event;
    reader->stack->count = 0;
    reader->stack->text.length = 0;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int open_call(struct reader *reader, const struct perf_event_line *event, const char *name,
                     uint64_t function, struct err *err) {
    uint32_t number;
    if (find_track(reader, event, "", &number, err))
        return -(int)err->code;
    struct perf_track *track = &reader->tracks[number];
    if (track->open_count == OPEN_MAX) {
        memmove(track->open, track->open + 1, (OPEN_MAX - 1) * sizeof *track->open);
        track->open_count--;
        reader->lone_entries++;
    }
    uint32_t text = intern(reader->names, name, strlen(name));
    if (text == INTERN_FULL)
        return err_set(err, ERR_INPUT, "%s: too many names of events", reader->request->path);
    *ARENA_PUSH(&reader->arena, track->open, track->open_count, track->open_capacity) =
        (struct open_call){function, event->at_ns, text};
    return 0;
}

/* The category is the event's group: "probe_libc" of "probe_libc:malloc". */
static int give_call(struct reader *reader, uint32_t track, const struct open_call *call,
                     int64_t end_ns, struct err *err) {
    char group[PERF_EVENT_SIZE];
    const char *name = intern_key(reader->names, call->name), *colon = strchr(name, ':');
    snprintf(group, sizeof group, "%.*s", colon ? (int)(colon - name) : 0, name);
    const struct span span = {.name = colon ? colon + 1 : name,
                              .category = group,
                              .kind = SPAN_CALL,
                              .track = track,
                              .start_ns = call->start_ns,
                              .duration_ns = end_ns - call->start_ns};
    return reader->sink->span ? reader->sink->span(reader->sink->context, &span, err) : 0;
}

/* Calls that were entered later and have not returned never will: longjmp, exceptions, losses. */
static int close_call(struct reader *reader, const struct perf_event_line *event, uint64_t function,
                      struct err *err) {
    uint32_t number;
    if (find_track(reader, event, "", &number, err))
        return -(int)err->code;
    struct perf_track *track = &reader->tracks[number];
    uint32_t at = track->open_count;
    while (at > 0 && track->open[at - 1].function != function)
        at--;
    if (at == 0 || track->open[at - 1].start_ns > event->at_ns) {
        reader->lone_returns++;
        return 0;
    }
    reader->lone_entries += track->open_count - at;
    track->open_count = at - 1;
    return give_call(reader, number, &track->open[at - 1], event->at_ns, err);
}

/* "syscalls:sys_enter_read" has no address: the name of the call stands for it. */
static bool is_syscall(const char *event, const char *edge, const char **name) {
    size_t length = strlen(edge);
    *name = event + length;
    return strncmp(event, edge, length) == 0;
}

static uint64_t hash_of(const char *name) {
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
    return hash;
}

static int trace_point(struct reader *reader, const struct perf_event_line *event, bool *taken,
                       struct err *err) {
    uint64_t function;
    bool is_return;
    const char *name;
    char full[PERF_EVENT_SIZE];
    *taken = true;
    if (perf_probe_place(event->rest, &function, &is_return))
        return is_return ? close_call(reader, event, function, err)
                         : open_call(reader, event, event->event, function, err);
    if (is_syscall(event->event, "syscalls:sys_enter_", &name)) {
        snprintf(full, sizeof full, "syscalls:%s", name);
        return open_call(reader, event, full, hash_of(name), err);
    }
    if (is_syscall(event->event, "syscalls:sys_exit_", &name))
        return close_call(reader, event, hash_of(name), err);
    *taken = false;
    return 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int event_line(struct reader *reader, const struct perf_event_line *event, struct err *err) {
    struct perf_frame frame;
    bool taken;
    if (trace_point(reader, event, &taken, err))
        return -(int)err->code;
    if (taken) {
        reader->events++;
        return 0;
    }
    if (event->rest[0] == '\0') {
        begin_sample(reader, event);
        return 0;
    }
    if (event->period > 0 && perf_frame_line(event->rest, &frame)) {
        begin_sample(reader, event);
        return push_frame(reader, &frame, err) || end_sample(reader, err) ? -(int)err->code : 0;
    }
    reader->events++;
    return count_row(reader, event->event, NULL, event->period, err);
}

static int frame_line(struct reader *reader, const char *line, struct err *err) {
    struct perf_frame frame;
    if (!perf_frame_line(line, &frame))
        return err_set(err, ERR_INPUT, "is no frame of a stack");
    /* Stacks below calls and tracepoints are not kept. */
    return reader->pending ? push_frame(reader, &frame, err) : 0;
}

static int take_line(struct reader *reader, const char *line, struct err *err) {
    struct perf_event_line event;
    if (line[0] == '#')
        return 0;
    if (line[0] == '\t')
        return reader->events == 0 && !reader->pending
                   ? err_set(err, ERR_INPUT, "a frame of a stack before any event")
                   : frame_line(reader, line, err);
    if (end_sample(reader, err))
        return -(int)err->code;
    if (line[strspn(line, " ")] == '\0')
        return 0;
    return perf_event_line(line, &event)
               ? event_line(reader, &event, err)
               : err_set(err, ERR_INPUT, "is no event as perf script prints it");
}

static int visit(void *context, uint64_t number, char *line, size_t length, struct err *err) {
    struct reader *reader = context;
    if (take_line(reader, line, err))
        return err_prefix(err, "%s:%llu", reader->request->path, (unsigned long long)number);
    reader->bytes += length + 1;
    if (!reader->pending)
        reader->whole_bytes = reader->bytes;
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int say(struct reader *reader, const char *key, uint64_t count, const char *text,
               struct err *err) {
    char value[160];
    if (count == 0 || !reader->sink->fact)
        return 0;
    snprintf(value, sizeof value, "%llu%s", (unsigned long long)count, text);
    return reader->sink->fact(reader->sink->context, key, value, err);
}

static int finish(struct reader *reader, struct err *err) {
    for (uint32_t i = 0; i < reader->row_count; i++)
        if (give_row(reader, i, err))
            return -(int)err->code;
    for (uint32_t i = 0; i < reader->track_count; i++)
        reader->lone_entries += reader->tracks[i].open_count;
    if (say(reader, "samples", reader->samples_as_spans,
            ": a span is the time before a sample, no call", err) ||
        say(reader, "entries without a return", reader->lone_entries, "", err) ||
        say(reader, "returns without an entry", reader->lone_returns, "", err))
        return -(int)err->code;
    return 0;
}

static bool reader_open(struct reader *reader) {
    arena_init(&reader->arena);
    reader->stack = calloc(1, sizeof *reader->stack);
    reader->track_keys = intern_open(NAMES_BYTES_MAX);
    reader->names = intern_open(NAMES_BYTES_MAX);
    reader->row_keys = intern_open(NAMES_BYTES_MAX);
    if (reader->stack)
        strbuf_init(&reader->stack->text);
    return reader->stack && reader->track_keys && reader->names && reader->row_keys;
}

static void reader_close(struct reader *reader) {
    if (reader->stack)
        strbuf_done(&reader->stack->text);
    free(reader->stack);
    intern_close(reader->track_keys);
    intern_close(reader->names);
    intern_close(reader->row_keys);
    arena_done(&reader->arena);
}

static int read_lines(struct reader *reader, struct inflated *in, struct foreign_outcome *out,
                      struct err *err) {
    if (text_lines_read(reader->request->path, in, visit, reader, out, err))
        return -(int)err->code;
    /* The empty line behind a stack is its end. */
    if (reader->pending && out->complete) {
        out->complete = false;
        out->cut = "the last stack has no end";
    }
    out->whole_bytes = reader->whole_bytes;
    return finish(reader, err);
}

static int read_perf_script(const struct foreign_request *request, struct inflated *in,
                            struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    struct reader reader = {.request = request, .sink = sink};
    int rc = reader_open(&reader) ? read_lines(&reader, in, out, err)
                                  : err_set(err, ERR_ENVIRONMENT, "out of memory");
    out->events = reader.events;
    reader_close(&reader);
    return rc;
}

/* The first line that is no remark is an event. */
static bool sniff_perf_script(const char *head, size_t length) {
    struct perf_event_line event;
    char line[1024];
    (void)length;
    while (*head == '#' || *head == '\n') {
        head += strcspn(head, "\n");
        head += *head == '\n';
    }
    snprintf(line, sizeof line, "%.*s", (int)strcspn(head, "\n"), head);
    return perf_event_line(line, &event);
}

const struct foreign_format foreign_perf_script = {
    .name = "perf-script",
    .help = "what `perf script` prints: samples with stacks, probes",
    .sniff = sniff_perf_script,
    .read = read_perf_script,
};
