#include "collectors/foreign/chrome_trace.h"

#include "collectors/foreign/chrome_tracks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct chrome_dialect *dialect;
    const struct foreign_request *request;
    struct span_sink *sink;
    struct foreign_outcome *out;
    struct err *err;
    struct json_stream json;
    struct chrome_tracks *tracks;
    struct chrome_event event;
    bool bare;                  /* the array stands alone: its closing bracket may be absent */
    bool found;                 /* there was an array of events */
    bool has_schema, has_nodes; /* keys of an execution graph */
    uint64_t whole;             /* offset behind the last whole event */
};

/* ---- what cannot be used --------------------------------------------------------------------- */

static void skip(struct reading *r, uint64_t offset, const char *why) {
    if (r->out->skipped++ == 0)
        r->out->why = arena_printf(r->request->arena, "at offset %" PRIu64 ": %s", offset, why);
}

static bool usable_track(struct reading *r, const char *tid, uint32_t *track) {
    *track = chrome_track(r->tracks, r->event.pid, tid);
    if (*track == UINT32_MAX)
        skip(r, r->event.offset, "more threads than can be held");
    return *track != UINT32_MAX;
}

static bool usable_start(struct reading *r) {
    if (!r->event.has_ts)
        skip(r, r->event.offset, r->event.bad_time ? r->event.bad_time : "it has no ts");
    return r->event.has_ts;
}

/* ---- spans ----------------------------------------------------------------------------------- */

static bool on_device(enum span_kind kind) {
    return kind == SPAN_KERNEL || kind == SPAN_COPY || kind == SPAN_SET;
}

static int give_span(struct reading *r, const struct span *span) {
    static const int64_t most_ns = INT64_C(1) << 62; /* as the recorder has it */
    if (span->duration_ns >= most_ns || span->start_ns >= most_ns - span->duration_ns) {
        skip(r, r->event.offset, "it lasts longer than can be held");
        return 0;
    }
    chrome_track_use(r->tracks, (uint32_t)span->track, on_device(span->kind));
    return r->sink->span ? r->sink->span(r->sink->context, span, r->err) : 0;
}

static struct span describe(const struct reading *r, uint32_t track) {
    const struct chrome_event *event = &r->event;
    struct span span = {
        .name = event->name,
        .category = *event->category ? event->category : NULL,
        .kind = SPAN_OTHER,
        .track = track,
        .start_ns = event->ts_ns,
        .duration_ns = event->dur_ns,
        .shapes = event->has_shapes ? event->shapes : NULL,
        .dtypes = *event->dtypes ? event->dtypes : NULL,
        .correlation = event->correlation,
    };
    r->dialect->describe(event, &span);
    return span;
}

static int take_complete(struct reading *r) {
    const struct chrome_event *event = &r->event;
    uint32_t track;
    if (event->bad_time || !event->has_ts || !event->has_dur) {
        skip(r, event->offset, event->bad_time ? event->bad_time : "it has no ts or no dur");
        return 0;
    }
    if (!usable_track(r, event->tid, &track))
        return 0;
    struct span span = describe(r, track);
    return give_span(r, &span);
}

static int take_begin(struct reading *r) {
    uint32_t track;
    if (!usable_start(r) || !usable_track(r, r->event.tid, &track))
        return 0;
    struct span span = describe(r, track);
    if (!chrome_track_begin(r->tracks, track, 0, &span))
        skip(r, r->event.offset, "more spans are open than can be held");
    return 0;
}

static int end_span(struct reading *r, uint32_t track, uint64_t id) {
    struct span span;
    if (!chrome_track_end(r->tracks, track, id, &span)) {
        skip(r, r->event.offset, "an end without its beginning");
        return 0;
    }
    span.duration_ns = r->event.ts_ns - span.start_ns;
    if (span.duration_ns < 0) {
        skip(r, r->event.offset, "an end before its beginning");
        return 0;
    }
    return give_span(r, &span);
}

static int take_end(struct reading *r) {
    uint32_t track;
    return usable_start(r) && usable_track(r, r->event.tid, &track) ? end_span(r, track, 0) : 0;
}

