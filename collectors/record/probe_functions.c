#include "collectors/record/probe_functions.h"

#include "base/file.h"
#include "collectors/record/elf_symbols.h"
#include "collectors/record/probe_program.h"
#include "collectors/record/readable_name.h"
#include "collectors/record/torch_names.h"
#include "collectors/record/torch_schema.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* A function of the file that was wished for. */
struct match {
    uint64_t offset;
    const char *symbol; /* in the file */
    const struct probe_wish *wish;
    uint32_t rank; /* among the foremost of the wish; behind them all others */
};

enum { WISHES_MAX = 16 };

struct search {
    struct arena *arena;
    const struct probe_wish *wishes[WISHES_MAX]; /* those of this library */
    uint32_t wish_count;
    struct match *matches;
    uint32_t count, capacity;
    struct probe_places *out;
};

/* Where every exception of C++ and every forced unwinding begins (Itanium C++ ABI, 1.3). */
static bool begins_unwinding(const char *symbol) {
    static const char *const names[] = {"_Unwind_RaiseException", "_Unwind_ForcedUnwind",
                                        "_Unwind_Resume_or_Rethrow"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(symbol, names[i]) == 0)
            return true;
    return false;
}

static void add_guard(struct probe_places *out, uint64_t offset) {
    for (uint32_t i = 0; i < out->guard_count; i++)
        if (out->guards[i] == offset)
            return;
    if (out->guard_count < PROBE_GUARDS_MAX)
        out->guards[out->guard_count++] = offset;
}

static bool wished(const struct search *search, const struct probe_wish *wish, const char *symbol) {
    if (fnmatch(wish->symbol, symbol, 0) == 0)
        return true;
    return !wish->torch && strncmp(symbol, "_Z", 2) == 0 &&
           fnmatch(wish->symbol, readable_name(search->arena, symbol), 0) == 0;
}

static uint32_t rank_of(struct arena *arena, const struct probe_wish *wish, const char *symbol) {
    const char *name = wish->foremost ? readable_name(arena, symbol) : "";
    uint32_t rank = 0;
    while (wish->foremost && wish->foremost[rank] && strcmp(wish->foremost[rank], name) != 0)
        rank++;
    return rank;
}

static void look_at(void *context, const struct elf_function *function) {
    struct search *search = context;
    if (begins_unwinding(function->name))
        add_guard(search->out, function->offset_bytes);
    for (uint32_t i = 0; i < search->wish_count; i++) {
        if (!wished(search, search->wishes[i], function->name))
            continue;
        *ARENA_PUSH(search->arena, search->matches, search->count, search->capacity) =
            (struct match){function->offset_bytes, function->name, search->wishes[i],
                           rank_of(search->arena, search->wishes[i], function->name)};
        return;
    }
}

static int by_offset(const void *a, const void *b) {
    const struct match *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int by_rank(const void *a, const void *b) {
    const struct match *x = a, *y = b;
    return x->rank < y->rank ? -1 : x->rank > y->rank ? 1 : by_offset(a, b);
}

/* Each place once, whatever names it has. */
static void drop_repeated(struct search *search) {
    uint32_t kept = 0;
    if (search->count)
        qsort(search->matches, search->count, sizeof *search->matches, by_offset);
    for (uint32_t i = 0; i < search->count; i++)
        if (kept == 0 || search->matches[i].offset != search->matches[kept - 1].offset)
            search->matches[kept++] = search->matches[i];
    search->count = kept;
    if (kept)
        qsort(search->matches, kept, sizeof *search->matches, by_rank);
}

/* Linux, arch/x86/kernel/uprobes.c: nop of any length, push of a register, call, jmp, jcc. */
static bool is_emulated(const unsigned char *code, uint64_t left) {
    if (left < 4)
        return false;
    const unsigned char *at = code[0] == 0x41 ? code + 1 : code;
    bool push = (at[0] & 0xf8) == 0x50;
    bool nop = code[0] == 0x90 || (code[0] == 0x0f && code[1] == 0x1f) ||
               (code[0] == 0x66 && code[1] == 0x0f && code[2] == 0x1f);
    return push || nop || code[0] == 0xe8 || code[0] == 0xe9 || code[0] == 0xeb;
}

static void add_function(struct probe_functions *functions, const struct match *match,
                         const struct file_map *map, struct torch_names **names,
                         struct probe_places *out) {
    struct arena *arena = functions->arena;
    const char *name = readable_name(arena, match->symbol), *schema = NULL;
    if (match->wish->torch) {
        if (!*names)
            *names = torch_names_find(arena, map->bytes, map->size);
        name = torch_name(arena, *names, name, &schema);
    }
    out->offsets[out->count] = match->offset;
    uint32_t tensors = schema ? torch_schema_tensors(schema) : 0;
    out->cookies[out->count] = probe_cookie(functions->count, tensors);
    out->return_cookies[out->count] = out->cookies[out->count] | PROBE_RETURNS;
    out->count++;
    *ARENA_PUSH(arena, functions->items, functions->count, functions->capacity) =
        (struct probe_function){
            .name = name,
            .wish = match->wish,
            .tensors = (uint32_t)__builtin_popcount(tensors),
            .emulated = is_emulated(map->bytes + match->offset, map->size - match->offset),
        };
}

static void take(struct probe_functions *functions, struct search *search,
                 const struct file_map *map) {
    struct torch_names *names = NULL;
    struct probe_places *out = search->out;
    drop_repeated(search);
    out->offsets = ARENA_ARRAY(functions->arena, search->count + 1u, uint64_t);
    out->cookies = ARENA_ARRAY(functions->arena, search->count + 1u, uint64_t);
    out->return_cookies = ARENA_ARRAY(functions->arena, search->count + 1u, uint64_t);
    for (uint32_t i = 0; i < search->count; i++)
        add_function(functions, &search->matches[i], map, &names, out);
}

/* Patterns with a slash are of whole paths. */
static bool is_library(const struct probe_wish *wish, const char *path) {
    const char *slash = strrchr(path, '/');
    bool whole = strchr(wish->library, '/') || !slash;
    return fnmatch(wish->library, whole ? path : slash + 1, 0) == 0;
}

static void choose_wishes(struct search *search, const char *path, const struct probe_wish *wishes,
                          uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (search->wish_count < WISHES_MAX && is_library(&wishes[i], path))
            search->wishes[search->wish_count++] = &wishes[i];
}

int probe_functions_find(struct probe_functions *functions, const char *name, const char *path,
                         const struct probe_wish *wishes, uint32_t wish_count,
                         struct probe_places *out, struct err *err) {
    *out = (struct probe_places){0};
    struct file_map map;
    struct arena scratch; /* of names that were tried */
    struct search search = {.arena = &scratch, .out = out};
    int code = file_map_open(&map, path, err);
    if (code)
        return code;
    arena_init(&scratch);
    choose_wishes(&search, name, wishes, wish_count);
    code = elf_functions(map.bytes, map.size, name, look_at, &search, err);
    if (code == 0)
        take(functions, &search, &map);
    arena_done(&scratch);
    file_map_close(&map);
    return code;
}
