#include "server/service/answers_replicas.h"

#include "predictor/capacity/replicas.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 512, WAYS = 8, LOCKS = 16 };

/* All that an answer depends on, bit by bit: latency's low and high end, rate, target, routing. */
enum { KEY_PARTS = 5 };
struct key {
    uint64_t bits[KEY_PARTS];
};

struct entry {
    struct key key;
    struct replicas_found found;
    uint64_t used; /* 0: empty */
};

struct replicas_memory {
    pthread_mutex_t locks[LOCKS];
    struct entry sets[SETS][WAYS];
    uint64_t clock[LOCKS];
    pthread_mutex_t simulating; /* one at a time: a CPU is left for the others */
};

struct replicas_memory *replicas_memory_new(void) {
    struct replicas_memory *memory = calloc(1, sizeof *memory);
    if (!memory) {
        fprintf(stderr, "assay: out of memory\n");
        exit(ERR_ENVIRONMENT);
    }
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&memory->locks[i], NULL);
    pthread_mutex_init(&memory->simulating, NULL);
    return memory;
}

void replicas_memory_delete(struct replicas_memory *memory) {
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&memory->locks[i]);
    pthread_mutex_destroy(&memory->simulating);
    free(memory);
}

/* ---- remembering -----------------------------------------------------------------------------
 */

static struct key key_of(const struct answer *answer, const struct replicas_question *question) {
    const double numbers[KEY_PARTS - 1] = {answer->latency_ns.low, answer->latency_ns.high,
                                           question->rate_per_second, question->slo_p99_ms};
    struct key key = {{0}};
    memcpy(key.bits, numbers, sizeof numbers);
    key.bits[KEY_PARTS - 1] = question->routing;
    return key;
}

static unsigned set_of(const struct key *key) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < KEY_PARTS; i++)
        hash = (hash ^ key->bits[i] ^ (key->bits[i] >> 29)) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)((hash >> 20) % SETS);
}

static bool recall(struct replicas_memory *memory, const struct key *key,
                   struct replicas_found *found) {
    unsigned set = set_of(key);
    bool known = false;
    pthread_mutex_lock(&memory->locks[set % LOCKS]);
    for (int way = 0; way < WAYS && !known; way++) {
        struct entry *entry = &memory->sets[set][way];
        known = entry->used && memcmp(&entry->key, key, sizeof *key) == 0;
        if (known) {
            entry->used = ++memory->clock[set % LOCKS];
            *found = entry->found;
        }
    }
    pthread_mutex_unlock(&memory->locks[set % LOCKS]);
    return known;
}

/* The one of its set that was not asked for longest gives way. */
static void remember(struct replicas_memory *memory, const struct key *key,
                     const struct replicas_found *found) {
    unsigned set = set_of(key);
    pthread_mutex_lock(&memory->locks[set % LOCKS]);
    struct entry *oldest = &memory->sets[set][0];
    for (int way = 1; way < WAYS; way++)
        if (memory->sets[set][way].used < oldest->used)
            oldest = &memory->sets[set][way];
    *oldest = (struct entry){*key, *found, ++memory->clock[set % LOCKS]};
    pthread_mutex_unlock(&memory->locks[set % LOCKS]);
}

/* ---- computing -------------------------------------------------------------------------------
 */

/* One request at a time in a fixed time, as `assay plan` takes it without --batch. */
static int find_for(const struct replicas_question *question, double service_ns,
                    const char *service_is, struct service_level *level, struct err *err) {
    const struct slo target = {99, question->slo_p99_ms * 1e6};
    struct service_demand demand = {
        .load = {.rate_per_second = question->rate_per_second,
                 .routing = question->routing,
                 .seed = 1},
        .service_is = service_is,
        .targets = &target,
        .target_count = 1,
    };
    struct service_level less;
    if (service_time_init(&demand.load.service, &service_ns, 1, service_shape_at(0), 0, err))
        return -(int)err->code;
    return replicas_find(&demand, level, &less, err);
}

static int compute(const struct answer *answer, const struct replicas_question *question,
                   struct replicas_found *found, struct err *err) {
    const struct estimate *latency = &answer->latency_ns;
    const char *is_upper = latency->high > latency->value ? "upper bound" : "";
    double offered = question->rate_per_second * latency->high * 1e-9;
    struct service_level low = {0};
    if (offered > REPLICAS_ERLANG_MAX)
        return err_set(err, ERR_FINDING, "%g requests per second keep %.0f replicas busy: too many",
                       question->rate_per_second, offered);
    if (find_for(question, latency->high, is_upper, &found->level, err))
        return -(int)err->code;
    found->replicas_max = found->replicas_min = found->level.replicas;
    if (latency->low > 0 && latency->low < latency->high) {
        if (find_for(question, latency->low, "lower bound", &low, err))
            return -(int)err->code;
        found->replicas_min = low.replicas;
    }
    return 0;
}

static int compute_and_remember(struct replicas_memory *memory, const struct key *key,
                                const struct answer *answer,
                                const struct replicas_question *question,
                                struct replicas_found *found, struct err *err) {
    *found = (struct replicas_found){0};
    int code = compute(answer, question, found, err);
    if (!code && memory)
        remember(memory, key, found);
    return code;
}

int answers_replicas(struct replicas_memory *memory, const struct answer *answer,
                     const struct replicas_question *question, struct replicas_found *found,
                     struct err *err) {
    const struct key key = key_of(answer, question);
    if (memory && recall(memory, &key, found))
        return 0;
    if (!memory || routing_info(question->routing)->exact)
        return compute_and_remember(memory, &key, answer, question, found, err);
    pthread_mutex_lock(&memory->simulating);
    int code = 0;
    if (!recall(memory, &key, found)) /* whoever went before may have had the same question */
        code = compute_and_remember(memory, &key, answer, question, found, err);
    pthread_mutex_unlock(&memory->simulating);
    return code;
}
