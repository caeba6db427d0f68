#include "predictor/simulation/fleet.h"

#include <math.h>

enum { NONE = UINT32_MAX };
enum event_kind { EVENT_SERVED, EVENT_READY, EVENT_FAILED, EVENT_LOOK };

/* ---- requests and lines --------------------------------------------------------------------- */

static uint32_t take_request(struct fleet *fleet, double arrived_ns) {
    uint32_t id = fleet->free_request;
    if (id != NONE) {
        fleet->free_request = fleet->requests[id].next;
    } else {
        if (fleet->request_count == fleet->request_capacity)
            fleet->requests =
                arena_grow(fleet->arena, fleet->requests, fleet->request_count,
                           fleet->request_capacity =
                               fleet->request_capacity ? 2 * fleet->request_capacity : 64,
                           sizeof *fleet->requests);
        id = fleet->request_count++;
    }
    fleet->requests[id] = (struct request){arrived_ns, NONE};
    return id;
}

static void line_clear(struct line *line) {
    *line = (struct line){.head = NONE, .tail = NONE};
}

static void line_push(struct fleet *fleet, struct line *line, uint32_t id) {
    if (line->count++ == 0)
        line->head = id;
    else
        fleet->requests[line->tail].next = id;
    line->tail = id;
}

/* Cuts the first `count` off; they stay chained. */
static uint32_t line_cut(struct fleet *fleet, struct line *line, uint32_t count) {
    uint32_t first = line->head, last = first;
    for (uint32_t i = 1; i < count; i++)
        last = fleet->requests[last].next;
    line->head = fleet->requests[last].next;
    fleet->requests[last].next = NONE;
    line->count -= count;
    return first;
}

/* ---- lists of replicas ---------------------------------------------------------------------- */

void fleet_integrate(struct fleet *fleet, double now_ns) {
    double until = fmin(now_ns, fleet->frozen_ns), span = until - fleet->changed_ns;
    if (span <= 0)
        return;
    fleet->busy_ns += span * fleet->busy;
    fleet->ready_ns += span * fleet->ready_count;
    fleet->alive_ns += span * fleet->alive;
    fleet->changed_ns = until;
}

static void list_add(uint32_t *list, uint32_t *count, uint32_t id, uint32_t *position) {
    *position = *count;
    list[(*count)++] = id;
}

static void become_idle(struct fleet *fleet, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    replica->state = REPLICA_IDLE;
    list_add(fleet->idle, &fleet->idle_count, id, &replica->idle_position);
}

static void leave_idle(struct fleet *fleet, uint32_t id) {
    uint32_t position = fleet->replicas[id].idle_position;
    uint32_t last = fleet->idle[--fleet->idle_count];
    fleet->idle[position] = last;
    fleet->replicas[last].idle_position = position;
}

static void leave_ready(struct fleet *fleet, uint32_t id) {
    uint32_t position = fleet->replicas[id].ready_position;
    uint32_t last = fleet->ready[--fleet->ready_count];
    fleet->ready[position] = last;
    fleet->replicas[last].ready_position = position;
}

static void end_replica(struct fleet *fleet, uint32_t id) {
    fleet_integrate(fleet, fleet->now_ns);
    fleet->replicas[id].state = REPLICA_GONE;
    fleet->replicas[id].birth++;
    fleet->alive--;
}

/* ---- serving -------------------------------------------------------------------------------- */

static bool is_central(const struct fleet *fleet) {
    return fleet->config->routing == ROUTING_CENTRAL;
}

static void begin_service(struct fleet *fleet, struct line *line, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    uint32_t batch_max = fleet->config->service.batch_max;
    uint32_t count = line->count < batch_max ? line->count : batch_max;
    fleet_integrate(fleet, fleet->now_ns);
    leave_idle(fleet, id);
    replica->state = REPLICA_BUSY;
    replica->serving = line_cut(fleet, line, count);
    replica->serving_count = count;
    fleet->waiting -= count;
    fleet->busy++;
    fleet->batches++;
    double service_ns = service_time_draw(&fleet->config->service, &fleet->rng, count);
    event_push(&fleet->events,
               (struct event){fleet->now_ns + service_ns * fleet->config->service_factor,
                              EVENT_SERVED, id, replica->birth});
}

