#include "base/file.h"
#include "server/http/http.h"

static int load(struct arena *arena, const char *path, const char **text, struct err *err) {
    struct file_map map;
    if (file_map_open(&map, path, err) < 0)
        return -(int)err->code;
    *text = arena_strndup(arena, (const char *)map.bytes, map.size);
    file_map_close(&map);
    return 0;
}

int http_tls_load(struct arena *arena, const char *certificate_path, const char *key_path,
                  struct http_tls *tls, struct err *err) {
    if (load(arena, certificate_path, &tls->certificate, err) < 0)
        return -(int)err->code;
    return load(arena, key_path, &tls->key, err);
}
