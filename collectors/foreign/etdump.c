#include "collectors/foreign/etdump.h"

#include "base/file.h"
#include "base/utf8.h"
#include "collectors/foreign/pte.h"

#include <string.h>

enum { PREFIX_BYTES = 4, HEAD_BYTES = 12 };

/* Fields by their number in the schema. */
enum { DUMP_RUNS = 1 };
enum { RUN_NAME = 0, RUN_BUNDLED_INPUT = 1, RUN_ALLOCATORS = 2, RUN_EVENTS = 3 };
enum { EVENT_PROFILE = 0, EVENT_ALLOCATION = 1, EVENT_DEBUG = 2, EVENT_KINDS = 3 };
enum {
    PROFILE_NAME = 0,
    PROFILE_CHAIN = 1,
    PROFILE_INSTRUCTION = 2,
    PROFILE_DELEGATE_INT = 3,
    PROFILE_DELEGATE_STR = 4,
    PROFILE_METADATA = 5,
    PROFILE_START = 6,
    PROFILE_END = 7,
};
enum { ALLOCATION_ALLOCATOR = 0, ALLOCATION_BYTES = 1, ALLOCATOR_NAME = 0 };
enum {
    DEBUG_CHAIN = 0,
    DEBUG_INSTRUCTION = 1,
    DEBUG_DELEGATE_INT = 3,
    DEBUG_DELEGATE_STR = 4,
    DEBUG_NAME = 5,
};

/* ---- events ---------------------------------------------------------------------------------- */

static int unsigned_number(const struct flat_table *table, uint32_t field, uint64_t *value,
                           struct err *err) {
    int64_t number;
    if (flat_number(table, field, 8, false, 0, &number, err))
        return -(int)err->code;
    *value = (uint64_t)number;
    return 0;
}

static int read_profile(const struct flat_table *table, struct etdump_event *event,
                        struct err *err) {
    struct flat_vector metadata;
    if (flat_text(table, PROFILE_NAME, &event->name, err) ||
        flat_number(table, PROFILE_CHAIN, 4, true, 0, &event->chain_index, err) ||
        flat_number(table, PROFILE_INSTRUCTION, 4, true, -1, &event->instruction_id, err) ||
        flat_number(table, PROFILE_DELEGATE_INT, 4, true, -1, &event->delegate_debug_id_int, err) ||
        flat_text(table, PROFILE_DELEGATE_STR, &event->delegate_debug_id_str, err) ||
        flat_vector_of(table, PROFILE_METADATA, 1, &metadata, err) ||
        unsigned_number(table, PROFILE_START, &event->start_ticks, err) ||
        unsigned_number(table, PROFILE_END, &event->end_ticks, err))
        return -(int)err->code;
    event->delegate_metadata_bytes = metadata.count;
    return 0;
}

static int read_debug(const struct flat_table *table, struct etdump_event *event, struct err *err) {
    if (flat_text(table, DEBUG_NAME, &event->name, err) ||
        flat_number(table, DEBUG_CHAIN, 8, true, 0, &event->chain_index, err) ||
        flat_number(table, DEBUG_INSTRUCTION, 4, true, -1, &event->instruction_id, err) ||
        flat_number(table, DEBUG_DELEGATE_INT, 4, true, -1, &event->delegate_debug_id_int, err) ||
        flat_text(table, DEBUG_DELEGATE_STR, &event->delegate_debug_id_str, err))
        return -(int)err->code;
    return 0;
}

static int read_allocation(const struct flat_table *table, const struct flat_vector *allocators,
                           struct etdump_event *event, struct err *err) {
    struct flat_table allocator = {0};
    if (flat_number(table, ALLOCATION_ALLOCATOR, 4, true, 0, &event->allocator_id, err) ||
        unsigned_number(table, ALLOCATION_BYTES, &event->allocation_bytes, err))
        return -(int)err->code;
    if (event->allocator_id >= 0 && event->allocator_id < allocators->count &&
        flat_element(allocators, (uint32_t)event->allocator_id, &allocator, err))
        return -(int)err->code;
    return flat_text(&allocator, ALLOCATOR_NAME, &event->allocator, err);
}

