/* The collector row of ONNX Runtime: everything happens in a worker. */
#include "collectors/onnxruntime/onnxruntime.h"

#include "collectors/disturbance.h"
#include "collectors/exchange.h"
#include "collectors/onnxruntime/identity.h"
#include "collectors/onnxruntime/locate.h"
#include "collectors/onnxruntime/memory_frame.h"
#include "collectors/onnxruntime/weights.h"

#include <stdlib.h>
#include <string.h>

struct collect_session {
    struct exchange exchange;
    struct scratch scratch; /* for files that the runtime writes */
    struct scratch weights; /* weight files that we made */
    struct disturbance_snapshot before;
};

/* ---- talking to the worker --------------------------------------------------------------------
 */

/* Thresholds fixed, so that memory is comparable between runs: by default malloc moves them with
 * what the program frees. And some builds (1.30 from npm) report to their maker what is run, with
 * a thread and log files in the temporary folder: not from here. */
static const char *const worker_environment[] = {"MALLOC_MMAP_THRESHOLD_=65536",
                                                 "MALLOC_TRIM_THRESHOLD_=65536",
                                                 "ORT_DISABLE_TELEMETRY=1", NULL};

/* A hooked process gives no memory numbers. What the runtime writes down of a run is freed at its
 * end: kept at hand for the next one. */
static const char *const hooked_environment[] = {
    "MALLOC_MMAP_THRESHOLD_=65536", "MALLOC_TRIM_THRESHOLD_=268435456",
    "GLIBC_TUNABLES=glibc.malloc.tcache_count=65535", "ORT_DISABLE_TELEMETRY=1", NULL};

static void end_session(struct collect_session *session, bool at_once) {
    exchange_end(&session->exchange, at_once);
    scratch_close(&session->scratch);
    scratch_close(&session->weights);
}

static int start_located(struct arena *arena, struct collect_session *session,
                         const struct location *location, const char *const *environment,
                         struct err *err) {
    *session = (struct collect_session){.exchange.arena = arena};
    return exchange_open(&session->exchange, "the ONNX Runtime worker", location->worker,
                         environment, err);
}

static int start_worker(struct arena *arena, struct collect_session *session,
                        struct location *location, const char *const *environment,
                        struct err *err) {
    int code = locate(arena, location, err);
    return code ? code : start_located(arena, session, location, environment, err);
}

static const char *profile_path(const struct collect_config *config) {
    return config->profile || !config->hooked ? config->profile : getenv("ASSAY_ORT_PROFILE");
}

static int ask(struct collect_session *session, uint32_t kind, const struct location *location,
               const struct collect_config *config, struct err *err) {
    struct request request = {.library = location->library,
                              .hook = location->hook,
                              .scratch = session->scratch.path,
                              .profile = profile_path(config),
                              .config = *config};
    if (session->weights.path)
        request.config.weights_folder = session->weights.path;
    const struct flat_graph *hooked = config->hooked;
    if (hooked) {
        request.op_count = hooked->count;
        request.ops = ARENA_ARRAY(session->exchange.arena, hooked->count, struct request_op);
        for (uint32_t i = 0; i < hooked->count; i++) {
            const struct op *op = hooked->ops[i].op;
            request.ops[i] =
                (struct request_op){op->name, op->type, identity_of_op(hooked->ops[i].graph, op)};
        }
    }
    return exchange_ask(&session->exchange, kind, &request, err);
}

/* ---- the row ----------------------------------------------------------------------------------
 */

static int ort_version(struct arena *arena, const char **name, const char **version,
                       struct err *err) {
    struct collect_session session;
    struct location location;
    int code = start_worker(arena, &session, &location, worker_environment, err);
    if (code)
        return code;
    code = ask(&session, REQUEST_VERSION, &location, &(struct collect_config){0}, err);
    end_session(&session, code != 0);
    if (code)
        return code;
    if (!session.exchange.text)
        return err_set(err, ERR_BUG, "the ONNX Runtime worker told no version");
    *name = "onnxruntime";
    *version = session.exchange.text;
    return 0;
}

static int ort_available(struct err *err) {
    struct arena arena;
    arena_init(&arena);
    const char *name, *version;
    int code = ort_version(&arena, &name, &version, err);
    arena_done(&arena);
    return code;
}

static int ort_lower(struct arena *arena, const struct collect_config *config,
                     struct graph **lowered, struct err *err) {
    struct collect_session session;
    struct location location;
    int code = start_worker(arena, &session, &location, worker_environment, err);
    if (code)
        return code;
    code = scratch_open(&session.scratch, arena, scratch_base(), err);
    if (!code)
        code = weights_open(&session.weights, arena, config, err);
    if (!code)
        code = ask(&session, REQUEST_LOWER, &location, config, err);
    if (!code && !session.exchange.graph)
        code = err_set(err, ERR_BUG, "the ONNX Runtime worker sent no graph");
    end_session(&session, code != 0);
    *lowered = session.exchange.graph;
    return code;
}

