/* Tables of operators as CSV, read by a mapping (collectors/foreign/mapping.h). */
#ifndef ASSAY_COLLECTORS_FOREIGN_TABLE_H
#define ASSAY_COLLECTORS_FOREIGN_TABLE_H

#include "collectors/foreign/foreign.h"

/* Facts that it says: "mapping", "table lines", "table rows", and what was left out and why.
 * outcome->events are the lines below the header. */
extern const struct foreign_format foreign_table;

#endif
