/* Any bytes as a mapping, a NUL, and a table that it reads: see foreign_fuzz.h. */
#include "tests/fuzz/foreign_fuzz.h"

#include "collectors/foreign/table.h"

static const char seed_rows[] =
    "name: m\ncolumns: [a, b]\npath: \"{x}/*.csv\"\nrows:\n"
    "  - {name: \"{a}{x?}\", when: {b: [\"1\", \"2\"]}, shapes: \"{c|tuples}\", device: \"{x}\",\n"
    "     time: {value: \"{b}\", unit: ms}, low: {value: \"{b}\", unit: us}, count: \"{b}\",\n"
    "     attributes: [a, b]}\n"
    "  - {each: \"t.{op}.m\", name: \"{op}\", unless: {a: x}, time: {value: \"{t.{op}.m}\","
    " unit: s}}\n"
    "\0a,b,c,t.add.m\nx,1,\"[(4, 8), (2,)]\",7\r\ny,2,\"(3,)\",nan\n";
static const char seed_samples[] =
    "name: m\ncolumns: [t]\nsamples:\n"
    "  - {metric: v, unit: s, value: \"{v}\", at: {value: \"{t}\", unit: ns}}\n"
    "\0\xef\xbb\xbft,v\n1,\"2\"\n,\n";

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_seed("rows", seed_rows, sizeof seed_rows - 1);
    fuzz_seed("samples", seed_samples, sizeof seed_samples - 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file table, mapping;
    const uint8_t *end = memchr(data, '\0', size);
    size_t length = end ? (size_t)(end - data) : size;
    fuzz_file_fill(&mapping, data, length);
    fuzz_file_fill(&table, end ? end + 1 : data, end ? size - length - 1 : 0);
    struct foreign_request request = {.path = table.path, .mapping = mapping.path};
    fuzz_format(&foreign_table, &request);
    return 0;
}
