/* assay-worker: holds ONNX Runtime for the program. Commands come in at WORKER_COMMANDS, replies
 * go out at WORKER_REPLIES (collectors/worker.h, collectors/onnxruntime/request.h). */
#include "collectors/onnxruntime/host.h"
#include "collectors/onnxruntime/lower.h"
#include "collectors/perf_rights.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_BYTES = 4 << 20 };

struct server {
    struct host host;
    struct strbuf batch; /* samples not sent yet */
    bool broken;         /* the program is gone */
};

/* ---- samples ----------------------------------------------------------------------------------
 */

static void flush(struct server *server) {
    if (server->batch.length == 0)
        return;
    if (!frame_send(WORKER_REPLIES, REPLY_SAMPLES, server->batch.text, server->batch.length))
        server->broken = true;
    server->batch.length = 0;
}

static void put_sample(void *context, const struct sample *sample) {
    struct server *server = context;
    frame_put(&server->batch, sample, sizeof *sample);
    if (server->batch.length >= BATCH_BYTES)
        flush(server);
}

static bool send_text(const char *text) {
    struct strbuf out;
    strbuf_init(&out);
    frame_put_text(&out, text);
    bool sent = frame_send(WORKER_REPLIES, REPLY_TEXT, out.text, out.length);
    strbuf_done(&out);
    return sent;
}

/* ---- commands ---------------------------------------------------------------------------------
 */

static int do_version(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = &server->host;
    int code = request_get(in, &host->arena, &host->request, err);
    if (!code)
        code = api_load(&host->api, host->request.library, err);
    if (!code)
        send_text(host->api.version_string);
    return code;
}

static int do_lower(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = &server->host;
    int code = request_get(in, &host->arena, &host->request, err);
    if (code)
        return code;
    struct strbuf graph;
    strbuf_init(&graph);
    code = lower_in_host(host, &graph, err);
    if (!code && !frame_send(WORKER_REPLIES, REPLY_GRAPH, graph.text, graph.length))
        server->broken = true;
    strbuf_done(&graph);
    return code;
}

/* Said beside the events that did not open: half of those that did is missing. */
static const char *kernel_side_missing(struct arena *arena) {
    struct perf_rights rights;
    char reason[256];
    perf_rights_find(&rights);
    perf_rights_reason(&rights, reason, sizeof reason);
    return arena_printf(arena, "the kernel's side of the events: %s", reason);
}

static int do_open(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = &server->host;
    int code = request_get(in, &host->arena, &host->request, err);
    struct sink sink = {put_sample, server};
    if (!code)
        code = host_open(host, &sink, err);
    for (uint32_t i = 0; !code && host->has_counters && i < host->counters.missing_count; i++)
        send_text(arena_printf(&host->arena, "%s: %s", host->counters.missing[i].name,
                               host->counters.missing[i].reason));
    if (!code && host->has_counters && host->counters.user_only)
        send_text(kernel_side_missing(&host->arena));
    if (!code && host->counters.threads_missing)
        send_text(arena_printf(&host->arena, "%u of the runtime's threads: %s",
                               host->counters.threads_missing, host->counters.threads_reason));
    if (!code && host->brackets.identity.unknown)
        send_text(arena_printf(&host->arena,
                               "%u operators ran that the lowered graph does not have",
                               host->brackets.identity.unknown));
    return code;
}

static int do_run(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = &server->host;
    struct sink sink = {put_sample, server};
    uint32_t repeats = frame_get_u32(in);
    int code = 0;
    /* What is seen goes out after the last run: the reader woken by it would take the CPU. */
    for (uint32_t i = 0; !code && i < repeats && !server->broken; i++)
        code = host_run(host, 1, &sink, err);
    return code;
}

static int do_finish(struct server *server, struct frame_cursor *in, struct err *err) {
    (void)in;
    struct sink sink = {put_sample, server};
    return host_finish(&server->host, &sink, err);
}

static const struct command {
    uint32_t kind;
    int (*run)(struct server *server, struct frame_cursor *in, struct err *err);
} commands[] = {
    {REQUEST_VERSION, do_version},
    {REQUEST_LOWER,   do_lower  },
    {REQUEST_OPEN,    do_open   },
    {REQUEST_RUN,     do_run    },
    {REQUEST_FINISH,  do_finish },
};

static int dispatch(struct server *server, uint32_t kind, struct frame_cursor *in,
                    struct err *err) {
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].kind == kind)
            return commands[i].run(server, in, err);
    return err_set(err, ERR_BUG, "the worker knows no command %u", kind);
}

static void serve(struct server *server) {
    struct strbuf payload;
    strbuf_init(&payload);
    uint32_t kind;
    while (!server->broken && frame_receive(WORKER_COMMANDS, &kind, &payload)) {
        struct err err = {0};
        struct frame_cursor in = {(const unsigned char *)payload.text, payload.length, false};
        int code = dispatch(server, kind, &in, &err);
        flush(server);
        if (code)
            worker_reply_failed(WORKER_REPLIES, &err);
        else
            frame_send(WORKER_REPLIES, WORKER_DONE, NULL, 0);
    }
}

int main(int argc, char **argv) {
    static struct server server;
    host_init(&server.host, argc > 1 ? argv[1] : NULL);
    if (fcntl(WORKER_COMMANDS, F_GETFD) < 0 || fcntl(WORKER_REPLIES, F_GETFD) < 0) {
        fputs("assay-worker is started by assay; it is of no use alone\n", stderr);
        return ERR_USAGE;
    }
    strbuf_init(&server.batch);
    serve(&server);
    /* Without unwinding the runtime: it would write the profile out and free gigabytes first. */
    _exit(0);
}
