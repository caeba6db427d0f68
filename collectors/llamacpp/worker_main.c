/* assay-llama-worker: holds llama.cpp for the program (collectors/serve.h). */
#include "collectors/llamacpp/host.h"
#include "collectors/lowered.h"
#include "collectors/serve.h"

#include <unistd.h>

static int take_request(struct llama_host *host, struct frame_cursor *in, struct err *err) {
    return request_get(in, &host->arena, &host->request, err);
}

static int do_version(struct server *server, struct frame_cursor *in, struct err *err) {
    struct llama_host *host = server->context;
    int code = take_request(host, in, err);
    if (!code)
        code = llama_api_load(&host->api, host->request.library, err);
    if (!code)
        server_send_text(server, llama_api_version(&host->api, &host->arena));
    return code;
}

static int do_lower(struct server *server, struct frame_cursor *in, struct err *err) {
    struct llama_host *host = server->context;
    struct graph *graph;
    int code = take_request(host, in, err);
    if (!code)
        code = llama_host_lower(host, &graph, err);
    if (code)
        return code;
    struct strbuf out;
    strbuf_init(&out);
    lowered_write(graph, &out);
    server_send(server, REPLY_GRAPH, &out);
    strbuf_done(&out);
    return 0;
}

static int do_open(struct server *server, struct frame_cursor *in, struct err *err) {
    struct llama_host *host = server->context;
    struct sink sink = {server_put_sample, server};
    int code = take_request(host, in, err);
    if (!code)
        code = llama_host_open(host, &sink, err);
    if (!code && host->has_counters)
        server_send_missing(server, &host->arena, &host->counters);
    return code;
}

static int do_run(struct server *server, struct frame_cursor *in, struct err *err) {
    struct sink sink = {server_put_sample, server};
    uint32_t repeats = frame_get_u32(in);
    int code = 0;
    for (uint32_t i = 0; !code && i < repeats && !server->broken; i++)
        code = llama_host_run(server->context, &sink, err);
    return code;
}

static int do_finish(struct server *server, struct frame_cursor *in, struct err *err) {
    (void)in;
    struct sink sink = {server_put_sample, server};
    return llama_host_finish(server->context, &sink, err);
}

static const struct server_command commands[] = {
    {REQUEST_VERSION, do_version},
    {REQUEST_LOWER,   do_lower  },
    {REQUEST_OPEN,    do_open   },
    {REQUEST_RUN,     do_run    },
    {REQUEST_FINISH,  do_finish },
};

int main(int argc, char **argv) {
    static struct llama_host host;
    struct server server = {.context = &host,
                            .commands = commands,
                            .command_count = sizeof commands / sizeof *commands};
    llama_host_init(&host, argc > 1 ? argv[1] : NULL);
    /* Without unwinding the runtime, whose threads may be waiting. */
    _exit(serve(&server, "assay-llama-worker"));
}
