#include "server/http/http.h"

#include "server/http/exchange.h"
#include "server/http/workers.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOPS = 2,
    /* Of the library per connection: a head and a piece of a body, what is kept of each field, the
     * head of the answer. */
    CONNECTION_BYTES = 32 * 1024,
    URL_SIZE = LISTEN_TEXT_SIZE + 8,
};

/* Two protocol versions, the library's choice of ciphers. */
static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* A thread with connections of its own, driven by us: the library's own threads take 128 events at
 * a time, and when they get exactly as many they wait for more before they look at them, while
 * clients that wait for their answers send nothing. */
struct loop {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    int wake_fd; /* eventfd */
    pthread_t thread;
};

struct http_server {
    struct http_shared shared;
    struct loop loops[LOOPS];
    uint32_t loop_count; /* that run */
    atomic_bool over;
    struct http_connections *connections;
    struct http_workers *workers;
    int listen_fd;
    char url[URL_SIZE];
    char complaint[160]; /* the library's last one while it starts */
    atomic_bool started;
};

/* ---- what the library calls ----------------------------------------------------------------- */

static void complain(void *given, const char *format, va_list args) {
    struct http_server *server = given;
    if (!atomic_load(&server->started))
        vsnprintf(server->complaint, sizeof server->complaint, format, args);
}

static void on_connection(void *given, struct MHD_Connection *library, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    struct loop *loop = given;
    struct http_server *server = loop->server;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        http_connection_close(server->connections, *context);
        return;
    }
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD);
    int socket = fd->connect_fd;
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(library, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *context = http_connection_open(server->connections, socket, address->client_addr);
}

/* Its result becomes the request's context. */
static void *on_target(void *given, const char *target, struct MHD_Connection *library) {
    struct loop *loop = given;
    struct http_exchange *exchange = http_exchange_new(&loop->server->shared, target);
    exchange->library = library;
    exchange->wake_fd = loop->wake_fd;
    exchange->connection =
        MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    return exchange;
}

static enum MHD_Result answer(struct http_server *server, struct http_exchange *exchange) {
    http_connection_waits(server->connections, exchange->connection);
    return http_exchange_queue(exchange);
}

static enum MHD_Result answer_now(struct http_server *server, struct http_exchange *exchange) {
    http_exchange_handle(exchange);
    return answer(server, exchange);
}

/* From any thread; the exchange belongs to its loop again. */
static void resume(struct http_exchange *exchange) {
    int wake_fd = exchange->wake_fd;
    MHD_resume_connection(exchange->library);
    eventfd_write(wake_fd, 1);
}

static void run_slow(void *given, bool cancelled) {
    struct http_exchange *exchange = given;
    if (cancelled)
        http_decline(&exchange->refusal, 503, REJECTED_STOPPING, "the server is stopping");
    http_exchange_handle(exchange);
    resume(exchange);
}

/* The library is told to forget the connection first: the worker may be done before we are. */
static enum MHD_Result answer_later(struct http_server *server, struct http_exchange *exchange) {
    exchange->stage = EXCHANGE_SLOW;
    http_connection_is_busy(server->connections, exchange->connection);
    MHD_suspend_connection(exchange->library);
    if (http_workers_submit(server->workers, exchange))
        return MHD_YES;
    http_decline(&exchange->refusal, 503, REJECTED_BUSY, "too many long requests are waiting");
    http_exchange_handle(exchange);
    resume(exchange);
    return MHD_YES;
}

/* Called for the head, for each piece of a body, behind it, and when a slow one is done. An answer
 * that is queued for the head alone closes the connection, so all but refusals wait. */
