#include "server/grpc/connection.h"

#include "server/grpc/call.h"
#include "server/grpc/guard.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_BYTES = 16 * 1024 }; /* gathered before it is written */

struct grpc_connection {
    const struct grpc_service *service;
    nghttp2_session *session;
    struct grpc_guard guard;
    struct grpc_call *calls; /* newest first */
    size_t buffered_bytes;   /* of all calls' requests */
    uint64_t quiet_ns;       /* since when there is no call */
    uint64_t poll_ns;        /* when the streams are asked next; UINT64_MAX: there is none */
    uint64_t unsent_ns;      /* since when output waits; UINT64_MAX: none does */
    struct strbuf out;
    size_t out_sent;
    bool answered; /* a call, with OK */
    bool stopping;
    bool abused;
};

static uint64_t now(const struct grpc_connection *connection) {
    return connection->service->now_ns();
}

/* ---- what goes out --------------------------------------------------------------------------- */

enum { FIELDS_MAX = 6 };

struct fields {
    nghttp2_nv items[FIELDS_MAX];
    size_t count;
    char http[12], code[12], message[GRPC_ENCODED_SIZE];
};

/* The library copies names and values; it takes them as not const. */
static void add_field(struct fields *fields, const char *name, const char *value) {
    union {
        const char *text;
        uint8_t *bytes;
    } n = {.text = name}, v = {.text = value};
    fields->items[fields->count++] = (nghttp2_nv){n.bytes, v.bytes, strlen(name), strlen(value), 0};
}

static void add_status(struct fields *fields, const struct grpc_status *status) {
    snprintf(fields->code, sizeof fields->code, "%d", (int)status->code);
    add_field(fields, "grpc-status", fields->code);
    if (status->code != GRPC_OK)
        add_field(fields, "grpc-message", grpc_encode_message(fields->message, status->message));
}

static void add_head(struct fields *fields, int http_status) {
    snprintf(fields->http, sizeof fields->http, "%d", http_status);
    add_field(fields, ":status", fields->http);
    if (http_status != 200)
        return;
    add_field(fields, "content-type", "application/grpc");
    add_field(fields, "grpc-accept-encoding", "identity");
}

static size_t take_out(struct grpc_call *call, uint8_t *buffer, size_t length) {
    size_t left = call->out.length - call->out_sent;
    size_t step = left < length ? left : length;
    memcpy(buffer, call->out.text + call->out_sent, step);
    call->out_sent += step;
    if (step == left)
        call->out.length = call->out_sent = 0;
    return step;
}

/* nghttp2 asks for the bytes of a call's answers; after the last one the trailers follow. */
static ssize_t read_out(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t length,
                        uint32_t *flags, nghttp2_data_source *source, void *user) {
    struct grpc_connection *connection = user;
    struct grpc_call *call = source->ptr;
    size_t step = take_out(call, buffer, length);
    call->unsent_ns = call->out.length ? now(connection) : UINT64_MAX;
    if (call->out.length || call->phase != GRPC_ENDED)
        return step ? (ssize_t)step : NGHTTP2_ERR_DEFERRED;
    struct fields trailers = {.count = 0};
    add_status(&trailers, &call->status);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    grpc_guard_earn(&connection->guard);
    if (nghttp2_submit_trailer(session, stream, trailers.items, trailers.count))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)step;
}

/* A status without a message before it goes in one block of headers ("Trailers-Only"). */
static void respond_alone(struct grpc_connection *connection, struct grpc_call *call) {
    struct fields fields = {.count = 0};
    int http_status = grpc_call_http_status(call);
    add_head(&fields, http_status);
    if (http_status == 200)
        add_status(&fields, &call->status);
    nghttp2_submit_response(connection->session, call->stream, fields.items, fields.count, NULL);
}

static void respond_with_data(struct grpc_connection *connection, struct grpc_call *call) {
    const nghttp2_data_provider provider = {.source.ptr = call, .read_callback = read_out};
    struct fields fields = {.count = 0};
    add_head(&fields, 200);
    nghttp2_submit_response(connection->session, call->stream, fields.items, fields.count,
                            &provider);
}

