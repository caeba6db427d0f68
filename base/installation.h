/* Where the program lies, and what was built or installed with it. */
#ifndef ASSAY_BASE_INSTALLATION_H
#define ASSAY_BASE_INSTALLATION_H

#include "base/arena.h"

#include <stddef.h>

/* The folder of the running program, without a slash at the end; "" when the kernel does not say.
 */
const char *installation_folder(struct arena *arena);
/* The first of `places`, relative to that folder, that access(2) grants `mode` (R_OK, X_OK); NULL:
 * none is there. */
const char *installation_find(struct arena *arena, const char *const *places, size_t count,
                              int mode);

#endif
