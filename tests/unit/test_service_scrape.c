/* Rates from a Prometheus server, played by a thread that answers what it is told. */
#include "server/service/parts.h"
#include "tests/unit/service_world.h"

#include <arpa/inet.h>
#include <sys/socket.h>

struct prometheus {
    int listener;
    char url[64], asked[4096];
    const char *answer; /* NULL: silence */
    pthread_t thread;
};

static void answer_one(struct prometheus *p, int client) {
    char request[4096];
    size_t length = 0;
    ssize_t count;
    while (length < sizeof request - 1 &&
           (count = recv(client, request + length, sizeof request - 1 - length, 0)) > 0) {
        length += (size_t)count;
        request[length] = '\0';
        if (strstr(request, "query="))
            break;
    }
    memcpy(p->asked, request, length + 1);
    if (p->answer)
        dprintf(client, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                strlen(p->answer), p->answer);
    else
        usleep(500000);
    close(client);
}

static void *answer_all(void *context) {
    struct prometheus *p = context;
    int client;
    while ((client = accept(p->listener, NULL, NULL)) >= 0)
        answer_one(p, client);
    return NULL;
}

static struct prometheus *prometheus_new(const char *answer) {
    struct prometheus *p = calloc(1, sizeof *p);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    p->answer = answer;
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(p->listener, 8), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(p->url, sizeof p->url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&p->thread, NULL, answer_all, p), 0);
    return p;
}

static void prometheus_delete(struct prometheus *p) {
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->listener);
    free(p);
}

static struct world *asking(const struct prometheus *p) {
    struct world *w = world_new();
    world_store(w, NAME_OF_M, SHA_OF_M, PREDICTION_OF_M);
    w->options.prometheus_url = p->url;
    w->options.prometheus_query = "sum(rate(requests_total{model=\"{model}\"}[1m]))";
    w->options.scrape_s = 0; /* rounds are made by hand */
    w->options.scrape_timeout_s = 0.1;
    world_start(w);
    return w;
}

#define ONE(value)                                                                                 \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},"      \
    "\"value\":[1769860800.1,\"" value "\"]}]}}"

static void a_scraped_rate_is_answered(void **state) {
    (void)state;
    struct prometheus *p = prometheus_new(ONE("123.5"));
    struct world *w = asking(p);
    service_scrape(w->service);
    world_ask(w, "replicas", "m", "");
    assert_true(number_of(w, "rate_per_second") == 123.5);
    assert_string_equal(text_of(w, "rate_from"), "scraped");
    assert_non_null(strstr(p->asked, "POST /api/v1/query HTTP/1.1"));
    assert_non_null(strstr(p->asked, "query=sum%28rate%28requests_total%7Bmodel%3D%22m%22%7D"));
    world_delete(w);
    prometheus_delete(p);
}

/* What cannot be read, or does not come in time, leaves the last rate to grow old. */
static void what_is_not_told_is_not_zero(void **state) {
    (void)state;
    static const char *const answers[] = {
        NULL,
        "",
        "<html>",
        ONE("NaN"),
        "{\"status\":\"error\"}",
        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct prometheus *p = prometheus_new(answers[i]);
        struct world *w = asking(p);
        world_push(w, "m", "{\"rate\": 200}");
        world_ask(w, "replicas", "m", "");
        double replicas = number_of(w, "replicas");
        world_pass(w, 100);
        service_scrape(w->service);
        assert_int_equal(service_counted(w->service, COUNT_SCRAPE_FAILURES), 1);
        assert_non_null(strstr(w->warnings, "Prometheus does not tell"));
        world_ask(w, "replicas", "m", "");
        assert_true(number_of(w, "replicas") == replicas && bool_of(w, "stale"));
        world_delete(w);
        prometheus_delete(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scraped_rate_is_answered),
        cmocka_unit_test(what_is_not_told_is_not_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