/* A full batch goes at once, a smaller one when its oldest request has waited long enough; until
 * then an event is set to look again. A hair is forgiven to sums of doubles. */
static bool may_begin(struct fleet *fleet, struct line *line, uint32_t id) {
    if (line->count == 0)
        return false;
    if (fleet->config->delay_ns <= 0 || line->count >= fleet->config->service.batch_max)
        return true;
    double due = fleet->requests[line->head].arrived_ns + fleet->config->delay_ns;
    if (due <= fleet->now_ns * (1 + 1e-12))
        return true;
    if (!line->timed) {
        line->timed = true;
        event_push(&fleet->events,
                   (struct event){due, EVENT_LOOK, id, id == NONE ? 0 : fleet->replicas[id].birth});
    }
    return false;
}

static void serve_central(struct fleet *fleet) {
    while (fleet->idle_count && may_begin(fleet, &fleet->line, NONE))
        begin_service(fleet, &fleet->line, fleet->idle[fleet->idle_count - 1]);
}

static void serve_own(struct fleet *fleet, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    if (replica->state == REPLICA_IDLE && may_begin(fleet, &replica->line, id))
        begin_service(fleet, &replica->line, id);
}

/* ---- routing -------------------------------------------------------------------------------- */

static uint32_t load_of(const struct fleet *fleet, uint32_t id) {
    const struct replica *replica = &fleet->replicas[id];
    return replica->line.count + (replica->state == REPLICA_BUSY ? replica->serving_count : 0);
}

static uint32_t route_random(struct fleet *fleet) {
    return fleet->ready[rng_below(&fleet->rng, fleet->ready_count)];
}

static uint32_t route_round_robin(struct fleet *fleet) {
    fleet->turn = fleet->turn + 1 < fleet->ready_count ? fleet->turn + 1 : 0;
    return fleet->ready[fleet->turn];
}

/* The search begins anywhere, so that ties favour nobody. */
static uint32_t route_least_loaded(struct fleet *fleet) {
    uint32_t count = fleet->ready_count, least = UINT32_MAX, best = 0;
    uint32_t at = (uint32_t)rng_below(&fleet->rng, count);
    for (uint32_t i = 0; i < count && least; i++, at = at + 1 < count ? at + 1 : 0) {
        uint32_t load = load_of(fleet, fleet->ready[at]);
        if (load < least) {
            least = load;
            best = fleet->ready[at];
        }
    }
    return best;
}

/* The two are drawn independently, as in Mitzenmacher 2001: they may be the same. */
static uint32_t route_power_of_two(struct fleet *fleet) {
    uint32_t a = route_random(fleet), b = route_random(fleet);
    return load_of(fleet, b) < load_of(fleet, a) ? b : a;
}

static uint32_t (*const routes[ROUTING_COUNT])(struct fleet *fleet) = {
    [ROUTING_RANDOM] = route_random,
    [ROUTING_ROUND_ROBIN] = route_round_robin,
    [ROUTING_LEAST_LOADED] = route_least_loaded,
    [ROUTING_POWER_OF_TWO] = route_power_of_two,
};

static void dispatch(struct fleet *fleet, uint32_t request) {
    if (is_central(fleet)) {
        line_push(fleet, &fleet->line, request);
        serve_central(fleet);
    } else if (fleet->ready_count == 0) {
        line_push(fleet, &fleet->line, request);
    } else {
        uint32_t id = routes[fleet->config->routing](fleet);
        line_push(fleet, &fleet->replicas[id].line, request);
        serve_own(fleet, id);
    }
}

