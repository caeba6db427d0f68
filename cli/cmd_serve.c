#include "base/term.h"
#include "cli/command.h"
#include "cli/serving_options.h"
#include "server/grpc/grpc.h"
#include "server/http/http.h"
#include "server/routes/routes.h"
#include "server/service/service.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static const uint64_t stop_grace_ns = 5000000000;

struct serve_options {
    struct serving_given serving;
    const char *listen, *grpc, *grpc_client_ca, *auth, *tls_certificate, *tls_key;
    bool insecure_public;
    int64_t connections, connections_per_address, requests_per_connection;
    uint64_t deadline_ns;
};

/* ---- what answers ---------------------------------------------------------------------------- */

struct serving_faces {
    const struct context *context;
    struct http_metrics *http;
    struct grpc_metrics *grpc; /* NULL: not asked for */
};

static void append_metrics(void *given, bool openmetrics, struct strbuf *out) {
    const struct serving_faces *faces = given;
    http_metrics_print(faces->http, openmetrics, out);
    if (faces->grpc)
        grpc_metrics_print(faces->grpc, openmetrics, out);
    process_metrics_print(openmetrics, out);
}

/* Any thread calls it: nothing of the context may be touched but what never changes. */
static void warn(void *faces, const char *text) {
    if (((struct serving_faces *)faces)->context->quiet)
        return;
    struct strbuf line;
    strbuf_init(&line);
    term_escape(text, true, &line);
    fprintf(stderr, "%s\n", line.text);
    strbuf_done(&line);
}

/* ---- starting -------------------------------------------------------------------------------- */

struct listeners {
    struct http_options http;
    struct grpc_options grpc;
    bool with_grpc;
};

static int read_address(const struct serve_options *options, const char *text, const char *option,
                        bool callers_known, struct listen_address *address, struct err *err) {
    if (listen_parse(address, text, err) < 0)
        return err_prefix(err, "%s", option);
    return listen_check_exposure(address, callers_known || options->insecure_public, option, err);
}

static int make_http(struct context *context, const struct serve_options *options,
                     struct http_options *http, struct err *err) {
    http->limits = http_limits_default;
    http->limits.connections = (uint32_t)options->connections;
    http->limits.connections_per_address = (uint32_t)options->connections_per_address;
    http->limits.requests_per_connection = (uint32_t)options->requests_per_connection;
    http->limits.deadline_ns = options->deadline_ns;
    if (read_address(options, options->listen, "--listen", http->auth.required, &http->address,
                     err) < 0)
        return -(int)err->code;
    if (!options->tls_certificate)
        return 0;
    return http_tls_load(context->arena, options->tls_certificate, options->tls_key, &http->tls,
                         err);
}

/* KEDA's external trigger shows a certificate, but cannot send a token: one of both is asked for.
 * It holds a stream per ScaledObject, all on one connection. */
static int make_grpc(const struct serve_options *options, const struct auth *auth,
                     struct grpc_options *grpc, struct err *err) {
    enum { STREAMS_MAX = 1000 };
    bool by_certificate = options->grpc_client_ca != NULL;
    if (by_certificate && !options->tls_certificate)
        return err_set(err, ERR_USAGE, "--grpc-client-ca goes with --tls-cert and --tls-key");
    *grpc = (struct grpc_options){
        .tls = {options->tls_certificate, options->tls_key, options->grpc_client_ca},
        .limits.streams_max = STREAMS_MAX,
    };
    if (!by_certificate)
        grpc->auth = *auth;
    return read_address(options, options->grpc, "--grpc", by_certificate || auth->required,
                        &grpc->address, err);
}

static int make_listeners(struct context *context, const struct serve_options *options,
                          struct listeners *listeners, struct err *err) {
    *listeners = (struct listeners){.with_grpc = options->grpc != NULL};
    if (!options->tls_certificate != !options->tls_key)
        return err_set(err, ERR_USAGE, "--tls-cert and --tls-key are given together or not at all");
    if (options->grpc_client_ca && !options->grpc)
        return err_set(err, ERR_USAGE, "--grpc-client-ca goes with --grpc");
    if (auth_load(&listeners->http.auth, options->auth, err) < 0 ||
        make_http(context, options, &listeners->http, err) < 0)
        return -(int)err->code;
    if (!listeners->with_grpc)
        return 0;
    return make_grpc(options, &listeners->http.auth, &listeners->grpc, err);
}

