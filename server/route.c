#include "server/route.h"

#include <stdlib.h>
#include <string.h>

static const char *find(const struct http_field *fields, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    return NULL;
}

const char *request_captured(const struct http_request *request, const char *name) {
    return find(request->captured, request->captured_count, name);
}

const char *request_query(const struct http_request *request, const char *name) {
    return find(request->query, request->query_count, name);
}

double request_number(const struct http_request *request, const char *name, double fallback) {
    const char *text = request_query(request, name);
    return text ? strtod(text, NULL) : fallback;
}
