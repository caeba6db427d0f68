/* A small HTTP/2 client in memory, for tests of server/grpc/connection.h: nghttp2's client half, a
 * clock that stands still until it is moved, and calls whose outcome can be read. */
#ifndef ASSAY_TESTS_GRPC_CLIENT_H
#define ASSAY_TESTS_GRPC_CLIENT_H

#include "base/strbuf.h"
#include "server/grpc/connection.h"
#include "tests/unit/fake_scaler.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 256, CLIENT_FIELDS_MAX = 12 };

#define MS UINT64_C(1000000)

struct call_outcome {
    bool closed;
    uint32_t error;   /* of HTTP/2, when closed */
    int http, status; /* -1: none came */
    char message[256];
    size_t body_bytes;
    unsigned char body[256]; /* its beginning */
};

struct client_field {
    const char *name, *value;
};

struct grpc_client {
    struct fake_scaler fake;
    struct scaler scaler;
    struct grpc_service service;
    struct grpc_connection *connection;
    nghttp2_session *session;
    struct call_outcome calls[CALLS_MAX]; /* by (stream - 1) / 2 */
    bool dropped;                         /* the connection was given up without a word */
    int goaway;                           /* -1: none came */
    int pongs, refusals;
    int closed, failed;    /* calls; failed: with another status than OK */
    struct strbuf *record; /* when set: what the client sends */
};

static uint64_t client_now_ns;

static uint64_t client_clock(void) {
    return client_now_ns;
}

static struct call_outcome *outcome(struct grpc_client *client, int32_t stream) {
    return stream > 0 ? &client->calls[(stream - 1) / 2 % CALLS_MAX] : &client->calls[0];
}

static int client_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                         void *user) {
    struct call_outcome *call = outcome(user, frame->hd.stream_id);
    (void)session, (void)name_length, (void)flags;
    if (strcmp((const char *)name, ":status") == 0)
        call->http = atoi((const char *)value);
    if (strcmp((const char *)name, "grpc-status") == 0)
        call->status = atoi((const char *)value);
    if (strcmp((const char *)name, "grpc-message") == 0)
        snprintf(call->message, sizeof call->message, "%.*s", (int)length, (const char *)value);
    return 0;
}

static int client_data(nghttp2_session *session, uint8_t flags, int32_t stream,
                       const uint8_t *bytes, size_t length, void *user) {
    struct call_outcome *call = outcome(user, stream);
    (void)session, (void)flags;
    for (size_t i = 0; i < length && call->body_bytes + i < sizeof call->body; i++)
        call->body[call->body_bytes + i] = bytes[i];
    call->body_bytes += length;
    return 0;
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    struct grpc_client *client = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        client->goaway = (int)frame->goaway.error_code;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        client->pongs++;
    return 0;
}

static int client_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user) {
    struct call_outcome *call = outcome(user, stream);
    struct grpc_client *client = user;
    (void)session;
    call->closed = true;
    call->error = error;
    client->closed++;
    client->failed += call->status != 0;
    client->refusals += error == NGHTTP2_REFUSED_STREAM;
    return 0;
}

static void client_open(struct grpc_client *client) {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    *client = (struct grpc_client){.goaway = -1};
    client->scaler = fake_scaler(&client->fake);
    client->service = (struct grpc_service){
        .scaler = &client->scaler,
        .limits = {.streams_max = 100,
                   .message_max_bytes = 64 * 1024,
                   .header_max_bytes = 16 * 1024,
                   .buffered_max_bytes = 256 * 1024,
                   .request_ns = 10000 * MS,
                   .idle_ns = 300000 * MS,
                   .poll_ns = 1000 * MS},
        .now_ns = client_clock,
    };
    client_now_ns = 1000000 * MS;
    for (size_t i = 0; i < CALLS_MAX; i++)
        client->calls[i].http = client->calls[i].status = -1;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_close);
    nghttp2_option_new(&option);
    nghttp2_option_set_peer_max_concurrent_streams(option, CALLS_MAX); /* until told otherwise */
    nghttp2_session_client_new2(&client->session, callbacks, client, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0);
    client->connection = grpc_connection_open(&client->service);
}

static void client_done(struct grpc_client *client) {
    grpc_connection_close(client->connection);
    nghttp2_session_del(client->session);
}

