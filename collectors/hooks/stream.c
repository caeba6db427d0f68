#include "collectors/hooks/stream.h"

#include "base/file.h"
#include "collectors/assay_hooks.h"
#include "collectors/hooks/ranges.h"
#include "collectors/hooks/stream_record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static_assert(ASSAY_HOOKS_OPERATOR == (int)SPAN_OPERATOR && ASSAY_HOOKS_CALL == (int)SPAN_CALL &&
                  ASSAY_HOOKS_KERNEL == (int)SPAN_KERNEL && ASSAY_HOOKS_COPY == (int)SPAN_COPY &&
                  ASSAY_HOOKS_SET == (int)SPAN_SET &&
                  ASSAY_HOOKS_ANNOTATION == (int)SPAN_ANNOTATION,
              "sorts are those of spans");

/* Of a thread that was read to its end. */
struct thread_name {
    uint64_t thread;
    const char *name; /* NULL: it has none */
};

struct stream {
    struct stream_file file;
    struct span_sink *sink;
    struct foreign_outcome *out;
    struct thread_name *names;
    uint64_t name_count, name_capacity;
    uint64_t unfinished; /* begun and not ended */
    const char *unfinished_name;
    uint64_t unfinished_thread;
    struct ranges ranges;
};

/* ---- spans ----------------------------------------------------------------------------------- */

static int moment(const struct stream *stream, const struct stream_record *record, int64_t *ns,
                  struct err *err) {
    return stream_file_ns(&stream->file, record->ticks, record->offset + 8, ns, err);
}

