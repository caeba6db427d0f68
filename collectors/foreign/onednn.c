#include "collectors/foreign/onednn.h"

#include "base/utf8.h"
#include "collectors/foreign/text_lines.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIELDS_MAX = 64,
    DIMS_MAX = 12,
    NS_PER_MS = 1000000,
    ROUNDING_NS = 2000, /* what the printed digits may hide */
};

/* ---- numbers --------------------------------------------------------------------------------- */

/* "1795448082124.138916": milliseconds, exactly; until the year 2262. */
static bool parse_moment(const char *text, int64_t *ns) {
    size_t digits = strspn(text, "0123456789");
    int64_t fraction_ns = 0, weight_ns = NS_PER_MS / 10;
    if (digits == 0 || digits > 13 || (text[digits] != '.' && text[digits] != '\0'))
        return false;
    int64_t whole_ms = strtoll(text, NULL, 10);
    if (whole_ms >= INT64_MAX / NS_PER_MS)
        return false;
    for (text += digits + (text[digits] == '.'); isdigit((unsigned char)*text); text++) {
        fraction_ns += (*text - '0') * weight_ns;
        weight_ns /= 10;
    }
    *ns = whole_ms * NS_PER_MS + fraction_ns;
    return *text == '\0';
}

static bool parse_ms(const char *text, int64_t *ns) {
    char *end;
    if (text[0] == '\0' || text[strspn(text, "0123456789.e+-")] != '\0')
        return false;
    double ms = strtod(text, &end);
    if (*end != '\0' || !(ms >= 0 && ms < 9e9))
        return false;
    *ns = llround(ms * NS_PER_MS);
    return true;
}

/* ---- tensors --------------------------------------------------------------------------------- */

struct tensor {
    char role[16], dtype[16];
};

/* "src_f32::blocked:abcd:f0", "diff_dst_f8_e5m2::...", or since version 3.5 "src:f32::...". */
static bool parse_tensor(const char *text, struct tensor *tensor) {
    size_t colon = strcspn(text, ":"), prefix = strncmp(text, "diff_", 5) == 0 ? 5 : 0;
    size_t length = prefix + strcspn(text + prefix, "_:");
    const char *dtype = text + length + 1;
    size_t dtype_length = text[length] ? strcspn(dtype, ":") : 0;
    if (text[colon] == '\0' || length == 0 || length >= sizeof tensor->role ||
        dtype_length >= sizeof tensor->dtype)
        return false;
    snprintf(tensor->role, sizeof tensor->role, "%.*s", (int)length, text);
    snprintf(tensor->dtype, sizeof tensor->dtype, "%.*s", (int)dtype_length, dtype);
    return true;
}

static bool is_input(const struct tensor *tensor) {
    static const char *const others[] = {"dst",      "bia",      "ws",      "scratchpad",
                                         "diff_src", "diff_wei", "diff_bia"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(tensor->role, others[i]) == 0)
            return false;
    return true;
}

/* The types of the inputs, without biases; how many there are. */
static uint32_t input_dtypes(struct onednn *onednn, const char *tensors, uint32_t most) {
    uint32_t count = 0;
    onednn->dtypes.length = 0;
    onednn->dtypes.text[0] = '\0';
    while (*tensors && count < most) {
        char one[64];
        struct tensor tensor;
        size_t length = strcspn(tensors, " ");
        snprintf(one, sizeof one, "%.*s", (int)(length < 63 ? length : 63), tensors);
        if (parse_tensor(one, &tensor) && is_input(&tensor))
            strbuf_printf(&onednn->dtypes, "%s%s", count++ ? " " : "", tensor.dtype);
        tensors += length;
        tensors += strspn(tensors, " ");
    }
    return count;
}

/* ---- problems -------------------------------------------------------------------------------- */

/* "mb1_ic3oc64_ih224oh112kh7": sizes by name. */
struct sizes {
    struct {
        char name[4];
        uint64_t value;
    } items[48];
    uint32_t count;
};

static bool parse_sizes(const char *text, struct sizes *sizes) {
    sizes->count = 0;
    while (*text) {
        text += strspn(text, "_");
        size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        size_t digits = strspn(text + letters, "0123456789");
        if (letters == 0 || letters > 3 || digits == 0 || digits > 18 ||
            sizes->count == sizeof sizes->items / sizeof *sizes->items)
            return false;
        snprintf(sizes->items[sizes->count].name, 4, "%.*s", (int)letters, text);
        sizes->items[sizes->count++].value = strtoull(text + letters, NULL, 10);
        text += letters + digits;
    }
    return sizes->count > 0;
}

