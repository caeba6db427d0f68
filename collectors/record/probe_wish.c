#include "collectors/record/probe_wish.h"

#include <stdlib.h>
#include <string.h>

const struct probe_wish probe_wishes[] = {
    {"torch",             "operators of PyTorch: at::_ops in libtorch_cpu", "libtorch_cpu.so*",
     "_ZN2at4_ops*4callE*", "aten", SPAN_OPERATOR, true},
    {0},
};

/* The kernel tells of files by the paths that links lead to. */
static const char *true_path(struct arena *arena, const char *library) {
    char *path = strchr(library, '/') ? realpath(library, NULL) : NULL;
    const char *copy = path ? arena_strdup(arena, path) : library;
    free(path);
    return copy;
}

int probe_wish_parse(struct arena *arena, const char *text, struct probe_wish *out,
                     struct err *err) {
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || !colon[1]) {
        err_set(err, ERR_USAGE, "'%s' does not name functions of a library", text);
        return err_hint(err, "LIBRARY:SYMBOL, with * where anything may stand: "
                             "'libggml*.so*:ggml_compute_*'");
    }
    *out = (struct probe_wish){
        .name = text,
        .help = "",
        .library = true_path(arena, arena_strndup(arena, text, (size_t)(colon - text))),
        .symbol = arena_strdup(arena, colon + 1),
        .category = "probe",
        .kind = SPAN_OPERATOR,
    };
    return 0;
}