/* What the server has to say, up to so many bytes; the rest waits. */
static size_t client_listen(struct grpc_client *client, size_t most) {
    const void *bytes;
    size_t heard = 0, length;
    while (heard < most && (length = grpc_connection_output(client->connection, &bytes)) > 0) {
        length = length < most - heard ? length : most - heard;
        nghttp2_session_mem_recv(client->session, bytes, length);
        grpc_connection_sent(client->connection, length);
        heard += length;
    }
    return heard;
}

/* What the client has to say; whether that was anything. */
static bool client_talk(struct grpc_client *client) {
    const uint8_t *bytes;
    ssize_t length = nghttp2_session_mem_send(client->session, &bytes);
    if (length <= 0)
        return false;
    if (client->record)
        strbuf_add(client->record, (const char *)bytes, (size_t)length);
    if (grpc_connection_receive(client->connection, bytes, (size_t)length))
        client->dropped = true;
    return true;
}

/* Both talk until neither has more to say. */
static void client_exchange(struct grpc_client *client) {
    bool more = true;
    while (more && !client->dropped) {
        more = client_listen(client, SIZE_MAX) > 0;
        more |= client_talk(client);
    }
}

/* The clock moves on, and the connection is looked at whenever it asked for it. */
static inline void client_wait_ms(struct grpc_client *client, uint64_t ms) {
    uint64_t end_ns = client_now_ns + ms * MS, due_ns;
    client_exchange(client);
    while (!client->dropped && (due_ns = grpc_connection_due_ns(client->connection)) <= end_ns) {
        client_now_ns = due_ns > client_now_ns ? due_ns : client_now_ns;
        client->dropped = grpc_connection_tick(client->connection) != 0;
        client_exchange(client);
    }
    client_now_ns = end_ns;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct client_body {
    const void *bytes;
    size_t length, sent;
    bool open; /* more may follow: the stream is not ended */
};

static ssize_t client_read_body(nghttp2_session *session, int32_t stream, uint8_t *buffer,
                                size_t length, uint32_t *flags, nghttp2_data_source *source,
                                void *user) {
    struct client_body *body = source->ptr;
    size_t step = body->length - body->sent;
    (void)session, (void)stream, (void)user;
    step = step < length ? step : length;
    if (step)
        memcpy(buffer, (const unsigned char *)body->bytes + body->sent, step);
    body->sent += step;
    if (body->sent == body->length && !body->open)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return step || !body->open ? (ssize_t)step : NGHTTP2_ERR_DEFERRED;
}

/* Submits a call; a field of `more` (ended by a NULL name) takes the place of one of the same name.
 * `body` must live until it was sent. Returns the stream. */
static int32_t client_call(struct grpc_client *client, const char *method,
                           const struct client_field *more, struct client_body *body) {
    struct client_field fields[CLIENT_FIELDS_MAX] = {
        {":method",      "POST"            },
        {":scheme",      "http"            },
        {":path",        method            },
        {":authority",   "localhost"       },
        {"te",           "trailers"        },
        {"content-type", "application/grpc"},
    };
    nghttp2_nv wire[CLIENT_FIELDS_MAX];
    const nghttp2_data_provider provider = {.source.ptr = body, .read_callback = client_read_body};
    size_t count = 6;
    for (; more && more->name; more++) {
        size_t i = 0;
        while (i < count && strcmp(fields[i].name, more->name) != 0)
            i++;
        fields[i] = *more;
        count += i == count;
    }
    for (size_t i = 0; i < count; i++)
        wire[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i].name,
                               (uint8_t *)(uintptr_t)fields[i].value, strlen(fields[i].name),
                               strlen(fields[i].value), 0};
    return nghttp2_submit_request(client->session, NULL, wire, count, body ? &provider : NULL,
                                  NULL);
}

#define SERVICE "/externalscaler.ExternalScaler/"

/* Prefix and a ScaledObjectRef with scalerMetadata {model: resnet50}. */
static const unsigned char resnet_request[] = "\0\0\0\0\x13\x1a\x11\x0a\x05model\x12\x08resnet50";
/* {model: turning} */
static const unsigned char turning_request[] = "\0\0\0\0\x12\x1a\x10\x0a\x05model\x12\x07turning";

#define BODY(text)                                                                                 \
    { .bytes = (text), .length = sizeof(text) - 1 }

#endif
