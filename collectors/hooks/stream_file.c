#include "collectors/hooks/stream_file.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT_BYTES_MIN = 2048,
    SEGMENT_BYTES_MAX = 1 << 28,
    HEADER_BYTES_MAX = 1 << 24,
};

int stream_file_refuse(const struct stream_file *file, uint64_t offset, const char *what,
                       struct err *err) {
    return err_set(err, ERR_INPUT, "%s: at byte %" PRIu64 ": %s", file->path, offset, what);
}

uint64_t stream_file_word(const struct stream_file *file, uint64_t offset) {
    uint64_t word;
    memcpy(&word, file->bytes + offset, sizeof word);
    return word;
}

/* ---- header -----------------------------------------------------------------------------------
 */

static bool is_size(uint32_t bytes, uint32_t least, uint32_t most) {
    return bytes >= least && bytes <= most && bytes % 8 == 0;
}

static int read_clock(struct stream_file *file, struct err *err) {
    const struct hooks_header *header = &file->header;
    if (header->clock < HOOKS_CLOCK_MONOTONIC || header->clock > HOOKS_CLOCK_CNTVCT ||
        header->last_at > 1)
        return stream_file_refuse(file, offsetof(struct hooks_header, clock), "an unknown clock",
                                  err);
    const struct hooks_sync *first = &header->first, *last = &header->last[header->last_at];
    if (last->ticks <= first->ticks || last->monotonic_ns <= first->monotonic_ns ||
        last->monotonic_ns > INT64_MAX / 4)
        return stream_file_refuse(file, offsetof(struct hooks_header, first),
                                  "the two clocks were not compared", err);
    file->ns_per_tick =
        (double)(last->monotonic_ns - first->monotonic_ns) / (double)(last->ticks - first->ticks);
    return 0;
}

static int read_header(struct stream_file *file, struct err *err) {
    struct hooks_header *header = &file->header;
    if (file->size < 8 || memcmp(file->bytes, HOOKS_MAGIC, 8) != 0)
        return err_set(err, ERR_INPUT, "%s: is no stream of hooks", file->path);
    if (file->size < sizeof *header)
        return err_set(err, ERR_INPUT, "%s: ends within the header", file->path);
    memcpy(header, file->bytes, sizeof *header);
    if (header->version != HOOKS_VERSION) {
        err_set(err, ERR_INPUT, "%s: is version %" PRIu32 " of the format, this program knows %d",
                file->path, header->version, HOOKS_VERSION);
        return err_hint(err, "the library that wrote it is of another release of assay");
    }
    if (!is_size(header->header_bytes, sizeof *header, HEADER_BYTES_MAX) ||
        !is_size(header->segment_bytes, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX))
        return stream_file_refuse(file, offsetof(struct hooks_header, header_bytes),
                                  "no sizes of a header and segments", err);
    if (header->counter_count > HOOKS_COUNTERS_MAX)
        return stream_file_refuse(file, offsetof(struct hooks_header, counter_count),
                                  "too many counters", err);
    header->program[sizeof header->program - 1] = 0;
    header->missing[sizeof header->missing - 1] = 0;
    for (uint32_t i = 0; i < HOOKS_COUNTERS_MAX; i++)
        header->counters[i][HOOKS_COUNTER_NAME_SIZE - 1] = 0;
    return read_clock(file, err);
}

int stream_file_ns(const struct stream_file *file, uint64_t ticks, uint64_t offset, int64_t *ns,
                   struct err *err) {
    const struct hooks_sync *first = &file->header.first;
    double since = (double)(int64_t)(ticks - first->ticks) * file->ns_per_tick;
    if (!(fabs(since) < (double)(INT64_MAX / 4)))
        return stream_file_refuse(file, offset, "a time out of range", err);
    *ns = (int64_t)first->monotonic_ns + llround(since);
    return 0;
}

/* ---- segments ---------------------------------------------------------------------------------
 */

