#include "models/reader.h"

#include "base/file.h"
#include "models/described.h"
#include "models/gguf/read.h"
#include "models/onnx/read.h"

#include <string.h>

enum {
    SNIFFED_BYTES = 64,
    REMEMBERED_BYTES_MIN = 1 << 20, /* below, hashing costs no more than remembering */
};

const struct model_format model_formats[] = {
    {"onnx",      "ONNX, operator sets 1 and later, external data included",      onnx_sniff,
     onnx_read_model     },
    {"gguf",      "GGUF 2 and 3: the weights of a decoder, which llama.cpp runs", gguf_sniff,
     gguf_read_bytes     },
    {"described", "a graph described in JSON: types and shapes, no weights",      described_sniff,
     described_read_model},
};
const size_t model_format_count = sizeof model_formats / sizeof *model_formats;

static const struct model_format *format_of(const struct file_map *map) {
    size_t length = map->size < SNIFFED_BYTES ? (size_t)map->size : SNIFFED_BYTES;
    for (size_t i = 0; i < model_format_count; i++)
        if (model_formats[i].sniff(map->bytes, length))
            return &model_formats[i];
    return &model_formats[0]; /* its reader says why it is not */
}

int model_format_of(const char *path, const struct model_format **format, struct err *err) {
    struct file_map map;
    int code = file_map_open(&map, path, err);
    if (code)
        return code;
    *format = format_of(&map);
    file_map_close(&map);
    return 0;
}

static const char *stem_of(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return arena_strndup(arena, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static int digest_of(const struct file_map *map, const char *path,
                     const struct digest_memory *memory, char sha256[static SHA256_HEX_SIZE],
                     struct err *err) {
    bool worth = memory && map->size >= REMEMBERED_BYTES_MIN, known = false;
    if (worth && memory->recall &&
        memory->recall(memory->context, path, &map->stamp, sha256, &known, err))
        return -(int)err->code;
    if (known)
        return 0;
    if (sha256_map(map, path, sha256, err))
        return -(int)err->code;
    if (worth)
        memory->remember(memory->context, path, &map->stamp, sha256);
    return 0;
}

static int read_mapped(struct arena *arena, const struct file_map *map, const char *path,
                       const struct digest_memory *memory, struct model *out, struct err *err) {
    const struct model_format *format = format_of(map);
    if (format->read(arena, map->bytes, (size_t)map->size, path, out, err))
        return -(int)err->code;
    out->path = arena_strdup(arena, path);
    out->format = format->name;
    out->file_bytes += map->size;
    return digest_of(map, path, memory, out->sha256, err);
}

int model_read_known(struct arena *arena, const char *path, const char *name,
                     const struct digest_memory *memory, struct model *out, struct err *err) {
    struct file_map map;
    *out = (struct model){0};
    if (file_map_open(&map, path, err))
        return -(int)err->code;
    int code = read_mapped(arena, &map, path, memory, out, err);
    file_map_close(&map);
    if (!code && name)
        out->name = arena_strdup(arena, name);
    else if (!code && !out->name)
        out->name = stem_of(arena, path);
    return code;
}

int model_read(struct arena *arena, const char *path, const char *name, struct model *out,
               struct err *err) {
    return model_read_known(arena, path, name, NULL, out, err);
}
