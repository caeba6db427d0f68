/* /proc/PID/smaps (Documentation/filesystems/proc.rst), added up by what the mappings are. */
#ifndef ASSAY_COLLECTORS_MEMORY_SMAPS_H
#define ASSAY_COLLECTORS_MEMORY_SMAPS_H

#include "core/memory_use.h"

#include <stddef.h>

enum { SMAPS_LINE = 512 };

/* Fed with pieces of the file as they are read; takes no memory. Anonymous mappings all count as
 * MEMORY_HEAP: which blocks lie in them smaps cannot tell. */
struct smaps {
    const char *program; /* path of the program; NULL: not known */
    struct memory_parts parts;
    enum memory_part part; /* of the present mapping */
    char line[SMAPS_LINE]; /* the present one, as far as it was read; a longer one is cut */
    size_t length;
};

void smaps_take(struct smaps *smaps, const char *text, size_t length);

#endif
