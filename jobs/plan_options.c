#include "jobs/plan_options.h"

#include "collectors/machine.h"
#include "jobs/scale.h"
#include "predictor/capacity/pack.h"

#include <math.h>
#include <stdlib.h>

enum { CHOICES_MAX = 32, BATCH_AUTO_MAX = 32, THREADS_AUTO_MAX = 16 };

/* A batch of n takes at least this share of n times as long as one: larger batches that would miss
 * the target even then are not predicted. */
#define BATCH_GAIN_MOST 0.25

struct choices {
    int64_t values[CHOICES_MAX];
    uint32_t count;
};

static void add_choice(struct choices *choices, int64_t value) {
    if (choices->count < CHOICES_MAX)
        choices->values[choices->count++] = value;
}

/* 1, 2, 4 ... up to `most`, which is one of them. */
static void double_up(struct choices *choices, int64_t most) {
    for (int64_t value = 1; value < most; value *= 2)
        add_choice(choices, value);
    add_choice(choices, most);
}

static void take_choices(struct choices *choices, const int64_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        add_choice(choices, values[i]);
}

static double shortest_target(const struct plan *plan) {
    double shortest = INFINITY;
    for (uint32_t i = 0; i < plan->target_count; i++)
        shortest = fmin(shortest, plan->targets[i].target_ns);
    return shortest;
}

static void choose_batches(const struct plan_request *request, const struct plan *plan,
                           double alone_ns, struct choices *batches) {
    double target = shortest_target(plan);
    if (request->batch_count)
        take_choices(batches, request->batches, request->batch_count);
    else
        for (int64_t n = 1; n <= BATCH_AUTO_MAX; n *= 2)
            if (n == 1 || (double)n * alone_ns * BATCH_GAIN_MOST <= target)
                add_choice(batches, n);
}

/* ---- of a model -------------------------------------------------------------------------------
 */

static double largest_cpus(const struct plan *plan) {
    double largest = 0;
    for (uint32_t i = 0; i < plan->offer_count; i++)
        largest = fmax(largest, plan->offers[i].cpus);
    return largest;
}

static void choose_threads(const struct plan_request *request, const struct plan *plan,
                           uint32_t machine_cpus, struct choices *threads) {
    double cpus = plan->offer_count ? fmin(machine_cpus, largest_cpus(plan)) : machine_cpus;
    if (request->thread_count)
        take_choices(threads, request->threads, request->thread_count);
    else
        for (int64_t n = 1; n <= THREADS_AUTO_MAX && (double)n <= cpus; n *= 2)
            add_choice(threads, n);
    if (threads->count == 0)
        add_choice(threads, 1);
}

/* The most replicas of one thread that a node holds. */
static uint32_t most_company(const struct plan *plan) {
    const struct replica_size least = {.cpus = 1};
    uint64_t most = 1;
    for (uint32_t i = 0; i < plan->offer_count; i++) {
        uint64_t holds = node_holds(&plan->offers[i], &least, NULL);
        most = holds > most ? holds : most;
    }
    return most < 1024 ? (uint32_t)most : 1024;
}

struct option_list {
    struct plan_option *items;
    uint32_t count, capacity;
};

static const struct scale_row *find_row(const struct scaling *scaling, int64_t batch,
                                        int64_t threads, int64_t replicas) {
    for (uint32_t i = 0; i < scaling->row_count; i++) {
        const struct scale_row *row = &scaling->rows[i];
        if ((row->batch == batch || row->batch == 0) &&
            (row->threads == threads || row->threads == 0) &&
            (row->replicas == replicas || row->replicas == 0))
            return row;
    }
    return NULL;
}

/* Between the batches that were predicted times are interpolated. */
static void fill_times(struct arena *arena, const struct scaling *scaling,
                       const struct choices *batches, int64_t threads, int64_t replicas,
                       struct plan_option *option) {
    double *high = ARENA_ARRAY(arena, option->batch_max, double);
    double *value = ARENA_ARRAY(arena, option->batch_max, double);
    const struct scale_row *below = NULL;
    for (uint32_t i = 0; i < batches->count && batches->values[i] <= option->batch_max; i++) {
        const struct scale_row *row = find_row(scaling, batches->values[i], threads, replicas);
        int64_t from = below ? below->batch : 0;
        for (int64_t n = from + 1; n <= row->batch; n++) {
            struct batch_time time = service_time_between(below, row, n);
            high[n - 1] = time.high_ns;
            value[n - 1] = time.value_ns;
        }
        below = row;
    }
    option->batch_ns = high;
    option->batch_value_ns = value;
}

