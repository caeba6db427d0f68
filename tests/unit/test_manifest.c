#include "reports/manifest_name.h"
#include "reports/manifest_parts.h"
#include "tests/unit/manifest_sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int fresh_arena(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int drop_arena(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct manifests make(const struct manifest_input *input,
                             const struct manifest_settings *settings) {
    struct manifests made;
    struct err err = {0};
    if (manifests_make(&arena, input, settings, &made, &err))
        fail_msg("%s", err.message);
    return made;
}

static const char *text_of(const struct manifests *made, const char *path) {
    for (uint32_t i = 0; i < made->count; i++)
        if (strcmp(made->files[i].path, path) == 0)
            return made->files[i].text.text;
    return NULL;
}

static void expect_text(const struct manifests *made, const char *path, const char *part) {
    const char *text = text_of(made, path);
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("%s has no '%s':\n%s", path, part, text);
}

static void names_become_labels_and_stay_apart(void **state) {
    (void)state;
    static const char *const names[] = {"a.b",
                                        "a_b",
                                        "a/b",
                                        "A-b",
                                        "a--b.",
                                        "1ab",
                                        "",
                                        "-",
                                        "\n",
                                        "kind: Pod",
                                        "\xc3\xa9t\xc3\xa9",
                                        "../../etc"};
    enum { COUNT = sizeof names / sizeof *names };
    const char *made[COUNT];
    assert_string_equal(service_name_of(&arena, "resnet50-v2"), "resnet50-v2");
    for (size_t i = 0; i < COUNT; i++) {
        made[i] = service_name_of(&arena, names[i]);
        assert_true(is_service_name(made[i], MANIFEST_NAME_MAX));
        assert_string_equal(made[i], service_name_of(&arena, names[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(made[i], made[j]);
    }
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(strlen(service_name_of(&arena, longest)), MANIFEST_NAME_MAX);
}

static void a_model_is_one_segment_of_the_url(void **state) {
    (void)state;
    assert_string_equal(url_segment(&arena, "a-B.c_~1"), "a-B.c_~1");
    assert_string_equal(url_segment(&arena, "a/b?c#d e%\xc3\xa9"), "a%2Fb%3Fc%23d%20e%25%C3%A9");
}

/* What a HorizontalPodAutoscaler does, step by step, with its tolerance of 10 %. */
static uint64_t settled(uint64_t wanted, uint64_t running, double target, uint64_t most) {
    for (int i = 0; i < 100; i++) {
        double ratio = (double)wanted / (target * (double)running);
        if (ratio >= 0.9 && ratio <= 1.1)
            break;
        running = (uint64_t)fmin(ceil((double)wanted / target), (double)most);
    }
    return running;
}

static void an_hpa_ends_with_what_was_planned_wherever_it_begins(void **state) {
    (void)state;
    struct manifest_settings settings = manifest_usual();
    assert_int_equal(settled(110, 100, 1, 200), 100); /* what the head-room is for */
    for (uint64_t replicas = 1; replicas < 300; replicas++) {
        struct manifest_input input = manifest_sample();
        struct manifest_numbers numbers;
        input.replicas = replicas;
        manifest_numbers_of(&input, &settings, &numbers);
        assert_int_equal(numbers.shortfall > 0, replicas > 10);
        double target = numbers.shortfall ? 0.909 : 1;
        for (uint64_t running = 1; running <= numbers.replicas_max; running++)
            assert_true(settled(replicas, running, target, numbers.replicas_max) >= replicas);
    }
}

static void from_1_35_on_no_head_room_is_added(void **state) {
    (void)state;
    struct manifest_settings settings = manifest_usual();
    struct manifest_input input = manifest_sample();
    input.replicas = 110;
    settings.autoscaler = AUTOSCALER_HPA;
    struct manifests made = make(&input, &settings);
    expect_text(&made, "hpa.yaml", "maxReplicas: 120\n");
    expect_text(&made, "hpa.yaml", "averageValue: \"909m\"\n");
    expect_text(&made, "hpa.yaml", "110 are planned; 10 more because");
    assert_null(strstr(text_of(&made, "hpa.yaml"), "tolerance"));
    manifests_done(&made);
    settings.kubernetes = "1.35";
    made = make(&input, &settings);
    expect_text(&made, "hpa.yaml", "maxReplicas: 110\n");
    expect_text(&made, "hpa.yaml", "averageValue: \"1\"\n");
    expect_text(&made, "hpa.yaml", "tolerance: \"0\"\n");
    manifests_done(&made);
}

static void resources_are_what_the_plan_packs(void **state) {
    (void)state;
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    struct manifests made = make(&input, &settings);
    expect_text(&made, "deployment.yaml",
                "requests:\n              cpu: \"2\"\n"
                "              memory: \"256Mi\"\n");
    expect_text(&made, "deployment.yaml",
                "limits:\n              cpu: \"2\"\n"
                "              memory: \"256Mi\"\n");
    expect_text(&made, "vpa.yaml", "minAllowed:\n          memory: \"190Mi\"\n");
    expect_text(&made, "vpa.yaml", "maxAllowed:\n          memory: \"256Mi\"\n");
    expect_text(&made, "deployment.yaml", "replicas: 5\n");
    expect_text(&made, "deployment.yaml", "terminationGracePeriodSeconds: 32\n");
    /* 25 s at most, every 3 s, and three times as long. */
    expect_text(&made, "deployment.yaml", "periodSeconds: 3\n            failureThreshold: 25\n");
    manifests_done(&made);
}

static void an_unknown_cold_start_is_said_and_waited_for(void **state) {
    (void)state;
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    input.cold_start_ns = estimate_refused();
    struct manifests made = make(&input, &settings);
    expect_text(&made, "deployment.yaml", "The cold start is not known");
    expect_text(&made, "deployment.yaml", "periodSeconds: 10\n            failureThreshold: 30\n");
    manifests_done(&made);
}

static void a_scaler_that_fails_never_means_zero(void **state) {
    (void)state;
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    struct manifests made = make(&input, &settings);
    expect_text(&made, "scaledobject.yaml", "minReplicaCount: 1\n");
    expect_text(&made, "scaledobject.yaml", "failureThreshold: 3\n    replicas: 5\n");
    expect_text(&made, "scaledobject.yaml",
                "url: \"http://assay:9808/v1/models/resnet50/replicas?slo_p99_ms=50\"\n");
    expect_text(&made, "scaledobject.yaml", "valueLocation: replicas\n");
    manifests_done(&made);
}

static void one_autoscaler_is_written_and_listed(void **state) {
    (void)state;
    static const char *const paths[] = {"scaledobject.yaml", "hpa.yaml"};
    for (int chosen = 0; chosen < AUTOSCALER_COUNT; chosen++) {
        struct manifest_input input = manifest_sample();
        struct manifest_settings settings = manifest_usual();
        settings.autoscaler = (enum manifest_autoscaler)chosen;
        struct manifests made = make(&input, &settings);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(text_of(&made, paths[i]) != NULL, i == chosen);
            const char *list = text_of(&made, "kustomization.yaml");
            assert_int_equal(strstr(list, paths[i]) != NULL, i == chosen);
        }
        manifests_done(&made);
    }
}

static void the_evidence_begins_every_file(void **state) {
    (void)state;
    static const char *const evidence[] = {"assay plan resnet50.onnx",
                                           "resnet50, sha256 c0ffee",
                                           "a machine, fingerprint f00d",
                                           "fitted, fit:7",
                                           "with 5, p99 is 48.0 ms (within 50.0 ms)",
                                           "with 4, p99 is without end (beyond 50.0 ms)"};
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    struct manifests made = make(&input, &settings), again = make(&input, &settings);
    for (uint32_t i = 0; i < made.count; i++) {
        const char *text = made.files[i].text.text;
        assert_memory_equal(text, manifest_mark, strlen(manifest_mark));
        assert_string_equal(text, again.files[i].text.text);
        for (size_t j = 0; j < sizeof evidence / sizeof *evidence; j++)
            expect_text(&made, made.files[i].path, evidence[j]);
    }
    manifests_done(&made);
    manifests_done(&again);
}

static void extra_replicas_are_spread_and_kept(void **state) {
    (void)state;
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    struct manifests made = make(&input, &settings);
    assert_null(strstr(text_of(&made, "deployment.yaml"), "topologySpreadConstraints"));
    manifests_done(&made);
    input.replicas = 7;
    input.extra_replicas = 2;
    made = make(&input, &settings);
    expect_text(&made, "deployment.yaml", "topologyKey: kubernetes.io/hostname\n");
    expect_text(&made, "deployment.yaml", "2 of them for nodes that fail");
    expect_text(&made, "scaledobject.yaml", "minReplicaCount: 3\n");
    manifests_done(&made);
}

static void pods_go_to_the_planned_nodes_when_all_can_be_told(void **state) {
    (void)state;
    static const struct manifest_label large = {"node.kubernetes.io/instance-type", "c6i.2xlarge"};
    struct manifest_node nodes[] = {
        {"large",   3, 8, 16384 * MIB, &large, 1},
        {"unnamed", 1, 2, 4096 * MIB,  NULL,   0}
    };
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    input.nodes = nodes;
    input.node_count = 2;
    input.usd_per_hour = 1.14;
    input.price_date = "2026-10-01";
    input.price_source = "prices.csv";
    struct manifests made = make(&input, &settings);
    assert_null(strstr(text_of(&made, "deployment.yaml"), "nodeAffinity"));
    assert_null(text_of(&made, "nodepool.yaml"));
    expect_text(&made, "deployment.yaml", "# Price: 1.14 USD/h, prices.csv, 2026-10-01\n");
    manifests_done(&made);
    input.node_count = 1;
    made = make(&input, &settings);
    expect_text(&made, "deployment.yaml",
                "key: node.kubernetes.io/instance-type\n"
                "                    operator: In\n"
                "                    values:\n"
                "                      - c6i.2xlarge\n");
    manifests_done(&made);
}

static void a_label_that_no_node_can_have_is_refused(void **state) {
    (void)state;
    static const struct manifest_label label = {"zone", "a b"};
    struct manifest_node node = {"large", 3, 8, 16384 * MIB, &label, 1};
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    struct manifests made;
    struct err err = {0};
    input.nodes = &node;
    input.node_count = 1;
    assert_int_equal(manifests_make(&arena, &input, &settings, &made, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "large: 'a b'"));
}

static void routing_that_a_service_lacks_is_said(void **state) {
    (void)state;
    struct manifest_input input = manifest_sample();
    struct manifest_settings settings = manifest_usual();
    input.routing = "central";
    input.routing_as_service = false;
    struct manifests made = make(&input, &settings);
    expect_text(&made, "service.yaml", "The plan holds for central routing.");
    assert_int_equal(made.note_count, 2);
    manifests_done(&made);
}

static void wrong_settings_are_refused(void **state) {
    (void)state;
    static const struct {
        struct manifest_settings settings;
        int code;
    } wrong[] = {
        {{.app = "Model"},                                          ERR_USAGE},
        {{.app = "1model"},                                         ERR_USAGE},
        {{.app = ""},                                               ERR_USAGE},
        {{.namespace = "a b"},                                      ERR_USAGE},
        {{.image = "a\nb"},                                         ERR_USAGE},
        {{.image = ""},                                             ERR_USAGE},
        {{.server_url = "assay:9808"},                              ERR_USAGE},
        {{.server_url = "http://a/"},                               ERR_USAGE},
        {{.server_url = "http://a b"},                              ERR_USAGE},
        {{.server_url = "http://a\"\nb"},                           ERR_USAGE},
        {{.kubernetes = "1.22"},                                    ERR_USAGE},
        {{.kubernetes = "latest"},                                  ERR_USAGE},
        {{.kubernetes = "1.30.1"},                                  ERR_USAGE},
        {{.autoscaler = AUTOSCALER_HPA, .command = "a model name"}, ERR_INPUT},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct manifest_settings settings = wrong[i].settings, fallback = manifest_usual();
        struct manifest_input input = manifest_sample();
        struct manifests made;
        struct err err = {0};
        if (settings.command)
            input.model = settings.command;
        settings.command = fallback.command;
        settings.server_url = settings.server_url ? settings.server_url : fallback.server_url;
        settings.kubernetes = settings.kubernetes ? settings.kubernetes : fallback.kubernetes;
        assert_int_equal(manifests_make(&arena, &input, &settings, &made, &err), -wrong[i].code);
    }
}

static void nothing_is_made_without_memory_or_replicas(void **state) {
    (void)state;
    struct manifest_settings settings = manifest_usual();
    struct manifest_input no_memory = manifest_sample(), no_replicas = manifest_sample();
    struct manifests made;
    struct err err = {0};
    no_memory.memory_bytes = NAN;
    no_replicas.replicas = 0;
    assert_int_equal(manifests_make(&arena, &no_memory, &settings, &made, &err), -ERR_INPUT);
    assert_int_equal(manifests_make(&arena, &no_replicas, &settings, &made, &err), -ERR_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_arena, drop_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_become_labels_and_stay_apart),
        TEST(a_model_is_one_segment_of_the_url),
        TEST(an_hpa_ends_with_what_was_planned_wherever_it_begins),
        TEST(from_1_35_on_no_head_room_is_added),
        TEST(resources_are_what_the_plan_packs),
        TEST(an_unknown_cold_start_is_said_and_waited_for),
        TEST(a_scaler_that_fails_never_means_zero),
        TEST(one_autoscaler_is_written_and_listed),
        TEST(the_evidence_begins_every_file),
        TEST(extra_replicas_are_spread_and_kept),
        TEST(pods_go_to_the_planned_nodes_when_all_can_be_told),
        TEST(a_label_that_no_node_can_have_is_refused),
        TEST(routing_that_a_service_lacks_is_said),
        TEST(wrong_settings_are_refused),
        TEST(nothing_is_made_without_memory_or_replicas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
