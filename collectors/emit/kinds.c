#include "collectors/emit/emit.h"

#include <stdlib.h>
#include <string.h>

enum { SEGMENT_WORDS = HOOKS_SEGMENT_BYTES / 8 };

/* FNV-1a, 64 bits. */
static uint64_t hash_text(uint64_t hash, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

/* No more than the stream takes, and no broken character at the end. */
static size_t text_length(const char *text) {
    size_t length = strnlen(text, HOOKS_TEXT_MAX + 1);
    if (length <= HOOKS_TEXT_MAX)
        return length;
    length = HOOKS_TEXT_MAX;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

struct asked {
    uint32_t sort;
    const char *name, *category;
    size_t name_length, category_length;
};

static bool is_text(const char *text, const char *asked, size_t length) {
    return memcmp(text, asked, length) == 0 && text[length] == 0;
}

static bool is_kind(const struct kind *kind, const struct asked *asked) {
    return kind->sort == asked->sort && strlen(kind->name) == asked->name_length &&
           is_text(kind->name, asked->name, asked->name_length) &&
           strlen(kind->category) == asked->category_length &&
           is_text(kind->category, asked->category, asked->category_length);
}

/* Takes no lock: a kind never changes once it is in its bucket. */
static const struct kind *find(uint64_t hash, const struct asked *asked) {
    const struct kind *kind = atomic_load(&emit.buckets[hash % BUCKETS]);
    while (kind && !is_kind(kind, asked))
        kind = kind->bucket_next;
    return kind;
}

/* ---- into the stream ------------------------------------------------------------------------- */

static bool room_for(struct lane *lane, size_t words) {
    if (lane->segment && lane->at + words <= lane->segment + SEGMENT_WORDS)
        return true;
    uint64_t *segment = stream_segment(lane);
    if (!segment)
        return false;
    stream_unmap(lane->segment);
    lane_use(lane, segment);
    return true;
}

static bool write_kind(const struct kind *kind) {
    struct lane *lane = &emit.kinds_lane;
    size_t bytes = strlen(kind->name) + strlen(kind->category) + 2, words = 1 + (bytes + 7) / 8;
    if (!room_for(lane, words))
        return false;
    uint64_t *at = lane->at;
    memcpy(at + 1, kind->name, bytes);
    lane->at += words;
    publish(at, hooks_kind_word(kind->number, (uint32_t)words, kind->sort));
    return true;
}

void kinds_rewrite(void) {
    emit.kind_count = 0;
    emit.last_kind = NULL;
    for (struct kind *kind = emit.first_kind; kind; kind = atomic_load(&kind->younger)) {
        write_kind(kind);
        emit.last_kind = kind;
        emit.kind_count = kind->number;
    }
}

/* ---- new ones -------------------------------------------------------------------------------- */

static struct kind *make_kind(const struct asked *asked) {
    struct kind *kind = malloc(sizeof *kind + asked->name_length + asked->category_length + 2);
    if (!kind)
        return NULL;
    char *name = (char *)(kind + 1), *category = name + asked->name_length + 1;
    memcpy(name, asked->name, asked->name_length);
    memcpy(category, asked->category, asked->category_length);
    name[asked->name_length] = category[asked->category_length] = 0;
    *kind = (struct kind){.sort = asked->sort, .name = name, .category = category};
    kind->number = emit.kind_count + 1;
    return kind;
}

static void list_kind(struct kind *kind, _Atomic(struct kind *) *bucket) {
    if (emit.last_kind)
        atomic_store(&emit.last_kind->younger, kind);
    else
        emit.first_kind = kind;
    emit.last_kind = kind;
    emit.kind_count = kind->number;
    kind->bucket_next = atomic_load(bucket);
    atomic_store(bucket, kind);
}

static uint32_t add(uint64_t hash, const struct asked *asked) {
    if (!atomic_load(&emit.page->recording) && !stream_open())
        return 0;
    const struct kind *known = find(hash, asked);
    if (known)
        return known->number;
    struct kind *kind = emit.kind_count < KINDS_MAX ? make_kind(asked) : NULL;
    if (!kind)
        return 0;
    if (!write_kind(kind)) {
        free(kind); /* its texts are in the same memory */
        return 0;
    }
    list_kind(kind, &emit.buckets[hash % BUCKETS]);
    return kind->number;
}

uint32_t kind_number(enum assay_hooks_sort sort, const char *name, const char *category) {
    if (!emit.page || atomic_load(&emit.failed))
        return 0;
    struct asked asked = {(uint32_t)sort & 0xff, name ? name : "", category ? category : "hooks", 0,
                          0};
    asked.name_length = text_length(asked.name);
    asked.category_length = text_length(asked.category);
    uint64_t hash = hash_text(0xcbf29ce484222325u + asked.sort, asked.name, asked.name_length);
    hash = hash_text(hash, asked.category, asked.category_length);
    const struct kind *known = find(hash, &asked);
    if (known && atomic_load(&emit.page->recording))
        return known->number;
    stream_lock();
    uint32_t number = add(hash, &asked);
    stream_unlock();
    return number;
}