/* A descriptor for each connection, the ones that close included, and for what else is open. */
static int allow_descriptors(const struct http_options *http, struct err *err) {
    struct rlimit limit;
    rlim_t wanted = 2 * (rlim_t)http->limits.connections + GRPC_CONNECTIONS_MAX + 128;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return 0;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (limit.rlim_cur < wanted || setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        err_set(err, ERR_ENVIRONMENT, "%u connections need %lu file descriptors, %lu are allowed",
                http->limits.connections, (unsigned long)wanted, (unsigned long)limit.rlim_max);
        return err_hint(err, "raise the limit (ulimit -n), or give a lower --max-connections");
    }
    return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Blocked before any thread starts, so that all inherit it and only we take them. */
static void block_stop_signals(sigset_t *signals) {
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static void wait_for_signal(const sigset_t *signals) {
    int received;
    while (sigwait(signals, &received) != 0)
        ;
}

static int start_grpc(struct context *context, const struct listeners *listeners,
                      const struct scaler *scaler, struct grpc_server **server, struct err *err) {
    if (!listeners->with_grpc)
        return 0;
    if (grpc_start(&listeners->grpc, scaler, server, err) < 0)
        return err_prefix(err, "--grpc");
    print_note(context, "gRPC on %s", grpc_address(*server));
    return 0;
}

static int serve(struct context *context, const struct listeners *listeners,
                 const struct scaler *scaler, const sigset_t *signals, struct err *err) {
    struct http_server *http;
    struct grpc_server *grpc = NULL;
    if (start_grpc(context, listeners, scaler, &grpc, err) < 0)
        return -(int)err->code;
    if (http_server_start(&listeners->http, &http, err) < 0) {
        grpc_stop(grpc);
        return -(int)err->code;
    }
    print_note(context, "listening on %s", http_server_url(http));
    wait_for_signal(signals);
    grpc_stop(grpc);
    uint32_t running = http_server_stop(http, stop_grace_ns);
    context->threads_left = running > 0;
    if (running)
        print_note(context, "%u requests did not finish", running);
    return 0;
}

static int serve_answers(struct context *context, struct listeners *listeners,
                         const struct serving_options *given, struct err *err) {
    struct serving_options serving = *given;
    struct serving_faces faces = {context, http_metrics_new(routes),
                                  listeners->with_grpc ? grpc_metrics_new() : NULL};
    struct serving *service = NULL;
    sigset_t signals;
    block_stop_signals(&signals);
    serving.metrics = append_metrics;
    serving.warn = warn;
    serving.context = &faces;
    if (service_open(&serving, &service, err) == 0) {
        const struct scaler scaler = service_scaler(service);
        listeners->http.routes = routes;
        listeners->http.service = service;
        listeners->http.metrics = faces.http;
        listeners->grpc.metrics = faces.grpc;
        serve(context, listeners, &scaler, &signals, err);
    }
    if (context->threads_left)
        return 0;
    service_close(service);
    grpc_metrics_delete(faces.grpc);
    http_metrics_delete(faces.http);
    return -(int)err->code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct serve_options *options = given;
    struct listeners listeners;
    struct serving_options serving;
    const char *db_path = context_db_path(context, err);
    if (!db_path || make_listeners(context, options, &listeners, err) < 0 ||
        allow_descriptors(&listeners.http, err) < 0 ||
        serving_options_make(context->arena, &options->serving, db_path, &serving, err) < 0)
        return -(int)err->code;
    return serve_answers(context, &listeners, &serving, err);
}

static const struct option_row options[] = {
    SERVING_OPTIONS(struct serve_options, serving),
    {.name = "listen",
                                     .type = OPTION_TEXT,
                                     .metavar = "ADDRESS:PORT",
                                     .fallback = "127.0.0.1:9808",
                                     .offset = offsetof(struct serve_options, listen),
                                     .help = "where; [::1]:9808 for IPv6, port 0 picks one"},
    {.name = "grpc",
                                     .type = OPTION_TEXT,
                                     .metavar = "ADDRESS:PORT",
                                     .offset = offsetof(struct serve_options, grpc),
                                     .help = "where KEDA's external scaler is served over gRPC; default not at all"},
    {.name = "grpc-client-ca",
                                     .type = OPTION_TEXT,
                                     .metavar = "FILE",
                                     .offset = offsetof(struct serve_options, grpc_client_ca),
                                     .help = "callers of gRPC show a certificate this one signed (PEM), and no token"},
    {.name = "auth-file",
                                     .type = OPTION_TEXT,
                                     .metavar = "FILE",
                                     .offset = offsetof(struct serve_options, auth),
                                     .help = "the token that clients must show; default $" AUTH_ENVIRONMENT},
    {.name = "insecure-public",
                                     .type = OPTION_FLAG,
                                     .offset = offsetof(struct serve_options, insecure_public),
                                     .help = "serve other machines without a token"},
    {.name = "tls-cert",
                                     .type = OPTION_TEXT,
                                     .metavar = "FILE",
                                     .offset = offsetof(struct serve_options, tls_certificate),
                                     .help = "serve by TLS with this certificate (PEM, may be a chain)"},
    {.name = "tls-key",
                                     .type = OPTION_TEXT,
                                     .metavar = "FILE",
                                     .offset = offsetof(struct serve_options, tls_key),
                                     .help = "the key of the certificate (PEM)"},
    {.name = "max-connections",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "1024",
                                     .min = 1,
                                     .max = 65536,
                                     .offset = offsetof(struct serve_options, connections),
                                     .help = "connections at once"},
    {.name = "max-connections-per-address",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "64",
                                     .min = 1,
                                     .max = 65536,
                                     .offset = offsetof(struct serve_options, connections_per_address),
                                     .help = "of one address; loopback has no such limit"},
    {.name = "max-requests",
                                     .type = OPTION_INT,
                                     .metavar = "N",
                                     .fallback = "1000",
                                     .min = 1,
                                     .max = 1e9,
                                     .offset = offsetof(struct serve_options, requests_per_connection),
                                     .help = "requests on one connection"},
    {.name = "request-deadline",
                                     .type = OPTION_DURATION,
                                     .metavar = "TIME",
                                     .fallback = "9500ms",
                                     .offset = offsetof(struct serve_options, deadline_ns),
                                     .help = "for a client to send a whole request, or to take an answer"},
    {0                                                             },
};

static const struct example examples[] = {
    {"assay serve",                                    "answers on 127.0.0.1:9808"},
    {"assay serve --listen 0.0.0.0:9808 --auth-file token --tls-cert cert.pem --tls-key key.pem",
     "answers other machines, if they know the token"},
    {"assay serve --grpc 127.0.0.1:9809", "answers KEDA's external trigger, too"},
    {0             },
};

const struct command cmd_serve = {
    .name = "serve",
    .summary = "answer over HTTP and gRPC what autoscalers and monitoring ask",
    .description =
        "Serves the answers of the other commands as JSON over HTTP/1.1, metrics for Prometheus at "
        "/metrics, and a description of all paths at /openapi.json, until it is told to stop by "
        "SIGTERM or SIGINT; requests that run then have five seconds to finish. With --grpc, "
        "KEDA's "
        "external scaler is served from the same answers.\n\n"
        "Only this machine is answered unless --listen says otherwise. Any other address needs a "
        "token, from a file or the environment, which clients show as 'Authorization: Bearer "
        "TOKEN' or 'X-API-KEY: TOKEN'; /healthz and /readyz need none.\n\n"
        "A client has to send its request and to take its answer within the deadline, however "
        "steadily it trickles. When there are too many connections, the one that has waited "
        "longest for its client makes room.",
    .examples = examples,
    .options = options,
    .options_size = sizeof(struct serve_options),
    .run = run,
};
