/* Model files of any format we read, chosen by content, never by suffix. */
#ifndef ASSAY_MODELS_READER_H
#define ASSAY_MODELS_READER_H

#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>

struct model_format {
    const char *name;                                /* "onnx" */
    const char *help;                                /* one line */
    bool (*sniff)(const void *bytes, size_t length); /* the first 64 bytes, or all there are */
    /* name NULL: the file's stem */
    int (*read)(struct arena *arena, const char *path, const char *name, struct model *out,
                struct err *err);
};

extern const struct model_format model_formats[];
extern const size_t model_format_count;

/* Of the file at `path`, by its first bytes; the first format when it is in none. */
int model_format_of(const char *path, const struct model_format **format, struct err *err);

/* Reads a model of any format in the table; what is in none of them is refused by what it looks
 * like. */
int model_read(struct arena *arena, const char *path, const char *name, struct model *out,
               struct err *err);

#endif
