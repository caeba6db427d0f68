#include "collectors/onnxruntime/lower.h"

#include "collectors/onnxruntime/capture.h"

#include <fcntl.h>
#include <unistd.h>

#define WEIGHTS_NAME "lowered.weights"

/* Weights of 64 KiB and more go to a file of their own, which is /dev/null. */
static int send_weights_away(struct host *host, struct ort_options *options, struct err *err) {
    static const char *const entries[][2] = {
        {"session.optimized_model_external_initializers_file_name",         WEIGHTS_NAME},
        {"session.optimized_model_external_initializers_min_size_in_bytes", "65536"     },
    };
    int code = 0;
    for (size_t i = 0; !code && i < sizeof entries / sizeof entries[0]; i++)
        code = api_check(&host->api,
                         host->api.AddSessionConfigEntry(options, entries[i][0], entries[i][1]),
                         ERR_ENVIRONMENT, entries[i][0], err);
    return code;
}

static int save_optimised(struct host *host, const char *path, bool whole, struct err *err) {
    const struct api *api = &host->api;
    const char *model = host->request.config.model_path;
    struct ort_options *options;
    int code = host_make_options(host, ORT_LEVEL_ALL, &options, err);
    if (code)
        return code;
    code =
        api_check(api, api->SetOptimizedModelFilePath(options, path), ERR_ENVIRONMENT, path, err);
    /* Nothing is run, so nothing need be packed for running. */
    if (!code)
        code =
            api_check(api, api->AddSessionConfigEntry(options, "session.disable_prepacking", "1"),
                      ERR_ENVIRONMENT, "session.disable_prepacking", err);
    if (!code && !whole)
        code = send_weights_away(host, options, err);
    if (!code)
        code = host_give_weights(host, options, err);
    if (!code)
        code = api_check(api, api->CreateSession(host->env, model, options, &host->session),
                         ERR_INPUT, model, err);
    api->ReleaseSessionOptions(options);
    if (host->session)
        api->ReleaseSession(host->session);
    host->session = NULL;
    return code;
}

struct showing {
    struct host *host;
    struct strbuf *out;
    struct err *err;
    bool captured;
    int code;
};

/* Subgraphs are shown before the graph around them, which contains them: they are passed over. */
static const char *on_graph(void *context, const struct ort_graph *graph) {
    struct showing *showing = context;
    const struct api *api = &showing->host->api;
    const struct ort_node *parent = NULL;
    struct ort_status *status = api->Graph_GetParentNode(graph, &parent);
    if (status)
        api->ReleaseStatus(status);
    if (parent || showing->captured)
        return NULL;
    showing->captured = true;
    showing->code = capture_graph(api, &showing->host->arena, graph, showing->out, showing->err);
    return "the graph has been seen";
}

static int show_saved(struct host *host, const char *path, struct strbuf *out, struct err *err) {
    struct showing showing = {host, out, err, false, 0};
    struct ort_options *options;
    int code = host_make_options(host, ORT_LEVEL_NONE, &options, err);
    if (code)
        return code;
    host->link.context = &showing;
    host->link.graph = on_graph;
    code = host_append_hook(host, options, err);
    struct ort_status *status = NULL;
    if (!code)
        status = host->api.CreateSession(host->env, path, options, &host->session);
    host->api.ReleaseSessionOptions(options);
    if (showing.captured && status) {
        host->api.ReleaseStatus(status);
        status = NULL;
    }
    code = api_check(&host->api, status, ERR_INPUT, "opening the optimised model", err);
    if (!code && !showing.captured)
        code = err_set(err, ERR_ENVIRONMENT, "ONNX Runtime did not show the optimised graph");
    return code ? code : showing.code;
}

/* The runtime wants the weights of the saved model to be in a file beside it, which it does not
 * read: an empty one will do. */
static int put_empty_file(const char *path, struct err *err) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make %s", path);
    close(fd);
    return 0;
}

/* Without its weights first. Models whose subgraphs hold weights come out invalid then (an
 * initializer twice, seen with 1.30): they are saved whole. */
static int lower_saved(struct host *host, bool whole, struct strbuf *out, struct err *err) {
    const char *scratch = host->request.scratch;
    const char *path = arena_printf(&host->arena, "%s/lowered.onnx", scratch);
    const char *weights = arena_printf(&host->arena, "%s/" WEIGHTS_NAME, scratch);
    unlink(path);
    unlink(weights);
    if (!whole && symlink("/dev/null", weights))
        return err_set_errno(err, ERR_ENVIRONMENT, "cannot make %s", weights);
    int code = save_optimised(host, path, whole, err);
    if (!code && !whole)
        code = put_empty_file(weights, err);
    return code ? code : show_saved(host, path, out, err);
}

int lower_in_host(struct host *host, struct strbuf *out, struct err *err) {
    int code = host_load(host, err);
    if (code)
        return code;
    if (host->api.version < API_VERSION_GRAPH)
        return err_set(err, ERR_ENVIRONMENT,
                       "ONNX Runtime %s cannot show its optimised graph: 1.%d or newer can",
                       host->api.version_string, API_VERSION_GRAPH);
    struct err first = {0};
    size_t length = out->length;
    if (lower_saved(host, false, out, &first) == 0)
        return 0;
    out->length = length;
    return lower_saved(host, true, out, err);
}
