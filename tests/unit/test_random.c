/* Random networks: every recipe gives one for every seed, the same each time, and shapes agree. */
#include "base/strbuf.h"
#include "core/features.h"
#include "models/infer.h"
#include "models/onnx/read.h"
#include "models/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 30 };

static void every_recipe_gives_a_network_for_every_seed(void **state) {
    (void)state;
    for (size_t i = 0; i < random_recipe_count; i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct arena arena;
            struct zoo_model model;
            struct err err = {0};
            arena_init(&arena);
            if (random_network(&arena, &random_recipes[i], seed, 0, &model, &err))
                fail_msg("%s", err.message);
            if (infer_shapes(model.graph, &err))
                fail_msg("%s %llu: %s", random_recipes[i].row.name, (unsigned long long)seed,
                         err.message);
            assert_true(model.graph->op_count > 0);
            struct strbuf bytes;
            struct graph *read;
            const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
            strbuf_init(&bytes);
            assert_int_equal(onnx_write_bytes(model.graph, &omitted, &bytes, &err), 0);
            if (onnx_read_bytes(&arena, bytes.text, bytes.length, "network", &read, &err))
                fail_msg("%s %llu: %s", random_recipes[i].row.name, (unsigned long long)seed,
                         err.message);
            strbuf_done(&bytes);
            assert_true(graph_weight_bytes(model.graph) < 700u << 20);
            arena_done(&arena);
        }
}

static void work_of(const struct random_recipe *recipe, uint64_t seed, struct strbuf *bytes) {
    struct arena arena;
    struct zoo_model model;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(random_network(&arena, recipe, seed, 0, &model, &err), 0);
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    assert_int_equal(onnx_write_bytes(model.graph, &omitted, bytes, &err), 0);
    arena_done(&arena);
}

static void the_same_seed_gives_the_same_network(void **state) {
    (void)state;
    for (size_t i = 0; i < random_recipe_count; i++) {
        struct strbuf first, again, other;
        strbuf_init(&first);
        strbuf_init(&again);
        strbuf_init(&other);
        work_of(&random_recipes[i], 7, &first);
        work_of(&random_recipes[i], 7, &again);
        work_of(&random_recipes[i], 8, &other);
        assert_int_equal(first.length, again.length);
        assert_memory_equal(first.text, again.text, first.length);
        assert_true(other.length != first.length ||
                    memcmp(other.text, first.text, first.length) != 0);
        strbuf_done(&first);
        strbuf_done(&again);
        strbuf_done(&other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recipe_gives_a_network_for_every_seed),
        cmocka_unit_test(the_same_seed_gives_the_same_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