/* Asynchronous spans of a category share a track of their own; the id tells them apart. */
static bool async_track(struct reading *r, uint32_t *track, uint64_t *id) {
    char tid[CHROME_WORD_BYTES + 8];
    snprintf(tid, sizeof tid, "async %.*s", CHROME_WORD_BYTES - 8, r->event.category);
    *id = 0xcbf29ce484222325u; /* FNV-1a; never 0, which is what nests */
    for (const char *at = r->event.id; *at; at++)
        *id = (*id ^ (unsigned char)*at) * 0x100000001b3u;
    *id |= 1;
    return usable_track(r, tid, track);
}

static int take_async_begin(struct reading *r) {
    uint32_t track;
    uint64_t id;
    if (!usable_start(r) || !async_track(r, &track, &id))
        return 0;
    struct span span = describe(r, track);
    if (!chrome_track_begin(r->tracks, track, id, &span))
        skip(r, r->event.offset, "more spans are open than can be held");
    return 0;
}

static int take_async_end(struct reading *r) {
    uint32_t track;
    uint64_t id;
    return usable_start(r) && async_track(r, &track, &id) ? end_span(r, track, id) : 0;
}

/* ---- the other phases ------------------------------------------------------------------------ */

static int take_metadata(struct reading *r) {
    const struct chrome_event *event = &r->event;
    if (strcmp(event->name, "process_name") == 0)
        chrome_track_name(r->tracks, chrome_track(r->tracks, event->pid, NULL), event->label);
    else if (strcmp(event->name, "thread_name") == 0)
        chrome_track_name(r->tracks, chrome_track(r->tracks, event->pid, event->tid), event->label);
    return 0;
}

static int give_reading(struct reading *r, const char *metric, const char *unit, uint64_t track,
                        const char *number) {
    char *end;
    struct track_sample sample = {metric, unit, track, r->event.ts_ns, strtod(number, &end)};
    return *end || !r->sink->sample ? 0 : r->sink->sample(r->sink->context, &sample, r->err);
}

static int take_counter(struct reading *r) {
    char metric[CHROME_WORD_BYTES + 64];
    int code = 0;
    for (uint32_t i = 0; i < r->event.number_count && r->event.has_ts && code == 0; i++) {
        snprintf(metric, sizeof metric, "%.200s: %s", r->event.name, r->event.numbers[i].key);
        code = give_reading(r, metric, "", 0, r->event.numbers[i].text);
    }
    return code;
}

/* PyTorch tells every allocation as an instant, with what is allocated after it. */
static int take_instant(struct reading *r) {
    uint32_t track;
    if (strcmp(r->event.name, "[memory]") != 0 || !r->event.has_ts)
        return 0;
    for (uint32_t i = 0; i < r->event.number_count; i++) {
        const struct chrome_number *number = &r->event.numbers[i];
        bool total = strcmp(number->key, "Total Allocated") == 0;
        if (total && usable_track(r, r->event.tid, &track)) {
            chrome_track_use(r->tracks, track, false);
            return give_reading(r, "allocated_bytes", "bytes", track, number->text);
        }
    }
    return 0;
}

static const struct {
    char phase;
    int (*take)(struct reading *r);
} phases[] = {
    {'X', take_complete   },
    {'B', take_begin      },
    {'E', take_end        },
    {'b', take_async_begin},
    {'e', take_async_end  },
    {'M', take_metadata   },
    {'C', take_counter    },
    {'i', take_instant    },
};

static int take_event(struct reading *r) {
    r->out->events++;
    r->whole = json_stream_offset(&r->json);
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (phases[i].phase == r->event.phase)
            return phases[i].take(r);
    return 0;
}

/* ---- the array of events --------------------------------------------------------------------- */

static void end_early(struct reading *r, const char *why) {
    r->out->complete = false;
    r->out->cut = why;
    r->out->whole_bytes = r->whole;
}

