#include "predictor/capacity/pack.h"
#include "predictor/capacity/reserve.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define GIB 1073741824.0
#define MIB 1048576.0

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

static struct node_type node(const char *text) {
    struct node_type type;
    struct err err = {0};
    assert_int_equal(node_type_parse(&arena, text, &type, &err), 0);
    return type;
}

static void a_node_is_parsed_with_its_defaults(void **state) {
    (void)state;
    struct node_type type = node("cpus=8,memory=32GiB,price=0.38");
    assert_true(type.cpus == 8 && type.memory_bytes == 32 * GIB && type.usd_per_hour == 0.38);
    assert_string_equal(type.name, "8cpu-32GiB");
    assert_string_equal(type.reserve, "gke");
    assert_int_equal(type.pods_max, 110);
    type = node("name=small,cpus=2,memory=4GiB,reserve=none,pods=8");
    assert_string_equal(type.name, "small");
    assert_true(isnan(type.usd_per_hour));
    assert_string_equal(type.reserve, "none");
    assert_int_equal(type.pods_max, 8);
}

static void a_wrong_node_is_a_usage_error_that_shows_it(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "cpus=8",
                                        "memory=8GiB",
                                        "cpus=0,memory=8GiB",
                                        "cpus=-1,memory=8GiB",
                                        "cpus=8,memory=0",
                                        "cpus=8,memory=much",
                                        "cpus=8,memory=8GiB,price=cheap",
                                        "cpus=8,memory=8GiB,price=-1",
                                        "cpus=8,memory=8GiB,reserve=xyz",
                                        "cpus=8,memory=8GiB,pods=0",
                                        "cpus=8,memory=8GiB,pods=few",
                                        "cpus=8,memory=8GiB,gpus=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct node_type type;
        struct err err = {0};
        assert_int_equal(node_type_parse(&arena, wrong[i], &type, &err), -ERR_USAGE);
        assert_non_null(strstr(err.message, wrong[i]));
        assert_non_null(strstr(err.hint, "cpus=8"));
    }
}

/* Values as the published formulas give them: 8 CPUs keep 60 + 10 + 10 + 10 = 90 mCPU. */
static void reserves_are_the_published_ones(void **state) {
    (void)state;
    const struct reserve *gke = reserve_by_name("gke"), *eks = reserve_by_name("eks");
    assert_true(fabs(gke->cpus(1) - 0.060) < 1e-12);
    assert_true(fabs(gke->cpus(2) - 0.070) < 1e-12);
    assert_true(fabs(gke->cpus(4) - 0.080) < 1e-12);
    assert_true(fabs(gke->cpus(8) - 0.090) < 1e-12);
    assert_true(fabs(eks->cpus(64) - 0.230) < 1e-12);
    assert_true(fabs(gke->memory(0.5 * GIB, 110) - 355 * MIB) < 1);
    assert_true(fabs(gke->memory(4 * GIB, 110) - (1 * GIB + 100 * MIB)) < 1);
    assert_true(fabs(gke->memory(16 * GIB, 110) - (2.6 * GIB + 100 * MIB)) < 1);
    assert_true(fabs(gke->memory(128 * GIB, 110) - (9.32 * GIB + 100 * MIB)) < 1);
    assert_true(fabs(gke->memory(228 * GIB, 110) - (11.32 * GIB + 100 * MIB)) < 1);
    assert_true(fabs(eks->memory(16 * GIB, 58) - (255 + 11 * 58 + 100) * MIB) < 1);
    assert_true(reserve_by_name("none")->memory(GIB, 1) == 0);
    /* The published table, and the page's example of 8 GB with 30 pods. */
    const struct reserve *aks = reserve_by_name("aks");
    static const double published[][2] = {
        {1,  0.06},
        {2,  0.1 },
        {4,  0.14},
        {8,  0.18},
        {16, 0.26},
        {32, 0.42},
        {64, 0.74}
    };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        assert_true(fabs(aks->cpus(published[i][0]) - published[i][1]) < 1e-12);
    assert_true(fabs(aks->memory(8 * GIB, 30) - 750 * MIB) < 1);
    assert_true(fabs(aks->memory(4 * GIB, 110) - (1024 + 100) * MIB) < 1);
    assert_null(reserve_by_name("oke"));
}

