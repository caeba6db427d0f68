/* Nsight Systems' SQLite export (nsys export --type sqlite), read as a hostile file: opened
 * read-only and immutable, so that no journal beside it is applied and nothing is written; no
 * views, triggers, functions or virtual tables of the file are run; lengths are limited; its pages
 * are not mapped. Tables and columns by the schema that Nsight Systems 2020 to 2025 print
 * (https://docs.nvidia.com/nsight-systems/UserGuide/, "SQLite Schema Reference").
 *
 * It is here and not in collectors/ because SQL stands in this room only.
 */
#ifndef ASSAY_DB_FOREIGN_NSIGHT_H
#define ASSAY_DB_FOREIGN_NSIGHT_H

#include "base/err.h"
#include "core/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NSIGHT_REASON_SIZE = 160 };

struct nsight_outcome {
    uint64_t events; /* rows that were read, spans or not */
    uint64_t bytes;  /* of the file */
    bool complete;   /* false: the file is damaged, and what could be read was */
    char reason[NSIGHT_REASON_SIZE];
};

/* Whether a file that begins like this is a SQLite database; which one shows only its tables. */
bool nsight_sniff(const char *head, size_t length);

/* Kernels, copies and sets become spans on a track per stream, calls and NVTX ranges on one per
 * thread. ERR_INPUT: no database, none of Nsight Systems, or rows that cannot be. */
int nsight_read(const char *path, struct span_sink *sink, struct nsight_outcome *out,
                struct err *err);

#endif
