/* The load generator of tests/loop against a server that answers at once, but once sleeps. */
#include "base/json.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SERVED_MOST = 64, STALL_MS = 500, SERVICE_US = 1500 };

/* One thread serves all connections, one request at a time. Servers are static: the thread of a
 * test that failed goes on. */
struct server {
    pthread_t thread;
    struct pollfd sockets[SERVED_MOST]; /* the first one listens, the second ends the thread */
    nfds_t count;
    int end; /* closing it ends the thread */
    unsigned answered, stall_before;
    uint16_t port;
};

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void answer(struct server *server, struct pollfd *from) {
    char question[256], text[128];
    ssize_t got = read(from->fd, question, sizeof question);
    if (got <= 0) {
        from->events = 0;
        return;
    }
    if (++server->answered == server->stall_before)
        pause_ms(STALL_MS);
    int length =
        snprintf(text, sizeof text,
                 "HTTP/1.1 200 OK\r\nService-Us: %d\r\nContent-Length: 2\r\n\r\nok", SERVICE_US);
    if (write(from->fd, text, (size_t)length) != length)
        from->events = 0; /* gone, which the test sees by what it reports */
}

static void *serve(void *context) {
    struct server *server = context;
    while (poll(server->sockets, server->count, -1) > 0 && !server->sockets[1].revents) {
        for (nfds_t i = 2; i < server->count; i++)
            if (server->sockets[i].events && server->sockets[i].revents)
                answer(server, &server->sockets[i]);
        if (server->sockets[0].revents && server->count < SERVED_MOST)
            server->sockets[server->count++] =
                (struct pollfd){accept(server->sockets[0].fd, NULL, NULL), POLLIN, 0};
    }
    return NULL;
}

static void server_start(struct server *server, unsigned stall_before) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int end[2], listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 64), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pipe(end), 0);
    *server = (struct server){
        .count = 2, .end = end[1], .stall_before = stall_before, .port = ntohs(address.sin_port)};
    server->sockets[0] = (struct pollfd){listening, POLLIN, 0};
    server->sockets[1] = (struct pollfd){end[0], POLLIN, 0};
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server) {
    close(server->end);
    pthread_join(server->thread, NULL);
    for (nfds_t i = 0; i < server->count; i++)
        close(server->sockets[i].fd);
}

/* Runs the program, which lies beside the tests of its build: BUILD/tests/unit/this and
 * BUILD/loop/load. Leaves what it said in `text`; returns its exit code. */
static int load(const char *arguments, char *text, size_t size) {
    char self[PATH_MAX] = "", command[PATH_MAX + 300];
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    char *tests = strstr(self, "/tests/unit/");
    assert_non_null(tests);
    *tests = '\0';
    snprintf(command, sizeof command, "%s/loop/load %s 2>&1", self, arguments);
    FILE *program = popen(command, "r");
    assert_non_null(program);
    text[fread(text, 1, size - 1, program)] = '\0';
    return pclose(program) >> 8;
}

/* The generator's own lateness is a finding (1): this machine may be busy. */
static cJSON *report_of(const char *arguments) {
    char text[8000];
    struct err err = {0};
    assert_in_range(load(arguments, text, sizeof text), 0, 1);
    const char *start = strchr(text, '{'), *end = strrchr(text, '}');
    assert_non_null(start);
    cJSON *json = json_parse(start, (size_t)(end + 1 - start), "report", &err);
    assert_non_null(json);
    return json;
}

static double number(const cJSON *json, const char *group, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(cJSON_GetObjectItem(json, group), name);
    return cJSON_IsObject(item) ? cJSON_GetObjectItem(item, "value")->valuedouble
                                : item->valuedouble;
}

static void a_stall_is_charged_for_everybody_who_would_have_come(void **state) {
    (void)state;
    static struct server server;
    char arguments[200];
    server_start(&server, 60);
    snprintf(arguments, sizeof arguments, "--ports %u --rate 200 --requests 200 --connections 40",
             server.port);
    cJSON *json = report_of(arguments);
    server_stop(&server);
    assert_int_equal(server.answered, 200);
    assert_int_equal(cJSON_GetObjectItem(json, "missing")->valueint, 0);
    /* About a hundred requests come during the stall. A generator that waits for answers would
     * see one of two hundred, and a p99 of almost nothing. */
    assert_true(number(json, "response_ns", "p99") > 0.8e6 * STALL_MS);
    assert_true(number(json, "response_ns", "max") > 0.99e6 * STALL_MS);
    assert_true(number(json, "service_ns", "mean") == 1e3 * SERVICE_US);
    cJSON_Delete(json);
}

static void every_routing_serves_all_requests(void **state) {
    (void)state;
    static const char *const routings[] = {"random", "round-robin", "least-loaded", "power-of-two",
                                           "central"};
    for (size_t i = 0; i < sizeof routings / sizeof *routings; i++) {
        static struct server servers[2];
        char arguments[200];
        server_start(&servers[0], 0);
        server_start(&servers[1], 0);
        snprintf(
            arguments, sizeof arguments,
            "--ports %u,%u --rate 2000 --requests 190 --warm-up 10 --routing %s --connections 40",
            servers[0].port, servers[1].port, routings[i]);
        cJSON *json = report_of(arguments);
        server_stop(&servers[0]);
        server_stop(&servers[1]);
        assert_int_equal(servers[0].answered + servers[1].answered, 200);
        assert_true(servers[0].answered > 0 && servers[1].answered > 0);
        assert_int_equal(cJSON_GetObjectItem(json, "requests")->valueint, 190);
        cJSON_Delete(json);
    }
}

static void a_server_that_is_not_there_is_an_error(void **state) {
    (void)state;
    static struct server server;
    char arguments[100], text[8000];
    server_start(&server, 0);
    server_stop(&server);
    snprintf(arguments, sizeof arguments, "--ports %u --rate 100 --requests 10", server.port);
    assert_int_equal(load(arguments, text, sizeof text), 4);
    assert_non_null(strstr(text, "refused"));
}

static void wrong_options_are_usage_errors(void **state) {
    (void)state;
    char text[8000];
    static const char *const wrong[] = {"", "--ports 80", "--ports x --rate 5",
                                        "--ports 80 --rate -1", "--ports 80 --rate 5 --routing up"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(load(wrong[i], text, sizeof text), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stall_is_charged_for_everybody_who_would_have_come),
        cmocka_unit_test(every_routing_serves_all_requests),
        cmocka_unit_test(a_server_that_is_not_there_is_an_error),
        cmocka_unit_test(wrong_options_are_usage_errors),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
