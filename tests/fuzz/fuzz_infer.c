/* Any model the reader lets through is inferred and lowered without harm. */
#include "models/infer.h"
#include "models/lower.h"
#include "models/onnx/read.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct err err = {0};
    struct graph *graph = NULL, *lowered = NULL;
    struct lower_target target = {size % 2 ? 16 : 8};
    arena_init(&arena);
    if (onnx_read_bytes(&arena, data, size, "fuzz", &graph, &err) == 0 &&
        infer_shapes(graph, &err) == 0)
        lower_by_rules(&arena, graph, &target, &lowered, &err);
    arena_done(&arena);
    return 0;
}
