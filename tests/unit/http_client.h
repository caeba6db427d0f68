/* A server of a few rows and a client that sends bytes as they are. */
#ifndef ASSAY_TESTS_HTTP_CLIENT_H
#define ASSAY_TESTS_HTTP_CLIENT_H

#include "server/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 20, REPLY_BYTES = 64 * 1024, BIG_BYTES = 32 << 20 };

/* ---- the rows -------------------------------------------------------------------------------- */

struct test_service {
    atomic_int calls, entered;
    atomic_bool hold; /* /slow waits for its end */
};

static inline void pause_ms(long ms) {
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static inline int test_hello(void *service, struct arena *arena, const struct http_request *request,
                             struct http_answer *answer, struct err *err) {
    (void)arena, (void)err;
    atomic_fetch_add(&((struct test_service *)service)->calls, 1);
    strbuf_printf(&answer->body, "hello %s", request->method);
    return 0;
}

static inline int test_echo(void *service, struct arena *arena, const struct http_request *request,
                            struct http_answer *answer, struct err *err) {
    (void)service, (void)arena, (void)err;
    answer->content_type = "text/plain";
    strbuf_add(&answer->body, request->body, request->body_bytes);
    return 0;
}

static inline int test_parts(void *service, struct arena *arena, const struct http_request *request,
                             struct http_answer *answer, struct err *err) {
    (void)service, (void)arena, (void)err;
    strbuf_printf(&answer->body, "%s %s %g", request->path, request_captured(request, "model"),
                  request_number(request, "rate", -1));
    return 0;
}

static inline int test_slow(void *service, struct arena *arena, const struct http_request *request,
                            struct http_answer *answer, struct err *err) {
    (void)arena, (void)request, (void)err;
    struct test_service *own = service;
    atomic_fetch_add(&own->entered, 1);
    while (atomic_load(&own->hold))
        pause_ms(1);
    strbuf_puts(&answer->body, "done");
    return 0;
}

static inline int test_big(void *service, struct arena *arena, const struct http_request *request,
                           struct http_answer *answer, struct err *err) {
    (void)service, (void)request, (void)err;
    strbuf_add(&answer->body, arena_alloc(arena, BIG_BYTES), BIG_BYTES);
    return 0;
}

static inline int test_fail(void *service, struct arena *arena, const struct http_request *request,
                            struct http_answer *answer, struct err *err) {
    (void)service, (void)arena;
    strbuf_puts(&answer->body, "half an answer");
    answer->status = (int)request_number(request, "status", 200);
    err_set(err, (enum err_code)request_number(request, "code", 0), "it \"failed\"");
    return err_hint(err, "try again");
}

static const struct route_parameter test_rate[] = {
    {"rate", PARAMETER_NUMBER, true, 0.5, 100, "requests a second"},
    {"n",  PARAMETER_INTEGER, false, 0, 0, "a count"},
    {0  },
};
static const struct route_parameter test_codes[] = {
    {"code", PARAMETER_INTEGER, true, 1, 5, "of the error"},
    {"status",  PARAMETER_INTEGER, false, 0, 599, "of the answer"},
    {0    },
};

static const struct route test_routes[] = {
    {.method = "GET",       .pattern = "/hello", .name = "hello", .summary = "s", .handle = test_hello},
    {.method = "GET",
     .pattern = "/open",
     .name = "open",
     .summary = "s",
     .open = true,
     .handle = test_hello},
    {.method = "POST",
     .pattern = "/echo",
     .name = "echo",
     .summary = "s",
     .body_max = 100000,
     .body_type = "text/plain",
     .handle = test_echo},
    {.method = "GET",
     .pattern = "/models/{model}/replicas",
     .name = "parts",
     .summary = "s",
     .parameters = test_rate,
     .handle = test_parts},
    {.method = "GET",
     .pattern = "/slow",
     .name = "slow",
     .summary = "s",
     .slow = true,
     .handle = test_slow},
    {.method = "GET",          .pattern = "/big", .name = "big", .summary = "s", .handle = test_big},
    {.method = "GET",
     .pattern = "/fail",
     .name = "fail",
     .summary = "s",
     .parameters = test_codes,
     .handle = test_fail},
    {.method = "POST",
     .pattern = "/write",
     .name = "write",
     .summary = "s",
     .body_max = 1000,
     .writes = true,
     .handle = test_hello},
    {0       },
};

/* ---- the server ------------------------------------------------------------------------------ */

struct test_server {
    struct http_options options;
    struct test_service service;
    struct http_server *server;
};

static inline void server_prepare(struct test_server *at) {
    struct err err = {0};
    *at = (struct test_server){
        .options = {.limits = http_limits_default, .routes = test_routes}
    };
    assert_int_equal(listen_parse(&at->options.address, "127.0.0.1:0", &err), 0);
}

static inline void server_start(struct test_server *at) {
    struct err err = {0};
    at->options.service = &at->service;
    at->options.metrics = http_metrics_new(test_routes);
    if (http_server_start(&at->options, &at->server, &err) < 0)
        fail_msg("%s", err.message);
}

static inline void server_stop(struct test_server *at) {
    atomic_store(&at->service.hold, false);
    assert_int_equal(http_server_stop(at->server, (uint64_t)PATIENCE_S * 1000000000), 0);
    http_metrics_delete(at->options.metrics);
}

/* The value of the sample whose line begins so; -1: no such line. */
static inline double server_metric(const struct test_server *at, const char *sample) {
    struct strbuf text;
    double value = -1;
    strbuf_init(&text);
    http_metrics_print(at->options.metrics, false, &text);
    for (const char *line = text.text; line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, sample, strlen(sample)) == 0)
            value = atof(line + strlen(sample));
    strbuf_done(&text);
    return value;
}

