/* Model files of any format we read, chosen by content, never by suffix. */
#ifndef ASSAY_MODELS_READER_H
#define ASSAY_MODELS_READER_H

#include "base/file.h"
#include "base/sha256.h"
#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>

struct model_format {
    const char *name;                                /* "onnx" */
    const char *help;                                /* one line */
    bool (*sniff)(const void *bytes, size_t length); /* the first 64 bytes, or all there are */
    /* Fills *out with the graph and what else the bytes say: a name or NULL, a decoder or NULL, and
     * as file_bytes what counts as the file's beyond its own. The bytes may be freed afterwards;
     * `label` stands for the path in messages. */
    int (*read)(struct arena *arena, const void *bytes, size_t length, const char *label,
                struct model *out, struct err *err);
};

extern const struct model_format model_formats[];
extern const size_t model_format_count;

/* Of the file at `path`, by its first bytes; the first format when it is in none. */
int model_format_of(const char *path, const struct model_format **format, struct err *err);

/* Reads a model of any format in the table; what is in none of them is refused by what it looks
 * like. name NULL: the one in the file, else the file's stem. The file is hashed. */
int model_read(struct arena *arena, const char *path, const char *name, struct model *out,
               struct err *err);

/* Who remembers the SHA-256 of files, so that large ones are known again without being read. */
struct digest_memory {
    void *context;
    /* *known: sha256 is that of the file when it was as `stamp` says. NULL: every file is hashed.
     */
    int (*recall)(void *context, const char *path, const struct file_stamp *stamp,
                  char sha256[static SHA256_HEX_SIZE], bool *known, struct err *err);
    /* What cannot be kept is hashed again another time. */
    void (*remember)(void *context, const char *path, const struct file_stamp *stamp,
                     const char *sha256);
};

/* As model_read, but files from 1 MiB on are asked of the memory first; NULL: none. */
int model_read_known(struct arena *arena, const char *path, const char *name,
                     const struct digest_memory *memory, struct model *out, struct err *err);

#endif
