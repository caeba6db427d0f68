/* Where the worker and llama.cpp are: in the build tree, installed, or as the environment says. */
#ifndef ASSAY_COLLECTORS_LLAMACPP_LOCATE_H
#define ASSAY_COLLECTORS_LLAMACPP_LOCATE_H

#include "base/arena.h"
#include "base/err.h"

struct llama_location {
    const char *worker;  /* assay-llama-worker */
    const char *library; /* libllama.so; a bare name when only the loader can know */
};

/* The worker beside the running program, or in ../lib/assay and ../libexec/assay seen from it; the
 * library, which may have its version in its name, beside it, in ../lib/assay/llama.cpp or in
 * node_modules (`make deps`) of the working
 * directory and of the folders above the program. ASSAY_LLAMA_WORKER and ASSAY_LLAMA_LIBRARY come
 * first. ERR_ENVIRONMENT names what was looked for. */
int llama_locate(struct arena *arena, struct llama_location *location, struct err *err);

#endif
