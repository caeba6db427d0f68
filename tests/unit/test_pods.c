#include "predictor/capacity/pods.h"

#include "base/rng.h"
#include "predictor/capacity/knapsack.h"
#include "predictor/capacity/reserve.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GIB 1073741824.0

static struct arena arena;

static int fresh_arena(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int drop_arena(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct node_type node(const char *name, double cpus, double gib, uint32_t gpus,
                             double price) {
    return (struct node_type){.name = name,
                              .cpus = cpus,
                              .memory_bytes = gib * GIB,
                              .gpus = gpus,
                              .usd_per_hour = price,
                              .reserve = "none",
                              .pods_max = 110};
}

/* Every pod is placed once and no node holds more than it has. */
static void check_packing(const struct pod_packing *packing, const struct pod_kind *kinds,
                          uint32_t kind_count) {
    double cost = 0;
    for (uint32_t i = 0; i < kind_count; i++) {
        uint64_t placed = 0;
        for (uint32_t f = 0; f < packing->filled_count; f++)
            placed += (uint64_t)packing->filled[f].nodes * packing->filled[f].pods[i];
        assert_int_equal(placed, kinds[i].count);
    }
    for (uint32_t f = 0; f < packing->filled_count; f++) {
        const struct filled_node *filled = &packing->filled[f];
        struct node_room room = node_room(filled->type);
        double cpus = 0, memory = 0;
        uint64_t gpus = 0, pods = 0;
        for (uint32_t i = 0; i < kind_count; i++) {
            cpus += filled->pods[i] * kinds[i].cpus;
            memory += filled->pods[i] * kinds[i].memory_bytes;
            gpus += filled->pods[i] * kinds[i].gpus;
            pods += filled->pods[i];
        }
        assert_true(cpus <= room.cpus + 1e-6 && memory <= room.memory_bytes + 1);
        assert_true(gpus <= room.gpus && pods <= room.pods);
        cost += filled->nodes * (packing->priced ? filled->type->usd_per_hour : 1);
    }
    assert_true(fabs(cost - packing->cost) < 1e-6);
    assert_true(packing->bound <= packing->cost + 1e-9);
}

static struct pod_packing pack(const struct node_type *types, uint32_t type_count,
                               const struct pod_kind *kinds, uint32_t kind_count) {
    struct pod_packing packing;
    struct err err = {0};
    if (pods_pack(&arena, types, type_count, kinds, kind_count, 10, &packing, &err))
        fail_msg("%s", err.message);
    check_packing(&packing, kinds, kind_count);
    return packing;
}

static uint64_t nodes_of(const struct pod_packing *packing, const char *name) {
    uint64_t count = 0;
    for (uint32_t f = 0; f < packing->filled_count; f++)
        if (strcmp(packing->filled[f].type->name, name) == 0)
            count += packing->filled[f].nodes;
    return count;
}

static void two_pods_of_a_gpu_do_not_buy_a_node_of_four(void **state) {
    (void)state;
    const struct node_type types[] = {node("one-gpu", 4, 16, 1, 1.006),
                                      node("four-gpus", 48, 192, 4, 5.672)};
    const struct pod_kind kinds[] = {
        {"a", 1, 3, 8 * GIB, 1},
        {"b", 1, 2, 4 * GIB, 1}
    };
    struct pod_packing packing = pack(types, 2, kinds, 2);
    assert_true(packing.proven);
    assert_int_equal(nodes_of(&packing, "one-gpu"), 2);
    assert_true(fabs(packing.cost - 2.012) < 1e-9);
}

static void four_pods_of_a_gpu_do_when_that_is_cheaper(void **state) {
    (void)state;
    const struct node_type types[] = {node("one-gpu", 4, 16, 1, 1.5),
                                      node("four-gpus", 48, 192, 4, 5.672)};
    const struct pod_kind kinds[] = {
        {"a", 4, 3, 8 * GIB, 1}
    };
    struct pod_packing packing = pack(types, 2, kinds, 1);
    assert_true(packing.proven);
    assert_int_equal(nodes_of(&packing, "four-gpus"), 1);
}

static void pods_that_complement_one_another_share_nodes(void **state) {
    (void)state;
    const struct node_type types[] = {node("even", 8, 32, 0, 0.4), node("wide", 8, 8, 0, 0.3),
                                      node("tall", 2, 32, 0, 0.3)};
    const struct pod_kind kinds[] = {
        {"cpu",    3, 7, 2 * GIB,  0},
        {"memory", 3, 1, 30 * GIB, 0}
    };
    struct pod_packing packing = pack(types, 3, kinds, 2);
    assert_true(packing.proven);
    assert_int_equal(nodes_of(&packing, "even"), 3);
    assert_true(fabs(packing.cpu_waste) < 1e-9 && fabs(packing.memory_waste) < 1e-9);
}

static void a_limit_makes_the_rest_dearer(void **state) {
    (void)state;
    struct node_type types[] = {node("cheap", 4, 16, 0, 0.1), node("dear", 4, 16, 0, 0.2)};
    const struct pod_kind kinds[] = {
        {"a", 5, 3, GIB, 0}
    };
    types[0].limit = 2;
    struct pod_packing packing = pack(types, 2, kinds, 1);
    assert_true(packing.proven);
    assert_int_equal(nodes_of(&packing, "cheap"), 2);
    assert_int_equal(nodes_of(&packing, "dear"), 3);
    struct err err = {0};
    types[1].limit = 2;
    assert_int_equal(pods_pack(&arena, types, 2, kinds, 1, 10, &packing, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "limits"));
}

static void an_answer_is_had_whatever_the_time(void **state) {
    (void)state;
    const struct node_type types[] = {node("small", 4, 16, 0, 0.11), node("large", 16, 64, 0, 0.4)};
    struct pod_kind kinds[40];
    struct pod_packing packing;
    struct err err = {0};
    for (uint32_t i = 0; i < 40; i++)
        kinds[i] = (struct pod_kind){"p", 2, 0.3 + 0.09 * i, (1 + i % 7) * GIB, 0};
    assert_int_equal(pods_pack(&arena, types, 2, kinds, 40, 0, &packing, &err), 0);
    check_packing(&packing, kinds, 40);
}

static void without_prices_nodes_are_counted(void **state) {
    (void)state;
    const struct node_type types[] = {node("small", 4, 16, 0, NAN), node("large", 16, 64, 0, NAN)};
    const struct pod_kind kinds[] = {
        {"a", 17, 1, GIB, 0}
    };
    struct pod_packing packing = pack(types, 2, kinds, 1);
    assert_true(packing.proven && !packing.priced);
    assert_int_equal(packing.nodes, 2);
    assert_true(packing.cost == 2);
}

static void a_tenth_of_a_cpu_fits_ten_times(void **state) {
    (void)state;
    const struct node_type types[] = {node("one", 1, 16, 0, 0.1)};
    const struct pod_kind kinds[] = {
        {"a", 7, 0.1, GIB, 0},
        {"b", 3, 0.1, GIB, 0}
    };
    assert_int_equal(pack(types, 1, kinds, 2).nodes, 1);
}

static void reserve_and_daemon_sets_come_first(void **state) {
    (void)state;
    struct node_type types[] = {node("one", 4, 16, 0, 0.1)};
    const struct pod_kind kinds[] = {
        {"a", 4, 1, GIB, 0}
    };
    assert_int_equal(pack(types, 1, kinds, 1).nodes, 1);
    types[0].daemonset_cpus = 0.1;
    assert_int_equal(pack(types, 1, kinds, 1).nodes, 2);
    types[0].daemonset_cpus = 0;
    types[0].reserve = "gke";
    assert_int_equal(pack(types, 1, kinds, 1).nodes, 2);
    types[0].reserve = "none";
    types[0].pods_max = 3;
    assert_int_equal(pack(types, 1, kinds, 1).nodes, 2);
}

static void what_fits_nowhere_is_refused_with_what_is_short(void **state) {
    (void)state;
    const struct node_type types[] = {node("wide", 32, 16, 0, 1), node("tall", 4, 256, 1, 1)};
    static const struct {
        struct pod_kind kind;
        const char *message;
    } cases[] = {
        {{"a", 1, 33, GIB, 0},      "pod a fits no node: it needs 33 CPUs, and the roomiest leaves 32"},
        {{"b", 1, 1, 300 * GIB, 0}, "it needs 300 GiB memory, and the roomiest leaves 256 GiB"        },
        {{"c", 1, 1, GIB, 2},       "it needs 2 GPUs, and the roomiest leaves 1"                      },
        {{"d", 1, 8, 100 * GIB, 0}, "pod d fits no node: none has 8 CPUs, 100 GiB memory"             },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pod_packing packing;
        struct err err = {0};
        assert_int_equal(pods_pack(&arena, types, 2, &cases[i].kind, 1, 10, &packing, &err),
                         -ERR_FINDING);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s", err.message);
    }
}

/* ---- against trying everything --------------------------------------------------------------- */

enum { TYPES = 3, PODS_MOST = 6 };

struct trial {
    struct node_type types[TYPES];
    struct pod_kind kinds[PODS_MOST];
    uint32_t pods;
    double left_cpus[PODS_MOST], left_memory[PODS_MOST];
    uint32_t used[TYPES];
    double best;
};

/* Puts each pod into every open node and into a new one of every type. */
static void try_all(struct trial *trial, uint32_t pod, uint32_t nodes, double cost) {
    if (cost >= trial->best - 1e-9)
        return;
    if (pod == trial->pods) {
        trial->best = cost;
        return;
    }
    const struct pod_kind *kind = &trial->kinds[pod];
    for (uint32_t n = 0; n < nodes; n++) {
        if (trial->left_cpus[n] + 1e-9 < kind->cpus ||
            trial->left_memory[n] + 1e-9 < kind->memory_bytes)
            continue;
        trial->left_cpus[n] -= kind->cpus;
        trial->left_memory[n] -= kind->memory_bytes;
        try_all(trial, pod + 1, nodes, cost);
        trial->left_cpus[n] += kind->cpus;
        trial->left_memory[n] += kind->memory_bytes;
    }
    for (uint32_t t = 0; t < TYPES; t++) {
        const struct node_type *type = &trial->types[t];
        if (type->cpus + 1e-9 < kind->cpus || type->memory_bytes + 1e-9 < kind->memory_bytes ||
            (type->limit && trial->used[t] == type->limit))
            continue;
        trial->used[t]++;
        trial->left_cpus[nodes] = type->cpus - kind->cpus;
        trial->left_memory[nodes] = type->memory_bytes - kind->memory_bytes;
        try_all(trial, pod + 1, nodes + 1, cost + type->usd_per_hour);
        trial->used[t]--;
    }
}

static void make_trial(struct trial *trial, struct rng *rng) {
    static const char *const names[] = {"t0", "t1", "t2", "p"};
    *trial = (struct trial){.pods = 2 + (uint32_t)rng_below(rng, PODS_MOST - 1)};
    for (uint32_t t = 0; t < TYPES; t++) {
        trial->types[t] =
            node(names[t], (double)rng_between(rng, 4, 16), (double)rng_between(rng, 4, 16), 0,
                 (double)rng_between(rng, 20, 99) / 100);
        trial->types[t].limit = t && rng_below(rng, 4) == 0 ? 1 : 0;
    }
    trial->types[0].cpus = trial->types[0].memory_bytes / GIB > 8 ? 12 : 16;
    trial->types[0].memory_bytes = 16 * GIB;
    for (uint32_t i = 0; i < trial->pods; i++)
        trial->kinds[i] = (struct pod_kind){"p", 1, (double)rng_between(rng, 1, 8),
                                            (double)rng_between(rng, 1, 8) * GIB, 0};
}

static void no_packing_is_cheaper_than_what_is_proven(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 11);
    for (int round = 0; round < 150; round++) {
        struct trial trial;
        make_trial(&trial, &rng);
        struct pod_packing packing = pack(trial.types, TYPES, trial.kinds, trial.pods);
        trial.best = INFINITY;
        try_all(&trial, 0, 0, 0);
        if (!packing.proven || fabs(packing.cost - trial.best) > 1e-9)
            fail_msg("round %d: %g instead of %g, bound %g, proven %d", round, packing.cost,
                     trial.best, packing.bound, packing.proven);
    }
}

/* Every subset of twelve pods. */
static double best_load(const struct pod_size *sizes, const double *values, uint32_t count,
                        const struct pod_size *room) {
    double best = 0;
    for (uint32_t set = 0; set < 1u << count; set++) {
        struct pod_size sum = {0};
        double value = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (!(set >> i & 1))
                continue;
            value += values[i];
            for (int r = 0; r < POD_RESOURCES; r++)
                sum.amount[r] += sizes[i].amount[r];
        }
        bool fits = true;
        for (int r = 0; r < POD_RESOURCES; r++)
            fits = fits && sum.amount[r] <= room->amount[r];
        best = fits ? fmax(best, value) : best;
    }
    return best;
}

