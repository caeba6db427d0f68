#include "reports/manifest.h"

#include "reports/manifest_name.h"
#include "reports/manifest_parts.h"

#include <string.h>

/* ---- the files --------------------------------------------------------------------------------
 */

/* An int32 in Kubernetes, less the head-room. */
enum { REPLICAS_MAX = 1900000000 };

static bool wants_keda(const struct manifest_page *page) {
    return page->settings->autoscaler == AUTOSCALER_KEDA;
}

static bool wants_hpa(const struct manifest_page *page) {
    return page->settings->autoscaler == AUTOSCALER_HPA;
}

static const struct manifest_file {
    const char *path;
    void (*write)(struct manifest_page *page);
    bool (*wanted)(const struct manifest_page *page); /* NULL: always */
    bool is_resource;                                 /* listed in kustomization.yaml */
} files[] = {
    {"deployment.yaml",       manifest_deployment,    NULL,                        true },
    {"service.yaml",          manifest_service,       NULL,                        true },
    {"scaledobject.yaml",     manifest_scaled_object, wants_keda,                  true },
    {"hpa.yaml",              manifest_hpa,           wants_hpa,                   true },
    {"vpa.yaml",              manifest_vpa,           NULL,                        true },
    {"prometheusrule.yaml",   manifest_rule_object,   NULL,                        true },
    {"nodepool.yaml",         manifest_node_pools,    manifest_nodes_are_labelled, false},
    {"kustomization.yaml",    manifest_kustomization, NULL,                        false},
    {"prometheus/rules.yaml", manifest_rule_file,     NULL,                        false},
};

enum { FILE_COUNT = sizeof files / sizeof *files };

const char *manifest_path(uint32_t index) {
    return index < FILE_COUNT ? files[index].path : NULL;
}

static bool is_wanted(const struct manifest_file *file, const struct manifest_page *page) {
    return !file->wanted || file->wanted(page);
}

void manifest_kustomization(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_text(yaml, "apiVersion", "kustomize.config.k8s.io/v1beta1");
    yaml_text(yaml, "kind", "Kustomization");
    yaml_comment(yaml, "Take out what your cluster has no definition for.");
    yaml_list(yaml, "resources");
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (files[i].is_resource && is_wanted(&files[i], page))
            yaml_item_text(yaml, files[i].path);
    yaml_end(yaml);
}

/* ---- autoscalers ------------------------------------------------------------------------------
 */

static const struct {
    const char *name, *help;
} autoscalers[] = {
    [AUTOSCALER_KEDA] = {"keda", "KEDA asks assay serve and has a fallback"         },
    [AUTOSCALER_HPA] = {"hpa",  "a HorizontalPodAutoscaler on an external metric"  },
    [AUTOSCALER_NONE] = {"none", "the planned number of replicas, whatever the load"},
};
_Static_assert(sizeof autoscalers / sizeof *autoscalers == AUTOSCALER_COUNT, "a row each");

const char *autoscaler_name(enum manifest_autoscaler autoscaler) {
    return autoscalers[autoscaler].name;
}

const char *autoscaler_help(enum manifest_autoscaler autoscaler) {
    return autoscalers[autoscaler].help;
}

/* ---- what is asked for ------------------------------------------------------------------------
 */

static bool is_image(const char *text) {
    static const char inner[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@-";
    return *text && strspn(text, inner) == strlen(text);
}

static bool is_server_url(const char *text) {
    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return false;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("\"'\\`?#", *c))
            return false;
    size_t length = strlen(text);
    return text[length - 1] != '/';
}

static int check_settings(const struct manifest_settings *settings, struct err *err) {
    if (!is_service_name(settings->app, MANIFEST_NAME_MAX))
        return err_set(
            err, ERR_USAGE,
            "'%s' is no name for an app: expected up to %d of a-z, 0-9 and -, a letter first",
            settings->app, MANIFEST_NAME_MAX);
    if (settings->namespace && !is_dns_label(settings->namespace, DNS_LABEL_MAX))
        return err_set(err, ERR_USAGE, "'%s' is no namespace: expected up to %d of a-z, 0-9 and -",
                       settings->namespace, DNS_LABEL_MAX);
    if (!is_image(settings->image))
        return err_set(err, ERR_USAGE, "'%s' is no image: expected REGISTRY/NAME:TAG",
                       settings->image);
    if (!is_server_url(settings->server_url))
        return err_set(err, ERR_USAGE,
                       "'%s' is no server: expected http://HOST:PORT without a slash",
                       settings->server_url);
    if (kubernetes_minor(settings->kubernetes) < KUBERNETES_MINOR_LEAST)
        return err_set(err, ERR_USAGE, "'%s' is no version of Kubernetes: expected 1.23 or newer",
                       settings->kubernetes);
    return 0;
}

