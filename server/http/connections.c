#include "server/http/connections.h"

#include "server/listen.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Those that wait stand in the order in which they began to, so the first one is the next to pass
 * the deadline. */
struct list {
    struct http_connection *first, *last;
};

struct http_connections {
    struct http_limits limits;
    struct http_metrics *metrics;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t change; /* there is something to watch, or it is over */
    struct list waiting, busy;
    uint32_t count; /* that have not ended */
    bool idle;      /* the watcher waits for something to wait for */
    bool over;
    pthread_t watcher;
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static void append(struct list *list, struct http_connection *connection) {
    connection->previous = list->last;
    connection->next = NULL;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
}

static void take(struct list *list, struct http_connection *connection) {
    *(connection->previous ? &connection->previous->next : &list->first) = connection->next;
    *(connection->next ? &connection->next->previous : &list->last) = connection->previous;
}

static struct list *list_of(struct http_connections *connections,
                            const struct http_connection *connection) {
    return connection->waits ? &connections->waiting : &connections->busy;
}

/* ---- ending --------------------------------------------------------------------------------- */

/* It leaves the waiting ones and only waits for the library to notice. */
static void end(struct http_connections *connections, struct http_connection *connection,
                enum http_rejection rejection) {
    if (connection->ended)
        return;
    take(list_of(connections, connection), connection);
    connection->waits = false;
    connection->ended = true;
    connections->count--;
    append(&connections->busy, connection);
    shutdown(connection->fd, SHUT_RDWR);
    http_metrics_rejected(connections->metrics, rejection);
}

/* Waits until the first deadline, or for something to wait for. */
static void wait_for_deadline(struct http_connections *connections, uint64_t since_ns) {
    if (!connections->waiting.first) {
        connections->idle = true;
        pthread_cond_wait(&connections->change, &connections->mutex);
        connections->idle = false;
        return;
    }
    uint64_t until_ns = since_ns + connections->limits.deadline_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    pthread_cond_timedwait(&connections->change, &connections->mutex, &until);
}

static void *watch(void *given) {
    struct http_connections *connections = given;
    pthread_mutex_lock(&connections->mutex);
    while (!connections->over) {
        struct http_connection *first = connections->waiting.first;
        if (first && now_ns() - first->since_ns >= connections->limits.deadline_ns)
            end(connections, first, REJECTED_DEADLINE);
        else
            wait_for_deadline(connections, first ? first->since_ns : 0);
    }
    pthread_mutex_unlock(&connections->mutex);
    return NULL;
}

/* ---- admission ------------------------------------------------------------------------------ */

static void keep_address(struct http_connection *connection, const struct sockaddr *address) {
    enum { NETWORK_BYTES = 8 };
    connection->loopback = address_is_loopback(address);
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        memset(connection->address + 10, 0xff, 2);
        memcpy(connection->address + 12, &v4->sin_addr, 4);
        return;
    }
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    memcpy(connection->address, v6, IN6_IS_ADDR_V4MAPPED(v6) ? sizeof *v6 : NETWORK_BYTES);
}

static bool same_address(const struct http_connection *a, const struct http_connection *b) {
    return memcmp(a->address, b->address, sizeof a->address) == 0;
}

static uint32_t count_of_address(const struct list *list, const struct http_connection *like) {
    uint32_t count = 0;
    for (const struct http_connection *at = list->first; at; at = at->next)
        count += !at->ended && same_address(at, like);
    return count;
}

/* The one that has waited longest for its client (of the same address as `like`, when given) makes
 * room, if that is long enough; else the new one goes. */
static void make_room(struct http_connections *connections, struct http_connection *new,
                      bool same) {
    struct http_connection *oldest = connections->waiting.first;
    while (oldest && same && !same_address(oldest, new))
        oldest = oldest->next;
    if (oldest &&
        oldest != new &&new->since_ns - oldest->since_ns >= connections->limits.patience_ns)
        end(connections, oldest, REJECTED_EVICTED);
    else
        end(connections, new, REJECTED_CONNECTIONS);
}

static void admit(struct http_connections *connections, struct http_connection *connection) {
    const struct http_limits *limits = &connections->limits;
    if (!connection->loopback && count_of_address(&connections->waiting, connection) +
                                         count_of_address(&connections->busy, connection) >
                                     limits->connections_per_address)
        make_room(connections, connection, true);
    else if (connections->count > limits->connections)
        make_room(connections, connection, false);
}

static void begin_waiting(struct http_connections *connections,
                          struct http_connection *connection) {
    connection->waits = true;
    connection->since_ns = now_ns();
    append(&connections->waiting, connection);
    if (connections->idle)
        pthread_cond_signal(&connections->change);
}

struct http_connection *http_connection_open(struct http_connections *connections, int fd,
                                             const struct sockaddr *address) {
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    connection->fd = fd;
    keep_address(connection, address);
    pthread_mutex_lock(&connections->mutex);
    connections->count++;
    begin_waiting(connections, connection);
    admit(connections, connection);
    pthread_mutex_unlock(&connections->mutex);
    http_metrics_connections(connections->metrics, 1);
    return connection;
}

void http_connection_close(struct http_connections *connections,
                           struct http_connection *connection) {
    pthread_mutex_lock(&connections->mutex);
    take(list_of(connections, connection), connection);
    connections->count -= !connection->ended;
    pthread_mutex_unlock(&connections->mutex);
    http_metrics_connections(connections->metrics, -1);
    free(connection);
}

void http_connection_waits(struct http_connections *connections,
                           struct http_connection *connection) {
    pthread_mutex_lock(&connections->mutex);
    if (!connection->ended) {
        take(list_of(connections, connection), connection);
        begin_waiting(connections, connection);
    }
    pthread_mutex_unlock(&connections->mutex);
}

void http_connection_is_busy(struct http_connections *connections,
                             struct http_connection *connection) {
    pthread_mutex_lock(&connections->mutex);
    if (connection->waits) {
        take(&connections->waiting, connection);
        connection->waits = false;
        append(&connections->busy, connection);
    }
    pthread_mutex_unlock(&connections->mutex);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

int http_connections_new(const struct http_limits *limits, struct http_metrics *metrics,
                         struct http_connections **made, struct err *err) {
    struct http_connections *connections = calloc(1, sizeof *connections);
    if (!connections)
        abort();
    connections->limits = *limits;
    connections->metrics = metrics;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&connections->change, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&connections->mutex, NULL);
    *made = connections;
    int failed = pthread_create(&connections->watcher, NULL, watch, connections);
    if (failed == 0)
        return 0;
    free(connections);
    return err_set(err, ERR_ENVIRONMENT, "cannot start a thread: %s", strerror(failed));
}

void http_connections_delete(struct http_connections *connections) {
    pthread_mutex_lock(&connections->mutex);
    connections->over = true;
    pthread_cond_signal(&connections->change);
    pthread_mutex_unlock(&connections->mutex);
    pthread_join(connections->watcher, NULL);
    pthread_cond_destroy(&connections->change);
    pthread_mutex_destroy(&connections->mutex);
    free(connections);
}