static enum MHD_Result on_request(void *given, struct MHD_Connection *library, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **context) {
    (void)library, (void)url;
    struct http_server *server = ((struct loop *)given)->server;
    struct http_exchange *exchange = *context;
    if (exchange->stage == EXCHANGE_ANSWER)
        return answer(server, exchange);
    if (exchange->stage == EXCHANGE_HEAD) {
        http_exchange_examine(exchange, method, version);
        exchange->stage = EXCHANGE_BODY;
        return exchange->refusal.close ? answer_now(server, exchange) : MHD_YES;
    }
    if (*upload_bytes) {
        size_t length = *upload_bytes;
        *upload_bytes = 0;
        return http_exchange_take_body(exchange, upload, length) < 0 ? MHD_NO : MHD_YES;
    }
    bool slow = exchange->refusal.status == 0 && exchange->match.route->slow;
    return slow ? answer_later(server, exchange) : answer_now(server, exchange);
}

static void on_completed(void *given, struct MHD_Connection *library, void **context,
                         enum MHD_RequestTerminationCode code) {
    (void)library;
    struct http_server *server = ((struct loop *)given)->server;
    struct http_exchange *exchange = *context;
    if (!exchange)
        return;
    /* The library refused it on its own: a target or a head beyond its memory, a chunk that is
     * none. */
    if (code == MHD_REQUEST_TERMINATED_WITH_ERROR && exchange->stage <= EXCHANGE_BODY)
        http_metrics_rejected(server->shared.options.metrics, REJECTED_MALFORMED);
    http_connection_waits(server->connections, exchange->connection);
    http_exchange_delete(exchange);
    *context = NULL;
}

/* ---- starting ------------------------------------------------------------------------------- */

/* Until something happens on a socket, or somebody wakes us; not at all when the library has
 * something left to do. */
static void wait_for_events(struct loop *loop, int epoll_fd) {
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    eventfd_t count;
    struct pollfd fds[] = {
        {epoll_fd,      POLLIN, 0},
        {loop->wake_fd, POLLIN, 0},
    };
    bool bounded = MHD_get_timeout(loop->daemon, &timeout_ms) == MHD_YES;
    int wait_ms = !bounded ? -1 : timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
    if (poll(fds, 2, wait_ms) > 0 && fds[1].revents)
        eventfd_read(loop->wake_fd, &count);
}

static void *run_loop(void *given) {
    struct loop *loop = given;
    int epoll_fd = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    while (!atomic_load(&loop->server->over)) {
        wait_for_events(loop, epoll_fd);
        MHD_run(loop->daemon);
    }
    return NULL;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, struct loop *loop) {
    const struct http_options *options = &server->shared.options;
    bool tls = options->tls.certificate != NULL;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (tls ? MHD_USE_TLS : 0) |
                     (options->address.socket.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    struct MHD_OptionItem tls_items[] = {
        {MHD_OPTION_HTTPS_MEM_CERT,   0, (void *)(uintptr_t)options->tls.certificate},
        {MHD_OPTION_HTTPS_MEM_KEY,    0, (void *)(uintptr_t)options->tls.key        },
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities          },
        {MHD_OPTION_END,              0, NULL                                       },
    };
    if (!tls)
        tls_items[0] = tls_items[3];
    /* We limit connections; the library's own limit must never bind, or a loop would stop to
     * listen. */
    unsigned connections = 2 * options->limits.connections + 64;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, loop, MHD_OPTION_EXTERNAL_LOGGER, complain, server,
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, loop, MHD_OPTION_URI_LOG_CALLBACK, on_target, loop,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, loop, MHD_OPTION_ARRAY, tls_items,
        MHD_OPTION_END);
}

static int refuse_to_start(struct http_server *server, struct err *err) {
    bool tls = server->shared.options.tls.certificate != NULL;
    err_set(err, tls ? ERR_INPUT : ERR_ENVIRONMENT, "the HTTP server does not start: %.*s",
            (int)strcspn(server->complaint, "\n"), server->complaint);
    if (tls)
        err_hint(err, "a certificate and its own key are expected, both in PEM without password");
    return -(int)err->code;
}