static uint64_t size_of(const struct sizes *sizes, const char *name) {
    for (uint32_t i = 0; i < sizes->count; i++)
        if (strcmp(sizes->items[i].name, name) == 0)
            return sizes->items[i].value;
    return 0;
}

/* Those of `names` that the problem has, after the dimensions before them. */
static void add_dims(struct strbuf *out, const struct sizes *sizes, const char *const *names) {
    for (; *names; names++)
        if (size_of(sizes, *names) > 0)
            strbuf_printf(out, "x%llu", (unsigned long long)size_of(sizes, *names));
}

/* Convolutions, inner products, pooling, normalisations. Weights are [group], output and input
 * channels of a group, and the kernel, which an inner product has as large as the image. */
static uint32_t shapes_by_name(const struct sizes *sizes, uint32_t inputs, struct strbuf *out) {
    static const char *const image[] = {"id", "ih", "iw", NULL}, *const kernel[] = {"kd", "kh",
                                                                                    "kw", NULL};
    uint64_t groups = size_of(sizes, "g"), oc = size_of(sizes, "oc"), ic = size_of(sizes, "ic");
    uint64_t split = groups > 1 ? groups : 1;
    if (size_of(sizes, "mb") == 0 || ic == 0)
        return 0;
    strbuf_printf(out, "%llux%llu", (unsigned long long)size_of(sizes, "mb"),
                  (unsigned long long)ic);
    add_dims(out, sizes, image);
    if (inputs < 2 || oc == 0)
        return 1;
    strbuf_puts(out, " ");
    if (groups > 1)
        strbuf_printf(out, "%llux", (unsigned long long)groups);
    strbuf_printf(out, "%llux%llu", (unsigned long long)(oc / split),
                  (unsigned long long)(ic / split));
    add_dims(out, sizes, size_of(sizes, "kw") > 0 ? kernel : image);
    return 2;
}

/* "128x256:256x512:128x512": inputs first. */
static uint32_t shapes_in_order(const char *problem, uint32_t inputs, struct strbuf *out) {
    uint32_t count = 0;
    while (count < inputs && *problem) {
        size_t length = strspn(problem, "0123456789x");
        if (length == 0 || !isdigit((unsigned char)problem[0]) || problem[length - 1] == 'x' ||
            (problem[length] != ':' && problem[length] != '\0'))
            return 0;
        strbuf_puts(out, count++ ? " " : "");
        strbuf_add(out, problem, length);
        problem += length;
        problem += *problem == ':';
    }
    return count;
}

