/* Shape inference and the proof of another batch on whatever graph the ONNX reader accepts: both
 * must end, and keep to the graph. */
#include "models/infer.h"
#include "models/onnx/batch.h"
#include "models/onnx/read.h"
#include "models/onnx/rebatch.h"
#include "tests/fuzz/onnx_seeds.h"
#include "tests/fuzz/proto_mutate.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    write_onnx_seeds();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    struct err err = {0};
    struct model model = {.name = "fuzz", .path = "fuzz"};
    int64_t fixed;
    const char *symbol;
    struct batch_proof proof;
    arena_init(&arena);
    if (onnx_read_bytes(&arena, bytes, length, "fuzz", &model.graph, &err) == 0 &&
        infer_shapes(model.graph, &err) == 0 && model_batch(&model, &fixed, &symbol, &err) == 0 &&
        fixed > 0)
        (void)batch_prove(&arena, model.graph, fixed, 3, &proof, &err);
    arena_done(&arena);
    return 0;
}
