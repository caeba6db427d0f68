/* The external scaler's listener through real sockets: starting, strangers, limits, stopping. */
#include "server/grpc/grpc.h"
#include "server/grpc/peer.h"
#include "tests/unit/grpc_client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 20, HEARD_BYTES = 4096 };

struct served {
    struct fake_scaler fake;
    struct scaler scaler;
    struct grpc_server *server;
};

static struct listen_address address_of(const char *text) {
    struct listen_address address;
    struct err err = {0};
    assert_int_equal(listen_parse(&address, text, &err), 0);
    return address;
}

static void serve(struct served *served, const struct grpc_options *given) {
    struct grpc_options options = *given;
    struct err err = {0};
    *served = (struct served){0};
    served->scaler = fake_scaler(&served->fake);
    if (options.address.size == 0)
        options.address = address_of("127.0.0.1:0");
    if (grpc_start(&options, &served->scaler, &served->server, &err))
        fail_msg("%s", err.message);
}

static int dial(const struct served *served) {
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const struct listen_address where = address_of(grpc_address(served->server));
    int dialled = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(dialled >= 0);
    assert_int_equal(setsockopt(dialled, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(dialled, (const struct sockaddr *)&where.socket, where.size), 0);
    return dialled;
}

static void say(int dialled, const void *bytes, size_t length) {
    assert_int_equal(send(dialled, bytes, length, MSG_NOSIGNAL), length);
}

/* Hears the server out until it closes. */
static void assert_closed(int dialled) {
    char heard[HEARD_BYTES];
    ssize_t length;
    while ((length = recv(dialled, heard, sizeof heard, 0)) > 0)
        ;
    if (length < 0 && errno != ECONNRESET)
        fail_msg("the connection is still open");
    close(dialled);
}

/* An ordinary call, the first on its connection; -1: it was closed before the answer. */
static int call_on(int dialled) {
    struct client_body body = BODY(resnet_request);
    struct grpc_client client;
    const uint8_t *bytes;
    uint8_t heard[HEARD_BYTES];
    ssize_t length;
    client_open(&client);
    int32_t stream = client_call(&client, SERVICE "IsActive", NULL, &body);
    while (!outcome(&client, stream)->closed) {
        while ((length = nghttp2_session_mem_send(client.session, &bytes)) > 0)
            send(dialled, bytes, (size_t)length, MSG_NOSIGNAL); /* whether it is heard, recv says */
        length = recv(dialled, heard, sizeof heard, 0);
        if (length <= 0)
            break;
        nghttp2_session_mem_recv(client.session, heard, (size_t)length);
    }
    int status = outcome(&client, stream)->status;
    client_done(&client);
    return status;
}

/* On a connection of its own. */
static int call_status(const struct served *served) {
    int dialled = dial(served);
    int status = call_on(dialled);
    close(dialled);
    return status;
}

/* ---- starting -------------------------------------------------------------------------------- */

static void a_start_that_cannot_be_says_why(void **state) {
    static const struct {
        const char *address;
        struct grpc_tls_files tls;
        enum err_code code;
        const char *words;
    } rows[] = {
        {"127.0.0.1:0", {.key = "k"},                   ERR_USAGE,       "both"               },
        {"127.0.0.1:0", {.client_ca = "ca"},            ERR_USAGE,       "both"               },
        {"127.0.0.1:0",
         {.certificate = "/nowhere/c.pem", .key = "k"},
         ERR_INPUT,                                                      "/nowhere/c.pem: not"},
        {"192.0.2.1:0", {.certificate = NULL},          ERR_ENVIRONMENT, "cannot listen"      },
    };
    struct fake_scaler fake = {0};
    const struct scaler scaler = fake_scaler(&fake);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct grpc_options options = {.address = address_of(rows[i].address),
                                             .tls = rows[i].tls};
        struct grpc_server *server = NULL;
        struct err err = {0};
        int code = grpc_start(&options, &scaler, &server, &err);
        if (code != -(int)rows[i].code || server || !strstr(err.message, rows[i].words))
            fail_msg("%s: %d '%s'", rows[i].address, code, err.message);
    }
}

/* ---- strangers ------------------------------------------------------------------------------- */

static void strangers_are_closed_and_callers_answered(void **state) {
    static const char *const greetings[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n not a frame of settings",
        "\x16\x03\x01\x02",
    };
    struct served served;
    (void)state;
    serve(&served, &(struct grpc_options){0});
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        int dialled = dial(&served);
        say(dialled, greetings[i], strlen(greetings[i]));
        assert_closed(dialled);
    }
    assert_int_equal(call_status(&served), 0);
    grpc_stop(served.server);
}

static void clients_that_drip_are_closed_and_callers_answered(void **state) {
    static const char greeting[] = "PRI * HTTP/2.0\r\n\r\nSM";
    enum { DRIPPERS = 100 };
    int dialled[DRIPPERS];
    struct served served;
    (void)state;
    serve(&served, &(struct grpc_options){.limits.request_ns = 300 * MS});
    for (size_t i = 0; i < DRIPPERS; i++) {
        dialled[i] = dial(&served);
        say(dialled[i], greeting, i % sizeof greeting);
    }
    assert_int_equal(call_status(&served), 0);
    for (size_t i = 0; i < DRIPPERS; i++)
        assert_closed(dialled[i]);
    assert_int_equal(call_status(&served), 0);
    grpc_stop(served.server);
}