static void a_knapsack_finds_the_best_load(void **state) {
    (void)state;
    enum { KINDS = 12 };
    struct rng rng;
    rng_init(&rng, 3);
    for (int round = 0; round < 60; round++) {
        struct pod_size sizes[KINDS];
        double values[KINDS];
        uint32_t most[KINDS], pods[KINDS] = {0};
        for (int i = 0; i < KINDS; i++) {
            sizes[i] = (struct pod_size){
                {rng_between(&rng, 1, 90), rng_between(&rng, 1, 90), 0, 1}
            };
            values[i] = (double)rng_between(&rng, 1, 50);
            most[i] = 1;
        }
        struct knapsack knapsack;
        struct knapsack_question question = {
            .room = {{200, 150, 0, 5}}, .values = values, .most = most, .steps_max = 1000000};
        knapsack_init(&knapsack, &arena, sizes, KINDS);
        struct knapsack_answer answer = knapsack_solve(&knapsack, &question, pods);
        double best = best_load(sizes, values, KINDS, &question.room), sum = 0;
        for (int i = 0; i < KINDS; i++)
            sum += pods[i] * values[i];
        assert_true(fabs(answer.value - best) < 1e-9 && fabs(sum - best) < 1e-9);
        assert_true(answer.bound >= best && answer.bound < best + 1e-6);
        question.steps_max = 5;
        assert_true(knapsack_solve(&knapsack, &question, pods).bound >= best - 1e-9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_pods_of_a_gpu_do_not_buy_a_node_of_four, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(four_pods_of_a_gpu_do_when_that_is_cheaper, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(pods_that_complement_one_another_share_nodes, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_limit_makes_the_rest_dearer, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(an_answer_is_had_whatever_the_time, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(without_prices_nodes_are_counted, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_tenth_of_a_cpu_fits_ten_times, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(reserve_and_daemon_sets_come_first, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(what_fits_nowhere_is_refused_with_what_is_short,
                                        fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(no_packing_is_cheaper_than_what_is_proven, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_knapsack_finds_the_best_load, fresh_arena, drop_arena),
    };
    return cmocka_run_group_tests_name("pods", tests, NULL, NULL);
}
