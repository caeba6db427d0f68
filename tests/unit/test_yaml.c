#include "base/strbuf.h"
#include "base/yaml.h"

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

static struct yaml read(const char *text) {
    struct yaml yaml;
    struct err err = {0};
    if (yaml_parse(&arena, text, strlen(text), "f.yaml", &yaml, &err))
        fail_msg("%s", err.message);
    return yaml;
}

static void refuse(const char *text, size_t size, const char *message) {
    struct yaml yaml;
    struct err err = {0};
    assert_int_equal(yaml_parse(&arena, text, size, "f.yaml", &yaml, &err), -ERR_INPUT);
    if (!strstr(err.message, message))
        fail_msg("no '%s' in '%s'", message, err.message);
}

static void scalars_follow_the_core_schema(void **state) {
    (void)state;
    struct yaml yaml = read("[~, null, true, False, yes, 12, -3, 0x1F, 0o17, 1., .5, 1e3, .inf, "
                            "-.Inf, .nan, 1.2.3, \"12\", 'true', 0x, e3, +, 2024-01-02, 5m]");
    static const enum yaml_kind kinds[] = {
        YAML_NULL,   YAML_NULL,   YAML_BOOL,   YAML_BOOL,   YAML_TEXT,   YAML_NUMBER,
        YAML_NUMBER, YAML_NUMBER, YAML_NUMBER, YAML_NUMBER, YAML_NUMBER, YAML_NUMBER,
        YAML_NUMBER, YAML_NUMBER, YAML_NUMBER, YAML_TEXT,   YAML_TEXT,   YAML_TEXT,
        YAML_TEXT,   YAML_TEXT,   YAML_TEXT,   YAML_TEXT,   YAML_TEXT};
    assert_int_equal(yaml.root->count, sizeof kinds / sizeof *kinds);
    for (uint32_t i = 0; i < yaml.root->count; i++)
        assert_int_equal(yaml.root->items[i].kind, kinds[i]);
    const struct yaml_node *items = yaml.root->items;
    assert_true(items[2].boolean && !items[3].boolean);
    assert_true(items[5].number == 12 && items[6].number == -3 && items[7].number == 31);
    assert_true(items[8].number == 15 && items[10].number == 0.5 && items[11].number == 1000);
    assert_true(isinf(items[12].number) && items[13].number < 0 && isnan(items[14].number));
}

static void values_know_their_place(void **state) {
    (void)state;
    struct yaml yaml = read("a: 1\nb:\n  - c: x\n    d: [2, 3]\n");
    const struct yaml_node *list = yaml_find(yaml.root, "b");
    const struct yaml_node *deep = yaml_find(&list->items[0], "d");
    assert_int_equal(deep->line, 4);
    assert_int_equal(deep->column, 8);
    assert_null(yaml_find(yaml.root, "c"));
    struct err err = {0};
    yaml_error(&yaml, deep, &err, "is %s", "wrong");
    assert_string_equal(err.message, "f.yaml:4:8: is wrong");
}

static void json_is_yaml(void **state) {
    (void)state;
    struct yaml yaml = read("{\"a\": [1, 2.5, \"x\\u00e9\\/\"],\n\t\"b\": {\"c\": null}}");
    const struct yaml_node *list = yaml_find(yaml.root, "a");
    assert_int_equal(list->count, 3);
    assert_string_equal(list->items[2].text, "x\xc3\xa9/");
}

static void nothing_is_null(void **state) {
    (void)state;
    assert_int_equal(read("").root->kind, YAML_NULL);
    assert_int_equal(read("# only a remark\n").root->kind, YAML_NULL);
    assert_int_equal(read("---\n...\n").root->kind, YAML_NULL);
}

static void what_is_dangerous_or_ambiguous_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: &x [1]\nb: *x\n",  "f.yaml:2:4: aliases"                   },
        {"a: 1\nb: 2\na: 3\n",  "f.yaml:3:1: the key \"a\" stands twice"},
        {"a: 1\n---\nb: 2\n",   "f.yaml:2:1: a second document"         },
        {"a: !!binary aGk=\n",  "f.yaml:1:4: tags"                      },
        {"a: !!map {b: 1}\n",   "f.yaml:1:4: tags"                      },
        {"? [1, 2]\n: 3\n",     "f.yaml:1:3: a key"                     },
        {"a: \"x\\0y\"\n",      "NUL"                                   },
        {"a: [1, 2\nb: 3\n",    "f.yaml:2"                              },
        {"a:\n  b: 1\n c: 2\n", "f.yaml:3:2"                            },
        {"a: \"open\n",         "f.yaml:"                               },
        {"a: \xff\xfe\n",       "byte 3"                                },
        {"\t- a\n",             "f.yaml:1"                              },
        {"<<: *defaults\n",     "aliases"                               },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].text, strlen(cases[i].text), cases[i].message);
}

