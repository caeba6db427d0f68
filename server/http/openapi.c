#include "server/http/openapi.h"

#include "base/json.h"
#include "server/http/match.h"

#include <ctype.h>
#include <string.h>

static const char *const types[] = {
    [PARAMETER_TEXT] = "string",
    [PARAMETER_NUMBER] = "number",
    [PARAMETER_INTEGER] = "integer",
};

static void add_reference(cJSON *parent, const char *key, const char *target) {
    json_add_text(json_add_object(parent, key), "$ref", target);
}

/* ---- parameters ----------------------------------------------------------------------------- */

static void add_parameter(cJSON *parameters, const struct route_parameter *row, bool in_path) {
    cJSON *parameter = json_add_object(parameters, NULL);
    json_add_text(parameter, "name", row->name);
    json_add_text(parameter, "in", in_path ? "path" : "query");
    json_add_bool(parameter, "required", in_path || row->required);
    if (row->help)
        json_add_text(parameter, "description", row->help);
    cJSON *schema = json_add_object(parameter, "schema");
    json_add_text(schema, "type", types[row->type]);
    if (row->type == PARAMETER_TEXT || (row->min == 0 && row->max == 0))
        return;
    json_add_number(schema, "minimum", row->min);
    json_add_number(schema, "maximum", row->max);
}

static const struct route_parameter *row_named(const struct route *route, const char *name,
                                               size_t length) {
    for (const struct route_parameter *row = route->parameters; row && row->name; row++)
        if (strlen(row->name) == length && memcmp(row->name, name, length) == 0)
            return row;
    return NULL;
}

/* Every {name} of the pattern, described by its row if it has one. */
static void add_path_parameters(cJSON *parameters, const struct route *route, struct arena *arena) {
    for (const char *at = route->pattern; (at = strchr(at, '{')); at++) {
        size_t length = strcspn(at + 1, "}");
        const struct route_parameter *row = row_named(route, at + 1, length);
        const struct route_parameter plain = {.name = arena_strndup(arena, at + 1, length)};
        add_parameter(parameters, row ? row : &plain, true);
    }
}

static void add_parameters(cJSON *operation, const struct route *route, struct arena *arena) {
    cJSON *parameters = json_array();
    add_path_parameters(parameters, route, arena);
    for (const struct route_parameter *row = route->parameters; row && row->name; row++)
        if (!http_is_in_path(route, row->name))
            add_parameter(parameters, row, false);
    if (cJSON_GetArraySize(parameters))
        json_add(operation, "parameters", parameters);
    else
        cJSON_Delete(parameters);
}

/* ---- operations ----------------------------------------------------------------------------- */

static void add_body(cJSON *operation, const struct route *route) {
    if (route->body_max == 0)
        return;
    cJSON *body = json_add_object(operation, "requestBody");
    json_add_bool(body, "required", true);
    const char *type = route->body_type ? route->body_type : "application/octet-stream";
    cJSON *schema =
        json_add_object(json_add_object(json_add_object(body, "content"), type), "schema");
    bool json = strcmp(type, "application/json") == 0;
    json_add_text(schema, "type", json ? "object" : "string");
    if (!json)
        json_add_text(schema, "format", "binary");
}

static void add_responses(cJSON *operation) {
    cJSON *responses = json_add_object(operation, "responses");
    json_add_text(json_add_object(responses, "200"), "description", "the answer");
    add_reference(responses, "default", "#/components/responses/Error");
}

/* None, when the route is open; else one of the two ways to show the token. */
static void add_security(cJSON *operation, const struct route *route) {
    cJSON *security = json_add_array(operation, "security");
    if (route->open)
        return;
    json_add_array(json_add_object(security, NULL), "bearer");
    json_add_array(json_add_object(security, NULL), "api_key");
}

static void add_operation(cJSON *path, const struct route *route, struct arena *arena) {
    char *method = arena_strdup(arena, route->method);
    for (char *at = method; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    cJSON *operation = json_add_object(path, method);
    json_add_text(operation, "operationId", arena_printf(arena, "%s_%s", method, route->name));
    json_add_text(operation, "summary", route->summary);
    add_parameters(operation, route, arena);
    add_body(operation, route);
    add_responses(operation);
    add_security(operation, route);
}

/* ---- components ----------------------------------------------------------------------------- */

static void add_error_schema(cJSON *schemas) {
    static const char *const members[] = {"code", "message", "hint"};
    cJSON *error = json_add_object(schemas, "Error");
    json_add_text(error, "type", "object");
    cJSON *inner = json_add_object(json_add_object(error, "properties"), "error");
    json_add_text(inner, "type", "object");
    cJSON *properties = json_add_object(inner, "properties");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_add_text(json_add_object(properties, members[i]), "type", "string");
}

static void add_components(cJSON *tree) {
    cJSON *components = json_add_object(tree, "components");
    add_error_schema(json_add_object(components, "schemas"));
    cJSON *error = json_add_object(json_add_object(components, "responses"), "Error");
    json_add_text(error, "description", "what is wrong, and what to do about it");
    cJSON *content = json_add_object(json_add_object(error, "content"), "application/json");
    add_reference(content, "schema", "#/components/schemas/Error");
    cJSON *schemes = json_add_object(components, "securitySchemes");
    cJSON *bearer = json_add_object(schemes, "bearer");
    json_add_text(bearer, "type", "http");
    json_add_text(bearer, "scheme", "bearer");
    cJSON *key = json_add_object(schemes, "api_key");
    json_add_text(key, "type", "apiKey");
    json_add_text(key, "in", "header");
    json_add_text(key, "name", "X-API-KEY");
}

void openapi_print(const struct route *routes, const char *version, struct strbuf *out) {
    struct arena arena;
    arena_init(&arena);
    cJSON *tree = json_object();
    json_add_text(tree, "openapi", "3.0.3");
    cJSON *info = json_add_object(tree, "info");
    json_add_text(info, "title", "Assay");
    json_add_text(info, "version", version);
    cJSON *paths = json_add_object(tree, "paths");
    for (const struct route *route = routes; route->method; route++) {
        cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, route->pattern);
        add_operation(path ? path : json_add_object(paths, route->pattern), route, &arena);
    }
    add_components(tree);
    json_print(tree, true, out);
    strbuf_puts(out, "\n");
    cJSON_Delete(tree);
    arena_done(&arena);
}
