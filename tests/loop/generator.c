#include "tests/loop/generator.h"

#include "base/rng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, ANSWER_BYTES = 1024 };
static const uint32_t NOTHING = UINT32_MAX;
static const char QUESTION[] =
    "POST /infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";

struct connection {
    int fd;
    bool connecting;
    uint16_t replica;
    uint32_t request; /* NOTHING when idle */
    size_t filled;
    struct connection *next_idle;
    char answer[ANSWER_BYTES + 1];
};

struct queue {
    uint32_t head, tail; /* NOTHING when empty */
};

struct replica {
    struct connection *connections, *idle;
    unsigned open, in_flight, held; /* held: in flight or in its queue */
    struct queue queue;
};

struct generator {
    const struct load *load;
    const struct routing *routing;
    struct replica replicas[REPLICAS_MOST];
    struct request *requests;
    struct queue shared; /* of routings that keep one queue for all */
    uint32_t arrived, answered;
    unsigned turn;
    unsigned limit; /* requests that a replica may have at a time */
    int64_t start_ns;
    int epoll, timer;
    struct rng rng;
};

/* ---- routing --------------------------------------------------------------------------------- */

struct routing {
    const char *name;
    unsigned (*choose)(struct generator *g); /* NULL: one queue, the next free replica takes */
};

static unsigned choose_random(struct generator *g) {
    return (unsigned)rng_below(&g->rng, g->load->replicas);
}

static unsigned choose_next(struct generator *g) {
    return g->turn++ % g->load->replicas;
}

static unsigned shorter(const struct generator *g, unsigned a, unsigned b) {
    return g->replicas[b].held < g->replicas[a].held ? b : a;
}

/* The search starts anywhere, so that equal ones are chosen equally often. */
static unsigned choose_least_loaded(struct generator *g) {
    unsigned count = g->load->replicas, first = choose_random(g), best = first;
    for (unsigned i = 1; i < count; i++)
        best = shorter(g, best, (first + i) % count);
    return best;
}

static unsigned choose_of_two(struct generator *g) {
    unsigned a = choose_random(g);
    return shorter(g, a, choose_random(g));
}

static const struct routing routings[] = {
    {"random",       choose_random      },
    {"round-robin",  choose_next        },
    {"least-loaded", choose_least_loaded},
    {"power-of-two", choose_of_two      },
    {"central",      NULL               },
};

static const struct routing *find_routing(const char *name) {
    for (size_t i = 0; i < sizeof routings / sizeof *routings; i++)
        if (strcmp(routings[i].name, name) == 0)
            return &routings[i];
    return NULL;
}

/* ---- clock and queues ------------------------------------------------------------------------ */

static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t since_start(const struct generator *g) {
    return clock_ns() - g->start_ns;
}

static void queue_push(struct generator *g, struct queue *queue, uint32_t r) {
    g->requests[r].next = NOTHING;
    if (queue->head == NOTHING)
        queue->head = r;
    else
        g->requests[queue->tail].next = r;
    queue->tail = r;
}

static uint32_t queue_pop(struct generator *g, struct queue *queue) {
    uint32_t r = queue->head;
    if (r != NOTHING)
        queue->head = g->requests[r].next;
    return r;
}

/* ---- connections ----------------------------------------------------------------------------- */

static int lost(const struct generator *g, const struct connection *c, const char *what,
                struct err *err) {
    return err_set_errno(err, ERR_ENVIRONMENT, "replica %u at port %u: %s", c->replica,
                         g->load->ports[c->replica], what);
}

static int connection_open(struct generator *g, struct connection *c, struct err *err) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(g->load->ports[c->replica]),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return lost(g, c, "no socket", err);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->connecting = connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0;
    if (c->connecting && errno != EINPROGRESS)
        return lost(g, c, "cannot connect", err);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = c}};
    if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, c->fd, &event))
        return lost(g, c, "cannot be watched", err);
    return 0;
}

static int connection_send(struct generator *g, struct connection *c, struct err *err) {
    g->requests[c->request].sent_ns = since_start(g);
    ssize_t sent = send(c->fd, QUESTION, sizeof QUESTION - 1, MSG_NOSIGNAL);
    if (sent != (ssize_t)sizeof QUESTION - 1)
        return lost(g, c, "cannot send", err);
    return 0;
}

