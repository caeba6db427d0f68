/* What the objects share: metadata, the selector, the Deployment as a target. */
#include "reports/manifest_parts.h"

static void put_labels(struct manifest_page *page) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_map(yaml, "labels");
    yaml_text(yaml, "app.kubernetes.io/name", page->settings->app);
    yaml_text(yaml, "app.kubernetes.io/component", "model-server");
    yaml_text(yaml, "app.kubernetes.io/managed-by", "assay");
    yaml_end(yaml);
}

static void begin(struct manifest_page *page, const char *api_version, const char *kind,
                  const char *name, const char *namespace) {
    struct yaml_writer *yaml = &page->yaml;
    yaml_text(yaml, "apiVersion", api_version);
    yaml_text(yaml, "kind", kind);
    yaml_map(yaml, "metadata");
    yaml_text(yaml, "name", name);
    if (namespace)
        yaml_text(yaml, "namespace", namespace);
    put_labels(page);
    yaml_map(yaml, "annotations");
    yaml_text(yaml, "assay/model", page->input->model);
    yaml_text(yaml, "assay/model-sha256", page->input->model_sha256);
    yaml_end(yaml);
    yaml_end(yaml);
}

void manifest_begin(struct manifest_page *page, const char *api_version, const char *kind) {
    begin(page, api_version, kind, page->settings->app, page->settings->namespace);
}

void manifest_begin_of_cluster(struct manifest_page *page, const char *api_version,
                               const char *kind, const char *name) {
    begin(page, api_version, kind, name, NULL);
}

void manifest_selector(struct manifest_page *page, const char *key) {
    yaml_map(&page->yaml, key);
    yaml_text(&page->yaml, "app.kubernetes.io/name", page->settings->app);
    yaml_end(&page->yaml);
}

void manifest_target(struct manifest_page *page, const char *key) {
    yaml_map(&page->yaml, key);
    yaml_text(&page->yaml, "apiVersion", "apps/v1");
    yaml_text(&page->yaml, "kind", "Deployment");
    yaml_text(&page->yaml, "name", page->settings->app);
    yaml_end(&page->yaml);
}
