/* Any bytes as a described graph: an error, or a graph that is inferred and lowered, and whose
 * memory is predicted, without harm. */
#include "models/described.h"
#include "tests/fuzz/fuzz_seed.h"
#include "tests/fuzz/predict_graph.h"

static const char seed[] =
    "{\"assay_graph\":1,\"name\":\"t\",\"opsets\":{\"\":17},\"inputs\":[{\"name\":\"x\",\"dtype\":"
    "\"float32\",\"shape\":[\"batch\",3,8,null]}],\"initializers\":[{\"name\":\"w\",\"dtype\":"
    "\"float32\",\"shape\":[4,3,3,3]},{\"name\":\"s\",\"dtype\":\"int64\",\"shape\":[2],\"values\":"
    "[0,-1]}],\"ops\":[{\"type\":\"Conv\",\"name\":\"c\",\"domain\":\"\",\"inputs\":[\"x\",\"w\"],"
    "\"outputs\":[\"y\"],\"attributes\":{\"pads\":[1,1,1,1],\"auto_pad\":\"NOTSET\",\"group\":1}},"
    "{\"type\":\"Reshape\",\"inputs\":[\"y\",\"s\"],\"outputs\":[\"z\"]},{\"type\":\"LeakyRelu\","
    "\"inputs\":[\"z\"],\"outputs\":[\"o\"],\"attributes\":{\"alpha\":0.5}}],\"outputs\":[\"o\"]}";

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_seed("small", seed, sizeof seed - 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct err err = {0};
    struct graph *graph;
    arena_init(&arena);
    if (described_read_bytes(&arena, data, size, "fuzz", &graph, &err) == 0)
        fuzz_predict(&arena, graph, size);
    arena_done(&arena);
    return 0;
}
