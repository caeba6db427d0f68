/* Clients that send one byte of a request every two seconds and connect anew when they are closed,
 * and beside them one that asks as it should, 500 times a second. Prints what became of both as
 * "name<TAB>value" lines.
 *   dripper PORT CLIENTS SECONDS */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RATE = 500, DRIP_MS = 2000, REPLY_BYTES = 4096 };

static const char head[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nA: ";

struct dripper {
    int fd;
    size_t sent;
    double since_ms, next_ms;
};

struct drippers {
    in_port_t port;
    int count;
    double until_ms, longest_ms;
    long closed;
};

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void sleep_until(double when_ms) {
    double left_ms = when_ms - now_ms();
    if (left_ms > 0)
        usleep((useconds_t)(left_ms * 1e3));
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

/* ---- those that drip ------------------------------------------------------------------------- */

static void begin(struct dripper *at, in_port_t port, double phase_ms) {
    double now = now_ms();
    *at = (struct dripper){connect_to(port), 0, now, now + phase_ms};
}

static void drip(struct dripper *at) {
    const char *byte = at->sent < sizeof head - 1 ? &head[at->sent] : "a";
    send(at->fd, byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    at->sent++;
    at->next_ms += DRIP_MS;
}

static void note_close(struct drippers *all, const struct dripper *at) {
    double life_ms = now_ms() - at->since_ms;
    all->closed++;
    all->longest_ms = life_ms > all->longest_ms ? life_ms : all->longest_ms;
}

static void *drip_all(void *given) {
    struct drippers *all = given;
    struct dripper *clients = calloc((size_t)all->count, sizeof *clients);
    struct pollfd *watched = calloc((size_t)all->count, sizeof *watched);
    for (int i = 0; i < all->count; i++)
        begin(&clients[i], all->port, (double)DRIP_MS * i / all->count);
    while (now_ms() < all->until_ms) {
        for (int i = 0; i < all->count; i++)
            watched[i] = (struct pollfd){clients[i].fd, POLLIN, 0};
        poll(watched, (nfds_t)all->count, 10);
        for (int i = 0; i < all->count; i++) {
            if (watched[i].revents || clients[i].fd < 0) {
                note_close(all, &clients[i]);
                close(clients[i].fd);
                begin(&clients[i], all->port, DRIP_MS);
            } else if (now_ms() >= clients[i].next_ms) {
                drip(&clients[i]);
            }
        }
    }
    for (int i = 0; i < all->count; i++) {
        double life_ms = now_ms() - clients[i].since_ms;
        all->longest_ms = life_ms > all->longest_ms ? life_ms : all->longest_ms;
        close(clients[i].fd);
    }
    free(clients);
    free(watched);
    return NULL;
}

/* ---- the one that asks ----------------------------------------------------------------------- */

/* True when the answer is 200; the connection is closed and -1 when the server wants so. */
static int ask(int *fd, in_port_t port) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    char reply[REPLY_BYTES] = "";
    if (*fd < 0)
        *fd = connect_to(port);
    if (send(*fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        return 0;
    ssize_t got = recv(*fd, reply, sizeof reply - 1, 0);
    int fine = got > 0 && strncmp(reply, "HTTP/1.1 200", 12) == 0;
    if (!fine || strstr(reply, "Connection: close")) {
        close(*fd);
        *fd = -1;
    }
    return fine;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    double seconds = atof(argv[3]), start_ms = now_ms();
    struct drippers all = {.port = (in_port_t)atoi(argv[1]), .count = atoi(argv[2])};
    all.until_ms = start_ms + seconds * 1e3;
    pthread_t thread;
    pthread_create(&thread, NULL, drip_all, &all);
    long asked = (long)(seconds * RATE), failed = 0;
    double *took_ms = calloc((size_t)asked, sizeof *took_ms);
    int fd = -1;
    for (long i = 0; i < asked; i++) {
        double due_ms = start_ms + (double)i * 1e3 / RATE;
        sleep_until(due_ms);
        failed += !ask(&fd, all.port);
        took_ms[i] = now_ms() - due_ms; /* from when it was due: waiting for the last one counts */
    }
    pthread_join(thread, NULL);
    qsort(took_ms, (size_t)asked, sizeof *took_ms, by_size);
    printf("asked\t%ld\nfailed\t%ld\np50_ms\t%.3f\np99_ms\t%.3f\nmax_ms\t%.3f\n", asked, failed,
           took_ms[asked / 2], took_ms[asked * 99 / 100], took_ms[asked - 1]);
    printf("closed\t%ld\nlongest_s\t%.2f\n", all.closed, all.longest_ms * 1e-3);
    free(took_ms);
    return 0;
}
