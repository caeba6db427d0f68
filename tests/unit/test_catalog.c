#include "jobs/catalog.h"
#include "jobs/pods_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GIB 1073741824.0
#define MIB 1048576.0

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

static struct catalog read(const char *text) {
    struct catalog catalog;
    struct err err = {0};
    if (catalog_parse(&arena, text, strlen(text), "n.yaml", &catalog, &err))
        fail_msg("%s", err.message);
    return catalog;
}

static void the_example_is_read(void **state) {
    (void)state;
    struct catalog catalog;
    struct err err = {0};
    assert_int_equal(catalog_read(&arena, "docs/examples/nodes.yaml", &catalog, &err), 0);
    assert_int_equal(catalog.count, 5);
    const struct node_type *small = &catalog.types[0], *spot = &catalog.types[2];
    assert_string_equal(small->name, "small");
    assert_true(small->cpus == 4 && small->memory_bytes == 16 * GIB && small->usd_per_hour == 0.2);
    assert_string_equal(small->price_date, "2025-01-01");
    assert_string_equal(small->price_source, "example");
    assert_int_equal(small->label_count, 2);
    assert_string_equal(small->labels[1].key, "topology.kubernetes.io/zone");
    assert_true(fabs(small->daemonset_cpus - 0.15) < 1e-12);
    assert_true(small->daemonset_memory_bytes == 192 * MIB && small->daemonset_pods == 2);
    assert_true(spot->spot && spot->interruptions_per_hour == 0.02 && spot->limit == 10);
    assert_int_equal(catalog.types[4].gpus, 4);
}

static void entries_overrule_what_they_inherit(void **state) {
    (void)state;
    struct catalog catalog =
        read("reserve: eks\npods: 58\nprice_source: list\ndaemonsets: {cpus: 1}\nnodes:\n"
             "  - {name: a, cpus: 2, memory: 4Gi}\n"
             "  - {name: b, cpus: 2, memory: 4Gi, reserve: none, pods: 9, price_source: mine, "
             "daemonsets: []}\n");
    const struct node_type *a = &catalog.types[0], *b = &catalog.types[1];
    assert_string_equal(a->reserve, "eks");
    assert_string_equal(b->reserve, "none");
    assert_true(a->pods_max == 58 && b->pods_max == 9);
    assert_string_equal(a->price_source, "list");
    assert_string_equal(b->price_source, "mine");
    assert_true(a->daemonset_cpus == 1 && b->daemonset_cpus == 0 && b->daemonset_pods == 0);
    assert_true(isnan(a->usd_per_hour));
}

static void json_is_a_catalogue_too(void **state) {
    (void)state;
    struct catalog catalog = read("{\"nodes\": [{\"name\": \"a\", \"cpus\": 2, "
                                  "\"memory\": 4294967296, \"price\": 0.1}]}");
    assert_true(catalog.types[0].memory_bytes == 4 * GIB);
    assert_string_equal(catalog.types[0].reserve, "gke");
}

static void what_is_wrong_is_told_with_its_place(void **state) {
    (void)state;
#define NODE "nodes:\n  - {name: a, cpus: 2, memory: 4Gi"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                                              "n.yaml:1:1: expected a mapping"       },
        {"nodes: []\n",                                   "n.yaml:1:8: expected nodes: with"     },
        {"nods: []\n",                                    "n.yaml:1:7: \"nods\" is no key"       },
        {"nodes:\n  - {cpus: 2, memory: 4Gi}\n",          "n.yaml:2:5: a node needs a name"      },
        {"nodes:\n  - {name: a, memory: 4Gi}\n",          "a node needs cpus above 0"            },
        {"nodes:\n  - {name: a, cpus: 2}\n",              "a node needs memory above 0"          },
        {"nodes:\n  - {name: a, cpus: 0, memory: 4Gi}\n", "a node needs cpus above 0"            },
        {"nodes:\n  - {name: a, cpus: x, memory: 4Gi}\n", "n.yaml:2:21: cpus: expected CPUs"     },
        {NODE ", price: cheap}\n",                        "price: expected a number"             },
        {NODE ", price: -1}\n",                           "price: expected a number"             },
        {NODE ", price: .nan}\n",                         "price: expected a number"             },
        {NODE ", reserve: oke}\n",                        "reserve: expected gke, eks, aks"      },
        {NODE ", gpus: 1.5}\n",                           "gpus: expected a whole number"        },
        {NODE ", limit: 0}\n",                            "limit: expected a number from 1"      },
        {NODE ", spot: maybe}\n",                         "spot: expected true or false"         },
        {NODE ", interruption_rate_per_hour: 1}\n",       "only a spot node"                     },
        {NODE ", labels: [a]}\n",                         "labels: expected a mapping"           },
        {NODE ", price_date: yesterday}\n",               "price_date: expected a day"           },
        {NODE ", price_date: 2025-13-01}\n",              "price_date: expected a day"           },
        {NODE "}\n  - {name: a, cpus: 1, memory: 1Gi}\n", "n.yaml:3:5: two nodes are named \"a\""},
        {"currency: EUR\n" NODE "}\n",                    "currency: prices are in USD"          },
        {"daemonsets: {cpu: 1}\n" NODE "}\n",             "\"cpu\" is no key"                    },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct catalog catalog;
        struct err err = {0};
        assert_int_equal(
            catalog_parse(&arena, cases[i].text, strlen(cases[i].text), "n.yaml", &catalog, &err),
            -ERR_INPUT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("no '%s' in '%s'", cases[i].message, err.message);
    }
}

