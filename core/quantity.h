/* What is known of a model as a whole besides its steady latency. */
#ifndef ASSAY_CORE_QUANTITY_H
#define ASSAY_CORE_QUANTITY_H

enum quantity {
    QUANTITY_PEAK_BYTES,
    QUANTITY_RESIDENT_BYTES,
    QUANTITY_LOAD_NS,
    QUANTITY_FIRST_RUN_NS,
    QUANTITY_PROCESS_START_NS,
    QUANTITY_LIBRARY_LOAD_NS,
    QUANTITY_FILE_READ_NS, /* this and the next four make up QUANTITY_LOAD_NS */
    QUANTITY_PARSE_NS,
    QUANTITY_OPTIMISE_NS,
    QUANTITY_REORDER_NS,
    QUANTITY_PREPACK_NS,
    QUANTITY_COUNT
};

const char *quantity_name(enum quantity quantity);  /* "peak_memory_bytes", as in JSON */
const char *quantity_title(enum quantity quantity); /* "peak memory" */
const char *quantity_phase(enum quantity quantity); /* of the cold start: "parse"; NULL: none */

#endif