static void drop_request(struct grpc_connection *connection, struct grpc_call *call) {
    connection->buffered_bytes -= call->in.length;
    strbuf_done(&call->in);
}

/* Hands over what the call has to say, for the first time or again. */
static void respond(struct grpc_connection *connection, struct grpc_call *call) {
    if (call->phase == GRPC_ENDED)
        drop_request(connection, call);
    if (call->unsent_ns == UINT64_MAX && (call->out.length || call->phase == GRPC_ENDED))
        call->unsent_ns = now(connection);
    if (call->begun)
        nghttp2_session_resume_data(connection->session, call->stream);
    else if (call->status.code != GRPC_OK)
        respond_alone(connection, call);
    else
        respond_with_data(connection, call);
    call->begun = true;
}

/* Says the status, which stands. What is still to come of the request is dropped as it comes: after
 * a reset some clients lose the status before it. */
static void conclude(struct grpc_connection *connection, struct grpc_call *call) {
    grpc_metrics_streams(connection->service->metrics, -(call->phase == GRPC_OPEN));
    call->phase = GRPC_ENDED;
    respond(connection, call);
}

static void end(struct grpc_connection *connection, struct grpc_call *call, enum grpc_code code,
                const char *why) {
    grpc_fail(&call->status, code, "%s", why);
    conclude(connection, call);
}

static void reset(struct grpc_connection *connection, struct grpc_call *call) {
    call->unsent_ns = UINT64_MAX;
    nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_CANCEL);
}

/* ---- what comes in --------------------------------------------------------------------------- */

static struct grpc_call *call_of(nghttp2_session *session, int32_t stream) {
    return nghttp2_session_get_stream_user_data(session, stream);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct grpc_connection *connection = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct grpc_call *call = grpc_call_new(frame->hd.stream_id, now(connection));
    if (!call)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    call->next = connection->calls;
    if (call->next)
        call->next->previous = call;
    connection->calls = call;
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
}

/* Failures are the call's status; it is said when the headers are complete. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
    struct grpc_connection *connection = user;
    struct grpc_call *call = call_of(session, frame->hd.stream_id);
    (void)name_length, (void)flags;
    if (call && call->phase == GRPC_RECEIVING && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        grpc_call_header(call, connection->service, (const char *)name, (const char *)value,
                         value_length);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t length, void *user) {
    struct grpc_connection *connection = user;
    struct grpc_call *call = call_of(session, stream);
    (void)flags;
    if (!call || call->phase != GRPC_RECEIVING)
        return 0;
    if (length > connection->service->limits.buffered_max_bytes - connection->buffered_bytes)
        grpc_fail(&call->status, GRPC_RESOURCE_EXHAUSTED,
                  "more than %u bytes of requests at a time on one connection",
                  connection->service->limits.buffered_max_bytes);
    size_t before = call->in.length;
    if (call->status.code == GRPC_OK)
        grpc_call_data(call, connection->service, bytes, length);
    connection->buffered_bytes += call->in.length - before;
    if (call->status.code != GRPC_OK)
        conclude(connection, call);
    return 0;
}

/* While a stream is open it is among those that are counted. */
static void answer(struct grpc_connection *connection, struct grpc_call *call) {
    struct grpc_metrics *metrics = connection->service->metrics;
    bool was_open = call->phase == GRPC_OPEN;
    grpc_call_answer(call, connection->service);
    grpc_metrics_streams(metrics, (call->phase == GRPC_OPEN) - was_open);
}