/* The bytes of a field of protobuf that has a length. */
static size_t add_field(unsigned char *out, unsigned tag, const void *bytes, size_t length) {
    size_t at = 0;
    out[at++] = (unsigned char)(tag << 3 | 2);
    if (length >= 128)
        out[at++] = (unsigned char)(length | 128);
    out[at++] = (unsigned char)(length >= 128 ? length >> 7 : length);
    memcpy(out + at, bytes, length);
    return at + length;
}

/* A request whose answer is as long as itself: it names the metric. Returns its size. */
static size_t spec_request(unsigned char *out, size_t name_bytes) {
    unsigned char name[256], model[64], metric[512], fields[1024];
    memset(name, 'n', sizeof name);
    size_t length = add_field(model, 1, "model", 5);
    length += add_field(model + length, 2, "resnet50", 8);
    size_t all = add_field(fields, 3, model, length);
    length = add_field(metric, 1, "metricName", 10);
    length += add_field(metric + length, 2, name, name_bytes);
    all += add_field(fields + all, 3, metric, length);
    memcpy(out, (unsigned char[]){0, 0, 0, (unsigned char)(all >> 8), (unsigned char)all}, 5);
    memcpy(out + 5, fields, all);
    return 5 + all;
}

static void callers_beyond_the_limit_are_closed(void **state) {
    enum { ALLOWED = 4 };
    int dialled[ALLOWED];
    struct served served;
    (void)state;
    serve(&served, &(struct grpc_options){.limits.connections_max = ALLOWED});
    for (size_t i = 0; i < ALLOWED; i++) {
        dialled[i] = dial(&served);
        assert_int_equal(call_on(dialled[i]), 0);
    }
    assert_closed(dial(&served));
    close(dialled[0]);
    /* The server learns of the place that is free in its own time. */
    int status = -1;
    for (int i = 0; i < 1000 && status != 0; i++) {
        usleep(1000);
        status = call_status(&served);
    }
    assert_int_equal(status, 0);
    for (size_t i = 1; i < ALLOWED; i++)
        close(dialled[i]);
    grpc_stop(served.server);
}

static void strangers_make_room_for_callers(void **state) {
    enum { ALLOWED = 8, STRANGERS = 50 };
    int strangers[STRANGERS];
    struct served served;
    (void)state;
    serve(&served, &(struct grpc_options){.limits.connections_max = ALLOWED});
    int caller = dial(&served);
    assert_int_equal(call_on(caller), 0);
    for (size_t i = 0; i < STRANGERS; i++)
        strangers[i] = dial(&served);
    assert_int_equal(call_status(&served), 0);
    for (size_t i = 0; i < STRANGERS - ALLOWED; i++)
        assert_closed(strangers[i]);
    /* The first caller is no stranger: it still hears nothing but silence. */
    assert_int_equal(recv(caller, &(char){0}, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    for (size_t i = STRANGERS - ALLOWED; i < STRANGERS; i++)
        close(strangers[i]);
    close(caller);
    grpc_stop(served.server);
}

/* What the socket does not take waits, and comes out when the client reads at last. */
static void answers_wait_for_a_client_that_reads_late(void **state) {
    enum { CALLS = 100, NAME_BYTES = 250 };
    static unsigned char request[1024];
    static struct client_body bodies[CALLS];
    static struct grpc_client client;
    const int little = 4096;
    const uint8_t *bytes;
    uint8_t heard[HEARD_BYTES];
    ssize_t length;
    int ends[2];
    (void)state;
    size_t size = spec_request(request, NAME_BYTES);
    client_open(&client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
    struct grpc_peer *peer = grpc_peer_open(&client.service, NULL, ends[0]);
    for (size_t i = 0; i < CALLS; i++) {
        bodies[i] = (struct client_body){.bytes = request, .length = size};
        client_call(&client, SERVICE "GetMetricSpec", NULL, &bodies[i]);
    }
    while ((length = nghttp2_session_mem_send(client.session, &bytes)) > 0) {
        say(ends[1], bytes, (size_t)length);
        assert_int_equal(grpc_peer_receive(peer), 0);
        assert_int_equal(grpc_peer_flush(peer), 0);
    }
    assert_true(peer->waiting);
    while ((length = recv(ends[1], heard, sizeof heard, 0)) > 0) {
        nghttp2_session_mem_recv(client.session, heard, (size_t)length);
        assert_int_equal(grpc_peer_flush(peer), 0);
    }
    assert_false(peer->waiting);
    assert_int_equal(client.closed, CALLS);
    assert_int_equal(client.failed, 0);
    grpc_peer_close(peer);
    client_done(&client);
    close(ends[1]);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static int count_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void a_stop_closes_all_and_leaves_nothing(void **state) {
    int before = count_descriptors();
    char heard[HEARD_BYTES];
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct served served;
        serve(&served, &(struct grpc_options){0});
        int dialled = dial(&served);
        assert_true(recv(dialled, heard, sizeof heard, 0) > 0);
        grpc_stop(served.server);
        assert_closed(dialled);
    }
    grpc_stop(NULL);
    assert_int_equal(count_descriptors(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_that_cannot_be_says_why),
        cmocka_unit_test(strangers_are_closed_and_callers_answered),
        cmocka_unit_test(clients_that_drip_are_closed_and_callers_answered),
        cmocka_unit_test(callers_beyond_the_limit_are_closed),
        cmocka_unit_test(strangers_make_room_for_callers),
        cmocka_unit_test(answers_wait_for_a_client_that_reads_late),
        cmocka_unit_test(a_stop_closes_all_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