static void the_scarcest_resource_decides_what_a_node_holds(void **state) {
    (void)state;
    const char *short_of;
    struct node_type type = node("cpus=8,memory=32GiB");
    assert_int_equal(node_holds(&type, &(struct replica_size){1, 100 * MIB, 0}, &short_of), 7);
    assert_string_equal(short_of, "CPU");
    assert_int_equal(node_holds(&type, &(struct replica_size){1, 7 * GIB, 0}, &short_of), 4);
    assert_string_equal(short_of, "memory");
    type = node("cpus=256,memory=1TiB,reserve=none");
    assert_int_equal(node_holds(&type, &(struct replica_size){1, 100 * MIB, 0}, &short_of), 110);
    assert_string_equal(short_of, "pods");
    type = node("cpus=8,memory=32GiB,reserve=none");
    assert_int_equal(node_holds(&type, &(struct replica_size){1, 4 * GIB, 0}, NULL), 8);
}

static uint64_t count_of(const struct packing *packing, const char *name) {
    for (uint32_t i = 0; i < packing->node_count; i++)
        if (strcmp(packing->nodes[i].type->name, name) == 0)
            return packing->nodes[i].count;
    return 0;
}

/* 10 replicas of a CPU: 8-CPU nodes at 0.38 hold 7, 4-CPU nodes at 0.20 hold 3. One of each is the
 * cheapest; two large ones cost more, four small ones too. */
static void the_cheapest_mix_is_found(void **state) {
    (void)state;
    const struct node_type types[] = {node("name=large,cpus=8,memory=32GiB,price=0.38"),
                                      node("name=small,cpus=4,memory=16GiB,price=0.20")};
    struct replica_size replica = {1, 200 * MIB, 0};
    struct packing packing;
    struct err err = {0};
    assert_int_equal(pack_replicas(&arena, types, 2, &replica, 10, &packing, &err), 0);
    assert_int_equal(count_of(&packing, "large"), 1);
    assert_int_equal(count_of(&packing, "small"), 1);
    assert_true(fabs(packing.usd_per_hour - 0.58) < 1e-12);
    assert_true(fabs(packing.cpu_waste - (1 - 10.0 / 12)) < 1e-12);
}

static void a_node_too_small_for_a_replica_is_not_used(void **state) {
    (void)state;
    const struct node_type types[] = {node("name=small,cpus=1,memory=1GiB,price=0.01"),
                                      node("name=large,cpus=8,memory=32GiB,price=0.38")};
    struct replica_size replica = {2, 200 * MIB, 0};
    struct packing packing;
    struct err err = {0};
    assert_int_equal(pack_replicas(&arena, types, 2, &replica, 4, &packing, &err), 0);
    assert_int_equal(packing.node_count, 1);
    assert_int_equal(count_of(&packing, "large"), 2);
}

static void a_type_is_not_taken_beyond_its_limit(void **state) {
    (void)state;
    struct node_type types[] = {node("name=large,cpus=8,memory=32GiB,price=0.38"),
                                node("name=small,cpus=4,memory=16GiB,price=0.20")};
    struct replica_size replica = {.cpus = 1, .memory_bytes = 200 * MIB};
    struct packing packing;
    struct err err = {0};
    types[0].limit = 2;
    assert_int_equal(pack_replicas(&arena, types, 2, &replica, 20, &packing, &err), 0);
    assert_int_equal(count_of(&packing, "large"), 2);
    assert_int_equal(count_of(&packing, "small"), 2);
    types[1].limit = 1;
    assert_int_equal(pack_replicas(&arena, types, 2, &replica, 20, &packing, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "limits"));
}

static void without_prices_the_fewest_nodes_are_taken(void **state) {
    (void)state;
    const struct node_type types[] = {node("name=small,cpus=4,memory=16GiB"),
                                      node("name=large,cpus=16,memory=64GiB")};
    struct replica_size replica = {1, 200 * MIB, 0};
    struct packing packing;
    struct err err = {0};
    assert_int_equal(pack_replicas(&arena, types, 2, &replica, 17, &packing, &err), 0);
    assert_int_equal(count_of(&packing, "large") + count_of(&packing, "small"), 2);
    assert_true(isnan(packing.usd_per_hour));
}

/* Tries every mix: the answer's cost is the least of all that hold enough. */
static double cheapest_by_trying(const struct node_type *types, const struct replica_size *replica,
                                 uint64_t replicas) {
    double best = INFINITY;
    uint64_t holds[3];
    for (int t = 0; t < 3; t++)
        holds[t] = node_holds(&types[t], replica, NULL);
    for (uint64_t a = 0; a <= replicas; a++)
        for (uint64_t b = 0; b <= replicas; b++)
            for (uint64_t c = 0; c <= replicas; c++) {
                if (a * holds[0] + b * holds[1] + c * holds[2] < replicas)
                    continue;
                best = fmin(best, (double)a * types[0].usd_per_hour +
                                      (double)b * types[1].usd_per_hour +
                                      (double)c * types[2].usd_per_hour);
                break;
            }
    return best;
}