static void end_of_bytes(struct reading *r) {
    const char *reason;
    if (inflated_cut(r->json.in, &reason))
        end_early(r, reason);
    else
        end_early(r, "the JSON ends early");
}

/* Behind what is no JSON: goes on at the next thing that looks like an event. */
static int go_on(struct reading *r, unsigned depth) {
    static const char *const keys[] = {"ph", "name", "cat",  "pid", "tid",
                                       "ts", "dur",  "args", NULL};
    char problem[96];
    uint64_t offset = json_stream_offset(&r->json);
    snprintf(problem, sizeof problem, "no JSON: %s", r->json.problem);
    skip(r, offset, problem);
    if (json_resync(&r->json, depth, keys, r->err) < 0)
        return -(int)r->err->code;
    if (r->json.token != JSON_KEY)
        end_early(r, arena_printf(r->request->arena, "no JSON near offset %" PRIu64 ": %s", offset,
                                  r->json.problem));
    return 0;
}

static int take_element(struct reading *r, unsigned depth) {
    if (r->json.token == JSON_OBJECT || r->json.token == JSON_KEY) {
        if (chrome_event_read(&r->json, &r->event, r->err))
            return take_event(r);
    } else if (r->json.token != JSON_BAD) {
        skip(r, r->json.offset, "an event that is no object");
        json_skip(&r->json, r->err);
    }
    if (r->json.token == JSON_BAD && !r->err->code)
        return go_on(r, depth);
    return -(int)r->err->code;
}

/* With the opening bracket as token. */
static int read_events(struct reading *r) {
    unsigned depth = r->json.depth;
    r->found = true;
    r->whole = json_stream_offset(&r->json);
    if (json_next(&r->json, r->err) < 0)
        return -(int)r->err->code;
    while (r->json.depth >= depth && r->json.token != JSON_CUT) {
        if (take_element(r, depth) < 0)
            return -(int)r->err->code;
        /* A key after resynchronising is the first of the next event. */
        if (r->json.token != JSON_KEY && json_next(&r->json, r->err) < 0)
            return -(int)r->err->code;
    }
    return 0;
}

/* ---- the document ---------------------------------------------------------------------------- */

static int give_fact(struct reading *r, const char *key, const char *value) {
    return r->sink->fact ? r->sink->fact(r->sink->context, key, value, r->err) : 0;
}

/* Scalars of an object, or of the first of an array of objects: "distributedInfo.rank". */
static int take_facts(struct reading *r, const char *name, const char *device_key) {
    char key[2 * CHROME_WORD_BYTES + 2] = "";
    unsigned depth = r->json.depth;
    int code = 0;
    while (code == 0 && json_next(&r->json, r->err) == 0 && r->json.depth >= depth) {
        if (r->json.token == JSON_BAD || r->json.token == JSON_CUT)
            return 0;
        bool scalar = r->json.token == JSON_STRING || r->json.token == JSON_NUMBER;
        if (r->json.token == JSON_KEY)
            snprintf(key, sizeof key, "%s.%.250s", name, r->json.text);
        else if (scalar && device_key && strcmp(key, "deviceProperties.name") == 0)
            code = give_fact(r, device_key, r->json.text);
        else if (scalar)
            code = give_fact(r, key, r->json.text);
    }
    return r->err->code ? -(int)r->err->code : code;
}

static int take_document_member(struct reading *r) {
    char key[CHROME_WORD_BYTES];
    snprintf(key, sizeof key, "%s", r->json.text);
    r->has_schema |= strcmp(key, "schema") == 0;
    r->has_nodes |= strcmp(key, "nodes") == 0;
    if (json_next(&r->json, r->err) < 0)
        return -(int)r->err->code;
    if (strcmp(key, "traceEvents") == 0 && r->json.token == JSON_ARRAY)
        return read_events(r);
    if (strcmp(key, "deviceProperties") == 0 && r->json.token == JSON_ARRAY)
        return take_facts(r, key, "device");
    if (strcmp(key, "distributedInfo") == 0 && r->json.token == JSON_OBJECT)
        return take_facts(r, key, NULL);
    if (r->json.token == JSON_STRING || r->json.token == JSON_NUMBER)
        return give_fact(r, key, r->json.text);
    return json_skip(&r->json, r->err);
}

