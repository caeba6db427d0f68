/* Requests that two servers in a row could understand differently, or that are too large: each is
 * refused, its connection closed, and nothing that follows in it is taken for a request. */
#include "tests/unit/http_client.h"

static int begin(void **state) {
    static struct test_server at;
    server_prepare(&at);
    server_start(&at);
    *state = &at;
    return 0;
}

static int end(void **state) {
    server_stop(*state);
    return 0;
}

#define TEXT(text) text, sizeof text - 1
#define LINE       "GET /hello HTTP/1.1\r\n"
#define HOST       "Host: x\r\n"
#define POST       "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED    "Transfer-Encoding: chunked\r\n"
#define HELLO      "5\r\nhello\r\n0\r\n\r\n"
/* What must not be answered: it stands in what one reading takes for a body. */
#define SMUGGLED GET("/hello")

enum { CLOSED_WITHOUT_ANSWER = 0 };

static const struct hostile {
    const char *name, *bytes;
    size_t length;
    int status;
} requests[] = {
  /* lengths that contradict each other */
    {"length and chunked",          TEXT(POST "Content-Length: 4\r\n" CHUNKED "\r\n0\r\n\r\n" SMUGGLED),
     400                                                                                                                            },
    {"chunked and length",          TEXT(POST CHUNKED "Content-Length: 4\r\n\r\n0\r\n\r\n" SMUGGLED),          400                  },
    {"two lengths",                 TEXT(POST "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello" SMUGGLED), 400                  },
    {"one length twice",            TEXT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),          400                  },
    {"a list of lengths",           TEXT(POST "Content-Length: 5, 5\r\n\r\nhello" SMUGGLED),                   400                  },
    {"length with a sign",          TEXT(POST "Content-Length: +5\r\n\r\nhello" SMUGGLED),                     400                  },
    {"negative length",             TEXT(POST "Content-Length: -5\r\n\r\nhello" SMUGGLED),                     400                  },
    {"hexadecimal length",          TEXT(POST "Content-Length: 0x5\r\n\r\nhello" SMUGGLED),                    400                  },
    {"fractional length",           TEXT(POST "Content-Length: 5.0\r\n\r\nhello" SMUGGLED),                    400                  },
    {"empty length",                TEXT(POST "Content-Length:\r\n\r\nhello" SMUGGLED),                        400                  },
    {"length in words",             TEXT(POST "Content-Length: five\r\n\r\nhello" SMUGGLED),                   400                  },
    {"length beyond 64 bits",       TEXT(POST "Content-Length: 18446744073709551621\r\n\r\nhello"),            413                  },
    {"length of 63 bits",           TEXT(POST "Content-Length: 9223372036854775807\r\n\r\nhello"),             400                  },
    {"blank before the colon",      TEXT(POST "Content-Length : 5\r\n\r\nhello" SMUGGLED),                     400                  },
    {"tab before the colon",        TEXT(POST "Content-Length\t: 5\r\n\r\nhello" SMUGGLED),                    400                  },
    {"unknown coding",              TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n" HELLO),                    501                  },
    {"two codings",                 TEXT(POST "Transfer-Encoding: chunked, identity\r\n\r\n" HELLO),           501                  },
    {"coding twice",                TEXT(POST CHUNKED "Transfer-Encoding: identity\r\n\r\n" HELLO),            400                  },
    {"coding after a tab",
     TEXT(POST "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n" HELLO),
     400                                                                                                                            },
    {"coding in HTTP/1.0",          TEXT("POST /echo HTTP/1.0\r\n" HOST CHUNKED "\r\n" HELLO),                 400                  },
    {"chunk without a size",        TEXT(POST CHUNKED "\r\n\r\nhello\r\n0\r\n\r\n"),                           400                  },
    {"chunk of negative size",      TEXT(POST CHUNKED "\r\n-5\r\nhello\r\n0\r\n\r\n"),                         400                  },
    {"chunk size with 0x",          TEXT(POST CHUNKED "\r\n0x5\r\nhello\r\n0\r\n\r\n"),                        400                  },
    {"chunk beyond 64 bits",        TEXT(POST CHUNKED "\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"),          413                  },
    {"chunk longer than its size",  TEXT(POST CHUNKED "\r\n3\r\nhello\r\n0\r\n\r\n"),                          400                  },

 /* lines that do not end as lines do */
    {"bare LF everywhere",          TEXT("GET /hello HTTP/1.1\nHost: x\n\n"),                                  400                  },
    {"bare LF in the request line", TEXT("GET /hello HTTP/1.1\n" HOST "\r\n"),                                 400                  },
    {"bare LF between fields",      TEXT(LINE "Host: x\nA: b\r\n\r\n"),                                        400                  },
    {"bare LF after fields",        TEXT(LINE "Host: x\n\r\n"),                                                400                  },
    {"bare LF at the end",          TEXT(LINE HOST "\n"),                                                      400                  },
    {"bare CR",                     TEXT(LINE "Host: x\rA: b\r\n\r\n"),                                        400                  },
    {"CR CR LF",                    TEXT(LINE "Host: x\r\r\n\r\n"),                                            400                  },
    {"folded value",                TEXT(LINE HOST "A: b\r\n c\r\n\r\n"),                                      400                  },
    {"folded with a tab",           TEXT(LINE HOST "A: b\r\n\tc\r\nD: e\r\n\r\n"),                             400                  },
    {"folded length",               TEXT(POST "Content-Length:\r\n 5\r\n\r\nhello" SMUGGLED),                  400                  },
    {"folded first field",          TEXT(LINE " " HOST "\r\n"),                                                400                  },
    {"folded nothing",              TEXT(LINE HOST "A: b\r\n \r\n\r\n"),                                       400                  },
    {"NUL in a value",              TEXT(LINE HOST "A: b\0c\r\n\r\n"),                                         400                  },
    {"NUL in a name",               TEXT(LINE HOST "A\0: b\r\n\r\n"),                                          400                  },
    {"NUL in the target",           TEXT("GET /hel\0lo HTTP/1.1\r\n" HOST "\r\n"),                             400                  },
    {"NUL in the method",           TEXT("G\0ET /hello HTTP/1.1\r\n" HOST "\r\n"),                             400                  },
    {"control character",           TEXT(LINE HOST "A: b\x07\r\n\r\n"),                                        400                  },
    {"no colon",                    TEXT(LINE HOST "ABC\r\n\r\n"),                                             400                  },
    {"no name",                     TEXT(LINE HOST ": b\r\n\r\n"),                                             400                  },
    {"blank in a name",             TEXT(LINE HOST "A B: c\r\n\r\n"),                                          400                  },

 /* where it is for */
    {"no host",                     TEXT(LINE "\r\n"),                                                         400                  },
    {"two hosts",                   TEXT(LINE HOST "Host: y\r\n\r\n"),                                         400                  },
    {"host with a path",            TEXT(LINE "Host: x/y\r\n\r\n"),                                            400                  },
    {"host with a user",            TEXT(LINE "Host: a@x\r\n\r\n"),                                            400                  },
    {"absolute form",               TEXT("GET http://x/hello HTTP/1.1\r\n" HOST "\r\n"),                       400                  },
    {"absolute form of another",    TEXT("GET http://evil/hello HTTP/1.1\r\n" HOST "\r\n"),                    400                  },
    {"authority form",              TEXT("CONNECT x:80 HTTP/1.1\r\n" HOST "\r\n"),                             400                  },
    {"asterisk form",               TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),                                400                  },
    {"parent",                      TEXT("GET /../hello HTTP/1.1\r\n" HOST "\r\n"),                            400                  },
    {"parent inside",               TEXT("GET /open/../hello HTTP/1.1\r\n" HOST "\r\n"),                       400                  },
    {"parent encoded",              TEXT("GET /%2e%2E/hello HTTP/1.1\r\n" HOST "\r\n"),                        400                  },
    {"parent and slash encoded",    TEXT("GET /..%2fhello HTTP/1.1\r\n" HOST "\r\n"),                          400                  },
    {"backslash encoded",           TEXT("GET /..%5chello HTTP/1.1\r\n" HOST "\r\n"),                          400                  },
    {"backslash",                   TEXT("GET /..\\hello HTTP/1.1\r\n" HOST "\r\n"),                           400                  },
    {"NUL encoded",                 TEXT("GET /hello%00 HTTP/1.1\r\n" HOST "\r\n"),                            400                  },
    {"newline encoded",             TEXT("GET /hello%0d%0aA: HTTP/1.1\r\n" HOST "\r\n"),                       400                  },
    {"broken encoding",             TEXT("GET /hello%zz HTTP/1.1\r\n" HOST "\r\n"),                            400                  },
    {"cut encoding",                TEXT("GET /hello%4 HTTP/1.1\r\n" HOST "\r\n"),                             400                  },
    {"no UTF-8",                    TEXT("GET /%ff%fe HTTP/1.1\r\n" HOST "\r\n"),                              400                  },
    {"overlong UTF-8",              TEXT("GET /%c0%ae%c0%ae/hello HTTP/1.1\r\n" HOST "\r\n"),                  400                  },
    {"UTF-8 not encoded",           TEXT("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),                            400                  },
    {"fragment",                    TEXT("GET /hello#a HTTP/1.1\r\n" HOST "\r\n"),                             400                  },

 /* no request, or of another protocol */
    {"HTTP/0.9",                    TEXT("GET /hello\r\n"),                                                    400                  },
    {"HTTP/1.2",                    TEXT("GET /hello HTTP/1.2\r\n" HOST "\r\n"),                               505                  },
    {"HTTP/2",                      TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),                                  505                  },
    {"lower case protocol",         TEXT("GET /hello http/1.1\r\n" HOST "\r\n"),                               400                  },
    {"blank behind the protocol",   TEXT("GET /hello HTTP/1.1 \r\n" HOST "\r\n"),                              400                  },
    {"two blanks",                  TEXT("GET  /hello HTTP/1.1\r\n" HOST "\r\n"),                              400                  },
    {"two blanks later",            TEXT("GET /hello  HTTP/1.1\r\n" HOST "\r\n"),                              400                  },
    {"blank in the target",         TEXT("GET /hel lo HTTP/1.1\r\n" HOST "\r\n"),                              400                  },
    {"tabs for blanks",             TEXT("GET\t/hello\tHTTP/1.1\r\n" HOST "\r\n"),                             CLOSED_WITHOUT_ANSWER},
    {"no method",                   TEXT(" /hello HTTP/1.1\r\n" HOST "\r\n"),                                  CLOSED_WITHOUT_ANSWER},
    {"a TLS hello",                 TEXT("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"),                              CLOSED_WITHOUT_ANSWER},
    {"unknown method",              TEXT("BREW /hello HTTP/1.1\r\n" HOST "\r\n"),                              501                  },
    {"lower case method",           TEXT("get /hello HTTP/1.1\r\n" HOST "\r\n"),                               501                  },
    {"unknown expectation",         TEXT(LINE HOST "Expect: tea\r\n\r\n"),                                     417                  },

 /* too much, as far as it fits into a table */
    {"announced body",              TEXT(POST "Content-Length: 100001\r\n\r\nhello"),                          413                  },
    {"body where none is taken",    TEXT(LINE HOST "Content-Length: 5\r\n\r\nhello"),                          413                  },
    {"chunked where none is taken", TEXT(LINE HOST CHUNKED "\r\n" HELLO),                                      413                  },
};