static int connection_give(struct generator *g, struct replica *replica, uint32_t r,
                           struct err *err) {
    struct connection *c = replica->idle;
    if (c) {
        replica->idle = c->next_idle;
    } else {
        c = &replica->connections[replica->open++];
        c->replica = (uint16_t)(replica - g->replicas);
        if (connection_open(g, c, err))
            return -(int)err->code;
    }
    c->request = r;
    c->filled = 0;
    g->requests[r].replica = c->replica;
    replica->in_flight++;
    return c->connecting ? 0 : connection_send(g, c, err);
}

/* Hands waiting requests to a replica as far as it may have more. */
static int feed(struct generator *g, struct replica *replica, struct err *err) {
    struct queue *queue = g->routing->choose ? &replica->queue : &g->shared;
    while (replica->in_flight < g->limit) {
        uint32_t r = queue_pop(g, queue);
        if (r == NOTHING)
            return 0;
        if (connection_give(g, replica, r, err))
            return -(int)err->code;
    }
    return 0;
}

/* ---- arrivals -------------------------------------------------------------------------------- */

static int arrive(struct generator *g, uint32_t r, struct err *err) {
    g->requests[r].seen_ns = since_start(g);
    if (g->routing->choose) {
        struct replica *replica = &g->replicas[g->routing->choose(g)];
        replica->held++;
        queue_push(g, &replica->queue, r);
        return feed(g, replica, err);
    }
    queue_push(g, &g->shared, r);
    unsigned first = choose_random(g);
    for (unsigned i = 0; i < g->load->replicas; i++)
        if (feed(g, &g->replicas[(first + i) % g->load->replicas], err))
            return -(int)err->code;
    return 0;
}