static void request_complete(struct grpc_connection *connection, struct grpc_call *call) {
    if (call->status.code != GRPC_OK || grpc_call_request_end(call))
        call->phase = GRPC_ENDED;
    else
        answer(connection, call);
    connection->answered |= call->status.code == GRPC_OK;
    if (call->phase == GRPC_OPEN && connection->poll_ns == UINT64_MAX)
        connection->poll_ns = now(connection) + connection->service->limits.poll_ns;
    respond(connection, call);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct grpc_connection *connection = user;
    struct grpc_call *call = call_of(session, frame->hd.stream_id);
    bool is_headers = frame->hd.type == NGHTTP2_HEADERS;
    bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (!call || call->phase != GRPC_RECEIVING || !(is_headers || frame->hd.type == NGHTTP2_DATA))
        return 0;
    if (is_headers && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        grpc_call_headers_end(call, connection->service);
    if (is_last)
        request_complete(connection, call);
    else if (call->status.code != GRPC_OK)
        conclude(connection, call);
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct grpc_connection *connection = user;
    struct grpc_call *call = call_of(session, frame->hd.stream_id);
    if (call && call->cut && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        reset(connection, call);
    if (frame->hd.type == NGHTTP2_RST_STREAM &&
        grpc_guard_pay(&connection->guard, GRPC_PRICE_RESET, now(connection)))
        connection->abused = true;
    return 0;
}

/* Whoever left before the end was not answered. */
static void forget(struct grpc_connection *connection, struct grpc_call *call) {
    struct grpc_metrics *metrics = connection->service->metrics;
    bool ended = call->phase == GRPC_ENDED;
    grpc_metrics_streams(metrics, -(call->phase == GRPC_OPEN));
    grpc_metrics_ended(metrics, call->method, ended ? call->status.code : GRPC_CANCELLED);
    grpc_call_delete(call);
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
    struct grpc_connection *connection = user;
    struct grpc_call *call = call_of(session, stream);
    (void)error;
    if (!call)
        return 0;
    if (call->next)
        call->next->previous = call->previous;
    if (call->previous)
        call->previous->next = call->next;
    else
        connection->calls = call->next;
    drop_request(connection, call);
    connection->quiet_ns = now(connection);
    forget(connection, call);
    return 0;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int new_session(struct grpc_connection *connection) {
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks))
        return -1;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    int code = nghttp2_option_new(&option);
    if (code == 0) {
        nghttp2_option_set_no_closed_streams(option, 1);
        code = nghttp2_session_server_new2(&connection->session, callbacks, connection, option);
        nghttp2_option_del(option);
    }
    nghttp2_session_callbacks_del(callbacks);
    return code;
}

static int submit_settings(const struct grpc_connection *connection) {
    const struct grpc_limits *limits = &connection->service->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams_max     },
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,   limits->header_max_bytes},
    };
    return nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof *settings);
}

struct grpc_connection *grpc_connection_open(const struct grpc_service *service) {
    struct grpc_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->service = service;
    connection->quiet_ns = now(connection);
    connection->poll_ns = connection->unsent_ns = UINT64_MAX;
    strbuf_init(&connection->out);
    grpc_guard_init(&connection->guard, now(connection));
    if (new_session(connection) || submit_settings(connection)) {
        grpc_connection_close(connection);
        return NULL;
    }
    return connection;
}

void grpc_connection_close(struct grpc_connection *connection) {
    nghttp2_session_del(connection->session); /* without the callbacks */
    while (connection->calls) {
        struct grpc_call *call = connection->calls;
        connection->calls = call->next;
        forget(connection, call);
    }
    strbuf_done(&connection->out);
    free(connection);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Calls that were taken are answered to their end. */
static void go_away(struct grpc_connection *connection) {
    if (!connection->stopping)
        nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(connection->session),
                              NGHTTP2_NO_ERROR, NULL, 0);
    connection->stopping = true;
}

