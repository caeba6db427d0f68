/* GGUF files as models: the weights with their types and shapes, and what the file says of the
 * decoder that uses them. The operators stand in no such file: llama.cpp makes them for each batch,
 * so the graph has initializers and two inputs, whose free dimensions are those of a run:
 *
 *     token_ids [batch, tokens]   cached_ids [batch, past]
 *
 * Errors are ERR_INPUT and name the file, the offset and what was expected. */
#ifndef ASSAY_MODELS_GGUF_READ_H
#define ASSAY_MODELS_GGUF_READ_H

#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>

bool gguf_sniff(const void *bytes, size_t length);

/* A row of models/reader.h: the graph, the decoder, and general.name when it is there. */
int gguf_read_bytes(struct arena *arena, const void *bytes, size_t length, const char *label,
                    struct model *out, struct err *err);

#endif