static void check_refused(struct test_server *at, const struct hostile *row) {
    int fd = client_connect(at);
    client_send_bytes(fd, row->bytes, row->length);
    const char *reply = client_read(fd, false);
    if (reply_status(reply) != row->status)
        fail_msg("%s: not %d:\n%s", row->name, row->status, reply);
    if (!client_sees_end(fd))
        fail_msg("%s: the connection stays open", row->name);
    if (atomic_load(&at->service.calls))
        fail_msg("%s: a handler was called", row->name);
    close(fd);
}

static void what_is_hostile_is_refused(void **state) {
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        check_refused(*state, &requests[i]);
}

/* The library starts anew for each request of a connection: so must what judges them. */
static void a_later_request_is_judged_as_strictly(void **state) {
    struct test_server *at = *state;
    int fd = client_connect(at);
    client_send(fd, GET("/open") "GET /hello HTTP/1.1\r\nHost: x\nA: b\r\n\r\n" GET("/hello"));
    assert_true(client_sees_end(fd));
    assert_int_equal(atomic_load(&at->service.calls), 1);
    close(fd);
}

/* In pieces the library reads lines before the rest is there. */
static void a_request_in_pieces_is_judged_the_same(void **state) {
    static const char good[] = LINE HOST "A: b\r\n\r\n", bad[] = LINE HOST "A: b\n\r\n";
    struct test_server *at = *state;
    int first = client_connect(at), second = client_connect(at);
    for (size_t i = 0; i < sizeof good - 1; i++) {
        client_send_bytes(first, good + i, 1);
        if (i < sizeof bad - 1)
            client_send_bytes(second, bad + i, 1);
        pause_ms(1);
    }
    assert_int_equal(reply_status(client_read(first, false)), 200);
    assert_int_equal(reply_status(client_read(second, false)), 400);
    close(first);
    close(second);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* `before`, then `count` times `piece`, then `after`. */
static void check_long(struct test_server *at, const char *before, const char *piece, size_t count,
                       const char *after, int status) {
    struct strbuf text;
    strbuf_init(&text);
    strbuf_puts(&text, before);
    for (size_t i = 0; i < count; i++)
        strbuf_puts(&text, piece);
    strbuf_puts(&text, after);
    int fd = client_connect(at);
    client_send_bytes(fd, text.text, text.length);
    const char *reply = client_read(fd, false);
    if (reply_status(reply) != status)
        fail_msg("%s...%zu: not %d:\n%s", before, count, status, reply);
    bool stays = status == 200 || status == 404;
    assert_true(stays || client_sees_end(fd));
    strbuf_done(&text);
    close(fd);
}

static void sizes_are_limited(void **state) {
    static const char end_of_line[] = " HTTP/1.1\r\n" HOST "\r\n";
    check_long(*state, "GET /", "a", 4095, end_of_line, 404);
    check_long(*state, "GET /", "a", 4096, end_of_line, 414);
    check_long(*state, "GET /", "a", 60000, end_of_line, 414);
    check_long(*state, LINE HOST "A: ", "a", 16 * 1024 - 37, "\r\n\r\n", 200);
    check_long(*state, LINE HOST "A: ", "a", 16 * 1024 - 36, "\r\n\r\n", 431);
    check_long(*state, LINE HOST "A: ", "a", 100000, "\r\n\r\n", 431);
    check_long(*state, LINE HOST, "A: b\r\n", 63, "\r\n", 200);
    check_long(*state, LINE HOST, "A: b\r\n", 64, "\r\n", 431);
    check_long(*state, LINE HOST, "A:b\r\n", 3000, "\r\n", 431);
    check_long(*state, "GET /models/a/replicas?rate=1", "&a=1", 33, end_of_line, 400);
    check_long(*state, "GET /", "a/", 33, end_of_line, 400);
}

static void a_chunked_body_is_limited_too(void **state) {
    check_long(*state, POST CHUNKED "\r\n", "5\r\nhello\r\n", 20000, "0\r\n\r\n", 200);
    check_long(*state, POST CHUNKED "\r\n", "5\r\nhello\r\n", 20001, "0\r\n\r\n", 413);
}

static void an_endless_body_is_cut_off(void **state) {
    static const char piece[] = "1000\r\n";
    static char chunk[sizeof piece - 1 + 0x1000 + 2];
    memset(chunk, 'a', sizeof chunk);
    memcpy(chunk, piece, sizeof piece - 1);
    memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
    int fd = client_connect(*state);
    client_send(fd, POST CHUNKED "\r\n");
    size_t sent = 0;
    while (sent < (size_t)64 << 20 && send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) > 0)
        sent += sizeof chunk;
    assert_true(sent < (size_t)64 << 20);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_hostile_is_refused),
        TEST(a_later_request_is_judged_as_strictly),
        TEST(a_request_in_pieces_is_judged_the_same),
        TEST(sizes_are_limited),
        TEST(a_chunked_body_is_limited_too),
        TEST(an_endless_body_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