static void terminate_abused(struct grpc_connection *connection) {
    if (connection->abused)
        nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

int grpc_connection_receive(struct grpc_connection *connection, const void *bytes, size_t length) {
    if (connection->abused)
        return 0;
    if (grpc_guard_watch(&connection->guard, bytes, length, now(connection))) {
        connection->abused = true;
        terminate_abused(connection);
        return 0;
    }
    return nghttp2_session_mem_recv(connection->session, bytes, length) < 0 ? -1 : 0;
}

size_t grpc_connection_output(struct grpc_connection *connection, const void **bytes) {
    struct strbuf *out = &connection->out;
    const uint8_t *chunk;
    ssize_t length;
    while (out->length < OUTPUT_BYTES &&
           (length = nghttp2_session_mem_send(connection->session, &chunk)) > 0)
        strbuf_add(out, (const char *)chunk, (size_t)length);
    terminate_abused(connection);
    if (out->length && connection->unsent_ns == UINT64_MAX)
        connection->unsent_ns = now(connection);
    *bytes = out->text + connection->out_sent;
    return out->length - connection->out_sent;
}

void grpc_connection_sent(struct grpc_connection *connection, size_t length) {
    connection->out_sent += length;
    if (connection->out_sent < connection->out.length)
        return;
    connection->out.length = connection->out_sent = 0;
    connection->unsent_ns = UINT64_MAX;
}

bool grpc_connection_has_answered(const struct grpc_connection *connection) {
    return connection->answered;
}

bool grpc_connection_finished(struct grpc_connection *connection) {
    return connection->out.length == 0 && !nghttp2_session_want_read(connection->session) &&
           !nghttp2_session_want_write(connection->session);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* `since` + `span`, or never. */
static uint64_t after(uint64_t since_ns, uint64_t span_ns) {
    return since_ns == UINT64_MAX ? UINT64_MAX : since_ns + span_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t call_due_ns(const struct grpc_call *call, const struct grpc_limits *limits) {
    uint64_t due_ns = after(call->unsent_ns, limits->request_ns);
    if (call->phase != GRPC_ENDED)
        due_ns = earlier(due_ns, call->deadline_ns);
    if (call->phase == GRPC_RECEIVING)
        due_ns = earlier(due_ns, call->begun_ns + limits->request_ns);
    return due_ns;
}

/* The client does not read, or a frame of its does not end. */
static uint64_t stuck_ns(const struct grpc_connection *connection) {
    uint64_t since_ns = earlier(connection->unsent_ns, connection->guard.unfinished_ns);
    return after(since_ns, connection->service->limits.request_ns);
}

static uint64_t idle_ns(const struct grpc_connection *connection) {
    return connection->calls || connection->stopping
               ? UINT64_MAX
               : connection->quiet_ns + connection->service->limits.idle_ns;
}

uint64_t grpc_connection_due_ns(const struct grpc_connection *connection) {
    uint64_t due_ns = earlier(stuck_ns(connection), idle_ns(connection));
    due_ns = earlier(due_ns, connection->poll_ns);
    for (const struct grpc_call *call = connection->calls; call; call = call->next)
        due_ns = earlier(due_ns, call_due_ns(call, &connection->service->limits));
    return due_ns;
}

static void poll_streams(struct grpc_connection *connection, uint64_t now_ns) {
    if (now_ns < connection->poll_ns)
        return;
    connection->poll_ns = UINT64_MAX;
    for (struct grpc_call *call = connection->calls; call; call = call->next) {
        if (call->phase != GRPC_OPEN)
            continue;
        connection->poll_ns = now_ns + connection->service->limits.poll_ns;
        if (call->out.length)
            continue; /* it has not taken the last answer */
        answer(connection, call);
        if (call->out.length || call->phase == GRPC_ENDED)
            respond(connection, call);
    }
}

static void end_overdue(struct grpc_connection *connection, struct grpc_call *call,
                        uint64_t now_ns) {
    const struct grpc_limits *limits = &connection->service->limits;
    bool incomplete = call->phase == GRPC_RECEIVING;
    if (now_ns < call_due_ns(call, limits))
        return;
    if (now_ns >= after(call->unsent_ns, limits->request_ns)) {
        reset(connection, call);
        return;
    }
    call->cut = incomplete;
    end(connection, call, GRPC_DEADLINE_EXCEEDED,
        now_ns >= call->deadline_ns ? "the caller's deadline has passed"
                                    : "the request took too long to come");
    if (incomplete && connection->calls == call && !call->next)
        go_away(connection);
}

int grpc_connection_tick(struct grpc_connection *connection) {
    uint64_t now_ns = now(connection);
    if (now_ns >= stuck_ns(connection))
        return -1;
    if (now_ns >= idle_ns(connection))
        go_away(connection);
    for (struct grpc_call *call = connection->calls; call; call = call->next)
        end_overdue(connection, call, now_ns);
    poll_streams(connection, now_ns);
    return 0;
}

void grpc_connection_stop(struct grpc_connection *connection) {
    for (struct grpc_call *call = connection->calls; call; call = call->next)
        if (call->phase != GRPC_ENDED)
            end(connection, call, GRPC_UNAVAILABLE, "the server stops");
    go_away(connection);
}
