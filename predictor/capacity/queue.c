#include "predictor/capacity/queue.h"

#include "predictor/capacity/mdc.h"
#include "predictor/capacity/mgc.h"
#include "predictor/simulation/recorder.h"
#include "predictor/simulation/simulation.h"

#include <math.h>

enum { SIMULATED_REPLICAS_MAX = 20000, REQUESTS_PER_REPLICA = 2000 };

double queue_offered(const struct queue_load *load) {
    const struct service_time *service = &load->service;
    return load->rate_per_second * service->batch_ns[service->batch_max - 1] * 1e-9 /
           service->batch_max;
}

/* With random routing each replica has a Poisson stream and a queue of its own. */
static bool is_split(const struct queue_load *load) {
    return load->routing == ROUTING_RANDOM;
}

/* ---- exact ----------------------------------------------------------------------------------- */

static int check_servers(uint64_t replicas, uint64_t most, struct err *err) {
    if (replicas <= most)
        return 0;
    return err_set(err, ERR_FINDING, "more than %llu replicas would be needed",
                   (unsigned long long)most);
}

static bool exact_holds(const struct queue_load *load) {
    return load->service.batch_max == 1 && load->service.scv == 0 &&
           routing_info(load->routing)->exact;
}

static int exact_open(struct queue *queue, struct arena *arena, uint64_t requests,
                      struct err *err) {
    (void)requests;
    double offered = queue_offered(queue->load);
    struct mdc *mdc = ARENA_NEW(arena, struct mdc);
    queue->state = mdc;
    if (is_split(queue->load))
        return mdc_init(mdc, arena, 1, offered / (double)queue->replicas, err);
    if (check_servers(queue->replicas, MDC_SERVERS_MAX, err))
        return -(int)err->code;
    return mdc_init(mdc, arena, (uint32_t)queue->replicas, offered, err);
}

static struct simulated_time certain(double ns) {
    return (struct simulated_time){ns, ns, ns};
}

static struct simulated_time exact_response(const struct queue *queue, double p) {
    return certain(queue->load->service.batch_ns[0] * mdc_response_quantile(queue->state, p));
}

/* A relative 1e-9 forgives rounding where the answer is an equality, as at wait 0. */
static bool exact_meets(const struct queue *queue, double p, double target_ns) {
    double service_ns = queue->load->service.batch_ns[0];
    double slack = (target_ns - service_ns) / service_ns;
    return mdc_wait_exceeds(queue->state, slack) <= (1 - p) * (1 + 1e-9);
}

static double exact_mean(const struct queue *queue) {
    return queue->load->service.batch_ns[0] * (1 + mdc_mean_wait(queue->state));
}

/* ---- interpolated ---------------------------------------------------------------------------- */

static bool interpolated_holds(const struct queue_load *load) {
    return load->service.batch_max == 1 && routing_info(load->routing)->exact &&
           load->service.scv <= load->service.shape->interpolated_to;
}

static int interpolated_open(struct queue *queue, struct arena *arena, uint64_t requests,
                             struct err *err) {
    (void)requests;
    double offered = queue_offered(queue->load);
    struct mgc *mgc = ARENA_NEW(arena, struct mgc);
    queue->state = mgc;
    if (is_split(queue->load))
        return mgc_init(mgc, arena, 1, offered / (double)queue->replicas, &queue->load->service,
                        err);
    if (check_servers(queue->replicas, MDC_SERVERS_MAX, err))
        return -(int)err->code;
    return mgc_init(mgc, arena, (uint32_t)queue->replicas, offered, &queue->load->service, err);
}

static struct simulated_time interpolated_response(const struct queue *queue, double p) {
    return certain(queue->load->service.batch_ns[0] * mgc_response_quantile(queue->state, p));
}

static bool interpolated_meets(const struct queue *queue, double p, double target_ns) {
    double response = target_ns / queue->load->service.batch_ns[0];
    return mgc_response_exceeds(queue->state, response) <= (1 - p) * (1 + 1e-9);
}

static double interpolated_mean(const struct queue *queue) {
    const struct mgc *mgc = queue->state;
    return queue->load->service.batch_ns[0] * (1 + mgc->mean_wait);
}

/* ---- simulated ------------------------------------------------------------------------------- */

struct simulation_run {
    struct recorder recorder;
    uint64_t skip;
    double rate_per_second;
};

