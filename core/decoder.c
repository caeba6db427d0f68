#include "core/decoder.h"

enum { CELLS_TOGETHER = 256 };

uint64_t decoder_cells(uint64_t tokens) {
    return (tokens + CELLS_TOGETHER - 1) / CELLS_TOGETHER * CELLS_TOGETHER;
}

uint64_t decoder_cache_bytes(const struct decoder *decoder, uint64_t sequences, uint64_t cells,
                             enum dtype dtype) {
    uint64_t rows = decoder->kv_heads * sequences * cells;
    return rows *
           (dtype_bytes(dtype, decoder->key_width) + dtype_bytes(dtype, decoder->value_width));
}
