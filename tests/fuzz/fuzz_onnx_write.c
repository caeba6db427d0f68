/* What the ONNX reader accepts, the writer writes without weights; the reader accepts that again,
 * and writing it once more gives the same bytes: lowered graphs survive the database unchanged. */
#include "models/onnx/read.h"
#include "models/onnx/write.h"
#include "tests/fuzz/onnx_seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    write_onnx_seeds();
    return 0;
}

static const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};

static void must(int code, const char *what, const struct err *err) {
    if (code == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, err->message);
    abort();
}

/* Writes a graph and reads it again. */
static struct graph *through(struct arena *arena, const struct graph *graph, struct strbuf *bytes) {
    struct graph *again = NULL;
    struct err err = {0};
    strbuf_init(bytes);
    must(onnx_write_bytes(graph, &omitted, bytes, &err), "writing", &err);
    must(onnx_read_bytes(arena, bytes->text, bytes->length, "written", &again, &err), "reading",
         &err);
    return again;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct arena arena;
    struct graph *graph;
    struct err err = {0};
    arena_init(&arena);
    if (onnx_read_bytes(&arena, bytes, length, "fuzz", &graph, &err) == 0) {
        struct strbuf first, second;
        graph = through(&arena, graph, &first);
        through(&arena, graph, &second);
        if (first.length != second.length || memcmp(first.text, second.text, first.length) != 0)
            abort();
        strbuf_done(&first);
        strbuf_done(&second);
    }
    arena_done(&arena);
    return 0;
}