/* One queue stands for all of them when the arrivals are split at random. */
static int record(struct simulation_run *run, const struct queue_load *load, uint64_t replicas,
                  uint64_t requests, struct err *err) {
    uint64_t simulated = is_split(load) ? 1 : replicas;
    if (check_servers(simulated, SIMULATED_REPLICAS_MAX, err))
        return -(int)err->code;
    if (requests < simulated * REQUESTS_PER_REPLICA)
        requests = simulated * REQUESTS_PER_REPLICA;
    run->skip = requests / 20;
    run->rate_per_second = load->rate_per_second * (double)simulated / (double)replicas;
    const struct simulation_config config = {
        .arrivals = {.rate_per_second = run->rate_per_second},
        .requests_most = requests,
        .warm_up = run->skip,
        .service = load->service,
        .service_factor = 1,
        .delay_ns = load->delay_ns,
        .routing = is_split(load) ? ROUTING_CENTRAL : load->routing,
        .replicas = (uint32_t)simulated,
        .deadline_ns = NAN,
        .seed = load->seed,
    };
    return simulate_recorded(&config, &run->recorder, err);
}

static void forget_run(void *state) {
    struct simulation_run *run = state;
    recorder_done(&run->recorder);
}

static bool simulated_holds(const struct queue_load *load) {
    (void)load;
    return true;
}

static int simulated_open(struct queue *queue, struct arena *arena, uint64_t requests,
                          struct err *err) {
    struct simulation_run *run = ARENA_NEW(arena, struct simulation_run);
    queue->state = run;
    return record(run, queue->load, queue->replicas, requests, err);
}

static struct simulated_time simulated_response(const struct queue *queue, double p) {
    const struct simulation_run *run = queue->state;
    return recorder_percentile(&run->recorder, run->skip, p, run->rate_per_second);
}

static bool simulated_meets(const struct queue *queue, double p, double target_ns) {
    struct simulated_time response = simulated_response(queue, p);
    return response.high_ns <= target_ns;
}

static double simulated_mean(const struct queue *queue) {
    const struct simulation_run *run = queue->state;
    return recorder_mean(&run->recorder, run->skip, run->rate_per_second).value_ns;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
    bool (*holds)(const struct queue_load *load);
    int (*open)(struct queue *queue, struct arena *arena, uint64_t requests, struct err *err);
    struct simulated_time (*response)(const struct queue *queue, double p);
    bool (*meets)(const struct queue *queue, double p, double target_ns);
    double (*mean)(const struct queue *queue);
    void (*close)(void *state);
} methods[QUEUE_METHOD_COUNT] = {
    [QUEUE_EXACT] = {exact_holds,        exact_open,        exact_response,        exact_meets,     exact_mean,        NULL      },
    [QUEUE_INTERPOLATED] = {interpolated_holds, interpolated_open, interpolated_response,
                     interpolated_meets,                                                            interpolated_mean, NULL      },
    [QUEUE_SIMULATED] = {simulated_holds,    simulated_open,    simulated_response,    simulated_meets,
                     simulated_mean,                                                                                   forget_run},
};

enum queue_method queue_method_of(const struct queue_load *load) {
    enum queue_method method = 0;
    while (!methods[method].holds(load))
        method++;
    return method;
}

int queue_open(struct queue *queue, struct arena *arena, const struct queue_load *load,
               uint64_t replicas, uint64_t requests, struct err *err) {
    *queue = (struct queue){load, replicas, queue_method_of(load), NULL};
    return methods[queue->method].open(queue, arena, requests, err);
}

void queue_close(struct queue *queue) {
    if (queue->state && methods[queue->method].close)
        methods[queue->method].close(queue->state);
}

struct simulated_time queue_response(const struct queue *queue, double p) {
    return methods[queue->method].response(queue, p);
}

double queue_mean_response(const struct queue *queue) {
    return methods[queue->method].mean(queue);
}

bool queue_meets(const struct queue *queue, double p, double target_ns) {
    return methods[queue->method].meets(queue, p, target_ns);
}

int queue_simulate(const struct queue_load *load, uint64_t replicas, uint64_t requests,
                   const double *percentiles, uint32_t percentile_count,
                   struct simulated_time *responses, struct err *err) {
    struct simulation_run run = {0};
    int rc = record(&run, load, replicas, requests, err);
    for (uint32_t i = 0; !rc && i < percentile_count; i++)
        responses[i] =
            recorder_percentile(&run.recorder, run.skip, percentiles[i], run.rate_per_second);
    recorder_done(&run.recorder);
    return rc;
}
