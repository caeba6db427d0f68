/* Any bytes as a Chrome trace: read or refused, and whatever was read adds up. */
#include "collectors/foreign/foreign.h"
#include "tests/fuzz/fuzz_import.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_seed("tests/data/kineto.json", "kineto");
    fuzz_seed("tests/data/onnxruntime_profile.json", "onnxruntime");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_import(size & 1 ? "onnxruntime" : "kineto", data, size);
    return 0;
}
