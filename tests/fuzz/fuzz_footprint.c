/* Any bytes as a model whose memory is predicted: read, inferred, lowered by our own rules, then
 * all that footprints, timelines and ages of data are made of. Seeds: tiny models that reach every
 * part of the reader, and random networks of every recipe without their weights, so that rules find
 * what they look for. */
#include "models/random/random.h"
#include "tests/fuzz/fuzz_seed.h"
#include "tests/fuzz/onnx_seeds.h"
#include "tests/fuzz/predict_graph.h"
#include "tests/fuzz/proto_mutate.h"

enum { SEED_BYTES_MAX = 20 << 10, DRAWS = 40 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool draw_network(const struct random_recipe *recipe, uint64_t seed, struct strbuf *bytes) {
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    struct arena arena;
    struct zoo_model model;
    struct err err = {0};
    arena_init(&arena);
    strbuf_init(bytes);
    bool drawn = random_network(&arena, recipe, seed, 1, &model, &err) == 0 &&
                 onnx_write_bytes(model.graph, &omitted, bytes, &err) == 0;
    arena_done(&arena);
    return drawn;
}

/* The smallest of some draws: the less there is, the more each change tells. */
static void write_network(const struct random_recipe *recipe) {
    struct strbuf least, drawn;
    strbuf_init(&least);
    for (uint64_t seed = 1; seed <= DRAWS; seed++) {
        bool smaller = draw_network(recipe, seed, &drawn) &&
                       (least.length == 0 || drawn.length < least.length);
        struct strbuf dropped = smaller ? least : drawn;
        least = smaller ? drawn : least;
        strbuf_done(&dropped);
    }
    if (least.length && least.length <= SEED_BYTES_MAX)
        fuzz_seed(recipe->row.name, least.text, least.length);
    strbuf_done(&least);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    write_onnx_seeds();
    for (size_t r = 0; getenv("ASSAY_FUZZ_SEEDS") && r < random_recipe_count; r++)
        write_network(&random_recipes[r]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    struct err err = {0};
    struct graph *graph;
    arena_init(&arena);
    if (onnx_read_bytes(&arena, bytes, length, "fuzz", &graph, &err) == 0)
        fuzz_predict(&arena, graph, length);
    arena_done(&arena);
    return 0;
}
