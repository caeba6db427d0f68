/* One record of a thread's lane (format.h): its words checked, its parts found. */
#ifndef ASSAY_COLLECTORS_HOOKS_STREAM_RECORD_H
#define ASSAY_COLLECTORS_HOOKS_STREAM_RECORD_H

#include "collectors/hooks/stream_file.h"

struct stream_record {
    uint64_t offset;
    enum hooks_record type;
    uint32_t argument;
    uint32_t tensor_count, told, count; /* told: the number of tensors told before; count: words */
    uint64_t ticks, range;      /* range: the word behind the ticks, of those that have one */
    uint64_t counters, tensors; /* offsets; counters is 0 when there are none */
};

/* The record at words->at; false when there is none that fits. Its kind is there. */
bool stream_record_parse(const struct stream_file *file, const struct stream_words *words,
                         struct stream_record *record);

enum {
    STREAM_SHAPES_SIZE = HOOKS_TENSORS_MAX * (HOOKS_RANK_MAX * 21 + 1) + 1,
    STREAM_DTYPES_SIZE = HOOKS_TENSORS_MAX * 32 + 1,
};

/* "1x3x224x224 64x3x7x7" and "float32 float32"; empty without tensors, and types where none is
 * said. */
void stream_record_tensors(const struct stream_file *file, const struct stream_record *record,
                           char shape_text[static STREAM_SHAPES_SIZE],
                           char dtype_text[static STREAM_DTYPES_SIZE]);

#endif
