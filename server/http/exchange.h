/* One request and its answer, from the moment its target is known. The library's thread that owns
 * the connection drives it; only while a slow handler runs it belongs to a worker. */
#ifndef ASSAY_SERVER_HTTP_EXCHANGE_H
#define ASSAY_SERVER_HTTP_EXCHANGE_H

#include "server/http/connections.h"
#include "server/http/head.h"
#include "server/http/http.h"
#include "server/http/match.h"

#include <microhttpd.h>
#include <stdatomic.h>

/* What all requests of a server share. */
struct http_shared {
    struct http_options options;
    bool loopback; /* the address listened on */
    atomic_bool stopping;
    atomic_uint running; /* requests whose head was read and whose answer is not taken yet */
    atomic_size_t bodies_bytes;
};

enum exchange_stage { EXCHANGE_HEAD, EXCHANGE_BODY, EXCHANGE_SLOW, EXCHANGE_ANSWER };

struct http_exchange {
    struct http_shared *shared;
    struct MHD_Connection *library;
    struct http_connection *connection;
    int wake_fd; /* of the thread that owns the connection */
    enum exchange_stage stage;
    struct arena arena;
    const char *raw;    /* the target as it was sent; in the arena */
    const char *raw_at; /* where the library had it */
    struct http_head head;
    struct http_target target;
    struct http_match match;
    struct http_request request;
    struct http_answer answer;
    struct http_refusal refusal;
    char *body;
    size_t body_bytes, body_capacity, drained_bytes;
    uint64_t start_ns;
    bool running, last; /* last: the connection is closed behind the answer */
};

struct http_exchange *http_exchange_new(struct http_shared *shared, const char *raw);
void http_exchange_delete(struct http_exchange *exchange);

/* Judges the head; the refusal says what came of it. */
void http_exchange_examine(struct http_exchange *exchange, const char *method, const char *version);
/* Takes a piece of the body, or drops it when the request is refused or becomes too large. -1 when
 * so much was dropped that the connection should end. */
int http_exchange_take_body(struct http_exchange *exchange, const char *bytes, size_t length);
/* Calls the handler, unless the request is refused; any thread. */
void http_exchange_handle(struct http_exchange *exchange);
/* Hands the answer, or the refusal, to the library. */
enum MHD_Result http_exchange_queue(struct http_exchange *exchange);

#endif