/* ---- the client ------------------------------------------------------------------------------ */

static inline int client_connect(const struct test_server *at) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    address.sin_port = htons((uint16_t)atoi(strrchr(http_server_url(at->server), ':') + 1));
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

/* As much as the other side takes before it closes. */
static inline void client_send_bytes(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        length -= (size_t)sent;
    }
}

static inline void client_send(int fd, const char *text) {
    client_send_bytes(fd, text, strlen(text));
}

/* True when the other side closes, whatever it says before. */
static inline bool client_sees_end(int fd) {
    char rest[4096];
    ssize_t got;
    while ((got = recv(fd, rest, sizeof rest, 0)) > 0)
        ;
    return got == 0 || errno == ECONNRESET;
}

static inline bool reply_is_whole(const char *reply, size_t length, bool head_only) {
    const char *body = strstr(reply, "\r\n\r\n"), *field = strstr(reply, "Content-Length: ");
    if (!body || !field)
        return false;
    return head_only || length >= (size_t)(body + 4 - reply) + (size_t)atol(field + 16);
}

/* One answer, as a text that is freed by the next call. */
static inline const char *client_read(int fd, bool head_only) {
    static char reply[REPLY_BYTES];
    size_t length = 0;
    while (length < sizeof reply - 1) {
        reply[length] = '\0';
        if (reply_is_whole(reply, length, head_only))
            break;
        ssize_t got = recv(fd, reply + length, sizeof reply - 1 - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    reply[length] = '\0';
    return reply;
}

static inline int reply_status(const char *reply) {
    return strncmp(reply, "HTTP/1.1 ", 9) == 0 ? atoi(reply + 9) : 0;
}

static inline const char *reply_body(const char *reply) {
    const char *body = strstr(reply, "\r\n\r\n");
    return body ? body + 4 : "";
}

/* On a connection of its own, left open in *fd when that is not NULL. */
static inline const char *client_ask(const struct test_server *at, int *fd, const char *text) {
    int own = client_connect(at);
    client_send(own, text);
    const char *reply = client_read(own, strncmp(text, "HEAD", 4) == 0);
    if (fd)
        *fd = own;
    else
        close(own);
    return reply;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

#endif