/* The requests of a line find new places. */
static void dispatch_line(struct fleet *fleet, struct line *line) {
    uint32_t request = line->head;
    line_clear(line);
    while (request != NONE) {
        uint32_t next = fleet->requests[request].next;
        fleet->requests[request].next = NONE;
        dispatch(fleet, request);
        request = next;
    }
}

void fleet_arrive(struct fleet *fleet, double at_ns) {
    fleet->now_ns = at_ns;
    fleet->waiting++;
    dispatch(fleet, take_request(fleet, at_ns));
}

/* ---- lives of replicas ---------------------------------------------------------------------- */

static void become_ready(struct fleet *fleet, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    fleet_integrate(fleet, fleet->now_ns);
    list_add(fleet->ready, &fleet->ready_count, id, &replica->ready_position);
    become_idle(fleet, id);
    if (fleet->config->failures_per_replica_hour > 0) {
        double life_ns =
            rng_exponential(&fleet->rng) * 3600e9 / fleet->config->failures_per_replica_hour;
        event_push(&fleet->events,
                   (struct event){fleet->now_ns + life_ns, EVENT_FAILED, id, replica->birth});
    }
    if (is_central(fleet))
        serve_central(fleet);
    else
        dispatch_line(fleet, &fleet->line);
}

static uint32_t free_slot(struct fleet *fleet) {
    for (uint32_t id = 0; id < fleet->replica_count; id++)
        if (fleet->replicas[id].state == REPLICA_GONE)
            return id;
    ARENA_PUSH(fleet->arena, fleet->replicas, fleet->replica_count, fleet->replica_capacity);
    if (fleet->replica_count > fleet->list_capacity) {
        uint32_t capacity = fleet->replica_capacity;
        fleet->ready = arena_grow(fleet->arena, fleet->ready, fleet->list_capacity, capacity,
                                  sizeof *fleet->ready);
        fleet->idle = arena_grow(fleet->arena, fleet->idle, fleet->list_capacity, capacity,
                                 sizeof *fleet->idle);
        fleet->list_capacity = capacity;
    }
    return fleet->replica_count - 1;
}

static uint32_t create(struct fleet *fleet) {
    fleet_integrate(fleet, fleet->now_ns);
    uint32_t id = free_slot(fleet);
    struct replica *replica = &fleet->replicas[id];
    *replica = (struct replica){.state = REPLICA_STARTING, .birth = replica->birth};
    line_clear(&replica->line);
    if (++fleet->alive > fleet->alive_most)
        fleet->alive_most = fleet->alive;
    return id;
}

static void start(struct fleet *fleet) {
    uint32_t id = create(fleet);
    *ARENA_PUSH(fleet->arena, fleet->starting, fleet->starting_count, fleet->starting_capacity) =
        id;
    fleet->cold_starts++;
    event_push(&fleet->events, (struct event){fleet->now_ns + fleet->config->cold_start_ns,
                                              EVENT_READY, id, fleet->replicas[id].birth});
}

static void end_start(struct fleet *fleet, uint32_t id) {
    uint32_t at = 0;
    while (fleet->starting[at] != id)
        at++;
    for (fleet->starting_count--; at < fleet->starting_count; at++)
        fleet->starting[at] = fleet->starting[at + 1];
}

/* An idle replica if there is one, else the one with the least to finish. */
static uint32_t choose_leaver(const struct fleet *fleet) {
    uint32_t best = fleet->ready[0];
    if (is_central(fleet) && fleet->idle_count)
        return fleet->idle[0];
    for (uint32_t i = 1; i < fleet->ready_count; i++)
        if (load_of(fleet, fleet->ready[i]) < load_of(fleet, best))
            best = fleet->ready[i];
    return best;
}

static void dismiss(struct fleet *fleet, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    fleet_integrate(fleet, fleet->now_ns);
    leave_ready(fleet, id);
    replica->leaving = true;
    if (replica->state == REPLICA_IDLE && replica->line.count == 0) {
        leave_idle(fleet, id);
        end_replica(fleet, id);
    }
}

