#include "server/grpc/call.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES_MAX = 127, HEADER_OVERHEAD = 32, TIMEOUT_DIGITS_MAX = 8 };

struct grpc_call *grpc_call_new(int32_t stream, uint64_t now_ns) {
    struct grpc_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->stream = stream;
    call->begun_ns = now_ns;
    call->deadline_ns = UINT64_MAX;
    call->unsent_ns = UINT64_MAX;
    strbuf_init(&call->in);
    strbuf_init(&call->out);
    strbuf_init(&call->last);
    return call;
}

void grpc_call_delete(struct grpc_call *call) {
    strbuf_done(&call->in);
    strbuf_done(&call->out);
    strbuf_done(&call->last);
    free(call);
}

/* ---- headers --------------------------------------------------------------------------------- */

#define TIMEOUT_NS_MAX (UINT64_MAX / 4) /* some 146 years; a sum with a clock does not wrap */

static const struct time_unit {
    char letter;
    uint64_t ns;
} time_units[] = {
    {'H', UINT64_C(3600000000000)},
    {'M', UINT64_C(60000000000)  },
    {'S', UINT64_C(1000000000)   },
    {'m', UINT64_C(1000000)      },
    {'u', UINT64_C(1000)         },
    {'n', UINT64_C(1)            },
};

int grpc_timeout_parse(const char *text, size_t length, uint64_t *ns) {
    if (length < 2 || length > TIMEOUT_DIGITS_MAX + 1)
        return -1;
    uint64_t value = 0;
    for (size_t i = 0; i < length - 1; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = 10 * value + (uint64_t)(text[i] - '0');
    }
    for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++)
        if (text[length - 1] == time_units[i].letter) {
            bool longer = value > TIMEOUT_NS_MAX / time_units[i].ns;
            *ns = longer ? TIMEOUT_NS_MAX : value * time_units[i].ns;
            return 0;
        }
    return -1;
}

struct header {
    struct grpc_call *call;
    const struct grpc_service *service;
    const char *value;
    size_t length;
};

static bool is(const struct header *header, const char *text) {
    return header->length == strlen(text) && memcmp(header->value, text, header->length) == 0;
}

static int on_method(const struct header *header) {
    header->call->is_post = is(header, "POST");
    return 0;
}

static int on_path(const struct header *header) {
    char path[PATH_BYTES_MAX + 1] = "";
    if (header->length <= PATH_BYTES_MAX)
        memcpy(path, header->value, header->length);
    header->call->method = grpc_method_find(path);
    return 0;
}

/* "application/grpc", "application/grpc+proto", either with parameters; JSON is another tongue. */
static int on_content_type(const struct header *header) {
    const char *semicolon = memchr(header->value, ';', header->length);
    struct header type = *header;
    if (semicolon)
        type.length = (size_t)(semicolon - header->value);
    header->call->is_grpc = is(&type, "application/grpc") || is(&type, "application/grpc+proto");
    return 0;
}

static int on_encoding(const struct header *header) {
    header->call->compressed = !is(header, "identity");
    return 0;
}

static int on_timeout(const struct header *header) {
    uint64_t timeout_ns;
    if (grpc_timeout_parse(header->value, header->length, &timeout_ns))
        return grpc_fail(&header->call->status, GRPC_INVALID_ARGUMENT,
                         "grpc-timeout is not like 100m: up to 8 digits and one of H M S m u n");
    header->call->deadline_ns = header->call->begun_ns + timeout_ns;
    return 0;
}

static int on_authorisation(const struct header *header) {
    header->call->authorised =
        auth_accepts_bearer(&header->service->auth, header->value, header->length);
    return 0;
}

static const struct header_row {
    const char *name;
    int (*take)(const struct header *header);
} header_rows[] = {
    {":method",       on_method       },
    {":path",         on_path         },
    {"content-type",  on_content_type },
    {"grpc-encoding", on_encoding     },
    {"grpc-timeout",  on_timeout      },
    {"authorization", on_authorisation},
};

int grpc_call_header(struct grpc_call *call, const struct grpc_service *service, const char *name,
                     const char *value, size_t value_length) {
    const struct header header = {call, service, value, value_length};
    size_t bytes = strlen(name) + value_length + HEADER_OVERHEAD;
    if (bytes > service->limits.header_max_bytes - call->header_bytes)
        return grpc_fail(&call->status, GRPC_RESOURCE_EXHAUSTED, "more than %u bytes of headers",
                         service->limits.header_max_bytes);
    call->header_bytes += (uint32_t)bytes;
    for (size_t i = 0; i < sizeof header_rows / sizeof *header_rows; i++)
        if (strcmp(header_rows[i].name, name) == 0)
            return header_rows[i].take(&header);
    return 0;
}

