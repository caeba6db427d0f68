/* The options of `assay plan --manifests`. */
#ifndef ASSAY_CLI_MANIFEST_OPTIONS_H
#define ASSAY_CLI_MANIFEST_OPTIONS_H

#include "cli/option.h"
#include "reports/manifest.h"

struct manifest_options {
    const char *folder; /* NULL: none are written */
    const char *app, *namespace, *image, *server_url, *kubernetes;
    int64_t port;
    int autoscaler; /* enum manifest_autoscaler */
};

/* The words that --autoscaler may be. */
const char *autoscaler_choice(size_t index, const char **help);

/* clang-format off */
#define MANIFEST_OPTIONS(owner, field)                                                             \
    {.name = "manifests", .type = OPTION_TEXT, .metavar = "PATH",                                  \
     .offset = offsetof(owner, field.folder),                                                      \
     .help = "write Kubernetes manifests of the plan into this folder"},                           \
    {.name = "app", .type = OPTION_TEXT, .metavar = "NAME",                                        \
     .offset = offsetof(owner, field.app),                                                         \
     .help = "what the objects are called; default from the model's name"},                        \
    {.name = "image", .type = OPTION_TEXT, .metavar = "IMAGE",                                     \
     .offset = offsetof(owner, field.image), .help = "the model server's image"},                  \
    {.name = "port", .type = OPTION_INT, .metavar = "N", .fallback = "8080",                       \
     .min = 1, .max = 65535, .offset = offsetof(owner, field.port),                                \
     .help = "the model server's port"},                                                           \
    {.name = "namespace", .type = OPTION_TEXT, .metavar = "NAME",                                  \
     .offset = offsetof(owner, field.namespace),                                                   \
     .help = "of the objects; default what kubectl uses"},                                         \
    {.name = "autoscaler", .type = OPTION_CHOICE, .metavar = "NAME", .fallback = "keda",           \
     .choice = autoscaler_choice, .offset = offsetof(owner, field.autoscaler),                     \
     .help = "who changes the number of replicas"},                                                \
    {.name = "server-url", .type = OPTION_TEXT, .metavar = "URL",                                  \
     .fallback = "http://assay.assay.svc:9808", .offset = offsetof(owner, field.server_url),       \
     .help = "where assay serve answers in the cluster"},                                          \
    {.name = "kubernetes", .type = OPTION_TEXT, .metavar = "VERSION", .fallback = "1.29",          \
     .offset = offsetof(owner, field.kubernetes),                                                  \
     .help = "the oldest cluster they are for; from 1.35 on no head-room for the HPA is needed"}
/* clang-format on */

/* `command` is what makes the files again. */
void manifest_options_settings(const struct manifest_options *options, const char *command,
                               struct manifest_settings *settings);

#endif
