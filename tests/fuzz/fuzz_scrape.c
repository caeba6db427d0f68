/* Any bytes as a Prometheus server's answer: an error, or a rate that makes sense. */
#include "server/service/observations.h"
#include "server/service/scrape.h"
#include "tests/fuzz/fuzz_seed.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

static const char seed[] = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":"
                           "[{\"metric\":{},\"value\":[1769860800.1,\"12.5\"]}]}}";

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_seed("small", seed, sizeof seed - 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    double rate = -1;
    struct err err = {0};
    if (scrape_parse((const char *)data, size, &rate, &err) == 0 &&
        !(rate >= 0 && rate <= OBSERVATION_RATE_MAX))
        abort();
    return 0;
}