static int check_labels(const struct manifest_node *node, struct err *err) {
    for (uint32_t i = 0; i < node->label_count; i++)
        if (!is_label_value(node->labels[i].value))
            return err_set(err, ERR_INPUT,
                           "node type %s: '%s' is no value of a label in Kubernetes", node->name,
                           node->labels[i].value);
    return 0;
}

static int check_input(const struct manifest_input *input, const struct manifest_settings *settings,
                       struct err *err) {
    if (settings->autoscaler == AUTOSCALER_HPA && !is_label_value(input->model))
        return err_hint(
            (err_set(err, ERR_INPUT,
                     "the model's name '%s' cannot be asked for by an HPA: it is no value "
                     "of a label",
                     input->model),
             err),
            "call it something else with --name, or take --autoscaler keda");
    if (!(input->memory_bytes > 0) || input->replicas == 0 || input->replicas > REPLICAS_MAX)
        return err_set(err, ERR_INPUT,
                       "%s: manifests need predicted memory and from 1 to %d planned replicas",
                       input->model, REPLICAS_MAX);
    for (uint32_t i = 0; i < input->node_count; i++)
        if (check_labels(&input->nodes[i], err))
            return -(int)err->code;
    return 0;
}

static void add_notes(struct arena *arena, const struct manifest_page *page, bool given_image,
                      struct manifests *out) {
    const char **notes = ARENA_ARRAY(arena, 3, const char *);
    if (!given_image)
        notes[out->note_count++] =
            arena_printf(arena, "%s is to be replaced: --image names yours", page->settings->image);
    if (!page->input->routing_as_service)
        notes[out->note_count++] = arena_printf(
            arena, "a Service does not route %s, which the plan is for", page->input->routing);
    if (page->numbers.shortfall && page->settings->autoscaler != AUTOSCALER_NONE)
        notes[out->note_count++] = arena_printf(
            arena,
            "%llu replicas are added to the maximum, because an HPA before Kubernetes 1.35 ignores "
            "10 %%; --kubernetes 1.35 does without",
            (unsigned long long)page->numbers.shortfall);
    out->notes = notes;
}

static void write_files(struct arena *arena, const struct manifest_page *page,
                        struct manifests *out) {
    out->files = ARENA_ARRAY(arena, FILE_COUNT, struct manifest_text);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if (!is_wanted(&files[i], page))
            continue;
        struct manifest_text *file = &out->files[out->count++];
        struct manifest_page copy = *page;
        file->path = files[i].path;
        strbuf_init(&file->text);
        copy.yaml = (struct yaml_writer){.arena = arena, .out = &file->text};
        manifest_evidence(&copy);
        files[i].write(&copy);
    }
}

int manifests_make(struct arena *arena, const struct manifest_input *input,
                   const struct manifest_settings *settings, struct manifests *out,
                   struct err *err) {
    *out = (struct manifests){0};
    struct manifest_settings complete = *settings;
    struct manifest_page page = {.arena = arena, .input = input, .settings = &complete};
    if (!complete.app)
        complete.app = service_name_of(arena, input->model);
    if (!complete.image)
        complete.image = arena_printf(arena, "registry.example.com/%s:REPLACE", complete.app);
    if (check_settings(&complete, err) || check_input(input, &complete, err))
        return -(int)err->code;
    manifest_numbers_of(input, &complete, &page.numbers);
    out->app = complete.app;
    add_notes(arena, &page, settings->image != NULL, out);
    write_files(arena, &page, out);
    return 0;
}

void manifests_done(struct manifests *manifests) {
    for (uint32_t i = 0; i < manifests->count; i++)
        strbuf_done(&manifests->files[i].text);
    *manifests = (struct manifests){0};
}
