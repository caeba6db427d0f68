#include "server/http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BODY_FIRST_BYTES = 16 * 1024,
    /* A client that sends on is listened to for so long, so that it gets to read its answer. */
    DRAINED_BYTES_MAX = 8 << 20,
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct http_exchange *http_exchange_new(struct http_shared *shared, const char *raw) {
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        abort();
    exchange->shared = shared;
    exchange->raw_at = raw;
    exchange->raw = arena_strdup(&exchange->arena, raw);
    return exchange;
}

static void drop_body(struct http_exchange *exchange) {
    free(exchange->body);
    atomic_fetch_sub(&exchange->shared->bodies_bytes, exchange->body_capacity);
    exchange->body = NULL;
    exchange->body_bytes = exchange->body_capacity = 0;
}

void http_exchange_delete(struct http_exchange *exchange) {
    if (exchange->running)
        atomic_fetch_sub(&exchange->shared->running, 1);
    drop_body(exchange);
    strbuf_done(&exchange->answer.body);
    arena_done(&exchange->arena);
    free(exchange);
}

/* ---- the head ------------------------------------------------------------------------------- */

static enum MHD_Result see_field(void *given, enum MHD_ValueKind kind, const char *name,
                                 size_t name_bytes, const char *value, size_t value_bytes) {
    (void)kind;
    struct http_exchange *exchange = given;
    int failed =
        http_head_field(&exchange->head, name, name_bytes, value ? value : "", value_bytes);
    return failed ? MHD_NO : MHD_YES;
}