int grpc_call_http_status(const struct grpc_call *call) {
    return !call->is_post ? 405 : !call->is_grpc ? 415 : 200;
}

int grpc_call_headers_end(struct grpc_call *call, const struct grpc_service *service) {
    struct grpc_status *status = &call->status;
    if (grpc_call_http_status(call) != 200)
        return grpc_fail(status, GRPC_INTERNAL, "this is not gRPC");
    if (service->auth.required && !call->authorised && !(call->method && call->method->open))
        return grpc_fail(status, GRPC_UNAUTHENTICATED,
                         "metadata 'authorization: Bearer TOKEN' is missing or wrong");
    if (!call->method)
        return grpc_fail(status, GRPC_UNIMPLEMENTED, "there is no such method");
    if (call->compressed)
        return grpc_fail(status, GRPC_UNIMPLEMENTED, "compressed messages are not understood");
    return status->code ? -1 : 0;
}

/* ---- the message ----------------------------------------------------------------------------- */

static uint32_t message_length(const struct grpc_call *call) {
    const unsigned char *prefix = (const unsigned char *)call->in.text;
    return (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 8 |
           prefix[4];
}

static int check_prefix(struct grpc_call *call, const struct grpc_service *service) {
    if (call->in.text[0] != 0)
        return grpc_fail(&call->status, GRPC_INTERNAL,
                         "a message is marked as compressed without a grpc-encoding");
    if (message_length(call) > service->limits.message_max_bytes)
        return grpc_fail(&call->status, GRPC_RESOURCE_EXHAUSTED,
                         "a message of %u bytes: at most %u are read", message_length(call),
                         service->limits.message_max_bytes);
    return 0;
}

int grpc_call_data(struct grpc_call *call, const struct grpc_service *service, const void *bytes,
                   size_t length) {
    const char *at = bytes;
    /* The prefix is judged before what follows it is stored. */
    while (length && call->in.length < GRPC_PREFIX_BYTES) {
        strbuf_add(&call->in, at++, 1);
        length--;
        if (call->in.length == GRPC_PREFIX_BYTES && check_prefix(call, service))
            return -1;
    }
    if (length == 0)
        return 0;
    if (length > message_length(call) - (call->in.length - GRPC_PREFIX_BYTES))
        return grpc_fail(&call->status, GRPC_UNIMPLEMENTED, "more than one request message");
    strbuf_add(&call->in, at, length);
    return 0;
}

int grpc_call_request_end(struct grpc_call *call) {
    if (call->in.length == 0)
        return grpc_fail(&call->status, GRPC_UNIMPLEMENTED, "there is no request message");
    if (call->in.length < GRPC_PREFIX_BYTES ||
        call->in.length - GRPC_PREFIX_BYTES < message_length(call))
        return grpc_fail(&call->status, GRPC_INTERNAL, "the request message is cut short");
    return 0;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void add_message(struct strbuf *out, const struct strbuf *message) {
    uint32_t length = (uint32_t)message->length;
    const char prefix[GRPC_PREFIX_BYTES] = {0, (char)(length >> 24), (char)(length >> 16),
                                            (char)(length >> 8), (char)length};
    strbuf_add(out, prefix, sizeof prefix);
    strbuf_add(out, message->text, message->length);
}

static bool is_news(const struct grpc_call *call, const struct strbuf *answer) {
    return !call->begun || answer->length != call->last.length ||
           memcmp(answer->text, call->last.text, answer->length) != 0;
}

static void take_answer(struct grpc_call *call, struct strbuf *answer) {
    struct strbuf older = call->last;
    if (!is_news(call, answer))
        return;
    add_message(&call->out, answer);
    call->last = *answer;
    *answer = older;
}

void grpc_call_answer(struct grpc_call *call, const struct grpc_service *service) {
    struct arena arena;
    struct strbuf answer;
    arena_init(&arena);
    strbuf_init(&answer);
    const struct grpc_request request = {
        .scaler = service->scaler,
        .arena = &arena,
        .bytes = call->in.text + GRPC_PREFIX_BYTES,
        .length = call->in.length - GRPC_PREFIX_BYTES,
    };
    int code = call->method->answer(&request, &answer, &call->status);
    if (code == 0 && service->now_ns() >= call->deadline_ns)
        code = grpc_fail(&call->status, GRPC_DEADLINE_EXCEEDED, "the caller's deadline has passed");
    if (code == 0)
        take_answer(call, &answer);
    call->phase = code == 0 && call->method->streams ? GRPC_OPEN : GRPC_ENDED;
    strbuf_done(&answer);
    arena_done(&arena);
}