void fleet_resize(struct fleet *fleet, double now_ns, uint32_t replicas) {
    fleet->now_ns = now_ns;
    while (fleet->ready_count + fleet->starting_count < replicas)
        start(fleet);
    while (fleet->ready_count + fleet->starting_count > replicas) {
        if (fleet->starting_count)
            end_replica(fleet, fleet->starting[--fleet->starting_count]);
        else
            dismiss(fleet, choose_leaver(fleet));
    }
}

/* ---- events --------------------------------------------------------------------------------- */

static void record_batch(struct fleet *fleet, uint32_t request) {
    while (request != NONE) {
        struct request *served = &fleet->requests[request];
        double response_ns = fleet->now_ns - served->arrived_ns;
        uint32_t next = served->next;
        recorder_add(&fleet->recorder, response_ns, fleet->now_ns);
        fleet->within_deadline += response_ns <= fleet->deadline_ns;
        served->next = fleet->free_request;
        fleet->free_request = request;
        request = next;
    }
}

static void on_served(struct fleet *fleet, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    fleet_integrate(fleet, fleet->now_ns);
    fleet->busy--;
    record_batch(fleet, replica->serving);
    if (replica->leaving && replica->line.count == 0) {
        end_replica(fleet, id);
        return;
    }
    become_idle(fleet, id);
    if (is_central(fleet))
        serve_central(fleet);
    else
        serve_own(fleet, id);
}

static void on_ready(struct fleet *fleet, uint32_t id) {
    end_start(fleet, id);
    become_ready(fleet, id);
}

static void lose_batch(struct fleet *fleet, struct replica *replica) {
    fleet->failed += replica->serving_count;
    fleet->busy--;
    for (uint32_t request = replica->serving; request != NONE;) {
        uint32_t next = fleet->requests[request].next;
        fleet->requests[request].next = fleet->free_request;
        fleet->free_request = request;
        request = next;
    }
}

static void on_failed(struct fleet *fleet, uint32_t id) {
    struct replica *replica = &fleet->replicas[id];
    bool replace = !replica->leaving;
    fleet_integrate(fleet, fleet->now_ns);
    fleet->failures++;
    if (replace)
        leave_ready(fleet, id);
    if (replica->state == REPLICA_BUSY)
        lose_batch(fleet, replica);
    else
        leave_idle(fleet, id);
    end_replica(fleet, id);
    struct line orphans = replica->line;
    if (replace)
        start(fleet);
    dispatch_line(fleet, &orphans);
}

static void on_look(struct fleet *fleet, uint32_t id) {
    struct line *line = id == NONE ? &fleet->line : &fleet->replicas[id].line;
    line->timed = false;
    if (id == NONE)
        serve_central(fleet);
    else
        serve_own(fleet, id);
}

static void (*const handlers[])(struct fleet *fleet, uint32_t id) = {
    [EVENT_SERVED] = on_served,
    [EVENT_READY] = on_ready,
    [EVENT_FAILED] = on_failed,
    [EVENT_LOOK] = on_look,
};

void fleet_step(struct fleet *fleet) {
    struct event event = event_pop(&fleet->events);
    if (event.replica != NONE && fleet->replicas[event.replica].birth != event.birth)
        return;
    fleet->now_ns = event.at_ns;
    handlers[event.kind](fleet, event.replica);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

void fleet_init(struct fleet *fleet, struct arena *arena, const struct simulation_config *config) {
    *fleet = (struct fleet){
        .config = config,
        .arena = arena,
        .free_request = NONE,
        .events = {.arena = arena},
        .frozen_ns = INFINITY,
        .deadline_ns = config->deadline_ns * (1 + 1e-9),
    };
    rng_init(&fleet->rng, config->seed);
    recorder_init(&fleet->recorder);
    line_clear(&fleet->line);
    for (uint32_t i = 0; i < config->replicas; i++)
        become_ready(fleet, create(fleet));
}

void fleet_done(struct fleet *fleet) {
    recorder_done(&fleet->recorder);
}
