#include "collectors/serve.h"

#include "collectors/perf_rights.h"

#include <fcntl.h>
#include <stdio.h>

enum { BATCH_BYTES = 4 << 20 };

void server_send(struct server *server, uint32_t kind, const struct strbuf *payload) {
    if (!frame_send(WORKER_REPLIES, kind, payload->text, payload->length))
        server->broken = true;
}

static void flush(struct server *server) {
    if (server->batch.length)
        server_send(server, REPLY_SAMPLES, &server->batch);
    server->batch.length = 0;
}

void server_put_sample(void *context, const struct sample *sample) {
    struct server *server = context;
    frame_put(&server->batch, sample, sizeof *sample);
    if (server->batch.length >= BATCH_BYTES)
        flush(server);
}

void server_send_text(struct server *server, const char *text) {
    struct strbuf out;
    strbuf_init(&out);
    frame_put_text(&out, text);
    server_send(server, REPLY_TEXT, &out);
    strbuf_done(&out);
}

/* Said beside the events that did not open: half of those that did is missing. */
static const char *kernel_side_missing(struct arena *arena) {
    struct perf_rights rights;
    char reason[256];
    perf_rights_find(&rights);
    perf_rights_reason(&rights, reason, sizeof reason);
    return arena_printf(arena, "the kernel's side of the events: %s", reason);
}

void server_send_missing(struct server *server, struct arena *arena,
                         const struct counters *counters) {
    for (uint32_t i = 0; i < counters->missing_count; i++)
        server_send_text(server, arena_printf(arena, "%s: %s", counters->missing[i].name,
                                              counters->missing[i].reason));
    if (counters->user_only)
        server_send_text(server, kernel_side_missing(arena));
    if (counters->threads_missing)
        server_send_text(server, arena_printf(arena, "%u of the runtime's threads: %s",
                                              counters->threads_missing, counters->threads_reason));
}

static int dispatch(struct server *server, uint32_t kind, struct frame_cursor *in,
                    struct err *err) {
    for (size_t i = 0; i < server->command_count; i++)
        if (server->commands[i].kind == kind)
            return server->commands[i].run(server, in, err);
    return err_set(err, ERR_BUG, "the worker knows no command %u", kind);
}

static void answer(struct server *server, uint32_t kind, const struct strbuf *payload) {
    struct err err = {0};
    struct frame_cursor in = {(const unsigned char *)payload->text, payload->length, false};
    int code = dispatch(server, kind, &in, &err);
    flush(server);
    if (code)
        worker_reply_failed(WORKER_REPLIES, &err);
    else
        frame_send(WORKER_REPLIES, WORKER_DONE, NULL, 0);
}

int serve(struct server *server, const char *name) {
    if (fcntl(WORKER_COMMANDS, F_GETFD) < 0 || fcntl(WORKER_REPLIES, F_GETFD) < 0) {
        fprintf(stderr, "%s is started by assay; it is of no use alone\n", name);
        return ERR_USAGE;
    }
    struct strbuf payload;
    uint32_t kind;
    strbuf_init(&payload);
    strbuf_init(&server->batch);
    while (!server->broken && frame_receive(WORKER_COMMANDS, &kind, &payload))
        answer(server, kind, &payload);
    strbuf_done(&payload);
    strbuf_done(&server->batch);
    return 0;
}
