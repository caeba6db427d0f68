/* The document says what the rows say. */
#include "base/json.h"
#include "server/http/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct route_parameter parameters[] = {
    {"model", PARAMETER_TEXT, false, 0, 0, "which model"},
    {"rate",  PARAMETER_NUMBER, true, 0, 1e6, "requests a second"},
    {"n",      PARAMETER_INTEGER, false, 0, 0, "a count"},
    {0      },
};

static const struct route routes[] = {
    {.method = "GET",
     .pattern = "/models/{model}/replicas",
     .name = "replicas",
     .summary = "how many",
     .parameters = parameters},
    {.method = "POST",
     .pattern = "/models/{model}/replicas",
     .name = "tell",
     .summary = "told",
     .body_max = 100,
     .body_type = "application/json"},
    {.method = "GET", .pattern = "/healthz", .name = "healthz", .summary = "health", .open = true},
    {0        },
};

struct fixture {
    struct strbuf text;
    cJSON *tree;
};

static int begin(void **state) {
    static struct fixture at;
    struct err err = {0};
    strbuf_init(&at.text);
    openapi_print(routes, "1.2.3", &at.text);
    at.tree = json_parse(at.text.text, at.text.length, "openapi", &err);
    assert_non_null(at.tree);
    *state = &at;
    return 0;
}

static int end(void **state) {
    struct fixture *at = *state;
    cJSON_Delete(at->tree);
    strbuf_done(&at->text);
    return 0;
}

/* Keys and indices separated by blanks. */
static const cJSON *at_path(const cJSON *tree, const char *path) {
    char words[200];
    snprintf(words, sizeof words, "%s", path);
    for (char *rest, *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        tree = cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, atoi(word))
                                   : cJSON_GetObjectItemCaseSensitive(tree, word);
        if (!tree)
            fail_msg("no %s of %s", word, path);
    }
    return tree;
}

static void is(const cJSON *tree, const char *path, const char *expected) {
    assert_string_equal(cJSON_GetStringValue(at_path(tree, path)), expected);
}

static void methods_of_a_path_stand_together(void **state) {
    const cJSON *tree = ((struct fixture *)*state)->tree;
    is(tree, "openapi", "3.0.3");
    is(tree, "info version", "1.2.3");
    assert_int_equal(cJSON_GetArraySize(at_path(tree, "paths")), 2);
    is(tree, "paths /models/{model}/replicas get operationId", "get_replicas");
    is(tree, "paths /models/{model}/replicas post operationId", "post_tell");
}

static void parameters_are_of_the_path_or_the_query(void **state) {
    const cJSON *list =
        at_path(((struct fixture *)*state)->tree, "paths /models/{model}/replicas get parameters");
    assert_int_equal(cJSON_GetArraySize(list), 3);
    is(list, "0 name", "model");
    is(list, "0 in", "path");
    is(list, "0 description", "which model");
    assert_true(cJSON_IsTrue(at_path(list, "0 required")));
    is(list, "1 in", "query");
    is(list, "1 schema type", "number");
    assert_true(cJSON_GetNumberValue(at_path(list, "1 schema maximum")) == 1e6);
    assert_true(cJSON_IsTrue(at_path(list, "1 required")));
    is(list, "2 schema type", "integer");
    assert_null(cJSON_GetObjectItem(at_path(list, "2 schema"), "minimum"));
    /* A name of the pattern without a row is described too. */
    is(((struct fixture *)*state)->tree, "paths /models/{model}/replicas post parameters 0 name",
       "model");
}

static void bodies_and_rights_are_told(void **state) {
    const cJSON *tree = ((struct fixture *)*state)->tree;
    is(tree, "paths /models/{model}/replicas post requestBody content application/json schema type",
       "object");
    assert_int_equal(
        cJSON_GetArraySize(at_path(tree, "paths /models/{model}/replicas get security")), 2);
    assert_int_equal(cJSON_GetArraySize(at_path(tree, "paths /healthz get security")), 0);
    is(tree, "components securitySchemes api_key name", "X-API-KEY");
}

/* Every $ref leads somewhere. */
static void check_references(const cJSON *root, const cJSON *tree) {
    const cJSON *child;
    cJSON_ArrayForEach(child, tree) {
        if (child->string && strcmp(child->string, "$ref") == 0) {
            char path[200];
            snprintf(path, sizeof path, "%s", child->valuestring + 2);
            for (char *slash = path; (slash = strchr(slash, '/'));)
                *slash = ' ';
            at_path(root, path);
        }
        check_references(root, child);
    }
}

static void references_lead_somewhere(void **state) {
    const cJSON *tree = ((struct fixture *)*state)->tree;
    check_references(tree, tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(methods_of_a_path_stand_together),
        TEST(parameters_are_of_the_path_or_the_query),
        TEST(bodies_and_rights_are_told),
        TEST(references_lead_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
