/* ExecuTorch's ETDump (.etdp): a FlatBuffer with a size before it and "ED00" at offset 8, by
 * executorch's devtools/etdump/etdump_schema_flatcc.fbs. The unit of its ticks is not in the file.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_ETDUMP_H
#define ASSAY_COLLECTORS_FOREIGN_ETDUMP_H

#include "collectors/foreign/flatbuffer.h"
#include "collectors/foreign/foreign.h"

enum etdump_kind { ETDUMP_PROFILE, ETDUMP_ALLOCATION, ETDUMP_DEBUG };

/* An event as the file has it; texts are inside the file. */
struct etdump_event {
    enum etdump_kind kind;
    uint32_t run, index; /* which run, which event of it */
    const char *run_name;
    int64_t bundled_input_index;
    const char *name;
    int64_t chain_index, instruction_id;
    int64_t delegate_debug_id_int; /* -1: none */
    const char *delegate_debug_id_str;
    uint32_t delegate_metadata_bytes;
    uint64_t start_ticks, end_ticks;
    int64_t allocator_id;
    const char *allocator; /* NULL: the run has no such */
    uint64_t allocation_bytes;
};

typedef int etdump_fn(void *context, const struct etdump_event *event, struct err *err);

/* Every event of every run, in the order of the file. Where the file is shorter than its first
 * bytes say, those that lie whole in it; *cut then tells so (NULL: it is whole). */
int etdump_walk(const struct flatbuffer *file, etdump_fn *visit, void *context, const char **cut,
                struct err *err);

/* request->companion: the program, whose names then stand instead of OPERATOR_CALL. */
extern const struct foreign_format foreign_etdump;

#endif
