#include "jobs/import.h"

#include "base/sha256.h"
#include "collectors/recorder.h"
#include "db/recording.h"
#include "jobs/import_nsight.h"

#include <string.h>

/* Of the file, and of those that decide what is read out of it. */
static int hash_files(struct arena *arena, const struct import_request *request, const char **hash,
                      struct err *err) {
    const char *const paths[] = {request->path, request->companion, request->mapping};
    char hex[SHA256_HEX_SIZE];
    const char *all = "";
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!paths[i])
            continue;
        if (sha256_file(paths[i], hex, err) < 0)
            return -(int)err->code;
        all = arena_printf(arena, "%s%s", all, hex);
    }
    if (strlen(all) + 1 > SHA256_HEX_SIZE) {
        sha256_hex(all, strlen(all), hex);
        all = arena_strdup(arena, hex);
    }
    *hash = all;
    return 0;
}

static int read_into(struct arena *arena, struct recorder *recorder,
                     const struct import_request *request, struct imported *out, struct err *err) {
    struct foreign_request foreign = {
        .path = request->path,
        .companion = request->companion,
        .mapping = request->mapping,
        .arena = arena,
        .progress = request->progress,
    };
    struct span_sink sink = recorder_sink(recorder);
    /* Only tables have mappings. */
    const char *format = !request->format && request->mapping ? "table" : request->format;
    int code;
    if (import_is_nsight(request->path, format)) {
        out->format = &import_nsight;
        out->outcome.complete = true;
        code = import_nsight.read(&foreign, NULL, &sink, &out->outcome, err);
    } else {
        code = foreign_read(&foreign, format, &sink, &out->format, &out->outcome, err);
    }
    return code ? code : recorder_finish(recorder, arena, &out->recording, err);
}

static int read_file(struct arena *arena, const struct import_request *request,
                     struct imported *out, struct err *err) {
    struct recorder *recorder;
    if (recorder_open(&recorder, 0, err) < 0)
        return -(int)err->code;
    int code = read_into(arena, recorder, request, out, err);
    recorder_close(recorder);
    if (code)
        return code;
    out->recording.format = out->format->name;
    out->recording.path = request->path;
    out->recording.events = out->outcome.events;
    out->recording.complete = out->outcome.complete;
    out->recording.whole_bytes = out->outcome.whole_bytes;
    return hash_files(arena, request, &out->recording.sha256, err);
}

/* What was asked for with --from may hold nothing of the kind. */
static int refuse_nothing(const struct imported *imported, struct err *err) {
    const struct recording *r = &imported->recording;
    if (r->events || r->node_count || r->sample_count)
        return 0;
    return err_set(err, ERR_INPUT, "%s: holds nothing of the format %s", r->path, r->format);
}

int import_file(struct arena *arena, struct db *db, const struct import_request *request,
                struct imported *out, struct err *err) {
    *out = (struct imported){0};
    if (read_file(arena, request, out, err) < 0 || refuse_nothing(out, err) < 0)
        return -(int)err->code;
    struct stored_recording stored = {.machine = "", .recording = out->recording};
    return db ? db_put_recording(db, &stored, &out->id, &out->fresh, err) : 0;
}