static void describe_inputs(struct onednn *onednn, const char *tensors, const char *problem,
                            struct span *span) {
    struct sizes sizes;
    struct strbuf *shapes = &onednn->shapes;
    uint32_t inputs = input_dtypes(onednn, tensors, DIMS_MAX), count;
    shapes->length = 0;
    shapes->text[0] = '\0';
    count = parse_sizes(problem, &sizes) ? shapes_by_name(&sizes, inputs, shapes)
                                         : shapes_in_order(problem, inputs, shapes);
    if (count == 0)
        return;
    input_dtypes(onednn, tensors, count);
    span->shapes = shapes->text;
    span->dtypes = onednn->dtypes.text;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Lines come when a primitive ends, so ends do not decrease. A lane takes a span that begins after
 * its last one, or that is around its last ones. */
static bool lane_takes(struct onednn_lane *lane, struct span *span) {
    int64_t end_ns = span->start_ns + span->duration_ns;
    uint32_t count = lane->count;
    while (count > 0 && lane->spans[count - 1].start_ns >= span->start_ns)
        count--;
    if (count > 0) {
        int64_t over_ns = lane->spans[count - 1].end_ns - span->start_ns;
        if (over_ns > ROUNDING_NS)
            return false;
        if (over_ns > 0) {
            span->start_ns += over_ns;
            span->duration_ns = end_ns > span->start_ns ? end_ns - span->start_ns : 0;
        }
    }
    if (count == ONEDNN_LANE_SPANS) {
        memmove(lane->spans, lane->spans + 1, sizeof lane->spans - sizeof *lane->spans);
        count--;
    }
    lane->spans[count].start_ns = span->start_ns;
    lane->spans[count].end_ns = span->start_ns + span->duration_ns;
    lane->count = count + 1;
    return true;
}

static int name_lane(const struct onednn *onednn, uint32_t lane, const struct span_sink *sink,
                     struct err *err) {
    char name[32];
    snprintf(name, sizeof name, "oneDNN %u", lane + 1);
    return sink->track
               ? sink->track(sink->context, onednn->first_track + lane, TRACK_THREAD, name, err)
               : 0;
}

/* More primitives at once than there are lanes: the last lane takes them as they come. */
static int find_lane(struct onednn *onednn, struct span *span, const struct span_sink *sink,
                     struct err *err) {
    uint32_t lane = 0;
    while (lane < onednn->lane_count && !lane_takes(&onednn->lanes[lane], span))
        lane++;
    if (lane == ONEDNN_LANES)
        lane--;
    else if (lane == onednn->lane_count) {
        onednn->lane_count++;
        lane_takes(&onednn->lanes[lane], span);
        if (name_lane(onednn, lane, sink, err))
            return -(int)err->code;
    }
    span->track = onednn->first_track + lane;
    return 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const char *const markers[] = {"onednn_verbose,", "dnnl_verbose,"};

bool onednn_is_line(const char *line) {
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
        if (strncmp(line, markers[i], strlen(markers[i])) == 0)
            return true;
    return false;
}

void onednn_init(struct onednn *onednn) {
    *onednn = (struct onednn){.lanes = calloc(ONEDNN_LANES, sizeof *onednn->lanes)};
    strbuf_init(&onednn->shapes);
    strbuf_init(&onednn->dtypes);
    strbuf_init(&onednn->name);
}

void onednn_done(struct onednn *onednn) {
    strbuf_done(&onednn->shapes);
    strbuf_done(&onednn->dtypes);
    strbuf_done(&onednn->name);
    free(onednn->lanes);
}

/* What stands before the operation. */
struct line_head {
    bool timed, graph;
    int64_t moment_ns;
    char *operation; /* "exec", "create:cache_miss", "info" */
    char **rest;
    size_t count; /* of rest */
};

static bool parse_head(char **fields, size_t count, struct line_head *head) {
    size_t at = 1;
    *head = (struct line_head){0};
    if (at < count && strcmp(fields[at], "v1") == 0)
        at++;
    if (at < count && isdigit((unsigned char)fields[at][0])) {
        head->timed = parse_moment(fields[at++], &head->moment_ns);
        if (!head->timed)
            return false;
    }
    if (at < count && (strcmp(fields[at], "primitive") == 0 || strcmp(fields[at], "graph") == 0))
        head->graph = fields[at++][0] == 'g';
    if (at >= count || fields[at][0] == '\0')
        return false;
    head->operation = fields[at++];
    head->rest = fields + at;
    head->count = count - at;
    return true;
}

static void place(struct onednn *onednn, const struct line_head *head, struct span *span) {
    if (head->timed) {
        span->start_ns = head->moment_ns;
        return;
    }
    onednn->timeless++;
    span->start_ns = onednn->now_ns;
    onednn->now_ns += span->duration_ns;
}

/* engine, primitive, implementation, propagation, tensors, ..., problem, time; of a graph: engine,
 * number, kind, ..., time. */
static int give_span(struct onednn *onednn, const struct line_head *head,
                     const struct span_sink *sink, struct err *err) {
    size_t least = head->graph ? 4 : 7;
    char **rest = head->rest;
    if (head->count < least)
        return err_set(err, ERR_INPUT, "a line of oneDNN ends after %zu fields", head->count);
    bool made = strncmp(head->operation, "create", 6) == 0;
    struct span span = {.kind = strncmp(rest[0], "gpu", 3) == 0 ? SPAN_KERNEL : SPAN_OPERATOR,
                        .name = rest[head->graph ? 2 : 1],
                        .category = head->graph ? "graph" : rest[2]};
    if (!parse_ms(rest[head->count - 1], &span.duration_ns))
        return err_set(err, ERR_INPUT, "\"%.*s\" is no time in milliseconds",
                       (int)utf8_prefix(rest[head->count - 1], 40), rest[head->count - 1]);
    if (made) {
        onednn->name.length = 0;
        strbuf_printf(&onednn->name, "%s %s", head->operation, span.name);
        span.name = onednn->name.text;
        span.kind = SPAN_OTHER;
    } else if (!head->graph) {
        describe_inputs(onednn, rest[4], rest[head->count - 2], &span);
    }
    place(onednn, head, &span);
    onednn->spans++;
    if (find_lane(onednn, &span, sink, err))
        return -(int)err->code;
    return sink->span ? sink->span(sink->context, &span, err) : 0;
}

/* "oneDNN v2.6.3 (commit N/A)", then properties of the engines; the first line is the version. */
static int give_version(const struct line_head *head, const struct span_sink *sink,
                        struct err *err) {
    if (!sink->fact || head->count == 0 || strncmp(head->rest[0], "oneDNN v", 8) != 0)
        return 0;
    return sink->fact(sink->context, "library", head->rest[0], err);
}

int onednn_line(struct onednn *onednn, char *line, const struct span_sink *sink, struct err *err) {
    char *fields[FIELDS_MAX];
    struct line_head head;
    if (!onednn_is_line(line))
        return 0;
    onednn->lines++;
    size_t count = text_split(line, ',', fields, FIELDS_MAX);
    if (count == FIELDS_MAX)
        return err_set(err, ERR_INPUT, "a line of oneDNN with more than %d fields", FIELDS_MAX - 1);
    if (!parse_head(fields, count, &head))
        return err_set(err, ERR_INPUT, "a line of oneDNN that says neither exec nor info");
    if (strcmp(head.operation, "exec") == 0 || strncmp(head.operation, "create", 6) == 0)
        return give_span(onednn, &head, sink, err);
    return strcmp(head.operation, "info") == 0 ? give_version(&head, sink, err) : 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct reader {
    const struct foreign_request *request;
    struct onednn onednn;
    struct span_sink *sink;
    struct foreign_outcome *out;
    bool versioned;   /* a version was told; each process prints it again */
    bool sink_failed; /* the error is not the line's */
    struct err first; /* of the lines that could not be read */
};

static int sink_says(struct reader *reader, int rc) {
    reader->sink_failed |= rc != 0;
    return rc;
}

static int keep_first_fact(void *context, const char *key, const char *value, struct err *err) {
    struct reader *reader = context;
    if (reader->versioned || !reader->sink->fact)
        return 0;
    reader->versioned = true;
    return sink_says(reader, reader->sink->fact(reader->sink->context, key, value, err));
}

static int pass_span(void *context, const struct span *span, struct err *err) {
    struct reader *reader = context;
    return reader->sink->span
               ? sink_says(reader, reader->sink->span(reader->sink->context, span, err))
               : 0;
}

static int pass_track(void *context, uint64_t track, enum track_kind kind, const char *name,
                      struct err *err) {
    struct reader *reader = context;
    return reader->sink->track ? sink_says(reader, reader->sink->track(reader->sink->context, track,
                                                                       kind, name, err))
                               : 0;
}

/* Threads print into one another's lines: such a line is passed over and counted. */
static int pass_over(struct reader *reader, uint64_t number, struct err *err) {
    if (reader->out->skipped++ == 0) {
        reader->out->why = arena_printf(reader->request->arena, "in line %llu: %s",
                                        (unsigned long long)number, err->message);
        err_prefix(err, "%s:%llu", reader->request->path, (unsigned long long)number);
        reader->first = *err;
    }
    *err = (struct err){0};
    return 0;
}

static int visit(void *context, uint64_t number, char *line, size_t length, struct err *err) {
    struct reader *reader = context;
    const struct span_sink sink = {
        .context = reader, .span = pass_span, .track = pass_track, .fact = keep_first_fact};
    (void)length;
    if (onednn_line(&reader->onednn, line, &sink, err) == 0)
        return 0;
    return reader->sink_failed ? -(int)err->code : pass_over(reader, number, err);
}

/* What is said of the whole. Where no line could be read the first one's error is the file's. */
static int finish(struct reader *reader, struct err *err) {
    if (reader->onednn.lines == reader->out->skipped && reader->out->skipped > 0) {
        *err = reader->first;
        return -(int)err->code;
    }
    return reader->onednn.timeless > 0 && reader->sink->fact
               ? reader->sink->fact(reader->sink->context, "moments",
                                    "not in the file: operators are laid end to end", err)
               : 0;
}

static int read_onednn(const struct foreign_request *request, struct inflated *in,
                       struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    struct reader reader = {.request = request, .sink = sink, .out = out};
    onednn_init(&reader.onednn);
    int rc = text_lines_read(request->path, in, visit, &reader, out, err);
    out->events = reader.onednn.lines - out->skipped;
    if (rc == 0)
        rc = finish(&reader, err);
    onednn_done(&reader.onednn);
    return rc;
}

/* Programs print other things before. */
static bool sniff_onednn(const char *head, size_t length) {
    (void)length;
    for (const char *line = head; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (onednn_is_line(line))
            return true;
    }
    return false;
}

const struct foreign_format foreign_onednn = {
    .name = "onednn",
    .help = "what oneDNN prints with ONEDNN_VERBOSE=1",
    .sniff = sniff_onednn,
    .read = read_onednn,
};