static void add_option(struct arena *arena, struct option_list *list, const struct scaling *scaling,
                       const struct choices *batches, int64_t batch, int64_t threads,
                       int64_t replicas, bool has_nodes) {
    const struct scale_row *row = find_row(scaling, batch, threads, replicas);
    struct plan_option *option = ARENA_PUSH(arena, list->items, list->count, list->capacity);
    *option = (struct plan_option){
        .threads = (uint32_t)threads,
        .batch_max = (uint32_t)batch,
        .replicas_per_node = has_nodes ? (uint32_t)replicas : 0,
        .slowdown = row ? row->slowdown.value : NAN,
        .memory_bytes = row ? row->peak_memory_upper.value : 0,
        .reason = row ? row->why : "it was not predicted",
    };
    for (uint32_t i = 0; i < batches->count && batches->values[i] < batch; i++) {
        const struct scale_row *smaller = find_row(scaling, batches->values[i], threads, replicas);
        if (!option->reason && (!smaller || smaller->why))
            option->reason = smaller ? smaller->why : "a smaller batch was not predicted";
    }
    if (!option->reason)
        fill_times(arena, scaling, batches, threads, replicas, option);
}

/* Whether anything tells how replicas on one node slow each other down. */
static bool knows_company(const struct scaling *scaling) {
    for (uint32_t i = 0; i < scaling->row_count; i++)
        if (scaling->rows[i].replicas > 1 && !scaling->rows[i].why)
            return true;
    return false;
}

static int compare_choices(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int plan_options_of_model(struct arena *arena, struct db *db, const struct plan_request *request,
                          const struct prediction *prediction, struct plan *plan, struct err *err) {
    struct choices batches = {0}, threads = {0}, company = {0};
    static const struct choices alone = {{1}, 1};
    struct scaling scaling;
    struct option_list list = {0};
    struct machine machine;
    bool has_nodes = plan->offer_count > 0;
    if (machine_describe(&machine, err))
        return -(int)err->code;
    choose_batches(request, plan, prediction->latency_ns.value, &batches);
    choose_threads(request, plan, machine.cpus, &threads);
    if (batches.values[0] != 1 && batches.count < CHOICES_MAX)
        add_choice(&batches, 1);
    qsort(batches.values, batches.count, sizeof *batches.values, compare_choices);
    double_up(&company, most_company(plan));
    const struct scale_request scale = {
        .subject = request->service.predict.subject,
        .lowering = request->service.predict.lowering,
        .refuse_roofline = request->service.predict.refuse_roofline,
        .memory_confidence = request->service.predict.memory_confidence,
        .batches = batches.values,
        .batch_count = batches.count,
        .threads = threads.values,
        .thread_count = threads.count,
        .replicas = company.values,
        .replica_count = company.count,
        .cpus = has_nodes ? (uint32_t)fmax(1, largest_cpus(plan)) : 0,
    };
    if (job_scale(arena, db, &scale, &scaling, err))
        return -(int)err->code;
    const struct choices *beside = knows_company(&scaling) ? &company : &alone;
    plan->company_unknown = has_nodes && beside == &alone && most_company(plan) > 1;
    for (uint32_t t = 0; t < threads.count; t++)
        for (uint32_t b = 0; b < batches.count; b++)
            for (uint32_t k = 0; k < beside->count; k++)
                if (k == 0 || beside->values[k] * threads.values[t] <= most_company(plan))
                    add_option(arena, &list, &scaling, &batches, batches.values[b],
                               threads.values[t], beside->values[k],
                               has_nodes && beside == &company);
    plan->options = list.items;
    plan->option_count = list.count;
    return 0;
}

/* ---- of times that are given ------------------------------------------------------------------
 */

void plan_options_given(struct arena *arena, const struct plan_request *request,
                        struct plan *plan) {
    const struct service_request *service = &request->service;
    struct choices batches = {0};
    struct option_list list = {0};
    if (service->per_item_ns > 0 || request->batch_count)
        choose_batches(request, plan, service->service_ns, &batches);
    else
        add_choice(&batches, 1);
    for (uint32_t b = 0; b < batches.count; b++) {
        struct plan_option *option = ARENA_PUSH(arena, list.items, list.count, list.capacity);
        double *times = ARENA_ARRAY(arena, (size_t)batches.values[b], double);
        for (int64_t n = 0; n < batches.values[b]; n++)
            times[n] = service_given_ns(service, (uint32_t)n + 1);
        *option = (struct plan_option){
            .threads = request->thread_count ? (uint32_t)request->threads[0] : 1,
            .batch_max = (uint32_t)batches.values[b],
            .batch_ns = times,
            .batch_value_ns = times,
            .slowdown = 1,
            .memory_bytes = request->memory_bytes,
        };
    }
    plan->options = list.items;
    plan->option_count = list.count;
}