/* A span from its first record and the moment of its last. */
static int give_span(struct stream *stream, const struct stream_record *begin, uint64_t track,
                     int64_t start_ns, int64_t end_ns, struct err *err) {
    char shape_text[STREAM_SHAPES_SIZE], dtype_text[STREAM_DTYPES_SIZE];
    const struct stream_kind *kind = stream_file_kind(&stream->file, begin->argument);
    stream->out->events++;
    if (!stream->sink->span)
        return 0;
    stream_record_tensors(&stream->file, begin, shape_text, dtype_text);
    struct span span = {
        .name = kind->name,
        .category = kind->category,
        .kind = kind->sort,
        .track = track,
        .start_ns = start_ns,
        .duration_ns = end_ns > start_ns ? end_ns - start_ns : 0,
        .shapes = shape_text[0] ? shape_text : NULL,
        .dtypes = dtype_text[0] ? dtype_text : NULL,
    };
    return stream->sink->span(stream->sink->context, &span, err);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* Tensors that a lane has told: where they are in the file. */
struct told_place {
    uint64_t offset;
    uint32_t count; /* 0: none yet */
};

/* Where a lane's reading is: whose records these are and what has begun. */
struct thread {
    uint64_t id; /* the kernel's; 0: none yet */
    const char *name;
    struct stream_record *open;
    uint64_t depth, capacity;
    struct told_place told[HOOKS_SHAPES_MAX + 1];
};

static void note_unfinished(struct stream *stream, const struct thread *thread) {
    if (thread->depth > 0 && stream->unfinished == 0) {
        stream->unfinished_name =
            stream_file_kind(&stream->file, thread->open[thread->depth - 1].argument)->name;
        stream->unfinished_thread = thread->id;
    }
    stream->unfinished += thread->depth;
}

static void finish_thread(struct stream *stream, struct thread *thread) {
    if (thread->id > 0)
        *ARENA_PUSH(stream->file.arena, stream->names, stream->name_count, stream->name_capacity) =
            (struct thread_name){thread->id, thread->name};
    note_unfinished(stream, thread);
    thread->depth = thread->id = 0;
    thread->name = NULL;
}

static int on_thread(struct stream *stream, struct thread *thread,
                     const struct stream_record *record, struct err *err) {
    finish_thread(stream, thread);
    thread->id = record->range; /* the word behind the ticks */
    if (thread->id == 0 || thread->id > UINT32_MAX)
        return stream_file_refuse(&stream->file, record->offset, "no number of a thread", err);
    return 0;
}

static int on_name(struct stream *stream, struct thread *thread, const struct stream_record *record,
                   struct err *err) {
    (void)err;
    thread->name = stream_file_kind(&stream->file, record->argument)->name;
    return 0;
}

static int on_leave(struct stream *stream, struct thread *thread,
                    const struct stream_record *record, struct err *err) {
    (void)record, (void)err;
    finish_thread(stream, thread);
    return 0;
}

static int on_shapes(struct stream *stream, struct thread *thread,
                     const struct stream_record *record, struct err *err) {
    if (record->told == 0 || record->tensor_count == 0)
        return stream_file_refuse(&stream->file, record->offset, "tensors without a number", err);
    thread->told[record->told] = (struct told_place){record->tensors, record->tensor_count};
    return 0;
}

static int on_begin(struct stream *stream, struct thread *thread,
                    const struct stream_record *record, struct err *err) {
    const struct told_place *told = &thread->told[record->told];
    struct stream_record *open =
        ARENA_PUSH(stream->file.arena, thread->open, thread->depth, thread->capacity);
    *open = *record;
    if (record->told == 0)
        return 0;
    if (told->count == 0)
        return stream_file_refuse(&stream->file, record->offset,
                                  "tensors that were not told before", err);
    open->tensors = told->offset;
    open->tensor_count = told->count;
    return 0;
}

/* Events counted since the thread began; scaled where the counters took turns. */
static int give_counters(struct stream *stream, uint64_t track, const struct stream_record *record,
                         int64_t at_ns, struct err *err) {
    uint64_t enabled = stream_file_word(&stream->file, record->counters);
    uint64_t running = stream_file_word(&stream->file, record->counters + 8);
    int code = 0;
    if (running == 0 || running > enabled)
        return 0;
    for (uint32_t i = 0; i < stream->file.header.counter_count && !code; i++) {
        struct track_sample sample = {
            .metric = stream->file.header.counters[i],
            .unit = "events",
            .track = track,
            .at_ns = at_ns,
            .value =
                (double)stream_file_word(&stream->file, record->counters + 16 + (uint64_t)i * 8) *
                (double)enabled / (double)running,
        };
        code = stream->sink->sample(stream->sink->context, &sample, err);
    }
    return code;
}

static int on_end(struct stream *stream, struct thread *thread, const struct stream_record *record,
                  struct err *err) {
    int64_t start_ns = 0, end_ns = 0;
    if (thread->depth == 0)
        return stream_file_refuse(&stream->file, record->offset, "an end of what did not begin",
                                  err);
    const struct stream_record *begin = &thread->open[--thread->depth];
    int code = moment(stream, begin, &start_ns, err);
    if (!code)
        code = moment(stream, record, &end_ns, err);
    if (!code)
        code = give_span(stream, begin, thread->id, start_ns, end_ns, err);
    if (code || thread->depth > 0 || !stream->sink->sample || !begin->counters || !record->counters)
        return code;
    code = give_counters(stream, thread->id, begin, start_ns, err);
    return code ? code : give_counters(stream, thread->id, record, end_ns, err);
}

static int on_range(struct stream *stream, struct thread *thread,
                    const struct stream_record *record, struct err *err) {
    (void)thread;
    int64_t ns = 0;
    int code = moment(stream, record, &ns, err);
    if (!code)
        ranges_note(&stream->ranges, stream->file.arena, record->type == HOOKS_STOP, record->range,
                    record->offset, ns);
    return code;
}

static int (*const handlers[])(struct stream *stream, struct thread *thread,
                               const struct stream_record *record, struct err *err) = {
    [HOOKS_THREAD] = on_thread, [HOOKS_NAME] = on_name,     [HOOKS_LEAVE] = on_leave,
    [HOOKS_BEGIN] = on_begin,   [HOOKS_END] = on_end,       [HOOKS_START] = on_range,
    [HOOKS_STOP] = on_range,    [HOOKS_SHAPES] = on_shapes,
};

static int read_lane(struct stream *stream, uint64_t first, struct thread *thread,
                     struct err *err) {
    struct stream_words words = stream_file_lane(&stream->file, first);
    int code = 0;
    memset(thread->told, 0, sizeof thread->told);
    while (!code && stream_words_next(&words)) {
        struct stream_record record;
        if (!stream_record_parse(&stream->file, &words, &record))
            return stream_file_refuse(&stream->file, words.at, "no record of a thread", err);
        if (thread->id == 0 && record.type != HOOKS_THREAD && record.type != HOOKS_SHAPES)
            return stream_file_refuse(&stream->file, words.at, "a record of no thread", err);
        code = handlers[record.type](stream, thread, &record, err);
        words.at += (uint64_t)record.count * 8;
    }
    finish_thread(stream, thread);
    return code;
}

static int read_lanes(struct stream *stream, struct err *err) {
    struct thread thread = {0};
    int code = 0;
    for (uint64_t i = 0; i < stream->file.segment_count && !code;
         i += stream_file_segments(&stream->file, i))
        if (stream->file.segments[i].lane != HOOKS_LANE_KINDS)
            code = read_lane(stream, i, &thread, err);
    return code;
}

/* ---- tracks -----------------------------------------------------------------------------------
 */

static int compare_names(const void *left, const void *right) {
    const struct thread_name *a = left, *b = right;
    if (a->thread != b->thread)
        return a->thread < b->thread ? -1 : 1;
    return !!b->name - !!a->name; /* one that has a name first */
}

/* The kernel may have given a number to several threads, one after the other. */
static int give_threads(struct stream *stream, struct err *err) {
    int code = 0;
    if (!stream->sink->track || stream->name_count == 0)
        return 0;
    qsort(stream->names, stream->name_count, sizeof *stream->names, compare_names);
    for (uint64_t i = 0; i < stream->name_count && !code; i++) {
        const struct thread_name *name = &stream->names[i];
        char text[32];
        if (i > 0 && name[-1].thread == name->thread)
            continue;
        snprintf(text, sizeof text, "thread %" PRIu64, name->thread);
        code = stream->sink->track(stream->sink->context, name->thread, TRACK_THREAD,
                                   name->name ? name->name : text, err);
    }
    return code;
}

/* Of rows of ranges: no thread's, and another process' are others. */
static uint64_t row_track(const struct stream *stream, uint64_t row) {
    return (uint64_t)((stream->file.header.pid & 0x3fffffff) | 0x40000000) << 32 | row;
}

static int give_range(struct stream *stream, const struct range *range, struct err *err) {
    struct stream_words words = {&stream->file, NULL, 0, range->offset,
                                 stream->file.size & ~(uint64_t)7};
    struct stream_record record;
    if (!stream_record_parse(&stream->file, &words, &record)) /* it was read before */
        return stream_file_refuse(&stream->file, range->offset, "changes while it is read", err);
    return give_span(stream, &record, row_track(stream, range->row), range->start_ns, range->end_ns,
                     err);
}

static int give_ranges(struct stream *stream, struct err *err) {
    uint64_t rows = ranges_match(&stream->ranges, stream->file.arena);
    int code = 0;
    stream->unfinished += stream->ranges.unmatched;
    for (uint64_t i = 0; i < stream->ranges.count && !code; i++)
        code = give_range(stream, &stream->ranges.items[i], err);
    for (uint64_t row = 0; row < rows && !code && stream->sink->track; row++) {
        char name[40];
        snprintf(name, sizeof name, "ranges %" PRIu64, row + 1);
        code = stream->sink->track(stream->sink->context, row_track(stream, row), TRACK_QUEUE, name,
                                   err);
    }
    return code;
}

bool hooks_stream_sniff(const char *head, size_t length) {
    return length >= 8 && memcmp(head, HOOKS_MAGIC, 8) == 0;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int give_fact(struct stream *stream, const char *key, const char *value, struct err *err) {
    if (!stream->sink->fact || !value[0])
        return 0;
    return stream->sink->fact(stream->sink->context, key,
                              stream_file_text(stream->file.arena, value), err);
}

static const char *number_text(struct stream *stream, uint64_t number) {
    return number ? arena_printf(stream->file.arena, "%" PRIu64, number) : "";
}

static const char *started_at(struct stream *stream) {
    char text[32] = "";
    time_t seconds = (time_t)(stream->file.header.realtime_ns / 1000000000u);
    struct tm utc;
    if (gmtime_r(&seconds, &utc))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return arena_strdup(stream->file.arena, text);
}

static int give_facts(struct stream *stream, struct err *err) {
    const struct hooks_header *header = &stream->file.header;
    const struct {
        const char *key, *value;
    } facts[] = {
        {"program",           header->program        },
        {"pid",               number_text(stream,      header->pid)},
        {"started_at",                   started_at(stream)                              },
        {"ended",                   header->closed ? "" : "without closing"     },
        {"operators_lost",                   number_text(stream,                      header->lost)},
        {"ends_unmatched",      number_text(stream,        header->unmatched)},
        {"counters_missing",header->missing},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof facts / sizeof *facts && !code; i++)
        code = give_fact(stream, facts[i].key, facts[i].value, err);
    return code;
}

static void tell_cut(struct stream *stream) {
    struct foreign_outcome *out = stream->out;
    uint64_t lost = stream->file.header.lost;
    out->complete = stream->unfinished == 0 && lost == 0;
    out->whole_bytes = stream->file.size;
    if (lost > 0)
        out->cut =
            arena_printf(stream->file.arena, "there was no room for %" PRIu64 " operators", lost);
    else if (stream->unfinished_name)
        out->cut = arena_printf(
            stream->file.arena,
            "the program ended inside %" PRIu64 " operators; thread %" PRIu64 " was in %s",
            stream->unfinished, stream->unfinished_thread, stream->unfinished_name);
    else if (stream->unfinished > 0)
        out->cut =
            arena_printf(stream->file.arena, "%" PRIu64 " ranges did not end", stream->unfinished);
}

int hooks_stream_read_bytes(const void *bytes, uint64_t size, const char *name, struct arena *arena,
                            struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    struct stream stream = {
        .file = {.bytes = bytes, .size = size, .path = name, .arena = arena},
        .sink = sink,
        .out = out,
    };
    *out = (struct foreign_outcome){0};
    int code = stream_file_open(&stream.file, err);
    if (!code)
        code = read_lanes(&stream, err);
    if (!code)
        code = give_threads(&stream, err);
    if (!code)
        code = give_ranges(&stream, err);
    if (!code)
        code = give_facts(&stream, err);
    if (!code)
        tell_cut(&stream);
    return code;
}

int hooks_stream_read(const char *path, struct arena *arena, struct span_sink *sink,
                      struct foreign_outcome *out, struct err *err) {
    struct file_map map;
    int code = file_map_open(&map, path, err);
    if (code)
        return code;
    code = hooks_stream_read_bytes(map.bytes, map.size, path, arena, sink, out, err);
    file_map_close(&map);
    return code;
}

static int read_format(const struct foreign_request *request, struct inflated *in,
                       struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    (void)in;
    return hooks_stream_read(request->path, request->arena, sink, out, err);
}

const struct foreign_format foreign_hooks = {
    .name = "hooks",
    .help = "what programs with Assay's hooks, ITT or NVTX in them recorded",
    .sniff = hooks_stream_sniff,
    .whole = true,
    .read = read_format,
};
