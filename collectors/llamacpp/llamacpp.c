/* The collector row of llama.cpp: everything happens in a worker. */
#include "collectors/llamacpp/llamacpp.h"

#include "collectors/disturbance.h"
#include "collectors/exchange.h"
#include "collectors/llamacpp/locate.h"

struct collect_session {
    struct exchange exchange;
    struct disturbance_snapshot before;
};

static const char *const worker_environment[] = {"MALLOC_MMAP_THRESHOLD_=65536",
                                                 "MALLOC_TRIM_THRESHOLD_=65536", NULL};

static int start(struct arena *arena, struct exchange *exchange, struct llama_location *location,
                 struct err *err) {
    *exchange = (struct exchange){.arena = arena};
    int code = llama_locate(arena, location, err);
    return code ? code
                : exchange_open(exchange, "the llama.cpp worker", location->worker,
                                worker_environment, err);
}

static int send(struct exchange *exchange, uint32_t kind, const struct llama_location *location,
                const struct collect_config *config, struct err *err) {
    struct request request = {.library = location->library, .config = *config};
    const struct flat_graph *hooked = config->hooked;
    request.op_count = hooked ? hooked->count : 0;
    request.ops = ARENA_ARRAY(exchange->arena, request.op_count, struct request_op);
    for (uint32_t i = 0; i < request.op_count; i++)
        request.ops[i] = (struct request_op){hooked->ops[i].op->name, hooked->ops[i].op->type, i};
    return exchange_ask(exchange, kind, &request, err);
}

static int llama_version(struct arena *arena, const char **name, const char **version,
                         struct err *err) {
    struct exchange exchange;
    struct llama_location location;
    int code = start(arena, &exchange, &location, err);
    if (code)
        return code;
    code = send(&exchange, REQUEST_VERSION, &location, &(struct collect_config){0}, err);
    exchange_end(&exchange, code != 0);
    if (!code && !exchange.text)
        code = err_set(err, ERR_BUG, "the llama.cpp worker told no version");
    *name = "llama.cpp";
    *version = exchange.text;
    return code;
}

static int llama_available(struct err *err) {
    struct arena arena;
    arena_init(&arena);
    const char *name, *version;
    int code = llama_version(&arena, &name, &version, err);
    arena_done(&arena);
    return code;
}

static int llama_lower(struct arena *arena, const struct collect_config *config,
                       struct graph **lowered, struct err *err) {
    struct exchange exchange;
    struct llama_location location;
    int code = start(arena, &exchange, &location, err);
    if (code)
        return code;
    code = send(&exchange, REQUEST_LOWER, &location, config, err);
    if (!code && !exchange.graph)
        code = err_set(err, ERR_BUG, "the llama.cpp worker sent no graph");
    exchange_end(&exchange, code != 0);
    *lowered = exchange.graph;
    return code;
}

static int llama_open(struct arena *arena, const struct collect_config *config, struct sink *sink,
                      struct collect_session **out, struct err *err) {
    struct collect_session *session = ARENA_NEW(arena, struct collect_session);
    struct llama_location location;
    int code = start(arena, &session->exchange, &location, err);
    if (code)
        return code;
    session->exchange.sink = sink;
    code = send(&session->exchange, REQUEST_OPEN, &location, config, err);
    if (!code)
        code = disturbance_snapshot(&session->before, session->exchange.worker.pid, err);
    if (code)
        exchange_end(&session->exchange, true);
    else
        *out = session;
    return code;
}

static int llama_run(struct collect_session *session, uint32_t repeats, struct sink *sink,
                     struct err *err) {
    session->exchange.sink = sink;
    return exchange_ask_number(&session->exchange, REQUEST_RUN, repeats, err);
}

static int llama_disturbance(struct collect_session *session, struct disturbance *out,
                             struct err *err) {
    struct disturbance_snapshot now;
    int code = disturbance_snapshot(&now, session->exchange.worker.pid, err);
    if (code)
        return code;
    disturbance_between(&session->before, &now, out);
    session->before = now;
    return 0;
}

static uint32_t llama_missing_events(const struct collect_session *session,
                                     const char *const **reasons) {
    *reasons = session->exchange.texts;
    return session->exchange.text_count;
}

static int llama_finish(struct collect_session *session, struct sink *sink, struct err *err) {
    session->exchange.sink = sink;
    int code = exchange_ask_number(&session->exchange, REQUEST_FINISH, 0, err);
    exchange_end(&session->exchange, code != 0);
    return code;
}

static void llama_abandon(struct collect_session *session) {
    exchange_end(&session->exchange, true);
}

const struct collector collector_llamacpp = {
    .name = "llamacpp",
    .help = "GGUF models on llama.cpp's CPU backend, in a process of their own",
    .format = "gguf",
    .available = llama_available,
    .version = llama_version,
    .lower = llama_lower,
    .open = llama_open,
    .run = llama_run,
    .disturbance = llama_disturbance,
    .missing_events = llama_missing_events,
    .finish = llama_finish,
    .abandon = llama_abandon,
};
