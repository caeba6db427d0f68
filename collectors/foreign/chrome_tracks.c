#include "collectors/foreign/chrome_tracks.h"

#include "base/arena.h"
#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEYS_BYTES = 4 << 20,
    TEXTS_BYTES = 4 << 20,
    BEGUN_MAX = 64 << 10,
    SEARCH_MAX = 1024, /* begun spans of one track that an end is looked for among */
    NONE = UINT32_MAX,
};

struct track {
    char *name;
    bool used, queue;
    uint32_t begun; /* the last one, NONE */
};

struct begun {
    uint64_t id;
    int64_t start_ns;
    uint64_t correlation;
    enum span_kind kind;
    uint32_t name, category, shapes, dtypes; /* of texts; NONE: NULL */
    uint32_t before;                         /* on the same track, or of the free ones */
};

struct chrome_tracks {
    struct arena arena;
    struct intern *keys, *texts;
    struct track *items;
    uint32_t count, capacity;
    struct begun *begun;
    uint32_t begun_count, begun_capacity, free;
    uint64_t open_spans;
};

int chrome_tracks_open(struct chrome_tracks **out, struct err *err) {
    struct chrome_tracks *t = calloc(1, sizeof *t);
    *out = t;
    if (t) {
        arena_init(&t->arena);
        t->free = NONE;
        t->keys = intern_open(KEYS_BYTES);
        t->texts = intern_open(TEXTS_BYTES);
    }
    if (t && t->keys && t->texts)
        return 0;
    chrome_tracks_close(t);
    *out = NULL;
    return err_set(err, ERR_ENVIRONMENT, "out of memory");
}

void chrome_tracks_close(struct chrome_tracks *t) {
    if (!t)
        return;
    intern_close(t->keys);
    intern_close(t->texts);
    arena_done(&t->arena);
    free(t);
}

/* Puts the text and its NUL there; its length. */
static size_t put(char *to, const char *text) {
    size_t length = strlen(text);
    memcpy(to, text, length + 1);
    return length;
}

/* A process has no NUL behind it, so that no thread is it. */
uint32_t chrome_track(struct chrome_tracks *t, const char *pid, const char *tid) {
    char key[2 * CHROME_WORD_BYTES + 2];
    size_t length = put(key, pid);
    if (tid)
        length += 1 + put(key + length + 1, tid);
    uint32_t number = intern(t->keys, key, length);
    if (number == INTERN_FULL)
        return NONE;
    if (number == t->count)
        *ARENA_PUSH(&t->arena, t->items, t->count, t->capacity) = (struct track){.begun = NONE};
    return number;
}

void chrome_track_use(struct chrome_tracks *t, uint32_t track, bool queue) {
    t->items[track].used = true;
    t->items[track].queue |= queue;
}

void chrome_track_name(struct chrome_tracks *t, uint32_t track, const char *name) {
    if (track != NONE && !t->items[track].name && *name)
        t->items[track].name = arena_strdup(&t->arena, name);
}

/* ---- spans that began ------------------------------------------------------------------------ */

static uint32_t keep(struct chrome_tracks *t, const char *text) {
    return text ? intern(t->texts, text, strlen(text)) : NONE;
}

static const char *kept(const struct chrome_tracks *t, uint32_t number) {
    return number == NONE ? NULL : intern_key(t->texts, number);
}

static uint32_t take_place(struct chrome_tracks *t) {
    uint32_t place = t->free;
    if (place != NONE) {
        t->free = t->begun[place].before;
        return place;
    }
    if (t->begun_count == BEGUN_MAX)
        return NONE;
    ARENA_PUSH(&t->arena, t->begun, t->begun_count, t->begun_capacity);
    return t->begun_count - 1;
}

bool chrome_track_begin(struct chrome_tracks *t, uint32_t track, uint64_t id,
                        const struct span *span) {
    uint32_t place = take_place(t);
    if (place == NONE)
        return false;
    t->begun[place] = (struct begun){
        .id = id,
        .start_ns = span->start_ns,
        .correlation = span->correlation,
        .kind = span->kind,
        .name = keep(t, span->name),
        .category = keep(t, span->category),
        .shapes = keep(t, span->shapes),
        .dtypes = keep(t, span->dtypes),
        .before = t->items[track].begun,
    };
    t->items[track].begun = place;
    t->open_spans++;
    return true;
}

bool chrome_track_end(struct chrome_tracks *t, uint32_t track, uint64_t id, struct span *span) {
    uint32_t *link = &t->items[track].begun;
    for (int i = 0; i < SEARCH_MAX && *link != NONE && t->begun[*link].id != id; i++)
        link = &t->begun[*link].before;
    if (*link == NONE || t->begun[*link].id != id)
        return false;
    uint32_t place = *link;
    struct begun *begun = &t->begun[place];
    *span = (struct span){
        .name = kept(t, begun->name),
        .category = kept(t, begun->category),
        .kind = begun->kind,
        .track = track,
        .start_ns = begun->start_ns,
        .shapes = kept(t, begun->shapes),
        .dtypes = kept(t, begun->dtypes),
        .correlation = begun->correlation,
    };
    *link = begun->before;
    begun->before = t->free;
    t->free = place;
    t->open_spans--;
    return true;
}

uint64_t chrome_tracks_open_spans(const struct chrome_tracks *t) {
    return t->open_spans;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* "python: main" of process and thread; of what has no name its number. */
static const char *full_name(struct chrome_tracks *t, uint32_t number, struct arena *arena) {
    const char *pid = intern_key(t->keys, number), *tid = pid + strlen(pid) + 1;
    uint32_t process = intern_find(t->keys, pid, strlen(pid));
    const char *of_process = process == INTERN_FULL ? NULL : t->items[process].name;
    const char *of_thread = t->items[number].name ? t->items[number].name : tid;
    if (!of_process)
        of_process = pid;
    return *of_process && *of_thread ? arena_printf(arena, "%s: %s", of_process, of_thread)
                                     : arena_printf(arena, "%s%s", of_process, of_thread);
}

int chrome_tracks_tell(struct chrome_tracks *t, struct span_sink *sink, struct err *err) {
    int code = 0;
    for (uint32_t i = 0; i < t->count && code == 0; i++) {
        if (!t->items[i].used || !sink->track)
            continue;
        struct arena scratch;
        arena_init(&scratch);
        code = sink->track(sink->context, i, t->items[i].queue ? TRACK_QUEUE : TRACK_THREAD,
                           full_name(t, i, &scratch), err);
        arena_done(&scratch);
    }
    return code;
}
