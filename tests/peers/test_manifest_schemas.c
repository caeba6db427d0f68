/* Manifests with everything in them that a plan may ask for, held against the schemas of
 * tests/schemas by a validator of JSON Schemas. */
#include "base/file.h"
#include "tests/unit/manifest_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PYTHON "/usr/bin/python3"

static void needs_validator(void) {
    if (system(PYTHON " -c 'import jsonschema, yaml' 2>/dev/null") == 0)
        return;
    print_message("skip: " PYTHON " has no jsonschema and yaml\n");
    skip();
}

static const char *make_folder(struct arena *arena) {
    char *folder = arena_strdup(arena, "/tmp/assay-manifests-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

/* Writes what has a schema, checks it and removes it. */
static int check(struct arena *arena, const struct manifests *made, const char *version) {
    const char *folder = make_folder(arena);
    const char *command = arena_printf(
        arena, PYTHON " tests/schemas/check.py tests/schemas/%s:tests/schemas/custom", version);
    struct err err = {0};
    for (uint32_t i = 0; i < made->count; i++) {
        const struct manifest_text *file = &made->files[i];
        if (strcmp(file->path, "kustomization.yaml") == 0 || strchr(file->path, '/'))
            continue;
        const char *path = arena_printf(arena, "%s/%s", folder, file->path);
        assert_int_equal(file_replace(path, file->text.text, file->text.length, &err), 0);
        command = arena_printf(arena, "%s %s", command, path);
    }
    int code = system(command);
    assert_int_equal(system(arena_printf(arena, "rm -r %s", folder)), 0);
    return code;
}

static void a_plan_with_everything_matches_the_schemas(void **state) {
    (void)state;
    static const struct manifest_label labels[] = {
        {"node.kubernetes.io/instance-type", "c6i.2xlarge"},
        {"topology.kubernetes.io/zone",      "1"          }
    };
    static const struct manifest_node nodes[] = {
        {"c6i.2xlarge", 3, 8,   16384 * MIB, labels, 2},
        {"small",       1, 0.5, 4096 * MIB,  labels, 1}
    };
    needs_validator();
    for (int i = 0; i < AUTOSCALER_COUNT; i++) {
        struct arena arena;
        struct manifests made;
        struct err err = {0};
        struct manifest_input input = manifest_sample();
        struct manifest_settings settings = manifest_usual();
        arena_init(&arena);
        input.nodes = nodes;
        input.node_count = 2;
        input.replicas = 22;
        input.extra_replicas = 2;
        settings.namespace = "models";
        settings.autoscaler = (enum manifest_autoscaler)i;
        assert_int_equal(manifests_make(&arena, &input, &settings, &made, &err), 0);
        assert_int_equal(check(&arena, &made, "1.28"), 0);
        assert_int_equal(check(&arena, &made, "1.36"), 0);
        manifests_done(&made);
        arena_done(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_with_everything_matches_the_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
