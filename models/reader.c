#include "models/reader.h"

#include "base/file.h"
#include "models/described.h"
#include "models/gguf/read.h"
#include "models/onnx/read.h"

enum { SNIFFED_BYTES = 64 };

const struct model_format model_formats[] = {
    {"onnx",      "ONNX, operator sets 1 and later, external data included",      onnx_sniff,      onnx_read},
    {"gguf",      "GGUF 2 and 3: the weights of a decoder, which llama.cpp runs", gguf_sniff,      gguf_read},
    {"described", "a graph described in JSON: types and shapes, no weights",      described_sniff,
     described_read                                                                                         },
};
const size_t model_format_count = sizeof model_formats / sizeof *model_formats;

int model_format_of(const char *path, const struct model_format **format, struct err *err) {
    struct file_map map;
    int code = file_map_open(&map, path, err);
    if (code)
        return code;
    size_t length = map.size < SNIFFED_BYTES ? (size_t)map.size : SNIFFED_BYTES;
    *format = &model_formats[0]; /* its reader says why it is not */
    for (size_t i = 0; i < model_format_count; i++)
        if (model_formats[i].sniff(map.bytes, length)) {
            *format = &model_formats[i];
            break;
        }
    file_map_close(&map);
    return 0;
}

int model_read(struct arena *arena, const char *path, const char *name, struct model *out,
               struct err *err) {
    const struct model_format *format;
    int code = model_format_of(path, &format, err);
    return code ? code : format->read(arena, path, name, out, err);
}