/* Exactly one of the three kinds is there. */
static int read_event(const struct flat_table *table, const struct flat_vector *allocators,
                      struct etdump_event *event, struct err *err) {
    struct flat_table kinds[EVENT_KINDS];
    int found = 0;
    for (uint32_t i = 0; i < EVENT_KINDS; i++) {
        if (flat_table_of(table, i, &kinds[i], err))
            return -(int)err->code;
        if (kinds[i].buffer) {
            found++;
            event->kind = (enum etdump_kind)i;
        }
    }
    if (found != 1)
        return err_set(err, ERR_INPUT, "%s: offset %llu: an event of %d kinds, not one",
                       table->buffer->path, (unsigned long long)table->at, found);
    event->delegate_debug_id_int = -1;
    if (event->kind == ETDUMP_ALLOCATION)
        return read_allocation(&kinds[EVENT_ALLOCATION], allocators, event, err);
    return event->kind == ETDUMP_PROFILE ? read_profile(&kinds[EVENT_PROFILE], event, err)
                                         : read_debug(&kinds[EVENT_DEBUG], event, err);
}

/* ---- the walk -------------------------------------------------------------------------------- */

struct walk {
    etdump_fn *visit;
    void *context;
    bool short_file;
    uint32_t left_out;
};

/* A short file lacks its end, where the first events may be: the others are still read. */
enum { LEFT_OUT_MAX = 1 << 20 };

static int leave_out_or_fail(struct walk *walk, struct err *err) {
    if (!walk->short_file || err->code != ERR_INPUT || ++walk->left_out > LEFT_OUT_MAX)
        return -(int)err->code;
    *err = (struct err){0};
    return 0;
}

static int walk_event(struct walk *walk, const struct flat_vector *events,
                      const struct flat_vector *allocators, struct etdump_event *event,
                      struct err *err) {
    struct flat_table table;
    if (flat_element(events, event->index, &table, err) ||
        read_event(&table, allocators, event, err))
        return leave_out_or_fail(walk, err);
    return walk->visit(walk->context, event, err);
}

static int walk_run(struct walk *walk, const struct flat_table *run, uint32_t number,
                    struct err *err) {
    struct flat_vector allocators, events;
    struct etdump_event head = {.run = number};
    if ((flat_text(run, RUN_NAME, &head.run_name, err) && leave_out_or_fail(walk, err)) ||
        (flat_vector_of(run, RUN_ALLOCATORS, 4, &allocators, err) && leave_out_or_fail(walk, err)))
        return -(int)err->code;
    if (flat_number(run, RUN_BUNDLED_INPUT, 4, true, -1, &head.bundled_input_index, err) ||
        flat_vector_of(run, RUN_EVENTS, 4, &events, err))
        return leave_out_or_fail(walk, err);
    for (uint32_t i = 0; i < events.count; i++) {
        struct etdump_event event = head;
        event.index = i;
        if (walk_event(walk, &events, &allocators, &event, err))
            return -(int)err->code;
    }
    return 0;
}

static int walk_runs(struct walk *walk, const struct flatbuffer *file, uint64_t origin,
                     struct err *err) {
    struct flat_table dump, run;
    struct flat_vector runs;
    if (flat_root(file, origin, &dump, err) || flat_vector_of(&dump, DUMP_RUNS, 4, &runs, err))
        return leave_out_or_fail(walk, err);
    for (uint32_t i = 0; i < runs.count; i++)
        if (flat_element(&runs, i, &run, err) ? leave_out_or_fail(walk, err)
                                              : walk_run(walk, &run, i, err))
            return -(int)err->code;
    return 0;
}

static bool sniff_etdump(const char *head, size_t length) {
    return length >= HEAD_BYTES && memcmp(head + PREFIX_BYTES + 4, "ED00", 4) == 0;
}

