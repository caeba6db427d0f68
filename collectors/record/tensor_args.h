/* Tensors among the arguments of calls, as texts that are kept once. They are read out of another
 * program's memory by a layout that nobody promised (struct probe_tensor): only what fits together
 * is told, and nothing more when too much does not. */
#ifndef ASSAY_COLLECTORS_RECORD_TENSOR_ARGS_H
#define ASSAY_COLLECTORS_RECORD_TENSOR_ARGS_H

#include "base/intern.h"
#include "collectors/record/probe_program.h"

#include <stdbool.h>

struct tensor_args {
    struct intern *texts;
    uint64_t sound, unsound; /* tensors seen */
};

/* Of one call: numbers for tensor_args_text. */
struct tensor_texts {
    uint32_t shapes, dtypes; /* INTERN_FULL: not said */
};

int tensor_args_open(struct tensor_args *args, struct err *err);
struct tensor_texts tensor_args_take(struct tensor_args *args, const struct probe_tensor *tensors,
                                     uint32_t count);
/* "1x3x224x224 64x3x7x7", "float32 float32"; NULL: not said. Valid until the next take. */
const char *tensor_args_text(const struct tensor_args *args, uint32_t number);
/* False: the layout is another one, as too many tensors show. */
bool tensor_args_trusted(const struct tensor_args *args);
void tensor_args_close(struct tensor_args *args);

#endif