static int start_loop(struct http_server *server, struct loop *loop, struct err *err) {
    loop->server = server;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "the HTTP server does not start");
    loop->daemon = start_daemon(server, loop);
    if (!loop->daemon) {
        close(loop->wake_fd);
        return refuse_to_start(server, err);
    }
    int failed = pthread_create(&loop->thread, NULL, run_loop, loop);
    if (failed == 0)
        return 0;
    MHD_quiesce_daemon(loop->daemon);
    MHD_stop_daemon(loop->daemon);
    close(loop->wake_fd);
    return err_set(err, ERR_ENVIRONMENT, "cannot start a thread: %s", strerror(failed));
}

/* The socket stays ours: a loop that is told to accept no more does not close it. */
static void stop_accepting(struct http_server *server) {
    for (uint32_t i = 0; i < server->loop_count; i++)
        MHD_quiesce_daemon(server->loops[i].daemon);
    close(server->listen_fd);
}

static void stop_loops(struct http_server *server) {
    atomic_store(&server->over, true);
    for (uint32_t i = 0; i < server->loop_count; i++) {
        struct loop *loop = &server->loops[i];
        eventfd_write(loop->wake_fd, 1);
        pthread_join(loop->thread, NULL);
        MHD_stop_daemon(loop->daemon);
        close(loop->wake_fd);
    }
}

static int start_listening(struct http_server *server, struct err *err) {
    char text[LISTEN_TEXT_SIZE];
    struct http_options *options = &server->shared.options;
    server->listen_fd = listen_open(&options->address, err);
    if (server->listen_fd < 0)
        return -(int)err->code;
    snprintf(server->url, sizeof server->url, "http%s://%s", options->tls.certificate ? "s" : "",
             listen_text(&options->address, text));
    for (; server->loop_count < LOOPS; server->loop_count++) {
        if (start_loop(server, &server->loops[server->loop_count], err) == 0)
            continue;
        atomic_store(&server->shared.stopping, true);
        stop_accepting(server);
        stop_loops(server);
        return -(int)err->code;
    }
    atomic_store(&server->started, true);
    return 0;
}

static int start(struct http_server *server, struct err *err) {
    const struct http_options *options = &server->shared.options;
    if (http_connections_new(&options->limits, options->metrics, &server->connections, err) < 0)
        return -(int)err->code;
    if (http_workers_new(options->limits.slow_threads, options->limits.slow_waiting, run_slow,
                         &server->workers, err) < 0)
        goto without_workers;
    if (start_listening(server, err) == 0)
        return 0;
    http_workers_stop(server->workers, 0);
without_workers:
    http_connections_delete(server->connections);
    return -(int)err->code;
}

int http_server_start(const struct http_options *options, struct http_server **started,
                      struct err *err) {
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->shared.options = *options;
    server->shared.loopback = address_is_loopback((const void *)&options->address.socket);
    if (start(server, err) < 0) {
        free(server);
        return -(int)err->code;
    }
    *started = server;
    return 0;
}

const char *http_server_url(const struct http_server *server) {
    return server->url;
}

/* ---- stopping ------------------------------------------------------------------------------- */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wait_for_answers(struct http_server *server, uint64_t until_ns) {
    const struct timespec moment = {.tv_nsec = 2000000};
    while (atomic_load(&server->shared.running) && now_ns() < until_ns)
        nanosleep(&moment, NULL);
}

uint32_t http_server_stop(struct http_server *server, uint64_t grace_ns) {
    uint64_t until_ns = now_ns() + grace_ns;
    atomic_store(&server->shared.stopping, true);
    stop_accepting(server);
    wait_for_answers(server, until_ns);
    uint32_t running = http_workers_stop(server->workers, until_ns);
    if (running)
        return running;
    /* Answers of the last slow ones are on their way. */
    wait_for_answers(server, until_ns);
    stop_loops(server);
    http_connections_delete(server->connections);
    free(server);
    return 0;
}
