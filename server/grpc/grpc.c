#include "server/grpc/grpc.h"

#include "server/grpc/peer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, ACCEPTS_MAX = 16 };

#define SECOND_NS UINT64_C(1000000000)

struct grpc_server {
    struct grpc_service service;
    struct grpc_tls *tls;
    pthread_t thread;
    int listener, epoll, stop;
    char address[LISTEN_TEXT_SIZE];
    /* What drops connections waits until all events were served: they point to connections. */
    bool knocked, told_to_stop;
    struct grpc_peer *peers; /* newest first */
    uint32_t peer_count;
    uint64_t deaf_ns;  /* no descriptor was left: until when nobody is accepted */
    uint64_t until_ns; /* when a server that stops is done; UINT64_MAX: it runs */
};

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void drop(struct grpc_server *server, struct grpc_peer *peer) {
    if (peer->next)
        peer->next->previous = peer->previous;
    if (peer->previous)
        peer->previous->next = peer->next;
    else
        server->peers = peer->next;
    server->peer_count--;
    grpc_peer_close(peer);
}

/* While output waits nothing more is read, so a client cannot pile up answers. */
static void watch(const struct grpc_server *server, struct grpc_peer *peer) {
    uint32_t wanted = peer->waiting ? EPOLLOUT : EPOLLIN;
    struct epoll_event event = {.events = wanted, .data.ptr = peer};
    if (wanted == peer->events)
        return;
    epoll_ctl(server->epoll, peer->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, peer->socket, &event);
    peer->events = wanted;
}

static void flush(struct grpc_server *server, struct grpc_peer *peer) {
    if (grpc_peer_flush(peer) || grpc_peer_finished(peer))
        drop(server, peer);
    else
        watch(server, peer);
}

/* The oldest connection that never had an answer: most likely it never will. */
static struct grpc_peer *oldest_stranger(const struct grpc_server *server) {
    struct grpc_peer *oldest = NULL;
    for (struct grpc_peer *peer = server->peers; peer; peer = peer->next)
        if (!grpc_connection_has_answered(peer->connection))
            oldest = peer;
    return oldest;
}

static bool make_room(struct grpc_server *server) {
    struct grpc_peer *stranger;
    if (server->peer_count < server->service.limits.connections_max)
        return true;
    stranger = oldest_stranger(server);
    if (stranger)
        drop(server, stranger);
    return stranger != NULL;
}

static void take(struct grpc_server *server, int socket) {
    struct grpc_peer *peer = NULL;
    if (make_room(server))
        peer = grpc_peer_open(&server->service, server->tls, socket);
    if (!peer) {
        close(socket);
        return;
    }
    peer->next = server->peers;
    if (peer->next)
        peer->next->previous = peer;
    server->peers = peer;
    server->peer_count++;
    flush(server, peer);
}

static void listen_again(struct grpc_server *server, bool yes) {
    struct epoll_event event = {.events = yes ? EPOLLIN : 0, .data.ptr = &server->listener};
    server->deaf_ns = yes ? UINT64_MAX : monotonic_ns() + SECOND_NS;
    epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
}

static void accept_some(struct grpc_server *server) {
    server->knocked = false;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int socket = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0)
            take(server, socket);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            listen_again(server, false);
            return;
        }
    }
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void begin_stop(struct grpc_server *server) {
    struct grpc_peer *next;
    server->told_to_stop = false;
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->stop, NULL);
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
    server->deaf_ns = UINT64_MAX;
    server->until_ns = monotonic_ns() + SECOND_NS;
    for (struct grpc_peer *peer = server->peers; peer; peer = next) {
        next = peer->next;
        grpc_connection_stop(peer->connection);
        flush(server, peer);
    }
}

static void serve_peer(struct grpc_server *server, struct grpc_peer *peer, uint32_t events) {
    bool gone = events & (EPOLLERR | EPOLLHUP);
    if (!gone && grpc_peer_receive(peer)) {
        grpc_peer_flush(peer); /* the reason, where the protocol has one */
        gone = true;
    }
    if (gone)
        drop(server, peer);
    else
        flush(server, peer);
}

static void serve_event(struct grpc_server *server, const struct epoll_event *event) {
    if (event->data.ptr == &server->listener)
        server->knocked = true;
    else if (event->data.ptr == &server->stop)
        server->told_to_stop = true;
    else
        serve_peer(server, event->data.ptr, event->events);
}

static void tick(struct grpc_server *server, uint64_t now_ns) {
    struct grpc_peer *next;
    if (now_ns >= server->deaf_ns)
        listen_again(server, true);
    for (struct grpc_peer *peer = server->peers; peer; peer = next) {
        next = peer->next;
        if (now_ns < grpc_connection_due_ns(peer->connection))
            continue;
        if (grpc_connection_tick(peer->connection))
            drop(server, peer);
        else
            flush(server, peer);
    }
}

