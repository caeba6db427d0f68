#include "cli/load_options.h"

#include "core/plan.h"

const char *routing_choice(size_t index, const char **help) {
    const struct routing_info *info =
        index < ROUTING_COUNT ? routing_info((enum routing)index) : NULL;
    *help = info ? info->help : "";
    return info ? info->name : NULL;
}