static void no_mix_that_holds_enough_is_cheaper(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 7);
    for (int round = 0; round < 60; round++) {
        struct node_type types[3];
        for (int t = 0; t < 3; t++) {
            types[t] = node("cpus=1,memory=64GiB,price=0,reserve=none");
            types[t].name = arena_printf(&arena, "t%d", t);
            types[t].cpus = (double)rng_between(&rng, 1, 9);
            types[t].usd_per_hour = (double)rng_between(&rng, 1, 40) / 100;
        }
        uint64_t replicas = 1 + rng_below(&rng, 24);
        struct replica_size replica = {1, MIB, 0};
        struct packing packing;
        struct err err = {0};
        assert_int_equal(pack_replicas(&arena, types, 3, &replica, replicas, &packing, &err), 0);
        uint64_t held = 0;
        for (uint32_t i = 0; i < packing.node_count; i++)
            held += packing.nodes[i].count * packing.nodes[i].replicas_per_node;
        assert_true(held >= replicas);
        assert_true(fabs(packing.usd_per_hour - cheapest_by_trying(types, &replica, replicas)) <
                    1e-9);
    }
}

static void a_replica_that_fits_nowhere_is_refused_with_the_resource(void **state) {
    (void)state;
    const struct node_type types[] = {node("name=small,cpus=2,memory=4GiB,price=0.1"),
                                      node("name=large,cpus=8,memory=16GiB,price=0.4")};
    struct packing packing;
    struct err err = {0};
    struct replica_size hungry = {1, 15 * GIB, 0};
    assert_int_equal(pack_replicas(&arena, types, 2, &hungry, 1, &packing, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "large"));
    assert_non_null(strstr(err.message, "too little memory after the system's reserve"));
    err = (struct err){0};
    struct replica_size wide = {8, GIB, 0};
    assert_int_equal(pack_replicas(&arena, types, 2, &wide, 1, &packing, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "too little CPU"));
}

static void one_price_and_one_missing_is_a_usage_error(void **state) {
    (void)state;
    const struct node_type types[] = {node("name=a,cpus=2,memory=4GiB"),
                                      node("name=b,cpus=2,memory=4GiB,price=1")};
    const struct node_type twins[] = {node("cpus=2,memory=4GiB"), node("cpus=2,memory=4GiB")};
    struct replica_size replica = {1, MIB, 0};
    struct packing packing;
    struct err err = {0};
    assert_int_equal(pack_replicas(&arena, types, 2, &replica, 1, &packing, &err), -ERR_USAGE);
    assert_string_equal(err.message,
                        "node b has a price and node a has none: give all or none of them one");
    err = (struct err){0};
    assert_int_equal(pack_replicas(&arena, twins, 2, &replica, 1, &packing, &err), -ERR_USAGE);
}

static void a_million_replicas_are_packed(void **state) {
    (void)state;
    const struct node_type type = node("cpus=8,memory=32GiB,price=0.38");
    struct replica_size replica = {1, 200 * MIB, 0};
    struct packing packing;
    struct err err = {0};
    assert_int_equal(pack_replicas(&arena, &type, 1, &replica, 1000000, &packing, &err), 0);
    assert_int_equal(packing.nodes[0].count, (1000000 + 6) / 7);
    assert_int_equal(pack_replicas(&arena, &type, 1, &replica, 1000001, &packing, &err),
                     -ERR_FINDING);
    err = (struct err){0};
    assert_int_equal(pack_replicas(&arena, &type, 1, &replica, 0, &packing, &err), -ERR_USAGE);
    err = (struct err){0};
    assert_int_equal(pack_replicas(&arena, &type, 0, &replica, 1, &packing, &err), -ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_node_is_parsed_with_its_defaults, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_wrong_node_is_a_usage_error_that_shows_it, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(reserves_are_the_published_ones, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(the_scarcest_resource_decides_what_a_node_holds,
                                        fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(the_cheapest_mix_is_found, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_node_too_small_for_a_replica_is_not_used, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_type_is_not_taken_beyond_its_limit, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(without_prices_the_fewest_nodes_are_taken, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(no_mix_that_holds_enough_is_cheaper, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_replica_that_fits_nowhere_is_refused_with_the_resource,
                                        fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(one_price_and_one_missing_is_a_usage_error, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_million_replicas_are_packed, fresh_arena, drop_arena),
    };
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
