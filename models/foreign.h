/* What a file that is not a model looks like, for messages that help. */
#ifndef ASSAY_MODELS_FOREIGN_H
#define ASSAY_MODELS_FOREIGN_H

#include <stddef.h>

struct foreign {
    const char *name; /* "a JPEG picture" */
    const char *hint; /* NULL, or what to do */
};

/* Looks at the first bytes (64 are enough); NULL when they say nothing. */
const struct foreign *foreign_sniff(const void *bytes, size_t length);

#endif