static int wait_ms(const struct grpc_server *server) {
    uint64_t now_ns = monotonic_ns(), due_ns = now_ns + 60 * SECOND_NS;
    due_ns = server->deaf_ns < due_ns ? server->deaf_ns : due_ns;
    due_ns = server->until_ns < due_ns ? server->until_ns : due_ns;
    for (const struct grpc_peer *peer = server->peers; peer; peer = peer->next) {
        uint64_t peer_due_ns = grpc_connection_due_ns(peer->connection);
        due_ns = peer_due_ns < due_ns ? peer_due_ns : due_ns;
    }
    return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / 1000000) + 1;
}

static bool is_running(const struct grpc_server *server) {
    return server->until_ns == UINT64_MAX || (server->peers && monotonic_ns() < server->until_ns);
}

static void *serve(void *argument) {
    struct grpc_server *server = argument;
    struct epoll_event events[EVENTS_MAX];
    while (is_running(server)) {
        int count = epoll_wait(server->epoll, events, EVENTS_MAX, wait_ms(server));
        for (int i = 0; i < count; i++)
            serve_event(server, &events[i]);
        if (server->told_to_stop)
            begin_stop(server);
        else if (server->knocked)
            accept_some(server);
        tick(server, monotonic_ns());
    }
    while (server->peers)
        drop(server, server->peers);
    return NULL;
}

/* ---- starting and stopping ------------------------------------------------------------------- */

static const struct grpc_limits defaults = {
    .connections_max = GRPC_CONNECTIONS_MAX,
    .streams_max = 100,
    .message_max_bytes = 64 * 1024,
    .header_max_bytes = 16 * 1024,
    .buffered_max_bytes = 256 * 1024,
    .request_ns = 10 * SECOND_NS,
    .idle_ns = 300 * SECOND_NS,
    .poll_ns = SECOND_NS,
};

#define DEFAULT(field) (given->field ? given->field : defaults.field)

static struct grpc_limits with_defaults(const struct grpc_limits *given) {
    return (struct grpc_limits){
        .connections_max = DEFAULT(connections_max),
        .streams_max = DEFAULT(streams_max),
        .message_max_bytes = DEFAULT(message_max_bytes),
        .header_max_bytes = DEFAULT(header_max_bytes),
        .buffered_max_bytes = DEFAULT(buffered_max_bytes),
        .request_ns = DEFAULT(request_ns),
        .idle_ns = DEFAULT(idle_ns),
        .poll_ns = DEFAULT(poll_ns),
    };
}

static int open_tls(struct grpc_server *server, const struct grpc_tls_files *files,
                    struct err *err) {
    if (!files->certificate && !files->key && !files->client_ca)
        return 0;
    if (!files->certificate || !files->key)
        return err_set(err, ERR_USAGE, "TLS needs both a certificate and its key");
    return grpc_tls_open(files, &server->tls, err);
}

static int open_listener(struct grpc_server *server, struct listen_address address,
                         struct err *err) {
    server->listener = listen_open(&address, err);
    listen_text(&address, server->address);
    return server->listener < 0 ? -(int)err->code : 0;
}

static int add_event(const struct grpc_server *server, int *descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = descriptor};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, *descriptor, &event);
}

static int open_events(struct grpc_server *server, struct err *err) {
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->epoll < 0 || server->stop < 0 || add_event(server, &server->listener) ||
        add_event(server, &server->stop))
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot wait for gRPC connections");
    return 0;
}

/* The signals are for the thread that waits for them. */
static int start_thread(struct grpc_server *server, struct err *err) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    errno = pthread_create(&server->thread, NULL, serve, server);
    int code = errno ? err_set_errno(err, ERR_ENVIRONMENT, "cannot start the gRPC thread") : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void close_all(struct grpc_server *server) {
    const int descriptors[] = {server->listener, server->epoll, server->stop};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    grpc_tls_close(server->tls);
    free(server);
}

int grpc_start(const struct grpc_options *options, const struct scaler *scaler,
               struct grpc_server **started, struct err *err) {
    struct grpc_server *server = calloc(1, sizeof *server);
    if (!server)
        return err_set(err, ERR_ENVIRONMENT, "no memory for a gRPC server");
    *server = (struct grpc_server){
        .service = {scaler, options->metrics, options->auth, with_defaults(&options->limits),
                    monotonic_ns},
        .listener = -1,
        .epoll = -1,
        .stop = -1,
        .deaf_ns = UINT64_MAX,
        .until_ns = UINT64_MAX,
    };
    if (open_tls(server, &options->tls, err) || open_listener(server, options->address, err) ||
        open_events(server, err) || start_thread(server, err)) {
        close_all(server);
        return -(int)err->code;
    }
    *started = server;
    return 0;
}

const char *grpc_address(const struct grpc_server *server) {
    return server->address;
}

void grpc_stop(struct grpc_server *server) {
    const uint64_t one = 1;
    if (!server)
        return;
    while (write(server->stop, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(server->thread, NULL);
    close_all(server);
}