int etdump_walk(const struct flatbuffer *file, etdump_fn *visit, void *context, const char **cut,
                struct err *err) {
    uint64_t size = 0;
    struct flatbuffer part = *file;
    if (file->size >= 2 && file->bytes[0] == 0x1f && file->bytes[1] == 0x8b)
        return err_set(err, ERR_INPUT, "%s: is packed with gzip; unpack it first", file->path);
    if (file->size < HEAD_BYTES || !sniff_etdump((const char *)file->bytes, HEAD_BYTES))
        return err_set(err, ERR_INPUT, "%s: not an ETDump: no ED00 at offset 8", file->path);
    for (uint32_t i = 0; i < PREFIX_BYTES; i++)
        size |= (uint64_t)file->bytes[i] << (8 * i);
    struct walk walk = {visit, context, size > file->size - PREFIX_BYTES, 0};
    *cut = walk.short_file ? "the file is shorter than its first bytes say" : NULL;
    /* Debug data may lie behind the dump, which no offset may lead to. */
    if (!walk.short_file)
        part.size = size + PREFIX_BYTES;
    return walk_runs(&walk, &part, PREFIX_BYTES, err);
}

/* ---- spans ----------------------------------------------------------------------------------- */

struct reader {
    const char *path;
    struct span_sink *sink;
    bool with_program;
    struct pte program;
    struct pte_call call;
    uint64_t events;
    int64_t last_ns;        /* when the last event of the run ended */
    uint64_t tracks_of_run; /* whose tracks are named, and which of the two */
    bool named[2];
};

/* Delegates may have a clock of their own, so their events get a track of their own. */
enum { OF_RUNTIME, OF_DELEGATE };

static int name_track(struct reader *reader, const struct etdump_event *event, int which,
                      struct err *err) {
    char name[160];
    static const char *const of[] = {"", " (delegate)"};
    if (reader->named[which] || !reader->sink->track)
        return 0;
    reader->named[which] = true;
    const char *run = event->run_name && *event->run_name ? event->run_name : "run";
    snprintf(name, sizeof name, "%.*s %u%s", (int)utf8_prefix(run, 100), run, event->run + 1,
             of[which]);
    return reader->sink->track(reader->sink->context, event->run * 2ULL + (unsigned)which,
                               which == OF_DELEGATE ? TRACK_QUEUE : TRACK_THREAD, name, err);
}

static const struct {
    const char *prefix;
    enum span_kind kind;
} kinds[] = {
    {"OPERATOR_CALL", SPAN_OPERATOR},
    {"DELEGATE_CALL", SPAN_OPERATOR},
    {"native_call_",  SPAN_CALL    },
};