static int ort_open(struct arena *arena, const struct collect_config *config, struct sink *sink,
                    struct collect_session **out, struct err *err) {
    struct collect_session *session = ARENA_NEW(arena, struct collect_session);
    struct location location;
    int code = start_worker(arena, session, &location,
                            config->hooked ? hooked_environment : worker_environment, err);
    if (code)
        return code;
    session->exchange.sink = sink;
    if (profile_path(config))
        code = scratch_open(&session->scratch, arena, scratch_base(), err);
    if (!code)
        code = weights_open(&session->weights, arena, config, err);
    if (!code)
        code = ask(session, REQUEST_OPEN, &location, config, err);
    scratch_close(&session->weights); /* the runtime has mapped or copied them */
    if (!code)
        code = disturbance_snapshot(&session->before, session->exchange.worker.pid, err);
    if (code) {
        end_session(session, true);
        return code;
    }
    *out = session;
    return 0;
}

static int ort_run(struct collect_session *session, uint32_t repeats, struct sink *sink,
                   struct err *err) {
    session->exchange.sink = sink;
    return exchange_ask_number(&session->exchange, REQUEST_RUN, repeats, err);
}

static int ort_disturbance(struct collect_session *session, struct disturbance *out,
                           struct err *err) {
    struct disturbance_snapshot now;
    int code = disturbance_snapshot(&now, session->exchange.worker.pid, err);
    if (code)
        return code;
    disturbance_between(&session->before, &now, out);
    session->before = now;
    return 0;
}

struct looking {
    uint32_t op_count;
    struct memory_use *out;
};

static int take_memory(struct exchange *exchange, uint32_t kind, struct frame_cursor *in,
                       struct err *err) {
    const struct looking *looking = exchange->context;
    if (kind != REPLY_MEMORY)
        return err_set(err, ERR_BUG, "the ONNX Runtime worker sent a frame of kind %u", kind);
    return memory_frame_get(in, exchange->arena, looking->op_count, looking->out, err);
}

static int look_into_memory(struct collect_session *session, const struct location *location,
                            const struct collect_config *config, struct memory_use *out,
                            struct err *err) {
    struct looking looking = {config->hooked->count, out};
    session->exchange.other = take_memory;
    session->exchange.context = &looking;
    int code = weights_open(&session->weights, session->exchange.arena, config, err);
    if (!code)
        code = ask(session, REQUEST_MEMORY, location, config, err);
    if (!code && out->high_water_bytes == 0)
        code = err_set(err, ERR_BUG, "the ONNX Runtime worker sent no account of memory");
    end_session(session, code != 0);
    return code;
}

/* A sanitizer has a malloc of its own, which must come first. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
enum { sanitized = 1 };
#else
enum { sanitized = 0 };
#endif

static int ort_memory(struct arena *arena, const struct collect_config *config,
                      struct memory_use *out, struct err *err) {
    struct collect_session session;
    struct location location;
    *out = (struct memory_use){0};
    int code = locate(arena, &location, err);
    if (code)
        return code;
    if (!location.heap || sanitized)
        return err_set(err, ERR_ENVIRONMENT,
                       sanitized ? "a build with sanitizers cannot look into memory"
                                 : "libassay-heap.so, which looks into memory, is not installed");
    const char *environment[8] = {arena_printf(arena, "LD_PRELOAD=%s", location.heap)};
    memcpy(environment + 1, worker_environment, sizeof worker_environment);
    code = start_located(arena, &session, &location, environment, err);
    return code ? code : look_into_memory(&session, &location, config, out, err);
}

static uint32_t ort_missing_events(const struct collect_session *session,
                                   const char *const **reasons) {
    *reasons = session->exchange.texts;
    return session->exchange.text_count;
}

static int ort_finish(struct collect_session *session, struct sink *sink, struct err *err) {
    session->exchange.sink = sink;
    int code = exchange_ask_number(&session->exchange, REQUEST_FINISH, 0, err);
    end_session(session, code != 0);
    return code;
}

static void ort_abandon(struct collect_session *session) {
    end_session(session, true);
}

const struct collector collector_onnxruntime = {
    .name = "onnxruntime",
    .help = "ONNX models on ONNX Runtime's CPU provider, in a process of their own",
    .format = "onnx",
    .available = ort_available,
    .version = ort_version,
    .lower = ort_lower,
    .open = ort_open,
    .run = ort_run,
    .disturbance = ort_disturbance,
    .memory = ort_memory,
    .missing_events = ort_missing_events,
    .finish = ort_finish,
    .abandon = ort_abandon,
};
