/* Nsight Systems' exports among the formats to import: databases, so db/ reads them. */
#ifndef ASSAY_JOBS_IMPORT_NSIGHT_H
#define ASSAY_JOBS_IMPORT_NSIGHT_H

#include "collectors/foreign/foreign.h"

extern const struct foreign_format import_nsight;

/* Whether the file is for it: `name` says so, or (NULL) what the file begins with. */
bool import_is_nsight(const char *path, const char *name);

#endif