static int read_object(struct reading *r) {
    while (json_next(&r->json, r->err) == 0 && r->json.token == JSON_KEY)
        if (take_document_member(r) < 0)
            return -(int)r->err->code;
    return r->err->code ? -(int)r->err->code : 0;
}

static int refuse(struct reading *r, const char *what) {
    err_set(r->err, ERR_INPUT, "%s: %s", r->request->path, what);
    return err_hint(r->err, "a trace is a JSON array of events, bare or as \"traceEvents\"");
}

/* Says how the reading ended. */
static int judge(struct reading *r) {
    const char *reason;
    bool cut = r->json.token == JSON_CUT, bad = r->json.token == JSON_BAD;
    if (!r->found && r->has_schema && r->has_nodes)
        return refuse(r,
                      "an execution graph of PyTorch (\"schema\" and \"nodes\"): it has no times");
    if (!r->found && (cut || bad)) {
        err_set(r->err, ERR_INPUT, "%s: %s near offset %" PRIu64, r->request->path,
                cut ? "the JSON ends before any events" : r->json.problem,
                json_stream_offset(&r->json));
        return -ERR_INPUT;
    }
    if (!r->found)
        return refuse(r, "it has no \"traceEvents\"");
    bool unclosed = r->bare && r->json.depth == 1 && r->out->events;
    if (r->out->complete && ((cut && !unclosed) || inflated_cut(r->json.in, &reason)))
        end_of_bytes(r);
    if (bad)
        skip(r, json_stream_offset(&r->json), r->json.problem);
    if (!r->out->complete && r->out->events == 0) {
        err_set(r->err, ERR_INPUT, "%s: %s before its first event is whole", r->request->path,
                r->out->cut);
        return -ERR_INPUT;
    }
    return 0;
}

static int read_document(struct reading *r) {
    if (json_next(&r->json, r->err) < 0)
        return -(int)r->err->code;
    if (r->json.token == JSON_ARRAY && r->dialect->bare) {
        r->bare = true;
        if (read_events(r) < 0)
            return -(int)r->err->code;
    } else if (r->json.token == JSON_OBJECT && r->dialect->object) {
        if (read_object(r) < 0)
            return -(int)r->err->code;
    }
    if ((r->json.token == JSON_OBJECT_END || r->json.token == JSON_ARRAY_END) &&
        r->json.depth == 0 && json_next(&r->json, r->err) < 0)
        return -(int)r->err->code;
    return judge(r);
}

static int tell_rest(struct reading *r) {
    char text[64];
    uint64_t open = chrome_tracks_open_spans(r->tracks);
    if (chrome_tracks_tell(r->tracks, r->sink, r->err) < 0)
        return -(int)r->err->code;
    snprintf(text, sizeof text, "%" PRIu64, r->json.mended);
    if (r->json.mended && give_fact(r, "texts that were no JSON and were mended", text) < 0)
        return -(int)r->err->code;
    snprintf(text, sizeof text, "%" PRIu64, open);
    return open ? give_fact(r, "spans that never ended", text) : 0;
}

int chrome_trace_read(const struct chrome_dialect *dialect, const struct foreign_request *request,
                      struct inflated *in, struct span_sink *sink, struct foreign_outcome *out,
                      struct err *err) {
    struct reading *r = calloc(1, sizeof *r);
    if (!r)
        return err_set(err, ERR_ENVIRONMENT, "out of memory");
    r->dialect = dialect;
    r->request = request;
    r->sink = sink;
    r->out = out;
    r->err = err;
    int code = json_stream_open(&r->json, in, err);
    if (code == 0)
        code = chrome_tracks_open(&r->tracks, err);
    if (code == 0)
        code = read_document(r);
    if (code == 0)
        code = tell_rest(r);
    json_stream_close(&r->json);
    chrome_tracks_close(r->tracks);
    free(r);
    return code;
}
