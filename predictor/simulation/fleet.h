/* The replicas of a simulation and the requests in them. The loop (simulation.c) tells it what
 * arrives and how many replicas to have; it tells when the next thing happens inside. */
#ifndef ASSAY_PREDICTOR_SIMULATION_FLEET_H
#define ASSAY_PREDICTOR_SIMULATION_FLEET_H

#include "predictor/simulation/event_heap.h"
#include "predictor/simulation/recorder.h"
#include "predictor/simulation/simulation.h"

struct request {
    double arrived_ns;
    uint32_t next; /* in its line, its batch or the free list */
};

/* A first-in first-out line of requests. */
struct line {
    uint32_t head, tail, count;
    bool timed; /* an event will look whether its oldest has waited long enough */
};

enum replica_state { REPLICA_GONE, REPLICA_STARTING, REPLICA_IDLE, REPLICA_BUSY };

struct replica {
    struct line line; /* its own; unused with central routing */
    enum replica_state state;
    bool leaving;     /* gets nothing new */
    uint32_t serving; /* first request of the batch */
    uint32_t serving_count;
    uint32_t birth;          /* counts the lives of this slot */
    uint32_t ready_position; /* in fleet->ready */
    uint32_t idle_position;  /* in fleet->idle; central routing */
};

struct fleet {
    const struct simulation_config *config;
    struct arena *arena;
    struct rng rng;
    double now_ns, deadline_ns;
    struct event_heap events;
    struct request *requests;
    uint32_t request_count, request_capacity, free_request;
    struct replica *replicas;
    uint32_t replica_count, replica_capacity;
    uint32_t *ready, ready_count; /* that take requests, in no order */
    uint32_t *idle, idle_count;   /* of them, with nothing to do; central routing */
    uint32_t list_capacity;       /* of both */
    uint32_t *starting, starting_count, starting_capacity; /* oldest first */
    uint32_t turn;                                         /* round robin */
    struct line line; /* of the central queue, or of those who found no replica ready */
    uint32_t waiting, busy, alive;
    double changed_ns, busy_ns, ready_ns, alive_ns; /* integrals over time, up to changed_ns */
    double frozen_ns;                               /* nothing is integrated after this */
    struct recorder recorder;
    uint64_t within_deadline, failed, batches, cold_starts, failures;
    uint32_t alive_most;
};

void fleet_init(struct fleet *fleet, struct arena *arena, const struct simulation_config *config);
void fleet_done(struct fleet *fleet);

/* When the next thing inside happens; INFINITY: nothing will. */
static inline double fleet_next(const struct fleet *fleet) {
    return fleet->events.count ? fleet->events.events[0].at_ns : (double)INFINITY;
}
void fleet_step(struct fleet *fleet); /* lets it happen */
void fleet_arrive(struct fleet *fleet, double at_ns);
/* Starts replicas, or takes away those that start, then idle ones, then busy ones. */
void fleet_resize(struct fleet *fleet, double now_ns, uint32_t replicas);
/* Brings the integrals up to now. */
void fleet_integrate(struct fleet *fleet, double now_ns);

#endif