static void arm(struct generator *g, int64_t at_ns) {
    int64_t ns = g->start_ns + at_ns;
    struct itimerspec when = {
        .it_value = {ns / 1000000000, ns % 1000000000}
    };
    timerfd_settime(g->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int arrive_all_due(struct generator *g, struct err *err) {
    while (g->arrived < g->load->requests && g->requests[g->arrived].due_ns <= since_start(g)) {
        uint32_t r = g->arrived++;
        if (arrive(g, r, err))
            return -(int)err->code;
    }
    return 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Value of a header in a head that ends in an empty line; NaN when it is not there. */
static double header_number(const char *head, const char *name) {
    const char *at = strcasestr(head, name);
    return at ? strtod(at + strlen(name), NULL) : NAN;
}

/* The whole answer is there: an empty line and the body of the length told. */
static bool is_whole(const struct connection *c) {
    const char *end = strstr(c->answer, "\r\n\r\n");
    if (!end)
        return false;
    double body = header_number(c->answer, "\r\nContent-Length:");
    return isnan(body) || (double)(c->filled - (size_t)(end + 4 - c->answer)) >= body;
}

static int answered(struct generator *g, struct connection *c, struct err *err) {
    struct request *request = &g->requests[c->request];
    struct replica *replica = &g->replicas[c->replica];
    if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0)
        return err_set(err, ERR_ENVIRONMENT, "replica at port %u: expected 200, got '%.40s'",
                       g->load->ports[c->replica], c->answer);
    request->done_ns = since_start(g);
    request->service_us = header_number(c->answer, "\r\nService-Us:");
    request->service_cpu_us = header_number(c->answer, "\r\nService-Cpu-Us:");
    c->request = NOTHING;
    c->next_idle = replica->idle;
    replica->idle = c;
    replica->in_flight--;
    replica->held -= g->routing->choose != NULL;
    g->answered++;
    return feed(g, replica, err);
}

static int readable(struct generator *g, struct connection *c, struct err *err) {
    for (;;) {
        ssize_t got = recv(c->fd, c->answer + c->filled, ANSWER_BYTES - c->filled, 0);
        if (got < 0 && errno == EAGAIN)
            return 0;
        if (got <= 0 || c->request == NOTHING)
            return lost(g, c, got < 0 ? "cannot receive" : "closed, or said too much", err);
        c->filled += (size_t)got;
        c->answer[c->filled] = '\0';
        if (is_whole(c) && answered(g, c, err))
            return -(int)err->code;
    }
}

static int happened(struct generator *g, struct connection *c, uint32_t events, struct err *err) {
    if (events & EPOLLERR) {
        socklen_t size = sizeof errno;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &errno, &size);
        return lost(g, c, "failed", err);
    }
    if (c->connecting && (events & EPOLLOUT)) {
        c->connecting = false;
        if (connection_send(g, c, err))
            return -(int)err->code;
    }
    return events & (EPOLLIN | EPOLLHUP) ? readable(g, c, err) : 0;
}

/* ---- the whole load -------------------------------------------------------------------------- */

static void draw_arrivals(struct generator *g) {
    double at_ns = 0;
    for (uint32_t r = 0; r < g->load->requests; r++) {
        at_ns += rng_exponential(&g->rng) * 1e9 / g->load->rate_per_second;
        g->requests[r] =
            (struct request){.due_ns = (int64_t)at_ns, .service_us = NAN, .service_cpu_us = NAN};
    }
}

static int generator_open(struct generator *g, struct arena *arena, struct err *err) {
    const struct load *load = g->load;
    rng_init(&g->rng, load->seed);
    draw_arrivals(g);
    g->shared.head = NOTHING;
    for (unsigned i = 0; i < load->replicas; i++) {
        g->replicas[i].queue.head = NOTHING;
        g->replicas[i].connections = ARENA_ARRAY(arena, load->connections, struct connection);
    }
    /* Timers of this thread end when they are due and not up to 50 us later. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    g->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    if (g->epoll < 0 || g->timer < 0 || epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->timer, &event))
        return err_set_errno(err, ERR_ENVIRONMENT, "no epoll or timer");
    g->start_ns = clock_ns();
    return 0;
}

static void generator_close(struct generator *g) {
    for (unsigned i = 0; i < g->load->replicas; i++)
        for (unsigned c = 0; c < g->replicas[i].open; c++)
            close(g->replicas[i].connections[c].fd);
    if (g->epoll >= 0)
        close(g->epoll);
    if (g->timer >= 0)
        close(g->timer);
}

/* When the timer has to wake us: for the next arrival, or to give up. */
static int64_t next_moment(const struct generator *g) {
    const struct load *load = g->load;
    if (g->arrived < load->requests)
        return g->requests[g->arrived].due_ns;
    return g->requests[load->requests - 1].due_ns + (int64_t)(load->patience_s * 1e9);
}

static int turn(struct generator *g, struct err *err) {
    struct epoll_event events[EVENTS];
    arm(g, next_moment(g));
    int count = epoll_wait(g->epoll, events, EVENTS, -1);
    if (count < 0 && errno != EINTR)
        return err_set_errno(err, ERR_ENVIRONMENT, "epoll_wait");
    if (arrive_all_due(g, err))
        return -(int)err->code;
    for (int i = 0; i < count; i++)
        if (events[i].data.ptr && happened(g, events[i].data.ptr, events[i].events, err))
            return -(int)err->code;
    return 0;
}

static bool is_over(const struct generator *g) {
    uint32_t all = g->load->requests;
    return g->answered == all || (g->arrived == all && since_start(g) >= next_moment(g));
}

int load_generate(struct arena *arena, const struct load *load, struct request **requests,
                  int64_t *end_ns, struct err *err) {
    struct generator g = {
        .load = load, .routing = find_routing(load->routing), .epoll = -1, .timer = -1};
    if (!g.routing)
        return err_set(err, ERR_USAGE, "no routing '%s'", load->routing);
    g.limit = g.routing->choose ? load->connections : 1;
    g.requests = ARENA_ARRAY(arena, load->requests, struct request);
    int code = generator_open(&g, arena, err);
    while (code == 0 && !is_over(&g))
        code = turn(&g, err);
    *requests = g.requests;
    *end_ns = since_start(&g);
    generator_close(&g);
    return code;
}
