#include "cli/manifest_options.h"

const char *autoscaler_choice(size_t index, const char **help) {
    bool there = index < AUTOSCALER_COUNT;
    *help = there ? autoscaler_help((enum manifest_autoscaler)index) : "";
    return there ? autoscaler_name((enum manifest_autoscaler)index) : NULL;
}

void manifest_options_settings(const struct manifest_options *options, const char *command,
                               struct manifest_settings *settings) {
    *settings = (struct manifest_settings){
        .app = options->app,
        .namespace = options->namespace,
        .image = options->image,
        .server_url = options->server_url,
        .kubernetes = options->kubernetes,
        .command = command,
        .port = (uint32_t)options->port,
        .autoscaler = (enum manifest_autoscaler)options->autoscaler,
    };
}