/* ---- pods ------------------------------------------------------------------------------------ */

static void check_pods(const struct pods_file *pods) {
    assert_int_equal(pods->count, 2);
    assert_string_equal(pods->kinds[0].name, "a");
    assert_true(pods->kinds[0].count == 3 && pods->kinds[0].cpus == 0.5);
    assert_true(pods->kinds[0].memory_bytes == 2 * GIB && pods->kinds[0].gpus == 0);
    assert_true(pods->kinds[1].count == 1 && pods->kinds[1].gpus == 1);
}

static void pods_are_read_as_yaml_and_as_csv(void **state) {
    (void)state;
    static const char yaml[] = "- {name: a, count: 3, cpus: 500m, memory: 2Gi}\n"
                               "- {name: b, cpus: 2, memory: 1GiB, gpus: 1}\n";
    static const char csv[] = "memory, name,cpus,gpus,count\r\n"
                              "2Gi,a,500m,,3\n"
                              "# a remark\n\n"
                              "1GiB,b,2,1";
    struct pods_file pods;
    struct err err = {0};
    assert_int_equal(pods_file_parse_yaml(&arena, yaml, strlen(yaml), "p", &pods, &err), 0);
    check_pods(&pods);
    assert_int_equal(pods_file_parse_csv(&arena, csv, strlen(csv), "p", &pods, &err), 0);
    check_pods(&pods);
}

static void wrong_pods_are_told_with_their_line(void **state) {
    (void)state;
    static const struct {
        bool csv;
        const char *text, *message;
    } cases[] = {
        {false, "",                                 "p:1:1: expected a list of pods"         },
        {false, "- {name: a}\n",                    "p:1:3: a pod needs cpus, memory or gpus"},
        {false, "- {cpus: 1}\n",                    "a pod needs a name"                     },
        {false, "- {name: a, cpus: 1, count: 0}\n", "count: expected a number from 1"        },
        {false, "pod: []\n",                        "\"pod\" is no key"                      },
        {true,  "",                                 "p: no pods"                             },
        {true,  "name,cpus\n",                      "p: no pods"                             },
        {true,  "name,cpu\na,1\n",                  "p:1: \"cpu\" is no column"              },
        {true,  "name,name\na,1\n",                 "p:1: a column stands twice"             },
        {true,  "name,cpus\na,1,2\n",               "p:2: more cells"                        },
        {true,  "name,cpus\n\na,much\n",            "p:3: cpus"                              },
        {true,  "name,cpus\na,-1\n",                "p:2: cpus"                              },
        {true,  "name,cpus\n\"a\",1\n",             "p:2: a quote"                           },
        {true,  "name,cpus,count\na,1,0\n",         "p:2: count"                             },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pods_file pods;
        struct err err = {0};
        int rc = (cases[i].csv ? pods_file_parse_csv : pods_file_parse_yaml)(
            &arena, cases[i].text, strlen(cases[i].text), "p", &pods, &err);
        assert_int_equal(rc, -ERR_INPUT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("no '%s' in '%s'", cases[i].message, err.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_example_is_read, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(entries_overrule_what_they_inherit, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(json_is_a_catalogue_too, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_with_its_place, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(pods_are_read_as_yaml_and_as_csv, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(wrong_pods_are_told_with_their_line, fresh_arena,
                                        drop_arena),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
