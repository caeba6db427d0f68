/* Any bytes as a Prometheus server's answer: an error, or a rate that makes sense. */
#include "server/service/observations.h"
#include "server/service/scrape.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char seed[] = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":"
                           "[{\"metric\":{},\"value\":[1769860800.1,\"12.5\"]}]}}";

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    if (!folder)
        return 0;
    snprintf(path, sizeof path, "%s/small", folder);
    FILE *file = fopen(path, "w");
    if (file) {
        fwrite(seed, 1, sizeof seed - 1, file);
        fclose(file);
    }
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
