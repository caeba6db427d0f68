#include "server/metric_head.h"

#include <string.h>

void metric_head(struct strbuf *out, bool openmetrics, const char *name, const char *type,
                 const char *help) {
    size_t length = strlen(name);
    if (openmetrics && strcmp(type, "counter") == 0)
        length -= strlen("_total");
    strbuf_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)length, name, help, (int)length,
                  name, type);
}