static int read_head(struct http_exchange *exchange, const char *method, const char *version) {
    bool http_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (http_head_begin(&exchange->head, method, exchange->raw_at, strlen(exchange->raw), version,
                        &exchange->refusal) < 0)
        return -1;
    MHD_get_connection_values_n(exchange->library, MHD_HEADER_KIND, see_field, exchange);
    if (exchange->refusal.status)
        return -1;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(exchange->library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return http_head_end(&exchange->head, size ? size->header_size : 0, http_1_1);
}

static int find_route(struct http_exchange *exchange, const char *method) {
    struct err err = {0};
    if (http_target_parse(&exchange->arena, exchange->raw, &exchange->target, &err) < 0)
        return http_refuse(&exchange->refusal, 400, REJECTED_MALFORMED, "%s", err.message);
    return http_match(&exchange->arena, exchange->shared->options.routes, method, &exchange->target,
                      &exchange->match, &exchange->refusal);
}

/* Beyond the token: nothing is changed from afar without one, nor by a page in a browser on this
 * machine, which gives itself away by its Origin. */
static int check_rights(struct http_exchange *exchange) {
    const struct http_shared *shared = exchange->shared;
    const struct route *route = exchange->match.route;
    const char *const *fields = exchange->head.fields;
    struct http_refusal *refusal = &exchange->refusal;
    if (route->open)
        return 0;
    if (shared->options.auth.required) {
        if (auth_accepts(&shared->options.auth, fields[FIELD_AUTHORIZATION], fields[FIELD_API_KEY]))
            return 0;
        return http_decline(refusal, 401, REJECTED_UNAUTHORISED, "a valid token is missing");
    }
    if (route->writes && !shared->loopback)
        return http_decline(refusal, 403, REJECTED_UNAUTHORISED,
                            "nothing can be changed here: the server was started without a token");
    if (route->writes && fields[FIELD_ORIGIN])
        return http_decline(refusal, 403, REJECTED_UNAUTHORISED,
                            "pages of other origins change nothing without a token");
    return 0;
}

static int refuse_size(struct http_exchange *exchange, bool close) {
    size_t most = exchange->match.route->body_max;
    return (close ? http_refuse : http_decline)(&exchange->refusal, 413, REJECTED_TOO_LARGE,
                                                "the body is larger than %zu bytes", most);
}

static int check_body(struct http_exchange *exchange) {
    const struct http_head *head = &exchange->head;
    size_t most = exchange->match.route->body_max;
    bool too_large = head->content_length > most || (head->chunked && most == 0);
    return too_large ? refuse_size(exchange, true) : 0;
}

static const char *text_of(const struct http_exchange *exchange, enum http_known field) {
    const char *text = exchange->head.fields[field];
    return text ? text : "";
}

static void make_request(struct http_exchange *exchange) {
    exchange->request = (struct http_request){
        .method = exchange->match.route->method,
        .path = exchange->target.path,
        .captured = exchange->match.captured,
        .captured_count = exchange->match.captured_count,
        .query = exchange->target.query,
        .query_count = exchange->target.query_count,
        .accept = text_of(exchange, FIELD_ACCEPT),
        .content_type = text_of(exchange, FIELD_CONTENT_TYPE),
    };
}

static void begin(struct http_exchange *exchange) {
    exchange->start_ns = now_ns();
    exchange->running = true;
    atomic_fetch_add(&exchange->shared->running, 1);
    exchange->connection->requests++;
}

void http_exchange_examine(struct http_exchange *exchange, const char *method,
                           const char *version) {
    struct http_refusal *refusal = &exchange->refusal;
    begin(exchange);
    if (read_head(exchange, method, version) == 0 && find_route(exchange, method) == 0 &&
        check_rights(exchange) == 0 && check_body(exchange) == 0 &&
        http_check_query(exchange->match.route, &exchange->target, refusal) == 0)
        make_request(exchange);
    /* A refusal that leaves a body unread leaves the connection useless. */
    bool body = exchange->head.chunked || exchange->head.content_length;
    refusal->close |= refusal->status && body;
    exchange->last = refusal->close || exchange->head.chunked;
}

/* ---- the body ------------------------------------------------------------------------------- */

static int drop(struct http_exchange *exchange, size_t length) {
    exchange->drained_bytes += length;
    return exchange->drained_bytes > DRAINED_BYTES_MAX ? -1 : 0;
}

/* Memory doubles, within what all bodies may take together. */
static int make_room(struct http_exchange *exchange, size_t wanted) {
    struct http_shared *shared = exchange->shared;
    size_t capacity = exchange->body_capacity ? exchange->body_capacity : BODY_FIRST_BYTES;
    while (capacity < wanted)
        capacity *= 2;
    size_t more = capacity - exchange->body_capacity;
    if (more == 0)
        return 0;
    bool fits =
        atomic_fetch_add(&shared->bodies_bytes, more) + more <= shared->options.limits.bodies_bytes;
    char *grown = fits ? realloc(exchange->body, capacity) : NULL;
    if (!grown) {
        atomic_fetch_sub(&shared->bodies_bytes, more);
        return http_refuse(&exchange->refusal, 503, REJECTED_BUSY, "too many large requests");
    }
    exchange->body = grown;
    exchange->body_capacity = capacity;
    return 0;
}

int http_exchange_take_body(struct http_exchange *exchange, const char *bytes, size_t length) {
    if (exchange->refusal.status)
        return drop(exchange, length);
    size_t wanted = exchange->body_bytes + length;
    int failed = wanted > exchange->match.route->body_max ? refuse_size(exchange, true)
                                                          : make_room(exchange, wanted);
    if (failed) {
        drop_body(exchange);
        return drop(exchange, length);
    }
    memcpy(exchange->body + exchange->body_bytes, bytes, length);
    exchange->body_bytes = wanted;
    return 0;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static void print_error(struct http_answer *answer, int status, const struct err *err) {
    strbuf_done(&answer->body);
    strbuf_init(&answer->body);
    answer->status = status;
    answer->content_type = "application/json";
    http_print_error(err, &answer->body);
}

void http_exchange_handle(struct http_exchange *exchange) {
    struct http_answer *answer = &exchange->answer;
    struct http_refusal *refusal = &exchange->refusal;
    struct err err = {0};
    *answer = (struct http_answer){.status = 200, .content_type = "application/json"};
    strbuf_init(&answer->body);
    exchange->stage = EXCHANGE_ANSWER;
    if (refusal->status) {
        print_error(answer, refusal->status, &refusal->err);
        return;
    }
    exchange->request.body = exchange->body ? exchange->body : "";
    exchange->request.body_bytes = exchange->body_bytes;
    int code = exchange->match.route->handle(exchange->shared->options.service, &exchange->arena,
                                             &exchange->request, answer, &err);
    if (code < 0)
        print_error(answer, answer->status != 200 ? answer->status : http_status_of(err.code),
                    &err);
}

static void add_headers(struct http_exchange *exchange, struct MHD_Response *response) {
    const struct {
        bool wanted;
        const char *name, *value;
    } rows[] = {
        {true,                           "Content-Type",            exchange->answer.content_type},
        {true,                           "Cache-Control",           "no-store"                   },
        {true,                           "X-Content-Type-Options",  "nosniff"                    },
        {true,                           "Content-Security-Policy", "default-src 'none'"         },
        {exchange->answer.status == 401, "WWW-Authenticate",        "Bearer realm=\"assay\""     },
        {exchange->answer.status == 405, "Allow",                   exchange->match.allow        },
        {exchange->answer.status == 503, "Retry-After",             "1"                          },
        {exchange->last,                 "Connection",              "close"                      },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].wanted)
            MHD_add_response_header(response, rows[i].name, rows[i].value);
}

enum MHD_Result http_exchange_queue(struct http_exchange *exchange) {
    struct http_shared *shared = exchange->shared;
    struct strbuf *body = &exchange->answer.body;
    exchange->last |=
        exchange->refusal.close || atomic_load(&shared->stopping) ||
        exchange->connection->requests >= shared->options.limits.requests_per_connection;
    /* The text now belongs to the response. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->length, body->text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        return MHD_NO;
    *body = (struct strbuf){0};
    add_headers(exchange, response);
    enum MHD_Result queued =
        MHD_queue_response(exchange->library, (unsigned)exchange->answer.status, response);
    MHD_destroy_response(response);
    http_metrics_answered(shared->options.metrics, exchange->match.route, exchange->answer.status,
                          now_ns() - exchange->start_ns);
    http_metrics_rejected(shared->options.metrics, exchange->refusal.rejection);
    return queued;
}
