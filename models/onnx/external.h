/* External weight files of an ONNX model: which they are, and that a model cannot reach outside of
 * its own folder with them.
 *
 * A location must be relative, without "..", and must stay beneath the folder of the model file
 * when symbolic links are followed; it must be a regular file, and long enough for what the model
 * says lies in it. A file that does not exist is allowed: models are often kept without weights.
 */
#ifndef ASSAY_MODELS_ONNX_EXTERNAL_H
#define ASSAY_MODELS_ONNX_EXTERNAL_H

#include "core/model.h"

#include <stdbool.h>
#include <stdint.h>

struct weight_file {
    const char *location;  /* as written in the model */
    const char *tensor;    /* the first that lies in it */
    uint64_t needed_bytes; /* end of the last tensor in it */
    uint64_t size_bytes;   /* 0 when missing */
    bool missing;
};

struct weight_files {
    struct weight_file *files; /* in the order in which the model names them */
    uint32_t count, missing_count;
};

/* Lists and checks the external files of the model and its subgraphs. ERR_INPUT names the tensor
 * and the location. */
int external_list(struct arena *arena, const struct model *model, struct weight_files *out,
                  struct err *err);

/* Only the check. */
int external_check(const struct model *model, struct err *err);

/* The locations of missing files, in the arena; *count is 0 when all are there. */
int external_missing(struct arena *arena, const struct model *model, const char ***locations,
                     uint32_t *count, struct err *err);

/* Opens a location for reading. *fd is -1, and the result 0, when there is no such file. */
int external_open(const char *model_path, const char *location, int *fd, struct err *err);

#endif