static int compare_segments(const void *left, const void *right) {
    const struct stream_segment *a = left, *b = right;
    if (a->lane != b->lane)
        return a->lane < b->lane ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int check_order(const struct stream_file *file, struct err *err) {
    for (uint64_t i = 0; i < file->segment_count; i++) {
        const struct stream_segment *here = &file->segments[i];
        bool first = i == 0 || here[-1].lane != here->lane;
        if (here->number != (first ? 0 : here[-1].number + 1))
            return stream_file_refuse(file, here->offset,
                                      "a segment that is missing or there twice", err);
    }
    return 0;
}

/* The last one may be cut short when the file was copied while it was written. */
static int find_segments(struct stream_file *file, struct err *err) {
    uint64_t size = file->header.segment_bytes, at = file->header.header_bytes;
    uint64_t most = file->size > at ? (file->size - at) / size + 1 : 0;
    file->segments = ARENA_ARRAY(file->arena, most, struct stream_segment);
    for (; at + 16 <= file->size; at += size) {
        struct hooks_segment head;
        memcpy(&head, file->bytes + at, sizeof head);
        if (head.lane > 0)
            file->segments[file->segment_count++] =
                (struct stream_segment){head.lane - 1, head.number, at};
    }
    if (file->segment_count > 0)
        qsort(file->segments, file->segment_count, sizeof *file->segments, compare_segments);
    return check_order(file, err);
}

uint64_t stream_file_segments(const struct stream_file *file, uint64_t first) {
    uint64_t count = 1;
    while (first + count < file->segment_count &&
           file->segments[first + count].lane == file->segments[first].lane)
        count++;
    return count;
}

struct stream_words stream_file_lane(const struct stream_file *file, uint64_t first) {
    return (struct stream_words){file, &file->segments[first], stream_file_segments(file, first), 0,
                                 0};
}

bool stream_words_next(struct stream_words *words) {
    while (words->at + 8 > words->end || stream_file_word(words->file, words->at) == 0) {
        if (words->left == 0)
            return false;
        uint64_t start = words->place->offset;
        uint64_t end = start + words->file->header.segment_bytes;
        words->at = start + sizeof(struct hooks_segment);
        words->end = end < words->file->size ? end : words->file->size & ~(uint64_t)7;
        words->place++;
        words->left--;
    }
    return true;
}

/* ---- kinds ------------------------------------------------------------------------------------
 */

const char *stream_file_text(struct arena *arena, const char *text) {
    char *copy = NULL;
    for (size_t i = 0, length; text[i]; i += length) {
        length = utf8_length((const unsigned char *)text + i);
        if (length > 0 && (unsigned char)text[i] >= 0x20 && text[i] != 0x7f)
            continue;
        if (!copy)
            text = copy = arena_strdup(arena, text);
        copy[i] = '?';
        length = 1;
    }
    return text;
}

static int read_kind(struct stream_file *file, struct stream_words *words, struct err *err) {
    uint64_t word = stream_file_word(file, words->at), count = word >> 32 & 0xffff;
    uint32_t sort = (uint32_t)(word >> 48) & 0xff;
    if (count < 2 || count * 8 > words->end - words->at || sort >= SPAN_KIND_COUNT)
        return stream_file_refuse(file, words->at, "no kind", err);
    if ((uint32_t)word != file->kind_count + 1)
        return stream_file_refuse(file, words->at, "a kind out of turn", err);
    const char *name = (const char *)file->bytes + words->at + 8;
    size_t bytes = (size_t)(count - 1) * 8, length = strnlen(name, bytes);
    if (length == bytes || strnlen(name + length + 1, bytes - length - 1) == bytes - length - 1)
        return stream_file_refuse(file, words->at + 8, "a text without an end", err);
    struct stream_kind *kind =
        ARENA_PUSH(file->arena, file->kinds, file->kind_count, file->kind_capacity);
    kind->sort = (enum span_kind)sort;
    kind->name = stream_file_text(file->arena, name);
    kind->category = stream_file_text(file->arena, name + length + 1);
    words->at += count * 8;
    return 0;
}

static int read_kinds(struct stream_file *file, struct err *err) {
    if (file->segment_count == 0 || file->segments[0].lane != HOOKS_LANE_KINDS)
        return 0;
    struct stream_words words = stream_file_lane(file, 0);
    int code = 0;
    while (!code && stream_words_next(&words))
        code = read_kind(file, &words, err);
    return code;
}

const struct stream_kind *stream_file_kind(const struct stream_file *file, uint32_t number) {
    static const struct stream_kind unnamed = {SPAN_OTHER, "unnamed", "hooks"};
    return number > 0 ? &file->kinds[number - 1] : &unnamed;
}

int stream_file_open(struct stream_file *file, struct err *err) {
    int code = read_header(file, err);
    if (!code)
        code = find_segments(file, err);
    return code ? code : read_kinds(file, err);
}
