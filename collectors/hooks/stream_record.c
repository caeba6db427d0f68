#include "collectors/hooks/stream_record.h"

#include "collectors/assay_hooks.h"
#include "core/dtype.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static_assert(ASSAY_HOOKS_FLOAT32 == (int)DTYPE_FLOAT32 &&
                  ASSAY_HOOKS_BFLOAT16 == (int)DTYPE_BFLOAT16 &&
                  ASSAY_HOOKS_INT4 == (int)DTYPE_INT4,
              "dtypes are the house's");

static const struct shape {
    uint32_t fixed; /* words before counters and tensors */
    bool kind, counters, tensors, range;
} shapes[] = {
    [HOOKS_THREAD] = {3, false, false, false, true },
    [HOOKS_NAME] = {2, true,  false, false, false},
    [HOOKS_LEAVE] = {2, false, false, false, false},
    [HOOKS_BEGIN] = {2, true,  true,  true,  false},
    [HOOKS_END] = {2, false, true,  false, false},
    [HOOKS_START] = {3, true,  false, true,  true },
    [HOOKS_STOP] = {3, false, false, false, true },
    [HOOKS_SHAPES] = {2, false, false, true,  false},
};

/* Whether the tensors fill what is left of the record. */
static bool tensors_fit(const struct stream_file *file, const struct stream_record *record) {
    uint64_t at = record->tensors, end = record->offset + (uint64_t)record->count * 8;
    for (uint32_t i = 0; i < record->tensor_count; i++) {
        if (at + 8 > end)
            return false;
        uint64_t rank = stream_file_word(file, at) >> 32;
        if (rank > HOOKS_RANK_MAX)
            return false;
        at += 8 + rank * 8;
    }
    return at == end;
}

bool stream_record_parse(const struct stream_file *file, const struct stream_words *words,
                         struct stream_record *record) {
    uint64_t word = stream_file_word(file, words->at);
    uint32_t type = word & 0xff, extra = word >> 8 & 0xff, count = word >> 16 & 0xff;
    if (type < HOOKS_THREAD || type > HOOKS_SHAPES)
        return false;
    const struct shape *shape = &shapes[type];
    bool counted = extra & HOOKS_COUNTED;
    uint32_t counters = counted ? 2 + file->header.counter_count : 0;
    *record = (struct stream_record){.offset = words->at,
                                     .type = (enum hooks_record)type,
                                     .argument = (uint32_t)(word >> 32),
                                     .tensor_count = extra & ~(uint32_t)HOOKS_COUNTED,
                                     .told = word >> 24 & 0xff,
                                     .count = count};
    if (count < shape->fixed + counters || (uint64_t)count * 8 > words->end - words->at ||
        (counted && !shape->counters) || record->tensor_count > HOOKS_TENSORS_MAX ||
        (record->tensor_count > 0 && (!shape->tensors || (record->told && type == HOOKS_BEGIN))) ||
        (record->told > 0) > (type == HOOKS_BEGIN || type == HOOKS_SHAPES) ||
        (shape->kind && record->argument > file->kind_count))
        return false;
    record->ticks = stream_file_word(file, words->at + 8);
    record->range = shape->range ? stream_file_word(file, words->at + 16) : 0;
    record->counters = counted ? words->at + (uint64_t)shape->fixed * 8 : 0;
    record->tensors = words->at + (uint64_t)(shape->fixed + counters) * 8;
    return tensors_fit(file, record);
}

static size_t put_shape(const struct stream_file *file, uint64_t at, char *text, size_t size) {
    uint64_t rank = stream_file_word(file, at) >> 32;
    size_t length = 0;
    if (rank == 0)
        length = (size_t)snprintf(text, size, "-");
    for (uint64_t d = 0; d < rank; d++) {
        int64_t dim = (int64_t)stream_file_word(file, at + 8 + d * 8);
        const char *times = d ? "x" : "";
        length +=
            (size_t)(dim < 0 ? snprintf(text + length, size - length, "%s?", times)
                             : snprintf(text + length, size - length, "%s%" PRId64, times, dim));
    }
    return length;
}

void stream_record_tensors(const struct stream_file *file, const struct stream_record *record,
                           char shape_text[static STREAM_SHAPES_SIZE],
                           char dtype_text[static STREAM_DTYPES_SIZE]) {
    size_t s = 0, d = 0;
    uint64_t at = record->tensors;
    bool typed = false;
    for (uint32_t i = 0; i < record->tensor_count; i++) {
        uint64_t word = stream_file_word(file, at);
        uint32_t dtype = (uint32_t)word;
        const char *space = i ? " " : "";
        s += (size_t)snprintf(shape_text + s, STREAM_SHAPES_SIZE - s, "%s", space);
        s += put_shape(file, at, shape_text + s, STREAM_SHAPES_SIZE - s);
        d += (size_t)snprintf(dtype_text + d, STREAM_DTYPES_SIZE - d, "%s%s", space,
                              dtype ? dtype_name((enum dtype)dtype) : "-");
        typed |= dtype != 0;
        at += 8 + (word >> 32) * 8;
    }
    shape_text[s] = 0;
    dtype_text[typed ? d : 0] = 0;
}