static void limits_stop_what_is_too_deep_too_wide_or_too_long(void **state) {
    (void)state;
    struct strbuf text;
    strbuf_init(&text);
    for (int i = 0; i < 100000; i++)
        strbuf_puts(&text, "[");
    refuse(text.text, text.length, "nested deeper");
    text.length = 0;
    for (int i = 0; i < YAML_KEYS_MAX + 1; i++)
        strbuf_printf(&text, "k%d: 1\n", i);
    refuse(text.text, text.length, "f.yaml:4097:1: more keys");
    text.length = 0;
    for (int i = 0; i < YAML_NODES_MAX + 1; i++)
        strbuf_puts(&text, "- 1\n");
    refuse(text.text, text.length, "more values");
    text.length = 0;
    while (text.length <= YAML_BYTES_MAX)
        strbuf_puts(&text, "# nothing but a remark that goes on and on\n");
    refuse(text.text, text.length, "at most");
    strbuf_done(&text);
}

static void a_billion_laughs_are_refused_at_the_first(void **state) {
    (void)state;
    const char *text = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n";
    refuse(text, strlen(text), "f.yaml:2:8: aliases");
}

static void an_unknown_key_gets_a_suggestion(void **state) {
    (void)state;
    static const char *const known[] = {"memory", "cpus", NULL};
    struct yaml yaml = read("cpus: 1\nmemroy: 2\n");
    struct err err = {0};
    assert_int_equal(yaml_only(&yaml, yaml.root, known, &err), -ERR_INPUT);
    assert_string_equal(err.message, "f.yaml:2:9: \"memroy\" is no key that is known here");
    assert_string_equal(err.hint, "did you mean \"memory\"?");
    err = (struct err){0};
    yaml = read("[1]");
    assert_int_equal(yaml_only(&yaml, yaml.root, known, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "expected a mapping, found a list"));
}

static void members_are_read_with_their_units(void **state) {
    (void)state;
    struct yaml yaml = read("a: 500m\nb: 2.5\nc: 1Gi\nd: 512MiB\ne: 7\nf: x\ng: 1.5\nh:\ni: -1\n");
    struct err err = {0};
    double value = 0;
    uint32_t count = 9;
    assert_int_equal(yaml_get_cpus(&yaml, yaml.root, "a", &value, &err), 0);
    assert_true(value == 0.5);
    assert_int_equal(yaml_get_cpus(&yaml, yaml.root, "b", &value, &err), 0);
    assert_true(value == 2.5);
    assert_int_equal(yaml_get_bytes(&yaml, yaml.root, "c", &value, &err), 0);
    assert_true(value == 1073741824.0);
    assert_int_equal(yaml_get_bytes(&yaml, yaml.root, "d", &value, &err), 0);
    assert_true(value == 512 * 1048576.0);
    assert_int_equal(yaml_get_count(&yaml, yaml.root, "h", 1, 9, &count, &err), 0);
    assert_int_equal(count, 9); /* absent or null: as it was */
    assert_int_equal(yaml_get_count(&yaml, yaml.root, "g", 1, 9, &count, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "f.yaml:7:4: g: expected a whole number"));
    err = (struct err){0};
    assert_int_equal(yaml_get_bytes(&yaml, yaml.root, "f", &value, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "f.yaml:6:4: f: expected a size such as 32GiB"));
    err = (struct err){0};
    assert_int_equal(yaml_get_number(&yaml, yaml.root, "i", 0, 10, &value, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "from 0 to 10, found \"-1\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scalars_follow_the_core_schema, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(values_know_their_place, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(json_is_yaml, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(nothing_is_null, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(what_is_dangerous_or_ambiguous_is_refused_with_its_place,
                                        fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(limits_stop_what_is_too_deep_too_wide_or_too_long,
                                        fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_billion_laughs_are_refused_at_the_first, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(an_unknown_key_gets_a_suggestion, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(members_are_read_with_their_units, fresh_arena, drop_arena),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
