/* Who is let in. Loopback knows no limit per address, so addresses are made up here, and the
 * sockets are pairs. Deadlines are tested with a server, in test_http_limits.c. */
#include "server/http/connections.h"

#include "server/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAIRS_MAX = 16 };

static const struct route no_routes[] = {{0}};

struct fixture {
    struct http_limits limits;
    struct http_metrics *metrics;
    struct http_connections *connections;
    struct http_connection *opened[PAIRS_MAX];
    int pairs[PAIRS_MAX][2], count;
};

static int begin_with(void **state, uint64_t patience_ns) {
    static struct fixture at;
    struct err err = {0};
    memset(&at, 0, sizeof at);
    at.limits = http_limits_default;
    at.limits.connections = 6;
    at.limits.connections_per_address = 2;
    at.limits.patience_ns = patience_ns;
    at.metrics = http_metrics_new(no_routes);
    *state = &at;
    return http_connections_new(&at.limits, at.metrics, &at.connections, &err);
}

static int begin(void **state) {
    return begin_with(state, 0);
}

static int begin_patient(void **state) {
    return begin_with(state, http_limits_default.deadline_ns);
}

static int end(void **state) {
    struct fixture *at = *state;
    for (int i = 0; i < at->count; i++) {
        http_connection_close(at->connections, at->opened[i]);
        close(at->pairs[i][0]);
        close(at->pairs[i][1]);
    }
    http_connections_delete(at->connections);
    http_metrics_delete(at->metrics);
    return 0;
}

/* One from this address, which is a host with a port; its number. */
static int come(struct fixture *at, const char *from) {
    struct listen_address address;
    struct err err = {0};
    int i = at->count++;
    assert_int_equal(listen_parse(&address, from, &err), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, at->pairs[i]), 0);
    at->opened[i] = http_connection_open(at->connections, at->pairs[i][0],
                                         (const struct sockaddr *)&address.socket);
    return i;
}

static bool is_open(const struct fixture *at, int i) {
    char byte;
    return recv(at->pairs[i][1], &byte, 1, MSG_DONTWAIT) != 0;
}

static void an_address_has_its_share(void **state) {
    struct fixture *at = *state;
    come(at, "10.0.0.1:1");
    come(at, "10.0.0.1:2");
    come(at, "10.0.0.2:1");
    int late = come(at, "10.0.0.1:3");
    assert_false(is_open(at, late));
    for (int i = 0; i < late; i++)
        assert_true(is_open(at, i));
}

static void the_oldest_of_the_address_makes_room(void **state) {
    struct fixture *at = *state;
    int other = come(at, "10.0.0.2:1"), first = come(at, "10.0.0.1:1");
    int second = come(at, "10.0.0.1:2"), third = come(at, "10.0.0.1:3");
    assert_true(is_open(at, other));
    assert_false(is_open(at, first));
    assert_true(is_open(at, second));
    assert_true(is_open(at, third));
}

static void who_is_being_answered_keeps_its_place(void **state) {
    struct fixture *at = *state;
    int first = come(at, "10.0.0.1:1"), second = come(at, "10.0.0.1:2");
    http_connection_is_busy(at->connections, at->opened[first]);
    int third = come(at, "10.0.0.1:3");
    assert_true(is_open(at, first));
    assert_false(is_open(at, second));
    assert_true(is_open(at, third));
    http_connection_is_busy(at->connections, at->opened[third]);
    int fourth = come(at, "10.0.0.1:4");
    http_connection_waits(at->connections, at->opened[first]);
    assert_true(is_open(at, first));
    assert_true(is_open(at, third));
    assert_false(is_open(at, fourth));
}

static void loopback_has_no_share(void **state) {
    struct fixture *at = *state;
    static const char *const from[] = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3",
                                       "[::1]:1",     "[::1]:2",     "[::1]:3"};
    for (int i = 0; i < 6; i++)
        come(at, from[i]);
    for (int i = 0; i < 6; i++)
        assert_true(is_open(at, i));
    assert_false(is_open(at, come(at, "127.0.0.1:4")));
}

static void a_network_of_ipv6_is_one_address(void **state) {
    struct fixture *at = *state;
    come(at, "[2001:db8:1:2::1]:1");
    come(at, "[2001:db8:1:2:ffff::2]:1");
    assert_true(is_open(at, come(at, "[2001:db8:1:3::1]:1")));
    assert_false(is_open(at, come(at, "[2001:db8:1:2::3]:1")));
}

static void an_ipv4_address_is_the_same_over_ipv6(void **state) {
    struct fixture *at = *state;
    come(at, "10.0.0.1:1");
    come(at, "[::ffff:10.0.0.1]:2");
    assert_true(is_open(at, come(at, "[::ffff:10.0.0.2]:1")));
    assert_false(is_open(at, come(at, "[::ffff:10.0.0.1]:3")));
}

#define TEST(name)         cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_PATIENT(name) cmocka_unit_test_setup_teardown(name, begin_patient, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_PATIENT(an_address_has_its_share),
        TEST(the_oldest_of_the_address_makes_room),
        TEST(who_is_being_answered_keeps_its_place),
        TEST_PATIENT(loopback_has_no_share),
        TEST_PATIENT(a_network_of_ipv6_is_one_address),
        TEST_PATIENT(an_ipv4_address_is_the_same_over_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