static enum span_kind kind_of(const struct etdump_event *event, bool of_delegate) {
    for (size_t i = 0; event->name && i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(event->name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return kinds[i].kind;
    return of_delegate ? SPAN_OPERATOR : SPAN_OTHER;
}

static bool is_instruction(const char *name) {
    return name && (strcmp(name, "OPERATOR_CALL") == 0 || strcmp(name, "DELEGATE_CALL") == 0);
}

/* What the program calls there; the file's name becomes the category. */
static int name_by_program(struct reader *reader, const struct etdump_event *event,
                           struct span *span, struct err *err) {
    if (!reader->with_program || !is_instruction(event->name))
        return 0;
    if (pte_describe(&reader->program, event->chain_index, event->instruction_id, &reader->call,
                     err))
        return -(int)err->code;
    if (reader->call.name.length == 0)
        return 0;
    span->category = event->name;
    span->name = reader->call.name.text;
    span->shapes = reader->call.shapes.length > 0 ? reader->call.shapes.text : NULL;
    span->dtypes = span->shapes ? reader->call.dtypes.text : NULL;
    return 0;
}

static int give_span(struct reader *reader, const struct etdump_event *event, struct err *err) {
    const char *id = event->delegate_debug_id_str;
    bool of_delegate = event->delegate_debug_id_int >= 0 || (id && *id);
    char number[40];
    if (event->end_ticks < event->start_ticks || event->end_ticks > INT64_MAX)
        return err_set(err, ERR_INPUT, "%s: event %u of run %u ends before it starts", reader->path,
                       event->index + 1, event->run + 1);
    struct span span = {
        .name = event->name && *event->name ? event->name : id,
        .kind = kind_of(event, of_delegate),
        .track = event->run * 2ULL + (of_delegate ? OF_DELEGATE : OF_RUNTIME),
        .start_ns = (int64_t)event->start_ticks,
        .duration_ns = (int64_t)(event->end_ticks - event->start_ticks),
    };
    if (!span.name || !*span.name) {
        snprintf(number, sizeof number, "delegate event %lld",
                 (long long)event->delegate_debug_id_int);
        span.name = of_delegate ? number : "event without a name";
    }
    if (of_delegate)
        span.category = "delegate";
    else
        reader->last_ns = (int64_t)event->end_ticks;
    if (name_track(reader, event, of_delegate, err) || name_by_program(reader, event, &span, err))
        return -(int)err->code;
    return reader->sink->span ? reader->sink->span(reader->sink->context, &span, err) : 0;
}

/* The file does not say when: after the event before it. */
static int give_allocation(struct reader *reader, const struct etdump_event *event,
                           struct err *err) {
    char metric[128];
    if (!reader->sink->sample)
        return 0;
    if (event->allocator)
        snprintf(metric, sizeof metric, "allocated by %.*s",
                 (int)utf8_prefix(event->allocator, 100), event->allocator);
    else
        snprintf(metric, sizeof metric, "allocated by %lld", (long long)event->allocator_id);
    const struct track_sample sample = {.metric = metric,
                                        .unit = "bytes",
                                        .track = event->run * 2ULL,
                                        .at_ns = reader->last_ns,
                                        .value = (double)event->allocation_bytes};
    return reader->sink->sample(reader->sink->context, &sample, err);
}

static int visit(void *context, const struct etdump_event *event, struct err *err) {
    struct reader *reader = context;
    if (event->run != reader->tracks_of_run) {
        reader->tracks_of_run = event->run;
        reader->named[OF_RUNTIME] = reader->named[OF_DELEGATE] = false;
    }
    reader->events++;
    if (event->kind == ETDUMP_PROFILE)
        return give_span(reader, event, err);
    return event->kind == ETDUMP_ALLOCATION ? give_allocation(reader, event, err) : 0;
}

static int read_mapped(struct reader *reader, const struct flatbuffer *file,
                       struct foreign_outcome *out, struct err *err) {
    int rc = etdump_walk(file, visit, reader, &out->cut, err);
    out->events = reader->events;
    out->complete = rc == 0 && !out->cut;
    out->whole_bytes = file->size;
    if (rc == 0 && reader->sink->fact)
        rc = reader->sink->fact(reader->sink->context, "ticks",
                                "read as nanoseconds: the file does not say their unit", err);
    return rc;
}

static int read_with_program(const struct foreign_request *request, struct reader *reader,
                             const struct flatbuffer *file, struct foreign_outcome *out,
                             struct err *err) {
    if (!request->companion)
        return read_mapped(reader, file, out, err);
    if (pte_open(&reader->program, request->companion, err))
        return -(int)err->code;
    reader->with_program = true;
    int rc = read_mapped(reader, file, out, err);
    pte_close(&reader->program);
    return rc;
}

static int read_etdump(const struct foreign_request *request, struct inflated *in,
                       struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    struct reader reader = {.path = request->path, .sink = sink};
    struct file_map map;
    (void)in;
    if (file_map_open(&map, request->path, err))
        return -(int)err->code;
    const struct flatbuffer file = {map.bytes, map.size, request->path};
    pte_call_init(&reader.call);
    int rc = read_with_program(request, &reader, &file, out, err);
    pte_call_done(&reader.call);
    file_map_close(&map);
    return rc;
}

const struct foreign_format foreign_etdump = {
    .name = "etdump",
    .help = "ExecuTorch's trace (.etdp), with its program (.pte) for the names",
    .companion = true,
    .sniff = sniff_etdump,
    .whole = true,
    .read = read_etdump,
};
