/* assay-worker: holds ONNX Runtime for the program (collectors/serve.h). */
#include "collectors/onnxruntime/host.h"
#include "collectors/onnxruntime/lower.h"
#include "collectors/onnxruntime/memory_pass.h"
#include "collectors/serve.h"

#include <unistd.h>

static int take_request(struct host *host, struct frame_cursor *in, struct err *err) {
    return request_get(in, &host->arena, &host->request, err);
}

static int do_version(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = server->context;
    int code = take_request(host, in, err);
    if (!code)
        code = api_load(&host->api, host->request.library, err);
    if (!code)
        server_send_text(server, host->api.version_string);
    return code;
}

static int do_lower(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = server->context;
    int code = take_request(host, in, err);
    if (code)
        return code;
    struct strbuf graph;
    strbuf_init(&graph);
    code = lower_in_host(host, &graph, err);
    if (!code)
        server_send(server, REPLY_GRAPH, &graph);
    strbuf_done(&graph);
    return code;
}

static int do_open(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = server->context;
    int code = take_request(host, in, err);
    struct sink sink = {server_put_sample, server};
    if (!code)
        code = host_open(host, &sink, err);
    if (!code && host->has_counters)
        server_send_missing(server, &host->arena, &host->counters);
    if (!code && host->brackets.identity.unknown)
        server_send_text(server,
                         arena_printf(&host->arena,
                                      "%u operators ran that the lowered graph does not have",
                                      host->brackets.identity.unknown));
    return code;
}

static int do_run(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = server->context;
    struct sink sink = {server_put_sample, server};
    uint32_t repeats = frame_get_u32(in);
    int code = 0;
    /* What is seen goes out after the last run: the reader woken by it would take the CPU. */
    for (uint32_t i = 0; !code && i < repeats && !server->broken; i++)
        code = host_run(host, 1, &sink, err);
    return code;
}

static int do_memory(struct server *server, struct frame_cursor *in, struct err *err) {
    struct host *host = server->context;
    int code = take_request(host, in, err);
    if (code)
        return code;
    struct strbuf memory;
    strbuf_init(&memory);
    code = host_look_into_memory(host, &memory, err);
    if (!code)
        server_send(server, REPLY_MEMORY, &memory);
    strbuf_done(&memory);
    return code;
}

static int do_finish(struct server *server, struct frame_cursor *in, struct err *err) {
    (void)in;
    struct sink sink = {server_put_sample, server};
    return host_finish(server->context, &sink, err);
}

static const struct server_command commands[] = {
    {REQUEST_VERSION, do_version},
    {REQUEST_LOWER,   do_lower  },
    {REQUEST_OPEN,    do_open   },
    {REQUEST_RUN,     do_run    },
    {REQUEST_FINISH,  do_finish },
    {REQUEST_MEMORY,  do_memory },
};

int main(int argc, char **argv) {
    static struct host host;
    struct server server = {.context = &host,
                            .commands = commands,
                            .command_count = sizeof commands / sizeof *commands};
    host_init(&host, argc > 1 ? argv[1] : NULL);
    int code = serve(&server, "assay-worker");
    /* Without unwinding the runtime: it would write the profile out and free gigabytes first. */
    _exit(code);
}
