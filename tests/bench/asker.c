/* A client that asks at a given rate, whatever the answers take, over so many connections in turn,
 * and prints what became of it as "name<TAB>value" lines.
 *   asker PORT RATE CONNECTIONS SECONDS QUESTION...    "/path", or "/path BODY" posted as JSON
 * A question's time counts from when it was due. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, REQUEST_BYTES = 2048, REPLY_BYTES = 256 * 1024 };

struct connection {
    int fd;    /* -1: not connected */
    int asked; /* -1: free */
    double due_ms;
    size_t got;
    char reply[REPLY_BYTES];
};

struct asker {
    in_port_t port;
    char (*requests)[REQUEST_BYTES];
    int request_count;
    struct connection connections[CONNECTIONS_MAX];
    int connection_count, last; /* that was asked */
    long done, failed, connects;
    double *took_ms;
};

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void write_request(char out[REQUEST_BYTES], const char *question) {
    const char *body = strchr(question, ' ');
    int path_bytes = (int)(body ? body - question : (long)strlen(question));
    if (body)
        snprintf(out, REQUEST_BYTES,
                 "POST %.*s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 path_bytes, question, strlen(body + 1), body + 1);
    else
        snprintf(out, REQUEST_BYTES, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", question);
}

static int connect_to(in_port_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    address.sin_port = htons(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void hang_up(struct connection *at) {
    close(at->fd);
    at->fd = -1;
}

static void finish(struct asker *asker, struct connection *at, int fine) {
    if (!fine)
        fprintf(stderr, "failed: %.60s -> %.15s\n", asker->requests[at->asked], at->reply);
    asker->failed += !fine;
    asker->took_ms[asker->done++] = now_ms() - at->due_ms;
    if (!fine || strstr(at->reply, "Connection: close"))
        hang_up(at);
    at->asked = -1;
}

static void ask(struct asker *asker, struct connection *at, int question, double due_ms) {
    if (at->fd < 0) {
        at->fd = connect_to(asker->port);
        asker->connects++;
    }
    at->asked = question;
    at->due_ms = due_ms;
    at->got = 0;
    at->reply[0] = '\0';
    size_t length = strlen(asker->requests[question]);
    if (send(at->fd, asker->requests[question], length, MSG_NOSIGNAL) != (ssize_t)length)
        finish(asker, at, 0);
}

/* Once the whole answer is there. */
static void take(struct asker *asker, struct connection *at) {
    ssize_t got = recv(at->fd, at->reply + at->got, REPLY_BYTES - 1 - at->got, 0);
    if (got <= 0) {
        finish(asker, at, 0);
        return;
    }
    at->got += (size_t)got;
    at->reply[at->got] = '\0';
    const char *body = strstr(at->reply, "\r\n\r\n");
    const char *length = strstr(at->reply, "Content-Length: ");
    if (body && length && strlen(body + 4) >= strtoul(length + 16, NULL, 10))
        finish(asker, at, strncmp(at->reply, "HTTP/1.1 200", 12) == 0);
}

/* A connection the server has closed meanwhile is none. */
static void listen_to_all(struct asker *asker, double until_ms) {
    struct pollfd watched[CONNECTIONS_MAX];
    double left_ms = until_ms - now_ms();
    for (int i = 0; i < asker->connection_count; i++)
        watched[i] = (struct pollfd){asker->connections[i].fd, POLLIN, 0};
    struct timespec wait = {.tv_nsec = left_ms > 0 ? (long)(left_ms * 1e6) % 1000000000 : 0};
    if (ppoll(watched, (nfds_t)asker->connection_count, &wait, NULL) <= 0)
        return;
    for (int i = 0; i < asker->connection_count; i++)
        if (watched[i].revents && asker->connections[i].asked < 0)
            hang_up(&asker->connections[i]);
        else if (watched[i].revents)
            take(asker, &asker->connections[i]);
}

static struct connection *free_connection(struct asker *asker) {
    for (int i = 0; i < asker->connection_count; i++) {
        asker->last = (asker->last + 1) % asker->connection_count;
        if (asker->connections[asker->last].asked < 0)
            return &asker->connections[asker->last];
    }
    return NULL;
}

static void run(struct asker *asker, double rate, long count) {
    double start_ms = now_ms();
    for (long i = 0; i < count;) {
        double due_ms = start_ms + (double)i * 1e3 / rate;
        bool due = now_ms() >= due_ms;
        struct connection *at = due ? free_connection(asker) : NULL;
        if (at)
            ask(asker, at, (int)(i++ % asker->request_count), due_ms);
        listen_to_all(asker, at ? 0 : due ? now_ms() + 100 : due_ms);
    }
    while (asker->done < count)
        listen_to_all(asker, now_ms() + 100);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc < 6)
        return 2;
    double rate = atof(argv[2]);
    long count = (long)(rate * atof(argv[4]));
    struct asker *asker = calloc(1, sizeof *asker);
    asker->port = (in_port_t)atoi(argv[1]);
    asker->connection_count = atoi(argv[3]);
    if (asker->connection_count < 1 || asker->connection_count > CONNECTIONS_MAX)
        return 2;
    asker->request_count = argc - 5;
    asker->requests = calloc((size_t)asker->request_count, sizeof *asker->requests);
    asker->took_ms = calloc((size_t)count, sizeof *asker->took_ms);
    for (int i = 0; i < asker->request_count; i++)
        write_request(asker->requests[i], argv[5 + i]);
    for (int i = 0; i < asker->connection_count; i++)
        asker->connections[i].fd = asker->connections[i].asked = -1;
    run(asker, rate, count);
    qsort(asker->took_ms, (size_t)count, sizeof *asker->took_ms, by_size);
    printf("asked\t%ld\nfailed\t%ld\nconnects\t%ld\n", count, asker->failed, asker->connects);
    printf("p50_ms\t%.3f\np99_ms\t%.3f\nmax_ms\t%.3f\n", asker->took_ms[count / 2],
           asker->took_ms[count * 99 / 100], asker->took_ms[count - 1]);
    return 0;
}
