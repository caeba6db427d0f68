#include "jobs/decoding.h"

#include <math.h>
#include <string.h>

static uint64_t dim_of(const struct subject *subject, const char *symbol) {
    for (uint32_t i = 0; i < subject->conditions.dim_count; i++)
        if (strcmp(subject->conditions.dims[i].symbol, symbol) == 0)
            return (uint64_t)subject->conditions.dims[i].size;
    return 0;
}

static struct estimate per_second(uint64_t tokens, const struct estimate *latency_ns) {
    double work = 1e9 * (double)tokens;
    struct estimate rate = *latency_ns;
    rate.value = work / latency_ns->value;
    rate.low = latency_ns->low > 0 ? work / latency_ns->high : NAN;
    rate.high = latency_ns->low > 0 ? work / latency_ns->low : NAN;
    return rate;
}

void decoding_of(const struct subject *subject, const struct estimate *latency_ns,
                 struct decoding *out) {
    const struct decoder *decoder = subject->model.decoder;
    *out = (struct decoding){.cache_bytes = estimate_refused()};
    if (!decoder)
        return;
    uint64_t sequences = dim_of(subject, DECODER_BATCH);
    uint64_t tokens = dim_of(subject, DECODER_TOKENS);
    uint64_t cells = decoder_cells(tokens + dim_of(subject, DECODER_PAST));
    out->tokens = sequences * tokens;
    out->tokens_per_second = per_second(out->tokens, latency_ns);
    out->cache_expected_bytes =
        (double)decoder_cache_bytes(decoder, sequences, cells, DTYPE_FLOAT16);
}
