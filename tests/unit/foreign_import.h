/* A text or file read by the importers into a recording. */
#ifndef ASSAY_TEST_FOREIGN_IMPORT_H
#define ASSAY_TEST_FOREIGN_IMPORT_H

#include "collectors/foreign/foreign.h"
#include "collectors/recorder.h"
#include "tests/unit/temporary_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct foreign_import {
    struct arena arena;
    struct err err;
    const struct foreign_format *format;
    struct foreign_outcome outcome;
    struct recording recording;
};

static inline int foreign_import_setup(void **state) {
    struct foreign_import *t = calloc(1, sizeof *t);
    arena_init(&t->arena);
    *state = t;
    return t ? 0 : -1;
}

static inline int foreign_import_teardown(void **state) {
    struct foreign_import *t = *state;
    arena_done(&t->arena);
    free(t);
    return 0;
}

/* `name` NULL: by content. */
static inline int foreign_import_file(struct foreign_import *t, const char *path,
                                      const char *name) {
    struct foreign_request request = {.path = path, .arena = &t->arena};
    struct recorder *recorder;
    memset(&t->err, 0, sizeof t->err);
    assert_int_equal(recorder_open(&recorder, 0, &t->err), 0);
    struct span_sink sink = recorder_sink(recorder);
    int code = foreign_read(&request, name, &sink, &t->format, &t->outcome, &t->err);
    if (code == 0)
        code = recorder_finish(recorder, &t->arena, &t->recording, &t->err);
    recorder_close(recorder);
    return code;
}

static inline int foreign_import_bytes(struct foreign_import *t, const void *bytes, size_t length,
                                       const char *name) {
    struct temporary_file file;
    temporary_file_write(&file, bytes, length);
    int code = foreign_import_file(t, file.path, name);
    unlink(file.path);
    return code;
}

static inline void foreign_import_text(struct foreign_import *t, const char *text) {
    if (foreign_import_bytes(t, text, strlen(text), NULL) != 0)
        fail_msg("%s\n%s", t->err.message, text);
}

/* Every word of `words` ("a|b") must stand in the message. */
static inline void foreign_import_refused(struct foreign_import *t, int code, const char *words) {
    char copy[256];
    if (code == 0)
        fail_msg("accepted, expected: %s", words);
    assert_int_equal(code, -ERR_INPUT);
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
        if (!strstr(t->err.message, word))
            fail_msg("'%s' is not in: %s", word, t->err.message);
}

static inline const struct recording_node *foreign_import_node(const struct foreign_import *t,
                                                               const char *name) {
    for (uint32_t i = 0; i < t->recording.node_count; i++)
        if (strcmp(t->recording.nodes[i].name, name) == 0)
            return &t->recording.nodes[i];
    fail_msg("there is no node %s", name);
    return NULL;
}

#endif
