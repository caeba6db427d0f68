/* Any bytes as a CSV of perf_analyzer: see foreign_fuzz.h. */
#include "tests/fuzz/foreign_fuzz.h"

#include "collectors/foreign/perf_analyzer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const char *const seeds[] = {
        "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,"
        "Client Recv,p50 latency,p99 latency\n1,69.2,225,2148,64,0,13891,18795\n",
        "Request Rate,Inferences/Second,Avg latency,response wait,\n1,\"2\",3,4,\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        char name[16];
        snprintf(name, sizeof name, "seed%zu", i);
        fuzz_seed(name, seeds[i], strlen(seeds[i]));
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file file;
    struct foreign_request request = {.path = file.path};
    fuzz_file_fill(&file, data, size);
    fuzz_format(&foreign_perf_analyzer, &request);
    return 0;
}
