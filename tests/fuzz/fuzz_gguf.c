/* The GGUF reader on any bytes: it must end, stay inside them, and what it accepts must be a graph
 * that can be walked. Dictionary: tests/fuzz/gguf.dict. */
#include "models/gguf/read.h"
#include "models/zoo/gguf.h"
#include "tests/fuzz/predict_graph.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* One of whole tensors, one with an array and without. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const struct zoo_gguf_config config = {"seed", 1, 32, 2, 1, 32, 4, 64, 1e4f, 1};
    static const char arrays[] =
        "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0"
        "\24\0\0\0\0\0\0\0general.architecture\10\0\0\0\1\0\0\0\0\0\0\0a"
        "\15\0\0\0\0\0\0\0a.block_count\4\0\0\0\2\0\0\0"
        "\26\0\0\0\0\0\0\0a.attention.head_count\4\0\0\0\1\0\0\0"
        "\31\0\0\0\0\0\0\0a.attention.head_count_kv\11\0\0\0\5\0\0\0\2\0\0\0\0\0\0\0"
        "\1\0\0\0\2\0\0\0";
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    struct err err = {0};
    if (!folder)
        return 0;
    snprintf(path, sizeof path, "%s/whole", folder);
    zoo_write_gguf_of(&config, DTYPE_Q8_0, 1, path, &err);
    snprintf(path, sizeof path, "%s/arrays", folder);
    FILE *file = fopen(path, "w");
    if (file) {
        fwrite(arrays, 1, sizeof arrays - 1, file);
        fclose(file);
    }
    return 0;
}

static void expect(bool truth) {
    if (!truth)
        abort();
}

static void check_model(const struct model *model, size_t length) {
    const struct graph *graph = model->graph;
    uint64_t bytes = 0;
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        expect(tensor->rank >= 0 && tensor->rank <= 4 && dtype_info(tensor->dtype));
        if (!(tensor->flags & TENSOR_INITIALIZER))
            continue;
        bytes += tensor_bytes(tensor);
        expect(tensor->file_offset + tensor_bytes(tensor) <= length);
    }
    expect(bytes <= length && bytes == graph_weight_bytes(graph));
    if (model->decoder)
        expect(model->decoder->layers > 0 && model->decoder->architecture[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    struct err err = {0};
    struct model model;
    arena_init(&arena);
    if (gguf_read_bytes(&arena, bytes, length, "fuzz", &model, &err) == 0) {
        check_model(&model, length);
        graph_bind_symbol(model.graph, DECODER_TOKENS, 7);
        expect(infer_shapes(model.graph, &err) == 0);
        fuzz_predict(&arena, model.graph, length);
    } else {
        expect(err.code == ERR_INPUT && err.message[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
