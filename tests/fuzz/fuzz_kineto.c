/* Any bytes as a Chrome trace: read or refused, and whatever was read adds up. */
#include "collectors/foreign/foreign.h"
#include "tests/fuzz/fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_import(size & 1 ? "onnxruntime" : "kineto", data, size);
    return 0;
}
