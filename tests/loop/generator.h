/* An open-loop load generator: requests are sent when they are due, whether or not earlier ones
 * have been answered, and a response time starts when its request was due. A server that stalls is
 * therefore charged for everybody who would have come meanwhile (no coordinated omission).
 *
 * One thread, epoll, keep-alive connections over loopback. Arrival times are drawn beforehand: a
 * Poisson process from a seed. Routing happens at the arrival, as a balancer in front of the
 * replicas would do it; requests beyond `connections` wait here, in order, on the same clock.
 */
#ifndef ASSAY_TESTS_LOOP_GENERATOR_H
#define ASSAY_TESTS_LOOP_GENERATOR_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLICAS_MOST = 64 };

struct load {
    uint16_t ports[REPLICAS_MOST]; /* of 127.0.0.1, one per replica */
    unsigned replicas;
    const char *routing; /* random, round-robin, least-loaded, power-of-two, central */
    double rate_per_second;
    uint32_t requests;    /* all that are sent */
    unsigned connections; /* open to one replica at most */
    double patience_s;    /* how long answers may take after the last arrival */
    uint64_t seed;
};

/* Times on the monotonic clock, relative to the start of the load. */
struct request {
    int64_t due_ns;
    int64_t seen_ns; /* the generator got to it; later than due when it was held up itself */
    int64_t sent_ns;
    int64_t done_ns; /* 0: no answer */
    /* What the server's headers Service-Us and Service-Cpu-Us say; NaN without them. */
    double service_us, service_cpu_us;
    uint32_t next; /* in the queue it waits in */
    uint16_t replica;
};

/* Sends everything and waits for the answers. `*requests` come from the arena in the order they
 * were due; `*end_ns` is when the last answer came, or patience ended. A refused connection, an
 * answer other than 200 or a wrong one is ERR_ENVIRONMENT: a load that was not served whole says
 * nothing. */
int load_generate(struct arena *arena, const struct load *load, struct request **requests,
                  int64_t *end_ns, struct err *err);

#endif
