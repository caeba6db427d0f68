/* Any bytes as the size of an ETDump, the dump, and its program: see foreign_fuzz.h. The kept
 * corpus is what flatc writes of the texts in tests/unit/test_foreign_etdump.c. */
#include "tests/fuzz/foreign_fuzz.h"

#include "collectors/foreign/etdump.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    return 0;
}

/* The first four bytes are the dump's size, so they say where the program begins. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file dump, program;
    uint32_t length = 0;
    if (size >= 4)
        memcpy(&length, data, 4);
    bool both = (uint64_t)length + 4 < size;
    fuzz_file_fill(&dump, data, both ? length + 4 : size);
    struct foreign_request request = {.path = dump.path};
    if (both) {
        fuzz_file_fill(&program, data + length + 4, size - length - 4);
        request.companion = program.path;
    }
    fuzz_format(&foreign_etdump, &request);
    return 0;
}
